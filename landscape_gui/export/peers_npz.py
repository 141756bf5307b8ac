"""Results of other programs in .npz archives: planes and curves of dnn-mode-connectivity (Garipov et al. 2018), landscapes of
Landscaper. Nothing in them is unpickled. NumPy only."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.numbers import array_names, read_numbers
from landscape_gui.checkpoint.peers import peer_arrays
from landscape_gui.connection_results import ConnectionResult, PathPlaneResult, PathResult, PlacedPath
from landscape_gui.errors import LandscapeError
from landscape_gui.export.peers_grid import AGAIN, MOST, checked_shape, order_of
from landscape_gui.export.peers_origin import LINE, MEASURED, PLANE, Origin, origin_of
from landscape_gui.results import Array, AxesReport, LineResult, Quantity, Result, SurfaceResult, freeze
from landscape_gui.store_guard import read_bytes

Arrays = Mapping[str, Array]
SPLITS = {"tr": "train", "te": "test"}
METRICS = {
    "nll": ("nll", "cross-entropy", "nat", 1.0),
    "loss": ("loss", "loss + L2", "nat", 1.0),
    "acc": ("accuracy", "accuracy", "1", 0.01),
}
"""Their name -> ours, the label's second part, the unit, and what a value is multiplied by."""
GARIPOV = "The script that writes such files adds weight decay to the loss and recalculates BatchNorm's statistics at each point."
PATH = ("Data", "Distance of the ends", "Kind of path", *MEASURED)


def read_npz(path: str | os.PathLike[str]) -> Result:
    """A plane, curve or landscape of another program. LandscapeError where the archive is none, or is not what it seems."""
    kind = peer_arrays(array_names(path))
    if kind not in READERS:
        raise LandscapeError(f"{path} holds no surface, line or curve.", remedy="Weights are opened with `landscape-gui surface`.")
    format, unsaid, make = READERS[kind]
    data = read_bytes(path)
    try:
        arrays = read_numbers(path, wanted(kind))
        return make(arrays, origin_of(path, data, format=format, unsaid=unsaid))
    except Broken as error:
        raise LandscapeError(f"{path} cannot be read: {error.reason}.", remedy=error.remedy) from error
    except LandscapeError as error:
        raise LandscapeError(f"{path}: {error.message}", remedy=error.remedy) from error


def wanted(kind: str) -> tuple[str, ...]:
    """The arrays that are read of an archive of this kind."""
    measured = tuple(f"{split}_{metric}" for split in SPLITS for metric in (*METRICS, "err"))
    return {
        "plane": ("ts", "grid", "alphas", "betas", "bend_coordinates", "curve_coordinates", *measured),
        "curve": ("ts", "dl", *measured),
        "landscape": ("loss", "coordinates"),
    }[kind]


def measured(arrays: Arrays, shape: tuple[int, ...], axes: tuple[str, ...], turn: Callable[[Array], Array]) -> dict[str, Quantity]:
    """Losses and accuracies of both splits, per cent as fractions; an error rate stands in where the accuracy is missing."""
    found = {}
    for split, ours in SPLITS.items():
        for theirs, (name, label, unit, factor) in METRICS.items():
            values = arrays.get(f"{split}_{theirs}")
            if values is None and theirs == "acc" and f"{split}_err" in arrays:
                values = 100.0 - np.asarray(arrays[f"{split}_err"], np.float64)
            if values is None:
                continue
            checked = turn(checked_shape(values, shape, f"{split}_{theirs}")) * factor
            key = f"{ours}_{name}"
            found[key] = Quantity(name=key, label=f"{ours} {label}", values=freeze(checked), unit=unit, axes=axes)
    if not any(name.endswith("_loss") for name in found):
        found = {name.replace("_nll", "_loss"): replace(q, name=name.replace("_nll", "_loss")) for name, q in found.items()}
    if not found:
        raise LandscapeError("it holds no loss and no accuracy.", remedy=AGAIN)
    first = ("train_loss", "test_loss")
    return {name: found[name] for name in (*(n for n in first if n in found), *(n for n in found if n not in first))}


# -- dnn-mode-connectivity ------------------------------------------------------------------------------------------------


