"""Icons that follow the palette, drawn from the Phosphor font that qtawesome ships (read here directly: importing qtawesome loads
every font that it has and would take a third of the time in which the window must be visible)."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from functools import cache
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPen, QPixmap


@cache
def _glyphs() -> tuple[str, dict[str, str]]:
    """The font's family and its characters by name; ("", {}) where the font is not there."""
    spec = importlib.util.find_spec("qtawesome")
    if spec is None or spec.origin is None:
        return "", {}
    folder = Path(spec.origin).parent / "fonts"
    fonts, maps = sorted(folder.glob("phosphor*.ttf")), sorted(folder.glob("phosphor*.json"))
    if not fonts or not maps:
        return "", {}
    number = QFontDatabase.addApplicationFont(str(fonts[-1]))
    families = QFontDatabase.applicationFontFamilies(number)
    table = json.loads(maps[-1].read_text(encoding="utf-8"))
    return (families[0] if families else ""), {name: chr(int(code, 16)) for name, code in table.items()}


class GlyphEngine(QIconEngine):
    """One character, in the palette's text colour of the moment (a fixed one when given)."""

    def __init__(self, name: str, colour: str = "") -> None:
        super().__init__()
        self.name, self.colour = name, colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        family, glyphs = _glyphs()
        if not family or self.name not in glyphs:
            return
        disabled = mode == QIcon.Mode.Disabled
        group = QPalette.ColorGroup.Disabled if disabled else QPalette.ColorGroup.Active
        colour = QGuiApplication.palette().color(group, QPalette.ColorRole.WindowText)
        font = QFont(family)
        font.setPixelSize(max(8, round(rect.height() * 0.98)))
        painter.save()
        painter.setFont(font)
        painter.setPen(QColor(self.colour) if self.colour and not disabled else colour)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, glyphs[self.name])
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        if size.isEmpty():  # a row that has no room yet
            return QPixmap()
        picture = QPixmap(size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return picture

    def clone(self) -> QIconEngine:
        return GlyphEngine(self.name, self.colour)


def icon(name: str, colour: str = "") -> QIcon:
    """The Phosphor icon of this name (https://phosphoricons.com)."""
    return QIcon(GlyphEngine(name, colour))


@cache
def arrow_file(colour: str) -> str:
    """A small downward chevron as a file, which is the only form that a style sheet takes."""
    picture = QPixmap(20, 20)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.drawPolyline([QPointF(4, 7), QPointF(10, 13), QPointF(16, 7)])
    painter.end()
    path = Path(_folder().name) / f"chevron-{colour.lstrip('#')}.png"
    picture.save(str(path))
    return path.as_posix()


@cache
def check_file(colour: str) -> str:
    """A small tick as a file, for checked boxes."""
    picture = QPixmap(26, 26)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 3.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.drawPolyline([QPointF(5, 14), QPointF(11, 20), QPointF(21, 7)])
    painter.end()
    path = Path(_folder().name) / f"tick-{colour.lstrip('#')}.png"
    picture.save(str(path))
    return path.as_posix()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="landscape_gui-")
