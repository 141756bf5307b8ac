"""Files of tomgoldstein/loss-landscape: directions and surfaces in HDF5, as LightZero and others write them too.

The layout is described in docs/peers.md. A file may be a stranger's: only hard links are followed, only data that lie in the file
itself are read, and no more of them than a file of its size can hold. NumPy and h5py only.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from landscape_gui.errors import LandscapeError, ProblemError, StoreError
from landscape_gui.export import write
from landscape_gui.results import Array, AxesReport, LineResult, Provenance, Quantity, Result, SurfaceResult, freeze
from landscape_gui.store import read_result
from landscape_gui.store_guard import check_signature, read_bytes, try_apart

T = TypeVar("T")
BOUNDS = ("earliest", "v110")
ROOM = 64 << 20
"""Bytes that any file may hold after decompression; beyond that, `SWELL` times its size."""
SWELL = 20
MOST = 100_000
"""Tensors in a direction."""
EXPLAINED = ("explained_variance_ratio_", "singular_values_", "explained_variance_")
QUANTITIES = {"loss": "loss", "acc": "accuracy"}
EIGENVALUES = {"min_eig": ("smallest Hessian eigenvalue", 1.0), "max_eig": ("largest Hessian eigenvalue", -1.0)}
"""Name, label, and what an uncomputed cell holds."""
OUR_EIGENVALUES = {"lambda_min": "min_eig", "lambda_max": "max_eig"}


# -- directions -----------------------------------------------------------------------------------------------------------


def read_directions(path: str | os.PathLike[str]) -> list[list[Array]]:
    """The directions of a file, one or two, each a list of arrays in the file's order: that of `parameters()`, or of
    `state_dict()` with its 0-d integers where the file was written in states mode. LandscapeError where there are none."""
    return _read(path, directions_in)


def directions_in(data: bytes) -> list[list[Array]]:
    """`read_directions` of a file's bytes."""
    with _opened(data) as reader:
        found = [reader.tensors(name) for name in ("xdirection", "ydirection") if name in reader.file]
    if not found:
        raise LandscapeError("it holds no directions.", remedy="Choose a file with the group xdirection.")
    return found


def read_explained(path: str | os.PathLike[str]) -> dict[str, Array]:
    """What a file of principal components says of them: explained_variance_ratio_, singular_values_, explained_variance_."""
    return _read(path, explained_in)


def explained_in(data: bytes) -> dict[str, Array]:
    """`read_explained` of a file's bytes."""
    with _opened(data) as reader:
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


# -- any answer -----------------------------------------------------------------------------------------------------------


def read_answer(path: str | os.PathLike[str]) -> Result:
    """The answer in a file: one of ours, or else a surface or line in the layout of tomgoldstein/loss-landscape.

    Raises StoreError, which speaks of our own layout, where the file is neither.
    """
    try:
        return read_result(path)
    except StoreError as ours:
        try:
            return read_surface(path)
        except LandscapeError:
            raise ours from None


# -- surfaces -------------------------------------------------------------------------------------------------------------


def read_surface(path: str | os.PathLike[str]) -> SurfaceResult | LineResult:
    """A surface, or a line where the file has no ycoordinates. Cells that were not computed (-1) are NaN.

    The reference declares (nx, ny) and fills in the flat order of (ny, nx): read so. Accuracies become fractions. The axes' norms
    and cosine come from the directions' file that it names, where that lies beside it. LandscapeError where it is no such file.
    """
    x, y, raw, directions = _read(path, surface_in)
    axes = _axes(Path(path), directions, 1 if y is None else 2)
    quantities, computed = _quantities(raw)
    common: dict[str, Any] = {
        "x": freeze(x), "quantities": quantities, "computed": freeze(computed, bool), "axes": axes,
        "notes": ("Read from a file in the layout of tomgoldstein/loss-landscape, which says nothing of data or precision.",),
        "provenance": Provenance(
            probe="line" if y is None else "surface", problem={"file": Path(path).name, "directions_file": directions}
        ),
    }  # fmt: skip
    return LineResult(**common) if y is None else SurfaceResult(y=freeze(y), **common)


def surface_in(data: bytes) -> tuple[Array, Array | None, dict[str, tuple[Array, float]], str]:
    """x, y, the arrays with what an uncomputed cell holds, and the directions' file as it is named, from a file's bytes."""
    with _opened(data) as reader:
        file = reader.file
        if "xcoordinates" not in file:
            raise LandscapeError("it holds no surface.", remedy="Choose a file with xcoordinates and train_loss.")
        x = reader.numbers(file, "xcoordinates").ravel()
        y = reader.numbers(file, "ycoordinates").ravel() if "ycoordinates" in file else None
        raw = _measured(reader, x, y)
        directions = reader.text("dir_file")
    if not raw:
        raise LandscapeError("it holds coordinates, but no loss.", remedy="Choose a file with train_loss.")
    return x, y, raw, directions


