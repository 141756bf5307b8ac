"""Questions as the window handles them: the default one, one read back from an answer, one moved to another centre."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from landscape_gui.errors import QuestionError
from landscape_gui.probes import kind_of
from landscape_gui.probes.base import Probe
from landscape_gui.probes.read_back import coerce, kinds, make
from landscape_gui.results import Result
from landscape_gui.ui.documents import surface_of

__all__ = ["coerce", "default_question", "kinds", "make", "probe_of", "recentred", "refilled", "relevant"]

RELEVANT: dict[str, tuple[str, ...]] = {
    "seed": ("filter", "layer", "raw"),
    "draws": ("filter", "layer", "raw"),
    "include_biases": ("filter", "layer"),
    "towards": ("towards", "plane"),
    "third": ("plane",),
    "directions_file": ("file",),
    "which": ("eigenvectors",),
}
"""Fields that mean something for some directions only."""


def relevant(kind: type[Probe]) -> dict[str, tuple[str, ...]]:
    """`RELEVANT` where the kind's directions are a choice between kinds of axes; nothing where they are something else."""
    axes = next((f.metadata.get("choices") for f in dataclasses.fields(kind) if f.name == "directions"), None)
    return RELEVANT if axes else {}


def refilled(kind: type[Probe]) -> frozenset[str]:
    """Hidden fields that `completed` fills in for whatever else is asked: the checkpoints of a run."""
    hints = kinds(kind)

    def filled_in(f: dataclasses.Field[Any]) -> bool:
        hidden = f.metadata.get("hidden") and not f.metadata.get("positional")
        return bool(hidden) and "CheckpointRef" in str(hints[f.name]) and "tuple" in str(hints[f.name])

    return frozenset(f.name for f in dataclasses.fields(kind) if filled_in(f))


def default_question(probes: Mapping[str, type[Probe]], problem: Any) -> Probe | None:
    """What is asked by itself at opening: the card's suggestion, else a surface as it comes."""
    values = dict(getattr(problem, "defaults", None) or {})
    name = str(values.pop("probe", "surface"))
    kind = probes.get(name) or next(iter(probes.values()), None)
    return make(kind, values) if kind is not None else None


def probe_of(probes: Mapping[str, type[Probe]], result: Result) -> Probe:
    """The question that an answer answers, from its provenance; with the probe's own defaults where that cannot be read back."""
    kind = kind_of(result, probes)
    try:
        return make(kind, result.provenance.question)
    except (TypeError, ValueError, QuestionError):
        return kind()


def recentred(probe: Probe, result: Result, x: float, y: float) -> Probe:
    """The same question around (x, y), the same width."""
    surface = surface_of(result)
    if surface is None or not any(f.name == "span" for f in dataclasses.fields(probe)):
        raise QuestionError("This answer has no plane to move in.", remedy="Ask for a surface.")
    half = float(surface.x[-1] - surface.x[0]) / 2, float(surface.y[-1] - surface.y[0]) / 2
    span = tuple(float(f"{v:.10g}") for v in (x - half[0], x + half[0], y - half[1], y + half[1]))
    return dataclasses.replace(probe, span=span)  # type: ignore[call-arg]
