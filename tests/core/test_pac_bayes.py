"""The bound against closed forms, and against test errors that it must exceed as often as it says."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from landscape_gui.core import pac_bayes as pb


def finish(steps: Generator[float, None, Any]) -> Any:
    while True:
        try:
            assert 0 <= next(steps) <= 1
        except StopIteration as stop:
            return stop.value


@pytest.mark.parametrize(("q", "budget"), [(0.0, 0.05), (0.02, 0.2), (0.3, 1e-4), (0.5, 3.0), (0.999, 0.01)])
def test_the_inverse_is_the_largest_rate_within_the_divergence(q: float, budget: float) -> None:
    p = pb.inverse_divergence(q, budget)
    assert p >= q
    assert pb.bernoulli_divergence(q, p) == pytest.approx(budget, rel=1e-9)
    assert pb.inverse_divergence(q, math.inf) == 1.0


def test_with_no_training_errors_the_inverse_has_a_closed_form() -> None:
    assert pb.inverse_divergence(0.0, 0.05) == pytest.approx(1 - math.exp(-0.05), rel=1e-12)


def test_the_divergence_of_gaussians_is_that_of_a_sum_over_dimensions() -> None:
    from torch.distributions import Normal, kl_divergence

    one = float(kl_divergence(Normal(0.3, 0.02), Normal(0.0, 0.05)))
    assert pb.divergence(0.02, 0.05, 0.3 * math.sqrt(7), 7) == pytest.approx(7 * one, rel=1e-5)  # torch's are float32
    assert pb.divergence(0.1, 0.1, 3.0, 1000) == pytest.approx(3.0**2 / (2 * 0.1**2))


def test_the_prior_is_the_best_of_its_grid() -> None:
    index = pb.prior_index(0.01, 2.0, 5_000)
    own = pb.divergence(0.01, pb.prior_deviation(index), 2.0, 5_000)
    others = [pb.divergence(0.01, pb.prior_deviation(j), 2.0, 5_000) for j in range(1, 2_000)]
    assert own == min(others)
    free = 2_500 * math.log1p(2.0**2 / (5_000 * 0.01**2))  # the best prior off the grid
    assert free <= own <= 1.001 * free


@pytest.mark.parametrize("threshold", [3e-4, 0.02, 0.5])
def test_the_search_finds_the_largest_sigma_within_the_allowed_rise(threshold: float) -> None:
    def error(sigma: float, index: int) -> float:
        return 0.05 + 0.1 * sigma / threshold

    assert finish(pb.search_sigma(error, 0.05)) == pytest.approx(threshold, rel=1e-4)


def test_a_step_of_the_search_ends_early_only_where_it_is_decided() -> None:
    assert pb.decided([0.9, 0.9], 0.11, 15)  # 13 errors of zero would not bring the mean down to 0.11
    assert not pb.decided([0.05, 0.05, 0.05], 0.1, 15)  # too few to tell
    assert pb.decided([0.05, 0.05, 0.05, 0.06], 0.1, 15)
    assert not pb.decided([0.0, 0.1, 0.0, 0.1], 0.1, 15)  # the mean of 0.05 has a standard error of 0.03
    asked: list[int] = []

    def error(sigma: float, index: int) -> float:
        asked.append(index)
        return 0.3 * (7 * index % 15) / 14 * sigma / 0.02  # draws that scatter: their mean is 0.15 at sigma 0.02

    found = finish(pb.search_sigma(error, 0.05, rise=0.1))
    assert found == pytest.approx(0.02, rel=1e-4)  # as if every step took all 15
    assert len(asked) < 20 * 15 and max(asked) == 14


def test_the_search_says_when_no_noise_is_small_enough() -> None:
    assert finish(pb.search_sigma(lambda sigma, index: 0.9, 0.05)) == 0.0


def test_the_bound_is_the_published_formula() -> None:
    found = finish(pb.pac_bayes(lambda sigma, index: 0.04, 0.02, 1.0, 1_000, 50_000, draws=200))
    j = round(100 * math.log(0.1 / (0.02**2 + 1 / 1_000)))
    variance = 0.1 * math.exp(-j / 100)
    kl = (1_000 * (0.02**2 / variance - 1 - math.log(0.02**2 / variance)) + 1 / variance) / 2
    right = (kl + math.log(50_000 * math.pi**2 * j**2 / (6 * 0.025))) / 49_999
    assert found.kl == pytest.approx(kl)
    assert found.complexity == pytest.approx(right)
    assert pb.bernoulli_divergence(0.04, found.monte_carlo) == pytest.approx(math.log(2 / 0.01) / 200)
    assert pb.bernoulli_divergence(found.monte_carlo, found.value) == pytest.approx(right)
    assert found.confidence == pytest.approx(0.965)


def test_it_holds_for_a_noisy_threshold_whose_true_error_is_known() -> None:
    """Labels x > 0 with 10 % flipped, the classifier x > w with noise in w: the true error follows by integration; the bound must
    exceed it in at least 96.5 % of the training sets, and does in all: it is not tight to that level."""
    sigma, examples = 0.2, 2_000
    ts = np.linspace(-6, 6, 4001) * sigma
    weight = np.exp(-0.5 * (ts / sigma) ** 2)
    uniform_cdf = np.clip((ts + 1) / 2, 0, 1)
    true = float(np.sum(weight * (0.1 + 0.8 * np.abs(uniform_cdf - 0.5))) / weight.sum())
    held, values = 0, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, examples)
        y = (x > 0) ^ (rng.random(examples) < 0.1)
        noise = rng.standard_normal(256)
        found = finish(
            pb.pac_bayes(lambda s, i, x=x, y=y, z=noise: float(np.mean((x > s * z[i]) != y)), sigma, 0.0, 1, examples, draws=256)
        )
        held += found.value >= true
        values.append(found.value)
    assert held >= 58
    assert max(values) < 0.4  # and it says something: guessing is wrong half of the time, the truth is 0.16


def test_what_guessing_does_as_well_is_called_vacuous() -> None:
    assert pb.is_vacuous(0.95, 10)
    assert not pb.is_vacuous(0.85, 10)
    assert pb.is_vacuous(1.0, None)
    assert pb.is_vacuous(float("nan"), 10)
