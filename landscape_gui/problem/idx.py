"""MNIST's idx files (LeCun's format), gzipped or not."""

from __future__ import annotations

import gzip
import re
import struct
from pathlib import Path
from typing import IO, cast

import numpy as np
import torch
from torch import Tensor

from landscape_gui.errors import ProblemError
from landscape_gui.problem.raw import Raw, in_order, read_up_to, split_of
from landscape_gui.problem.settings import data_limit

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
NAME = re.compile(r"(?:.*[-_])?(train|t10k|test|val)[-_.](images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?")


def is_idx(path: Path) -> bool:
    """Whether a file is called as MNIST's are, or a folder holds such a file."""
    if path.is_dir():
        return any(NAME.fullmatch(p.name) for p in path.iterdir())
    return NAME.fullmatch(path.name) is not None


def read_idx_files(path: Path) -> Raw:
    """All splits in the folder (or in that of the file). Raises ProblemError where images or labels are missing."""
    folder = path if path.is_dir() else path.parent
    found: dict[str, dict[str, Tensor]] = {}
    for file in sorted(folder.iterdir()):
        if (m := NAME.fullmatch(file.name)) is not None:
            found.setdefault(split_of(m[1]), {})[m[2]] = read_idx(file)
    pairs = {}
    for split in in_order(found):
        parts = found[split]
        for kind in ("images", "labels"):
            if kind not in parts:
                raise ProblemError(
                    f"{folder} has no {kind} of the split {split}.", remedy="The idx files of images and of labels belong together."
                )
        images = parts["images"]
        pairs[split] = (images[:, None] if images.ndim == 3 else images, parts["labels"])
    return Raw(pairs, {"kind": "idx"})


def read_idx(path: Path) -> Tensor:
    """The array in an idx file, gzipped or not. Raises ProblemError where header and length disagree."""
    opener = gzip.open if path.suffix == ".gz" else open
    limit = data_limit()
    if not path.is_file():
        raise ProblemError(f"{path} is not a plain file.")
    with opener(path, "rb") as file:
        content = read_up_to(cast(IO[bytes], file), limit + 1)
    if len(content) > limit:
        raise ProblemError(f"{path} unpacks to more than {limit / 2**30:.1f} GiB.")
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise ProblemError(f"{path} is no idx file: it begins with {content[:4].hex(' ')}.")
    dimensions, dtype = content[3], np.dtype(TYPES[content[2]])
    shape = struct.unpack_from(f">{dimensions}I", content, 4) if len(content) >= 4 + 4 * dimensions else ()
    expected = 4 + 4 * dimensions + int(np.prod(shape, dtype=object)) * dtype.itemsize
    if len(shape) != dimensions or len(content) != expected:
        raise ProblemError(f"{path} has {len(content):,} bytes; {expected:,} were expected for an array of {shape}.")
    array = np.frombuffer(content, dtype, offset=4 + 4 * dimensions).reshape(shape)
    return torch.from_numpy(array.astype(dtype.newbyteorder("=")))
