"""The answers of a figure: out of the store, or asked again about the same problem."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.errors import LandscapeError
from landscape_gui.export.record import Record, Recorded
from landscape_gui.probes import PROBES, kind_of
from landscape_gui.probes.base import Probe
from landscape_gui.probes.read_back import question_of
from landscape_gui.reproduction.places import (
    checkpoint_digest,
    file_digest,
    find,
    folders,
    located,
    not_found,
)
from landscape_gui.reproduction.sameness import Comparison, compare, other_problem
from landscape_gui.results import Result

if TYPE_CHECKING:
    from landscape_gui.figure import Figure
    from landscape_gui.problem import Problem
    from landscape_gui.store import Store

Answerer = Callable[[Probe, "Problem"], Result]
ABSENT = "Not all answers of the figure are there, so it cannot be drawn again."
Opener = Callable[[str, Mapping[str, Any]], "Problem"]


@dataclass(frozen=True, kw_only=True)
class Reproduced:
    """One answer of a figure, found again. result: None where there is another problem now, which was not asked about; how: where
    it was found, in words; question: None for what was read from another program's file."""

    recorded: Recorded
    comparison: Comparison
    result: Result | None = None
    how: str = ""
    question: Probe | None = None

    def figure(self) -> Figure | None:
        """Drawn again, as the figure shows it."""
        if self.result is None:
            return None
        return (self.question or kind_of(self.result)()).figure(self.told(), self.recorded.look)

    def told(self) -> Result:
        """The answer with its files called as the figure calls them, wherever they lie by now."""
        assert self.result is not None
        here, there = self.result.provenance, self.recorded.provenance
        if here.fingerprint != there.fingerprint or not here.fingerprint:
            return self.result
        names = ("title", "checkpoint", "asked", "data", "notes")
        problem = {**here.problem, **{name: there.problem[name] for name in names if name in there.problem}}
        where = dataclasses.replace(here, problem=problem, question=there.question)
        return dataclasses.replace(self.result, provenance=where)


@dataclass
class Search:
    """Finds and answers what a figure shows. Problems are opened once each.

    figure: its file; checkpoints: files that were named; store: where answers are looked up (None: nowhere: all are computed
    again); opener: opens a checkpoint with arguments of `open_problem`; answerer: answers a question.
    """

    figure: Path
    opener: Opener
    answerer: Answerer
    store: Store | None
    checkpoints: Sequence[str] = ()
    problems: dict[str, Problem] = field(default_factory=dict)

    def answer(self, recorded: Recorded) -> Reproduced:
        """Raises LandscapeError for what is not found and for what cannot be answered."""
        if isinstance(recorded.provenance.problem.get("read_from"), Mapping):
            return self.read(recorded)
        stored = self.store.get(recorded.provenance.key) if self.store is not None and recorded.provenance.key else None
        if stored is not None:
            question = self.question(recorded, stored.provenance.question)
            return Reproduced(
                recorded=recorded, comparison=compare(recorded, stored), result=stored, how="in the store", question=question
            )
        return self.computed(recorded)

    def question(self, recorded: Recorded, values: Mapping[str, Any]) -> Probe:
        return question_of(PROBES, recorded.provenance.probe, values)

    def computed(self, recorded: Recorded) -> Reproduced:
        """Asked again, if weights, data and loss are the same."""
        where = recorded.provenance
        problem = self.problem(recorded)
        other = other_problem(where.problem, problem.description) if problem.fingerprint != where.fingerprint else ()
        if other:
            return Reproduced(recorded=recorded, comparison=Comparison(verdict="different", problem=other), how="not asked again")
        near = folders(self.figure, problem.checkpoint.path, *map(Path, self.checkpoints))
        known = {problem.checkpoint.digest: str(problem.checkpoint.path)}
        question = self.question(recorded, located(where.question, near, known))
        result = self.answerer(question, problem)
        comparison = compare(recorded, result)
        if question.version != where.version and comparison.verdict == "different":
            words = f"this version answers “{question.title}” otherwise (version {where.version} → {question.version})"
            comparison = dataclasses.replace(comparison, surroundings=(words, *comparison.surroundings))
        return Reproduced(recorded=recorded, comparison=comparison, result=result, how="computed again", question=question)

    def problem(self, recorded: Recorded) -> Problem:
        where = recorded.provenance.problem
        path = self.checkpoint(recorded)
        asked = dict(where.get("asked") or {})
        name = f"{path} {sorted(asked.items())}"
        if name not in self.problems:
            self.problems[name] = self.opener(str(path), {**self.options(asked, path), **surroundings(recorded)})
        return self.problems[name]

    def options(self, asked: Mapping[str, Any], checkpoint: Path) -> dict[str, Any]:
        """How it was opened, with the files found again; what is not found is left to the opener, which says what it lacks."""
        options = dict(asked)
        for name in ("data", "code"):
            told = str(options.get(name, ""))
            file, colon, function = told.partition(":") if name == "code" else (told, "", "")
            found = find(file, "", folders(self.figure, checkpoint), file_digest)[0] if told and not whole(file) else None
            if found is not None:
                options[name] = f"{found}{colon}{function}"
        return options

    def checkpoint(self, recorded: Recorded) -> Path:
        """The file of the weights: named, where the store's answers about it say, or called so and of the same digest."""
        told = recorded.provenance.problem.get("checkpoint")
        told = told if isinstance(told, Mapping) else {}
        path, digest = str(told.get("path", "")), str(told.get("digest", ""))
        if len(self.checkpoints) == 1:
            from landscape_gui.problem.locate import find_checkpoint

            return self.same_weights(self.checkpoints[0], digest) or find_checkpoint(self.checkpoints[0])[0]
        for named in (*self.checkpoints, *whole(path), *self.remembered(recorded.provenance.fingerprint)):
            found = self.same_weights(named, digest)
            if found is not None:
                return found
        place, other = find(path, digest, folders(self.figure), checkpoint_digest)
        if place is None:
            raise not_found(path or "The checkpoint", digest, other)
        return place

    def same_weights(self, named: str, digest: str) -> Path | None:
        """The checkpoint at a path, or the one of its run, with this digest."""
        from landscape_gui.problem.locate import find_checkpoint

        try:
            file, run = find_checkpoint(named)
            entries = [entry.path for entry in run.checkpoints] if run is not None and not Path(named).is_file() else []
            return next((place for place in (file, *reversed(entries)) if checkpoint_digest(place) == digest), None)
        except (LandscapeError, OSError):
            return None

    def remembered(self, fingerprint: str) -> list[str]:
        """Where checkpoints lie that the store's answers to other questions about the same problem come from."""
        from landscape_gui.store import Store

        paths: list[str] = []
        store = self.store or Store()
        for entry in store.find(fingerprint)[:5] if fingerprint else []:
            kept = store.get(entry.key)
            told = kept.provenance.problem.get("checkpoint") if kept is not None else None
            paths += [str(told["path"])] if isinstance(told, Mapping) and "path" in told else []
        return list(dict.fromkeys(paths))

    def read(self, recorded: Recorded) -> Reproduced:
        """What another program computed, from its file."""
        from landscape_gui.export.peers_opening import read_answer

        told = recorded.provenance.problem["read_from"]
        name, digest = str(told.get("file", "")), str(told.get("digest", ""))
        named = [path for path in map(Path, self.checkpoints) if path.is_file() and file_digest(path) == digest]
        place, other = (named[0], None) if named else find(name, digest, folders(self.figure), file_digest)
        if place is None:
            raise not_found(name, digest, other)
        result = read_answer(place)
        return Reproduced(recorded=recorded, comparison=compare(recorded, result), result=result, how=f"read from {place.name}")