def plane_of(arrays: Arrays, origin: Origin) -> PathPlaneResult:
    """A plane.npz: axis 0 of its arrays is x. Coordinates are in units of the distance of the two ends, as in planes of our own."""
    unit, scale = ends_distance(arrays)
    x, y, across, up = plane_axes(arrays)
    quantities = measured(arrays, (len(x), len(y)), ("y", "x"), lambda v: v[np.ix_(across, up)].T)
    bends = scale(arrays["bend_coordinates"]) if "bend_coordinates" in arrays else np.zeros((0, 2))
    order = [0, 2, 1] if len(bends) == 3 else [0, 2, 1][: len(bends)]
    surface = SurfaceResult(
        x=freeze(x[across] / unit),
        y=freeze(y[up] / unit),
        quantities=quantities,
        computed=freeze(np.ones((len(y), len(x)), bool), bool),
        axes=AxesReport(kind="read", labels=AXES, norms=freeze([unit, unit]), cosines=freeze(np.eye(2))),
        notes=(GARIPOV,),
        provenance=origin.provenance("surface", unit=unit),
    )
    return PathPlaneResult(
        names=NAMES if len(bends) == 3 else tuple(f"bend {k}" for k in order),
        x=freeze(bends[order, 0]),
        y=freeze(bends[order, 1]),
        surface=surface,
        paths=placed(arrays, scale, len(bends), origin),
        split=next(iter(quantities)).partition("_")[0],
        notes=(GARIPOV,),
        provenance=origin.provenance("path-plane", unit=unit),
    )


ROUNDING = 1e-6
"""The end points lie on the first axis but for the rounding of float32 weights; in distances of the two ends."""
NAMES = ("first end", "second end", "bend")
AXES = ("towards the second end", "across, towards the bend")


def ends_distance(arrays: Arrays) -> tuple[float, Callable[[Array], Array]]:
    """The distance of the two ends in the file's units, 1 where it is not there; and what divides coordinates (k, 2) by it."""
    bends = arrays.get("bend_coordinates")
    if bends is None:
        return 1.0, pairs
    unit = float(pairs(bends)[2, 0]) if len(bends) > 2 else 1.0
    if not (np.isfinite(unit) and unit > 0):
        raise LandscapeError("the two ends of its curve lie in the same place.", remedy=AGAIN)

    def scale(places: Array) -> Array:
        scaled = pairs(places) / unit
        return np.where(np.abs(scaled) < ROUNDING, 0.0, scaled)

    return unit, scale


def pairs(places: Array) -> Array:
    """Coordinates as (k, 2); LandscapeError where they are none."""
    if np.ndim(places) != 2 or np.shape(places)[1] != 2 or not len(places) or not np.isfinite(places).all():
        raise LandscapeError(f"its coordinates have the shape {np.shape(places)}; (k, 2) finite ones are needed.", remedy=AGAIN)
    return np.asarray(places, np.float64)


def plane_axes(arrays: Arrays) -> tuple[Array, Array, Array, Array]:
    """x and y of the grid's places, and the order that makes each ascend. The grid (nx, ny, 2) holds both of each place."""
    grid = np.asarray(arrays["grid"], np.float64)
    if grid.ndim != 3 or grid.shape[2] != 2 or grid.size > 2 * MOST:
        raise LandscapeError(f"its grid has the shape {grid.shape}; (nx, ny, 2) is needed.", remedy=AGAIN)
    x, y = grid[:, 0, 0], grid[0, :, 1]
    across, up = order_of(x, "x of its grid"), order_of(y, "y of its grid")
    size = max(float(np.abs(grid).max()), 1e-300)
    if max(float(np.abs(grid[:, :, 0] - x[:, None]).max()), float(np.abs(grid[:, :, 1] - y).max())) > 1e-5 * size:
        raise LandscapeError("its grid is not rectangular.", remedy=AGAIN)
    return x, y, across, up


def placed(arrays: Arrays, scale: Callable[[Array], Array], bends: int, origin: Origin) -> dict[str, PlacedPath]:
    """The curve in the plane. Three control points span the plane that holds their curve; of others the distance is unknown."""
    if "curve_coordinates" not in arrays:
        return {}
    places = scale(arrays["curve_coordinates"])
    t = np.asarray(arrays.get("ts", np.linspace(0, 1, len(places))), np.float64)
    curve = PlacedPath(
        name="curve",
        label="curve",
        t=freeze(checked_shape(t, (len(places),), "ts")),
        x=freeze(places[:, 0]),
        y=freeze(places[:, 1]),
        off_plane=freeze(np.full(len(places), 0.0 if bends == 3 else np.nan)),
        provenance=origin.provenance("path"),
    )
    return {"curve": curve}


