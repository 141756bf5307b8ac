"""The switch that lets a run be followed, and how it stands with it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from landscape_gui.ui.documents import Document
from landscape_gui.ui.following_words import details, is_older, newest, standing
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session

TIP = (
    "New checkpoints and logged values appear as training writes them; points are projected into the plane that is there.\n"
    "A run into which something was written during the last minute is followed by itself."
)

MOVES = "What is shown is computed again there; answers about the checkpoint before stay in the library under it."


class FollowButton(QWidget):
    """Seen for runs in folders. state: sentences on how it stands, for whoever has the room."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        self.state = plain("", "muted")
        self.state.setAccessibleName("How it stands with the run")
        self.to_newest = QToolButton()
        self.to_newest.setObjectName("newest")
        self.to_newest.setIcon(icon("target"))
        self.to_newest.setText("Newest")
        self.to_newest.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.to_newest.setAccessibleName("Ask about the newest checkpoint")
        self.to_newest.clicked.connect(self._move)
        self.button = QToolButton()
        self.button.setObjectName("follow")
        self.button.setIcon(icon("broadcast"))
        self.button.setText("Follow")
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setToolTip(TIP)
        self.button.setAccessibleName("Follow the run")
        self.button.clicked.connect(self._clicked)
        line.addWidget(self.to_newest)
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

    def _move(self) -> None:
        if self.session.current is not None:
            self.session.following.to_newest(self.session.current)

    def refresh(self) -> None:
        followed = self.session.following.of(self.session.current)
        self.setVisible(followed is not None)
        said = standing(followed) if followed is not None else ""
        self.state.setText(said)
        self.state.setVisible(bool(said))
        older = followed is not None and is_older(followed)
        self.to_newest.setVisible(older)
        if followed is not None:
            self.button.setChecked(followed.on is True)
            self.state.setToolTip(details(followed))
        if followed is not None and older:
            self.to_newest.setEnabled(not followed.moving)
            self.to_newest.setToolTip(f"Centre surfaces on {newest(followed).label}: questions are about it from now on.\n{MOVES}")
