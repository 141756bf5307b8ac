"""A figure of several answers as the window holds it: its composition, and what is known for its cells. Plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from landscape_gui.composition import Cell, Composition, Lost, composed
from landscape_gui.composition.answers import found, lost_words, opening_told
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Figure
from landscape_gui.results import Result
from landscape_gui.ui.page_choice import PageChoice, of_figure


@dataclass(eq=False)
class Composed:
    """known: answers by their key in the store, or by the path of their file. saved: the composition as its file has it."""

    composition: Composition
    known: dict[str, Result] = field(default_factory=dict)
    saved: Composition | None = None
    draft: str = ""
    """A file that keeps it while nobody has saved it."""
    asked: set[str] = field(default_factory=set)
    """Keys of answers that are being computed for it."""

    def answers(self) -> list[Result | Lost | None]:
        return [self.answer(cell) for cell in self.composition.cells]

    def answer(self, cell: Cell) -> Result | Lost | None:
        if cell.difference is not None or waits(cell):
            return None
        kept = self.known.get(cell.answer or cell.key)
        if kept is not None:
            return kept
        if cell.key in self.asked:
            return None
        return Lost(
            sentence=lost_words(cell, "") + (" Press Refresh (\N{CLOCKWISE OPEN CIRCLE ARROW})." if cell.checkpoint else "")
        )

    def figure(self) -> Figure:
        return composed(self.composition, self.answers())

    @property
    def page(self) -> PageChoice | None:
        """What its file asks for; None where it asks for nothing, or for what makes no sense."""
        composition = self.composition
        try:
            return of_figure(composition.page, composition.setup(), len(composition.cells)) if composition.page else None
        except LandscapeError:
            return None

    @property
    def changed(self) -> bool:
        return self.saved != self.composition

    def take(self, checkpoint: str, result: Result) -> bool:
        """An answer, or more of it, about a checkpoint: for the cells that wait for one or have it. Whether there are any."""
        key = result.provenance.key
        waiting = [k for k, c in enumerate(self.composition.cells) if waits(c) and c.checkpoint == checkpoint and fits(c, result)]
        for number in waiting:
            where = result.provenance
            asked = {"key": key, "probe": where.probe, "question": dict(where.question)}
            told = opening_told(where.problem) or self.composition.cells[number].opening
            self.composition = self.composition.changed(number, opening=told, **asked)
        if not waiting and not any(c.key == key for c in self.composition.cells):
            return False
        self.known[key] = result
        return True


def waits(cell: Cell) -> bool:
    """Whether a cell's answer is being computed: it has a checkpoint, and no answer yet."""
    return bool(cell.checkpoint) and not cell.key and not cell.answer


def fits(cell: Cell, result: Result) -> bool:
    return not cell.probe or cell.probe == result.provenance.probe


def load(path: str, fetch: Callable[[str], Result | None]) -> Composed:
    """The figure in a file with the answers that are at hand; in a thread. Raises LandscapeError."""
    from landscape_gui.composition import read_composition

    composition = read_composition(path)
    cells = tuple(known_as_key(cell) for cell in composition.cells)
    made = Composed(composition=replace(composition, cells=cells))
    made.saved = made.composition
    store: Any = Kept(fetch)
    for cell in cells:
        answer = found(cell, store)
        if answer is not None and not isinstance(answer, Lost):
            made.known[cell.answer if cell.answer and Path(cell.answer).exists() else cell.key] = answer
    return made


def known_as_key(cell: Cell) -> Cell:
    """A cell whose file is gone and whose answer may be in the store."""
    return replace(cell, answer="") if cell.answer and cell.key and not Path(cell.answer).exists() else cell


@dataclass(frozen=True)
class Kept:
    """The store as far as it is read."""

    get: Callable[[str], Result | None]
