"""Open a file's header: what is in it, without a tensor's data and without torch."""

from __future__ import annotations

import itertools
import os
import stat
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint.budget import bounded
from landscape_gui.checkpoint.containers import open_archive
from landscape_gui.checkpoint.contents import Contents, survey
from landscape_gui.checkpoint.distributed import open_distributed
from landscape_gui.checkpoint.limits import LISTED, Broken, shown
from landscape_gui.checkpoint.manifest import Archive, Manifest, TensorInfo
from landscape_gui.checkpoint.ordinal import epoch_of, step_of
from landscape_gui.checkpoint.quantised import REMEDY
from landscape_gui.checkpoint.sharded import open_sharded
from landscape_gui.checkpoint.source import Source, status
from landscape_gui.checkpoint.whole import DISTRIBUTED, INDEX, Whole, config_of, find_whole, is_part, what_else
from landscape_gui.errors import CheckpointError


def peek(path: str | os.PathLike[str], *, group: str = "") -> Manifest:
    """Names, dtypes, shapes and metadata of the checkpoint at `path`; no tensor's data is read and nothing in it runs.

    Costs about a millisecond for a small net; unchanged files (size and time) are answered from memory. Raises
    CheckpointError that says what the file is instead.
    """
    place = Path(path)
    with refusing(place), bounded():
        return _peek(place, _states(place), group)


@lru_cache(maxsize=8192)
def _peek(path: Path, states: tuple[Any, ...], group: str) -> Manifest:
    whole = find_whole(path)
    with Source(path if whole is None else whole.main) as source:
        archive = open_source(source, whole)
        return make_manifest(path, archive, survey(archive, group))


def _states(place: Path) -> tuple[Any, ...]:
    """What changes when a file, or any file that may belong to it, does."""
    state = status(place)
    if not stat.S_ISDIR(state.st_mode) and not is_part(place):
        return state.st_size, state.st_mtime_ns
    folder = place if stat.S_ISDIR(state.st_mode) else place.parent
    with os.scandir(folder) as listing:
        items = [(item.name, item.stat()) for item in itertools.islice(listing, LISTED) if item.is_file()]
    return tuple(sorted((name, found.st_size, found.st_mtime_ns) for name, found in items))


def make_manifest(path: Path, archive: Archive, contents: Contents) -> Manifest:
    """The public account of what was found."""
    tensors = tuple(TensorInfo(name, layout.dtype, layout.shape) for name, _, layout in contents.tensors)
    name = "" if path.is_dir() else path.name
    epoch, step = epoch_of(contents.metadata, name), step_of(contents.metadata, name)
    return Manifest(path, archive.format, tensors, contents.metadata, epoch, step, contents.groups, contents.notes)


def open_source(source: Source, whole: Whole | None) -> Archive:
    """The container in the file, or in the files that belong together; raises Broken."""
    if whole is None:
        other = what_else(source.path) if source.path.is_dir() else None
        if other is not None:
            raise Broken(f"it is {other[0]}", other[1])
        return open_archive(source.file(), source.size())
    if whole.kind == DISTRIBUTED:
        return open_distributed(source)
    archive = open_sharded(source) if whole.kind == INDEX else open_archive(source.file(), source.size())
    notes = (f"{shown(whole.shard)} is one of several shards: all were read.",) if whole.shard else ()
    said = config_of(source.path.parent)
    if "config.quantization" in said:
        raise Broken(f"its weights are quantised ({shown(said['config.quantization'])}), as its config.json says", REMEDY)
    kind = f"Hugging Face folder, {archive.format}" if said else archive.format
    return replace(archive, format=kind, metadata={**said, **archive.metadata}, notes=(*notes, *archive.notes))


class refusing:
    """Turns what goes wrong while a file is read into one CheckpointError with the file's name and a remedy."""

    def __init__(self, path: Path) -> None:
        self.path = "".join(character if character.isprintable() else "?" for character in str(path))

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
