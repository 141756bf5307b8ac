"""Single numbers read off a spectrum, each with its standard error or a bound. NumPy only; definitions as in the documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landscape_gui.density import Mass, mass_below

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """value; error: a standard error (1 sigma) or a bound on |value - truth|, as kind says. NaN where there is none to be had."""

    value: float
    error: float
    kind: Literal["standard error", "bound", "exact"]


@dataclass(frozen=True)
class Gap:
    """The largest ratio between neighbouring eigenvalues among the resolved positive ones.

    position: how many eigenvalues lie above it; ratio: of the eigenvalue above to the one below, with its bound; certain: whether
    the bounds leave no other gap possible.
    """

    position: int
    ratio: Estimate
    certain: bool


NOTHING = Estimate(float("nan"), float("nan"), "bound")


def spectral_gap(values: Array, residuals: Array) -> Estimate:
    """lambda_1 - lambda_2 of values that are algebraically largest first; the bound is the sum of both residuals."""
    if len(values) < 2:
        return NOTHING
    return Estimate(float(values[0] - values[1]), float(residuals[0] + residuals[1]), "bound")


def largest_gap(values: Array, residuals: Array) -> Gap:
    """Where the resolved leading eigenvalues fall off most: print it beside the number of classes, never as their number."""
    found = values > residuals
    count = int(np.argmin(found)) if not found.all() else len(values)
    if count < 2:
        return Gap(0, NOTHING, False)
    above, below = values[: count - 1], values[1:count]
    ratios = above / below
    high = (above + residuals[: count - 1]) / (below - residuals[1:count])
    low = (above - residuals[: count - 1]) / (below + residuals[1:count])
    best = int(np.argmax(ratios))
    others = np.delete(high, best)
    error = max(high[best] - ratios[best], ratios[best] - low[best])
    return Gap(best + 1, Estimate(float(ratios[best]), float(error), "bound"), bool((others < low[best]).all()))


def condition_number(values: Array, residuals: Array) -> Estimate:
    """lambda_max over the smallest positive eigenvalue that the run resolved (value above its own residual): a lower bound for the
    whole matrix, which is singular as a rule. The bound is on the ratio of these two."""
    resolved = values > residuals
    if not resolved.any():
        return NOTHING
    largest, smallest = int(np.argmax(values)), int(np.flatnonzero(resolved)[np.argmin(values[resolved])])
    return _ratio(values[largest], residuals[largest], values[smallest], residuals[smallest])


def condition_ratio(values: Array, residuals: Array) -> Estimate:
    """lambda_max/|lambda_min| of the extremal eigenvalues found, as the scripting facade names it; NaN where lambda_min is zero
    within its residual."""
    if not len(values):
        return NOTHING
    largest, smallest = int(np.argmax(values)), int(np.argmin(values))
    if abs(values[smallest]) <= residuals[smallest]:
        return NOTHING
    return _ratio(values[largest], residuals[largest], abs(values[smallest]), residuals[smallest])


def _ratio(above: float, above_error: float, below: float, below_error: float) -> Estimate:
    value = above / below
    high = (above + above_error) / (below - below_error) if below > below_error else float("inf")
    low = (above - above_error) / (below + below_error)
    return Estimate(float(value), float(max(high - value, value - low)), "bound")


def negative_eigenvalues(values: Array, residuals: Array) -> tuple[int, int]:
    """How many resolved eigenvalues are negative beyond their residual, and how many might be (value below plus residual)."""
    return int((values < -residuals).sum()), int((values < residuals).sum())


def negative_mass(nodes: Array, weights: Array, lines: Array, *, n: int, epsilon: float) -> Mass:
    """The share of eigenvalues below -epsilon, from the density; never the count of Ritz values."""
    return mass_below(nodes, weights, lines, n=n, at=-epsilon)


def effective_dimension(nodes: Array, weights: Array, lines: Array, *, n: int, damping: float) -> Estimate:
    """sum over positive eigenvalues of lambda/(lambda + damping) (MacKay 1992; Maddox, Benton and Wilson 2020); error over
    probes."""

    def share(x: Array) -> Array:
        positive = np.maximum(x, 0.0)
        return np.asarray(positive / (positive + damping))

    return spectral_sum(share, nodes, weights, lines, n=n)


def spectral_sum(function: Callable[[Array], Array], nodes: Array, weights: Array, lines: Array, *, n: int) -> Estimate:
    """sum_i f(lambda_i) with its standard error over probes: trace for the identity, squared Frobenius norm for the square."""
    known = float(function(np.asarray(lines, dtype=np.float64)).sum()) if len(lines) else 0.0
    left = n - len(lines)
    if not len(nodes) or not left:
        return Estimate(known, 0.0 if not left else float("nan"), "exact" if not left else "standard error")
    each = known + left * np.where(weights > 0, weights * function(nodes), 0.0).sum(axis=1)
    error = float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan")
    return Estimate(float(each.mean()), error, "standard error")
