"""Densities of known measures at any width, counts and masses with bounds, and the numbers read off a spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from landscape_gui.density import density, mass_below, measure, resolve_weights, wasserstein
from landscape_gui.spectral_numbers import (
    condition_number,
    condition_ratio,
    effective_dimension,
    largest_gap,
    negative_eigenvalues,
    negative_mass,
    spectral_gap,
    spectral_sum,
)

RNG = np.random.default_rng(0)
NODES = np.sort(RNG.normal(size=(4, 30)), axis=1)
WEIGHTS = RNG.dirichlet(np.ones(30), size=4)
LINES = np.array([40.0, 25.0, -7.0])
N = 1_000


def integral(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))


@pytest.mark.parametrize("width", [None, 5.0, 0.3, 1e-2, 1e-5])
def test_the_density_integrates_to_one_at_any_width_lines_and_padding_included(width: float | None) -> None:
    seen = density(NODES, WEIGHTS, LINES, n=N, width=width)
    assert integral(seen.x, seen.y) == pytest.approx(1, abs=1e-5)
    assert seen.count[0] == 0 and seen.count[-1] == pytest.approx(N, rel=1e-5)
    assert (np.diff(seen.x) > 0).all() and (np.diff(seen.count) >= 0).all()
    assert seen.x[0] < -7 - 5 * seen.width and seen.x[-1] > 40 + 5 * seen.width
    assert (seen.low <= seen.y + 1e-15).all() and (seen.y <= seen.high + 1e-15).all()


def test_lines_stand_exactly_with_one_nth_each_and_no_band() -> None:
    seen = density(NODES, WEIGHTS, LINES, n=N, width=0.1)
    top = int(np.argmin(np.abs(seen.x - 40)))
    expected = np.exp(-0.5 * ((seen.x[top] - 40) / 0.1) ** 2) / (N * 0.1 * np.sqrt(2 * np.pi))
    assert seen.y[top] == pytest.approx(expected, rel=1e-12)
    assert seen.high[top] - seen.low[top] < 1e-12 * seen.y[top]
    between = (seen.x > 24) & (seen.x < 26)
    assert integral(seen.x[between], seen.y[between]) == pytest.approx(1 / N, rel=1e-6)


def test_the_band_is_students_interval_over_probes() -> None:
    seen = density(np.array([[0.0], [1.0]]), np.ones((2, 1)), n=10, width=1.0, grid=np.array([0.0, 0.5]))
    each = np.exp(-0.5 * np.array([0.0, 1.0])) / np.sqrt(2 * np.pi)
    reach = 12.7062047 * each.std(ddof=1) / np.sqrt(2)
    assert seen.y[0] == pytest.approx(each.mean()) and seen.high[0] == pytest.approx(each.mean() + reach, rel=1e-7)
    assert seen.high[1] == pytest.approx(seen.y[1], rel=1e-9)
    assert np.isnan(density(np.zeros((1, 1)), np.ones((1, 1)), n=10).high).all()


def test_spectra_of_one_place_and_of_lines_alone() -> None:
    zero = density(np.zeros((2, 1)), np.ones((2, 1)), n=5)
    assert zero.width > 0 and integral(zero.x, zero.y) == pytest.approx(1, abs=1e-6)
    alone = density(np.zeros((0, 1)), np.zeros((0, 1)), [1.0, 2.0], n=2)
    assert integral(alone.x, alone.y) == pytest.approx(1, abs=1e-6) and (alone.high == alone.y).all()


def test_a_probe_that_ended_early_may_be_padded_by_nan_or_weight_zero() -> None:
    nodes, weights = np.array([[0.0, 1.0], [0.5, np.nan]]), np.array([[0.4, 0.6], [1.0, np.nan]])
    padded = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[0.4, 0.6], [1.0, 0.0]])
    a, b = density(nodes, weights, n=9), density(*padded, n=9)
    assert np.array_equal(a.y, b.y) and np.isfinite(a.y).all()
    assert mass_below(nodes, weights, n=9, at=0.7) == mass_below(*padded, n=9, at=0.7)


def test_mass_below_counts_lines_and_its_bounds_hold_for_a_gauss_rule() -> None:
    """Bounds of Chebyshev, Markov and Stieltjes, for the uniform measure on [-1, 1], whose Gauss rule is Legendre's."""
    nodes, weights = np.polynomial.legendre.leggauss(9)
    for at in np.linspace(-0.9, 0.9, 19):
        found = mass_below(nodes[None], weights[None] / 2, n=N, at=float(at))
        assert found.low <= (at + 1) / 2 <= found.high
        assert abs(found.value - (at + 1) / 2) <= 0.17
    whole = mass_below(NODES, WEIGHTS, LINES, n=N, at=30.0)
    assert whole.value == pytest.approx((N - 1) / N)
    assert mass_below(NODES, WEIGHTS, LINES, n=N, at=-6.0).value == pytest.approx(1 / N)
    assert negative_mass(NODES, WEIGHTS, LINES, n=N, epsilon=0.1) == mass_below(NODES, WEIGHTS, LINES, n=N, at=-0.1)
    assert mass_below(NODES, WEIGHTS, LINES, n=N, at=0.0).standard_error > 0


