"""The command line as a person and a script use it: answers, files, sentences, exit status."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from landscape_gui import Surface, answer, cli, open_problem, read_result, samples
from landscape_gui.results import SurfaceResult

SAMPLE = "samples:digits-mlp"


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def landscape_gui(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "landscape_gui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})})


def test_surface_writes_the_numbers_that_python_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [tmp_path / f"s.{suffix}" for suffix in ("json", "h5", "csv", "png", "pdf", "svg")]
    outputs = [part for name in names for part in ("-o", name)]
    assert run("surface", SAMPLE, "--steps", 7, 5, "--span", 0.5, "--seed", 3, "--limit", 300, *outputs) == 0
    assert capsys.readouterr().err == ""

    result = answer(Surface(steps=(7, 5), span=(0.5,), seed=3, limit=300), open_problem(SAMPLE))
    assert isinstance(result, SurfaceResult)
    told = json.loads(names[0].read_text())
    assert told["x"] == list(result.x)
    assert told["y"] == list(result.y)
    for name, quantity in result.quantities.items():
        assert quantity.values.shape == (5, 7)
        np.testing.assert_array_equal(np.array(told[name]), quantity.values)
        np.testing.assert_array_equal(read_result(names[1]).quantities[name].values, quantity.values)
    assert names[3].read_bytes().startswith(b"\x89PNG")
    assert names[4].read_bytes().startswith(b"%PDF")
    assert b"<svg" in names[5].read_bytes()
    with names[2].open(newline="") as file:
        rows = [row for row in csv.reader(line for line in file if not line.startswith("#")) if row]
    assert len(rows) == 1 + 7 * 5


def test_an_answer_is_exported_without_its_model_or_data(tmp_path: Path) -> None:
    assert run("surface", SAMPLE, "--steps", 5, "--limit", 100, "-o", tmp_path / "s.h5", "-o", tmp_path / "s.json") == 0
    arguments = ["export", str(tmp_path / "s.h5"), "--view", "2d", "-o", str(tmp_path / "t.json"), "-o", str(tmp_path / "t.pdf")]
    code = (
        "import sys; sys.modules['torch'] = None\n"  # an import of torch would raise
        f"from landscape_gui.cli import main; sys.exit(main({arguments!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "t.json").read_text()) == json.loads((tmp_path / "s.json").read_text())
    assert (tmp_path / "t.pdf").stat().st_size > 1000


def test_directions_that_were_saved_give_the_same_surface(tmp_path: Path) -> None:
    """Through float32 files, whose tensors have no names: equal to float32 rounding of the axes."""
    axes, first, second = tmp_path / "axes.h5", tmp_path / "a.h5", tmp_path / "b.h5"
    assert run("surface", SAMPLE, "--steps", 5, 3, "--limit", 200, "--save-directions", axes, "-o", first) == 0
    assert run("surface", SAMPLE, "--steps", 5, 3, "--limit", 200, "--span", 1, "--directions-from", axes, "-o", second) == 0
    a, b = read_result(first), read_result(second)
    for name, quantity in a.quantities.items():
        np.testing.assert_allclose(b.quantities[name].values, quantity.values, rtol=1e-5)


def test_a_line_and_a_trajectory_are_commands_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("line", SAMPLE, "--steps", 11, "--limit", 100) == 0
    assert "train_loss" in capsys.readouterr().out
    assert run("trajectory", SAMPLE, "--steps", 5, "--limit", 100, "-o", tmp_path / "t.png", "-o", tmp_path / "t.json") == 0
    assert (tmp_path / "t.png").stat().st_size > 1000


def test_info_tells_what_a_file_is(capsys: pytest.CaptureFixture[str]) -> None:
    file = sorted(samples.path("digits-mlp").glob("*.safetensors"))[-1]
    assert run("info", file) == 0
    text = capsys.readouterr().out
    assert "safetensors" in text
    assert "test_accuracy" in text
    assert "41 checkpoints" in text
    assert run("info", "--json", SAMPLE) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["values"]["test_accuracy"] > 0.9


def test_info_of_what_is_no_checkpoint_is_a_sentence_and_the_others_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.pt").write_bytes(b"no checkpoint at all")
    assert run("info", tmp_path / "x.pt", SAMPLE) == 1
    captured = capsys.readouterr()
    assert "x.pt" in captured.err
    assert "Traceback" not in captured.err
    assert "test_accuracy" in captured.out


def test_every_sample_opens_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("samples", "--names") == 0
    names = capsys.readouterr().out.splitlines()
    assert names == list(samples.names())
    assert len(names) >= 6
    assert run("samples") == 0
    assert all(name in capsys.readouterr().out for name in names[:1])
    for name in names:
        assert open_problem(f"samples:{name}").layout.size > 0


def test_code_runs_only_when_it_is_trusted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    marker = tmp_path / "ran"
    torch.save({"weight": torch.ones(2, 3), "bias": torch.zeros(2)}, tmp_path / "net.pt")
    (tmp_path / "landscape.py").write_text(
        f"import torch\nopen({str(marker)!r}, 'w').close()\n"
        "def model():\n    return torch.nn.Linear(3, 2)\n"
        "def data():\n    g = torch.Generator().manual_seed(0)\n"
        "    return {'train': (torch.randn(20, 3, generator=g), torch.arange(20) % 2)}\n"
        "loss = torch.nn.functional.cross_entropy\n"
    )
    line = ("surface", tmp_path / "net.pt", "--steps", 3, "-o", tmp_path / "s.json")
    assert run(*line) == 1
    assert "--trust" in capsys.readouterr().err
    assert not marker.exists()
    assert run(*line, "--trust", "--overwrite") == 0
    assert np.isfinite(json.loads((tmp_path / "s.json").read_text())["train_loss"]).all()
    assert run(*line, "--overwrite") == 0  # asked for once
    (tmp_path / "landscape.py").write_text((tmp_path / "landscape.py").read_text() + "print('changed')\n")
    assert run(*line, "--overwrite") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["surface"], 2, "PATH is missing."),
        (["surface", SAMPLE, "--stepz", "5"], 2, "Did you mean --steps?"),
        (["surface", SAMPLE, "-o", "s.doc"], 2, "the suffix decides"),
        (["surface", SAMPLE, "-o", "nowhere/s.pdf"], 2, "there is no folder nowhere"),
        (["surface", SAMPLE, "--steps", "1"], 1, "at least 2"),
        (["surface", "samples:nothing"], 1, "digits-mlp"),
        (["surface", "nowhere.pt"], 1, "nowhere.pt"),
        (["export", "nowhere.h5"], 1, "nowhere.h5"),
        (["surfce", SAMPLE], 2, "Did you mean the command surface?"),
        (["samples:nothing"], 2, "There is no sample 'nothing'."),
        (["--no-such-flag"], 2, "--no-such-flag is not known"),
        (["cache", "empty"], 2, "choose one of ls, verify, clear"),
    ],
)
def test_what_is_wrong_is_a_sentence_with_an_exit_status(
    arguments: list[str],
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == status
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert captured.err.count("\n") == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_without_a_display_the_window_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main([SAMPLE]) == 1
    assert "There is no display" in capsys.readouterr().err


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in cli.commands():
        assert f"  {name} " in text
        with pytest.raises(SystemExit) as left:
            cli.main([name, "--help"])
        assert left.value.code == 0
        assert "usage: landscape-gui" in capsys.readouterr().out
    assert cli.main(["--version"]) == 0


def test_kept_answers_are_listed_verified_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path))
    assert run("surface", SAMPLE, "--steps", 3, "--limit", 50, "--quiet", "-o", tmp_path / "s.csv") == 0
    assert run("cache", "ls") == 0
    assert "1 answer," in capsys.readouterr().out
    assert run("cache", "verify") == 0
    (file,) = tmp_path.glob("*.h5")
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    assert run("cache", "verify") == 1
    assert file.name in capsys.readouterr().out
    assert run("surface", SAMPLE, "--steps", 3, "--limit", 50, "--quiet") == 0
    assert run("cache", "clear") == 0
    assert run("cache") == 0
    assert "0 answers" in capsys.readouterr().out


def test_importing_the_command_line_and_listing_samples_needs_no_torch() -> None:
    code = (
        "import sys; from landscape_gui.cli import main; assert main(['samples', '--names']) == 0\n"
        "heavy = {'torch', 'PySide6', 'vispy', 'matplotlib', 'h5py'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_keeps_what_was_computed_and_the_same_command_goes_on(tmp_path: Path) -> None:
    environment = {**os.environ, "LANDSCAPE_GUI_CACHE": str(tmp_path / "store")}
    question = ["surface", SAMPLE, "--steps", "301", "--tier", "exact"]
    command = [sys.executable, "-m", "landscape_gui", *question, "-o", str(tmp_path / "s.h5")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        while running.poll() is None and not list((tmp_path / "store").glob("*.partial.h5")):
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "the same command goes on from there" in said
    assert not (tmp_path / "s.h5").exists()
    listed = landscape_gui("cache", "ls", environment=environment)
    assert "1 answer," in listed.stdout
    assert " all " not in listed.stdout


@pytest.mark.skipif(os.name == "nt", reason="terminals are POSIX's")
def test_a_terminal_shows_progress(tmp_path: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "landscape_gui",
        "surface",
        SAMPLE,
        "--steps",
        "5",
        "--seed",
        "77",
        "-o",
        str(tmp_path / "s.csv"),
    ]
    done = subprocess.run(command, stderr=follower, stdout=subprocess.PIPE, check=False)
    os.close(follower)
    seen = b""
    try:
        while piece := os.read(leader, 4096):
            seen += piece
    except OSError:  # the other end is closed: Linux says so with an error
        pass
    os.close(leader)
    assert done.returncode == 0
    assert b"100%" in seen
    assert done.stdout == b""


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m landscape_gui samples | head -c 1", shell=True, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_fewer_threads_than_one_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("line", SAMPLE, "--threads", 0) == 2
    assert "--threads takes 1 or more, not 0" in capsys.readouterr().err


def test_what_was_noted_on_the_way_is_not_said_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("surface", SAMPLE, "--adaptive", "--steps", 9, "--limit", 50, "--seed", 11, "--quiet", "-o", tmp_path / "s.json")
    assert run(*asked) == 0
    assert capsys.readouterr().err == ""


def test_a_spectrum_writes_its_eigenvalues_trace_and_density(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("spectrum", SAMPLE, "--top", 3, "--smallest", 0, "--probes", 2, "--steps", 8, "--limit", 200, "--seed", 0)
    assert run(*asked, "-o", tmp_path / "s.json", "-o", tmp_path / "s.png", "-o", tmp_path / "s.csv", "--kernel-width", 0.1) == 0
    told = json.loads((tmp_path / "s.json").read_text())
    assert len(told["eigenvalues"]) == len(told["residuals"]) == 3
    assert told["eigenvalues"] == sorted(told["eigenvalues"], reverse=True)
    assert abs(np.trapezoid(told["density_y"], told["density_x"]) - 1) < 1e-6
    assert told["trace_standard_error"] > 0
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert run("eigenvalues", SAMPLE, "--largest", 2, "--smallest", 0, "--limit", 200) == 0
    said = capsys.readouterr().out
    assert "largest eigenvalue" in said
    assert "200 of 1,437 train" in said
    assert run(*asked, "--save-directions", "x.h5") == 2
