"""Tables, of CSV files or other origin, as inputs and targets: the column named, or one called so, or the last is the target."""

from __future__ import annotations

import csv
import itertools
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from torch import Tensor

from landscape_gui.errors import ProblemError
from landscape_gui.problem.raw import Raw, Reading, check_size, in_order, split_of

SUFFIXES = frozenset({".csv", ".tsv"})
USUAL = ("label", "labels", "target", "targets", "class", "y")
MOST_CLASSES = 1000
SNIFFED = 200
"""Rows that tell which columns hold words."""
PIXEL_COLUMNS = 64
"""So many columns of whole numbers from 0 to 255 are taken for pixels."""

Numbers = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Table:
    """Columns by name, each numbers (n,) float64 or words; where: what a sentence calls it."""

    where: str
    columns: Mapping[str, Numbers | Sequence[str]]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def read_csv(path: Path, reading: Reading) -> Raw:
    """A CSV or TSV file, or a folder of them by split. Raises ProblemError naming line and column."""
    files = [path] if path.is_file() else table_files(path)
    name, _, kind = reading.target.partition(":")
    tables: dict[str, Table] = {}
    for file in files:
        split = split_of(file.stem)
        if split in tables:
            raise ProblemError(
                f"{path} has two files for the split {split}: {file.name} is the second.", remedy="Give one of them."
            )
        check_size(file, file.stat().st_size, reading.limit, "of text")
        tables[split] = _table(file, name, reading.limit)
    return columns_as_data(path, tables, name, kind, "csv")


def table_files(folder: Path) -> list[Path]:
    """The tables of a folder; of several, those that are called after a split."""
    files = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in SUFFIXES and p.is_file()]
    named = [p for p in files if split_of(p.stem, "")]
    return named or (files if len(files) == 1 else [])


def columns_as_data(path: Path, tables: Mapping[str, Table], name: str, kind: str, form: str) -> Raw:
    """Inputs float32 (n, columns) and targets: classes int64 (n,), or numbers float32 (n, 1).

    name: the target's column ("": one called label, target, class or y, else the last); kind: "class" or "number" ("": words, and
    few whole numbers from 0 or 1, are classes). Categories are numbered in the order of their names, the same in all splits.
    """
    first = next(iter(tables.values()))
    names = list(first.columns)
    for table in tables.values():
        if list(table.columns) != names:
            raise ProblemError(
                f"{table.where} has other columns than {first.where}.", remedy="Splits of one data set have the same columns."
            )
    target = _target_column(first.where, names, name)
    if len(names) < 2:
        raise ProblemError(f"{first.where} has one column; inputs and a target were expected.")
    features = [n for n in names if n != target]
    codes, classes, note = _targets([t.columns[target] for t in tables.values()], f"{first.where}, column {target!r}", kind)
    splits = {split: (_inputs(table, features), y) for (split, table), y in zip(tables.items(), codes, strict=True)}
    notes = [f"The target is the column {target!r}; the other {len(features)} are the inputs.", note]
    if len(features) >= PIXEL_COLUMNS and all(_are_bytes(x) for x, _ in splits.values()):
        splits = {split: (x.to(torch.uint8), y) for split, (x, y) in splits.items()}
    about = {"kind": form, "target": target, "columns": features[:1000], "classes": classes}
    return Raw({split: splits[split] for split in in_order(splits)}, about, tuple(n for n in notes if n))


def _inputs(table: Table, features: Sequence[str]) -> Tensor:
    parts = []
    for name in features:
        column = table.columns[name]
        if not isinstance(column, np.ndarray):
            raise ProblemError(
                f"{table.where}, column {name!r} holds words ({str(column[0])[:40]!r}), which are no input of a network.",
                remedy="Leave it out or encode it as numbers; name the target with --target COLUMN if it is this one.",
            )
        parts.append(column.astype(np.float32))
    return torch.from_numpy(np.stack(parts, 1))


def _are_bytes(x: Tensor) -> bool:
    return bool(((x >= 0) & (x <= 255) & (x == x.round())).all()) and bool((x > 127).any())


def _target_column(where: str, names: Sequence[str], wanted: str) -> str:
    if wanted and wanted not in names:
        listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise ProblemError(f"{where} has no column {wanted!r}.", remedy=f"Its columns are {listed}.")
    return wanted or next((n for usual in USUAL for n in names if n.strip().lower() == usual), names[-1])


def _targets(columns: Sequence[Any], where: str, kind: str) -> tuple[list[Tensor], list[str], str]:
    """Targets of each split, names of the classes (empty for numbers), and what was made of them."""
    if kind not in ("", "class", "number"):
        raise ProblemError(f"The target's kind is {kind!r}.", remedy="Write COLUMN:class or COLUMN:number.")
    if any(not isinstance(column, np.ndarray) for column in columns):
        if kind == "number":
            raise ProblemError(f"{where} holds words, not numbers.")
        return _classes([[str(v) for v in c] for c in columns], where, "words")
    values = np.concatenate(columns)
    distinct = np.unique(values)
    whole = bool(np.isfinite(values).all() and (values == values.round()).all())
    few = whole and len(distinct) <= MOST_CLASSES and 0 <= distinct[0] <= 1 and distinct[-1] - distinct[0] < 2 * len(distinct)
    if kind == "number" or (not kind and not few):
        return (
            [torch.from_numpy(c.astype(np.float32))[:, None] for c in columns],
            [],
            "The target is a number (mean squared error).",
        )
    if not whole:
        raise ProblemError(f"{where} holds numbers that are not whole, so no classes.")
    if distinct[0] == 0 and distinct[-1] - distinct[0] < 2 * len(distinct):
        said = f"The target's whole numbers, 0 to {int(distinct[-1])}, are class indices."
        return [torch.from_numpy(c.astype(np.int64)) for c in columns], [], said
    return _classes([[f"{v:.0f}" for v in c] for c in columns], where, "whole numbers")


