"""A surface's merge tree as an answer: which quantity, how wrong its values are, where minima and saddles lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from landscape_gui.errors import QuestionError
from landscape_gui.probes.pictures import choose
from landscape_gui.results import Array, Provenance, Quantity, SurfaceResult, freeze
from landscape_gui.topology_results import TopologyResult

ROUNDING = {"float64": 1e-13}
"""How far a value may be off by arithmetic, relative to it."""
SINGLE = 1e-6
"""The same for networks in float32, and where a file does not say."""
PLACES = 129
"""At so many births, evenly spaced, the noise floor is kept as a line, and at as many more where the values are."""


def analysed(surface: SurfaceResult, *, quantity: str, extrema: str, connectivity: str, deviations: float) -> TopologyResult:
    """The topology of one quantity of a surface; cells that were not computed, or are not finite, are no part of it."""
    from landscape_gui.core.noise_band import noise_band
    from landscape_gui.core.topology import merge_tree

    shown = followed(surface, quantity)
    wrong, notes = uncertainty(surface, shown, deviations)
    values = np.where(surface.computed | surface.adaptive, np.asarray(shown.values, np.float64), np.nan)
    sign = -1.0 if extrema == "maxima" else 1.0
    kinds: dict[str, Any] = {"connectivity": connectivity, "extrema": extrema}
    tree = merge_tree(values, **kinds)
    band = noise_band(sign * values, wrong)
    births = places_between(band.levels)
    places = across(surface.x, tree.columns), across(surface.y, tree.rows)
    edges = on_edge(tree.rows, surface.y.size) | on_edge(tree.columns, surface.x.size)
    found = TopologyResult(
        surface=replace(surface, quantities={shown.name: shown}, draws={}),
        quantity=shown.name,
        extrema=extrema,
        connectivity=connectivity,
        deviations=deviations,
        births=freeze(tree.births),
        deaths=freeze(tree.deaths),
        parents=freeze(tree.parents, np.int64),
        x=freeze(places[0]),
        y=freeze(places[1]),
        saddle_x=freeze(across(surface.x, tree.saddle_columns)),
        saddle_y=freeze(across(surface.y, tree.saddle_rows)),
        errors=freeze(errors_of(shown, tree.rows, tree.columns) + errors_of(shown, tree.saddle_rows, tree.saddle_columns)),
        real=freeze(sign * tree.deaths > band.tops(sign * tree.births), bool),
        on_edge=freeze(edges, bool),
        band_births=freeze(sign * births),
        band_tops=freeze(sign * band.tops(births)),
        split=shown.name.rpartition("_")[0],
        subset=surface.subset,
        batchnorm=surface.batchnorm,
        precision=surface.precision,
        notes=(*notes, *surface.notes),
        provenance=Provenance(environment=surface.provenance.environment),
    )
    return with_numbers(found, values)


def followed(surface: SurfaceResult, name: str) -> Quantity:
    """The quantity by its name; the first loss where none is named, else the first one."""
    from landscape_gui.figure import Look

    first = next((n for n in surface.quantities if n.endswith("loss")), "")
    shown = choose(surface.quantities, Look(quantity=name or first))
    if surface.adaptive and not surface.computed.all() and not shown.name.endswith("loss"):
        raise QuestionError(
            f"The surface is interpolated between computed points, and how far its {shown.label} may be off is not known.",
            remedy="Ask for a surface that is computed at every point, or follow a loss.",
        )
    return shown


def uncertainty(surface: SurfaceResult, shown: Quantity, deviations: float) -> tuple[Array, tuple[str, ...]]:
    """(ny, nx) how far each value may be off: by the sample of the data, by interpolation, by rounding; and what to say of it."""
    size = np.abs(np.where(np.isfinite(shown.values), shown.values, 0.0))
    wrong = rounding_of(surface) * size
    notes = []
    if shown.standard_error is None or not np.isfinite(shown.standard_error).any():
        notes.append("Standard errors are not known: the noise floor is that of rounding alone.")
    else:
        wrong = wrong + deviations * np.nan_to_num(shown.standard_error, nan=0.0)
    if surface.adaptive and not surface.computed.all():
        worst = 2 * surface.interpolation_error if np.isfinite(surface.interpolation_error) else 0.0
        wrong = wrong + np.where(surface.computed, 0.0, np.expm1(worst) * size)
        notes.append(
            "The surface is interpolated between computed points; the interpolation's error counts as noise, and minima narrower "
            "than the points are apart may be missing. A surface computed at every point decides it."
        )
    return wrong, tuple(notes)


def rounding_of(surface: SurfaceResult) -> float:
    """How far off arithmetic may have been, relative to a value: at least what was seen beside the plain forward pass."""
    seen = [v for k, v in surface.provenance.environment.items() if "difference" in k and isinstance(v, (int, float))]
    return max([ROUNDING.get(surface.precision, SINGLE), *(float(v) for v in seen if np.isfinite(v))])


def places_between(levels: Array) -> Array:
    """Births from the lowest to the highest level, ascending."""
    even = np.linspace(levels[0], levels[-1], PLACES)
    return np.unique([*even, *levels[np.linspace(0, len(levels) - 1, PLACES).astype(int)]])


def across(axis: Array, places: Array) -> Array:
    """Coordinates of places on the grid, which may lie between points."""
    index = np.arange(axis.size, dtype=float)
    return np.where(np.isfinite(places), np.interp(np.nan_to_num(places), index, axis), np.nan)


def on_edge(places: Array, count: int) -> Array:
    found: Array = (places == 0) | (places == count - 1)
    return found


def errors_of(shown: Quantity, rows: Array, columns: Array) -> Array:
    """(k,) the standard error at places; inside a cell the largest of its corners, which no mean of them exceeds."""
    if shown.standard_error is None:
        return np.full(len(rows), np.nan)
    known = np.isfinite(rows)
    row, column = np.where(known, rows, 0.0), np.where(known, columns, 0.0)
    corners = [(up(row).astype(int), side(column).astype(int)) for up in (np.floor, np.ceil) for side in (np.floor, np.ceil)]
    return np.where(known, np.max([shown.standard_error[at] for at in corners], axis=0), np.nan)


def with_numbers(found: TopologyResult, values: Array) -> TopologyResult:
    from landscape_gui.probes.topology_numbers import numbers_of

    return replace(found, numbers=numbers_of(found, values))
