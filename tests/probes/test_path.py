"""One path between two models: closed forms, ends, errors, turned round, taken up again, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pair_problems import LINEAR, NORMED, PLAIN, PRODUCT, data_of, module_of, opened, reference, scaled, trained
from torch import Tensor

from landscape_gui import jobs
from landscape_gui.connection_results import CurveResult, EndpointResult, PathResult
from landscape_gui.errors import ProblemError, QuestionError
from landscape_gui.jobs import Cancelled, answer
from landscape_gui.probes import path_numbers
from landscape_gui.probes.base import Progress
from landscape_gui.probes.curve import CurveQuestion
from landscape_gui.probes.endpoint import Endpoint
from landscape_gui.probes.path import PathQuestion
from landscape_gui.probes.path_measuring import Measuring, places
from landscape_gui.problem import Problem
from landscape_gui.store import Store

DEFINITIONS = ("above_line", "above_mean", "above_larger")


def measure(problem: Problem, other: Problem, **fields: Any) -> PathResult:
    store = fields.pop("store", None)
    found = answer(PathQuestion(towards=reference(problem, other), **fields), problem, store=store)
    assert isinstance(found, PathResult)
    return found


def finished(steps: Any) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def pair(folder: Path, code: str = PLAIN) -> tuple[Problem, Problem]:
    found = opened(folder, code, a=trained(code, 0), b=trained(code, 1))
    return found["a"], found["b"]


# ---------------------------------------------------------------------------------------------------------------- closed forms


def test_a_line_and_its_barrier_are_those_of_the_closed_form(tmp_path: Path) -> None:
    """(1, 1) to (-2, -0.75): the loss is m ((1 - 3t)(1 - 1.75 t) - 1)^2 in float64."""
    problems = opened(tmp_path, PRODUCT, a=scaled([1.0, 1.0]), b=scaled([-2.0, -0.75]))
    found = measure(problems["a"], problems["b"], points=41, beyond=0.3, precision="float64")
    for split in ("train", "test"):
        m = float(data_of(PRODUCT, split)[0].double().square().mean())
        expected = m * ((1 - 3 * found.t) * (1 - 1.75 * found.t) - 1) ** 2
        np.testing.assert_allclose(found.quantities[f"{split}_loss"].values, expected, rtol=1e-12, atol=1e-15)
        inside = (found.t >= 0) & (found.t <= 1)
        t, loss, end = found.t[inside], expected[inside], m * 0.25
        heights = {"above_line": t * end, "above_mean": end / 2, "above_larger": end}
        for name, height in heights.items():
            assert found.numbers[f"{split}_loss_{name}"].value == pytest.approx((loss - height).max(), rel=1e-12)
    assert found.numbers["above_line"].value == found.numbers["train_loss_above_line"].value
    assert found.length == found.end_distance == pytest.approx(np.hypot(3, 1.75), rel=1e-12)
    np.testing.assert_allclose(found.arc, found.t * found.length, rtol=1e-12)


def test_a_convex_loss_has_no_barrier_above_the_line(tmp_path: Path) -> None:
    problems = opened(tmp_path, LINEAR, a=scaled([1.5]), b=scaled([-2.0]))
    found = measure(problems["a"], problems["b"], points=17, precision="float64")
    assert found.numbers["above_line"].value == 0 and found.numbers["connectivity_score"].value == 1
    values = found.quantities["train_loss"].values
    assert found.numbers["above_mean"].value == pytest.approx(abs(values[0] - values[-1]) / 2, rel=1e-12)
    assert found.numbers["above_larger"].value == 0
    assert found.numbers["maximum"].value == values.max()


def test_means_follow_the_trapezoidal_rule_over_t_and_over_the_length(tmp_path: Path) -> None:
    problems = opened(tmp_path, PRODUCT, a=scaled([1.0, 1.0]), b=scaled([-1.0, -1.0]))
    ends = problems["a"], problems["b"]
    found = measure(*ends, path="chain", points=9, precision="float64", of=chain(*ends, bends=2, steps=40, lr=0.05))
    values = found.quantities["train_loss"].values
    assert found.numbers["mean"].value == pytest.approx(np.trapezoid(values, found.t), rel=1e-12)
    assert found.numbers["arc_mean"].value == pytest.approx(np.trapezoid(values, found.arc) / found.length, rel=1e-12)
    assert found.length > found.end_distance


def chain(a: Problem, b: Problem, **fields: Any) -> CurveQuestion:
    """The question that finds a chain, with other fields."""
    found = PathQuestion(towards=reference(a, b), path="chain").completed(a).of
    assert isinstance(found, CurveQuestion)
    return dataclasses.replace(found, **fields)


# ------------------------------------------------------------------------------------------------------------------------ ends


def test_ends_are_the_checkpoints_own_loss(tmp_path: Path) -> None:
    a, b = pair(tmp_path)
    found = measure(a, b, points=5)
    for k, end in ((0, a), (-1, b)):
        for name, value in end.at_checkpoint().items():
            assert found.quantities[name].values[k] == pytest.approx(value, rel=1e-6)


def test_ends_are_measured_once_for_all_paths(tmp_path: Path) -> None:
    a, b = pair(tmp_path)
    store = Store(tmp_path / "store")
    line = measure(a, b, points=5, store=store)
    first = {e.key for e in store.entries() if e.probe == "endpoint"}
    measure(a, b, points=7, beyond=0.5, store=store)
    measure(b, a, points=5, store=store)
    assert len(first) == 2 and {e.key for e in store.entries() if e.probe == "endpoint"} == first
    own = answer(Endpoint(), a, store=store)
    assert isinstance(own, EndpointResult)
    assert line.quantities["train_loss"].values[0] == own.quantities["train_loss"].values[0]


@pytest.mark.parametrize("mode", ["interpolated", "recalculated", "frozen"])
def test_the_statistics_of_batchnorm_at_the_ends(tmp_path: Path, mode: str) -> None:
    """Interpolated: the checkpoints' own. Recalculated: those of the training data. Frozen: the first one's, also at the second."""
    a, b = pair(tmp_path, NORMED)
    found = measure(a, b, points=3, batchnorm=mode)
    n = a.layout.parameters
    expected = []
    for end in (a, b):
        state = end.state.clone()
        if mode == "frozen":
            state[n:] = a.state[n:]
        expected.append(loss_of(a, state, renew=mode == "recalculated"))
    values = found.quantities["train_loss"].values
    np.testing.assert_allclose([values[0], values[-1]], expected, rtol=1e-5)
    assert found.batchnorm == mode
    middle = 0.5 * (a.state + b.state)
    if mode == "frozen":
        middle[n:] = a.state[n:]
    assert values[1] == pytest.approx(loss_of(a, middle, renew=mode == "recalculated"), rel=1e-5)


def test_frozen_statistics_are_the_first_models_on_every_segment_of_a_chain(tmp_path: Path) -> None:
    a, b = pair(tmp_path, NORMED)
    question = chain(a, b, steps=20)
    curve = answer(question, a if question.towards.digest == b.checkpoint.digest else b)
    assert isinstance(curve, CurveResult)
    points = torch.from_numpy(np.array(curve.points))
    if question.towards.digest == a.checkpoint.digest:
        points = points.flip(0)
    state = 0.5 * (points[1] + points[2])
    state[a.layout.parameters :] = a.state[a.layout.parameters :]
    found = measure(a, b, path="chain", points=5, batchnorm="frozen", of=question)
    assert found.quantities["train_loss"].values[3] == pytest.approx(loss_of(a, state), rel=1e-5)


def loss_of(problem: Problem, state: Tensor, *, renew: bool = False) -> float:
    """By torch alone: the loss on the training data, with BatchNorm's statistics renewed from it where asked."""
    module = module_of(NORMED)
    x, y = data_of(NORMED)
    module.load_state_dict({**module.state_dict(), **problem.layout.unflatten(state.clone())})
    if renew:
        norm = module[1]  # type: ignore[index]
        norm.momentum = None
        norm.reset_running_stats()
        module.train()(x)
    module.eval()
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(module(x), y))


