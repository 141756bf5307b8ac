"""Numbers that a spectrum comes down to, each with its error and three sentences on what it says. NumPy only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui import spectral_numbers
from landscape_gui.curvature_results import EigenvaluesResult, SpectrumResult, TraceResult
from landscape_gui.number_texts import TEXTS
from landscape_gui.results import Array, Number
from landscape_gui.spectral_numbers import Estimate

if TYPE_CHECKING:
    from landscape_gui.problem import Problem

SEMIDEFINITE = ("gauss-newton", "ntk")
"""Operators without negative eigenvalues: a count of them would read as if it told of a saddle."""
EPSILON = 1e-3
"""Negative mass is counted below minus so many times the largest |eigenvalue|."""
DAMPING = 1e-3
"""The effective dimension's alpha, relative to the largest eigenvalue, where no weight decay is recorded."""
GRADIENT_DESCENT = ("sgd", "gd", "gradient descent", "momentum", "nesterov")


def number(name: str, value: float, error: float = math.nan, kind: str = "bound", *, label: str = "", unit: str = "") -> Number:
    """A number with the label, unit and sentences that it has everywhere."""
    text = TEXTS[name]
    return Number(
        name=name,
        label=label or text.label,
        value=float(value),
        error=0.0 if kind == "exact" else float(error),
        kind=kind,
        unit=unit or text.unit,
        help=text.help,
    )


def of_estimate(name: str, found: Estimate, *, label: str = "") -> Number:
    return number(name, found.value, found.error, found.kind, label=label)


@dataclass(frozen=True)
class Training:
    """How a checkpoint was trained, as far as its run or card records it. optimizer: lower case."""

    lr: float
    momentum: float = 0.0
    nesterov: bool = False
    optimizer: str = ""
    weight_decay: float = 0.0
    dampening: float = 0.0

    @property
    def limit(self) -> float:
        """The curvature beyond which gradient descent diverges on a quadratic, as `stability_limit` has it; NaN for other
        optimizers, and where none is known."""
        from landscape_gui.core.dynamics import stability_limit

        if not self.lr > 0 or self.optimizer not in GRADIENT_DESCENT:
            return math.nan
        return stability_limit(
            self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            dampening=self.dampening,
            weight_decay=self.weight_decay,
        )

    @property
    def told(self) -> str:
        """All of it that is known, as part of a question's key; "" where nothing is."""
        known = {name: value for name, value in dataclasses.asdict(self).items() if value and value == value}
        return ", ".join(f"{name} {value}" for name, value in known.items())

    @property
    def form(self) -> str:
        """The limit's formula."""
        rate = "(lr (1 − d))" if self.dampening else "lr"
        if not self.momentum:
            found = f"2/{rate}"
        elif self.nesterov:
            found = f"(2 + 2b)/({rate} (1 + 2b))"
        else:
            found = f"(2 + 2b)/{rate}"
        return found + (f" − weight decay {self.weight_decay:g}" if self.weight_decay else "")

    @property
    def words(self) -> str:
        """The formula with its numbers."""
        found = f"{self.form} at lr {self.lr:g}" + (f", b {self.momentum:g}" if self.momentum else "")
        return found + (f", d {self.dampening:g}" if self.dampening else "")


def training_of(problem: Problem) -> Training:
    """The learning rate of the checkpoint's row in its run's log, else of the checkpoint itself, else of the card; NaN: unknown."""
    card = problem.description.get("training")
    own = getattr(problem.checkpoint, "metadata", None) or {}
    return training_from(card if isinstance(card, Mapping) else {}, logged(problem), own)


def training_from(card: Mapping[str, Any], *sources: Mapping[str, Any]) -> Training:
    """The same from a card's `training` and what knows better, the best first: a row of a log, a checkpoint's own metadata."""
    rates = (positive(source.get(name)) for source in (*sources, card) for name in ("lr", "learning_rate"))
    momentum = positive(card.get("momentum"), 0.0)
    return Training(
        lr=next((rate for rate in rates if rate == rate), math.nan),
        momentum=momentum if momentum < 1 else 0.0,
        nesterov=card.get("nesterov") is True,
        optimizer=str(card.get("optimizer", card.get("optimiser", ""))).lower(),
        weight_decay=positive(card.get("weight_decay"), 0.0),
        dampening=positive(card.get("dampening"), 0.0),
    )


def logged(problem: Problem) -> Mapping[str, Any]:
    """What the run's log says of this checkpoint."""
    run, checkpoint = problem.run, problem.checkpoint
    if run is None or not hasattr(run, "logged") or checkpoint is None:
        return {}
    place = run.position(checkpoint.path)
    return {} if place is None else run.logged(run.checkpoints[place])


