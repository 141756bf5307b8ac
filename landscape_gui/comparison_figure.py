"""A comparison of models as a figure: their gaps, each measure against the gap, and the correlations with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Axis, Figure, Line, Look, Mark, Note, Panel, Points, Rule, Scale, Source
from landscape_gui.model_comparison import GAPS, ModelComparison, Related, compared
from landscape_gui.rank_correlation import Interval
from landscape_gui.results import Array, freeze

Marker = Literal["disc", "square", "diamond", "star", "cross"]
MARKERS: tuple[Marker, ...] = ("disc", "square", "diamond", "star", "cross")
SERIES = 8
"""Colours there are; with five markers 40 models are told apart."""
SIZE = 6.5
WIDE = 8.0
"""A measure whose values span more than so many times is drawn on a logarithmic axis."""
MOST = 16
"""Measures that are drawn at most, in the order of the columns."""
COLUMNS = 6
"""Of the grid: two wide panels in the first row, three in the others."""
MINUS = "\N{MINUS SIGN}"


def comparison_figure(comparison: ModelComparison) -> Figure:
    """Panels: the gap of every model with its standard error, which names the marks; all taus with their intervals; and every
    measure against the gap, errors to both sides, with tau, its interval and the number of models. Without a gap: a sentence."""
    shown = [one for one in comparison.related if not one.why][:MOST]
    facts = facts_of(comparison)
    caption = " ".join([caption_of(comparison, len(shown)), *comparison.cautions, *comparison.warnings])
    sources = tuple(report.provenance for report in comparison.reports)
    if comparison.gap:
        panels = [gap_panel(comparison, alone=len(shown) < 2)]
        panels += [forest(shown)] if len(shown) > 1 else []
        panels += [scatter(comparison, one, span=2 if len(shown) > 1 else 1) for one in shown]
    else:
        panels = [Panel(marks=(Note(text=comparison.cautions[0]),), view="chart")]
    return Figure(
        panels=tuple(panels),
        facts=facts,
        caption=caption,
        provenance=sources[0],
        sources=sources,
        drawn_from=tuple(Source(result=report, look=Look()) for report in comparison.reports),
        extra={"comparison": arrangement_of(comparison)},
        columns=COLUMNS if len(shown) > 1 else len(panels),
    )


def arrangement_of(comparison: ModelComparison) -> dict[str, Any]:
    """What makes the figure of its reports, JSON-able: what rows are called, which numbers and which gap."""
    return {"titles": list(comparison.titles), "columns": list(comparison.columns), "gap": comparison.gap}


def figure_again(arrangement: Mapping[str, Any], reports: Sequence[ReportResult]) -> Figure:
    """The figure of reports that stand as they stood. LandscapeError where the arrangement is none of so many."""
    titles, columns, gap = (arrangement.get(name) for name in ("titles", "columns", "gap"))
    if not (isinstance(titles, list) and isinstance(columns, list) and isinstance(gap, str) and len(titles) == len(reports)):
        raise LandscapeError(
            "The figure does not say how its reports are arranged and cannot be drawn again.",
            remedy="Compare the models again where it was made.",
        )
    rows = [replace(report, title=str(title)) for report, title in zip(reports, titles, strict=True)]
    return comparison_figure(compared(rows, columns=[str(name) for name in columns], gap=gap))


def caption_of(comparison: ModelComparison, measures: int) -> str:
    names = ", ".join(comparison.titles)
    if not comparison.gap:
        return f"{names}."
    what = GAPS[comparison.gap]
    against = " and measures of the loss surface against it" if measures else ""
    return f"Generalisation {what} of {names}{against}; bars are one standard error."


def facts_of(comparison: ModelComparison) -> tuple[tuple[str, str], ...]:
    found = [("Models", ", ".join(comparison.titles))]
    if comparison.gap:
        found.append(("Gap", GAPS[comparison.gap]))
    found += [(one.head[:1].upper() + one.head[1:], related_words(one)) for one in comparison.related]
    found += [("Note", text) for text in (*comparison.warnings, *comparison.cautions)]
    return tuple(found)


# -------------------------------------------------------------------------------------------------------------------- in words


def signed(value: float) -> str:
    """ "0.33", "−0.80"; never "−0.00"."""
    text = f"{value:.2f}"
    return (text.removeprefix("-") if float(text) == 0 else text).replace("-", MINUS)


def interval_words(interval: Interval) -> str:
    """ "[−0.20, 0.91]", "" where none is known."""
    return f"[{signed(interval.low)}, {signed(interval.high)}]" if interval.known else ""


def tau_words(one: Related) -> str:
    """ "τ = 0.33 [−0.20, 0.91], n = 6", "τ = 1.00, n = 3: too few for an interval"."""
    told = " ".join(filter(None, (f"τ = {signed(one.tau)}", interval_words(one.interval))))
    return f"{told}, n = {one.models}" + ("" if one.interval.known else ": no interval")


def p_words(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}" if value >= 0.095 else f"{value:.2g}"


def related_words(one: Related) -> str:
    """All that is known of one measure, in a line."""
    if one.why:
        return one.why
    parts = [tau_words(one)]
    parts += [f"p = {p_words(one.p)}, for all measures {p_words(one.p_together)}"]
    parts.append(" ".join(filter(None, (f"Spearman's rho {signed(one.rho)}", interval_words(one.rho_interval)))))
    if one.noise.known:
        parts.append(f"with the values drawn anew from their standard errors tau lies in {interval_words(one.noise)}")
    return "; ".join(parts)


# ---------------------------------------------------------------------------------------------------------------------- panels


def marker_of(row: int) -> Marker:
    return MARKERS[row % len(MARKERS)]


def point(x: float, y: float, row: int, title: str) -> Points:
    return Points(x=freeze([x]), y=freeze([y]), marker=marker_of(row), colour=row % SERIES, size=SIZE, names=(title,))


def bar(x: Sequence[float], y: Sequence[float], row: int) -> Line:
    return Line(x=freeze(x), y=freeze(y), colour=row % SERIES, width=0.9)


def gap_panel(comparison: ModelComparison, *, alone: bool) -> Panel:
    """The gap of every model, the first on top: it says which mark is whose."""
    values, errors = comparison.values(comparison.gap)
    count = len(values)
    marks: list[Mark] = [Rule(at=0.0)]
    for row, (value, error) in enumerate(zip(values, errors, strict=True)):
        y = float(count - 1 - row)
        if math.isfinite(value):
            marks += [bar([value - error, value + error], [y, y], row)] if error > 0 else []
            marks.append(point(value, y, row, comparison.titles[row]))
    unit = comparison.unit(comparison.gap)
    return Panel(
        marks=tuple(marks),
        x=Axis(label=GAPS[comparison.gap], unit=unit),
        y=Axis(names=tuple(reversed(comparison.titles)), limits=(-0.6, count - 0.4)),
        span=1 if alone else COLUMNS // 2,
    )


def scatter(comparison: ModelComparison, one: Related, *, span: int) -> Panel:
    x, x_errors = comparison.values(one.name)
    y, y_errors = comparison.values(comparison.gap)
    scale = scale_of(x, x_errors)
    marks: list[Mark] = []
    for row in np.flatnonzero(np.isfinite(x) & np.isfinite(y)):
        here, gap, dx, dy = float(x[row]), float(y[row]), float(x_errors[row]), float(y_errors[row])
        marks += [bar([here - dx, here + dx], [gap, gap], int(row))] if dx > 0 else []
        marks += [bar([here, here], [gap - dy, gap + dy], int(row))] if dy > 0 else []
        marks.append(point(here, gap, int(row), comparison.titles[row]))
    marks.append(Note(text=tau_words(one), corner="top left"))
    return Panel(
        marks=tuple(marks),
        x=Axis(label=one.head, unit=comparison.unit(one.name), scale=scale, limits=around(x, x_errors, scale)),
        y=Axis(label=GAPS[comparison.gap], unit=comparison.unit(comparison.gap), limits=with_room(y, y_errors)),
        span=span,
    )


def scale_of(values: Array, errors: Array) -> Scale:
    """Logarithmic where all is positive, errors included, and far apart."""
    finite = values[np.isfinite(values)]
    lowest = (values - np.nan_to_num(errors))[np.isfinite(values)]
    wide = finite.size > 1 and lowest.min() > 0 and finite.max() > WIDE * finite.min()
    return "log" if wide else "linear"


def with_room(values: Array, errors: Array) -> tuple[float, float]:
    """Limits that leave room above for a line of words; the same for every panel."""
    known = np.isfinite(values)
    size = np.nan_to_num(errors[known])
    low, high = float((values[known] - size).min()), float((values[known] + size).max())
    span = (high - low) or abs(high) or 1.0
    return low - 0.08 * span, high + 0.28 * span


def around(values: Array, errors: Array, scale: Scale) -> tuple[float, float]:
    """Limits that no mark lies on, and between which ticks can be told apart where all values are nearly the same."""
    known = np.isfinite(values)
    size = np.nan_to_num(errors[known])
    low, high = float((values[known] - size).min()), float((values[known] + size).max())
    if scale == "log":
        factor = (high / low) ** 0.08
        return low / factor, high * factor
    span = max(high - low, 0.02 * max(abs(low), abs(high))) or 1.0
    middle = (low + high) / 2
    return middle - 0.58 * span, middle + 0.58 * span


def forest(shown: Sequence[Related]) -> Panel:
    """Every tau with its interval: bars that cross 0 say that the sign is open."""
    count = len(shown)
    marks: list[Mark] = [Rule(at=0.0)]
    for row, one in enumerate(shown):
        y = float(count - 1 - row)
        if one.interval.known:
            marks.append(Line(x=freeze([one.interval.low, one.interval.high]), y=freeze([y, y]), colour=7, width=1.1))
        marks.append(Points(x=freeze([one.tau]), y=freeze([y]), colour=7, size=SIZE, names=(one.head,)))
    return Panel(
        marks=tuple(marks),
        x=Axis(label="Kendall's τ with the gap", limits=(-1.08, 1.08)),
        y=Axis(names=tuple(one.head for one in reversed(shown)), limits=(-0.6, count - 0.4)),
        span=COLUMNS // 2,
    )
