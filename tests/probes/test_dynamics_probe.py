"""Dynamics over a run: every number against an independent one in float64, answers of their own, limits by the optimiser named."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from dense_hessian import gradient, hessian
from tiny_problem import TinyProblem, make_data
from torch import nn

from landscape_gui.core.dynamics import lgdi
from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.errors import QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.probes.dynamics import Dynamics
from landscape_gui.probes.dynamics_moment import Moment
from landscape_gui.store import Store

SGD = {"optimizer": "SGD", "lr": 0.5}
FEW = {"checkpoints": 3, "pairs": 2}


def problem_of(training: dict[str, Any] | None = None, rows: tuple[dict[str, Any], ...] = ()) -> TinyProblem:
    problem = TinyProblem()
    problem.description["training"] = SGD if training is None else training
    problem.run.metrics, problem.run.name = rows, "tiny"
    return problem


def ask(probe: Any, problem: Any, **more: Any) -> Any:
    return answer(probe, problem, **more)


def only(result: Any) -> RunDynamics:
    assert isinstance(result, DynamicsResult)
    (run,) = result.runs.values()
    return run


def at(problem: TinyProblem, k: int) -> TinyProblem:
    return problem.at(problem.reference(f"epoch_{k}"))


@pytest.fixture(scope="module")
def measured() -> tuple[TinyProblem, DynamicsResult]:
    problem = problem_of()
    return problem, ask(Dynamics(precision="float64", pairs=40), problem)


# ------------------------------------------------------------------------------------- against computations of another kind


def test_losses_accuracies_and_their_errors_are_those_of_a_plain_pass(measured: tuple[TinyProblem, DynamicsResult]) -> None:
    problem, result = measured
    run = only(result)
    for k, state in enumerate(problem.every):
        tensors = {name: value.double() for name, value in problem.layout.unflatten(state).items()}
        for split, seed, count in (("train", 1, problem.train), ("test", 2, problem.test)):
            x, y = make_data(count, seed)
            outputs = torch.func.functional_call(problem.module, tensors, (x.double(),))
            rows = nn.functional.cross_entropy(outputs, y, reduction="none")
            hits = (outputs.argmax(1) == y).double()
            for name, values in ((f"{split}_loss", rows), (f"{split}_accuracy", hits)):
                q = run.quantities[name]
                assert q.values[k] == pytest.approx(float(values.mean()), rel=1e-12)
                error = float(values.std(correction=0)) / math.sqrt(count)
                assert q.standard_error is not None and q.standard_error[k] == pytest.approx(error, rel=0.01)  # n or n - 1


def test_gradient_and_curvature_are_those_of_the_hessian_written_out(measured: tuple[TinyProblem, DynamicsResult]) -> None:
    problem, result = measured
    run = only(result)
    curvature, bound = run.quantities["lambda_max"].values, run.quantities["lambda_max"].standard_error
    assert bound is not None
    for k in range(6):
        there = at(problem, k)
        top = float(np.linalg.eigvalsh(hessian(there).numpy())[-1])
        assert abs(curvature[k] - top) <= bound[k] <= 1.1e-3 * top
        assert run.quantities["gradient_norm"].values[k] == pytest.approx(float(gradient(there).norm()), rel=1e-10)


def test_directional_sharpness_is_half_the_radius_squared_times_the_mean_curvature(
    measured: tuple[TinyProblem, DynamicsResult],
) -> None:
    """r^2 tr H/(2n) but for terms of fourth order in the radius, which are 1e-4 of it here."""
    problem, result = measured
    q = only(result).quantities["directional_sharpness"]
    assert q.standard_error is not None
    for k in range(6):
        there = at(problem, k)
        mean = 0.05**2 * float(hessian(there).trace()) / (2 * there.layout.parameters)
        assert abs(q.values[k] - mean) <= 4 * q.standard_error[k] + 1e-3 * abs(mean)


def test_epsilon_sharpness_is_what_many_ascents_from_random_starts_find(measured: tuple[TinyProblem, DynamicsResult]) -> None:
    """Projected gradient ascent in float64 from 12 starts: the same rise within the ascent's tolerance of one per cent."""
    problem, result = measured
    x, y = make_data(problem.train, 1)
    for k in (0, 2, 5):
        there = at(problem, k)
        origin = there.state.double()

        def loss(d: torch.Tensor, origin: torch.Tensor = origin, there: TinyProblem = there) -> torch.Tensor:
            tensors = there.layout.unflatten(origin + d)
            return nn.functional.cross_entropy(torch.func.functional_call(there.module, tensors, (x.double(),)), y)

        base, best = float(loss(torch.zeros_like(origin))), 0.0
        generator = torch.Generator().manual_seed(k)
        for _ in range(12):
            d = torch.randn(origin.numel(), generator=generator, dtype=torch.float64)
            for _ in range(40):
                d = (0.05 * d / d.norm()).requires_grad_()
                (slope,) = torch.autograd.grad(loss(d), d)
                d = slope  # the maximiser of the linearised loss on the sphere, once it is scaled
            best = max(best, float(loss(0.05 * d / d.norm())) - base)
        assert only(result).quantities["epsilon_sharpness"].values[k] == pytest.approx(best, rel=0.01)


