"""The bar of sentences at the top: what went wrong or well, where, and what to do. It never blocks and never steals the focus."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from landscape_gui.ui import theme
from landscape_gui.ui.documents import Message
from landscape_gui.ui.icons import icon

KEPT = 3
"""As many are seen at once; older ones go."""
INFO_SECONDS = 8


class MessageBar(QWidget):
    """Newest at the bottom; those that only inform go by themselves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messages")
        self.setAccessibleName("Messages")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.rows: list[MessageRow] = []
        self.hide()

    def say(self, message: Message) -> None:
        if self.rows and self.rows[-1].message == message:
            return
        row = MessageRow(message)
        row.close_button.clicked.connect(lambda: self.remove(row))
        self.column.addWidget(row)
        self.rows.append(row)
        for old in self.rows[:-KEPT]:
            self.remove(old)
        if message.level == "info":
            QTimer.singleShot(INFO_SECONDS * 1000, row, lambda: self.remove(row))
        self.show()

    def remove(self, row: MessageRow) -> None:
        if row in self.rows:
            self.rows.remove(row)
            self.column.removeWidget(row)
            row.deleteLater()
        self.setVisible(bool(self.rows))

    def restyle(self) -> None:
        for row in self.rows:
            row.restyle()

    @property
    def texts(self) -> list[str]:
        return [row.label.text() for row in self.rows]


class MessageRow(QFrame):
    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message
        self.setObjectName(f"message_{message.level}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        self.sign = QLabel()
        self.label = QLabel(f"{message.text} {message.remedy}".strip())
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        layout.addWidget(self.sign)
        layout.addWidget(self.label, 1)
        if message.reveal:
            self._button(layout, "Show in folder", self._reveal)
        if message.details:
            self._button(layout, "Copy details", self._copy)
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("x"))
        self.close_button.setToolTip("Dismiss")
        self.close_button.setAccessibleName("Dismiss message")
        layout.addWidget(self.close_button)
        self.restyle()

    def _button(self, layout: QHBoxLayout, text: str, slot: object) -> None:
        button = QPushButton(text)
        button.setObjectName("link")
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(slot)
        layout.addWidget(button)

    def restyle(self) -> None:
        c = theme.current()
        ink, base, sign = {
            "info": (c.ink, c.info_base, "info"),
            "warning": (c.warning, c.warning_base, "warning"),
            "error": (c.error, c.error_base, "warning-circle"),
        }[self.message.level]
        frame = f"QFrame#message_{self.message.level} {{ background: {base}; border-bottom: 1px solid {c.border}; }}"
        self.setStyleSheet(f"{frame} QLabel {{ color: {ink}; }}")
        self.sign.setPixmap(icon(sign, ink).pixmap(18, 18))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.message.text}\n{self.message.remedy}\n\n{self.message.details}")

    def _reveal(self) -> None:
        from pathlib import Path

        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self.message.reveal).parent)))
