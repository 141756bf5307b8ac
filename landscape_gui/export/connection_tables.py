"""Answers about connected models as JSON and CSV: paths by t, anything else field by field; vectors of weights are in the .h5."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from landscape_gui.connection_results import (
    BarriersResult,
    ConnectionResult,
    InstabilityResult,
    PathPlaneResult,
    PathResult,
    PlacedPath,
)
from landscape_gui.connection_texts import DEFINITIONS
from landscape_gui.export.descend_tables import descent_rows
from landscape_gui.results import Array, ConnectedResult, Number, Quantity
from landscape_gui.topology_results import TopologyResult
from landscape_gui.training_results import DescentsResult

TOO_LONG = ("points", "state", "aligned", "rows", "weights")
"""Arrays as long as the network has parameters, or as the data have examples."""
COMMON = tuple(f.name for f in dataclasses.fields(ConnectedResult))

Row = list[str | float]


def content(result: ConnectedResult) -> dict[str, Any]:
    """What JSON says. A connection: its first path by the paths' own names, and all of them under `paths`."""
    if isinstance(result, PathResult):
        return {"kind": kind_of(result), **path_content(result), **common(result)}
    if not isinstance(result, ConnectionResult):
        return {"kind": kind_of(result), **fields_of(result)}
    first = next(iter(result.paths.values()), None)
    return {
        "kind": kind_of(result),
        "names": result.names,
        **(path_content(first) if first is not None else {}),
        "end_distance": result.end_distance,
        "paths": {name: {**path_content(path), **context(path)} for name, path in result.paths.items()},
        "complete": result.complete,
        **common(result),
    }


def kind_of(result: ConnectedResult) -> str:
    return result.provenance.probe or type(result).__name__.removesuffix("Result").lower()


def path_content(path: PathResult) -> dict[str, Any]:
    """One path: its places, every quantity with its standard error, the barriers of the split's loss, lengths."""
    columns = path_columns(path)
    return {
        "path": path.name,
        "label": path.label,
        **columns,
        "barrier": {name: value_of(path.numbers, name) for name in DEFINITIONS},
        "barrier_standard_error": {name: error_of(path.numbers, name) for name in DEFINITIONS},
        "connectivity_score": value_of(path.numbers, "connectivity_score"),
        "length": path.length,
        "end_distance": path.end_distance,
        "computed": path.computed,
        "not_finite": not_finite(path),
        "controls": path.controls,
        "training": path.training,
        "units": {name: q.unit for name, q in path.quantities.items()},
        "labels": {name: q.label for name, q in path.quantities.items()},
        "examples": {name: q.examples for name, q in path.quantities.items()},
    }


def path_columns(path: PathResult) -> dict[str, Array]:
    """Everything that there is for each t: t, arc, each quantity with its standard error, and the paired errors."""
    found = {"t": path.t, "arc": path.arc, **values_of(path.quantities)}
    return found | {f"{name}_standard_error": values for name, values in path.errors.items()}


def not_finite(path: PathResult) -> dict[str, list[list[str | int]]]:
    """By quantity: [place in t, "nan" | "inf" | "-inf"] of every value that was computed and is not finite."""
    found: dict[str, list[list[str | int]]] = {}
    for name, quantity in path.quantities.items():
        values = np.asarray(quantity.values, float)
        odd = np.flatnonzero(~np.isfinite(values) & np.asarray(path.computed, bool))
        if len(odd):
            found[name] = [[int(k), str(float(values[k]))] for k in odd]
    return found


def value_of(numbers: Mapping[str, Number], name: str) -> float:
    return numbers[name].value if name in numbers else float("nan")


def error_of(numbers: Mapping[str, Number], name: str) -> float:
    return numbers[name].error if name in numbers else float("nan")


def common(result: ConnectedResult) -> dict[str, Any]:
    return {name: plain(getattr(result, name)) for name in COMMON}


def context(path: PathResult) -> dict[str, Any]:
    """What a path among others says of itself; where it comes from is said once, of all."""
    return {name: value for name, value in common(path).items() if name != "provenance"}


def fields_of(result: ConnectedResult) -> dict[str, Any]:
    own = [f.name for f in dataclasses.fields(result) if f.name not in (*TOO_LONG, *COMMON)]
    return {name: plain(getattr(result, name)) for name in (*own, *COMMON)}


def plain(value: Any) -> Any:
    """Dataclasses as dictionaries, also inside of mappings and tuples; quantities as their values and standard errors."""
    if isinstance(value, Quantity):
        return {"values": value.values, "standard_error": value.standard_error, "unit": value.unit, "examples": value.examples}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in TOO_LONG}
    if isinstance(value, Mapping):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value


