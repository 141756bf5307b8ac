"""The 3-D picture on paper: the surface a raster, the box, ticks and letters vectors, laid out as on the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection

from landscape_gui.export.marks2d import add_colour_bar, add_names, add_notes
from landscape_gui.export.paper import Page
from landscape_gui.export.path_key import ROW, draw_key, key_rows
from landscape_gui.figure import Panel
from landscape_gui.results import Array
from landscape_gui.scene3d.axes import Lettering, tight
from landscape_gui.scene3d.lettering import text_width
from landscape_gui.scene3d.model import model_of
from landscape_gui.scene3d.raster import render

UNIT = 0.5
"""Points per logical pixel of the drawing: lines and markers of a screen shrink to what print wants."""
BAR = 0.035
"""Width of the colour bar over the panel's."""


def draw_relief(figure: Any, panel: Panel, page: Page, size: tuple[float, float]) -> Any:
    """Fills a (sub)figure of `size` inches with the panel in 3-D; returns the axes, whose units are those of the drawing."""
    width, height = (72 * side / UNIT for side in size)
    style = lettering(page)
    model = model_of(panel)
    bar = _bar_room(panel, page, width)
    head = (1.9 * style.title) if panel.title else 0.0
    foot = (key_rows(panel, size[0], page.tick_size) * ROW + 0.4) * style.tick if panel.key else 0.0
    room = (width - bar, height - head - foot)
    projection, found = tight(model.frame, panel, panel.camera, room, style)
    axes = figure.add_axes((0, foot / height, room[0] / width, room[1] / height))
    axes.set_xlim(0, room[0])
    axes.set_ylim(room[1], 0)
    axes.axis("off")
    ink = page.theme.ink
    for lines, alpha, weight in ((found.grid, 0.18, 0.35), (found.edges, 0.6, 0.5), (found.ticks, 0.8, 0.5)):
        axes.add_collection(LineCollection(list(lines), colors=ink, alpha=alpha, linewidths=weight, zorder=1, capstyle="round"))
    pixels = render(panel, round(room[0]), round(room[1]), UNIT * page.dpi / 72, True, page.theme, view=(projection, None))
    _place(axes, pixels, room)
    for label in found.labels:
        axes.text(
            label.x, label.y, label.text, fontsize=label.size * UNIT, rotation=label.angle, ha="center", va="center",
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
    """Letters of the page's size in the drawing's units."""
    return Lettering(
        measure=text_width,
        tick=page.tick_size / UNIT,
        title=page.font_size / UNIT,
        tick_length=5.0,
        gap=4.0,
        margin=5.0,
        z_title=False,
    )


def _place(axes: Any, pixels: Array, room: tuple[float, float]) -> None:
    """The raster without its empty rim."""
    rows, columns = np.nonzero(pixels[..., 3].any(axis=1))[0], np.nonzero(pixels[..., 3].any(axis=0))[0]
    if not len(rows):
        return
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    sx, sy = room[0] / pixels.shape[1], room[1] / pixels.shape[0]
    axes.imshow(
        pixels[top:bottom, left:right],
        extent=(left * sx, right * sx, bottom * sy, top * sy),
        aspect="auto",
        interpolation="none",
        zorder=2,
    )


def _bar_room(panel: Panel, page: Page, width: float) -> float:
    """Width of the colour bar with its ticks and label, in the drawing's units."""
    from landscape_gui.export.paper import tick_positions
    from landscape_gui.style import format_number

    surface = panel.surface
    assert surface is not None
    widest = max(text_width(format_number(t), page.tick_size) for t in tick_positions(surface.limits, surface.scale))
    return BAR * width + (widest + 2.5 * page.font_size + 8) / UNIT


def _bar(
    figure: Any, axes: Any, panel: Panel, page: Page, room: tuple[float, float], size: tuple[float, float], foot: float
) -> None:
    """Two thirds of the height, in the middle; none where there is no scale."""
    if panel.surface is None or not panel.surface.has_scale:
        return
    place = figure.add_axes((room[0] / size[0] + 0.012, (foot + 0.17 * room[1]) / size[1], BAR, 0.64 * room[1] / size[1]))
    add_colour_bar(figure, axes, panel, page, place)
