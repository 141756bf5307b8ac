"""Files of tomgoldstein/loss-landscape: directions and surfaces in HDF5, as LightZero and others write them too.

The layout is described in docs/peers.md. A file may be a stranger's: only hard links are followed, only data that lie in the file
itself are read, and no more of them than a file of its size can hold. NumPy and h5py only.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.export import write
from landscape_gui.export.peers_grid import order_of
from landscape_gui.export.peers_hdf5 import BOUNDS, Reader, opened, read, read_whole
from landscape_gui.export.peers_origin import LINE, MEASURED, PLANE, origin_of
from landscape_gui.results import Array, AxesReport, LineResult, Quantity, Result, SurfaceResult, freeze

FORMAT = "tomgoldstein/loss-landscape (HDF5)"
EXPLAINED = ("explained_variance_ratio_", "singular_values_", "explained_variance_")
QUANTITIES = {"loss": "loss", "acc": "accuracy"}
EIGENVALUES = {"min_eig": ("smallest Hessian eigenvalue", 1.0), "max_eig": ("largest Hessian eigenvalue", -1.0)}
"""Name, label, and what an uncomputed cell holds."""
OUR_EIGENVALUES = {"lambda_min": "min_eig", "lambda_max": "max_eig"}


# -- directions -----------------------------------------------------------------------------------------------------------


def read_directions(path: str | os.PathLike[str]) -> list[list[Array]]:
    """The directions of a file, one or two, each a list of arrays in the file's order: that of `parameters()`, or of
    `state_dict()` with its 0-d integers where the file was written in states mode. LandscapeError where there are none."""
    return read(path, directions_in)


def directions_in(data: bytes) -> list[list[Array]]:
    """`read_directions` of a file's bytes."""
    with opened(data) as reader:
        found = [reader.tensors(name) for name in ("xdirection", "ydirection") if name in reader.file]
    if not found:
        raise LandscapeError("it holds no directions.", remedy="Choose a file with the group xdirection.")
    return found


def read_explained(path: str | os.PathLike[str]) -> dict[str, Array]:
    """What a file of principal components says of them: explained_variance_ratio_, singular_values_, explained_variance_."""
    return read(path, explained_in)


def explained_in(data: bytes) -> dict[str, Array]:
    """`read_explained` of a file's bytes."""
    with opened(data) as reader:
        return {name: freeze(reader.numbers(reader.file, name)) for name in EXPLAINED if name in reader.file}


def write_directions(
    path: str | os.PathLike[str], directions: Sequence[Sequence[Any]], *, explained: Mapping[str, Sequence[float]] | None = None
) -> Path:
    """Writes one or two directions, each a sequence of arrays in the order of `parameters()` (or of `state_dict()`).

    Floating-point arrays are written as float32, integers as int64. explained: the three arrays of principal components, by the
    reference's names. Replaces the file as a whole.
    """
    if not 1 <= len(directions) <= 2:
        raise LandscapeError(f"{len(directions)} directions do not fit into this file.", remedy="Give one or two.")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=BOUNDS) as file:
        for name, tensors in zip(("xdirection", "ydirection"), directions, strict=False):
            group = file.create_group(name)
            for k, tensor in enumerate(tensors):
                array = np.asarray(tensor)
                group.create_dataset(str(k), data=array.astype(np.int64 if array.dtype.kind in "iub" else np.float32))
        for name, values in (explained or {}).items():
            if name in EXPLAINED:
                file[name] = np.asarray(values, np.float64)
    return write(_target(path), buffer.getvalue())


def match(direction: Sequence[Array], parameters: Sequence[tuple[int, ...]], states: Sequence[tuple[int, ...]] = ()) -> list[Array]:
    """A direction's arrays in the shapes of a network: by order, since the file names nothing.

    parameters: shapes in the order of `parameters()`; states: of `state_dict()`. Axes of length one are forgiven. ProblemError says
    which tensor does not fit.
    """
    shapes = parameters if len(direction) == len(parameters) else states
    if len(direction) != len(shapes):
        other = f" (or {len(states)} with buffers)" if states else ""
        raise ProblemError(
            f"The direction has {len(direction)} tensors, but the network has {len(parameters)}{other}.",
            remedy="Take directions that were made for this architecture.",
        )
    for k, (tensor, shape) in enumerate(zip(direction, shapes, strict=True)):
        if [n for n in np.shape(tensor) if n != 1] != [n for n in shape if n != 1]:
            raise ProblemError(
                f"Tensor {k} of the direction has shape {np.shape(tensor)}, but the network expects {tuple(shape)}.",
                remedy="Take directions that were made for this architecture.",
            )
    return [np.reshape(tensor, shape) for tensor, shape in zip(direction, shapes, strict=True)]


