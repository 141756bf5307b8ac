"""Zip archives of torch.save and TorchScript."""

from __future__ import annotations

from landscape_gui.checkpoint.embedded import lay_out
from landscape_gui.checkpoint.limits import DAMAGED, PICKLE_BYTES, Broken
from landscape_gui.checkpoint.manifest import Archive, Span
from landscape_gui.checkpoint.unpickle import unpickle
from landscape_gui.checkpoint.zipped import Zip


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
    notes = ("TorchScript: the weights were read, the program in the file was not run.",) if script else ()
    spans = _storages(archive, root) or lay_out(value)  # NumPy arrays, where there is no tensor
    return Archive("TorchScript" if script else "torch zip", value, spans, big, notes=notes)


def _storages(archive: Zip, root: str) -> dict[str, Span]:
    names: dict[str, str] = {}
    for folder in ("constants/", "tensors/", "data/"):
        prefix = root + folder
        names |= {name[len(prefix) :]: name for name in archive.members if name.startswith(prefix)}
    return archive.spans(names)
