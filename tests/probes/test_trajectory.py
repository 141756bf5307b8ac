"""A run in a plane: coordinates, distances, true and plane values, and how much of the run the plane holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem

from landscape_gui.errors import QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes import Surface, Trajectory
from landscape_gui.probes.plane import resolve
from landscape_gui.results import TrajectoryResult


def trajectory(problem: TinyProblem, **fields: Any) -> TrajectoryResult:
    result = answer(Trajectory(steps=(5, 4), **fields), problem)  # type: ignore[arg-type]
    assert isinstance(result, TrajectoryResult)
    return result


@pytest.mark.parametrize("directions", ["principal", "filter", "raw"])
def test_coordinates_are_those_of_the_nearest_point_of_the_plane(directions: str) -> None:
    """By numpy's least squares in float64, for axes at any angle; the distance off is what is left."""
    problem = TinyProblem()
    result = trajectory(problem, directions=directions)
    plane = resolve(
        Surface(directions=directions, run_checkpoints=tuple(problem.reference(f"epoch_{k}") for k in range(6))), problem
    )  # type: ignore[arg-type]
    axes = np.stack([a.double().numpy() for a in plane.axes], axis=1)
    for k, state in enumerate(problem.states):
        rest = (state - plane.origin).double().numpy()
        expected = np.linalg.lstsq(axes, rest, rcond=None)[0]
        assert np.allclose([result.x[k], result.y[k]], expected, rtol=1e-5, atol=1e-6)
        assert result.off_plane[k] == pytest.approx(np.linalg.norm(rest - axes @ expected), rel=1e-5, abs=1e-5)
        assert result.distance[k] == pytest.approx(np.linalg.norm(rest), rel=1e-6, abs=1e-9)
    assert (result.x[-1], result.y[-1]) == pytest.approx((0, 0), abs=1e-9) and result.off_plane[-1] < 1e-9


def test_the_end_lies_in_the_plane_and_its_two_losses_agree() -> None:
    result = trajectory(TinyProblem())
    for name, q in result.quantities.items():
        assert q.values.shape == (6,)
        assert result.plane_quantities[name].values[-1] == pytest.approx(q.values[-1], rel=1e-5)
    assert result.names[0] == "epoch 0" and np.array_equal(result.order, np.arange(6.0))
    assert result.quantities["train_loss"].values[0] > result.quantities["train_loss"].values[-1]


def test_the_surface_holds_the_whole_run() -> None:
    for directions in ("principal", "filter"):
        result = trajectory(TinyProblem(), directions=directions)
        s = result.surface
        assert s.x[0] < result.x.min() and result.x.max() < s.x[-1]
        assert s.y[0] < result.y.min() and result.y.max() < s.y[-1]


def test_a_straight_run_has_all_its_variance_in_one_component() -> None:
    """Identity 17."""
    problem = TinyProblem()
    start, end = problem.states[0], problem.states[-1]
    problem.states = [start + t * (end - start) for t in torch.linspace(0, 1, 6)]
    axes = trajectory(problem).surface.axes
    assert axes.explained[0] == pytest.approx(1.0, abs=1e-9)


def test_a_random_walk_explains_what_it_should() -> None:
    """Identity 17: 6/(pi k)^2, for 120 steps in 180 dimensions within a few hundredths."""
    problem = TinyProblem()
    generator = torch.Generator().manual_seed(3)
    walk = torch.cumsum(torch.randn(120, problem.layout.size, generator=generator), dim=0)
    problem.states = [problem.states[0] + 0.01 * (w - walk[-1]) for w in walk]
    problem.run.checkpoints = tuple(
        type(problem.run.checkpoints[0])(path=f"epoch_{k}", epoch=None, step=k, label="") for k in range(120)
    )
    result = trajectory(problem, split="test", limit=10)
    axes = result.surface.axes
    assert np.allclose(axes.random_walk[:3], [0.608, 0.152, 0.068], atol=5e-4)
    assert np.allclose(axes.explained[:3], axes.random_walk[:3], atol=0.06)


def test_the_key_counts_the_checkpoints_of_the_run() -> None:
    problem = TinyProblem()
    before = Trajectory().completed(problem)  # type: ignore[arg-type]
    problem.run.checkpoints = problem.run.checkpoints[1:]
    assert Trajectory().completed(problem) != before  # type: ignore[arg-type]


def test_a_batchnorm_run_shows_its_own_losses() -> None:
    """The true loss is each checkpoint's with its own statistics, whatever the plane's mode."""
    problem = TinyProblem("batchnorm")
    frozen, again = trajectory(problem, batchnorm="frozen"), trajectory(problem, batchnorm="recalculated")
    assert np.array_equal(frozen.quantities["train_loss"].values, again.quantities["train_loss"].values)
    assert frozen.surface.batchnorm == "frozen" and again.surface.batchnorm == "recalculated"


def test_a_checkpoint_that_is_not_finite_is_named() -> None:
    problem = TinyProblem()
    problem.states[2] = torch.full_like(problem.states[2], float("nan"))
    with pytest.raises(QuestionError, match="epoch 2 holds weights that are not finite"):
        trajectory(problem)
