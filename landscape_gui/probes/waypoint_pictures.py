"""The model at one place of a path as marks: the accuracy of each class beside that of the two ends. NumPy only."""

from __future__ import annotations

import numpy as np

from landscape_gui.connection_results import WaypointResult
from landscape_gui.figure import Axis, Bars, Figure, Look, Mark, Note, Panel
from landscape_gui.probes import facts
from landscape_gui.probes.facts import with_error
from landscape_gui.probes.pair_barriers import BATCHNORM
from landscape_gui.probes.path_captions import path_caption
from landscape_gui.probes.path_finding import PATHS
from landscape_gui.probes.pictures import plain_unit
from landscape_gui.probes.sampling import SPLIT_WORDS
from landscape_gui.results import Array, Quantity, freeze


def waypoint_figure(result: WaypointResult, look: Look) -> Figure:
    """A bar a class and model; of a network that is no classifier, its losses in words."""
    every = waypoint_facts(result)
    word = SPLIT_WORDS.get(result.split, result.split)
    place = f"t = {result.t:g} of the path from {first_of(result)} to {second_of(result)}"
    what = f"{word[:1].upper()}{word[1:]} accuracy of each class at {place}" if len(result.per_class) else f"The model at {place}"
    panel = Panel(
        marks=tuple(bars(result)) or (Note(text="\n".join(f"{q.label} {value_words(q)}" for q in result.quantities.values())),),
        view="chart",
        x=Axis(label=f"{word} accuracy"),
        y=Axis(label="class"),
        title=f"Accuracy by class at t = {result.t:g}" if look.title and len(result.per_class) else "",
    )
    return Figure(
        panels=(panel,),
        facts=every,
        caption=path_caption(what, result, every),
        provenance=result.provenance,
        title=f"Between {first_of(result)} and {second_of(result)}" if look.title else "",
    )


def first_of(result: WaypointResult) -> str:
    return result.names[0] if result.names else "the first model"


def second_of(result: WaypointResult) -> str:
    return result.names[-1] if result.names else "the second model"


def bars(result: WaypointResult) -> list[Mark]:
    """The first model, the one at t and the second one, with binomial standard errors; none of a network that is no classifier."""
    names = tuple(f"{k}" for k in range(len(result.per_class)))
    models = (
        (first_of(result), result.per_class_first, 5),
        (f"t = {result.t:g}", result.per_class, 0),
        (second_of(result), result.per_class_second, 1),
    )
    return [
        Bars(names=names, values=shares, errors=binomial(shares, result.class_examples), label=label, colour=colour)
        for label, shares, colour in models
        if len(shares)
    ]


def binomial(shares: Array, examples: Array) -> Array:
    """Standard errors of shares of so many examples."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return freeze(np.sqrt(shares * (1 - shares) / examples))


def waypoint_facts(result: WaypointResult) -> tuple[facts.Fact, ...]:
    """Losses and metrics, what flips, and what must be known to judge the picture."""
    where = result.provenance
    found: list[facts.Fact] = [("Model", f"at t = {result.t:g} from {first_of(result)} (t = 0) to {second_of(result)} (t = 1)")]
    found.append(("Path", PATHS.get(result.path, result.path)))
    found += [(q.label[:1].upper() + q.label[1:], value_words(q)) for q in result.quantities.values()]
    count = len(result.predicted)
    if count:
        flips = (len(result.flips_from_first), first_of(result)), (len(result.flips_from_second), second_of(result))
        words = " and ".join(f"{number:,} from {name}" for number, name in flips)
        found.append(("Predictions that flip", f"of {count:,}, {words}"))
        found.append(("Standard errors", "of each class: binomial"))
    found += [
        ("Data", facts.data_words(where.problem) + result.subset),
        ("BatchNorm", BATCHNORM.get(result.batchnorm, result.batchnorm)),
        ("Precision", facts.PRECISION_WORDS.get(result.precision, result.precision)),
        ("Computed on", facts.machine(where.environment)),
        *facts.checkpoint_facts(where.problem),
        ("Remarks", " ".join(result.notes)),
    ]
    return tuple(fact for fact in found if fact[1])


def value_words(quantity: Quantity) -> str:
    value = float(np.ravel(quantity.values)[0])
    error = float("nan") if quantity.standard_error is None else float(np.ravel(quantity.standard_error)[0])
    return with_error(value, error, plain_unit(quantity.unit))
