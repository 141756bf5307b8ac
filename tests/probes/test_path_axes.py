"""The plane of a path's bend against NumPy's least squares."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem, make_module
from torch import Tensor, nn

from landscape_gui.connection_results import AlignmentResult, CurveResult, EndpointResult
from landscape_gui.core.curves import Curve
from landscape_gui.errors import QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes.curve import CurveQuestion
from landscape_gui.probes.path_axes import around, curve_of, ends, placed, plane_of
from landscape_gui.probes.surface import Surface
from landscape_gui.results import freeze


def bent(problem: TinyProblem, bends: int, kind: str = "bezier") -> Curve:
    """Control points at random, the ends being two states of the run."""
    generator = torch.Generator().manual_seed(bends)
    a, b = problem.state, problem.states[1]
    scale = float((b - a).norm()) / a.numel() ** 0.5
    inner = [
        a + (b - a) * (k + 1) / (bends + 1) + scale * (1 + k) * torch.randn(a.numel(), generator=generator) for k in range(bends)
    ]
    return Curve(kind, torch.stack([a, *inner, b]))  # type: ignore[arg-type]


def parameters(problem: TinyProblem, state: Tensor) -> np.ndarray:
    return state[: problem.layout.parameters].double().numpy()


@pytest.mark.parametrize("kind", ["mlp", "batchnorm"])
@pytest.mark.parametrize("bends", [1, 3])
def test_axes_stand_at_right_angles_in_one_unit_and_the_models_lie_at_0_and_1(kind: str, bends: int) -> None:
    problem = TinyProblem(kind)
    curve = bent(problem, bends)
    plane = plane_of(problem, problem.reference("epoch_1"), curve, "the curve's bend", (0, 0))
    x, y = (parameters(problem, axis) for axis in plane.axes)
    length = np.linalg.norm(parameters(problem, problem.states[1]) - parameters(problem, problem.state))
    assert np.linalg.norm(x) == pytest.approx(length, rel=1e-6)
    assert np.linalg.norm(y) == pytest.approx(length, rel=1e-6)
    assert abs(x @ y) < 1e-6 * length**2
    found = placed(plane, curve, problem.layout.parameters)
    assert found.coordinates[0] == pytest.approx([0, 0], abs=1e-6)
    assert found.coordinates[-1] == pytest.approx([1, 0], abs=1e-6)
    assert found.coordinates[:, 1].max() > 0.1


@pytest.mark.parametrize("kind", ["bezier", "chain"])
def test_places_and_distances_are_those_of_least_squares(kind: str) -> None:
    problem = TinyProblem()
    curve = bent(problem, 3, kind)
    plane = plane_of(problem, problem.reference("epoch_1"), curve, "the bend", (0, 0))
    t = np.linspace(0, 1, 7)
    x, y, off = placed(plane, curve, problem.layout.parameters).along(curve.weights(t))
    basis = np.stack([parameters(problem, axis) for axis in plane.axes], axis=1)
    length = np.linalg.norm(basis[:, 0])
    for k, s in enumerate(t):
        step = parameters(problem, curve.at(float(s))) - parameters(problem, problem.state)
        solution, *_ = np.linalg.lstsq(basis, step, rcond=None)
        assert [x[k], y[k]] == pytest.approx(solution, abs=1e-6)
        assert off[k] == pytest.approx(np.linalg.norm(step - basis @ solution), abs=1e-5 * length)
    assert off.max() > 0.1 * length
    assert off[[0, -1]] == pytest.approx([0, 0], abs=1e-5 * length)


def test_a_curve_of_one_bend_lies_in_its_plane_whose_y_axis_leads_to_the_bend() -> None:
    problem = TinyProblem()
    curve = bent(problem, 1)
    plane = plane_of(problem, problem.reference("epoch_1"), curve, "the bend", (0, 0))
    found = placed(plane, curve, problem.layout.parameters)
    _, _, off = found.along(curve.weights(np.linspace(0, 1, 11)))
    assert off.max() < 1e-5 * float(plane.report.norms[0])
    (a, b) = found.coordinates[1]
    rebuilt = plane.origin + a * plane.axes[0] + b * plane.axes[1]
    assert torch.allclose(rebuilt, curve.points[1], atol=1e-5)


def test_of_several_bends_the_farthest_off_the_line_spans_the_plane() -> None:
    problem = TinyProblem()
    curve = bent(problem, 3)
    plane = plane_of(problem, problem.reference("epoch_1"), curve, "the bend", (0, 0))
    line = parameters(problem, problem.states[1]) - parameters(problem, problem.state)
    rests = []
    for point in curve.points:
        step = parameters(problem, point) - parameters(problem, problem.state)
        rests.append(np.linalg.norm(step - line * (step @ line) / (line @ line)))
    farthest = int(np.argmax(rests))
    coordinates = placed(plane, curve, problem.layout.parameters).coordinates
    assert coordinates[farthest, 1] == pytest.approx(rests[farthest] / np.linalg.norm(line), rel=1e-5)


def test_a_straight_path_spans_no_plane() -> None:
    problem = TinyProblem()
    middle = (problem.state + problem.states[1]) / 2
    curve = Curve("bezier", torch.stack([problem.state, middle, problem.states[1]]))
    with pytest.raises(QuestionError, match="does not bend"):
        plane_of(problem, problem.reference("epoch_1"), curve, "the bend", (0, 0))


def test_a_path_asked_from_the_other_model_is_turned_round() -> None:
    problem = TinyProblem()
    curve = bent(problem, 2, "chain")
    points = freeze(curve.points.flip(0).numpy(), np.float32)
    trained = CurveResult(kind="chain", points=points, places=freeze([0, 0.2, 0.7, 1]))
    found = curve_of(trained, problem, problem.reference("epoch_1"), here=False)
    assert torch.equal(found.points, curve.points)
    assert found.knots == pytest.approx([0, 0.3, 0.8, 1])


def test_an_aligned_line_ends_at_the_permuted_model_whichever_it_is() -> None:
    problem = TinyProblem()
    permuted = torch.arange(problem.layout.size).float()
    aligned = AlignmentResult(aligned=freeze(permuted.numpy(), np.float32))
    here = curve_of(aligned, problem, problem.reference("epoch_1"), here=True)
    assert torch.equal(here.points, torch.stack([problem.state, permuted]))
    there = curve_of(aligned, problem, problem.reference("epoch_1"), here=False)
    assert torch.equal(there.points, torch.stack([permuted, problem.states[1]]))


def test_what_is_no_path_is_said() -> None:
    problem = TinyProblem()
    with pytest.raises(QuestionError, match="EndpointResult is no path"):
        curve_of(EndpointResult(quantities={}), problem, problem.reference("epoch_1"), here=True)


@pytest.mark.parametrize("steps", [(41, 41), (21, 31), (9, 7)])
def test_the_grid_meets_both_models_and_the_line_between_them_and_holds_all_paths(steps: tuple[int, int]) -> None:
    x, y = np.array([-0.05, 0.4, 1.1]), np.array([0.0, 0.73, -0.1])
    left, right, low, high = around([(x, y), ends()], steps)
    assert left < x.min() and right > x.max() and low < y.min() and high > y.max()
    across, up = np.linspace(left, right, steps[0]), np.linspace(low, high, steps[1])
    assert np.abs(across).min() < 1e-9
    assert np.abs(across - 1).min() < 1e-9
    assert np.abs(up).min() < 1e-9
    assert right - left < 2.2
    assert high - low < 1.9


def loss_at(problem: TinyProblem, state: Tensor) -> float:
    """The training loss of the network itself."""
    module, part = make_module(problem.kind).eval(), problem.part("train")
    module.load_state_dict(problem.layout.unflatten(state), strict=False)
    with torch.no_grad():
        return float(nn.functional.cross_entropy(module(part.inputs), part.targets))


def test_a_surface_on_the_plane_of_a_curve_holds_both_models() -> None:
    problem = TinyProblem()
    towards = problem.reference("epoch_1")
    through = CurveQuestion(towards=towards, steps=10)
    found = answer(Surface(directions="path", towards=towards, through=through, steps=(13, 9)), problem)  # type: ignore[arg-type]
    own, other = (loss_at(problem, state) for state in (problem.state, problem.states[1]))
    i, j = (int(np.argmin(np.abs(found.x - v))) for v in (0, 1))
    k = int(np.argmin(np.abs(found.y)))
    assert found.quantities["train_loss"].values[k, i] == pytest.approx(own, rel=1e-5)
    assert found.quantities["train_loss"].values[k, j] == pytest.approx(other, rel=1e-4)
    assert found.axes.kind == "path"
    assert abs(found.axes.cosines[0, 1]) < 1e-6


def test_without_a_path_or_another_model_the_question_is_refused() -> None:
    problem = TinyProblem()
    with pytest.raises(QuestionError, match="towards which checkpoint"):
        answer(Surface(directions="path", steps=(3, 3)), problem)  # type: ignore[arg-type]
