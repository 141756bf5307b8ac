"""The modified loss as a surface, the gradient noise scale and the mean step of SGD, as questions."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem
from torch import nn

from landscape_gui import jobs
from landscape_gui.commands.summary import describe
from landscape_gui.core.minibatches import generator
from landscape_gui.errors import QuestionError
from landscape_gui.export.tables import as_json, write_csv
from landscape_gui.figure import Line, Look, Points, Rule
from landscape_gui.jobs import answer
from landscape_gui.probes import Surface, implicit_bias, kind_of
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.implicit_bias import ImplicitBias
from landscape_gui.probes.mean_step import MeanStep
from landscape_gui.probes.noise_scale import NoiseScale
from landscape_gui.probes.plane import resolve
from landscape_gui.probes.report import Report
from landscape_gui.probes.spectrum import Spectrum
from landscape_gui.probes.training_numbers import TEXTS
from landscape_gui.results import SurfaceResult
from landscape_gui.store import Store
from landscape_gui.training_results import MeanStepResult, NoiseScaleResult


def ask(probe: Any, problem: TinyProblem, **more: Any) -> Any:
    return answer(probe, problem, **more)  # type: ignore[arg-type]


def trained(**training: Any) -> TinyProblem:
    problem = TinyProblem()
    problem.description = {**problem.description, "training": training}
    return problem


def test_the_surface_holds_at_every_point_what_torch_gives_there() -> None:
    """In float64 against torch's own gradients of the same batches: those of the permutation that seed 0 draws."""
    problem = TinyProblem()
    result = ask(ImplicitBias(lr=0.4, batch=60, steps=(3, 4), span=(0.7,), precision="float64"), problem)
    assert isinstance(result, SurfaceResult) and result.computed.all()
    plane = resolve(Surface(), problem)  # type: ignore[arg-type]
    x, y = problem.part("train").inputs.double(), problem.part("train").targets
    order = torch.randperm(200, generator=generator(0, 0))
    module = problem.module.double()

    def slope(state: Any, chosen: Any) -> tuple[float, Any]:
        at = state.clone().requires_grad_()
        output = torch.func.functional_call(module, problem.layout.unflatten(at), (x[chosen],))
        loss = nn.functional.cross_entropy(output, y[chosen])
        return float(loss.detach()), torch.autograd.grad(loss, at)[0]

    q = {name: quantity.values for name, quantity in result.quantities.items()}
    for j, row in enumerate(result.y):
        for i, column in enumerate(result.x):
            state = plane.origin.double() + float(column) * plane.axes[0].double() + float(row) * plane.axes[1].double()
            loss, whole = slope(state, order)
            parts = [slope(state, order[k : k + 60])[1] for k in (0, 60, 120)]
            scatter = float(np.mean([float((part - whole).square().sum()) for part in parts]))
            assert q["train_loss"][j, i] == pytest.approx(loss, rel=1e-10)
            assert q["gradient_squared"][j, i] == pytest.approx(float(whole.square().sum()), rel=1e-8)
            assert q["minibatch_scatter"][j, i] == pytest.approx(scatter, rel=1e-8)
    module.float()
    penalty = 0.1 * (q["gradient_squared"] + q["minibatch_scatter"])
    assert np.allclose(q["train_modified_loss"], q["train_loss"] + penalty, rtol=1e-12)
    assert np.allclose(q["penalty"], penalty, rtol=1e-12)
    error = result.quantities["minibatch_scatter"].standard_error
    assert np.allclose(result.quantities["penalty"].standard_error, 0.1 * error) and (error > 0).all()


def test_the_learning_rate_and_batch_are_those_of_training_unless_given() -> None:
    problem = trained(optimizer="SGD", lr=0.2, batch_size=50, momentum=0.9)
    asked: Any = ImplicitBias().completed(problem)  # type: ignore[arg-type]
    assert (asked.lr, asked.batch, asked.split) == (0.2, 50, "train")
    given: Any = ImplicitBias(lr=0.1, batch=1000).completed(problem)  # type: ignore[arg-type]
    assert (given.lr, given.batch) == (0.1, 200)
    with pytest.raises(QuestionError, match="learning rate is not known") as caught:
        ImplicitBias().completed(TinyProblem())  # type: ignore[arg-type]
    assert "--lr" in caught.value.remedy
    result = ask(ImplicitBias(steps=(2, 2)), problem)
    assert "momentum 0.9" in " ".join(result.notes) and "lr 0.2" in result.quantities["train_modified_loss"].label


def test_steps_on_the_full_batch_have_no_scatter_on_the_surface() -> None:
    result = ask(ImplicitBias(lr=0.4, batch=200, steps=(2, 2)), TinyProblem())
    assert "minibatch_scatter" not in result.quantities and "full batch" in result.notes[0]
    q = {name: quantity.values for name, quantity in result.quantities.items()}
    assert np.allclose(q["penalty"], 0.1 * q["gradient_squared"])