def curve_of(arrays: Arrays, origin: Origin) -> ConnectionResult:
    """A curve.npz: losses and accuracies over t, with the length of the path up to each."""
    t = np.asarray(arrays["ts"], np.float64)
    order = order_of(t, "ts")
    steps = arrays.get("dl")
    arc = np.cumsum(checked_shape(steps, t.shape, "dl")) if steps is not None else np.full(t.shape, np.nan)
    quantities = measured(arrays, t.shape, ("t",), lambda v: v[order])
    split = next(iter(quantities)).partition("_")[0]
    same: dict[str, Any] = {"split": split, "notes": (GARIPOV,)}
    path = PathResult(
        name="curve",
        label="curve",
        t=freeze(t[order]),
        computed=freeze(np.ones(t.shape, bool), bool),
        quantities=quantities,
        arc=freeze(arc[order]),
        length=float(arc[-1]),
        training="trained by the program that wrote the file; how is unknown",
        provenance=origin.provenance("path"),
        **same,
    )
    return ConnectionResult(
        names=("first end", "second end"), paths={"curve": with_numbers(path)}, provenance=origin.provenance("connect"), **same
    )


def with_numbers(path: PathResult) -> PathResult:
    """With the barriers of its loss, by every definition."""
    from landscape_gui.probes.path_numbers import numbers_of

    return replace(path, numbers=numbers_of(path, path.split))


# -- Landscaper -----------------------------------------------------------------------------------------------------------


def landscape_of(arrays: Arrays, origin: Origin) -> SurfaceResult | LineResult:
    """A Landscaper archive: axis k of `loss` is direction k. Of three or more, the plane in the middle of the rest."""
    coordinates = np.asarray(arrays["coordinates"], np.float64)
    if coordinates.ndim == 1:
        coordinates = coordinates[None]
    if coordinates.ndim != 2 or not 1 <= len(coordinates) <= 6:
        raise LandscapeError(f"its coordinates have the shape {coordinates.shape}; (directions, steps) is needed.", remedy=AGAIN)
    dim, steps = coordinates.shape
    loss = checked_shape(arrays["loss"], (steps,) * dim, "its loss")
    orders = [order_of(row, f"direction {k + 1} of its coordinates") for k, row in enumerate(coordinates)]
    loss, rest = middle(loss, coordinates)
    told = replace(origin, unsaid=(*LINE, *MEASURED)) if dim == 1 else origin
    loss = loss[np.ix_(*orders[: loss.ndim])]
    notes = (f"Of {dim} directions, the plane where {rest}.",) if rest else ()
    common: dict[str, Any] = {
        "x": freeze(coordinates[0][orders[0]]),
        "notes": notes,
        "axes": unknown_axes(*(f"direction {k + 1}" for k in range(min(dim, 2)))),
        "provenance": told.provenance("line" if dim == 1 else "surface", **({"slice": rest} if rest else {})),
        "computed": freeze(np.ones(loss.T.shape, bool), bool),
        "quantities": {"loss": Quantity(name="loss", label="loss", values=freeze(loss.T), axes=("y", "x")[2 - loss.ndim :])},
    }
    return LineResult(**common) if dim == 1 else SurfaceResult(y=freeze(coordinates[1][orders[1]]), **common)


def middle(loss: Array, coordinates: Array) -> tuple[Array, str]:
    """The loss over the first two directions, where the others are nearest to 0; and where that is, in words."""
    said: list[str] = []
    for k in range(loss.ndim - 1, 1, -1):
        at = int(np.argmin(np.abs(coordinates[k])))
        loss = np.take(loss, at, axis=k)
        said.insert(0, f"direction {k + 1} is {coordinates[k][at]:.4g}")
    return loss, " and ".join(said)


def unknown_axes(*labels: str) -> AxesReport:
    """Axes of which nothing is known but what they are called."""
    count = len(labels)
    return AxesReport(
        kind="read",
        labels=labels,
        norms=freeze(np.full(count, np.nan)),
        cosines=freeze(np.full((count, count), np.nan)),
    )


READERS: dict[str, tuple[str, tuple[str, ...], Callable[[Arrays, Origin], Result]]] = {
    "plane": ("dnn-mode-connectivity (plane.npz)", ("Data", *MEASURED), plane_of),
    "curve": ("dnn-mode-connectivity (curve.npz)", PATH, curve_of),
    "landscape": ("Landscaper (.npz)", (*PLANE, *MEASURED), landscape_of),
}
"""By kind of archive: its layout in words, what it does not say, and what makes an answer of it."""
