"""The grid of a sheet in inches: panels in columns and rows, headings above and beside them, colour bars in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.gridspec import GridSpec

from landscape_gui.arrangement import Place, places
from landscape_gui.export.paper import Page
from landscape_gui.export.shared_bar import bar_inches, draw_shared_bar
from landscape_gui.figure import Figure, Panel, SharedBar

HEADING = 1.75
"""Height of a heading in lines of text."""


@dataclass(frozen=True, kw_only=True)
class SheetGrid:
    """widths: of the columns, heights: of the rows, in inches. head, side: of what stands above the columns and left of the rows;
    right: of the bars on the right; below: of those under each row (0: none)."""

    places: tuple[Place, ...]
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    head: float
    side: float
    right: float
    below: tuple[float, ...]

    @property
    def height(self) -> float:
        return self.head + sum(self.heights) + sum(self.below)

    @property
    def sizes(self) -> tuple[tuple[float, float], ...]:
        """Width and height of each panel in inches."""
        return tuple((sum(self.widths[p.column : p.column + p.span]), self.heights[p.row]) for p in self.places)

    def fitted(self, height: float) -> SheetGrid:
        """As high as that; headings and bars keep their height."""
        fixed = self.head + sum(self.below)
        factor = max(height - fixed, 0.2 * height) / sum(self.heights)
        return replace(self, heights=tuple(factor * h for h in self.heights))

    @property
    def across(self) -> list[tuple[str, float]]:
        """Names and inches of the columns that there are: the layout's solver is not given any that have no width."""
        named = [("side", self.side), *((f"column {k}", w) for k, w in enumerate(self.widths)), ("right", self.right)]
        return [(name, inches) for name, inches in named if inches > 0]

    @property
    def down(self) -> list[tuple[str, float]]:
        pairs = enumerate(zip(self.heights, self.below, strict=True))
        named = [("head", self.head), *(pair for k, (h, b) in pairs for pair in ((f"row {k}", h), (f"below {k}", b)))]
        return [(name, inches) for name, inches in named if inches > 0]

    def row(self, first: int, last: int | None = None) -> slice:
        names = [name for name, _ in self.down]
        return slice(names.index(f"row {first}"), names.index(f"row {first if last is None else last}") + 1)

    def below_row(self, row: int) -> slice:
        at = [name for name, _ in self.down].index(f"below {row}")
        return slice(at, at + 1)

    def columns(self, first: int, span: int = 1) -> slice:
        at = [name for name, _ in self.across].index(f"column {first}")
        return slice(at, at + span)


class LaidGrid:
    """A grid on a (sub)figure."""

    def __init__(self, shape: SheetGrid, body: Any) -> None:
        self.shape, self.body = shape, body
        self.grid = GridSpec(
            len(shape.down), len(shape.across), figure=body, left=0, right=1, bottom=0, top=1, wspace=0, hspace=0,
            width_ratios=[inches for _, inches in shape.across], height_ratios=[inches for _, inches in shape.down],
        )  # fmt: skip

    def cells(self) -> list[Any]:
        """A (sub)figure for each panel."""
        shape = self.shape
        return [self._part(shape.row(p.row), shape.columns(p.column, p.span)) for p in shape.places]

    def _part(self, rows: slice, columns: slice) -> Any:
        part = self.body.add_subfigure(self.grid[rows, columns])
        part.set_facecolor("none")
        return part

    def draw_around(self, figure: Figure, page: Page) -> None:
        """Headings and the bars in common."""
        shape = self.shape
        text = {"ha": "center", "va": "center", "fontsize": page.font_size}
        for k, words in enumerate(figure.heads[: len(shape.widths)] if shape.head else ()):
            self._part(slice(0, 1), shape.columns(k)).text(0.5, 0.5, words, **text)
        for k, words in enumerate(figure.sides[: len(shape.heights)] if shape.side else ()):
            self._part(shape.row(k), slice(0, 1)).text(0.5, 0.5, words, rotation=90, **text)
        for bar in figure.bars:
            self._draw_bar(figure, bar, page)

    def _draw_bar(self, figure: Figure, bar: SharedBar, page: Page) -> None:
        shape = self.shape
        own = [shape.places[k] for k in bar.panels if k < len(shape.places)]
        if not own or bar_inches(figure, bar, page) <= 0:
            return
        first, last = min(p.row for p in own), max(p.row for p in own)
        if bar.place == "right":
            rows, columns = shape.row(first, last), slice(len(shape.across) - 1, len(shape.across))
            size = shape.right, sum(shape.heights[first : last + 1]) + sum(shape.below[first:last])
        else:
            left, right = min(p.column for p in own), max(p.column + p.span for p in own)
            rows, columns = shape.below_row(last), shape.columns(left, right - left)
            size = sum(shape.widths[left:right]), shape.below[last]
        draw_shared_bar(self._part(rows, columns), figure, bar, page, size)


def sheet_grid(figure: Figure, page: Page, columns: int, height_of: Callable[[Panel, float], float]) -> SheetGrid:
    """The grid of a figure on a page; height_of: inches that a panel of a width asks for."""
    line = HEADING * page.font_size / 72
    head, side = line if any(figure.heads) else 0.0, line if any(figure.sides) else 0.0
    right = max((bar_inches(figure, bar, page) for bar in figure.bars if bar.place == "right"), default=0.0)
    found = places(figure.panels, columns)
    each = (page.width - side - right) / columns
    rows = max((p.row for p in found), default=0) + 1
    heights, below = [0.0] * rows, [0.0] * rows
    for panel, place in zip(figure.panels, found, strict=True):
        heights[place.row] = max(heights[place.row], height_of(panel, each * place.span))
    for bar in figure.bars:
        if bar.place == "below" and bar.panels:
            row = max(found[k].row for k in bar.panels if k < len(found))
            below[row] = max(below[row], bar_inches(figure, bar, page))
    return SheetGrid(
        places=found, widths=(each,) * columns, heights=tuple(h or each for h in heights), head=head, side=side, right=right,
        below=tuple(below),
    )  # fmt: skip
