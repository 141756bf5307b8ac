"""What panels are called where nobody says: by what tells them apart. NumPy only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from landscape_gui.figure import Axis, Panel
from landscape_gui.results import Provenance

NARROW = 3
"""Columns from which the labels of axes are short: the caption says what the directions are."""
LONG = re.compile(r"^(?:\w+-normalised|normalised) (?=direction)")


def names_of(sources: Sequence[Provenance | None], own: Sequence[str]) -> list[str]:
    """A name for each panel: of the models where they differ, else of their epochs, else the seeds of their directions, else what
    each panel calls itself (`own`)."""
    for told in (model_of, epoch_of, seed_of):
        found = [told(where) if where is not None else "" for where in sources]
        if len({name for name in found if name}) > 1:
            return [name or mine for name, mine in zip(found, own, strict=True)]
    if len(sources) == 1 and sources[0] is not None:
        return [model_of(sources[0]) or own[0]]
    return list(own)


def model_of(where: Provenance) -> str:
    return str(where.problem.get("title", ""))


def epoch_of(where: Provenance) -> str:
    """ "epoch 8", or "step 300"."""
    told = where.problem.get("checkpoint")
    if not isinstance(told, Mapping):
        return ""
    kind = next((name for name in ("epoch", "step") if isinstance(told.get(name), int | float)), "")
    return f"{kind} {told[kind]:g}" if kind else ""


def seed_of(where: Provenance) -> str:
    seed = where.question.get("seed")
    return f"seed {seed}" if isinstance(seed, int) else ""


def with_short_labels(panel: Panel, columns: int) -> Panel:
    """The panel with labels that fit where there is little room."""
    if columns < NARROW or panel.surface is None:
        return panel
    return replace(panel, x=shortened(panel.x), y=shortened(panel.y))


def shortened(axis: Axis) -> Axis:
    return replace(axis, label=LONG.sub("", axis.label))
