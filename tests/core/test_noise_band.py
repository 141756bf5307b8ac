"""The noise floor: constant errors give a parallel to the diagonal, and what is measured badly above hides nothing below."""

from __future__ import annotations

import numpy as np
import pytest

from landscape_gui.core.noise_band import noise_band
from landscape_gui.core.topology import merge_tree
from landscape_gui.errors import QuestionError


def test_equal_errors_are_a_parallel_to_the_diagonal() -> None:
    values = np.linspace(0, 10, 1001)
    births = np.array([0.0, 1.234, 7.0])
    assert noise_band(values, np.full(1001, 0.2)).tops(births) == pytest.approx(births + 0.4)


def test_errors_above_do_not_hide_what_is_below() -> None:
    values = np.arange(11.0)
    errors = np.where(values >= 8, 50.0, 0.4)
    tops = noise_band(values, errors).tops(np.array([0.0, 3.0, 7.5]))
    assert tops[:2] == pytest.approx([0.8, 3.8])
    assert tops[2] == pytest.approx(107.5)


def test_no_error_is_the_diagonal_and_unknown_counts_as_none() -> None:
    values = np.array([3.0, 1.0, np.nan, 2.0])
    band = noise_band(values, np.array([np.nan, 0.0, 5.0, np.nan]))
    assert band.levels.tolist() == [1.0, 2.0, 3.0] and band.floors.tolist() == [0.0, 0.0, 0.0]
    assert band.tops(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_the_floor_rises_with_the_birth() -> None:
    generator = np.random.default_rng(0)
    band = noise_band(generator.normal(size=500), generator.uniform(0, 0.5, 500))
    assert (np.diff(band.tops(np.linspace(-4, 4, 300))) >= 0).all()


def test_what_is_above_the_floor_is_there_without_the_noise() -> None:
    """A function with two wells, and noise that is never larger than what is told: no other minimum is above the floor."""
    generator = np.random.default_rng(1)
    x = np.linspace(-2, 2, 41)
    true = np.add.outer(x**2, (x**2 - 1) ** 2)
    told = 0.02 + 0.1 * true
    for _ in range(20):
        seen = true + told * generator.uniform(-1, 1, true.shape)
        tree = merge_tree(seen)
        assert (tree.deaths > noise_band(seen, told).tops(tree.births)).sum() == 2


def test_nothing_finite_is_said() -> None:
    with pytest.raises(QuestionError, match="None of these values is finite"):
        noise_band(np.array([np.nan]), np.array([1.0]))


def test_it_is_the_first_level_that_is_high_enough() -> None:
    """Beside a scan from below, with errors that rise in steps, so that a level farther up may be too noisy again."""
    generator = np.random.default_rng(2)
    values = np.sort(generator.uniform(0, 10, 200))
    errors = np.where(generator.uniform(size=200) < 0.03, generator.uniform(0, 2, 200), 0.05)
    band = noise_band(values, errors)
    above = np.append(values[1:], np.inf)
    for birth in generator.uniform(0, 10, 50):
        step = next(k for k in range(200) if above[k] - band.floors[k] > birth)
        assert band.tops(np.array([birth]))[0] == max(values[step], birth + band.floors[step])
