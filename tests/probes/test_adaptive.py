"""Adaptive surfaces: few points, measured values untouched, an honest error, and the same to the bit when interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_problem import TinyProblem

from landscape_gui.figure import Look
from landscape_gui.jobs import Cancelled, answer
from landscape_gui.probes import Surface, refinement
from landscape_gui.probes.adaptive import HELD_OUT
from landscape_gui.store import Store


def refine(f: Callable[[Any, Any], Any], nx: int = 101, ny: int = 81, tolerance: float = 0.01) -> tuple[Any, Any, Any]:
    """Refine a known function: (true, surface, computed)."""
    x, y = np.linspace(-1, 1, nx), np.linspace(-1, 1, ny)
    true = f(x[None, :], y[:, None]) * np.ones((ny, nx))
    fields = {"train_loss": np.full((ny, nx), np.nan)}
    computed = np.zeros((ny, nx), bool)
    steps = refinement.refine(x, y, fields, ("train_loss",), tolerance)
    try:
        while True:
            wanted = next(steps)
            assert not computed.flat[wanted].any()  # nothing is asked for twice
            computed.flat[wanted] = True
            fields["train_loss"].flat[wanted] = true.flat[wanted]
    except StopIteration as stop:
        return true, stop.value["train_loss"], computed


@pytest.mark.parametrize(
    ("f", "most"),
    [
        (lambda x, y: np.exp(1 + x - 2 * y), 0.08),
        (lambda x, y: 0.01 + x**2 + 3 * (y - 0.2) ** 2, 0.6),
        (lambda x, y: np.exp(np.sin(3 * x) * np.cos(2 * y)), 0.08),
        (lambda x, y: 0.1 + np.abs(x - 0.123), 0.5),
    ],
)
def test_a_surface_is_within_tolerance_of_the_truth_from_part_of_the_points(f: Any, most: float) -> None:
    """The tolerance is that of a prediction that then is corrected: twice of it everywhere is a wide margin."""
    true, surface, computed = refine(f)
    assert np.abs(np.log(surface) - np.log(true)).max() < 0.02
    assert np.array_equal(surface[computed], true[computed])
    assert computed.mean() < most


def test_a_smaller_tolerance_gives_a_smaller_error_from_more_points() -> None:
    def bowl(x: Any, y: Any) -> Any:
        return 0.05 + x**2 + 3 * y**2

    errors, points = [], []
    for tolerance in (0.1, 0.01, 0.001):
        true, surface, computed = refine(bowl, tolerance=tolerance)
        errors.append(np.abs(np.log(surface) - np.log(true)).max())
        points.append(computed.sum())
    assert errors == sorted(errors, reverse=True) and points == sorted(points) and points[-1] > points[0]


def test_holes_stay_holes_and_do_not_spoil_their_surroundings() -> None:
    """Infinite beyond a line: every cell is finite or infinite where the truth is, and the finite ones are right."""
    true, surface, computed = refine(lambda x, y: np.where(x + 0.3 * y > 0.4, np.inf, np.exp(x)))
    assert np.array_equal(np.isfinite(surface), np.isfinite(true))
    ok = np.isfinite(true)
    assert np.abs(np.log(surface[ok]) - np.log(true[ok])).max() < 0.02
    assert computed.mean() < 0.6


@pytest.mark.parametrize("f", [lambda x, y: np.nan, lambda x, y: 0.0, lambda x, y: 3.0])
def test_a_surface_without_shape_costs_the_coarse_points_and_a_level_more(f: Any) -> None:
    true, surface, computed = refine(f)
    assert computed.sum() <= 29 * 25  # 100 and 80 intervals: first 14 x 10 or 12, then twice as many
    assert np.allclose(surface[computed], true[computed], equal_nan=True)


@pytest.mark.parametrize("n", [12, 51, 101, 201])
def test_the_spline_is_exact_for_cubics(n: int) -> None:
    from landscape_gui.probes import grid

    x = np.linspace(-2, 3, n)
    stations = grid.stations(n, 0)
    weights = refinement.spline(tuple(x), tuple(stations))
    cubic = 1 - x + 2 * x**2 - 0.5 * x**3
    assert np.allclose(weights @ cubic[stations], cubic, atol=1e-10)


def test_the_answer_says_how_many_points_and_estimates_its_error() -> None:
    problem = TinyProblem()
    probe = Surface(steps=(71, 53), adaptive=True, split="train")
    result = answer(probe, problem)  # type: ignore[arg-type]
    full = answer(Surface(steps=(71, 53), split="train"), problem)  # type: ignore[arg-type]
    assert result.adaptive and 100 < result.computed.sum() < 0.5 * result.computed.size
    loss, true = result.quantities["train_loss"], full.quantities["train_loss"].values
    error = np.abs(np.log(loss.values) - np.log(true)).max()
    assert error < 0.03 and 0 < result.interpolation_error < 0.03
    assert np.allclose(loss.values[result.computed], true[result.computed], rtol=1e-6)
    assert loss.standard_error is not None and np.isfinite(loss.standard_error).all()
    accuracy = result.quantities["train_accuracy"].values
    assert accuracy.min() >= 0 and accuracy.max() <= 1
    told = dict(probe.figure(result, Look()).facts)["Points"]
    assert f"{int(result.computed.sum()):,} of 3,763 computed" in told and "at 96 cells held out" in told


def kinked(seed: int, hinges: int) -> Callable[[Any, Any], Any]:
    """A bowl with hinges in random places, as ReLU networks make them."""
    rng = np.random.default_rng(seed)
    turns = [(np.cos(a), np.sin(a), rng.uniform(-0.8, 0.8), rng.uniform(0.1, 1) / hinges**0.5) for a in rng.uniform(0, 7, hinges)]
    return lambda x, y: 0.02 + x**2 + 2 * y**2 + sum(h * np.maximum(c * x + s * y - at, 0) for c, s, at, h in turns)


@pytest.mark.parametrize(("seed", "hinges"), [(0, 2), (1, 2), (2, 8), (3, 8), (4, 60), (5, 60)])
def test_the_cells_of_most_doubt_tell_the_largest_error_within_a_factor_of_two(seed: int, hinges: int) -> None:
    """The held-out cells, chosen without knowing the truth, against all of the truth."""
    true, surface, computed = refine(kinked(seed, hinges), 151, 151, tolerance=0.016)
    error = np.abs(np.log(surface) - np.log(true))
    doubt = refinement.doubts({"train_loss": surface}, computed, ("train_loss",))
    assert (doubt[computed] == 0).all()
    held = np.argsort(-doubt, axis=None)[:HELD_OUT]
    assert error.flat[held].max() >= error.max() / 2


def test_distances_are_counted_along_the_axes() -> None:
    known = np.zeros((4, 6), bool)
    known[1, 2] = known[3, 5] = True
    steps = [abs(np.arange(4)[:, None] - j) + abs(np.arange(6) - i) for j, i in ((1, 2), (3, 5))]
    assert np.array_equal(refinement.distances(known), np.minimum(*steps))


def test_interrupted_and_fresh_are_equal_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Identity 22, for a surface whose next points depend on the ones before."""
    monkeypatch.setattr("landscape_gui.jobs.SAVE_EVERY", 0.0)
    probe = Surface(steps=(61, 47), adaptive=True, tolerance=0.001)
    fresh = answer(probe, TinyProblem())  # type: ignore[arg-type]
    interrupted = 0
    for count in (4, 7, 11, 16, 22, 30):
        left = iter(range(count))
        try:
            answer(probe, TinyProblem(), store=Store(tmp_path), cancelled=lambda left=left: next(left, None) is None)  # type: ignore[arg-type]
        except Cancelled:
            interrupted += 1
    resumed = answer(probe, TinyProblem(), store=Store(tmp_path))  # type: ignore[arg-type]
    assert interrupted >= 3
    assert fresh.computed.tobytes() == resumed.computed.tobytes() and fresh.interpolation_error == resumed.interpolation_error
    for name, q in fresh.quantities.items():
        assert q.values.tobytes() == resumed.quantities[name].values.tobytes()
        assert q.standard_error.tobytes() == resumed.quantities[name].standard_error.tobytes()
