"""The list of questions: running, waiting, done, each with its progress, the time left, and a button to cancel or forget it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QToolButton, QVBoxLayout, QWidget

from landscape_gui.ui.documents import Inquiry, duration
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import Elided, plain
from landscape_gui.ui.session import Session
from landscape_gui.ui.status import CALM
from landscape_gui.ui.thin_bar import ThinBar

KEPT = 12


class JobsPanel(QWidget):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("jobs")
        self.setAccessibleName("Jobs")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QFrame()
        head.setObjectName("foot")
        line = QHBoxLayout(head)
        line.setContentsMargins(12, 6, 8, 6)
        line.addWidget(plain("Jobs", "section"), 1)
        self.clear_button = QToolButton()
        self.clear_button.setObjectName("quiet")
        self.clear_button.setText("Clear")
        self.clear_button.setToolTip("Take the finished ones off this list; their answers stay in the store")
        self.clear_button.clicked.connect(self._clear)
        line.addWidget(self.clear_button)
        column.addWidget(head)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page = QWidget()
        self.rows_column = QVBoxLayout(self.page)
        self.rows_column.setContentsMargins(0, 0, 0, 6)
        self.rows_column.setSpacing(0)
        self.rows_column.addStretch(1)
        self.area.setWidget(self.page)
        column.addWidget(self.area, 1)
        self.rows: dict[int, JobRow] = {}
        session.inquiries_changed.connect(self.refresh)
        self._gone_on: set[int] = set()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(CALM)
        self._soon.timeout.connect(self._show_progress)
        session.progressed.connect(self._progressed)
        self.refresh()

    def refresh(self) -> None:
        inquiries = self.session.inquiries
        for old in [i for i in inquiries if not i.live][:-KEPT]:
            inquiries.remove(old)
        numbers = {i.number for i in inquiries}
        for number in [n for n in self.rows if n not in numbers]:
            row = self.rows.pop(number)
            self.rows_column.removeWidget(row)
            row.deleteLater()
        for inquiry in inquiries:
            if inquiry.number not in self.rows:
                self.rows[inquiry.number] = JobRow(inquiry, self.session)
                self.rows_column.insertWidget(0, self.rows[inquiry.number])
            self.rows[inquiry.number].refresh()
        self.clear_button.setEnabled(any(not i.live for i in inquiries))
        self.setVisible(bool(inquiries))
        height = sum(min(row.sizeHint().height(), 60) for row in self.rows.values())
        self.setFixedHeight(min(height, 176) + 48)

    def _progressed(self, inquiry: Inquiry) -> None:
        self._gone_on.add(inquiry.number)
        if not self._soon.isActive():
            self._soon.start()

    def _show_progress(self) -> None:
        for number in self._gone_on & self.rows.keys():
            self.rows[number].refresh()
        self._gone_on.clear()

    def _clear(self) -> None:
        for inquiry in list(self.session.inquiries):
            self.session.forget(inquiry)


class JobRow(QWidget):
    def __init__(self, inquiry: Inquiry, session: Session) -> None:
        super().__init__()
        self.inquiry, self.session = inquiry, session
        self.setObjectName(f"job_{inquiry.number}")
        table = QGridLayout(self)
        table.setContentsMargins(12, 5, 8, 5)
        table.setVerticalSpacing(2)
        table.setColumnStretch(0, 1)
        self.name = Elided(inquiry.title)
        self.bar = ThinBar()
        self.state = Elided("", "muted")
        self.button = QToolButton()
        self.button.setObjectName("quiet")
        self.button.setIcon(icon("x"))
        self.button.clicked.connect(self._pressed)
        table.addWidget(self.name, 0, 0)
        table.addWidget(self.button, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        table.addWidget(self.state, 1, 0)
        table.addWidget(self.bar, 2, 0, 1, 2)

    def refresh(self) -> None:
        inquiry = self.inquiry
        self.state.setText(state_text(inquiry))
        self.bar.setVisible(inquiry.state in ("running", "cancelling"))
        self.bar.set_percent(int(100 * inquiry.share))
        word = "Cancel" if inquiry.live else "Take off the list"
        self.button.setToolTip(word)
        self.button.setAccessibleName(f"{word}: {inquiry.title}")
        self.button.setEnabled(inquiry.state != "cancelling")

    def _pressed(self) -> None:
        if self.inquiry.live:
            self.session.cancel(self.inquiry)
        else:
            self.session.forget(self.inquiry)


def state_text(inquiry: Inquiry) -> str:
    """How a question stands, in words."""
    if inquiry.state == "running":
        left = duration(inquiry.left())
        return f"{100 * inquiry.share:.0f} %" + (f" · {left} left" if left else "") if inquiry.total else "starting …"
    if inquiry.state == "done":
        return f"done in {duration(inquiry.seconds)}" if inquiry.seconds >= 0.2 else "done, from the store"
    if inquiry.state == "cancelled":
        return f"cancelled at {100 * inquiry.share:.0f} %; what there is stays" if inquiry.share else "cancelled"
    return {"waiting": "waiting", "cancelling": "stopping …", "failed": "failed"}[inquiry.state]
