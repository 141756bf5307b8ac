"""Open the container in a file, whichever it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

from landscape_gui.checkpoint.arrays import is_arrays, open_arrays, open_dictionary
from landscape_gui.checkpoint.exported import is_exported, open_exported
from landscape_gui.checkpoint.legacy import open_pickle
from landscape_gui.checkpoint.limits import Broken, shown
from landscape_gui.checkpoint.manifest import Archive, Layout
from landscape_gui.checkpoint.nested import SUFFIXES, all_in_tar, all_in_zip
from landscape_gui.checkpoint.others import other_zip
from landscape_gui.checkpoint.packed import PACKINGS, Packing, unpack
from landscape_gui.checkpoint.safetensors import open_safetensors
from landscape_gui.checkpoint.sniff import HEAD, sniff
from landscape_gui.checkpoint.tarred import read_tar
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
    found = all_in_zip(archive, _open_plainly)
    if len(found) == 1:
        return next(iter(found.values()))
    raise Broken(*_several(found, "zip") if found else _other_zip(set(names)))


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


def _open_tar(file: BinaryIO, size: int) -> Archive:
    members = read_tar(file, size)
    found = all_in_tar(file, members, _open_plainly)
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise Broken(*_several(found, "tar"))
    listed = ", ".join(shown(name) for name in list(members)[:3])
    raise Broken(f"it is a tar archive without a checkpoint ({listed or 'it is empty'})", "Choose a file that torch.save wrote.")


def _several(found: dict[str, Archive], kind: str) -> tuple[str, str]:
    listed = ", ".join(shown(name) for name in list(found)[:3])
    return f"it is a {kind} archive with several checkpoints inside ({listed})", "Unpack it and open the folder."


def _open_packed(packing: Packing, file: BinaryIO, size: int) -> Archive:
    content = unpack(file, size, packing)
    by_hand = f"Unpack it with {packing.tool}."
    try:
        kind = sniff(content[:HEAD], len(content))
        if kind in PACKINGS:
            twice = "twice" if kind == packing.name else f"and then with {packing.name}"
            raise Broken(f"it is packed with {kind} {twice}", by_hand)
        inner = _OPENERS[kind](io.BytesIO(content), len(content))
    except Broken as error:
        if error.reason.startswith("it is packed"):
            raise
        raise Broken(f"it is packed with {packing.name} and, unpacked, no checkpoint: {error.reason}", error.remedy) from error
    if any(isinstance(item, Layout) and item.pieces for item in _values(inner.root)):
        raise Broken(f"it is packed with {packing.name} and holds files in a file", by_hand)
    spans = {key: span if span.data is not None else replace(span, data=content) for key, span in inner.spans.items()}
    return replace(inner, format=f"{packing.form} {inner.format}", spans=spans)


def _values(root: Any) -> list[Any]:
    return list(root.values()) if isinstance(root, dict) else []


_OPENERS: dict[str, Callable[[BinaryIO, int], Archive]] = {
    "zip": _open_zip,
    "pickle": open_pickle,
    "safetensors": open_safetensors,
    "tar": _open_tar,
    **{name: partial(_open_packed, packing) for name, packing in PACKINGS.items()},
    "npy": open_dictionary,
}


def _other_zip(names: set[str]) -> tuple[str, str]:
    other = other_zip(names)
    if other is not None:
        return f"it is {other[0]}", other[1]
    inside = sorted(name for name in names if name.endswith(SUFFIXES))
    if inside:
        listed = ", ".join(shown(name) for name in inside[:3])
        return f"it is a zip archive in which no weights were found ({listed})", "Unpack it and open the file that has them."
    return "it is a zip archive of something else: it has no data.pkl", "Choose a file that torch.save wrote."
