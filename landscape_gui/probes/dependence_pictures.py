"""The largest eigenvalue over the number of examples as marks. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape_gui.curvature_results import DependenceResult
from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Note, Panel, Points, Scale
from landscape_gui.probes import facts
from landscape_gui.probes.curvature import curvature_facts, number_facts
from landscape_gui.probes.curvature_captions import curvature_caption
from landscape_gui.probes.headings import heading
from landscape_gui.results import Array, freeze


def dependence_figure(result: DependenceResult, look: Look) -> Figure:
    """Largest eigenvalue and trace over the number of examples, both axes logarithmic: each draw, their mean, and least to most."""
    if not result.computed.any():
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    marks: list[Mark] = [
        *curve(result, result.lambda_max, result.lambda_max_residuals, "largest eigenvalue", 0),
        *curve(result, result.traces, result.trace_standard_errors, "trace", 7, right=True),
    ]
    if result.computed[0, -1]:
        whole = np.full(2, result.lambda_max[0, -1])
        marks.append(Line(x=result.sizes[[0, -1]], y=freeze(whole), label="largest eigenvalue on all examples", dash=True))
    ends = float(result.sizes[0]) / 1.2, float(result.sizes[-1]) * 1.2
    left, right = equal_decades(marks)
    panel = Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="examples", scale="log", limits=ends),
        y=Axis(label="largest eigenvalue", scale=scale_of(result.lambda_max), limits=left),
        right=Axis(label="trace", scale=scale_of(result.traces), limits=right),
    )
    draws = result.computed.shape[0]
    every = (
        *(("Says", note) for note in result.notes),
        *number_facts(result),
        ("Subsets", f"{facts.plural(draws, 'draw')} of {len(result.sizes)} sizes from {int(result.sizes[0]):,} examples, nested"),
        ("Computed", "" if result.computed.all() else f"{int(result.computed.sum())} of {result.computed.size} so far"),
        ("Bands", "least to most of the draws with their own errors: residuals, and ±1.96 standard errors of the trace"),
        *curvature_facts(result),
    )
    every = tuple(fact for fact in every if fact[1])
    title = heading("Largest eigenvalue and trace", result, look).replace(" on all ", " on subsets of ")
    caption = curvature_caption("largest eigenvalue and trace on random subsets of the data", result, every, result.notes)
    return Figure(panels=(panel,), facts=every, caption=caption, provenance=result.provenance, title=title)


def curve(result: DependenceResult, values: Array, errors: Array, label: str, colour: int, *, right: bool = False) -> list[Mark]:
    """The mean over the draws that there are, a point a draw, and a band from least to most, errors included."""
    at = np.flatnonzero(result.computed.any(axis=0))
    x = result.sizes[at]
    known = np.where(result.computed, values, np.nan)[:, at]
    wide = np.nan_to_num(np.where(result.computed, errors, np.nan)[:, at]) * (1.96 if right else 1.0)
    low, high = np.nanmin(known - wide, axis=0), np.nanmax(known + wide, axis=0)
    draws, places = np.nonzero(np.isfinite(known))
    return [
        Band(x=freeze(x), low=freeze(low), high=freeze(high), colour=colour, right=right),
        Line(x=freeze(x), y=freeze(np.nanmean(known, axis=0)), label=label, colour=colour, dash=right, width=1.6, right=right),
        Points(x=freeze(x[places]), y=freeze(known[draws, places]), size=5.0, colour=colour, right=right),
    ]


def equal_decades(marks: Sequence[Mark]) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Limits of the left and right axis that span the same ratio, so that slopes compare; (None, None) where an axis is linear."""
    extremes = []
    for right in (False, True):
        values = [m.y for m in marks if isinstance(m, Points) and m.right == right]
        known = np.concatenate(values)
        extremes.append((float(known.min()), float(known.max())))
    if min(low for low, _ in extremes) <= 0:
        return None, None
    reach = 1.15 * max(high / low for low, high in extremes) ** 0.5
    left, right_ = ((float(np.sqrt(low * high)) / reach, float(np.sqrt(low * high)) * reach) for low, high in extremes)
    return left, right_


def scale_of(values: Array) -> Scale:
    """Logarithmic unless a value is zero or below."""
    known = values[np.isfinite(values)]
    return "log" if len(known) and bool((known > 0).all()) else "linear"
