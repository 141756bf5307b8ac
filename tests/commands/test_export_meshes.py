"""`export` as meshes, arrays, tables and scripts: every suffix, and whose heights a mesh has."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "export"))
from drawings import line_result, surface_result

from landscape_gui import cli
from landscape_gui.export_formats import FORMATS
from landscape_gui.store import write_result

NEW = (".npz", ".tex", ".md", ".vtp", ".obj", ".glb", ".py")


@pytest.fixture
def answer(tmp_path: Path) -> str:
    write_result(tmp_path / "s.h5", surface_result(9, 8))
    return str(tmp_path / "s.h5")


def heights(path: Path) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([line.split()[3] for line in path.read_text().splitlines() if line.startswith("v ")], float)


def test_every_suffix_is_written(tmp_path: Path, answer: str) -> None:
    assert set(NEW) <= {f.suffix for f in FORMATS}
    files = [tmp_path / f"out{suffix}" for suffix in NEW]
    assert cli.main(["export", answer, "-q", *(part for file in files for part in ("-o", str(file)))]) == 0
    assert all(file.stat().st_size > 100 for file in files)


def test_heights_are_as_asked_and_limits_as_shown(tmp_path: Path, answer: str) -> None:
    obj = tmp_path / "s.obj"
    line = ["export", answer, "-q", "--limits", "2", "20", "-o", str(obj)]
    assert cli.main(line) == 0
    assert np.ptp(heights(obj)) == pytest.approx(0.62, abs=1e-4)
    assert cli.main([*line, "--heights", "true", "--overwrite"]) == 0
    assert (heights(obj).min(), heights(obj).max()) == pytest.approx((2.0, 20.0), abs=1e-4)


def test_a_line_is_no_mesh_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_result(tmp_path / "l.h5", line_result())
    assert cli.main(["export", str(tmp_path / "l.h5"), "-o", str(tmp_path / "l.glb")]) == 1
    assert "no surface" in capsys.readouterr().err and not (tmp_path / "l.glb").exists()
