"""The 3-D picture on paper: the surface a raster, the box, ticks and letters vectors, laid out as on the screen."""

from __future__ import annotations

from typing import Any

from matplotlib.collections import LineCollection

from landscape_gui.export.marks2d import add_colour_bar, add_names, add_notes
from landscape_gui.export.paper import Page
from landscape_gui.export.path_key import ROW, draw_key, key_rows
from landscape_gui.export.pixels import PixelImage
from landscape_gui.figure import Panel
from landscape_gui.results import Array
from landscape_gui.scene3d.axes import Lettering, tight
from landscape_gui.scene3d.model import model_of
from landscape_gui.scene3d.raster import render

UNIT = 0.45
"""Points per logical pixel of the drawing where curves have one point: lines and markers of a screen shrink to what print wants."""
BAR = 0.035
"""Width of the colour bar over the panel's."""


def draw_relief(figure: Any, panel: Panel, page: Page, size: tuple[float, float]) -> Any:
    """Fills a (sub)figure of `size` inches with the panel in 3-D; returns the axes, whose units are those of the drawing."""
    unit = page.points(UNIT)
    width, height = (72 * side / unit for side in size)
    style = lettering(page)
    model = model_of(panel)
    bar = _bar_room(panel, page, width)
    head = (1.9 * style.title) if panel.title or page.letters else 0.0
    foot = (key_rows(panel, size[0], page) * ROW + 0.6) * style.tick if panel.key else 0.0
    room = (width - bar, height - head - foot)
    projection, found = tight(model.frame, panel, panel.camera, room, style)
    axes = figure.add_axes((0, foot / height, room[0] / width, room[1] / height))
    axes.set_xlim(0, room[0])
    axes.set_ylim(room[1], 0)
    axes.axis("off")
    ink = page.theme.ink
    for lines, alpha, weight in ((found.grid, 0.18, 0.35), (found.edges, 0.6, 0.5), (found.ticks, 0.8, 0.5)):
        look: Any = {"colors": ink, "alpha": alpha, "linewidths": page.points(weight), "zorder": 1, "capstyle": "round"}
        axes.add_collection(LineCollection(list(lines), **look))

    def made(columns: int, rows: int) -> Array:
        scale = unit * page.dpi / 72
        return render(panel, columns / scale, rows / scale, scale, True, page.theme, view=(projection, None))

    PixelImage(axes, made, zorder=2)
    for label in found.labels:
        axes.text(
            label.x, label.y, label.text, fontsize=label.size * unit, rotation=label.angle, ha="center", va="center",
            rotation_mode="default", zorder=3,
        )  # fmt: skip
    for pins in model.traces:
        at = projection.points(pins.stops)[:, :2]
        add_names(axes, at[:, 0], at[:, 1], pins.names, page)
    add_notes(axes, panel, page)
    _bar(figure, axes, panel, page, room, (width, height), foot)
    draw_key(figure, panel, page, place="lower center")
    if panel.title:
        figure.text(0.5 * room[0] / width, 1 - 0.5 * head / height, panel.title, ha="center", va="center", fontsize=page.font_size)
    return axes


def lettering(page: Page) -> Lettering:
    """Letters of the page's size and font in the drawing's units."""
    unit = page.points(UNIT)
    return Lettering(
        measure=page.measure,
        tick=page.tick_size / unit,
        title=page.font_size / unit,
        tick_length=2.4 / unit,
        gap=2.0 / unit,
        margin=2.4 / unit,
        z_title=False,
    )


def _bar_room(panel: Panel, page: Page, width: float) -> float:
    """Width of the colour bar with its ticks and label, in the drawing's units."""
    from landscape_gui.export.paper import tick_positions
    from landscape_gui.style import format_number

    surface = panel.surface
    assert surface is not None
    if not panel.bar:
        return 0.0
    widest = max(page.measure(format_number(t), page.tick_size) for t in tick_positions(surface.limits, surface.scale))
    return BAR * width + (widest + 2.5 * page.font_size + 8) / page.points(UNIT)


def _bar(
    figure: Any, axes: Any, panel: Panel, page: Page, room: tuple[float, float], size: tuple[float, float], foot: float
) -> None:
    """Two thirds of the height, in the middle; none where there is no scale."""
    if not panel.bar or panel.surface is None or not panel.surface.has_scale:
        return
    place = figure.add_axes((room[0] / size[0] + 0.012, (foot + 0.17 * room[1]) / size[1], BAR, 0.64 * room[1] / size[1]))
    add_colour_bar(figure, axes, panel, page, place)
