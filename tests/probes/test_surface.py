"""Surfaces: the right value at the right place, on any grid, along any axes."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem, make_data
from torch import Tensor, nn

from landscape_gui.errors import QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes import Line, Surface
from landscape_gui.probes.base import Progress
from landscape_gui.probes.plane import resolve
from landscape_gui.results import SurfaceResult


def surface(probe: Surface, problem: TinyProblem | None = None) -> SurfaceResult:
    result = answer(probe, problem or TinyProblem())  # type: ignore[arg-type]
    assert isinstance(result, SurfaceResult)
    return result


def loop(problem: TinyProblem, state: Tensor, split: str = "train") -> tuple[float, float]:
    """Loss and accuracy by other means: load the weights into the network in float64, one forward pass, torch's own loss."""
    module = copy.deepcopy(problem.module).double()
    module.load_state_dict(problem.layout.unflatten(state.double()), strict=False)
    x, y = make_data(problem.splits[split], {"train": 1, "test": 2}[split])
    with torch.no_grad():
        output = module(x.double())
    return float(nn.functional.cross_entropy(output, y)), float((output.argmax(1) == y).double().mean())


@pytest.mark.parametrize("tier", ["fast", "exact"])
@pytest.mark.parametrize("kind", ["mlp", "batchnorm"])
def test_every_cell_agrees_with_an_independent_loop(kind: str, tier: str) -> None:
    """Rows are y, columns x, also where nx != ny. float32 network against float64: 2e-5 relative."""
    problem, probe = TinyProblem(kind), Surface(steps=(7, 4), span=(0.8, 0.5), tier=tier)
    result, plane = surface(probe, problem), resolve(probe, problem)  # type: ignore[arg-type]
    assert result.computed.shape == (4, 7) and result.computed.all()
    for split in ("train", "test"):
        for j, y in enumerate(result.y):
            for i, x in enumerate(result.x):
                state = plane.origin.double() + float(x) * plane.axes[0].double() + float(y) * plane.axes[1].double()
                loss, accuracy = loop(problem, state, split)
                assert result.quantities[f"{split}_loss"].values[j, i] == pytest.approx(loss, rel=2e-5)
                assert result.quantities[f"{split}_accuracy"].values[j, i] == pytest.approx(accuracy, abs=1.01 / 90)


def test_in_float64_every_cell_agrees_to_rounding() -> None:
    problem, probe = TinyProblem(), Surface(steps=(5, 3), precision="float64", split="train")
    result, plane = surface(probe, problem), resolve(probe, problem)  # type: ignore[arg-type]
    for j, y in enumerate(result.y):
        for i, x in enumerate(result.x):
            state = plane.origin.double() + float(x) * plane.axes[0].double() + float(y) * plane.axes[1].double()
            assert result.quantities["train_loss"].values[j, i] == pytest.approx(loop(problem, state)[0], rel=1e-12)


def test_the_standard_error_is_that_of_a_mean_over_examples() -> None:
    problem = TinyProblem()
    found = surface(Surface(steps=(3, 3), split="train"), problem).quantities["train_loss"]
    x, y = make_data(200, 1)
    with torch.no_grad():
        each = nn.functional.cross_entropy(problem.module.double()(x.double()), y, reduction="none")
    assert found.standard_error is not None and found.examples == 200
    assert found.standard_error[1, 1] == pytest.approx(float(each.std()) / 200**0.5, rel=1e-5)


def test_the_second_difference_of_the_grid_is_the_curvature_along_the_axis() -> None:
    """Identity 13, with the Hessian by double backward in float64: error of second order in the step, 1e-3 wide."""
    problem = TinyProblem()
    probe = Surface(steps=(3, 3), span=(1e-3,), precision="float64", split="train")
    result, plane = surface(probe, problem), resolve(probe, problem)  # type: ignore[arg-type]
    z = result.quantities["train_loss"].values
    x, y = make_data(200, 1)
    for axis, second in ((0, z[1, 0] - 2 * z[1, 1] + z[1, 2]), (1, z[0, 1] - 2 * z[1, 1] + z[2, 1])):

        def along(t: Tensor, axis: int = axis) -> Tensor:
            views = problem.layout.unflatten(plane.origin.double() + t * plane.axes[axis].double())
            return nn.functional.cross_entropy(torch.func.functional_call(problem.module.double(), views, (x.double(),)), y)

        curvature = float(torch.autograd.functional.hessian(along, torch.zeros((), dtype=torch.float64)))
        assert second / 1e-6 == pytest.approx(curvature, rel=1e-4)


# --------------------------------------------------------------------------------------------------------------------- identity 21


