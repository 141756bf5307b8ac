"""Captions of surfaces, lines and runs in a plane: one paragraph that a paper can print. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from landscape_gui.figure import Scale, View
from landscape_gui.probes import facts, landmarks
from landscape_gui.probes.captions import (
    Fact,
    axes_sentences,
    capital,
    closing,
    data_sentence,
    foreign,
    known_of,
    paragraph,
    scale_words,
    series,
    shown_words,
    split_of,
    unknown_sentences,
)
from landscape_gui.probes.facts import with_error
from landscape_gui.results import LineResult, Quantity, SurfaceResult


def surface_caption(
    result: SurfaceResult,
    shown: Quantity,
    every: Sequence[Fact],
    *,
    limits: tuple[float, float],
    scale: Scale,
    view: View,
    of: str = "",
) -> str:
    """A surface on its plane. limits, scale: of the colours and heights as drawn; of: what it is of, where it is more than its
    quantity on a plane."""
    known = known_of(every)
    first = of or f"{capital(shown_words(shown))} on the plane θ + x d₁ + y d₂ through the weights θ"
    return paragraph(
        [
            first,
            "; ".join(part for part in (scale_words(scale, shown_limits(shown, limits), view), known.get("Clipped", "")) if part),
            *axes_sentences(result.axes, result.provenance, known.get("Direction seed", "")),
            discs_sentence(result) if known.get("Marked") and result.axes.kind != "path" else "",
            draws_sentence(result, shown),
            points_sentence(result, known),
            centre_sentence(result, shown),
            known.get("Holes", "").replace(f": {shown.label}", ""),
            *about_data(result, [shown], every),
            known.get("Note", ""),
            *unknown_sentences(every),
        ]
    )


def line_caption(result: LineResult, losses: Sequence[Quantity], metric: str, every: Sequence[Fact]) -> str:
    """Losses along a line; metric: what the axis on the right shows, if any."""
    known, shown = known_of(every), losses[0]
    named = series([shown_words(q) for q in losses])
    what = f"{capital(named)}{f', and {metric} (dashed, right axis),' if metric else ''}"
    total, computed = result.x.size, int(result.computed.sum())
    points = f"All {total:,} points are computed" if computed == total else f"{computed:,} of {total:,} points are computed so far"
    return paragraph(
        [
            f"{what} along the line θ + x d through the weights θ" if not foreign(result.provenance) else f"{what} along a line",
            *axes_sentences(result.axes, result.provenance, known.get("Direction seed", "")),
            points,
            centre_sentence(result, shown),
            bands_sentence(result),
            known.get("Holes", ""),
            *about_data(result, losses, every),
            *unknown_sentences(every),
        ]
    )


def bands_sentence(result: LineResult) -> str:
    known = any(q.standard_error is not None for q in result.quantities.values())
    return "Bands are ±1.96 standard errors over the examples" if known else ""


def shown_limits(shown: Quantity, limits: tuple[float, float]) -> tuple[float, float] | None:
    return limits if np.isfinite(shown.values).any() else None


def discs_sentence(result: SurfaceResult) -> str:
    """ "The orange disc marks θ, the pink one epoch 3"."""
    places = landmarks.spanning(result.axes)
    names = ["θ" if number == 0 else name for number, (_, _, name) in enumerate(places)]
    colours = [colour for _, colour in landmarks.COLOURS]
    words = [f"the {colour} one {name}" for name, colour in zip(names, colours, strict=False)]
    return series(words).replace(" one ", " disc marks ", 1)


def draws_sentence(result: SurfaceResult, shown: Quantity) -> str:
    count = len(result.seeds)
    if count < 2:
        return ""
    seeds = f"seeds {result.seeds[0]} to {result.seeds[-1]}"
    if shown.name in result.draws:
        return f"Shown is the first of {count} draws of the directions ({seeds}); their norms and angle are the first's"
    return f"The statistic is taken at each point over {count} draws of the directions ({seeds}); norms and angle are the first's"


def points_sentence(result: SurfaceResult, known: dict[str, str]) -> str:
    """Grid, what was computed of it, and how far off the rest may be."""
    if "Points" not in known:
        return ""
    nx, ny = result.x.size, result.y.size
    total, computed = result.computed.size, int(result.computed.sum())
    if result.adaptive and computed < total:
        error = facts.error_words(result).removeprefix(", largest error ")
        worst = f"; the largest error of the interpolation is {error}" if error else ""
        share = f"{100 * computed / total:.1f} %"
        return f"Of the {nx} × {ny} grid points {computed:,} ({share}) are computed and the others interpolated{worst}"
    if computed < total:
        return f"{computed:,} of the {nx} × {ny} grid points are computed so far, and drawn with interpolation in between"
    each = f" for each of the {len(result.seeds)} draws" if len(result.seeds) > 1 else ""
    return f"All {nx} × {ny} grid points are computed{each}, and none is interpolated"


def centre_sentence(result: SurfaceResult | LineResult, shown: Quantity) -> str:
    """The value at θ with its error, or at the grid's point nearest to it."""
    if isinstance(result, SurfaceResult):
        cell, exact = facts.centre_cell(result), bool((result.x == 0).any() and (result.y == 0).any())
    else:
        cell, exact = int(np.argmin(np.abs(result.x))), bool((result.x == 0).any())
    value = float(shown.values.reshape(-1)[cell])
    error = float("nan") if shown.standard_error is None else float(shown.standard_error.reshape(-1)[cell])
    per = (100.0, "%") if shown.unit == "1" else (1.0, shown.unit)
    words = with_error(value * per[0], error * per[0], per[1]) if np.isfinite(value) else "not finite"
    kind = "the residual: an eigenvalue lies within it" if shown.name.startswith("lambda_") else "one standard error"
    place = "the centre" if foreign(result.provenance) else "θ"
    where = f"At {place}" if exact else f"At the grid point nearest to {place}"
    return f"{where}, the {shown.label} is {words}{f' ({kind})' if '±' in words else ''}"


def about_data(result: SurfaceResult | LineResult, shown: Sequence[Quantity], every: Sequence[Fact]) -> list[str]:
    """Data, standard errors, network, BatchNorm, machine."""
    where, errors = result.provenance, known_of(every).get("Standard errors", "")
    told = where.problem.get("data")
    counts = told.get("examples") if isinstance(told, Mapping) else None
    known = counts if isinstance(counts, Mapping) else {}
    usual = str(where.question.get("split", ""))
    splits = {split if (split := split_of(q.name)) in known else usual: q.examples for q in shown}
    return [
        data_sentence(where, splits, result.subset),
        f"Standard errors: {errors}" if errors else "",
        *closing(where, result.batchnorm, result.precision),
    ]
