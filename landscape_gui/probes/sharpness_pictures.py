"""Sharpness as charts over the distance, with its numbers, reading aids and caveats in words. NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_gui.curvature_results import SharpnessResult
from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Note, Panel, Points, Rule
from landscape_gui.probes import facts
from landscape_gui.probes import sharpness_numbers as numbers
from landscape_gui.probes.curvature import curvature_facts, number_facts
from landscape_gui.probes.curvature_captions import curvature_caption
from landscape_gui.probes.headings import heading
from landscape_gui.reading_aids import AIDS, reading
from landscape_gui.results import Array, freeze

BAND = 1.96
CAVEATS = (
    ("Caveat: flat is not good", AIDS["worst_case"].caveat),
    (
        "Caveat: worst cases",
        "Lower bounds: the largest rise that ascents from several starts found. Random directions miss it by far.",
    ),
    (
        "Caveat: data",
        "On fewer examples sharpness is larger, and so for smaller groups: compare at equal N and m.",
    ),
    (
        "Caveat: heuristic",
        "sqrt(sharpness/N) bounds nothing: no theorem has this form.",
    ),
)


def sharpness_figure(result: SharpnessResult, look: Look) -> Figure:
    """The rise over the radius, m-sharpness over m, the scale-free neighbourhoods, and the curvature at finite radius."""
    if not np.isfinite(result.worst_case).any():
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    panels = [ball_panel(result, look), groups_panel(result, look), scaled_panel(result, look), curvature_panel(result, look)]
    every = sharpness_facts(result)
    what = (
        f"Rise of the loss around the checkpoint over the distance: worst cases are lower bounds, averages carry "
        f"{BAND} standard errors"
    )
    extra: dict[str, Any] = {"suggested_scale": "log"}
    return Figure(
        panels=tuple(p for p in panels if p is not None),
        facts=every,
        caption=curvature_caption(what, result, every, how_sentences(result)),
        provenance=result.provenance,
        extra=extra,
        title=heading("Sharpness", result, look, matrix=False),
    )


def unit_of(result: SharpnessResult) -> str:
    known = result.numbers.get("worst_case")
    return known.unit if known is not None else ""


def curve(x: Array, y: Array, label: str, colour: int, *, dash: bool = False, marker: Any = "disc") -> list[Mark]:
    """A line through what is known, with its points."""
    known = np.isfinite(y) & (y > 0)
    if not known.any():
        return []
    line = Line(x=freeze(x[known]), y=freeze(y[known]), label=label, colour=colour, dash=dash, width=1.0 if dash else 1.6)
    dots = Points(x=freeze(x[known]), y=freeze(y[known]), colour=colour, marker=marker, size=5.0)
    return [line] if dash else [line, dots]


def band(x: Array, mean: Array, error: Array, colour: int) -> list[Mark]:
    """1.96 standard errors; on a logarithmic axis its foot stands at a millionth of the mean where it would go below zero."""
    known = np.isfinite(mean) & np.isfinite(error) & (mean > 0)
    low = np.maximum(mean - BAND * error, 1e-6 * mean)
    if not known.any():
        return []
    return [Band(x=freeze(x[known]), low=freeze(low[known]), high=freeze((mean + BAND * error)[known]), colour=colour)]


def how_sentences(result: SharpnessResult) -> list[str]:
    """Radii, and how each kind of sharpness was looked for."""
    asked = result.provenance.question
    if "radius" not in asked:
        return []
    steps, directions, pairs = (asked.get(name, 0) for name in ("steps", "directions", "pairs"))
    groups = asked.get("groups", 0)
    return [
        f"The ball has radius {asked['radius']:g} in the 2-norm (for adaptive sharpness {asked.get('adaptive_radius', 0):g}, each "
        f"step scaled by |w|; for Keskar's box epsilon is {asked.get('epsilon', 0):g})",
        f"Worst cases are looked for by projected gradient ascent of at most {steps} steps, beside {directions} random directions "
        f"and {pairs} pairs of Gaussian steps",
        f"For m-sharpness the mean is taken over {groups} groups of m examples, each with its own worst case" if groups else "",
    ]


def ball_panel(result: SharpnessResult, look: Look) -> Panel:
    """Everything that is about the ball in the 2-norm, and noise of the same length."""
    x = result.radii
    average, error = numbers.means_of(result.gaussian_rises)
    steps, scatter = numbers.means_of(result.random_rises)
    trace = numbers.trace_of(result).value
    shortcut = np.array([numbers.largest(row) for row in result.random_rises])
    marks = [
        *curve(x, result.worst_case, "worst case found", 0),
        *curve(x, x**2 * result.lambda_max / 2, "r² λmax/2", 0, dash=True),
        *curve(x, shortcut, f"maximum of {result.random_rises.shape[1]} random", 1, marker="square"),
        *band(x, steps, scatter, 3),
        *curve(x, steps, "mean of random", 3, marker="cross"),
        *band(x, average, error, 2),
        *curve(x, average, "Gaussian, σ = r/√n", 2, marker="diamond"),
        *curve(x, result.sigmas**2 * trace / 2, "σ² trace/2", 2, dash=True),
        Rule(at=result.radius, label=f"r = {result.radius:g}"),
    ]
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="radius r in the 2-norm", scale="log", limits=around(x)),
        y=Axis(label="rise of the loss", unit=unit_of(result), scale="log", limits=look.limits or limits_of(marks)),
        title="Rise of the loss over the radius" if look.title else "",
    )


def around(*places: Array) -> tuple[float, float] | None:
    """Where points stand on a logarithmic axis, with room for the outermost; None where there is nothing to enclose."""
    known = np.concatenate([p[np.isfinite(p) & (p > 0)] for p in places])
    if not known.size:
        return None
    air = max((known.max() / known.min()) ** 0.03, 1.05)
    return float(known.min() / air), float(known.max() * air)


def limits_of(marks: list[Mark]) -> tuple[float, float] | None:
    """Around the curves; bands that reach down to zero run out of the panel."""
    values = np.concatenate([np.asarray(m.y, float) for m in marks if isinstance(m, Line)] or [np.zeros(0)])
    return (float(values.min()) / 2, float(values.max()) * 2) if values.size else None


def groups_panel(result: SharpnessResult, look: Look) -> Panel | None:
    """m-sharpness over m, with the worst case of all data as a line across."""
    mean, error = numbers.means_of(result.group_rises)
    marks = [*band(result.group_sizes, mean, error, 4), *curve(result.group_sizes, mean, f"m-sharpness, r = {result.radius:g}", 4)]
    if not marks:
        return None
    whole = float(result.worst_case[numbers.reference(result)])
    ends = freeze(result.group_sizes[[0, -1]])
    marks.append(Line(x=ends, y=freeze(np.full(2, whole)), label=f"all {result.examples:,} examples at once", dash=True))
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="examples in a group, m", scale="log", limits=around(result.group_sizes)),
        y=Axis(label="m-sharpness", unit=unit_of(result), scale="log"),
        title="m-sharpness over m" if look.title else "",
    )


def scaled_panel(result: SharpnessResult, look: Look) -> Panel | None:
    """Neighbourhoods that follow the size of each weight."""
    marks = [
        *curve(result.adaptive_radii, result.adaptive, "adaptive: radius of d/|w|", 5),
        *curve(result.epsilons, result.box, "Keskar's box: epsilon", 6, marker="square"),
    ]
    if not marks:
        return None
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="distance relative to the weights", scale="log", limits=around(result.adaptive_radii, result.epsilons)),
        y=Axis(label="largest rise found", unit=unit_of(result), scale="log"),
        title="Adaptive sharpness and Keskar's box" if look.title else "",
    )


def curvature_panel(result: SharpnessResult, look: Look) -> Panel | None:
    """Kinks: the mean curvature at a distance over the one that differentiation sees."""
    ratio, error = numbers.finite_curvatures(result)
    known = np.isfinite(ratio) & np.isfinite(error)
    if not known.any():
        return None
    x, y, e = result.sigmas[known], ratio[known], error[known]
    marks = (
        Band(x=freeze(x), low=freeze(y - BAND * e), high=freeze(y + BAND * e), colour=7),
        Line(x=freeze(x), y=freeze(y), label="2 × average rise/σ² over z·Hz", colour=7, width=1.6),
        Points(x=freeze(x), y=freeze(y), colour=7, size=5.0),
        Line(x=freeze(x), y=freeze(np.ones(len(x))), label="what differentiation sees", colour=7, dash=True),
    )
    return Panel(
        marks=marks,
        view="chart",
        x=Axis(label="deviation σ of Gaussian noise in each weight", scale="log", limits=around(x)),
        y=Axis(label="curvature at σ over that at 0"),
        title="Curvature at a finite radius" if look.title else "",
    )


def sharpness_facts(result: SharpnessResult) -> tuple[facts.Fact, ...]:
    """Numbers with their errors, reading aids, the bound's parts and assumptions, caveats, and what every answer says."""
    i = numbers.reference(result)
    aid = reading("worst_case", float(result.worst_case[i]))
    found = [
        *number_facts(result),
        ("Reading aid", f"epsilon-ball sharpness {aid} (below 0.1 flat, 0.1 to 1 moderate, above 1 sharp); an aid, no verdict"),
        *bound_facts(result),
        ("m-sharpness over m", groups_words(result)),
        *CAVEATS,
        ("Remarks", " ".join(result.notes)),
        *((name, words) for name, words in curvature_facts(result) if name != "Operator"),
    ]
    return tuple(fact for fact in found if fact[1] and (fact[0] != "Reading aid" or aid))


