"""Answers as marks: surfaces and lines. Pure, NumPy only, milliseconds."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landscape_gui.errors import QuestionError
from landscape_gui.figure import (
    Axis,
    Band,
    Camera,
    Figure,
    Line,
    Look,
    Mark,
    Note,
    Panel,
    Path,
    Rule,
    Scale,
    Surface,
    contour_levels,
    finite_limits,
)
from landscape_gui.fill import fill_in
from landscape_gui.probes import facts, grid
from landscape_gui.probes.plane_captions import line_caption, surface_caption
from landscape_gui.results import Array, AxesReport, LineResult, Quantity, SurfaceResult, freeze

WIDE = 1e3
"""A loss whose largest value is so many times its smallest is better seen on a logarithmic scale."""
TALL = 4.0
"""On a linear scale the height is cut at so many times the height of the ninth decile."""

_last: tuple[weakref.ref[SurfaceResult], Quantity, Look, tuple[Surface, tuple[facts.Fact, ...]]] | None = None


def choose(quantities: Mapping[str, Quantity], look: Look) -> Quantity:
    """The quantity that a look asks for; the first one where it names none. Of several draws the statistic that it names."""
    name = look.quantity or next(iter(quantities), "")
    if look.statistic != "first" and f"{name}_{look.statistic}" in quantities:
        name = f"{name}_{look.statistic}"
    if name not in quantities:
        raise QuestionError(
            f"This answer holds no {name!r}.", remedy=f"Choose one of {', '.join(quantities) or 'none: it is empty'}."
        )
    return quantities[name]


def surface_figure(result: SurfaceResult, look: Look, marks: tuple[Mark, ...] = (), title: str = "") -> Figure:
    """A surface as one panel, 3-D or 2-D as the look says, with further marks on it."""
    if not result.quantities:
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    shown = choose(result.quantities, look)
    mark, told = surface_mark(result, shown, look)
    view = look.view if look.view != "chart" else "2d"
    short = axis_labels(result.axes)
    panel = Panel(
        marks=(mark, *(m for m in marks if look.trajectory or not isinstance(m, Path)), *nothing_finite([shown], result.computed)),
        view=view,
        x=Axis(label=short[0], limits=(float(result.x[0]), float(result.x[-1]))),
        y=Axis(label=short[1], limits=(float(result.y[0]), float(result.y[-1]))),
        z=Axis(label=shown.label, unit=plain_unit(shown.unit), limits=mark.limits, scale=mark.scale),
        title=(title or surface_title(result, shown)) if look.title else "",
        camera=look.camera,
    )
    every = (*facts.surface_facts(result, shown), *told)
    return Figure(
        panels=(panel,),
        facts=every,
        caption=surface_caption(result, shown, every, limits=mark.limits, scale=mark.scale, view=view),
        provenance=result.provenance,
        extra={"suggested_scale": suggested_scale(shown), "quantity": shown.name},
    )


def surface_title(result: SurfaceResult, shown: Quantity) -> str:
    """The quantity; of several draws also which one is shown where it is one of them and no statistic."""
    drawn = len(result.seeds) > 1 and shown.name in result.draws
    which = f", draw 1 of {len(result.seeds)} (seed {result.seeds[0]})" if drawn else ""
    return f"{shown.label[:1].upper()}{shown.label[1:]}{which}"


def surface_mark(result: SurfaceResult, shown: Quantity, look: Look) -> tuple[Surface, tuple[facts.Fact, ...]]:
    """The height field, filled in between while it is computed, and what must be said about its range.

    The last one is remembered: seen in 3-D and in 2-D at once, it is made once.
    """
    global _last
    flat = replace(look, view="3d", camera=Camera(), title=True, trajectory=True)
    last = _last
    if last is not None and last[0]() is result and last[1] is shown and last[2] == flat:
        return last[3]
    mark, told = make_mark(result, shown, look)
    _last = weakref.ref(result), shown, flat, (mark, tuple(told))
    return mark, tuple(told)


def make_mark(result: SurfaceResult, shown: Quantity, look: Look) -> tuple[Surface, list[facts.Fact]]:
    """As `surface_mark`, anew."""
    scale: Scale = "log" if look.scale == "log" and positive(shown.values) else "linear"
    limits, told = chosen_limits(shown, scale, look)
    z, filled = drawn(result, shown.values, scale)
    mark = Surface(
        x=result.x,
        y=result.y,
        z=z,
        filled=filled,
        limits=limits,
        missing=freeze(result.computed & ~np.isfinite(shown.values), bool),
        scale=scale,
        colour_map=look.colour_map,
        levels=contour_levels(limits, look.levels, scale=scale),
        contour_lines=look.contour_lines,
        contour_labels=look.contour_labels,
        shading=look.shading,
        height=look.height,
        label=shown.label,
        unit=plain_unit(shown.unit),
    )
    return mark, told


def drawn(result: SurfaceResult, values: Array, scale: Scale) -> tuple[Array, Array | None]:
    """What to draw: the values, and between those not computed yet what fills in for the moment, with where it does."""
    if result.adaptive or result.computed.all():
        return values, None
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.log(values) if scale == "log" else values
    adaptive = bool(result.provenance.question.get("adaptive", False))
    lattices = grid.lattices(result.y.size, result.x.size, adaptive=adaptive)
    estimate, filled = fill_in(result.x, result.y, z, result.computed, lattices)
    return freeze(np.where(result.computed, values, np.exp(estimate) if scale == "log" else estimate)), freeze(filled, bool)


def nothing_finite(quantities: Sequence[Quantity], computed: Array) -> tuple[Note, ...]:
    """A note for a picture of which no computed point is finite."""
    points = int(computed.sum())
    if not points or any(np.isfinite(q.values[computed]).any() for q in quantities):
        return ()
    return (Note(text=f"No finite value in {facts.plural(points, 'point')}."),)


def positive(values: Array) -> bool:
    return bool((values[np.isfinite(values)] > 0).any())


def suggested_scale(shown: Quantity) -> Scale:
    """Logarithmic where a loss spans more than three decades."""
    finite = shown.values[np.isfinite(shown.values)]
    above = finite[finite > 0]
    wide = above.size > 0 and "loss" in shown.name and not shown.name.endswith("_spread") and above.max() > WIDE * above.min()
    return "log" if wide else "linear"


def chosen_limits(shown: Quantity, scale: Scale, look: Look) -> tuple[tuple[float, float], list[facts.Fact]]:
    """The look's limits, or those of the data; a few towering cells are cut off on a linear scale, which is said."""
    low, high = finite_limits(shown.values, scale=scale)
    if look.limits is not None:
        low_, high_ = look.limits
        clipped = low_ > low or high_ < high
        words = f"values outside {facts.number(low_)} to {facts.number(high_)} are cut off" if clipped else ""
        return look.limits, [("Clipped", words)] if words else []
    finite = shown.values[np.isfinite(shown.values)]
    if scale == "linear" and finite.size and shown.unit != "1":
        tall = low + TALL * (float(np.quantile(finite, 0.9)) - low)
        if low < tall < high:
            part = 100 * float((finite > tall).mean())
            return (low, tall), [
                (
                    "Clipped",
                    f"the highest {part:.1f} % of the cells are cut off at {facts.number(tall)}; they reach {facts.number(high)}",
                )
            ]
    return (low, high), []


