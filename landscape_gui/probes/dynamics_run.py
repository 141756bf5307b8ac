"""The dynamics of runs being measured: the weights' way first, which needs no pass over the data, then checkpoint by checkpoint."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.dynamics_names import label_of
from landscape_gui.dynamics_results import DynamicsResult, MomentResult, RunDynamics
from landscape_gui.errors import ProblemError
from landscape_gui.number_texts import TEXTS
from landscape_gui.probes.base import Progress
from landscape_gui.probes.coarse import coarse_first
from landscape_gui.probes.curvature import describe_subset, examples_of
from landscape_gui.probes.curvature_numbers import number
from landscape_gui.probes.dynamics_tracks import Scale, Track, tracks_of
from landscape_gui.results import Array, Number, Provenance, Quantity, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.probes.base import CheckpointRef
    from landscape_gui.probes.dynamics import Dynamics
    from landscape_gui.problem import Problem

PLANE_BYTES = 1 << 30
"""Weights of all checkpoints that would take more are not laid into a plane."""
PLANE_WORK = 4e9
"""Multiplications of the inner products between the checkpoints that the plane is laid by, some seconds' worth: where there would
be more, it is laid by fewer, evenly spread, and the others are projected."""
ONE_BY_ONE = 3
"""Of so many checkpoints the same sentence is said of each."""
WEIGHTS = ("distance_from_start", "step_cosine", "weight_norm")
"""What is known from the files alone; it stands last."""
OF_DESCENT = ("stability_ratio", "lgdi")
"""What means something of gradient descent alone."""
ADAPTIVE = "its steps are preconditioned, and its limit is on the preconditioned Hessian, which 2/lr says nothing of"
OTHER = "they are those of gradient descent, and its own are not known here"
PRECONDITIONED = ("adam", "adagrad", "adadelta", "adafactor", "rmsprop", "lamb", "shampoo", "sophia")
"""What stands in the names of optimisers that divide steps by a scale of each weight, or of each matrix."""


class Growing:
    """What is known of the runs by now."""

    def __init__(self, probe: Dynamics, problem: Problem) -> None:
        self.probe, self.problem = probe, problem
        self.tracks = tracks_of(probe, problem)
        split = next(iter(problem.splits))
        self.scale = Scale(self.tracks, probe.over, int(problem.splits[split]))
        self.lines = [Line(track, self.scale) for track in self.tracks]
        self.notes: list[str] = list(self.scale.notes)
        self.said: dict[tuple[int, str], list[int]] = {}
        """By run and sentence, the checkpoints of which it was said."""
        self.explained: Array = np.zeros(0)
        self.axes: tuple[Tensor, ...] = ()
        """Of the plane that the runs are drawn in: its origin and two vectors."""
        self.environment: dict[str, Any] = {}
        self.total = sum(len(track.references) for track in self.tracks)
        for track in self.tracks:
            where = f"{track.name}: " if len(self.tracks) > 1 else ""
            self.notes += [f"{where}{note}" for note in track.left_out]
        for reference in probe.against:
            self.notes += problem.differences(reference)

    # ------------------------------------------------------------------------------------------------------------- weights

    def walk(self) -> Generator[Progress, None, None]:
        """Norms, distances and cosines, and the plane in which the runs are drawn: by reading the files alone."""
        count = int(self.problem.layout.parameters)
        room = 4 * count * self.total <= PLANE_BYTES
        every: list[Tensor] = []
        for line in self.lines:
            steps = Steps(count)
            for reference in line.track.references:
                yield Progress(done=0, total=self.total, note=f"reading {line.track.name}")
                state = self.state_of(reference)
                steps.take(state)
                every += [state] if room else []
            line.put_weights(steps)
        if room:
            self._lay(every)
        yield Progress(done=0, total=self.total, partial=self.result())

    def state_of(self, reference: CheckpointRef) -> Tensor:
        """The weights that a reference names."""
        return self.problem.state_of(reference)

    def _lay(self, states: list[Tensor]) -> None:
        """The two leading principal components of all checkpoints whose weights are finite, around the last of the first run."""
        from landscape_gui.core.directions import principal_components

        layout = self.problem.layout
        finite = [k for k, state in enumerate(states) if bool(state.isfinite().all())]
        own = [k for k in finite if k < len(self.tracks[0].references)]
        most = max(8, int(math.sqrt(2 * PLANE_WORK / layout.parameters)))
        by = [finite[k] for k in np.unique(np.linspace(0, len(finite) - 1, min(most, len(finite))).round().astype(int))]
        try:
            if not own:
                raise ProblemError("no checkpoint's weights are finite.")
            found = principal_components([states[k] for k in by], states[own[-1]], layout)
        except ProblemError as error:
            self.notes.append(f"No plane: {error.message}")
            return
        if len(by) < len(finite):
            self.notes.append(f"The plane is laid by {len(by)} of {len(finite)} checkpoints.")
        self.explained = np.append(found.explained, 0.0)[:2]
        self.axes = states[own[-1]], found.d1, found.d2
        self._place(states, finite)

    def _place(self, states: list[Tensor], finite: list[int]) -> None:
        """Where those whose weights are finite lie in the plane."""
        from landscape_gui.core.directions import project

        origin, *axes = self.axes
        places = np.full((len(states), 2), np.nan)
        places[finite] = project([states[k] for k in finite], origin, axes, self.problem.layout.parameters)[0]
        parts = np.split(places, np.cumsum([len(track.references) for track in self.tracks])[:-1])
        for line, part in zip(self.lines, parts, strict=True):
            line.place = part

    # ------------------------------------------------------------------------------------------------------- checkpoints

    def turns(self) -> list[tuple[Line, int]]:
        """The checkpoints of all runs in turn, ends and middle of each first."""
        orders = [[(line, place) for place in coarse_first(len(line.track.references))] for line in self.lines]
        return [turn for group in itertools.zip_longest(*orders) for turn in group if turn is not None]

    def called(self, line: Line, place: int) -> str:
        name = line.track.names[place]
        return f"{line.track.name}, {name}" if len(self.lines) > 1 else name

    def take(self, line: Line, place: int, answer: MomentResult, metadata: Mapping[str, Any]) -> None:
        """A checkpoint's answer."""
        self.environment = dict(answer.provenance.environment)
        line.take(place, answer, metadata)
        for note in answer.notes:
            self._say(line, place, note)

    def skip(self, line: Line, place: int, why: str) -> None:
        line.computed[place] = True
        self._say(line, place, why)

    def _say(self, line: Line, place: int, note: str) -> None:
        """A sentence on one checkpoint."""
        self.said.setdefault((self.lines.index(line), note), []).append(place)

    def remarks(self) -> Iterator[str]:
        """What was said of checkpoints, once for all those of which the same was said."""
        for (which, note), places in self.said.items():
            line = self.lines[which]
            if len(places) <= ONE_BY_ONE:
                yield from (f"{self.called(line, place)}: {note}" for place in sorted(places))
                continue
            names = line.track.names
            run = f"{line.track.name}, " if len(self.lines) > 1 else ""
            yield f"{run}{len(places)} checkpoints from {names[min(places)]} to {names[max(places)]}: {note}"

    def result(self) -> DynamicsResult:
        """A snapshot that later work does not touch."""
        probe, problem = self.probe, self.problem
        notes = [*self.notes, *self.remarks(), *(note for line in self.lines for note in line.remarks())]
        return DynamicsResult(
            runs={line.track.name: line.result(problem.loss_unit) for line in self.lines},
            unit="share of training" if self.scale.share else self.scale.unit,
            complete=False,
            explained=freeze(self.explained),
            split=probe.split,
            examples=examples_of(probe, problem),
            subset=describe_subset(probe, problem),
            batchnorm="frozen" if problem.has_batchnorm else "",
            precision=probe.precision,
            radius=probe.radius,
            numbers={n.name: n for line in self.lines for n in line.numbers(several=len(self.lines) > 1)},
            notes=tuple(dict.fromkeys(notes)),
            provenance=Provenance(environment=self.environment),
        )


