"""Paths between two models as JSON and CSV: the names that other programs read, and every digit."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape_gui.commands.connection_summary import describe
from landscape_gui.connection_results import (
    BarriersResult,
    BarrierTable,
    ConnectionResult,
    CurveResult,
    EndpointResult,
    InstabilityResult,
    PathPlaneResult,
    PathResult,
    PlacedPath,
)
from landscape_gui.export.tables import as_json, write_csv, write_json
from landscape_gui.probes.path_numbers import numbers_of
from landscape_gui.results import AxesReport, Provenance, Quantity, SurfaceResult, freeze

T = np.array([0.0, 0.25, 0.5, 1.0])


def quantity(name: str, values: Any, error: bool = True) -> Quantity:
    unit = "nat" if name.endswith("loss") else "1"
    errors = freeze(np.full(4, 0.01)) if error else None
    return Quantity(name=name, label=name.replace("_", " "), values=freeze(values), standard_error=errors, unit=unit, examples=9)


def path(name: str, peak: float) -> PathResult:
    kinds = ("above_line", "above_mean", "above_first", "above_second")
    found = PathResult(
        name=name,
        label=f"the {name}",
        t=freeze(T),
        computed=freeze([True, False, True, True], bool),
        quantities={
            "train_loss": quantity("train_loss", [0.1, np.nan, peak, 0.3]),
            "test_loss": quantity("test_loss", [0.2, np.nan, np.inf, 0.4]),
            "train_accuracy": quantity("train_accuracy", [1.0, np.nan, 0.5, 0.9], error=False),
        },
        arc=freeze(2 * T),
        errors={f"train_loss_{kind}": freeze([0.0, np.nan, 0.02, 0.0]) for kind in kinds},
        length=2.0,
        end_distance=1.5,
        controls=3,
        training="1,000 steps",
        split="train",
        subset="all 9 train",
        precision="float32",
        complete=False,
        notes=("a note",),
    )
    return dataclasses.replace(found, numbers=numbers_of(found, "train"))


def connection() -> ConnectionResult:
    paths = {"line": path("line", 2.1), "line, frozen": path("line, frozen", 1.1)}
    provenance = Provenance(probe="connect", question={"path": ["line"]})
    return ConnectionResult(
        names=("a", "b"), paths=paths, end_distance=1.5, classes=3, split="train", subset="all 9 train", provenance=provenance
    )


def test_json_has_the_first_path_on_top_and_all_by_name(tmp_path: Path) -> None:
    text = write_json(tmp_path / "c.json", connection()).read_text(encoding="utf-8")
    found = json.loads(text, parse_constant=pytest.fail)
    assert (found["kind"], found["names"], found["split"]) == ("connect", ["a", "b"], "train")
    assert found["t"] == T.tolist()
    assert found["train_loss"] == [0.1, None, 2.1, 0.3] and found["train_loss_standard_error"] == [0.01] * 4
    assert found["test_loss"] == [0.2, None, None, 0.4] and found["not_finite"] == {"test_loss": [[2, "inf"]]}
    assert "train_accuracy_standard_error" not in found
    assert found["barrier"] == pytest.approx({"above_line": 2.1 - 0.2, "above_mean": 2.1 - 0.2, "above_larger": 2.1 - 0.3})
    assert found["barrier_standard_error"] == {"above_line": 0.02, "above_mean": 0.02, "above_larger": 0.02}
    assert found["connectivity_score"] == pytest.approx(1 / 2.9)
    assert (found["length"], found["end_distance"], found["computed"]) == (2.0, 1.5, [True, False, True, True])
    assert list(found["paths"]) == ["line", "line, frozen"]
    assert found["paths"]["line"]["barrier"] == found["barrier"] and found["paths"]["line"]["t"] == found["t"]
    assert found["paths"]["line, frozen"]["barrier"]["above_larger"] == pytest.approx(0.8)
    assert found["paths"]["line"]["notes"] == ["a note"] and found["paths"]["line"]["training"] == "1,000 steps"
    assert found["provenance"]["question"] == {"path": ["line"]}
    number = found["paths"]["line"]["numbers"]["above_line"]
    assert number["value"] == pytest.approx(1.9) and number["kind"] == "standard error" and "Entezari" in number["help"]


def test_a_path_alone_says_the_same_of_itself() -> None:
    alone, among = as_json(path("line", 2.1)), as_json(connection())
    assert {k: alone[k] for k in ("t", "barrier", "train_loss", "length")} == {
        k: among[k] for k in ("t", "barrier", "train_loss", "length")
    }


def test_a_connection_without_paths_is_still_json() -> None:
    found = as_json(dataclasses.replace(connection(), paths={}))
    assert found["paths"] == {} and "barrier" not in found


def test_csv_has_a_row_for_each_path_and_place(tmp_path: Path) -> None:
    with write_csv(tmp_path / "c.csv", connection()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["path"], float(row["t"])) for row in rows] == [(name, t) for name in ("line", "line, frozen") for t in T]
    assert [row["computed"] for row in rows[:4]] == ["1", "0", "1", "1"]
    assert rows[2]["train_loss"] == "2.1" and rows[2]["test_loss"] == "inf" and rows[1]["train_loss"] == "nan"
    assert rows[2]["train_loss_above_line_standard_error"] == "0.02" and rows[2]["arc"] == "1"


def test_paths_that_know_different_things_share_a_table(tmp_path: Path) -> None:
    less = path("line", 2.1)
    less = dataclasses.replace(less, quantities={"train_loss": less.quantities["train_loss"]}, errors={})
    both = dataclasses.replace(connection(), paths={"less": less, "line": path("line", 2.1)})
    with write_csv(tmp_path / "c.csv", both).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["train_accuracy"] == "nan" and rows[4]["train_accuracy"] == "1"


def test_answers_of_other_kinds_are_written_field_by_field_without_vectors_of_weights(tmp_path: Path) -> None:
    curve = CurveResult(
        kind="bezier", points=freeze(np.ones((3, 50))), places=freeze([0, 0.5, 1]), losses=freeze([1.0, 0.5]), steps=7
    )
    found = as_json(curve)
    assert (found["kind"], found["steps"], found["losses"]) == ("bezier", 7, [1.0, 0.5])
    assert "points" not in found and len(json.dumps(found)) < 2000
    end = EndpointResult(quantities={"train_loss": quantity("train_loss", [1.0] * 4)}, rows={"train_loss": freeze(np.ones(999))})
    assert "rows" not in as_json(end)
    table = BarrierTable(path="line", quantities={}, distances=freeze(np.zeros((2, 2))), lengths=freeze(np.zeros((2, 2))))
    barriers = BarriersResult(
        names=("a", "b"),
        barriers=freeze([[0, 1], [1, 0]]),
        standard_errors=freeze(np.zeros((2, 2))),
        distances=freeze(np.zeros((2, 2))),
        losses=freeze([0.1, 0.2]),
        tables={"line": table},
    )
    told = as_json(barriers)
    assert told["barriers"] == [[0, 1], [1, 0]] and told["tables"]["line"]["distances"] == [[0, 0], [0, 0]]
    assert write_csv(tmp_path / "e.csv", end).read_text(encoding="utf-8").startswith("name,label,value")


def rows_of(folder: Path, result: Any) -> list[dict[str, str]]:
    with write_csv(folder / "r.csv", result).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def symmetric(*values: float) -> Any:
    found = np.zeros((3, 3))
    found[np.triu_indices(3, 1)] = values
    return freeze(found + found.T)


def test_csv_of_barriers_has_a_row_for_every_two_models(tmp_path: Path) -> None:
    q = Quantity(name="train_loss_above_line", label="", values=symmetric(1, 2, 3), standard_error=symmetric(0.1, 0.2, 0.3))
    table = BarrierTable(path="line", quantities={q.name: q}, distances=symmetric(4, 5, 6), lengths=symmetric(7, 8, 9))
    found = BarriersResult(
        names=("a", "b", "c"),
        barriers=q.values,
        standard_errors=symmetric(0.1, 0.2, 0.3),
        distances=table.distances,
        losses=freeze([0.1, 0.2, 0.3]),
        order=freeze([1, 2, 0], int),
        tree=freeze([[0, 1], [0, 2]], int),
        tables={"line": table},
        split="train",
    )
    rows = rows_of(tmp_path, found)
    assert [(r["first"], r["second"], r["train_loss_above_line"]) for r in rows] == [
        ("a", "b", "1"),
        ("a", "c", "2"),
        ("b", "c", "3"),
    ]
    assert rows[2] == {
        "path": "line", "first": "b", "second": "c", "train_loss_above_line": "3", "train_loss_above_line_standard_error": "0.3",
        "distance": "6", "length": "9",
    }  # fmt: skip
    text = describe(found)
    assert text.splitlines()[1].split() == ["b", "c", "a"]
    assert "tree of the lowest barriers: a - b 1.00 ± 0.10; a - c 2.00 ± 0.20" in text


def test_csv_of_instability_has_a_row_for_each_checkpoint(tmp_path: Path) -> None:
    found = InstabilityResult(
        names=("a", "b"),
        epochs=freeze([0, 5]),
        barriers=freeze([0.5, np.nan]),
        standard_errors=freeze([0.1, np.nan]),
        first_losses=freeze([1, 2]),
        second_losses=freeze([3, 4]),
        distances=freeze([5, 6]),
        split="train",
    )
    rows = rows_of(tmp_path, found)
    assert [(r["epoch"], r["barrier"], r["first_loss"], r["distance"]) for r in rows] == [
        ("0", "0.5", "1", "5"),
        ("5", "nan", "2", "6"),
    ]
    assert "error_barrier" not in rows[0]
    assert "0.50 ± 0.10" in describe(found)


def test_a_plane_of_paths_is_a_surface_and_paths_in_it(tmp_path: Path) -> None:
    axes = AxesReport(kind="path", labels=("x", "y"), norms=freeze([1, 1]), cosines=freeze(np.eye(2)))
    surface = SurfaceResult(
        x=freeze([0, 1]), y=freeze([0]), quantities={}, computed=freeze([[True, True]], bool), axes=axes,
    )  # fmt: skip
    place = PlacedPath(
        name="line", label="straight line", t=freeze([0, 1]), x=freeze([0, 1]), y=freeze([0, 0]), off_plane=freeze([0, 0.5]),
        quantities={"train_loss": Quantity(name="train_loss", label="", values=freeze([2, 3]))},
    )  # fmt: skip
    found = PathPlaneResult(
        names=("a", "b", "bend"), x=freeze([0, 1, 0.5]), y=freeze([0, 0, 1]), surface=surface, paths={"line": place}
    )
    told = as_json(found)
    assert told["surface"]["kind"] == "surface" and told["surface"]["x"] == [0, 1]
    assert told["paths"]["line"]["off_plane"] == [0, 0.5]
    rows = rows_of(tmp_path, found)
    assert rows[1] == {"path": "line", "t": "1", "x": "1", "y": "0", "off_plane": "0.5", "train_loss": "3"}
    assert "2 x 1 points, 2 computed" in describe(found) and "straight line" in describe(found)