def plain_unit(unit: str) -> str:
    return "" if unit == "1" else unit


def axis_labels(axes: AxesReport) -> tuple[str, str]:
    """Short enough for an axis: "random" goes without saying where the normalisation is named."""
    short = (("normalised random direction", "normalised direction"), ("principal component", "PC"))
    labels = list(axes.labels)
    for long, brief in short:
        labels = [label.replace(long, brief) for label in labels]
    labels = [*labels, "", ""]
    return labels[0], labels[1]


def line_figure(result: LineResult, look: Look) -> Figure:
    """Loss on the left axis, metrics on the right one, each with a band of 1.96 standard errors; one colour a split."""
    losses = {n: q for n, q in result.quantities.items() if n == "loss" or n.endswith("_loss")}
    if not losses:
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    shown = choose(losses, Look())
    splits = [name.removesuffix("_loss") for name in losses]
    marks: list[Mark] = []
    for name, q in result.quantities.items():
        colour = next((i for i, s in enumerate(splits) if name.startswith(s + "_")), 0)
        marks += curve(result, q, colour, right=name not in losses)
    if result.x[0] < 0 < result.x[-1] and result.axes.kind != "read":
        marks.append(Rule(at=0.0, label="checkpoint"))
    other = next(iter(result.axes.labels), "")
    if result.axes.kind in ("towards", "plane") and other.startswith("towards ") and result.x[0] < 1 < result.x[-1]:
        marks.append(Rule(at=1.0, label=other.removeprefix("towards ")))
    marks += nothing_finite(list(losses.values()), result.computed)
    others = [q for n, q in result.quantities.items() if n not in losses]
    metric = others[0].label.split(" ", 1)[-1] if others else ""
    limits = look.limits or None
    scale: Scale = "log" if look.scale == "log" and any(positive(q.values) for q in losses.values()) else "linear"
    panel = Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label=axis_labels(result.axes)[0], limits=(float(result.x[0]), float(result.x[-1]))),
        y=Axis(label="loss", unit=plain_unit(shown.unit), limits=limits, scale=scale),
        right=Axis(label=metric, limits=(0.0, 1.02) if metric == "accuracy" else None) if others else None,
        title="Loss along a line" if look.title else "",
    )
    every = (*facts.line_facts(result, shown), ("Bands", bands_words(result)))
    every = tuple(f for f in every if f[1])
    extra: dict[str, Any] = {"suggested_scale": suggested_scale(shown), "quantity": shown.name}
    return Figure(
        panels=(panel,),
        facts=every,
        caption=line_caption(result, list(losses.values()), metric, every),
        provenance=result.provenance,
        extra=extra,
    )


def bands_words(result: LineResult) -> str:
    known = any(q.standard_error is not None for q in result.quantities.values())
    return "shaded: ±1.96 standard errors over examples" if known else ""


def curve(result: LineResult, q: Quantity, colour: int, *, right: bool) -> list[Mark]:
    """A line, with its band where the standard error is known; only through points that have been computed."""
    at = result.computed
    x, y = freeze(result.x[at]), freeze(q.values[at])
    marks: list[Mark] = []
    if q.standard_error is not None:
        half = 1.96 * q.standard_error[at]
        marks.append(Band(x=x, low=freeze(y - half), high=freeze(y + half), colour=colour, right=right))
    return [*marks, Line(x=x, y=y, label=q.label, colour=colour, dash=right, width=1.6, right=right)]
