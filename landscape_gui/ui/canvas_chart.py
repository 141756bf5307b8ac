"""The chart canvas: lines, bands, points and rules over x, with a second axis on the right where a panel has one."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtWidgets import QWidget

from landscape_gui import style
from landscape_gui.figure import Band, Line, Note, Panel, Points, Rule
from landscape_gui.ui.canvas2d import MARKERS, PlainAxis


class CanvasChart(pg.PlotWidget):
    """Draws a `Panel` of view "chart". Made once; curves are reused."""

    cursor_moved = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, axisItems={side: PlainAxis(side) for side in ("left", "bottom", "right", "top")})
        self.setObjectName("canvas_chart")
        self.setAccessibleName("Chart")
        self.setMinimumSize(260, 220)
        self.theme = style.LIGHT
        self.panel: Panel | None = None
        self.plot = self.getPlotItem()
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.layout.setContentsMargins(8, 34, 16, 8)
        self.legend = pg.LegendItem(colCount=4, horSpacing=18, verSpacing=-2, labelTextSize="9pt")
        self.legend.setParentItem(self.plot)
        self.legend.anchor(itemPos=(1, 0), parentPos=(1, 0), offset=(-14, 0))
        self.plot.getAxis("top").setStyle(showValues=False, tickLength=0)
        self.second = pg.ViewBox()
        self.plot.scene().addItem(self.second)
        self.plot.getAxis("right").linkToView(self.second)
        self.second.setXLink(self.plot.vb)
        self.plot.vb.sigResized.connect(lambda: self.second.setGeometry(self.plot.vb.sceneBoundingRect()))
        self.curves: list[tuple[pg.PlotDataItem, pg.ViewBox]] = []
        self.bands: list[tuple[pg.FillBetweenItem, pg.ViewBox]] = []
        self.rules: list[pg.InfiniteLine] = []
        self.spots: list[tuple[pg.ScatterPlotItem, pg.ViewBox]] = []
        self.note = pg.LabelItem(justify="left", size="9pt")
        self.note.setParentItem(self.plot.vb)
        self.note.anchor(itemPos=(0, 0), parentPos=(0, 0), offset=(8, 4))

    def show_panel(self, panel: Panel) -> None:
        self.panel = panel
        logs = panel.x.scale == "log", panel.y.scale == "log"
        right_log = panel.right is not None and panel.right.scale == "log"
        self._clear()
        for band in (m for m in panel.marks if isinstance(m, Band)):
            self._add_band(band, logs[0], right_log if band.right else logs[1])
        for line in (m for m in panel.marks if isinstance(m, Line)):
            self._add_line(line, logs[0], right_log if line.right else logs[1])
        for points in (m for m in panel.marks if isinstance(m, Points)):
            self._add_points(points, logs[0], right_log if points.right else logs[1])
        for rule in (m for m in panel.marks if isinstance(m, Rule)):
            self._add_rule(rule, logs)
        self.note.setText("<br>".join(escape(m.text) for m in panel.marks if isinstance(m, Note)))
        self._axes(panel, logs, right_log)
        self._range(panel, logs, right_log)

    def clear_panel(self) -> None:
        self.panel = None
        self._clear()

    def _clear(self) -> None:
        for item, box in (*self.curves, *self.bands, *self.spots):
            box.removeItem(item)
        for rule in self.rules:
            self.plot.removeItem(rule)
        self.curves, self.bands, self.spots, self.rules = [], [], [], []
        self.legend.clear()

    def _box(self, right: bool) -> pg.ViewBox:
        return self.second if right else self.plot.vb

    def _add_line(self, mark: Line, log_x: bool, log_y: bool) -> None:
        pen = pg.mkPen(self._colour(mark.colour), width=1.8 * mark.width)
        if mark.dash:
            pen.setStyle(Qt.PenStyle.DashLine)
        item = pg.PlotDataItem(scaled(mark.x, log_x), scaled(mark.y, log_y), pen=pen, antialias=True, connect="finite")
        self._box(mark.right).addItem(item)
        self.curves.append((item, self._box(mark.right)))
        if mark.label:
            self.legend.addItem(item, escape(mark.label))

    def _add_band(self, mark: Band, log_x: bool, log_y: bool) -> None:
        x, low, high = scaled(mark.x, log_x), scaled(mark.low, log_y), scaled(mark.high, log_y)
        known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
        x, low, high = x[known], low[known], high[known]
        colour = pg.mkColor(self._colour(mark.colour))
        colour.setAlpha(50)
        edges = tuple(pg.PlotCurveItem(x, v, pen=pg.mkPen(None)) for v in (low, high))
        item = pg.FillBetweenItem(*edges, brush=pg.mkBrush(colour))
        self._box(mark.right).addItem(item)
        self.bands.append((item, self._box(mark.right)))

    def _add_points(self, mark: Points, log_x: bool, log_y: bool) -> None:
        item = pg.ScatterPlotItem(
            scaled(mark.x, log_x),
            scaled(mark.y, log_y),
            size=mark.size + 1,
            symbol=MARKERS[mark.marker],
            brush=pg.mkBrush(self._colour(mark.colour)),
            pen=pg.mkPen(self.theme.background, width=1),
        )
        self._box(mark.right).addItem(item)
        self.spots.append((item, self._box(mark.right)))
        if mark.label:
            self.legend.addItem(item, escape(mark.label))

    def _add_rule(self, mark: Rule, logs: tuple[bool, bool]) -> None:
        upright = mark.orientation == "vertical"
        pen = pg.mkPen(self.theme.muted, width=1, style=Qt.PenStyle.DashLine if mark.dash else Qt.PenStyle.SolidLine)
        at = float(scaled(np.array([mark.at]), logs[0] if upright else logs[1])[0])
        item = pg.InfiniteLine(pos=at, angle=90 if upright else 0, pen=pen, label=mark.label or None)
        if mark.label:
            item.label.setColor(self.theme.muted)
            item.label.setPosition(0.06)
        self.plot.addItem(item, ignoreBounds=True)
        self.rules.append(item)

    def _colour(self, number: int) -> str:
        colour = style.SERIES[number % len(style.SERIES)]
        return {"#0072B2": "#4BA3DA", "#4D4D4D": "#B0B0B0", "#7F3C8D": "#B884C6"}.get(colour, colour) if self.theme.dark else colour

    def _axes(self, panel: Panel, logs: tuple[bool, bool], right_log: bool) -> None:
        self.plot.setLabel("bottom", escape(panel.x.text))
        self.plot.setLabel("left", escape(panel.y.text))
        for side, log in (("bottom", logs[0]), ("left", logs[1]), ("right", right_log)):
            self.plot.getAxis(side).setLogMode(log, log)
        self.plot.showAxis("right", panel.right is not None)
        if panel.right is not None:
            self.plot.setLabel("right", escape(panel.right.text))

    def _range(self, panel: Panel, logs: tuple[bool, bool], right_log: bool) -> None:
        marks = [m for m in panel.marks if isinstance(m, (Line, Points, Band))]
        if not marks:
            return
        x = extent([scaled(m.x, logs[0]) for m in marks], panel.x.limits, logs[0])
        self.plot.vb.setXRange(*x, padding=0.0 if panel.x.limits else 0.02)
        for right, box, axis, log in ((False, self.plot.vb, panel.y, logs[1]), (True, self.second, panel.right, right_log)):
            there = [
                scaled(v, log) for m in marks if m.right == right for v in ((m.low, m.high) if isinstance(m, Band) else (m.y,))
            ]
            if there and axis is not None:
                box.setYRange(*extent(there, axis.limits, log), padding=0.0 if axis.limits else 0.06)

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.setBackground(theme.background)
        self.plot.showGrid(x=True, y=True, alpha=0.14)
        for side in ("left", "bottom", "right", "top"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.muted, width=1))
            axis.setTextPen(theme.ink)
        self.legend.setLabelTextColor(theme.ink)
        self.note.setAttr("color", theme.muted)
        if self.panel is not None:
            self.show_panel(self.panel)

    def reset_view(self) -> None:
        if self.panel is not None:
            self.show_panel(self.panel)

    @property
    def frame(self) -> QRectF:
        return self.plot.vb.sceneBoundingRect()


def scaled(values: object, log: bool) -> np.ndarray:
    """What is drawn: the values, or their decimal logarithms with NaN where there is none."""
    array = np.asarray(values, float)
    return np.log10(np.where(array > 0, array, np.nan)) if log else np.where(np.isfinite(array), array, np.nan)


def extent(arrays: list[np.ndarray], limits: tuple[float, float] | None, log: bool) -> tuple[float, float]:
    if limits is not None:
        low, high = (float(v) for v in scaled(np.array(limits), log))
        return low, high
    values = np.concatenate([a[np.isfinite(a)] for a in arrays]) if arrays else np.array([])
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def escape(text: str) -> str:
    """pyqtgraph's labels read markup: names from files must not be any."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
