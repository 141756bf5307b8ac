"""Two checkpoints in one order, whichever is named first, and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pair_problems import PLAIN, opened, reference, trained

from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.probes.pair import canonical, check_pair, names_of, own_reference
from landscape_gui.problem import Problem, open_problem


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Problem, Problem]:
    """The smaller digest first."""
    problems = opened(tmp_path, PLAIN, a=trained(PLAIN, 0, 1), b=trained(PLAIN, 1, 1)).values()
    first, second = sorted(problems, key=lambda problem: problem.checkpoint.digest)
    return first, second


def test_both_orders_are_one_pair(pair: tuple[Problem, Problem]) -> None:
    first, second = pair
    there, back = canonical(first, reference(first, second)), canonical(second, reference(second, first))
    assert (there.mirrored, back.mirrored) == (False, True)
    assert there.first is first and there.second.digest == back.second.digest == second.checkpoint.digest
    assert back.first.fingerprint == first.fingerprint and torch.equal(back.first.state, first.state)


def test_without_digests_a_pair_stays_as_it_was_named(pair: tuple[Problem, Problem]) -> None:
    second = pair[1]
    named = CheckpointRef(str(pair[0].checkpoint.path))
    assert canonical(second, named).mirrored is False


def test_a_problem_names_its_own_checkpoint_as_another_would(pair: tuple[Problem, Problem]) -> None:
    first, second = pair
    own, named = own_reference(first), reference(second, first)
    assert (own.digest, own.label) == (named.digest, named.label)
    assert Path(own.path).samefile(named.path)


def test_a_checkpoint_of_a_run_is_called_as_the_run_calls_it() -> None:
    problem = open_problem("samples:digits-mlp")
    assert own_reference(problem).label == problem.run.checkpoints[-1].label  # type: ignore[union-attr]


def test_names_tell_folders_apart_and_files_within_one_folder(tmp_path: Path, pair: tuple[Problem, Problem]) -> None:
    first, second = pair
    assert set(names_of(first, reference(first, second))) == {"a", "b"}
    beside = tmp_path / "a" / "other.pt"
    torch.save(trained(PLAIN, 2, 1), beside)
    a = first if first.checkpoint.path.parent.name == "a" else second
    assert names_of(a, a.reference(beside)) == ("net", "other")
    elsewhere = tmp_path / "b" / "third.pt"
    torch.save(trained(PLAIN, 3, 1), elsewhere)
    assert names_of(a, a.reference(elsewhere)) == ("a/net", "b/third")


def test_names_within_a_run_are_the_runs() -> None:
    problem = open_problem("samples:digits-mlp")
    early = problem.reference(problem.run.checkpoints[3].path)  # type: ignore[union-attr]
    assert names_of(problem, early) == (problem.run.checkpoints[-1].label, problem.run.checkpoints[3].label)  # type: ignore[union-attr]


def test_two_that_are_one_and_none_are_refused(pair: tuple[Problem, Problem]) -> None:
    first, second = pair
    assert check_pair(first, reference(first, second)).digest == second.checkpoint.digest
    with pytest.raises(QuestionError, match="there is nothing between them") as said:
        check_pair(first, own_reference(first))
    assert said.value.remedy
    with pytest.raises(QuestionError, match="does not say which model"):
        check_pair(first, None)
