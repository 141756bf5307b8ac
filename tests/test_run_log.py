"""A run's log: whatever can be read of it is, once, and what cannot is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from landscape_gui import run_log
from landscape_gui.run_log import read_log


def lines(*steps: int, loss: float = 0.5) -> str:
    return "".join(json.dumps({"step": step, "train_loss": loss / (step + 1)}) + "\n" for step in steps)


def steps(folder: Path) -> list[float | str]:
    return [row["step"] for row in read_log(folder).rows]


def test_of_a_log_that_has_grown_the_new_lines_alone_are_read(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    log.write_text(lines(0, 1))
    first = read_log(tmp_path).rows
    assert read_log(tmp_path).rows is first
    with log.open("a") as file:
        file.write(lines(2) + '{"step": 3, "tr')
    second = read_log(tmp_path).rows
    assert [row["step"] for row in second] == [0, 1, 2]
    assert second[0] is first[0] and second[1] is first[1]
    with log.open("a") as file:
        file.write('ain_loss": 0.1}\n' + lines(4))
    third = read_log(tmp_path)
    assert [row["step"] for row in third.rows] == [0, 1, 2, 3, 4] and third.rows[3]["train_loss"] == 0.1
    assert third.rows[2] is second[2] and third.notes == ()


def test_a_log_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    log.write_text(lines(0, 1))
    assert steps(tmp_path) == [0, 1]
    log.write_text(lines(0, 1, 2, loss=3.0))  # longer, and other values at the same places
    assert [row["train_loss"] for row in read_log(tmp_path).rows] == [3.0, 1.5, 1.0]
    log.write_text(lines(0))
    assert steps(tmp_path) == [0]
    (tmp_path / "new").write_text(lines(5))
    os.replace(tmp_path / "new", log)
    assert steps(tmp_path) == [5]


def test_lines_that_were_torn_are_left_out_and_counted(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    log.write_text(lines(0, 1) + '{"step": 2, "tra\n' + lines(3))
    found = read_log(tmp_path)
    assert [row["step"] for row in found.rows] == [0, 1, 3]
    assert found.notes == ("A line that is no JSON left out of metrics.jsonl.",)
    with log.open("a") as file:
        file.write("\0\0\0\n" + lines(4))
    found = read_log(tmp_path)
    assert [row["step"] for row in found.rows] == [0, 1, 3, 4]
    assert found.notes == ("2 lines that are no JSON left out of metrics.jsonl.",)


def test_a_log_that_is_too_large_is_said_and_the_next_one_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metrics.jsonl").write_text(lines(*range(40)))
    (tmp_path / "log.csv").write_text("step,train_loss\n1,0.5\n")
    monkeypatch.setattr(run_log, "MOST_BYTES", 1000)
    found = read_log(tmp_path)
    assert [row["step"] for row in found.rows] == [1.0]
    assert len(found.notes) == 1 and found.notes[0].startswith("metrics.jsonl is larger than")


def test_logs_that_were_not_asked_about_for_long_are_forgotten(tmp_path: Path) -> None:
    for k in range(2 * run_log.KEPT):
        (tmp_path / str(k)).mkdir()
        (tmp_path / str(k) / "metrics.jsonl").write_text(lines(k))
        assert steps(tmp_path / str(k)) == [k]
    assert len(run_log._known) == run_log.KEPT
