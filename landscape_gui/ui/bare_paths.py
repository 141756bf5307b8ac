"""Bare lines on a plane, each in its colour on a white casing, and their names beneath the frame."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from landscape_gui import style
from landscape_gui.figure import Path

GAP = 4
"""Pixels between the axis and the names."""
CASING, WIDTH = 4.6, 2.3
DASHES = {False: "\N{BOX DRAWINGS HEAVY HORIZONTAL}" * 2, True: "\N{BOX DRAWINGS HEAVY DOUBLE DASH HORIZONTAL}" * 2}


class BarePaths:
    """Items are kept from one picture to the next: as many as there ever were paths."""

    def __init__(self, plot: pg.PlotItem, order: int) -> None:
        self.plot, self.order = plot, order
        self.lines: list[tuple[pg.PlotCurveItem, pg.PlotCurveItem]] = []

    def show(self, paths: Sequence[Path]) -> None:
        """Draw these and no others."""
        while len(self.lines) < len(paths):
            self.lines.append((self._add(), self._add()))
        for number, (casing, line) in enumerate(self.lines):
            path = paths[number] if number < len(paths) else None
            for item in (casing, line):
                item.setVisible(path is not None)
            if path is not None:
                self._fill(casing, line, path)

    def _add(self) -> pg.PlotCurveItem:
        item = pg.PlotCurveItem(antialias=True, connect="finite")
        item.setZValue(self.order)
        self.plot.addItem(item, ignoreBounds=True)
        return item

    def _fill(self, casing: pg.PlotCurveItem, line: pg.PlotCurveItem, path: Path) -> None:
        pen = pg.mkPen(style.SERIES[path.colour % len(style.SERIES)], width=WIDTH)
        if path.dash:
            pen.setStyle(Qt.PenStyle.DashLine)
        casing.setPen(pg.mkPen("w", width=CASING))
        line.setPen(pen)
        for item in (casing, line):
            item.setData(np.asarray(path.x, float), np.asarray(path.y, float))


class PathKey(QLabel):
    """The names of the paths, in as many lines as the width asks for; hidden where there are none."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("path_key")
        self.setAccessibleName("Paths in the plane")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def name(self, paths: Sequence[Path], theme: style.Theme) -> None:
        """Names are shown and never read as markup; those that numbers follow stand one below the other."""
        parts = []
        for path in paths:
            if path.label:
                words = html.escape(path.label).replace(" ", "&nbsp;").replace(":&nbsp;", ": ")
                colour = style.series_colour(path.colour, theme)
                parts.append(f'<span style="color:{colour}">{DASHES[path.dash]}</span>&nbsp;{words}')
        between = "<br>" if any(": " in path.label for path in paths) else " &nbsp; "
        text = f'<span style="color:{theme.ink}">{between.join(parts)}</span>' if parts else ""
        if text != self.text():
            self.setText(text)
        self.setVisible(bool(parts))

    def room(self, width: int, height: int) -> int:
        """Pixels that it takes beneath the frame on a canvas of this size."""
        return min(self.heightForWidth(width - 16), height // 3) + GAP if self.text() else 0

    def stand(self, width: int, top: int) -> None:
        """Beneath the frame's axis, which ends at `top`."""
        self.setGeometry(8, top + GAP, width - 16, self.heightForWidth(width - 16))
