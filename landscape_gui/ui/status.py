"""The line at the foot: the value under the cursor on the left, what is running on the right."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStatusBar, QToolButton, QWidget

from landscape_gui.ui.documents import Cell, Inquiry, duration
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import AXES
from landscape_gui.ui.session import Session
from landscape_gui.ui.thin_bar import ThinBar

CALM = 125
"""Milliseconds between two pictures of progress."""
SHOWN = 4
"""So many quantities are read out at most; the rest stands in the cell's panel."""


class StatusLine(QStatusBar):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setSizeGripEnabled(False)
        self.reading = label("reading", "Value under the cursor")
        self.reading.setMinimumWidth(60)
        self.reading.setToolTip(f"The values under the cursor. {AXES}")
        self.addWidget(self.reading, 1)
        self.box = QWidget()
        line = QHBoxLayout(self.box)
        line.setContentsMargins(0, 0, 6, 0)
        line.setSpacing(8)
        self.progress_text = label("progress_text", "Progress")
        self.progress = ThinBar()
        self.progress.setObjectName("progress")
        self.progress.setAccessibleName("Progress")
        self.progress.setFixedWidth(150)
        self.stop = QToolButton()
        self.stop.setObjectName("quiet")
        self.stop.setIcon(icon("x"))
        self.stop.setToolTip("Cancel (Esc); what there is stays")
        self.stop.setAccessibleName("Cancel the running question")
        self.stop.clicked.connect(lambda: session.cancel())
        for widget in (self.progress_text, self.progress, self.stop):
            line.addWidget(widget)
        self.addPermanentWidget(self.box)
        session.cursor_changed.connect(self._read)
        session.reading_changed.connect(self.reading.setText)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(CALM)
        self._soon.timeout.connect(self.refresh)
        session.progressed.connect(self._progressed)
        session.inquiries_changed.connect(self.refresh)
        self._timer = QTimer(self)
        self._timer.setInterval(500)
        self._timer.timeout.connect(self.refresh)
        self.refresh()

    def _read(self, told: tuple[tuple[float, float], Cell] | None) -> None:
        self.reading.setText(reading(told[1], self.session.look.quantity) if told is not None else "")

    def _progressed(self, inquiry: Inquiry) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def refresh(self) -> None:
        inquiry = self.session.running
        if self.box.isVisibleTo(self) != (inquiry is not None):
            self.box.setVisible(inquiry is not None)
        if inquiry is None:
            self._timer.stop()
            return
        if not self._timer.isActive():
            self._timer.start()
        self.progress.set_percent(int(100 * inquiry.share))
        waiting = sum(1 for i in self.session.inquiries if i.state == "waiting")
        self.progress_text.setText(progress_sentence(inquiry, waiting))
        self.stop.setEnabled(inquiry.state == "running")


def label(name: str, accessible: str) -> QLabel:
    text = QLabel()
    text.setObjectName(name)
    text.setAccessibleName(accessible)
    text.setTextFormat(Qt.TextFormat.PlainText)
    text.setContentsMargins(10, 0, 4, 0)
    return text


def progress_sentence(inquiry: Inquiry, waiting: int) -> str:
    """34 % · 8 s left · 1 waiting."""
    if inquiry.state == "cancelling":
        return "Stopping …"
    left = duration(inquiry.left())
    parts = [f"{100 * inquiry.share:.0f} %" if inquiry.total else (inquiry.note or "Starting …")]
    if left:
        parts.append(f"{left} left")
    if waiting:
        parts.append(f"{waiting} waiting")
    return " · ".join(parts)


def reading(cell: Cell, first: str = "") -> str:
    """α = +0.120   β = −0.340   training loss 0.431 ± 0.002   …"""
    sign = f"\N{GREEK SMALL LETTER ALPHA} = {cell.x:+.4g}   \N{GREEK SMALL LETTER BETA} = {cell.y:+.4g}".replace(
        "-", "\N{MINUS SIGN}"
    )
    names = [n for n in cell.values if not n.endswith(("_median", "_minimum", "_maximum", "_spread"))]
    names.sort(key=lambda n: n != first)
    if not cell.computed:
        return f"{sign}     not computed yet"
    parts = [f"{cell.values[n][0].label or n} {cell.text(n)}" for n in names[:SHOWN]]
    return "     ".join([sign, *parts])
