"""One HDF5 file of a stranger's, read with care: only hard links are followed, only data that lie in the file itself are read, and
no more of them than a file of its size can hold."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import h5py
import numpy as np

from landscape_gui.errors import LandscapeError
from landscape_gui.results import Array
from landscape_gui.store_guard import check_signature, read_bytes, try_apart

T = TypeVar("T")
BOUNDS = ("earliest", "v110")
ROOM = 64 << 20
"""Bytes that any file may hold after decompression; beyond that, `SWELL` times its size."""
SWELL = 20
MOST = 100_000
"""Tensors in a direction."""


class Reader:
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


def read(path: str | os.PathLike[str], parse: Callable[[bytes], T]) -> T:
    """What `parse` makes of a file's bytes, tried in a process of its own first; every complaint names the file."""
    return read_whole(path, parse)[0]


def read_whole(path: str | os.PathLike[str], parse: Callable[[bytes], T]) -> tuple[T, bytes]:
    """As `read`, with the bytes that it was made of."""
    data = read_bytes(path)
    check_signature(path, data)
    try:
        try_apart(parse, data)
        return parse(data), data
    except LandscapeError as error:
        raise LandscapeError(f"{path}: {error.message}", remedy=error.remedy) from error


@contextmanager
def opened(data: bytes) -> Iterator[Reader]:
    """A file's bytes opened for reading; whatever HDF5 says against them becomes a sentence."""
    try:
        with h5py.File(io.BytesIO(data), "r", libver=BOUNDS) as file:
            yield Reader(file, len(data))
    except LandscapeError:
        raise
    except Exception as why:  # h5py raises nearly every class on broken files
        raise LandscapeError("it cannot be read as HDF5: it is broken.", remedy="Copy it again from where it came from.") from why


def names_in(data: bytes) -> list[str]:
    """What stands at the root of a file: names of its members, the first thousand, and "format" where it says one."""
    with opened(data) as reader:
        names = [name for name, _ in zip(reader.file, range(1000), strict=False)]
        return [*names, *(["format"] if "format" in reader.file.attrs else [])]
