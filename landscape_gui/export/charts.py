"""Lines, bands, points, needles, bars, rules and heat maps on paper; the legend lies outside the data."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from landscape_gui.chart_limits import Side, limits
from landscape_gui.export.paper import Page, set_ticks, wrap
from landscape_gui.export.path_key import HANDLE, columns_of
from landscape_gui.export.spectra import draw_bars, draw_heat_map, draw_needles, set_names
from landscape_gui.export.texts import draw_texts
from landscape_gui.figure import Band, Bars, Line, Mark, Needles, Note, Panel, Points, Rule, Texts
from landscape_gui.scene3d.lettering import elided
from landscape_gui.style import series_colour

NAMED = 0.9
"""The share of a panel's width that the names of its upright lines take at most."""
MARKERS = {"disc": "o", "star": "*", "diamond": "D", "square": "s", "cross": "X"}


def draw_chart(figure: Any, panel: Panel, page: Page, width: float) -> Any:
    """Fills a (sub)figure `width` inches wide with the panel's marks; returns the left axes."""
    axes = figure.add_subplot()
    other = axes.twinx() if panel.right is not None else None
    _scales(axes, other, panel, page, width)
    if panel.heat_map:
        draw_heat_map(figure, axes, panel, page)
    for mark in panel.marks:
        _draw(axes if other is None or not getattr(mark, "right", False) else other, mark, page)
    draw_bars(axes, panel, page)
    if panel.equal:
        axes.set_aspect("equal", adjustable="box")
    if not panel.heat_map:
        axes.grid(True, axis="x" if panel.categories else "both", color=page.theme.grid, linewidth=page.points(0.4), zorder=0)
    axes.set_axisbelow(True)
    for side in () if panel.heat_map else ("top",) if other is not None else ("top", "right"):
        axes.spines[side].set_visible(False)
    if other is not None:
        other.spines["top"].set_visible(False)
    _rules(axes, panel, page, width)
    _notes(axes, panel, page)
    _legend(figure, [axes, *([other] if other is not None else [])], panel, page)
    if panel.title:
        named = any(isinstance(m, Rule) and m.orientation == "vertical" and m.label for m in panel.marks)
        axes.set_title(panel.title, pad=1.6 * page.tick_size + 4 if named else None)
    return axes


def _scales(axes: Any, other: Any, panel: Panel, page: Page, width: float) -> None:
    """Scales, limits, ticks and labels of every axis, before anything is drawn, so that what stands on an axis finds its foot."""
    sides = [(axes.xaxis, axes.set_xlim, panel.x, "x"), (axes.yaxis, axes.set_ylim, panel.y, "y")]
    if other is not None and panel.right is not None:
        sides.append((other.yaxis, other.set_ylim, panel.right, "right"))
    for axis, limit, what, side in sides:
        ends = limits(panel, cast(Side, side))
        axis._set_axes_scale(what.scale)
        limit(*ends)
        names = panel.categories if side == "y" and panel.categories else what.names
        if names:
            set_names(axis, names, ends, page, width, step=-1 if panel.categories else 1)
        elif side != "y" or what.text:
            set_ticks(axis, ends, what.scale, page)
        else:  # heights without a meaning have no numbers
            axis.set_ticks([])
        axis.set_label_text(what.text)


def _draw(axes: Any, mark: Mark, page: Page) -> None:
    colour = series_colour(getattr(mark, "colour", 0), page.theme)
    if isinstance(mark, Line):
        style = (0, (4, 2)) if mark.dash else "-"
        axes.plot(
            mark.x, mark.y, color=colour, linewidth=page.points(mark.width), linestyle=style, label=mark.label or None, zorder=3
        )
    elif isinstance(mark, Band):
        low = np.maximum(mark.low, axes.get_ylim()[0]) if axes.get_yscale() == "log" else mark.low
        axes.fill_between(mark.x, low, mark.high, color=colour, alpha=0.22, linewidth=0, label=mark.label or None, zorder=2)
    elif isinstance(mark, Points):
        size = (1.0 if mark.marker == "star" else 0.6) * mark.size
        axes.plot(
            mark.x, mark.y, MARKERS[mark.marker], ms=size, mfc=colour, mec="white", mew=page.points(0.4), zorder=4,
            label=mark.label or None,
        )  # fmt: skip
    elif isinstance(mark, Needles):
        draw_needles(axes, mark, colour, page)
    elif isinstance(mark, Texts):
        draw_texts(axes, mark, page)


