"""The log of a recorded run: one JSON object a line, appended in whole lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

MOST_WAITING = 8 << 20
"""Bytes of lines that wait for a full disk; older ones are dropped then."""

Row = dict[str, Any]
ENCODE = json.JSONEncoder(ensure_ascii=False).encode


class Log:
    """Appends rows. Each call writes its lines at once; where that fails part of them is taken back, and they wait for the next.

    A reader that follows the file sees whole lines, but for a last one that a crash or its own timing has torn: one that ends in no
    line feed, which it leaves for later. `waiting`: bytes that are not in the file yet; dropped: lines that were given up.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._waiting: list[bytes] = []
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return sum(map(len, self._waiting))

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows. Raises OSError where they could not be; they are kept for the next call then."""
        self._waiting += [line_of(row) for row in rows]
        while self.waiting > MOST_WAITING:
            self._waiting.pop(0)
            self.dropped += 1
        content = b"".join(self._waiting)
        if not content:
            return
        size = os.fstat(self._file).st_size
        try:
            written = 0
            while written < len(content):
                written += os.write(self._file, content[written:])
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self._waiting.clear()

    def force(self) -> None:
        """Force what is written to the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def line_of(row: Mapping[str, Any]) -> bytes:
    """A row as a line. NaN and infinities stand as Python, NumPy and pandas read them: NaN, Infinity."""
    return ENCODE(row).encode() + b"\n"


def rows_in(path: Path) -> Iterator[Row]:
    """The rows of a log, without a torn last line; nothing where there is no log."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # written by something else
            continue
        if isinstance(row, dict):
            yield row


def mend(path: Path) -> None:
    """Take away what follows the last line feed: a line that a crash has torn."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
