"""The command analyze: a folder with everything, a report that needs nothing else, and what it says where something is missing."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from landscape_gui import answer, cli, open_problem, read_result, samples
from landscape_gui.commands import analyze, analyze_course, analyze_subject
from landscape_gui.commands.analyze_course import BATCH, RATE, continued_course, marks, optimise, stable_rate
from landscape_gui.commands.analyze_size import (
    EXAMPLES,
    LEVELS,
    Affine,
    Costs,
    Pace,
    Remaining,
    Size,
    examples_for,
    largest,
    pace_of,
)
from landscape_gui.probes.eigenvalues import Eigenvalues

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
    assert "random:" not in text and "Not in this report" not in text and "What was reduced" in text
    reduced = text[text.index("What was reduced") : text.index("Provenance Each")]
    assert "Examples of surfaces and curvature 60 1,437" in reduced and "Eigenvalues 2 10" in reduced and "Radii" not in reduced
    assert "minutes" not in reduced.split("less was computed")[0], "nobody was in a hurry"
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
    assert "60 of 1,437 examples" in told.err and "1 of 1: Loss surface, known already" in told.err and "report.html" in told.out


def test_random_weights_are_said_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "fresh"
    named = ["--model", "cnn", "--dataset", "mnist1d"]
    assert cli.main(["analyze", *named, "--visualize", "--save-dir", str(folder), *QUICK]) == 0
    told = capsys.readouterr().err
    assert "The weights are random: cnn" in told and "chance" not in told, "which goes without saying"
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text()
        assert "Not in this report" not in text
        assert text.index("The weights are random") < text.index("Network and data")
    first = open_problem(folder / "model", device="cpu")
    parser = cli.make_parser("analyze", cli.commands()["analyze"])
    given = parser.parse([*named, "--checkpoint", str(folder / "model" / "epoch-000.safetensors"), "--device", "cpu"])
    analyze_subject.check(given)
    asked: list[bool] = []
    allowance = analyze_subject.Allowance(600.0)
    found = analyze_subject.open_subject(given, tmp_path, lambda: False, lambda: asked.append(True), allowance)
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


def test_a_slow_network_is_asked_less_the_more_the_less_time_there_is() -> None:
    """Seconds by a made-up pace, so that the choice is the same on every machine."""
    problem = open_problem("samples:digits-mlp", device="cpu")
    pace = Pace(Affine(0.0, 1e-3), Affine(0.0, 3e-3), Affine(0.0, 6e-3))
    costs = Costs(problem, pace, Affine(0.0, 2e-3), Affine(0.0, 2e-3), 41)
    names = ("surface", "curvature", "trajectory", "dynamics")
    found = {}
    for seconds in (1e9, 3000.0, 1000.0, 300.0, 60.0, 0.0):
        size = found[seconds] = largest(costs, names, Size(), seconds, steps=None, top=None)
        assert sum(costs.seconds(name, size) for name in names) <= seconds or size == found[0.0 if seconds == 0 else seconds]
    assert found[1e9] == Size() and (found[0.0].level, found[0.0].limit) == (len(LEVELS) - 1, 32)
    totals = [sum(costs.seconds(name, size) for name in names) for size in found.values()]
    assert totals == sorted(totals, reverse=True) and totals[1] <= 3000 and totals[2] <= 1000 and totals[3] <= 300
    asked = largest(costs, names, Size(), 0.0, steps=9, top=7)
    assert (asked.steps, asked.top) == (9, 7), "what was asked for stays"
    assert Size(**found[60.0].kept()) == found[60.0]


def test_a_pass_over_everything_that_takes_too_long_is_over_a_part() -> None:
    pace = Pace(Affine(0.0, 1e-2), Affine(0.0, 3e-2), Affine(0.0, 6e-2))
    assert examples_for(pace, 2, 1e9, 50_000) == 0
    few = examples_for(pace, 2, 60.0, 50_000)
    assert few in EXAMPLES and 2 * 2 * few * 1e-2 <= 60 < 2 * 2 * 5_000 * 1e-2
    assert examples_for(pace, 2, 60.0, 50_000, epochs=5) < few and examples_for(pace, 2, 0.0, 100) == 0


def test_the_pace_grows_with_the_examples_and_needs_a_gradient() -> None:
    problem = open_problem("samples:digits-mlp", device="cpu")
    pace = pace_of(problem)
    assert pace is not None
    assert pace.loss.each > 0 and pace.loss(2000) > pace.loss(1000) > 0
    assert pace.gradient(1000) > 0 < pace.product(1000)
    frozen = open_problem("samples:digits-mlp", device="cpu")
    for parameter in frozen.module.parameters():
        parameter.requires_grad_(False)
    assert pace_of(frozen) is None


def test_little_time_means_a_small_analysis_that_says_so_and_the_same_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "r"
    command = ["analyze", "samples:digits-mlp", "--compute-hessian", "--minutes", "1e-6", "--save-dir", str(folder)]
    assert cli.main(command) == 0
    first = json.loads((folder / "analysis.json").read_text())
    assert first["size"]["level"] == len(LEVELS) - 1 and first["size"]["limit"] == 32 and first["examples"] == 128
    told = capsys.readouterr().err
    assert told.startswith("Opening samples:digits-mlp") and "1 of 1: Curvature and sharpness" in told
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text()
        assert "What was reduced" in text and "1e-06 min were allowed" in text and "least effort" in text
        assert "128" in text and "1,437" in text and "random subset of the data" in text
    answers = {path.name: read_result(path).provenance.created for path in (folder / "answers").iterdir()}
    assert cli.main(command) == 0
    assert "Curvature and sharpness: known already" in capsys.readouterr().err
    assert {path.name: read_result(path).provenance.created for path in (folder / "answers").iterdir()} == answers
    assert json.loads((folder / "analysis.json").read_text())["size"] == first["size"]


def test_where_there_is_little_time_training_is_on_a_subset_that_is_all_that_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "brief"
    named = ["--model", "mlp-16", "--dataset", "digits", "--track-trajectory", "--minutes", "1e-6"]
    assert cli.main(["analyze", *named, "--save-dir", str(folder)]) == 0
    told = capsys.readouterr().err
    assert "Training mlp-16 for 5 epochs on 128 of 1,437 examples" in told and "chance" not in told
    assert json.loads((folder / "run" / "landscape.json").read_text())["data"]["examples"] == 128
    problem = open_problem(folder / "run", device="cpu")
    assert problem.splits == {"train": 128, "test": 128}
    text = Reader((folder / "report.html").read_text()).text
    assert "trained for 5 epochs on 128 random examples alone" in text and "128 of 1,437 train" in text
    assert "The run that was trained for this report" in text and "chance" not in text and "recipe" not in text
    run = {path.name: path.read_bytes() for path in (folder / "run").glob("*.safetensors")}
    assert len(run) >= analyze_course.FEWEST_CHECKPOINTS


def test_training_that_is_cut_short_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    parser = cli.make_parser("analyze", cli.commands()["analyze"])
    given = parser.parse(["--model", "mlp-16", "--dataset", "digits", "--train", "2", "--device", "cpu", "-q"])
    looks = iter([False] * 30 + [True] * 1000)

    def opened(folder: Path, cancelled: Callable[[], bool]) -> analyze_subject.Subject:
        return analyze_subject.open_subject(given, folder, cancelled, lambda: None, analyze_subject.Allowance(600.0, 0))

    assert opened(tmp_path / "cut", lambda: next(looks)).problem is None
    assert list((tmp_path / "cut" / "run").glob("*.safetensors")), "what was trained is kept"
    after, whole = (opened(tmp_path / name, lambda: False).problem for name in ("cut", "whole"))
    assert after is not None and whole is not None and after.checkpoint.digest == whole.checkpoint.digest
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["run"], "it went on in its place"


def test_what_is_left_is_told_from_what_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    left = Remaining([100.0, 100.0, 200.0])
    assert left.words(0) == "about 2 min, about 7 min for all that is left"
    left.begin()
    now[0] = 300.0
    left.end(0)
    assert left.words(1) == "about 5 min, about 15 min for all that is left" and left.words(2) == "about 10 min"


def test_a_run_is_its_own_course_and_a_lone_checkpoint_has_a_copy_optimised(tmp_path: Path) -> None:
    folder = tmp_path / "lone"
    lone = tmp_path / "net" / "only.safetensors"
    lone.parent.mkdir()
    sample = samples.folder() / "digits-mlp"
    shutil.copy(sample / "epoch-003.safetensors", lone)
    card = json.loads((sample / "landscape.json").read_text())
    card["data"]["file"] = str(samples.folder() / "data" / "digits.npz")
    (lone.parent / "landscape.json").write_text(json.dumps({k: card[k] for k in ("architecture", "data", "loss", "training")}))
    before = lone.read_bytes()
    assert cli.main(["analyze", str(lone), "--track-trajectory", "--save-dir", str(folder), "--steps", "5", "--limit", "0"]) == 0
    found = json.loads((folder / "tables" / "optimization_trajectory.json").read_text())
    assert found["course"].startswith("a copy") and found["steps"] == list(range(0, 101, 10))
    names = ("losses_train", "losses_test", "grad_norms", "sharpness", "max_eigenvalues", "distances")
    assert all(len(found[name]) == 11 and None not in found[name] for name in names)
    assert lone.read_bytes() == before and found["distances"][0] == 0
    assert found["losses_train"][-1] < found["losses_train"][0]
    text = Reader((folder / "report.html").read_text()).text
    assert "This is not how the network was trained" in text and "Optimisation of a copy" in text
    assert "100 steps (plain SGD, rate 0.01, batches of 64" in text and "own run" not in text
    problem = open_problem(lone, device="cpu")
    again = continued_course(
        problem, folder, updates=100, moments=12, seed=0, cancelled=lambda: True, tell=lambda share, note: None
    )
    assert again is not None and again.checkpoints == 11, "not optimised again"
    dynamics: Any = read_result(folder / "answers" / "dynamics.h5")
    own = next(iter(dynamics.runs.values()))
    assert own.optimiser == "sgd" and own.momentum == 0, "that of the copy, whatever the network was trained with"
    np.testing.assert_array_equal(own.quantities["learning_rate"].values, RATE)
    other = continued_course(
        problem, folder, updates=100, moments=12, seed=1, cancelled=lambda: True, tell=lambda share, note: None
    )
    assert other is None and (folder / "optimised-copy-before-1").is_dir(), "that of another seed is kept, under another name"


def test_the_copy_takes_the_steps_of_plain_gradient_descent(tmp_path: Path) -> None:
    """Two of them, for the first is momentum's too, against torch's own SGD on the same batches; the problem's weights stay."""
    problem = open_problem("samples:digits-mlp", device="cpu")
    start = problem.state.clone()
    assert optimise(problem, tmp_path, (0, 2), RATE, 3, lambda: False, lambda share, note: None)
    module, batches = copy.deepcopy(problem.module).train(), problem.minibatches(batch=BATCH, seed=3)
    optimizer = torch.optim.SGD(module.parameters(), RATE)
    for number in range(2):
        chunk = batches.chunk(number)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(chunk.inputs), chunk.targets).backward()
        optimizer.step()
    after = load_file(tmp_path / "step-00002.safetensors")
    for name, tensor in module.state_dict().items():
        torch.testing.assert_close(after[name], tensor, rtol=1e-6, atol=1e-7)  # float32 sums in another order
    assert torch.equal(problem.state, start)
    assert not optimise(problem, tmp_path, (0, 5), RATE, 3, lambda: True, lambda share, note: None)


