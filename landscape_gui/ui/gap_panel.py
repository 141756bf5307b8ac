"""Measures against the generalisation gap: charts with errors and intervals, and what may be read off them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from landscape_gui.comparison_figure import comparison_figure
from landscape_gui.figure import Figure
from landscape_gui.model_comparison import GAPS, ModelComparison
from landscape_gui.style import Theme
from landscape_gui.ui.chart_grid import ChartGrid
from landscape_gui.ui.panel import plain

ABREAST = 2


class GapPanel(QWidget):
    """`changed`: measures are to be held against another gap."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gap")
        self.gap = QComboBox()
        self.gap.setAccessibleName("Generalisation gap")
        for name, words in GAPS.items():
            self.gap.addItem(words[:1].upper() + words[1:], name)
        self.gap.activated.connect(lambda _: self.changed.emit())
        self.read = plain("", "muted")
        self.read.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.charts = ChartGrid()
        self.charts.read.connect(self.read.setText)
        self.words = plain("", "caption")
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line = QHBoxLayout()
        said = plain("Measures against the", "muted")
        said.setWordWrap(False)
        line.addWidget(said)
        line.addWidget(self.gap)
        line.addWidget(self.read, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.charts, 1)
        column.addWidget(self.words)

    def wait(self, words: str) -> None:
        """Say what is still to come; the charts of before stay."""
        self.words.setText(words)

    def show_comparison(self, comparison: ModelComparison) -> None:
        if comparison.gap:
            self.gap.setCurrentIndex(list(GAPS).index(comparison.gap))
        self.gap.setEnabled(bool(comparison.gap))
        self.charts.show_figure(on_screen(comparison_figure(comparison)))
        self.words.setText("\n".join(comparison.cautions))

    def set_theme(self, theme: Theme) -> None:
        self.charts.set_theme(theme)


def on_screen(figure: Figure) -> Figure:
    """As charts that are as large as one another."""
    return replace(figure, columns=ABREAST, panels=tuple(replace(panel, span=1) for panel in figure.panels))
