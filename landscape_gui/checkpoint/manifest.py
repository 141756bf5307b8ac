"""What stands in a checkpoint, without the tensors' data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Scalar = str | int | float | bool

# Bytes per element of each dtype by the name that torch gives it; "quantised" are refused with a sentence of their own.
ITEM_BYTES: dict[str, int] = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "complex32": 4,
    "complex64": 8,
    "complex128": 16,
    "float8_e4m3fn": 1,
    "float8_e4m3fnuz": 1,
    "float8_e5m2": 1,
    "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1,
    "qint8": 1,
    "quint8": 1,
    "qint32": 4,
    "quint4x2": 1,
    "quint2x4": 1,
}
QUANTISED = frozenset({"qint8", "quint8", "qint32", "quint4x2", "quint2x4"})


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of the chosen group: its name after stripping, torch's name of its dtype, its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """What a file holds, read from its header alone: no tensor's data was touched.

    path: the file, or the folder whose files make one checkpoint; format: "torch zip", "safetensors", "exported program" and the
    like (docs/files.md lists them); metadata: what the file says of itself (names
    may be dotted; strings are cut to 200 characters and may hold anything, HTML and line ends included); groups: the state
    dictionaries that one can choose by name, the chosen one first; notes: what was left out, stripped or chosen, in sentences.
    """

    path: Path
    format: str
    tensors: tuple[TensorInfo, ...]
    metadata: Mapping[str, Scalar]
    epoch: float | None
    step: int | None
    groups: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """How many numbers the tensors hold, buffers included."""
        total = 0
        for tensor in self.tensors:
            count = 1
            for size in tensor.shape:
                count *= size
            total += count
        return total


@dataclass(frozen=True, slots=True)
class Piece:
    """A block of a tensor that was saved by itself: the `size` bytes from `start` of a file are a torch.save or safetensors file.

    offsets: where the block stands in the whole tensor; shape: its own; file: as in `Span`; name: which of the tensors there it
    is ("": there is one).
    """

    offsets: tuple[int, ...]
    shape: tuple[int, ...]
    file: str
    start: int
    size: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """One tensor as a view of a storage: sizes, strides and offset count elements; storage is the key of a `Span`.

    pieces: the blocks that it is put together from instead, each a file by itself; storage is then "" and there is no Span.
    """

    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    storage: str
    storage_bytes: int
    conjugate: bool = False
    negative: bool = False
    pieces: tuple[Piece, ...] = ()

    @property
    def count(self) -> int:
        """Number of elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def size(self) -> int:
        """Bytes of the elements, each counted once even where strides repeat it."""
        return self.count * ITEM_BYTES[self.dtype]

    @property
    def reach(self) -> int:
        """Bytes from the storage's start to just behind the last element."""
        if self.count == 0:
            return self.offset * ITEM_BYTES[self.dtype]
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        return (last + 1) * ITEM_BYTES[self.dtype]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a storage lies: `size` bytes from `start` of the file.

    packed: bytes of the deflated member that holds it (0: stored as it is); data: for a storage that came with the structure,
    what `start` counts in instead of the file (text stands for its Latin-1 bytes); file: the name of a file in the checkpoint's
    folder ("": the one that was opened).
    """

    start: int
    size: int
    packed: int = 0
    data: bytes | str | None = None
    file: str = ""


@dataclass(frozen=True)
class Archive:
    """A container opened: the pickled value (or a dictionary of Layouts), and where the storages lie.

    spans is asked by key and raises Broken for a storage that is not in the file; metadata is what the container itself says.
    """

    format: str
    root: Any
    spans: Mapping[str, Span]
    big_endian: bool = False
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
