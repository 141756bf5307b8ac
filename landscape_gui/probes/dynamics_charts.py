"""Which quantities of training dynamics stand in one chart, and how it is called. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.errors import QuestionError
from landscape_gui.results import Quantity

PATH = "trajectory"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart: what it is chosen by, its title, the symbol on its axis, and which quantities stand in it: those named, or those
    that end so."""

    key: str
    title: str
    label: str
    names: tuple[str, ...] = ()
    ending: str = ""
    logs: bool = False
    """It follows the look's logarithmic scale."""
    help: str = ""
    """What the label stands for, where it does not say it."""

    def holds(self, name: str) -> bool:
        return name in self.names or bool(self.ending and name.endswith(self.ending))


def chart(key: str, title: str, label: str, *, logs: bool = False, help: str = "") -> Chart:
    return Chart(key=key, title=title, label=label, names=(key,), logs=logs, help=help)


LGDI = (
    "LGDI, (C + D)/(G + C + D): G what a gradient step gains to first order, C what curvature may take back, D the directional "
    "sharpness. 0: the slope is all there is; near 1: steps no longer help"
)


CHARTS = (
    Chart(key="loss", title="Loss", label="loss", names=("loss",), ending="_loss", logs=True),
    Chart(key="accuracy", title="Accuracy", label="accuracy", names=("accuracy",), ending="_accuracy"),
    chart("gradient_norm", "Gradient norm", "|∇L|", logs=True),
    chart("lambda_max", "Largest Hessian eigenvalue", "λmax", logs=True),
    chart("stability_ratio", "Stability ratio", "lr · λmax", logs=True),
    chart("directional_sharpness", "Directional sharpness", "mean rise", logs=True),
    chart("epsilon_sharpness", "ε-sharpness", "largest rise", logs=True),
    chart("lgdi", "LGDI", "LGDI", help=LGDI),
    chart("distance_from_start", "Distance from start", "|θ − θ₀|"),
    chart("step_cosine", "Cosine of successive steps", "cosine"),
    chart("weight_norm", "Weight norm", "|θ|"),
    chart("learning_rate", "Learning rate", "lr", logs=True),
)
WHOLE = Chart(key=PATH, title="Trajectory", label="PC 2")
"""The plane of the runs; it has no quantities."""


def charts_of(result: DynamicsResult) -> Iterator[tuple[Chart, tuple[str, ...]]]:
    """The charts that have something to show, each with its quantities; whatever belongs to none gets its own."""
    left = [name for name in result.names if name != "stability_limit" and any(known(run, name) for run in result.runs.values())]
    for each in CHARTS:
        names = tuple(name for name in left if each.holds(name))
        left = [name for name in left if name not in names]
        if names:
            yield each, names
    for name in left:
        label = next(q.label for run in result.runs.values() for q in both(run, name))
        yield Chart(key=name, title=capital(label), label=label, names=(name,), logs=True), (name,)
    if any(len(run.place) for run in result.runs.values()):
        yield WHOLE, ()


def chosen(result: DynamicsResult, quantity: str) -> list[tuple[Chart, tuple[str, ...]]]:
    """The charts that are wanted: all for "", else those named, by chart or by quantity, with commas between. QuestionError names
    those that there are."""
    every = list(charts_of(result))
    wanted = [name.strip() for name in quantity.split(",") if name.strip()]
    if not wanted:
        # the rate shows in the limit's curve; one that never changes is a number
        limited = any(run.limit() is not None for run in result.runs.values())
        rate = varies(result, "learning_rate") and not limited
        return [entry for entry in every if entry[0].key != "learning_rate" or rate] or every
    found = [entry for name in wanted for entry in every if entry[0].key == name or name in entry[1]]
    for name in wanted:
        if every and not any(each.key == name or name in names for each, names in every):
            raise QuestionError(
                f"There is no chart {name!r} here.", remedy=f"There are {', '.join(each.key for each, _ in every)}."
            )
    return list({each.key: (each, names) for each, names in found}.values())


def varies(result: DynamicsResult, name: str) -> bool:
    runs = [q.values[np.isfinite(q.values)] for run in result.runs.values() for q in both(run, name)]
    return any(len(values) and values.min() != values.max() for values in runs)


def both(run: RunDynamics, name: str) -> tuple[Quantity, ...]:
    """The quantity as computed and as logged, whichever there are."""
    return tuple(each[name] for each in (run.quantities, run.logged) if name in each)


def known(run: RunDynamics, name: str) -> bool:
    return any(bool((np.isfinite(q.values) | np.isinf(q.values)).any()) for q in both(run, name))


def capital(label: str) -> str:
    """With a capital letter, Greek ones left as they are."""
    return label[:1].upper() + label[1:] if label[:1].isascii() else label
