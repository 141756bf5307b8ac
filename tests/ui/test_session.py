import threading

import numpy as np
import pytest
from bowls import Bowl, bowl, shown_whole
from PySide6.QtCore import QObject

from landscape_gui.probes.base import Progress
from landscape_gui.trust import is_trusted
from landscape_gui.ui import picked
from landscape_gui.ui.documents import Advanced, duration, read_cell, show_value, views_of
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings


def test_opening_shows_loss_and_asks_the_default_question(qtbot, session, gate):
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    assert gate.asked == [Bowl(steps=(21, 11))]
    document = session.current
    assert document.state == "ready" and document.warnings
    assert "epoch 30" in document.summary and "test accuracy 10.2 %" in document.summary
    assert np.isfinite(session.shown.result.quantities["train_loss"].values).all()
    assert session.settings.recent == ["a.pt"]


def test_a_wrong_file_is_a_sentence_and_is_not_kept(qtbot, session):
    said = []
    session.said.connect(said.append)
    session.open(["broken.pt"])
    qtbot.waitUntil(lambda: bool(said), timeout=5000)
    assert said[0].text == "broken.pt is no checkpoint."
    assert said[0].remedy
    assert session.documents == [] and session.current is None and session.settings.recent == []


def test_where_the_last_of_several_is_wrong_the_one_before_it_is_asked_about(qtbot, session):
    session.open(["a.pt", "b.pt", "broken.pt"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    assert session.shown.document.path == "b.pt"
    assert [document.asks for document in session.documents] == [False, True]


def test_of_several_files_the_last_is_asked_about(qtbot, session, gate):
    session.open(["a.pt", "b.pt", "c.pt"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    assert len(session.documents) == 3
    assert session.shown.document.path == "c.pt"
    assert len(gate.asked) == 1


def test_code_is_asked_for_once_a_content(qtbot, session):
    asked = []
    session.trust_asked.connect(lambda error, document: asked.append((error, document)))
    session.open(["code.pt"])
    qtbot.waitUntil(lambda: bool(asked), timeout=5000)
    assert session.current.problem is None
    session.trust(asked[0][1], asked[0][0])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    session.close(session.current)
    session.open(["code.pt"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    assert len(asked) == 1
    assert is_trusted(asked[0][0].digest)  # on the command line too


def test_cancelling_keeps_what_there_is_and_the_next_in_the_queue_runs(qtbot, session, gate):
    gate.open.clear()
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: session.running is not None, timeout=5000)
    first = session.running
    second = session.ask(Bowl(steps=(5, 4)))
    assert second.state == "waiting"
    for _ in range(3):
        gate.open.set()
        qtbot.waitUntil(lambda: first.result is not None, timeout=5000)
        gate.open.clear()
    session.cancel(first)
    assert first.state in ("cancelling", "done")
    gate.open.set()
    qtbot.waitUntil(lambda: second.state == "done", timeout=5000)
    assert first.result is not None
    assert shown_whole(session) and session.shown.probe == second.probe


def test_a_cancelled_question_stays_partial_on_the_screen(qtbot, session, gate):
    gate.open.clear()
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: session.running is not None, timeout=5000)
    inquiry = session.running
    session.cancel()
    qtbot.waitUntil(lambda: inquiry.state == "cancelled", timeout=5000)
    assert session.shown is not None and session.shown.partial
    assert not session.shown.result.computed.all()


def test_news_of_a_question_that_ended_are_dropped(qtbot, session):
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    done = session.inquiries[-1]
    session.mailbox.chute.put(Advanced(done, Progress(done=1, total=11, partial=bowl(21, 11, 1))))
    session.mailbox.deliver()
    assert shown_whole(session) and session.shown.result.computed.all()


def test_an_error_in_the_middle_is_said_and_the_next_question_is_answered(qtbot, session):
    said = []
    session.said.connect(said.append)
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    session.ask(Bowl(fails=True))
    qtbot.waitUntil(lambda: bool(said), timeout=5000)
    assert "ZeroDivisionError: in the middle" in said[0].text and "Traceback" in said[0].details
    answered = session.ask(Bowl(steps=(7, 7)))
    qtbot.waitUntil(lambda: answered.state == "done", timeout=5000)


def test_the_same_question_is_not_queued_twice(qtbot, session, gate):
    gate.open.clear()
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: session.running is not None, timeout=5000)
    assert session.ask(Bowl(steps=(21, 11))) is session.running
    assert len(session.inquiries) == 1


def test_closing_a_document_cancels_its_question(qtbot, session, gate):
    gate.open.clear()
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: session.running is not None, timeout=5000)
    inquiry = session.running
    session.close(session.current)
    qtbot.waitUntil(lambda: inquiry.state == "cancelled", timeout=5000)
    assert session.shown is None and session.current is None


def test_recentring_moves_the_span(qtbot, session):
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    session.pick(0.31, -0.42)
    assert (session.cell.column, session.cell.row) == (13, 3)
    inquiry = picked.recentre(session)
    assert inquiry.probe.span == pytest.approx((-0.7, 1.3, -1.4, 0.6))


def test_a_cell_reads_rows_as_y(qtbot):
    cell = read_cell(bowl(21, 11), 0.5, -1.0)
    assert (cell.column, cell.row) == (15, 0)
    quantity, value, error = cell.values["train_loss"]
    assert value == pytest.approx(0.25 + 3 + 0.1, rel=1e-12)  # exact arithmetic in float64
    assert error == pytest.approx(value / 10, rel=1e-12)
    assert show_value(quantity, value, error) == "3.35 ± 0.34 nat"
    accuracy, share, _ = cell.values["train_accuracy"]
    assert show_value(accuracy, share) == "22.99 %"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.3, "under 1 s"), (14.2, "14 s"), (125, "2 min 5 s"), (4200, "1 h 10 min"), (float("nan"), "")]
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text


def test_an_answers_file_opens_without_a_problem(qtbot, session, services):
    import dataclasses

    session.services = dataclasses.replace(services, read=lambda path: bowl(9, 5))
    session.open(["answer.h5"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=5000)
    assert session.current.problem is None and session.current.is_answer
    assert session.ask(Bowl()) is None
    assert "both" in views_of(session.shown.result)


@pytest.fixture
def touched():
    """What of Qt's the threads of this test touch: objects in their frames, and functions that they call."""
    touched, names = set(), set()

    def watch(frame, event, argument):
        names.add(frame.f_code.co_name)
        if event == "c_call" and "PySide6" in f"{argument.__module__} {type(getattr(argument, '__self__', None)).__module__}":
            touched.add(f"{frame.f_code.co_name} calls {argument.__name__}")
        touched.update(f"{frame.f_code.co_name} holds {name}" for name, v in frame.f_locals.items() if isinstance(v, QObject))

    threading.setprofile(watch)
    yield touched
    threading.setprofile(None)
    assert {"_run", "outcome_of"} <= names


def test_threads_touch_nothing_of_qt_s(qtbot, services, touched):
    """Below Python 3.12 that may end the process."""
    session = Session(services, Settings())
    session.open(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(session), timeout=10000)
    said = []
    session.run(lambda: 1, "done", then=said.append)
    session.cancel(session.ask(Bowl(steps=(400, 400))))
    qtbot.waitUntil(lambda: bool(said) and not any(i.live for i in session.inquiries), timeout=5000)
    assert session.shut()
    assert touched == set()