# -- surfaces -------------------------------------------------------------------------------------------------------------


def read_surface(path: str | os.PathLike[str]) -> SurfaceResult | LineResult:
    """A surface, or a line where the file has no ycoordinates. Cells that were not computed (-1) are NaN.

    The reference declares (nx, ny) and fills in the flat order of (ny, nx): read so. Accuracies become fractions. The axes' norms
    and cosine come from the directions' file that it names, where that lies beside it. LandscapeError where it is no such file.
    """
    (x, y, raw, directions), data = read_whole(path, surface_in)
    probe = "line" if y is None else "surface"
    origin = origin_of(path, data, format=FORMAT, unsaid=(*(LINE if y is None else PLANE), *MEASURED))
    quantities, computed = _quantities(raw)
    common: dict[str, Any] = {
        "x": freeze(x), "quantities": quantities, "computed": freeze(computed, bool),
        "axes": _axes(Path(path), directions, 1 if y is None else 2),
        "provenance": origin.provenance(probe, directions_file=directions),
    }  # fmt: skip
    return LineResult(**common) if y is None else SurfaceResult(y=freeze(y), **common)


def surface_in(data: bytes) -> tuple[Array, Array | None, dict[str, tuple[Array, float]], str]:
    """x, y, the arrays with what an uncomputed cell holds, and the directions' file as it is named, from a file's bytes."""
    with opened(data) as reader:
        file = reader.file
        if "xcoordinates" not in file:
            raise LandscapeError("it holds no surface.", remedy="Choose a file with xcoordinates and train_loss.")
        x = reader.numbers(file, "xcoordinates").ravel()
        y = reader.numbers(file, "ycoordinates").ravel() if "ycoordinates" in file else None
        raw = _measured(reader, x, y)
        directions = reader.text("dir_file")
    if not raw:
        raise LandscapeError("it holds coordinates, but no loss.", remedy="Choose a file with train_loss.")
    across = order_of(x, "xcoordinates")
    if y is None:
        return x[across], None, {name: (v[across], blank) for name, (v, blank) in raw.items()}, directions
    up = order_of(y, "ycoordinates")
    return x[across], y[up], {name: (v[np.ix_(up, across)], blank) for name, (v, blank) in raw.items()}, directions


def write_surface(path: str | os.PathLike[str], result: SurfaceResult | LineResult, *, directions_file: str = "") -> Path:
    """Writes a surface or line in the reference's layout: losses and accuracies (per cent) of every split; -1 where not computed.

    directions_file: name of the file that holds the axes, as the reference's tools expect it beside the surface. A loss of which
    nobody knows the split is written as train_loss, the only one that the reference's plots need. LandscapeError where the answer
    holds nothing that the layout has a place for.
    """
    shape = (len(result.x),) if isinstance(result, LineResult) else (len(result.x), len(result.y))
    computed = np.asarray(result.computed, bool)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=BOUNDS) as file:
        file["dir_file"] = directions_file
        file["xcoordinates"] = np.asarray(result.x, np.float64)
        if isinstance(result, SurfaceResult):
            file["ycoordinates"] = np.asarray(result.y, np.float64)
        for name, quantity in result.quantities.items():
            unsplit = name == "loss" and "train_loss" not in result.quantities
            split, _, metric = ("train_loss" if unsplit else name).partition("_")
            factor = {"loss": 1.0, "accuracy": 100.0}.get(metric)
            if name in OUR_EIGENVALUES:
                theirs = OUR_EIGENVALUES[name]
                file[theirs] = np.where(computed, np.asarray(quantity.values, np.float64), EIGENVALUES[theirs][1]).reshape(shape)
            if factor is None or split not in ("train", "test"):
                continue
            values = np.where(computed, np.asarray(quantity.values, np.float64) * factor, -1.0)
            file[f"{split}_{'acc' if metric == 'accuracy' else 'loss'}"] = values.ravel().reshape(shape)
        if not {"train_loss", "train_acc", "test_loss", "test_acc", "min_eig", "max_eig"} & set(file):
            known = ", ".join(result.quantities) or "nothing"
            raise LandscapeError(f"The answer holds {known}, for which this layout has no place.", remedy="Save it as .h5 with -o.")
    return write(_target(path), buffer.getvalue())


