"""Open a file's header: what is in it, without a tensor's data and without torch."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from landscape_gui.checkpoint.contents import Contents, survey
from landscape_gui.checkpoint.legacy import open_pickle
from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.manifest import Archive, Manifest, TensorInfo
from landscape_gui.checkpoint.ordinal import epoch_of, step_of
from landscape_gui.checkpoint.safetensors import open_safetensors
from landscape_gui.checkpoint.sniff import HEAD, sniff
from landscape_gui.checkpoint.zipped import open_zip
from landscape_gui.errors import CheckpointError

_OPENERS: dict[str, Callable[[BinaryIO, int], Archive]] = {
    "zip": open_zip,
    "pickle": open_pickle,
    "safetensors": open_safetensors,
}


def peek(path: str | os.PathLike[str], *, group: str = "") -> Manifest:
    """Names, dtypes, shapes and metadata of the checkpoint at `path`; no tensor's data is read and nothing in it runs.

    Costs about a millisecond for a small net; an unchanged file (size and time) is answered from memory. Raises
    CheckpointError that says what the file is instead.
    """
    place = Path(path)
    with refusing(place):
        state = status(place)
        return _peek(place, state.st_size, state.st_mtime_ns, group)


@lru_cache(maxsize=4096)
def _peek(path: Path, size: int, changed: int, group: str) -> Manifest:
    with open_plain(path) as file:
        archive = open_archive(file, size)
        return make_manifest(path, archive, survey(archive, group))


def make_manifest(path: Path, archive: Archive, contents: Contents) -> Manifest:
    """The public account of what was found."""
    tensors = tuple(TensorInfo(name, layout.dtype, layout.shape) for name, _, layout in contents.tensors)
    epoch, step = epoch_of(contents.metadata, path.name), step_of(contents.metadata, path.name)
    return Manifest(path, archive.format, tensors, contents.metadata, epoch, step, contents.groups, contents.notes)


def status(path: Path) -> os.stat_result:
    """Size and times of the file, links followed."""
    try:
        return path.stat()
    except ValueError:
        raise Broken("no file can have such a name") from None


def open_plain(path: Path) -> BinaryIO:
    """The file, unbuffered; a folder, a pipe or a device is refused before it could block."""
    mode = status(path).st_mode
    if stat.S_ISDIR(mode):
        raise Broken("it is a folder", "Open a file in it, or the folder as a run.")
    if not stat.S_ISREG(mode):
        raise Broken("it is not a plain file")
    return path.open("rb", buffering=0)


def open_archive(file: BinaryIO, size: int) -> Archive:
    """The container in the file, by its first bytes; raises Broken."""
    file.seek(0)
    return _OPENERS[sniff(file.read(HEAD), size)](file, size)


class refusing:
    """Turns what goes wrong while a file is read into one CheckpointError with the file's name and a remedy."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, CheckpointError) or not isinstance(error, Exception):
            return
        if isinstance(error, Broken):
            raise CheckpointError(f"{self.path} cannot be opened: {error.reason}.", remedy=error.remedy) from error
        if isinstance(error, FileNotFoundError):
            raise CheckpointError(f"{self.path} does not exist.", remedy="Check the path.") from error
        if isinstance(error, OSError):
            raise CheckpointError(
                f"{self.path} cannot be read: {error.strerror or error}.", remedy="Check its permissions."
            ) from error
        if isinstance(error, MemoryError):
            raise CheckpointError(f"{self.path} needs more memory than there is.", remedy="Close other programs.") from error
        raise CheckpointError(
            f"{self.path} cannot be opened: it is damaged ({type(error).__name__}).", remedy="Copy or save it again."
        ) from error
