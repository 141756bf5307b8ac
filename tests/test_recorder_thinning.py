"""Which checkpoints stay: early ones dense, gaps in proportion, never more than were allowed."""

from __future__ import annotations

import itertools

import pytest

from landscape_gui.recorder.thinning import KEEP, Mark, Thinning, digits


def run_of(steps: int, keep: int, per_epoch: int = 0) -> tuple[Thinning, int, int]:
    """After so many steps: what is kept, how many checkpoints were written, and the most that there ever were."""
    thinning, written, most = Thinning(keep), 0, 0
    thinning.add(Mark(0))
    for step in range(1, steps + 1):
        ends = bool(per_epoch) and step % per_epoch == 0
        if thinning.wants_step(step):
            thinning.add(Mark(step))
            written += 1
        if ends and thinning.wants_epoch(step // per_epoch):
            thinning.add(Mark(step, step // per_epoch))
            written += 1
        most = max(most, len(thinning.marks))
    return thinning, written, most


def test_significant_binary_digits() -> None:
    assert [digits(n) for n in (44, 3, 12, 15, 16384 + 1)] == [4, 2, 2, 4, 15]
    assert digits(0) == digits(1) == -float("inf") and digits(2) == 1 and digits(4) == 0 and digits(16) == -1


@pytest.mark.parametrize("keep", [2, 5, 20, 80, 300])
@pytest.mark.parametrize("per_epoch", [0, 7, 100])
def test_never_more_than_are_kept_and_the_first_always(keep: int, per_epoch: int) -> None:
    thinning, _, most = run_of(5000, keep, per_epoch)
    assert most <= max(keep, 3)  # 0 and 1 stay whatever is allowed, and an epoch's first end
    assert min(mark.step for mark in thinning.marks) == 0


def test_gaps_are_in_proportion_to_the_step() -> None:
    """Three digits: a quarter of the place; a digit more where twice as many are kept: half of that."""
    for steps, keep, share in (
        (200, KEEP, 1 / 4),
        (5000, 64, 1 / 4),
        (30_000, KEEP, 1 / 4),
        (500, 2 * KEEP, 1 / 8),
        (900, 4 * KEEP, 1 / 16),
    ):
        kept = sorted(mark.step for mark in run_of(steps, keep)[0].marks)
        dense = int(2 / share)
        assert kept[: dense + 1] == list(range(dense + 1)) and kept[dense + 1] == dense + 2
        assert all(after - before <= max(1, share * before) for before, after in itertools.pairwise(kept)), kept


def test_what_is_written_and_taken_away_again_is_little() -> None:
    _, written, _ = run_of(30_000, 80)
    assert written <= 2 * 80


def test_every_end_of_an_epoch_stays_while_there_is_room() -> None:
    thinning, _, _ = run_of(40 * 50, 80, per_epoch=50)
    assert sorted(mark.epoch for mark in thinning.marks if mark.epoch is not None) == list(range(1, 41))
    thinning, _, _ = run_of(400 * 5, 30, per_epoch=5)
    epochs = sorted(mark.epoch for mark in thinning.marks if mark.epoch is not None)
    assert epochs[:3] == [1, 2, 3] and len(epochs) <= 20 and epochs[-1] > 200


def test_the_same_calls_keep_the_same() -> None:
    assert run_of(3000, 33, 41)[0].marks == run_of(3000, 33, 41)[0].marks


@pytest.mark.parametrize("keep", [2, 5, 12, 80, 300])
@pytest.mark.parametrize("per_epoch", [0, 7])
def test_the_step_that_is_next_is_the_first_that_is_wanted(keep: int, per_epoch: int) -> None:
    """As things stand, and none is wanted before it whatever is taken in until then."""
    thinning = Thinning(keep)
    thinning.add(Mark(0))
    due = thinning.next_step(0)
    for step in range(1, 2000):
        assert due >= step and (due == step or not thinning.wants_step(step))
        if due == step:
            if thinning.wants_step(step):
                thinning.add(Mark(step))
            due = thinning.next_step(step)
            assert due == float("inf") or thinning.wants_step(int(due))
        if per_epoch and step % per_epoch == 0 and thinning.wants_epoch(step // per_epoch):
            thinning.add(Mark(step, step // per_epoch))


def test_there_is_no_next_step_where_none_can_be_wanted() -> None:
    thinning = Thinning(2)
    for step in (0, 1, 4, 16, 256, 65536, 1 << 32):
        thinning.add(Mark(step))
    assert [mark.step for mark in thinning.marks] == [0, 1]
    assert thinning.next_step(1 << 32) == float("inf")
