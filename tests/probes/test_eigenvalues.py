"""Eigenvalues: against the Hessian written out, with bounds that hold, and sentences where there is nothing to find."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dense_hessian import gradient, hessian
from tiny_problem import TinyProblem

from landscape_gui.curvature_results import EigenvaluesResult
from landscape_gui.errors import LandscapeError, QuestionError
from landscape_gui.figure import Line, Look, Points
from landscape_gui.jobs import answer
from landscape_gui.probes.curvature_numbers import Training, training_of
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.store import read_result, write_result


def ask(probe: Eigenvalues, problem: Any) -> EigenvaluesResult:
    result = answer(probe, problem)
    assert isinstance(result, EigenvaluesResult)
    return result


@pytest.fixture(scope="module")
def problem() -> TinyProblem:
    return TinyProblem()


@pytest.fixture(scope="module")
def truth(problem: TinyProblem) -> Any:
    return np.linalg.eigvalsh(hessian(problem).numpy())[::-1]


@pytest.mark.parametrize("seed", range(3))
def test_both_ends_are_those_of_the_hessian_and_the_bounds_hold(problem: TinyProblem, truth: Any, seed: int) -> None:
    result = ask(Eigenvalues(largest=5, smallest=3, seed=seed, precision="float64"), problem)
    expected = np.concatenate([truth[:5], truth[-3:]])
    assert result.converged.all()
    assert (result.residuals <= 1e-5 * np.abs(truth).max()).all()
    # The tiny problem's own weights are float32, and so is the matrix written out: 1e-12 is rounding of float64.
    assert (np.abs(result.eigenvalues - expected) <= result.residuals + 1e-12).all()
    assert result.numbers["lambda_max"].value == result.eigenvalues[0]
    assert result.numbers["lambda_min"].value == result.eigenvalues[-1]
    vectors = result.vectors.astype(float)
    # Vectors are kept in float32: half a unit in the last place of components below 1, over their number.
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(8), atol=1e-6)


def test_a_layers_block_is_that_of_the_hessian(problem: TinyProblem) -> None:
    dense = hessian(problem).numpy()
    name = problem.layout.layers()[0][0]
    segments = problem.layout.layers()[0][1]
    part = slice(segments[0].start, segments[-1].stop)
    result = ask(Eigenvalues(largest=2, smallest=1, layer=f" {name} ", precision="float64"), problem)
    expected = np.linalg.eigvalsh(dense[part, part])
    np.testing.assert_allclose(result.eigenvalues, [*expected[::-1][:2], expected[0]], atol=1e-5 * expected[-1])
    assert (result.layer, result.size) == (name, part.stop - part.start)


def test_more_than_there_are_gives_all_of_them(problem: TinyProblem, truth: Any) -> None:
    result = ask(Eigenvalues(largest=1000, smallest=1000, precision="float64"), problem)
    np.testing.assert_allclose(result.eigenvalues, truth, atol=1e-12)
    assert result.converged.all()


def test_the_gradients_share_is_its_projection(problem: TinyProblem) -> None:
    _, vectors = np.linalg.eigh(hessian(problem).numpy())
    g = gradient(problem).numpy()
    expected = np.linalg.norm(vectors[:, ::-1][:, :4].T @ g) / np.linalg.norm(g)
    result = ask(Eigenvalues(largest=6, smallest=0, precision="float64"), problem)
    aligned = result.numbers["gradient_alignment"]
    assert "of 4" in aligned.label  # as many as there are classes
    assert abs(aligned.value - expected) <= aligned.error
    assert aligned.error < 1e-3
    assert result.numbers["gradient_norm"].value == pytest.approx(np.linalg.norm(g), rel=1e-12)


def test_power_iteration_tells_its_convergence_beside_its_rates(problem: TinyProblem, truth: Any) -> None:
    result = ask(Eigenvalues(method="power", precision="float64"), problem)
    assert abs(result.eigenvalues[0] - truth[0]) <= result.residuals[0]
    assert result.products == len(result.history) == len(result.history_residuals)
    magnitudes = np.sort(np.abs(truth))[::-1]
    # The decay is measured over the last third of the products, where other eigenvalues still take part a little.
    assert result.ratio == pytest.approx(magnitudes[1] / magnitudes[0], rel=0.05)
    (panel,) = Eigenvalues().figure(result, Look()).panels
    lines = [m for m in panel.marks if isinstance(m, Line)]
    assert sum(m.dash for m in lines) == 2
    assert panel.y.scale == "log"
    rate = next(m for m in lines if m.label.endswith("^(2k)"))
    steps = np.log(rate.y[1:] / rate.y[:-1])[np.isfinite(rate.y[:-1]) & np.isfinite(rate.y[1:])]
    np.testing.assert_allclose(steps, 2 * np.log(result.ratio), rtol=1e-9)
    assert not {"lambda_min", "condition_number", "max_min_ratio", "negative_eigenvalues"} & set(result.numbers)


def test_the_operators_add_up_and_the_kernel_lives_over_examples(problem: TinyProblem) -> None:
    everything = {"largest": 1000, "precision": "float64"}
    names = ("hessian", "gauss-newton", "residual")
    traces = {name: ask(Eigenvalues(**everything, operator=name), problem).eigenvalues.sum() for name in names}
    assert traces["gauss-newton"] + traces["residual"] == pytest.approx(traces["hessian"], rel=1e-10)
    assert ask(Eigenvalues(largest=3, smallest=3, operator="gauss-newton"), problem).eigenvalues[-1] > -1e-6
    kernel = ask(Eigenvalues(largest=3, smallest=0, operator="ntk", limit=20), problem)
    assert "condition_number" in kernel.numbers and "negative_eigenvalues" not in kernel.numbers
    assert kernel.size == 20 * 4
    assert kernel.examples == 20
    assert (kernel.eigenvalues > 0).all()
    assert not len(kernel.gradient_shares)


def test_it_is_kept_and_read_back(problem: TinyProblem, tmp_path: Path) -> None:
    result = ask(Eigenvalues(largest=3), problem)
    write_result(tmp_path / "e.h5", result)
    found = read_result(tmp_path / "e.h5")
    assert isinstance(found, EigenvaluesResult)
    np.testing.assert_array_equal(found.vectors, result.vectors)
    assert repr(found.numbers) == repr(result.numbers)  # where an error is not known it is NaN
    assert found.provenance.question["split"] == "train"


def test_the_picture_says_what_must_be_known(problem: TinyProblem) -> None:
    result = ask(Eigenvalues(largest=3, limit=50, seed=2), problem)
    figure = Eigenvalues().figure(result, Look())
    facts = dict(figure.facts)
    assert "N = 50" in facts["Data"]
    assert facts["Seed"] == "2"
    assert "float32" in facts["Precision"]
    assert "(bound)" in facts["Largest eigenvalue"]
    points = next(m for m in figure.panels[0].marks if isinstance(m, Points))
    np.testing.assert_array_equal(points.y, result.eigenvalues)


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (Eigenvalues(split="nothing"), "There is no split 'nothing'. Choose one of train, test."),
        (Eigenvalues(layer="fc99"), "No parameter that requires a gradient is in 'fc99'."),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(problem: TinyProblem, probe: Eigenvalues, said: str) -> None:
    with pytest.raises(LandscapeError) as error:
        answer(probe, problem)  # type: ignore[arg-type]
    assert said in str(error.value)


def test_nothing_asked_for_is_a_sentence() -> None:
    with pytest.raises(QuestionError, match="No eigenvalue is asked for"):
        Eigenvalues(largest=0, smallest=0)


def test_a_loss_that_is_not_finite_is_a_sentence() -> None:
    problem = TinyProblem()
    problem.states[-1][0] = float("nan")
    with pytest.raises(LandscapeError, match="loss at the checkpoint is nan"):
        answer(Eigenvalues(), problem)  # type: ignore[arg-type]


def test_a_network_without_trainable_parameters_is_a_sentence() -> None:
    problem = TinyProblem()
    problem.module.requires_grad_(False)
    with pytest.raises(LandscapeError, match="No parameter of this network requires a gradient"):
        answer(Eigenvalues(), problem)  # type: ignore[arg-type]


def test_one_example_has_a_curvature_too() -> None:
    problem = TinyProblem()
    result = ask(Eigenvalues(largest=2, limit=1, precision="float64"), problem)
    assert result.examples == 1
    assert np.isfinite(result.eigenvalues).all()


@pytest.mark.parametrize(
    ("training", "limit"),
    [
        (Training(lr=0.1, optimizer="sgd"), 20.0),
        (Training(lr=0.1, momentum=0.9, optimizer="momentum"), 38.0),
        (Training(lr=0.1, momentum=0.9, nesterov=True, optimizer="sgd"), 38.0 / 2.8),
        (Training(lr=0.1, momentum=0.9, weight_decay=0.5, optimizer="gd"), 37.5),
        (Training(lr=0.1, dampening=0.5, momentum=0.9, optimizer="sgd"), 76.0),
        (Training(lr=0.1, optimizer="adam"), float("nan")),
        (Training(lr=0.1), float("nan")),
        (Training(lr=float("nan")), float("nan")),
    ],
)
def test_the_stability_limit_follows_the_momentum(training: Training, limit: float) -> None:
    assert training.limit == pytest.approx(limit, nan_ok=True)


def test_the_learning_rate_is_that_of_the_log_then_of_the_checkpoint_then_of_the_card() -> None:
    entry = SimpleNamespace(path=Path("a.pt"))
    run = SimpleNamespace(position=lambda path: 0, logged=lambda e: {"lr": 0.003}, checkpoints=(entry,))
    card = {"training": {"optimizer": "SGD", "lr": 0.03, "momentum": 0.9, "weight_decay": 5e-4}}
    checkpoint = SimpleNamespace(path=Path("a.pt"), metadata={"lr": "0.01"})
    found = SimpleNamespace(description=card, run=run, checkpoint=checkpoint)
    assert training_of(found) == Training(lr=0.003, momentum=0.9, optimizer="sgd", weight_decay=5e-4)  # type: ignore[arg-type]
    found.run = None
    assert training_of(found).lr == 0.01  # type: ignore[arg-type]
    checkpoint.metadata = {}
    assert training_of(found).lr == 0.03  # type: ignore[arg-type]
    found.description = {}
    assert np.isnan(training_of(found).lr)  # type: ignore[arg-type]
