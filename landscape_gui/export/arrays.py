"""The numbers of an answer as NumPy's .npz: every array under its name, and one text that says what they are."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landscape_gui.connection_results import PathPlaneResult
from landscape_gui.export import connection_tables, curvature_tables, dynamics_tables
from landscape_gui.export.files import check_target, write
from landscape_gui.results import (
    Array,
    CellResult,
    ConnectedResult,
    CurvatureResult,
    DynamicsBase,
    LineResult,
    Result,
    SurfaceResult,
    TrajectoryResult,
)
from landscape_gui.topology_results import TopologyResult
from landscape_gui.training_results import DescentsResult

ABOUT = "about"
"""The text's name: JSON with labels, units, axes, single numbers and provenance."""


def write_npz(path: str | os.PathLike[str], result: Result) -> Path:
    """Writes an answer as .npz, opened with `numpy.load` alone; returns the path.

    Arrays have the names that JSON has (docs/export.md), those of a part behind its name and a slash ("trajectory/x",
    "paths/line/train_loss"); rows are y; what is not finite stays nan or inf. `json.loads(str(archive["about"]))` is the rest.
    The same bytes every time. Raises LandscapeError where the file cannot be written.
    """
    target = check_target(path, (".npz",))
    arrays = dict(arrays_of(result))
    buffer = io.BytesIO()
    about = json.dumps(about_of(result, arrays), ensure_ascii=False, allow_nan=False)
    np.savez_compressed(buffer, allow_pickle=False, **{ABOUT: np.array(about)}, **arrays)
    return write(target, buffer.getvalue())


def arrays_of(result: Result) -> Iterator[tuple[str, Array]]:
    """Every array by its name; vectors as long as the network has parameters are left out (they are in the .h5)."""
    if isinstance(result, DynamicsBase):
        yield from flat(dynamics_tables.content(result))
    elif isinstance(result, CurvatureResult):
        yield from flat(curvature_tables.content(result))
    elif isinstance(result, ConnectedResult):
        yield from flat({k: v for k, v in connection_tables.content(result).items() if k != "surface"})
        if isinstance(result, PathPlaneResult | TopologyResult | DescentsResult):
            yield from flat({"surface": dict(arrays_of(result.surface))})
    elif isinstance(result, TrajectoryResult):
        yield from arrays_of(result.surface)
        yield from flat({"trajectory": trajectory(result)})
    else:
        yield from grid(result)


def grid(result: SurfaceResult | LineResult | CellResult) -> Iterator[tuple[str, Array]]:
    """Coordinates, quantities with their standard errors, what was computed, and every draw."""
    yield "x", np.asarray(result.x, float)
    if not isinstance(result, LineResult):
        yield "y", np.asarray(result.y, float)
    yield from ((name, np.asarray(v)) for name, v in connection_tables.values_of(result.quantities).items())
    if not isinstance(result, CellResult):
        yield "computed", np.asarray(result.computed, bool)
    if isinstance(result, SurfaceResult) and result.draws:
        yield "seeds", np.asarray(result.seeds)
        yield from flat({"draws": dict(result.draws)})


def trajectory(result: TrajectoryResult) -> dict[str, Array]:
    """Where the checkpoints lie, with their true values and the plane's."""
    found = {name: getattr(result, name) for name in ("order", "x", "y", "off_plane", "distance")}
    found["names"] = np.array(result.names, dtype=np.str_)
    found |= connection_tables.values_of(result.quantities)
    return found | {f"plane_{name}": q.values for name, q in result.plane_quantities.items()}


def flat(nested: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Array]]:
    """The arrays in dictionaries inside one another, names joined by slashes."""
    for name, value in nested.items():
        where = before + name.replace("/", "_")
        if isinstance(value, Mapping):
            yield from flat(value, f"{where}/")
        elif isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
            yield where, value


def about_of(result: Result, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """What JSON says, less the arrays themselves."""
    from landscape_gui.export.tables import as_json

    return without(as_json(result), arrays)


def without(nested: Mapping[str, Any], arrays: Mapping[str, Array], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in nested.items():
        where = before + name.replace("/", "_")
        if where in arrays:
            continue
        found[name] = without(value, arrays, f"{where}/") if isinstance(value, Mapping) else value
    return found
