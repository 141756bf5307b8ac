"""Files of other programs dropped on the window: they stand in the library, are drawn, and say what is unknown."""

import dataclasses
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

sys.path.insert(0, str(Path(__file__).parent.parent / "export"))
import others

from landscape_gui import app
from landscape_gui.connection_results import ConnectionResult, PathPlaneResult
from landscape_gui.dynamics_results import DynamicsResult
from landscape_gui.results import LineResult, SurfaceResult, TrajectoryResult
from landscape_gui.ui.library_runs import SECOND, SIGN

FILES = {
    "surface.h5": (others.reference_surface, SurfaceResult, "surface · tomgoldstein/loss-landscape (HDF5)", "waves"),
    "plane.npz": (others.plane, PathPlaneResult, "plane with a curve · dnn-mode-connectivity (plane.npz)", "waves"),
    "curve.npz": (others.curve, ConnectionResult, "curve · dnn-mode-connectivity (curve.npz)", "flow-arrow"),
    "landscape.npz": (others.landscape, SurfaceResult, "surface · Landscaper (.npz)", "waves"),
    "metrics.json": (others.metrics, DynamicsResult, "training dynamics · metrics of each epoch (JSON)", "chart-line"),
    "line.json": (others.line, LineResult, "line · a line (JSON)", "chart-line"),
}


@pytest.fixture
def services(services):
    """As the program has them where a file is an answer; checkpoints are none here."""
    return dataclasses.replace(services, probes=app.probes, read=app.read_answer, is_answer=app.is_answer)


def drop(window, *paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at, buttons, keys = QPointF(300, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(at, Qt.DropAction.CopyAction, mime, buttons, keys))


def shown_as(window, kind):
    shown = window.session.shown
    return shown is not None and isinstance(shown.result, kind)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_dropped_stands_in_the_library_and_is_drawn(qtbot, window, tmp_path, name):
    make, kind, words, sign = FILES[name]
    make(tmp_path / name)
    drop(window, tmp_path / name)
    qtbot.waitUntil(lambda: shown_as(window, kind), timeout=20000)
    qtbot.waitUntil(lambda: window.stage.figure is not None, timeout=5000)
    assert not window.messages.texts
    row = window.library.tree.topLevelItem(0)
    assert (row.text(0), row.data(0, SECOND), row.data(0, SIGN)) == (name, words, sign)
    facts = dict(window.stage.figure.facts)
    assert {facts[label] for label in ("Data", "Precision", "BatchNorm", "Model")} == {"unknown"}
    assert facts["Read from"].startswith(name)
    assert "The file does not say: " in window.stage.figure.caption


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_run_dropped_with_its_surface_is_laid_onto_it(qtbot, window, tmp_path, order):
    others.reference_surface(tmp_path / "surface.h5")
    others.projection(tmp_path / "run.h5", [-0.9, -0.3, 0.0], [1.5, 0.7, 0.0])
    paths = (tmp_path / "surface.h5", tmp_path / "run.h5")
    drop(window, *(paths[k] for k in order))
    qtbot.waitUntil(lambda: shown_as(window, TrajectoryResult), timeout=30000)
    assert [d.name for d in window.session.documents] == ["surface.h5"]
    assert window.messages.texts == ["The run of run.h5 was laid onto surface.h5."]
    assert dict(window.stage.figure.facts)["Distance off the plane"] == "unknown"


def test_a_run_is_laid_onto_the_surface_whose_name_begins_like_its_own(qtbot, window, tmp_path):
    for name in ("resnet.h5", "vgg.h5", "plain.h5"):
        others.reference_surface(tmp_path / name)
    others.projection(tmp_path / "vgg_run.h5", [0.0], [0.0])
    drop(window, *(tmp_path / name for name in ("resnet.h5", "vgg.h5", "plain.h5", "vgg_run.h5")))
    qtbot.waitUntil(lambda: shown_as(window, TrajectoryResult), timeout=40000)
    assert window.session.current.name == "vgg.h5"
    assert len(window.session.documents) == 3


def test_a_run_without_its_surface_says_what_it_needs(qtbot, window, tmp_path):
    others.projection(tmp_path / "run.h5", [0.0], [0.0])
    drop(window, tmp_path / "run.h5")
    qtbot.waitUntil(lambda: bool(window.messages.texts), timeout=20000)
    assert "holds the path of a run, and no surface" in window.messages.texts[0]
    assert not window.session.documents


def test_a_file_that_is_no_answer_after_all_is_a_sentence(qtbot, window, tmp_path):
    (tmp_path / "m.json").write_text('[{"name": "a"}]')
    drop(window, tmp_path / "m.json")
    qtbot.waitUntil(lambda: bool(window.messages.texts), timeout=20000)
    assert "neither an epoch nor an alpha" in window.messages.texts[0]


def test_a_curve_without_its_models_waits_for_nothing(qtbot, window, tmp_path):
    others.curve(tmp_path / "c.npz")
    drop(window, tmp_path / "c.npz")
    qtbot.waitUntil(lambda: shown_as(window, ConnectionResult), timeout=20000)
    panel = window.connectivity.panel
    qtbot.waitUntil(lambda: hasattr(panel, "paths") and panel.paths.count() > 0, timeout=5000)
    assert panel.paths.count() == 1
    assert panel.distance.text().startswith("distance unknown")
