"""What the topology of a surface comes down to. NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_gui.results import Array, Number
from landscape_gui.topology_results import TopologyResult
from landscape_gui.topology_texts import TEXTS

MAXIMA = {"minima": "maxima", "minimum": "maximum", "deepest": "highest"}


def numbers_of(found: TopologyResult, values: Array) -> dict[str, Number]:
    """Counts, persistences with their standard errors (at most), SMAD as Landscaper defines it, and the noise floor.

    values: (ny, nx) that were followed.
    """
    ended = np.isfinite(found.deaths)
    strong = ended & found.real
    lengths = found.persistence
    floor = abs(float(found.band_tops[0]) - float(found.band_births[0]))
    listed = [
        number(found, "minima", int(found.real.sum())),
        number(found, "minima_on_edge", int((found.real & found.on_edge).sum())),
        number(found, "every_minimum", len(found.births)),
        largest(found, strong),
        number(found, "total_persistence", float(lengths[strong].sum()), float(found.errors[strong].sum())),
        number(found, "smad", *smad(found, values)),
        number(found, "noise_floor", floor),
    ]
    return {n.name: n for n in listed}


def largest(found: TopologyResult, strong: Array) -> Number:
    """Of what ends above the noise floor; 0 where nothing does."""
    at = np.flatnonzero(strong)[:1]
    return number(found, "largest_persistence", float(found.persistence[at].sum()), float(found.errors[at].sum()))


def smad(found: TopologyResult, values: Array) -> tuple[float, float]:
    """The saddle-minimum average distance and its standard error at most: by neighbours along the grid's lines, of all minima."""
    from landscape_gui.core.topology import merge_tree, saddle_minimum_average_distance
    from landscape_gui.probes.topology_analysis import errors_of

    extrema: Any = found.extrema
    tree = merge_tree(values, connectivity="edges", extrema=extrema)
    shown, first = found.surface.quantities[found.quantity], tree.first_saddles
    errors = errors_of(shown, tree.rows, tree.columns) + errors_of(shown, tree.saddle_rows[first], tree.saddle_columns[first])
    ended = np.isfinite(tree.saddle_rows[first])
    return saddle_minimum_average_distance(tree), float(errors[ended].mean()) if ended.any() else 0.0


def number(found: TopologyResult, name: str, value: float, error: float | None = None) -> Number:
    """With the label, unit and sentences that it has everywhere; of maxima, the label in their words. error None: exact."""
    text = TEXTS[name]
    unit = found.surface.quantities[found.quantity].unit
    label = text.label
    for low, high in MAXIMA.items() if found.extrema == "maxima" else ():
        label = label.replace(low, high)
    return Number(
        name=name,
        label=label,
        value=float(value),
        error=0.0 if error is None else error,
        kind="exact" if error is None else "standard error",
        unit=("" if unit == "1" else unit) if text.unit else "",
        help=text.help,
    )
