"""The numbers of one answer as text: for a spreadsheet (tab-separated) and for a paper or an issue (Markdown)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from landscape_gui.export.rounding import rounded
from landscape_gui.results import Number

SHORT = {"standard error": "s.e.", "bound": "bound", "exact": ""}
"""The kinds of errors as they stand beside a number; another kind stands as it is."""


def value_text(number: Number) -> str:
    """ "18.343 ± 0.012 nat"."""
    return value_words(number.value, number.error, number.unit)


def value_words(value: float, error: float, unit: str = "") -> str:
    """The same of a value that is no named number."""
    return f"{rounded(value, error).plain} {unit}".strip()


def kind_text(number: Number) -> str:
    """What the error is; "" where none is known or there is none."""
    known = math.isfinite(number.error) and number.error > 0
    return SHORT.get(number.kind, number.kind) if known or number.kind not in SHORT else ""


def as_tsv(numbers: Iterable[Number]) -> str:
    """One number a line, every digit: name, label, value, error, what the error is, unit."""
    lines = ["name\tlabel\tvalue\terror\tkind\tunit"]
    for n in numbers:
        error = repr(n.error) if math.isfinite(n.error) else ""
        lines.append("\t".join((n.name, " ".join(n.label.split()), repr(n.value), error, n.kind, n.unit)))
    return "\n".join(lines) + "\n"


def as_markdown(numbers: Iterable[Number]) -> str:
    """A table: label, value with its error rounded to two digits, what the error is."""
    rows = ["| | value | error |", "| --- | ---: | --- |"]
    rows += [f"| {escaped(n.label)} | {escaped(value_text(n))} | {kind_text(n)} |" for n in numbers]
    return "\n".join(rows) + "\n"


def escaped(text: str) -> str:
    for mark in "\\`*_<>|[]#":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
