"""JSON and CSV."""

import csv
import json
from pathlib import Path

import numpy as np
from drawings import line_result, surface_result

from landscape_gui.export.tables import write_csv, write_json
from landscape_gui.results import CellResult, Quantity, TrajectoryResult, freeze


def refuse(name: str) -> float:
    raise AssertionError(f"{name} is no standard JSON")


def load(path: Path) -> dict[str, object]:
    return json.loads(path.read_text(), parse_constant=refuse)  # type: ignore[no-any-return]


def test_a_surface_as_json_has_rows_y_and_says_what_is_not_finite(tmp_path: Path) -> None:
    result = surface_result(4, 3)
    found = load(write_json(tmp_path / "a.json", result))
    assert found["kind"] == "surface"
    assert found["x"] == result.x.tolist()
    assert found["y"] == result.y.tolist()
    loss = np.array(found["train_loss"], float)
    assert loss.shape == (3, 4)
    ok = np.isfinite(result.quantities["train_loss"].values)
    assert (loss[ok] == result.quantities["train_loss"].values[ok]).all()
    assert np.isnan(loss[~ok]).all()
    assert found["not_finite"] == {"train_loss": [[0, 1, "nan"], [1, 2, "inf"]]}
    assert np.array(found["train_loss_standard_error"]).shape == (3, 4)
    assert found["computed"][2][0] is False  # type: ignore[index]
    assert found["provenance"]["question"] == {"seed": 0}  # type: ignore[index]
    assert found["axes"]["cosines"] == [[1, 0.1], [0.1, 1]]  # type: ignore[index]


def test_a_line_a_cell_and_a_trajectory(tmp_path: Path) -> None:
    line = line_result()
    found = load(write_json(tmp_path / "l.json", line))
    assert "y" not in found
    assert found["train_loss"] == line.quantities["train_loss"].values.tolist()
    surface = surface_result()
    number = {"train_loss": Quantity(name="train_loss", label="train loss", values=freeze(0.5))}
    cell = load(write_json(tmp_path / "c.json", CellResult(x=0.1, y=0.2, quantities=number, axes=surface.axes)))
    assert (cell["kind"], cell["x"], cell["y"], cell["train_loss"]) == ("cell", 0.1, 0.2, 0.5)
    values = {"train_loss": Quantity(name="train_loss", label="train loss", values=freeze([3.0, 2.0]))}
    run = TrajectoryResult(
        names=("epoch 0", "epoch, 1"), order=freeze([0, 1]), x=freeze([1, 0]), y=freeze([0.5, 0]), off_plane=freeze([0.1, 0]),
        distance=freeze([2, 0]), quantities=values, plane_quantities=values, surface=surface,
    )  # fmt: skip
    found = load(write_json(tmp_path / "t.json", run))
    assert np.shape(found["train_loss"]) == (3, 4)
    assert found["trajectory"]["plane_train_loss"] == [3.0, 2.0]  # type: ignore[index]
    rows = list(csv.DictReader(write_csv(tmp_path / "t.csv", run).read_text().splitlines()))
    assert [r["name"] for r in rows] == ["epoch 0", "epoch, 1"]
    assert float(rows[1]["plane_train_loss"]) == 2.0


def test_csv_brings_every_number_back_exactly(tmp_path: Path) -> None:
    result = surface_result(4, 3)
    rows = list(csv.DictReader(write_csv(tmp_path / "a.csv", result).read_text().splitlines()))
    assert list(rows[0]) == ["x", "y", "train_loss", "train_loss_standard_error", "train_accuracy", "computed"]
    loss = np.array([float(r["train_loss"]) for r in rows]).reshape(3, 4)
    assert np.array_equal(loss, result.quantities["train_loss"].values, equal_nan=True)
    assert [float(r["x"]) for r in rows[:4]] == result.x.tolist()
    assert [r["computed"] for r in rows].count("0") == 1
