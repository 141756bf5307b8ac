"""The numbers of an answer as JSON and CSV; docs/export.md describes both."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from landscape_gui.connection_results import PathPlaneResult
from landscape_gui.export import check_target, connection_tables, curvature_tables, dynamics_tables, write
from landscape_gui.results import (
    Array,
    AxesReport,
    CellResult,
    ConnectedResult,
    CurvatureResult,
    DynamicsBase,
    LineResult,
    Quantity,
    Result,
    SurfaceResult,
    TrajectoryResult,
)  # fmt: skip
from landscape_gui.topology_results import TopologyResult
from landscape_gui.training_results import DescentsResult

VERSION = 1
KINDS = {SurfaceResult: "surface", LineResult: "line", CellResult: "cell"}


def write_json(path: str | os.PathLike[str], result: Result) -> Path:
    """Writes an answer as JSON: x, y, and an array a quantity under its name, rows = y; returns the path.

    Standard JSON: a value that is not finite is null, and `not_finite` says which cell and what it was. Raises LandscapeError
    where the file cannot be written; a file that is there is replaced as a whole or not at all.
    """
    target = check_target(path, (".json",))
    text = json.dumps(as_json(result), ensure_ascii=False, allow_nan=False, indent=None, separators=(", ", ": "))
    return write(target, text.encode() + b"\n")


def as_json(result: Result) -> dict[str, Any]:
    """The content of `write_json`: plain dictionaries, lists, numbers, strings and None."""
    if isinstance(result, DynamicsBase):
        return {"format": "landscape_gui", "format_version": VERSION, **_plain(dynamics_tables.content(result))}
    if isinstance(result, CurvatureResult):
        return {"format": "landscape_gui", "format_version": VERSION, **_plain(curvature_tables.content(result))}
    if isinstance(result, ConnectedResult):
        told = {"format": "landscape_gui", "format_version": VERSION, **_plain(connection_tables.content(result))}
        if isinstance(result, PathPlaneResult | TopologyResult | DescentsResult):
            told["surface"] = as_json(result.surface)
        return told
    if isinstance(result, TrajectoryResult):
        own = {
            "provenance": _plain(asdict(result.provenance)),
            "notes": list(dict.fromkeys((*result.notes, *result.surface.notes))),
        }
        return {**as_json(result.surface), "kind": "trajectory", "trajectory": _trajectory(result), **own}
    found: dict[str, Any] = {"format": "landscape_gui", "format_version": VERSION, "kind": KINDS[type(result)]}
    found["x"] = _numbers(result.x)
    if not isinstance(result, LineResult):
        found["y"] = _numbers(result.y)
    found.update(_quantities(result.quantities))
    computed = _computed(result)
    found["computed"] = computed.tolist()
    found["not_finite"] = _not_finite(result.quantities, computed)
    found["units"] = {name: q.unit for name, q in result.quantities.items()}
    found["labels"] = {name: q.label for name, q in result.quantities.items()}
    found["examples"] = {name: q.examples for name, q in result.quantities.items()}
    if isinstance(result, SurfaceResult) and result.draws:
        found["seeds"] = list(result.seeds)
        found["draws"] = {name: _numbers(values) for name, values in result.draws.items()}
    if isinstance(result, SurfaceResult):
        found["adaptive"], found["interpolation_error"] = result.adaptive, _plain(result.interpolation_error)
    found["axes"] = _axes(result.axes)
    found["centre"] = _plain(dict(result.centre))
    found["batchnorm"], found["subset"], found["precision"] = result.batchnorm, result.subset, result.precision
    found["notes"] = list(result.notes)
    found["provenance"] = _plain(asdict(result.provenance))
    return found


def write_csv(path: str | os.PathLike[str], result: Result) -> Path:
    """Writes an answer as CSV, one row a point and one column a quantity, the first row naming them; returns the path.

    A surface: x, y, ..., computed; a line: x, ..., computed; a trajectory: one row a checkpoint; paths: path, t, computed, ....
    Numbers are written with as many digits as bring them back exactly; what is not finite is nan, inf or -inf.
    """
    target = check_target(path, (".csv",))
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(_rows(result))
    return write(target, buffer.getvalue().encode())


def _rows(result: Result) -> Iterator[list[str]]:
    columns: dict[str, Any]
    if isinstance(result, DynamicsBase):
        yield from ([v if isinstance(v, str) else _exact(v) for v in row] for row in dynamics_tables.rows(result))
        return
    if isinstance(result, CurvatureResult | ConnectedResult):
        rows = curvature_tables.rows(result) if isinstance(result, CurvatureResult) else connection_tables.rows(result)
        yield from ([v if isinstance(v, str) else _exact(v) for v in row] for row in rows)
        return
    if isinstance(result, TrajectoryResult):
        columns = {
            "x": result.x,
            "y": result.y,
            "off_plane": result.off_plane,
            "distance": result.distance,
            **connection_tables.values_of(result.quantities),
        }
        columns |= {f"plane_{name}": q.values for name, q in result.plane_quantities.items()}
        yield ["name", "order", *columns]
        for k, name in enumerate(result.names):
            yield [name, _exact(result.order[k]), *(_exact(np.asarray(v)[k]) for v in columns.values())]
        return
    if isinstance(result, SurfaceResult):
        x, y = np.meshgrid(result.x, result.y)
        columns = {"x": x.ravel(), "y": y.ravel()}
    elif isinstance(result, LineResult):
        columns = {"x": result.x}
    else:
        columns = {"x": np.array([result.x]), "y": np.array([result.y])}
    columns |= {name: np.ravel(values) for name, values in connection_tables.values_of(result.quantities).items()}
    computed = np.ravel(_computed(result))
    yield [*columns, "computed"]
    for k in range(len(computed)):
        yield [*(_exact(v[k]) for v in columns.values()), str(int(computed[k]))]


def _computed(result: SurfaceResult | LineResult | CellResult) -> Array:
    """Where the network was evaluated; a single cell always was."""
    return np.ones((), bool) if isinstance(result, CellResult) else np.asarray(result.computed, bool)


def _quantities(quantities: Mapping[str, Quantity]) -> dict[str, Any]:
    return {name: _numbers(values) for name, values in connection_tables.values_of(quantities).items()}


def _not_finite(quantities: Mapping[str, Quantity], computed: Array) -> dict[str, list[list[Any]]]:
    """By quantity: [row, column, "nan" | "inf" | "-inf"] of every value that was computed and is not finite ([column, ...] on a
    line)."""
    found = {}
    for name, quantity in quantities.items():
        values = np.asarray(quantity.values, float)
        odd = np.argwhere(~np.isfinite(values) & np.asarray(computed, bool))
        if len(odd):
            found[name] = [[*(int(i) for i in at), _exact(values[tuple(at)])] for at in odd]
    return found


def _trajectory(result: TrajectoryResult) -> dict[str, Any]:
    return {
        "names": list(result.names), "order": _numbers(result.order), "x": _numbers(result.x), "y": _numbers(result.y),
        "off_plane": _numbers(result.off_plane), "distance": _numbers(result.distance), **_quantities(result.quantities),
        **{f"plane_{name}": _numbers(q.values) for name, q in result.plane_quantities.items()},
    }  # fmt: skip


def _axes(axes: AxesReport) -> dict[str, Any]:
    return {
        "kind": axes.kind, "labels": list(axes.labels), "norms": _numbers(axes.norms), "cosines": _numbers(axes.cosines),
        "layers": list(axes.layers), "shares": _numbers(axes.shares), "explained": _numbers(axes.explained),
        "random_walk": _numbers(axes.random_walk), "eigenvalues": _numbers(axes.eigenvalues), "residuals": _numbers(axes.residuals),
    }  # fmt: skip


def _numbers(values: Array | float) -> Any:
    """Nested lists with None for what is not finite."""
    return _plain(np.asarray(values, float).tolist())


def _plain(value: Any) -> Any:
    """What standard JSON can hold."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _exact(value: Any) -> str:
    """The shortest text that reads back as the same number."""
    return (
        repr(float(value)).removesuffix(".0")
        if np.isfinite(value)
        else {"nan": "nan", "inf": "inf", "-inf": "-inf"}[repr(float(value))]
    )
