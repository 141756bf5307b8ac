"""Arrays by name in .npz, .npy, .pt and .safetensors files: which is the input and which the target."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import torch
from torch import Tensor

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.errors import ProblemError
from landscape_gui.problem.raw import Raw, Reading, check_size, in_order, split_of
from landscape_gui.problem.texts import blocks_of

INPUTS = frozenset({"x", "input", "inputs", "image", "images", "data", "features"})
TARGETS = frozenset({"y", "target", "targets", "label", "labels"})
NUMBERS = "biuf"
SMALLEST_PICTURE = 8
"""Sides from which three or one channels that stand last are taken for colours."""


def read_npz(path: Path, reading: Reading) -> Raw:
    """Every array of numbers in the archive, paired by name or order."""
    with zipfile.ZipFile(path) as archive:
        members = [item for item in archive.infolist() if item.filename.endswith(".npy")]
        check_size(path, sum(item.file_size for item in members), reading.limit, "unpacked")
        tensors = {}
        for item in members:
            with archive.open(item) as stream:
                tensors[item.filename.removesuffix(".npy")] = _read_array(
                    cast(BinaryIO, stream), item.file_size, f"{path}: {item.filename}"
                )
    return paired(path, tensors, "npz")


def read_npy(path: Path, reading: Reading) -> Raw:
    """One array: token ids, or rows whose last column is the target; or x.npy with the y.npy that lies beside it."""
    beside = {p.stem: p for p in sorted(path.parent.glob("*.npy"))}
    if _role(path.stem) and len(beside) > 1:
        return read_npy_folder(path.parent, reading)
    tensor = _npy(path, reading.limit)
    if not tensor.is_floating_point() and tensor.ndim in (1, 2) and tensor.dtype != torch.bool:
        return tokens(path, tensor, reading)
    if tensor.ndim == 2 and tensor.shape[1] > 1:
        note = f"The last of {tensor.shape[1]} columns was taken as the target, as it stands alone in {path.name}."
        return Raw({"data": (tensor[:, :-1], tensor[:, -1:])}, {"kind": "npy"}, (note,))
    raise ProblemError(
        f"{path} holds one array of shape {tuple(tensor.shape)}, which is no inputs and targets.",
        remedy="Save x.npy and y.npy side by side, or both in one .npz.",
    )


def read_npy_folder(folder: Path, reading: Reading) -> Raw:
    """x_train.npy, y_train.npy and so on in one folder; token ids in train.npy and val.npy."""
    files = {p.stem: p for p in sorted(folder.glob("*.npy"))}
    roles = {stem: p for stem, p in files.items() if _role(stem)}
    check_size(folder, sum(p.stat().st_size for p in files.values()), reading.limit)
    if roles:
        return paired(folder, {stem: _npy(p, reading.limit) for stem, p in roles.items()}, "npy")
    parts = {split_of(stem, stem): read_npy(p, reading) for stem, p in files.items()}
    names = in_order(parts)
    first = parts[names[0]]
    return Raw(
        {name: pair for key in names for name, pair in ((key, next(iter(parts[key].splits.values()))),)}, first.about, first.notes
    )


def read_tensors(path: Path, reading: Reading) -> Raw:
    """The tensors of a .pt or .safetensors file, read inertly."""
    check_size(path, path.stat().st_size, reading.limit)
    stored = read_checkpoint(path).tensors
    if len(stored) == 1:
        ((_, only),) = stored.items()
        if not only.is_floating_point() and only.ndim in (1, 2):
            return tokens(path, only, reading)
    return paired(path, dict(stored), "tensors")


def tokens(path: Path, ids: Tensor, reading: Reading) -> Raw:
    """Token ids in a row, or one example a row, with the next token of each as its target."""
    if ids.ndim == 2:
        rows = ids.long()
        note = f"Each row of {path.name} was taken as {rows.shape[1]} token ids; the target is the next one."
        return Raw({"data": (rows[:, :-1], rows[:, 1:])}, {"kind": "tokens", "block": rows.shape[1] - 1}, (note,))
    block, pair, notes = blocks_of(path, ids, reading)
    return Raw({"data": pair}, {"kind": "tokens", "block": block}, notes)


def paired(path: Path, tensors: Mapping[str, Tensor], kind: str) -> Raw:
    """Tensors x_train and y_train (inputs_, images_, labels_, ...) as a split train; x and y alone, or the first two, as one
    called data. Colours that stand last go before height and width."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if role := _role(name):
            found.setdefault(split_of(name), {})[role] = tensor
    pairs = {split: (parts["x"], parts["y"]) for split, parts in found.items() if len(parts) == 2}
    notes: list[str] = []
    if not pairs:
        pairs, notes = _pairs_in_order(path, tensors)
    ready = {}
    for split in in_order(pairs):
        x, y = pairs[split]
        turned = _channels_first(x)
        if turned is not x and notes[-1:] != [COLOURS] and x.ndim == 4:
            notes.append(COLOURS)
        ready[split] = (turned, y)
    return Raw(ready, {"kind": kind}, tuple(notes))


