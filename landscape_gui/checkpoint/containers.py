"""Open the container in a file, whichever it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO

from landscape_gui.checkpoint.arrays import is_arrays, open_arrays, open_dictionary
from landscape_gui.checkpoint.exported import is_exported, open_exported
from landscape_gui.checkpoint.gzipped import unpack
from landscape_gui.checkpoint.legacy import open_pickle
from landscape_gui.checkpoint.limits import Broken, shown
from landscape_gui.checkpoint.manifest import Archive, Layout
from landscape_gui.checkpoint.nested import SUFFIXES, open_inside
from landscape_gui.checkpoint.others import other_zip
from landscape_gui.checkpoint.safetensors import open_safetensors
from landscape_gui.checkpoint.sniff import HEAD, sniff
from landscape_gui.checkpoint.torch_zip import open_torch, root_of
from landscape_gui.checkpoint.zipped import Zip


def open_archive(file: BinaryIO, size: int) -> Archive:
    """The container in the file, by its first bytes and, for a zip, by its members' names; raises Broken."""
    file.seek(0)
    return _OPENERS[sniff(file.read(HEAD), size)](file, size)


def _open_zip(file: BinaryIO, size: int) -> Archive:
    archive = Zip(file, size)
    names = list(archive.members)
    root = root_of(names)
    if root is not None and not is_exported(names):
        return open_torch(archive, root)
    if is_exported(names):
        return open_exported(archive)
    if is_arrays(names):
        return open_arrays(archive)
    inner = open_inside(archive, _open_plainly)
    if inner is not None:
        return inner
    raise Broken(*_other_zip(set(names)))


def _open_plainly(file: BinaryIO, size: int) -> Archive:
    """A file inside a zip: of torch.save or safetensors, and no archive of others again."""
    file.seek(0)
    kind = sniff(file.read(HEAD), size)
    if kind != "zip":
        return _OPENERS[kind](file, size) if kind in ("pickle", "safetensors") else _refuse()
    archive = Zip(file, size)
    root = root_of(list(archive.members))
    return open_torch(archive, root) if root is not None else _refuse()


def _refuse() -> Archive:
    raise Broken("it is no checkpoint")


def _open_gzip(file: BinaryIO, size: int) -> Archive:
    content = unpack(file, size)
    try:
        kind = sniff(content[:HEAD], len(content))
    except Broken as error:
        raise Broken(f"it is packed with gzip and, unpacked, no checkpoint: {error.reason}", error.remedy) from error
    if kind == "gzip":
        raise Broken("it is packed with gzip twice", "Unpack it with gunzip.")
    inner = _OPENERS[kind](io.BytesIO(content), len(content))
    if any(isinstance(item, Layout) and item.pieces for item in _values(inner.root)):
        raise Broken("it is packed with gzip and holds files in a file", "Unpack it with gunzip.")
    spans = {key: span if span.data is not None else replace(span, data=content) for key, span in inner.spans.items()}
    return replace(inner, format=f"gzipped {inner.format}", spans=spans)


def _values(root: Any) -> list[Any]:
    return list(root.values()) if isinstance(root, dict) else []


_OPENERS: dict[str, Callable[[BinaryIO, int], Archive]] = {
    "zip": _open_zip,
    "pickle": open_pickle,
    "safetensors": open_safetensors,
    "gzip": _open_gzip,
    "npy": open_dictionary,
}


def _other_zip(names: set[str]) -> tuple[str, str]:
    other = other_zip(names)
    if other is not None:
        return f"it is {other[0]}", other[1]
    inside = sorted(name for name in names if name.endswith(SUFFIXES))
    if inside:
        listed = ", ".join(shown(name) for name in inside[:3])
        return f"it is a zip archive with checkpoints inside ({listed})", "Unpack it and open the folder."
    return "it is a zip archive of something else: it has no data.pkl", "Choose a file that torch.save wrote."
