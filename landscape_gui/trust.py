"""Which code of the user's own may run: SHA-256 digests of what was read and allowed, kept from one day to the next."""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs
from filelock import FileLock

from landscape_gui.whole_files import write_whole

FILE = "trusted.json"


def config_folder() -> Path:
    """Where settings live; LANDSCAPE_GUI_CONFIG overrides."""
    given = os.environ.get("LANDSCAPE_GUI_CONFIG", "")
    return Path(given) if given else Path(platformdirs.user_config_dir("landscape_gui", appauthor=False))


def is_trusted(digest: str) -> bool:
    """Whether code of this digest was allowed before. A trust file that cannot be read trusts nothing."""
    return digest in _read()


def remember_trust(digest: str, path: str = "") -> None:
    """Allow code of this digest from now on; `path` is kept for people who read the file."""
    folder = config_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{FILE}.lock"):
        entries = {**_read(), digest: path}
        write_whole(folder / FILE, json.dumps(entries, indent=1).encode())


def _read() -> dict[str, str]:
    try:
        content = json.loads((config_folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in content.items()} if isinstance(content, dict) else {}
