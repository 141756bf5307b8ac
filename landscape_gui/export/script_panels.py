"""One panel as lines of a script: each mark becomes a call of what `script_parts` holds, or of matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from landscape_gui.chart_limits import Side, bar_places, edges, limits
from landscape_gui.export.charts import legend_rows
from landscape_gui.export.figures import kind
from landscape_gui.export.marks2d import LARGE, MARKERS, bar_label
from landscape_gui.export.marks2d import MARKERS as SHAPES
from landscape_gui.export.mesh import units
from landscape_gui.export.paper import Page, luminance, norm, tick_positions
from landscape_gui.export.path_key import columns_of
from landscape_gui.figure import Band, Bars, Line, Mark, Needles, Note, Panel, Path, Points, Rule, Surface, Texts
from landscape_gui.scene3d.camera import EYE_DISTANCE
from landscape_gui.scene3d.model import model_of
from landscape_gui.style import SERIES, colour_table, format_levels, format_number, series_colour

NAMES = {"grey": "gray"}
"""matplotlib's names of the colour maps, where they are other ones."""
BOX = 1.8294640721620434 * 25 / 24
"""Diagonal of matplotlib's box in its own units, whose eye is 10 of them away."""

AXES = 0.68
"""The share of a panel's width that its axes take."""
ROOM = 0.8
"""How large the box is in its axes, so that its labels have room."""

Keep = Callable[[str, Any], str]
"""Names an array and gives what stands for it in the script."""


def text(words: str) -> str:
    """A literal, in double quotes where that needs no escape."""
    plain = words.replace("\n", "\\n")
    return repr(words) if '"' in words or "\\" in words or not words.replace("\n", "").isprintable() else f'"{plain}"'


def panel_lines(panel: Panel, page: Page, keep: Keep, width: float) -> tuple[list[str], str]:
    """The body of the panel's function, and what its colours are called there ("" without any). width: inches of the panel."""
    how = kind(panel)
    drawn = {"3d": _relief, "2d": _plane}.get(how)
    body = list(drawn(panel, page, keep) if drawn is not None else _chart(panel, page, keep, width))
    labels = legend_labels(panel, how, page)
    if labels:
        right = ", right" if how == "chart" and panel.right is not None else ""
        body.append(f"legend(axes, {columns_of(labels, width, page)}{right})")
    coloured = panel.surface is not None and (how != "chart" or panel.heat_map)
    if coloured and panel.bar and panel.surface is not None and panel.surface.has_scale:
        body += _bar(panel, panel.surface, how)
    if panel.title:
        named = how == "chart" and any(isinstance(m, Rule) and m.orientation == "vertical" and m.label for m in panel.marks)
        pad = f", pad={1.6 * page.tick_size + 4:.3g}" if named else ""
        body.append(f"axes.set_title({text(panel.title)}{pad})")
    return body, "picture" if coloured else ""


def legend_labels(panel: Panel, how: str, page: Page) -> list[str]:
    """What the panel's legend names."""
    if how != "chart":
        return [path.label for path in panel.key] if how == "2d" else []
    if not legend_rows(panel, 1.0, page):
        return []
    return [m.label for m in panel.marks if isinstance(m, Line | Band | Points | Needles | Bars) and m.label]


def _bar(panel: Panel, surface: Surface, how: str) -> list[str]:
    """A colour bar beside the panel, with the figure's numbers."""
    ticks = tick_positions(surface.limits, surface.scale)
    place = "ax=axes, shrink=0.6, pad=0.1" if how == "3d" else "cax=axes.inset_axes((1.03, 0, 0.045, 1))"
    told = f"extend={text(beyond(surface))}, label={text(bar_label(panel))}"
    return [
        f"bar = axes.figure.colorbar(picture, {place}, {told})",
        f"bar.set_ticks({ticks_words(ticks, ticks, 'labels=')}, minor=False)",
        "bar.minorticks_off()",
    ]


def ticks_words(places: list[float], ticks: list[float], keyword: str = "") -> str:
    """Places and what stands there."""
    rounded = [float(f"{p:.10g}") for p in places]
    return f"{rounded!r}, {keyword}[{', '.join(text(format_number(t)) for t in ticks)}]"