# ---------------------------------------------------------------------------------------------------------------------- errors


def test_errors_of_barriers_are_paired_over_examples(tmp_path: Path) -> None:
    """Against the scatter of each example's own difference, computed by torch alone in float64."""
    a, b = pair(tmp_path)
    found = measure(a, b, points=5, precision="float64")
    module, (x, y) = module_of(PLAIN).double(), data_of(PLAIN)

    def rows(t: float) -> Any:
        tensors = a.layout.unflatten((1 - t) * a.state.double() + t * b.state.double())
        output = torch.func.functional_call(module, tensors, (x.double(),))
        losses = torch.nn.functional.cross_entropy(output, y, reduction="none")
        return losses.detach().numpy(), (output.argmax(1) == y).double().numpy()

    ends = rows(0.0), rows(1.0)
    for k, t in enumerate(found.t):
        here = rows(float(t))
        for metric, index in (("train_loss", 0), ("train_accuracy", 1)):
            first, second = ends[0][index], ends[1][index]
            wanted = {
                "above_line": here[index] - (1 - t) * first - t * second,
                "above_mean": here[index] - (first + second) / 2,
                "above_first": here[index] - first,
                "above_second": here[index] - second,
            }
            for kind, difference in wanted.items():
                error = difference.std(ddof=1) / np.sqrt(len(difference))
                assert found.errors[f"{metric}_{kind}"][k] == pytest.approx(error, rel=1e-6, abs=1e-12), (metric, kind, t)
    worst = int(np.argmax(found.quantities["train_loss"].values))
    assert found.numbers["above_line"].error == found.errors["train_loss_above_line"][worst]


