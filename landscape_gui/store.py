"""Answers by key: one finished answer is one HDF5 file that is written whole, never opened for writing again, checked when read.

A file is built in memory, written to a temporary name, flushed to the disk and renamed into place, so that a kill, a power cut or a
full disk leaves either the old state or the new one. The layout of a file is described in docs/store.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import xxhash
from filelock import FileLock

from landscape_gui import store_encoding, store_guard
from landscape_gui.errors import LandscapeError, StoreError
from landscape_gui.probes.base import Probe, question
from landscape_gui.question_words import asked_words, connected_words
from landscape_gui.results import Result
from landscape_gui.whole_files import write_whole

MAGIC = b"landscape_gui answer 1\n"
DIGEST = 32
"""Hexadecimal digits of xxh3-128, over everything in the file after them."""
KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class StoreEntry:
    """What the first bytes of a kept answer say of it. seconds: what it took to compute; size: bytes on the disk."""

    key: str
    probe: str
    title: str
    created: str
    seconds: float
    size: int
    fingerprint: str
    path: Path
    finished: bool = True
    done: float = 1.0
    total: float = 1.0
    asked: str = ""
    """The question in a few words: "51 × 51, filter, seed 0"."""
    part: bool = False
    """Asked by another question alone, not by a person."""


def key_of(probe: Probe, fingerprint: str) -> str:
    """The key of an answer, 32 hexadecimal digits: the same problem, probe, version and fields give the same key."""
    asked = {"fingerprint": fingerprint, "probe": probe.name, "version": probe.version, "question": question(probe)}
    return xxhash.xxh3_128_hexdigest(
        json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
    )


def pack(result: Result, *, finished: bool = True, done: float = 1.0, total: float = 1.0, part: bool = False) -> bytes:
    """The bytes of an answer's file: magic, checksum, summary as JSON, zeros up to 2,048 bytes, then ordinary HDF5."""
    where = result.provenance
    summary: dict[str, Any] = {
        "key": where.key,
        "probe": where.probe,
        "title": str(where.problem.get("title", ""))[:300],
        "created": where.created,
        "asked": ", ".join(filter(None, (connected_words(result), asked_words(where.question))))[:200],
        "seconds": where.seconds,
        "fingerprint": where.fingerprint,
        "finished": finished,
        "part": part,
        "done": float(done),
        "total": float(total),
    }
    data = store_encoding.to_bytes(result, summary)
    head = json.dumps(summary, ensure_ascii=True).encode() + b"\n"
    if len(MAGIC) + DIGEST + 1 + len(head) > store_encoding.USER_BLOCK:
        head = (
            json.dumps({**summary, "title": "", "fingerprint": where.fingerprint[:200], "probe": where.probe[:100]}).encode()
            + b"\n"
        )
    start = len(MAGIC) + DIGEST
    data[start : start + 1 + len(head)] = b"\n" + head
    data[: len(MAGIC)] = MAGIC
    data[len(MAGIC) : start] = xxhash.xxh3_128_hexdigest(memoryview(data)[start:]).encode()
    return bytes(data)


def is_whole(data: bytes) -> bool:
    """Whether the file is ours and its checksum is right."""
    start = len(MAGIC) + DIGEST
    return data.startswith(MAGIC) and xxhash.xxh3_128_hexdigest(memoryview(data)[start:]).encode() == data[len(MAGIC) : start]


