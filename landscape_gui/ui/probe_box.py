"""The list of questions, under headings that say what each is for."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from landscape_gui.probes.base import Probe
from landscape_gui.ui import theme

HEADING = Qt.ItemDataRole.UserRole + 1


class Headed(QStyledItemDelegate):
    """Headings small, quiet and out of reach; what stands under them is set in."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        if not index.data(HEADING):
            super().paint(painter, option, index)
            return
        painter.save()
        font = option.font
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.88))
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(theme.current().muted))
        below = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
        painter.drawText(option.rect.adjusted(6, 0, -6, -3), below, str(index.data()))
        painter.restore()

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        if not index.data(HEADING):
            option.text = f"\N{EM SPACE}{option.text}"

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        size = super().sizeHint(option, index)
        return QSize(size.width(), size.height() + (7 if index.data(HEADING) and index.row() else 1))


class ProbeBox(QComboBox):
    """Kinds of questions by name (`currentData`), grouped by their purpose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view().setItemDelegate(Headed(self))
        self.setMaxVisibleItems(30)

    def offer(self, probes: Mapping[str, type[Probe]]) -> None:
        """List these, purposes in the order in which they first come; a single purpose needs no heading."""
        self.clear()
        purposes = dict.fromkeys(kind.purpose for kind in probes.values())
        for purpose in purposes:
            if len(purposes) > 1:
                self._head(purpose)
            for name, kind in probes.items():
                if kind.purpose == purpose:
                    self.addItem(kind.title, name)
                    self.setItemData(self.count() - 1, kind.summary, Qt.ItemDataRole.ToolTipRole)
        first = next((k for k in range(self.count()) if not self.itemData(k, HEADING)), -1)
        self.setCurrentIndex(first)

    def _head(self, purpose: str) -> None:
        self.addItem(purpose)
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        item = model.item(self.count() - 1)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setData(True, HEADING)
