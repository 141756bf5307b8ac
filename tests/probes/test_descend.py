"""Descents on a surface: placed by least squares, true and plane losses apart, each kept once, the model untouched."""

from __future__ import annotations

import contextlib
import copy
import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem

from landscape_gui import jobs
from landscape_gui.commands.summary import describe
from landscape_gui.errors import QuestionError
from landscape_gui.export.arrays import arrays_of
from landscape_gui.export.tables import as_json, write_csv
from landscape_gui.figure import Look, Points
from landscape_gui.figure import Path as PathMark
from landscape_gui.jobs import answer
from landscape_gui.probes import PROBES, Surface, kind_of
from landscape_gui.probes.cell import Cell
from landscape_gui.probes.clipping import clipped
from landscape_gui.probes.curvature_map import CurvatureMap
from landscape_gui.probes.descend import MOST, Descend, asked_from
from landscape_gui.probes.plane import resolve
from landscape_gui.probes.read_back import make
from landscape_gui.results import Provenance, freeze
from landscape_gui.store import Store, key_of
from landscape_gui.training_results import DescentsResult


def descents(problem: TinyProblem, store: Store | None = None, **fields: Any) -> DescentsResult:
    asked = {"steps": (5, 4), "updates": 20, "records": 5, "batch": 50, **fields}
    result = answer(Descend(**asked), problem, store=store)  # type: ignore[arg-type]
    assert isinstance(result, DescentsResult)
    return result


def test_a_descent_begins_where_it_was_asked_to_and_its_losses_are_true() -> None:
    """In the plane where it starts, both losses are the cell's; off it afterwards, where they differ."""
    problem = TinyProblem()
    found = next(iter(descents(problem, at=(0.5, -0.3)).descents.values()))
    cell: Any = answer(Cell(x=0.5, y=-0.3), problem)  # type: ignore[arg-type]
    assert (found.x[0], found.y[0]) == pytest.approx((0.5, -0.3), abs=1e-6)
    assert found.off_plane[0] < 1e-5 and found.distance[0] == 0.0
    for name, q in found.quantities.items():
        assert q.values[0] == pytest.approx(float(cell.quantities[name].values), rel=1e-5)
        assert found.plane_quantities[name].values[0] == pytest.approx(q.values[0], rel=1e-5)
    assert found.quantities["train_loss"].values[-1] < found.quantities["train_loss"].values[0]
    assert found.off_plane[-1] > 0.1 and list(found.step) == [0, 1, 2, 4, 8, 12, 16, 20]


def test_places_are_the_nearest_points_of_the_plane_by_an_independent_descent() -> None:
    """Full-batch gradient descent by torch alone, projected by numpy's least squares."""
    problem = TinyProblem()
    found = next(iter(descents(problem, at=(0.4, 0.2), batch=0, lr=0.3, updates=8).descents.values()))
    plane = resolve(Surface(), problem)  # type: ignore[arg-type]
    axes = np.stack([a.double().numpy() for a in plane.axes], axis=1)
    module = problem.module.double()
    x, y = problem.part("train").inputs.double(), problem.part("train").targets
    state = plane.origin.double() + 0.4 * plane.axes[0].double() + 0.2 * plane.axes[1].double()
    start = state.clone()
    for k in range(9):
        row = list(found.step).index(k) if k in found.step else None
        rest = (state - plane.origin.double()).numpy()
        expected = np.linalg.lstsq(axes, rest, rcond=None)[0]
        loss = torch.func.functional_call(module, problem.layout.unflatten(state.requires_grad_()), (x,))
        value = torch.nn.functional.cross_entropy(loss, y)
        if row is not None:
            assert (found.x[row], found.y[row]) == pytest.approx(tuple(expected), abs=1e-5)
            assert found.off_plane[row] == pytest.approx(np.linalg.norm(rest - axes @ expected), rel=1e-4, abs=1e-5)
            assert found.distance[row] == pytest.approx(float((state - start).detach().norm()), rel=1e-4, abs=1e-6)
            assert found.quantities["train_loss"].values[row] == pytest.approx(float(value.detach()), rel=1e-5)
            beneath: Any = answer(Cell(x=float(found.x[row]), y=float(found.y[row])), problem)  # type: ignore[arg-type]
            plane_loss = found.plane_quantities["train_loss"].values[row]
            assert plane_loss == pytest.approx(float(beneath.quantities["train_loss"].values), rel=1e-5)
        state = (state - 0.3 * torch.autograd.grad(value, state)[0]).detach()
    module.float()