def read_summary(path: Path) -> dict[str, Any] | None:
    """What the user block says, from the first 2,048 bytes alone; None where there is nothing sensible."""
    try:
        with path.open("rb") as file:
            block = file.read(store_encoding.USER_BLOCK)
        if not block.startswith(MAGIC):
            return None
        found = json.loads(block[len(MAGIC) + DIGEST :].split(b"\n")[1])
    except (OSError, ValueError, IndexError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_result(path: str | os.PathLike[str], result: Result) -> None:
    """Save an answer as an HDF5 file of its own, the store's layout; it opens anywhere, without the model or the data.

    Raises StoreError where it cannot be written; what was at `path` before is then untouched.
    """
    replace(Path(path), pack(result))


def read_result(path: str | os.PathLike[str]) -> Result:
    """The answer in a file that `write_result` or the store wrote; a stranger's file is read with care.

    Raises StoreError: no such file, no answer, damaged, or it refers outside itself or claims more than it holds.
    """
    try:
        data = store_guard.read_bytes(path)
    except LandscapeError as error:
        raise StoreError(error.message, remedy=error.remedy) from error
    if data.startswith(MAGIC) and not is_whole(data):
        raise StoreError(f"{path} is damaged: its checksum does not fit.", remedy="Copy it again, or compute the answer again.")
    try:
        store_guard.check_signature(path, data)
    except LandscapeError as error:
        raise StoreError(error.message, remedy=error.remedy) from error
    try:
        if not data.startswith(MAGIC):
            store_guard.try_apart(store_encoding.from_bytes, data)
        result: Result = store_encoding.from_bytes(data)
    except LandscapeError as error:
        raise StoreError(f"{path}: {error.message}", remedy=error.remedy) from error
    return result


def replace(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Write `data` to `path` so that at any moment either the old content or all of the new one is there. StoreError if not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data, temporary=temporary)
    except OSError as error:
        raise StoreError(
            f"{path.name} cannot be written to {path.parent}: {error.strerror or error}.",
            remedy="Free some space or choose another folder; with LANDSCAPE_GUI_CACHE for the store.",
        ) from error


class Store:
    """A folder of answers. Any number of processes may use it at once.

    folder: where; None: the environment's LANDSCAPE_GUI_CACHE, or else `answers` in the user's cache folder of this system.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        named = os.environ.get("LANDSCAPE_GUI_CACHE")
        default = Path(named) if named else Path(platformdirs.user_cache_dir("landscape_gui", appauthor=False)) / "answers"
        self.folder = Path(folder) if folder is not None else default

    def path(self, key: str) -> Path:
        """Where the finished answer lies or would lie."""
        return self.folder / f"{checked(key)}.h5"

    def partial_path(self, key: str) -> Path:
        return self.folder / f"{checked(key)}.partial.h5"

    def get(self, key: str) -> Result | None:
        """The finished answer, or None. A file whose checksum fails is set aside into `broken/`, unparsed."""
        return self._read(self.path(key))

    def put(self, key: str, result: Result, *, part: bool = False) -> None:
        """Keep a finished answer and drop its partial one. StoreError (full disk, no permission): nothing has changed.

        part: another question asked it; lists of answers leave it out.
        """
        self._write(key, self.path(key), pack(result, part=part))
        self.drop_partial(key)

    def partial(self, key: str) -> Result | None:
        """How far an unfinished answer has come, if anything of it was saved."""
        return self._read(self.partial_path(key))

    def put_partial(self, key: str, result: Result, *, done: float = 0.0, total: float = 1.0) -> None:
        """Keep what is known so far; replaces what was kept before. Raises StoreError."""
        self._write(key, self.partial_path(key), pack(result, finished=False, done=done, total=total))

    def drop_partial(self, key: str) -> None:
        with contextlib.suppress(OSError):
            self.partial_path(key).unlink(missing_ok=True)

    def remove(self, key: str) -> None:
        """Forget an answer, partial or finished."""
        self.path(key).unlink(missing_ok=True)
        self.drop_partial(key)

    def lock(self, key: str) -> FileLock:
        """The lock of one key, not yet acquired; whoever holds it computes the answer. A killed process holds none."""
        folder = self.folder / "locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder} cannot be made: {error.strerror or error}.", remedy="Set LANDSCAPE_GUI_CACHE.") from error
        return FileLock(folder / f"{checked(key)}.lock", thread_local=False)

    def entries(self, *, partial: bool = False) -> list[StoreEntry]:
        """Every kept answer, the newest first, from the first bytes of each file; `partial`: the unfinished ones too."""
        found = [entry for path in self._files() if (entry := entry_of(path)) and (partial or entry.finished)]
        return sorted(found, key=lambda e: e.created, reverse=True)

    def find(self, fingerprint: str) -> list[StoreEntry]:
        """The finished answers about one problem, the newest first."""
        return [entry for entry in self.entries() if entry.fingerprint == fingerprint]

    def verify(self) -> dict[str, str]:
        """Read every file whole. File name -> "ok" or what is wrong with it; broken ones are set aside."""
        report = {}
        for path in self._files():
            try:
                data = path.read_bytes()
                if is_whole(data):
                    store_encoding.from_bytes(data)
                    report[path.name] = "ok"
                else:
                    report[path.name] = f"broken: moved to {self._set_aside(path)}"
            except (OSError, StoreError) as error:
                report[path.name] = str(error)
        return report

    def clear(self) -> int:
        """Delete every answer, finished, partial and broken, and what killed programs left. Returns how many files went."""
        gone = 0
        patterns = ("*.h5", ".*.tmp", "broken/*", "locks/*.lock")
        for path in [p for pattern in patterns for p in self.folder.glob(pattern)]:
            with contextlib.suppress(OSError):
                path.unlink()
                gone += path.parent.name != "locks"
        return gone

    def _files(self) -> Iterator[Path]:
        with contextlib.suppress(OSError):
            yield from sorted(p for p in self.folder.glob("*.h5") if KEY.fullmatch(p.name.split(".")[0]))

    def _read(self, path: Path) -> Result | None:
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if not is_whole(data):
            self._set_aside(path)
            return None
        try:
            found: Result = store_encoding.from_bytes(data)
        except StoreError:  # whole, but of another version: left where it is until it is computed again
            return None
        return found

    def _write(self, key: str, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            for left in self.folder.glob(f".{path.name}.*.tmp"):  # of a killed process: only the lock's holder writes this key
                if left != temporary:
                    left.unlink(missing_ok=True)
        replace(path, data, temporary)

    def _set_aside(self, path: Path) -> str:
        target = self.folder / "broken" / f"{path.name}.{time.time_ns()}"
        with contextlib.suppress(OSError):
            target.parent.mkdir(exist_ok=True)
            os.replace(path, target)
        return f"{target.parent.name}/{target.name}"


def entry_of(path: Path) -> StoreEntry | None:
    summary = read_summary(path)
    if summary is None:
        return None
    try:
        return StoreEntry(
            key=path.name.split(".")[0],
            probe=str(summary.get("probe", "")),
            title=str(summary.get("title", "")),
            created=str(summary.get("created", "")),
            seconds=float(summary.get("seconds", 0.0)),
            size=path.stat().st_size,
            fingerprint=str(summary.get("fingerprint", "")),
            path=path,
            finished=bool(summary.get("finished", True)),
            done=float(summary.get("done", 1.0)),
            total=float(summary.get("total", 1.0)),
            asked=str(summary.get("asked", "")),
            part=bool(summary.get("part", False)),
        )
    except (OSError, TypeError, ValueError):
        return None


def checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise StoreError(f"{key[:60]!r} is no key of an answer.")
    return key
