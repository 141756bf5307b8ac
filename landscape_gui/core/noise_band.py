"""From which depth on a minimum is more than the noise of the values it was read from. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_gui.errors import QuestionError

Array = NDArray[Any]


@dataclass(frozen=True)
class NoiseBand:
    """levels: (n,) the values in ascending order; floors: (n,) twice the largest error of any value up to there.

    If no value up to a level t is wrong by more than e, then every birth and death up to t is right within e, and a component that
    is 2e deep at t is there in truth (Cohen-Steiner, Edelsbrunner and Harer 2007, applied to the sublevel set {f <= t}). So what is
    measured badly far up, where a network diverges, does not hide what is measured well below.
    """

    levels: Array
    floors: Array

    def tops(self, births: Array) -> Array:
        """(k,) for minima born at these values, the lowest level at which each is deeper than the noise up to that level."""
        following = np.append(self.levels[1:], np.inf)
        reach = np.maximum.accumulate(following - self.floors)
        step = np.searchsorted(reach, births, side="right")
        found: Array = np.maximum(self.levels[step], births + self.floors[step])
        return found


def noise_band(values: Array, errors: Array) -> NoiseBand:
    """The band of values (any shape) that may each be wrong by errors (the same shape, NaN: not known). Cost: O(n log n)."""
    flat, wrong = np.ravel(np.asarray(values, np.float64)), np.ravel(np.asarray(errors, np.float64))
    known = np.isfinite(flat)
    if not known.any():
        raise QuestionError("None of these values is finite: there is no surface to follow.", remedy="Choose another quantity.")
    order = np.argsort(flat[known], kind="stable")
    return NoiseBand(flat[known][order], 2 * np.maximum.accumulate(np.nan_to_num(wrong[known][order], nan=0.0, posinf=np.inf)))
