"""A page of a venue as a sketch: its paper, its columns of grey lines, and where a figure stands among them. No Qt."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from landscape_gui.venues import MM, VENUES

LETTER, A4 = (8.5, 11.0), (210 * MM, 297 * MM)
PAPERS = {
    "acl": A4, "nature": (210 * MM, 276 * MM), "science": (212 * MM, 276 * MM), "pnas": (8.375, 10.875),
    "slide": (160 * MM, 90 * MM), "slide43": (128 * MM, 96 * MM),
}  # fmt: skip
"""Width and height of a page in inches; the others print on letter paper."""
FREE_TEXT = (6.5, 9.0)
"""Inches of the text of a page of no venue."""
LEADING = 11.5 / 72
"""Inches from one line of text to the next."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """Inches, from the upper left corner of the paper."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Paper:
    """width, height: of the page; left, top: where its text begins; text: width and height of that; columns, gap: side by side."""

    width: float
    height: float
    left: float
    top: float
    text: tuple[float, float]
    columns: int = 1
    gap: float = 0.0
    slide: bool = False

    @property
    def column(self) -> float:
        return (self.text[0] - (self.columns - 1) * self.gap) / self.columns

    def figure(self, width: float, height: float) -> Box:
        """Where LaTeX would put it: at the top of the first column that it fits, or of the page over as many as it needs."""
        across = next((n for n in range(1, self.columns + 1) if width <= n * self.column + (n - 1) * self.gap + 1e-6), self.columns)
        room = across * self.column + (across - 1) * self.gap
        top = self.top + (0.5 * max(self.text[1] - height, 0.0) if self.slide else 0.0)
        return Box(left=self.left + (room - width) / 2, top=top, width=width, height=height)

    def across(self, width: float) -> int:
        """Columns that a figure of that width takes."""
        return next((n for n in range(1, self.columns) if width <= n * self.column + (n - 1) * self.gap + 1e-6), self.columns)


def paper_of(venue: str) -> Paper:
    """The page of a venue ("": letter paper)."""
    width, height = PAPERS.get(venue, LETTER)
    if venue not in VENUES:
        text = FREE_TEXT
        return Paper(width=width, height=height, left=(width - text[0]) / 2, top=(height - text[1]) / 2, text=text)
    known = VENUES[venue]
    widths, slide = known.widths, venue.startswith("slide")
    high = height - 0.22 * height if slide else min(max(known.height, 0.8 * height), height - 1.2)
    gap = (widths[-1] - len(widths) * widths[0]) / (len(widths) - 1) if len(widths) > 1 else 0.0
    top = 0.17 * height if slide else (height - high) / 2
    text = (widths[-1], high)
    return Paper(
        width=width, height=height, left=(width - text[0]) / 2, top=top, text=text, columns=len(widths), gap=gap, slide=slide
    )  # fmt: skip


def grey_lines(paper: Paper, figure: Box, caption: float) -> Iterator[tuple[Box, bool]]:
    """The lines of text around a figure, and whether each is one of its caption, whose lines are `caption` points apart from those
    of the text; the same every time."""
    dice = random.Random(7)
    if paper.slide:
        yield Box(left=paper.left, top=0.07 * paper.height, width=0.45 * paper.text[0], height=0.05 * paper.height), False
        return
    across = paper.across(figure.width)
    pitch = 1.15 * caption / 72
    below = figure.top + figure.height + 0.06
    room = across * paper.column + (across - 1) * paper.gap
    lines = 3 if across == 1 and paper.columns > 1 else 2
    for number in range(lines):
        part = 1.0 if number < lines - 1 else 0.55
        yield Box(left=paper.left, top=below + number * pitch, width=part * room, height=0.5 * pitch), True
    first = below + lines * pitch + 0.14
    for column in range(paper.columns):
        left = paper.left + column * (paper.column + paper.gap)
        yield from _column(paper, left, first if column < across else paper.top, dice)


def _column(paper: Paper, left: float, top: float, dice: random.Random) -> Iterator[tuple[Box, bool]]:
    end, to_come = paper.top + paper.text[1], dice.randint(4, 9)
    while top + LEADING <= end:
        to_come -= 1
        part = 1.0 if to_come else dice.uniform(0.25, 0.85)
        yield Box(left=left, top=top + 0.25 * LEADING, width=part * paper.column, height=0.5 * LEADING), False
        top += LEADING
        if not to_come:
            to_come = dice.randint(4, 10)
            top += 0.4 * LEADING
