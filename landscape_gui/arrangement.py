"""Where the panels of a figure stand on its grid: the same on the screen and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from landscape_gui.figure import Panel


@dataclass(frozen=True, kw_only=True)
class Place:
    """Row and column of a panel's left end, from 0, and how many columns it takes."""

    row: int
    column: int
    span: int = 1


def places(panels: Sequence[Panel], columns: int) -> tuple[Place, ...]:
    """One place a panel, row by row from the left; a panel that is wider than what is left of its row begins the next one."""
    found: list[Place] = []
    row = column = 0
    for panel in panels:
        span = min(max(panel.span, 1), columns)
        if column + span > columns:
            row, column = row + 1, 0
        found.append(Place(row=row, column=column, span=span))
        column += span
    return tuple(found)


def usual_columns(count: int, most: int = 3) -> int:
    """Columns for so many panels where nobody says: up to `most` abreast, and four two by two."""
    return 2 if count == 4 else max(1, min(count, most))


def letter(number: int) -> str:
    """a, b, ..., z, aa, ab, ...: what panels are called, from 0."""
    return ("" if number < 26 else letter(number // 26 - 1)) + chr(ord("a") + number % 26)