COLOURS = "Channels stood last and were put before height and width."


def _pairs_in_order(path: Path, tensors: Mapping[str, Tensor]) -> tuple[dict[str, tuple[Tensor, Tensor]], list[str]]:
    """Two tensors of as many examples as inputs and targets; four as those of train and test."""
    whole = [(name, tensor) for name, tensor in tensors.items() if tensor.ndim]
    couples = list(zip(whole[::2], whole[1::2], strict=False))
    if len(whole) in (2, 4) and all(len(x) == len(y) and x.ndim >= y.ndim for (_, x), (_, y) in couples):
        splits = ("data",) if len(whole) == 2 else ("train", "test")
        notes = [
            f"By order, {x_name!r} {tuple(x.shape)} was taken as inputs and {y_name!r} {tuple(y.shape)} as targets of {split}."
            for split, ((x_name, x), (y_name, y)) in zip(splits, couples, strict=True)
        ]
        return {split: (x, y) for split, ((_, x), (_, y)) in zip(splits, couples, strict=True)}, notes
    listed = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in list(tensors.items())[:8])
    raise ProblemError(
        f"{path} holds {listed or 'nothing'}.", remedy="x_train and y_train, x_test and y_test, or x and y were expected."
    )


def _role(name: str) -> str:
    words = re.split(r"[_.\-/ ]", name.lower())
    return "x" if any(word in INPUTS for word in words) else "y" if any(word in TARGETS for word in words) else ""


def _channels_first(x: Tensor) -> Tensor:
    if x.ndim == 3 and x.dtype == torch.uint8:
        return x[:, None]
    if x.ndim == 4 and x.shape[3] in (1, 3, 4) and min(x.shape[1:3]) >= SMALLEST_PICTURE:
        return x.permute(0, 3, 1, 2).contiguous()
    return x


def _npy(path: Path, limit: int) -> Tensor:
    check_size(path, path.stat().st_size, limit)
    with path.open("rb") as file:
        return _read_array(file, path.stat().st_size, str(path))


def _read_array(stream: BinaryIO, size: int, where: str) -> Tensor:
    """The array in a .npy stream of so many bytes; header and length are compared before memory is asked for."""
    try:
        version = np.lib.format.read_magic(stream)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = reader(stream)
        begin = stream.tell()
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError) as error:
        raise ProblemError(f"{where} has a header that is no .npy file's: {str(error)[:120]}.") from error
    if dtype.kind not in NUMBERS:
        raise ProblemError(f"{where} holds {dtype}, an array that is no array of numbers.")
    expected = math.prod(shape) * dtype.itemsize
    if begin + expected != size:
        raise ProblemError(f"{where} has {size - begin:,} bytes; {expected:,} were expected for an array of {shape}.")
    flat = np.frombuffer(stream.read(expected), dtype)
    if len(flat) != math.prod(shape):
        raise ProblemError(f"{where} ends before its array does.")
    array = flat.reshape(shape, order="F" if fortran else "C")
    wide = "f8" if dtype.kind == "f" and dtype.itemsize > 8 else dtype.newbyteorder("=")
    return torch.from_numpy(np.ascontiguousarray(array.astype(wide)))
