"""Spectra over a run as marks: a heat map of the density, or curves of its ends and its trace. NumPy only."""

from __future__ import annotations

import numpy as np

from landscape_gui.curvature_results import SpectraResult
from landscape_gui.density import default_width, density
from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Note, Panel, Points, Scale, Surface
from landscape_gui.probes import facts
from landscape_gui.probes.curvature import curvature_facts, number_facts
from landscape_gui.probes.curvature_captions import curvature_caption
from landscape_gui.probes.headings import heading
from landscape_gui.results import Array, freeze

GRID = 240
"""Places along the eigenvalues at which a heat map shows the density."""
FAR = 5.0
"""A stability limit so many times above the largest eigenvalue would flatten the curves on a linear axis."""
FAINTEST = 0.1
"""The lowest density shown: this share of the peak of a single eigenvalue's kernel."""


def spectra_figure(result: SpectraResult, look: Look) -> Figure:
    """The density over the run, with the largest eigenvalue and the stability limit drawn on it, its kernel `look.width` wide
    (0: range/100); below it both ends of the spectrum with their residuals, and the trace. View "2d": the density alone."""
    if not np.isfinite(result.lambda_max).any():
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    width = look.width or usual_width(result)
    panels = [heat_map(result, look, width)] if result.computed.sum() > 1 else []
    if look.view != "2d" or not panels:
        panels.append(curves(result, look))
    shown = "density of the eigenvalues, largest and smallest eigenvalue, and trace"
    every = (*run_facts(result, width), *number_facts(result), *(("Note", note) for note in result.notes), *curvature_facts(result))
    return Figure(
        panels=tuple(panels),
        facts=every,
        caption=curvature_caption(f"{shown} at each checkpoint of the run", result, every),
        provenance=result.provenance,
        extra={"width": width, "widths": (width / 10, width * 10)},
        title=heading("Spectrum", result, look, width=width if result.computed.sum() > 1 else 0.0),
    )


def usual_width(result: SpectraResult) -> float:
    """A hundredth of the range of all checkpoints' nodes and lines."""
    count = len(result.names)
    nodes, weights = np.nan_to_num(result.nodes.reshape(count, -1)), np.nan_to_num(result.weights.reshape(count, -1))
    return default_width(nodes, weights, result.lines[np.isfinite(result.lines)])


def heat_map(result: SpectraResult, look: Look, width: float) -> Panel:
    """The density, logarithmic, over checkpoints and eigenvalues."""
    at = np.flatnonzero(result.computed)
    x = freeze(result.order[at])
    low, high = np.nanmin(result.lambda_min), np.nanmax(result.lambda_max)
    y = np.linspace(min(low, 0.0) - 4 * width, max(high, 0.0) + 4 * width, GRID)
    z = np.stack([density_at(result, int(k), y, width) for k in at], axis=1)
    peak = 1 / (max(result.size, 1) * width * np.sqrt(2 * np.pi))
    limits = look.limits or (FAINTEST * peak, float(np.nanmax(z, initial=peak)))
    mark = Surface(
        x=x,
        y=freeze(y),
        z=freeze(np.maximum(z, limits[0])),
        limits=limits,
        scale="log",
        colour_map=look.colour_map,
        contour_lines=False,
        contour_labels=False,
        shading=look.shading,
        height=look.height,
        label="density",
    )
    marks: list[Mark] = [mark, Line(x=x, y=freeze(result.lambda_max[at]), label="largest eigenvalue", colour=4, width=1.2)]
    inside = result.limits[at] <= y[-1]
    if inside.any():
        limit = np.where(inside, result.limits[at], np.nan)
        marks.append(Line(x=x, y=freeze(limit), label=f"stability limit {result.limit_words}", colour=3, dash=True))
    return Panel(
        marks=tuple(marks),
        view="2d" if look.view == "2d" else "chart",
        x=Axis(label=order_word(result)),
        y=Axis(label="eigenvalue", limits=(float(y[0]), float(y[-1]))),
        z=Axis(label="density", limits=limits, scale="log"),
        title="Density over the run" if look.title else "",
    )


