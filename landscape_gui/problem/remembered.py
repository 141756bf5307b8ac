"""Which data and architecture a checkpoint goes with, and how data were read, from one day to the next: a JSON file of settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from landscape_gui.data_choice import DataChoice
from landscape_gui.trust import config_folder
from landscape_gui.whole_files import write_whole

FILE = "data.json"
MOST = 300
CHECKPOINTS, DATA, ARCHITECTURES = "checkpoints", "data", "architectures"


def remember(choice: DataChoice, checkpoint: str | Path = "") -> None:
    """Keep how these data are read and, where named, that the checkpoint goes with them; the oldest beyond `MOST` are forgotten."""
    with _changing() as content:
        _put(content[DATA], _key(choice.path), choice.as_json())
        if checkpoint:
            _put(content[CHECKPOINTS], _key(checkpoint), choice.as_json())


def remember_architecture(digest: str, name: str, path: str | Path = "") -> None:
    """Keep which architecture was chosen for tensors of this digest, wherever their file lies; `path` is kept for people who read
    the settings."""
    with _changing() as content:
        _put(content[ARCHITECTURES], digest, {"name": name, "path": str(path)})


def architecture_for(digest: str) -> str:
    """The architecture that was chosen for tensors of this digest; "" where none was."""
    found = _read()[ARCHITECTURES].get(digest)
    name = found.get("name") if isinstance(found, dict) else None
    return name if isinstance(name, str) else ""


@contextmanager
def _changing() -> Iterator[dict[str, dict[str, Any]]]:
    """What was kept, to be changed; written back whole."""
    folder = config_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{FILE}.lock"):
        content = _read()
        yield content
        write_whole(folder / FILE, json.dumps(content, indent=1).encode())


def choice_for_data(path: str | Path) -> DataChoice | None:
    """How these data were read last; None where they never were."""
    return DataChoice.from_json(_read()[DATA].get(_key(path)))


def choice_for_checkpoint(path: str | Path) -> DataChoice | None:
    """The data that the checkpoint was opened with last, where they are still there."""
    return _still_there(_read()[CHECKPOINTS].get(_key(path)))


def choice_beside(path: str | Path) -> DataChoice | None:
    """The data of the checkpoint in the same folder that was opened last: to be offered, not taken unasked."""
    folder = Path(_key(path)).parent
    beside = [value for key, value in _read()[CHECKPOINTS].items() if Path(key).parent == folder]
    return _still_there(beside[-1]) if beside else None


def _still_there(content: Any) -> DataChoice | None:
    choice = DataChoice.from_json(content)
    return choice if choice is not None and Path(choice.path).expanduser().exists() else None


def _put(entries: dict[str, Any], key: str, value: dict[str, Any]) -> None:
    entries.pop(key, None)
    entries[key] = value
    for oldest in list(entries)[: max(0, len(entries) - MOST)]:
        del entries[oldest]


def _key(path: str | Path) -> str:
    return str(Path(path).expanduser().resolve())


def _read() -> dict[str, dict[str, Any]]:
    """What was kept; a file that cannot be read keeps nothing."""
    try:
        content = json.loads((config_folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = {}
    found = content if isinstance(content, dict) else {}
    return {part: found[part] if isinstance(found.get(part), dict) else {} for part in (CHECKPOINTS, DATA, ARCHITECTURES)}
