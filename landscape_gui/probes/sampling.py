"""On which data, and how exactly, a question about losses is answered; shared by every probe that evaluates the network."""

from __future__ import annotations

import json
import weakref
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Probe, Progress, field
from landscape_gui.results import Quantity, freeze

if TYPE_CHECKING:
    from landscape_gui.core.evaluate import Evaluator, Values
    from landscape_gui.problem import Problem

BATCHNORM = {
    "auto": "frozen around one checkpoint, recalculated between checkpoints",
    "frozen": "the statistics of this checkpoint everywhere",
    "interpolated": "the statistics move along the axes as the weights do",
    "recalculated": "computed anew at each point from the training data",
}
SPLIT_WORDS = {"train": "training", "test": "test", "val": "validation", "valid": "validation", "validation": "validation"}
SAME = ("device", "threads", "dtype", "tier", "batchnorm", "batch", "partition", "statistics", "torch", "block")
"""What of an evaluator's environment an answer's bits depend on and is known before the first point."""

_paces: weakref.WeakKeyDictionary[Any, dict[Any, float]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class SampledProbe(Probe):
    """The fields that say on which data and how the network is evaluated."""

    split: str = field("all", label="Data", help="The split of the data: a name, or all of them in one pass", metavar="NAME")
    limit: int = field(0, label="Subset", help="A random subset of so many examples of each split; 0 takes all", minimum=0)
    batchnorm: str = field("auto", label="BatchNorm", help="Its statistics while weights move", choices=BATCHNORM, advanced=True)
    precision: str = field(
        "float32",
        label="Precision",
        help="Arithmetic of the network",
        choices={"float32": "as networks are trained", "float64": "double; about twice the time"},
        advanced=True,
    )
    tier: str = field(
        "fast",
        label="Evaluation",
        help="How the network is run",
        choices={"fast": "checked against the plain forward pass, equal to rounding", "exact": "bit-equal to a plain loop"},
        advanced=True,
    )


def chosen_splits(probe: SampledProbe, problem: Problem) -> tuple[str, ...]:
    """The names of the splits that a question is about. QuestionError names those that there are."""
    if probe.split == "all":
        return tuple(problem.splits)
    if probe.split not in problem.splits:
        raise QuestionError(f"There is no split {probe.split!r}.", remedy=f"Choose all, or one of {', '.join(problem.splits)}.")
    return (probe.split,)


def chosen_batchnorm(probe: SampledProbe, problem: Problem) -> str:
    """What "auto" means here: frozen around one checkpoint, recalculated between checkpoints."""
    if not problem.has_batchnorm:
        return "frozen"
    if probe.batchnorm != "auto":
        return probe.batchnorm
    return "recalculated" if getattr(probe, "directions", "") in ("towards", "plane", "path", "principal") else "frozen"


def make_evaluator(probe: SampledProbe, problem: Problem, *, batchnorm: str = "") -> Evaluator:
    """The evaluator that the fields ask for."""
    how: dict[str, Any] = {
        "tier": probe.tier,
        "precision": probe.precision,
        "batchnorm": batchnorm or chosen_batchnorm(probe, problem),
    }
    return problem.evaluator(
        splits=chosen_splits(probe, problem),
        limit=probe.limit,
        seed=getattr(probe, "seed", 0),
        **how,
    )


def examples_of(probe: SampledProbe, problem: Problem) -> int:
    """How many examples a point costs, all splits together."""
    counts = [problem.splits[name] for name in chosen_splits(probe, problem)]
    return sum(min(n, probe.limit) if probe.limit and n else n for n in counts)


def seconds_per_point(probe: SampledProbe, problem: Problem) -> float:
    """What a point takes, measured once for each problem and way of evaluating; NaN where it cannot be measured."""
    asked = (chosen_splits(probe, problem), probe.limit, probe.tier, probe.precision, chosen_batchnorm(probe, problem))
    known = _paces.setdefault(problem, {})
    if asked not in known:
        try:
            known[asked] = float(make_evaluator(probe, problem).seconds_per_point)
        except (AttributeError, TypeError, ValueError, RuntimeError):
            known[asked] = float("nan")
    return known[asked]


def describe_subset(probe: SampledProbe, problem: Problem) -> str:
    """ "all 1,000 train, 500 test" or "random 200 of 1,000 train, ..."."""
    parts = []
    for name in chosen_splits(probe, problem):
        count = problem.splits[name]
        drawn = probe.limit and (not count or probe.limit < count)
        parts.append(f"{probe.limit:,} of {count:,} {name}" if drawn else f"all {count:,} {name}")
    return ", ".join(parts)


def relay(steps: Generator[float, None, Values], done: float, weight: float, total: float) -> Generator[Progress, None, Values]:
    """An evaluator's work as progress: it is `weight` of `total`, after `done`."""
    try:
        while True:
            try:
                fraction = next(steps)
            except StopIteration as stop:
                values: Values = stop.value
                return values
            yield Progress(done=done + weight * fraction, total=total)
    finally:
        steps.close()


def stable(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an environment that decides an answer's bits, as it comes back from a file."""
    return json.loads(json.dumps({k: environment.get(k) for k in SAME}, default=str))  # type: ignore[no-any-return]


def label_of(name: str) -> str:
    """`train_loss` -> "training loss"."""
    split, _, metric = name.partition("_")
    return f"{SPLIT_WORDS.get(split, split)} {metric.replace('_', ' ')}"


def unit_of(name: str, loss_unit: str) -> str:
    return loss_unit if name.endswith("_loss") else "1" if name.endswith("accuracy") else ""


def quantity(name: str, values: Any, error: Any, examples: int, *, axes: tuple[str, ...], loss_unit: str) -> Quantity:
    return Quantity(
        name=name,
        label=label_of(name),
        values=freeze(values),
        standard_error=None if error is None else freeze(error),
        unit=unit_of(name, loss_unit),
        axes=axes,
        examples=int(examples),
    )
