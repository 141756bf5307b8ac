"""Marks of a chart as items of pyqtgraph: made once, and filled anew for as long as a panel keeps its marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt

from landscape_gui import style
from landscape_gui.chart_limits import raster, whiskers
from landscape_gui.figure import Band, Bars, Line, Needles, Panel, Points, Rule, Scale, Texts
from landscape_gui.results import Array
from landscape_gui.ui.canvas2d import MARKERS
from landscape_gui.ui.chart_texts import TextItems

SIZES = {"star": 2.1, "diamond": 1.7, "cross": 1.5}
"""How much larger the thinner markers are, so that all are as easily seen."""
HEAD = 7.0
"""Pixels across the head of a needle."""
LOOKS = ("label", "colour", "width", "size", "marker", "dash", "right", "orientation", "backed", "lift")
"""The fields of a mark that its items are made with; everything else is filled in."""


@dataclass(frozen=True)
class Ground:
    """What a mark stands on: whether x and its own y are logarithmic, and where its needles and bars begin, as it is drawn."""

    theme: style.Theme
    log_x: bool = False
    log_y: bool = False
    foot: float = 0.0

    def colour(self, number: int) -> str:
        return style.series_colour(number, self.theme)


def made_like(panel: Panel) -> tuple[object, ...]:
    """What decides whether items that were made for one panel can be filled with another's marks."""
    marks = tuple((type(mark), *(getattr(mark, name, None) for name in LOOKS)) for mark in panel.marks)
    scales = tuple(axis.scale if axis is not None else "" for axis in (panel.x, panel.y, panel.right))
    return (marks, scales, bool(panel.categories), panel.heat_map)


class LineItem:
    def __init__(self, mark: Line, ground: Ground) -> None:
        pen = pg.mkPen(ground.colour(mark.colour), width=1.8 * mark.width)
        if mark.dash:
            pen.setStyle(Qt.PenStyle.DashLine)
        self.curve = pg.PlotCurveItem(pen=pen, antialias=True, connect="finite")
        self.items = (self.curve,)

    def fill(self, mark: Line, ground: Ground) -> None:
        self.curve.setData(scaled(mark.x, ground.log_x), scaled(mark.y, ground.log_y))


class BandItem:
    """The area between two curves, drawn as one outline."""

    def __init__(self, mark: Band, ground: Ground) -> None:
        self.colour = pg.mkColor(ground.colour(mark.colour))
        self.colour.setAlpha(60)
        self.area = pg.PlotCurveItem(pen=pg.mkPen(None), brush=pg.mkBrush(self.colour), fillLevel="enclosed")
        self.items = (self.area,)

    def fill(self, mark: Band, ground: Ground) -> None:
        x, low, high = scaled(mark.x, ground.log_x), scaled(mark.low, ground.log_y), scaled(mark.high, ground.log_y)
        if ground.log_y:
            low = np.where(np.isfinite(high) & ~np.isfinite(low), ground.foot, low)
        known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
        x, low, high = x[known], low[known], high[known]
        self.area.setData(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]]))


class PointsItem:
    def __init__(self, mark: Points, ground: Ground) -> None:
        brush, pen = pg.mkBrush(ground.colour(mark.colour)), pg.mkPen(ground.theme.background, width=1)
        size = SIZES.get(mark.marker, 1.0) * (mark.size + 1)
        self.points = pg.ScatterPlotItem(size=size, symbol=MARKERS[mark.marker], brush=brush, pen=pen)
        self.items = (self.points,)

    def fill(self, mark: Points, ground: Ground) -> None:
        self.points.setData(scaled(mark.x, ground.log_x), scaled(mark.y, ground.log_y))


class NeedleItems:
    """Stems from the foot, and heads. mark: what they show now; x, top: (k,) where the heads are, as drawn."""

    def __init__(self, mark: Needles, ground: Ground) -> None:
        colour = ground.colour(mark.colour)
        self.mark, self.x, self.top = mark, np.zeros(0), np.zeros(0)
        self.stems = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(colour, width=1.6))
        self.heads = pg.ScatterPlotItem(
            size=HEAD, symbol="o", brush=pg.mkBrush(colour), pen=pg.mkPen(ground.theme.background, width=1)
        )
        self.items = (self.stems, self.heads)

    def fill(self, mark: Needles, ground: Ground) -> None:
        self.mark, self.x = mark, scaled(mark.x, ground.log_x)
        self.top = np.nan_to_num(scaled(mark.height, ground.log_y), nan=ground.foot)
        ends = np.stack([np.full(len(self.x), ground.foot), self.top], 1)
        self.stems.setData(np.repeat(self.x, 2), ends.ravel(), connect="pairs")
        self.heads.setData(self.x, self.top, size=HEAD)

    def raise_head(self, number: int | None) -> None:
        """The head under the cursor is larger."""
        sizes = np.full(len(self.x), HEAD)
        if number is not None and number < len(sizes):
            sizes[number] = 1.7 * HEAD
        self.heads.setSize(sizes)


