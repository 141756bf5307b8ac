"""The barrier between two runs over training as marks. NumPy only."""

from __future__ import annotations

import numpy as np

from landscape_gui.connection_results import InstabilityResult
from landscape_gui.connection_texts import DEFINITIONS
from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Note, Panel, Points, Scale
from landscape_gui.probes import facts
from landscape_gui.probes.facts import with_error
from landscape_gui.probes.pair_barriers import BATCHNORM
from landscape_gui.probes.path_captions import path_caption
from landscape_gui.probes.path_finding import PATHS
from landscape_gui.probes.pictures import choose, plain_unit
from landscape_gui.results import Quantity, freeze

STABLE = 0.02
"""The error rate above the mean of the ends below which Frankle et al. call two runs stable."""
MARKED_UP_TO = 60
"""Epochs up to which each has a dot."""


def instability_figure(result: InstabilityResult, look: Look) -> Figure:
    """The barrier of the loss over epochs, and of the error rate where there is one, of every split."""
    if not result.quantities:
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    usual = f"{result.split}_loss_{result.definition}"
    shown = choose(result.quantities, look if look.quantity in result.quantities else Look(quantity=usual))
    definition = next(d for d in DEFINITIONS if shown.name.endswith(f"_{d}"))
    metrics = dict.fromkeys((metric_of(shown.name, definition), "loss", "error"))
    panels = [panel_of(result, metric, definition, look) for metric in metrics]
    every = instability_facts(result, shown, definition)
    what = f"Barrier {DEFINITIONS[definition]} between {result.names[0]} and {result.names[1]} at each {result.unit}"
    return Figure(
        panels=tuple(panel for panel in panels if panel.marks),
        facts=every,
        caption=path_caption(what, result, every, shown),
        provenance=result.provenance,
        extra={"quantity": shown.name, "suggested_scale": "linear"},
        title=f"Instability of {result.names[0]} and {result.names[1]}" if look.title else "",
    )


def metric_of(name: str, definition: str) -> str:
    return name.removesuffix(f"_{definition}").rpartition("_")[2]


def panel_of(result: InstabilityResult, metric: str, definition: str, look: Look) -> Panel:
    """One metric's barrier over the epochs, a line a split."""
    chosen = {n: q for n, q in result.quantities.items() if n.endswith(f"_{metric}_{definition}")}
    word = "error rate" if metric == "error" else "loss"
    marks: list[Mark] = []
    for colour, (name, quantity) in enumerate(chosen.items()):
        marks += curve(result, quantity, name.removesuffix(f"_{metric}_{definition}"), colour)
    if metric == "error" and definition == "above_mean" and marks:
        x, y = result.epochs[[0, -1]], np.full(2, STABLE)
        marks.append(Line(x=freeze(x), y=freeze(y), label="2 % (stable below)", colour=7, dash=True))
    positive = all((q.values[np.isfinite(q.values)] > 0).all() for q in chosen.values())
    scale: Scale = "log" if look.scale == "log" and positive else "linear"
    unit = next((plain_unit(q.unit) for q in chosen.values()), "")
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label=result.unit),
        y=Axis(label=f"barrier of the {word}", unit=unit, scale=scale),
        title=f"{word[:1].upper()}{word[1:]} {DEFINITIONS[definition]}" if look.title else "",
    )


def curve(result: InstabilityResult, quantity: Quantity, split: str, colour: int) -> list[Mark]:
    """A line with its band of 1.96 paired standard errors, only through epochs that are known."""
    at = ~np.isnan(result.distances)
    x, y = freeze(result.epochs[at]), freeze(quantity.values[at])
    marks: list[Mark] = []
    if quantity.standard_error is not None:
        half = 1.96 * quantity.standard_error[at]
        marks.append(Band(x=x, low=freeze(y - half), high=freeze(y + half), colour=colour))
    word = {"train": "training", "val": "validation", "valid": "validation"}.get(split, split)
    marks.append(Line(x=x, y=y, label=f"{word} data", colour=colour, width=1.6))
    if len(x) <= MARKED_UP_TO:
        marks.append(Points(x=x, y=y, size=5.0, colour=colour))
    return marks


def instability_facts(result: InstabilityResult, shown: Quantity, definition: str) -> tuple[facts.Fact, ...]:
    """Which runs, at which epochs, what a barrier is, and what must be known to judge the picture."""
    where = result.provenance
    question = where.question
    done, count = int((~np.isnan(result.distances)).sum()), len(result.epochs)
    examples = f" ({shown.examples:,} in what is shown)" if shown.examples else ""
    found = [
        ("Shown", shown.label + (f" ({shown.unit})" if shown.unit not in ("", "1") else "")),
        ("Runs", f"{result.names[0]} and {result.names[1]}"),
        ("Epochs" if result.unit == "epoch" else "Steps", epochs_words(result)),
        ("Largest", extreme_words(result, shown)),
        ("Path", PATHS.get(result.path, result.path)),
        ("Barrier", f"{DEFINITIONS[definition]}; the largest of the places measured, ends included"),
        ("Points", f"{question['points']:,} a path" if "points" in question else ""),
        ("Bands", "±1.96 paired standard errors over the same examples"),
        (
            "Dashed",
            "2 %, below which Frankle et al. 2020 call two runs stable"
            if definition == "above_mean" and result.error_barriers.size
            else "",
        ),
        ("Computed", "" if done == count else f"{done} of {count} so far"),
        ("Distance", distance_words(result)),
        ("Remarks", " ".join(result.notes)),
        ("Data", facts.data_words(where.problem) + result.subset + examples),
        ("Seed", str(question["seed"]) if question.get("limit") or (result.path != "line" and "seed" in question) else ""),
        ("BatchNorm", BATCHNORM.get(result.batchnorm, result.batchnorm)),
        ("Precision", facts.PRECISION_WORDS.get(result.precision, result.precision)),
        ("Computed on", facts.machine(where.environment)),
        ("Checked against the plain pass", facts.difference_words(where.environment)),
        ("Model", str(where.problem.get("model", ""))),
        *facts.checkpoint_facts(where.problem),
        ("Computed at", where.created.replace("T", " ").replace("+00:00", " UTC") if where.created else ""),
    ]
    return tuple(fact for fact in found if fact[1])


def epochs_words(result: InstabilityResult) -> str:
    """ "0, 5, 10" or "41 from 0 to 40"."""
    if len(result.epochs) <= 8:
        return ", ".join(f"{epoch:g}" for epoch in result.epochs)
    return f"{len(result.epochs):,} from {result.epochs[0]:g} to {result.epochs[-1]:g}"


def extreme_words(result: InstabilityResult, shown: Quantity) -> str:
    """The largest barrier and the last one, with their errors."""
    known = np.flatnonzero(np.isfinite(shown.values))
    if not len(known):
        return ""
    most, last = int(known[np.argmax(shown.values[known])]), int(known[-1])
    return "; last: ".join(at_words(result, shown, k) for k in dict.fromkeys((most, last)))


def at_words(result: InstabilityResult, shown: Quantity, k: int) -> str:
    error = np.nan if shown.standard_error is None else float(shown.standard_error[k])
    return f"{with_error(float(shown.values[k]), error, plain_unit(shown.unit))} at {result.unit} {result.epochs[k]:g}"


def distance_words(result: InstabilityResult) -> str:
    known = result.distances[~np.isnan(result.distances)]
    return (
        f"{facts.number(float(known[0]))} at first, {facts.number(float(known[-1]))} at last, over all parameters"
        if len(known)
        else ""
    )