def test_a_barrier_of_zero_has_the_error_of_the_highest_place_inside(tmp_path: Path) -> None:
    problems = opened(tmp_path, LINEAR, a=scaled([1.5]), b=scaled([-2.0]))
    found = measure(problems["a"], problems["b"], points=9, precision="float64")
    barrier = found.numbers["above_line"]
    values, errors = found.quantities["train_loss"].values, found.errors["train_loss_above_line"]
    rise = values - (1 - found.t) * values[0] - found.t * values[-1]
    assert barrier.value == 0 and errors[0] == errors[-1] == 0
    assert barrier.error == errors[1 + np.argmax(rise[1:-1])] > 0


def test_the_error_of_the_score_follows_from_the_barrier(tmp_path: Path) -> None:
    found = measure(*pair(tmp_path), points=9)
    barrier, score = found.numbers["above_line"], found.numbers["connectivity_score"]
    assert barrier.value > 0
    assert score.value == pytest.approx(1 / (1 + barrier.value))
    step = 1e-6
    slope = (1 / (1 + barrier.value + step) - 1 / (1 + barrier.value - step)) / (2 * step)
    assert score.error == pytest.approx(abs(slope) * barrier.error, rel=1e-4)


def test_a_barrier_of_accuracy_is_how_far_it_falls(tmp_path: Path) -> None:
    found = measure(*pair(tmp_path), points=9)
    values = found.quantities["test_accuracy"].values
    line = (1 - found.t) * values[0] + found.t * values[-1]
    assert found.numbers["test_accuracy_above_line"].value == pytest.approx((line - values).max())
    assert found.numbers["test_accuracy_above_larger"].value == pytest.approx(min(values[0], values[-1]) - values.min())


def test_examples_that_are_not_the_same_leave_errors_unknown() -> None:
    errors = path_numbers.paired_errors(np.array([0.5]), np.ones((1, 3)), np.ones(4), np.ones(4), np.ones(4))
    assert all(np.isnan(values).all() for values in errors.values())


# ----------------------------------------------------------------------------------------------------------------- turned round


@pytest.mark.parametrize("path", ["line", "bezier"])
def test_asked_the_other_way_round_the_chart_mirrors_and_every_number_stays(tmp_path: Path, path: str) -> None:
    a, b = pair(tmp_path)
    store = Store(tmp_path / "store")
    of = None if path == "line" else chain(a, b, path=path, steps=40)
    there = measure(a, b, path=path, points=7, beyond=0.25, store=store, of=of)
    back = measure(b, a, path=path, points=7, beyond=0.25, store=store, of=of)
    assert back.t.tolist() == there.t.tolist()
    for name, quantity in there.quantities.items():
        assert back.quantities[name].values.tolist() == quantity.values[::-1].tolist()
    for definition in DEFINITIONS:
        assert back.numbers[definition] == there.numbers[definition]
    assert back.errors["train_loss_above_first"].tolist() == there.errors["train_loss_above_second"][::-1].tolist()
    assert back.arc[back.t == 0] == 0 and back.arc[back.t == 1] == back.length == there.length


