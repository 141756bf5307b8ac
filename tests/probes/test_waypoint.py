"""The model at one place of a path, against the network itself at these weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem, make_data, make_module
from torch import Tensor, nn

from landscape_gui.connection_results import AlignmentResult, CurveResult, WaypointResult
from landscape_gui.core.waypoint import finish
from landscape_gui.errors import QuestionError
from landscape_gui.jobs import answer, answering
from landscape_gui.probes.path import PathQuestion
from landscape_gui.probes.path_finding import question_of
from landscape_gui.probes.waypoint import Waypoints, waypoints, waypoints_of
from landscape_gui.results import freeze
from landscape_gui.store import Store

T = 0.3


def pair(kind: str = "mlp") -> tuple[TinyProblem, Waypoints]:
    problem = TinyProblem(kind)
    return problem, waypoints(problem, problem.reference("epoch_1"))


def network_at(problem: TinyProblem, state: Tensor) -> nn.Module:
    module = make_module(problem.kind).eval()
    module.load_state_dict(problem.layout.unflatten(state), strict=False)
    return module


def named(problem: TinyProblem, state: Tensor, split: str) -> Tensor:
    with torch.no_grad():
        return network_at(problem, state)(problem.part(split).inputs)


@pytest.mark.parametrize("split", ["train", "test"])
def test_losses_classes_and_flips_are_those_of_the_network_itself(split: str) -> None:
    problem = TinyProblem()
    first, second = problem.state, problem.states[1]
    found = waypoints(problem, problem.reference("epoch_1"), split=split)(T)
    part = problem.part(split)
    middle, start, end = (named(problem, s, split) for s in ((1 - T) * first + T * second, first, second))
    assert found.quantities[f"{split}_loss"].values == pytest.approx(float(nn.functional.cross_entropy(middle, part.targets)), 1e-5)
    assert found.quantities[f"{split}_accuracy"].values == float((middle.argmax(1) == part.targets).double().mean())
    assert found.split == split
    assert found.predicted.tolist() == middle.argmax(1).tolist()
    assert found.flips_from_first.tolist() == (middle.argmax(1) != start.argmax(1)).nonzero()[:, 0].tolist()
    assert found.flips_from_second.tolist() == (middle.argmax(1) != end.argmax(1)).nonzero()[:, 0].tolist()
    assert len(found.flips_from_second) > 3
    for k in range(4):
        of_class = part.targets == k
        assert found.per_class[k] == pytest.approx(float((middle.argmax(1) == k)[of_class].double().mean()))
        assert found.per_class_second[k] == pytest.approx(float((end.argmax(1) == k)[of_class].double().mean()))
        assert found.class_examples[k] == int(of_class.sum())


def test_nothing_flips_at_the_ends() -> None:
    _, way = pair()
    assert len(way(0.0).flips_from_first) == 0
    assert len(way(1.0).flips_from_second) == 0
    assert len(way(0.0).flips_from_second) == len(way(1.0).flips_from_first) > 0


def test_asked_again_the_same_place_is_equal_to_the_bit_and_models_stay_as_they_are() -> None:
    problem, way = pair("batchnorm")
    before = [s.clone() for s in problem.states]
    once = way(T)
    way(0.8)
    again = way(T)
    assert once.quantities["train_loss"].values == again.quantities["train_loss"].values
    assert all(torch.equal(a, b) for a, b in zip(before, problem.states, strict=True))


def test_what_is_saved_is_the_network_that_was_measured() -> None:
    problem, way = pair("batchnorm")
    found, state = way(T), way.state_at(T)
    assert found.batchnorm == "recalculated"
    part = problem.part("train")
    loss = nn.functional.cross_entropy(named(problem, state, "train"), part.targets)
    assert found.quantities["train_loss"].values == pytest.approx(float(loss), 1e-5)
    straight = torch.lerp(problem.state, problem.states[1], T)
    n = problem.layout.parameters
    assert torch.allclose(state[:n], straight[:n], atol=1e-6)
    assert not torch.allclose(state[n:], straight[n:], rtol=1e-3)
    assert torch.equal(way.state_at(0.0), problem.state)


@pytest.mark.parametrize("mode", ["frozen", "interpolated"])
def test_statistics_stay_the_first_model_s_or_move_along(mode: str) -> None:
    problem = TinyProblem("batchnorm")
    n = problem.layout.parameters
    problem.states[1][n:] = 1.3 * problem.states[1][n:] + 0.1
    way = waypoints(problem, problem.reference("epoch_1"), batchnorm=mode)
    state = way.state_at(T)
    straight = torch.lerp(problem.state, problem.states[1], T)
    assert torch.allclose(state[n:], (problem.state if mode == "frozen" else straight)[n:], atol=1e-6)
    loss = nn.functional.cross_entropy(named(problem, state, "test"), problem.part("test").targets)
    assert way(T).quantities["test_loss"].values == pytest.approx(float(loss), 1e-5)
    assert way(T).batchnorm == mode


def curve(problem: TinyProblem) -> CurveResult:
    bend = problem.states[3] + 0.1
    points = torch.stack([problem.states[-1], bend, problem.states[1]]).numpy()
    return CurveResult(kind="bezier", points=freeze(points, np.float32), places=freeze([0, 0.5, 1]))


def test_a_curve_is_followed_and_turned_round_for_the_other_direction() -> None:
    problem = TinyProblem()
    found = curve(problem)
    forth = waypoints(problem, problem.reference("epoch_1"), found, path="bezier")(T)
    a, b, c = torch.from_numpy(np.array(found.points))
    state = (1 - T) ** 2 * a + 2 * T * (1 - T) * b + T**2 * c
    loss = nn.functional.cross_entropy(named(problem, state, "train"), make_data(200, 1)[1])
    assert forth.quantities["train_loss"].values == pytest.approx(float(loss), 1e-5)
    assert forth.path == "bezier"
    other = problem.at(problem.reference("epoch_1"))
    back = waypoints(other, problem.reference("epoch_5"), found, path="bezier", mirrored=True)
    assert back(1 - T).quantities["train_loss"].values == pytest.approx(float(loss), 1e-5)


def test_an_aligned_line_ends_at_the_permuted_model() -> None:
    problem = TinyProblem()
    order = torch.randperm(16, generator=torch.Generator().manual_seed(3))
    tensors = {name: t.clone() for name, t in problem.layout.unflatten(problem.states[1]).items()}
    tensors["0.weight"], tensors["0.bias"] = tensors["0.weight"][order], tensors["0.bias"][order]
    tensors["2.weight"] = tensors["2.weight"][:, order]
    permuted = problem.layout.flatten(tensors)
    answer = AlignmentResult(aligned=freeze(permuted.numpy(), np.float32))
    way = waypoints(problem, problem.reference("epoch_1"), answer, path="aligned")
    plain = waypoints(problem, problem.reference("epoch_1"))
    assert way(1.0).quantities["test_loss"].values == pytest.approx(float(plain(1.0).quantities["test_loss"].values), 1e-5)
    assert torch.allclose(way.state_at(0.5), (problem.state + permuted) / 2, atol=1e-6)
    assert way(0.5).quantities["test_loss"].values != pytest.approx(float(plain(0.5).quantities["test_loss"].values), 1e-3)


@pytest.mark.parametrize("kind", ["mlp", "batchnorm"])
def test_a_repaired_network_is_measured_and_saved_alike(kind: str) -> None:
    problem = TinyProblem(kind)
    way = waypoints(problem, problem.reference("epoch_1"), path="repaired")
    loss = nn.functional.cross_entropy(named(problem, way.state_at(0.5), "test"), problem.part("test").targets)
    found = way(0.5)
    assert found.quantities["test_loss"].values == pytest.approx(float(loss), 1e-5)
    assert found.batchnorm == ("repaired" if kind == "batchnorm" else "")
    assert len(way(0.0).flips_from_first) == 0


@pytest.mark.parametrize("path", ["line", "bezier", "aligned", "repaired"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["mlp", "batchnorm"])
def test_they_are_the_models_that_a_path_was_measured_at(kind: str, path: str, turned: bool, tmp_path: Path) -> None:
    problem, store = TinyProblem(kind), Store(tmp_path)
    towards = problem.reference("epoch_1")
    if turned:
        problem, towards = problem.at(towards), problem.reference("epoch_5")
    of = question_of(path, problem, towards, {"seed": 0, "steps": 15})  # type: ignore[arg-type]
    question = PathQuestion(towards=towards, path=path, points=5, of=of)
    measured: Any = answer(question, problem, store=store)  # type: ignore[arg-type]

    def ask(probe: Any, about: Any = None) -> Any:
        return answering(probe, about or problem, store)

    way: Waypoints = finish(waypoints_of(question, problem, ask))  # type: ignore[arg-type]
    for k in (0, 1, 2, 4):
        found = way(float(measured.t[k])).quantities
        for name, quantity in measured.quantities.items():
            assert found[name].values == pytest.approx(quantity.values[k], rel=2e-5, abs=1e-6), (name, k)
    assert way.mode == measured.batchnorm


def test_so_many_examples_that_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    _, way = pair()
    assert way.quick() is way
    monkeypatch.setattr("landscape_gui.probes.waypoint.AT_ONCE", way.seconds / 2)
    fewer = way.quick()(T)
    assert 32 <= fewer.quantities["train_loss"].examples < 200
    assert fewer.subset.startswith("random ") or "of 200 train" in fewer.subset


def test_pieces_of_work_lead_to_the_same_answer() -> None:
    _, way = pair()
    steps, last = way.steps(T), None
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        last = stop.value
    assert isinstance(last, WaypointResult)
    assert last.quantities["test_loss"].values == way(T).quantities["test_loss"].values


def test_a_split_that_is_not_there() -> None:
    problem = TinyProblem()
    with pytest.raises(QuestionError, match="valid"):
        waypoints(problem, problem.reference("epoch_1"), split="valid")


def test_a_saved_model_opens_like_the_checkpoint(sample_folder: Path, tmp_path: Path) -> None:
    from landscape_gui.problem import open_problem

    problem = open_problem("samples:digits-seed-a")
    way = waypoints(problem, problem.reference(sample_folder / "digits-seed-b"))
    way.save(0.5, tmp_path / "middle.safetensors")
    found = problem.at(problem.reference(tmp_path / "middle.safetensors")).at_checkpoint()
    measured = way(0.5).quantities
    assert found == pytest.approx({name: float(q.values) for name, q in measured.items()}, 1e-5)
    assert found["train_loss"] > 1.0