@pytest.mark.parametrize("directions", ["filter", "layer", "raw", "principal"])
def test_a_line_is_the_surfaces_row(directions: str) -> None:
    """Along x at y = 0; one evaluates 3 x 41 points at once, the other 41: equal to float32 rounding of a mean, 1e-6."""
    problem = TinyProblem()
    whole = surface(Surface(steps=(41, 3), span=(0.7,), directions=directions), problem)
    line = answer(Line(steps=41, span=(0.7,), directions=directions), problem)  # type: ignore[arg-type]
    assert np.array_equal(line.x, whole.x) and whole.y[1] == 0.0
    for name, q in line.quantities.items():
        assert np.allclose(q.values, whole.quantities[name].values[1], rtol=1e-6, atol=0 if "loss" in name else 1e-9)


def test_a_line_through_a_picked_cell_is_its_row_or_column() -> None:
    problem = TinyProblem()
    whole = surface(Surface(steps=(9, 13), span=(0.7, 0.4)), problem)
    j, i = 3, 6
    at = (float(whole.x[i]), float(whole.y[j]))
    row = answer(Line(steps=9, span=(0.7,), along="x", at=at), problem)  # type: ignore[arg-type]
    column = answer(Line(steps=13, span=(0.4,), along="y", at=at), problem)  # type: ignore[arg-type]
    loss = whole.quantities["train_loss"].values
    assert np.allclose(row.quantities["train_loss"].values, loss[j], rtol=1e-6, atol=0)
    assert np.allclose(column.quantities["train_loss"].values, loss[:, i], rtol=1e-6, atol=0)
    assert row.axes.labels != column.axes.labels and "y = " in row.notes[0] and "x = " in column.notes[0]


def test_the_ends_of_a_line_between_checkpoints_are_their_own_losses() -> None:
    problem = TinyProblem()
    other = problem.reference("epoch_1")
    line = answer(Line(steps=3, span=(0.0, 1.0), towards=other), problem)  # type: ignore[arg-type]
    for at, k in ((0, 5), (2, 1)):
        assert line.quantities["train_loss"].values[at] == pytest.approx(loop(problem, problem.states[k])[0], rel=1e-5)


def test_the_corners_of_a_plane_through_three_are_their_own_losses() -> None:
    problem = TinyProblem()
    probe = Surface(steps=(7, 7), towards=problem.reference("epoch_1"), third=problem.reference("epoch_3"))
    result = surface(probe, problem)
    assert probe.directions == "plane" and result.x[0] == result.y[0] == -0.25 and result.x[-1] == 1.25
    for (x, y), k in (((0.0, 0.0), 5), ((1.0, 0.0), 1), ((0.0, 1.0), 3)):
        j, i = int(np.argmin(abs(result.y - y))), int(np.argmin(abs(result.x - x)))
        assert (result.x[i], result.y[j]) == (x, y)
        assert result.quantities["train_loss"].values[j, i] == pytest.approx(loop(problem, problem.states[k])[0], rel=1e-5)


@pytest.mark.parametrize("directions", ["filter", "raw"])
def test_a_batchnorm_surface_is_finite_and_says_its_mode(directions: str) -> None:
    problem = TinyProblem("batchnorm")
    for batchnorm, said in (("auto", "frozen"), ("recalculated", "recalculated")):
        result = surface(Surface(steps=(9, 7), directions=directions, batchnorm=batchnorm), problem)
        assert result.batchnorm == said
        assert np.isfinite(result.quantities["train_loss"].values).all()
    assert surface(Surface(steps=(3, 3), towards=problem.reference("epoch_1")), problem).batchnorm == "recalculated"
    assert surface(Surface(steps=(3, 3))).batchnorm == ""


@pytest.mark.parametrize("steps", [3, (3, 3)])
def test_a_running_variance_below_zero_is_said(steps: Any) -> None:
    """Towards statistics of 3 times the variance: at x = -1 the variance is 1 - 2 = -1 times what it was, at 0 it is its own."""
    problem = TinyProblem("batchnorm")
    variance = next(s for s in problem.layout.segments if s.name.endswith("running_var"))
    problem.states[1] = problem.states[1].clone()
    problem.states[1][variance.start : variance.stop] = 3 * problem.state[variance.start : variance.stop]
    towards, how = problem.reference("epoch_1"), {"batchnorm": "interpolated", "directions": "towards"}
    kind, rest = (Line, ()) if steps == 3 else (Surface, (-0.1, 0.1))
    for start, said in ((-1.0, True), (0.0, False)):
        result = answer(kind(steps=steps, span=(start, 1.0, *rest), towards=towards, **how), problem)  # type: ignore[arg-type]
        assert any("running variance" in note and "negative" in note for note in result.notes) is said
        assert np.isfinite(result.quantities["train_loss"].values).all() == (not said)


# --------------------------------------------------------------------------------------------------------------------------- draws


