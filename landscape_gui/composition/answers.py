"""The answers of a composition: found in a file or in the store, or computed where that is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.composition.composition import Cell, Composition
from landscape_gui.composition.file import LOCAL, OPENING
from landscape_gui.composition.lost import Lost
from landscape_gui.composition.questions import PROBES, question_of
from landscape_gui.errors import LandscapeError

if TYPE_CHECKING:
    from landscape_gui.probes.base import Probe
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result
    from landscape_gui.store import Store

Open = Callable[[Cell], "Problem"]
Answer = Callable[["Probe", "Problem"], "Result"]


def found(cell: Cell, store: Store, again: str = "") -> Result | Lost | None:
    """The answer of a cell as it was kept; Lost where it is not there any more. None for a difference. again: the command that
    computes it."""
    if cell.difference is not None:
        return None
    if cell.answer and Path(cell.answer).exists():
        return read(cell)
    kept = store.get(cell.key) if cell.key else None
    if kept is not None:
        return kept
    return Lost(sentence=lost_words(cell, again))


def read(cell: Cell) -> Result | Lost:
    from landscape_gui.export.peers_opening import read_answer

    try:
        return read_answer(cell.answer)
    except LandscapeError as error:
        return Lost(sentence=str(error))


def lost_words(cell: Cell, again: str) -> str:
    """What is missing and what brings it back."""
    if cell.checkpoint:
        return f"The answer for {cell.name} is not in the store.{f' Compute it: {again}' if again else ''}"
    if cell.answer:
        return f"{os.path.basename(cell.answer)} is missing. Put it back beside the figure file, or name another one in it."
    if cell.key:
        return f"The answer {cell.key[:8]} is not in the store, and the figure does not say from which checkpoint to compute it."
    return "This panel names no answer and no checkpoint."


def refreshed(cell: Cell, open_cell: Open, answer: Answer) -> tuple[Cell, Result]:
    """The answer to a cell's question about its checkpoint as that is now, known or computed, and the cell with its key. Raises
    what opening and answering raise; LandscapeError for a question that this version does not know."""
    from landscape_gui.jobs import stated
    from landscape_gui.store import key_of

    problem = open_cell(cell)
    question = question_of(PROBES, cell.probe or "surface", cell.question).completed(problem)
    result = answer(question, problem)
    key = key_of(question, problem.fingerprint)
    return replace(cell, probe=question.name, question=stated(question), key=key), result


def cell_for(question: Probe, problem: Problem, checkpoint: str, opening: Mapping[str, Any], **fields: Any) -> Cell:
    """A cell that asks a question about an opened checkpoint."""
    from landscape_gui.jobs import stated
    from landscape_gui.store import key_of

    whole = question.completed(problem)
    path = checkpoint if checkpoint.startswith("samples:") else os.path.abspath(checkpoint)
    given = {name: whole_path(v) if name in LOCAL else v for name, v in opening.items() if v not in (None, "", 0)}
    key = key_of(whole, problem.fingerprint)
    return Cell(checkpoint=path, opening=given, probe=whole.name, question=stated(whole), key=key, **fields)


def opening_told(description: Mapping[str, Any]) -> dict[str, Any]:
    """How a problem was opened, from what it or its answer says of it, as a cell keeps it: what a figure file cannot say is left
    out. An architecture that a person chose among several that fit is named."""
    given = dict(description.get("asked") or {})
    if description.get("chosen") and "code" not in given:
        given.setdefault("architecture", str(description["chosen"]))
    sayable: dict[str, Any] = {name: value for name, value in given.items() if isinstance(value, OPENING.get(name, ())) and value}
    return {name: whole_path(value) if name in LOCAL else value for name, value in sayable.items()}


def whole_path(named: str) -> str:
    """The whole path of a file, FILE.py:FUNCTION with what follows it; what is no file stays as it is."""
    file, suffix, function = named.partition(".py")
    if suffix and os.path.exists(file + suffix):
        return os.path.abspath(file + suffix) + function
    return os.path.abspath(named) if os.path.exists(named) else named


def cell_of_result(result: Result, **fields: Any) -> Cell:
    """A cell for an answer that is in the store or, with `answer`, in a file."""
    where = result.provenance
    return Cell(probe=where.probe, question=dict(where.question), key=where.key if is_key(where.key) else "", **fields)


def is_key(key: str) -> bool:
    from landscape_gui.store import KEY

    return bool(KEY.fullmatch(key))


def all_found(composition: Composition, store: Store, again: str = "") -> list[Result | Lost | None]:
    """What is kept for each cell."""
    return [found(cell, store, again) for cell in composition.cells]


def picked(items: Sequence[Any], count: int) -> list[Any]:
    """So many of a sequence, evenly spaced, the first and the last among them; all where there are fewer."""
    if count >= len(items):
        return list(items)
    if count == 1:
        return [items[-1]]
    return [items[round(k * (len(items) - 1) / (count - 1))] for k in range(count)]
