"""Answers as NumPy's archives: every array under its name, read with numpy alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawings import line_result, surface_result

from landscape_gui.export.arrays import write_npz
from landscape_gui.export.tables import as_json
from landscape_gui.results import Result, SurfaceResult, TrajectoryResult, freeze
from landscape_gui.store import read_result, write_result


def run_result() -> TrajectoryResult:
    surface = surface_result()
    along = {"train_loss": surface.quantities["train_loss"].__class__(name="train_loss", label="l", values=freeze([2.0, 1.0]))}
    return TrajectoryResult(
        names=("epoch 0", "epoch 1"), order=freeze([0, 1]), x=freeze([1, 0]), y=freeze([0.5, 0]), off_plane=freeze([0.1, 0]),
        distance=freeze([1, 0]), quantities=along, plane_quantities=along, surface=surface,
    )  # fmt: skip


def test_a_surface_comes_back_array_for_array(tmp_path: Path) -> None:
    result = surface_result()
    with np.load(write_npz(tmp_path / "s.npz", result)) as archive:
        found = {name: archive[name] for name in archive.files}
    assert np.array_equal(found["x"], result.x) and np.array_equal(found["y"], result.y)
    quantity = result.quantities["train_loss"]
    assert np.array_equal(found["train_loss"], quantity.values, equal_nan=True) and np.isinf(found["train_loss"]).sum() == 1
    assert np.array_equal(found["train_loss_standard_error"], quantity.standard_error)
    assert np.array_equal(found["computed"], result.computed) and found["computed"].dtype == bool
    about = json.loads(str(found["about"]))
    assert about["units"]["train_loss"] == "nat" and about["provenance"]["question"] == {"seed": 0} and about["kind"] == "surface"
    assert not set(about) & set(found), "no number stands twice"


@pytest.mark.parametrize("result", [surface_result(), line_result(), run_result()], ids=lambda r: type(r).__name__)
def test_all_that_json_has_is_there(tmp_path: Path, result: Result) -> None:
    def leaves(nested: object, before: str = "") -> set[str]:
        if not isinstance(nested, dict):
            return {before.strip("/")}
        return {leaf for name, value in nested.items() for leaf in leaves(value, f"{before}{name}/")}

    with np.load(write_npz(tmp_path / "s.npz", result)) as archive:
        about = json.loads(str(archive["about"]))
        assert leaves(about) | set(archive.files) - {"about"} >= leaves(as_json(result))
    if isinstance(result, TrajectoryResult):
        with np.load(tmp_path / "s.npz") as archive:
            assert archive["trajectory/names"].tolist() == ["epoch 0", "epoch 1"] and archive["trajectory/x"].tolist() == [1, 0]
            assert archive["x"].shape == result.surface.x.shape


def test_the_same_answer_is_the_same_file(tmp_path: Path) -> None:
    first, second = (write_npz(tmp_path / f"{k}.npz", surface_result()) for k in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_a_saved_answer_needs_neither_model_nor_data_nor_torch(tmp_path: Path) -> None:
    """On a machine that has nothing else: another folder, an empty home, no torch; the picture is drawn from the file alone."""
    write_result(tmp_path / "s.h5", surface_result())
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from landscape_gui.store import read_result\n"
        "from landscape_gui.probes import kind_of\n"
        "from landscape_gui.figure import Look\n"
        "result = read_result('s.h5')\n"
        "print(kind_of(result)().figure(result, Look()).panels[0].title)\n"
    )
    environment = {"HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "Train loss\n", done.stderr
    back = read_result(tmp_path / "s.h5")
    assert isinstance(back, SurfaceResult) and np.array_equal(back.computed, surface_result().computed)
