"""The grid of a sheet in inches: panels in columns and rows, headings above and beside them, colour bars in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
    made: dict[str, Any] = field(default_factory=dict)
    """The (sub)figure that the panels stand on and its grid, once there are some."""

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

    def cells(self, body: Any) -> list[Any]:
        """A (sub)figure for each panel, on a (sub)figure `body`."""
        across, down = self._across, self._down
        self.made["body"] = body
        self.made["grid"] = GridSpec(
            len(down), len(across), figure=body, left=0, right=1, bottom=0, top=1, wspace=0, hspace=0,
            width_ratios=[inches for _, inches in across], height_ratios=[inches for _, inches in down],
        )  # fmt: skip
        return [self._part(self._row(p.row), self._columns(p.column, p.span)) for p in self.places]

    @property
    def _across(self) -> list[tuple[str, float]]:
        """Names and inches of the columns that there are: the layout's solver is not given any that have no width."""
        named = [("side", self.side), *((f"column {k}", w) for k, w in enumerate(self.widths)), ("right", self.right)]
        return [(name, inches) for name, inches in named if inches > 0]

    @property
    def _down(self) -> list[tuple[str, float]]:
        pairs = enumerate(zip(self.heights, self.below, strict=True))
        named = [("head", self.head), *(pair for k, (h, b) in pairs for pair in ((f"row {k}", h), (f"below {k}", b)))]
        return [(name, inches) for name, inches in named if inches > 0]

    def _row(self, first: int, last: int | None = None) -> slice:
        names = [name for name, _ in self._down]
        return slice(names.index(f"row {first}"), names.index(f"row {first if last is None else last}") + 1)

    def _below(self, row: int) -> slice:
        at = [name for name, _ in self._down].index(f"below {row}")
        return slice(at, at + 1)

    def _columns(self, first: int, span: int = 1) -> slice:
        at = [name for name, _ in self._across].index(f"column {first}")
        return slice(at, at + span)

    def _part(self, rows: slice, columns: slice) -> Any:
        part = self.made["body"].add_subfigure(self.made["grid"][rows, columns])
        part.set_facecolor("none")
        return part

    def draw_around(self, figure: Figure, page: Page) -> None:
        """Headings and the bars in common."""
        text = {"ha": "center", "va": "center", "fontsize": page.font_size}
        for k, words in enumerate(figure.heads[: len(self.widths)] if self.head else ()):
            self._part(slice(0, 1), self._columns(k)).text(0.5, 0.5, words, **text)
        for k, words in enumerate(figure.sides[: len(self.heights)] if self.side else ()):
            self._part(self._row(k), slice(0, 1)).text(0.5, 0.5, words, rotation=90, **text)
        for bar in figure.bars:
            self._draw_bar(figure, bar, page)

    def _draw_bar(self, figure: Figure, bar: SharedBar, page: Page) -> None:
        own = [self.places[k] for k in bar.panels if k < len(self.places)]
        if not own or bar_inches(figure, bar, page) <= 0:
            return
        first, last = min(p.row for p in own), max(p.row for p in own)
        if bar.place == "right":
            rows, columns = self._row(first, last), slice(len(self._across) - 1, len(self._across))
            size = self.right, sum(self.heights[first : last + 1]) + sum(self.below[first:last])
        else:
            left, right = min(p.column for p in own), max(p.column + p.span for p in own)
            rows, columns = self._below(last), self._columns(left, right - left)
            size = sum(self.widths[left:right]), self.below[last]
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
