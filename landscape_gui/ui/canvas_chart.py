"""The chart canvas: lines, bands, points, needles, bars, rules and heat maps over x, with a second axis where a panel has one."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtWidgets import QToolTip, QWidget

from landscape_gui import style
from landscape_gui.chart_limits import bar_places, limits
from landscape_gui.figure import Axis, Band, Bars, Line, Mark, Needles, Note, Panel, Points, Rule
from landscape_gui.ui.canvas2d import MARKERS
from landscape_gui.ui.chart_head import ChartHead, escape
from landscape_gui.ui.chart_marks import NamedAxis, NeedleItems, bar_items, heat_item, needle_items, scaled
from landscape_gui.ui.chart_reading import needle_words, reading

NEAR = 9.0
"""Pixels within which a needle is under the cursor."""
GRID = 36
"""Opacity of the grid's lines, of 255."""
DARK_SERIES = {"#0072B2": "#4BA3DA", "#4D4D4D": "#B0B0B0", "#7F3C8D": "#B884C6"}


class CanvasChart(pg.PlotWidget):
    """Draws a `Panel` of view "chart". Made once, filled many times; a zoom by hand stays while title and axes stay the same."""

    read = Signal(str)
    """What stands under the cursor, in words; "" nothing."""
    needle_picked = Signal(object, int)
    """Needles, and the number of the one that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, axisItems={side: NamedAxis(side) for side in ("left", "bottom", "right", "top")})
        self.setObjectName("canvas_chart")
        self.setAccessibleName("Chart")
        self.setMinimumSize(260, 220)
        self.theme = style.LIGHT
        self.panel: Panel | None = None
        self.plot = self.getPlotItem()
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.head = ChartHead(self.plot)
        self.plot.getAxis("top").setStyle(showValues=False, tickLength=0)
        self.second = pg.ViewBox()
        self.plot.scene().addItem(self.second)
        self.plot.getAxis("right").linkToView(self.second)
        self.second.setXLink(self.plot.vb)
        self.plot.vb.sigResized.connect(lambda: self.second.setGeometry(self.plot.vb.sceneBoundingRect()))
        self.plot.vb.sigRangeChangedManually.connect(self._zoomed_by_hand)
        self.curves: list[tuple[pg.PlotDataItem, pg.ViewBox]] = []
        self.items: list[tuple[pg.GraphicsObject, pg.ViewBox]] = []
        self.needles: list[tuple[NeedleItems, pg.ViewBox]] = []
        self.rules: list[pg.InfiniteLine] = []
        self.raised: tuple[NeedleItems, int] | None = None
        self.zoomed = False
        self.note = pg.LabelItem(justify="left", size="9pt")
        self.note.setParentItem(self.plot.vb)
        self.note.anchor(itemPos=(0, 0), parentPos=(0, 0), offset=(8, 4))
        self.plot.scene().sigMouseMoved.connect(self._moved)
        self.plot.scene().sigMouseClicked.connect(self._clicked)

    def show_panel(self, panel: Panel) -> None:
        """Draw these marks."""
        stays = self.zoomed and self.panel is not None and same_axes(self.panel, panel)
        self.panel = panel
        self._clear()
        if panel.heat_map:
            self._keep(heat_item(panel), False, below=True)
        for kind in (Band, Line, Points, Needles):
            for mark in panel.marks:
                if isinstance(mark, kind):
                    self._add(mark)
        self._add_bars(panel)
        for mark in panel.marks:
            if isinstance(mark, Rule):
                self._add_rule(mark)
        self.note.setText("<br>".join(escape(m.text) for m in panel.marks if isinstance(m, Note)))
        self._axes(panel)
        if not stays:
            self._range(panel)

    def clear_panel(self) -> None:
        self.panel = None
        self._clear()

    def _clear(self) -> None:
        for item, box in (*self.curves, *self.items):
            box.removeItem(item)
        for rule in self.rules:
            self.plot.removeItem(rule)
        self.curves, self.items, self.needles, self.rules, self.raised = [], [], [], [], None
        self.head.clear()

    def _keep(self, item: pg.GraphicsObject, right: bool, label: str = "", *, below: bool = False) -> None:
        box = self.second if right else self.plot.vb
        box.addItem(item, ignoreBounds=True)
        if below:
            item.setZValue(-100)
        self.items.append((item, box))
        if label:
            self.head.add(item, label)

    def _log(self, right: bool = False) -> tuple[bool, bool]:
        assert self.panel is not None
        up = self.panel.right if right else self.panel.y
        return self.panel.x.scale == "log", up is not None and up.scale == "log"

    def _add(self, mark: Mark) -> None:
        if isinstance(mark, Line):
            self._add_line(mark)
        elif isinstance(mark, Band):
            self._add_band(mark)
        elif isinstance(mark, Points):
            self._add_points(mark)
        elif isinstance(mark, Needles):
            self._add_needles(mark)

    def _add_line(self, mark: Line) -> None:
        log_x, log_y = self._log(mark.right)
        pen = pg.mkPen(self._colour(mark.colour), width=1.8 * mark.width)
        if mark.dash:
            pen.setStyle(Qt.PenStyle.DashLine)
        item = pg.PlotDataItem(scaled(mark.x, log_x), scaled(mark.y, log_y), pen=pen, antialias=True, connect="finite")
        box = self.second if mark.right else self.plot.vb
        box.addItem(item)
        self.curves.append((item, box))
        if mark.label:
            self.head.add(item, mark.label)

    def _add_band(self, mark: Band) -> None:
        log_x, log_y = self._log(mark.right)
        x, low, high = scaled(mark.x, log_x), scaled(mark.low, log_y), scaled(mark.high, log_y)
        if log_y:
            low = np.where(np.isfinite(high) & ~np.isfinite(low), self._foot(mark.right), low)
        known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
        x, low, high = x[known], low[known], high[known]
        colour = pg.mkColor(self._colour(mark.colour))
        colour.setAlpha(60)
        edges = tuple(pg.PlotCurveItem(x, v, pen=pg.mkPen(None)) for v in (low, high))
        self._keep(pg.FillBetweenItem(*edges, brush=pg.mkBrush(colour)), mark.right)
        self.head.add_swatch(colour, mark.label)

    def _add_points(self, mark: Points) -> None:
        log_x, log_y = self._log(mark.right)
        item = pg.ScatterPlotItem(
            scaled(mark.x, log_x),
            scaled(mark.y, log_y),
            size=mark.size + 1,
            symbol=MARKERS[mark.marker],
            brush=pg.mkBrush(self._colour(mark.colour)),
            pen=pg.mkPen(self.theme.background, width=1),
        )
        self._keep(item, mark.right, mark.label)

    def _add_needles(self, mark: Needles) -> None:
        log_x, log_y = self._log(mark.right)
        foot = self._foot(mark.right)
        top = np.nan_to_num(scaled(mark.height, log_y), nan=foot)
        made = needle_items(mark, scaled(mark.x, log_x), top, foot, self._colour(mark.colour), self.theme.background)
        self._keep(made.stems, mark.right)
        self._keep(made.heads, mark.right, mark.label)
        self.needles.append((made, self.second if mark.right else self.plot.vb))

    def _foot(self, right: bool = False) -> float:
        """Where needles stand: zero, or the lower end of a logarithmic axis."""
        assert self.panel is not None
        return float(np.log10(limits(self.panel, "right" if right else "y")[0])) if self._log(right)[1] else 0.0

    def _add_bars(self, panel: Panel) -> None:
        log = panel.x.scale == "log"
        foot = float(np.log10(limits(panel, "x")[0])) if log else 0.0
        for mark, middles, thick in bar_places(panel):
            items = bar_items(mark, middles, thick, log, foot, self._colour(mark.colour), self.theme.ink)
            for item in items:
                self._keep(item, False)
            self.head.add_swatch(pg.mkColor(self._colour(mark.colour)), mark.label)
        if panel.categories and not log:
            self.rules.append(pg.InfiniteLine(pos=0, angle=90, pen=pg.mkPen(self.theme.muted, width=1)))
            self.plot.addItem(self.rules[-1], ignoreBounds=True)

    def _add_rule(self, mark: Rule) -> None:
        upright = mark.orientation == "vertical"
        at = float(scaled([mark.at], self._log()[0 if upright else 1])[0])
        pen = pg.mkPen(self.theme.muted, width=1, style=Qt.PenStyle.DashLine if mark.dash else Qt.PenStyle.SolidLine)
        sides = [(-0.02, 0.5), (1.02, 0.5)] if upright else [(0.5, 1.0), (0.5, 0.0)]
        options = {"position": 0.94, "anchors": sides, "color": self.theme.muted}
        item = pg.InfiniteLine(pos=at, angle=90 if upright else 0, pen=pen, label=mark.label or None, labelOpts=options)
        self.plot.addItem(item, ignoreBounds=True)
        self.rules.append(item)

    def _colour(self, number: int) -> str:
        colour = style.SERIES[number % len(style.SERIES)]
        return DARK_SERIES.get(colour, colour) if self.theme.dark else colour

    def _axes(self, panel: Panel) -> None:
        right = panel.right or Axis()
        bars = panel.categories
        for side, axis in (("bottom", panel.x), ("left", panel.y), ("right", right)):
            item = self.plot.getAxis(side)
            item.setLogMode(axis.scale == "log", axis.scale == "log")
            names, step = (bars, -1) if bars and side == "left" else (axis.names, 1)
            item.widest = max(110.0, 0.42 * self.width())
            item.name(names, step)
            ticks = 0 if bars and side == "left" else -5
            shown = bool(axis.text or names) or side != "left"  # heights without a meaning have no numbers
            item.setStyle(autoReduceTextSpace=not names, hideOverlappingLabels=False, tickLength=ticks, showValues=shown)
            self.plot.setLabel(side, escape(axis.text))
        self.plot.showAxis("right", panel.right is not None)
        self.plot.getAxis("left").setGrid(False if bars or panel.heat_map else GRID)
        self.plot.getAxis("bottom").setGrid(False if panel.heat_map else GRID)
        self.head.title(panel.title)
        self.head.arrange(self.width())

    def _range(self, panel: Panel) -> None:
        self.zoomed = False
        for side, box in (("x", self.plot.vb), ("y", self.plot.vb), ("right", self.second)):
            axis = getattr(panel, side)
            if axis is None:
                continue
            low, high = (float(v) for v in scaled(limits(panel, side), axis.scale))  # type: ignore[arg-type]
            if np.isfinite([low, high]).all() and low != high:
                (box.setXRange if side == "x" else box.setYRange)(low, high, padding=0.0)

    def _zoomed_by_hand(self, *_: object) -> None:
        self.zoomed = True

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.setBackground(theme.background)
        for side in ("left", "bottom", "right", "top"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.muted, width=1))
            axis.setTextPen(theme.ink)
        self.head.set_theme(theme)
        self.note.setAttr("color", theme.muted)
        if self.panel is not None:
            self.show_panel(self.panel)

    def reset_view(self) -> None:
        if self.panel is not None:
            self.zoomed = False
            self.show_panel(self.panel)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)
        if "head" in self.__dict__:
            self.head.arrange(self.width())

    @property
    def frame(self) -> QRectF:
        return self.plot.vb.sceneBoundingRect()

    # the cursor

    def _moved(self, position: QPointF) -> None:
        if self.panel is None or not self.frame.contains(position):
            self._leave()
            return
        found = self.needle_at(position)
        self._raise(found)
        if found is not None:
            words = needle_words(found[0].mark, found[1])
            self.setCursor(Qt.CursorShape.PointingHandCursor if found[0].mark.vectors else Qt.CursorShape.ArrowCursor)
            QToolTip.showText(self.mapToGlobal(self.mapFromScene(position)), words.replace("   ", "\n"), self)
            self.read.emit(words)
            return
        self.unsetCursor()
        QToolTip.hideText()
        here = self.plot.vb.mapSceneToView(position)
        log_x, log_y = self._log()
        place = (10.0 ** here.x() if log_x else here.x(), 10.0 ** here.y() if log_y else here.y())
        self.read.emit(reading(self.panel, *place))

    def needle_at(self, position: QPointF) -> tuple[NeedleItems, int] | None:
        """The needle under a place of the scene: the one whose head is nearest, of those whose stems are near enough."""
        best: tuple[float, NeedleItems, int] | None = None
        for made, box in self.needles:
            for number, (x, top) in enumerate(zip(made.x, made.top, strict=True)):
                head = box.mapViewToScene(QPointF(float(x), float(top)))
                aside, above = abs(head.x() - position.x()), head.y() - position.y()
                if aside > NEAR or above > NEAR:
                    continue
                distance = float(np.hypot(aside, 0.05 * min(above, 0.0) if above < 0 else above))
                if best is None or distance < best[0]:
                    best = distance, made, number
        return None if best is None else best[1:]

    def _raise(self, found: tuple[NeedleItems, int] | None) -> None:
        if found == self.raised:
            return
        for entry, on in ((self.raised, False), (found, True)):
            if entry is not None:
                entry[0].raise_head(entry[1] if on else None)
        self.raised = found

    def _leave(self) -> None:
        self._raise(None)
        self.unsetCursor()
        self.read.emit("")

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._leave()

    def _clicked(self, event: object) -> None:
        if event.button() != Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            return
        if event.double():  # type: ignore[attr-defined]
            self.reset_view()
            return
        found = self.needle_at(event.scenePos())  # type: ignore[attr-defined]
        if found is not None:
            self.needle_picked.emit(found[0].mark, found[1])


def same_axes(a: Panel, b: Panel) -> bool:
    """Whether two panels show the same thing at two moments."""
    return (a.title, a.x.label, a.x.scale, a.y.label, a.y.scale) == (b.title, b.x.label, b.x.scale, b.y.label, b.y.scale)


def bars_height(panel: Panel, line: float) -> float:
    """Pixels that a panel's bars need so that every name can be read."""
    groups = sum(isinstance(m, Bars) for m in panel.marks)
    return len(panel.categories) * max(line, 9.0 * groups + 4.0)
