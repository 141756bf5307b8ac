"""How a checkpoint stands: its loss on all data of every split, the generalisation gap, and how far its weights have come."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from landscape_gui.number_texts import TEXTS
from landscape_gui.probes import sampling
from landscape_gui.probes.base import Progress
from landscape_gui.probes.curvature_numbers import number
from landscape_gui.results import Number

if TYPE_CHECKING:
    from landscape_gui.probes.base import CheckpointRef
    from landscape_gui.problem import Problem

SEEN = "test"
"""The split that is taken for unseen data; where there is none of this name, the second one is."""


def standing(problem: Problem, start: CheckpointRef | None) -> Generator[Progress, None, list[Number]]:
    """Loss on all data of each split, both gaps, the norm of the weights and their distance from `start`. One forward pass."""
    steps = problem.evaluator(tier="exact").evaluate(problem.state, (), ())
    values = yield from sampling.relay(steps, 0.0, 0.0, 1.0)
    means = {name: float(mean.reshape(-1)[0]) for name, mean in values.mean.items()}
    errors = {name: math.nan if e is None else float(e.reshape(-1)[0]) for name, e in values.standard_error.items()}
    found = [loss_of(split, means, errors, problem.loss_unit) for split in problem.splits]
    return [*found, *gaps(list(problem.splits), means, errors, problem.loss_unit), *ways(problem, start)]


def loss_of(split: str, means: Mapping[str, float], errors: Mapping[str, float], unit: str) -> Number:
    name = f"{split}_loss"
    label = f"{TEXTS['split_loss'].label}, {split}"
    made = number("split_loss", means[name], errors.get(name, math.nan), "standard error", label=label)
    return dataclasses.replace(made, name=f"split_loss:{split}", unit=unit)


def gaps(splits: list[str], means: Mapping[str, float], errors: Mapping[str, float], unit: str) -> list[Number]:
    """Unseen minus training loss, and training minus unseen accuracy in points: both grow as the network does worse on unseen
    data. What was trained on is known exactly, so the error is that of the unseen data alone."""
    unseen = SEEN if SEEN in splits[1:] else splits[1] if len(splits) > 1 else ""
    if not unseen:
        return []
    seen = splits[0]
    here, there = f"{seen}_loss", f"{unseen}_loss"
    made = number("loss_gap", means[there] - means[here], errors.get(there, math.nan), "standard error")
    found = [dataclasses.replace(made, unit=unit)]
    here, there = f"{seen}_accuracy", f"{unseen}_accuracy"
    if here in means and there in means:
        gap, error = 100 * (means[here] - means[there]), 100 * errors.get(there, math.nan)
        found.append(number("accuracy_gap", gap, error, "standard error"))
    return found


def ways(problem: Problem, start: CheckpointRef | None) -> list[Number]:
    """2-norms over the parameters."""
    from landscape_gui.core.vector import norm

    here: Any = problem.state[: problem.layout.parameters]
    found = [number("weight_norm", norm(here), math.nan, "exact")]
    if start is not None:
        there = problem.state_of(start)[: problem.layout.parameters]
        found.append(number("distance_from_start", norm(here - there), math.nan, "exact"))
    return found
