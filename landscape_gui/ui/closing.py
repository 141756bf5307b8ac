"""The end of the program while a question is being answered: the window goes at once, the question has time to keep what it has."""

from __future__ import annotations

import os
import sys
import time

from PySide6.QtCore import QObject, QTimer, Signal

from landscape_gui.ui.session import Session

SOON = 100
"""Milliseconds that a thread may take before the window goes without it."""
LOOK = 50
"""Milliseconds between two looks at whether the threads have ended."""
PATIENCE = 120.0
"""Seconds after which a thread that has not ended by then never will; its last partial answer is at most a second older than it."""


class Closing(QObject):
    """`begin` says whether all has ended. Where it has not, `ended` comes later; asked a second time, the process ends at once.

    Nothing is lost by that: the store's files are replaced and never changed, so they are whole at any moment.
    """

    ended = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.end_process = os._exit
        self._since = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self._look)

    def begin(self) -> bool:
        if self._timer.isActive():
            self._end_at_once()
            return False
        if self.session.shut(SOON):
            return True
        print("landscape-gui: a question is still ending; what it has is kept. Ctrl+C again ends at once.", file=sys.stderr)
        self._since = time.monotonic()
        self._timer.start()
        return False

    def _look(self) -> None:
        if self.session.shut(0):
            self._timer.stop()
            self.ended.emit()
        elif time.monotonic() - self._since > PATIENCE:
            self._end_at_once()

    def _end_at_once(self) -> None:
        self.session.settings.sync()
        self.end_process(0)
