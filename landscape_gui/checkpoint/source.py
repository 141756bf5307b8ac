"""The files that one checkpoint is read from: opened when first asked for, and whether they changed meanwhile."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, cast

from landscape_gui.checkpoint.limits import HALF, Broken, shown

State = tuple[int, int, int]
OPEN = 256
"""Files held open at once; systems allow about a thousand to a process."""


class Source:
    """A file, and those beside it that it names. Use it in a `with` statement: leaving closes them all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: dict[str, BinaryIO] = {}
        self._states: dict[str, State] = {}

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._open.values():
            file.close()

    def file(self, name: str = "") -> BinaryIO:
        """The file of this name in the folder ("": the one that was opened), unbuffered. Raises Broken, OSError.

        It may be closed once `OPEN` others have been asked for.
        """
        if name not in self._open:
            while len(self._open) >= OPEN:
                self._open.pop(next(iter(self._open))).close()
            file = self._open[name] = open_plain(self._place(name))
            self._states.setdefault(name, state_of(os.fstat(file.fileno())))
        return self._open[name]

    def size(self, name: str = "") -> int:
        """Bytes of that file when it was first opened."""
        self.file(name)
        return self._states[name][0]

    @property
    def unchanged(self) -> bool:
        """Whether every file that was opened is still the same, by size, time and identity."""
        now = all(state_of(os.fstat(file.fileno())) == self._states[name] for name, file in self._open.items())
        return now and all(state_of(os.stat(self._place(name))) == state for name, state in self._states.items())

    def _place(self, name: str) -> Path:
        return self.path.parent / plain_name(name) if name else self.path


def plain_name(name: Any) -> str:
    """The name of a file in the same folder, as one file may give it of another; Broken for whatever leads elsewhere."""
    if not isinstance(name, str) or not 0 < len(name) <= 255 or name in (".", "..") or set(name) & set("/\\\0:"):
        raise Broken(f"it names the file {shown(name)}, which is not one beside it", "Do not trust where it comes from.")
    return name


def state_of(status: os.stat_result) -> State:
    """Size, time of change and identity."""
    return status.st_size, status.st_mtime_ns, status.st_ino


def status(path: Path) -> os.stat_result:
    """Size and times of the file, links followed."""
    try:
        return path.stat()
    except ValueError:
        raise Broken("no file can have such a name") from None


def open_plain(path: Path) -> BinaryIO:
    """The file, unbuffered; a folder, a pipe or a device is refused before it could block."""
    _check_plain(status(path).st_mode)
    file = cast(BinaryIO, open(path, "rb", buffering=0, opener=_open_at_once))  # noqa: SIM115
    try:
        _check_plain(os.fstat(file.fileno()).st_mode)
    except Broken:
        file.close()
        raise
    return file


def _check_plain(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise Broken("it is a folder", "Open a file in it, or the folder as a run.")
    if not stat.S_ISREG(mode):
        raise Broken("it is not a plain file")


def _open_at_once(path: str, flags: int) -> int:
    """Never waits, not even for a pipe that took the file's place since it was looked at."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Window(io.RawIOBase):
    """The `size` bytes from `start` of another file, read as a file of their own."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: max(0, self._size - self._at)]
        self._file.seek(self._start + self._at)
        count: int = self._file.readinto(view) or 0  # type: ignore[attr-defined]
        self._at += count
        return count


def read_at(file: BinaryIO, start: int, count: int) -> bytes:
    """Exactly `count` bytes from `start`, or Broken."""
    file.seek(start, os.SEEK_SET)
    pieces: list[bytes] = []
    while count > 0:
        piece = file.read(count)
        if not piece:
            raise Broken("it ends before its own data does", HALF)
        pieces.append(piece)
        count -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