def apart(ticks: list[float], page: Page, wide: float) -> list[float]:
    """Every one, or every second or third, so that numbers beside one another leave room in a panel `wide` inches wide."""
    widest = max((page.measure(format_number(t), page.tick_size) for t in ticks), default=0.0) + page.tick_size
    every = 1
    while wide and len(ticks[::every]) > 2 and len(ticks[::every]) * widest > AXES * 72 * wide:
        every += 1
    return ticks[::every]


def in_two(words: str) -> str:
    """A long label in two lines."""
    return "\n".join(textwrap.wrap(words, max(18, len(words) // 2 + 4))) if len(words) > 22 else words


def beyond(surface: Surface) -> str:
    """At which ends values lie outside the limits."""
    z = np.asarray(surface.z, float)
    z = z[np.isfinite(z)]
    low, high = bool((z < surface.limits[0]).any()), bool((z > surface.limits[1]).any())
    return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[low, high]


def pair(values: Any) -> str:
    return f"({', '.join(repr(float(v)) for v in values)}{',' if len(values) == 1 else ''})"


def surface_words(surface: Surface, keep: Keep) -> list[str]:
    """Assignments of x, y, z, limits and levels."""
    levels = [v for v in surface.levels if surface.limits[0] < v < surface.limits[1]] if surface.contour_lines else []
    log = " on a logarithmic scale" if surface.scale == "log" else ""
    name = surface.label or "z"
    return [
        f"x, y, z = {keep('x', surface.x)}, {keep('y', surface.y)}, {keep(name, surface.z)}",
        f"limits = {pair(surface.limits)}  # of colours and heights{log}",
        f"levels = {[float(f'{v:.12g}') for v in levels]!r}",
    ]


def _relief(panel: Panel, page: Page, keep: Keep) -> Iterator[str]:
    surface, model, camera = panel.surface, model_of(panel), panel.camera
    assert surface is not None
    yield from surface_words(surface, keep)
    top, zoom = model.frame.top, ROOM / camera.distance
    focal = EYE_DISTANCE * zoom * BOX / float(np.sqrt(2 + top**2)) / 10
    eye = pair((camera.elevation, round(camera.azimuth - 90.0, 6), round(focal, 4)))
    log, cmap = surface.scale == "log", text(NAMES.get(surface.colour_map, surface.colour_map))
    yield f"camera = {eye}  # elevation and azimuth in degrees, focal length"
    how = f"height={top:.4g}, zoom={zoom:.4g}, shading={float(surface.shading):g}"
    yield f"picture = relief(axes, x, y, z, limits, {log}, {cmap}, levels, camera, {how})"
    ticks = tick_positions(surface.limits, surface.scale, 4)
    yield f"axes.set_zticks({ticks_words([float(np.log10(t)) if log else t for t in ticks], ticks)})"
    for letter, ends in (("x", model.frame.x), ("y", model.frame.y)):
        ticks = tick_positions(ends, "linear", 4)
        yield f"axes.set_{letter}ticks({ticks_words(ticks, ticks)})"
    offset, factor = units(model.frame)
    for trace in model.traces:
        points, stops = offset + trace.points * factor, offset + trace.stops * factor
        colour = text("#" + "".join(f"{round(255 * c):02X}" for c in trace.colour))
        if trace.pins:
            yield f'axes.plot(*{keep("places", stops)}.T, "o", ms=4, mfc={colour}, mec="white", mew=0.6, zorder=5)'
        else:
            marked = f", stops={keep('checkpoints', stops)}.T" if len(stops) else ""
            yield f"trajectory(axes, {colour}, *{keep('path', points)}.T{marked})"
    yield f"axes.set(xlabel={text(in_two(panel.x.text))}, ylabel={text(in_two(panel.y.text))})"
    yield from (f'axes.figure.text(0.5, 0.5, {text(m.text)}, ha="center")' for m in panel.marks if isinstance(m, Note))


def _plane(panel: Panel, page: Page, keep: Keep) -> Iterator[str]:
    surface = panel.surface
    assert surface is not None
    yield from surface_words(surface, keep)
    table, scale = colour_table(surface.colour_map), norm(surface.limits, surface.scale)
    levels = [v for v in surface.levels if surface.limits[0] < v < surface.limits[1]] if surface.contour_lines else []
    dark = [luminance(table[int(255 * float(scale(v)))]) < 0.3 for v in levels]
    yield f"names = [{', '.join(map(text, format_levels(levels)))}]"
    yield (
        f'inks = ["white"] * {sum(dark)} + ["black"] * {len(dark) - sum(dark)}'
        if dark == sorted(dark, reverse=True)
        else (f"inks = {['white' if d else 'black' for d in dark]!r}".replace("'", '"'))
    )
    log, cmap = surface.scale == "log", text(NAMES.get(surface.colour_map, surface.colour_map))
    holes = surface.missing is not None and bool(np.asarray(surface.missing).any())
    for letter, places in (("x", surface.x), ("y", surface.y)):
        ticks = tick_positions((float(places[0]), float(places[-1])), "linear")
        yield f"axes.set_{letter}ticks({ticks_words(ticks, ticks)})"
    yield f"picture = plane(axes, x, y, z, limits, {log}, {cmap}, levels, names, inks, {holes})"
    for mark in panel.marks:
        if isinstance(mark, Path):
            line = f"{keep('path x', mark.x)}, {keep('path y', mark.y)}"
            more = f", stops=({line})" if mark.stops else ""
            more += ", dash=True" if mark.dash else ""
            yield f"trajectory(axes, {text(mark.ink)}, {line}{more})"
            if mark in panel.key:
                yield f"axes.plot([], [], color={text(mark.ink)}, label={text(mark.label)})"
        elif isinstance(mark, Points):
            at = f"{keep('places x', mark.x)}, {keep('places y', mark.y)}"
            look = (
                f'ms={4.2 * mark.size / LARGE:.3g}, mfc={text(SERIES[mark.colour % len(SERIES)])}, mec="white", mew=0.65, zorder=5'
            )
            yield f"axes.plot({at}, {text(MARKERS[mark.marker])}, {look})"
            if any(mark.names):
                yield f"names_of(axes, {at}, {list(mark.names)!r})"
        elif isinstance(mark, Note):
            yield f'axes.text(0.5, 0.5, {text(mark.text)}, transform=axes.transAxes, ha="center")'
    yield f"axes.set(xlabel={text(panel.x.text)}, ylabel={text(panel.y.text)})"


def _chart(panel: Panel, page: Page, keep: Keep, wide: float) -> Iterator[str]:
    yield from _scales(panel, page, wide)
    surface = panel.surface
    if panel.heat_map and surface is not None:
        borders = keep("x borders", edges(surface.x, panel.x.scale)), keep("y borders", edges(surface.y, panel.y.scale))
        cmap = text(NAMES.get(surface.colour_map, surface.colour_map))
        cells = f"{borders[0]}, {borders[1]}, {keep(surface.label or 'z', surface.z)}"
        yield f"picture = heat_map(axes, {cells}, {pair(surface.limits)}, {surface.scale == 'log'}, {cmap})"
    for number, mark in enumerate(panel.marks):
        yield from _mark(mark, number, page, keep)
    for k, (group, middles, thick) in enumerate(bar_places(panel)):
        errors = f", {keep(f'errors {k}', group.errors)}" if group.errors is not None else ""
        colour = text(series_colour(group.colour, page.theme))
        at = f"{keep('bar places', middles)}, {keep(f'bars {k}', np.asarray(group.values, float))}"
        yield f"bars(axes, {at}, {thick:.4g}, {colour}, {label(group.label)}{errors})"
    if panel.equal:
        yield 'axes.set_aspect("equal", adjustable="box")'
    if not panel.heat_map:
        yield "axes.grid(linewidth=0.4, alpha=0.3)"
        yield f"axes.spines[{['top'] if panel.right is not None else ['top', 'right']!r}].set_visible(False)".replace("'", '"')


def _scales(panel: Panel, page: Page, wide: float) -> Iterator[str]:
    """Scales, limits, labels, and the names of categories."""
    sides: list[tuple[str, str, Side]] = [("axes", "x", "x"), ("axes", "y", "y")]
    if panel.right is not None:
        yield "right = axes.twinx()"
        sides.append(("right", "y", "right"))
    for axes, direction, side in sides:
        axis = panel.right if side == "right" else panel.x if side == "x" else panel.y
        assert axis is not None
        if axis.scale == "log":
            yield f'{axes}.set_{direction}scale("log")'
        low, high = (float(f"{v:.10g}") for v in limits(panel, side))
        yield f"{axes}.set({direction}lim=({low!r}, {high!r}), {direction}label={text(axis.text)})"
        names = panel.categories if side == "y" and panel.categories else axis.names
        if names:
            step = -1 if panel.categories and side == "y" else 1
            places = [step * k for k in range(len(names)) if min(low, high) <= step * k <= max(low, high)]
            shown = [names[step * k] for k in places]
            yield f"{axes}.set_{direction}ticks({places!r}, [{', '.join(map(text, shown))}])"
        elif side == "y" and not axis.text:
            yield "axes.set_yticks([])"
        else:
            ticks = apart(tick_positions((low, high), axis.scale), page, wide if direction == "x" else 0.0)
            yield f"{axes}.set_{direction}ticks({ticks_words(ticks, ticks)})"
            if axis.scale == "log":
                yield f"{axes}.{direction}axis.minorticks_off()"


def label(words: str) -> str:
    return text(words) if words else "None"


def _mark(mark: Mark, number: int, page: Page, keep: Keep) -> Iterator[str]:
    axes = "right" if getattr(mark, "right", False) else "axes"
    colour = text(series_colour(getattr(mark, "colour", 0), page.theme))
    if isinstance(mark, Line):
        where = f"{keep(f'{mark.label} x', mark.x)}, {keep(mark.label or f'line {number}', mark.y)}"
        style = ", linestyle=(0, (4, 2))" if mark.dash else ""
        yield f"{axes}.plot({where}, color={colour}, linewidth={mark.width:g}{style}, label={label(mark.label)}, zorder=3)"
    elif isinstance(mark, Band):
        where = ", ".join(keep(f"band {number} {n}", getattr(mark, n)) for n in ("x", "low", "high"))
        yield f"{axes}.fill_between({where}, color={colour}, alpha=0.22, linewidth=0, label={label(mark.label)}, zorder=2)"
    elif isinstance(mark, Points):
        where = f"{keep(f'points {number} x', mark.x)}, {keep(f'points {number} y', mark.y)}"
        size = (1.0 if mark.marker == "star" else 0.6) * mark.size
        look = f'ms={size:.3g}, mfc={colour}, mec="white", mew=0.4, label={label(mark.label)}, zorder=4'
        yield f"{axes}.plot({where}, {text(SHAPES[mark.marker])}, {look})"
    elif isinstance(mark, Needles):
        where = f"{keep(f'needles {number}', mark.x)}, {keep(f'heights {number}', mark.height)}"
        yield f"needles({axes}, {where}, {colour}, {label(mark.label)})"
    elif isinstance(mark, Rule):
        yield f"rule(axes, {float(mark.at)!r}, {mark.orientation == 'vertical'}, {text(mark.label)}, {mark.dash})"
    elif isinstance(mark, Note):
        yield f"note(axes, {text(mark.text)}, {text(mark.corner)})"
    elif isinstance(mark, Texts):
        yield from _texts(mark, page)


def _texts(mark: Texts, page: Page) -> Iterator[str]:
    """Words in cells or at places."""
    yield f'size = {mark.size:g} * plt.rcParams["xtick.labelsize"]'
    for k, (x, y, words) in enumerate(zip(mark.x, mark.y, mark.texts, strict=True)):
        ink = f", color={text(mark.ink[k])}" if mark.ink and mark.ink[k] else ""
        lift = f', (0, {mark.lift:g} * size), textcoords="offset points"' if mark.lift else ""
        place = f"({float(f'{x:.8g}')!r}, {float(f'{y:.8g}')!r})"
        yield f'axes.annotate({text(words)}, {place}{lift}, ha="center", va="center", fontsize=size{ink})'
