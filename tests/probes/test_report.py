"""A report against what is known: its parts' own answers, closed forms, and what it says where a part is not to be had."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem

from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import ProblemError
from landscape_gui.figure import Look
from landscape_gui.jobs import Cancelled, answer, answering
from landscape_gui.number_texts import TEXTS
from landscape_gui.probes import Report
from landscape_gui.probes.base import Progress
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.spectrum import Spectrum
from landscape_gui.store import Store, read_result, write_result

ASKED = Report(top=3, probes=2, steps=10, points=3, bound=False, precision="float64")


@pytest.fixture(scope="module")
def problem() -> TinyProblem:
    return TinyProblem()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def report(problem: TinyProblem, store: Store) -> ReportResult:
    found = answer(ASKED, problem, store=store)
    assert isinstance(found, ReportResult)
    return found


def dense_hessian(problem: TinyProblem) -> torch.Tensor:
    """By double differentiation of the plain mean loss, in float64; no code of ours."""
    import copy

    module = copy.deepcopy(problem.module).double()
    module.load_state_dict({k: v.double() for k, v in problem.layout.unflatten(problem.state).items()})
    part = problem.part("train")
    names = [n for n, _ in module.named_parameters()]
    sizes = [p.numel() for p in module.parameters()]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        pieces = [c.reshape(p.shape) for c, p in zip(flat.split(sizes), module.parameters(), strict=True)]
        output = torch.func.functional_call(module, dict(zip(names, pieces, strict=True)), (part.inputs.double(),))
        return torch.nn.functional.cross_entropy(output, part.targets)

    whole = torch.cat([p.detach().flatten() for p in module.parameters()])
    return torch.autograd.functional.hessian(loss, whole)


def test_its_numbers_are_those_of_a_dense_hessian(report: ReportResult, problem: TinyProblem) -> None:
    values = torch.linalg.eigvalsh(dense_hessian(problem)).numpy()
    numbers = report.numbers
    assert numbers["lambda_max"].value == pytest.approx(values[-1], rel=1e-5)  # its tolerance
    assert abs(numbers["lambda_max"].value - values[-1]) <= numbers["lambda_max"].error + 1e-12
    assert numbers["lambda_min"].value == pytest.approx(values[0], abs=1e-5 * values[-1])
    # 6 standard errors of so few probes: Student's t of 1 degree would allow more, a wrong trace is off by tens of per cent
    assert numbers["trace"].value == pytest.approx(values.sum(), rel=0.05)
    assert numbers["frobenius"].value == pytest.approx(np.sqrt((values**2).sum()), rel=0.05)


def test_facts_are_counted_right(report: ReportResult, problem: TinyProblem) -> None:
    assert report.numbers["parameters"].value == problem.layout.parameters == report.size
    assert report.examples == problem.train and report.split == "train" and report.title == problem.title
    part = problem.part("train")
    with torch.no_grad():
        problem.module.load_state_dict(problem.layout.unflatten(problem.state))
        rows = torch.nn.functional.cross_entropy(problem.module(part.inputs), part.targets, reduction="none").double()
    loss = report.numbers["loss"]
    assert loss.value == pytest.approx(float(rows.mean()), rel=1e-5)  # the network here is float32
    assert loss.error == pytest.approx(float(rows.std()) / math.sqrt(problem.train), rel=1e-5)
    assert report.numbers["accuracy:test"].error == pytest.approx(100 * 0.5 / math.sqrt(problem.test))


def test_its_parts_come_from_the_store_and_its_numbers_are_theirs(report: ReportResult, problem: TinyProblem, store: Store) -> None:
    kept = {entry.probe for entry in store.entries()}
    assert {"report", "spectrum", "eigenvalues", "sharpness"} <= kept
    common = {"split": "train", "precision": "float64"}
    spectrum = answer(Spectrum(top=3, probes=2, steps=10, budget=40, **common), problem, store=store)
    assert spectrum.provenance.created <= report.provenance.created
    assert report.numbers["trace"] == spectrum.numbers["trace"]
    half = answer(Eigenvalues(largest=1, smallest=0, limit=problem.train // 2, **common), problem, store=store)
    assert report.numbers["lambda_max_half"].value == half.eigenvalues[0]


def same(a: ReportResult, b: ReportResult) -> bool:
    arrays = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("eigenvalues", "residuals", "radii", "rises"))
    told = all(getattr(a, name) == getattr(b, name) for name in ("losses", "gradients", "products", "notes"))
    numbers = [{name: repr(number) for name, number in result.numbers.items()} for result in (a, b)]  # a NaN is no NaN's equal
    return arrays and told and numbers[0] == numbers[1]


def asked(problem: TinyProblem, store: Store | None, probe: Any = ASKED) -> Any:
    return answer(probe, problem, store=store)  # type: ignore[arg-type]


def test_kept_or_not_its_bits_are_the_same_whatever_was_asked_before(
    report: ReportResult, problem: TinyProblem, store: Store, tmp_path: Path
) -> None:
    fresh = asked(problem, None)
    assert same(report, fresh) and same(asked(problem, store), fresh)
    common = {"limit": 0, "precision": "float64"}
    wide = Store(tmp_path / "wide")  # the leading pair is among those that a wider search has found
    asked(problem, wide, Eigenvalues(largest=12, smallest=4, **common))
    assert same(asked(problem, wide), fresh)
    coarse = Store(tmp_path / "coarse")
    asked(problem, coarse, dataclasses.replace(ASKED, top=1, probes=1, steps=4, points=1))
    assert same(asked(problem, coarse), fresh)


@pytest.mark.parametrize("share", [0.1, 0.9])  # amid the search for eigenvalues, and amid sharpness
def test_an_interrupted_one_goes_on_to_the_same_bits(
    report: ReportResult, problem: TinyProblem, tmp_path: Path, share: float
) -> None:
    store, seen = Store(tmp_path), [0.0]

    def tell(progress: Progress) -> None:
        seen[0] = progress.done / progress.total

    with pytest.raises(Cancelled):
        answer(ASKED, problem, store=store, on_progress=tell, cancelled=lambda: seen[0] > share)  # type: ignore[arg-type]
    assert same(asked(problem, store), report)


def test_progress_gives_each_part_what_it_takes_and_only_rises(problem: TinyProblem) -> None:
    """Sharpness takes more than the largest eigenvalue of the Gauss-Newton matrix does."""
    from landscape_gui.probes.report import passes_of

    asked = Report(top=1, probes=1, steps=4, points=1, bound=False, budget=4)
    seen = [(p.done / p.total, p.note) for p in answering(asked, problem, None)]
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] == 1
    costs = {name: passes_of(part.cost(problem)) for name, part in asked.completed(problem).parts(problem)}  # type: ignore[attr-defined]
    assert costs["sharpness"] > 3 * costs["gauss-newton"]
    first = min(share for share, note in seen if note.startswith("sharpness"))
    before = sum(cost for name, cost in costs.items() if name != "sharpness") / sum(costs.values())
    assert first == pytest.approx(before, abs=0.05)


def test_its_sharpness_is_that_of_the_question_by_itself_and_the_spectrums_numbers_win(problem: TinyProblem, store: Store) -> None:
    from landscape_gui.probes.sharpness import Sharpness

    parts = dict(Report().completed(problem).parts(problem))  # type: ignore[attr-defined]
    assert parts["sharpness"] == Sharpness(split="train")
    spectrum = answer(Spectrum(top=3, probes=2, steps=10, budget=40, split="train", precision="float64"), problem, store=store)
    found = answer(ASKED, problem, store=store)
    assert found.numbers["lambda_max"] == spectrum.numbers["lambda_max"]


def test_every_number_says_what_it_is(report: ReportResult) -> None:
    for number in report.numbers.values():
        text = TEXTS[number.name.partition(":")[0]]
        assert number.help == text.help and number.label.startswith(text.label), number.name
    assert {"ggn_lambda_max", "worst_case", "condition_number", "gaussian_average"} <= report.numbers.keys()


def test_a_part_that_is_not_to_be_had_is_a_note(problem: TinyProblem, monkeypatch: pytest.MonkeyPatch) -> None:
    import landscape_gui.core.operators as operators

    def refuse(objective: object) -> None:
        raise ProblemError("This loss has no Gauss-Newton matrix.")

    monkeypatch.setattr(operators, "GaussNewton", refuse)
    found = answer(Report(top=1, probes=1, steps=2, limit=40, points=1, bound=False), problem)
    assert "ggn_lambda_max" not in found.numbers and "lambda_max" in found.numbers and "worst_case" in found.numbers
    assert any("no Gauss-Newton matrix" in note for note in found.notes)


def test_it_is_written_and_read_whole(report: ReportResult, tmp_path: Path) -> None:
    write_result(tmp_path / "r.h5", report)
    back = read_result(tmp_path / "r.h5")
    assert isinstance(back, ReportResult)
    assert back.numbers == report.numbers or all(repr(back.numbers[n]) == repr(report.numbers[n]) for n in report.numbers)
    assert np.array_equal(back.rises, report.rises) and back.complete


def test_its_figure_draws_what_was_resolved(report: ReportResult) -> None:
    figure = ASKED.figure(report, Look(view="chart"))
    points = [m for m in figure.panels[0].marks if hasattr(m, "marker")]
    assert sum(len(m.x) for m in points) == len(report.eigenvalues) == 5
    assert figure.panels[1].marks[0].y.tolist() == report.rises[report.rises > 0].tolist()
    assert "Largest eigenvalue" in dict(figure.facts)


def test_the_gap_is_between_all_data_and_its_error_that_of_the_unseen(report: ReportResult, problem: TinyProblem) -> None:
    """By a plain forward pass over both splits, whatever part of them the curvature is of."""
    rows, right = {}, {}
    problem.module.load_state_dict(problem.layout.unflatten(problem.state))
    for split in ("train", "test"):
        part = problem.part(split)
        with torch.no_grad():
            output = problem.module(part.inputs)
        rows[split] = torch.nn.functional.cross_entropy(output, part.targets, reduction="none").double().numpy()
        right[split] = (output.argmax(1) == part.targets).double().numpy()
    numbers = report.numbers
    gap = numbers["loss_gap"]
    assert gap.value == pytest.approx(rows["test"].mean() - rows["train"].mean(), rel=1e-4)  # float32 against float64
    assert gap.error == pytest.approx(rows["test"].std() / math.sqrt(problem.test), rel=0.02)  # n or n - 1
    assert numbers["accuracy_gap"].value == pytest.approx(100 * (right["train"].mean() - right["test"].mean()), abs=1e-6)
    assert numbers["split_loss:train"].value == pytest.approx(rows["train"].mean(), rel=1e-4)
    few = answer(Report(top=1, probes=1, steps=2, limit=40, points=1, bound=False), problem)
    assert few.numbers["loss_gap"].value == pytest.approx(gap.value, rel=1e-6), "a subset is of the curvature alone"  # type: ignore[attr-defined]


def test_the_distance_is_from_the_checkpoint_of_epoch_0(report: ReportResult, problem: TinyProblem) -> None:
    count = problem.layout.parameters
    way = problem.states[-1][:count].double() - problem.states[0][:count].double()
    assert report.numbers["distance_from_start"].value == pytest.approx(float(way.norm()), rel=1e-6)
    assert report.numbers["weight_norm"].value == pytest.approx(float(problem.states[-1][:count].double().norm()), rel=1e-6)


def test_without_unseen_data_there_is_no_gap() -> None:
    from landscape_gui.probes.standing import gaps

    assert gaps(["train"], {"train_loss": 1.0}, {}, "nat") == []
    two = gaps(["train", "val"], {"train_loss": 1.0, "val_loss": 3.0}, {"val_loss": 0.5}, "nat")
    assert [(n.name, n.value, n.error) for n in two] == [("loss_gap", 2.0, 0.5)], "the second split, and no accuracy"
