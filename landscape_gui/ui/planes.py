"""From an answer about connected models to the next question: the plane of a path, the pair behind a cell of a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from landscape_gui.connection_results import BarriersResult
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Look
from landscape_gui.probes.base import CheckpointRef, Probe
from landscape_gui.ui.documents import Shown
from landscape_gui.ui.library_tree import Model

PLANE = "path-plane"
USUAL = "bezier"
"""The path whose bend spans a plane where only the straight line was asked for."""
CARRIED = ("towards", "limit", "seed", "precision", "batchnorm", "tier", "points", "bends", "pivots", "method")
"""Fields that a question about a plane takes over from the one about the paths in it."""


def plane_question(probes: Mapping[str, type[Probe]], shown: Shown, path: str) -> Probe:
    """The question about the plane through a path of a connection, with the connection's other paths in it; those that were found
    are found again in the store. QuestionError where there is none."""
    kind = probes.get(PLANE)
    if kind is None:
        raise QuestionError("There is no question here about a path's plane.", remedy="Ask for a surface towards the other model.")
    known = {f.name: f for f in dataclasses.fields(kind)}
    asked: Any = shown.probe
    fields = {name: getattr(asked, name) for name in CARRIED if name in known and hasattr(asked, name)}
    listed: Any = getattr(asked, "path", ())
    offered = known["path"].metadata.get("choices") or {}
    wanted = [path, *((listed,) if isinstance(listed, str) else listed)]
    paths = tuple(dict.fromkeys(p for p in wanted if p in offered and p != "line")) or (USUAL,)
    made: Any = kind
    plane: Probe = made(**fields, path=paths, of=questions(asked, shown.document.problem, paths))
    return plane


def questions(asked: Any, problem: Any, paths: tuple[str, ...]) -> tuple[Probe, ...]:
    """Those about the straight line and these paths, as a connection asks them; none where it cannot say."""
    if not hasattr(asked, "questions"):
        return ()
    whole = dataclasses.replace(asked, path=("line", *paths), compare_batchnorm=False).completed(problem)
    return tuple(question.completed(problem) for _, question in whole.questions(problem))


def pair_at(shown: Shown, look: Look, column: int, row: int) -> list[Model] | None:
    """The two models of a cell of a table of barriers; None on the diagonal, and where the files are not known."""
    from landscape_gui.probes.barrier_pictures import view_of

    result, others = shown.result, getattr(shown.probe, "others", ())
    if not isinstance(result, BarriersResult) or not all(isinstance(r, CheckpointRef) and r.path for r in others):
        return None
    models: list[Model] = [shown.document, *(str(r.path) for r in others)]
    order = [int(k) for k in view_of(result, look).order]
    if len(order) != len(models):
        return None
    first, second = order[len(order) - 1 - row], order[column]
    return None if first == second else [models[first], models[second]]
