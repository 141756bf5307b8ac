"""The frames of a film as pixels: surfaces by the renderer that figures have, with title, words and colour bar around them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from landscape_gui.arrangement import usual_columns
from landscape_gui.export.figures import kind
from landscape_gui.figure import Panel, Surface
from landscape_gui.film import Film, FilmSetup, Moment
from landscape_gui.results import Array
from landscape_gui.scene3d.lettering import elided, text_mask
from landscape_gui.scene3d.model import rgb
from landscape_gui.style import colour_table, format_number, log_ticks, nice_ticks

LOGICAL = 540.0
"""Logical pixels that a frame is high: letters grow with it."""
HEAD, BAR, EDGE, FOOT = 44.0, 74.0, 22.0, 36.0
TITLE, TICK, WORDS = 17.0, 12.0, 19.0
POINTS = 5.4
"""Height in inches that a page of a frame has, by which its letters are as large as those of a scene."""


def frame(film: Film, setup: FilmSetup, number: int) -> Array:
    """(height, width, 3) uint8 of a frame, counted from 0."""
    moment = film.moment(film.part(number, setup.count))
    if all(kind(panel) == "3d" for panel in moment.panels):
        return scene_frame(moment, film, setup)
    return page_frame(moment, film, setup)


def scene_frame(moment: Moment, film: Film, setup: FilmSetup) -> Array:
    """Surfaces on a grid. About 0.15 s at 1280 x 720 without a graphics card."""
    scale = setup.height / LOGICAL
    image = Image.new("RGB", (setup.width, setup.height), _bytes(setup.theme.background))
    shared = shared_surface(film, moment)
    foot = FOOT if moment.words else 0.0
    columns = film.figure.columns or usual_columns(len(moment.panels))
    rows = -(-len(moment.panels) // columns)
    width, height = (setup.width / scale - (BAR if shared else 0.0)) / columns, (LOGICAL - foot) / rows
    for k, panel in enumerate(moment.panels):
        row, column = divmod(k, columns)
        _cell(image, panel, (column * width, row * height, width, height), setup, scale)
    if shared is not None:
        colour_bar(image, shared, (setup.width / scale - BAR + 8.0, 0.2 * LOGICAL, 14.0, 0.6 * LOGICAL), setup, scale)
    if moment.words:
        room = setup.width / scale - 2 * EDGE
        text(image, elided(moment.words, WORDS, room), (EDGE, LOGICAL - 24.0), WORDS, setup.theme.ink, scale, anchor="left")
    return np.asarray(image)


def shared_surface(film: Film, moment: Moment) -> Surface | None:
    """The surface whose colour bar several panels have in common."""
    every = (moment.panels[k].surface for bar in film.figure.bars for k in bar.panels if k < len(moment.panels))
    return next((surface for surface in every if surface is not None and surface.has_scale), None)


def _cell(image: Image.Image, panel: Panel, box: tuple[float, float, float, float], setup: FilmSetup, scale: float) -> None:
    """One surface with its title and its colour bar; box: left, top, width and height in logical pixels."""
    from landscape_gui.scene3d.raster import render

    left, top, width, height = box
    surface = panel.surface
    assert surface is not None
    bar = BAR if panel.bar and surface.has_scale else 0.0
    head = HEAD if setup.titles and panel.title else 10.0
    drawn = render(panel, width - bar, height - head - 8.0, scale, False, setup.theme)
    image.paste(Image.fromarray(drawn[..., :3]), (round(left * scale), round((top + head) * scale)))
    if setup.titles and panel.title:
        title = elided(panel.title, TITLE, width - 2 * EDGE)
        text(image, title, (left + (width - bar) / 2, top + 0.58 * HEAD), TITLE, setup.theme.ink, scale)
    if bar:
        colour_bar(image, surface, (left + width - bar + 8.0, top + 0.2 * height, 14.0, 0.6 * height), setup, scale)


def colour_bar(
    image: Image.Image, surface: Surface, box: tuple[float, float, float, float], setup: FilmSetup, scale: float
) -> None:
    """Left, top, width and height in logical pixels; its numbers right of it; the height's axis says what they are."""
    left, top, width, height = box
    ink = setup.theme.ink
    corner, size = (round(left * scale), round(top * scale)), (round(width * scale), round(height * scale))
    column = np.rint(255 * colour_table(surface.colour_map)).astype(np.uint8)[::-1, None]
    image.paste(Image.fromarray(column).resize(size, Image.Resampling.BILINEAR), corner)
    pen = ImageDraw.Draw(image)
    pen.rectangle([*corner, corner[0] + size[0], corner[1] + size[1]], outline=_bytes(ink), width=max(1, round(0.8 * scale)))
    low, high = surface.limits
    log = surface.scale == "log"
    ticks = log_ticks(low, high) if log else nice_ticks(low, high, 5)
    ticks = ticks[:: max(1, -(-len(ticks) // 7))]
    for value in ticks:
        part = np.log(value / low) / np.log(high / low) if log else (value - low) / (high - low)
        y = top + height * (1 - float(part))
        pen.line(
            [(left + width) * scale, y * scale, (left + width + 4) * scale, y * scale],
            fill=_bytes(ink),
            width=max(1, round(0.8 * scale)),
        )
        text(image, format_number(value), (left + width + 7, y), TICK, ink, scale, anchor="left")


def text(
    image: Image.Image,
    words: str,
    place: tuple[float, float],
    size: float,
    ink: str,
    scale: float,
    *,
    anchor: str = "middle",
) -> None:
    """One line whose middle, or whose left end, is at a place in logical pixels."""
    mask = Image.fromarray(text_mask(words, round(size * scale, 2)))
    x = place[0] * scale - (0 if anchor == "left" else mask.width / 2)
    corner = round(x), round(place[1] * scale - mask.height / 2)
    image.paste(Image.new("RGB", mask.size, _bytes(ink)), corner, mask)


def page_frame(moment: Moment, film: Film, setup: FilmSetup) -> Array:
    """A figure on a page as large as the frame: planes and charts."""
    from landscape_gui.export.figures import draw, page_of
    from landscape_gui.export.paper import settings
    from landscape_gui.export.writers import picture
    from landscape_gui.page_setup import PageSetup

    dpi = setup.height / POINTS
    given: dict[str, Any] = {"width": setup.width / dpi, "height": setup.height / dpi, "dpi": dpi, "theme": setup.theme}
    figure = replace(film.figure, panels=moment.panels)
    page = page_of(figure, PageSetup(**given, font_size=12.0, line_width=1.5, titles=setup.titles))
    with settings(page):
        drawn = picture(draw(figure, page), page).convert("RGB")
    if drawn.size != (setup.width, setup.height):
        drawn = drawn.resize((setup.width, setup.height), Image.Resampling.LANCZOS)
    scale = setup.height / LOGICAL
    if moment.words:
        text(drawn, moment.words, (EDGE, LOGICAL - 20.0), WORDS, setup.theme.ink, scale, anchor="left")
    return np.asarray(drawn)


def _bytes(colour: str) -> tuple[int, ...]:
    return tuple(round(255 * v) for v in rgb(colour))
