"""The checkpoint of a run that is pointed at, in whatever is shown of it: charts over the run, and its path on a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject

from landscape_gui.figure import Moments
from landscape_gui.results import TrajectoryResult

if TYPE_CHECKING:
    from landscape_gui.ui.documents import Document
    from landscape_gui.ui.stage import Stage

NEAR = 0.02
"""Of the plane's extent: so near to the path the cursor points at a checkpoint."""


class MomentLink(QObject):
    """Pointing at an epoch in a chart marks the point on the run's trajectory once that is shown, and the other way round."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        assert stage.grid is not None and stage.canvas2d is not None
        self.stage, self.session, self.grid = stage, stage.session, stage.grid
        self.document: Document | None = None
        self.name = ""
        """What the checkpoint is called; "" none."""
        self.mark = PathMark(stage.canvas2d.plot)
        self.grid.pointed.connect(self._from_chart)
        self.session.cursor_changed.connect(self._from_plane)
        stage.figure_shown.connect(self._shown)

    def _from_chart(self, order: float) -> None:
        self.grid.show_moment(order)
        moments = self._moments()
        if moments is not None and self.session.shown is not None:
            self.document, self.name = self.session.shown.document, moments.names[moments.nearest(order)[0]]

    def _from_plane(self, told: Any) -> None:
        """The cursor stands somewhere on the plane of a trajectory."""
        shown = self.session.shown
        if told is None or shown is None or not isinstance(shown.result, TrajectoryResult):
            return
        result, (x, y) = shown.result, told[0]
        extent = [float(np.ptp(axis)) or 1.0 for axis in (result.surface.x, result.surface.y)]
        distance = np.hypot((result.x - x) / extent[0], (result.y - y) / extent[1])
        k = int(np.argmin(distance))
        if distance[k] <= NEAR:
            self.document, self.name = shown.document, result.names[k]
            self._mark(result)

    def _shown(self, figure: object) -> None:
        """Something is shown: the checkpoint in it, where it is of the same run."""
        shown = self.session.shown
        same = shown is not None and shown.document is self.document and bool(self.name)
        result = shown.result if shown is not None and same else None
        self._mark(result if isinstance(result, TrajectoryResult) else None, deep=True)
        moments = self._moments()
        if moments is not None:
            at = moments.names.index(self.name) if same and self.name in moments.names else None
            self.grid.show_moment(None if at is None else float(moments.order[at]))

    def _mark(self, result: TrajectoryResult | None, *, deep: bool = False) -> None:
        """On the path; deep: with the cross-hair on the surface, which the mouse does not move."""
        if result is None or self.name not in result.names:
            self.mark.show(None, "")
            return
        k = result.names.index(self.name)
        place = float(result.x[k]), float(result.y[k])
        self.mark.show(place, self.name)
        if deep:
            self.stage.canvas3d.set_cursor(place)

    def _moments(self) -> Moments | None:
        figure = self.stage.figure
        return next((panel.moments for panel in figure.panels if panel.moments is not None), None) if figure is not None else None


class PathMark:
    """A ring around a checkpoint on the contours, seen on dark colours and on light ones, and its name."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self.halo = pg.ScatterPlotItem(size=17, symbol="o", brush=None, pen=pg.mkPen("#FFFFFF", width=4.6))
        self.ring = pg.ScatterPlotItem(size=17, symbol="o", brush=None, pen=pg.mkPen("#14141C", width=2.2))
        self.name = pg.TextItem("", color="#14141C", fill=pg.mkBrush(255, 255, 255, 215), anchor=(0.5, 1.6))
        for order, item in enumerate((self.halo, self.ring, self.name)):
            item.setZValue(52 + order)
            plot.addItem(item, ignoreBounds=True)
        self.show(None, "")

    def show(self, place: tuple[float, float] | None, name: str) -> None:
        for item in (self.halo, self.ring, self.name):
            item.setVisible(place is not None)
        if place is not None:
            for circle in (self.halo, self.ring):
                circle.setData([place[0]], [place[1]])
            self.name.setText(name)
            self.name.setPos(*place)
