"""Errors that nobody foresaw: one dialog, beside which the window goes on; the next error joins those it shows."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from landscape_gui.ui.documents import message_of
from landscape_gui.ui.mailbox import Mailbox
from landscape_gui.ui.panel import plain

MOST = 20
"""Different errors that are kept for copying."""


class ErrorDialog(QDialog):
    """Non-modal. Equal errors are counted, not repeated."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("unforeseen")
        self.setWindowTitle("Something went wrong")
        self.setModal(False)
        self.resize(640, 380)
        self.counts: dict[str, int] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(plain("Something went wrong", "title"))
        self.sentence, self.count = plain(""), plain("", "muted")
        column.addWidget(self.sentence)
        column.addWidget(
            plain("This was not foreseen. The program goes on, and kept answers are safe. Please report the details.", "muted")
        )
        self.trace = QPlainTextEdit()
        self.trace.setReadOnly(True)
        self.trace.setAccessibleName("Details")
        self.trace.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.trace.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        column.addWidget(self.trace, 1)
        column.addWidget(self.count)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy_button = buttons.addButton("Copy details", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.details))
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def add(self, error: BaseException) -> None:
        """Show this error, and how many there have been."""
        message = message_of(error)
        if message.details in self.counts or len(self.counts) < MOST:
            self.counts[message.details] = self.counts.get(message.details, 0) + 1
        total = sum(self.counts.values())
        self.sentence.setText(message.text)
        self.count.setText(f"{total} errors, {len(self.counts)} of them different; the last is shown." if total > 1 else "")
        if self.trace.toPlainText() != message.details:
            self.trace.setPlainText(message.details)
        if not self.isVisible():
            self.show()

    @property
    def details(self) -> str:
        """Every different error with its traceback, and how often it came."""
        return "\n".join(f"{count} x\n{text}" for text, count in self.counts.items())

    def reject(self) -> None:
        """Seen: what comes next is counted anew."""
        self.counts.clear()
        super().reject()


class Unforeseen(QObject):
    """Takes errors, put into its mailbox's chute by any thread, to the dialog."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.window = window
        self.dialog: ErrorDialog | None = None
        self.mailbox = Mailbox(self)
        self.mailbox.received.connect(self._show)

    def _show(self, error: BaseException) -> None:
        if self.dialog is None:
            self.dialog = ErrorDialog(self.window)
        self.dialog.add(error)
