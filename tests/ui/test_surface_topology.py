"""From a surface on the screen to its topology: with the model a question of the same fields, without it the answer at once."""

import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "export"))
import others

from landscape_gui import app
from landscape_gui.probes import PROBES
from landscape_gui.results import AxesReport, Quantity, SurfaceResult, freeze
from landscape_gui.topology_results import TopologyResult
from landscape_gui.ui.documents import Document, Shown
from landscape_gui.ui.library import children
from landscape_gui.ui.surface_topology import WORDS, ask_topology, can_ask


@pytest.fixture
def services(services):
    return dataclasses.replace(services, probes=app.probes, read=app.read_answer, is_answer=app.is_answer)


def shown(window, kind):
    return window.session.shown is not None and isinstance(window.session.shown.result, kind)


def entry(window, row):
    return next(action for action in window.library.menu_of(row).actions() if action.text() == WORDS)


def test_a_surface_without_its_model_has_a_topology(qtbot, window, tmp_path):
    others.reference_surface(tmp_path / "surface.h5")
    window.session.open([str(tmp_path / "surface.h5")])
    qtbot.waitUntil(lambda: shown(window, SurfaceResult), timeout=20000)
    top = window.library.tree.topLevelItem(0)
    assert entry(window, top).isEnabled()
    entry(window, top).trigger()
    qtbot.waitUntil(lambda: shown(window, TopologyResult), timeout=20000)
    assert not window.messages.texts
    top = window.library.tree.topLevelItem(0)
    assert [child.text(0) for child in children(top)] == ["surface.h5", "Topology"]
    assert not entry(window, top).isEnabled(), "what is shown is no surface"
    for view in ("chart", "2d", "3d"):
        window.stage.set_view(view)
        qtbot.waitUntil(lambda: window.stage.figure is not None, timeout=5000)
        assert len(window.stage.figure.panels) == (2 if view == "chart" else 3)
    window.library._chosen(children(top)[0])
    qtbot.waitUntil(lambda: shown(window, SurfaceResult), timeout=5000)


def test_a_line_has_none(qtbot, window, tmp_path):
    others.line(tmp_path / "line.json")
    window.session.open([str(tmp_path / "line.json")])
    qtbot.waitUntil(lambda: window.session.shown is not None, timeout=20000)
    assert not entry(window, window.library.tree.topLevelItem(0)).isEnabled()


def surface(computed=True):
    axes = AxesReport(kind="filter", labels=("one", "other"), norms=freeze([1, 1]), cosines=freeze(np.eye(2)))
    quantity = Quantity(name="train_loss", label="training loss", values=freeze(np.eye(3)))
    where = freeze(np.full((3, 3), computed), bool)
    return SurfaceResult(x=freeze([0, 1, 2]), y=freeze([0, 1, 2]), quantities={"train_loss": quantity}, computed=where, axes=axes)


def session_with(result, **more):
    asked = []
    document = Document(path="a.pt", state="ready", problem=SimpleNamespace())
    probe = PROBES["surface"](steps=(21, 11), seed=4, limit=100, directions="layer", draws=3)
    return SimpleNamespace(
        shown=Shown(probe=probe, result=result, document=document, **more),
        services=SimpleNamespace(probes=lambda: PROBES),
        ask=lambda question, about: asked.append((question, about)),
        asked=asked,
    )


def test_with_the_model_it_is_asked_about_the_same_surface():
    session = session_with(surface())
    assert can_ask(session, session.shown.document)
    ask_topology(session)
    ((question, about),) = session.asked
    assert about is session.shown.document and question.name == "topology"
    assert question.of == dataclasses.replace(session.shown.probe, draws=1)


def test_not_of_another_document_nor_of_a_part():
    session = session_with(surface(computed=False), partial=True)
    assert not can_ask(session, session.shown.document)
    assert not can_ask(session_with(surface()), Document(path="b.pt"))
