"""The handle on the charts of a path: an upright line that is dragged from one model to the other, with a disc on the path."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent

from landscape_gui import style
from landscape_gui.ui.canvas_chart import CanvasChart
from landscape_gui.ui.way import Way

ABOVE = 30
"""Above everything else in a chart."""
KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
STEP, LEAP = 0.01, 0.1
"""What an arrow key moves by, alone and with Shift."""


class Grip:
    """The handle of one chart. It lies upon the marks and is none of them, so that it stays while they are drawn anew."""

    def __init__(self, chart: CanvasChart, way: Way) -> None:
        self.chart, self.way = chart, way
        self.line = pg.InfiniteLine(angle=90, movable=True, label="", labelOpts={"position": 0.5, "movable": False})
        self.line.addMarker("<|>", position=0.03, size=15)
        self.line.setZValue(ABOVE)
        self.disc = pg.ScatterPlotItem(size=12, symbol="o")
        self.disc.setZValue(ABOVE + 1)
        chart.plot.addItem(self.line, ignoreBounds=True)
        chart.plot.addItem(self.disc, ignoreBounds=True)
        self.line.sigDragged.connect(lambda line: way.move(line.value()))
        self.show(False)

    def show(self, on: bool) -> None:
        self.line.setVisible(on)
        self.disc.setVisible(on)

    def dress(self, colour: str) -> None:
        """In the colours of the theme and of the path."""
        theme = self.chart.theme
        pen, raised = pg.mkPen(theme.ink, width=1.6), pg.mkPen(colour, width=3)
        self.line.setPen(pen)
        self.line.setHoverPen(raised)
        self.disc.setBrush(pg.mkBrush(colour))
        self.disc.setPen(pg.mkPen(theme.ink, width=1.6))

    def place(self, t: float, bounds: tuple[float, float], height: float) -> None:
        """At t; height: the path's value there (NaN: not known)."""
        self.line.setBounds(bounds)
        if self.line.value() != t:
            self.line.setValue(t)
        log = self.chart.panel is not None and self.chart.panel.y.scale == "log"
        if log:
            height = float(np.log10(height)) if height > 0 else np.nan
        known = np.isfinite(height)
        self.disc.setData([t] if known else [], [height] if known else [])


class WayHandle(QObject):
    """Handles on those of the charts whose x is a path's t; `quantities` names what the charts show, for the disc."""

    def __init__(self, way: Way, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.way = way
        self.grips: dict[CanvasChart, Grip] = {}
        self.charts: tuple[CanvasChart, ...] = ()
        self.quantities: tuple[str, ...] = ()
        self.colour = 0
        way.changed.connect(self.refresh)

    def lie_on(self, charts: Sequence[CanvasChart], quantities: Sequence[str], colour: int) -> None:
        """Be on these charts and on no other."""
        for chart in charts:
            if chart not in self.grips:
                self.grips[chart] = Grip(chart, self.way)
                chart.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                chart.installEventFilter(self)
                chart.plot.scene().sigMouseClicked.connect(lambda event, c=chart: self._clicked(c, event))
        self.charts, self.quantities, self.colour = tuple(charts), tuple(quantities), colour
        for chart, grip in self.grips.items():
            grip.show(chart in self.charts)
        self.refresh()

    def refresh(self) -> None:
        way = self.way
        for number, chart in enumerate(self.charts):
            grip = self.grips[chart]
            grip.dress(style.series_colour(self.colour, chart.theme))
            grip.place(way.t, way.ends, self.height(self.quantities[number] if number < len(self.quantities) else ""))

    def height(self, quantity: str) -> float:
        """The path's value where the handle is: as just measured, else straight between the places measured before."""
        way, path = self.way, self.way.measured
        if way.result is not None and way.result.t == way.t and not way.rough and quantity in way.result.quantities:
            return float(way.result.quantities[quantity].values)
        if path is None or quantity not in path.quantities:
            return float("nan")
        values = path.quantities[quantity].values
        known = np.isfinite(values)
        return float(np.interp(way.t, path.t[known], values[known])) if known.any() else float("nan")

    def _clicked(self, chart: CanvasChart, event: object) -> None:
        """A click beside the handle brings it there."""
        if chart not in self.charts or event.button() != Qt.MouseButton.LeftButton or event.double():  # type: ignore[attr-defined]
            return
        if chart.frame.contains(event.scenePos()):  # type: ignore[attr-defined]
            chart.setFocus()
            self.way.move(chart.plot.vb.mapSceneToView(event.scenePos()).x())  # type: ignore[attr-defined]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent) or watched not in self.charts:
            return False
        side = KEYS.get(Qt.Key(event.key()))
        if side is None:
            return False
        step = LEAP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP
        self.way.move(round(self.way.t / STEP) * STEP + side * step)
        return True