def test_without_a_store_both_orders_are_computed_alike(tmp_path: Path) -> None:
    a, b = pair(tmp_path)
    assert measure(a, b, points=5).numbers["above_line"] == measure(b, a, points=5).numbers["above_line"]


def test_statistics_frozen_at_the_first_model_make_another_path_of_the_way_back(tmp_path: Path) -> None:
    a, b = pair(tmp_path, NORMED)
    there, back = (measure(x, y, points=3, batchnorm="frozen") for x, y in ((a, b), (b, a)))
    own = b.at_checkpoint()["train_loss"]
    assert back.quantities["train_loss"].values[0] == pytest.approx(own, rel=1e-6)
    assert there.quantities["train_loss"].values[-1] != pytest.approx(own, rel=1e-2)


# ------------------------------------------------------------------------------------------------------------------- taken up


@pytest.mark.parametrize("path", ["line", "chain"])
def test_cancelled_and_gone_on_is_equal_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(jobs, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)
    a, b = pair(tmp_path)
    before = [p.state.clone() for p in (a, b)]
    of = None if path == "line" else chain(a, b, steps=100)
    question = PathQuestion(towards=reference(a, b), path=path, points=33, of=of)
    store, seen = Store(tmp_path / "store"), []

    def watch(progress: Progress) -> None:
        found = progress.partial  # while a chain is trained, they are of fewer places
        if isinstance(found, PathResult) and len(found.t) == 33 and found.computed.sum() > 2:
            seen.append(found)

    with pytest.raises(Cancelled):
        answer(question, a, store=store, on_progress=watch, cancelled=lambda: bool(seen))
    assert 2 < seen[0].computed.sum() < 33
    blocks: list[int] = []
    plain = Measuring.block
    monkeypatch.setattr(Measuring, "block", lambda self, where, *more: blocks.append(len(where)) or plain(self, where, *more))
    resumed = answer(question, a, store=store)
    gone_on = sum(blocks)
    fresh = answer(question, a, store=Store(tmp_path / "other"))
    assert 0 < gone_on < 31
    assert isinstance(resumed, PathResult) and isinstance(fresh, PathResult)
    for name, quantity in fresh.quantities.items():
        assert resumed.quantities[name].values.tolist() == quantity.values.tolist()
        assert resumed.quantities[name].standard_error.tolist() == quantity.standard_error.tolist()  # type: ignore[union-attr]
    assert {k: v.tolist() for k, v in resumed.errors.items()} == {k: v.tolist() for k, v in fresh.errors.items()}
    assert resumed.numbers == fresh.numbers
    assert torch.equal(a.state, before[0]) and torch.equal(b.state, before[1])


def test_a_partial_answer_of_another_curve_is_not_taken_up(tmp_path: Path) -> None:
    """The store may lose a curve that was trained against the clock; what was measured on it does not belong to the next one."""
    a, b = sorted(pair(tmp_path), key=lambda problem: problem.checkpoint.digest)
    line = measure(a, b, points=17)
    curve = measure(a, b, path="bezier", points=17, of=chain(a, b, path="bezier", steps=40))
    question = PathQuestion(towards=reference(a, b), points=17).completed(a)

    class Asking:
        def __init__(self, partial: PathResult) -> None:
            self.partial = partial

        def __call__(self, probe: Any, problem: Any = None) -> Any:
            return jobs.answering(probe, problem or a, None)

    stale = dataclasses.replace(curve, provenance=line.provenance)
    found = finished(question.run(a, Asking(stale)))
    assert found.quantities["train_loss"].values.tolist() == line.quantities["train_loss"].values.tolist()


# ---------------------------------------------------------------------------------------------------------------- kinds of path


