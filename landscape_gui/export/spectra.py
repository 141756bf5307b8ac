"""Needles, bars and heat maps on paper, and axes that name categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from landscape_gui.chart_limits import bar_places, edges, limits, whiskers
from landscape_gui.export.marks2d import add_colour_bar
from landscape_gui.export.paper import Page, colour_map, norm
from landscape_gui.figure import Needles, Panel
from landscape_gui.style import series_colour

SHARE = 0.4
"""Part of a panel's width that the names of its bars may take."""
LINE = 1.25
"""Height of a line of text in ems."""


def draw_needles(axes: Any, mark: Needles, colour: str, page: Page) -> None:
    """Stems from the foot of the axes, with heads."""
    foot = axes.get_ylim()[0] if axes.get_yscale() == "log" else 0.0
    axes.vlines(mark.x, foot, mark.height, color=colour, linewidth=page.points(0.85), zorder=3.5)
    axes.plot(
        mark.x, mark.height, "o", ms=3.4, mfc=colour, mec=page.theme.background, mew=page.points(0.4), zorder=4, clip_on=False,
        label=mark.label or None,
    )  # fmt: skip


def draw_bars(axes: Any, panel: Panel, page: Page) -> None:
    """Bars with their whiskers, the first name on top."""
    foot = limits(panel, "x")[0] if panel.x.scale == "log" else 0.0
    for mark, middles, thick in bar_places(panel):
        colour = series_colour(mark.colour, page.theme)
        values = np.asarray(mark.values, float)
        axes.barh(middles, values - foot, 0.9 * thick, left=foot, color=colour, label=mark.label or None, zorder=2, linewidth=0)
        if mark.errors is not None:
            low, high = whiskers(mark)
            known = np.isfinite(low) & np.isfinite(high)
            half = np.stack([values - low, high - values])[:, known]
            look = {"ecolor": page.theme.ink, "elinewidth": page.points(0.65), "capsize": 1.6, "capthick": page.points(0.65)}
            axes.errorbar(values[known], middles[known], xerr=half, fmt="none", zorder=3, **look)
    if panel.categories and panel.x.scale != "log":
        axes.axvline(0.0, color=page.theme.muted, linewidth=page.points(0.55), zorder=3)


def draw_heat_map(figure: Any, axes: Any, panel: Panel, page: Page) -> None:
    """Cells of colour as wide as half way to their neighbours, and the colour bar."""
    surface = panel.surface
    assert surface is not None
    z = np.asarray(surface.z, float)
    z = np.ma.masked_invalid(np.where((z > 0) | (surface.scale != "log"), z, np.nan))
    axes.pcolormesh(
        edges(surface.x, panel.x.scale), edges(surface.y, panel.y.scale), z, norm=norm(surface.limits, surface.scale),
        cmap=colour_map(surface.colour_map), rasterized=True, zorder=1, linewidth=0, shading="flat",
    )  # fmt: skip
    if panel.bar:
        add_colour_bar(figure, axes, panel, page)


def set_names(axis: Any, names: Sequence[str], ends: tuple[float, float], page: Page, width: float, *, step: int) -> None:
    """Names at 0, `step`, 2 `step`, ...: as many as fit beside one another, and none cut off: a long one loses its middle."""
    upright = axis.axis_name == "y"
    room = 72 * width * SHARE
    shown = [shortened(name, page, room) for name in names]
    places = step * np.arange(len(names), dtype=float)
    every = 1
    if not upright:
        widest = max(page.measure(name, page.tick_size) for name in shown) + page.tick_size
        every = max(1, int(np.ceil(widest * abs(ends[1] - ends[0]) / (72 * width * 0.7))))
    inside = [k for k in range(0, len(names), every) if min(ends) <= places[k] <= max(ends)]
    axis.set_major_locator(FixedLocator([float(places[k]) for k in inside]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FixedFormatter([page.worded(shown[k]) for k in inside]))
    if upright:
        axis.set_tick_params(length=0)


def shortened(text: str, page: Page, room: float) -> str:
    """The text at the size of ticks, or its beginning and end with dots between them where it is wider than `room`."""
    if page.measure(text, page.tick_size) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        tail = kept * 2 // 3
        short = f"{text[: kept - tail]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - tail :]}"
        if page.measure(short, page.tick_size) <= room:
            return short
    return "\N{HORIZONTAL ELLIPSIS}"


def bars_inches(panel: Panel, size: float) -> float:
    """Height in inches that a panel's bars need so that every name can be read at a size in points."""
    groups = len(bar_places(panel))
    return len(panel.categories) * max(LINE * size, 0.9 * size * groups) / 72 if panel.categories else 0.0
