"""landscape.json: what a checkpoint is, where its data are, how it was trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landscape_gui.errors import ProblemError

NAME = "landscape.json"
LARGEST = 1 << 20
TEXTS = ("title", "summary", "loss", "licence")
MAPPINGS = ("architecture", "training", "metrics", "defaults")
DATA = frozenset({"file", "name", "normalise", "size", "resize", "target", "block", "examples", "licence", "source"})


@dataclass(frozen=True)
class Card:
    """A card's content, checked. data: `file` (relative to the card), `normalise`, `size`, `resize`, `target`, `block`,
    `examples`, `name`, `licence`; empty where none."""

    path: Path | None = None
    title: str = ""
    summary: str = ""
    architecture: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    loss: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""

    @property
    def data_path(self) -> Path | None:
        """Where the data are, resolved against the card's folder."""
        if "file" not in self.data or self.path is None:
            return None
        return (self.path.parent / str(self.data["file"])).resolve()


def read_card(path: Path) -> Card:
    """The card in a file. Raises ProblemError: not JSON, an unknown entry, or one of a wrong kind, named with what was expected.

    Entries that begin with an underscore are comments.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ProblemError(f"{path} is larger than {LARGEST:,} bytes; that is no card.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProblemError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ProblemError(
            f"{path} is no JSON: {error}.", remedy="Mend it, or take it away to open the checkpoint without it."
        ) from error
    if not isinstance(content, dict):
        raise ProblemError(f"{path} holds a {type(content).__name__}; an object with architecture, data and so on was expected.")
    entries = {key: value for key, value in content.items() if not key.startswith("_")}
    known = {*TEXTS, *MAPPINGS, "data"}
    unknown = sorted(set(entries) - known)
    if unknown:
        raise ProblemError(f"{path} has the unknown entry {unknown[0]!r}.", remedy=f"Known are {', '.join(sorted(known))}.")
    _check_kinds(path, entries)
    entries["data"] = _read_data(path, entries.get("data", {}))
    return Card(path=path, **entries)


def _check_kinds(path: Path, entries: Mapping[str, Any]) -> None:
    for names, kind, word in ((TEXTS, str, "a text"), (MAPPINGS, dict, "an object")):
        for name in names:
            if name in entries and not isinstance(entries[name], kind):
                raise ProblemError(f"In {path}, {name} is {entries[name]!r}; {word} was expected.")


def _read_data(path: Path, data: Any) -> dict[str, Any]:
    if isinstance(data, str):
        return {"file": data}
    if not isinstance(data, dict):
        raise ProblemError(f"In {path}, data is {data!r}; an object with file was expected.")
    unknown = sorted(set(data) - DATA)
    if unknown:
        raise ProblemError(f"In {path}, data has the unknown entry {unknown[0]!r}.", remedy=f"Known are {', '.join(sorted(DATA))}.")
    if data and not isinstance(data.get("file"), str):
        raise ProblemError(
            f"In {path}, data has no file.", remedy='Write "data": {"file": "digits.npz"}; the path is relative to the card.'
        )
    return data
