"""A run's folder while it is being written: nothing half written is read, nothing that is whole is overlooked."""

from __future__ import annotations

import io
import json
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from landscape_gui.run import find_run
from landscape_gui.watching import LIVE, STILL, Seen, Watch, is_awaited


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(tmp_path: Path, clock: Clock) -> Watch:
    return Watch(tmp_path, clock=clock)


def content(step: int) -> bytes:
    return save({"weight": torch.full((40, 50), float(step))})


def saved(step: int) -> bytes:
    file = io.BytesIO()
    torch.save({"model": {"weight": torch.full((40, 50), float(step))}, "global_step": step}, file)
    return file.getvalue()


def later(watch: Watch, clock: Clock, seconds: float = STILL) -> Seen:
    clock.at += seconds
    return watch.look()


def steps(seen: Seen) -> list[int | None]:
    return [entry.step for entry in seen.run.checkpoints] if seen.run is not None else []


def test_an_empty_folder_waits_for_its_first_checkpoint(tmp_path: Path, watch: Watch, clock: Clock) -> None:
    seen = watch.look()
    assert (seen.run, seen.changed, seen.live, seen.age) == (None, False, False, math.inf)
    (tmp_path / "step-00000001.safetensors").write_bytes(content(1))
    seen = later(watch, clock)
    assert seen.run is None and seen.waiting == ("step-00000001.safetensors",) and seen.live
    seen = later(watch, clock)
    assert steps(seen) == [1] and seen.changed and seen.waiting == ()
    assert not later(watch, clock).changed
    assert not later(watch, clock, LIVE).live


@pytest.mark.parametrize(("name", "whole"), [("step-2.pt", saved(2)), ("step-2.safetensors", content(2))])
def test_a_file_written_in_place_is_read_when_it_is_whole(
    tmp_path: Path, watch: Watch, clock: Clock, name: str, whole: bytes
) -> None:
    """torch.save writes under the last name from the first byte on; here it takes pauses that are longer than STILL, too."""
    suffix = Path(name).suffix
    (tmp_path / f"step-1{suffix}").write_bytes(saved(1) if suffix == ".pt" else content(1))
    later(watch, clock)
    assert steps(later(watch, clock)) == [1]
    with (tmp_path / name).open("wb", buffering=0) as file:
        for part in range(4):
            file.write(whole[part * len(whole) // 4 : (part + 1) * len(whole) // 4])
            first = later(watch, clock)
            assert steps(first) == [1] and first.waiting == (name,)
            if part < 3:
                assert steps(later(watch, clock)) == [1]
    assert steps(later(watch, clock)) == [1, 2]


def test_a_checkpoint_that_is_overwritten_is_passed_over_meanwhile_and_not_said_to_be_gone(
    tmp_path: Path, watch: Watch, clock: Clock
) -> None:
    for step in (1, 2):
        (tmp_path / f"step-{step}.pt").write_bytes(saved(step))
    watch.look()
    assert steps(later(watch, clock)) == [1, 2]
    (tmp_path / "step-2.pt").write_bytes(saved(2)[:5000])
    seen = later(watch, clock)
    assert steps(seen) == [1] and seen.gone == () and seen.waiting == ("step-2.pt",)
    (tmp_path / "step-2.pt").write_bytes(saved(2))
    later(watch, clock)
    assert steps(later(watch, clock)) == [1, 2]


def test_checkpoints_that_are_rotated_are_told_once(tmp_path: Path, watch: Watch, clock: Clock) -> None:
    for step in (1, 2, 3):
        (tmp_path / f"step-{step}.safetensors").write_bytes(content(step))
    watch.look()
    assert steps(later(watch, clock)) == [1, 2, 3]
    (tmp_path / "step-1.safetensors").unlink()
    seen = later(watch, clock)
    assert steps(seen) == [2, 3] and seen.gone == ("step 1",)
    assert later(watch, clock).gone == ()
    for step in (2, 3):
        (tmp_path / f"step-{step}.safetensors").unlink()
    seen = later(watch, clock)
    assert seen.gone == ("step 2", "step 3") and steps(seen) == [2, 3]  # what was known last


def test_the_line_of_a_log_that_is_half_written_is_left_for_the_next_look(tmp_path: Path, watch: Watch, clock: Clock) -> None:
    (tmp_path / "step-1.safetensors").write_bytes(content(1))
    row = json.dumps({"step": 1, "train_loss": 0.25}) + "\n"
    with (tmp_path / "metrics.jsonl").open("w", buffering=1) as log:
        log.write(row)
        watch.look()
        assert [r["train_loss"] for r in later(watch, clock).run.metrics] == [0.25]  # type: ignore[union-attr]
        log.write(row[:20])
        log.flush()
        assert len(later(watch, clock).run.metrics) == 1  # type: ignore[union-attr]
        log.write(row[20:])
        seen = later(watch, clock)
    assert seen.changed and len(seen.run.metrics) == 2  # type: ignore[union-attr]


def test_a_log_that_is_just_written_anew_leaves_what_was_read_of_it(tmp_path: Path, watch: Watch, clock: Clock) -> None:
    (tmp_path / "step-1.safetensors").write_bytes(content(1))
    (tmp_path / "metrics.json").write_text('[{"step": 1, "loss": 2}]')
    watch.look()
    assert later(watch, clock).run.metrics  # type: ignore[union-attr]
    (tmp_path / "metrics.json").write_text('[{"step": 1, "lo')
    assert later(watch, clock).run.metrics == ({"step": 1.0, "loss": 2.0},)  # type: ignore[union-attr]


def test_an_old_run_is_known_at_the_first_look(tmp_path: Path, watch: Watch) -> None:
    for step in (1, 2):
        path = tmp_path / f"step-{step}.pt"
        path.write_bytes(saved(step))
        os.utime(path, (1e9, 1e9))
    seen = watch.look()
    assert steps(seen) == [1, 2] and not seen.live and seen.waiting == ()


def test_numbered_folders_wait_for_all_of_their_files(tmp_path: Path, watch: Watch, clock: Clock) -> None:
    for step in (1, 2):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "model.safetensors").write_bytes(content(step))
    watch.look()
    assert steps(later(watch, clock)) == [1, 2]
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "checkpoint-3" / "model.safetensors").write_bytes(content(3))
    assert steps(later(watch, clock)) == [1, 2]
    assert steps(later(watch, clock)) == [1, 2, 3]