def bound_facts(result: SharpnessResult) -> list[facts.Fact]:
    """The PAC-Bayes bound: its parts, what it assumes, and whether it says anything."""
    if not result.bound:
        return []
    b, number = result.bound, facts.number
    verdict = (
        f"vacuous: guessing is wrong in {numbers.guessing(result):.1%} of cases, and the bound is no better"
        if numbers.is_vacuous(result)
        else f"not vacuous: guessing is wrong in {numbers.guessing(result):.1%} of cases"
    )
    parts = (
        f"σ = {number(b['sigma'])} by binary search (error up by at most 0.1), prior around {result.prior} at distance "
        f"{number(b['distance'])} with deviation {number(b['prior'])}, KL = {number(b['kl'])} nats, error with noise "
        f"{b['mean_error']:.4f} ± {b['standard_error']:.1g} (at most {b['monte_carlo']:.4f}), m = {b['examples']:,.0f}, "
        f"δ = {b['delta']:g} + {b['monte_carlo_delta']:g}"
    )
    assumes = (
        "The examples are independent draws from one distribution; the prior was fixed without them (BatchNorm statistics and "
        "a choice of checkpoint by these data break that); it is about the network with noise in its weights, not about this one. "
        "Dziugaite and Roy 2017 (bound, without their optimised posterior); Jiang et al. 2020 (search for σ)."
    )
    return [("The bound is", verdict), ("Parts of the bound", parts), ("The bound assumes", assumes)]


def groups_words(result: SharpnessResult) -> str:
    """ "16: 0.31 ± 0.02, 64: 0.12 ± 0.01, ..."."""
    said = []
    for k, size in enumerate(result.group_sizes):
        found = numbers.mean_of(result.group_rises[k])
        if found.value == found.value:
            said.append(
                f"{size:.0f}: {facts.number(found.value)}" + (f" ± {found.error:.1g}" if found.error == found.error else "")
            )
    return ", ".join(said)
