"""The numbers of an answer as digests, with some of the values: enough to tell another computation's answer from it. NumPy only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash

from landscape_gui.results import Array, Number, Provenance

SAMPLES = 2048
"""Values that are written out for a whole answer; from them the size of a difference is told where the digests differ."""
COSTS = ("products",)
"""What an answer took, which depends on what was known beforehand."""
MOST, LEAST = 64, 4
"""Values that are written out of one array."""


@dataclass(frozen=True, kw_only=True)
class ArrayDigest:
    """shape, dtype; xxh3: of both and the bytes, 32 hexadecimal digits; sample: values evenly spaced over the array, real ones."""

    shape: tuple[int, ...]
    dtype: str
    xxh3: str
    sample: tuple[float, ...] = ()


def digests(result: Any) -> dict[str, ArrayDigest]:
    """Every array of an answer by its place in it ("quantities.train_loss.values"); what the provenance says is none of them."""
    found = {name: array for name, array in arrays_of(result) if name.rpartition(".")[2] not in COSTS}
    room = max(LEAST, min(MOST, SAMPLES // max(len(found), 1)))
    return {name: digest_of(array, room) for name, array in found.items()}


def digest_of(array: Array, room: int) -> ArrayDigest:
    plain = np.asarray(array, order="C")
    plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    head = f"{plain.dtype.str}{plain.shape}".encode()
    digest = xxhash.xxh3_128()
    digest.update(head)
    digest.update(plain.tobytes())
    return ArrayDigest(
        shape=tuple(plain.shape), dtype=plain.dtype.str, xxh3=digest.hexdigest(), sample=tuple(sample(plain, room).tolist())
    )


def sample(array: Array, room: int) -> Array:
    """At most `room` values (float64) at places that depend on the size alone; none of what is complex."""
    flat = array.reshape(-1)
    if not flat.size or flat.dtype.kind not in "fiub":
        return np.zeros(0)
    return flat[places(flat.size, room)].astype(np.float64)


def places(size: int, room: int) -> Array:
    return np.unique(np.linspace(0, size - 1, min(size, room)).round().astype(np.int64))


def arrays_of(value: Any, name: str = "") -> Iterator[tuple[str, Array]]:
    """Arrays, and numbers as arrays, below a value; a mapping of numbers is one array in the order of its names."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "fiubc":
            yield name, value
    elif isinstance(value, Provenance | str | bytes) or value is None:
        return
    elif isinstance(value, Number):
        yield name, np.array([value.value, value.error])
    elif isinstance(value, bool | int | float):
        yield name, np.array(float(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for f in dataclasses.fields(value):
            yield from arrays_of(getattr(value, f.name), f"{name}.{f.name}".lstrip("."))
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from arrays_of(value[key], f"{name}.{key}")
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from arrays_of(item, f"{name}.{number}")


def largest_difference(known: ArrayDigest, array: Array) -> float:
    """The largest difference between the values that were written out and the same places of another array, relative to the
    largest of them; inf where only one of them is finite or the shapes differ; NaN where nothing was written out."""
    if tuple(array.shape) != known.shape:
        return math.inf
    there, here = np.array(known.sample), sample(np.asarray(array), max(len(known.sample), 1))
    if not there.size or there.shape != here.shape:
        return math.nan
    same = (there == here) | (np.isnan(there) & np.isnan(here))
    if same.all():
        return 0.0
    if not (np.isfinite(there[~same]) & np.isfinite(here[~same])).all():
        return math.inf
    scale = float(np.abs(there[np.isfinite(there)]).max())
    return float(np.abs(there - here)[~same].max()) / (scale or 1.0)
