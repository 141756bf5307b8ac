"""The contour canvas: a plane's values as colours with labelled lines, a run's path on it, a cross-hair that is linked with 3-D."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from landscape_gui import style
from landscape_gui.figure import Note, Panel, Path, Points, Rule, Surface
from landscape_gui.results import Array
from landscape_gui.ui.bare_paths import BarePaths, PathKey
from landscape_gui.ui.contour_lines import ContourLines

MARKERS = {"disc": "o", "star": "star", "diamond": "d", "square": "s", "cross": "x"}


LOG_TICK = 15.0
"""Pixels that a number on a logarithmic axis needs from the next one."""
MARGINS = (8, 12, 14, 8)
"""Pixels around the plot: left, top, right, bottom."""


class PlainAxis(pg.AxisItem):
    """Numbers as everywhere in the program: short, in the C locale, with a real minus sign."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.enableAutoSIPrefix(False)

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        if not self.logMode or not low < high:
            return super().tickValues(low, high, size)
        ticks = np.log10(style.log_ticks(10.0 ** max(low, -300), 10.0 ** min(high, 300)))
        inside = [float(v) for v in ticks if low <= v <= high]
        room = max(2, int(size / LOG_TICK))
        if self.orientation in ("left", "right") and len(inside) > room:  # whole decades, and where that is still too many some
            whole = [v for v in inside if abs(v - round(v)) < 1e-9]
            inside = whole[:: -(-len(whole) // room)] if len(whole) > 1 else inside[:: -(-len(inside) // room)]
        return [(1.0, inside)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.logMode:
            return [style.format_number(float(f"{10.0**v:.3g}")) for v in values]
        small = abs(spacing) * 1e-6
        return [style.format_number(0.0 if abs(v * scale) < small else float(f"{v * scale:.10g}")) for v in values]


class SmoothImage(pg.ImageItem):
    """An image whose pixels stand at the grid's points and are blended between them."""

    def paint(self, painter: QPainter, *arguments: object) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        super().paint(painter, *arguments)


class Canvas2D(pg.GraphicsLayoutWidget):
    """Draws a `Panel` of view "2d". Made once, filled many times."""

    cursor_moved = Signal(object)
    """(x, y) in data coordinates, or None outside."""
    picked = Signal(float, float)
    menu_asked = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas2d")
        self.setAccessibleName("Contour picture")
        self.setMinimumSize(240, 220)
        self.panel: Panel | None = None
        self.theme = style.LIGHT
        self.rect_shown = QRectF()
        self.ci.layout.setContentsMargins(*MARGINS)
        self.plot = self.addPlot(axisItems={side: PlainAxis(side) for side in ("left", "bottom", "right", "top")})
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        for side in ("left", "bottom", "right", "top"):
            self.plot.showAxis(side)
            self.plot.getAxis(side).setZValue(10)
            self.plot.getAxis(side).setStyle(hideOverlappingLabels=False)
        for side in ("right", "top"):
            self.plot.getAxis(side).setStyle(showValues=False, tickLength=0)
        self._make_items()
        self.plot.setOpacity(0.0)  # axes of nothing say nothing; hidden they would take no room
        self.zoomed = False
        self.plot.vb.sigRangeChangedManually.connect(self._zoomed_by_hand)
        self.plot.vb.sigResized.connect(self._refill)
        self._relabel = QTimer(self)
        self._relabel.setSingleShot(True)
        self._relabel.setInterval(120)
        self._relabel.timeout.connect(self._settle)
        self.plot.scene().sigMouseMoved.connect(self._moved)
        self.plot.scene().sigMouseClicked.connect(self._clicked)

    def _make_items(self) -> None:
        self.image = SmoothImage(axisOrder="row-major")
        self.veil = SmoothImage(axisOrder="row-major")
        self.holes = pg.QtWidgets.QGraphicsPathItem()
        self.holes.setPen(pg.mkPen("#808080", width=1))
        self.lines = ContourLines()
        self.path = pg.PlotDataItem(pen=pg.mkPen(style.TRAJECTORY, width=2.2), antialias=True, symbol="o", symbolSize=5)
        self.path.setSymbolBrush("w")
        self.path.setSymbolPen(pg.mkPen(style.TRAJECTORY, width=1.2))
        self.ends = pg.ScatterPlotItem()
        self.points = pg.ScatterPlotItem()
        self.centre = pg.ScatterPlotItem(size=12, symbol="+", pen=pg.mkPen("#202020", width=0.8), brush=pg.mkBrush("w"))
        self.cell = pg.ScatterPlotItem(size=13, symbol="s", brush=None, pen=pg.mkPen("w", width=2))
        dash = pg.mkPen((255, 255, 255, 150), width=1, style=Qt.PenStyle.DashLine)
        self.cross = tuple(pg.InfiniteLine(angle=a, movable=False, pen=dash) for a in (90, 0))
        items = (
            self.image,
            self.veil,
            self.holes,
            self.lines,
            self.path,
            self.points,
            self.ends,
            self.centre,
            self.cell,
            *self.cross,
        )
        for order, item in enumerate(items):
            item.setZValue(order)
            self.plot.addItem(item, ignoreBounds=True)
        self.bare = BarePaths(self.plot, items.index(self.path))
        self.key = PathKey(self)
        for item in self.cross:
            item.hide()
        self.rules: list[pg.InfiniteLine] = []
        self.names: list[pg.TextItem] = []
        self.note = pg.TextItem("", color="#14141C", fill=pg.mkBrush(255, 255, 255, 235), anchor=(0.5, 0.5))
        self.note.setZValue(51)
        self.plot.addItem(self.note, ignoreBounds=True)
        self.note.hide()

    def show_panel(self, panel: Panel) -> None:
        """Draw these marks; the view's zoom is kept while the axes stay the same."""
        surface = panel.surface
        self.panel = panel
        if surface is None:
            self.clear_panel()
            return
        self.plot.setOpacity(1.0)
        self._show_surface(surface)
        self._show_lines()
        paths = [m for m in panel.marks if isinstance(m, Path)]
        self._show_path(next((p for p in paths if p.stops), None))
        self._show_bare([p for p in paths if not p.stops])
        self._show_points([m for m in panel.marks if isinstance(m, Points)])
        self._show_rules([m for m in panel.marks if isinstance(m, Rule)])
        for side, text in (("bottom", panel.x.text), ("left", panel.y.text)):
            if self.plot.getAxis(side).labelText != text:
                self.plot.setLabel(side, text)
                self._relabel.start()
        self.set_notes([m.text for m in panel.marks if isinstance(m, Note)])

    def _settle(self) -> None:
        """A moment after a change of size, when the layouts of axes and frame have come to rest."""
        self._fit()
        self._refill()
        self._show_lines()

    def _show_lines(self) -> None:
        if self.panel is not None and self.panel.surface is not None:
            frame = self.plot.vb.sceneBoundingRect()
            self.lines.show_surface(self.panel.surface, min(frame.width(), frame.height()))

    def set_notes(self, notes: list[str]) -> None:
        if self.toolTip() != "\n".join(notes):
            self.setToolTip("\n".join(notes))
        panel = self.panel
        self.note.hide()
        if notes and panel is not None and panel.x.limits is not None and panel.y.limits is not None:
            self.note.setText("\n".join(notes))
            self.note.setPos(sum(panel.x.limits) / 2, sum(panel.y.limits) / 2)
            self.note.show()

    def clear_panel(self) -> None:
        self.panel = None
        self.plot.setOpacity(0.0)
        self.image.clear()
        self.veil.hide()
        self.lines.clear()
        self.holes.setPath(pg.QtGui.QPainterPath())
        self._show_path(None)
        self._show_bare([])
        self._show_points([])
        self._show_rules([])
        self.mark_cell(None)

    def _show_surface(self, surface: Surface) -> None:
        x, y = surface.x, surface.y
        dx, dy = ((a[-1] - a[0]) / max(len(a) - 1, 1) or 1.0 for a in (x, y))
        low, high = surface.limits
        z = np.where(np.isfinite(surface.z), surface.z, np.nan)
        if surface.scale == "log":
            z = np.log10(np.where(z > 0, z, np.nan))
            low, high = math.log10(max(low, 1e-300)), math.log10(max(high, 1e-300))
        table = np.round(style.colour_table(surface.colour_map) * 255).astype(np.ubyte)
        self.image.setLookupTable(table)
        rect = QRectF(x[0] - dx / 2, y[0] - dy / 2, x[-1] - x[0] + dx, y[-1] - y[0] + dy)
        self.image.setImage(z.astype(np.float32), autoLevels=False, levels=(low, high), rect=rect)
        self._show_veil(surface, rect)
        self.holes.setPath(hole_path(surface, dx, dy))
        inner = QRectF(x[0], y[0], (x[-1] - x[0]) or dx, (y[-1] - y[0]) or dy)
        self.centre.setData([0.0], [0.0]) if inner.contains(QPointF(0, 0)) else self.centre.setData([], [])
        if inner != self.rect_shown:
            self.rect_shown = inner
            self.reset_view()

    def _show_veil(self, surface: Surface, rect: QRectF) -> None:
        """Cells that are filled in for the moment, and those around them, are paler than where all is computed."""
        pale = around(np.asarray(surface.filled)) if surface.filled is not None else np.zeros(surface.z.shape, bool)
        self.veil.setVisible(bool(pale.any()))
        if pale.any():
            veil = np.zeros((*pale.shape, 4), np.ubyte)
            veil[...] = (*pg.mkColor(self.theme.background).getRgb()[:3], 0)
            veil[pale, 3] = 80
            self.veil.setImage(veil, levels=(0, 255), rect=rect)

    def reset_view(self) -> None:
        """The whole plane, nothing around it; one unit as long on both axes unless that would leave a sliver."""
        rect = self.rect_shown
        if rect.isEmpty():
            return
        self.zoomed = False
        equal = 0.25 < rect.width() / rect.height() < 4
        self.plot.vb.setLimits(xMin=None, xMax=None, yMin=None, yMax=None)
        self.plot.setAspectLocked(False)
        self.plot.setRange(rect, padding=0)
        self.plot.setAspectLocked(equal, 1)
        self._fit()
        self.plot.setRange(rect, padding=0)

    def _zoomed_by_hand(self, *_: object) -> None:
        self.zoomed = True

    def _refill(self, *_: object) -> None:
        """After the frame changed its size: the whole plane again, unless a part of it was chosen by hand."""
        if not self.zoomed and not self.rect_shown.isEmpty():
            self.plot.setRange(self.rect_shown, padding=0)

    def _fit(self) -> None:
        """Frame the plane without blank margins: the plot takes the plane's own proportions."""
        rect = self.rect_shown
        if rect.isEmpty() or self.width() < 80 or self.height() < 80:
            return
        across = sum(self.plot.getAxis(s).width() for s in ("left", "right"))
        down = sum(self.plot.getAxis(s).height() for s in ("top", "bottom"))
        left, top, right, bottom = MARGINS
        bottom += self.key.room(self.width(), self.height())
        wide, high = self.width() - left - right - across, self.height() - top - bottom - down
        ratio = rect.width() / rect.height()
        spare = (0.0, 0.0)
        if 0.25 < ratio < 4:
            spare = max(0.0, wide - high * ratio) / 2, max(0.0, high - wide / ratio) / 2
        self.ci.layout.setContentsMargins(left + spare[0], top + spare[1], right + spare[0], bottom + spare[1])
        self.key.stand(self.width(), round(self.height() - bottom - spare[1]))
        self.ci.layout.activate()
        self.ci.setGeometry(QRectF(0, 0, self.width(), self.height()))

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_relabel"):
            self._fit()
            self._refill()
            self._relabel.start()

    def _show_path(self, path: Path | None) -> None:
        if path is None or not len(path.x):
            self.path.setData([], [])
            self.ends.setData([])
            return
        self.path.setData(np.asarray(path.x), np.asarray(path.y))
        pen = pg.mkPen("#202020", width=1.3)
        start = {"pos": (path.x[0], path.y[0]), "size": 10, "brush": pg.mkBrush(style.START), "pen": pen, "symbol": "o"}
        end = {"pos": (path.x[-1], path.y[-1]), "size": 17, "brush": pg.mkBrush(style.END), "pen": pen, "symbol": "star"}
        self.ends.setData([start, end])

    def _show_bare(self, paths: list[Path]) -> None:
        self.bare.show(paths)
        before = self.key.text()
        self.key.name(paths, self.theme)
        if self.key.text() != before:
            self._relabel.start()

    def _show_points(self, marks: list[Points]) -> None:
        spots = [
            {
                "pos": (float(x), float(y)),
                "size": m.size,
                "symbol": MARKERS[m.marker],
                "brush": pg.mkBrush(style.SERIES[m.colour % len(style.SERIES)]),
                "pen": pg.mkPen("w", width=1),
            }
            for m in marks
            for x, y in zip(m.x, m.y, strict=True)
        ]
        self.points.setData(spots)
        for item in self.names:
            self.plot.removeItem(item)
        self.names = []
        middle = (self.panel.x.limits[0] + self.panel.x.limits[1]) / 2 if self.panel is not None and self.panel.x.limits else np.inf
        ends = self.panel.y.limits if self.panel is not None else None
        low, high = (ends[0] + part * (ends[1] - ends[0]) for part in (0.1, 0.9)) if ends else (-np.inf, np.inf)
        for m in marks:
            for x, y, name in zip(m.x, m.y, m.names, strict=False):
                above = y < high if x <= middle else y < low
                anchor = (-0.08 if x <= middle else 1.08, 1.2 if above else -0.2)
                item = pg.TextItem(name, color="#14141C", fill=pg.mkBrush(255, 255, 255, 215), anchor=anchor)
                item.setZValue(50)
                item.setPos(float(x), float(y))
                self.names.append(item)
                self.plot.addItem(item, ignoreBounds=True)

    def _show_rules(self, marks: list[Rule]) -> None:
        for item in self.rules:
            self.plot.removeItem(item)
        self.rules = [
            pg.InfiniteLine(pos=m.at, angle=90 if m.orientation == "vertical" else 0, pen=pg.mkPen("w", width=1)) for m in marks
        ]
        for item in self.rules:
            self.plot.addItem(item, ignoreBounds=True)

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.setBackground(theme.background)
        for side in ("left", "bottom", "right", "top"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.muted, width=1))
            axis.setTextPen(theme.ink)
        self._show_bare([m for m in self.panel.marks if isinstance(m, Path) and not m.stops] if self.panel is not None else [])

    def set_cursor(self, place: tuple[float, float] | None) -> None:
        """The cross-hair, wherever the mouse is."""
        for item in self.cross:
            item.setVisible(place is not None)
        if place is not None:
            for item, value in zip(self.cross, place, strict=True):
                item.setPos(value)

    def mark_cell(self, place: tuple[float, float] | None) -> None:
        self.cell.setData([], []) if place is None else self.cell.setData([place[0]], [place[1]])

    def _inside(self, scene_position: QPointF) -> tuple[float, float] | None:
        if self.panel is None or not self.plot.vb.sceneBoundingRect().contains(scene_position):
            return None
        p = self.plot.vb.mapSceneToView(scene_position)
        return (p.x(), p.y()) if self.rect_shown.contains(p) else None

    def _moved(self, position: QPointF) -> None:
        self.cursor_moved.emit(self._inside(position))

    def _clicked(self, event: object) -> None:
        button = event.button()  # type: ignore[attr-defined]
        if button not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            return
        if button == Qt.MouseButton.LeftButton and event.double():  # type: ignore[attr-defined]
            self.reset_view()
            return
        place = self._inside(event.scenePos())  # type: ignore[attr-defined]
        if place is not None:
            (self.picked if button == Qt.MouseButton.LeftButton else self.menu_asked).emit(*place)

    def leaveEvent(self, event: object) -> None:
        super().leaveEvent(event)
        self.cursor_moved.emit(None)


def around(filled: Array) -> Array:
    """True for cells with a filled-in one within two steps: a coarse lattice is pale as a whole, not in patches."""
    padded = np.pad(filled, 2)
    rows, columns = filled.shape
    return np.logical_or.reduce([padded[j : j + rows, i : i + columns] for j in range(5) for i in range(5)])


def hole_path(surface: Surface, dx: float, dy: float) -> pg.QtGui.QPainterPath:
    """A small diagonal cross in each cell whose value was computed and is not finite."""
    path = pg.QtGui.QPainterPath()
    if surface.missing is None:
        return path
    rows, columns = np.nonzero(surface.missing)
    for row, column in zip(rows, columns, strict=True):
        x, y = surface.x[column], surface.y[row]
        path.moveTo(x - dx / 2, y - dy / 2)
        path.lineTo(x + dx / 2, y + dy / 2)
    return path


def nearest(values: Array, value: float) -> int:
    """Index of the grid's position next to `value`."""
    return int(np.abs(np.asarray(values) - value).argmin())
