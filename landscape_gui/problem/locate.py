"""From what a person names to files: a checkpoint, a run's folder, a sample, a card or a landscape.py."""

from __future__ import annotations

from pathlib import Path

from landscape_gui import samples
from landscape_gui.checkpoint.whole import SINGLES, find_whole, is_part, what_else
from landscape_gui.errors import CheckpointError
from landscape_gui.run import Run, find_run

HOLDERS = frozenset({"checkpoints", "checkpoint", "ckpt", "ckpts", "weights", "models", "snapshots"})
CLIMB = 2
"""Folders above the opened one in which code is still looked for: a run often lies in a sub-folder of its project."""


def find_checkpoint(path: str | Path) -> tuple[Path, Run | None]:
    """The checkpoint's file and the run that it belongs to. A folder means its run's last checkpoint, or itself where its files
    are one checkpoint (shards, a Hugging Face folder, a distributed checkpoint); samples:NAME a sample; a card or a landscape.py
    the run beside it. Raises CheckpointError where nothing is there."""
    place = resolve(path)
    if not place.exists():
        raise CheckpointError(f"There is no {place}.", remedy="Check the path.")
    whole = find_whole(place)
    if whole is None and place.is_file() and place.suffix.lower() in (".py", ".json"):
        place = place.parent
        whole = find_whole(place)
    if whole is not None:
        return whole.standing, find_run(place)
    run = find_run(place)
    if place.is_file():
        return place, run
    if run is None:
        other = what_else(place)
        if other is not None:
            raise CheckpointError(f"{place} holds no checkpoint: it is {other[0]}.", remedy=other[1])
        raise CheckpointError(
            f"{place} holds no checkpoint.", remedy="Give a .pt, .pth, .ckpt or .safetensors file, or their folder."
        )
    return run.last.path, run


def find_file(path: str | Path) -> Path:
    """The checkpoint's file alone, as `find_checkpoint` finds it: for a file at once, without a look at what lies beside it."""
    place = resolve(path)
    if place.is_file() and not is_part(place) and place.name not in SINGLES and place.suffix.lower() != ".py":
        return place
    return find_checkpoint(path)[0]


def resolve(path: str | Path) -> Path:
    """The path with samples:NAME and ~ resolved."""
    text = str(path)
    if text.startswith(samples.PREFIX):
        name, _, rest = text.removeprefix(samples.PREFIX).partition("/")
        return samples.path(name) / rest if rest else samples.path(name)
    return Path(text).expanduser()


def folder_of(checkpoint: Path) -> Path:
    """The folder that a checkpoint lies in, or that it is."""
    place = checkpoint.resolve()
    return place if place.is_dir() else place.parent


def find_beside(checkpoint: Path, name: str) -> Path | None:
    """A file of this name in the checkpoint's folder, or in the one above where the folder only holds checkpoints."""
    folder = folder_of(checkpoint)
    places = [folder, folder.parent] if folder.name.lower() in HOLDERS else [folder]
    return next((place / name for place in places if (place / name).is_file()), None)


def find_code(checkpoint: Path, name: str, opened: str | Path) -> Path | None:
    """The nearest file of this name, from the checkpoint's folder upwards, up to `CLIMB` folders above the one that was opened."""
    place = resolve(opened).resolve()
    start = place if place.is_dir() else place.parent
    highest = [start, *start.parents][: CLIMB + 1][-1]
    folder = folder_of(checkpoint)
    inside = [place for place in (folder, *folder.parents) if place.is_relative_to(highest)]
    found = next((place / name for place in inside if (place / name).is_file()), None)
    return found or find_beside(checkpoint, name)
