"""Contour lines with inline labels: one path per ink, drawn with a width that does not scale, labels turned along their line."""

from __future__ import annotations

import math
from dataclasses import dataclass

import contourpy
import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from landscape_gui.figure import Surface
from landscape_gui.results import Array
from landscape_gui.style import colour_table, format_number

SHORTEST = 0.45
"""Lines shorter than this part of the picture's width carry no label."""
APART = 52.0
"""Labels keep this distance, in pixels."""


@dataclass(frozen=True)
class Label:
    """Text at a place on a line; `ahead` is a point a little further along it."""

    text: str
    at: QPointF
    ahead: QPointF
    light: bool


class ContourLines(pg.GraphicsObject):
    """All contour lines of one surface; `show` replaces them."""

    def __init__(self) -> None:
        super().__init__()
        self.paths = (QPainterPath(), QPainterPath())
        self.labels: list[Label] = []
        self.bounds = QRectF()
        self.apart = 0.13

    def show_surface(self, surface: Surface, pixels: float = 400.0) -> None:
        """Trace the levels of `surface` (some milliseconds at 201 x 201), shown about so many pixels wide."""
        self.apart = APART / max(pixels, 60.0)
        self.prepareGeometryChange()
        self.bounds = QRectF(surface.x[0], surface.y[0], surface.x[-1] - surface.x[0], surface.y[-1] - surface.y[0])
        self.paths, self.labels = (QPainterPath(), QPainterPath()), []
        if surface.contour_lines and min(surface.z.shape) >= 2:
            self._trace(surface)
        self.update()

    def clear(self) -> None:
        self.prepareGeometryChange()
        self.paths, self.labels = (QPainterPath(), QPainterPath()), []
        self.update()

    def _trace(self, surface: Surface) -> None:
        low, high = surface.limits
        z = np.where(np.isfinite(surface.z), surface.z, np.nan)
        values = np.log10(np.where(z > 0, z, np.nan)) if surface.scale == "log" else z
        ends = (math.log10(max(low, 1e-300)), math.log10(max(high, 1e-300))) if surface.scale == "log" else (low, high)
        generator = contourpy.contour_generator(
            surface.x, surface.y, np.ma.masked_invalid(values), name="serial", line_type=contourpy.LineType.Separate
        )
        table = colour_table(surface.colour_map)
        places: list[tuple[float, float]] = []
        for level in surface.levels:
            height = math.log10(level) if surface.scale == "log" else level
            share = (height - ends[0]) / ((ends[1] - ends[0]) or 1.0)
            light = luminance(table[int(np.clip(share, 0, 1) * 255)]) < 0.42
            lines: list[Array] = [np.asarray(line) for line in generator.lines(height) if line is not None and len(line) > 1]
            for line in lines:
                self.paths[light].addPath(pg.arrayToQPath(line[:, 0], line[:, 1], connect="all", finiteCheck=False))
            if surface.contour_labels and lines:
                self._place(lines, format_number(float(f"{level:.2g}")), light, places)

    def _place(self, lines: list[Array], text: str, light: bool, places: list[tuple[float, float]]) -> None:
        """Label the longest line at its straightest free spot."""
        size = np.array([self.bounds.width() or 1.0, self.bounds.height() or 1.0])
        line = max(lines, key=len)
        unit = (line - [self.bounds.left(), self.bounds.top()]) / size
        arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(unit, axis=0).T))])
        if arc[-1] < SHORTEST:
            return
        spot = straightest(unit, arc, places, self.apart)
        if spot is None:
            return
        places.append(spot[0])
        at, ahead = (np.array(p) * size + [self.bounds.left(), self.bounds.top()] for p in spot)
        self.labels.append(Label(text, QPointF(*at), QPointF(*ahead), light))

    def boundingRect(self) -> QRectF:
        return self.bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for path, colour in zip(self.paths, (QColor(12, 12, 18, 150), QColor(255, 255, 255, 130)), strict=True):
            pen = QPen(colour, 1.0)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPath(path)
        self._paint_labels(painter)

    def _paint_labels(self, painter: QPainter) -> None:
        transform = painter.transform()
        font = QFont(pg.QtWidgets.QApplication.font())
        font.setPointSizeF(max(6.5, font.pointSizeF() - 1.5))
        for label in self.labels:
            at, ahead = transform.map(label.at), transform.map(label.ahead)
            angle = math.degrees(math.atan2(ahead.y() - at.y(), ahead.x() - at.x()))
            angle = angle - 180 if angle > 90 else angle + 180 if angle < -90 else angle
            text = QPainterPath()
            text.addText(0, 0, font, label.text)
            box = text.boundingRect()
            text.translate(-box.center())
            painter.save()
            painter.resetTransform()
            painter.translate(at)
            painter.rotate(angle)
            ink, halo = ("#FFFFFF", QColor(10, 10, 20, 170)) if label.light else ("#101018", QColor(255, 255, 255, 190))
            painter.strokePath(text, QPen(halo, 3.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
            painter.fillPath(text, QColor(ink))
            painter.restore()


def luminance(rgb: Array) -> float:
    """How bright a colour looks, 0 to 1."""
    return float(rgb @ np.array([0.2126, 0.7152, 0.0722]))


def straightest(
    unit: Array, arc: Array, places: list[tuple[float, float]], apart: float
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Where along a line (in unit coordinates) a label bends least, away from the edges and other labels; and a point ahead."""
    half = 0.035
    at = np.linspace(half, arc[-1] - half, 24)
    points, before, after = (np.stack([np.interp(at + d, arc, unit[:, k]) for k in (0, 1)], -1) for d in (0.0, -half, half))
    chord = np.hypot(*(after - before).T) / (2 * half)
    middle = np.minimum(points, 1 - points).min(1)
    score = chord + 0.1 * np.minimum(middle, 0.2)
    for place in places:
        score = np.where(np.hypot(*(points - place).T) < apart, -1.0, score)
    score = np.where(middle < 0.04, -1.0, score)
    best = int(score.argmax())
    if score[best] < 0.9:
        return None
    return (float(points[best, 0]), float(points[best, 1])), (float(after[best, 0]), float(after[best, 1]))
