"""Python's reference cycles, collected in the window's thread alone while other threads work.

Python collects cycles in whatever thread happens to allocate. A cycle that holds Qt objects (a window and its slots do) would then
be destroyed beside the event loop that still serves it, its timers stopped from the wrong thread: now and then the process dies.
"""

from __future__ import annotations

import gc
import sys

from PySide6.QtCore import QCoreApplication, QObject, QTimer

INTERVAL = 250
"""Milliseconds between two looks at how much there is to collect."""
MANY_MODULES = 20
"""So many more between two looks: a library is being imported."""


class Collector(QObject):
    """Holds automatic collection back for as long as any thread of ours lives, and collects in the thread that it was made in."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._holders, self._paused = 0, False
        self._modules, self._importing = len(sys.modules), False
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self.collect)

    def hold(self) -> None:
        """One more thread begins."""
        if not self._holders:
            self._modules, self._importing = len(sys.modules), False
        self._holders += 1
        gc.disable()
        self._timer.start()

    def release(self) -> None:
        """A thread has ended; after the last one Python collects by itself again."""
        self._holders -= 1
        if self._holders == 0:
            self._timer.stop()
            gc.enable()

    def pause(self) -> None:
        """Do not collect while modules are imported: they make much and leave nothing to collect."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def collect(self) -> None:
        """What Python would have collected by now: the youngest objects, and the older ones when it is their turn.

        Not while a library is imported, nor what it has brought: to look through a hundred thousand objects of transformers' stops
        the window for 0.2 s each time, and they stay.
        """
        known, self._modules = self._modules, len(sys.modules)
        if self._paused:
            return
        if self._modules > known + MANY_MODULES:
            self._importing = True
            return
        if self._importing:
            self._importing = False
            gc.freeze()
        for generation, (count, limit) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)):
            if limit and count > limit:
                gc.collect(generation)


def collector() -> Collector:
    """The one of this program."""
    program = QCoreApplication.instance()
    found = program.findChild(Collector) if program is not None else None
    return found if isinstance(found, Collector) else Collector(program)