def test_resolved_nodes_weigh_one_eigenvalue() -> None:
    nodes, weights = np.array([[0.1, 0.2, 9.0]]), np.array([[0.5, 0.3, 0.2]])
    residuals = np.array([[1.0, 1.0, 1e-6]])
    found = resolve_weights(nodes, weights, residuals, n=100)
    assert found == pytest.approx(np.array([[0.5 * 0.99 / 0.8, 0.3 * 0.99 / 0.8, 0.01]]))
    assert resolve_weights(nodes, weights, np.zeros((1, 3)), n=2) == pytest.approx(weights)  # nothing left to scale


def test_wasserstein_of_shifted_measures_is_the_shift() -> None:
    places, masses = measure(NODES, WEIGHTS, LINES, n=N)
    assert masses.sum() == pytest.approx(1)
    assert wasserstein(places, masses, places + 0.25, masses) == pytest.approx(0.25)
    assert wasserstein(np.array([0.0]), np.ones(1), np.array([-1.0, 2.0]), np.array([0.5, 0.5])) == pytest.approx(1.5)


def test_numbers_of_resolved_eigenvalues_with_bounds() -> None:
    values, residuals = np.array([10.0, 9.0, 3.0, 1.0, 0.001, -2.0]), np.full(6, 0.01)
    assert (spectral_gap(values, residuals).value, spectral_gap(values, residuals).error) == (1.0, 0.02)
    gap = largest_gap(values, residuals)
    assert gap.position == 2 and not gap.certain  # 3 to 1 is as large; 0.001 is not resolved and does not count
    assert gap.ratio.value == 3
    assert largest_gap(np.array([10.0, 9.9, 3.0, 2.0]), np.full(4, 0.01)).certain
    assert not largest_gap(np.array([10.0, 5.0, 2.5]), np.full(3, 0.01)).certain
    condition = condition_number(values, residuals)
    assert condition.value == 10 and condition.error == pytest.approx(10.01 / 0.99 - 10)
    assert condition_ratio(values, residuals).value == 5
    assert np.isnan(condition_ratio(np.array([1.0, 0.001]), np.array([0.01, 0.01])).value)
    assert negative_eigenvalues(values, residuals) == (1, 2)
    assert np.isnan(spectral_gap(values[:1], residuals[:1]).value)


def test_sums_over_the_spectrum_with_their_errors() -> None:
    total = spectral_sum(lambda x: x, NODES, WEIGHTS, LINES, n=N)
    each = LINES.sum() + (N - 3) * (NODES * WEIGHTS).sum(axis=1)
    assert total.value == pytest.approx(each.mean()) and total.error == pytest.approx(each.std(ddof=1) / 2)
    dimension = effective_dimension(np.zeros((2, 1)), np.ones((2, 1)), np.array([3.0, 1.0, -4.0]), n=50, damping=1.0)
    assert dimension.value == pytest.approx(0.75 + 0.5) and dimension.error == 0
    exact = spectral_sum(lambda x: x, np.zeros((0, 1)), np.zeros((0, 1)), np.array([1.0, 2.0]), n=2)
    assert (exact.value, exact.error, exact.kind) == (3, 0, "exact")