class Steps:
    """Weights of a run one after another: norms, distances from the first, cosines between each step and the next."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.first: Tensor | None = None
        self.last: Tensor | None = None
        self.step: Tensor | None = None
        self.norms: list[float] = []
        self.distances: list[float] = []
        self.cosines: list[float] = []

    def take(self, state: Tensor) -> None:
        """The next checkpoint's weights (size,); its parameters alone count."""
        from landscape_gui.core.vector import dot, norm

        here = state[: self.count]
        first = here if self.first is None else self.first
        self.first = first
        self.norms.append(norm(here))
        self.distances.append(norm(here - first))
        step = None if self.last is None else here - self.last
        if step is not None and self.step is not None:
            lengths = norm(step) * norm(self.step)
            self.cosines.append(dot(step, self.step) / lengths if lengths else math.nan)
        elif step is not None:
            self.cosines.append(math.nan)  # at the first checkpoint no step ends
        self.last, self.step = here, step

    @property
    def turns(self) -> list[float]:
        """(k,) the cosine between the step that ends at each checkpoint and the one that begins there; NaN at both ends."""
        return [*self.cosines, math.nan][: len(self.norms)]


class Line:
    """One run: what is known of it by now, NaN elsewhere."""

    def __init__(self, track: Track, scale: Scale) -> None:
        self.track = track
        self.count = len(track.references)
        self.order = scale.order(track)
        self.logged_order, logged = scale.logged(track)
        self.logged = {name: q for name, q in logged.items() if not (self.adaptive and name in OF_DESCENT)}
        self.computed = np.zeros(self.count, dtype=bool)
        self.place: Array = np.zeros((0, 2))
        self.values: dict[str, Array] = {}
        self.errors: dict[str, Array] = {}
        self.kinds: dict[str, Quantity] = {}
        self.rates = np.array([track.training(k).lr for k in range(self.count)])
        self.limits = np.full(self.count, np.nan)
        self.words = ""
        for k in range(self.count):  # as far as log and card say it; SAM's needs the gradient too
            self.limits[k], self.words = limit_of(track, track.training(k), math.nan)

    def put(self, name: str, values: Any) -> None:
        self.values[name] = np.asarray(values, dtype=float)

    def put_weights(self, steps: Steps) -> None:
        self.put("distance_from_start", steps.distances)
        self.put("step_cosine", steps.turns)
        self.put("weight_norm", steps.norms)

    def take(self, k: int, answer: MomentResult, metadata: Any) -> None:
        """A checkpoint's numbers, and what follows from them with the learning rate."""
        self.computed[k] = True
        for name, q in answer.quantities.items():
            self.kinds.setdefault(name, q)
            self.values.setdefault(name, np.full(self.count, np.nan))[k] = float(q.values)
            if q.standard_error is not None:
                self.errors.setdefault(name, np.full(self.count, np.nan))[k] = float(q.standard_error)
        training = self.track.training(k, metadata)
        self.rates[k] = training.lr
        known = {name: float(q.values) for name, q in answer.quantities.items()}
        self.limits[k], self.words = limit_of(self.track, training, known["gradient_norm"])
        if self.adaptive:
            return
        from landscape_gui.core.dynamics import lgdi, stability_ratio

        derived = {
            "stability_ratio": stability_ratio(training.lr, known["lambda_max"]),
            "lgdi": lgdi(training.lr, known["lambda_max"], known["gradient_norm"], known["directional_sharpness"]),
        }
        for name, value in derived.items():
            self.values.setdefault(name, np.full(self.count, np.nan))[k] = value
        if "lambda_max" in self.errors:
            self.errors.setdefault("stability_ratio", np.full(self.count, np.nan))[k] = training.lr * self.errors["lambda_max"][k]

    @property
    def adaptive(self) -> bool:
        """Whether steps have a rate of their own for each weight, so that lr lambda_max says nothing of them."""
        return self.track.optimiser not in ("", "sgd") and "sam" not in self.track.optimiser

    def remarks(self) -> list[str]:
        """What must be known of the limit of this run."""
        name, optimiser = self.track.name, self.track.optimiser_name
        if self.adaptive:
            why = ADAPTIVE if any(part in self.track.optimiser for part in PRECONDITIONED) else OTHER
            return [f"{name} was trained by {optimiser}: no limit, ratio or LGDI, for {why}."]
        if not self.computed.any():
            return []
        if "sam" in self.track.optimiser and not np.isnan(self.rates).all() and np.isnan(self.limits).all():
            lacking = "momentum" if self.track.training(0).momentum else "a radius rho that nothing says"
            return [f"{name} was trained by {optimiser} with {lacking}: no limit of stability is drawn, for none is known of it."]
        if not self.track.optimiser:
            return [f"Nothing says by which optimiser {name} was trained: no limit of stability is drawn."]
        if np.isnan(self.rates).all():
            return [f"Nothing says at which learning rate {name} was trained: no limit of stability is drawn."]
        return []

    def numbers(self, *, several: bool) -> Iterator[Number]:
        """Curvature, gradient and limit at the last checkpoint that is measured, and how near the curvature ever comes to it."""
        curvature = self.values.get("lambda_max", np.full(self.count, np.nan))
        there = np.flatnonzero(np.isfinite(curvature))
        if not there.size:
            return
        last, ratio = int(there[-1]), curvature / self.limits
        error = self.errors["lambda_max"]
        found = [
            ("lambda_max", last, curvature[last], error[last], "bound"),
            ("gradient_norm", last, self.values["gradient_norm"][last], 0.0, "exact"),
        ]
        if np.isfinite(ratio).any():
            most = int(np.nanargmax(ratio))
            found.append(("stability_limit", last, self.limits[last], 0.0, "exact"))
            found.append(("lambda_max_over_limit", most, ratio[most], error[most] / self.limits[most], "bound"))
        for name, k, value, wrong, kind in found:
            words = f" at {self.track.names[k]}{f' of {self.track.name}' if several else ''}"
            made = number(name, float(value), float(wrong), kind, label=f"{TEXTS[name].label}{words}")
            yield dataclasses.replace(made, name=f"{name}:{self.track.name}" if several else name)

    def result(self, loss_unit: str) -> RunDynamics:
        training = self.track.training(self.count - 1)
        names = sorted(self.values, key=lambda name: name in WEIGHTS)
        values = {name: self.values[name] for name in names if not np.isnan(self.values[name]).all()}
        if not np.isnan(self.limits).all():
            values["stability_limit"] = self.limits
        if not np.isnan(self.rates).all():
            values["learning_rate"] = self.rates
        return RunDynamics(
            name=self.track.name,
            order=freeze(self.order),
            quantities={name: self._quantity(name, v) for name, v in values.items()},
            optimiser=self.track.optimiser,
            momentum=training.momentum if self.track.optimiser else math.nan,
            nesterov=training.nesterov,
            names=self.track.names,
            place=freeze(self.place),
            computed=freeze(self.computed, bool),
            logged=dict(self.logged),
            logged_order=self.logged_order,
            limit_words=self.words,
        )

    def _quantity(self, name: str, values: Array) -> Quantity:
        kind, errors = self.kinds.get(name), self.errors.get(name)
        return Quantity(
            name=name,
            label=kind.label if kind is not None else label_of(name),
            values=freeze(values),
            standard_error=None if errors is None else freeze(errors),
            unit=kind.unit if kind is not None else "",
            axes=("record",),
            examples=kind.examples if kind is not None else 0,
        )


def limit_of(track: Track, training: Any, gradient_norm: float) -> tuple[float, str]:
    """The curvature beyond which this run's steps are unstable, and by which formula; NaN where none applies."""
    from landscape_gui.core.dynamics import sam_limit

    if math.isnan(training.lr):
        return math.nan, ""
    if track.rho == track.rho and not training.momentum:
        words = f"of SAM, rho {track.rho:g}: ‖g‖/(2 rho) (√(1 + 8 rho/(lr ‖g‖)) − 1)"
        return sam_limit(training.lr, track.rho, gradient_norm), words
    if track.optimiser != "sgd":
        return math.nan, ""
    return training.limit, training.form + (f", b = {training.momentum:g}" if training.momentum else "")