def write_surface(path: str | os.PathLike[str], result: SurfaceResult | LineResult, *, directions_file: str = "") -> Path:
    """Writes a surface or line in the reference's layout: losses and accuracies (per cent) of every split; -1 where not computed.

    directions_file: name of the file that holds the axes, as the reference's tools expect it beside the surface.
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
            split, _, metric = name.partition("_")
            factor = {"loss": 1.0, "accuracy": 100.0}.get(metric)
            if name in OUR_EIGENVALUES:
                theirs = OUR_EIGENVALUES[name]
                file[theirs] = np.where(computed, np.asarray(quantity.values, np.float64), EIGENVALUES[theirs][1]).reshape(shape)
            if factor is None or split not in ("train", "test"):
                continue
            values = np.where(computed, np.asarray(quantity.values, np.float64) * factor, -1.0)
            file[f"{split}_{'acc' if metric == 'accuracy' else 'loss'}"] = values.ravel().reshape(shape)
    return write(_target(path), buffer.getvalue())


def _measured(reader: _Reader, x: Array, y: Array | None) -> dict[str, tuple[Array, float]]:
    """Arrays by our names, with what an uncomputed cell holds."""
    shape = (len(x),) if y is None else (len(y), len(x))
    names = {f"{split}_{ours}": (f"{split}_{theirs}", -1.0) for split in ("train", "test") for theirs, ours in QUANTITIES.items()}
    names["train_loss"] = ("train_loss" if "train_loss" in reader.file else "loss_vals", -1.0)
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
    norms, cosines = np.full(count, np.nan), np.full((count, count), np.nan)
    name = Path(directions.replace("\\", "/")).name
    beside = path.parent / name
    if name and beside != path and beside.is_file():
        try:
            axes = [_flat(tensors) for tensors in read_directions(beside)[:count]]
        except LandscapeError:
            axes = []
        if len(axes) == count and len({a.size for a in axes}) == 1:
            norms = np.array([float(np.linalg.norm(a)) for a in axes])
            with np.errstate(invalid="ignore", divide="ignore"):
                cosines = np.array([[a @ b for b in axes] for a in axes]) / np.outer(norms, norms)
    return AxesReport(kind="file", labels=labels, norms=freeze(norms), cosines=freeze(cosines))


def _flat(tensors: Sequence[Array]) -> Array:
    floats = [np.ravel(t).astype(np.float64) for t in tensors if np.asarray(t).dtype.kind == "f"]
    return np.concatenate(floats) if floats else np.zeros(0)


# -- reading strangers' files ---------------------------------------------------------------------------------------------


class _Reader:
    """One open file and how much more may be read of it."""

    def __init__(self, file: h5py.File, size: int) -> None:
        self.file = file
        self.left = max(ROOM, SWELL * size)

    def numbers(self, group: Any, name: str) -> Array:
        """A dataset of numbers that lies in the file itself."""
        found = self._member(group, name, h5py.Dataset)
        plan = found.id.get_create_plist()
        layouts = (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT, h5py.h5d.CHUNKED)
        known = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
        filters = {plan.get_filter(k)[0] for k in range(plan.get_nfilters())}
        if plan.get_layout() not in layouts or plan.get_external_count() or filters - known or found.dtype.kind not in "fiub":
            raise LandscapeError(f"{name} is not kept plainly inside the file; such data are not read.")
        self.left -= found.dtype.itemsize * int(np.prod(found.shape, dtype=object))
        if self.left < 0:
            raise LandscapeError("it claims more data than a file of its size holds; it is not read.")
        values = np.asarray(found[()])
        return (
            values.astype(np.int64)
            if values.dtype.kind in "iub"
            else values.astype(np.float64 if values.itemsize > 4 else np.float32)
        )

    def tensors(self, name: str) -> list[Array]:
        """The numbered members of a group, in the order of the numbers."""
        group = self._member(self.file, name, h5py.Group)
        if len(group) > MOST:
            raise LandscapeError(f"{name} has {len(group)} tensors; more than {MOST} are not read.")
        keys = list(group)
        if sorted(keys, key=_number) != [str(k) for k in range(len(keys))]:
            raise LandscapeError(f"the tensors of {name} are not numbered 0, 1, 2, ...")
        return [self.numbers(group, key) for key in sorted(keys, key=int)]

    def text(self, name: str) -> str:
        """A short text, empty where there is none."""
        if name not in self.file:
            return ""
        found = self._member(self.file, name, h5py.Dataset)
        plan = found.id.get_create_plist()
        if (
            found.shape != ()
            or found.dtype.kind not in "SO"
            or h5py.check_string_dtype(found.dtype) is None
            or plan.get_external_count()
        ):
            return ""
        if found.dtype.itemsize > 1 << 16:
            return ""
        return bytes(found[()]).decode("utf-8", "replace")[:4096]

    def _member(self, group: Any, name: str, kind: Any) -> Any:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise LandscapeError(f"{name!r} is a link to somewhere else; such files are not followed.")
        found = group[name]
        if not isinstance(found, kind):
            raise LandscapeError(f"{name!r} is not what its name says.")
        return found


def _number(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isascii() and key.isdigit() and len(key) < 10 else (MOST, key)


def _read(path: str | os.PathLike[str], parse: Callable[[bytes], T]) -> T:
    """What `parse` makes of a file's bytes, tried in a process of its own first; every complaint names the file."""
    data = read_bytes(path)
    check_signature(path, data)
    try:
        try_apart(parse, data)
        return parse(data)
    except LandscapeError as error:
        raise LandscapeError(f"{path}: {error.message}", remedy=error.remedy) from error


@contextmanager
def _opened(data: bytes) -> Iterator[_Reader]:
    """A file's bytes opened for reading; whatever HDF5 says against them becomes a sentence."""
    try:
        with h5py.File(io.BytesIO(data), "r", libver=BOUNDS) as file:
            yield _Reader(file, len(data))
    except LandscapeError:
        raise
    except Exception as why:  # h5py raises nearly every class on broken files
        raise LandscapeError("it cannot be read as HDF5: it is broken.", remedy="Copy it again from where it came from.") from why


def _target(path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    if not target.parent.is_dir():
        raise LandscapeError(f"The folder {target.parent} does not exist.", remedy="Create it, or choose another one.")
    return target
