"""What is on the screen and what is printed: the same limits, the same colours, the same view."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bowls import Bowl, bowl
from PIL import Image
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.export.figures import draw, page_of
from landscape_gui.export.paper import settings
from landscape_gui.export.pixels import PixelImage
from landscape_gui.export.writers import written
from landscape_gui.figure import Figure, Look, Surface
from landscape_gui.page_setup import PageSetup
from landscape_gui.scene3d.raster import render
from landscape_gui.ui.canvas2d import Canvas2D
from landscape_gui.ui.colour_bar import ColourBar

SETUP = PageSetup(width=4.0, dpi=150)
PLACES = [(x, y) for x in (-0.8, -0.3, 0.1, 0.7) for y in (-0.7, 0.15, 0.6)]
"""Parts of half the width and the height, away from contours' labels."""
pytestmark = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="poppler's tools are not here")


def bare(view: str, limits: tuple[float, float] | None = None) -> Figure:
    """A surface alone: no lines lie over its colours."""
    figure = Bowl().figure(bowl(41, 31), Look(view=view, limits=limits, contour_lines=False))  # type: ignore[arg-type]
    marks = tuple(m for m in figure.panels[0].marks if isinstance(m, Surface))
    return replace(figure, panels=(replace(figure.panels[0], marks=marks),))


def printed(figure: Figure, folder: Path) -> tuple[np.ndarray, PixelImage]:
    """The PDF as poppler draws it at the raster's resolution, and the raster."""
    page = page_of(figure, SETUP)
    with settings(page):
        sheet = draw(figure, page)
        (folder / "a.pdf").write_bytes(written(sheet, figure, ".pdf", page, SETUP))
        (image,) = sheet.findobj(PixelImage)
    subprocess.run(["pdftoppm", "-r", "150", "-png", "-singlefile", folder / "a.pdf", folder / "a"], check=True)
    return np.asarray(Image.open(folder / "a.png").convert("RGB"), int), image


def held(qtbot, widget: QWidget) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(widget)
    holder.resize(520, 460)
    holder.show()
    qtbot.addWidget(holder)
    qtbot.waitExposed(holder)
    return holder


@pytest.mark.parametrize("limits", [None, (0.3, 1.1)])
def test_a_plane_has_the_colours_of_the_canvas(qtbot, dressed, tmp_path: Path, limits: tuple[float, float] | None) -> None:
    figure = bare("2d", limits)
    panel = figure.panels[0]
    assert panel.surface is not None
    canvas = Canvas2D()
    canvas.set_theme(style.LIGHT)
    holder = held(qtbot, canvas)
    canvas.show_panel(panel)
    qtbot.wait(50)
    screen = holder.grab().toImage()
    paper, image = printed(figure, tmp_path)
    x, y = (np.asarray(a, float) for a in (panel.surface.x, panel.surface.y))
    for u, v in PLACES:
        place = (x[0] + (u + 1) / 2 * (x[-1] - x[0]), y[0] + (v + 1) / 2 * (y[-1] - y[0]))
        at = canvas.mapTo(holder, canvas.mapFromScene(canvas.plot.vb.mapViewToScene(QPointF(*place))))
        seen = np.array(screen.pixelColor(at).getRgb()[:3])
        column, up = image.axes.transData.transform(place)  # type: ignore[union-attr]
        drawn = paper[round(paper.shape[0] - up), round(column)]
        assert np.abs(seen - drawn).max() <= 12, (place, seen, drawn)  # a pixel on the screen is a fiftieth of the bowl's range


@pytest.mark.parametrize("limits", [None, (0.3, 1.1)])
def test_colour_bars_have_the_same_ends(qtbot, dressed, tmp_path: Path, limits: tuple[float, float] | None) -> None:
    figure = bare("2d", limits)
    panel = figure.panels[0]
    bar = ColourBar()
    holder = held(qtbot, bar)
    bar.show_surface(panel.surface)
    _, image = printed(figure, tmp_path)
    (place,) = image.axes.child_axes  # type: ignore[union-attr]
    assert place.get_ylim() == pytest.approx(panel.surface.limits, rel=1e-12)  # type: ignore[union-attr]
    assert limits is None or place.get_ylim() == limits
    assert holder.isVisible()
    assert [bar._share(end) for end in place.get_ylim()] == pytest.approx([0, 1], abs=1e-12)


def test_a_relief_is_the_picture_of_the_scene(dressed, tmp_path: Path) -> None:
    """At the camera of the screen: poppler's drawing of the PDF holds what the scene's renderer draws, blended on white, and not
    what it draws from elsewhere."""
    figure = bare("3d")
    paper, image = printed(figure, tmp_path)
    assert image.pixels is not None
    box = image.axes.bbox  # type: ignore[union-attr]
    rows, columns = image.pixels.shape[:2]
    left, top = (
        round(box.x0 + image.place[0] * box.width),
        round(paper.shape[0] - box.y0 - (image.place[1] + image.place[3]) * box.height),
    )
    solid = image.pixels[..., 3] == 255
    cut = paper[top : top + rows, left : left + columns]
    assert np.abs(cut[solid] - image.pixels[..., :3][solid].astype(int)).mean() < 1.0
    panel = figure.panels[0]
    other = render(replace(panel, camera=replace(panel.camera, azimuth=100.0)), columns, rows, transparent=True, fit=True)
    assert np.abs(other[..., :3].astype(int) - image.pixels[..., :3]).mean() > 5


def test_grabbed_pictures_are_read_as_they_are(qtbot) -> None:
    """The comparison above rests on Qt's reading of pixels."""
    picture = QImage(2, 1, QImage.Format.Format_RGB32)
    picture.setPixelColor(1, 0, "#D55E00")
    assert picture.pixelColor(1, 0).getRgb()[:3] == (0xD5, 0x5E, 0x00)
