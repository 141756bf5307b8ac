"""Eigenvalues and how they converged, as marks. Pure, NumPy only, milliseconds."""

from __future__ import annotations

import numpy as np

from landscape_gui.curvature_results import EigenvaluesResult
from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Note, Panel, Points, Rule
from landscape_gui.probes.curvature import OPERATORS, curvature_facts, number_facts
from landscape_gui.probes.curvature_captions import curvature_caption
from landscape_gui.probes.headings import heading
from landscape_gui.results import Array, freeze

FLOOR = 1e-16
"""Errors below this, relative to the eigenvalue, are rounding."""


def eigenvalues_figure(result: EigenvaluesResult, look: Look) -> Figure:
    """Eigenvalues by rank with their residuals, and the way there: for power iteration beside its rates."""
    if not len(result.eigenvalues):
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    panels = [ranks_panel(result, look)] if len(result.eigenvalues) > 1 or len(result.history) < 2 else []
    if len(result.history) > 1:
        panels.append(convergence_panel(result, look))
    found = (*number_facts(result), *curvature_facts(result))
    what = f"Eigenvalues of the {OPERATORS.get(result.operator, result.operator)}"
    title = heading("Largest eigenvalue" if len(result.eigenvalues) == 1 else "Eigenvalues", result, look)
    caption = curvature_caption(what, result, found, found_sentences(result))
    return Figure(panels=tuple(panels), facts=found, caption=caption, provenance=result.provenance, title=title)  # fmt: skip


def found_sentences(result: EigenvaluesResult) -> list[str]:
    """How they were found."""
    method = str(result.provenance.question.get("method", ""))
    words = {"lanczos": "Lanczos iteration with full reorthogonalisation", "power": "power iteration"}.get(method, "")
    several = "s are" if len(result.eigenvalues) > 1 else " is"
    error = "within the residual that is shown of each lies an eigenvalue of the matrix"
    return [f"The eigenvalue{several} found by {words}; {error}"] if words else []


def ranks_panel(result: EigenvaluesResult, look: Look) -> Panel:
    rank = freeze(np.arange(1, len(result.eigenvalues) + 1))
    values, reach = result.eigenvalues, result.residuals
    names = tuple(f"λ{k} = {v:.5g}, within {r:.1e}" for k, v, r in zip(range(1, len(values) + 1), values, reach, strict=True))
    marks: list[Mark] = [
        Band(x=rank, low=freeze(values - reach), high=freeze(values + reach)),
        Points(x=rank, y=values, names=names, label="eigenvalue"),
    ]
    if (values < 0).any() and (values > 0).any():
        marks.append(Rule(at=0.0, orientation="horizontal"))
    return Panel(marks=tuple(marks), x=Axis(label="rank"), y=Axis(label="eigenvalue"), title="By rank" if look.title else "")


def convergence_panel(result: EigenvaluesResult, look: Look) -> Panel:
    """Errors after each product, relative to the eigenvalue, on a logarithmic scale."""
    steps = freeze(np.arange(1, len(result.history) + 1))
    scale = abs(float(result.history[-1])) or 1.0
    error = np.abs(result.history - result.history[-1])[:-1] / scale
    marks: list[Mark] = [
        Line(
            x=steps, y=shown(result.history_residuals / scale), label="largest residual" if result.method != "power" else "residual"
        ),
        Line(x=freeze(steps[:-1]), y=shown(error), label="error of the leading eigenvalue", colour=1),
    ]
    if result.method == "power" and 0 < result.ratio < 1:
        marks += rates(result, steps, scale, error)
    return Panel(
        marks=tuple(marks),
        x=Axis(label="products"),
        y=Axis(label="relative error", scale="log"),
        title=("Power iteration" if result.method == "power" else "Convergence") if look.title else "",
    )


def rates(result: EigenvaluesResult, steps: Array, scale: float, error: Array) -> list[Mark]:
    """The slopes |λ2/λ1|^k of the vector and their square, of the eigenvalue, laid through the last errors above rounding."""
    marks: list[Mark] = []
    for power, values, words in ((1, result.history_residuals / scale, "|λ₂/λ₁|^k"), (2, error, "|λ₂/λ₁|^(2k)")):
        usable = np.flatnonzero(values > 1e-6)
        if not len(usable):
            continue
        at = int(usable[-1])
        line = values[at] * result.ratio ** (power * (steps - steps[at]))
        marks.append(Line(x=steps, y=shown(line), label=words, colour=power - 1, dash=True))
    return marks


def shown(values: Array) -> Array:
    """With NaN where a logarithmic scale has no place for a value."""
    return freeze(np.where(values > FLOOR, values, np.nan))
