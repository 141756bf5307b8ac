"""The switch that lets a run be followed, and how it stands with it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from landscape_gui.ui.documents import Document
from landscape_gui.ui.following import Followed, words
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session

TIP = (
    "New checkpoints and logged values appear as training writes them; points are projected into the plane that is there.\n"
    "A run into which something was written during the last minute is followed by itself."
)


class FollowButton(QWidget):
    """Seen for runs in folders."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        self.state = plain("", "muted")
        self.state.setWordWrap(False)
        self.state.setAccessibleName("How it stands with the run")
        self.button = QToolButton()
        self.button.setObjectName("follow")
        self.button.setIcon(icon("broadcast"))
        self.button.setText("Follow")
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setToolTip(TIP)
        self.button.setAccessibleName("Follow the run")
        self.button.clicked.connect(self._clicked)
        line.addWidget(self.state)
        line.addWidget(self.button)
        session.current_changed.connect(self.refresh)
        session.documents_changed.connect(self.refresh)
        session.following.changed.connect(self._looked)
        self.refresh()

    def _looked(self, document: Document) -> None:
        if document is self.session.current:
            self.refresh()

    def _clicked(self, on: bool) -> None:
        if self.session.current is not None:
            self.session.following.follow(self.session.current, on)

    def refresh(self) -> None:
        followed = self.session.following.of(self.session.current)
        self.setVisible(followed is not None)
        if followed is not None:
            self.button.setChecked(followed.on is True)
            waiting = followed.document.state == "waiting"  # as the line beneath says
            self.state.setText(words(followed) if followed.on and not waiting else "")
            self.state.setToolTip(details(followed))


def details(followed: Followed) -> str:
    """What is waited for, and what is wrong."""
    waiting = followed.seen.waiting
    more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
    parts = [f"Still being written: {', '.join(waiting[:3])}{more}." if waiting else "", followed.trouble]
    return "\n".join(filter(None, parts))
