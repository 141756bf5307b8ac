"""Whether an answer is the one that a figure shows: to the bit, nearly, or not; and what differs. NumPy only."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from landscape_gui.export.answer_digests import ArrayDigest, arrays_of, digests, largest_difference
from landscape_gui.export.record import Recorded, plain
from landscape_gui.results import Result

Verdict = Literal["same", "equal", "different", "unknown"]
CLOSE = 1e-5
"""Relative difference up to which answers are equal but for rounding, on another machine or with other versions."""
DEVICE = {
    "processor": "processor",
    "system": "system",
    "device": "device",
    "threads": "threads",
    "torch": "torch",
    "numpy": "NumPy",
}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """verdict: "same" to the bit, "equal" to `CLOSE`, "different", or "unknown" where the figure records no numbers.

    arrays: how many there are; changed: those that are not the same, by their place in the answer, with the largest relative
    difference where it is known (NaN: not); absent: those that hold nothing here or in the figure, as parts of an answer do that
    are only taken from other answers where these are known; surroundings: what was computed on and with otherwise, in words;
    problem: what is asked about otherwise (weights, data, loss), in words.
    """

    verdict: Verdict
    arrays: int = 0
    changed: Mapping[str, float] = dataclasses.field(default_factory=dict)
    surroundings: tuple[str, ...] = ()
    problem: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def difference(self) -> float:
        """The largest relative difference that is known; 0 where none is."""
        known = [value for name, value in self.changed.items() if not math.isnan(value) and not is_error(name)]
        return max(known, default=0.0)

    @property
    def sentence(self) -> str:
        if self.verdict == "unknown":
            return "The figure records no numbers to compare with."
        rest = f" {listed(self.absent)}, known only here or there, left out." if self.absent else ""
        if self.verdict == "same":
            return f"The same to the bit: {self.arrays} {'array' if self.arrays == 1 else 'arrays'}.{rest}"
        around = f" ({', '.join(self.surroundings)})" if self.surroundings else ""
        if self.verdict == "equal":
            size = f"to {self.difference:.1e}" if self.difference else "in every value that the figure writes out"
            return f"Equal {size}, not to the bit{around}.{rest}"
        if self.problem:
            return f"Different: {'; '.join(self.problem)}."
        names = sorted(self.changed, key=lambda name: -math.inf if math.isnan(self.changed[name]) else -self.changed[name])
        worst = ", ".join(f"{name}{amount(self.changed[name])}" for name in names[:3])
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"Different in {len(names)} of {self.arrays} arrays: {worst}{more}{around}.{rest}"


def listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def amount(value: float) -> str:
    if math.isnan(value):
        return ""
    return f" by {value:.1e}" if math.isfinite(value) else " (another shape, or values that are not finite)"


def compare(recorded: Recorded, result: Result) -> Comparison:
    """An answer beside the digests that a figure records of the one that it shows."""
    if not recorded.numbers:
        return Comparison(verdict="unknown")
    here, arrays = digests(result), dict(arrays_of(result))
    changed: dict[str, float] = {}
    absent = [name for name in {**recorded.numbers, **here} if empty(recorded.numbers.get(name)) != empty(here.get(name))]
    for name, known in recorded.numbers.items():
        if name in absent:
            continue
        if name not in here:
            changed[name] = math.inf
        elif here[name].xxh3 != known.xxh3:
            changed[name] = largest_difference(known, arrays[name])
    changed |= {name: math.inf for name in here if name not in recorded.numbers and name not in absent}
    close = all(math.isnan(value) or value <= CLOSE or (is_error(name) and math.isfinite(value)) for name, value in changed.items())
    verdict: Verdict = "different" if not close else "equal" if changed else "same"
    around = surroundings(recorded.provenance.environment, result.provenance.environment) if changed else ()
    count = len({*here, *recorded.numbers}) - len(absent)
    return Comparison(verdict=verdict, arrays=count, changed=changed, surroundings=around, absent=tuple(absent))


def is_error(name: str) -> bool:
    """Whether an array says how far off others may be; rounding moves it by more than the numbers themselves."""
    return name.endswith(("residual", "residuals", "error", "errors"))


def empty(told: ArrayDigest | None) -> bool:
    """Whether an array is not there or holds no value."""
    return told is None or 0 in told.shape or (bool(told.sample) and all(math.isnan(value) for value in told.sample))


def surroundings(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """ "torch 2.13.0 → 2.14.0" for whatever of the machine and its versions is otherwise."""
    found = [(words, before.get(name), plain(now.get(name))) for name, words in DEVICE.items()]
    return tuple(f"{words} {old} → {new}" for words, old, new in found if old not in (None, "") and old != new)


def other_problem(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What is otherwise about the problem itself, in words: weights, network, code, data, loss."""
    places = {
        "other weights": ("checkpoint", "digest"), "other data": ("data", "digest"), "another loss": ("loss",),
        "another network": ("model",), "other code": ("code",),
    }  # fmt: skip
    return tuple(
        f"{words} ({short(old)} → {short(new)})"
        for words, place in places.items()
        if (old := at(before, place)) != (new := plain(at(now, place)))
    )


def at(told: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    value: Any = told
    for name in place:
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return value


def short(value: Any) -> str:
    text = str(value) or "none"
    return text[:12] if re.fullmatch(r"[0-9a-f]{32,}", text) else text[:80]
