"""What a training run wrote down itself: the rows of the log beside its checkpoints; of one that has grown, what is new is read."""

from __future__ import annotations

import csv
import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

LogRow = Mapping[str, float | str]

LOGS = ("metrics.json", "history.json", "log.json", "metrics.jsonl", "log.jsonl", "metrics.csv", "log.csv", "history.csv")
MOST_BYTES = 16 << 20
KEPT = 4
"""Logs that are kept in memory, with the rows that were read of them."""


@dataclass(frozen=True, kw_only=True)
class Log:
    """rows: values that are numbers as float; notes: sentences on what of it could not be read."""

    rows: tuple[LogRow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was read of a file. stamp: its identity, time and size then; whole: bytes up to the end of its last whole line, and
    digest: of these; rows, torn: of these lines alone."""

    stamp: tuple[int, int, int]
    log: Log
    whole: int = 0
    digest: str = ""
    rows: tuple[LogRow, ...] = ()
    torn: int = 0


_known: OrderedDict[str, Known] = OrderedDict()
_lock = threading.Lock()


def read_log(folder: Path, around: tuple[Path, ...] = ()) -> Log:
    """The first log in the folder, or else in one of those `around` it, that is there and can be read; a broken log is no reason
    not to open the run. A log that has only grown costs its new lines and a digest of the others."""
    said: list[str] = []
    for name in LOGS:
        for place in (folder / name, *(other / name for other in around)):
            try:
                found = _read(place)
            except (OSError, ValueError, RecursionError, csv.Error):
                continue
            said += found.notes
            if found.rows:
                return Log(rows=found.rows, notes=tuple(said))
    return Log(notes=tuple(said))


def _read(path: Path) -> Log:
    status = path.stat()
    if not path.is_file():
        return Log()
    if status.st_size > MOST_BYTES:
        return Log(notes=(f"{path.name} is larger than {MOST_BYTES >> 20} MB and was not read.",))
    stamp, key = (status.st_ino, status.st_mtime_ns, status.st_size), os.path.abspath(path)
    with _lock:
        known = _known.get(key)
    if known is None or known.stamp != stamp:
        known = _parse_lines(path, stamp, known) if path.suffix == ".jsonl" else Known(stamp=stamp, log=Log(rows=_parse(path)))
    with _lock:
        _known[key] = known
        _known.move_to_end(key)
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return known.log


def _parse_lines(path: Path, stamp: tuple[int, int, int], before: Known | None) -> Known:
    """The objects of JSON lines, those read before kept where they are still there. A last one without its line feed that is none
    is still being written, or was torn by a crash; others that are none were torn by one that training went on after."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    start, torn = 0, 0
    rows: tuple[LogRow, ...] = ()
    if before is not None and 0 < before.whole <= end and xxhash.xxh3_64_hexdigest(data[: before.whole]) == before.digest:
        start, rows, torn = before.whole, before.rows, before.torn
    more, broken = _objects(data[start:end])
    rows, torn = (*rows, *rows_of(more)), torn + broken
    last = rows_of(_objects(data[end:])[0])
    lines = f"{torn} lines that are" if torn != 1 else "A line that is"
    notes = (f"{lines} no JSON left out of {path.name}.",) if torn else ()
    return Known(
        stamp=stamp,
        log=Log(rows=(*rows, *last), notes=notes),
        whole=end,
        digest=xxhash.xxh3_64_hexdigest(data[:end]),
        rows=rows,
        torn=torn,
    )


def _objects(data: bytes) -> tuple[list[Any], int]:
    """The objects of lines, and how many lines are none."""
    found, broken = [], 0
    for line in data.decode("utf-8", errors="replace").split("\n"):
        try:
            if line.strip():
                found.append(json.loads(line))
        except (ValueError, RecursionError):
            broken += 1
    return found, broken


def _parse(path: Path) -> tuple[LogRow, ...]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".csv":
        return rows_of(list(csv.DictReader(text.splitlines())))
    value = json.loads(text)
    if isinstance(value, dict):
        columns = {key: column for key, column in value.items() if isinstance(column, list)}
        lists_of_rows = [column for column in columns.values() if column and isinstance(column[0], dict)]
        if lists_of_rows:
            value = lists_of_rows[0]
        else:
            value = [{key: column[i] for key, column in columns.items() if i < len(column)} for i in range(_longest(columns))]
    return rows_of(value)


def _longest(columns: Mapping[str, list[Any]]) -> int:
    return max((len(column) for column in columns.values()), default=0)


def rows_of(value: Any) -> tuple[LogRow, ...]:
    """Rows of a list: what of each is a number or text."""
    if not isinstance(value, list):
        return ()
    rows = [{str(key): _cell(item) for key, item in row.items() if _is_cell(item)} for row in value if isinstance(row, dict)]
    return tuple(row for row in rows if row)


def _is_cell(item: Any) -> bool:
    return isinstance(item, int | float) or (isinstance(item, str) and item.strip() != "")


def _cell(item: Any) -> float | str:
    """A number where it reads as one, else the text, cut."""
    try:
        return float(item)
    except (ValueError, OverflowError):
        return str(item)[:200] if isinstance(item, str) else math.inf