def test_draws_are_the_surfaces_of_their_seeds_and_statistics_lie_between() -> None:
    problem = TinyProblem()
    result = surface(Surface(steps=(13, 12), seed=4, draws=3), problem)
    assert result.seeds == (4, 5, 6)
    for k, seed in enumerate(result.seeds):
        alone = surface(Surface(steps=(13, 12), seed=seed), problem)
        assert np.array_equal(result.draws["test_loss"][k], alone.quantities["test_loss"].values)
    q, drawn = result.quantities, result.draws["test_loss"]
    assert np.array_equal(q["test_loss"].values, drawn[0])
    assert np.array_equal(q["test_loss_median"].values, np.median(drawn, axis=0))
    assert np.array_equal(q["test_loss_spread"].values, drawn.max(0) - drawn.min(0))
    assert (q["test_loss_minimum"].values <= q["test_loss_median"].values).all()
    centre = np.unravel_index(np.argmin(abs(result.y))[None] * 13 + 6, (12, 13))
    assert len(set(drawn[:, centre[0][0], centre[1][0]])) >= 1


# ------------------------------------------------------------------------------------------------------------------------ progress


def test_the_coarse_picture_comes_first_and_no_partial_value_changes_later() -> None:
    seen: list[Progress] = []
    result = surface_with_progress(Surface(steps=(41, 31)), seen)
    partial = [p.partial for p in seen if p.partial is not None]
    assert int(partial[0].computed.sum()) == 25
    for before in partial:
        for name, q in before.quantities.items():
            final = result.quantities[name].values
            assert np.array_equal(q.values[before.computed], final[before.computed])
            assert np.isnan(q.values[~before.computed]).all()
    assert [p.done for p in seen] == sorted(p.done for p in seen)


def surface_with_progress(probe: Surface, seen: list[Any]) -> SurfaceResult:
    import landscape_gui.jobs as jobs

    steps = jobs.answering(probe, TinyProblem(), None)  # type: ignore[arg-type]
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


# ----------------------------------------------------------------------------------------------------------------------- questions


@pytest.mark.parametrize(
    "wrong",
    [
        {"span": (0.0,)}, {"span": (1.0, 2.0, 3.0)}, {"span": (1.0, -1.0, 0.0, 1.0)}, {"span": (float("nan"),)},
        {"steps": (1, 5)}, {"directions": "hessian"}, {"draws": 2, "adaptive": True}, {"draws": 3, "directions": "principal"},
        {"limit": -1}, {"seed": -1},
        {"precision": "bf16"}, {"tolerance": 0.0},
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused_with_a_remedy(wrong: dict[str, Any]) -> None:
    with pytest.raises(QuestionError) as error:
        Surface(**wrong)
    assert error.value.remedy


@pytest.mark.parametrize(
    "probe", [Surface(directions="towards"), Surface(directions="plane"), Surface(directions="file"), Surface(split="none")]
)
def test_a_question_that_lacks_something_is_refused_when_it_is_asked(probe: Surface) -> None:
    with pytest.raises(QuestionError):
        surface(probe)


def test_there_is_no_direction_between_the_same_weights() -> None:
    problem = TinyProblem()
    same, other = problem.reference("epoch_5"), problem.reference("epoch_1")
    for probe in (Line(towards=same), Surface(towards=other, third=same), Surface(towards=other, third=other)):
        with pytest.raises(QuestionError, match=r"has the same weights as .*: there is no direction between them"):
            answer(probe, problem)  # type: ignore[arg-type]


def test_naming_another_checkpoint_is_enough_to_ask_towards_it() -> None:
    other = TinyProblem().reference("epoch_1")
    assert Surface(towards=other).directions == "towards" and Line(towards=other).directions == "towards"
    assert Surface(towards=other, third=other).directions == "plane"


def test_principal_directions_need_a_run() -> None:
    problem = TinyProblem()
    problem.run = None  # type: ignore[assignment]
    with pytest.raises(QuestionError, match="belongs to no run"):
        surface(Surface(directions="principal"), problem)


def test_a_random_subset_is_of_the_asked_size_and_depends_on_the_seed() -> None:
    found = [surface(Surface(steps=(2, 2), limit=50, seed=s, span=(1e-6,))) for s in (0, 1)]
    assert all(r.quantities["train_loss"].examples == 50 for r in found) and "50 of 200 train" in found[0].subset
    a, b = (r.quantities["train_loss"].values[0, 0] for r in found)
    assert abs(a - b) > 1e-4


def test_the_cost_counts_points_and_examples() -> None:
    problem = TinyProblem()
    cost = Surface(steps=(51, 41), draws=2).cost(problem)  # type: ignore[arg-type]
    assert (cost.points, cost.examples) == (51 * 41 * 2, 290) and cost.seconds > 0
    assert Surface(split="test", limit=20).cost(problem).examples == 20  # type: ignore[arg-type]
    assert Line(steps=7).cost(problem).points == 7  # type: ignore[arg-type]
