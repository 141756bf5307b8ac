"""What a process says when it dies of a signal: where each of its threads stood, in a file of its own that the next start finds.

While the window runs, `running-PID.txt` in the log folder is open and holds a line about the program; a crash adds the trace. The
next start removes what holds no trace, and renames what does to `crash-DATE.txt`, so that it is told once.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

import platformdirs
from filelock import FileLock, Timeout

KEPT = 5
"""Traces that stay; older ones are removed."""
ENDED = "The window was closed."
"""Written when all went well. On Windows a trace may stand before it: of an exception that something else took care of."""
MOST = 1 << 20
"""Bytes of a file that are read."""


def log_folder() -> Path:
    """Where traces are kept; LANDSCAPE_GUI_LOG overrides."""
    given = os.environ.get("LANDSCAPE_GUI_LOG", "")
    return Path(given) if given else platformdirs.user_log_path("landscape_gui", appauthor=False)


def traces() -> list[Path]:
    """The traces that are kept, oldest first."""
    with contextlib.suppress(OSError):
        return sorted(log_folder().glob("crash-*.txt"))
    return []


@dataclass(frozen=True, kw_only=True)
class Crash:
    """An earlier process that died: the file, and what it says."""

    path: Path
    trace: str


class CrashLog:
    """Made at the start: `crashes` are those of earlier processes that nobody was told of, oldest first.

    Nothing is written where the folder cannot be, or where Python was already told where to write (`-X faulthandler`).
    """

    def __init__(self) -> None:
        self.crashes: list[Crash] = []
        self._file: TextIO | None = None
        self._lock: FileLock | None = None
        with contextlib.suppress(OSError, NotImplementedError):  # a full disk or a system without locks keeps no window shut
            log_folder().mkdir(parents=True, exist_ok=True)
            self.crashes = list(found_crashes(log_folder()))
            for old in traces()[:-KEPT]:
                old.unlink(missing_ok=True)
            if not faulthandler.is_enabled():
                self._begin(log_folder() / f"running-{os.getpid()}.txt")

    def _begin(self, path: Path) -> None:
        self._lock = FileLock(lock_of(path))
        self._lock.acquire(timeout=0)
        self._file = path.open("w", encoding="utf-8")
        self._file.write(f"{about()}\n")
        self._file.flush()
        faulthandler.enable(self._file, all_threads=True)

    def end(self) -> None:
        """The window was closed. A crash while Python itself ends is still written."""
        if self._file is not None:
            self._file.write(f"{ENDED}\n")
            self._file.flush()


def about() -> str:
    """One line: when, and the versions that a trace is of."""
    names = ("PySide6-Essentials", "torch", "vispy", "pyqtgraph", "h5py", "numpy")
    versions = []
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    from landscape_gui import __version__

    when = datetime.now().astimezone().isoformat(timespec="seconds")
    system = f"Python {platform.python_version()}, {sys.platform}"
    return f"landscape_gui {__version__}, {when}, {system}, {', '.join(versions)}"


def found_crashes(folder: Path) -> Iterator[Crash]:
    """Clears away what processes that live no more have left, and gives those that died."""
    for path in sorted(folder.glob("running-*.txt"), key=lambda p: p.stat().st_mtime):
        with contextlib.suppress(Timeout, OSError), FileLock(lock_of(path)).acquire(timeout=0):
            text = path.read_bytes()[:MOST].decode("utf-8", "replace")
            if died(text):
                yield Crash(path=renamed(path), trace=text)
            else:
                path.unlink()
            lock_of(path).unlink(missing_ok=True)


def died(text: str) -> bool:
    """Whether a trace follows on the line about the program or, where that is there, on the one about the window's end."""
    _, closed, after = text.rpartition(f"{ENDED}\n")
    return bool((after if closed else text.partition("\n")[2]).strip())


def renamed(path: Path) -> Path:
    when = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d-%H%M%S")
    target = path.with_name(f"crash-{when}-{path.stem.removeprefix('running-')}.txt")
    return path.replace(target)


def lock_of(path: Path) -> Path:
    """Held for as long as the process that writes the file lives."""
    return path.with_suffix(".lock")
