"""Numbers that a path between two models comes down to: barriers by each definition, its score, means and length. NumPy only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from landscape_gui.connection_results import PathResult
from landscape_gui.connection_texts import DEFINITIONS, TEXTS
from landscape_gui.results import Array, Number

FALLS = {
    "above_line": "below the straight interpolation of the ends",
    "above_mean": "below the mean of the ends",
    "above_larger": "below the smaller end",
}
"""The definitions of a barrier, of what is good."""


@dataclass(frozen=True)
class Inside:
    """A quantity for t from 0 to 1 where it is known, ends included; sign: -1 where less of it is worse."""

    t: Array
    arc: Array
    values: Array
    errors: Array
    sign: float
    paired: Mapping[str, Array]

    @property
    def ends(self) -> tuple[float, float]:
        return float(self.values[0]), float(self.values[-1])


def sign_of(name: str) -> float:
    """Barriers are of what is bad: of an accuracy, how far it falls."""
    return -1.0 if name.endswith("accuracy") else 1.0


def inside(path: PathResult, name: str) -> Inside | None:
    """A quantity between the ends; None before both ends, and a place between them where any is asked for, are known."""
    quantity = path.quantities.get(name)
    if quantity is None:
        return None
    within = (path.t >= 0) & (path.t <= 1)
    chosen = path.computed & within
    t = path.t[chosen]
    if len(t) < min(3, int(within.sum())) or t[0] != 0 or t[-1] != 1:
        return None
    errors = quantity.standard_error
    paired = {kind: path.errors[f"{name}_{kind}"][chosen] for kind in KINDS if f"{name}_{kind}" in path.errors}
    return Inside(
        t,
        path.arc[chosen],
        quantity.values[chosen],
        np.full(len(t), np.nan) if errors is None else errors[chosen],
        sign_of(name),
        paired,
    )


KINDS = ("above_line", "above_mean", "above_first", "above_second")
"""What a quantity is compared with, example by example."""


def references(t: Array, first: float | Array, second: float | Array) -> dict[str, Array]:
    """What a quantity is compared with at t (k,), by kind; ends: a number each, or (n,) an example's each, then (k, n)."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    at = t.reshape(-1, *[1] * a.ndim)
    constant = np.zeros_like(at)
    return {
        "above_line": (1 - at) * a + at * b,
        "above_mean": constant + (a + b) / 2,
        "above_first": constant + a,
        "above_second": constant + b,
    }


def paired_errors(t: Array, rows: Array, first: Array, second: Array, weights: Array) -> dict[str, Array]:
    """(k,) standard errors of how far a mean lies above each reference, from what every example adds.

    rows: (k, n) sums of each example at t (k,); first, second: (n,) the same at the ends; weights: (n,) how many rows count. An
    example that is hard stays so all along a path, so that differences are known far better than the means themselves. NaN where
    the examples are not the same.
    """
    total, count = float(weights.sum()), len(weights)
    same = rows.shape == (len(t), count) and first.shape == second.shape == (count,)
    if not same or count < 2 or not total > 0:
        return {kind: np.full(len(t), np.nan) for kind in KINDS}
    found = {}
    with np.errstate(invalid="ignore", over="ignore"):
        for kind, reference in references(t, first, second).items():
            difference = rows - reference
            residual = difference - weights * (difference.sum(1) / total)[:, None]
            found[kind] = np.sqrt((residual**2).sum(1) * count / (count - 1)) / total
    return found


def barriers(path: PathResult, name: str) -> dict[str, tuple[float, float, float]]:
    """By definition: the barrier, its paired standard error, and the t where it stands. NaN where a value is not a number."""
    known = inside(path, name)
    if known is None:
        return dict.fromkeys(DEFINITIONS, (math.nan, math.nan, math.nan))
    first, second = (known.sign * v for v in known.ends)
    values, heights = known.sign * known.values, references(known.t, first, second)
    larger = "above_first" if first >= second else "above_second"
    found = {}
    for definition in DEFINITIONS:
        kind = larger if definition == "above_larger" else definition
        with np.errstate(invalid="ignore"):
            rise = values - heights[kind]
        k = int(np.argmax(rise))  # the first that is no number, where there is one
        error = math.nan if kind not in known.paired else error_at(known.paired[kind], rise, k)
        found[definition] = float(rise[k]), error, float(known.t[k])
    return found


def error_at(errors: Array, rise: Array, k: int) -> float:
    """The error of the largest rise; where that is at an end, which is compared with itself, that of the highest place inside."""
    inner = 1 + int(np.argmax(rise[1:-1])) if errors[k] == 0 and len(rise) > 2 else k
    return float(errors[inner])


