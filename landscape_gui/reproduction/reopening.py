"""A figure for the window: what it was drawn from, as far as that is at hand; nothing is opened and nothing computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_gui.errors import LandscapeError
from landscape_gui.export.embedding import read_figure
from landscape_gui.export.record import Record, Recorded
from landscape_gui.probes.base import Probe
from landscape_gui.reproduction.again import Search
from landscape_gui.reproduction.places import folders, located
from landscape_gui.reproduction.sameness import Comparison, compare
from landscape_gui.results import Result


@dataclass(frozen=True, kw_only=True)
class Reopening:
    """One answer of a figure. checkpoint: where its weights lie, "" where they are not found; result: from the store or another
    program's file, with how it compares; question: to ask again where there is no result; trouble: what is missing, in a
    sentence."""

    recorded: Recorded
    checkpoint: str = ""
    result: Result | None = None
    comparison: Comparison | None = None
    question: Probe | None = None
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class Reopened:
    name: str
    record: Record
    answers: tuple[Reopening, ...]

    @property
    def sentence(self) -> str:
        """How the answers that are there compare with the figure."""
        known = [one.comparison for one in self.answers if one.comparison is not None]
        if len(known) == 1:
            return f"{self.name}: {known[0].sentence[:1].lower()}{known[0].sentence[1:]}"
        same = sum(comparison.verdict == "same" for comparison in known)
        return f"{self.name}: {same} of {len(self.answers)} answers are the same to the bit." if known else ""


def reopen(path: str) -> Reopened:
    """Read a figure and look for what it shows. LandscapeError where it says nothing of itself, or nothing of it is found."""
    from landscape_gui.store import Store

    record = read_figure(path)
    search = Search(figure=Path(path), opener=never, answerer=never, store=Store())
    answers = tuple(reopening(search, recorded) for recorded in record.answers)
    if not any(one.result is not None or one.checkpoint for one in answers):
        why = next((one.trouble for one in answers if one.trouble), "it names no answer")
        raise LandscapeError(
            f"Nothing is found of what {Path(path).name} shows: {why}", remedy="Open its checkpoint, and ask again."
        )
    return Reopened(name=Path(path).name, record=record, answers=answers)


def never(*arguments: Any) -> Any:
    raise AssertionError("nothing is opened or asked here")


def reopening(search: Search, recorded: Recorded) -> Reopening:
    where, trouble = recorded.provenance, ""
    if "read_from" in where.problem:
        return from_file(search, recorded)
    checkpoint, question = "", None
    try:
        checkpoint = str(search.checkpoint(recorded))
    except LandscapeError as error:
        trouble = error.message
    result = search.store.get(where.key) if search.store is not None and where.key else None
    try:
        if result is None and checkpoint:
            near = folders(search.figure, Path(checkpoint))
            told = where.problem.get("checkpoint")
            digest = str(told.get("digest", "")) if isinstance(told, dict) else ""
            question = search.question(recorded, located(where.question, near, {digest: checkpoint}))
    except LandscapeError as error:
        trouble = error.message
    comparison = compare(recorded, result) if result is not None else None
    return Reopening(
        recorded=recorded, checkpoint=checkpoint, result=result, comparison=comparison, question=question, trouble=trouble
    )


def from_file(search: Search, recorded: Recorded) -> Reopening:
    try:
        found = search.read(recorded)
    except LandscapeError as error:
        return Reopening(recorded=recorded, trouble=error.message)
    return Reopening(recorded=recorded, result=found.result, comparison=found.comparison)
