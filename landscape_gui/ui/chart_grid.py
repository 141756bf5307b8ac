"""Charts in a grid: as many as a figure has panels, two abreast where there is room, scrolled where there is none."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QWidget

from landscape_gui import style
from landscape_gui.figure import Figure, Panel
from landscape_gui.ui.canvas_chart import CanvasChart, bars_height
from landscape_gui.ui.colour_bar import ColourBar

ABREAST = 640
"""Pixels from which two charts stand side by side."""
LOWEST = 250
"""Pixels that a chart is high at least where there are several."""
AROUND_BARS = 96


class ChartCell(QWidget):
    """A chart, and the colour bar of its heat map."""

    def __init__(self) -> None:
        super().__init__()
        self.chart, self.bar = CanvasChart(), ColourBar()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        line.addWidget(self.chart, 1)
        line.addWidget(self.bar)
        self.bar.hide()
        self.chart.plot.vb.sigResized.connect(self._align)

    def show_panel(self, panel: Panel) -> None:
        surface = panel.surface if panel.heat_map else None
        self.bar.setVisible(surface is not None and surface.has_scale)
        self.bar.show_surface(surface)
        self.chart.show_panel(panel)

    def _align(self) -> None:
        frame = self.chart.frame
        self.bar.set_extent((frame.top(), frame.bottom()))


class ChartGrid(QScrollArea):
    """`show_figure` fills it; charts are kept and used again."""

    read = Signal(str)
    needle_picked = Signal(object, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("charts")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.page = QWidget()
        self.grid = QGridLayout(self.page)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setSpacing(0)
        self.setWidget(self.page)
        self.cells: list[ChartCell] = []
        self.figure: Figure | None = None
        self.theme = style.LIGHT
        self._placed: object = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._draw_rest)
        self._due: list[int] = []
        for _ in range(2):
            self._add()

    def _add(self) -> None:
        cell = ChartCell()
        cell.chart.set_theme(self.theme)
        cell.bar.set_theme(self.theme)
        cell.chart.read.connect(self.read)
        cell.chart.needle_picked.connect(self.needle_picked)
        cell.chart.viewport().installEventFilter(self)
        cell.hide()
        self.cells.append(cell)

    @property
    def charts(self) -> tuple[CanvasChart, ...]:
        """Those that are shown."""
        count = len(self.figure.panels) if self.figure is not None else 0
        return tuple(cell.chart for cell in self.cells[:count])

    def show_figure(self, figure: Figure, *, in_turns: bool = False) -> None:
        """Draw every panel; `in_turns`, the first at once and each other one in a turn of the event loop of its own."""
        self.figure = figure
        while len(self.cells) < len(figure.panels):
            self._add()
        self._place()
        self._due = list(range(len(figure.panels)))
        self._draw_next()
        if in_turns:
            self._rest.start(0)
        else:
            while self._due:
                self._draw_next()

    def _draw_rest(self) -> None:
        self._draw_next()
        if self._due:
            self._rest.start(0)

    def _draw_next(self) -> None:
        if self._due and self.figure is not None:
            number = self._due.pop(0)
            panel = self.figure.panels[number]
            self.cells[number].show_panel(panel if len(self.figure.panels) > 1 else replace(panel, title=""))
            self.cells[number].setVisible(True)

    def columns(self) -> int:
        """One or two, by the number of panels and the width."""
        count = len(self.figure.panels) if self.figure is not None else 0
        return 2 if count > 2 and self.viewport().width() >= ABREAST else 1

    def _place(self) -> None:
        """The first of an odd number takes a whole row. Nothing moves while number, heights and columns stay."""
        figure = self.figure
        if figure is None:
            return
        columns = self.columns()
        heights = tuple(self._height(panel) for panel in figure.panels)
        if self._placed == (columns, heights):
            return
        self._placed = columns, heights
        for cell in self.cells:
            self.grid.removeWidget(cell)
            cell.setVisible(False)
        for row in range(self.grid.rowCount()):
            self.grid.setRowMinimumHeight(row, 0)
            self.grid.setRowStretch(row, 0)
        for column in range(2):
            self.grid.setColumnStretch(column, 1 if column < columns else 0)
        places = layout_of(len(figure.panels), columns)
        for cell, height, (row, column, wide) in zip(self.cells, heights, places, strict=False):
            self.grid.addWidget(cell, row, column, 1, wide)
            self.grid.setRowMinimumHeight(row, max(height, self.grid.rowMinimumHeight(row)))
            self.grid.setRowStretch(row, 6 if wide > 1 or columns == 1 else 5)
            cell.setVisible(cell.chart.panel is not None)  # one that was never drawn yet has axes of nothing

    def _height(self, panel: Panel) -> int:
        assert self.figure is not None
        needed = bars_height(panel, QFontMetrics(self.font()).height() * 1.05) + AROUND_BARS if panel.categories else 0.0
        return round(max(LOWEST if len(self.figure.panels) > 1 else 0, needed))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """The wheel zooms a chart where all charts are in view, and scrolls where they are not (with Ctrl it zooms)."""
        scrolls = event.type() == QEvent.Type.Wheel and self.verticalScrollBar().maximum() > 0
        if scrolls and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:  # type: ignore[attr-defined]
            self.wheelEvent(event)  # type: ignore[arg-type]
            return True
        return False

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.viewport().setStyleSheet(f"background: {theme.background};")
        for cell in self.cells:
            cell.chart.set_theme(theme)
            cell.bar.set_theme(theme)

    def reset_view(self) -> None:
        for chart in self.charts:
            chart.reset_view()


def layout_of(count: int, columns: int) -> list[tuple[int, int, int]]:
    """Row, column and columns spanned for each of `count` panels."""
    if columns == 1:
        return [(k, 0, 1) for k in range(count)]
    first = [(0, 0, 2)] if count % 2 else []
    rest = count - len(first)
    return [*first, *((len(first) + k // 2, k % 2, 1) for k in range(rest))]
