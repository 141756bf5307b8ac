"""What the picture of a surface's topology shows, in words: facts and caption. NumPy only."""

from __future__ import annotations

import math

import numpy as np

from landscape_gui.figure import Look
from landscape_gui.probes import facts
from landscape_gui.results import Number
from landscape_gui.topology_results import TopologyResult

CONNECTED = {
    "bilinear": "bilinear between points, as the surface is drawn",
    "edges": "neighbours along the grid's lines",
    "corners": "neighbours along the grid's lines and across corners",
}


def singular(extrema: str) -> str:
    return "minimum" if extrema == "minima" else "maximum"


def number_words(count: int, extrema: str, rest: str) -> str:
    """ "1 minimum above it"."""
    return f"{count:,} {singular(extrema) if count == 1 else extrema} {rest}"


def value_words(number: Number) -> str:
    """With its standard error where one is known."""
    error = f" ± {facts.number(number.error)}" if math.isfinite(number.error) and number.error > 0 else ""
    unit = f" {number.unit}" if number.unit else ""
    return f"{facts.number(number.value)}{error}{unit}"


def facts_of(result: TopologyResult) -> tuple[facts.Fact, ...]:
    """What was followed, what is marked, what counts as noise, and what it comes down to."""
    numbers = result.numbers
    found = [
        ("Followed", f"{result.extrema} of {result.surface.quantities[result.quantity].label}, {CONNECTED[result.connectivity]}"),
        ("Marked", marked_words(result)),
        ("Noise floor", floor_words(result)),
        *((number.label[:1].upper() + number.label[1:], value_words(number)) for number in numbers.values()),
        ("Remarks", " ".join(result.notes)),
    ]
    return tuple(fact for fact in found if fact[1])


def marked_words(result: TopologyResult) -> str:
    """What stands for what on the surface."""
    what, real = result.extrema, result.real.astype(bool)
    edge = "; squares on the picture's edge" if (real & result.on_edge.astype(bool)).any() else ""
    saddles = ", amber: saddles, joined to what ends there" if (real & np.isfinite(result.deaths)).any() else ""
    grey = ", grey (on contours): below the noise floor" if (~real).any() else ""
    return f"orange: {what} above the noise floor{edge}{saddles}{grey}"


def floor_words(result: TopologyResult) -> str:
    """How the noise floor is made."""
    known = result.surface.quantities[result.quantity].standard_error is not None
    own = f"twice {result.deviations:g} standard errors" if known else "twice the rounding of the arithmetic"
    more = ", interpolation and rounding" if result.surface.adaptive and known else " and rounding" if known else ""
    return f"{own}{more}, the largest of any value up to there"


def caption_of(result: TopologyResult, look: Look) -> str:
    """The pictures in sentences."""
    numbers, what = result.numbers, result.extrema
    strong, every = int(numbers["minima"].value), int(numbers["every_minimum"].value)
    parts = ["persistence diagram and merge tree"]
    if look.view != "chart":
        parts.insert(0, f"{what} and saddles on the surface")
    sentences = [
        f"{', '.join(parts)} of {result.surface.quantities[result.quantity].label} ({CONNECTED[result.connectivity]})",
        f"{strong:,} of {every:,} {singular(what) if every == 1 else what} {'is' if strong == 1 else 'are'} above the noise floor,"
        f" {floor_words(result)}",
        f"Largest persistence {value_words(numbers['largest_persistence'])}" if strong > 1 else "",
        f"Saddle-minimum average distance {value_words(numbers['smad'])}" if what == "minima" and every > 1 else "",
    ]
    return " ".join(s[:1].upper() + s[1:].rstrip(".") + "." for s in sentences if s)