def test_the_way_through_weights_is_that_of_the_files(measured: tuple[TinyProblem, DynamicsResult]) -> None:
    problem, result = measured
    run = only(result)
    states = np.stack([state.double().numpy() for state in problem.every])
    steps = np.diff(states, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    cosines = (steps[1:] * steps[:-1]).sum(1) / (lengths[1:] * lengths[:-1])
    assert run.quantities["weight_norm"].values == pytest.approx(np.linalg.norm(states, axis=1), rel=1e-6)
    assert run.quantities["distance_from_start"].values == pytest.approx(np.linalg.norm(states - states[0], axis=1), rel=1e-6)
    turns = run.quantities["step_cosine"].values
    assert np.isnan(turns[[0, -1]]).all() and turns[1:-1] == pytest.approx(cosines, rel=1e-4)
    centred = states - states.mean(0)
    _, singular, axes = np.linalg.svd(centred)
    assert result.explained == pytest.approx((singular**2 / (singular**2).sum())[:2], rel=1e-4)
    assert np.abs(run.place) == pytest.approx(np.abs((states - states[-1]) @ axes[:2].T), abs=1e-4)


def test_a_plane_that_would_cost_too_much_is_laid_by_fewer_checkpoints_and_holds_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from landscape_gui.probes import dynamics_run

    problem = problem_of()
    more = [a + t * (b - a) for a, b in itertools.pairwise(problem.every) for t in (0.0, 0.5)]
    problem.states = problem.every = [*more, problem.every[-1]]
    entries = [SimpleNamespace(path=Path(f"epoch_{k}"), epoch=float(k), step=None, label=f"epoch {k}") for k in range(11)]
    problem.run.checkpoints, problem.checkpoint = tuple(entries), SimpleNamespace(path=Path("epoch_10"), digest=f"{10:032x}")
    whole = dynamics_run.Growing(Dynamics().completed(problem), problem)  # type: ignore[arg-type]
    list(whole.walk())
    monkeypatch.setattr(dynamics_run, "PLANE_WORK", 1.0)
    part = dynamics_run.Growing(Dynamics().completed(problem), problem)  # type: ignore[arg-type]
    list(part.walk())
    assert "The plane is laid by 8 of 11 checkpoints." in part.notes and whole.notes == []
    assert part.lines[0].place == pytest.approx(whole.lines[0].place, abs=0.05 * np.ptp(whole.lines[0].place))


def test_ratio_limit_and_index_follow_from_them(measured: tuple[TinyProblem, DynamicsResult]) -> None:
    run = only(measured[1])
    q = {name: quantity.values for name, quantity in run.quantities.items()}
    assert q["stability_ratio"] == pytest.approx(0.5 * q["lambda_max"]) and run.limit() == pytest.approx([4.0] * 6)
    for k in range(6):
        parts = q["lambda_max"][k], q["gradient_norm"][k], q["directional_sharpness"][k]
        assert q["lgdi"][k] == pytest.approx(lgdi(0.5, *parts))
    assert run.optimiser == "sgd" and run.limit_words == "2/lr"
    numbers = measured[1].numbers
    assert numbers["lambda_max"].value == q["lambda_max"][-1] and numbers["lambda_max"].label.endswith("at epoch 5")
    assert numbers["lambda_max_over_limit"].value == pytest.approx(q["lambda_max"].max() / 4)  # the ratio is lr times λmax
    assert numbers["stability_limit"].value == 4


# ------------------------------------------------------------------------------------------------------ order, reuse, limits


def test_ends_and_middle_come_first_and_what_files_tell_before_any_pass() -> None:
    seen: list[list[int]] = []

    def look(progress: Any) -> None:
        if progress.partial is not None:
            run = only(progress.partial)
            assert "weight_norm" in run.quantities and not progress.partial.complete
            seen.append(np.flatnonzero(run.computed).tolist())

    probe = Dynamics(pairs=2).completed(problem_of())
    steps = probe.run(problem_of(), lambda question, there=None: question.run(there, None))  # type: ignore[arg-type]
    for progress in steps:
        look(progress)
    assert seen[0] == [] and seen[3] == [0, 3, 5]
    assert all(set(a) < set(b) for a, b in itertools.pairwise(seen))


def test_each_checkpoints_numbers_are_an_answer_of_their_own(tmp_path: Path) -> None:
    problem, store = problem_of(), Store(tmp_path)
    result = only(ask(Dynamics(**FEW), problem, store=store))
    before = {entry.key for entry in store.entries()}
    for k, place in enumerate((0, 2, 5)):
        own = ask(Moment(pairs=2), at(problem, place), store=store)
        assert {name: float(q.values) for name, q in own.quantities.items()} == {
            name: result.quantities[name].values[k] for name in own.quantities
        }
    assert {entry.key for entry in store.entries()} == before
    ask(Dynamics(pairs=2), problem, store=store)
    assert len(store.entries()) == len(before) + 3 + 1  # the three checkpoints between, and the whole


@pytest.mark.parametrize(
    ("training", "limit", "words"),
    [
        (SGD, 4.0, "2/lr"),
        ({**SGD, "momentum": 0.9}, 7.6, "(2 + 2b)/lr, b = 0.9"),
        ({**SGD, "momentum": 0.9, "nesterov": True}, 7.6 / 2.8, "(2 + 2b)/(lr (1 + 2b)), b = 0.9"),
        ({**SGD, "weight_decay": 0.25}, 3.75, "2/lr − weight decay 0.25"),
        ({**SGD, "momentum": 0.9, "dampening": 0.5}, 15.2, "(2 + 2b)/(lr (1 − d)), b = 0.9"),
        ({"optimizer": "Adam", "lr": 0.5}, None, ""),
        ({"optimizer": "AdamW", "lr": 0.5, "weight_decay": 0.1}, None, ""),
        ({"lr": 0.5}, None, ""),
        ({"optimizer": "SGD"}, None, ""),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else None,
)
def test_the_limit_is_that_of_the_optimiser_that_the_card_names(training: dict[str, Any], limit: float | None, words: str) -> None:
    result = ask(Dynamics(checkpoints=1, pairs=2), problem_of(training))
    run = only(result)
    assert run.limit_words == words
    found = run.limit()
    assert found is None if limit is None else found == pytest.approx([limit])
    adaptive = str(training.get("optimizer", "")).startswith("Adam")
    assert ("stability_ratio" in run.quantities, "lgdi" in run.quantities) == ((not adaptive and "lr" in training),) * 2
    said = " ".join(result.notes)
    assert ("preconditioned Hessian" in said) == adaptive
    assert ("Nothing says" in said) == (limit is None and not adaptive)


def test_sam_has_a_limit_of_its_own_below_that_of_gradient_descent() -> None:
    run = only(ask(Dynamics(checkpoints=2, pairs=2), problem_of({"optimizer": "SAM", "lr": 0.5, "rho": 0.05})))
    limit, slope = run.limit(), run.quantities["gradient_norm"].values
    assert limit is not None and (limit < 4).all() and "SAM" in run.limit_words
    ratio = limit * (1 + 0.05 * limit / slope)  # what a step multiplies the leading coordinate by is 1 minus lr times this
    assert 0.5 * ratio == pytest.approx([2, 2])


def test_an_optimiser_is_named_as_its_card_does_and_not_said_to_be_what_it_may_not_be() -> None:
    for training, said in (
        ({"optimizer": "AdamW", "lr": 0.1}, "by AdamW: no limit, ratio or LGDI, for its steps are preconditioned"),
        ({"optimizer": "Lion", "lr": 0.1}, "by Lion: no limit, ratio or LGDI, for they are those of gradient descent"),
        ({"optimizer": "SAM", "lr": 0.1, "rho": 0.05, "momentum": 0.9}, "by SAM with momentum: no limit of stability is drawn"),
        ({"optimizer": "SAM", "lr": 0.1}, "by SAM with a radius rho that nothing says: no limit"),
    ):
        result = ask(Dynamics(checkpoints=1, pairs=2), problem_of(training))
        assert only(result).limit() is None and said in " ".join(result.notes)


def test_files_that_were_left_out_of_the_run_are_said() -> None:
    problem = problem_of()
    problem.run.notes = ("1 file with other tensors left out: epoch-2.pt.",)
    assert "1 file with other tensors left out: epoch-2.pt." in ask(Dynamics(checkpoints=1, pairs=2), problem).notes


def test_a_checkpoint_that_is_not_finite_stays_so_and_is_said() -> None:
    problem = problem_of()
    problem.every[2] = problem.every[2] * float("nan")
    result = ask(Dynamics(pairs=2), problem)
    run = only(result)
    assert np.isnan(run.quantities["train_loss"].values).tolist() == [False, False, True, False, False, False]
    assert np.isnan(run.quantities["lambda_max"].values).tolist() == [False, False, True, False, False, False]
    assert result.complete and run.computed.all()
    assert any("epoch 2" in note and "nan" in note for note in result.notes)
    assert np.isnan(run.place).all(axis=1).tolist() == [False, False, True, False, False, False]


def test_what_is_the_same_of_many_checkpoints_is_said_once() -> None:
    problem = problem_of()
    for k in range(1, 6):
        problem.every[k] = problem.every[k] * float("nan")
    said = [note for note in ask(Dynamics(pairs=2), problem).notes if "nan" in note]
    assert said == ["5 checkpoints from epoch 1 to epoch 5: The train loss at the checkpoint is nan."]


# ---------------------------------------------------------------------------------------------------------------------- logs


def test_a_log_stands_beside_what_is_computed_and_gives_the_rate_of_each_checkpoint() -> None:
    rows = tuple(
        {"epoch": k / 2, "lr": 0.5 / (1 + k), "train_loss": 2.0 - k / 10, "test_acc": 50.0 + k, "seconds": 7.0} for k in range(11)
    )
    run = only(ask(Dynamics(pairs=2), problem_of(rows=rows)))
    assert run.logged_order.tolist() == [k / 2 for k in range(11)]
    assert set(run.logged) == {"learning_rate", "train_loss", "test_accuracy"}  # seconds are no part of dynamics
    assert run.logged["test_accuracy"].values == pytest.approx([0.5 + k / 100 for k in range(11)])
    assert run.quantities["learning_rate"].values == pytest.approx([0.5 / (1 + 2 * k) for k in range(6)])
    assert run.limit() == pytest.approx([4 * (1 + 2 * k) for k in range(6)])


def test_of_two_rows_of_one_epoch_the_first_tells_the_rate() -> None:
    """As everywhere a run's log is read (`Run.logged`)."""
    rows = tuple({"epoch": k, "lr": rate} for rate in (0.5, 0.1) for k in range(6))
    assert only(ask(Dynamics(checkpoints=1, pairs=2), problem_of(rows=rows))).quantities["learning_rate"].values == pytest.approx(
        [0.5]
    )


def test_what_an_adaptive_run_logged_of_ratio_and_index_is_not_drawn_either() -> None:
    rows = ({"epoch": 1, "stability_ratio": 0.1, "lgdi": 0.2, "grad_norm": 3.0},)
    for optimiser, kept in (("Adam", {"gradient_norm"}), ("SGD", {"gradient_norm", "stability_ratio", "lgdi"})):
        run = only(ask(Dynamics(checkpoints=1, pairs=2), problem_of({"optimizer": optimiser, "lr": 0.1}, rows)))
        assert set(run.logged) == kept


def test_a_mended_card_or_a_longer_log_is_another_question() -> None:
    texts = [
        Dynamics().completed(problem_of(training, rows)).records  # type: ignore[attr-defined]
        for training, rows in ((SGD, ()), ({**SGD, "momentum": 0.9}, ()), (SGD, ({"epoch": 0.0, "lr": 0.1},)))
    ]
    assert len(set(texts)) == 3 and Dynamics().completed(problem_of()) == Dynamics().completed(problem_of())
    renamed = problem_of()
    renamed.run.name = "copy"  # of the same files: an answer kept of them holds the other name
    assert Dynamics().completed(renamed) != Dynamics().completed(problem_of())


# -------------------------------------------------------------------------------------------------------------- several runs


@pytest.fixture(scope="module")
def pair() -> Any:
    """Two of the samples, on which the other run's folder, log and card are its own."""
    from landscape_gui.problem import open_problem

    return open_problem("samples:mnist1d-small-batch")


def test_the_other_run_has_its_own_checkpoints_log_and_rates(pair: Any) -> None:
    probe = Dynamics(against=(CheckpointRef("samples:mnist1d-large-batch"),), over="step", checkpoints=2, limit=64, pairs=2)
    result = ask(probe, pair)
    assert list(result.runs) == ["mnist1d-small-batch", "mnist1d-large-batch"] and result.unit == "step"
    small, large = result.runs.values()
    assert small.names == ("epoch 0", "epoch 40") and large.names == ("epoch 0", "epoch 400")
    assert small.order.tolist() == [0, 40 * 250] and large.order.tolist() == [0, 400 * 4]  # 4,000 examples by 16, by 1,024
    assert small.quantities["learning_rate"].values.tolist() == [0.001, 0.0001]
    assert large.quantities["learning_rate"].values.tolist() == [0.005, 0.0005]
    assert small.quantities["lambda_max"].values[0] == large.quantities["lambda_max"].values[0]  # one start
    assert small.quantities["lambda_max"].values[1] != large.quantities["lambda_max"].values[1]
    assert large.logged["test_accuracy"].values[-1] == 0.863
    assert result.subset == "64 of 4,000 train" and "batches of 16 from 4,000 examples" in " ".join(result.notes)
    assert np.allclose(small.place[0], large.place[0])


def test_runs_on_shares_of_their_training_end_together(pair: Any) -> None:
    probe = Dynamics(against=(CheckpointRef("samples:mnist1d-large-batch"),), over="share").completed(pair)
    from landscape_gui.probes.dynamics_run import Growing

    growing = Growing(probe, pair)  # type: ignore[arg-type]
    first, second = growing.lines
    assert first.order.tolist() == second.order.tolist() == [0, 0.125, 0.25, 0.5, 1]
    assert first.logged_order[-1] == second.logged_order[-1] == 1


def test_what_is_no_other_run_is_said(pair: Any, tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="compared with itself"):
        Dynamics(against=(CheckpointRef("samples:mnist1d-small-batch"),)).completed(pair)
    alone = problem_of()
    alone.run = SimpleNamespace(checkpoints=alone.run.checkpoints[:1])
    with pytest.raises(QuestionError, match="belongs to no run"):
        Dynamics().completed(alone)
