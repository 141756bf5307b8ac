"""Rank correlation between a measure and what it is held against, for few models: tau-b and rho with intervals and exact tests.

With a handful of models the usual formulas fail: a bootstrap of five points, or Fisher's z, gives an interval of no width at a tau
of 1. Here an interval is what Clopper and Pearson's is for a share: the strengths of a Gaussian copula (two normal variables, each
under any increasing transformation) under which neither a tau as large nor one as small would be rarer than (1 - level)/2. It
excludes 0 exactly where the permutation test at that level does. NumPy only.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landscape_gui.results import Array

FEWEST = 4
"""Of fewer models no interval is given: of three, the strongest agreement there is happens in one of three cases by chance."""
LEVEL = 0.95
SEED = 20_250
DRAWS = 50_000
"""Simulated samples behind an interval, and as many mirrored: the 2.5 % of its tails are then known to a fiftieth."""
BLOCK = 2_000_000
"""Pairs of models that are simulated at once."""
EXACT = 7
"""Up to so many models every order is counted (5,040); beyond, `ORDERS` of them are drawn."""
ORDERS = 9_999
ROUNDING = 1e-9
"""Two correlations closer than this are the same one."""
Counted = Literal["pairs", "ranks"]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Both ends; NaN where none can be given."""

    low: float = math.nan
    high: float = math.nan

    @property
    def known(self) -> bool:
        return math.isfinite(self.low)


def signs(values: Array) -> Array:
    """(..., n) -> (..., n, n): the sign of each difference."""
    found: Array = np.sign(values[..., :, None] - values[..., None, :])
    return found


def kendall(x: Array, y: Array) -> float:
    """Tau-b of two arrays (n,) (Kendall 1945): concordant minus discordant pairs over the geometric mean of the pairs that are not
    tied in each. NaN where one of them is constant."""
    a, b = signs(np.asarray(x, float)), signs(np.asarray(y, float))
    untied = math.sqrt(float((a != 0).sum()) * float((b != 0).sum()))
    return float((a * b).sum()) / untied if untied else math.nan


def ranks(values: Array) -> Array:
    """(n,) from 1; equal values share the mean of their ranks."""
    found: Array = (signs(np.asarray(values, float)).sum(-1) + len(values) + 1) / 2
    return found


def spearman(x: Array, y: Array) -> float:
    """The product-moment correlation of the ranks; NaN where one of the arrays is constant."""
    a, b = ranks(x), ranks(y)
    a, b = a - a.mean(), b - b.mean()
    length = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / length if length else math.nan


# ------------------------------------------------------------------------------------------------------------------ intervals


def kendall_interval(x: Array, y: Array, level: float = LEVEL) -> Interval:
    """Of the population's tau. A tied pair counts as discordant for the lower end and as concordant for the upper one."""
    n = len(x)
    products = (signs(np.asarray(x, float)) * signs(np.asarray(y, float)))[np.triu_indices(n, 1)]
    if n < FEWEST or not np.isfinite(kendall(x, y)):
        return Interval()
    concordant, tied = int((products > 0).sum()), int((products == 0).sum())
    low, high = strengths(n, "pairs", concordant, concordant + tied, level)
    return Interval(low=2 / math.pi * math.asin(low), high=2 / math.pi * math.asin(high))


def spearman_interval(x: Array, y: Array, level: float = LEVEL) -> Interval:
    """Of the population's Spearman correlation, in the same way; tied values share their ranks."""
    n, rho = len(x), spearman(x, y)
    if n < FEWEST or not math.isfinite(rho):
        return Interval()
    reached = round((1 + rho) / 2 * n * (n * n - 1) / 6, 6)  # whole where there are no ties
    low, high = strengths(n, "ranks", reached, reached, level)
    return Interval(low=6 / math.pi * math.asin(low / 2), high=6 / math.pi * math.asin(high / 2))


@cache
def strengths(n: int, counted: Counted, least: float, most: float, level: float = LEVEL) -> tuple[float, float]:
    """The copula's correlations between which a sum of `least` to `most` over the concordant pairs of n is no surprise.

    In a sample (x, r x + sqrt(1 - r^2) e) a pair is concordant from one r on, so that what is counted only grows with r: each end
    is a quantile, over simulated samples, of the r at which it comes to `least`, or past `most`. Tau counts every pair as one; the
    sum of the distances between the ranks in x is n (n^2 - 1)/6 (1 + rho)/2.
    """
    tail, worth = (1 - level) / 2, distances(n, counted)
    whole = float(worth.sum())
    reached: list[Array] = []
    passed: list[Array] = []
    for steps, order in samples(n):
        counts = np.cumsum(worth[order], axis=1)
        reached += [first(steps, counts >= least), -first(steps, counts > whole - least)]
        passed += [first(steps, counts > most), -first(steps, counts >= whole - most)]
    low = -1.0 if least <= 0 else correlation_of(float(np.quantile(np.concatenate(reached), tail)))
    high = 1.0 if most >= whole else correlation_of(float(np.quantile(np.concatenate(passed), 1 - tail)))
    return low, high


def first(steps: Array, there: NDArray[np.bool_]) -> Array:
    """(draws,) the first of each row's steps (draws, pairs) where it is `there`; inf where it never is."""
    found: Array = np.where(there.any(1), np.take_along_axis(steps, there.argmax(1)[:, None], 1)[:, 0], np.inf)
    return found


