"""What a reader of data files is asked and hands over before numbers are normalised: splits of inputs and targets."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from torch import Tensor

from landscape_gui.errors import ProblemError
from landscape_gui.problem.framing import Framing

SPLITS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "val"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
}
_PIECE = 1 << 24
ORDER = ("train", "val", "test")

DEEPEST = 6
MOST_FILES = 2_000_000

Arrays = dict[str, tuple[Tensor, Tensor]]
Tokenise = Callable[[str], Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files are to be read. framing: how images are scaled and cropped (None: as they are); target: a table's column, or the
    batch's list of labels; block: tokens in one example of a text; tokenise: text to token ids (None: its bytes); limit: bytes kept
    at most."""

    framing: Framing | None = None
    target: str = ""
    block: int = 0
    tokenise: Tokenise | None = None
    limit: int = 4 << 30


@dataclass(frozen=True)
class Raw:
    """Splits by name as (inputs, targets), train first. about: JSON-able, with `kind` and perhaps `classes`; notes: what was
    chosen."""

    splits: Arrays
    about: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def split_of(name: str, otherwise: str = "data") -> str:
    """The split that a file's or tensor's name tells of: "train-00001-of-2.parquet" is of train."""
    words = [word for word in re.split(r"[_.\-/\\ ]", name.lower()) if word]
    return next((SPLITS[word] for word in words if word in SPLITS), otherwise)


def in_order(names: Iterable[str]) -> list[str]:
    """Train, val, test, then the others as they come."""
    return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def check_size(path: Path, needed: int, limit: int, what: str = "as tensors", remedy: str = "") -> None:
    """Raise ProblemError where so many bytes are more than are allowed."""
    if needed > limit:
        raise ProblemError(
            f"{path} holds {needed / 2**30:,.2g} GiB {what}; {limit / 2**30:,.2g} GiB are allowed.",
            remedy=remedy or "Give a part of it, or use a DataLoader in a landscape.py; that streams.",
        )


def files_below(folder: Path) -> list[Path]:
    """Every plain file in the folder and up to `DEEPEST` levels below, in order; links are followed, each folder is entered once,
    and what begins with a dot is passed over. Raises ProblemError for more than `MOST_FILES`."""
    found: list[Path] = []
    waiting, entered = [(folder, 0)], set()
    while waiting:
        place, depth = waiting.pop()
        status = place.stat()
        if (status.st_dev, status.st_ino) in entered:
            continue
        entered.add((status.st_dev, status.st_ino))
        with os.scandir(place) as entries:
            seen = [entry for entry in entries if not entry.name.startswith(".")]
        waiting += [(Path(entry.path), depth + 1) for entry in seen if depth < DEEPEST and entry.is_dir()]
        found += [Path(entry.path) for entry in seen if entry.is_file()]
        if len(found) > MOST_FILES:
            raise ProblemError(f"{folder} holds more than {MOST_FILES:,} files.", remedy="Give the folder of the data itself.")
    return sorted(found)


def read_whole(path: Path, limit: int) -> bytes:
    """A plain file's content; a pipe, a device or a file that is too large is refused before it is read."""
    if not path.is_file():
        raise ProblemError(f"{path} is not a plain file.")
    check_size(path, path.stat().st_size, limit, "in one file")
    with path.open("rb") as file:
        return read_up_to(file, limit + 1)


def read_up_to(file: IO[bytes], count: int) -> bytes:
    """The next bytes, `count` of them at most. Room is made as they come: `file.read(count)` would make it for all at once."""
    pieces: list[bytes] = []
    while count > 0 and (piece := file.read(min(count, _PIECE))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