def density_at(result: SpectraResult, k: int, grid: Array, width: float) -> Array:
    """The density of one checkpoint, lines included; NaN where there is none."""
    lines = result.lines[k][np.isfinite(result.lines[k])]
    rows = np.isfinite(result.nodes[k]).any(axis=1)
    if not rows.any() and not len(lines):
        return np.full(len(grid), np.nan)
    return density(result.nodes[k][rows], result.weights[k][rows], lines, n=result.size, width=width, grid=grid).y


def curves(result: SpectraResult, look: Look) -> Panel:
    """Ends of the spectrum on the left axis, the trace on the right one; bands are residuals and 1.96 standard errors. Where the
    stability limit is far above, both axes are logarithmic, and the smallest eigenvalue is drawn with its sign turned."""
    at = np.flatnonzero(result.computed)
    x = freeze(result.order[at])
    marks: list[Mark] = []
    scale = scale_of(result, at, look)
    lower, below = (-result.lambda_min, "−smallest eigenvalue") if scale == "log" else (result.lambda_min, "smallest eigenvalue")
    for values, widths, label, colour, right in (
        (result.lambda_max, result.lambda_max_residuals, "largest eigenvalue", 0, False),
        (lower, result.lambda_min_residuals, below, 1, False),
        (result.traces, 1.96 * result.trace_standard_errors, "trace", 7, True),
    ):
        y, half = (np.where(v[at] > 0, v[at], np.nan) if scale == "log" else v[at] for v in (values, widths))
        marks.append(Band(x=x, low=freeze(y - half), high=freeze(y + half), colour=colour, right=right))
        marks.append(Line(x=x, y=freeze(y), label=label, colour=colour, dash=right, width=1.6, right=right))
        if len(x) < 12:
            marks.append(Points(x=x, y=freeze(y), colour=colour, right=right))
    if np.isfinite(result.limits[at]).any():
        label = f"stability limit {result.limit_words}"
        marks.append(Line(x=x, y=freeze(result.limits[at]), label=label, colour=3, dash=True, width=1.2))
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label=order_word(result)),
        y=Axis(label="eigenvalue", scale=scale),
        right=Axis(label="trace", scale=scale if (np.nan_to_num(result.traces[at], nan=1.0) > 0).all() else "linear"),
        title="Ends and trace over the run" if look.title else "",
    )


def scale_of(result: SpectraResult, at: Array, look: Look) -> Scale:
    """Logarithmic where the look asks for it or the limit is far above every eigenvalue, and these are positive."""
    largest, limits = result.lambda_max[at], result.limits[at]
    if not (largest > 0).all():
        return "linear"
    far = np.isfinite(limits).any() and np.nanmax(limits) > FAR * np.nanmax(largest)
    return "log" if look.scale == "log" or far else "linear"


def order_word(result: SpectraResult) -> str:
    first = result.names[0] if result.names else ""
    return next((word for word in ("epoch", "step") if word in first), "checkpoint")


def run_facts(result: SpectraResult, width: float) -> tuple[facts.Fact, ...]:
    """Which checkpoints, how far along, and how the ends of the spectrum lie to the stability limit."""
    done, count = int(result.computed.sum()), len(result.names)
    words = f"{facts.plural(count, 'checkpoint')}, {result.names[0]} to {result.names[-1]}" if count else ""
    found = [("Run", words if done == count else f"{words}; {done} computed so far"), ("Kernel width", facts.number(width))]
    found.append(("Bands", "residuals of the eigenvalues (some eigenvalue lies within); ±1.96 standard errors of the trace"))
    ratio = result.lambda_max / result.limits
    if np.isfinite(ratio).any():
        k = int(np.nanargmax(ratio))
        words = (
            f"{result.limit_words}; the largest eigenvalue is at most {facts.number(float(ratio[k]))} of it, at {result.names[k]}"
        )
        found.append(("Stability limit", words))
    return tuple(found)
