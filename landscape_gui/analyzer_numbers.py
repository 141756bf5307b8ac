"""From answers to the facade's names: paths, surfaces, training steps and bounds as plain arrays and numbers. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.analysis import FURTHER, Measures, named
from landscape_gui.connection_results import ConnectionResult, PathResult
from landscape_gui.curvature_results import SharpnessResult
from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.results import Array, Number, Quantity, SurfaceResult, freeze

if TYPE_CHECKING:
    from landscape_gui.figure import Figure

PLURAL = {"loss": "losses", "accuracy": "accuracies"}
BARRIERS = {"barrier_height": "above_larger", "barrier_above_line": "above_line", "barrier_above_mean": "above_mean"}
SERIES = {
    "grad_norms": ("gradient_norm", "gradient norm"),
    "sharpness": ("worst_case", "largest rise within the radius"),
    "max_eigenvalues": ("lambda_max", "largest Hessian eigenvalue"),
    "learning_rates": ("learning_rate", "learning rate"),
    "distances": ("distance", "distance from the start"),
    "batch_losses": ("batch_loss", "loss of the last batch"),
}
"""The facade's name of a list over steps -> what each moment calls it, and what it is in words."""
DRAWN = {
    "gradient_norm": "grad_norms",
    "epsilon_sharpness": "sharpness",
    "lambda_max": "max_eigenvalues",
    "learning_rate": "learning_rates",
    "distance_from_start": "distances",
}
"""The dynamics' own name -> the facade's."""
RATIOS = {"stability_ratio": "stability_ratios"}
"""The same of what no moment holds: it is had of two others."""


def number(name: str, value: float, error: float = math.nan, kind: str = "exact", *, unit: str = "") -> Number:
    """A number that no question's answer holds."""
    return Number(name=name, label=name.replace("_", " "), value=float(value), error=float(error), kind=kind, unit=unit)


def listed(own: str) -> str:
    """The facade's name of the list of one of the dynamics' quantities."""
    return {**DRAWN, **RATIOS}.get(own) or plural(own)


def plural(quantity: str) -> str:
    """ "train_loss" -> "losses_train"."""
    split, _, metric = quantity.partition("_")
    return f"{PLURAL.get(metric, metric)}_{split}"


def connection_values(found: ConnectionResult) -> tuple[dict[str, Any], dict[str, Number], dict[str, Array]]:
    """Arrays along the first path, its numbers, and standard errors of the arrays."""
    path: PathResult = next(iter(found.paths.values()))
    own = path.quantities[f"{path.split}_loss"]
    values: dict[str, Any] = {"alphas": path.t, "losses": own.values, "arc_lengths": path.arc}
    errors = {"losses": errors_of(own)}
    for name, quantity in path.quantities.items():
        values[plural(name)], errors[plural(name)] = quantity.values, errors_of(quantity)
    return values, {n.name: n for n in path_numbers(path, found)}, errors


def path_numbers(path: PathResult, found: ConnectionResult) -> list[Number]:
    numbers = list(named(path.numbers, BARRIERS).values())
    barrier = path.numbers["above_larger"]
    score = 1 / (1 + barrier.value)
    numbers.append(number("connectivity_score", score, barrier.error * score**2, "standard error"))
    numbers.append(number("path_norm", found.end_distance, 0.0))
    numbers.append(number("path_length", path.length, 0.0))
    own = path.quantities[f"{path.split}_loss"]
    ends = {"loss_first": 0.0, "loss_second": 1.0}
    for name, t in ends.items():
        place = int(np.flatnonzero(path.t == t)[0])
        numbers.append(number(name, own.values[place], errors_of(own)[place], "standard error", unit=own.unit))
    inside = (path.t >= 0) & (path.t <= 1)
    numbers.append(number("max_loss", np.max(own.values[inside]), unit=own.unit))
    return numbers


def errors_of(quantity: Quantity) -> Array:
    known = quantity.standard_error
    return np.full_like(quantity.values, np.nan) if known is None else known


