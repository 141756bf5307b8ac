"""TorchScript archives: the program's text, the objects that it works on and its constants, read inertly; nothing of it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from landscape_gui.checkpoint.budget import bounded
from landscape_gui.checkpoint.contents import survey
from landscape_gui.checkpoint.limits import PICKLE_BYTES, Broken, shown
from landscape_gui.checkpoint.manifest import Archive
from landscape_gui.checkpoint.rebuilt import tensor_of
from landscape_gui.checkpoint.source import Source
from landscape_gui.checkpoint.storages import load
from landscape_gui.checkpoint.torch_zip import FROZEN, SCRIPT, constants_of, open_torch, root_of
from landscape_gui.checkpoint.unpickle import unpickle
from landscape_gui.checkpoint.zipped import Zip

CODE_BYTES = 4 << 20
"""Of all texts together; the largest networks met have half a megabyte."""
FILES = 20_000
AGAIN = "Export it again with torch.export.export, torch.export.save (docs/open_your_own.md), or save its state_dict."


@dataclass(frozen=True)
class Script:
    """What a TorchScript archive computes with, beside its weights.

    texts: the sources by their place in the archive ("code/__torch__.py"); root: the pickled network, its tensors as layouts still;
    constants: values of CONSTANTS.c0 and so on, tensors as copies; frozen: whether the weights are these constants; digest:
    SHA-256 over texts, constants and the pickled network, that is over all that decides what is computed but the weights.
    """

    texts: Mapping[str, str]
    root: Any
    constants: tuple[Any, ...]
    frozen: bool
    digest: str

    @property
    def text(self) -> str:
        """All sources as one text, each under its name."""
        return "\n".join(f"# {name}\n{text}" for name, text in self.texts.items())


def read_script(path: Path) -> Script:
    """The program of a TorchScript archive. Raises Broken: there is none, it is damaged, or it is larger than is read."""
    with Source(path) as source, bounded():
        archive = Zip(source.file(), source.size())
        front = root_of(list(archive.members)) or ""
        opened = open_torch(archive, front)
        if not opened.format.startswith(SCRIPT):
            raise Broken("it holds no TorchScript program")
        root = unpickle(archive.content(f"{front}data.pkl", PICKLE_BYTES))[0]
        names = _sources(archive, front)
        found = constants_of(archive, front)
        constants = _constants(source, found) if found is not None else ()
        texts = {name: _text(archive, front + name) for name in names}
        digest = _digest(archive, front, names)
    return Script(texts, root, constants, opened.format == FROZEN, digest)


def _sources(archive: Zip, front: str) -> list[str]:
    names = sorted(name[len(front) :] for name in archive.members if name.startswith(f"{front}code/") and name.endswith(".py"))
    if not names:
        raise Broken("it is a TorchScript archive without its program (code/)", AGAIN)
    size = sum(archive.members[front + name].size for name in names)
    if size > CODE_BYTES or len(names) > FILES:
        raise Broken(
            f"its program has {size:,} bytes in {len(names):,} files; {CODE_BYTES:,} bytes are the most that is read", AGAIN
        )
    return names


def _text(archive: Zip, name: str) -> str:
    try:
        return archive.content(name, CODE_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise Broken(f"the file {shown(name)} of its program is no text", AGAIN) from None


def _constants(source: Source, found: Archive) -> tuple[Any, ...]:
    values = found.root
    named = {f"c{number}": value for number, value in enumerate(values) if tensor_of(value) is not None}
    tensors: dict[str, Tensor] = {}
    if named:
        archive = Archive(SCRIPT, named, found.spans, found.big_endian)
        tensors = load(source, archive, survey(archive))
        lacking = [name for name in named if name not in tensors]
        if lacking:
            raise Broken(f"its constant {lacking[0]} cannot be read")
    return tuple(tensors.get(f"c{number}", value) for number, value in enumerate(values))


def _digest(archive: Zip, front: str, names: list[str]) -> str:
    """SHA-256 over name and content of all that decides what is computed."""
    inner = [name[len(front) :] for name in archive.members if name.startswith(f"{front}constants/")]
    others = [name for name in ("constants.pkl", "data.pkl") if front + name in archive.members]
    hasher = hashlib.sha256()
    for name in sorted([*names, *inner, *others]):
        content = archive.content(front + name, archive.members[front + name].size)
        hasher.update(f"{len(name.encode())}:{name}:{len(content)}:".encode())
        hasher.update(content)
    return hasher.hexdigest()
