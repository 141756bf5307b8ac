"""From an answer about connected models to the next question: the plane of a path, the pair behind a cell of a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from landscape_gui.connection_results import BarriersResult
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Panel
from landscape_gui.probes.base import CheckpointRef, Probe
from landscape_gui.ui.documents import Shown
from landscape_gui.ui.library_tree import Model

PLANE = "path-plane"
CARRIED = ("towards", "limit", "seed", "precision", "batchnorm", "tier")
"""Fields that a question about a plane takes over from the one about the paths in it."""


def plane_question(probes: Mapping[str, type[Probe]], shown: Shown, path: str) -> Probe:
    """The question about the plane through a path of a connection. QuestionError where there is none."""
    kind = probes.get(PLANE)
    if kind is None:
        raise QuestionError("There is no question here about a path's plane.", remedy="Ask for a surface towards the other model.")
    known = {f.name for f in dataclasses.fields(kind)}
    asked: Any = shown.probe
    fields = {name: getattr(asked, name) for name in CARRIED if name in known and hasattr(asked, name)}
    return kind(**fields)


def pair_at(shown: Shown, panel: Panel, column: int, row: int) -> list[Model] | None:
    """The two models of a cell of a table of barriers; None on the diagonal, and where the files are not known."""
    result, others = shown.result, getattr(shown.probe, "others", ())
    if not isinstance(result, BarriersResult) or not all(isinstance(r, CheckpointRef) and r.path for r in others):
        return None
    models: list[Model] = [shown.document, *(str(r.path) for r in others)]
    names = list(result.names)
    chosen = [axis.names[k] if k < len(axis.names) else "" for axis, k in ((panel.y, row), (panel.x, column))]
    if chosen[0] == chosen[1] or not all(name in names for name in chosen) or len(names) != len(models):
        return None
    return [models[names.index(name)] for name in chosen]
