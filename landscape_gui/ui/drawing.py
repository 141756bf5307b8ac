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
    """One drawing after another; of those that wait, a newer one under the same name takes the place of the older.

    last: what was exported last, an `exporting.Order`.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self.drawer = Drawer()
        self.worker = Worker(mailbox, "drawing")
        self.last: Any = None
        self._waiting: dict[str, Task] = {}

    def warm_up(self) -> None:
        """Begin to import what drawing needs."""
        self.do(self.drawer.start, ignored, name="warm up")

    def draw(self, job: str, *given: Any, then: Then) -> Task:
        """One of `export.apart.JOBS`; `then` is called with its outcome in the window's thread."""
        return self.do(functools.partial(self.drawer.ask, job, *given), then, name=job)

    def do(self, work: Callable[[], Any], then: Then, *, name: str) -> Task:
        """Anything in the same thread, after what was asked before."""
        before = self._waiting.get(name)
        if before is not None:
            self.worker.withdraw(before)
        task = self._waiting[name] = Task(work, then, name=name)
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
