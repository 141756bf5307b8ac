"""A figure of several answers: what stands in each cell of its grid, what the cells share, and the page. Frozen, no toolkit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Camera, Look
from landscape_gui.page_setup import PageSetup

Sharing = Literal["camera", "limits", "height", "bar"]
SHARING: dict[Sharing, str] = {
    "camera": "one camera",
    "limits": "one range of heights and colours",
    "height": "one height of the box",
    "bar": "one colour bar",
}
BarPlace = Literal["", "right", "below"]
MOST = 60
"""Panels that a figure has at most."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One panel and where it comes from.

    checkpoint: the path or sample that was asked about, opening: with which code, data, ... (arguments of `open_problem`); probe,
    question: what was asked (`jobs.stated`); key: of its answer in the store; answer: a file that holds it, instead. panel: which
    panel of the answer's figure, from 0. look: how it is looked at. title: "" for the model's name. difference: the numbers of two
    other cells, (later, earlier), whose surfaces are subtracted; such a cell has no source. group: cells share within their group.
    span: columns that it takes. note: the reader's own words, kept.
    """

    title: str = ""
    checkpoint: str = ""
    opening: Mapping[str, Any] = field(default_factory=dict)
    probe: str = ""
    question: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    answer: str = ""
    panel: int = 0
    look: Look = field(default_factory=Look)
    difference: tuple[int, int] | None = None
    group: str = ""
    span: int = 1
    note: str = ""

    @property
    def name(self) -> str:
        """What it is called where its answer is not at hand."""
        source = self.answer or self.checkpoint.removeprefix("samples:") or self.key[:8]
        return self.title or source.replace("\\", "/").rsplit("/", 1)[-1] or "this panel"


@dataclass(frozen=True, kw_only=True)
class Composition:
    """columns: of the grid, 0 as suits; share: what the surfaces of a group have in common; camera: theirs, where they share one;
    limits: theirs, None for the range of all; bar: where their colour bar stands, "" as suits. title: above all; heads, sides:
    above each column and left of each row. page: how it is printed, see `setup`. Raises LandscapeError for what cannot be.
    """

    cells: tuple[Cell, ...] = ()
    columns: int = 0
    share: tuple[Sharing, ...] = get_args(Sharing)
    camera: Camera = Camera()
    limits: tuple[float, float] | None = None
    bar: BarPlace = ""
    title: str = ""
    heads: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    page: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        if len(self.cells) > MOST:
            raise LandscapeError(f"A figure of {len(self.cells)} panels cannot be read.", remedy=f"Take {MOST} at most.")
        if not 0 <= self.columns <= MOST:
            raise LandscapeError(f"A grid of {self.columns} columns makes no sense.", remedy=f"Choose 1 to {MOST}.")
        if self.limits is not None and not self.limits[0] < self.limits[1]:
            low, high = self.limits
            raise LandscapeError(f"The limits {low:g} to {high:g} are no range.", remedy="Give the lower one first.")
        for number, cell in enumerate(self.cells):
            self._check_difference(number, cell)

    def _check_difference(self, number: int, cell: Cell) -> None:
        for other in cell.difference or ():
            if not 0 <= other < len(self.cells) or other == number or self.cells[other].difference is not None:
                raise LandscapeError(
                    f"Panel {number + 1} is the difference of panels that are not there.",
                    remedy="Name two other panels with surfaces.",
                )

    def setup(self, **changes: Any) -> PageSetup:
        """The page: that of `page` ("venue" and "columns" as in `setup_for`, and fields of PageSetup; "theme" light or dark), with
        changes. Panels have letters unless it says otherwise."""
        return setup_of_page({"letters": len(self.cells) > 1, **self.page, **changes})

    def added(self, *cells: Cell) -> Composition:
        return replace(self, cells=(*self.cells, *cells))

    def changed(self, number: int, **changes: Any) -> Composition:
        """With other fields of one cell."""
        return replace(self, cells=tuple(replace(c, **changes) if k == number else c for k, c in enumerate(self.cells)))

    def looked(self, **changes: Any) -> Composition:
        """With other fields of every cell's look."""
        return replace(self, cells=tuple(replace(c, look=replace(c.look, **changes)) for c in self.cells))

    def removed(self, number: int) -> Composition:
        """Without a cell, and without the differences that it was part of."""
        lost = {number} | {k for k, c in enumerate(self.cells) if number in (c.difference or ())}
        return self._rearranged([k for k in range(len(self.cells)) if k not in lost])

    def moved(self, number: int, to: int) -> Composition:
        """With a cell at another place."""
        order = [k for k in range(len(self.cells)) if k != number]
        order.insert(to, number)
        return self._rearranged(order)

    def _rearranged(self, order: Sequence[int]) -> Composition:
        new = {old: k for k, old in enumerate(order)}
        kept = (self.cells[k] for k in order)
        cells = tuple(
            c if c.difference is None else replace(c, difference=(new[c.difference[0]], new[c.difference[1]])) for c in kept
        )
        return replace(self, cells=cells)


def setup_of_page(page: Mapping[str, Any]) -> PageSetup:
    """The page that these fields describe. Raises LandscapeError."""
    from landscape_gui.style import DARK, LIGHT
    from landscape_gui.venues import setup_for

    fields = dict(page)
    venue, columns = str(fields.pop("venue", "") or ""), fields.pop("columns", 1)
    theme = fields.get("theme", LIGHT)
    if isinstance(theme, str):
        if theme not in ("light", "dark"):
            raise LandscapeError(f"There is no theme {theme!r}.", remedy="Choose light or dark.")
        fields["theme"] = DARK if theme == "dark" else LIGHT
    try:
        return setup_for(venue, int(columns), **fields) if venue else PageSetup(**fields)
    except (TypeError, ValueError) as error:
        raise LandscapeError(f"The page cannot be read: {error}.", remedy="See docs/figures.md for what a page can say.") from error
