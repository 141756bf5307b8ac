"""What stands above a chart: its title and its legend, in as many rows as the width asks for."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtGui import QColor, QFont, QFontMetricsF

from landscape_gui import style

SAMPLE, GAP, ROW = 40.0, 18.0, 19.0
"""Pixels: a line of the legend, between two entries, from row to row."""


class ChartHead:
    """A title on the left, and a legend beside it, or below where there is no room."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self.plot = plot
        self.legend = pg.LegendItem(colCount=4, horSpacing=GAP, verSpacing=-2, labelTextSize="9pt")
        self.legend.setParentItem(plot)
        self.words = pg.LabelItem(justify="left", size="10pt")
        self.words.setParentItem(plot)
        self.text = ""
        self.labels: list[str] = []
        self.theme = style.LIGHT

    def clear(self) -> None:
        self.legend.clear()
        self.labels = []

    def add(self, item: object, label: str) -> None:
        """An entry of the legend; none where the label is empty."""
        if not label or label in self.labels:
            return
        self.legend.addItem(item, escape(label))
        self.labels.append(label)

    def add_swatch(self, colour: QColor, label: str) -> None:
        """An entry for what is an area of colour."""
        self.add(pg.ScatterPlotItem([0], [0], symbol="s", size=12, brush=pg.mkBrush(colour), pen=pg.mkPen(None)), label)

    def title(self, text: str) -> None:
        self.text = text

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.legend.setLabelTextColor(theme.ink)

    def arrange(self, width: float) -> None:
        """Place title and legend, and leave the plot what is below."""
        font = QFont(self.plot.scene().font())
        font.setPointSizeF(9.0)
        metrics = QFontMetricsF(font)
        entries = [metrics.horizontalAdvance(label) + SAMPLE + GAP for label in self.labels]
        named = metrics.horizontalAdvance(self.text) * 1.2 + 30 if self.text else 0.0
        columns = columns_of(entries, width - 40)
        rows = -(-len(entries) // columns)
        beside = rows <= 1 and named + sum(entries) < width - 30
        self.words.setText(escape(self.text), color=self.theme.ink, bold=True)
        self.words.setVisible(bool(self.text))
        top = 6.0 if beside or not self.text else 6.0 + ROW + 3
        self.legend.setColumnCount(columns)
        self.words.anchor(itemPos=(0, 0), parentPos=(0, 0), offset=(10, 2))
        if beside or not self.text:
            self.legend.anchor(itemPos=(1, 0), parentPos=(1, 0), offset=(-14, 0))
        else:
            self.legend.anchor(itemPos=(0, 0), parentPos=(0, 0), offset=(6, top - 4))
        below = top + (ROW * max(rows, 1) + 8 if rows or beside or not self.text else 2)
        self.plot.layout.setContentsMargins(8, below, 16, 8)


def columns_of(entries: list[float], width: float) -> int:
    """As many columns as fit, each as wide as its widest entry; the entries stand row by row."""
    for count in range(len(entries), 1, -1):
        if sum(max(entries[k::count]) for k in range(count)) <= width:
            return count
    return 1


def escape(text: str) -> str:
    """pyqtgraph's labels read markup: names from files must not be any."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