def rows(result: ConnectedResult) -> Iterator[Row]:
    """What CSV says: one row a (path, t); of barriers one a pair, of instability one a checkpoint, of a topology one a minimum; of
    anything else its numbers."""
    if isinstance(result, PathResult):
        yield from path_rows({result.name: result})
    elif isinstance(result, ConnectionResult):
        yield from path_rows(result.paths)
    elif isinstance(result, PathPlaneResult):
        yield from placed_rows(result.paths)
    elif isinstance(result, BarriersResult):
        yield from pair_rows(result)
    elif isinstance(result, InstabilityResult):
        yield from checkpoint_rows(result)
    elif isinstance(result, TopologyResult):
        yield from branch_rows(result)
    elif isinstance(result, DescentsResult):
        yield from descent_rows(result)
    else:
        yield ["name", "label", "value", "error", "kind", "unit"]
        for name, number in result.numbers.items():
            yield [name, number.label, number.value, number.error, number.kind, number.unit]


def path_rows(paths: Mapping[str, PathResult]) -> Iterator[Row]:
    """path, t, computed and then every column that some path has; nan where a path has none."""
    columns = {name: path_columns(path) for name, path in paths.items()}
    names = [n for n in dict.fromkeys(n for found in columns.values() for n in found) if n != "t"]
    yield ["path", "t", "computed", *names]
    for name, path in paths.items():
        for k, t in enumerate(path.t):
            values = (columns[name][n][k] if n in columns[name] else float("nan") for n in names)
            yield [name, float(t), float(path.computed[k]), *map(float, values)]


def placed_rows(paths: Mapping[str, PlacedPath]) -> Iterator[Row]:
    """Where each path runs in the plane, and its true values there."""
    columns = {name: {"x": p.x, "y": p.y, "off_plane": p.off_plane, **values_of(p.quantities)} for name, p in paths.items()}
    names = list(dict.fromkeys(n for found in columns.values() for n in found))
    yield ["path", "t", *names]
    for name, path in paths.items():
        for k, t in enumerate(path.t):
            yield [name, float(t), *(float(columns[name][n][k]) if n in columns[name] else float("nan") for n in names)]


def pair_rows(result: BarriersResult) -> Iterator[Row]:
    """Every two models once, by kind of path: each barrier with its standard error, distance and length."""
    columns = {
        kind: {**values_of(table.quantities), "distance": table.distances, "length": table.lengths}
        for kind, table in result.tables.items()
    }
    names = list(dict.fromkeys(n for found in columns.values() for n in found))
    yield ["path", "first", "second", *names]
    for kind, found in columns.items():
        for i, j in zip(*np.triu_indices(len(result.names), 1), strict=True):
            values = (float(found[n][i, j]) if n in found else float("nan") for n in names)
            yield [kind, result.names[i], result.names[j], *values]


def checkpoint_rows(result: InstabilityResult) -> Iterator[Row]:
    """Each epoch or step: barriers by the definition named, both ends' own losses, and every other choice."""
    columns = {
        result.unit: result.epochs,
        "barrier": result.barriers,
        "barrier_standard_error": result.standard_errors,
        "error_barrier": result.error_barriers,
        "error_barrier_standard_error": result.error_standard_errors,
        "first_loss": result.first_losses,
        "second_loss": result.second_losses,
        "distance": result.distances,
        **values_of(result.quantities),
    }
    known = {name: values for name, values in columns.items() if len(values) == len(result.epochs)}
    yield list(known)
    for k in range(len(result.epochs)):
        yield [float(values[k]) for values in known.values()]


def branch_rows(result: TopologyResult) -> Iterator[Row]:
    """Each minimum, the most persistent first: where it is, where it ends, and in which other one (numbered from 0; -1: none)."""
    columns = {
        "x": result.x,
        "y": result.y,
        "birth": result.births,
        "death": result.deaths,
        "persistence": result.persistence,
        "standard_error": result.errors,
        "real": result.real,
        "on_edge": result.on_edge,
        "saddle_x": result.saddle_x,
        "saddle_y": result.saddle_y,
        "into": result.parents,
    }
    yield ["minimum", *columns]
    for k in range(len(result.births)):
        yield [float(k), *(float(values[k]) for values in columns.values())]


def values_of(quantities: Mapping[str, Quantity]) -> dict[str, Array]:
    """Each quantity's values and standard errors, by name."""
    found: dict[str, Array] = {}
    for name, quantity in quantities.items():
        found[name] = quantity.values
        if quantity.standard_error is not None:
            found[f"{name}_standard_error"] = quantity.standard_error
    return found
