"""Files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

from landscape_gui.errors import LandscapeError
from landscape_gui.whole_files import write_whole


def check_target(path: str | os.PathLike[str], suffixes: tuple[str, ...], *, overwrite: bool = True) -> Path:
    """The path, if its suffix is known, its folder can be written to and, unless it may be overwritten, nothing is there; else
    LandscapeError."""
    target = Path(path)
    if target.suffix.lower() not in suffixes:
        what = f"the suffix {target.suffix!r}" if target.suffix else "a file without a suffix"
        raise LandscapeError(f"Cannot export to {target.name}: {what} is not known.", remedy=f"Use {_or(suffixes)}.")
    folder = target.parent
    if not folder.is_dir():
        raise LandscapeError(f"The folder {folder} does not exist.", remedy="Create it, or choose another one.")
    if not os.access(folder, os.W_OK):
        raise LandscapeError(f"The folder {folder} cannot be written to.", remedy="Choose another one, or change its permissions.")
    if target.is_dir():
        raise LandscapeError(f"{target} is a folder.", remedy="Give the name of a file.")
    if not overwrite and target.exists():
        raise LandscapeError(f"{target} exists already.", remedy="Choose another name, or allow it to be overwritten.")
    return target


def write(target: Path, content: bytes) -> Path:
    """The whole file or nothing. Raises LandscapeError where it cannot be written."""
    try:
        write_whole(target, content)
    except OSError as why:
        reason = why.strerror or str(why)
        raise LandscapeError(
            f"{target} could not be written: {reason}.", remedy="Free some space, or choose another folder."
        ) from why
    return target


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
