"""The mean step of SGD against its predictions as marks: residuals over the learning rate. NumPy only."""

from __future__ import annotations

import numpy as np

from landscape_gui.figure import Axis, Figure, Line, Look, Mark, Note, Panel, Points
from landscape_gui.probes import facts
from landscape_gui.probes.curvature import curvature_facts, number_facts
from landscape_gui.probes.curvature_captions import curvature_caption
from landscape_gui.probes.headings import heading
from landscape_gui.results import freeze
from landscape_gui.training_results import MeanStepResult

FLOWS = {
    "plain": ("flow on L", 1, "disc"),
    "half": ("with lr/2", 4, "diamond"),
    "modified": ("flow on L + (lr/4) mean ‖∇Lᵢ‖²", 0, "square"),
}
"""What each prediction is called, its colour and marker; the last is drawn on top."""
GUIDES = ((1, "plain"), (2, "modified"))
"""Slopes of theory, and beside which residuals they are drawn."""


def mean_step_figure(result: MeanStepResult, look: Look) -> Figure:
    """The residual of each prediction over the learning rate, both axes logarithmic, with lines of the slopes that theory says."""
    known = np.isfinite(result.moved)
    if not known.any():
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    marks: list[Mark] = []
    for name, (label, colour, marker) in FLOWS.items():
        x, y = freeze(result.rates[known]), freeze(result.residuals[name][known])
        marks += [
            Line(x=x, y=y, label=f"{label}{slope_words(result, name)}", colour=colour, width=1.8, dash=name == "half"),
            Points(x=x, y=y, size=7.0, marker=marker, colour=colour),  # type: ignore[arg-type]
        ]
    marks += guides(result, known)
    rates = result.rates[known]
    panel = Panel(
        marks=tuple(marks),
        x=Axis(label="learning rate", scale="log", limits=(float(rates[0]) / 1.25, float(rates[-1]) * 1.25)),
        y=Axis(label="distance from SGD's mean end / way", scale="log"),
    )
    every = (
        *number_facts(result),
        ("Epoch", f"{facts.plural(result.steps, 'step')} on batches of {result.batch:,}, no momentum"),
        ("Averaged over", f"{facts.plural(result.orders, 'order')} of the same batches, each random one with its reverse"),
        ("Scatter of the mean", scatter_words(result)),
        ("Largest curvature", facts.number(result.curvature)),
        *(fact for fact in curvature_facts(result) if fact[0] not in ("Operator", "Weight decay")),
    )
    every = tuple(fact for fact in every if fact[1])
    title = heading("Mean epoch of SGD", result, look, matrix=False)
    what = (
        "distance between the mean end of an epoch of SGD and the end of a gradient flow of the same time, over the length of the "
        "way, for flows on the loss and on modified losses; thin lines have the slopes 1 and 2 of theory"
    )
    caption = curvature_caption(what, result, every, slope_sentences(result))
    return Figure(panels=(panel,), facts=every, caption=caption, provenance=result.provenance, title=title)


def slope_words(result: MeanStepResult, name: str) -> str:
    """ ": slope 1.99"."""
    found = result.numbers.get(f"slope_{name}")
    return f": slope {found.value:.2f}" if found is not None else ""


def slope_sentences(result: MeanStepResult) -> list[str]:
    return [f"The {entry.label} is {facts.with_error(entry.value, entry.error)}" for entry in result.numbers.values()]


def scatter_words(result: MeanStepResult) -> str:
    known = result.spread[np.isfinite(result.spread)]
    return f"at most {facts.number(float(known.max()))} of the way (standard error of the mean end)" if known.size else ""


def guides(result: MeanStepResult, known: np.ndarray) -> list[Mark]:
    """Thin lines of slope 1 and 2, a little below the residuals that they are to be compared with."""
    found: list[Mark] = []
    for power, name in GUIDES:
        x, y = result.rates[known], result.residuals[name][known]
        if len(x) > 1 and y[0] > 0:
            line = 0.6 * y[0] * (x / x[0]) ** power
            found.append(
                Line(x=freeze(x), y=freeze(line), label="slopes 1 and 2" if power == 1 else "", colour=7, dash=True, width=0.8)
            )
    return found
