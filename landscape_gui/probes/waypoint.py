"""The model at one place of a path between two others: what it gets right, and where it differs from the path's ends."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.connection_results import AlignmentResult, CurveResult, WaypointResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes import sampling
from landscape_gui.probes.base import CheckpointRef, Progress, Run
from landscape_gui.results import Array, Provenance, Quantity, freeze

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from landscape_gui.core.curves import Curve
    from landscape_gui.core.evaluate import Values
    from landscape_gui.core.passes import Passes
    from landscape_gui.core.repair import Repair
    from landscape_gui.core.waypoint import Seen
    from landscape_gui.problem import Problem

AT_ONCE = 0.05
"""Seconds that a model may take where a hand waits for it: half of what is felt, for a busy machine takes longer."""
FEWEST = 32
REPAIRED = "repaired"


@dataclass(frozen=True, kw_only=True)
class Sample(sampling.SampledProbe):
    """On which data, and how, the models on a path are run. Nobody asks it: a model on the way comes too fast to be kept."""

    seed: int = 0


def waypoints(
    problem: Problem,
    towards: CheckpointRef,
    answer: CurveResult | AlignmentResult | None = None,
    *,
    path: str = "line",
    mirrored: bool = False,
    split: str = "",
    batchnorm: str = "auto",
    limit: int = 0,
    seed: int = 0,
    precision: str = "float32",
) -> Waypoints:
    """The models on a path from the problem's checkpoint (t = 0) to `towards` (t = 1), to be asked for one after the other.

    answer: the curve, band or alignment that made the path, None for a straight line; path: its kind, as PathQuestion names it;
    mirrored: the answer is that of the question from `towards` to this checkpoint (probes.pair). split: whose classes are told,
    "" for the last one, which is held out; losses are of all splits. batchnorm: as of a path. Making it costs two forward passes
    over the data and two for the ends, each place one; 2 to 70 ms for the samples. Raises QuestionError.
    """
    from landscape_gui.core.curves import Curve
    from landscape_gui.probes.path_axes import curve_of

    if answer is None:
        import torch

        curve = Curve("line", torch.stack([problem.state, problem.state_of(towards)]))
    else:
        curve = curve_of(answer, problem, towards, here=not mirrored)
    fields = Sample(limit=limit, seed=seed, batchnorm=batchnorm, precision=precision)
    return Waypoints(problem, curve, fields, path=path, split=split)


def waypoints_of(
    question: Any, problem: Problem, ask: Callable[..., Run], *, split: str = ""
) -> Generator[Progress, None, Waypoints]:
    """The models on the path that a question (path) is about; the curve or alignment is asked for, and is there where the path has
    been measured. Raises QuestionError."""
    from landscape_gui.core.curves import Curve
    from landscape_gui.probes.path_axes import found_path

    whole: Any = question.completed(problem)
    if whole.of is None:
        import torch

        curve = Curve("line", torch.stack([problem.state, problem.state_of(whole.towards)]))
    else:
        curve = yield from found_path(whole.of, whole.towards, problem, ask)
    fields = Sample(limit=whole.limit, seed=whole.seed, batchnorm=whole.batchnorm, precision=whole.precision, tier=whole.tier)
    return Waypoints(problem, curve, fields, path=whole.path, split=split)


class Waypoints:
    """Call it with t, the place on the path, for a WaypointResult. One thread at a time.

    mode: what happens to BatchNorm statistics, "" without any; "repaired" recalculates them, and repairs other layers. Beyond the
    ends, t below 0 or above 1, the path goes on.
    """

    def __init__(self, problem: Problem, curve: Curve, fields: Sample, *, path: str, split: str = "") -> None:
        from landscape_gui.core.waypoint import CLASSES
        from landscape_gui.core.waypoint import Waypoints as Network

        self.problem, self.curve, self.fields, self.path = problem, curve, fields, path
        self.split = split or list(problem.splits)[-1]
        if self.split not in problem.splits:
            raise QuestionError(f"There is no split {split!r}.", remedy=f"Choose one of {', '.join(problem.splits)}.")
        self.mode = _mode(fields, problem, path)
        evaluator = problem.evaluator(
            limit=fields.limit,
            seed=fields.seed,
            tier="exact",
            precision=fields.precision,
            batchnorm="recalculated" if self.mode == "recalculated" else "frozen",
            further=CLASSES if problem.classes and "accuracy" in problem.metrics else None,
        )
        self._network = Network(evaluator, self._state, split=self.split)
        self._repair: Repair | None = None

    @cached_property
    def passes(self) -> Passes:
        """What statistics are recalculated from."""
        return self.problem.passes(limit=self.fields.limit, seed=self.fields.seed)

    @property
    def seconds(self) -> float:
        """What a place takes, about."""
        return float(self._network.evaluator.seconds_per_point)

    def quick(self) -> Waypoints:
        """These models on so many examples that a place takes less than 0.05 s: themselves where all data do not take longer."""
        count = max(self.problem.splits.values())
        seconds = self.seconds
        if not seconds > AT_ONCE or not count:
            return self
        limit = max(FEWEST, int((self.fields.limit or count) * AT_ONCE / seconds))
        return Waypoints(self.problem, self.curve, replace(self.fields, limit=limit), path=self.path, split=self.split)

    def __call__(self, t: float) -> WaypointResult:
        return self._result(t, self._network.at(0.0), self._network.at(1.0), self._network.at(t))

    def steps(self, t: float) -> Generator[float, None, WaypointResult]:
        """As a call; yields between pieces of about 50 ms: stop there where another place is wanted."""
        first = yield from self._network.steps(0.0)
        second = yield from self._network.steps(1.0)
        return self._result(t, first, second, (yield from self._network.steps(t)))

    def state_at(self, t: float) -> Tensor:
        """(size,) float32 the weights at t with the statistics that go with them, for `Problem.save_state`.

        With recalculated statistics that costs a pass over the training data.
        """
        from landscape_gui.core.waypoint import finish

        state = finish(self._state(t))
        if self.mode != "recalculated" or t in (0.0, 1.0):
            return state  # type: ignore[no-any-return]
        self.passes.install(state)
        finish(self.passes.recalculate())
        views = self.problem.layout.unflatten(state)
        for name, tensor in self.passes.running().items():
            views[name].copy_(tensor)
        return state  # type: ignore[no-any-return]

    def save(self, t: float, path: str | Path) -> None:
        """Write the model at t as .safetensors that opens like the checkpoint, whole or not at all. Raises ProblemError."""
        self.problem.save_state(self.state_at(t), path)

    def _state(self, t: float) -> Generator[float, None, Tensor]:
        """The weights at t with the buffers that the evaluation starts from."""
        from landscape_gui.core.repair import Repair

        state = self.curve.at(t)
        if self.path == REPAIRED and (self.mode or t not in (0.0, 1.0)):
            if self._repair is None:
                self._repair = Repair(self.passes, self.curve.points[0], self.curve.points[-1])
            return (yield from self._repair.at(state, t))
        if self.mode == "frozen":
            state[self.problem.layout.parameters :] = self.curve.points[0][self.problem.layout.parameters :]
        return state

    def _result(self, t: float, first: Seen, second: Seen, here: Seen) -> WaypointResult:
        from landscape_gui.core.waypoint import per_class

        classes = self.problem.classes or 0
        told: dict[str, Any] = {}
        if len(here.targets):
            shares = {name: per_class(seen.predicted, here.targets, classes) for name, seen in _named(first, second, here).items()}
            told = {f"per_class{name}": freeze(share) for name, (share, _) in shares.items()}
            told |= {f"predicted{name}": freeze(seen.predicted, np.int64) for name, seen in _named(first, second, here).items()}
            told["targets"] = freeze(here.targets, np.int64)
            told["class_examples"] = freeze(shares[""][1], np.int64)
        return WaypointResult(
            t=float(t),
            path=self.path,
            split=self.split,
            quantities=_quantities(here.values, self.problem.loss_unit),
            subset=sampling.describe_subset(self.fields, self.problem),
            batchnorm=self.mode,
            precision=self.fields.precision,
            provenance=Provenance(environment=dict(self._network.evaluator.environment)),
            **told,
        )


def _mode(fields: Sample, problem: Problem, path: str) -> str:
    """What happens to BatchNorm statistics on a path: recalculated where nothing else is asked for."""
    if not problem.has_batchnorm:
        return ""
    if path == REPAIRED:
        return REPAIRED
    return "recalculated" if fields.batchnorm == "auto" else fields.batchnorm


def _named(first: Seen, second: Seen, here: Seen) -> Mapping[str, Seen]:
    return {"": here, "_first": first, "_second": second}


def _quantities(values: Values, unit: str) -> dict[str, Quantity]:
    def only(found: Array | None) -> Array | None:
        return None if found is None else found[0]

    return {
        name: sampling.quantity(name, mean[0], only(values.standard_error[name]), values.examples[name], axes=(), loss_unit=unit)
        for name, mean in values.mean.items()
    }