def test_a_folder_that_is_taken_away_is_a_sentence_and_what_was_read_of_it_stays(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    watch = Watch(folder, clock=clock)
    (folder / "step-1.safetensors").write_bytes(content(1))
    watch.look()
    assert steps(later(watch, clock)) == [1]
    folder.rename(tmp_path / "b")
    seen = later(watch, clock)
    assert "is not there any more" in seen.trouble and steps(seen) == [1] and not seen.changed and seen.gone == ()
    (tmp_path / "b").rename(folder)
    assert later(watch, clock).trouble == "" and steps(later(watch, clock)) == [1]
    (tmp_path / "c").write_text("a file")
    assert "c cannot be listed" in Watch(tmp_path / "c", clock=clock).look().trouble


def test_what_is_left_out_has_no_note(tmp_path: Path) -> None:
    for step in (1, 2):
        (tmp_path / f"step-{step}.pt").write_bytes(saved(step))
    (tmp_path / "step-3.pt").write_bytes(saved(3)[:3000])
    noted, silent = find_run(tmp_path), find_run(tmp_path, leaving=frozenset({tmp_path / "step-3.pt"}))
    assert noted is not None and silent is not None
    assert "step-3.pt" in noted.notes[0] and silent.notes == ()
    assert noted.checkpoints == silent.checkpoints


@pytest.mark.parametrize("name", ["cat.png", "cat.JPG", "cat.webp", "cat.bmp", "scan.tiff", "notes.txt", "paper.pdf"])
def test_a_folder_of_other_things_is_not_waited_for_however_new(tmp_path: Path, name: str) -> None:
    assert is_awaited(tmp_path), "empty"
    (tmp_path / name).write_bytes(b"just written")
    assert not is_awaited(tmp_path)


@pytest.mark.parametrize("name", ["landscape.json", "metrics.jsonl", "log.csv"])
def test_a_folder_with_a_runs_card_or_log_is_waited_for_while_it_is_new(tmp_path: Path, name: str) -> None:
    (tmp_path / "sample.png").write_bytes(b"drawn by the training")
    (tmp_path / name).write_text("{}")
    assert is_awaited(tmp_path)
    os.utime(tmp_path / name, (1e9, 1e9))
    assert not is_awaited(tmp_path)
