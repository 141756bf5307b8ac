"""Which kind of file: the formats that what is shown can be written as, in groups."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QWidget

from landscape_gui.export_formats import GROUPS, Format


class FormatBox(QComboBox):
    """Headings cannot be chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("format")
        self.setAccessibleName("Format")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.setMaxVisibleItems(40)
        self.formats: dict[str, Format] = {}

    def offer(self, formats: Sequence[Format]) -> None:
        """These, in the order in which they come; the one that is chosen stays where it can."""
        before = self.key
        self.formats = {f.key: f for f in formats}
        self.blockSignals(True)
        self.clear()
        group = ""
        for kind in formats:
            if kind.group != group:
                group = kind.group
                self._add_heading(GROUPS[kind.group])
            self.addItem(f"{kind.name} ({kind.suffix})", kind.key)
            self.setItemData(self.count() - 1, kind.words[:1].upper() + kind.words[1:], Qt.ItemDataRole.ToolTipRole)
        self.blockSignals(False)
        self.choose(before if before in self.formats else next(iter(self.formats), ""))

    def _add_heading(self, words: str) -> None:
        item = QStandardItem(words)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        font = QFont(self.font())
        font.setBold(True)
        item.setFont(font)
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        model.appendRow(item)

    @property
    def key(self) -> str:
        return str(self.currentData() or "")

    @property
    def kind(self) -> Format | None:
        return self.formats.get(self.key)

    def choose(self, key: str) -> bool:
        """Whether it is offered."""
        row = self.findData(key) if key else -1
        if row >= 0:
            self.setCurrentIndex(row)
        return row >= 0