def test_an_interrupted_surface_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(implicit_bias.curvature, "TELL_EVERY", 0.0)
    probe, store = ImplicitBias(lr=0.4, batch=60, steps=(4, 3)), Store(tmp_path)
    calls = iter(range(1000))
    with pytest.raises(jobs.Cancelled):
        ask(probe, TinyProblem(), store=store, cancelled=lambda: next(calls) > 5)
    whole, fresh = ask(probe, TinyProblem(), store=store), ask(probe, TinyProblem())
    for name, quantity in fresh.quantities.items():
        assert np.array_equal(whole.quantities[name].values, quantity.values)


@pytest.mark.parametrize("view", ["3d", "2d", "chart"])
def test_loss_and_modified_loss_stand_side_by_side_in_the_same_limits(view: Any) -> None:
    probe = ImplicitBias(lr=0.4, batch=60, steps=(3, 3))
    result = ask(probe, TinyProblem())
    figure = probe.figure(result, Look(view=view))
    first, second, difference = figure.panels
    assert first.z.limits == second.z.limits != difference.z.limits and {p.view for p in figure.panels} == {view}
    assert first.surface is not None and second.surface is not None and difference.surface is not None
    assert np.allclose(second.surface.z - first.surface.z, difference.surface.z)
    assert first.z.limits is not None and first.z.limits[1] >= second.surface.z.max() - 1e-12
    assert [bar.panels for bar in figure.bars] == [(0, 1), (2,)] and "Smith et al. 2021" in figure.caption
    swapped = probe.figure(result, Look(view=view, quantity="train_modified_loss"))
    assert swapped.panels[0].title.startswith("Modified") and swapped.panels[0].z.limits == first.z.limits
    alone = probe.figure(result, Look(view=view, quantity="gradient_squared"))
    assert len(alone.panels) == 1


def test_the_noise_scale_is_told_with_its_layers_and_read_back(tmp_path: Path) -> None:
    problem, store = trained(batch_size=20), Store(tmp_path / "store")
    problem.states = problem.states[:1]
    result = ask(NoiseScale(precision="float64"), problem, store=store)
    assert isinstance(result, NoiseScaleResult)
    x, y = problem.part("train").inputs.double(), problem.part("train").targets
    module = problem.module.double()

    def loss(at: Any, row: Any, target: Any) -> Any:
        output = torch.func.functional_call(module, problem.layout.unflatten(at), (row[None],))
        return nn.functional.cross_entropy(output, target[None])

    each = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))(problem.states[0].double(), x, y)
    module.float()
    trace = float(torch.cov(each.T).trace())
    square = float(each.mean(0).square().sum()) - trace / 200
    numbers = {name: number.value for name, number in result.numbers.items()}
    assert numbers["gradient_trace"] == pytest.approx(trace, rel=1e-9)
    assert numbers["gradient_square"] == pytest.approx(square, rel=1e-9)
    assert numbers["noise_scale"] == pytest.approx(trace / square, rel=1e-9)
    assert numbers["scatter_share"] == pytest.approx(trace / 20 / (trace / 20 + square), rel=1e-9)
    assert result.layers == ("0", "2") and float(result.traces.sum()) == pytest.approx(trace, rel=1e-9)
    figure = NoiseScale().figure(result, Look())
    rules, points = ([m.label for m in figure.panels[0].marks if isinstance(m, kind)] for kind in (Rule, Points))
    assert len(figure.panels) == 2 and points == ["trained with 20"] and rules[0].startswith("noise scale ")
    again: Any = store.get(result.provenance.key)
    assert kind_of(again) is NoiseScale and again.layers == result.layers and np.array_equal(again.traces, result.traces)
    write_csv(tmp_path / "n.csv", result)
    assert "gradient noise scale" in describe(result) and as_json(result)["kind"] == "noise-scale"


def test_where_nothing_but_noise_is_left_the_scale_is_a_bound() -> None:
    """A mean gradient that is less than two standard errors long."""
    from landscape_gui.core.gradient_noise import estimate
    from landscape_gui.probes.noise_scale import numbers, statement

    noise = estimate(np.full(50, 1.0), np.tile([0.02, -0.02], 25), 0.025, 1)
    told = {number.name: number for number in numbers(noise, 0)}
    assert told["noise_scale"].kind == "lower bound" and math.isnan(told["noise_scale"].error)
    assert "cannot be told" in statement(noise) and "scatter_share" not in told
    share = {number.name: number for number in numbers(noise, 20)}["scatter_share"]
    assert share.kind == "lower bound" and share.value == pytest.approx(noise.least / (noise.least + 20))
    assert "known to be large" in statement(estimate(np.full(50, 1.0), np.zeros(50), 1e-4, 1))
    two = estimate(np.full(2, 1.0), np.zeros(2), 1e-4, 1)  # leaves nothing to leave out of
    assert two.least == 0 and "too few" in statement(two) and "inf" not in statement(two)


