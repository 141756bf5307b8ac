"""reproduce FIGURE as a person and a script use it: found, computed again, moved, changed, composed; files and exit status."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from landscape_gui import cli, samples
from landscape_gui.store import Store

SAMPLE = "samples:digits-mlp"
SMALL = ("--steps", 5, "--limit", 60, "-q")


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def surface(path: Path, *flags: object) -> Path:
    assert run("surface", SAMPLE, *SMALL, "--view", "2d", "-o", path, "--dpi", 50, *flags) == 0
    return path


@pytest.mark.parametrize("suffix", [".pdf", ".png", ".svg"])
def test_a_kept_answer_draws_the_same_file_again(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    path = surface(tmp_path / f"a{suffix}", "--log", "--venue", "neurips", "--theme", "dark")
    assert run("reproduce", path, "-o", tmp_path / f"b{suffix}") == 0
    out = capsys.readouterr().out
    assert "the same file, byte for byte" in out and "in the store" in out and "The same to the bit: 29 arrays." in out
    assert (tmp_path / f"b{suffix}").read_bytes() == path.read_bytes()


def test_an_answer_that_is_not_kept_is_computed_again_to_the_bit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = surface(tmp_path / "a.png")
    Store().clear()
    assert run("reproduce", path, "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["answers"]
    assert (found["found"], found["verdict"], found["changed"]) == ("computed again", "same", {})
    assert Store().get(found["key"]) is not None
    assert run("reproduce", path, "--recompute", "-o", tmp_path / "b.png") == 0
    assert (tmp_path / "b.png").read_bytes() == path.read_bytes()


def test_meshes_and_scripts_say_what_they_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = [tmp_path / f"a{suffix}" for suffix in (".glb", ".obj", ".vtp", ".py")]
    surface(tmp_path / "a.svg", *[part for path in others for part in ("-o", path)])
    for path in others:
        assert run("reproduce", path) == 0
        assert "The same to the bit: 29 arrays." in capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp"])
def test_films_say_what_they_show(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    assert run("animate", SAMPLE, *SMALL, "--seconds", 0.5, "--rate", 4, "--pixels", "160x120", "-o", path) == 0
    assert run("reproduce", path) == 0
    assert "The same to the bit: 29 arrays." in capsys.readouterr().out


def test_an_answer_is_asked_again_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Though the store has it, and its checkpoint lies in a folder that nothing but the answer tells."""
    far = tmp_path / "a" / "b" / "c" / "d"
    far.mkdir(parents=True)
    assert run("line", own_model(far / "runs"), *SMALL, "-o", "line.h5") == 0
    assert run("reproduce", "line.h5") == 0
    assert "computed again" in (out := capsys.readouterr().out) and "The same to the bit" in out


def own_model(folder: Path) -> Path:
    """A checkpoint that is not among the samples, with its data beside its folder."""
    shutil.copytree(samples.path("digits-seed-a"), folder)
    shutil.copytree(samples.folder() / "data", folder.parent / "data")
    path = folder / "epoch-025.safetensors"
    save_file({name: value + 0.001 for name, value in load_file(path).items()}, path)
    return path