class BarItems:
    """Bars from the foot along x, and their whiskers; `place` says where before they are filled."""

    def __init__(self, mark: Bars, ground: Ground) -> None:
        self.colour = pg.mkColor(ground.colour(mark.colour))
        self.bars = pg.BarGraphItem(x0=[], x1=[], y=[], height=1.0, brush=self.colour, pen=pg.mkPen(None))
        ink = pg.mkPen(ground.theme.ink, width=1.3)
        self.lines, self.caps = pg.PlotCurveItem(pen=ink), pg.PlotCurveItem(pen=ink)
        self.items = (self.bars, self.lines, self.caps)
        self.middles, self.thick = np.zeros(0), 1.0

    def place(self, middles: Array, thick: float) -> None:
        """Where the middle of each bar is, and how much room it has."""
        self.middles, self.thick = middles, thick

    def fill(self, mark: Bars, ground: Ground) -> None:
        middles, thick, log = self.middles, self.thick, ground.log_x
        ends = scaled(mark.values, log)
        known = np.isfinite(ends)
        self.bars.setOpts(x0=np.full(int(known.sum()), ground.foot), x1=ends[known], y=middles[known], height=0.9 * thick)
        low, high = (scaled(v, log) for v in whiskers(mark))
        low = np.where(np.isfinite(high) & ~np.isfinite(low), ground.foot, low)
        x = np.stack([low, high], 1).ravel()
        self.lines.setData(x, np.repeat(middles, 2), connect=pairs(x))
        caps_x, caps_y = np.repeat(x, 2), np.repeat(middles, 4) + np.tile([-0.18, 0.18], 2 * len(middles)) * thick
        self.caps.setData(caps_x, caps_y, connect=pairs(caps_x))


class RuleItem:
    def __init__(self, mark: Rule, ground: Ground) -> None:
        self.upright = mark.orientation == "vertical"
        pen = pg.mkPen(ground.theme.muted, width=1, style=Qt.PenStyle.DashLine if mark.dash else Qt.PenStyle.SolidLine)
        sides = [(-0.02, 0.5), (1.02, 0.5)] if self.upright else [(0.5, 1.0), (0.5, 0.0)]
        ground_colour = pg.mkColor(ground.theme.background)
        ground_colour.setAlpha(200)
        options = {"position": 0.94, "anchors": sides, "color": ground.theme.muted, "fill": ground_colour}
        self.line = pg.InfiniteLine(angle=90 if self.upright else 0, pen=pen, label=mark.label or None, labelOpts=options)
        self.items = (self.line,)

    def fill(self, mark: Rule, ground: Ground) -> None:
        self.line.setValue(float(scaled([mark.at], ground.log_x if self.upright else ground.log_y)[0]))


class HeatItem:
    """A panel's surface as cells of colour, below everything else."""

    def __init__(self) -> None:
        self.image = pg.ImageItem(axisOrder="row-major")
        self.image.setZValue(-100)

    def fill(self, panel: Panel) -> None:
        surface = panel.surface
        assert surface is not None
        values, (left, right, low, high) = raster(surface, panel.x.scale, panel.y.scale)
        levels: Array = np.array(surface.limits, float)
        if surface.scale == "log":
            values = np.log10(np.where(values > 0, values, np.nan))
            levels = np.log10(np.maximum(levels, 1e-300))
        self.image.setLookupTable(np.round(style.colour_table(surface.colour_map) * 255).astype(np.ubyte))
        values = np.where(np.isfinite(values), values, np.nan).astype(np.float32)
        self.image.setImage(values, autoLevels=False, levels=tuple(levels), rect=QRectF(left, low, right - left, high - low))


ITEMS: dict[type, Any] = {
    Band: BandItem,
    Line: LineItem,
    Points: PointsItem,
    Needles: NeedleItems,
    Bars: BarItems,
    Rule: RuleItem,
    Texts: TextItems,
}
"""What draws each kind of mark, from the lowest layer to the highest."""


def pairs(x: Array) -> Array:
    """Points 0-1, 2-3, ... joined where both are finite."""
    finite = np.isfinite(x)
    joined = np.zeros(len(x), np.int32)
    joined[0::2] = finite[0::2] & finite[1::2]
    return joined


def scaled(values: object, scale: Scale | bool) -> Array:
    """What is drawn: the values, or their decimal logarithms with NaN where there is none."""
    array = np.asarray(values, float)
    if scale is True or scale == "log":
        return np.log10(np.where(array > 0, array, np.nan))
    return np.where(np.isfinite(array), array, np.nan)