def _rules(axes: Any, panel: Panel, page: Page, width: float) -> None:
    """Lines across, named inside the axes; upright ones above them, where no curve runs, side by side."""
    upright = sum(m.orientation == "vertical" and bool(m.label) for m in panel.marks if isinstance(m, Rule))
    room = NAMED * 72 * width / max(upright, 1)
    for rule in (m for m in panel.marks if isinstance(m, Rule)):
        style: dict[str, Any] = {
            "color": page.theme.muted,
            "linewidth": page.points(0.75),
            "zorder": 2.5,
            "linestyle": (0, (3, 2)) if rule.dash else "-",
        }
        text: dict[str, Any] = {"fontsize": page.tick_size, "color": page.theme.muted, "textcoords": "offset points", "zorder": 5}
        if rule.orientation == "vertical":
            axes.axvline(rule.at, **style)
            late = _part(axes.get_xlim(), rule.at, axes.get_xscale()) > 0.9
            if rule.label:
                where = {"xy": (rule.at, 1), "xycoords": ("data", "axes fraction"), "xytext": (0, 2)}
                axes.annotate(
                    elided(rule.label, page.tick_size, room, page.measure),
                    ha="right" if late else "center",
                    va="bottom",
                    **where,
                    **text,
                )
        else:
            axes.axhline(rule.at, **style)
            high = _part(axes.get_ylim(), rule.at, axes.get_yscale()) > 0.9
            if rule.label:
                where = {"xy": (1, rule.at), "xycoords": ("axes fraction", "data"), "xytext": (-2, -2 if high else 2)}
                axes.annotate(rule.label, ha="right", va="top" if high else "bottom", **where, **text)


def _part(limits: tuple[float, float], at: float, scale: str) -> float:
    low, high = limits
    if scale == "log":
        low, high, at = float(np.log(low)), float(np.log(high)), float(np.log(max(at, 1e-300)))
    return (at - low) / (high - low)


def _notes(axes: Any, panel: Panel, page: Page) -> None:
    """Sentences in their corners; a panel of nothing but notes shows them in its middle."""
    notes = [m for m in panel.marks if isinstance(m, Note)]
    only = len(notes) == len(panel.marks)
    if only:
        axes.axis("off")
    for note in notes:
        text = wrap(note.text, page.tick_size, 72 * page.width * 0.6, page.measure)
        if only:
            axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=page.font_size)
            continue
        vertical, horizontal = note.corner.split()
        x, y = (0 if horizontal == "left" else 1), (0 if vertical == "bottom" else 1)
        place: dict[str, Any] = {"xycoords": "axes fraction", "xytext": (4 - 8 * x, 4 - 8 * y), "textcoords": "offset points"}
        axes.annotate(text, (x, y), ha=horizontal, va=vertical, fontsize=page.tick_size, zorder=6, **place)


def _legend(figure: Any, axes: list[Any], panel: Panel, page: Page) -> None:
    """Below the axes, outside the data, in as many columns as fit."""
    if not legend_rows(panel, 1.0, page):
        return
    found = [one.get_legend_handles_labels() for one in axes]
    handles, labels = [h for f in found for h in f[0]], [t for f in found for t in f[1]]
    columns = columns_of(labels, figure.bbox.width / figure.figure.dpi, page)
    figure.legend(
        handles, labels, loc="outside lower center", ncols=columns, frameon=False, handlelength=HANDLE, columnspacing=1.2,
        handletextpad=0.5, borderaxespad=0.1, labelspacing=0.35,
    )  # fmt: skip


def legend_rows(panel: Panel, width: float, page: Page) -> int:
    """Lines of a chart's legend at a width in inches; a single mark that the axis already names needs none."""
    labels = [m.label for m in panel.marks if isinstance(m, Line | Band | Points | Needles | Bars) and m.label]
    if (
        (panel.surface is not None and not panel.heat_map)
        or not labels
        or (len(labels) == 1 and labels[0] in (panel.y.label, panel.x.label))
    ):
        return 0
    return -(-len(labels) // columns_of(labels, width, page))
