"""Charts in a grid: as many as a figure has panels, two abreast where there is room, scrolled where there is none."""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QFrame, QGridLayout, QHBoxLayout, QScrollArea, QWidget

from landscape_gui import style
from landscape_gui.figure import Figure, Panel, Rule
from landscape_gui.ui.canvas_chart import CanvasChart, bars_height
from landscape_gui.ui.chart_axis import NamedAxis
from landscape_gui.ui.chart_head import ROW
from landscape_gui.ui.colour_bar import ColourBar

ABREAST = 640
"""Pixels from which two charts stand side by side."""
SMALL = 250
"""Pixels that each of many small charts needs across, where a figure says how many go side by side."""
LOWEST, LOWEST_SMALL = 250, 168
"""Pixels that a chart is high at least where there are several, and where they are small."""
AROUND_BARS = 96
ALIGNED = 66
"""Pixels that the left axes of small charts have, so that what is over one axis stands one below the other."""
AHEAD, REST = 4, 40
"""So many charts are made before they are asked for, with so many milliseconds between one and the next."""


class ChartCell(QWidget):
    """A chart, made when it is first asked for, and the colour bar of its heat map."""

    chart_made = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.bar = ColourBar()
        self.theme = style.LIGHT
        self._chart: CanvasChart | None = None
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(0)
        self._line.addWidget(self.bar)
        self.bar.hide()

    @property
    def is_made(self) -> bool:
        return self._chart is not None

    @property
    def is_drawn(self) -> bool:
        return self._chart is not None and self._chart.panel is not None

    @property
    def chart(self) -> CanvasChart:
        if self._chart is None:
            self._chart = CanvasChart()
            self._chart.set_theme(self.theme)
            self._line.insertWidget(0, self._chart, 1)
            self._chart.plot.vb.sigResized.connect(self._align)
            self.chart_made.emit(self._chart)
        return self._chart

    def show_panel(self, panel: Panel) -> None:
        surface = panel.surface if panel.heat_map else None
        self.bar.setVisible(surface is not None and surface.has_scale)
        self.bar.show_surface(surface)
        self.chart.show_panel(panel)

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.bar.set_theme(theme)
        if self._chart is not None:
            self._chart.set_theme(theme)

    def spent(self) -> float:
        """Seconds that the chart was painted for since this was last asked."""
        if self._chart is None:
            return 0.0
        seconds, self._chart.painted = self._chart.painted, 0.0
        return seconds

    def _align(self) -> None:
        frame = self.chart.frame
        self.bar.set_extent((frame.top(), frame.bottom()))


