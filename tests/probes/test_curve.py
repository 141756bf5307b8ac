"""Asking for a trained curve: what comes back, on the way and at the end, kept, gone on from, and refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import path_training_checks as checks
import pytest
import torch
from tiny_problem import TinyProblem, make_data
from torch.utils.data import DataLoader, TensorDataset

from landscape_gui import jobs
from landscape_gui.connection_results import CurveResult
from landscape_gui.core.curves import Curve
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.minibatches import MiniBatchLoss
from landscape_gui.core.splits import Split
from landscape_gui.errors import LandscapeError, ProblemError, QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes import path_run
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.probes.curve import CurveQuestion, CurveSoFar
from landscape_gui.probes.path_run import History, Running
from landscape_gui.store import Store, key_of


@pytest.fixture(autouse=True)
def _save_and_tell_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)
    monkeypatch.setattr(path_run, "TELL_EVERY", 0.0)


def ask(**fields: Any) -> CurveQuestion:
    return CurveQuestion(**{"towards": checks.towards(TinyProblem()), "steps": 40, **fields})


def loss_at(problem: TinyProblem, weights: torch.Tensor) -> float:
    tensors = problem.layout.unflatten(weights)
    x, y = make_data(problem.train, 1)
    return float(torch.nn.functional.cross_entropy(torch.func.functional_call(problem.module, tensors, (x,)), y))


@pytest.mark.parametrize(("path", "bends"), [("bezier", 1), ("chain", 2)])
def test_a_curve_runs_from_the_problems_checkpoint_to_the_other(path: str, bends: int) -> None:
    problem = TinyProblem()
    found = answer(ask(path=path, bends=bends, steps=50), problem)
    assert isinstance(found, CurveResult) and found.complete and found.kind == path
    assert found.points.shape == (bends + 2, problem.layout.size) and found.points.dtype == np.float32
    assert np.array_equal(found.points[0], problem.state.numpy()) and np.array_equal(found.points[-1], problem.states[0].numpy())
    np.testing.assert_allclose(found.places, np.linspace(0, 1, bends + 2))
    assert found.steps == 50 and found.loss_steps.tolist() == [16, 32, 48] and found.losses.shape == (3,)
    assert (found.split, found.subset, found.batchnorm, found.precision) == ("train", "all 200 train", "", "float32")
    assert found.state == {} and found.provenance.probe == "curve" and found.provenance.environment["batch"] == 64


def test_the_loss_along_the_curve_is_lower_than_along_the_line() -> None:
    problem = TinyProblem()
    problem.states[0] = -problem.state  # the network with its last layer's classes turned round: a wall between the two
    found = answer(ask(steps=300), problem)
    a, b = problem.state, problem.states[0]
    curve = Curve("bezier", torch.from_numpy(np.array(found.points)))
    line = [loss_at(problem, a + t * (b - a)) for t in (0.25, 0.5, 0.75)]
    assert max(loss_at(problem, curve.at(t)) for t in (0.25, 0.5, 0.75)) < max(line)
    assert found.losses[-1] < found.losses[0]


@pytest.mark.parametrize(("path", "bends"), [("bezier", 1), ("chain", 1)])
def test_on_the_samples_with_two_seeds_a_curve_goes_round_the_lines_barrier(path: str, bends: int) -> None:
    """Already after a fifth of the usual steps."""
    checks.far_below_the_lines_barrier(CurveQuestion(towards=checks.two_seeds()[1], path=path, bends=bends, steps=400))


def test_batchnorm_goes_by_the_batch_and_that_is_said() -> None:
    found = answer(ask(), TinyProblem("batchnorm"))
    assert found.batchnorm == "batch statistics in training"
    problem = TinyProblem("batchnorm")
    buffers = slice(problem.layout.parameters, None)
    chord = 0.5 * (problem.state + problem.states[0])[buffers]
    np.testing.assert_allclose(found.points[1, buffers], chord.numpy(), rtol=1e-6)


def test_nothing_of_the_problem_is_changed() -> None:
    problem = TinyProblem("batchnorm")
    before = [state.clone() for state in problem.states]
    module = {name: tensor.clone() for name, tensor in problem.module.state_dict().items()}
    answer(ask(), problem)
    assert all(torch.equal(a, b) for a, b in zip(before, problem.states, strict=True))
    assert all(torch.equal(module[name], tensor) for name, tensor in problem.module.state_dict().items())


def test_fresh_cached_and_resumed_answers_are_equal_to_the_bit(tmp_path: Path) -> None:
    checks.interrupted_again_and_again(ask, tmp_path)


def test_more_steps_go_on_from_fewer(tmp_path: Path) -> None:
    checks.more_steps_go_on_from_fewer(ask, tmp_path)


def test_a_cancelled_training_is_kept_for_other_budgets(tmp_path: Path) -> None:
    checks.a_cancelled_training_is_kept_for_other_budgets(ask, tmp_path)


def test_what_differs_is_not_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.what_differs_is_not_gone_on_from(ask, tmp_path, monkeypatch)


def test_a_file_that_holds_other_weights_by_now_is_not_gone_on_from(tmp_path: Path) -> None:
    checks.a_file_that_holds_other_weights_by_now_is_not_gone_on_from(ask, tmp_path)


def test_partial_answers_stream() -> None:
    checks.partial_answers_stream(ask)


def test_seconds_are_spent_and_more_go_on_from_fewer(tmp_path: Path) -> None:
    checks.seconds_are_spent(ask, tmp_path)


def test_seconds_spent_before_count(tmp_path: Path) -> None:
    store, problem = Store(tmp_path), TinyProblem()
    answer(ask(steps=30), problem, store=store)
    key = key_of(ask(split="train", lr=0.005, batch=64).so_far(), problem.fingerprint)
    kept: Any = store.get(key)
    store.put(key, dataclasses.replace(kept, seconds=1000.0), part=True)
    found, begun = checks.begun_at(ask(steps=40), problem, store)
    assert begun == 31 and found.seconds > 1000
    found, begun = checks.begun_at(ask(seconds=0.1), problem, store)
    assert begun < 2 and found.seconds < 1000


def test_a_training_that_would_take_too_much_room_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_run, "KEPT_BYTES", 1000)
    store = Store(tmp_path)
    answer(ask(), TinyProblem(), store=store)
    assert checks.begun_at(ask(steps=60), TinyProblem(), store)[1] == 1


def test_what_is_left_open_is_filled_in_and_counts_in_the_key() -> None:
    problem = TinyProblem()
    left = CurveQuestion(towards=checks.towards(problem)).completed(problem)
    assert isinstance(left, CurveQuestion)
    assert (left.steps, left.lr, left.batch, left.split) == (2000, 0.005, 64, "train")
    said = CurveQuestion(towards=checks.towards(problem), steps=2000, lr=0.005, batch=64, split="train")
    assert key_of(left, problem.fingerprint) == key_of(said, problem.fingerprint)
    timed = CurveQuestion(towards=checks.towards(problem), steps=5, seconds=1.0).completed(problem)
    assert isinstance(timed, CurveQuestion) and timed.steps == 0
    assert CurveQuestion(optimiser="sgd").completed(problem).lr == 0.05  # type: ignore[attr-defined]


def test_deep_networks_take_fewer_steps_by_default() -> None:
    problem = TinyProblem()
    segments = problem.layout.segments
    problem.layout = dataclasses.replace(problem.layout, segments=segments * 40)
    assert CurveQuestion().steps_for(problem) == 2000 * 30 // 160  # type: ignore[arg-type]
    problem.layout = dataclasses.replace(problem.layout, segments=segments * 400)
    assert CurveQuestion().steps_for(problem) == 250  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "said", "remedy"),
    [
        ({"towards": CheckpointRef("")}, "not named", "another checkpoint"),
        ({"towards": CheckpointRef("epoch_5", f"{5:032x}", "epoch 5")}, "epoch 5 has the same weights", "another checkpoint"),
        ({"split": "validation"}, "no split 'validation'", "train, test"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(fields: dict[str, Any], said: str, remedy: str) -> None:
    with pytest.raises(QuestionError, match=said) as refused:
        answer(ask(**fields), TinyProblem())
    assert remedy in refused.value.remedy


@pytest.mark.parametrize("fields", [{"bends": 0}, {"path": "spline"}, {"momentum": 1.0}, {"lr": -1.0}, {"optimiser": "lbfgs"}])
def test_fields_out_of_range_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(QuestionError):
        ask(**fields)


def test_a_loss_that_becomes_not_finite_ends_in_a_sentence_each_time(tmp_path: Path) -> None:
    store, problem = Store(tmp_path), TinyProblem()
    probe, said = ask(optimiser="sgd", lr=1e3, momentum=0.999, steps=5000, weight_decay=10.0), []
    for _ in range(2):
        with pytest.raises(ProblemError, match="Training the curve") as refused:
            answer(probe, problem, store=store)
        said.append(refused.value.message)
        assert "learning rate" in refused.value.remedy
    assert said[0] == said[1]
    assert store.get(key_of(probe.so_far(), problem.fingerprint)) is None


@pytest.mark.parametrize(("losses", "noted"), [([0.5, 0.9, 1.1], True), ([0.5, 0.9, 0.9], False), ([0.1, 0.9], False), ([], False)])
def test_a_training_whose_loss_rose_says_so(losses: list[float], noted: bool) -> None:
    from landscape_gui.core.curve_training import CurveTraining
    from landscape_gui.core.curves import on_the_chord

    problem: Any = TinyProblem()
    training = CurveTraining(problem.minibatches(), on_the_chord(problem.state, problem.states[0], 1))
    running = Running(ask(split="train"), problem, None, training, every=16)  # type: ignore[arg-type]
    running.history.losses = losses
    notes = running.result(complete=True).notes
    assert ("learning rate" in notes[0]) if noted else notes == ()


def test_the_cost_is_told_before() -> None:
    cost = ask(bends=3, steps=100).cost(TinyProblem())
    assert (cost.points, cost.examples, cost.unit) == (300, 64, "forward pass")
    assert cost.memory == pytest.approx(4 * TinyProblem().layout.size * 22)
    assert ask(seconds=3.0).cost(TinyProblem()).seconds == 3.0


def test_the_kept_training_is_no_question_of_its_own() -> None:
    kept = ask().so_far()
    assert isinstance(kept, CurveSoFar) and kept == ask(steps=99, seconds=3.0).so_far()
    with pytest.raises(LandscapeError, match="kept by the question"):
        answer(kept, TinyProblem())


def test_the_history_means_over_rounds_also_when_gone_on_from() -> None:
    whole, first, second = History(4), History(4), History(4)
    values = [float(v) for v in range(11)]
    for step, value in enumerate(values, 1):
        whole.see(step, value)
    for step, value in enumerate(values[:6], 1):
        first.see(step, value)
    second.restore(np.array(first.losses), np.array(first.steps), first.state())
    for step, value in enumerate(values[6:], 7):
        second.see(step, value)
    assert whole.losses == second.losses == [1.5, 5.5] and whole.steps == second.steps == [4, 8]


class Streaming(TinyProblem):
    """Its training data come in batches of their own, 40 at a time, and do not tell how many they are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.splits = {"train": 0, "test": self.test}

    def minibatches(self, *, split: str = "", batch: int = 64, seed: int = 0) -> MiniBatchLoss:
        loader = DataLoader(TensorDataset(*make_data(self.train, 1)), batch_size=40)
        return MiniBatchLoss(self.module, self.layout, Split("train", loader), CROSS_ENTROPY, batch=batch, seed=seed)


def test_data_that_stream_are_trained_on_and_gone_on_with_where_they_stood(tmp_path: Path) -> None:
    fresh, store = answer(ask(steps=90), Streaming()), Store(tmp_path)
    interrupted = [checks.cancel_at(ask(steps=90), Streaming(), store, count) for count in (5, 20, 23)]
    resumed, begun = checks.begun_at(ask(steps=90), Streaming(), store)
    assert all(interrupted) and begun > 40
    checks.same(resumed, fresh)
    assert fresh.subset == "all of the stream train"