def _classes(columns: Sequence[Sequence[str]], where: str, what: str) -> tuple[list[Tensor], list[str], str]:
    names = sorted(
        set(itertools.chain.from_iterable(columns)), key=lambda n: (0, float(n), n) if what == "whole numbers" else (1, 0.0, n)
    )
    if len(names) > MOST_CLASSES:
        raise ProblemError(f"{where} holds {len(names):,} different {what}; at most {MOST_CLASSES:,} classes are told apart.")
    numbers = {name: i for i, name in enumerate(names)}
    listed = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    note = f"The target's {what} ({listed}) were numbered 0 to {len(names) - 1} in this order."
    return [torch.tensor([numbers[v] for v in c]) for c in columns], names, note


def _table(path: Path, target: str, limit: int) -> Table:
    words: frozenset[int] = frozenset()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(path, file)
            head = list(itertools.islice(_rows(path, file, delimiter), SNIFFED + 1))
            names, skip = _names(path, head)
            words = frozenset(
                i for row in head[skip:] for i, cell in enumerate(row[: len(names)]) if not _is_number(cell) and cell.strip()
            )
            file.seek(0)
            return _filled(path, itertools.islice(_rows(path, file, delimiter), skip, None), names, words, limit, skip)
    except UnicodeDecodeError as error:
        raise ProblemError(f"{path} is no UTF-8 text: byte {error.start:,} is {error.object[error.start]:#04x}.") from error
    except csv.Error as error:
        raise ProblemError(f"{path} is no readable table: {error}.") from error


def _rows(path: Path, file: TextIO, delimiter: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(file, delimiter=delimiter) if row)


def _delimiter(path: Path, file: TextIO) -> str:
    line = file.readline(1 << 20)
    file.seek(0)
    if not line.strip():
        raise ProblemError(f"{path} begins with an empty line; a row of names or numbers was expected.")
    return max((",", "\t", ";", "|"), key=line.count)


def _names(path: Path, head: Sequence[Sequence[str]]) -> tuple[list[str], int]:
    """The columns' names, and 1 where the first row is theirs: it has words above numbers, or nothing but words."""
    if not head or (len(head) == 1 and not any(_is_number(cell) for cell in head[0])):
        raise ProblemError(f"{path} has no rows of values.")
    first, second = head[0], head[1] if len(head) > 1 else []
    over = any(not _is_number(a) and _is_number(b) for a, b in zip(first, second, strict=False))
    if not over and any(_is_number(cell) for cell in first):
        return [f"column {i + 1}" for i in range(len(first))], 0
    names = [cell.strip() or f"column {i + 1}" for i, cell in enumerate(first)]
    twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if twice is not None:
        raise ProblemError(f"{path} has two columns called {twice!r}.")
    return names, 1


def _filled(path: Path, rows: Iterator[list[str]], names: list[str], words: frozenset[int], limit: int, skip: int) -> Table:
    """The columns, read row by row: those in `words` as text, the others as numbers."""
    numeric = [i for i in range(len(names)) if i not in words]
    numbers, texts = array("d"), {i: list[str]() for i in words}
    for line, row in enumerate(rows, skip + 1):
        if len(row) != len(names):
            raise ProblemError(f"{path}, row {line} has {len(row)} values; {len(names)} were expected.")
        try:
            numbers.extend([float(row[i]) for i in numeric])
        except ValueError:
            wrong = next(i for i in numeric if not _is_number(row[i]))
            found = f"{row[wrong][:40]!r}, which is no number" if row[wrong].strip() else "nothing"
            raise ProblemError(
                f"{path}, row {line}, column {names[wrong]!r} holds {found}.", remedy="Mend the row or leave it out."
            ) from None
        for i in words:
            texts[i].append(row[i].strip())
        if len(numbers) * 8 > limit:
            check_size(path, len(numbers) * 8, limit)
    grid = np.frombuffer(numbers, np.float64).reshape(-1, len(numeric)) if numeric else np.zeros((len(texts[0]), 0))
    columns = {name: texts[i] if i in words else grid[:, numeric.index(i)] for i, name in enumerate(names)}
    return Table(str(path), _without_index(columns, names))


def _without_index(columns: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Without a nameless first column that only counts the rows."""
    first = columns[names[0]]
    counts = names[0] in ("column 1", "Unnamed: 0") and isinstance(first, np.ndarray) and len(columns) > 2 and len(first) > 1
    if counts and np.array_equal(first, np.arange(len(first))) and names[1] != "column 2":
        return {name: columns[name] for name in names[1:]}
    return columns


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
