"""`export` and `info` with files of other programs, and the files that are written for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "export"))
import others
from drawings import line_result, surface_result

from landscape_gui import cli
from landscape_gui.store import read_result, write_result

KINDS = {
    "surface.h5": others.reference_surface,
    "plane.npz": others.plane,
    "curve.npz": others.curve,
    "landscape.npz": others.landscape,
    "metrics.json": others.metrics,
    "line.json": others.line,
}


@pytest.fixture(autouse=True)
def _painter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_RENDERER", "painter")


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_exported_as_figure_and_numbers(tmp_path: Path, name: str) -> None:
    KINDS[name](tmp_path / name)
    outputs = [tmp_path / f"out{suffix}" for suffix in (".pdf", ".json", ".csv", ".h5")]
    assert cli.main(["export", str(tmp_path / name), "--view", "2d", *(f for o in outputs for f in ("-o", str(o)))]) == 0
    page = outputs[0].read_bytes()
    assert page.startswith(b"%PDF") and any("The file does not say".encode(code) in page for code in ("ascii", "utf-16-be"))
    told = json.loads(outputs[1].read_text())["provenance"]["problem"]["read_from"]
    assert told["file"] == name and told["bytes"] == (tmp_path / name).stat().st_size
    assert len(outputs[2].read_text().splitlines()) > 3
    assert read_result(outputs[3]).provenance.problem["read_from"] == told


def test_a_run_is_named_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others.reference_surface(tmp_path / "s.h5")
    others.projection(tmp_path / "run.h5", [-0.5, 0.0], [1.0, 0.0])
    assert cli.main(["export", str(tmp_path / "s.h5"), "--projection", str(tmp_path / "run.h5")]) == 0
    assert "2 checkpoints in a plane" in capsys.readouterr().out
    written = [str(tmp_path / name) for name in ("s2.h5", "run2.h5")]
    flags = ["--save-surface", written[0], "--save-projection", written[1]]
    assert cli.main(["export", str(tmp_path / "s.h5"), "--projection", str(tmp_path / "run.h5"), *flags]) == 0
    with h5py.File(written[1]) as run, h5py.File(written[0]) as surface, h5py.File(tmp_path / "s.h5") as before:
        assert run["proj_xcoord"][:].tolist() == [-0.5, 0.0]
        assert np.array_equal(surface["train_loss"], before["train_loss"]) and surface["train_loss"].shape == (5, 4)
        assert surface["train_acc"][:] == pytest.approx(before["train_acc"][:])
        assert surface["dir_file"][()] == b"directions.h5"


def test_an_answer_of_ours_is_written_in_the_reference_s_layout(tmp_path: Path) -> None:
    ours = surface_result(4, 3)
    write_result(tmp_path / "ours.h5", ours)
    assert cli.main(["export", str(tmp_path / "ours.h5"), "--save-surface", str(tmp_path / "theirs.h5")]) == 0
    with h5py.File(tmp_path / "theirs.h5") as file:
        assert file["train_loss"].shape == (4, 3)
        read = file["train_loss"][:].ravel().reshape(3, 4)  # as its plots read it: meshgrid order
        known = np.asarray(ours.computed, bool)
        assert np.array_equal(read[known], ours.quantities["train_loss"].values[known], equal_nan=True)


def test_a_loss_of_unknown_split_is_written_as_the_training_loss(tmp_path: Path) -> None:
    loss = others.landscape(tmp_path / "l.npz", 2, 5)
    assert cli.main(["export", str(tmp_path / "l.npz"), "--save-surface", str(tmp_path / "l.h5")]) == 0
    with h5py.File(tmp_path / "l.h5") as file:
        assert np.array_equal(file["train_loss"][:].ravel().reshape(5, 5), loss.T)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--save-projection", "p.h5"], "holds no path of a run"),
        (["--projection", "missing.h5"], "There is no file missing.h5"),
        (["--save-surface", "nowhere/s.h5"], "there is no folder nowhere"),
        (["--save-surface", "line.h5"], "line.h5 is there already. Add --overwrite"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_result("line.h5", line_result())
    assert cli.main(["export", "line.h5", *flags]) in (1, 2)
    assert words in capsys.readouterr().err


def test_metrics_have_no_surface_to_save(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others.metrics(tmp_path / "m.json")
    assert cli.main(["export", str(tmp_path / "m.json"), "--save-surface", str(tmp_path / "s.h5")]) == 1
    assert "holds no surface to save" in capsys.readouterr().err
    assert not (tmp_path / "s.h5").exists()


@pytest.mark.parametrize("name", ["curve.npz", "plane.npz", "metrics.json"])
def test_info_tells_whose_file_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    KINDS[name](tmp_path / name)
    assert cli.main(["info", str(tmp_path / name)]) == 0
    out = capsys.readouterr().out
    assert f"read from {name}, " in out and " nan" not in out


def test_the_topology_of_an_archive_of_weights_is_that_of_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And that of a surface is its own: what a file is is told by its content."""
    np.savez(tmp_path / "weights.npz", **{"fc.weight": np.ones((3, 2)), "fc.bias": np.ones(3)})
    assert cli.main(["topology", str(tmp_path / "weights.npz")]) != 0
    assert "holds no answer" not in capsys.readouterr().err
    others.landscape(tmp_path / "l.npz", 2, 5)
    (tmp_path / "l.npz").rename(tmp_path / "l.dat")
    assert cli.main(["topology", str(tmp_path / "l.dat")]) == 0
