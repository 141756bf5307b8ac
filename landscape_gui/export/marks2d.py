"""A surface seen from above on paper: a raster of colours, vector contour lines with labels in them, the trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.patches import Rectangle

from landscape_gui.export.label_places import label_places
from landscape_gui.export.paper import Page, colour_map, luminance, norm, set_ticks, tick_positions
from landscape_gui.export.path_key import draw_key
from landscape_gui.export.pixels import PixelImage
from landscape_gui.figure import Note, Panel, Path, Points, Surface
from landscape_gui.results import Array
from landscape_gui.style import END, SERIES, START, colour_table, format_levels, format_number

HIGH = 0.88
"""Part of the height of a picture above which a name stands below its place."""
MARKERS = {"disc": "o", "star": "*", "diamond": "D", "square": "s", "cross": "X"}
LARGE = 11.0
"""The size of the points that are 4.2 printed points wide."""


def draw_plane(figure: Any, panel: Panel, page: Page, width: float) -> Any:
    """Fills a (sub)figure `width` inches wide with the panel seen from above; returns the axes."""
    surface = panel.surface
    assert surface is not None
    axes = figure.add_subplot()
    left, right, low, high = _box(surface)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    ratio = abs((high - low) / (right - left))
    if 0.4 <= ratio <= 2.5:
        axes.set_aspect("equal", adjustable="box")
    else:
        axes.set_box_aspect(0.9)
    if surface.missing is not None and np.asarray(surface.missing).any():
        hatch = Rectangle(
            (left, low), right - left, high - low, fill=False, hatch="//////", linewidth=0, zorder=0, ec=page.theme.muted
        )
        axes.add_patch(hatch)
    PixelImage(axes, lambda columns, rows: picture(surface, columns, rows), zorder=1)
    _contours(axes, surface, page, 72 * 0.6 * width, [m for m in panel.marks if isinstance(m, Path)])
    for path in (m for m in panel.marks if isinstance(m, Path)):
        _path(axes, path, page)
    for points in (m for m in panel.marks if isinstance(m, Points)):
        _points(axes, points, page)
    add_notes(axes, panel, page)
    set_ticks(axes.xaxis, (left, right), "linear", page)
    set_ticks(axes.yaxis, (low, high), "linear", page)
    axes.set_xlabel(panel.x.text)
    axes.set_ylabel(panel.y.text)
    if panel.bar:
        add_colour_bar(figure, axes, panel, page)
    draw_key(figure, panel, page)
    if panel.title:
        axes.set_title(panel.title)
    return axes


def add_notes(axes: Any, panel: Panel, page: Page) -> None:
    """Sentences about a surface, in the middle of its axes."""
    text = "\n".join(mark.text for mark in panel.marks if isinstance(mark, Note))
    if text:
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=page.font_size, zorder=6)


def _box(surface: Surface) -> tuple[float, float, float, float]:
    x, y = np.asarray(surface.x, float), np.asarray(surface.y, float)
    pad = [0.5 if a[0] == a[-1] else 0.0 for a in (x, y)]
    return x[0] - pad[0], x[-1] + pad[0], y[0] - pad[1], y[-1] + pad[1]


def picture(surface: Surface, columns: int, rows: int) -> Array:
    """(rows, columns, 4) uint8 colours between the first and the last coordinate, the last y on top, bilinear between values, each
    pixel the colour of its middle; a hole is transparent."""
    scale = norm(surface.limits, surface.scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.asarray(surface.z, float)
        if surface.scale == "log":
            z = np.where(z > 0, z, np.nan)
        place = np.asarray(scale(np.where(np.isfinite(z), z, np.nan)).filled(np.nan), float)
    j, v = _between(np.asarray(surface.y, float), rows)
    i, u = _between(np.asarray(surface.x, float), columns)
    upright = place[:, i] * (1 - u) + place[:, i + 1] * u
    fine = (upright[j] * (1 - v)[:, None] + upright[j + 1] * v[:, None])[::-1]
    table = np.zeros((257, 4), np.uint8)
    table[:256, :3] = (colour_table(surface.colour_map) * 255).round()
    table[:256, 3] = 255
    index = np.where(np.isfinite(fine), np.clip(np.nan_to_num(fine) * 256, 0, 255), 256).astype(np.intp)
    return np.asarray(table[index])


def _between(edges: Array, count: int) -> tuple[Array, Array]:
    at = edges[0] + (edges[-1] - edges[0]) * (np.arange(count) + 0.5) / count
    rising = edges if edges[-1] > edges[0] else edges[::-1]
    index = np.clip(np.searchsorted(rising, at, side="right") - 1, 0, len(edges) - 2)
    index = index if edges[-1] > edges[0] else len(edges) - 2 - index
    return index, np.clip((at - edges[index]) / (edges[index + 1] - edges[index]), 0, 1)


def _contours(axes: Any, surface: Surface, page: Page, across: float, ways: Sequence[Path] = ()) -> None:
    """Lines dark on light colours and light on dark ones; every other one labelled."""
    levels = [v for v in surface.levels if surface.limits[0] < v < surface.limits[1]]
    if not surface.contour_lines or not levels or min(np.shape(surface.z)) < 2:
        return
    table, scale = colour_table(surface.colour_map), norm(surface.limits, surface.scale)
    inks = ["#FFFFFF" if luminance(table[int(255 * float(scale(v)))]) < 0.3 else "#14141C" for v in levels]
    z = np.ma.masked_invalid(np.asarray(surface.z, float))
    if z.count() < 4:
        return
    lines = axes.contour(surface.x, surface.y, z, levels=levels, colors=inks, linewidths=page.points(0.45), alpha=0.75, zorder=2)
    if surface.contour_labels:
        _label(axes, lines, surface, page, across, ways)


def _label(axes: Any, lines: Any, surface: Surface, page: Page, across: float, ways: Sequence[Path]) -> None:
    """Labels in the lines, upright and apart from one another; where lines are crowded there are none. across: points."""
    size = max(0.72 * page.font_size, 5.0)
    texts = dict(zip((float(v) for v in lines.levels), format_levels(lines.levels), strict=True))
    left, right, low, high = _box(surface)
    origin, span = np.array([left, low]), np.array([right - left, high - low])
    pieces = {
        float(level): [(p - origin) / span * across for p in path.to_polygons(closed_only=False)]
        for level, path in zip(lines.levels, lines.get_paths(), strict=True)
    }
    drawn = [(np.column_stack([way.x, way.y]) - origin) / span * across for way in ways]
    for level, x, y in label_places(pieces, texts, size, across, page.measure, drawn):
        place = origin + np.array([x, y]) / across * span
        for text in axes.clabel(lines, [level], manual=[place], fontsize=size, fmt=texts, inline=True, inline_spacing=2):
            text.set_alpha(1.0)
            text.set_clip_on(True)


def _path(axes: Any, path: Path, page: Page) -> None:
    """The trajectory with its start and end marked; or a bare line, which the legend names."""
    colour = path.ink
    casing = [effects.Stroke(linewidth=page.points(1.9), foreground="white", alpha=0.85), effects.Normal()]
    style: Any = {"linestyle": (0, (3.5, 2))} if path.dash else {}
    axes.plot(
        path.x, path.y, color=colour, linewidth=page.line_width, zorder=4, solid_joinstyle="round", path_effects=casing, **style
    )
    if not path.stops:
        return
    if len(path.x) > 2:
        axes.plot(path.x[1:-1], path.y[1:-1], "o", ms=1.9, mfc="white", mec=colour, mew=page.points(0.5), zorder=5)
    axes.plot(path.x[:1], path.y[:1], "o", ms=4, mfc=START, mec="#1A1A1A", mew=page.points(0.6), zorder=6)
    axes.plot(path.x[-1:], path.y[-1:], "*", ms=7.5, mfc=END, mec="#1A1A1A", mew=page.points(0.5), zorder=6)


def _points(axes: Any, points: Points, page: Page) -> None:
    """Points with their names beside them: above to the right, or below to the left, so that neighbours do not meet."""
    face, size = SERIES[points.colour % len(SERIES)], points.size / LARGE
    shape = MARKERS[points.marker]
    axes.plot(points.x, points.y, shape, ms=4.2 * size, mfc=face, mec="white", mew=page.points(0.65 * min(size, 1.0)), zorder=5)
    add_names(axes, points.x, points.y, points.names, page)


def add_names(axes: Any, x: Array, y: Array, names: Sequence[str], page: Page) -> None:
    """Names (k,) beside places (k,): above to the right in the left half, and below to the left in the right one; below where
    the picture ends above."""
    middle = sum(axes.get_xlim()) / 2
    low, high = axes.get_ylim()
    style = {"textcoords": "offset points", "fontsize": 0.8 * page.font_size, "color": "#14141C", "zorder": 6}
    style["bbox"] = {"boxstyle": "round,pad=0.12", "fc": "white", "alpha": 0.8, "lw": 0}
    for across, up, name in zip(x, y, names, strict=False):
        left = across <= middle
        above = left and (up - low) / (high - low) < HIGH
        place = {"ha": "left" if left else "right", "va": "bottom" if above else "top"}
        axes.annotate(name, (across, up), (4.5 if left else -4.5, 4.0 if above else -4.0), **place, **style)


def add_colour_bar(
    figure: Any, axes: Any, panel: Panel, page: Page, place: Any = None, *, below: bool = False, every: Sequence[Surface] = ()
) -> Any:
    """A colour bar beside the axes, or in the axes `place`; its ends are pointed where values lie beyond them. None where no
    cell is finite: there is no scale to show. below: it lies, its numbers under it. every: the surfaces that it is for."""
    surface = panel.surface
    assert surface is not None
    if not surface.has_scale:
        return None
    finite = np.concatenate([z[np.isfinite(z)] for z in (np.asarray(s.z, float) for s in every or (surface,))])
    beyond = bool((finite < surface.limits[0]).any()), bool((finite > surface.limits[1]).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    source = ScalarMappable(norm(surface.limits, surface.scale), colour_map(surface.colour_map))
    if place is None:  # as tall as the axes, whatever their aspect leaves of the room
        place = axes.inset_axes((1.03, 0.0, 0.045, 1.0))
    bar = figure.colorbar(
        source, extend=extend, extendfrac=0.03, cax=place, orientation="horizontal" if below else "vertical"
    )  # fmt: skip
    bar.outline.set_linewidth(page.points(0.5))
    bar.solids.set_rasterized(True)
    bar.solids.set_edgecolor("face")
    axis = bar.ax.xaxis if below else bar.ax.yaxis
    set_ticks(axis, surface.limits, surface.scale, page, ticks_on(axes, surface, page) if below else 5)
    bar.set_label(bar_label(panel))
    return bar


def ticks_on(axes: Any, surface: Surface, page: Page) -> int:
    """How many numbers stand beside one another under a bar that lies."""
    room = 72 * axes.bbox.width / axes.figure.dpi
    widest = max(
        (page.measure(format_number(t), page.tick_size) for t in tick_positions(surface.limits, surface.scale)), default=1.0
    )
    return max(2, min(6, int(room / (widest + page.tick_size))))


def bar_label(panel: Panel) -> str:
    """What the colours are, with the unit."""
    surface = panel.surface
    assert surface is not None
    return panel.z.text or (f"{surface.label} ({surface.unit})" if surface.unit else surface.label)