def test_each_descent_and_the_surface_are_computed_once(tmp_path: Path) -> None:
    problem, store = TinyProblem(), Store(tmp_path)
    surface = answer(Surface(steps=(5, 4)), problem, store=store)  # type: ignore[arg-type]
    first = descents(problem, store, optimizer=("sgd",))
    made = problem.made
    both = descents(problem, store, optimizer=("sgd", "adam"))
    assert problem.made == made + 2, "one evaluator for the new descent's own loss and one for the plane's, none for the surface"
    assert list(both.descents) == ["1. SGD, lr 0.05", "2. Adam, lr 0.001"]
    assert np.array_equal(next(iter(both.descents.values())).x, next(iter(first.descents.values())).x)
    assert np.array_equal(both.surface.quantities["train_loss"].values, surface.quantities["train_loss"].values)  # type: ignore[union-attr]


def test_asked_from_an_answer_it_lies_on_that_very_surface() -> None:
    problem = TinyProblem()
    shown = Surface(steps=(5, 4), span=(0.6,), seed=3, split="train", limit=50)
    surface: Any = answer(shown, problem)  # type: ignore[arg-type]
    one = asked_from(shown, surface, (0.1, 0.2), optimizer=("sam",), updates=5)
    assert one.surface == shown and one.at == (0.1, 0.2)
    two = asked_from(one, surface, (0.3, 0.0), before=one.every, optimizer=("sgd",), updates=5)
    assert len(two.every) == 2 and two.every[0] == one.own[0] and two.surface == shown
    again: Any = make(Surface, surface.provenance.question)
    assert asked_from(CurvatureMap(steps=(3, 3)), surface, (0, 0)).surface == again, "the question in the answer itself"
    with pytest.raises(QuestionError, match="cannot be descended"):
        asked_from(PROBES["sharpness"](), dataclasses.replace(surface, provenance=Provenance()), (0.0, 0.0))


def test_a_descent_grows_in_partial_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)
    problem, seen = TinyProblem(), []

    def told(progress: Any) -> None:
        if isinstance(progress.partial, DescentsResult) and progress.partial.descents:
            seen.append(len(next(iter(progress.partial.descents.values())).x))
            assert not progress.partial.complete and progress.partial.surface.computed.all()

    asked = Descend(steps=(5, 4), updates=20, records=5, batch=50)
    whole: Any = answer(asked, problem, on_progress=told)  # type: ignore[arg-type]
    assert seen == sorted(seen) and seen[0] < 8 and len(seen) >= 3 and whole.complete


def test_the_state_of_the_problem_is_as_it_was_after_cancelling() -> None:
    problem = TinyProblem("batchnorm")
    before = {name: tensor.clone() for name, tensor in problem.module.state_dict().items()}
    calls = iter(range(10_000))
    asked = Descend(steps=(3, 3), updates=1000, batch=50)
    with pytest.raises(jobs.Cancelled):
        answer(asked, problem, cancelled=lambda: next(calls) > 60)  # type: ignore[arg-type]
    assert all(torch.equal(before[name], tensor) for name, tensor in problem.module.state_dict().items())


def interrupted(problem: TinyProblem, asked: Descend, store: Store, records: int) -> list[int]:
    """Ask until one descent has so many records, then cancel; how many it had at each report."""
    seen: list[int] = []

    def told(progress: Any) -> None:
        if isinstance(progress.partial, DescentsResult) and progress.partial.descents:
            seen.append(len(next(iter(progress.partial.descents.values())).x))

    with contextlib.suppress(jobs.Cancelled):
        cancelled = lambda: bool(seen) and seen[-1] >= records  # noqa: E731
        answer(asked, problem, store=store, on_progress=told, cancelled=cancelled)  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "sam"])
