"""What images' shorter side is scaled to before their centre is cropped: as usual, a number of pixels, or stretched."""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression, QSignalBlocker, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QComboBox, QWidget

USUAL = "as usual"
STRETCHED = "stretched"
STRETCH = "stretch"
COMMON = ("232", "256")
"""The lengths that torchvision's weights for 224 pixels are evaluated with."""


class ResizeBox(QComboBox):
    """`value` is what `DataChoice.resize` is: "" for what is usual, pixels, "stretch" or "stretch:PIXELS"."""

    chosen = Signal()
    """A person chose or typed another value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("resize")
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMinimumWidth(150)
        self.setToolTip("What the shorter side is scaled to; the sides are then cropped from the centre")
        typed = QRegularExpression(rf"\s*\d{{1,4}}(\s*px)?|{STRETCHED}(\s+to\s+\d{{1,4}}(\s*px)?)?|{USUAL}.*")
        self.setValidator(QRegularExpressionValidator(typed, self))
        self.usual = ""
        self._told = ""
        self.show_value("", "")
        self.activated.connect(self._changed)
        line = self.lineEdit()
        assert line is not None
        line.editingFinished.connect(self._changed)

    def show_value(self, value: str, usual: str) -> None:
        """Show a choice; usual: what the network's own comes to, where that is known."""
        self.usual = f"{USUAL} ({words(usual)})" if usual else USUAL
        with QSignalBlocker(self):
            self.clear()
            self.addItems([self.usual, *map(words, COMMON), STRETCHED])
            self.setCurrentText(words(value) if value else self.usual)
        self._told = self.value

    @property
    def value(self) -> str:
        text = self.currentText().strip()
        digits = "".join(c for c in text if c.isdecimal())
        if not text or text.startswith(USUAL):
            return ""
        if text.startswith(STRETCHED):
            return f"{STRETCH}:{digits}" if digits else STRETCH
        return digits

    def _changed(self) -> None:
        if self.value != self._told:
            self._told = self.value
            self.chosen.emit()


def words(value: str) -> str:
    """ "256 px", "stretched", "stretched to 256 px"."""
    word, _, length = value.partition(":")
    if word != STRETCH:
        return f"{value} px"
    return f"{STRETCHED} to {length} px" if length else STRETCHED
