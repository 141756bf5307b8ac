"""The order in which what is slow to import comes, so that the window answers, then the first surface stands, then all the rest."""

from __future__ import annotations

import gc
import importlib

from PySide6.QtCore import QObject, QTimer, Signal

from landscape_gui.ui.documents import message_of
from landscape_gui.ui.garbage import collector
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

FIRST = ("numpy", "vispy.gloo", "landscape_gui.scene3d", "landscape_gui.ui.stage")
"""Imported in the window's thread, one a turn of the event loop."""
REST = ("contourpy", "pyqtgraph")
"""Imported in a thread, once the first picture stands or none is under way."""


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
            session.helper.submit(Task(import_rest, self._imported, name="import"))

    def _imported(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.session.said.emit(message_of(outcome.error))
            return
        self.rest_due.emit()
        if not gc.get_freeze_count():
            gc.freeze()  # a million objects of torch's that will stay are not looked through again, 0.1 s each time
        collector().resume()


def import_rest() -> None:
    for name in REST:
        importlib.import_module(name)