def test_a_copy_is_not_thrown_out_of_a_sharp_minimum() -> None:
    """0.01 is fifty times what the sharp network's curvature allows."""
    flat, sharp = (open_problem(f"samples:{name}", device="cpu") for name in ("digits-mlp", "digits-resnet-plain"))
    assert stable_rate(flat, 256, 0) == RATE
    rate = stable_rate(sharp, 64, 0)
    largest: Any = answer(Eigenvalues(largest=1, smallest=0, limit=64), sharp)
    assert rate < RATE and rate * float(largest.eigenvalues[0]) == pytest.approx(1, rel=0.15)  # a residual of 0.1, and two digits


def test_a_copy_is_looked_at_each_ten_steps_or_as_often_as_there_is_time() -> None:
    assert marks(100, 12) == tuple(range(0, 101, 10)) and marks(20, 4) == (0, 10, 20) and marks(50, 3) == (0, 25, 50)


@pytest.mark.skipif(os.name != "posix", reason="limits of files are POSIX's")
def test_the_mark_of_a_folder_is_whole_or_as_it_was(tmp_path: Path) -> None:
    """A torn one would make the folder one of something else, which the same command refuses. EFBIG stands for a full disk."""
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom landscape_gui.commands.analyze import write_mark\n"
        "from landscape_gui.errors import StoreError\nfolder = Path(sys.argv[1])\nwrite_mark(folder, {'subject': 1})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "try:\n    write_mark(folder, {'subject': list(range(100))})\nexcept StoreError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in done.stdout
    assert analyze.read_mark(tmp_path) == {"subject": 1} and len(list(tmp_path.iterdir())) == 1