def test_the_share_of_noise_has_the_error_that_the_scale_gives_it() -> None:
    """Against the jackknife of the share itself, to a tenth: both are linear in small errors."""
    from landscape_gui.core.gradient_noise import estimate
    from landscape_gui.probes.noise_scale import numbers

    rng = np.random.default_rng(0)
    each = np.array([3.0, 0, 0, 0]) + rng.standard_normal((400, 4))
    mean = each.mean(0)

    def share(rows: Any) -> float:
        trace = rows.var(0, ddof=1).sum()
        return float(trace / 20 / (trace / 20 + (rows.mean(0) ** 2).sum() - trace / len(rows)))

    left = np.array([share(np.delete(each, k, 0)) for k in range(400)])
    error = math.sqrt(399 / 400 * float(((left - left.mean()) ** 2).sum()))
    noise = estimate(((each - mean) ** 2).sum(1), (each - mean) @ mean, float(mean @ mean), 1)
    told = {number.name: number for number in numbers(noise, 20)}["scatter_share"]
    assert told.kind == "standard error" and told.value == pytest.approx(share(each))
    assert told.error == pytest.approx(error, rel=0.1)


def test_what_training_was_counts_in_the_question() -> None:
    """Answers kept of the same files hold what another card said."""
    first, second = trained(optimizer="SGD", lr=0.2, batch_size=20), trained(optimizer="SGD", lr=0.2, batch_size=20, momentum=0.9)
    asked = [(probe(), first, second) for probe in (ImplicitBias, Eigenvalues, Spectrum, Report)]
    for probe, one, other in (*asked, (NoiseScale(), first, trained(batch_size=40))):
        assert probe.completed(one) != probe.completed(other)  # type: ignore[arg-type]
    assert NoiseScale().completed(TinyProblem()) == NoiseScale(split="train")  # type: ignore[arg-type]
    assert Eigenvalues().completed(TinyProblem()) == Eigenvalues(split="train")  # type: ignore[arg-type]
    kept = Spectrum().completed(first)  # type: ignore[arg-type]
    assert isinstance(kept, Spectrum) and kept.lines is not None and kept.lines.completed(first) == kept.lines  # type: ignore[arg-type]
    decayed = ask(ImplicitBias(steps=(2, 2)), trained(optimizer="SGD", lr=0.2, weight_decay=0.01))
    assert "weight decay 0.01" in " ".join(decayed.notes)


def test_a_rate_far_beyond_the_expansion_is_refused_before_hours_of_flow() -> None:
    with pytest.raises(QuestionError, match="time scales of the largest curvature") as caught:
        ask(MeanStep(batch=50, lr=1e6), TinyProblem())
    assert "or 0 for one that fits" in caught.value.remedy


def test_a_residual_that_says_nothing_says_why() -> None:
    problem = TinyProblem()
    problem.states = problem.states[:2]
    tiny = ask(MeanStep(batch=50, lr=1e-13, rates=2, pairs=1), problem)
    assert "size of rounding" in tiny.notes[0] and {number.kind for number in tiny.numbers.values()} == {"heuristic"}
    assert not ask(MeanStep(batch=50, rates=3, pairs=2), problem).notes
    large = ask(MeanStep(batch=200, lr=12 / tiny.curvature, rates=2, pairs=1), problem)
    assert "not of second order" in large.notes[0]


def test_the_mean_step_has_the_slopes_of_theory_and_a_picture() -> None:
    problem = TinyProblem()
    problem.states = problem.states[:2]
    result = ask(MeanStep(batch=50, rates=3, pairs=2), problem)
    assert isinstance(result, MeanStepResult) and result.complete and (result.steps, result.orders) == (4, 4)
    assert result.rates[-1] * result.curvature * 4 == pytest.approx(0.25) and result.rates[0] == result.rates[-1] / 4
    slopes = {name: number.value for name, number in result.numbers.items()}
    assert slopes["slope_modified"] == pytest.approx(2, abs=0.1), "an epoch of a quarter of the time scale: higher orders show"
    assert slopes["slope_plain"] == pytest.approx(1, abs=0.1) and slopes["slope_half"] == pytest.approx(1, abs=0.1)
    assert (result.residuals["modified"] < result.residuals["plain"]).all()
    figure = MeanStep().figure(result, Look())
    lines = [m for m in figure.panels[0].marks if isinstance(m, Line)]
    assert len(lines) == 5 and figure.panels[0].x.scale == figure.panels[0].y.scale == "log"
    assert "slope" in describe(result) and "slope with L alone" in figure.caption


def test_a_mean_step_half_done_is_drawn_as_far_as_it_goes() -> None:
    partials: list[Any] = []
    problem = TinyProblem()
    ask(MeanStep(batch=100, rates=2, pairs=1), problem, on_progress=lambda p: partials.append(p.partial))
    half = next(p for p in partials if p is not None)
    assert not half.complete and np.isfinite(half.moved).sum() == 1 and not half.numbers
    assert MeanStep().figure(half, Look()).panels[0].marks
    nothing = dataclasses.replace(half, moved=np.full(2, np.nan))
    assert "Nothing" in MeanStep().figure(nothing, Look()).panels[0].marks[0].text  # type: ignore[union-attr]


def test_every_number_says_three_sentences_and_whose_they_are() -> None:
    for text in TEXTS.values():
        for sentence in (text.what, text.estimate, text.reading):
            assert sentence[0].isupper() and sentence.endswith(".")
        assert "20" in text.help.rpartition("(")[2]