def positive(value: Any, otherwise: float = math.nan) -> float:
    """A number above zero that stands in a file, or `otherwise`."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return otherwise
    return found if math.isfinite(found) and found > 0 else otherwise


def eigen_numbers(
    result: EigenvaluesResult, *, classes: int, training: Training, gradient_norm: float = math.nan, smallest: int = 0
) -> dict[str, Number]:
    """The numbers that eigenvalues alone give; smallest: how many of them, at the end, are of the lower one."""
    values, residuals = result.eigenvalues, result.residuals
    if not len(values):
        return {}
    found = [number("lambda_max", values[0], residuals[0])]
    if len(values) > 1 or result.size == 1:  # a single one is not also the smallest, and says nothing of the others
        found.append(number("lambda_min", values[-1], residuals[-1]))
        found.append(of_estimate("spectral_gap", spectral_numbers.spectral_gap(values, residuals)))
        found.append(of_estimate("condition_number", spectral_numbers.condition_number(values, residuals)))
        found.append(of_estimate("max_min_ratio", spectral_numbers.condition_ratio(values, residuals)))
        if result.operator not in SEMIDEFINITE:
            found.append(negative_ones(result, smallest))
    gap = spectral_numbers.largest_gap(values, residuals)
    words = f", for {classes} classes" if classes else ""
    label = f"{TEXTS['largest_gap_position'].label}{words}"
    if gap.position:
        found.append(number("largest_gap_position", gap.position, kind="exact" if gap.certain else "bound", label=label))
        found.append(of_estimate("largest_gap_ratio", gap.ratio))
    if math.isfinite(gradient_norm):
        found.append(number("gradient_norm", gradient_norm, kind="exact"))
    found += alignment(result, classes)
    if math.isfinite(training.limit) and result.operator == "hessian" and not result.layer:
        label = f"{TEXTS['stability_limit'].label}: {training.words}"
        found.append(number("stability_limit", training.limit, 0.0, "exact", label=label))
        found.append(number("lambda_max_over_limit", values[0] / training.limit, residuals[0] / training.limit))
    return {n.name: n for n in found}


def negative_ones(result: EigenvaluesResult, smallest: int) -> Number:
    """How many eigenvalues are negative: all of them where one at the lower end is resolved as positive, else at least so many."""
    good = result.converged.astype(bool)
    values, residuals = result.eigenvalues, result.residuals
    certain, possible = spectral_numbers.negative_eigenvalues(values[good], residuals[good])
    if len(values) == result.size and good.all():
        return number("negative_eigenvalues", certain, possible - certain, "bound" if possible > certain else "exact")
    low = slice(len(values) - min(smallest, len(values)), len(values))
    if (good[low] & (values[low] > residuals[low])).any():
        return number("negative_eigenvalues", certain, possible - certain, "bound" if possible > certain else "exact")
    label = f"{TEXTS['negative_eigenvalues'].label}, at least"
    return number("negative_eigenvalues", max(certain, result.negative), kind="lower bound", label=label)


def alignment(result: EigenvaluesResult, classes: int) -> list[Number]:
    """The gradient's cosine with the leading eigenvectors: as many as there are classes where those are resolved, else all."""
    leading = (result.eigenvalues > result.residuals) & result.converged
    resolved = int(np.argmin(leading)) if not leading.all() else len(leading)
    count = classes if 0 < classes <= resolved else resolved
    if not len(result.gradient_shares) or not count:
        return []
    cosine = math.sqrt(min(1.0, float(result.gradient_shares[:count].sum())))
    error = math.nan
    if count < len(result.eigenvalues):
        gap = float(result.eigenvalues[count - 1] - result.eigenvalues[count])
        error = min(1.0, float(np.linalg.norm(result.residuals[:count])) / gap) if gap > 0 else 1.0
    label = f"{TEXTS['gradient_alignment'].label} of {count}"
    return [number("gradient_alignment", cosine, error, label=label)]


def spectrum_numbers(result: SpectrumResult, trace: TraceResult | None, *, training: Training) -> dict[str, Number]:
    """The numbers that the density and the trace give."""
    found: list[Number] = []
    if trace is not None:
        found.append(number("trace", trace.trace, trace.trace_standard_error, "standard error"))
        found.append(number("frobenius", trace.frobenius, trace.frobenius_standard_error, "standard error"))
    largest = largest_magnitude(result)
    if (len(result.nodes) or len(result.lines) == result.size) and largest > 0:
        quadrature: tuple[Array, Array, Array] = (result.nodes, result.weights, result.lines)
        epsilon = EPSILON * largest
        mass = spectral_numbers.negative_mass(*quadrature, n=result.size, epsilon=epsilon)
        label = f"{TEXTS['negative_mass'].label}, below −{epsilon:.2g}"
        found.append(number("negative_mass", mass.value, mass.standard_error, "standard error", label=label))
        damping = training.weight_decay or DAMPING * largest
        origin = "the weight decay" if training.weight_decay else f"{DAMPING:g} of the largest eigenvalue"
        label = f"{TEXTS['effective_dimension'].label} at α = {damping:.2g}, {origin}"
        estimate = spectral_numbers.effective_dimension(*quadrature, n=result.size, damping=damping)
        found.append(of_estimate("effective_dimension", dataclasses.replace(estimate, kind="standard error"), label=label))
    return {n.name: n for n in found}


def largest_magnitude(result: SpectrumResult) -> float:
    """The largest |eigenvalue| that is known of."""
    places = np.concatenate([result.eigenvalues, result.lowest, result.nodes[result.weights > 0]])
    return float(np.abs(places).max()) if len(places) else 0.0
