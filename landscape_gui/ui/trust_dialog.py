"""Code of the person's own: shown in full, and asked for once per content, before any of it runs."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from landscape_gui.errors import TrustNeeded
from landscape_gui.ui.panel import plain


class TrustDialog(QDialog):
    def __init__(self, error: TrustNeeded, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trust")
        self.setWindowTitle("Run this code?")
        self.resize(760, 560)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(plain("This checkpoint comes with Python code", "title"))
        column.addWidget(
            plain(
                "It builds the model and its data, and can do whatever you can. Nothing of it has run yet. "
                "Allow it if you wrote it or have read it; you will be asked again only when its content changes.",
                "muted",
            )
        )
        column.addWidget(plain(error.path))
        self.source = QPlainTextEdit(error.source)
        self.source.setReadOnly(True)
        self.source.setAccessibleName("Source")
        self.source.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.source.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        column.addWidget(self.source, 1)
        column.addWidget(plain(f"SHA-256 {error.digest}", "muted"))
        buttons = QDialogButtonBox()
        self.refuse = buttons.addButton("Do not run", QDialogButtonBox.ButtonRole.RejectRole)
        self.allow = buttons.addButton("Allow this code", QDialogButtonBox.ButtonRole.AcceptRole)
        self.refuse.setDefault(True)
        self.refuse.setFocus()
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
