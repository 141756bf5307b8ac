"""What a right click on a surface offers for the place that was clicked."""

from __future__ import annotations

from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu, QWidget

from landscape_gui.ui import descend_dialog, picked
from landscape_gui.ui.session import Session


class CellMenu(QMenu):
    """`offer` picks the cell there, fills the menu and shows it at the cursor."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("cell_menu")
        self.descend = self.addAction("Descend from here \N{HORIZONTAL ELLIPSIS}")
        self.descend.setObjectName("descend_here")
        self.measure = self.addAction("Measure on all data")
        self.recentre = self.addAction("Recentre here")
        self.descend.triggered.connect(lambda: descend_dialog.offer(session, self.parentWidget()))
        self.measure.triggered.connect(lambda: picked.measure(session))
        self.recentre.triggered.connect(lambda: picked.recentre(session))

    def offer(self, x: float, y: float) -> None:
        self.session.pick(x, y)
        if self.session.cell is None:
            return
        shown = self.session.shown
        alive = shown is not None and shown.document.problem is not None
        self.descend.setEnabled(descend_dialog.can_descend(self.session))
        self.measure.setEnabled(alive and self.session.services.measure is not None)
        self.recentre.setEnabled(alive)
        self.popup(QCursor.pos())
