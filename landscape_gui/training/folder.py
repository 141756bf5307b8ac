"""What a training leaves in its folder, and taking it away again."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from landscape_gui.errors import ProblemError
from landscape_gui.problem.card import NAME
from landscape_gui.recorder.card import is_ours
from landscape_gui.recorder.files import LOG, mark_of, marks_in
from landscape_gui.recorder.log import rows_in
from landscape_gui.training.data import COPY
from landscape_gui.training.epochs import EPOCHS
from landscape_gui.training.state import STATE

LOCK = ".training.lock"
LINE = "line.json"
"""The loss along the line between two checkpoints."""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Inside, no other process trains into the folder, which is made. ProblemError: one does already.

    Where the file system knows no locks, or the folder cannot be made, nothing is locked; what writes into it says so.
    """
    lock = FileLock(folder / LOCK)
    with contextlib.suppress(OSError, NotImplementedError):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ProblemError(
                f"Another process trains into {folder} at this moment.",
                remedy="Wait until it has ended, or train into another folder.",
            ) from error
    try:
        yield
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):
                (folder / LOCK).unlink()
            lock.release()


def is_blank(folder: Path) -> bool:
    """Whether no step is lost where a training begins in the folder: it holds none, or one that was stopped before its first."""
    if not folder.exists():
        return True
    if not folder.is_dir() or (folder / STATE).exists():
        return False
    steps = [mark.step for mark in marks_in(folder)] + [row.get("step") for row in rows_in(folder / LOG)]
    return not steps or (not any(steps) and "recipe" in training_of(folder))


def training_of(folder: Path) -> dict[str, Any]:
    """What the card says of a training that was recorded; {} of others."""
    if not is_ours(folder / NAME):
        return {}
    found = json.loads((folder / NAME).read_text(encoding="utf-8")).get("training")
    return found if isinstance(found, dict) else {}


def take_away(folder: Path) -> None:
    """What an earlier training wrote; a folder that holds none of it is left alone. ProblemError: it is trained into."""
    if not folder.is_dir() or not is_ours(folder / NAME):
        return
    with alone(folder):
        for place in folder.iterdir():
            if mark_of(place.name) is not None or place.name in (STATE, LOG, COPY, EPOCHS, LINE, NAME):
                place.unlink()
            elif place.name.startswith("abandoned-"):
                shutil.rmtree(place)
