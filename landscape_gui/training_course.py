"""The surface around each of several checkpoints of a run, along directions that stay the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from landscape_gui.errors import QuestionError

if TYPE_CHECKING:
    from landscape_gui.probes.base import CheckpointRef, FileRef, Progress
    from landscape_gui.probes.surface import Surface
    from landscape_gui.problem import Problem
    from landscape_gui.results import AxesReport, SurfaceResult
    from landscape_gui.run import RunEntry
    from landscape_gui.store import Store

FOLDER = "directions"
"""In the folder of answers: the directions that questions name."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One checkpoint of the run with the surface around it."""

    name: str
    order: float
    result: SurfaceResult


def course(
    question: Surface,
    problem: Problem,
    store: Store,
    *,
    count: int = 12,
    on_progress: Callable[[float, str], None] = lambda part, name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[list[Stage], AxesReport]:
    """The surfaces around `count` checkpoints, evenly from the first to the last; each is kept as an answer of its own.

    Gives them with what the directions are: those that the question has at the problem's own checkpoint. Every surface has its own
    checkpoint in its middle. on_progress: the part that is done, and which checkpoint. Cost: that of `count` surfaces. Raises
    QuestionError where there is no run, Cancelled where it was cancelled.
    """
    from landscape_gui.jobs import answer

    entries = chosen(problem, count)
    fixed, axes = with_fixed_axes(question, problem, store)
    found = []
    for k, entry in enumerate(entries):
        reference: CheckpointRef = problem.reference(entry.path)
        name = entry.label

        def show(progress: Progress, k: int = k, name: str = name) -> None:
            on_progress((k + progress.done / max(progress.total, 1e-300)) / len(entries), name)

        result: Any = answer(fixed, problem.at(reference), store=store, on_progress=show, cancelled=cancelled)
        found.append(Stage(name=name, order=place(entry, k), result=result))
    return found, axes or found[-1].result.axes


def chosen(problem: Problem, count: int) -> list[RunEntry]:
    """Checkpoints of the problem's run, evenly from the first to the last."""
    run = problem.run
    if run is None or len(run.checkpoints) < 2:
        remedy = "Open the folder that holds the checkpoints of a run."
        raise QuestionError(f"{problem.title} belongs to no run of two or more checkpoints.", remedy=remedy)
    if count < 2:
        raise QuestionError("A film over training needs at least two checkpoints.", remedy="Ask for 2 or more.")
    last = len(run.checkpoints) - 1
    return [run.checkpoints[k] for k in sorted({round(v) for v in np.linspace(0, last, count).tolist()})]


def place(entry: RunEntry, number: int) -> float:
    """Its epoch, else its step, else its number."""
    return float(entry.epoch if entry.epoch is not None else entry.step if entry.step is not None else number)


def with_fixed_axes(question: Surface, problem: Problem, store: Store) -> tuple[Surface, AxesReport | None]:
    """The question with its directions read from a file, so that they are the same around any checkpoint, and with their span; and
    what they are (None: a file says it)."""
    from landscape_gui.jobs import answering
    from landscape_gui.probes.plane import resolve

    if question.directions == "file":
        return question, None
    if question.draws != 1:
        raise QuestionError("A film shows one draw of the directions.", remedy="Leave the number of draws at 1.")
    completed: Any = question.completed(problem)
    plane = resolve(completed, problem, ask=lambda asked: answering(asked, problem, store, part=True))
    reference = saved(question, problem, plane, store)
    span = question.span or plane.span
    plain: dict[str, Any] = {
        f.name: f.default for f in dataclasses.fields(question) if f.name in ("towards", "third", "which", "through")
    }
    fixed = dataclasses.replace(
        question, directions="file", directions_file=reference, span=span, run_checkpoints=(), include_biases=False, **plain
    )
    return fixed, plane.report


def saved(question: Surface, problem: Problem, plane: Any, store: Store) -> FileRef:
    """The axes of a plane in a file that stays, named by its content."""
    from landscape_gui.export.peers import write_directions
    from landscape_gui.probes.base import FileRef
    from landscape_gui.probes.directions_file import tensors_of

    tensors = tensors_of(plane, problem.layout)
    content = xxhash.xxh3_64()
    for axis in tensors:
        for tensor in axis:
            content.update(np.ascontiguousarray(tensor).tobytes())
    folder = store.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{question.directions}-seed-{question.seed}-{content.hexdigest()[:8]}.h5"
    if not path.exists():
        write_directions(path, tensors)
    return FileRef(str(path), xxhash.xxh3_128(path.read_bytes()).hexdigest())
