"""Marks of a chart as items of pyqtgraph: needles, bars, heat maps, and the axis that names categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF

from landscape_gui import style
from landscape_gui.chart_limits import raster, whiskers
from landscape_gui.figure import Bars, Needles, Panel, Scale
from landscape_gui.results import Array
from landscape_gui.ui.canvas2d import PlainAxis

HEAD = 7.0
"""Pixels across the head of a needle."""


class NamedAxis(PlainAxis):
    """Numbers, or names at whole numbers: every n-th where they would overlap, shortened in the middle where one is too long."""

    names: tuple[str, ...] = ()
    step: int = 1
    widest: float = 240.0

    def name(self, names: Sequence[str], step: int = 1) -> None:
        """Names at 0, `step`, 2 `step`, ... instead of numbers; none: numbers again."""
        if (tuple(names), step) != (self.names, self.step):
            self.names, self.step = tuple(names), step
            self.picture = None
            self._updateMaxTextSize(0)
            self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        if not self.names:
            return super().tickValues(low, high, size)
        room = QFontMetricsF(self.font()).height() if self.orientation in ("left", "right") else self._widest_name() + 10
        each = size / max(high - low, 1e-9)
        every = max(1, int(np.ceil(room * 0.92 / max(each, 1e-9))))
        places = [float(self.step * k) for k in range(0, len(self.names), every)]
        return [(1.0, [p for p in places if low <= p <= high])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if not self.names:
            return super().tickStrings(values, scale, spacing)
        metrics = QFontMetricsF(self.font())
        return [metrics.elidedText(self.names[int(abs(v))], Qt.TextElideMode.ElideMiddle, self.widest) for v in values]

    def _widest_name(self) -> float:
        metrics = QFontMetricsF(self.font())
        return max((metrics.horizontalAdvance(name) for name in self.names), default=0.0)


@dataclass(frozen=True)
class NeedleItems:
    """One mark of needles on the canvas; x, top: (k,) where their heads are, in what the box shows."""

    mark: Needles
    x: Array
    top: Array
    stems: pg.PlotCurveItem
    heads: pg.ScatterPlotItem

    def raise_head(self, number: int | None) -> None:
        """The head under the cursor is larger."""
        sizes = np.full(len(self.x), HEAD)
        if number is not None:
            sizes[number] = 1.7 * HEAD
        self.heads.setSize(sizes)


def needle_items(mark: Needles, x: Array, top: Array, foot: float, colour: str, edge: str) -> NeedleItems:
    """Stems from `foot` and heads; x and top as they are drawn."""
    stems = pg.PlotCurveItem(
        np.repeat(x, 2), np.stack([np.full(len(x), foot), top], 1).ravel(), connect="pairs", pen=pg.mkPen(colour, width=1.6)
    )
    heads = pg.ScatterPlotItem(x, top, size=HEAD, symbol="o", brush=pg.mkBrush(colour), pen=pg.mkPen(edge, width=1))
    return NeedleItems(mark, x, top, stems, heads)


def bar_items(mark: Bars, middles: Array, thick: float, log: bool, foot: float, colour: str, ink: str) -> list[pg.GraphicsObject]:
    """Bars from `foot` (0 on a linear axis) and their whiskers; the lengths as they are drawn."""
    drawn = lambda v: np.log10(np.where(v > 0, v, np.nan)) if log else np.asarray(v, float)  # noqa: E731
    ends = drawn(np.asarray(mark.values, float))
    known = np.isfinite(ends)
    bars = pg.BarGraphItem(
        x0=np.full(int(known.sum()), foot), x1=ends[known], y=middles[known], height=0.9 * thick, brush=colour, pen=pg.mkPen(None)
    )
    low, high = (drawn(v) for v in whiskers(mark))
    low = np.where(np.isfinite(high) & ~np.isfinite(low), foot, low)
    x = np.stack([low, high], 1).ravel()
    lines = pg.PlotCurveItem(x, np.repeat(middles, 2), connect=pairs(x), pen=pg.mkPen(ink, width=1.3))
    caps_x, caps_y = np.repeat(x, 2), np.repeat(middles, 4) + np.tile([-0.18, 0.18], 2 * len(middles)) * thick
    caps = pg.PlotCurveItem(caps_x, caps_y, connect=pairs(caps_x), pen=pg.mkPen(ink, width=1.3))
    return [bars, lines, caps]


def pairs(x: Array) -> Array:
    """Points 0-1, 2-3, ... joined where both are finite."""
    finite = np.isfinite(x)
    joined = np.zeros(len(x), np.int32)
    joined[0::2] = finite[0::2] & finite[1::2]
    return joined


def heat_item(panel: Panel) -> pg.ImageItem:
    """The panel's surface as cells of colour."""
    surface = panel.surface
    assert surface is not None
    values, (left, right, low, high) = raster(surface, panel.x.scale, panel.y.scale)
    levels: Array = np.array(surface.limits, float)
    if surface.scale == "log":
        values = np.log10(np.where(values > 0, values, np.nan))
        levels = np.log10(np.maximum(levels, 1e-300))
    item = pg.ImageItem(axisOrder="row-major")
    item.setLookupTable(np.round(style.colour_table(surface.colour_map) * 255).astype(np.ubyte))
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float32)
    item.setImage(values, autoLevels=False, levels=tuple(levels), rect=QRectF(left, low, right - left, high - low))
    return item


def scaled(values: object, scale: Scale | bool) -> Array:
    """What is drawn: the values, or their decimal logarithms with NaN where there is none."""
    array = np.asarray(values, float)
    if scale is True or scale == "log":
        return np.log10(np.where(array > 0, array, np.nan))
    return np.where(np.isfinite(array), array, np.nan)
