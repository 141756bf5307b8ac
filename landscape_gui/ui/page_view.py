"""A drawn page on the screen: fitted, at the size at which it is printed, or on the paper among its text."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from landscape_gui.colour_vision import VISION, linear
from landscape_gui.export.apart import Picture
from landscape_gui.results import Array
from landscape_gui.ui import theme
from landscape_gui.ui.paper_sheet import Box, Paper, grey_lines, paper_of
from landscape_gui.venues import VENUES

Zoom = Literal["fit", "real", "page"]
MARGIN = 18
"""Pixels around a fitted page."""
SQUARE = 8
"""Pixels of a square of the checkerboard behind what is transparent."""
COARSE = 90.0
"""Pixels an inch below which a page is drawn twice as large and made smaller, which letters stand better."""
LINEAR = linear(np.arange(256) / 255).astype(np.float32)
ENCODED = np.rint(255 * np.where((t := np.linspace(0, 1, 4096)) <= 0.0031308, 12.92 * t, 1.055 * t ** (1 / 2.4) - 0.055)).astype(
    np.uint8
)
GREY = np.tile(np.array([0.2126729, 0.7151522, 0.0721750]), (3, 1))
"""Linear RGB to light of the same luminance without colour (Rec. 709)."""


class PageView(QScrollArea):
    """Shows a `Picture`; says how many pixels the next one should have. `resized`: another number than the last."""

    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page_view")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(300, 240)
        self.picture: Picture | None = None
        self.image = QImage()
        self.see_through = False
        self.zoom: Zoom = "fit"
        self.vision = ""
        self.venue, self.dark = "", False
        """Of the page: where it appears, and whether it is for a dark background."""
        self.sheet = Sheet(self)
        self.setWidget(self.sheet)

    # how large

    @property
    def real_dpi(self) -> float:
        """Pixels of the screen (as Qt counts them) in an inch of the screen, by what it says of itself."""
        told = float(self.screen().physicalDotsPerInch())
        return told if 50 <= told <= 400 else float(self.screen().logicalDotsPerInch())

    def room(self) -> tuple[int, int]:
        """Pixels that a fitted page may have."""
        size, ratio = self.viewport().size(), self.devicePixelRatioF()
        return max(int((size.width() - 2 * MARGIN) * ratio), 80), max(int((size.height() - 2 * MARGIN) * ratio), 80)

    def wanted(self, width: float) -> tuple[tuple[int, int], float | None]:
        """Room and resolution that the next picture, of a page `width` inches wide, should be drawn with."""
        ratio = self.devicePixelRatioF()
        if self.zoom == "fit":
            room = self.room()
            known = self.picture.width if self.picture is not None else width
            finer = 2 if min(room[0] / known, room[1] / (0.8 * known)) < COARSE * ratio else 1
            return (finer * room[0], finer * room[1]), None
        dpi = ratio * (self.real_dpi if self.zoom == "real" else 2 * self.paper_scale())
        return self.room(), dpi

    def paper(self) -> Paper:
        return paper_of(self.venue)

    def paper_scale(self) -> float:
        """Pixels an inch at which the whole paper can be seen."""
        paper, size = self.paper(), self.viewport().size()
        return max(min((size.width() - 2 * MARGIN) / paper.width, (size.height() - 2 * MARGIN) / paper.height), 5.0)

    # what is shown

    def show_picture(self, picture: Picture | None) -> None:
        self.picture = picture
        self._see()

    def set_zoom(self, zoom: Zoom) -> None:
        self.zoom = zoom
        self._fit()

    def set_vision(self, vision: str) -> None:
        """ "", "grey", or one of `colour_vision.VISION`."""
        self.vision = vision
        self._see()

    def _see(self) -> None:
        self.image = image_of(self.picture, self.vision) if self.picture is not None else QImage()
        self.see_through = self.picture is not None and min(self.picture.pixels[3::4], default=255) < 255
        self._fit()

    def _fit(self) -> None:
        viewport = self.viewport().size()
        wanted = viewport
        if self.zoom == "real" and self.picture is not None:
            across = QSize(round(self.picture.width * self.real_dpi), round(self.picture.height * self.real_dpi))
            wanted = viewport.expandedTo(across + QSize(2 * MARGIN, 2 * MARGIN))
        self.sheet.resize(wanted)
        self.sheet.forget()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
        self.resized.emit()


class Sheet(QWidget):
    """What is painted."""

    def __init__(self, view: PageView) -> None:
        super().__init__()
        self.view = view
        self.setAccessibleName("Preview")
        self._scaled = QPixmap()

    def forget(self) -> None:
        """What was scaled for another size."""
        self._scaled = QPixmap()
        self.update()

    def place(self) -> QRectF:
        """Where the figure stands."""
        picture, zoom = self.view.picture, self.view.zoom
        assert picture is not None
        if zoom == "page":
            scale, corner = self.view.paper_scale(), self._corner()
            box = self.view.paper().figure(picture.width, picture.height)
            return scaled(box, scale, corner)
        if zoom == "real":
            scale = self.view.real_dpi
        else:
            room = self.width() - 2 * MARGIN, self.height() - 2 * MARGIN
            scale = max(min(room[0] / picture.width, room[1] / picture.height), 1.0)
        width, height = picture.width * scale, picture.height * scale
        return QRectF(round((self.width() - width) / 2), round((self.height() - height) / 2), width, height)

    def _corner(self) -> QPointF:
        paper, scale = self.view.paper(), self.view.paper_scale()
        return QPointF(round((self.width() - paper.width * scale) / 2), round((self.height() - paper.height * scale) / 2))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.current().hover))
        if self.view.picture is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            place = self.place()
            if self.view.zoom == "page":
                self._paint_paper(painter, place)
            else:
                paint_shadow(painter, place)
                if self.view.see_through:
                    checker(painter, place, dark=self.view.dark)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(place.topLeft(), self._pixels(place))
        painter.end()

    def _pixels(self, place: QRectF) -> QPixmap:
        """The picture for its place: as it was drawn where that has as many pixels, else made smaller or larger, once."""
        if self._scaled.isNull():
            ratio = self.devicePixelRatioF()
            size = QSize(max(round(place.width() * ratio), 1), max(round(place.height() * ratio), 1))
            image = self.view.image
            if abs(image.width() - size.width()) > 1 or abs(image.height() - size.height()) > 1:
                image = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
            self._scaled = QPixmap.fromImage(image)
            self._scaled.setDevicePixelRatio(ratio)
        return self._scaled

    def _paint_paper(self, painter: QPainter, place: QRectF) -> None:
        """White paper whatever the theme, as it is printed."""
        view, paper, scale, corner = self.view, self.view.paper(), self.view.paper_scale(), self._corner()
        assert view.picture is not None
        whole = QRectF(corner.x(), corner.y(), paper.width * scale, paper.height * scale)
        paint_shadow(painter, whole)
        painter.fillRect(whole, QColor("#FFFFFF"))
        figure = paper.figure(view.picture.width, view.picture.height)
        caption = VENUES[view.venue].caption_size if view.venue else 9.0
        painter.setPen(Qt.PenStyle.NoPen)
        for box, of_caption in grey_lines(paper, figure, caption):
            painter.setBrush(QColor("#AEB4BF" if of_caption else "#DFE2E8"))
            painter.drawRoundedRect(scaled(box, scale, corner), 1.5, 1.5)


def scaled(box: Box, scale: float, corner: QPointF) -> QRectF:
    return QRectF(corner.x() + box.left * scale, corner.y() + box.top * scale, box.width * scale, box.height * scale)


def paint_shadow(painter: QPainter, place: QRectF) -> None:
    """A thin edge, so that a page of the window's own colour is seen to end."""
    painter.setPen(QColor(theme.current().border))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))


