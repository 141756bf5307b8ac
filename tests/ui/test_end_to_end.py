"""The real program on a shipped sample: open, compute, cancel, pick, measure, save, and find the answer in the store."""

import dataclasses

import numpy as np
import pytest
from bowls import shown_whole

from landscape_gui import app
from landscape_gui.ui import picked
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings

SAMPLE = "samples:digits-mlp"


@pytest.fixture
def real(qtbot):
    session = Session(app.services(), Settings())
    yield session
    assert session.shut()


def test_a_sample_is_opened_asked_measured_and_found_again(qtbot, real, tmp_path):
    said = []
    real.said.connect(said.append)
    real.open([SAMPLE], asks=False)
    qtbot.waitUntil(lambda: real.current is not None and real.current.state == "ready", timeout=60000)
    assert real.current.facts["test_accuracy"] > 0.9
    probe = app.probes()["surface"](steps=(9, 7), limit=200)
    inquiry = real.ask(probe)
    qtbot.waitUntil(lambda: inquiry.state == "done", timeout=60000)
    result = inquiry.result
    assert result.quantities["train_loss"].values.shape == (7, 9)

    real.pick(0.0, 0.0)
    with qtbot.waitSignal(real.cell_measured, timeout=60000) as told:
        picked.measure(real)
    measured = told.args[1].quantities["train_loss"]
    assert float(measured.values) == pytest.approx(real.current.facts["train_loss"], rel=1e-5)

    path = tmp_path / "centre.safetensors"
    picked.save(real, str(path))
    qtbot.waitUntil(path.exists, timeout=60000)

    again = real.ask(dataclasses.replace(probe))
    qtbot.waitUntil(lambda: again.state == "done", timeout=60000)
    np.testing.assert_array_equal(again.result.quantities["train_loss"].values, result.quantities["train_loss"].values)
    qtbot.waitUntil(lambda: any(a.key == result.provenance.key for a in real.current.answers), timeout=10000)
    assert "9 × 7" in real.current.answers[0].detail
    assert [m.text for m in said if m.level == "error"] == []


def test_a_run_is_opened_and_its_trajectory_drawn(qtbot, real):
    real.open([SAMPLE], asks=False)
    qtbot.waitUntil(lambda: real.current is not None and real.current.state == "ready", timeout=60000)
    assert len(real.current.problem.run.checkpoints) >= 30
    inquiry = real.ask(app.probes()["trajectory"](steps=(7, 5), limit=100))
    qtbot.waitUntil(lambda: inquiry.state in ("done", "failed"), timeout=60000)
    assert inquiry.state == "done", inquiry.error
    assert shown_whole(real)
    for view in ("3d", "2d", "chart"):
        assert real.figure(view=view).panels


def test_a_file_that_is_no_checkpoint_is_a_sentence(qtbot, real, tmp_path):
    said = []
    real.said.connect(said.append)
    wrong = tmp_path / "notes.txt"
    wrong.write_text("these are no weights")
    real.open([str(wrong)])
    qtbot.waitUntil(lambda: bool(said), timeout=60000)
    assert said[0].level == "error" and "notes.txt" in said[0].text
    assert "not foreseen" not in said[0].remedy
    assert real.documents == []
