"""The Python files below a folder, found without following links and without looking through everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

MOST_ENTRIES = 20_000
DEPTH = 8
OTHERS = frozenset({"node_modules", "site-packages", "dist-packages", "venv", "env", "build", "dist"})
"""Folders of a project that hold others' code, or copies."""


def python_files(folder: Path, *, skipping: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The plain .py files below a folder, its own first, then by name; hidden folders, environments and those called as in
    `skipping` are left out. Stops after 20,000 entries."""
    seen = 0
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = (
            sorted(name for name in folders if name not in skipping and _counts(Path(place) / name)) if depth < DEPTH else []
        )
        seen += len(files) + len(folders)
        yield from (path for name in sorted(files) if name.endswith(".py") and os.path.isfile(path := Path(place) / name))
        if seen > MOST_ENTRIES:
            return


def _counts(folder: Path) -> bool:
    return not folder.name.startswith(".") and folder.name != "__pycache__" and not os.path.isfile(folder / "pyvenv.cfg")
