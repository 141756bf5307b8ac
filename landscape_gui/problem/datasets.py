"""Data files by card or flag: .npz, MNIST's idx files, folders and zips of images by class, saved tensors."""

from __future__ import annotations

import gzip
import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.errors import CheckpointError, ProblemError
from landscape_gui.problem.dataset import Data, gather
from landscape_gui.problem.images import read_images
from landscape_gui.problem.settings import data_limit

Arrays = dict[str, tuple[Tensor, Tensor]]

NORMALISATIONS: Mapping[str, tuple[Sequence[float], Sequence[float]]] = {
    "mnist": ((0.1307,), (0.3081,)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5,), (0.5,)),
}
SPLIT_ENDS = {"train": "train", "test": "test", "val": "val", "valid": "val", "t10k": "test"}
INPUTS, TARGETS = ("x", "inputs", "images", "data"), ("y", "targets", "labels", "target")
IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
IDX_NAME = re.compile(r"(train|t10k|test|val)[-_.](images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?")


def load_data(path: Path, *, normalise: Any = None, size: Any = None) -> Data:
    """The splits in a file or folder, as float32 inputs and int64 targets (float32 for regression).

    Images (uint8) are divided by 255 first. normalise: {"mean": [...], "std": [...]} by channel, "standard" (mean and standard
    deviation of the first split), "mnist", "cifar10", "cifar100", "imagenet", "half", or None. size: side or [height, width] that
    images are scaled to. Raises ProblemError: which path, which array, what was expected.
    """
    if not path.exists():
        raise ProblemError(f"The data {path} are not there.", remedy="Give their path in the card (data.file) or with --data.")
    notes: list[str] = []
    arrays, about = _read(path, _size(size), data_limit())
    ready = {name: (_floating(x), _target(y)) for name, (x, y) in arrays.items()}
    if any(x.dtype == torch.uint8 for x, _ in arrays.values()):
        notes.append("Pixels were divided by 255.")
    mean_std = _statistics(normalise, next(iter(ready.values()))[0])
    if mean_std is not None:
        mean, std = mean_std
        ready = {name: (x.sub(mean).div_(std), y) for name, (x, y) in ready.items()}
        about = {**about, "normalisation": {"mean": mean.flatten().tolist(), "std": std.flatten().tolist()}}
    data = gather(ready, whole_batches=False, limit=data_limit(), about={"path": str(path), **about})
    return Data(data.splits, data.digest, data.about, (*notes, *data.notes))


def _read(path: Path, size: tuple[int, int] | None, limit: int) -> tuple[Arrays, dict[str, Any]]:
    suffix = path.suffix.lower()
    try:
        if path.is_dir():
            if any(IDX_NAME.fullmatch(p.name) for p in path.iterdir()):
                return _read_idx(path), {"kind": "idx"}
        elif suffix == ".npz":
            return _read_npz(path, limit), {"kind": "npz"}
        elif suffix in (".pt", ".pth", ".safetensors"):
            return _paired(path, dict(read_checkpoint(path).tensors)), {"kind": "tensors"}
        elif IDX_NAME.fullmatch(path.name):
            return _read_idx(path.parent), {"kind": "idx"}
        elif suffix != ".zip":
            raise ProblemError(
                f"{path} is no data that is read.",
                remedy="Give .npz, MNIST's idx files, a folder or zip of images by class, .pt or .safetensors.",
            )
        splits, classes = read_images(path, size=size, limit=limit)
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise ProblemError(f"The data {path} cannot be read: {error}.") from error
    except CheckpointError as error:
        raise ProblemError(f"The data {path} cannot be read: {error.message}", remedy=error.remedy) from error
    return splits, {"kind": "images", "classes": list(classes[:1000])}


