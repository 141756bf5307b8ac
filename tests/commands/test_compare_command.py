"""landscape-gui compare: models opened, reported, put side by side and written; what cannot be is said beforehand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from landscape_gui import samples
from landscape_gui.cli import main
from landscape_gui.commands import compute
from landscape_gui.commands.compare import models_in
from landscape_gui.errors import LandscapeError

THREE = tuple(f"samples:digits-mlp/epoch-{epoch:03}.safetensors" for epoch in (40, 3, 12))
"""Small enough for tests, and as different as networks are."""
QUICK = ("--limit", "32", "--top", "1", "--steps", "2", "--probes", "1", "--budget", "4", "--points", "1", "--no-bound", "-q")

NUMBERS = ("--numbers", "split_loss,loss_gap,lambda_max")


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> object:
    """One store for all, so that reports are computed once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path_factory.mktemp("config")))
        yield


def test_three_models_end_in_a_table_and_a_figure(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("c.csv", "c.md", "c.json", "c.pdf")]
    outputs = [part for file in files for part in ("-o", str(file))]
    assert main(["compare", *THREE, *QUICK, "--sort", "lambda_max", "--descending", *NUMBERS, *outputs]) == 0
    rows = list(csv.DictReader(files[0].open(encoding="utf-8", newline="")))
    assert {row["model"].rpartition(" ")[2] for row in rows} == {"3", "12", "40"}
    curvature = [float(row["lambda_max"]) for row in rows]
    assert curvature == sorted(curvature, reverse=True)
    for row in rows:  # the loss is of all data, the curvature of 32 examples
        assert float(row["loss_gap"]) == pytest.approx(float(row["split_loss:test"]) - float(row["split_loss:train"]))
    found = json.loads(files[2].read_text(encoding="utf-8"))
    assert found["correlations"]["lambda_max"]["models"] == 3 and found["correlations"]["lambda_max"]["interval"]["low"] is None
    text = files[1].read_text(encoding="utf-8")
    assert "no interval can be given" in text and "checkpoints of one run are not independent models" in text
    assert files[3].read_bytes().startswith(b"%PDF")


def test_the_terminal_shows_rows_and_what_may_be_read_off_them(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = ("--numbers", "loss_gap,lambda_max", "--title", "first", "--title", "second")
    assert main(["compare", *THREE[:2], *QUICK[:-1], *numbers]) == 0
    out = capsys.readouterr().out
    assert "first" in out and "second" in out and "τ" in out and "every measure puts 2 models" in out
    assert "train loss" not in out


def test_surfaces_share_span_and_size_and_open_again(tmp_path: Path) -> None:
    file = tmp_path / "s.figure.json"
    small = ("--surface-steps", "3", "--surfaces", str(file), "--surfaces", str(tmp_path / "s.png"))
    assert main(["compare", *THREE[:2], *QUICK, *small]) == 0
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    assert [cell["question"]["steps"] for cell in cells] == [[3, 3], [3, 3]]
    assert [cell["question"]["limit"] for cell in cells] == [32, 32]
    assert (tmp_path / "s.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("samples:digits-mlp",), "One model cannot be compared"),
        ((*THREE, "-o", "c.xlsx"), "the suffix decides"),
        ((*THREE, "--surfaces", "s.csv"), "the suffix decides"),
        ((*THREE, "--numbers", "loss_gap,depth"), "depth is no number of a report"),
        ((*THREE, "--sort", "depth"), "depth is no number of a report"),
        ((*THREE, "--title", "1", "--title", "2", "--title", "3", "--title", "4"), "There are 4 titles and 3 models"),
        ((*THREE, "-o", "nowhere/c.md"), "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_is_said_first(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *arguments, "-q"]) == 2
    assert words in capsys.readouterr().err


def test_a_model_named_twice_counts_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", THREE[0], THREE[0], "-q"]) == 2
    err = capsys.readouterr().err
    assert (
        "is the same model as samples:digits-mlp/epoch-040.safetensors and counts once" in err
        and "One model cannot be compared" in err
    )


def test_a_folder_of_runs_is_its_runs(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).symlink_to(samples.path("digits-seed-a"))
    (tmp_path / "notes").mkdir()
    assert models_in(str(tmp_path)) == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert models_in(str(tmp_path / "a")) == [str(tmp_path / "a")], "a run is one model"


def test_a_model_that_does_not_open_is_left_out_and_the_others_keep_their_titles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    titles = [part for title in ("first", "second", "third") for part in ("--title", title)]
    paths = (THREE[0], str(broken), THREE[1])
    assert main(["compare", *paths, *QUICK, *NUMBERS, *titles, "-o", str(tmp_path / "c.csv")]) == 1
    assert f"{broken} is left out: " in capsys.readouterr().err
    with (tmp_path / "c.csv").open(encoding="utf-8", newline="") as file:
        assert [row["model"] for row in csv.DictReader(file)] == ["first", "third"]


def test_a_model_whose_report_or_surface_fails_is_said_and_costs_the_others_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = compute.ask

    def failing(question: Any, problem: Any, *rest: Any, **more: Any) -> Any:
        if (question.name, "epoch 12" in problem.title) in (("report", True), ("surface", False)) and not asked:
            asked.append(question.name) if question.name == "surface" else None
            raise LandscapeError("It overflows.", remedy="Look at it.")
        return ask(question, problem, *rest, **more)

    asked: list[str] = []
    monkeypatch.setattr(compute, "ask", failing)
    outputs = ("-o", str(tmp_path / "c.csv"), "--surfaces", str(tmp_path / "s.figure.json"), "--surface-steps", "3")
    assert main(["compare", *THREE, *QUICK, *NUMBERS, *outputs]) == 1
    err = capsys.readouterr().err
    assert f"{THREE[2]} is left out: It overflows." in err and f"{THREE[0]} has no surface in the figure: It overflows." in err
    assert len((tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()) == 3
    assert len(json.loads((tmp_path / "s.figure.json").read_text(encoding="utf-8"))["cells"]) == 1


@pytest.mark.parametrize("suffix", [".pdf", ".png"])
def test_its_figure_is_drawn_again_to_the_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    drawn, again = tmp_path / f"c{suffix}", tmp_path / f"again{suffix}"
    order = ("--sort", "lambda_max", "--gap", "accuracy", "--title", "a title")
    assert main(["compare", *THREE, *QUICK, *NUMBERS, *order, "-o", str(drawn), "--dpi", "50"]) == 0
    assert main(["reproduce", str(drawn), "--recompute", "-o", str(again)]) == 0
    out = capsys.readouterr().out
    assert "the same file, byte for byte" in out and out.count("The same to the bit") == 3
    assert again.read_bytes() == drawn.read_bytes()


def test_an_empty_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path), THREE[0], "-q"]) == 1
    err = capsys.readouterr().err
    assert "holds no checkpoint" in err and "Fewer than two models could be opened" in err
