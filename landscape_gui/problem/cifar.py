"""CIFAR-10 and CIFAR-100 as published: Python batches, whose pickles are read without running them, and the binary version; in a
folder or in the archive as it was downloaded."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_gui.checkpoint.embedded import lay_out
from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.manifest import Layout
from landscape_gui.checkpoint.rebuilt import entries_of, tensor_of
from landscape_gui.checkpoint.unpickle import unpickle
from landscape_gui.errors import ProblemError
from landscape_gui.problem.raw import Raw, Reading, check_size, in_order, read_whole

PIXELS = 3 * 32 * 32
LARGEST = 256 << 20
"""Bytes of one batch; CIFAR-100's largest has 155 million."""
PYTHON = {**{f"data_batch_{i}": "train" for i in range(1, 6)}, "test_batch": "test", "train": "train", "test": "test"}
BINARY = {
    **{f"data_batch_{i}.bin": "train" for i in range(1, 6)},
    "test_batch.bin": "test",
    "train.bin": "train",
    "test.bin": "test",
}
META = frozenset({"batches.meta", "meta"})
TEXTS = frozenset({"batches.meta.txt", "fine_label_names.txt"})
LABELS = ("labels", "fine_labels", "coarse_labels")
CLASSES = {"labels": 10, "fine_labels": 100, "coarse_labels": 20}

Files = Mapping[str, Callable[[], bytes]]


@dataclass(frozen=True)
class Batch:
    """images: (n, 3, 32, 32) uint8; labels: list's name -> (n,) int64."""

    images: Tensor
    labels: Mapping[str, Tensor]


def is_cifar(path: Path) -> bool:
    """Whether a folder holds the batches, or a file is one of them or their archive; by names, and by how a batch begins."""
    if path.is_dir():
        names = {p.name for p in path.iterdir()}
        if "test_batch" in names or any(n.startswith("data_batch_") for n in names):
            return True
        return _hundred(path, "test") or _hundred(path, "train")
    if path.name.lower().endswith((".tar.gz", ".tgz", ".tar")):
        return "cifar" in path.name.lower()
    return (path.name in PYTHON and _begins_as_pickle(path)) or (path.name in BINARY and _is_binary(path))


def read_cifar(path: Path, reading: Reading) -> Raw:
    """All batches that are there, train before test. reading.target: "fine_labels" (default) or "coarse_labels" of CIFAR-100.

    Nothing in the pickles runs. Raises ProblemError naming the batch and what is wrong with it.
    """
    files = _files(path, reading.limit)
    batches: dict[str, list[Batch]] = {}
    for name in sorted(files):
        split = PYTHON.get(name) or BINARY.get(name)
        if split is not None:
            parse = _python_batch if name in PYTHON else _binary_batch
            batches.setdefault(split, []).append(parse(f"{path}: {name}" if path.name != name else str(path), files[name]()))
    if not batches:
        raise ProblemError(
            f"{path} holds no batches of CIFAR.", remedy="data_batch_1 to 5 and test_batch, or train and test, were expected."
        )
    kinds = [kind for kind in LABELS if all(kind in batch.labels for part in batches.values() for batch in part)]
    wanted = reading.target or (kinds[0] if kinds else "")
    if wanted not in kinds:
        raise ProblemError(f"{path} has no labels called {wanted!r}.", remedy=f"It has {', '.join(kinds) or 'none'}.")
    notes = (
        (f"Labels are the {wanted}; {' and '.join(k for k in kinds if k != wanted)} can be named as target.",)
        if len(kinds) > 1
        else ()
    )
    splits = {
        split: (torch.cat([b.images for b in batches[split]]), torch.cat([b.labels[wanted] for b in batches[split]]))
        for split in in_order(batches)
    }
    return Raw(splits, {"kind": "cifar", "classes": _class_names(files, wanted)}, notes)


def _files(path: Path, limit: int) -> Files:
    if path.is_dir():
        beside = {p.name: p for p in path.iterdir() if p.name in {*PYTHON, *BINARY, *META, *TEXTS} and p.is_file()}
        check_size(path, sum(p.stat().st_size for p in beside.values()), limit)
        return {name: lambda p=p: read_whole(p, LARGEST) for name, p in beside.items()}  # type: ignore[misc]
    if path.name in PYTHON or path.name in BINARY:
        near = {name: path.parent / name for name in (*META, *TEXTS) if (path.parent / name).is_file()}
        return {name: lambda p=p: read_whole(p, LARGEST) for name, p in {path.name: path, **near}.items()}  # type: ignore[misc]
    return _archived(path, limit)


def _archived(path: Path, limit: int) -> Files:
    """The batches in a tar archive, read once from front to back; nothing is extracted."""
    found: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                total += member.size
                check_size(path, total, limit, "unpacked")
                if member.isreg() and name in {*PYTHON, *BINARY, *META, *TEXTS}:
                    check_size(path, member.size, LARGEST, f"in {name}")
                    stream = archive.extractfile(member)
                    found[name] = stream.read(member.size) if stream is not None else b""
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise ProblemError(f"{path} is a broken archive: {error}.", remedy="Download it again.") from error
    return {name: lambda content=content: content for name, content in found.items()}  # type: ignore[misc]


