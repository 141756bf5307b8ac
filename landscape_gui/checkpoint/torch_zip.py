"""Zip archives of torch.save and TorchScript."""

from __future__ import annotations

from landscape_gui.checkpoint.embedded import lay_out
from landscape_gui.checkpoint.limits import DAMAGED, PICKLE_BYTES, Broken
from landscape_gui.checkpoint.manifest import Archive, Span
from landscape_gui.checkpoint.rebuilt import tensor_of
from landscape_gui.checkpoint.unpickle import unpickle
from landscape_gui.checkpoint.zipped import Zip

SCRIPT = "TorchScript"
FROZEN = "TorchScript, frozen"
"""Of which the weights are constants of the program (torch.jit.freeze)."""
_NOTE = "TorchScript: the weights were read, the program in the file was not run."
_FROZEN_NOTE = "It was frozen: its weights have lost their names and are constants of its program, c0, c1, ..."


def root_of(names: list[str]) -> str | None:
    """The folder inside the archive that holds data.pkl, with its slash ("" for none); None where there is no data.pkl."""
    pickles = [name for name in names if name == "data.pkl" or (name.endswith("/data.pkl") and name.count("/") == 1)]
    if len(pickles) > 1:
        raise Broken("its archive holds several checkpoints", "Unpack it and open one of them.")
    return pickles[0].removesuffix("data.pkl") if pickles else None


def open_torch(archive: Zip, root: str) -> Archive:
    """The pickled value and the places of the storages. Reads data.pkl and 30 bytes per storage; raises Broken."""
    members = archive.members
    value, _ = unpickle(archive.content(f"{root}data.pkl", PICKLE_BYTES))
    big = False
    if f"{root}byteorder" in members:
        order = archive.content(f"{root}byteorder", 16)
        if order not in (b"little", b"big"):
            raise Broken("its byte order is neither 'little' nor 'big'", DAMAGED)
        big = order == b"big"
    script = f"{root}constants.pkl" in members or any(name.startswith(f"{root}code/") for name in members)
    if not script:
        spans = _storages(archive, root) or lay_out(value)  # NumPy arrays, where there is no tensor
        return Archive("torch zip", value, spans, big)
    frozen = None if any(name.startswith((f"{root}data/", f"{root}tensors/")) for name in members) else constants_of(archive, root)
    if frozen is not None and any(tensor_of(item) is not None for item in frozen.root):
        named = {f"c{number}": item for number, item in enumerate(frozen.root) if tensor_of(item) is not None}
        return Archive(FROZEN, named, frozen.spans, frozen.big_endian, notes=(_NOTE, _FROZEN_NOTE))
    return Archive(SCRIPT, value, _storages(archive, root) or lay_out(value), big, notes=(_NOTE,))


def constants_of(archive: Zip, root: str) -> Archive | None:
    """The constants of a TorchScript program: a tuple of values and the places of their storages; None where there are none."""
    if f"{root}constants.pkl" not in archive.members:
        return None
    value, _ = unpickle(archive.content(f"{root}constants.pkl", PICKLE_BYTES))
    if not isinstance(value, tuple | list):
        raise Broken("its constants are no list of values", DAMAGED)
    order = archive.content(f"{root}byteorder", 16) if f"{root}byteorder" in archive.members else b"little"
    front = f"{root}constants/"
    names = {name[len(front) :]: name for name in archive.members if name.startswith(front)}
    return Archive(SCRIPT, tuple(value), archive.spans(names), order == b"big")


def _storages(archive: Zip, root: str) -> dict[str, Span]:
    names: dict[str, str] = {}
    for folder in ("constants/", "tensors/", "data/"):
        prefix = root + folder
        names |= {name[len(prefix) :]: name for name in archive.members if name.startswith(prefix)}
    return archive.spans(names)
