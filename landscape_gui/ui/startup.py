"""The order in which what is slow to import comes, so that the window answers, then the first surface stands, then all the rest."""

from __future__ import annotations

import contextlib
import gc
import importlib
import time
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from landscape_gui.ui.documents import message_of
from landscape_gui.ui.garbage import collector
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

FIRST = ("numpy", "vispy.gloo", "landscape_gui.scene3d", "landscape_gui.ui.stage")
"""Imported in the window's thread, one a turn of the event loop."""
APART = ("contourpy", "numpy.ma", "decimal", "pydoc")
"""Imported in a thread, once the first picture stands or none is under way: nothing that knows of Qt."""
QT = ("PySide6.QtCore", "PySide6.QtGui", "PySide6.QtWidgets", "PySide6.QtTest", "PySide6.QtSvg", "PySide6.QtOpenGLWidgets")
LAST = "pyqtgraph"
"""Imported after them in the window's thread. It asks for every class of Qt's that there is, and PySide makes a class when it is
first asked for, without a lock: two threads that do so at the same time end the process now and then."""
SLICE = 0.01
"""Seconds of making Qt's classes in one turn of the event loop."""


class Startup(QObject):
    """Begins with `begin`, after the first page was painted."""

    stage_due = Signal()
    """The surface's canvas can be made."""
    rest_due = Signal()
    """All other canvases can be made."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._awaited = list(FIRST)
        self._waiting = False
        self._classes: Iterator[object] = iter(())

    def begin(self) -> None:
        """Imports for opening and computing start in a thread, those for the canvas here."""
        collector().pause()
        self.session.warm_up()
        QTimer.singleShot(0, self._import_next)

    def _import_next(self) -> None:
        if self._awaited:
            importlib.import_module(self._awaited.pop(0))
            QTimer.singleShot(1, self._import_next)
            return
        self.stage_due.emit()
        self._waiting = True
        for signal in (self.session.shown_changed, self.session.documents_changed, self.session.inquiries_changed):
            signal.connect(self._look_soon)
        self._look_soon()

    def _look_soon(self) -> None:
        """In another turn of the event loop: a file that has just been opened puts its question after it said so."""
        if self._waiting:
            QTimer.singleShot(0, self._look)

    def _look(self) -> None:
        """Whether the first picture stands, or nothing is on its way to one."""
        session = self.session
        coming = any(d.state == "opening" for d in session.documents) or any(i.live for i in session.inquiries)
        if self._waiting and (session.shown is not None or not coming):
            self._waiting = False
            session.helper.submit(Task(import_apart, self._imported, name="import"))

    def _imported(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.session.said.emit(message_of(outcome.error))
            return
        self._classes = qt_classes()
        QTimer.singleShot(0, self, self._make_classes)

    def _make_classes(self) -> None:
        """A few of Qt's classes a turn, so that the import that needs them all is short."""
        end = time.perf_counter() + SLICE
        for _ in self._classes:
            if time.perf_counter() > end:
                QTimer.singleShot(1, self, self._make_classes)
                return
        importlib.import_module(LAST)
        QTimer.singleShot(1, self, self._complete)

    def _complete(self) -> None:
        self.rest_due.emit()
        if not gc.get_freeze_count():
            gc.freeze()  # a million objects of torch's that will stay are not looked through again, 0.1 s each time
        collector().resume()


def import_apart() -> None:
    for name in APART:
        importlib.import_module(name)


def qt_classes() -> Iterator[object]:
    """Every name of Qt's modules, made by PySide as it is asked for; modules that are not installed have none."""
    for module in QT:
        with contextlib.suppress(ImportError):
            found = importlib.import_module(module)
            for name in dir(found):
                yield getattr(found, name, None)
