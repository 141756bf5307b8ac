"""Rank correlations against scipy, their tests against every order counted by hand, their intervals against simulated truth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from landscape_gui.rank_correlation import (
    FEWEST,
    Interval,
    kendall,
    kendall_interval,
    of_noise,
    permutation_tests,
    ranks,
    spearman,
    spearman_interval,
)

RNG = np.random.default_rng(0)
TIED = (np.array([1.0, 2.0, 2.0, 3.0, 5.0, 5.0]), np.array([2.0, 1.0, 4.0, 4.0, 6.0, 7.0]))


def pair(n: int, tau: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    r = math.sin(math.pi / 2 * tau)
    x, e = rng.standard_normal((2, n))
    return x, r * x + math.sqrt(1 - r * r) * e


@pytest.mark.parametrize("sample", [pair(9, 0.5, RNG), pair(30, -0.3, RNG), TIED])
def test_both_are_those_of_scipy(sample: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = sample
    assert kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert ranks(x) == pytest.approx(stats.rankdata(x))


def test_a_constant_has_no_correlation() -> None:
    x, y = np.ones(5), np.arange(5.0)
    assert math.isnan(kendall(x, y)) and math.isnan(spearman(x, y))
    assert not kendall_interval(x, y).known and not spearman_interval(x, y).known
    assert math.isnan(permutation_tests(x[None], y)[0][0])


@pytest.mark.parametrize("n", [2, 3])
def test_of_three_models_no_interval_is_given(n: int) -> None:
    few, four = np.arange(float(n)), np.arange(4.0)
    assert not kendall_interval(few, few).known and not spearman_interval(few, few).known
    assert kendall_interval(four, four).known and spearman_interval(four, four).known and FEWEST == 4


@pytest.mark.parametrize("n", [4, 5, 6])
def test_the_p_value_is_the_share_of_orders_that_are_as_extreme(n: int) -> None:
    x, y = pair(n, 0.6, np.random.default_rng(n))
    own = abs(stats.kendalltau(x, y).statistic)
    every = [abs(stats.kendalltau(x, order).statistic) for order in itertools.permutations(y)]
    alone, together = permutation_tests(x[None], y)
    assert alone[0] == together[0] == pytest.approx(np.mean(np.array(every) >= own - 1e-9))


def test_of_eight_models_drawn_orders_come_close_to_the_exact_p_value() -> None:
    x, y = pair(8, 0.5, np.random.default_rng(3))
    exact = stats.kendalltau(x, y, method="exact").pvalue
    # 9,999 draws: five standard errors of a share
    assert permutation_tests(x[None], y)[0][0] == pytest.approx(exact, abs=5 * math.sqrt(exact * (1 - exact) / 9_999))


def test_many_measures_are_allowed_for() -> None:
    """Of many measures without relation the best one's own p is small; allowed for, it is not, and no p is smaller than alone."""
    rng = np.random.default_rng(5)
    measures, gap = rng.standard_normal((40, 7)), rng.standard_normal(7)
    alone, together = permutation_tests(measures, gap)
    assert alone.min() < 0.05 < together.min()
    assert (together >= alone).all()


def test_measures_with_ties_and_gaps_count_by_their_tau() -> None:
    """The p that allows for all, against the largest of scipy's |tau-b| times the root of their pairs, over every order."""
    gap = np.array([0.1, 0.4, 0.2, 0.8, 0.5])
    tied, missing = np.array([1.0, 2, 1, 2, 2]), np.array([np.nan, 2.0, 1.0, 3.0, 5.0])
    measures = np.stack([tied, missing, np.array([3.0, 1, 2, 5, 4])])

    def sizes(order: tuple[float, ...]) -> list[float]:
        found = []
        for row in measures:
            have = np.isfinite(row)
            found.append(abs(stats.kendalltau(row[have], np.array(order)[have]).statistic) * math.sqrt(math.comb(have.sum(), 2)))
        return found

    own, every = sizes(tuple(gap)), np.array([sizes(order) for order in itertools.permutations(gap)])
    alone, together = permutation_tests(measures, gap)
    assert alone == pytest.approx((every >= np.array(own) - 1e-9).mean(0))
    assert together == pytest.approx((every.max(1)[:, None] >= np.array(own) - 1e-9).mean(0))


def test_two_copies_of_a_measure_count_once() -> None:
    x, y = pair(6, 0.5, np.random.default_rng(1))
    alone, together = permutation_tests(np.stack([x, np.exp(x)]), y)
    assert together == pytest.approx(alone)


def test_a_model_without_the_measure_does_not_count() -> None:
    x, y = pair(6, 0.5, np.random.default_rng(2))
    gone = x.copy()
    gone[2] = np.nan
    five = np.delete(x, 2), np.delete(y, 2)
    # every order of six deals its five others' values evenly: the same share as of the five orders' own, over which gap stands out
    alone, _ = permutation_tests(gone[None], y)
    own = abs(stats.kendalltau(*five).statistic)
    every = [abs(stats.kendalltau(five[0], [order[k] for k in (0, 1, 3, 4, 5)]).statistic) for order in itertools.permutations(y)]
    assert alone[0] == pytest.approx(np.mean(np.array(every) >= own - 1e-9))