def surroundings(recorded: Recorded) -> dict[str, Any]:
    """Threads and device as the figure's numbers were computed with, so that they can be the same to the bit."""
    environment = recorded.provenance.environment
    threads = environment.get("threads")
    device = str(environment.get("device", "")).split(":")[0]
    given: dict[str, Any] = {"threads": threads} if isinstance(threads, int) and 1 <= threads <= 1024 else {}
    if device == "cpu":
        given["device"] = device
    return given


def whole(path: str) -> list[str]:
    """A path that leads from the root to something that is there: answers know such paths, figures do not."""
    return [path] if path and Path(path).is_absolute() and Path(path).exists() else []


def record_of_answer(path: str | os.PathLike[str]) -> Record:
    """What a figure of an answer's file would say of itself, with the whole paths that the answer knows. Raises LandscapeError."""
    from landscape_gui.export.peers_opening import read_answer
    from landscape_gui.export.record import read_record
    from landscape_gui.export.record import record as told
    from landscape_gui.figure import Look

    result = read_answer(path)
    found = read_record(told(kind_of(result)().figure(result, Look())))
    where = result.provenance.problem
    paths = {name: where[name] for name in ("checkpoint", "asked") if name in where}
    answers = tuple(
        dataclasses.replace(one, provenance=dataclasses.replace(one.provenance, problem={**one.provenance.problem, **paths}))
        for one in found.answers
    )
    return dataclasses.replace(found, answers=answers)


def drawn_again(record: Record, found: Sequence[Reproduced]) -> Figure:
    """The figure from its answers. LandscapeError where one of them is not there, or the arrangement of several cannot be read."""
    if record.composition:
        return composed_again(record, found)
    if record.comparison:
        return compared_again(record, found)
    figure = found[0].figure() if len(found) == 1 else None
    if figure is None:
        why = "does not say how its answers are arranged" if len(found) > 1 else "has no answer any more"
        raise LandscapeError(f"The figure {why} and cannot be drawn again.", remedy="Export it again where it was made.")
    return figure


def compared_again(record: Record, found: Sequence[Reproduced]) -> Figure:
    """Models side by side, of their reports."""
    from landscape_gui.comparison_figure import figure_again
    from landscape_gui.curvature_results import ReportResult

    reports = [one.told() for one in found if one.result is not None]
    known = [report for report in reports if isinstance(report, ReportResult)]
    if len(known) != len(found):
        raise LandscapeError(ABSENT, remedy="See which above.")
    return figure_again(record.comparison, known)


def composed_again(record: Record, found: Sequence[Reproduced]) -> Figure:
    """A composed figure: its answers in the cells that have some, in their order."""
    from landscape_gui.composition.file import composition_of
    from landscape_gui.composition.picture import composed

    composition = composition_of(dict(record.composition), Path.cwd())
    answers = iter([one.told() for one in found if one.result is not None])
    cells = [cell for cell in composition.cells if cell.difference is None]
    if len(cells) != len(found) or any(one.result is None for one in found):
        raise LandscapeError(ABSENT, remedy="See which above.")
    return composed(composition, [None if cell.difference is not None else next(answers) for cell in composition.cells])