def surface_values(found: SurfaceResult) -> tuple[dict[str, Any], dict[str, Array]]:
    """Axes (nx,), (ny,), every quantity (ny, nx), and standard errors."""
    first = next(iter(found.quantities.values()))
    values: dict[str, Any] = {"x": found.x, "y": found.y, "losses": first.values}
    errors = {"losses": errors_of(first)}
    for name, quantity in found.quantities.items():
        values[plural(name)], errors[plural(name)] = quantity.values, errors_of(quantity)
    values |= {"min_loss": float(np.nanmin(first.values)), "max_loss": float(np.nanmax(first.values))}
    return values, errors


def pieces_of_bound(found: SharpnessResult) -> tuple[dict[str, Number], dict[str, Any]]:
    """The bound and the heuristic one, and the parts of the bound."""
    numbers = named(found.numbers, {name: FURTHER[name] for name in ("pac_bayes_bound", "heuristic_bound")})
    if not found.bound:
        return numbers, {}
    guessing = 1 - 1 / found.classes if found.classes > 1 else 1.0
    part = dict(found.bound)
    confidence = 1 - part["delta"] - part["monte_carlo_delta"]
    values = {
        "vacuous": not part["value"] < guessing,
        "confidence": confidence,
        "train_error": part["error"],
        "noisy_train_error": part["mean_error"],
        "kl": part["kl"],
        "sigma": part["sigma"],
        "prior": found.prior,
        "prior_distance": part["distance"],
    }
    return numbers, values


def moments_of(
    moments: Sequence[Mapping[str, float]], optimizer: Any, title: str, *, epsilon: float, notes: tuple[str, ...]
) -> Measures:
    """Lists over the tracked steps, and their charts."""
    steps = freeze([m["step"] for m in moments], int)
    values: dict[str, Any] = {"steps": steps}
    for name in moments[0]:
        split, _, metric = name.partition("_")
        if metric in PLURAL and split != "batch":
            values[plural(name)] = column(moments, name)
    values |= {own: column(moments, name) for own, (name, _) in SERIES.items()}
    values["stability_ratios"] = freeze(values["learning_rates"] * values["max_eigenvalues"])
    errors = {"max_eigenvalues": column(moments, "lambda_max_bound")}
    result = dynamics_of(values, errors, optimizer, moments)

    def draw() -> Figure:
        from landscape_gui.figure import Look
        from landscape_gui.probes.dynamics import Dynamics

        return Dynamics().figure(result, Look())

    said = (*notes, f"sharpness is the largest rise of the loss found within {epsilon:g}, a lower bound.")
    return Measures(title, values, errors=errors, result=result, draw=draw, notes=said)


def column(moments: Sequence[Mapping[str, float]], name: str) -> Array:
    return freeze([m.get(name, math.nan) for m in moments])


def dynamics_of(
    values: Mapping[str, Array], errors: Mapping[str, Array], optimizer: Any, moments: Sequence[Mapping[str, float]]
) -> DynamicsResult:
    examples = int(moments[0].get("examples", 0))
    quantities: dict[str, Quantity] = {}

    def add(name: str, label: str, own: str) -> None:
        quantities[name] = Quantity(
            name=name, label=label, values=values[own], standard_error=errors.get(own), axes=("record",), examples=examples
        )

    for own in values:
        metric, _, split = own.partition("_")
        single = {many: one for one, many in PLURAL.items()}.get(metric)
        if single and split in ("train", "test"):
            add(f"{split}_{single}", f"{split} {single}", own)
    for name, own in DRAWN.items():
        add(name, SERIES[own][1], own)
    for name, own in RATIOS.items():
        add(name, "learning rate times largest eigenvalue", own)
    name = type(optimizer).__name__ if hasattr(optimizer, "param_groups") else "training"
    run = RunDynamics(name=name, order=freeze(values["steps"]), quantities=quantities, **method_of(optimizer))
    return DynamicsResult(runs={name: run}, unit="step")


def method_of(optimizer: Any) -> dict[str, Any]:
    """The method and its momentum, where they are known."""
    groups = getattr(optimizer, "param_groups", None)
    if not groups:
        return {}
    known = {"optimiser": type(optimizer).__name__.lower(), "nesterov": bool(groups[0].get("nesterov", False))}
    return {**known, "momentum": float(groups[0].get("momentum", 0.0))} if known["optimiser"] == "sgd" else known
