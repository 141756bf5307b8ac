"""The chart canvas: lines, bands, points, needles, bars, rules and heat maps over x, with a second axis where a panel has one."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from landscape_gui import style
from landscape_gui.chart_limits import Side, bar_places, limits
from landscape_gui.figure import Axis, Band, Bars, Line, Mark, Needles, Note, Panel, Points, Rule
from landscape_gui.ui.chart_axis import NamedAxis
from landscape_gui.ui.chart_head import ChartHead, escape
from landscape_gui.ui.chart_marks import ITEMS, Ground, HeatItem, NeedleItems, made_like, scaled
from landscape_gui.ui.chart_reading import cell_at, needle_words, reading
from landscape_gui.ui.moment_pointer import MomentPointer

NEAR = 9.0
"""Pixels within which a needle is under the cursor."""
GRID = 36
"""Opacity of the grid's lines, of 255."""


class CanvasChart(pg.PlotWidget):
    """Draws a `Panel` of view "chart". Made once, filled many times; a zoom by hand stays while title and axes stay the same."""

    read = Signal(str)
    """What stands under the cursor, in words; "" nothing."""
    needle_picked = Signal(object, int)
    """Needles, and the number of the one that was clicked."""
    cell_picked = Signal(object, int, int)
    """A panel with a heat map, and the column and row of the cell that was clicked."""
    pointed = Signal(float)
    """Where along the runs the checkpoint stands that is under the cursor."""

    def __init__(self, parent: QWidget | None = None) -> None:
        sides = {side: NamedAxis(side) for side in ("left", "bottom", "right", "top")}
        super().__init__(parent, axisItems=sides, enableMenu=False)
        self.setObjectName("canvas_chart")
        self.setAccessibleName("Chart")
        self.setMinimumSize(230, 170)
        self.theme = style.LIGHT
        self.panel: Panel | None = None
        self.plot = self.getPlotItem()
        self.plot.hideButtons()
        self.head = ChartHead(self.plot)
        self.plot.getAxis("top").setStyle(showValues=False, tickLength=0)
        self.second = pg.ViewBox(enableMenu=False)
        self.plot.scene().addItem(self.second)
        self.plot.getAxis("right").linkToView(self.second)
        self.second.setXLink(self.plot.vb)
        self.plot.vb.sigResized.connect(lambda: self.second.setGeometry(self.plot.vb.sceneBoundingRect()))
        self.plot.vb.sigRangeChangedManually.connect(self._zoomed_by_hand)
        self.curves: list[tuple[pg.PlotDataItem, pg.ViewBox]] = []
        self.items: list[tuple[pg.GraphicsObject, pg.ViewBox]] = []
        self.needles: list[tuple[NeedleItems, pg.ViewBox]] = []
        self.rules: list[pg.InfiniteLine] = []
        self._heat: HeatItem | None = None
        self._drawn: list[tuple[int, Any]] = []
        self.painted = 0.0
        """Seconds spent on painting; who reads it sets it back."""
        self._likeness: object = None
        self._named: object = None
        self.raised: tuple[NeedleItems, int] | None = None
        self.zoomed = False
        self.pointer = MomentPointer(self.plot)
        self.note = pg.LabelItem(justify="left", size="9pt")
        self.note.setParentItem(self.plot.vb)
        self.note.anchor(itemPos=(0, 0), parentPos=(0, 0), offset=(8, 4))
        self.plot.scene().sigMouseMoved.connect(self._moved)
        self.plot.scene().sigMouseClicked.connect(self._clicked)

    def show_panel(self, panel: Panel) -> None:
        """Draw these marks; items that were made for marks of the same kinds are kept and filled anew."""
        likeness = made_like(panel)
        if likeness == self._likeness and self.panel is not None and same_panel(self.panel, panel):
            return
        stays = self.zoomed and self.panel is not None and same_axes(self.panel, panel)
        self.panel = panel
        if likeness != self._likeness:
            self._clear()
            self._make(panel)
            self._likeness = likeness
        self._fill(panel)
        note = "<br>".join(escape(m.text) for m in panel.marks if isinstance(m, Note))
        if note != self.note.text:
            self.note.setText(note)
        self._axes(panel)
        if not stays:
            self._range(panel)
        self.pointer.show_panel(panel)

    def clear_panel(self) -> None:
        self.panel = None
        self._clear()

    def _clear(self) -> None:
        for item, box in (*self.curves, *self.items):
            box.removeItem(item)
        for rule in self.rules:
            self.plot.removeItem(rule)
        self.curves, self.items, self.needles, self.rules, self.raised = [], [], [], [], None
        self._heat, self._drawn, self._likeness, self._named = None, [], None, None
        self.head.clear()

    def _make(self, panel: Panel) -> None:
        """Items for the marks, in the order in which they lie upon one another, and the legend."""
        if panel.heat_map:
            self._heat = HeatItem()
            self._keep(self._heat.image, False)
        for kind, make in ITEMS.items():
            for index, mark in enumerate(panel.marks):
                if isinstance(mark, kind):
                    made = make(mark, self._ground(mark))
                    self._drawn.append((index, made))
                    self._place(mark, made)
        if panel.categories and not self._log()[0]:
            self._add_rule(pg.InfiniteLine(pos=0, angle=90, pen=pg.mkPen(self.theme.muted, width=1)))

    def _place(self, mark: Any, made: Any) -> None:
        right = bool(getattr(mark, "right", False))
        for item in made.items:
            if isinstance(mark, Rule):
                self._add_rule(item)
            else:
                self._keep(item, right)
        if isinstance(mark, Band | Bars):
            self.head.add_swatch(made.colour, mark.label)
        elif isinstance(mark, Line | Points | Needles):
            self.head.add(made.items[-1], mark.label)
        if isinstance(mark, Line):
            self.curves.append(self.items.pop())
        elif isinstance(mark, Needles):
            self.needles.append((made, self._box(right)))

    def _keep(self, item: pg.GraphicsObject, right: bool) -> None:
        self._box(right).addItem(item, ignoreBounds=True)
        self.items.append((item, self._box(right)))

    def _add_rule(self, line: pg.InfiniteLine) -> None:
        self.plot.addItem(line, ignoreBounds=True)
        self.rules.append(line)

    def _box(self, right: bool) -> pg.ViewBox:
        return self.second if right else self.plot.vb

    def _fill(self, panel: Panel) -> None:
        if self._heat is not None:
            self._heat.fill(panel)
        places = iter(bar_places(panel))
        for index, made in self._drawn:
            mark = panel.marks[index]
            if isinstance(mark, Bars):
                made.place(*next(places)[1:])
            made.fill(mark, self._ground(mark))
        if self.raised is not None:
            self.raised[0].raise_head(self.raised[1])

    def _log(self, right: bool = False) -> tuple[bool, bool]:
        assert self.panel is not None
        up = self.panel.right if right else self.panel.y
        return self.panel.x.scale == "log", up is not None and up.scale == "log"

    def _ground(self, mark: Mark) -> Ground:
        """Needles and bands stand on zero or the lower end of a logarithmic axis, bars on that of x."""
        assert self.panel is not None
        right = bool(getattr(mark, "right", False))
        log_x, log_y = self._log(right)
        side: Side = "x" if isinstance(mark, Bars) else "right" if right else "y"
        stands = isinstance(mark, Bars | Band | Needles) and (log_x if side == "x" else log_y)
        return Ground(self.theme, log_x, log_y, float(np.log10(limits(self.panel, side)[0])) if stands else 0.0)

    def _axes(self, panel: Panel) -> None:
        axes = (panel.x, panel.y, panel.right or Axis())
        words = tuple((axis.text, axis.help, axis.scale, axis.names) for axis in axes)
        named = (words, panel.right is not None, panel.title, panel.categories, self.width())
        if named == self._named:
            return
        self._named = named
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
            item.resizeEvent()  # a longer label stands in the middle too
            item.help = axis.help
        self.plot.showAxis("right", panel.right is not None)
        self.plot.getAxis("left").setGrid(False if bars or panel.heat_map else GRID)
        self.plot.getAxis("bottom").setGrid(False if panel.heat_map else GRID)
        self.head.title(panel.title)
        self.head.arrange(self.width())

    def _range(self, panel: Panel) -> None:
        self.zoomed = False
        self.plot.vb.setAspectLocked(panel.equal)
        if panel.equal:
            self.plot.vb.setRange(xRange=limits(panel, "x"), yRange=limits(panel, "y"), padding=0.0)
            return
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
        self.pointer.set_theme(theme)
        self.note.setAttr("color", theme.muted)
        self._likeness = self._named = None
        if self.panel is not None:
            self.show_panel(self.panel)

    def reset_view(self) -> None:
        if self.panel is not None:
            self._range(self.panel)

    def paintEvent(self, event: QPaintEvent) -> None:
        begun = time.monotonic()
        super().paintEvent(event)
        self.painted += time.monotonic() - begun

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
        order = self.pointer.order_at(here)
        if order is not None:
            self.pointed.emit(order)
        self.read.emit(reading(self.panel, *place) if order is None else self.pointer.words(order))

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

    def viewportEvent(self, event: QEvent) -> bool:
        """Over an axis, its numbers too: what its label stands for."""
        if isinstance(event, QHelpEvent):
            place = self.mapToScene(event.pos())
            for side in ("bottom", "left", "right"):
                axis = self.plot.getAxis(side)
                if axis.help and axis.mapRectToScene(axis.rect()).contains(place):
                    QToolTip.showText(event.globalPos(), axis.help, self)
                    return True
        return bool(super().viewportEvent(event))

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
        elif self.panel is not None and self.panel.heat_map and self.frame.contains(event.scenePos()):  # type: ignore[attr-defined]
            here = self.plot.vb.mapSceneToView(event.scenePos())  # type: ignore[attr-defined]
            self.cell_picked.emit(self.panel, *cell_at(self.panel, here.x(), here.y()))


def same_axes(a: Panel, b: Panel) -> bool:
    """Whether two panels show the same thing at two moments."""
    return (a.title, a.x.label, a.x.scale, a.y.label, a.y.scale) == (b.title, b.x.label, b.x.scale, b.y.label, b.y.scale)


def same_panel(a: Panel, b: Panel) -> bool:
    """Whether two panels show the same to the last digit."""
    return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(Panel))


def same(a: object, b: object) -> bool:
    """Equality that looks into marks and arrays; NaN is like NaN."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if dataclasses.is_dataclass(a) and type(a) is type(b):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    return bool(a == b)


def bars_height(panel: Panel, line: float) -> float:
    """Pixels that a panel's bars need so that every name can be read."""
    groups = sum(isinstance(m, Bars) for m in panel.marks)
    return len(panel.categories) * max(line, 9.0 * groups + 4.0)