@pytest.mark.parametrize(("n", "excludes"), [(4, False), (5, True)])
def test_an_interval_excludes_zero_where_the_permutation_test_does(n: int, excludes: bool) -> None:
    """Perfect agreement: one of n! orders, 1/24 above 2.5 % and 1/120 below it."""
    for interval in (kendall_interval(np.arange(float(n)), np.arange(float(n))), spearman_interval(*2 * (np.arange(float(n)),))):
        assert (interval.low > 0) is excludes and interval.high == 1.0


def test_an_interval_turns_over_with_its_measure() -> None:
    x, y = pair(7, 0.4, np.random.default_rng(6))
    for of in (kendall_interval, spearman_interval):
        up, down = of(x, y), of(-x, y)
        assert (down.low, down.high) == pytest.approx((-up.high, -up.low), abs=1e-12)  # the same draws, mirrored


def taus(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Kendall's tau of each row, by its definition."""
    return np.mean([np.sign((x[:, a] - x[:, b]) * (y[:, a] - y[:, b])) for a, b in itertools.combinations(range(x.shape[1]), 2)], 0)


def rhos(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's rho of each row, as the correlation of ranks."""
    a, b = (stats.zscore(stats.rankdata(v, axis=1), axis=1) for v in (x, y))
    return (a * b).mean(1)


@pytest.mark.parametrize("n", [4, 5, 9])
@pytest.mark.parametrize(("of", "statistic", "turn"), [(kendall_interval, taus, 1), (spearman_interval, rhos, 2)])
def test_at_either_end_a_sample_as_extreme_has_a_chance_of_two_and_a_half_per_cent(
    n: int, of: Callable[..., Interval], statistic: Callable[..., np.ndarray], turn: int
) -> None:
    """40,000 samples of the Gaussian copula whose tau (rho) is that end: five standard errors of a share, and the draws' own."""
    x, e = np.random.default_rng(8).standard_normal((2, 40_000, n))
    gap = np.arange(float(n))
    for order in (gap[[1, 0, *range(2, n)]], gap[::-1] * 1.0, np.roll(gap, 1)):
        own, interval = float(statistic(gap[None], order[None])[0]), of(gap, order)
        for end, way in ((interval.low, 1), (interval.high, -1)):
            if abs(end) == 1:
                assert own == pytest.approx(end), "an end is at 1 where the models agree wholly, and nowhere else"
                continue
            r = turn * math.sin(math.pi * end / 2 if turn == 1 else math.pi * end / 6)
            found = statistic(x, r * x + math.sqrt(1 - r * r) * e)
            assert (way * found >= way * own - 1e-9).mean() == pytest.approx(0.025, abs=0.005)


def test_the_distances_of_concordant_pairs_sum_to_rho() -> None:
    """What the interval of rho counts: the identity behind it, against scipy, for every order of five."""
    for order in itertools.permutations(range(5)):
        pairs = [(a, b) for a, b in itertools.combinations(range(5), 2) if order[a] < order[b]]
        counted = sum(b - a for a, b in pairs)
        rho = stats.spearmanr(range(5), order).statistic
        assert counted == pytest.approx((1 + rho) / 2 * 5 * 24 / 6)


def test_ties_widen_an_interval() -> None:
    x, y = np.arange(6.0), np.array([0.0, 1, 2, 3, 4, 5])
    tied = np.array([0.0, 1, 2, 2, 4, 5])
    assert kendall_interval(x, tied).low < kendall_interval(x, y).low and kendall_interval(x, tied).high == 1.0


@pytest.mark.parametrize("tau", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("n", [5, 8])
def test_intervals_hold_the_truth_as_often_as_they_say(n: int, tau: float) -> None:
    """400 samples: 95 % less three standard errors of a share; more is no fault, for few models make few values."""
    rng = np.random.default_rng(int(100 * tau) + n)
    rho = 6 / math.pi * math.asin(math.sin(math.pi / 2 * tau) / 2)
    held = np.zeros(2)
    for _ in range(400):
        x, y = pair(n, tau, rng)
        for k, (interval, truth) in enumerate(((kendall_interval(x, y), tau), (spearman_interval(x, y), rho))):
            held[k] += interval.low - 1e-9 <= truth <= interval.high + 1e-9
    assert (held / 400 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 400)).all()


def test_measurement_alone_moves_tau_where_errors_are_as_large_as_differences() -> None:
    x = np.arange(5.0)
    assert not of_noise(x, np.zeros(5), x, np.full(5, np.nan)).known, "nothing is uncertain"
    sure, unsure = of_noise(x, np.zeros(5), x, np.full(5, 0.01)), of_noise(x, np.zeros(5), x, np.full(5, 2.0))
    assert (sure.low, sure.high) == (1.0, 1.0)
    assert unsure.low < 0.3 < unsure.high
    some = of_noise(x, np.zeros(5), x, np.array([2.0, np.nan, 2.0, np.inf, 2.0]))
    assert some.known and some.low < 1.0, "what has no error is exact"
    many, drawn = np.arange(40.0), {"draws": 50}
    again = [of_noise(many, np.zeros(40), many, np.full(40, 9.0), **drawn, seed=seed) for seed in (0, 0, 1)]  # type: ignore[arg-type]
    assert again[0] == again[1] != again[2], "seeded"
