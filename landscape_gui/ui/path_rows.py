"""The list of paths between two models: each with its colour, its barrier with the error, its length and its score."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from landscape_gui import style
from landscape_gui.connection_results import PathResult
from landscape_gui.connection_texts import TEXTS
from landscape_gui.export.number_table import value_text
from landscape_gui.results import Number
from landscape_gui.ui import theme
from landscape_gui.ui.class_bars import small
from landscape_gui.ui.editors import capital

LOWEST, HIGHEST = 76, 330
"""Pixels that the list is high."""
ROW = Qt.ItemDataRole.UserRole
NONE = -1
"""The colour of a path that the picture does not show."""
Index = QModelIndex | QPersistentModelIndex
TOLD = ("above_line", "above_mean", "above_larger", "connectivity_score", "maximum", "mean", "arc_mean")
"""The numbers that are read at hover, in this order."""


@dataclass(frozen=True)
class Row:
    """What a row says. broken: the path's line is dashed on the chart."""

    name: str
    label: str
    colour: int
    barrier: str
    second: str
    tip: str = ""
    pending: bool = False


STOPPED = "stopped; its button goes on from there"


def row_of(path: PathResult, colour: int, split: str, definition: str, distance: float, *, running: bool = True) -> Row:
    """A path that is measured, or being found (no longer: not running), as its row; the barrier is that of the split's loss by the
    definition."""
    known = path.numbers if path.computed.sum() > 2 else {}  # between the ends alone nothing can stand
    number, rise = known.get(f"{split}_loss_{definition}"), known.get(f"{split}_loss_above_line")
    parts = []
    if math.isfinite(path.length):
        times = f" ({path.length / distance:.2f}\N{MULTIPLICATION SIGN})" if distance > 0 and math.isfinite(distance) else ""
        parts.append(f"length {path.length:.4g}{times}")
    if rise is not None and rise.value > -1:
        parts.append(f"score {1 / (1 + rise.value):.3f}")
    if not path.complete and not running:
        parts = [STOPPED]
    elif not path.complete:
        parts = [*parts, "\N{HORIZONTAL ELLIPSIS}"] if path.name == "line" else [path.training or "being trained", *parts[:1]]
    return Row(
        name=path.name,
        label=capital(path.label.removeprefix("straight line, ")),
        colour=colour,
        barrier=value_text(dataclasses.replace(number, unit="")) if number is not None else "",
        second="  \N{MIDDLE DOT}  ".join(parts),
        tip=tip_of(path, split),
        pending=not path.complete,
    )


def waiting_row(name: str, label: str, colour: int, *, running: bool = True) -> Row:
    """A path that was asked for and of which nothing is known yet."""
    words = "waiting \N{HORIZONTAL ELLIPSIS}" if running else STOPPED
    return Row(name=name, label=capital(label), colour=colour, barrier="", second=words, pending=True)


def tip_of(path: PathResult, split: str) -> str:
    """All numbers of a path, and how it was found; as a tooltip."""
    rows = []
    for name in TOLD:
        own = path.numbers.get(f"{split}_loss_{name}") if name.startswith("above") else path.numbers.get(name)
        if own is not None:
            rows.append(f"<tr><td>{html.escape(TEXTS[name].label)}&nbsp;&nbsp;</td><td>{html.escape(value_text(own))}</td></tr>")
    found = f"<p>{html.escape(path.training)}</p>" if path.training else ""
    return f"<p><b>{html.escape(capital(path.label))}</b></p>{found}<table>{''.join(rows)}</table>"


def help_of(definition: str) -> str:
    """What a definition of the barrier is, as a tooltip."""
    text = TEXTS[definition]
    return f"<p><b>{html.escape(capital(text.label))}</b></p><p>{html.escape(text.help)}</p>"


class PathRow(QStyledItemDelegate):
    """A swatch, the path's name and its barrier; beneath them, quieter, length and score."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        row: Row = index.data(ROW)
        option.text = ""
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        colours = theme.current()
        rect = option.rect.adjusted(8, 5, -10, -5)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(style.series_colour(row.colour, colours.figure)), 3.0)
        if row.pending:
            pen.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(pen if row.colour != NONE else Qt.PenStyle.NoPen)
        font, metrics = option.font, QFontMetrics(option.font)
        middle = rect.top() + metrics.height() / 2
        painter.drawLine(int(rect.left()), int(middle), int(rect.left() + 16), int(middle))
        text = rect.adjusted(26, 0, 0, 0)
        strong = QFont(font)
        strong.setBold(True)
        wide = QFontMetrics(strong).horizontalAdvance(row.barrier)
        line = QRectF(text.left(), text.top(), text.width(), metrics.height())
        painter.setPen(QColor(colours.ink))
        painter.setFont(strong)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, row.barrier)
        painter.setFont(font)
        label = metrics.elidedText(row.label, Qt.TextElideMode.ElideRight, int(text.width() - wide - 10))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, label)
        less = small(font)
        painter.setFont(less)
        painter.setPen(QColor(colours.muted))
        room = QFontMetrics(less)
        below = QRectF(text.left(), line.bottom() + 2, text.width(), room.height())
        painter.drawText(
            below, Qt.AlignmentFlag.AlignLeft, room.elidedText(row.second, Qt.TextElideMode.ElideRight, int(text.width()))
        )
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, QFontMetrics(option.font).height() + QFontMetrics(small(option.font)).height() + 13)


class PathList(QListWidget):
    """`chosen`: the name of the path that the person is on."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("paths")
        self.setAccessibleName("Paths")
        self.setItemDelegate(PathRow(self))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.currentItemChanged.connect(self._chosen)
        self._filling = False

    def show_rows(self, rows: list[Row], current: str) -> None:
        """These rows, the current one selected; items stay while their number does."""
        self._filling = True
        while self.count() > len(rows):
            self.takeItem(self.count() - 1)
        while self.count() < len(rows):
            self.addItem(QListWidgetItem())
        for number, row in enumerate(rows):
            item = self.item(number)
            if item.data(ROW) != row:
                item.setData(ROW, row)
                item.setText(f"{row.label}: {row.barrier or row.second}")
                item.setToolTip(row.tip)
        names = [row.name for row in rows]
        self.setCurrentRow(names.index(current) if current in names else -1)
        self._filling = False
        high = sum(self.sizeHintForRow(k) for k in range(self.count()))
        self.setFixedHeight(min(max(high, LOWEST), HIGHEST) + 2)

    @property
    def rows(self) -> list[Row]:
        return [self.item(k).data(ROW) for k in range(self.count())]

    def _chosen(self, item: QListWidgetItem | None) -> None:
        if item is not None and not self._filling:
            self.chosen.emit(item.data(ROW).name)


def numbers_by_path(paths: Mapping[str, PathResult], split: str) -> dict[str, Number]:
    """Every path's numbers of a split's loss, for copying: `bezier: above_line`."""
    found = {}
    for path in paths.values():
        for name in TOLD:
            own = path.numbers.get(f"{split}_loss_{name}" if name.startswith("above") else name)
            if own is not None:
                found[f"{path.name}: {name}"] = own
    return found