def _python_batch(where: str, content: bytes) -> Batch:
    entries, spans = _opened(where, content)
    layout = tensor_of(entries.get("data"))
    raw = _content(layout, spans)
    if raw is None or not isinstance(layout, Layout) or layout.dtype != "uint8" or layout.shape[1:] != (PIXELS,):
        what = f"an array {layout.shape}" if isinstance(layout, Layout) else "none"
        raise ProblemError(f"{where} has no images: rows of {PIXELS} bytes under 'data' were expected, found {what}.")
    pixels = np.lib.stride_tricks.as_strided(np.frombuffer(raw, np.uint8, offset=layout.offset), layout.shape, layout.stride)
    labels = {kind: _labels(where, kind, entries[kind], spans, len(pixels)) for kind in LABELS if kind in entries}
    if not labels:
        raise ProblemError(f"{where} has no labels.", remedy=f"{', '.join(LABELS)} were expected.")
    return Batch(torch.from_numpy(pixels.copy()).view(-1, 3, 32, 32), labels)


def _opened(where: str, content: bytes) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The dictionary in a pickle as names and values, and where its arrays' bytes are."""
    try:
        value, _ = unpickle(content)
        spans = lay_out(value)
    except Broken as error:
        raise ProblemError(f"{where} cannot be read: {error.reason}.", remedy=error.remedy or "Download it again.") from error
    entries = (
        {key.decode("latin-1") if isinstance(key, bytes) else str(key): item for key, item in value.items()}
        if isinstance(value, dict)
        else {}
    )
    if not entries:
        raise ProblemError(f"{where} is no batch of CIFAR: it holds no dictionary.")
    return entries, spans


def _labels(where: str, kind: str, value: Any, spans: Mapping[str, Any], count: int) -> Tensor:
    numbers = value
    layout = tensor_of(value)
    raw = _content(layout, spans)
    if raw is not None and isinstance(layout, Layout) and layout.dtype in ("int64", "int32", "uint8") and layout.shape == (count,):
        whole = np.frombuffer(raw, np.dtype(layout.dtype))
        numbers = whole[layout.offset :: layout.stride[0] or 1][:count].tolist()
    if not isinstance(numbers, list) or len(numbers) != count:
        found = f"{len(numbers):,} of them" if isinstance(numbers, list) else "none"
        raise ProblemError(f"{where} has {count:,} images and under {kind!r} {found}.", remedy="Download it again.")
    return _checked(where, kind, numbers)


def _content(layout: Any, spans: Mapping[str, Any]) -> bytes | None:
    """The bytes of the storage that an array lies in; None where it is no array, or its storage is not in the file."""
    span = spans.get(layout.storage) if isinstance(layout, Layout) else None
    if span is None or span.data is None:
        return None
    raw = span.data.encode("latin-1", "replace") if isinstance(span.data, str) else span.data
    piece = raw[span.start : span.start + span.size]
    return piece if layout.count and layout.reach <= len(piece) else None


def _checked(where: str, kind: str, numbers: list[Any]) -> Tensor:
    wrong = next((n for n in numbers if type(n) is not int or not 0 <= n < CLASSES[kind]), None)
    if wrong is not None:
        raise ProblemError(f"{where} has {str(wrong)[:40]!r} among its {kind}; 0 to {CLASSES[kind] - 1} were expected.")
    return torch.tensor(numbers, dtype=torch.int64)


def _binary_batch(where: str, content: bytes) -> Batch:
    heads = _heads(len(content))
    if heads == 0:
        raise ProblemError(f"{where} has {len(content):,} bytes, no whole number of images.", remedy="Download it again.")
    rows = np.frombuffer(content, np.uint8).reshape(-1, heads + PIXELS)
    kinds = ("labels",) if heads == 1 else ("coarse_labels", "fine_labels")
    labels = {kind: _checked(where, kind, rows[:, i].tolist()) for i, kind in enumerate(kinds)}
    return Batch(torch.from_numpy(rows[:, heads:].copy()).view(-1, 3, 32, 32), labels)


def _heads(size: int) -> int:
    """Bytes before the pixels of one image: 1 of CIFAR-10, 2 of CIFAR-100, 0 where the length is neither's."""
    return 1 if size and size % (1 + PIXELS) == 0 else 2 if size and size % (2 + PIXELS) == 0 else 0


def _class_names(files: Files, kind: str) -> list[str]:
    """The names that come with the batches; empty where none do."""
    if kind == "fine_labels" and "fine_label_names.txt" in files:
        return files["fine_label_names.txt"]().decode("utf-8", "replace").split()[:100]
    if kind == "labels" and "batches.meta.txt" in files:
        return files["batches.meta.txt"]().decode("utf-8", "replace").split()[:10]
    key = {"labels": "label_names", "fine_labels": "fine_label_names", "coarse_labels": "coarse_label_names"}[kind]
    for name in META & set(files):
        try:
            entries, _ = _opened(name, files[name]())
        except ProblemError:
            continue
        return [str(item[1])[:80] for item in entries_of(entries.get(key)) or []][: CLASSES[kind]]
    return []


def _hundred(folder: Path, name: str) -> bool:
    file = folder / name
    return (file.is_file() and _begins_as_pickle(file)) or _is_binary(folder / f"{name}.bin")


def _begins_as_pickle(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(2) in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"(d")


def _is_binary(file: Path) -> bool:
    """Whether a .bin file is a batch: whole images with labels in their range, which token ids of 16 bits do not have."""
    if not file.is_file() or not (heads := _heads(file.stat().st_size)):
        return False
    row = heads + PIXELS
    with file.open("rb") as stream:
        head = np.frombuffer(stream.read(100 * row), np.uint8)
    firsts = head[: len(head) // row * row].reshape(-1, row)[:, :heads]
    return bool((firsts < ((10,) if heads == 1 else (20, 100))).all())
