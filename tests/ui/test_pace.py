"""A running question takes the event loop in short turns: one canvas a turn, and progress no oftener than can be read."""

import dataclasses
import threading
import time
from types import SimpleNamespace

import pytest
from bowls import Bowl, bowl
from combs import Comb, comb
from PySide6.QtWidgets import QApplication, QStyleFactory

from landscape_gui.probes.base import Progress
from landscape_gui.results import Provenance
from landscape_gui.ui import pace, theme
from landscape_gui.ui.documents import Shown
from landscape_gui.ui.stage import GIVE_WAY


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


def test_a_cancelled_question_says_so_before_its_answer_is_kept(qtbot, opened, services, monkeypatch):
    kept = threading.Event()

    def slow_to_keep(probe, problem, *, on_progress, cancelled):
        on_progress(Progress(done=4, total=11, partial=bowl(21, 11, 4, probe=probe)))
        while not cancelled():
            time.sleep(0.002)
        assert kept.wait(20)
        return bowl(21, 11, 4, probe=probe)

    session = opened.session
    monkeypatch.setattr(session, "services", dataclasses.replace(services, answerer=slow_to_keep))
    inquiry = session.ask(Bowl(seed=5))
    row = opened.jobs.rows[inquiry.number]
    qtbot.waitUntil(lambda: inquiry.state == "running" and inquiry.result is not None, timeout=5000)
    session.cancel(inquiry)
    assert inquiry.state == "cancelling"
    qtbot.waitUntil(lambda: inquiry.state == "cancelled" and row.state.text().startswith("cancelled at 36 %"), timeout=5000)
    again = session.ask(Bowl(seed=5))
    assert again is not inquiry and again.state == "waiting"
    session.cancel(again)
    kept.set()
    qtbot.waitUntil(lambda: inquiry.seconds > 0, timeout=5000)
    assert inquiry.state == "cancelled" and int(inquiry.result.computed.sum()) == 84


def test_a_picture_gives_way_to_the_news_of_a_cancelled_question(qtbot, opened, gate):
    session, stage = opened.session, opened.stage
    show(opened, 4, partial=True)
    stage.redraw()
    assert stage._flat.isActive() and stage._flat.interval() == 0
    gate.open.clear()
    inquiry = session.ask(Bowl(seed=7))
    qtbot.waitUntil(lambda: inquiry.state == "running", timeout=10000)
    show(opened, 4, partial=True)
    stage.redraw()
    session.cancel(inquiry)
    assert inquiry.state == "cancelling" and stage._flat.interval() == GIVE_WAY
    gate.open.set()
    qtbot.waitUntil(lambda: inquiry.state == "cancelled", timeout=10000)
    qtbot.waitUntil(lambda: not stage._flat.isActive(), timeout=3000)  # put off, not forgotten


def test_nothing_is_drawn_while_nobody_sees_it_and_all_that_is_known_when_it_is_seen_again(qtbot, opened):
    stage = opened.stage
    opened.show_welcome()
    show(opened, 4, partial=True)
    opened.session.shown_changed.emit()
    assert not stage._redraw.isActive() and not stage._flat.isActive() and heights(stage.canvas2d) == 11
    opened.session.current_changed.emit()
    qtbot.waitUntil(lambda: heights(stage.canvas2d) == 4, timeout=3000)


@pytest.fixture
def draws(opened, monkeypatch):
    """In which view the stage drew, each time."""
    found = []
    draw = opened.stage._draw
    monkeypatch.setattr(opened.stage, "_draw", lambda: found.append(opened.stage.view) or draw())
    return found


def test_another_answer_is_drawn_once_though_look_and_cell_change_with_it(opened, draws):
    session = opened.session
    opened.set_view("chart")
    session.pick(0.5, -0.4)
    session.set_look(limits=(0.0, 0.5))
    assert draws == ["chart"] * 3
    another = dataclasses.replace(bowl(21, 11), provenance=Provenance(key="another"))
    session._show(Shown(probe=Bowl(seed=3), result=another, document=session.current))
    assert session.look.limits is None and session.cell is None
    assert draws == ["chart"] * 4


def test_a_view_that_an_answer_does_not_have_is_left_in_one_draw(opened, draws):
    session, told = opened.session, []
    opened.stage.view_changed.connect(told.append)
    session._show(Shown(probe=Comb(), result=comb(), document=session.current))
    session._show(Shown(probe=Bowl(seed=5), result=bowl(21, 11), document=session.current))
    opened.stage.view_changed.disconnect(told.append)
    assert draws == told == ["chart", "both"]


def test_a_form_is_made_in_a_turn_of_its_own_or_as_soon_as_it_is_asked_for(qtbot, opened):
    session, question = opened.session, opened.question
    session.open(["b.pt"], asks=False)
    qtbot.waitUntil(lambda: session.current.state == "ready" and not question._soon.isActive(), timeout=10000)
    first, second = session.documents
    session.select(first)
    assert question._context is second.problem, "not in the turn in which the answer is drawn"
    assert question.form.kind is Bowl and question._context is first.problem
    session.select(second)
    qtbot.waitUntil(lambda: question._context is second.problem, timeout=3000)


def test_a_palette_is_changed_while_no_sheet_is_on(dressed):
    """With one on, all widgets of a window are dressed three times, which takes 0.3 s."""
    done = []

    class Told:
        style, styleHints = staticmethod(lambda: QStyleFactory.create("Fusion")), dressed.styleHints

        def setPalette(self, palette):
            done.append("palette")

        def setStyleSheet(self, sheet):
            done.append(bool(sheet))

    theme.apply(Told(), "dark")
    assert done == [False, "palette", True]


def test_a_picture_waits_longer_the_longer_the_last_one_took(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: clock.now))
    measured = pace.Pace()
    with measured.drawing():
        clock.now += 0.5
    with measured.drawing(more=True):
        clock.now += 0.25
    assert (measured.took, measured.ended) == (0.75, 100.75)
    clock.now += 1.0
    assert measured.left(0.15, 4.0) == 2.0 and measured.left(5.0, 4.0) == 4.0
    with measured.drawing():
        clock.now += 0.125
    assert measured.took == 0.125


def test_more_of_an_answer_waits_and_a_whole_one_does_not(opened):
    stage = opened.stage
    stage._pace.took = 1000.0
    show(opened, 4, partial=True)
    stage._shown_changed()
    assert stage._redraw.isActive() and heights(stage.canvas2d) == 11
    show(opened, 11, partial=False)
    stage._shown_changed()
    assert not stage._redraw.isActive() and stage._pace.took < 1000.0
