"""A progress bar and tables for a terminal; nothing where the output is a pipe or a file."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO

EIGHTHS = " ▏▎▍▌▋▊▉█"


class ProgressBar:
    """One line on a terminal, rewritten at most ten times a second: a bar, per cent, the time left, a note."""

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.shown = self.stream.isatty()
        self.label = label
        self.fraction = 0.0
        self._started = time.monotonic()
        self._first: float | None = None
        self._drawn = 0.0

    def update(self, fraction: float, note: str = "") -> None:
        """`fraction` in [0, 1] is done. The first call is where a resumed answer starts: the time left counts from there."""
        now = time.monotonic()
        self.fraction = min(max(fraction, 0.0), 1.0)
        if self._first is None:
            self._first, self._started = self.fraction, now
        if self.shown and (now - self._drawn >= 0.1 or fraction >= 1):
            self._drawn = now
            self._draw(self.line(now - self._started, note))

    def line(self, elapsed: float, note: str = "") -> str:
        gained = self.fraction - (self._first or 0.0)
        left = duration(elapsed * (1 - self.fraction) / gained) + " left" if gained > 0 and elapsed > 0.3 else ""
        parts = [self.label, bar(self.fraction, 24), f"{self.fraction:4.0%}", left, note]
        return "  ".join(part for part in parts if part)

    def close(self) -> None:
        """Take the line away."""
        if self.shown and self._drawn:
            self._draw("")

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self.stream.write("\r\x1b[2K" + text[:width])
        self.stream.flush()


def bar(fraction: float, width: int) -> str:
    full, part = divmod(round(fraction * width * 8), 8)
    return ("█" * full + (EIGHTHS[part] if part else "")).ljust(width, "·")


def duration(seconds: float) -> str:
    """0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Columns as wide as their widest cell; those in `right` flush right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return "\n".join(
        "  ".join(
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def plain(text: object, limit: int = 200) -> str:
    """What a file says of itself, safe to print: control characters written out, cut to `limit` characters."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text)[: limit + 1])
    return safe if len(safe) <= limit else safe[:limit] + "..."
