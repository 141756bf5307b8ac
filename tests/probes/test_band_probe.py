"""Asking for a nudged elastic band: what comes back, with pivots inserted on the way, kept and gone on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import path_training_checks as checks
import pytest
from tiny_problem import TinyProblem

from landscape_gui import jobs
from landscape_gui.connection_results import CurveResult
from landscape_gui.core import band
from landscape_gui.errors import LandscapeError, QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes import path_run
from landscape_gui.probes.band import BandQuestion, BandSoFar
from landscape_gui.probes.base import CheckpointRef


@pytest.fixture(autouse=True)
def _save_tell_and_insert_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pivots are inserted after five rounds, wherever they may."""
    monkeypatch.setattr(jobs, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)
    monkeypatch.setattr(path_run, "TELL_EVERY", 0.0)
    monkeypatch.setattr(band, "ROUNDS", 5)
    monkeypatch.setattr(band, "RISE", -1e9)


def ask(**fields: Any) -> BandQuestion:
    return BandQuestion(**{"towards": checks.towards(TinyProblem()), "steps": 40, "pivots": 6, **fields})


def test_a_band_is_a_chain_whose_pivots_stand_at_their_share_of_its_length() -> None:
    problem = TinyProblem()
    found = answer(ask(steps=100), problem)
    assert isinstance(found, CurveResult) and found.complete and found.kind == "chain"
    assert found.points.shape == (8, problem.layout.size) and found.points.dtype == np.float32
    assert np.array_equal(found.points[0], problem.state.numpy()) and np.array_equal(found.points[-1], problem.states[0].numpy())
    sides = np.linalg.norm(np.diff(found.points.astype(float), axis=0), axis=1)
    np.testing.assert_allclose(found.places, np.concatenate([[0], np.cumsum(sides)]) / sides.sum(), atol=1e-6)
    assert found.steps == 100 and found.loss_steps.tolist() == [30, 60, 90] and found.provenance.probe == "band"


def test_pivots_come_on_the_way_and_no_more_than_asked_for() -> None:
    counts: list[int] = []
    answer(
        ask(steps=150, pivots=5),
        TinyProblem(),
        on_progress=lambda p: counts.append(len(p.partial.points) - 2) if p.partial else None,
    )
    assert counts[0] == 3 and counts == sorted(counts) and max(counts) == 5
    assert len(answer(ask(pivots=2), TinyProblem()).points) == 4


def test_on_the_samples_with_two_seeds_a_band_goes_round_the_lines_barrier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Already after a quarter of the usual steps."""
    monkeypatch.setattr(band, "ROUNDS", 30)
    monkeypatch.setattr(band, "RISE", 0.2)
    checks.far_below_the_lines_barrier(BandQuestion(towards=checks.two_seeds()[1], steps=1000))


def test_fresh_cached_and_resumed_answers_are_equal_to_the_bit(tmp_path: Path) -> None:
    checks.interrupted_again_and_again(ask, tmp_path)


def test_more_steps_go_on_from_fewer(tmp_path: Path) -> None:
    checks.more_steps_go_on_from_fewer(ask, tmp_path)


def test_a_cancelled_training_is_kept_for_other_budgets(tmp_path: Path) -> None:
    checks.a_cancelled_training_is_kept_for_other_budgets(ask, tmp_path)


def test_what_differs_is_not_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.what_differs_is_not_gone_on_from(ask, tmp_path, monkeypatch)


def test_partial_answers_stream() -> None:
    checks.partial_answers_stream(ask)


def test_what_is_left_open_is_filled_in() -> None:
    problem = TinyProblem()
    left = BandQuestion(towards=checks.towards(problem)).completed(problem)
    assert isinstance(left, BandQuestion)
    assert (left.steps, left.lr, left.batch, left.split) == (4000, 0.002, 64, "train")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"towards": CheckpointRef("epoch_5", f"{5:032x}", "epoch 5")}, "epoch 5 has the same weights"),
        ({"split": "validation"}, "no split 'validation'"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(QuestionError, match=said):
        answer(ask(**fields), TinyProblem())
    with pytest.raises(QuestionError):
        ask(pivots=0)


def test_the_kept_training_is_no_question_of_its_own() -> None:
    kept = ask().so_far()
    assert isinstance(kept, BandSoFar) and kept == ask(steps=99).so_far() != ask(pivots=7).so_far()
    with pytest.raises(LandscapeError, match="kept by the question"):
        answer(kept, TinyProblem())
