"""What a recorder knows beyond its folder, kept and given back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from landscape_gui.errors import RecorderError
from landscape_gui.recorder import Recorder
from landscape_gui.recorder.files import LOG, marks_in
from landscape_gui.recorder.going_on import Kept, go_back, restore, write_after
from landscape_gui.recorder.thinning import Mark, Thinning


def thinned(keep: int, first: int, last: int, thinning: Thinning | None = None) -> Thinning:
    """A run of so many steps, an epoch of seven each, recorded as Recorder does."""
    found = thinning or Thinning(keep)
    for step in range(first, last + 1):
        if found.wants_step(step):
            found.add(Mark(step))
        if step % 7 == 0 and found.wants_epoch(step // 7):
            found.add(Mark(step, step // 7))
    return found


@pytest.mark.parametrize("keep", [4, 9, 20])
def test_checkpoints_are_thinned_as_if_nothing_had_happened(keep: int) -> None:
    """Taken in anew they would be thinned less: what was left of all is too few to know how much."""
    whole, anew = thinned(keep, 0, 150), 0
    for stop in range(1, 150):
        before, after = thinned(keep, 0, stop), Thinning(keep)
        after.go_back(tuple(before.marks), before.digits)
        went_on = thinned(keep, stop + 1, 150, after)
        assert (went_on.marks, went_on.digits) == (whole.marks, whole.digits)
        other = Thinning(keep)
        for mark in before.marks:
            other.add(mark)
        anew += other.digits != before.digits
    assert anew > 0


def test_what_is_kept_comes_back_from_json(tmp_path: Path) -> None:
    kept = Kept(step=5, epoch=1, log=70, marks=(Mark(0, 0), Mark(5)), digits=(4, float("inf")), tensors={"leading": torch.ones(2)})
    assert Kept.read(kept.said(), kept.tensors) == kept


def test_a_folder_goes_back_to_where_the_file_was_written(tmp_path: Path) -> None:
    module, found = nn.Linear(3, 2), list[Kept]()
    rec = Recorder(tmp_path, module)
    for step in range(9):
        rec.step(loss=float(step))
        if step == 4:
            assert write_after(rec, "mine", lambda kept: found.append(kept) or b"whole", 5, wait=True)  # type: ignore[func-returns-value]
    rec.close()
    assert (tmp_path / "mine").read_bytes() == b"whole" and found[0].step == 5
    go_back(tmp_path, found[0])
    assert [mark.step for mark in marks_in(tmp_path)] == list(range(6))
    assert (tmp_path / LOG).read_bytes().count(b"\n") == 6 and (tmp_path / "abandoned-1").is_dir()
    again = Recorder(tmp_path, module, resume=True)
    restore(again, found[0])
    again.step(loss=5.0)
    again.close()
    assert [mark.step for mark in marks_in(tmp_path)] == list(range(7))
    (tmp_path / LOG).write_bytes(b"")
    with pytest.raises(RecorderError, match="ends before step 5"):
        go_back(tmp_path, found[0])
