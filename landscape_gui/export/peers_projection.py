"""The trajectory of tomgoldstein/loss-landscape: a file of projected coordinates, laid onto the surface that it belongs to."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from landscape_gui.errors import LandscapeError
from landscape_gui.export import write
from landscape_gui.export.peers import read_surface
from landscape_gui.export.peers_hdf5 import BOUNDS, opened, read_whole
from landscape_gui.export.peers_origin import origin_of
from landscape_gui.results import Array, Quantity, SurfaceResult, TrajectoryResult, freeze

FORMAT = "tomgoldstein/loss-landscape projection (HDF5)"
METHODS = ("cos", "lstsq")
MOST = 20_000
"""Checkpoints of a run."""
UNSAID = ("Distance off the plane", "Loss along the run", "Epochs")
NOTE = (
    "The trajectory's coordinates are those of its file; the reference divides each inner product by the axis's norm by default, "
    "which is a least-squares fit only where the axes are orthogonal and of unit norm."
)


def read_trajectory(surface: str | os.PathLike[str], projection: str | os.PathLike[str]) -> TrajectoryResult:
    """A surface's file and the projection file of a run, as one answer: the run's checkpoints in the plane.

    What neither file holds is NaN: the true loss at each checkpoint and its distance off the plane. The plane's own value beneath
    each is interpolated between grid points. LandscapeError where one of the two is not what it should be.
    """
    (x, y), data = read_whole(projection, projection_in)
    beneath = read_surface(surface)
    if not isinstance(beneath, SurfaceResult):
        raise LandscapeError(f"{surface} holds a line; a trajectory lies in a plane.", remedy="Choose a surface with ycoordinates.")
    return laid(
        beneath, x, y, os.path.basename(os.fspath(projection)), origin_of(projection, data, format=FORMAT, unsaid=()).digest
    )


def laid(surface: SurfaceResult, x: Array, y: Array, name: str, digest: str) -> TrajectoryResult:
    """A trajectory of unknown losses on a surface. name, digest: of the projection's file."""
    count = len(x)
    unknown = freeze(np.full(count, np.nan))
    losses = {key: q for key, q in surface.quantities.items() if not key.endswith("_eig")}
    told = dict(surface.provenance.problem)
    source = dict(told.get("read_from", {}))
    source["unsaid"] = [*source.get("unsaid", ()), *UNSAID]
    told |= {"projection": {"file": name, "digest": digest}, "read_from": source}
    return TrajectoryResult(
        names=tuple(f"checkpoint {k + 1} of {count}" for k in range(count)),
        order=freeze(np.arange(1, count + 1)),
        x=freeze(x),
        y=freeze(y),
        off_plane=unknown,
        distance=unknown,
        quantities={key: replace(q, values=unknown, axes=("checkpoint",)) for key, q in losses.items()},
        plane_quantities={key: beneath(surface, q, x, y) for key, q in losses.items()},
        surface=surface,
        notes=(NOTE,),
        provenance=replace(surface.provenance, probe="trajectory", problem=told),
    )


def beneath(surface: SurfaceResult, quantity: Quantity, x: Array, y: Array) -> Quantity:
    """A surface's quantity at places (k,), bilinear between grid points; NaN outside of the grid."""
    inside = (x >= surface.x[0]) & (x <= surface.x[-1]) & (y >= surface.y[0]) & (y <= surface.y[-1])
    (i, s), (j, t) = share(surface.x, x), share(surface.y, y)
    z = quantity.values
    with np.errstate(invalid="ignore"):
        low = z[j, i] * (1 - s) + z[j, i + 1] * s
        high = z[j + 1, i] * (1 - s) + z[j + 1, i + 1] * s
        values = np.where(inside, low * (1 - t) + high * t, np.nan)
    return replace(quantity, values=freeze(values), axes=("checkpoint",), label=f"{quantity.label}, interpolated")


def share(grid: Array, places: Array) -> tuple[Array, Array]:
    """The cell that each place lies in, and how far along it: 0 at its lower end, 1 at its upper."""
    cell = np.clip(np.searchsorted(grid, places, side="right") - 1, 0, len(grid) - 2)
    return cell, (places - grid[cell]) / (grid[cell + 1] - grid[cell])


def projection_in(data: bytes) -> tuple[Array, Array]:
    """x and y (k,) of a file's bytes."""
    with opened(data) as reader:
        if "proj_xcoord" not in reader.file or "proj_ycoord" not in reader.file:
            raise LandscapeError("it holds no projected trajectory.", remedy="Choose a file with proj_xcoord and proj_ycoord.")
        x, y = (reader.numbers(reader.file, name).ravel().astype(np.float64) for name in ("proj_xcoord", "proj_ycoord"))
    if len(x) != len(y) or not 1 <= len(x) <= MOST:
        raise LandscapeError(f"it has {len(x):,} x and {len(y):,} y coordinates; as many of each are needed, at least one.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise LandscapeError("a coordinate of its trajectory is not finite.", remedy="Project the run again.")
    return x, y


def find_projection(surface: str | os.PathLike[str], directions: str) -> Path | None:
    """The projection file beside a surface, by the names that the reference gives: that of the directions' file, or of the
    surface's, and `_proj_cos.h5` or `_proj_lstsq.h5` behind it. None where there is none."""
    place = Path(surface)
    stems = dict.fromkeys((Path(directions.replace("\\", "/")).name, place.name, place.stem))
    names = [f"{stem}_proj_{method}.h5" for stem in stems if stem for method in METHODS]
    return next((place.parent / name for name in names if (place.parent / name).is_file()), None)


def write_projection(path: str | os.PathLike[str], result: TrajectoryResult) -> Path:
    """Writes a run's coordinates in the plane as the reference's projection file, in units of the surface's coordinates."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=BOUNDS) as file:
        file["proj_xcoord"] = np.asarray(result.x, np.float64)
        file["proj_ycoord"] = np.asarray(result.y, np.float64)
    target = Path(path)
    if not target.parent.is_dir():
        raise LandscapeError(f"The folder {target.parent} does not exist.", remedy="Create it, or choose another one.")
    return write(target, buffer.getvalue())
