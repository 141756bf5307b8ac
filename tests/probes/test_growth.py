"""Answers that grow with a run: what they end as is what is asked of the whole run at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from landscape_gui.errors import LandscapeError
from landscape_gui.growing import grow, growth_of
from landscape_gui.jobs import answer, answering
from landscape_gui.probes import Trajectory, dynamics_growth, trajectory_growth
from landscape_gui.probes.dynamics import Dynamics
from landscape_gui.probes.dynamics_growth import LIMITS, DynamicsGrowth, affordable
from landscape_gui.probes.dynamics_moment import Moment
from landscape_gui.probes.stopping import until
from landscape_gui.probes.trajectory_growth import TrajectoryGrowth
from landscape_gui.problem import Problem, open_problem
from landscape_gui.store import Store

FEW = Dynamics(limit=100, tolerance=1e-2, most=30, pairs=2)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "cache"))
    return Store()


@pytest.fixture(scope="module")
def whole() -> Problem:
    return open_problem("samples:digits-mlp")


def until_checkpoint(problem: Problem, count: int) -> Problem:
    """The problem while its run had so many checkpoints."""
    assert problem.run is not None
    return problem.with_run(dataclasses.replace(problem.run, checkpoints=problem.run.checkpoints[:count]))


def only(result: Any) -> Any:
    (run,) = result.runs.values()
    return run


def never() -> bool:
    return False


def test_dynamics_grow_into_what_is_asked_of_the_whole(whole: Problem, store: Store, monkeypatch) -> None:
    monkeypatch.setattr(dynamics_growth, "SECONDS", 60.0)
    growth = DynamicsGrowth(FEW)
    for count in (3, 5, 8):
        problem = until_checkpoint(whole, count)
        found = grow(growth, problem, never)
        assert found is not None
    probe, result = found
    expected = answer(FEW, problem, store=store)
    assert result.complete and probe == FEW and result.provenance.key == expected.provenance.key
    assert only(result).names == only(expected).names
    for name, q in only(expected).quantities.items():
        np.testing.assert_array_equal(only(result).quantities[name].values, q.values, err_msg=name)
    np.testing.assert_allclose(only(result).place, only(expected).place)  # laid anew at 8, which are enough more than 5
    assert not [
        e for e in store.find(whole.fingerprint) if not e.part and e.probe == "dynamics" and e.key != expected.provenance.key
    ]


def test_the_newest_is_measured_first_and_those_between_are_left_for_later(whole: Problem, monkeypatch) -> None:
    monkeypatch.setattr(dynamics_growth, "SECONDS", 0.0)
    growth = DynamicsGrowth(FEW)
    known = []
    for count in (4, 6, 6, 6, 6, 6, 6):
        found = grow(growth, until_checkpoint(whole, count), never)
        assert found is not None
        known.append([int(k) for k in np.flatnonzero(only(found[1]).computed)])
    assert known[:2] == [[3], [3, 5]]
    assert [len(k) for k in known] == [1, 2, 3, 4, 5, 6, 6]
    assert found[1].complete and not np.isnan(only(found[1]).quantities["lambda_max"].values).any()


def test_of_an_answer_that_is_there_nothing_is_lost_however_short_the_time(whole: Problem, store: Store, monkeypatch) -> None:
    monkeypatch.setattr(dynamics_growth, "SECONDS", 0.0)
    result = answer(FEW, until_checkpoint(whole, 5), store=store)
    growth = growth_of(FEW, result)
    growth.measures = False
    found = grow(growth, until_checkpoint(whole, 7), never)
    assert found is not None and only(found[1]).computed.tolist() == [True] * 5 + [False] * 2
    growth.measures = True
    found = grow(growth, until_checkpoint(whole, 7), never)
    assert found is not None and only(found[1]).computed.tolist() == [True] * 5 + [False, True]


def test_without_measuring_there_is_what_was_logged_and_the_way_through_weights(whole: Problem) -> None:
    growth = DynamicsGrowth(FEW)
    growth.measures = False
    found = grow(growth, until_checkpoint(whole, 5), never)
    assert found is not None
    run = only(found[1])
    assert not found[1].complete and not run.computed.any() and "lambda_max" not in run.quantities
    assert run.logged["train_loss"].values.size and run.quantities["distance_from_start"].values[-1] > 0 and len(run.place) == 5
    limit = run.limit()  # learning rate and momentum stand in card and log
    assert limit is not None and (limit > 0).all() and "/lr" in run.limit_words


def test_the_plane_stays_until_there_are_half_as_many_checkpoints_more(whole: Problem, monkeypatch) -> None:
    monkeypatch.setattr(dynamics_growth, "SECONDS", 0.0)
    growth = DynamicsGrowth(FEW)
    results = []
    for count in (6, 8, 9):
        found = grow(growth, until_checkpoint(whole, count), never)
        assert found is not None
        results.append(found[1])
    first, second, third = (only(result).place for result in results)
    np.testing.assert_array_equal(second[:6], first)
    names = only(results[0]).names
    said = f"The plane of the trajectory is that of 6 checkpoints, {names[0]} to {names[5]}; later ones are projected into it."
    assert said in results[1].notes and said not in results[0].notes + results[2].notes
    assert not np.allclose(third[:6], first)


def test_what_is_stopped_keeps_what_it_knows(whole: Problem, store: Store) -> None:
    growth = DynamicsGrowth(FEW)
    assert grow(growth, until_checkpoint(whole, 3), lambda: True) is None
    assert growth.moments == {}
    growth.measures = False  # nor are all weights read
    assert grow(growth, until_checkpoint(whole, 3), lambda: True) is None
    assert until(lambda: True, answering(FEW, whole, store)) is None


def test_a_trajectory_keeps_its_plane_and_measures_what_has_come(whole: Problem, store: Store) -> None:
    question = Trajectory(steps=(5, 5), limit=100)
    before: Any = answer(question, until_checkpoint(whole, 6), store=store)
    growth = TrajectoryGrowth(before)
    problem = until_checkpoint(whole, 9)
    found = grow(growth, problem, never)
    assert found is not None
    probe, after = found[0], found[1]
    assert probe == growth.question and after.surface is before.surface
    assert after.names == tuple(entry.label for entry in problem.run.checkpoints)  # type: ignore[union-attr]
    assert (np.diff(after.order) > 0).all()
    for name in ("x", "y", "off_plane", "distance"):
        np.testing.assert_array_equal(getattr(after, name)[:6], getattr(before, name))
    inside = np.hypot(after.x, after.y)  # the components are orthonormal
    np.testing.assert_allclose(after.distance**2, inside**2 + after.off_plane**2, rtol=1e-4)
    same: Any = answer(dataclasses.replace(question), problem, store=store)
    np.testing.assert_allclose(after.quantities["train_loss"].values, same.quantities["train_loss"].values, rtol=1e-5)
    np.testing.assert_allclose(after.distance, same.distance, rtol=1e-5)
    first, last = before.names[0], before.names[-1]
    assert after.notes == (
        f"Plane and surface are those of 6 checkpoints, {first} to {last}; 3 more are projected into the plane.",
    )
    again = grow(growth, problem, never)
    assert again is not None and again[1] is after


def test_a_checkpoint_beside_the_surface_is_noticed(whole: Problem, store: Store) -> None:
    problem = until_checkpoint(whole, 4)
    narrow: Any = answer(Trajectory(steps=(3, 3), limit=50, span=(1e-3,)), problem, store=store)
    growth = TrajectoryGrowth(narrow)
    assert not growth.left
    grow(growth, until_checkpoint(whole, 5), never)
    assert growth.left


def test_a_plane_whose_checkpoints_are_gone_is_a_sentence(whole: Problem, store: Store) -> None:
    before: Any = answer(Trajectory(steps=(3, 3), limit=50), until_checkpoint(whole, 4), store=store)
    question = dict(before.provenance.question)
    question["run_checkpoints"] = [{**ref, "digest": "0" * 32} for ref in question["run_checkpoints"]]
    changed = dataclasses.replace(before, provenance=dataclasses.replace(before.provenance, question=question))
    with pytest.raises(LandscapeError, match="holds other weights"):
        grow(TrajectoryGrowth(changed), until_checkpoint(whole, 5), never)


def test_it_takes_as_many_examples_as_a_checkpoint_in_time_allows(whole: Problem) -> None:
    assert affordable(whole, 1e9).limit == 0
    assert affordable(whole, 0.0).limit == LIMITS[-1]
    assert isinstance(affordable(whole).moment, Moment)


def test_only_answers_about_runs_grow(whole: Problem, store: Store) -> None:
    assert isinstance(growth_of(None, None), DynamicsGrowth)
    line: Any = answer(Trajectory(steps=(3, 3), limit=50), until_checkpoint(whole, 3), store=store)
    assert isinstance(growth_of(Trajectory(), line), trajectory_growth.TrajectoryGrowth)
    assert growth_of(Trajectory(), line.surface) is None