def write_surface_of(path: str | os.PathLike[str], result: Result) -> Path:
    """`write_surface` of the surface or line that an answer is or holds, with the directions' file that it was asked with. Raises
    LandscapeError where it holds none."""
    surface = getattr(result, "surface", result)
    if not isinstance(surface, SurfaceResult | LineResult):
        raise LandscapeError("This answer holds no surface and no line.", remedy="Choose another format.")
    directions = str(result.provenance.problem.get("directions_file", ""))
    return write_surface(path, surface, directions_file=os.path.basename(directions))


def _measured(reader: Reader, x: Array, y: Array | None) -> dict[str, tuple[Array, float]]:
    """Arrays by our names, with what an uncomputed cell holds."""
    shape = (len(x),) if y is None else (len(y), len(x))
    names = {f"{split}_{ours}": (f"{split}_{theirs}", -1.0) for split in ("train", "test") for theirs, ours in QUANTITIES.items()}
    for ours, older in (("train_loss", "loss_vals"), ("train_accuracy", "acc_vals")):
        names[ours] = (names[ours][0] if names[ours][0] in reader.file else older, -1.0)
    names |= {name: (name, blank) for name, (_, blank) in EIGENVALUES.items()}
    found = {}
    for ours, (theirs, blank) in names.items():
        if theirs not in reader.file:
            continue
        values = reader.numbers(reader.file, theirs)
        if values.size != int(np.prod(shape)):
            raise LandscapeError(f"{theirs} has {values.size} values, but there are {int(np.prod(shape))} points.")
        found[ours] = values.ravel().reshape(shape), blank
    return found


def _quantities(raw: Mapping[str, tuple[Array, float]]) -> tuple[dict[str, Quantity], Array]:
    losses = [name for name in raw if name.endswith("_loss")] or list(raw)
    computed = np.ones(next(iter(raw.values()))[0].shape, bool)
    for name in losses[:1]:
        computed = raw[name][0] != raw[name][1]
    found = {}
    for name, (values, blank) in raw.items():
        clean = np.where(values == blank, np.nan, values)
        if name.endswith("_accuracy"):
            clean = clean / 100.0
        label = EIGENVALUES[name][0] if name in EIGENVALUES else name.replace("_", " ")
        axes = ("y", "x") if values.ndim == 2 else ("x",)
        found[name] = Quantity(
            name=name, label=label, values=freeze(clean), unit="1" if name.endswith("_accuracy") else "", axes=axes
        )
    return found, computed


def _axes(path: Path, directions: str, count: int) -> AxesReport:
    """What the named file says of the axes; the name alone counts, and only beside the surface: a path of a stranger's is not
    followed."""
    labels = tuple(f"direction {k + 1}" for k in range(count))
    unknown = AxesReport(
        kind="file", labels=labels, norms=freeze(np.full(count, np.nan)), cosines=freeze(np.full((count,) * 2, np.nan))
    )
    name = Path(directions.replace("\\", "/")).name
    beside = path.parent / name
    if not name or beside == path or not beside.is_file():
        return unknown
    try:
        (found, explained), _ = read_whole(beside, axes_in)
    except LandscapeError:
        return unknown
    axes = [_flat(tensors) for tensors in found[:count]]
    if len(axes) != count or len({a.size for a in axes}) != 1:
        return unknown
    norms = np.array([float(np.linalg.norm(a)) for a in axes])
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.array([[a @ b for b in axes] for a in axes]) / np.outer(norms, norms)
    return replace(unknown, norms=freeze(norms), cosines=freeze(cosines), **_components(explained, count))


def axes_in(data: bytes) -> tuple[list[list[Array]], Array]:
    """The directions of a file's bytes, and the share of variance that each explains (none where they are no components)."""
    return directions_in(data), explained_in(data).get(EXPLAINED[0], freeze([]))


def _components(explained: Array, count: int) -> dict[str, Any]:
    """Of axes that are principal components: their labels, shares of variance, and what a random walk gives."""
    shares = np.ravel(explained)[:count]
    if shares.size != count or not np.isfinite(shares).all():
        return {}
    labels = tuple(f"principal component {k + 1} ({100 * float(share):.1f} %)" for k, share in enumerate(shares))
    walk = 6 / (np.pi * np.arange(1, count + 1)) ** 2
    return {"labels": labels, "explained": freeze(shares), "random_walk": freeze(walk)}


def _flat(tensors: Sequence[Array]) -> Array:
    floats = [np.ravel(t).astype(np.float64) for t in tensors if np.asarray(t).dtype.kind == "f"]
    return np.concatenate(floats) if floats else np.zeros(0)


def _target(path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    if not target.parent.is_dir():
        raise LandscapeError(f"The folder {target.parent} does not exist.", remedy="Create it, or choose another one.")
    return target
