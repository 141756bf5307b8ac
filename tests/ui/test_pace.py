"""A running question takes the event loop in short turns: one canvas a turn, and progress no oftener than can be read."""

import pytest
from bowls import Bowl, bowl
from PySide6.QtWidgets import QApplication

from landscape_gui.ui.documents import Shown


@pytest.fixture
def opened(qtbot, window):
    window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: window.session.shown is not None and not window.session.shown.partial, timeout=10000)
    qtbot.waitUntil(lambda: not any(i.live for i in window.session.inquiries), timeout=10000)
    return window


def show(window, rows, *, partial):
    shown = Shown(probe=Bowl(), result=bowl(21, 11, rows), document=window.session.current, partial=partial)
    window.session.shown = shown
    return shown


def heights(canvas):
    return int((canvas.panel.surface.z == canvas.panel.surface.z).all(axis=1).sum())


def test_while_it_is_answered_the_contours_are_drawn_in_a_turn_of_their_own(qtbot, opened):
    stage = opened.stage
    show(opened, 4, partial=True)
    stage.redraw()
    assert int(stage.canvas3d.scene._model.heights.shape[0]) == 11
    assert stage._flat.isActive() and heights(stage.canvas2d) == 11  # the last picture still
    qtbot.waitUntil(lambda: heights(stage.canvas2d) == 4, timeout=3000)
    assert stage.canvas2d.panel.surface is stage.canvas3d.scene._model.surface  # made once for both


def test_a_whole_answer_is_drawn_at_once_and_a_waiting_turn_is_forgotten(opened):
    stage = opened.stage
    show(opened, 4, partial=True)
    stage.redraw()
    show(opened, 11, partial=False)
    stage.redraw()
    assert not stage._flat.isActive() and heights(stage.canvas2d) == 11


def test_contours_that_are_put_away_meanwhile_are_not_drawn(qtbot, opened):
    stage = opened.stage
    show(opened, 4, partial=True)
    stage.redraw()
    opened.set_view("3d")
    QApplication.processEvents()
    assert heights(stage.canvas2d) == 11


def test_many_steps_of_progress_are_written_once(qtbot, opened, gate, monkeypatch):
    gate.open.clear()
    inquiry = opened.session.ask(Bowl(steps=(15, 40)))
    qtbot.waitUntil(lambda: inquiry.state == "running", timeout=5000)
    row, status = opened.jobs.rows[inquiry.number], opened.status
    written = []
    monkeypatch.setattr(row.state, "setText", written.append)
    for done in range(1, 31):
        inquiry.done, inquiry.total = done, 40
        opened.session.progressed.emit(inquiry)
    assert written == []
    qtbot.waitUntil(lambda: status.progress_text.text().startswith("75 %"), timeout=3000)
    qtbot.waitUntil(lambda: row.bar.percent == 75, timeout=3000)
    assert len(written) == 1
    opened.session.cancel()
    assert written[-1] == "stopping …" and status.progress_text.text() == "Stopping …"  # what a person does shows at once
    gate.open.set()
