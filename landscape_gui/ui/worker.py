"""The thread that works, and how its news reach the window: one mailbox, one queued event, thirty takes a second at most."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from landscape_gui.ui.garbage import collector

INTERVAL = 33
"""Milliseconds between two takes from the mailbox."""


class Mailbox(QObject):
    """Hands things from any thread to the one it was made in.

    However fast things are put in, one event at most is under way, so that timers and painting go on. An item put with a `slot`
    replaces the one that still waits under the same slot: of a hundred pictures of progress only the last is delivered.
    """

    posted = Signal()
    hurried = Signal()
    received = Signal(object)
    """One item, in the mailbox's own thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._items: dict[object, object] = {}
        self._count = 0
        self._under_way = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self.deliver)
        self.posted.connect(self._arrived)
        self.hurried.connect(self.deliver, Qt.ConnectionType.QueuedConnection)

    def put(self, item: object, slot: object = None, *, at_once: bool = False) -> None:
        """From any thread. at_once: with all that waits, in the next turn of the event loop; for what comes seldom."""
        with self._lock:
            self._count += 1
            key = ("last", slot) if slot is not None else ("each", self._count)
            self._items.pop(key, None)
            self._items[key] = item
            first, self._under_way = not self._under_way, True
        if at_once:
            self.hurried.emit()
        elif first:
            self.posted.emit()

    @Slot()
    def _arrived(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def deliver(self) -> None:
        """Give out what has come; in the mailbox's own thread."""
        with self._lock:
            items, self._items, self._under_way = list(self._items.values()), {}, False
        for item in items:
            self.received.emit(item)


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its value, or the error that it raised."""

    task: Task
    value: Any = None
    error: BaseException | None = None


@dataclass(eq=False)
class Task:
    """A piece of work for the thread; `then` is called with its outcome in the window's thread."""

    work: Callable[[], Any]
    then: Callable[[Outcome], None]
    name: str = ""


class Worker(QThread):
    """One thread that does one task after another. Python's switch interval is shortened for as long as it lives, because a loop of
    small torch calls would otherwise hold the interpreter for milliseconds at a time.

    A task, with the dialogs and pictures that its `then` may be the last to hold, is kept here until the thread has let it go, so
    that they end in the window's thread and never beside the event loop.
    """

    let_go = Signal()
    """The thread holds nothing of a task that was done any more."""

    def __init__(self, mailbox: Mailbox, name: str = "worker") -> None:
        super().__init__()
        self.setObjectName(name)
        self.mailbox = mailbox
        self._tasks: deque[Task] = deque()
        self._condition = threading.Condition()
        self._closing = False
        self._holds = False
        self._kept: dict[int, Task] = {}
        self._free: deque[int] = deque()
        self.let_go.connect(self._forget, Qt.ConnectionType.QueuedConnection)

    def submit(self, task: Task, *, first: bool = False) -> None:
        """From the window's thread; the thread starts with the first task."""
        with self._condition:
            if self._closing:
                return
            self._kept[id(task)] = task
            self._tasks.appendleft(task) if first else self._tasks.append(task)
            self._condition.notify()
        if not self.isRunning():
            sys.setswitchinterval(1e-4)
            if not self._holds:
                collector().hold()
                self._holds = True
            self.start()

    def withdraw(self, task: Task) -> bool:
        """Take back a task that has not begun; False where it has."""
        with self._condition:
            if task not in self._tasks:
                return False
            self._tasks.remove(task)
            del self._kept[id(task)]
            return True

    @Slot()
    def _forget(self) -> None:
        """In the window's thread."""
        while self._free:
            self._kept.pop(self._free.popleft(), None)

    def run(self) -> None:
        while (task := self._next()) is not None:
            number = id(task)
            self.mailbox.put(outcome_of(task), at_once=True)
            del task
            self._free.append(number)
            self.let_go.emit()

    def _next(self) -> Task | None:
        with self._condition:
            while not self._tasks and not self._closing:
                self._condition.wait()
            return None if self._closing else self._tasks.popleft()

    def shut(self, milliseconds: int = 5000) -> bool:
        """Ask the thread to end and wait for it; False where it still runs after that time."""
        with self._condition:
            self._closing = True
            self._tasks.clear()
            self._condition.notify_all()
        ended = not self.isRunning() or self.wait(milliseconds)
        if ended and self._holds:
            collector().release()
            self._holds = False
        if ended:
            self._kept.clear()
        return ended


def outcome_of(task: Task) -> Outcome:
    """The task done, in the thread."""
    try:
        return Outcome(task, value=task.work())
    except BaseException as error:
        return Outcome(task, error=error)