def checker(painter: QPainter, place: QRectF, *, dark: bool) -> None:
    """A checkerboard behind a page that is transparent, as dark as what it is meant to be laid on."""
    tile = QPixmap(2 * SQUARE, 2 * SQUARE)
    tile.fill(QColor("#16181D" if dark else "#FFFFFF"))
    brush = QPainter(tile)
    for x, y in ((0, 0), (SQUARE, SQUARE)):
        brush.fillRect(x, y, SQUARE, SQUARE, QColor("#262A32" if dark else "#E4E7EC"))
    brush.end()
    painter.drawTiledPixmap(place, tile)


def image_of(picture: Picture, vision: str = "") -> QImage:
    """The pixels as Qt's, seen as `vision` says."""
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.rows, picture.columns, 4)
    if vision:
        pixels = np.ascontiguousarray(seen_by(pixels, vision))
    image = QImage(pixels.data, picture.columns, picture.rows, 4 * picture.columns, QImage.Format.Format_RGBA8888)
    return image.copy()  # so that it owns what it shows


def seen_by(pixels: Array, vision: str) -> Array:
    """RGBA (h, w, 4) uint8 as it looks in grey print ("grey") or to a reader with one of `colour_vision.VISION`."""
    matrix = GREY if vision == "grey" else VISION[vision]
    tables = (4095 * matrix[:, :, None] * LINEAR).astype(np.float32)
    channels = [np.ascontiguousarray(pixels[..., k]) for k in range(3)]
    changed = pixels.copy()
    for out in range(3):
        light = sum(tables[out, k].take(channels[k]) for k in range(3)) + np.float32(0.5)
        changed[..., out] = ENCODED.take(np.clip(light, 0, 4095).astype(np.uint16))
    return changed
