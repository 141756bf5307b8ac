"""A run's folder while training writes into it: what is new, what is still being written, what has gone. From any thread.

Notifications of the file system miss network drives; a look costs one `stat` a file and reads headers only of what has changed.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from landscape_gui.errors import CheckpointError
from landscape_gui.run import SUBFOLDERS, Run, find_run, may_be_checkpoint, numbered_folders
from landscape_gui.run_log import LOGS

STILL = 1.0
"""Seconds for which size and time of a file must have stayed before it is read: a writer that flushes pauses for less."""
OLD = 5.0
"""A file that is older when it is first seen is not being written."""
LIVE = 60.0
"""A run into which something was written during the last so many seconds is going on."""
CARD = "landscape.json"
"""What a recorder writes first."""
BEGUN = 10.0
"""Seconds after its first checkpoint by which the rest that a run needs to be opened, its card and its data, is there."""

State = tuple[int, int]
"""Size and time of a file."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a look found. run: the newest one that is known, with checkpoints that are whole (None: none was there yet); changed:
    whether it differs from that of the look before; age: seconds since something was last written, infinite in an empty folder;
    waiting: names of files that are still being written; gone: labels of checkpoints that were taken away; trouble: a sentence
    where the folder cannot be looked into now."""

    run: Run | None = None
    changed: bool = False
    age: float = float("inf")
    waiting: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def live(self) -> bool:
        return self.age < LIVE


class Watch:
    """Looks into one folder again and again. clock, now: seconds of any clock that only goes forward, and of the calendar."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.folder = Path(folder)
        self._clock, self._now = clock, now
        self._states: dict[str, State] = {}
        self._since: dict[str, float] = {}
        self._signature: object = None
        self._written = float("-inf")
        self._run: Run | None = None

    def look(self) -> Seen:
        """What there is now. Raises nothing for what is in the folder or becomes of it."""
        at = self._clock()
        try:
            states = dict(files(self.folder))
        except OSError as error:
            return Seen(run=self._run, age=at - self._written, trouble=self._why(error))
        self._date(states, at)
        waiting = frozenset(p for p in states if at - self._since[p] < STILL and may_be_checkpoint(os.path.basename(p)))
        told: Seen = Seen(run=self._run, age=at - self._written, waiting=tuple(sorted(map(os.path.basename, waiting))))
        signature = states, waiting
        if signature == self._signature:
            return told
        self._signature = signature
        return self._read(told, waiting, states)

    def _why(self, error: OSError) -> str:
        if isinstance(error, FileNotFoundError):
            return f"{self.folder} is not there any more: what was read of it stays, and it is followed again once it is back."
        return f"{self.folder} cannot be listed: {error.strerror}."

    def _date(self, states: dict[str, State], at: float) -> None:
        """Since when each file is as it is, by this machine's clock: that of a file server may be minutes off."""
        first = self._signature is None
        for path, state in states.items():
            if self._states.get(path) == state:
                continue
            age = max(0.0, self._now() - state[1] / 1e9) if first else 0.0
            self._since[path] = at - age if age > OLD else at
            self._written = max(self._written, at - age)
        self._since = {path: self._since[path] for path in states}
        self._states = states

    def _read(self, told: Seen, waiting: frozenset[str], states: dict[str, State]) -> Seen:
        former = self._run
        try:
            run = find_run(self.folder, leaving=frozenset(map(Path, waiting)))
        except CheckpointError as error:
            return dataclasses.replace(told, trouble=error.message)
        if run is None:
            run = former
        elif former is not None and former.metrics and not run.metrics:
            run = dataclasses.replace(run, metrics=former.metrics)  # the log is just being written anew
        self._run = run
        here = {entry.path for entry in run.checkpoints} if run is not None else set()
        missing = [e for e in (former.checkpoints if former is not None else ()) if e.path not in here or not e.path.exists()]
        gone = tuple(entry.label for entry in missing if not entry.path.exists())
        return dataclasses.replace(told, run=run, changed=run != former, gone=gone)


def files(folder: Path) -> Iterator[tuple[str, State]]:
    """Every file that may belong to a run in the folder, with its size and time; those that begin with a dot are left out.
    Raises OSError where the folder itself cannot be listed."""
    yield from _files_in(folder)
    inside = [folder / name for name in SUBFOLDERS if (folder / name).is_dir()]
    for place in (*inside, *(folder / name for name in numbered_folders(folder))):
        try:
            yield from _files_in(place)
        except OSError:  # taken away meanwhile
            continue
    for log in LOGS if folder.name in SUBFOLDERS else ():
        try:
            found = (folder.parent / log).stat()
        except OSError:
            continue
        yield str(folder.parent / log), (found.st_size, found.st_mtime_ns)


def _files_in(folder: Path) -> Iterator[tuple[str, State]]:
    with os.scandir(folder) as listing:
        for item in listing:
            try:
                if item.name.startswith(".") or not item.is_file():
                    continue
                found = item.stat()
            except OSError:  # taken away meanwhile
                continue
            yield item.path, (found.st_size, found.st_mtime_ns)


def is_awaited(path: str | os.PathLike[str]) -> bool:
    """Whether a folder that does not open is one that training only begins to write into: nothing is there yet, or the first
    checkpoint came a moment ago, or none yet but within the last minute a run's card or its log."""
    folder = Path(path)
    try:
        found = dict(files(folder)) if folder.is_dir() else None
    except OSError:
        return False
    if found is None or any(item.is_dir() and item.name not in SUBFOLDERS for item in folder.iterdir()):
        return False
    if not found:
        return True
    first = [state[1] / 1e9 for name, state in found.items() if may_be_checkpoint(os.path.basename(name))]
    if first:
        return time.time() - min(first) < BEGUN
    told = [state[1] / 1e9 for name, state in found.items() if os.path.basename(name) in (CARD, *LOGS)]
    return bool(told) and time.time() - max(told) < LIVE
