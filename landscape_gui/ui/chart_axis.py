"""The axis of a chart: numbers, or the names of categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF

from landscape_gui.ui.canvas2d import PlainAxis

BEYOND = 15
"""Pixels by which a number may stand out beyond an end of the axis."""


class NamedAxis(PlainAxis):
    """Numbers, or names at whole numbers: every n-th where they would overlap, shortened in the middle where one is too long."""

    names: tuple[str, ...] = ()
    step: int = 1
    widest: float = 240.0
    needed: float = 0.0
    """Pixels across that numbers and label take."""
    help: str = ""
    """What the label stands for."""
    wide: float = 0.0
    """Pixels that it is across at least."""
    needs_other = Signal()

    def name(self, names: Sequence[str], step: int = 1) -> None:
        """Names at 0, `step`, 2 `step`, ... instead of numbers; none: numbers again."""
        if (tuple(names), step) != (self.names, self.step):
            self.names, self.step = tuple(names), step
            self.picture = None
            self._updateMaxTextSize(0)
            self.update()

    def align(self, wide: float) -> None:
        """Be so many pixels across, or as many as numbers and label take where these are more."""
        if wide != self.wide:
            self.wide = wide
            self._updateWidth()

    def _updateWidth(self) -> None:
        super()._updateWidth()
        needed = self.minimumWidth()
        if 0 < needed < self.wide:
            self.setMaximumWidth(self.wide)
            self.setMinimumWidth(self.wide)
        if needed != self.needed:
            self.needed = needed
            self.needs_other.emit()

    def boundingRect(self) -> QRectF:
        """With room for half a number beyond both ends: with a grid pyqtgraph leaves none, and the last number out."""
        room = 0 if self.grid is False else BEYOND
        across = self.orientation in ("bottom", "top")
        return super().boundingRect().adjusted(*((-room, 0, room, 0) if across else (0, -room, 0, room)))

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