def test_a_checkpoint_that_moved_is_found_by_its_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In another folder beside the figure; not where the answer says it was."""
    paper = tmp_path / "paper"
    paper.mkdir()
    assert run("line", own_model(paper / "runs"), *SMALL, "-o", paper / "figure.pdf") == 0
    Store().clear()
    (paper / "runs").rename(paper / "old")
    assert run("reproduce", paper / "figure.pdf", "-o", paper / "again.pdf") == 0
    assert "computed again" in capsys.readouterr().out
    assert (paper / "again.pdf").read_bytes() == (paper / "figure.pdf").read_bytes()


def test_other_weights_are_told_and_not_computed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = surface(tmp_path / "a.pdf")
    other = samples.path("digits-mlp") / "epoch-039.safetensors"
    assert run("reproduce", path, "--recompute", "--checkpoint", other) == 1
    assert "Different: other weights (90cdc3c69697 → " in capsys.readouterr().out
    assert run("reproduce", path, "--recompute", "--checkpoint", samples.path("digits-mlp"), "-q") == 0


def test_a_weight_that_is_found_nowhere_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lone = tmp_path / "lone"
    assert run("line", own_model(lone), *SMALL, "-o", "f.png") == 0
    Store().clear()
    shutil.rmtree(lone)
    assert run("reproduce", "f.png") == 1
    error = capsys.readouterr().err
    assert "lone/epoch-025.safetensors (digest " in error and "--checkpoint" in error


def test_numbers_that_changed_are_different(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The figure of an answer whose numbers were changed by hand."""
    import dataclasses

    from landscape_gui import answer, open_problem
    from landscape_gui.export import export
    from landscape_gui.figure import Look
    from landscape_gui.probes import Line
    from landscape_gui.results import LineResult, freeze

    result = answer(Line(steps=5, limit=60), open_problem(SAMPLE), store=Store())
    assert isinstance(result, LineResult)
    loss = result.quantities["train_loss"]
    for factor, status, words in ((1 + 1e-7, 0, "Equal to 1.0e-07, not to the bit"), (1.01, 1, "Different in 1 of 25 arrays")):
        changed = dataclasses.replace(loss, values=freeze(loss.values * factor))
        figure = Line().figure(dataclasses.replace(result, quantities={**result.quantities, "train_loss": changed}), Look())
        export(figure, tmp_path / "a.svg")
        assert run("reproduce", tmp_path / "a.svg") == status
        assert words in capsys.readouterr().out
    export(
        Line().figure(dataclasses.replace(result, quantities={**result.quantities, "train_loss": loss}), Look()), tmp_path / "a.svg"
    )
    assert run("reproduce", tmp_path / "a.svg", "--exact") == 0


def test_a_composed_figure_is_compared_answer_by_answer_and_drawn_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.pdf"
    flags = ("--steps", 5, "--limit", 60, "--difference", "--view", "2d", "-q")
    assert run("figure", SAMPLE, samples.path("digits-mlp") / "epoch-010.safetensors", *flags, "-o", path) == 0
    assert run("reproduce", path, "-o", tmp_path / "again.pdf") == 0
    assert capsys.readouterr().out.count("The same to the bit") == 2
    assert (tmp_path / "again.pdf").read_bytes() == path.read_bytes()


def test_what_another_program_computed_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "line.json").write_text(json.dumps([{"alpha": a / 4, "loss": a * a + 0.5} for a in range(5)]))
    assert run("export", tmp_path / "line.json", "-q", "-o", tmp_path / "f.svg") == 0
    assert run("reproduce", tmp_path / "f.svg") == 0
    assert "read from line.json" in capsys.readouterr().out
    (tmp_path / "line.json").write_text("[]")
    assert run("reproduce", tmp_path / "f.svg") == 1
    assert "is called so and holds something else" in capsys.readouterr().err


def test_wrong_commands_are_answered_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = surface(tmp_path / "a.png")
    for arguments, status, words in (
        (("reproduce", tmp_path / "no.pdf"), 1, "There is no figure"),
        (("reproduce", samples.path("digits-mlp") / "landscape.json"), 1, "is no figure"),
        (("reproduce", path, "-o", path), 2, "is there already"),
        (("reproduce", path, "-o", "x.csv"), 2, "a figure is drawn again as"),
    ):
        assert run(*arguments) == status
        assert words in capsys.readouterr().err


def test_cite_gives_caption_and_bibtex_of_figures_answers_and_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = surface(tmp_path / "a.pdf", "-o", tmp_path / "a.h5", "-o", tmp_path / "a.bib", "-o", tmp_path / "a.txt")
    assert run("cite", path) == 0
    out = capsys.readouterr().out
    assert out.startswith((tmp_path / "a.txt").read_text()) and out.endswith((tmp_path / "a.bib").read_text())
    assert run("cite", tmp_path / "a.h5", "-o", tmp_path / "c.tex", "-o", tmp_path / "c.bib") == 0
    assert r"$\theta$" in (tmp_path / "c.tex").read_text() and "@inproceedings{li2018," in (tmp_path / "c.bib").read_text()
    assert run("cite", "spectrum") == 0
    assert "@inproceedings{ghorbani2019," in capsys.readouterr().out
    assert run("cite", "spectrum", "-o", tmp_path / "x.txt") == 1
    assert run("cite", tmp_path / "a.h5", "-o", tmp_path / "c.bib") == 2