class ChartGrid(QScrollArea):
    """`show_figure` fills it; charts are kept and used again."""

    read = Signal(str)
    needle_picked = Signal(object, int)
    cell_picked = Signal(object, int, int)
    pointed = Signal(float)

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
        self.moment: float | None = None
        self.theme = style.LIGHT
        self._placed: object = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._draw_rest)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._align)
        self._due: list[int] = []
        self._drew = 0.0
        for _ in range(AHEAD):
            self._add()
        self._ahead = QTimer(self)
        self._ahead.setInterval(REST)
        self._ahead.timeout.connect(self._make_ahead)
        self._ahead.start()

    def _add(self) -> None:
        cell = ChartCell()
        cell.set_theme(self.theme)
        cell.chart_made.connect(self._adopt)
        cell.hide()
        self.cells.append(cell)

    def _adopt(self, chart: CanvasChart) -> None:
        chart.read.connect(self.read)
        chart.needle_picked.connect(self.needle_picked)
        chart.cell_picked.connect(self.cell_picked)
        chart.pointed.connect(self.pointed)
        chart.plot.getAxis("left").needs_other.connect(self._soon.start)
        chart.viewport().installEventFilter(self)

    def _make_ahead(self) -> None:
        """A chart takes long to make: one now and then, before it is asked for."""
        cell = next((cell for cell in self.cells[:AHEAD] if not cell.is_made), None)
        if cell is None:
            self._ahead.stop()
        else:
            _ = cell.chart

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
        self._place(in_turns)
        self._due = list(range(len(figure.panels)))
        if in_turns:
            self._draw_rest()
            return
        while self._due:
            self._draw_next()

    def _draw_rest(self) -> None:
        begun = time.monotonic()
        if self._due and not self.cells[self._due[0]].is_made:
            _ = self.cells[self._due[0]].chart  # made in this turn, drawn in the next
        else:
            self._draw_next()
        if self._due:
            self._rest.start(0)
        self._drew += time.monotonic() - begun

    def spent(self) -> float:
        """Seconds that drawing in turns and painting took since this was last asked."""
        seconds, self._drew = self._drew, 0.0
        return seconds + sum(cell.spent() for cell in self.cells)

    def _draw_next(self) -> None:
        if self._due and self.figure is not None:
            number = self._due.pop(0)
            panel = self.figure.panels[number]
            self.cells[number].show_panel(self._shown(number, panel))
            self.cells[number].chart.plot.getAxis("left").setWidth(ALIGNED if self._small and self.columns() > 1 else None)
            self.cells[number].chart.pointer.show(self.moment)
            self._soon.start()
            self.cells[number].setVisible(True)

    def _align(self) -> None:
        """Frames over one and the same axis begin at one place where they stand one below the other."""
        figure = self.figure
        if figure is None:
            return
        places = layout_of(len(figure.panels), self.columns())
        columns: dict[tuple[int, str], list[NamedAxis]] = {}
        for cell, panel, (_, column, _) in zip(self.cells, figure.panels, places, strict=False):
            if cell.is_drawn:
                axis = cell.chart.plot.getAxis("left")
                axis.align(0.0) if panel.categories else columns.setdefault((column, panel.x.text), []).append(axis)
        for axes in columns.values():
            for axis in axes:
                axis.align(max(other.needed for other in axes) if len(axes) > 1 else 0.0)

    def _shown(self, number: int, panel: Panel) -> Panel:
        """As it stands here: one alone under the title of all; of small ones over one axis the lowest row alone says what it is."""
        assert self.figure is not None
        if len(self.figure.panels) == 1:
            return replace(panel, title="")
        lowest = number >= len(self.figure.panels) - self.columns()
        same = all(p.x.label == panel.x.label for p in self.figure.panels[:-1])
        return replace(panel, x=replace(panel.x, label="", unit="")) if self._small and same and not lowest else panel

    def columns(self) -> int:
        """One or two, by the number of panels and the width; of many small ones as many as the figure says, where there is room."""
        count = len(self.figure.panels) if self.figure is not None else 0
        if self.figure is not None and self._small:
            return max(1, min(self.figure.columns, self.viewport().width() // SMALL))
        return 2 if count > 2 and self.viewport().width() >= ABREAST else 1

    @property
    def _small(self) -> bool:
        return self.figure is not None and self.figure.is_of_many

    def show_moment(self, order: float | None) -> None:
        """Point at the checkpoints next to a place along the runs, in every chart; one whose turn is still to come does when it is
        drawn."""
        self.moment = order
        count = len(self.figure.panels) if self.figure is not None else 0
        for cell in self.cells[:count]:
            if cell.is_drawn:
                cell.chart.pointer.show(order)

    def _place(self, in_turns: bool = False) -> None:
        """The first of an odd number takes a whole row. Nothing moves while number, heights and columns stay. in_turns: where
        something moves, each chart is seen again when it is drawn."""
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
        for column in range(max(columns, self.grid.columnCount())):
            self.grid.setColumnStretch(column, 1 if column < columns else 0)
        places = layout_of(len(figure.panels), columns)
        for cell, height, (row, column, wide) in zip(self.cells, heights, places, strict=False):
            self.grid.addWidget(cell, row, column, 1, wide)
            self.grid.setRowMinimumHeight(row, max(height, self.grid.rowMinimumHeight(row)))
            self.grid.setRowStretch(row, 6 if wide > 1 or columns == 1 else 5)
            cell.setVisible(cell.is_drawn and not in_turns)  # one that was never drawn yet has axes of nothing

    def _height(self, panel: Panel) -> int:
        """A legend of many names takes its rows from no chart."""
        assert self.figure is not None
        needed = bars_height(panel, QFontMetrics(self.font()).height() * 1.05) + AROUND_BARS if panel.categories else 0.0
        least = LOWEST_SMALL if self._small else LOWEST if len(self.figure.panels) > 1 else 0
        names = {getattr(mark, "label", "") for mark in panel.marks if not isinstance(mark, Rule)} - {""}
        rows = 0 if self._small or not least else max(0, -(-len(names) // 2) - 1)
        return round(max(least + ROW * rows, needed))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()  # first: the area then takes the height that these columns need, and not that of the ones before
        super().resizeEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel zooms a chart where all charts are in view, and scrolls where they are not (with Ctrl it zooms)."""
        scrolls = event.type() == QEvent.Type.Wheel and self.verticalScrollBar().maximum() > 0
        if scrolls and isinstance(event, QWheelEvent) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._scroll(event)
            return True
        return super().eventFilter(watched, event)

    def _scroll(self, event: QWheelEvent) -> None:
        """As far as Qt's areas do. The event itself is not passed on: at the end of its way the bar does not take it, and Qt
        brings it back here without end."""
        bar = self.verticalScrollBar()
        turned = event.angleDelta().y() / 120 * QApplication.wheelScrollLines() * bar.singleStep()
        bar.setValue(bar.value() - (event.pixelDelta().y() or round(turned)))

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.viewport().setStyleSheet(f"background: {theme.background};")
        for cell in self.cells:
            cell.set_theme(theme)

    def reset_view(self) -> None:
        for chart in self.charts:
            chart.reset_view()


def layout_of(count: int, columns: int) -> list[tuple[int, int, int]]:
    """Row, column and columns spanned for each of `count` panels."""
    if columns != 2:
        return [(k // columns, k % columns, 1) for k in range(count)]
    first = [(0, 0, 2)] if count % 2 else []
    rest = count - len(first)
    return [*first, *((len(first) + k // 2, k % 2, 1) for k in range(rest))]
