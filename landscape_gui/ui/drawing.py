"""Where pages are drawn: a thread that waits for the process in which it happens."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from landscape_gui.export.apart import Drawer, Stopped
from landscape_gui.ui.mailbox import Mailbox
from landscape_gui.ui.worker import Outcome, Task, Worker

Then = Callable[[Outcome], None]


class Drawing:
    """One drawing after another.

    last: what was exported last, an `exporting.Order`.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self.drawer = Drawer()
        self.worker = Worker(mailbox, "drawing")
        self.last: Any = None
        self._waiting: dict[str, Task] = {}

    def warm_up(self) -> None:
        """Begin to import what drawing needs."""
        self.do(self.drawer.start, ignored, newest="warm up")

    def draw(self, job: str, *given: Any, then: Then, newest: str = "") -> Task:
        """One of `export.apart.JOBS`; `then` is called with its outcome in the window's thread. newest: see `do`."""
        return self.do(functools.partial(self.drawer.ask, job, *given), then, newest=newest)

    def do(self, work: Callable[[], Any], then: Then, *, newest: str = "") -> Task:
        """Anything in the same thread, after what was asked before; of several that wait under one name only the newest is done."""
        task = Task(work, then, name="drawing")
        if newest:
            self.withdraw(newest)
            self._waiting[newest] = task
        self.worker.submit(task)
        return task

    def withdraw(self, *names: str) -> None:
        """Forget what has not begun."""
        for name in names:
            task = self._waiting.pop(name, None)
            if task is not None:
                self.worker.withdraw(task)

    def cancel(self, task: Task, stop: threading.Event) -> None:
        """End a task, whose work heeds `stop`, whether it has begun or not; its `then` is told."""
        stop.set()
        if self.worker.withdraw(task):
            task.then(Outcome(task, error=Stopped("Drawing was stopped.")))
        else:
            self.drawer.stop()

    def shut(self, milliseconds: int) -> bool:
        self.drawer.close()
        return self.worker.shut(milliseconds)


def ignored(outcome: Outcome) -> None:
    """Whether it could be started is seen by what is asked next."""
