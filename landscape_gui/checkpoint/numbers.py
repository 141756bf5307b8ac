"""The plain arrays of numbers in a .npz, as NumPy arrays: nothing is unpickled, and no more is read than the file holds."""

from __future__ import annotations

import os
from collections.abc import Collection
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_gui.checkpoint.arrays import is_arrays, parse_header
from landscape_gui.checkpoint.budget import bounded
from landscape_gui.checkpoint.limits import DAMAGED, Broken, shown
from landscape_gui.checkpoint.source import Source
from landscape_gui.checkpoint.zipped import Zip

MOST = 256 << 20
"""Bytes of one array."""
_HEADER_BYTES = 1 << 13
_MOST_AXES = 32
_KINDS = {"f2", "f4", "f8", "b1", *(f"{sign}{width}" for sign in "iu" for width in (1, 2, 4, 8))}


def array_names(path: str | os.PathLike[str]) -> frozenset[str]:
    """The names in a .npz; empty for any other archive. Reads the archive's directory alone. Raises Broken, OSError."""
    with Source(Path(path)) as source, bounded():
        members = list(Zip(source.file(), source.size()).members)
    return frozenset(name.removesuffix(".npy") for name in members) if is_arrays(members) else frozenset()


def read_numbers(path: str | os.PathLike[str], names: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """The arrays of these names that a .npz holds (none named: all), in their own shapes and dtypes, native byte order.

    Raises Broken, which completes "FILE cannot be read: ": damaged, too large, an array of objects (which NumPy would unpickle, and
    which could run code), of text or of complex numbers.
    """
    with Source(Path(path)) as source, bounded():
        archive = Zip(source.file(), source.size())
        members = {name.removesuffix(".npy"): name for name in archive.members}
        chosen = {name: members[name] for name in (names or members) if name in members}
        archive.spans({name: name for name in chosen.values()})
        return {name: _array(archive, member, name) for name, member in chosen.items()}


def _array(archive: Zip, member: str, name: str) -> NDArray[Any]:
    descr, fortran, shape, start = parse_header(archive.head(member, _HEADER_BYTES), name)
    if descr == "|O":
        raise Broken(f"its array {shown(name)} holds pickled objects, which are not read", "Save plain arrays of one shape.")
    if descr[:1] not in "<>|=" or descr[1:] not in _KINDS:
        raise Broken(f"its array {shown(name)} is of the type {shown(descr)}, which is not read", "Save it as float64.")
    dtype, count = np.dtype(descr), prod(shape)
    if not count or len(shape) > _MOST_AXES:
        raise Broken(f"its array {shown(name)} has the shape {shown(shape)}, which holds nothing", DAMAGED)
    if count * dtype.itemsize > MOST:
        raise Broken(f"its array {shown(name)} claims {count * dtype.itemsize:,} bytes; {MOST:,} is the most that is read", DAMAGED)
    raw = archive.content(member, start + MOST)
    if len(raw) - start != count * dtype.itemsize:
        raise Broken(f"its array {shown(name)} has another size than it says", DAMAGED)
    values = np.frombuffer(raw, dtype, count, start).reshape(shape, order="F" if fortran else "C")
    return values.astype(dtype.newbyteorder("="))