def distances(n: int, counted: Counted) -> NDArray[np.int64]:
    """(pairs,) what a concordant pair counts, of samples in the order of x."""
    i, j = np.triu_indices(n, 1)
    return np.ones_like(i) if counted == "pairs" else j - i


def samples(n: int) -> Iterator[tuple[Array, NDArray[np.intp]]]:
    """Simulated samples in blocks, each standing for its mirror image (x, -e), too, so that an interval turns over with its
    measure."""
    pairs = n * (n - 1) // 2
    draws, most = draws_for(n), max(1, BLOCK // pairs)
    if draws <= most:
        yield one_block(n, draws)
        return
    rng = np.random.default_rng(SEED)
    for start in range(0, draws, most):
        yield drawn(n, min(most, draws - start), rng)


@lru_cache(maxsize=1)
def one_block(n: int, draws: int) -> tuple[Array, NDArray[np.intp]]:
    return drawn(n, draws, np.random.default_rng(SEED))


def drawn(n: int, draws: int, rng: np.random.Generator) -> tuple[Array, NDArray[np.intp]]:
    """(draws, pairs) the r/sqrt(1 - r^2) from which the pairs of each sample are concordant, rising, and which pairs these are."""
    i, j = np.triu_indices(n, 1)
    x, e = np.sort(rng.standard_normal((draws, n)), axis=1), rng.standard_normal((draws, n))
    steps = -(e[:, j] - e[:, i]) / (x[:, j] - x[:, i])
    order = np.argsort(steps, axis=1)
    return np.take_along_axis(steps, order, 1), order


def draws_for(n: int) -> int:
    """Fewer where there are so many models that an interval is narrow anyway."""
    return int(np.clip(BLOCK // max(n * (n - 1) // 2, 1), 500, DRAWS))


def correlation_of(slope: float) -> float:
    return slope / math.hypot(1.0, slope) if math.isfinite(slope) else math.copysign(1.0, slope)


# ----------------------------------------------------------------------------------------------------------------------- tests


def orders(n: int) -> Array:
    """(orders, n) every order of n models, the given one first; of more than `EXACT` models so many drawn ones behind it."""
    if n <= EXACT:
        return np.array(list(itertools.permutations(range(n))), dtype=int)
    rng = np.random.default_rng(SEED)
    drawn = rng.permuted(np.tile(np.arange(n), (ORDERS, 1)), axis=1)
    return np.concatenate([np.arange(n)[None], drawn])


def permutation_tests(measures: Array, gap: Array) -> tuple[Array, Array]:
    """Two-sided p-values of Kendall's correlation of measures (k, n) with a gap (n,), which is shuffled: for each alone, and for
    the largest of all, which allows for how many were looked at (Westfall and Young 1993). (k,) both; NaN: a constant measure.

    Tau of few models is large by chance, so that where models lack a measure its tau stands times the root of the pairs left. A
    measure's missing values are NaN. The smallest p there can be is 2/n! (untied), so that few models cannot say much.
    """
    ways, own = orders(len(gap)), signs(np.asarray(gap, float))
    parts = [sum_signs(np.asarray(row, float)) for row in measures]
    left = np.stack([part.ravel() for part in parts]) if parts else np.zeros((0, own.size))
    found = []
    step = max(1, BLOCK // own.size)
    for start in range(0, len(ways), step):
        part = ways[start : start + step]
        shuffled = own[part[:, :, None], part[:, None, :]].reshape(len(part), -1)
        found.append(np.abs(left @ shuffled.T))
    size = np.concatenate(found, axis=1) if found else np.zeros((len(left), 0))
    known = np.array([np.isfinite(row).any() and bool(row.any()) for row in left]) if len(left) else np.zeros(0, bool)
    alone, together = np.full(len(left), np.nan), np.full(len(left), np.nan)
    if known.any():
        largest = size[known].max(0)
        for k in np.flatnonzero(known):
            alone[k] = (size[k] >= size[k, 0] - ROUNDING).mean()
            together[k] = (largest >= size[k, 0] - ROUNDING).mean()
    return alone, together


def sum_signs(row: Array) -> Array:
    """The signs of a measure's differences over the root of how many there are; 0 beside a missing value."""
    found = np.nan_to_num(signs(row))
    count = float((found != 0).sum())
    part: Array = found / math.sqrt(count) if count else found
    return part


def of_noise(
    x: Array, x_errors: Array, y: Array, y_errors: Array, *, draws: int = 2_000, level: float = LEVEL, seed: int = 0
) -> Interval:
    """Between which values tau lies when each value is drawn anew from a normal distribution with its standard error (NaN or 0:
    exact): how much of the order the measurement itself leaves open. Not an interval for the population's tau."""
    sizes = [np.nan_to_num(np.asarray(e, float), posinf=0.0) for e in (x_errors, y_errors)]
    if not any(size.any() for size in sizes) or not math.isfinite(kendall(x, y)):
        return Interval()
    rng = np.random.default_rng(seed)
    drawn = [np.asarray(v, float) + size * rng.standard_normal((draws, len(v))) for v, size in zip((x, y), sizes, strict=True)]
    a, b = signs(drawn[0]), signs(drawn[1])
    untied = np.sqrt((a != 0).sum((1, 2)) * (b != 0).sum((1, 2)).astype(float))
    taus = (a * b).sum((1, 2)) / np.where(untied > 0, untied, np.nan)
    low, high = np.nanquantile(taus, [(1 - level) / 2, (1 + level) / 2])
    return Interval(low=float(low), high=float(high))
