"""The checkpoint that is pointed at, in one chart: a line at its place along the runs, and a dot where each run is then."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF
from PySide6.QtGui import QFontMetricsF

from landscape_gui import style
from landscape_gui.figure import Line, Moments, Panel
from landscape_gui.ui.chart_marks import scaled

SIZE = 9.0
"""Pixels across a dot."""


class MomentPointer:
    """Items of a plot that stay hidden until a moment is shown; nothing where the panel has none."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self.plot = plot
        self.panel: Panel | None = None
        self.order: float | None = None
        self.theme = style.LIGHT
        self.line = pg.InfiniteLine(angle=90, movable=False)
        self.dots = pg.ScatterPlotItem(size=SIZE)
        self.name = pg.TextItem("", anchor=(0.5, 1.25))
        for order, item in enumerate((self.line, self.dots, self.name)):
            item.setZValue(60 + order)
            plot.vb.addItem(item, ignoreBounds=True)
        self.set_theme(self.theme)
        self._hide()

    @property
    def moments(self) -> Moments | None:
        return self.panel.moments if self.panel is not None else None

    def show_panel(self, panel: Panel) -> None:
        self.panel = panel
        self.show(self.order)

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.line.setPen(pg.mkPen(theme.muted, width=1))
        self.name.setColor(theme.ink)
        ground = pg.mkColor(theme.background)
        ground.setAlpha(215)
        self.name.fill = pg.mkBrush(ground)
        self.show(self.order)

    def order_at(self, place: QPointF) -> float | None:
        """Along the runs, where the checkpoint next to a place of the view stands; None where the panel shows none."""
        moments = self.moments
        if moments is None or not len(moments.order):
            return None
        if moments.x is None or moments.y is None:
            return float(moments.order[np.abs(moments.order - place.x()).argmin()])
        wide, high = self.plot.vb.viewPixelSize()
        distance = np.hypot((moments.x - place.x()) / (wide or 1.0), (moments.y - place.y()) / (high or 1.0))
        return float(moments.order[np.nanargmin(np.where(np.isnan(distance), np.inf, distance))])

    def words(self, order: float) -> str:
        """What this panel says of each run's checkpoint there."""
        moments = self.moments
        if moments is None:
            return ""
        return "          ".join(moments.words[k] for k in moments.nearest(order) if k < len(moments.words))

    def show(self, order: float | None) -> None:
        """Point at the checkpoints next to a place along the runs (None: at nothing)."""
        self.order = order
        moments = self.moments
        self._hide()
        if moments is None or order is None or not len(moments.order):
            return
        found = moments.nearest(order)
        if moments.x is not None and moments.y is not None:
            self._dot(moments.x[list(found)], moments.y[list(found)])
            self._say(moments, found[0])
            return
        place = float(moments.order[min(found, key=lambda k: abs(float(moments.order[k]) - order))])
        self.line.setValue(place)
        self.line.show()
        self._dot(*self._on_lines({float(moments.order[k]) for k in found}))

    def _on_lines(self, places: set[float]) -> tuple[list[float], list[float]]:
        """Points of the panel's lines at these places."""
        assert self.panel is not None
        x, y = [], []
        for mark in (m for m in self.panel.marks if isinstance(m, Line) and not m.right):
            heights = scaled(mark.y, self.panel.y.scale)
            for at, height in zip(mark.x, heights, strict=True):
                if float(at) in places and np.isfinite(height):
                    x.append(float(at))
                    y.append(float(height))
        return x, y

    def _dot(self, x: object, y: object) -> None:
        self.dots.setData(x, y, brush=pg.mkBrush(self.theme.ink), pen=pg.mkPen(self.theme.background, width=1.5))
        self.dots.show()

    def _say(self, moments: Moments, k: int) -> None:
        """The checkpoint's name, above its dot, below where there is no room, and inside the frame."""
        assert moments.x is not None and moments.y is not None
        (left, right), (low, high) = self.plot.vb.viewRange()
        x, y = float(moments.x[k]), float(moments.y[k])
        half = QFontMetricsF(self.name.textItem.font()).horizontalAdvance(moments.names[k]) / 2 * self.plot.vb.viewPixelSize()[0]
        across = 0.0 if x - half < left else 1.0 if x + half > right else 0.5
        self.name.setText(moments.names[k])
        self.name.setAnchor((across, -0.25 if y > low + 0.8 * (high - low) else 1.25))
        self.name.setPos(x, y)
        self.name.show()

    def _hide(self) -> None:
        for item in (self.line, self.dots, self.name):
            item.hide()
