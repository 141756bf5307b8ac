"""Tables of texts and their labels (CSV, TSV, Parquet, Arrow) for sequence classifiers."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_gui.errors import ProblemError
from landscape_gui.problem.arrow import IDS, is_arrow, pyarrow, tables_of
from landscape_gui.problem.raw import SPLITS, check_size, split_of
from landscape_gui.problem.settings import data_limit

SUFFIXES = frozenset({".csv", ".tsv"})
TEXTS = ("text", "sentence", "content", "review", "tweet", "document", "body", "premise", "question")
LABELS = ("label", "labels", "target", "class", "category", "sentiment", "y")


@dataclass(frozen=True)
class LabelledTexts:
    """One split: texts and their labels as they are written; columns: the two columns' names."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    columns: tuple[str, str]


def table_files(path: Path) -> list[Path]:
    """The tables that a path means: itself, or those of a folder that are called after a split (else its only one)."""
    if path.is_file():
        return [path] if path.suffix.lower() in SUFFIXES else []
    files = [p for p in sorted(path.iterdir()) if p.suffix.lower() in SUFFIXES and p.is_file()] if path.is_dir() else []
    named = [p for p in files if split_of(p.stem) in SPLITS.values()]
    return named or (files if len(files) == 1 else [])


def is_labelled(path: Path) -> bool:
    """Whether a path is a table, or a folder of them by split."""
    return bool(table_files(path)) or (path.exists() and is_arrow(path) and not _is_tokens(path))


def _is_tokens(path: Path) -> bool:
    """Whether it holds tokens already, as `datasets` keeps what was mapped through a tokeniser."""
    return all(IDS in table.column_names for table in tables_of(pyarrow(path), path, data_limit()).values())


def read_labelled_texts(path: Path, limit: int, target: str = "") -> dict[str, LabelledTexts]:
    """Every split's texts and labels. limit: bytes of a file at most; target: the labels' column, "" finds it.

    Raises ProblemError naming the row or column.
    """
    found: dict[str, LabelledTexts] = {}
    if not table_files(path):
        tables = tables_of(pyarrow(path), path, limit)
        return {split: _of_columns(path, table, target.partition(":")[0]) for split, table in tables.items()}
    for file in table_files(path):
        check_size(file, file.stat().st_size, limit, "of text")
        found[split_of(file.stem)] = _read(file, target.partition(":")[0])
    return found


def numbered(labels: Mapping[str, Sequence[str]], own: Mapping[str, int]) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    """Class numbers of every split's labels, and a note on how they were numbered.

    own: the network's numbers by name, which count where they name all labels (upper or lower case); whole numbers count as they
    are; other words are numbered in the order of the alphabet.
    """
    distinct = sorted({label for column in labels.values() for label in column})
    folded = {name.casefold(): number for name, number in own.items()}
    if all(label.isdecimal() for label in distinct):
        table, note = {label: int(label) for label in distinct}, "Labels are class numbers."
    elif own and all(label.casefold() in folded for label in distinct):
        table, note = {label: folded[label.casefold()] for label in distinct}, "Labels are numbered as config.json does."
    else:
        table = {label: i for i, label in enumerate(distinct)}
        listed = ", ".join(distinct[:6]) + (", ..." if len(distinct) > 6 else "")
        note = f"The labels ({listed}) were numbered 0 to {len(distinct) - 1} in this order; config.json does not name them."
    return {split: [table[label] for label in column] for split, column in labels.items()}, (note,)


def _read(path: Path, target: str) -> LabelledTexts:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    before = csv.field_size_limit(1 << 24)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            names = [name.strip() for name in next(rows, [])]
            text, label = _columns(path, names, target)
            texts, labels = [], []
            for line, row in enumerate(rows, 2):
                if not row:
                    continue
                if len(row) != len(names):
                    raise ProblemError(f"{path}, row {line} has {len(row)} values; {len(names)} were expected.")
                texts.append(row[text])
                labels.append(row[label].strip())
    except UnicodeDecodeError as error:
        raise ProblemError(f"{path} is no UTF-8 text: byte {error.start:,} is {error.object[error.start]:#04x}.") from error
    except csv.Error as error:
        raise ProblemError(f"{path} is no readable table: {error}.") from error
    finally:
        csv.field_size_limit(before)
    if not texts:
        raise ProblemError(f"{path} has no rows.")
    return LabelledTexts(tuple(texts), tuple(labels), (names[text], names[label]))


def _of_columns(path: Path, table: Any, target: str) -> LabelledTexts:
    names = list(table.column_names)
    text, label = _columns(path, names, target)
    columns = [["" if value is None else str(value) for value in table[names[i]].to_pylist()] for i in (text, label)]
    return LabelledTexts(tuple(columns[0]), tuple(columns[1]), (names[text], names[label]))


def _columns(path: Path, names: Sequence[str], target: str) -> tuple[int, int]:
    """Where text and label stand: by their usual names, else the two columns of a table of two."""
    lower = [name.lower() for name in names]
    text = next((lower.index(name) for name in TEXTS if name in lower), None)
    label = next((lower.index(name) for name in ((target.lower(),) if target else LABELS) if name in lower), None)
    if len(names) == 2 and (text is None) != (label is None):
        text, label = (1 - label, label) if label is not None else (text, 1 - text)  # type: ignore[operator]
    if text is None or label is None:
        raise ProblemError(
            f"{path} has the columns {', '.join(map(repr, names[:8])) or 'none'}.",
            remedy="A row of names with a column 'text' and a column 'label' was expected.",
        )
    return text, label
