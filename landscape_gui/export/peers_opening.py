"""Any answer from any file: one of ours, or a result of another program."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.numbers import array_names
from landscape_gui.errors import LandscapeError, StoreError, SurfaceNeeded
from landscape_gui.export.peers import read_surface
from landscape_gui.export.peers_hdf5 import names_in, read
from landscape_gui.export.peers_json import read_json
from landscape_gui.export.peers_kinds import HEAD, kind_of
from landscape_gui.export.peers_npz import read_npz
from landscape_gui.export.peers_projection import find_projection, read_trajectory
from landscape_gui.results import Result, SurfaceResult
from landscape_gui.store import MAGIC, read_result
from landscape_gui.store_guard import CHECKPOINTS, check_signature, read_bytes

Name = str | os.PathLike[str]


def read_answer(path: Name, *, projection: Name | None = None) -> Result:
    """The answer in a file, by its content: one of ours; a surface, a plane, a curve, a line or metrics of another program
    (docs/peers.md lists them). What such a file does not say is unknown in the answer.

    projection: a file of tomgoldstein/loss-landscape that holds a run's coordinates in the plane of this surface. Without it one
    that lies beside the surface under the reference's name is taken. Raises LandscapeError that says what the file is instead;
    SurfaceNeeded where it is a projection and nothing else.
    """
    if projection is not None:
        return read_trajectory(path, projection)
    kind = kind_of(path)
    if kind == "hdf5":
        return read_hdf5(path)
    if kind == "json":
        return read_json(path)
    if kind:
        return read_npz(path)
    raise not_known(path)


def read_hdf5(path: Name) -> Result:
    """An answer of ours, or a surface of the reference with the trajectory that lies beside it."""
    if is_ours(path):
        return read_result(path)
    try:
        surface = read_surface(path)
    except LandscapeError as error:
        return no_surface(path, error)
    named = str(surface.provenance.problem.get("directions_file", ""))
    if not isinstance(surface, SurfaceResult):
        return surface
    beside = find_projection(path, named)
    return surface if beside is None else with_trajectory(path, beside, surface)


def no_surface(path: Name, error: LandscapeError) -> Result:
    """An answer of ours that another program saved again; else what the file is instead of a surface is raised."""
    try:
        names = read(path, names_in)
    except LandscapeError as broken:
        raise StoreError(broken.message, remedy=broken.remedy) from broken
    if "xcoordinates" in names:
        raise error
    if "proj_xcoord" in names:
        raise SurfaceNeeded(os.fspath(path))
    return read_result(path)


def with_trajectory(path: Name, projection: Path, surface: SurfaceResult) -> Result:
    """The surface with the run beside it; without, and with a note that says why, where that file is none after all."""
    try:
        return read_trajectory(path, projection)
    except LandscapeError as error:
        why = error.message.removeprefix(f"{projection}: ").rstrip(".")
        return replace(surface, notes=(*surface.notes, f"The run in {projection.name} beside it could not be read: {why}."))


def is_ours(path: Name) -> bool:
    try:
        if not os.path.getsize(path):  # one of the kernel's has no size, and may never answer
            return False
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def not_known(path: Name) -> LandscapeError:
    """What is said of a file that holds no answer."""
    try:
        data = head_of(path)
    except LandscapeError as error:
        return StoreError(error.message, remedy=error.remedy)
    name = os.fspath(path)
    try:
        if data.startswith(b"PK\x03\x04") and not name.lower().endswith(CHECKPOINTS):
            array_names(path)
    except Broken as error:
        return StoreError(f"{path} cannot be read: {error.reason}.", remedy=error.remedy)
    if name.lower().endswith((".npz", ".json")):
        what = "an archive of arrays" if data.startswith(b"PK") else "a file"
        known = "a plane or curve of dnn-mode-connectivity, a landscape of Landscaper, or a list of metrics or of a line in JSON"
        return StoreError(f"{path} is {what} that holds no answer.", remedy=f"What is read besides HDF5 is {known}.")
    try:
        check_signature(path, data)
    except LandscapeError as error:
        return StoreError(error.message, remedy=error.remedy)
    return StoreError(f"{path} holds no answer.")


def head_of(path: Name) -> bytes:
    """The first bytes of a file; LandscapeError where it is none or cannot be read."""
    if not os.path.isfile(path) or not os.path.getsize(path):
        return read_bytes(path)  # which says what it is
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise LandscapeError(f"{path} cannot be read: {error.strerror or error}.") from error
