"""`landscape-gui topology`: of a checkpoint, of a surface in a file, and what is said where neither can be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from landscape_gui import cli
from landscape_gui.store import read_result
from landscape_gui.topology_results import TopologyResult

ASK = ["topology", "samples:digits-mlp", "--limit", "60", "--steps", "7", "7"]


@pytest.fixture(scope="module")
def surface_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("surface") / "s.h5"
    assert cli.main(["surface", *ASK[1:], "-o", str(path), "--quiet"]) == 0
    return path


def test_a_file_gives_what_the_checkpoint_gives(surface_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    computed, read = tmp_path / "a.h5", tmp_path / "b.h5"
    assert cli.main([*ASK, "-o", str(computed)]) == 0
    assert (
        cli.main(["topology", str(surface_file), "-o", str(read), "-o", str(tmp_path / "b.png"), "-o", str(tmp_path / "b.csv")])
        == 0
    )
    one, other = read_result(computed), read_result(read)
    assert isinstance(one, TopologyResult) and isinstance(other, TopologyResult)
    assert one.numbers == other.numbers and np.array_equal(one.births, other.births)
    assert other.provenance.probe == "topology" and other.provenance.problem == one.provenance.problem
    assert (tmp_path / "b.png").stat().st_size > 1000
    capsys.readouterr()
    assert cli.main(["export", str(read), "-o", str(tmp_path / "c.pdf"), "-o", str(tmp_path / "c.json")]) == 0
    assert json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["quantity"] == "train_loss"
    assert cli.main(["topology", str(surface_file), "--follow", "test_accuracy", "--extrema", "maxima"]) == 0
    assert "maxima of test_accuracy, 7 x 7 points" in capsys.readouterr().out


def test_a_flag_that_needs_the_model_is_refused(surface_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["topology", str(surface_file), "--steps", "9"]) == 2
    assert "--steps says nothing. Leave it out." in capsys.readouterr().err


def test_a_file_without_a_surface_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = tmp_path / "line.h5"
    assert cli.main(["line", *ASK[1:4], "--steps", "5", "-o", str(line), "--quiet"]) == 0
    capsys.readouterr()
    assert cli.main(["topology", str(line)]) == 1
    assert "This file holds no surface." in capsys.readouterr().err
    (tmp_path / "broken.h5").write_bytes(b"nothing")
    assert cli.main(["topology", str(tmp_path / "broken.h5")]) == 1
    assert "landscape-gui: " in capsys.readouterr().err


def test_an_unknown_quantity_is_told(surface_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["topology", str(surface_file), "--follow", "nothing"]) == 1
    assert "no 'nothing'" in capsys.readouterr().err
