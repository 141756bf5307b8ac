"""landscape-gui connect A B: the same numbers as in Python, every output, and sentences where it does not go."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from landscape_gui import Connect, answer, cli, open_problem, read_result
from landscape_gui.commands import flags
from landscape_gui.commands.connection_summary import describe
from landscape_gui.commands.parser import Parser, UsageError, join_names
from landscape_gui.connection_results import ConnectionResult

A, B = "samples:digits-seed-a", "samples:digits-seed-b"
SHORT = ["--points", "9", "--limit", "200", "--steps", "40"]


def run(*arguments: str) -> int:
    return cli.main(["connect", *arguments])


def test_the_files_hold_what_python_gives(tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("c.json", "c.csv", "c.h5", "c.pdf")]
    said = [part for path in outputs for part in ("-o", str(path))]
    assert run(A, B, "--path", "line", "bezier", *SHORT, "--split", "test", *said) == 0
    problem = open_problem(A)
    question = Connect(towards=problem.reference(B), path=("line", "bezier"), points=9, limit=200, steps=40, split="test")
    found = answer(question, problem)
    assert isinstance(found, ConnectionResult)
    written = json.loads(outputs[0].read_text(encoding="utf-8"))
    line = found.paths["line"]
    assert written["t"] == line.t.tolist()
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
        assert written[name] == line.quantities[name].values.tolist()
        assert len(written[f"{name}_standard_error"]) == 9
    assert written["split"] == "test"
    assert written["barrier"] == {n: line.numbers[n].value for n in ("above_line", "above_mean", "above_larger")}
    assert written["barrier"]["above_line"] == line.numbers["test_loss_above_line"].value > 0
    assert written["barrier_standard_error"] == {n: line.numbers[n].error for n in ("above_line", "above_mean", "above_larger")}
    assert written["connectivity_score"] == line.numbers["connectivity_score"].value
    assert written["length"] == pytest.approx(written["end_distance"], rel=1e-12)
    assert written["paths"]["bezier"]["barrier"]["above_line"] == found.paths["bezier"].numbers["above_line"].value
    with outputs[1].open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 18
    kept = read_result(outputs[2])
    assert isinstance(kept, ConnectionResult) and kept.numbers == found.numbers
    assert outputs[3].read_bytes().startswith(b"%PDF")


def test_the_answer_can_be_drawn_elsewhere(tmp_path: Path) -> None:
    assert run(A, B, *SHORT, "-o", str(tmp_path / "c.h5")) == 0
    assert cli.main(["export", str(tmp_path / "c.h5"), "-o", str(tmp_path / "c.svg"), "--quantity", "test_loss"]) == 0
    assert "test loss" in (tmp_path / "c.svg").read_text(encoding="utf-8")


def test_the_summary_is_a_table_with_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(A, B, *SHORT, "--path", "line", "aligned") == 0
    text = capsys.readouterr().out
    first, head, line, aligned = text.splitlines()[:4]
    assert first.startswith("digits-seed-a and digits-seed-b, 20.6 apart; barriers of the train loss; ")
    assert head.split() == ["path", "above", "line", "above", "mean", "above", "larger", "maximum", "score", "length", "points"]
    assert line.startswith("line") and "±" in line and aligned.startswith("aligned")
    assert "200 of 1,437 train" in text and "above the straight interpolation of the ends" in text


def test_a_result_without_numbers_has_a_summary() -> None:
    assert describe(ConnectionResult(names=("a", "b"), paths={}, split="train")).startswith("a and b")


@pytest.mark.parametrize(
    "line",
    [
        "samples:x other.pt --path line chain",
        "samples:x --path line chain other.pt",
        "--path=line,chain samples:x other.pt",
        "samples:x --path line --points 9 other.pt --path line,chain",
    ],
)
def test_paths_are_one_or_several_names_wherever_they_stand(line: str) -> None:
    parser = Parser(prog="landscape-gui connect")
    parser.add_argument("path")
    flags.add_probe_flags(parser, Connect)
    found = parser.parse(line.split())
    assert (found.path, found.field_towards, found.field_path) == ("samples:x", "other.pt", ("line", "chain"))


def test_names_that_follow_a_flag_are_joined_and_nothing_else() -> None:
    known = {"--path": ("line", "chain")}
    assert join_names(["--path", "line", "chain", "line.pt"], known) == ["--path=line,chain", "line.pt"]
    assert join_names(["--path", "net.pt"], known) == ["--path", "net.pt"]
    assert join_names(["line", "--path", "line"], known) == ["line", "--path=line"]


def test_a_path_that_is_not_known_is_refused_by_name() -> None:
    parser = Parser(prog="landscape-gui connect")
    flags.add_probe_flags(parser, Connect)
    with pytest.raises(UsageError, match=r"--path cannot be 'curve'; choose one or several of line, bezier"):
        parser.parse(["other.pt", "--path", "curve"])


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([A], 2, "OTHER is missing."),
        ([A, A], 1, "there is nothing between them"),
        ([A, "samples:digits-mlp"], 1, "tensor 'fc1.weight' has shape (64, 64); (32, 64) was expected"),
        ([A, B, "--split", "valid"], 1, "There is no split 'valid'"),
        ([A, B, "--points", "1"], 1, "Points is 1. It must be at least 2."),
    ],
)
def test_what_does_not_go_is_said(arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == status
    assert said in capsys.readouterr().err


def test_asked_the_other_way_round_the_files_mirror(tmp_path: Path) -> None:
    found = []
    for name, pair in (("there", (A, B)), ("back", (B, A))):
        assert run(*pair, *SHORT, "-o", str(tmp_path / f"{name}.json")) == 0
        found.append(json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")))
    there, back = found
    assert back["train_loss"] == there["train_loss"][::-1] and back["barrier"] == there["barrier"]
    assert back["names"] == there["names"][::-1]
