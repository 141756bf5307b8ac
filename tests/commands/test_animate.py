"""`animate`: films of answers, of checkpoints and over a run, and what it says where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "export"))
from drawings import surface_result
from PIL import Image
from test_animation import run_result

from landscape_gui import cli
from landscape_gui.commands import animate
from landscape_gui.export import films
from landscape_gui.probes.surface import Surface as Question
from landscape_gui.problem import open_problem
from landscape_gui.results import TrajectoryResult
from landscape_gui.store import Store, write_result
from landscape_gui.training_course import course

Capture, Patch = pytest.CaptureFixture[str], pytest.MonkeyPatch
SHORT = ["--seconds", "0.4", "--rate", "5", "--pixels", "160x120", "-q"]


@pytest.fixture(autouse=True)
def _painter(monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_RENDERER", "painter")
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))


@pytest.fixture
def answer(tmp_path: Path) -> str:
    run = run_result()
    result = TrajectoryResult(**{**run.__dict__, "surface": surface_result(9, 8)})
    write_result(tmp_path / "run.h5", result)
    return str(tmp_path / "run.h5")


@pytest.mark.parametrize("kind", ["turntable", "trajectory"])
def test_an_answer_becomes_a_film(tmp_path: Path, answer: str, kind: str) -> None:
    assert cli.main(["animate", answer, "--kind", kind, *SHORT, "-o", str(tmp_path / "f.gif")]) == 0
    assert Image.open(tmp_path / "f.gif").n_frames == 2  # type: ignore[attr-defined]


def test_a_run_becomes_a_film_over_training(tmp_path: Path) -> None:
    line = ["animate", "samples:digits-mlp", "--kind", "training", "--checkpoints", "3", "--steps", "3", "--limit", "50", *SHORT]
    assert cli.main([*line, "--theme", "dark", "-o", str(tmp_path / "f.webp")]) == 0
    assert Image.open(tmp_path / "f.webp").n_frames == 2  # type: ignore[attr-defined]


def test_the_directions_over_training_stay_the_same_and_answers_are_kept() -> None:
    problem = open_problem("samples:digits-mlp")
    question = Question(steps=(3, 3), limit=50)
    stages, axes = course(question, problem, Store(), count=3)
    assert [s.order for s in stages] == [0, 20, 40] and [s.name for s in stages] == ["epoch 0", "epoch 20", "epoch 40"]
    norms = np.array([s.result.axes.norms for s in stages])
    assert np.ptp(norms, axis=0) == pytest.approx(0, abs=1e-6), "one file of directions for all"
    assert norms[0] == pytest.approx(axes.norms, rel=1e-6) and "filter-normalised" in axes.labels[0]
    losses = [s.result.quantities["train_loss"].values[1, 1] for s in stages]
    assert losses[0] > 2 > losses[1] > losses[2], "each has its own checkpoint in its middle"
    seen: list[str] = []
    again, _ = course(question, problem, Store(), count=3, on_progress=lambda part, name: seen.append(name))
    assert all(np.array_equal(a.result.quantities["train_loss"].values, s.result.quantities["train_loss"].values)
               for a, s in zip(again, stages, strict=True))  # fmt: skip
    assert len(list((Store().folder / "directions").glob("*.h5"))) == 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-o", "f.avi"], "it can be .mp4, .gif, .webp"),
        (["-o", "f.mp4", "--pixels", "161x120"], "Take 162 x 120"),
        (["-o", "f.mp4", "--pixels", "wide"], "takes a width and a height"),
        (["-o", "none/f.mp4"], "mkdir -p none"),
        (["-o", "f.mp4", "--kind", "training"], "Name the run's folder"),
        (["-o", "f.mp4", "--seconds", "0"], "seconds 0 makes no sense"),
    ],
)
def test_what_is_wrong_is_said_first(
    tmp_path: Path, answer: str, capsys: Capture, flags: list[str], words: str, monkeypatch: Patch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["animate", answer, *flags]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.glob("f.*"))


def test_a_film_that_is_there_is_replaced_only_where_that_is_said(tmp_path: Path, answer: str, capsys: Capture) -> None:
    film = tmp_path / "f.gif"
    film.write_bytes(b"mine")
    assert cli.main(["animate", answer, *SHORT, "-o", str(film)]) == 2
    assert "--overwrite" in capsys.readouterr().err and film.read_bytes() == b"mine"
    assert cli.main(["animate", answer, *SHORT, "-o", str(film), "--overwrite"]) == 0
    assert film.read_bytes().startswith(b"GIF89a")


def test_a_surface_has_no_path(tmp_path: Path, capsys: Capture) -> None:
    write_result(tmp_path / "s.h5", surface_result())
    assert cli.main(["animate", str(tmp_path / "s.h5"), "--kind", "trajectory", "-o", str(tmp_path / "f.gif")]) == 2
    assert "holds no path of a run" in capsys.readouterr().err


def test_an_interruption_leaves_no_half_film(tmp_path: Path, answer: str, capsys: Capture, monkeypatch: Patch) -> None:
    """As Ctrl+C does it: the request is looked at before each frame."""
    drawn: list[int] = []
    real = films.frame

    def frame(film, setup, number):  # type: ignore[no-untyped-def]
        drawn.append(number)
        if len(drawn) == 10:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)
        return real(film, setup, number)

    monkeypatch.setattr(films, "frame", frame)
    line = ["animate", answer, "--seconds", "4", "--rate", "5", "--pixels", "160x120", "-o", str(tmp_path / "f.mp4")]
    assert cli.main(line) == animate.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err and len(drawn) < 15
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".mp4"]


def test_a_figure_of_several_answers_is_turned_as_a_whole(tmp_path: Path, capsys: Capture) -> None:
    for name in "ab":
        write_result(tmp_path / f"{name}.h5", surface_result(9, 8))
    pair = str(tmp_path / "pair.figure.json")
    assert cli.main(["figure", str(tmp_path / "a.h5"), str(tmp_path / "b.h5"), "-q", "-o", pair]) == 0
    assert cli.main(["animate", pair, *SHORT, "-o", str(tmp_path / "f.gif")]) == 0
    assert Image.open(tmp_path / "f.gif").n_frames == 2  # type: ignore[attr-defined]
    assert cli.main(["animate", pair, "--kind", "training", *SHORT, "-o", str(tmp_path / "g.gif")]) == 2
    capsys.readouterr()