def test_a_curve_whose_bend_stays_on_the_chord_is_the_line(tmp_path: Path) -> None:
    a, b = pair(tmp_path)
    still = chain(a, b, path="bezier", steps=1, optimiser="sgd", lr=1e-12)
    curve, line = measure(a, b, path="bezier", points=9, of=still), measure(a, b, points=9)
    for name in line.quantities:
        np.testing.assert_allclose(curve.quantities[name].values, line.quantities[name].values, rtol=1e-5, atol=1e-6)
    assert curve.length == pytest.approx(line.length, rel=1e-6)


def test_a_permuted_copy_has_a_barrier_and_its_alignment_none(tmp_path: Path) -> None:
    state = trained(PLAIN, 0)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(3))
    copy = {"0.weight": state["0.weight"][order], "0.bias": state["0.bias"][order], "2.weight": state["2.weight"][:, order]}
    problems = opened(tmp_path, PLAIN, a=state, b={**state, **copy})
    line, aligned = (measure(problems["a"], problems["b"], path=path, points=9) for path in ("line", "aligned"))
    assert line.numbers["above_line"].value > 0.05
    assert abs(aligned.numbers["above_line"].value) < 1e-6
    assert aligned.length == 0 < line.length
    values = aligned.quantities["train_loss"].values
    np.testing.assert_allclose(values, values[0], rtol=1e-5)


def test_repairing_lowers_what_aligning_leaves(tmp_path: Path) -> None:
    from landscape_gui.problem import open_problem

    a, b = open_problem("samples:digits-seed-a"), open_problem("samples:digits-seed-b")
    line, aligned, repaired = (measure(a, b, path=path, points=9) for path in ("line", "aligned", "repaired"))
    found = [each.numbers["above_line"] for each in (line, aligned, repaired)]
    assert found[0].value - found[1].value > 10 * np.hypot(found[0].error, found[1].error)
    assert found[1].value - found[2].value > 2 * np.hypot(found[1].error, found[2].error)
    ends = [repaired.quantities["train_loss"].values[k] for k in (0, -1)]
    assert ends == [line.quantities["train_loss"].values[k] for k in (0, -1)]


def test_a_trained_curve_has_no_barrier_where_the_line_has_one() -> None:
    """The two seeds of the sample: the Bezier curve's barrier is below a twentieth of the line's, errors included."""
    from landscape_gui.problem import open_problem

    a, b = open_problem("samples:digits-seed-a"), open_problem("samples:digits-seed-b")
    curves = {"line": None, "bezier": chain(a, b, path="bezier", steps=1000)}
    line, curve = (measure(a, b, path=path, points=13, of=of).numbers["above_line"] for path, of in curves.items())
    assert line.value > 20 * line.error > 0
    assert curve.value + 2 * curve.error < 0.05 * line.value


@pytest.mark.parametrize("beyond", [0.0, 0.3, 1.0])
def test_places_hold_both_ends_and_stay_where_they_are_when_the_path_goes_on(beyond: float) -> None:
    t = places(13, beyond)
    assert (np.diff(t) > 0).all() and t[0] == -beyond and t[-1] == 1 + beyond
    inside = t[(t >= 0) & (t <= 1)]
    assert inside.tolist() == places(13, 0.0).tolist() and inside[0] == 0 and inside[-1] == 1
    np.testing.assert_allclose(1 - t[::-1], t, atol=1e-15)


def test_the_split_of_the_barrier_can_be_chosen_afterwards(tmp_path: Path) -> None:
    a, b = pair(tmp_path)
    train, test = (measure(a, b, points=7, split=split) for split in ("", "test"))
    assert (train.split, test.split) == ("train", "test")
    assert train.numbers["above_line"].value != test.numbers["above_line"].value
    assert path_numbers.with_split(train, "test").numbers == test.numbers


# --------------------------------------------------------------------------------------------------------------------- refused


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    state = trained(PLAIN, 0)
    wrong = {**trained(PLAIN, 1), "2.bias": torch.full((4,), float("nan"))}
    problems = opened(tmp_path, PLAIN, a=state, b=wrong)
    for one, other in (("a", "b"), ("b", "a")):
        with pytest.raises(QuestionError, match=r"holds weights that are not finite, so that no path leads to it"):
            measure(problems[one], problems[other])


