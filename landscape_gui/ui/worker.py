"""The threads that work: one task after another, and nothing of Qt's."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from landscape_gui.ui.garbage import collector
from landscape_gui.ui.mailbox import Errand, Mailbox


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its value, or the error that it raised."""

    task: Task
    value: Any = None
    error: BaseException | None = None


@dataclass(eq=False)
class Task:
    """A piece of work for the thread, which may touch no object of Qt's (see `mailbox.Chute`); `then` is called with its outcome in
    the window's thread."""

    work: Callable[[], Any]
    then: Callable[[Outcome], None]
    name: str = ""


class Worker:
    """One thread that does one task after another. Python's switch interval is shortened for as long as it lives, because a loop of
    small torch calls would otherwise hold the interpreter for milliseconds at a time.

    A task, with the dialogs and pictures that its `then` may be the last to hold, is kept here until the thread has let it go, so
    that they end in the window's thread and never beside the event loop.
    """

    def __init__(self, mailbox: Mailbox, name: str = "worker") -> None:
        self._put = mailbox.chute.put
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._tasks: deque[Task] = deque()
        self._condition = threading.Condition()
        self._holds = False
        self._kept: dict[int, Task] = {}
        self._free: deque[int] = deque()
        self.closing = False
        """To be looked at by work that goes on and on, from the thread as well."""

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def submit(self, task: Task, *, first: bool = False) -> None:
        """From the window's thread; the thread starts with the first task."""
        with self._condition:
            if self.closing:
                return
            self._kept[id(task)] = task
            self._tasks.appendleft(task) if first else self._tasks.append(task)
            self._condition.notify()
        if not self._holds:
            sys.setswitchinterval(1e-4)
            collector().hold()
            self._holds = True
            self._thread.start()

    def withdraw(self, task: Task) -> bool:
        """Take back a task that has not begun; False where it has."""
        with self._condition:
            if task not in self._tasks:
                return False
            self._tasks.remove(task)
            del self._kept[id(task)]
            return True

    def _run(self) -> None:
        while (task := self._next()) is not None:
            number = id(task)
            self._put(outcome_of(task), at_once=True)
            del task
            self._free.append(number)
            self._put(Errand(self._forget), slot=("free", id(self)))

    def _forget(self) -> None:
        """In the window's thread."""
        while self._free:
            self._kept.pop(self._free.popleft(), None)

    def _next(self) -> Task | None:
        with self._condition:
            while not self._tasks and not self.closing:
                self._condition.wait()
            return None if self.closing else self._tasks.popleft()

    def shut(self, milliseconds: int = 5000) -> bool:
        """Ask the thread to end and wait for it; False where it still runs after that time."""
        with self._condition:
            self.closing = True
            self._tasks.clear()
            self._condition.notify_all()
        if self.is_running:
            self._thread.join(milliseconds / 1000)
        if self.is_running:
            return False
        if self._holds:
            collector().release()
            self._holds = False
        self._kept.clear()
        return True


def outcome_of(task: Task) -> Outcome:
    """The task done, in the thread."""
    try:
        return Outcome(task, value=task.work())
    except BaseException as error:
        return Outcome(task, error=error)
