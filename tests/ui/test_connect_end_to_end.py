"""The real program on the two seeds: connect, train a curve, look at the model on the way, save it and open it again."""

import dataclasses

import numpy as np
import pytest

from landscape_gui import app
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.ui.connecting import Connecting
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings
from landscape_gui.ui.way import Way

SEEDS = ["samples:digits-seed-a", "samples:digits-seed-b"]


@pytest.fixture
def real(qtbot):
    session = Session(app.services(), Settings())
    yield session
    assert session.shut()


def answered(qtbot, session, count):
    qtbot.waitUntil(lambda: [i.state for i in session.inquiries] == ["done"] * count, timeout=60000)
    return session.inquiries[-1].result


def looked_at(qtbot, way, t):
    way.move(t)
    qtbot.waitUntil(lambda: way.result is not None and way.result.t == t and not way.rough, timeout=20000)
    return way.result.quantities


def test_two_seeds_are_connected_and_the_model_between_them_saved(qtbot, real, tmp_path):
    said = []
    real.said.connect(said.append)
    a, b = real.open(SEEDS, asks=False)
    connecting = Connecting(real)
    connecting.connect_models([a, b])  # they are waited for
    line = answered(qtbot, real, 1).paths["line"]
    assert line.numbers["above_line"].value > 1, "two seeds, no lucky basin"
    np.testing.assert_allclose(line.quantities["train_loss"].values[[0, -1]], [d.facts["train_loss"] for d in (a, b)], rtol=1e-5)

    connect = dataclasses.replace(real.shown.probe, path=("line", "bezier"), steps=30, points=9)
    real.ask(connect, a)
    curve = answered(qtbot, real, 2).paths["bezier"]
    assert curve.numbers["above_line"].value < 0.5 * line.numbers["above_line"].value, "after 30 steps already"

    way = Way(real)
    for name, path in (("line", line), ("bezier", curve)):
        way.follow(real.shown, name)
        half = int(np.flatnonzero(path.t == 0.5)[0])
        found = looked_at(qtbot, way, 0.5)
        for quantity in ("train_loss", "test_accuracy"):
            assert float(found[quantity].values) == pytest.approx(float(path.quantities[quantity].values[half]), rel=1e-5), name
    assert len(way.result.per_class) == 10 and len(way.result.predicted) == 360

    saved = tmp_path / "half.safetensors"
    loss = float(looked_at(qtbot, way, 0.3)["train_loss"].values)
    way.save(str(saved))
    qtbot.waitUntil(lambda: any(d.path == str(saved) and d.state == "ready" for d in real.documents), timeout=20000)
    again = next(d for d in real.documents if d.path == str(saved))
    assert again.facts["train_loss"] == pytest.approx(loss, rel=1e-5)
    assert real.current is a and [m.text for m in said if m.level == "error"] == []


def test_an_answer_of_the_library_is_gone_on_from(qtbot, real):
    a, b = real.open(SEEDS, asks=False)
    qtbot.waitUntil(lambda: all(d.state == "ready" for d in (a, b)), timeout=60000)
    connecting = Connecting(real)
    connecting.connect_models([b, a])
    answered(qtbot, real, 1)
    qtbot.waitUntil(lambda: bool(b.answers), timeout=10000)
    assert b.answers[0].title == "Connect" and b.answers[0].detail.startswith("with digits-seed-a: line")
    b.answers[0].result = None
    real.shown = None
    real.show_answer(b, b.answers[0])
    qtbot.waitUntil(lambda: real.shown is not None, timeout=10000)
    assert real.shown.probe.towards.path == str(a.problem.checkpoint.path), "the file of the digest that the answer names"
    real.ask(dataclasses.replace(real.shown.probe, path=("line", "aligned"), points=9), b)
    paths = answered(qtbot, real, 2).paths
    assert paths["aligned"].numbers["above_line"].value < paths["line"].numbers["above_line"].value


def test_another_model_typed_as_a_path_is_the_same_question(qtbot, real):
    a, b = real.open(SEEDS, asks=False)
    qtbot.waitUntil(lambda: all(d.state == "ready" for d in (a, b)), timeout=60000)
    path = str(b.problem.checkpoint.path)
    kind = app.probes()["connect"]
    for towards in (CheckpointRef(path, label="typed"), a.problem.reference(path)):
        real.ask(kind(towards=towards, points=3), a)
    results = [i.result for i in real.inquiries] if answered(qtbot, real, 2) else []
    assert results[0].names == results[1].names == ("digits-seed-a", "digits-seed-b")
    assert results[0].provenance.key == results[1].provenance.key
    assert app.way(kind(towards=CheckpointRef(path), points=3), a.problem, "line")(0.0).t == 0.0


def test_an_answer_whose_other_model_is_not_open_says_so_when_more_is_asked(qtbot, real):
    (a,) = real.open(SEEDS[:1], asks=False)
    qtbot.waitUntil(lambda: a.state == "ready", timeout=60000)
    said = []
    real.said.connect(said.append)
    real.ask(app.probes()["connect"](towards=CheckpointRef("", "0" * 32)), a)
    qtbot.waitUntil(lambda: bool(said), timeout=20000)
    assert said[0].level == "error" and "not foreseen" not in said[0].remedy
