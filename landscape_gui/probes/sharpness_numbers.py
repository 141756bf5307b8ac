"""Numbers that an answer about sharpness comes down to, at its reference distances, each with its error. NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from landscape_gui.curvature_results import SharpnessResult
from landscape_gui.number_texts import TEXTS
from landscape_gui.results import Array, Number

LOWER, UPPER, ERROR, EXACT, GUESS = "lower bound", "upper bound", "standard error", "exact", "heuristic"


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error."""

    value: float
    error: float


def mean_of(samples: Array) -> Estimate:
    """The mean over what is known of the samples (k,), with its standard error."""
    known = samples[~np.isnan(samples)]
    if not known.size:
        return Estimate(math.nan, math.nan)
    error = float(known.std(ddof=1)) / math.sqrt(known.size) if known.size > 1 else math.nan
    return Estimate(float(known.mean()), error)


def means_of(samples: Array) -> tuple[Array, Array]:
    """Means (r,) and standard errors (r,) of rows of samples (r, k)."""
    found = [mean_of(row) for row in samples]
    return np.array([e.value for e in found]), np.array([e.error for e in found])


def trace_of(result: SharpnessResult) -> Estimate:
    """The trace from the products: the leading eigenvalues' sum and the mean of what they leave."""
    rest = mean_of(result.deflated_samples)
    return Estimate(result.deflated_trace + rest.value, rest.error)


def finite_curvatures(result: SharpnessResult) -> tuple[Array, Array]:
    """Per radius, the curvature at that distance over the one that differentiation sees, (r,), and standard errors (r,)."""
    near = result.curvature_samples
    bottom = float(near.mean()) if near.size else math.nan
    values, errors = np.full(len(result.radii), np.nan), np.full(len(result.radii), np.nan)
    if bottom:
        for i, sigma in enumerate(result.sigmas):
            far = 2 * result.gaussian_rises[i] / sigma**2
            values[i] = far.mean() / bottom
            errors[i] = mean_of(far - values[i] * near).error / abs(bottom)
    return values, errors


def reference(result: SharpnessResult) -> int:
    """Where in the curves the reference distances stand."""
    return len(result.radii) // 2


NOT_CONVERGED = "not converged"


def ended(result: SharpnessResult, name: str) -> str:
    """What a label says besides of the worst case at the reference distance, where its steps ran out."""
    flags = getattr(result, f"{name}_converged")
    return f", {NOT_CONVERGED}" if len(flags) and flags[len(flags) // 2] == 0 else ""


def unconverged(result: SharpnessResult, steps: int) -> list[str]:
    """A sentence for each curve whose ascents ran out of steps, and one for the groups."""
    found = []
    for name, at, what in (
        ("worst_case", result.radii, "The worst case in a ball at radius"),
        ("adaptive", result.adaptive_radii, "Adaptive sharpness at radius"),
        ("box", result.epsilons, "The worst case in the box at epsilon"),
    ):
        places = ", ".join(f"{x:.3g}" for x, flag in zip(at, getattr(result, f"{name}_converged"), strict=True) if flag == 0)
        if places:
            found.append(f"{what} {places} had not converged after {steps} steps: it is a lower bound all the more.")
    flags = result.group_converged[~np.isnan(result.group_converged)]
    short = int((flags == 0).sum())
    if short:
        found.append(
            f"m-sharpness: {short} of {flags.size} groups' ascents ended by their budget of steps, so it is a lower bound."
        )
    return found


def numbers_of(result: SharpnessResult, loss_unit: str) -> dict[str, Number]:
    """All that is known by now, by name."""
    i, middle, found = reference(result), len(result.epsilons) // 2, []

    def add(name: str, value: float, error: float = math.nan, kind: str = EXACT, at: str = "") -> None:
        text = TEXTS[name]
        if value == value:
            unit = loss_unit if text.unit == "nat" else text.unit
            label = f"{text.label}, {at}" if at else text.label
            found.append(
                Number(name=name, label=label, value=float(value), error=float(error), kind=kind, unit=unit, help=text.help)
            )

    ball, noise = f"radius {result.radius:g}", f"deviation {result.sigmas[i]:.3g}"
    worst, shortcut = float(result.worst_case[i]), largest(result.random_rises[i])
    average, trace = mean_of(result.gaussian_rises[i]), trace_of(result)
    half, ratios = result.sigmas[i] ** 2 / 2, finite_curvatures(result)
    add("lambda_max", result.lambda_max, result.lambda_max_residual, "bound")
    add("gradient_norm", result.gradient_norm)
    add("worst_case", worst, kind=LOWER, at=ball + ended(result, "worst_case"))
    add("random_maximum", shortcut, kind=LOWER, at=f"{ball}, {result.random_rises.shape[1]} directions")
    add("random_gap", worst / shortcut if shortcut > 0 else math.nan, kind=LOWER, at=ball)
    add("directional", *pair(mean_of(result.random_rises[i])), ERROR, ball)
    add("gaussian_average", *pair(average), ERROR, noise)
    add("gaussian_quadratic", half * trace.value, half * trace.error, ERROR, noise)
    add("finite_curvature", float(ratios[0][i]), float(ratios[1][i]), ERROR, noise)
    box = f"epsilon {result.epsilon:g}{ended(result, 'box')}"
    add("worst_case_box", 100 * float(result.box[middle]) / (1 + result.loss), kind=LOWER, at=box)
    scaled = f"radius {result.adaptive_radius:g}{ended(result, 'adaptive')}"
    add("adaptive", float(result.adaptive[middle]), kind=LOWER, at=scaled)
    for k in [0] if len(result.group_sizes) else []:
        groups = f"m = {result.group_sizes[k]:.0f}, {np.isfinite(result.group_rises[k]).sum()} groups, {ball}"
        add("m_sharpness", *pair(mean_of(result.group_rises[k])), ERROR, groups)
    if result.bound:
        verdict = ", vacuous" if is_vacuous(result) else ", not vacuous"
        add("pac_bayes_bound", result.bound["value"], kind=UPPER, at=f"with probability {confidence(result):.4g}{verdict}")
    add("heuristic_bound", math.sqrt(max(worst, 0.0) / result.examples) if result.examples else math.nan, kind=GUESS, at=ball)
    add("flatness", 1 / (1 + worst), kind=UPPER, at=ball)
    return {number.name: number for number in found}


def pair(found: Estimate) -> tuple[float, float]:
    return found.value, found.error


def largest(samples: Array) -> float:
    known = samples[~np.isnan(samples)]
    return float(known.max()) if known.size else math.nan


def confidence(result: SharpnessResult) -> float:
    return 1 - result.bound["delta"] - result.bound["monte_carlo_delta"]


def guessing(result: SharpnessResult) -> float:
    """The error of guessing among balanced classes."""
    return 1 - 1 / result.classes if result.classes > 1 else 1.0


def is_vacuous(result: SharpnessResult) -> bool:
    return not result.bound["value"] < guessing(result)
