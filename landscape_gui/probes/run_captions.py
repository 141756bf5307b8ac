"""Captions of training runs in a plane. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape_gui.probes import facts
from landscape_gui.probes.captions import Fact, axes_sentences, capital, known_of, paragraph, shown_words, unknown_sentences
from landscape_gui.probes.plane_captions import about_data
from landscape_gui.results import Quantity, TrajectoryResult


def run_caption(result: TrajectoryResult, shown: Quantity, every: Sequence[Fact]) -> str:
    """The chart of a run: its true loss, the plane's beneath it, and how far off the plane it is."""
    plane, known = result.surface, known_of(every)
    return " ".join(
        filter(
            None,
            (
                paragraph(
                    [
                        f"{capital(shown_words(shown))} along the run, true and at the place in the plane θ + x d₁ + y d₂ beneath "
                        f"(dashed), and the distance off that plane (2-norm, right axis)",
                        *axes_sentences(plane.axes, plane.provenance, known.get("Direction seed", "")),
                        *about_data(plane, [shown], every),
                    ]
                ),
                run_sentences(result),
                paragraph(unknown_sentences(every)),
            ),
        )
    )


def run_sentences(result: TrajectoryResult) -> str:
    """What the path is, how far off the plane the run is, and what that does to the loss."""
    if not result.names:
        return ""
    return paragraph([path_sentence(result), *result.notes, distance_sentence(result), gap_sentence(result)])


def path_sentence(result: TrajectoryResult) -> str:
    count = facts.plural(len(result.names), "checkpoint")
    known = bool(np.isfinite(result.off_plane).any())
    how = ", projected into the plane by least squares" if known else ""
    return f"The path has {count}, {result.names[0]} (white disc) to {result.names[-1]} (yellow star){how}"


def distance_sentence(result: TrajectoryResult) -> str:
    if not np.isfinite(result.off_plane).any():
        return ""
    off, far = (facts.number(float(np.max(v, initial=0.0))) for v in (result.off_plane, result.distance))
    return f"It is at most {off} off the plane; the checkpoint farthest from the last is at a distance of {far} (2-norm)"


def gap_sentence(result: TrajectoryResult) -> str:
    """Where the loss in the plane misses the true one most."""
    name = next(iter(result.quantities), "")
    if not name:
        return ""
    true, flat = result.quantities[name].values, result.plane_quantities[name].values
    gap = np.abs(true - flat)
    if not np.isfinite(gap).any():
        return ""
    k = int(np.nanargmax(np.where(np.isfinite(gap), gap, np.nan)))
    quantity = result.quantities[name]
    values = facts.with_unit(float(true[k]), quantity.unit), facts.with_unit(float(flat[k]), quantity.unit)
    return f"The plane misses the {quantity.label} most at {result.names[k]}, where it is {values[0]}, and {values[1]} in the plane"
