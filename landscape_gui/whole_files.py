"""A file that is there whole or not at all, whatever happens while it is written: a kill, a power cut, a full disk."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from pathlib import Path

_COUNT = itertools.count()
TRIES = 10
PAUSE = 0.05
"""Seconds between them."""


def write_whole(path: Path, *content: bytes | memoryview, temporary: Path | None = None, naming: bool = True) -> None:
    """Write a file, in pieces if need be, beside its place, force it to the disk and put it in its place.

    At any moment either what was there before or all of the new content is there. A file that is replaced keeps its permissions.
    temporary: what it is called meanwhile, in the same folder; None: a hidden name that ends in .tmp. naming: also force its name
    to the disk; without that a power cut may leave what was there before, until `force_names`. Raises OSError where it cannot be
    written, and leaves nothing then.
    """
    temporary = temporary or path.with_name(f".{path.name}.{os.getpid()}-{next(_COUNT)}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.chmod(temporary, path.stat().st_mode & 0o777)
        move(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    if naming:
        force_names(path.parent)


def move(source: Path, target: Path) -> None:
    """os.replace, tried again for a moment where another program holds the target open (Windows)."""
    for attempt in range(TRIES):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if os.name != "nt" or attempt == TRIES - 1:
                raise
            time.sleep(PAUSE)


def force_names(folder: Path) -> None:
    """Force a folder's names to the disk, where the system can: Windows and some network file systems cannot."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
