"""What a report of an analysis holds, before it is HTML or Markdown: sections with figures, tables, notes and files. No toolkit."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from landscape_gui.errors import LandscapeError
from landscape_gui.export.answer_tables import table_of
from landscape_gui.export.number_table import kind_text, value_text
from landscape_gui.figure import Figure
from landscape_gui.results import Number, Result

SURE: Mapping[str, str] = {
    "standard error": "± one standard error",
    "bound": "true value within ±",
    "lower bound": "at least this",
    "upper bound": "at most this",
    "heuristic": "a rule of thumb",
    "exact": "up to rounding",
}
"""How sure a number is, by the kind of its error."""
UNKNOWN = "error not known"
SYMBOLS = frozenset({"lambda", "sigma", "alpha"})


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure with its caption, "" where that of the one before it says all; files: where it was written, relative to the report,
    by suffix; png: the same in light colours where it is drawn already."""

    name: str
    title: str
    figure: Figure
    caption: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    png: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Table:
    """heads: of the columns, the first is that of the rows' names; groups: title of a group -> its rows."""

    heads: tuple[str, ...]
    groups: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """text: paragraphs, `code` in backticks; notes: what should be known of the numbers; meanings: name of a number -> what it is,
    how it was come by and how to read it; files: name in words -> path relative to the report."""

    title: str
    text: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    meanings: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole report. warnings: what must be read first; headline: the numbers that stand at the top, label, value and how sure;
    missing: what was asked and is not there, and why; references: full texts."""

    title: str
    subtitle: str = ""
    warnings: tuple[str, ...] = ()
    headline: tuple[tuple[str, str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    references: tuple[str, ...] = ()


def sure(number: Number) -> str:
    """How sure a number is, in words."""
    if number.kind in ("standard error", "bound") and not number.error > 0:
        return "up to rounding" if number.error == 0 else UNKNOWN
    return SURE.get(number.kind, number.kind)


def numbers_table(numbers: Sequence[Number], title: str = "") -> Table:
    """Label, value with error, how sure."""
    rows = tuple((capital(n.label), value_text(n), sure(n)) for n in numbers)
    return Table(heads=("", "value", "how sure"), groups=((title, rows),))


def table_of_answer(result: Result) -> Table | None:
    """The numbers that any answer comes down to; None where there are none."""
    try:
        found = table_of(result)
    except LandscapeError:
        return None
    rows = tuple(
        (
            capital(label),
            *("" if n is None else value_text(in_per_cent(n)) for n in cells),
            ", ".join(dict.fromkeys(map(sure, present(cells)))),
        )
        for label, cells, _ in found.rows
    )
    return Table(heads=("", *found.heads, "how sure"), groups=(("", rows),))


def coded(words: str) -> list[tuple[str, bool]]:
    """Words in pieces, and whether each stood between backticks."""
    return [(piece, place % 2 == 1) for place, piece in enumerate(words.split("`")) if piece]


def present(cells: Sequence[Number | None]) -> list[Number]:
    return [n for n in cells if n is not None]


def headline_of(numbers: Mapping[str, Number], names: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    """The numbers of these names that there are."""
    return tuple((capital(n.label), value_text(n), sure(n)) for name in names if (n := numbers.get(name)) is not None)


def capital(text: str) -> str:
    """A label with a capital, unless it begins with a symbol or its name."""
    first = re.split(r"[\s,:]", text, maxsplit=1)[0]
    return text if not first.isalpha() or not first.isascii() or first in SYMBOLS else text[:1].upper() + text[1:]


def in_per_cent(number: Number) -> Number:
    """A share that is an accuracy, as reports have it."""
    if number.unit or not number.name.endswith("accuracy"):
        return number
    return dataclasses.replace(number, value=100 * number.value, error=100 * number.error, unit="%")


__all__ = [
    "Page", "Picture", "Section", "Table", "capital", "coded", "headline_of", "kind_text", "numbers_table", "sure",
    "table_of_answer",
]  # fmt: skip
