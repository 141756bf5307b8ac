"""The command analyze: a folder with everything, a report that needs nothing else, and what it says where something is missing."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from landscape_gui import cli, open_problem, read_result
from landscape_gui.commands import analyze, analyze_parts, analyze_subject
from landscape_gui.commands.analyze_parts import Settings

QUICK = ["--steps", "5", "--limit", "60", "--top", "2"]
LOADING = {"link": "href", "script": "src", "img": "src", "source": "srcset", "iframe": "src", "object": "data"}


class Reader(HTMLParser):
    """What a page would load, its text and its tags that stay open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag in LOADING:
            self.loaded.append(dict(attrs).get(LOADING[tag]) or "")
        if tag not in ("meta", "img", "source", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network by name, trained for two epochs, with all three parts."""
    folder = tmp_path_factory.mktemp("analyze") / "results"
    assert cli.main(["analyze", "--model", "mlp-16", "--dataset", "digits", "--train", "2", "--save-dir", str(folder), *QUICK]) == 0
    return folder


def test_the_folder_holds_figures_tables_answers_and_the_report(trained: Path) -> None:
    for name in ("surface", "contours", "spectrum", "sharpness", "trajectory", "dynamics"):
        assert (trained / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (trained / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    for name in ("surface", "curvature", "spectrum", "sharpness", "trajectory", "dynamics"):
        answer: Any = read_result(trained / "answers" / f"{name}.h5")
        assert answer.provenance.key and json.loads((trained / "tables" / f"{name}.json").read_text())
    assert r"\toprule" in (trained / "tables" / "curvature.tex").read_text()
    assert (trained / "run" / "landscape.json").exists()
    mark = json.loads((trained / "analysis.json").read_text())
    assert mark["done"] == ["surface", "curvature", "trajectory", "dynamics"] and not mark["missing"]


def test_the_page_loads_nothing_and_stands_in_light_and_dark(trained: Path) -> None:
    page = (trained / "report.html").read_text()
    reader = Reader(page)
    assert reader.open == [] and not reader.tags & {"script", "link", "iframe", "object", "form"}
    assert len(reader.loaded) == 12 and all(source.startswith("data:image/png;base64,") for source in reader.loaded)
    assert "url(" not in page and "@import" not in page and "default-src 'none'" in page
    assert "prefers-color-scheme:dark" in page and "@media print" in page
    links = set(re.findall(r'<a href="([^"#]+)"', page))
    assert links and all((trained / link).is_file() for link in links)
    assert not list(trained.rglob("*.tmp"))


def test_numbers_stand_with_how_sure_they_are_and_where_they_come_from(trained: Path) -> None:
    text = Reader((trained / "report.html").read_text()).text
    answer: Any = read_result(trained / "answers" / "curvature.h5")
    problem = open_problem(trained / "run", device="cpu")
    found = problem.at_checkpoint()
    assert f"{found['test_loss']:.2f}" in text and "± one standard error" in text and "true value within ±" in text
    assert f"{answer.numbers['lambda_max'].value:.3f}" in text and "at least this" in text
    assert problem.checkpoint.digest in text and answer.provenance.key in text and torch.__version__ in text
    assert "are of 60 of 1,437 examples" in text and "θ" in text and "filter-normalised" in text and "Dinh et al. 2017" in text
    assert "random:" not in text and "Not in this report" not in text
    markdown = (trained / "report.md").read_text()
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", markdown)
    assert len(pictures) == 6 and all((trained / path).is_file() for path in pictures)
    assert answer.provenance.key in markdown and "| Trace |" in markdown


def test_the_same_command_finds_everything_again(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "again"
    shutil.copytree(trained, folder)
    run = {path.name: path.stat().st_mtime_ns for path in (folder / "run").iterdir()}
    named = ["--model", "mlp-16", "--dataset", "digits", "--train", "2", "--visualize"]
    assert cli.main(["analyze", *named, "--save-dir", str(folder), *QUICK]) == 0
    ours, theirs = (read_result(place / "answers" / "surface.h5").provenance for place in (folder, trained))
    assert (ours.key, ours.created, ours.seconds) == (theirs.key, theirs.created, theirs.seconds), "found, not computed"
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "run").iterdir()} == run, "nor trained"
    told = capsys.readouterr()
    assert "60 of 1,437 examples" in told.err and "Loss surface: " in told.err and "report.html" in told.out


def test_random_weights_are_said_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "fresh"
    named = ["--model", "cnn", "--dataset", "mnist1d"]
    assert cli.main(["analyze", *named, "--visualize", "--save-dir", str(folder), *QUICK]) == 0
    assert "The weights are random: cnn" in capsys.readouterr().err
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text()
        assert "Not in this report" not in text
        assert text.index("The weights are random") < text.index("Network and data")
    first = open_problem(folder / "model", device="cpu")
    parser = cli.make_parser("analyze", cli.commands()["analyze"])
    given = parser.parse([*named, "--checkpoint", str(folder / "model" / "epoch-000.safetensors"), "--device", "cpu"])
    analyze_subject.check(given)
    asked: list[bool] = []
    found = analyze_subject.open_subject(given, tmp_path, lambda: False, lambda: asked.append(True))
    assert found.problem is not None and found.warnings == () and asked == [True]
    assert found.problem.at_checkpoint() == first.at_checkpoint(), "the network's strides and pools are those of the name"
    assert first.layout.parameters == 5210


def test_interrupted_it_says_what_is_missing(tmp_path: Path) -> None:
    """Ctrl+C once the first question is under way: what is done is written, the rest is named, the exit status says so."""
    command = [sys.executable, "-m", "landscape_gui", "analyze", "samples:digits-mlp", "--visualize", "--compute-hessian"]
    process = subprocess.Popen(
        [*command, "--steps", "601", "--limit", "0", "--save-dir", str(tmp_path / "r")], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "Figures and report" in line:
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    assert "the same command goes on from there" in process.stderr.read()
    text = Reader((tmp_path / "r" / "report.html").read_text()).text
    assert "Not in this report Loss surface : interrupted" in text and "Curvature and sharpness : interrupted" in text
    assert "Training loss" in text, "what is known without a question is there"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Nothing was named"),
        (["samples:digits-mlp", "--model", "cnn"], "both given"),
        (["--model", "cnn"], "needs data"),
        (["--model", "cnn", "--dataset", "digits", "--train", "2", "--checkpoint", "x.pt"], "--train trains fresh weights"),
        (["samples:digits-mlp", "--train", "3"], "--train goes with --model"),
        (["--model", "cnn", "--dataset", "digits", "--code", "landscape.py"], "--code names"),
        (["samples:digits-mlp", "--steps", "2"], "takes 3 to 1025"),
        (["samples:digits-mlp", "--limit", "-5"], "--limit is -5"),
    ],
)
def test_what_does_not_name_one_thing_is_said(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["analyze", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "resnet19", "--dataset", "digits"], "There is no resnet19"),
        (["--model", "cnn", "--dataset", "cifar10"], "nothing is downloaded"),
        (["--model", "cnn", "--dataset", "imagenet"], "no data set called"),
        (["--model", "lenet", "--dataset", "digits"], "images of 12 by 12"),
        (["nowhere.pt"], "nowhere.pt"),
    ],
)
def test_what_cannot_be_opened_leaves_no_folder(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["analyze", *arguments]) == 1
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    for spec, words in (({"path": "a.pt"}, "holds something else"), ({"path": "b.pt"}, "report of something else")):
        with pytest.raises(Exception, match=words):
            analyze.check_folder(folder, spec, overwrite=False)
        analyze.check_folder(folder, spec, overwrite=True)
        (folder / analyze.MARK).write_text(json.dumps({"subject": {"path": "a.pt"}}))
    analyze.check_folder(folder, {"path": "a.pt"}, overwrite=False)
    (folder / "run").mkdir()
    analyze.prepare_folder(folder, {"path": "b.pt"})
    assert (folder / "run-before-1").is_dir() and (folder / "thesis.tex").read_text() == "years of work"
    assert analyze.read_mark(folder) == {"subject": {"path": "b.pt"}}


def test_as_many_examples_as_the_time_allows_and_the_same_the_next_time(tmp_path: Path) -> None:
    problem = open_problem("samples:digits-mlp", device="cpu")
    settings = Settings(limit=0, steps=5, top=2, seed=0)
    assert analyze_parts.chosen_limit(problem, ["visualize"], settings, 1e9) == 0
    assert analyze_parts.chosen_limit(problem, ["visualize"], settings, 0.0) == 256
    analyze.prepare_folder(tmp_path, {"path": "x"})
    given = argparse.Namespace(limit=None, minutes=1e-9, steps=5, top=2, seed=0)
    assert analyze.settings_of(given, problem, ["visualize"], tmp_path, {"path": "x"}).limit == 256
    analyze.write_mark(tmp_path, {**(analyze.read_mark(tmp_path) or {}), "limit": 512})
    assert analyze.settings_of(given, problem, ["visualize"], tmp_path, {"path": "x"}).limit == 512
    given.minutes = 1e9
    assert analyze.settings_of(given, problem, ["visualize"], tmp_path, {"path": "x"}).limit == 0


def test_a_lone_checkpoint_has_no_trajectory_and_is_told_why() -> None:
    problem = open_problem("samples:digits-resnet", device="cpu")
    parts, missing = analyze_parts.parts_of(problem, ["trajectory"], Settings(limit=60, steps=5, top=2, seed=0))
    assert [part.name for part in parts] == ["trajectory", "dynamics"] and not missing
    lone = open_problem("samples:digits-resnet-plain", device="cpu")
    parts, missing = analyze_parts.parts_of(lone, ["trajectory"], Settings(limit=60, steps=5, top=2, seed=0))
    assert not parts and "no run of 3 or more" in missing["Trajectory"]