def _read_npz(path: Path, limit: int) -> Arrays:
    with zipfile.ZipFile(path) as archive:
        total = sum(item.file_size for item in archive.infolist())
    if total > limit:
        raise ProblemError(
            f"{path} unpacks to {total / 2**30:.1f} GiB; {limit / 2**30:.1f} GiB are allowed.",
            remedy="Use a DataLoader in a landscape.py.",
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        tensors = {name: torch.from_numpy(array.astype(array.dtype.newbyteorder("="))) for name, array in arrays.items()}
    except (ValueError, TypeError) as error:
        raise ProblemError(f"{path} holds an array that is no array of numbers: {error}.") from error
    return _paired(path, tensors)


def _paired(path: Path, tensors: Mapping[str, Tensor]) -> Arrays:
    """Tensors x_train and y_train (inputs_, images_, labels_, ...) as a split train; x and y alone as one called data."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        words = [word for word in re.split(r"[_.\-/ ]", name.lower()) if word]
        split = next((SPLIT_ENDS[word] for word in words if word in SPLIT_ENDS), "data")
        kind = "x" if any(word in INPUTS for word in words) else "y" if any(word in TARGETS for word in words) else ""
        if kind:
            found.setdefault(split, {})[kind] = tensor
    pairs = {split: (parts["x"], parts["y"]) for split, parts in found.items() if len(parts) == 2}
    if not pairs:
        listed = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in list(tensors.items())[:8])
        raise ProblemError(
            f"{path} holds {listed or 'nothing'}.", remedy="x_train and y_train, x_test and y_test, or x and y were expected."
        )
    return pairs


def _read_idx(folder: Path) -> Arrays:
    found: dict[str, dict[str, Tensor]] = {}
    for file in sorted(folder.iterdir()):
        if (m := IDX_NAME.fullmatch(file.name)) is not None:
            found.setdefault(SPLIT_ENDS[m[1]], {})[m[2]] = read_idx(file)
    pairs = {}
    for split in sorted(found, key=lambda name: name != "train"):
        parts = found[split]
        for kind in ("images", "labels"):
            if kind not in parts:
                raise ProblemError(
                    f"{folder} has no {kind} of the split {split}.", remedy="The idx files of images and of labels belong together."
                )
        images = parts["images"]
        pairs[split] = (images[:, None] if images.ndim == 3 else images, parts["labels"])
    return pairs


def read_idx(path: Path) -> Tensor:
    """The array in an idx file, gzipped or not (LeCun's format). Raises ProblemError where header and length disagree."""
    opener = gzip.open if path.suffix == ".gz" else open
    limit = data_limit()
    with opener(path, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ProblemError(f"{path} unpacks to more than {limit / 2**30:.1f} GiB.")
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise ProblemError(f"{path} is no idx file: it begins with {content[:4].hex(' ')}.")
    dimensions, dtype = content[3], np.dtype(IDX_TYPES[content[2]])
    shape = struct.unpack_from(f">{dimensions}I", content, 4) if len(content) >= 4 + 4 * dimensions else ()
    expected = 4 + 4 * dimensions + int(np.prod(shape, dtype=object)) * dtype.itemsize
    if len(shape) != dimensions or len(content) != expected:
        raise ProblemError(f"{path} has {len(content):,} bytes; {expected:,} were expected for an array of {shape}.")
    array = np.frombuffer(content, dtype, offset=4 + 4 * dimensions).reshape(shape)
    return torch.from_numpy(array.astype(dtype.newbyteorder("=")))


def _floating(x: Tensor) -> Tensor:
    if x.dtype == torch.uint8:
        return x.float().div_(255)
    return x.float() if x.is_floating_point() or x.dtype == torch.bool else x.long()


def _target(y: Tensor) -> Tensor:
    if y.is_floating_point():
        return y.float()
    return y.long().flatten() if y.ndim == 2 and y.shape[1] == 1 else y.long()


def _size(size: Any) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = tuple(size) if isinstance(size, (list, tuple)) else (size, size)
    if len(sides) != 2 or not all(isinstance(s, int) and 0 < s <= 4096 for s in sides):
        raise ProblemError(f"The size of images is {size!r}.", remedy="Give one side, or [height, width], in pixels.")
    return sides


def _statistics(normalise: Any, x: Tensor) -> tuple[Tensor, Tensor] | None:
    """Mean and standard deviation shaped to subtract from inputs (n, channels, ...)."""
    if normalise in (None, "", "none") or not x.is_floating_point():
        return None
    if normalise == "standard":
        mean, std = [x.mean(dtype=torch.float64).item()], [x.double().std().item()]
    elif isinstance(normalise, str) and normalise in NORMALISATIONS:
        mean, std = map(list, NORMALISATIONS[normalise])
    elif isinstance(normalise, Mapping) and set(normalise) <= {"mean", "std"}:
        mean, std = _numbers(normalise.get("mean", 0.0)), _numbers(normalise.get("std", 1.0))
    else:
        raise ProblemError(
            f"The normalisation is {normalise!r}.",
            remedy=f'Give {{"mean": [...], "std": [...]}}, standard, none, or one of {", ".join(NORMALISATIONS)}.',
        )
    channels = x.shape[1] if x.ndim > 2 else 1
    for word, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, channels) or not all(np.isfinite(values)) or (word == "std" and min(values) <= 0):
            kind = "positive numbers" if word == "std" else "numbers"
            raise ProblemError(f"The normalisation's {word} is {values}; 1 or {channels} {kind} were expected.")
    shape = (1, -1, *[1] * (x.ndim - 2)) if x.ndim > 2 else (1, -1)
    return torch.tensor(mean).view(shape), torch.tensor(std).view(shape)


def _numbers(value: Any) -> list[float]:
    values = value if isinstance(value, (list, tuple)) else [value]
    if not values or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        raise ProblemError(f"The normalisation has {value!r} where numbers were expected.")
    return [float(v) for v in values]