def test_a_loss_that_is_not_finite_stays_and_is_said(tmp_path: Path) -> None:
    wild = {name: 1e25 * tensor for name, tensor in trained(PLAIN, 1).items()}
    problems = opened(tmp_path, PLAIN, a=trained(PLAIN, 0), b=wild)
    found = measure(problems["a"], problems["b"], points=5)
    assert not np.isfinite(found.quantities["train_loss"].values[1:]).any()
    assert not np.isfinite(found.numbers["above_larger"].value)
    assert any("not finite at 4 of 5 places" in note for note in found.notes)


def test_variances_that_become_negative_beyond_the_ends_are_said(tmp_path: Path) -> None:
    a, b = pair(tmp_path, NORMED)
    near, far = (measure(a, b, points=3, beyond=beyond, batchnorm="interpolated") for beyond in (0.0, 60.0))
    assert near.notes == ()
    assert any("running variance 1.running_var is negative at t = " in note for note in far.notes)


def test_two_points_are_the_ends_alone(tmp_path: Path) -> None:
    found = measure(*pair(tmp_path), points=2)
    assert found.complete and found.computed.all() and found.t.tolist() == [0, 1]
    assert found.numbers["above_line"].value == 0


def test_data_that_stream_and_a_loss_of_means_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Units are then the loader's batches, and errors are paired over those."""
    monkeypatch.setenv("LANDSCAPE_GUI_DATA_LIMIT", "1")
    problems = opened(tmp_path, STREAM, a=trained(PLAIN, 0), b=trained(PLAIN, 1))
    found = measure(problems["a"], problems["b"], points=5)
    x, y = data_of(PLAIN)
    module = module_of(PLAIN)
    means = []
    for t in found.t:
        tensors = problems["a"].layout.unflatten((1 - t) * problems["a"].state + t * problems["b"].state)
        with torch.no_grad():
            each = [
                float(torch.nn.functional.cross_entropy(torch.func.functional_call(module, tensors, (xb,)), yb))
                for xb, yb in zip(x.split(20), y.split(20), strict=True)
            ]
        means.append(each)
    np.testing.assert_allclose(found.quantities["train_loss"].values, np.mean(means, axis=1), rtol=1e-5)
    k = int(np.argmax(found.quantities["train_loss"].values))
    difference = np.array(means[k]) - (1 - found.t[k]) * np.array(means[0]) - found.t[k] * np.array(means[-1])
    assert found.numbers["above_line"].error == pytest.approx(difference.std(ddof=1) / np.sqrt(5), rel=1e-4)


STREAM = """
import torch
from torch import nn

def model():
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))

def data():
    x = torch.randn(160, 6, generator=torch.Generator().manual_seed(1))
    w = torch.randn(6, 4, generator=torch.Generator().manual_seed(7))
    y = (x @ w).argmax(1)
    return {"train": torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x[:100], y[:100]), batch_size=20)}

def batch_loss(module, batch):
    return nn.functional.cross_entropy(module(batch[0]), batch[1])
"""


def test_one_file_with_itself_and_none_at_all_are_refused(tmp_path: Path) -> None:
    a, _ = pair(tmp_path)
    with pytest.raises(QuestionError, match="holds the same weights"):
        measure(a, a)
    with pytest.raises(QuestionError, match="does not say which model"):
        answer(PathQuestion(), a)


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match=r"There is no split 'valid'\. Choose one of train, test\."):
        measure(*pair(tmp_path), split="valid")


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    a, _ = pair(tmp_path)
    torch.save({"0.weight": torch.ones(9, 6)}, tmp_path / "other.pt")
    with pytest.raises(ProblemError, match=r"0\.weight|0\.bias"):
        a.reference(tmp_path / "other.pt")


def test_two_ends_alone_say_nothing_of_a_barrier_between_them(tmp_path: Path) -> None:
    """The first picture of a path knows its ends; that no place between them is higher is not known yet."""
    a, b = pair(tmp_path)
    whole = measure(a, b, points=5)
    ends = np.isin(whole.t, (0.0, 1.0))
    assert path_numbers.numbers_of(dataclasses.replace(whole, computed=ends), "train") == {}
    assert path_numbers.numbers_of(dataclasses.replace(whole, computed=ends | (whole.t == 0.5)), "train")["above_line"].value > 0
