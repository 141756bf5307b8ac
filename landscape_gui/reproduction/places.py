"""Where the files lie that a figure was made from: it knows their last two names and their digests. Standard library only."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape_gui import samples
from landscape_gui.errors import LandscapeError

ABOVE, FOLDERS = 2, 200
"""Folders above a place, and folders in it, that are looked into."""


def folders(*near: Path) -> list[Path]:
    """Where to look: beside these files or in these folders, up to two folders above, and among the samples."""
    found: list[Path] = []
    for place in (*near, Path.cwd()):
        start = place if place.is_dir() else place.parent
        found += [start, *itertools.islice(start.resolve().parents, ABOVE)]
    with contextlib.suppress(LandscapeError):
        found.append(samples.folder())
    return list(dict.fromkeys(folder.resolve() for folder in found))


def candidates(name: str, where: Sequence[Path]) -> Iterator[Path]:
    """Files that are called so, or by the last of its names, in these folders and the folders in them."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")][-2:]
    if not parts:
        return
    seen: set[Path] = set()
    tails = ["/".join(parts), parts[-1]]
    for folder in where:
        inside = sorted(itertools.islice((p for p in listed(folder) if p.is_dir()), FOLDERS))
        for place in (base / tail for tail in tails for base in (folder, *inside)):
            if place not in seen and place.exists():
                seen.add(place)
                yield place


def listed(folder: Path) -> Iterator[Path]:
    try:
        yield from (place for place in folder.iterdir() if not place.name.startswith("."))
    except OSError:
        return


def find(name: str, digest: str, where: Sequence[Path], digest_of: Callable[[Path], str]) -> tuple[Path | None, Path | None]:
    """The file of this digest, and one that is called so and holds something else."""
    other: Path | None = None
    for place in candidates(name, where):
        try:
            found = digest_of(place)
        except (LandscapeError, OSError):
            continue
        if found == digest or not digest:
            return place, other
        other = other or place
    return None, other


def checkpoint_digest(path: Path) -> str:
    from landscape_gui.checkpoint import read_checkpoint
    from landscape_gui.problem.locate import find_checkpoint

    return str(read_checkpoint(find_checkpoint(path)[0]).digest)


def file_digest(path: Path) -> str:
    import xxhash

    return xxhash.xxh3_128_hexdigest(path.read_bytes()) if path.is_file() else ""


def located(question: Mapping[str, Any], where: Sequence[Path], known: Mapping[str, str]) -> dict[str, Any]:
    """The question with the paths of the files that it names as they are here. known: digest -> path where it is known already.
    LandscapeError naming the file that is not found."""

    def locate(name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [locate(name, item) for item in value]
        if isinstance(value, dict) and "probe" in value:
            return located(value, where, known)
        if not isinstance(value, dict) or not {"path", "digest"} <= value.keys():
            return value
        digest, path = str(value["digest"]), str(value["path"])
        if digest in known:
            return {**value, "path": known[digest]}
        found, other = find(path, digest, where, file_digest if name.endswith("file") else checkpoint_digest)
        if found is None:
            raise not_found(path, digest, other)
        return {**value, "path": str(found)}

    return {name: locate(name, value) for name, value in question.items()}


def not_found(path: str, digest: str, other: Path | None) -> LandscapeError:
    there = f" {other} is called so and holds something else." if other is not None else ""
    return LandscapeError(
        f"{path} (digest {digest[:16] or 'unknown'}) is not beside the figure, in this folder or among the samples.{there}",
        remedy="Name it with --checkpoint PATH, or lay it beside the figure.",
    )
