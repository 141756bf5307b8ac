"""The files of a recorded run: what they are called, and how one is written so that it is there whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from landscape_gui import whole_files
from landscape_gui.recorder.thinning import Mark

LOG = "metrics.jsonl"
SUFFIX = ".safetensors"
_NAME = re.compile(r"(?:epoch-(?P<epoch>\d+)-)?step-(?P<step>\d+)\.safetensors")
_TEMPORARY = re.compile(r"\..*\.recorder-tmp")


def name_of(mark: Mark) -> str:
    """ "epoch-0003-step-00001407.safetensors", "step-00000012.safetensors": in the order of training as text, too."""
    front = "" if mark.epoch is None else f"epoch-{mark.epoch:04d}-"
    return f"{front}step-{mark.step:08d}{SUFFIX}"


def mark_of(name: str) -> Mark | None:
    """The checkpoint that a file's name names; None for other files."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return Mark(int(found["step"]), None if found["epoch"] is None else int(found["epoch"]))


def marks_in(folder: Path) -> list[Mark]:
    """A folder's checkpoints in the order of training."""
    found = [mark for place in folder.iterdir() if (mark := mark_of(place.name)) is not None]
    return sorted(found, key=lambda mark: mark.step)


def unfinished(folder: Path) -> Iterator[Path]:
    """What a process that was killed had not finished writing."""
    return (place for place in folder.iterdir() if _TEMPORARY.fullmatch(place.name))


def write_whole(path: Path, *content: bytes | memoryview, naming: bool = True) -> None:
    """Write a file of a run, whole or not at all; what a kill leaves is called so that the next start takes it away. OSError."""
    whole_files.write_whole(path, *content, temporary=path.with_name(f".{path.name}.recorder-tmp"), naming=naming)
