"""The thread that has pages drawn: what is replaced by something newer, and what never is."""

import threading

import pytest

from landscape_gui.export.apart import Stopped
from landscape_gui.ui.drawing import Drawing
from landscape_gui.ui.mailbox import Mailbox


@pytest.fixture
def drawing(qtbot):
    mailbox = Mailbox()
    mailbox.received.connect(lambda outcome: outcome.task.then(outcome))
    drawing = Drawing(mailbox)
    yield drawing
    assert drawing.shut(5000)


def held(drawing):
    """The thread at work until the event is set."""
    event = threading.Event()
    drawing.do(event.wait, lambda outcome: None)
    return event


def test_of_several_under_one_name_the_newest_is_done_and_those_without_a_name_all(qtbot, drawing):
    event, done = held(drawing), []
    for number in range(3):
        drawing.do(lambda n=number: n, lambda o: done.append(o.value), newest="preview")
        drawing.do(lambda n=number: 10 + n, lambda o: done.append(o.value))
    event.set()
    qtbot.waitUntil(lambda: len(done) == 4, timeout=5000)
    assert done == [10, 11, 2, 12]


def test_what_is_withdrawn_is_not_done(qtbot, drawing):
    event, done = held(drawing), []
    drawing.do(lambda: 1, lambda o: done.append(o.value), newest="size")
    drawing.withdraw("size", "preview")
    drawing.do(lambda: 2, lambda o: done.append(o.value))
    event.set()
    qtbot.waitUntil(lambda: bool(done), timeout=5000)
    assert done == [2]


def test_what_is_cancelled_before_it_began_is_told_so_at_once(qtbot, drawing):
    event, told = held(drawing), []
    stop = threading.Event()
    task = drawing.do(lambda: 1, told.append)
    drawing.cancel(task, stop)
    assert isinstance(told[0].error, Stopped) and stop.is_set()
    event.set()


def test_a_stop_between_beginning_and_asking_is_heeded(qtbot, drawing):
    """The process is not there yet when it is to end: what is then asked of it is not begun."""
    stop, at_work, go_on, told = threading.Event(), threading.Event(), threading.Event(), []

    def work():
        at_work.set()
        go_on.wait()
        return drawing.drawer.ask("tex", stopped=stop.is_set)

    task = drawing.do(work, told.append)
    at_work.wait()
    drawing.cancel(task, stop)
    go_on.set()
    qtbot.waitUntil(lambda: bool(told), timeout=10000)
    assert isinstance(told[0].error, Stopped)