def test_an_interrupted_descent_goes_on_and_ends_as_an_undisturbed_one_to_the_bit(
    optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)
    problem = TinyProblem("batchnorm")
    asked = Descend(steps=(3, 3), updates=40, records=8, batch=30, optimizer=(optimizer,), at=(0.3, -0.2), batchnorm="frozen")
    undisturbed: Any = answer(asked, problem, store=Store(tmp_path / "whole"))  # type: ignore[arg-type]
    store = Store(tmp_path / "parts")
    before = interrupted(problem, asked, store, records=5)
    after = interrupted(problem, asked, store, records=100)
    assert before[-1] == 5 and after[0] == 6, "what was walked is not looked at again"
    whole: Any = answer(asked, problem, store=store)  # type: ignore[arg-type]
    one, other = (next(iter(found.descents.values())) for found in (undisturbed, whole))
    for name in ("step", "x", "y", "off_plane", "distance"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name, q in one.quantities.items():
        for mine, theirs in ((q, other.quantities[name]), (one.plane_quantities[name], other.plane_quantities[name])):
            assert np.array_equal(mine.values, theirs.values) and np.array_equal(mine.standard_error, theirs.standard_error)


def test_a_descent_that_does_not_come_to_its_last_record_again_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept was walked from elsewhere, as on a device whose sums differ from time to time."""
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)
    problem, store = TinyProblem(), Store(tmp_path)
    asked = Descend(steps=(3, 3), updates=40, records=8, batch=30)
    interrupted(problem, asked, store, records=5)
    question = asked.own[0].completed(problem)
    key = key_of(question, problem.fingerprint)
    kept: Any = store.partial(key)
    store.put_partial(key, dataclasses.replace(kept, x=freeze(kept.x + 1e-9)), done=1, total=40)
    assert interrupted(problem, asked, store, records=100)[0] == 1
    whole: Any = answer(asked, problem, store=store)  # type: ignore[arg-type]
    fresh: Any = answer(asked, problem, store=Store(tmp_path / "fresh"))  # type: ignore[arg-type]
    assert np.array_equal(next(iter(whole.descents.values())).x, next(iter(fresh.descents.values())).x)


@pytest.mark.parametrize("mode", ["frozen", "interpolated", "recalculated"])
def test_the_batchnorm_mode_is_the_surfaces_and_is_said(mode: str) -> None:
    problem = TinyProblem("batchnorm")
    result = descents(problem, at=(0.4, 0.1), batchnorm=mode)
    found = next(iter(result.descents.values()))
    assert found.batchnorm == mode == result.batchnorm
    assert found.plane_quantities["train_loss"].values[0] == pytest.approx(found.quantities["train_loss"].values[0], rel=1e-4)
    told = dict(Descend().figure(result, Look()).facts)
    assert "statistics" in told["BatchNorm in the descents"]


def test_with_recalculated_statistics_each_update_goes_by_its_batchs_own_as_in_training() -> None:
    """Full-batch steps by torch alone on the network in training mode, against those with statistics held."""
    problem = TinyProblem("batchnorm")
    plane = resolve(Surface(), problem)  # type: ignore[arg-type]
    x, y = problem.part("train").inputs.double(), problem.part("train").targets
    for mode in ("recalculated", "frozen"):
        asked: dict[str, Any] = {"at": (0.4, 0.1), "batch": 0, "lr": 0.3, "updates": 6, "batchnorm": mode}
        found = next(iter(descents(problem, **asked).descents.values()))
        count = problem.layout.parameters
        state = plane.origin.clone()
        for axis, distance in zip(plane.axes, (0.4, 0.1), strict=True):
            state[:count] += distance * axis[:count]
        module = copy.deepcopy(problem.module).double().train(mode == "recalculated")
        module.load_state_dict({**module.state_dict(), **problem.layout.unflatten(state.double())})
        optimizer = torch.optim.SGD(module.parameters(), lr=0.3)
        for _ in range(6):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(x), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        end = torch.cat([p.detach().reshape(-1) for p in module.parameters()])
        moved = float((end - state[:count].double()).norm())
        assert found.distance[-1] == pytest.approx(moved, rel=1e-4), mode


def test_interpolated_statistics_are_those_of_the_place_where_it_begins() -> None:
    """Along principal axes of a run the statistics move; what is lost without them is seen in the loss at the start."""
    problem = TinyProblem("batchnorm")
    for k, state in enumerate(problem.states[:-1]):
        state[problem.layout.parameters :] += 0.2 * (5 - k)
    asked: dict[str, Any] = {"at": (0.8, 0.5), "directions": "principal", "batchnorm": "interpolated", "updates": 2}
    found = next(iter(descents(problem, **asked).descents.values()))
    cell: Any = answer(Cell(x=0.8, y=0.5, directions="principal", batchnorm="interpolated"), problem)  # type: ignore[arg-type]
    assert found.quantities["train_loss"].values[0] == pytest.approx(float(cell.quantities["train_loss"].values), rel=1e-5)


def test_the_same_descent_is_there_once() -> None:
    probe = Descend(optimizer=("sgd", "adam"))
    assert dataclasses.replace(probe, before=probe.own[:1]).every == probe.own


def test_what_was_stopped_stays_where_it_stood() -> None:
    problem = TinyProblem()
    asked = Descend(steps=(3, 3), updates=20, records=5, batch=50, optimizer=("sgd", "adam", "sam"))
    whole: Any = answer(asked, problem)  # type: ignore[arg-type]
    assert asked.walked(whole) == asked.every
    first, second, _ = whole.descents.items()
    names = ("step", "x", "y", "off_plane", "distance")
    half = dataclasses.replace(second[1], complete=False, **{name: getattr(second[1], name)[:4] for name in names})
    stopped = dataclasses.replace(whole, descents={first[0]: first[1], second[0]: half})
    kept: Any = asked.walked(stopped)
    assert kept[0] == asked.every[0] and len(kept) == 2 and (kept[1].optimizer, kept[1].updates) == ("adam", 4)


def test_steps_that_are_too_large_end_it_and_are_said() -> None:
    found = next(iter(descents(TinyProblem(), lr=3e38, updates=50).descents.values()))
    assert "not finite" in found.stopped and found.step[-1] < 50 and found.complete


def test_a_bound_in_seconds_counts_in_the_key_only_where_it_is_set() -> None:
    from landscape_gui.probes.base import question

    assert "seconds" not in question(Descend()) and question(Descend(seconds=3.0))["seconds"] == 3.0
    found = next(iter(descents(TinyProblem(), seconds=0.01, updates=100_000).descents.values()))
    assert "after 0.01 s" in found.stopped and 0 < found.step[-1] < 100_000


@pytest.mark.parametrize("view", ["3d", "2d", "chart"])
def test_pictures_show_every_descent(view: Any) -> None:
    problem = TinyProblem()
    result = descents(problem, optimizer=("sgd", "momentum", "adam", "sam"))
    probe = Descend()
    figure = probe.figure(result, Look(view=view))
    if view == "chart":
        assert len(figure.panels) == 2 and len(figure.panels[0].marks) == 8 and len(figure.panels[1].marks) == 4
        for k, each in enumerate(result.descents.values()):
            true, flat = (mark.y for mark in figure.panels[0].marks[2 * k : 2 * k + 2])  # type: ignore[union-attr]
            assert np.array_equal(true, each.quantities["train_loss"].values)
            assert np.array_equal(flat, each.plane_quantities["train_loss"].values) and not np.array_equal(true, flat)
        moments = figure.panels[1].moments
        assert moments is not None and len(moments.order) == len(moments.names) == len(moments.words) == 4 * 8
    else:
        paths = [m for m in figure.panels[0].marks if isinstance(m, PathMark)]
        names, numbers = zip(*(p.label.split(": ") for p in paths), strict=True)
        assert names == ("SGD, lr 0.05", "momentum, lr 0.01", "Adam, lr 0.001", "SAM, lr 0.05")
        for words, each in zip(numbers, result.descents.values(), strict=True):
            loss, off = each.quantities["train_loss"].values[-1], each.off_plane[-1]
            assert words == f"true loss {loss:.3g}, {off:.3g} off the plane"
        assert figure.facts[1][0] == "1. SGD, lr 0.05", "what lies on the surface is told before the surface"
        assert any((m.x[0], m.y[0]) == pytest.approx((0.5, 0.5)) for m in figure.panels[0].marks if isinstance(m, Points)), "begins"
        assert len({p.colour for p in paths}) == 4 and figure.panels[0].key == tuple(paths)
    told, last = dict(figure.facts), result.descents["4. SAM, lr 0.05"]
    share = 100 * last.off_plane[-1] / last.distance[-1]
    assert f"{last.off_plane[-1]:.4g} off the plane, {share:.0f} % of the way" in told["4. SAM, lr 0.05"]
    assert "training loss fell from" in told["1. SGD, lr 0.05"] and "projected onto the plane" in figure.caption


def test_it_is_exported_read_back_and_told(tmp_path: Path) -> None:
    problem, store = TinyProblem(), Store(tmp_path / "store")
    result = descents(problem, store, optimizer=("sgd", "sam"))
    write_csv(tmp_path / "d.csv", result)
    with open(tmp_path / "d.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16 and float(rows[-1]["train_loss"]) == pytest.approx(
        list(result.descents.values())[1].quantities["train_loss"].values[-1]
    )
    told = as_json(result)
    assert set(told["descents"]) == set(result.descents) and "surface" in told
    assert {"surface/train_loss", "descents/1. SGD, lr 0.05/x"} <= set(dict(arrays_of(result)))
    again: Any = store.get(result.provenance.key)
    assert again.descents.keys() == result.descents.keys() and kind_of(again) is Descend
    assert make(Descend, result.provenance.question) == Descend(
        steps=(5, 4), updates=20, records=5, batch=50, optimizer=("sgd", "sam")
    )
    assert "SAM, lr 0.05" in describe(result) and "2 descents" in describe(result)


def test_what_cannot_be_asked_is_refused_in_a_sentence() -> None:
    with pytest.raises(QuestionError, match="too many"):
        Descend(before=tuple(Descend(at=(0.1 * k, 0.0)).own[0] for k in range(MOST)))
    with pytest.raises(QuestionError, match="No optimizer"):
        Descend(optimizer=())
    with pytest.raises(QuestionError, match="begins at"):
        Descend(at=(float("nan"), 0.0))


def test_a_path_is_cut_where_it_leaves_the_frame_and_that_is_said() -> None:
    problem = TinyProblem()
    result = descents(problem, at=(0.5, -0.3), span=(0.42, 0.51, -0.31, 0.2), lr=3.0)
    found = next(iter(result.descents.values()))
    assert found.x.min() < 0.42, "the rate is large enough to leave"
    figure = Descend().figure(result, Look())
    (path,) = (m for m in figure.panels[0].marks if isinstance(m, PathMark))
    assert np.nanmin(path.x) == pytest.approx(0.42) and len(path.x) < len(found.x)
    assert "outside the frame at update" in dict(figure.facts)["1. SGD, lr 3"]


@pytest.mark.parametrize(
    ("points", "kept"),
    [
        ([(0.5, 0.5), (1.5, 0.5)], [(0.5, 0.5), (1.0, 0.5)]),
        ([(0.5, 0.5), (0.5, 3.0), (0.7, 0.5)], [(0.5, 0.5), (0.5, 1.0), (np.nan, np.nan), (0.66, 1.0), (0.7, 0.5)]),
        ([(-1.0, 0.5), (2.0, 0.5)], [(0.0, 0.5), (1.0, 0.5)]),
        ([(2.0, 0.0), (2.0, 1.0)], []),
        ([(0.2, 0.2)], [(0.2, 0.2)]),
        ([(2.0, 0.2)], []),
        ([(0.2, 0.2), (np.inf, 0.2), (0.4, 0.2), (0.6, 0.2)], [(0.4, 0.2), (0.6, 0.2)]),
        ([(0.2, 0.2), (0.4, 0.4), (0.6, 0.2)], [(0.2, 0.2), (0.4, 0.4), (0.6, 0.2)]),
    ],
)
def test_lines_are_cut_at_a_frame(points: Any, kept: Any) -> None:
    x, y = clipped(*np.array(points).T, (0.0, 1.0, 0.0, 1.0))
    assert np.allclose(np.stack([x, y], axis=1), np.array(kept).reshape(-1, 2), equal_nan=True)
