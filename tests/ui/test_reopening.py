"""An exported figure dropped on the window: its checkpoint, its answer, the same look, and whether it is the same."""

import dataclasses
import os

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication

from landscape_gui import app
from landscape_gui.comparison_figure import comparison_figure
from landscape_gui.export import export
from landscape_gui.figure import Camera, Look
from landscape_gui.jobs import answer
from landscape_gui.model_comparison import compared
from landscape_gui.page_setup import PageSetup
from landscape_gui.probes import Report, Surface
from landscape_gui.problem import open_problem
from landscape_gui.store import Store

LOOK = Look(view="3d", scale="log", colour_map="magma", camera=Camera(azimuth=40, elevation=50))


@pytest.fixture
def services(services):
    """As the program has them."""
    return dataclasses.replace(
        services, opener=app.open_problem, answerer=app.answer, probes=app.probes, stored=app.stored, fetch=app.fetch,
        read=app.read_answer, is_answer=app.is_answer, reopen=app.reopen, is_figure=app.is_figure,
    )  # fmt: skip


@pytest.fixture
def printed(tmp_path):
    """A figure of the sample, and the answer in the store that it shows."""
    result = answer(Surface(steps=(5, 5), limit=50), open_problem("samples:digits-mlp"), store=Store())
    return export(Surface().figure(result, LOOK), tmp_path / "figure.png", PageSetup(dpi=40)), result


def drop(window, path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    at, buttons, keys = QPointF(300, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(at, Qt.DropAction.CopyAction, mime, buttons, keys))


def said(window, words):
    return any(words in text for text in window.messages.texts)


def test_a_figure_shows_its_answer_as_on_paper(qtbot, window, printed):
    path, result = printed
    drop(window, path)
    qtbot.waitUntil(lambda: said(window, "the same to the bit"), timeout=20000)
    session = window.session
    assert [os.path.basename(d.path) for d in session.documents] == ["epoch-040.safetensors"]
    assert session.documents[0].problem is not None
    assert session.shown.result.provenance.key == result.provenance.key
    assert (session.look.scale, session.look.colour_map) == ("log", "magma")
    qtbot.waitUntil(lambda: window.stage.figure is not None, timeout=5000)
    assert window.stage.view == "3d" and window.stage.canvas3d.camera.elevation == pytest.approx(50)


def test_a_comparison_opens_its_models(qtbot, window, tmp_path):
    paths = [f"samples:digits-mlp/epoch-{epoch:03}.safetensors" for epoch in (3, 12, 40)]
    asked = Report(limit=32, top=1, steps=2, probes=1, budget=4, points=1, bound=False)
    reports = [answer(asked, open_problem(path), store=Store()) for path in paths]
    path = export(comparison_figure(compared(reports, columns=("loss_gap", "lambda_max"))), tmp_path / "c.png", PageSetup(dpi=40))
    drop(window, path)
    qtbot.waitUntil(lambda: said(window, "c.png: 3 of 3 answers are the same to the bit. c.png compares these"), timeout=20000)
    qtbot.waitUntil(lambda: [d.state for d in window.session.documents] == ["ready"] * 3, timeout=20000)
    assert [os.path.basename(d.path) for d in window.session.documents] == [os.path.basename(path) for path in paths]


def test_what_is_not_kept_any_more_is_asked_again_and_compared(qtbot, window, printed):
    path, result = printed
    Store().remove(result.provenance.key)
    drop(window, path)
    qtbot.waitUntil(lambda: said(window, "computed again"), timeout=20000)
    qtbot.waitUntil(lambda: said(window, "the same to the bit"), timeout=20000)
    assert window.session.shown.probe.steps == (5, 5) and Store().get(result.provenance.key) is not None


def test_a_picture_that_says_nothing_is_answered_in_words(qtbot, window, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    drop(window, path)
    qtbot.waitUntil(lambda: said(window, "holds no record of landscape_gui"), timeout=5000)
    assert not window.session.documents


def test_caption_for_latex_and_bibtex_go_to_the_clipboard(qtbot, window, printed):
    drop(window, printed[0])
    qtbot.waitUntil(lambda: said(window, "the same to the bit"), timeout=20000)
    qtbot.waitUntil(lambda: bool(window.facts.caption), timeout=5000)
    window.facts.latex_button.click()
    assert r"$\theta$ + x d$_{1}$" in QGuiApplication.clipboard().text()
    window.facts.bibtex_button.click()
    assert QGuiApplication.clipboard().text().startswith("@inproceedings{li2018,")