def number(
    name: str, value: float, error: float, *, kind: str = "standard error", key: str = "", label: str = "", unit: str = ""
) -> Number:
    """A number with the label and sentences that it has everywhere; `key`: its own name among others of the same sentences."""
    text = TEXTS[name]
    return Number(
        name=key or name,
        label=label or text.label,
        value=float(value),
        error=float(error),
        kind=kind,
        unit=unit if text.unit == "nat" else text.unit,
        help=text.help,
    )


def numbers_of(path: PathResult, split: str) -> dict[str, Number]:
    """All numbers of a path, those of the split's loss by their plain names; none before both ends are known."""
    loss = f"{split}_loss"
    known = inside(path, loss)
    if known is None:
        return {}
    found: dict[str, Number] = {}
    unit = path.quantities[loss].unit
    for definition, (value, error, _) in barriers(path, loss).items():
        found[definition] = number(definition, value, error, unit=unit)
    found["connectivity_score"] = score(found["above_line"])
    for name, (value, error) in statistics(known).items():
        found[name] = number(name, value, error, unit=unit)
    found["length"] = number("length", path.length, 0.0, kind="exact")
    for name, quantity in path.quantities.items():
        for definition, (value, error, _) in barriers(path, name).items():
            key, words = f"{name}_{definition}", f"{quantity.label} {DEFINITIONS[definition]}"
            if sign_of(name) < 0:
                words = f"fall of the {quantity.label} {FALLS[definition]}"
                found[key] = number("accuracy_fall", value, error, key=key, label=words)
            else:
                found[key] = number(definition, value, error, key=key, label=words, unit=quantity.unit)
    return found


def score(barrier: Number) -> Number:
    """1/(1 + barrier)."""
    value = 1 / (1 + barrier.value) if barrier.value > -1 else math.nan
    return number("connectivity_score", value, barrier.error * value**2)


def statistics(known: Inside) -> dict[str, tuple[float, float]]:
    """Largest value, mean over t and mean over the length, with their errors."""
    worst = int(np.argmax(known.sign * known.values))
    found = {"maximum": (float(known.values[worst]), float(known.errors[worst]))}
    for name, places in (("mean", known.t), ("arc_mean", known.arc)):
        extent = float(places[-1] - places[0])
        shares = trapezoid(places) / extent if extent > 0 else np.full(len(places), np.nan)
        found[name] = float((shares * known.values).sum()), float((shares * known.errors).sum())
    return found


def trapezoid(places: Array) -> Array:
    """What each value counts in the trapezoidal rule."""
    half = np.diff(places) / 2
    found: Array = np.concatenate([half, [0.0]]) + np.concatenate([[0.0], half])
    return found


def with_split(path: PathResult, split: str) -> PathResult:
    """The same path with the numbers of another split's loss by their plain names; nothing is measured again."""
    return path if path.split == split else dataclasses.replace(path, split=split, numbers=numbers_of(path, split))


def holes(path: PathResult) -> tuple[str, ...]:
    """A sentence for each loss that is not finite somewhere it was computed."""
    said = []
    for name, quantity in path.quantities.items():
        odd = np.flatnonzero(path.computed & ~np.isfinite(quantity.values))
        if len(odd) and name.endswith("_loss"):
            said.append(
                f"The {quantity.label} is not finite at {len(odd):,} of {int(path.computed.sum()):,} places, the first at "
                f"t = {path.t[odd[0]]:.3g}; a barrier there is unbounded or not known."
            )
    return tuple(said)


def turned(path: PathResult) -> PathResult:
    """The same path run through from its other end: what it comes down to stays to the bit."""

    def back(values: Array) -> Array:
        found = np.ascontiguousarray(values[::-1])
        found.setflags(write=False)
        return found

    quantities = {
        name: dataclasses.replace(
            q, values=back(q.values), standard_error=None if q.standard_error is None else back(q.standard_error)
        )
        for name, q in path.quantities.items()
    }
    exchanged = {"_above_first": "_above_second", "_above_second": "_above_first"}
    errors = {}
    for name, values in path.errors.items():
        ending = next((e for e in exchanged if name.endswith(e)), "")
        errors[name.removesuffix(ending) + exchanged.get(ending, "")] = back(values)
    arc = path.length - back(path.arc)
    arc.setflags(write=False)
    return dataclasses.replace(path, computed=back(path.computed), quantities=quantities, arc=arc, errors=errors)
