"""Closing while a question does not end: the window goes, the event loop lives, what is known is kept."""

import dataclasses
import os
import subprocess
import sys
import threading

import pytest
from PySide6.QtCore import QTimer

from landscape_gui.ui.closing import Closing


@pytest.fixture
def deaf(services, session):
    """A session whose answerer does not hear that it is cancelled until `wake`."""
    wake, kept = threading.Event(), []

    def answer(probe, problem, *, on_progress, cancelled):
        wake.wait(30)
        kept.append(cancelled())

    session.services = dataclasses.replace(services, answerer=answer)
    session.open(["a.pt"])
    yield session, wake, kept
    wake.set()


@pytest.fixture
def closing(qtbot, deaf):
    session = deaf[0]
    qtbot.waitUntil(lambda: session.running is not None, timeout=5000)
    closing = Closing(session)
    closing.statuses = []
    closing.end_process = closing.statuses.append
    return closing


def test_the_event_loop_lives_until_the_question_has_ended_and_kept_what_it_has(qtbot, deaf, closing):
    session, wake, kept = deaf
    assert not closing.begin()
    turns = []
    timer = QTimer()
    timer.timeout.connect(lambda: turns.append(1))
    timer.start(5)
    qtbot.waitUntil(lambda: len(turns) > 30, timeout=5000)
    assert session.thinker.is_running and kept == []
    with qtbot.waitSignal(closing.ended, timeout=5000):
        wake.set()
    assert kept == [True]
    assert not session.thinker.is_running and closing.statuses == []


def test_a_second_close_ends_the_process(qtbot, closing):
    assert not closing.begin()
    assert closing.statuses == []
    assert not closing.begin()
    assert closing.statuses == [0]


def test_what_never_ends_is_not_waited_for_without_end(qtbot, closing, monkeypatch):
    monkeypatch.setattr("landscape_gui.ui.closing.PATIENCE", 0.0)
    closing.begin()
    qtbot.waitUntil(lambda: bool(closing.statuses), timeout=5000)


def test_a_window_that_closes_is_hidden_while_a_question_ends_and_closes_then(qtbot, own_window, gate):
    deaf = threading.Event()
    own_window.session.services = dataclasses.replace(
        own_window.session.services, answerer=lambda *a, on_progress, cancelled: deaf.wait(30) and None
    )
    own_window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: own_window.session.running is not None, timeout=5000)
    assert not own_window.close()
    assert not own_window.isVisible()
    with qtbot.waitSignal(own_window.closing.ended, timeout=5000):
        deaf.set()
    assert own_window.close()


BRIEF = """
import sys
from landscape_gui import app
from landscape_gui.ui import window as module

class Brief(module.Window):
    def __init__(self, *values):
        super().__init__(*values)
        self.stage_ready.connect(self.close)

module.Window = Brief
sys.exit(app.main())
"""


def test_the_process_ends_well_after_its_window():
    """Memory that was freed is overwritten here, so that whatever is let go too late or twice ends the process every time."""
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    done = subprocess.run([sys.executable, "-c", BRIEF], capture_output=True, text=True, timeout=120, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
