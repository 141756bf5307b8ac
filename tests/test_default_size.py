"""The size of a surface that nobody gave one: what some minutes allow, the same again once an answer is kept, and in the key."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from landscape_gui import default_size
from landscape_gui.cli import main
from landscape_gui.default_size import affordable
from landscape_gui.probes import sampling
from landscape_gui.probes.surface import PATIENCE, SIZES, Surface
from landscape_gui.problem import Problem, open_problem
from landscape_gui.store import Store, key_of

USUAL = Surface()


@pytest.fixture
def problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problem:
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "cache"))
    return open_problem("samples:digits-seed-a")


def paced(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """A machine on which a point takes so long."""
    monkeypatch.setattr(sampling, "seconds_per_point", lambda probe, problem: seconds)


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_largest_that_the_time_allows(problem: Problem, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    paced(monkeypatch, PATIENCE / size**2 * 0.999)
    assert affordable(USUAL, problem, Store()).steps == (size, size)
    paced(monkeypatch, PATIENCE / size**2 * 1.001)
    smaller = SIZES[min(SIZES.index(size) + 1, len(SIZES) - 1)]
    assert affordable(USUAL, problem, Store()).steps == (smaller, smaller)


def test_where_nothing_is_known_of_the_time_it_is_the_usual(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    paced(monkeypatch, math.nan)
    assert affordable(USUAL, problem, Store()) is USUAL


def test_draws_count_and_an_adaptive_one_stays(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    paced(monkeypatch, PATIENCE / 31**2 / 4 * 0.999)
    assert affordable(Surface(draws=4), problem, Store()).steps == (31, 31)
    paced(monkeypatch, PATIENCE)
    adaptive = Surface(adaptive=True)
    assert affordable(adaptive, problem, Store()) is adaptive


@pytest.mark.parametrize("begun", [False, True])
def test_what_is_kept_or_begun_is_taken_whatever_the_time(problem: Problem, monkeypatch: pytest.MonkeyPatch, begun: bool) -> None:
    store, kept = Store(), dataclasses.replace(USUAL, steps=(25, 25))
    key = key_of(kept.completed(problem), problem.fingerprint)
    place = store.partial_path(key) if begun else store.path(key)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"")
    for seconds in (PATIENCE, 1e-9, math.nan):
        paced(monkeypatch, seconds)
        assert affordable(USUAL, problem, store) == kept
    other = dataclasses.replace(USUAL, directions="layer")
    paced(monkeypatch, 1e-9)
    assert affordable(other, problem, store) == other, "another question, of which nothing is kept"


def test_the_cost_says_what_the_usual_one_would_take(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    paced(monkeypatch, 0.5)
    assert dataclasses.replace(USUAL, steps=(21, 21)).cost(problem).finer == ("51 × 51", 0.5 * 51 * 51)
    assert USUAL.cost(problem).finer[0] == ""
    paced(monkeypatch, 1e-4)
    assert dataclasses.replace(USUAL, steps=(21, 21)).cost(problem).finer[0] == "", "it takes no time worth a word"


def test_the_command_line_takes_it_says_it_and_obeys(problem: Problem, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    asked: list[Any] = []

    def noted(question: Surface, about: Problem, store: Store) -> Surface:
        asked.append(affordable(question, about, store))
        return dataclasses.replace(asked[-1], limit=8)

    monkeypatch.setattr(default_size, "affordable", noted)
    paced(monkeypatch, PATIENCE / 21**2 * 0.999)
    assert main(["surface", "samples:digits-seed-a", "--limit", "8"]) == 0
    out, err = capsys.readouterr()
    assert asked[0].steps == (21, 21) and re.search(r"21 (x|×|by) 21", out + err)
    assert "21 by 21 points, about 3 min; 51 by 51 would take about 18 min (--steps 51)" in err
    assert main(["surface", "samples:digits-seed-a", "--limit", "8", "--steps", "5"]) == 0
    assert len(asked) == 1, "a size that was given is taken"


def test_only_a_surface_is_sized_in_the_window(problem: Problem) -> None:
    from landscape_gui import app

    other = SimpleNamespace(name="line")
    assert app.sized(other, problem) is other  # type: ignore[arg-type, comparison-overlap]
