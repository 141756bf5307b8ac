"""Linear mode connectivity over training: the barrier between two runs' checkpoints at each epoch that both have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.connection_results import EndpointResult, InstabilityResult, PathResult
from landscape_gui.connection_texts import DEFINITIONS, TEXTS
from landscape_gui.errors import QuestionError
from landscape_gui.probes import pair_barriers, path_finding, sampling
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Progress, Run, field
from landscape_gui.probes.curvature import part_of, relayed
from landscape_gui.probes.endpoint import Endpoint
from landscape_gui.probes.path import PathQuestion, barrier_split, mode_of
from landscape_gui.probes.path_numbers import number
from landscape_gui.probes.plane import called, run_of
from landscape_gui.results import Array, Number, Provenance, freeze

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem
    from landscape_gui.run import Run as TrainingRun


@dataclass(frozen=True, kw_only=True)
class Instability(sampling.SampledProbe):
    """The barrier between this run's checkpoint and another run's at each epoch that both have. An InstabilityResult.

    Frankle et al. 2020: two runs from one start, with different orders of the data, that stay linearly connected are stable to the
    noise of SGD; their measure is the error rate above the mean of the ends, below 2 % called stable. Each pair is a question of
    its own (path). Checkpoints with the same weights, a common start, have no barrier. Cost: a path an epoch. Raises QuestionError
    where the runs have no epoch in common, ProblemError where their architectures differ.
    """

    name: ClassVar[str] = "instability"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Instability"
    summary: ClassVar[str] = "The barrier between two runs' checkpoints at each epoch, to see when their outcome is settled"
    purpose: ClassVar[str] = "Connectivity"

    towards: CheckpointRef | None = field(
        None, label="Other run", help="The other run: its folder, or a checkpoint of it", metavar="OTHER", positional=True
    )
    path: str = field("line", label="Path", help="What kind of path", choices=path_finding.PATHS)
    points: int = field(25, label="Points", help="Points for t from 0 to 1, both ends included", minimum=2, maximum=100_001)
    definition: str = field("above_mean", label="Barrier", help="What it is measured from", choices=dict(DEFINITIONS))
    split: str = field("", label="Data", help="Whose barriers are meant; the first split", metavar="NAME")
    seed: int = field(0, label="Seed", help="Of the subset of the data, and of finding paths", minimum=0, maximum=2**62)
    own: tuple[CheckpointRef, ...] = field((), label="Own", help="The checkpoints of this run", hidden=True)
    other: tuple[CheckpointRef, ...] = field((), label="Other", help="Those of the other run", hidden=True)
    epochs: tuple[float, ...] = field((), label="Epochs", help="At which both have one", hidden=True)
    unit: str = field("epoch", label="Unit", help="What is counted", choices={"epoch": "epochs", "step": "steps"}, hidden=True)

    def completed(self, problem: Problem) -> Instability:
        """With the checkpoints of both runs, which count in the key."""
        split = barrier_split(self.split, problem)
        return dataclasses.replace(self, split=split, **({} if self.own else matched(problem, self.towards)))

    def cost(self, problem: Problem) -> Cost:
        whole = dataclasses.replace(self, split="all")
        count = max(len(self.epochs), 1) * self.points
        pace = sampling.seconds_per_point(dataclasses.replace(whole, batchnorm=mode_of(self.batchnorm, problem)), problem)
        return Cost(points=count, examples=sampling.examples_of(whole, problem), seconds=pace * count)

    def question(self, towards: CheckpointRef) -> PathQuestion:
        """That about one epoch."""
        names = {f.name for f in dataclasses.fields(PathQuestion)} & {f.name for f in dataclasses.fields(self)}
        return PathQuestion(**{name: getattr(self, name) for name in names} | {"towards": towards})

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        table = Epochs(self, problem)
        count = len(self.epochs)
        for k, (own, other) in enumerate(zip(self.own, self.other, strict=True)):
            note = f"{self.unit} {self.epochs[k]:g}"
            at = problem.at(own)
            if own.digest and own.digest == other.digest:
                end: Any = yield from relayed(ask(self.endpoint(problem), at), part_of(k, count, note))
                table.same(k, end)
            else:
                path: Any = yield from relayed(ask(self.question(other), at), part_of(k, count, note))
                table.put(k, path)
            if k + 1 < count:
                yield Progress(done=k + 1, total=count, partial=table.result(complete=False), note=note)
        return table.result(complete=True)

    def endpoint(self, problem: Problem) -> Endpoint:
        """The question about a checkpoint that both runs share."""
        mode = mode_of(self.batchnorm, problem)
        same = {name: getattr(self, name) for name in ("limit", "precision", "tier")}
        return Endpoint(**same, seed=self.seed if self.limit else 0, batchnorm="frozen" if mode == "interpolated" else mode)

    def figure(self, result: InstabilityResult, look: Look) -> Figure:
        from landscape_gui.probes.instability_pictures import instability_figure

        return instability_figure(result, look)


def matched(problem: Problem, towards: CheckpointRef | None) -> dict[str, Any]:
    """The checkpoints at the epochs, or else steps, that both runs have, as fields of the question."""
    if towards is None:
        raise QuestionError(
            "The question does not say which other run is meant.", remedy="Choose its folder or a checkpoint of it."
        )
    run_of(problem)
    own, other = problem.run, problem.run_at(towards.path)
    if own is None or other is None:
        raise QuestionError(f"{called(towards)} belongs to no run.", remedy="Choose the folder that holds the run's checkpoints.")
    names, runs = run_names(own, other), (own, other)
    if own.path.resolve() == other.path.resolve():
        raise QuestionError(f"Both checkpoints are of the run {own.name}.", remedy="Choose the folder of another run.")
    for unit in ("epoch", "step"):
        found = [{getattr(e, unit): e for e in run.checkpoints if getattr(e, unit) is not None} for run in runs]
        common = sorted(set(found[0]) & set(found[1]))
        if common:
            return {
                "own": tuple(problem.reference(found[0][at].path) for at in common),
                "other": tuple(problem.reference(found[1][at].path) for at in common),
                "epochs": tuple(float(at) for at in common),
                "unit": unit,
            }
    told = "; ".join(f"{name} has {labels(run.checkpoints)}" for name, run in zip(names, runs, strict=True))
    raise QuestionError(f"The runs have no epoch in common: {told}.", remedy="Save checkpoints of both runs at the same epochs.")


def run_names(own: TrainingRun | None, other: TrainingRun | None) -> tuple[str, str]:
    """The folders' names, with those above them where they are the same."""
    if own is None or other is None:
        return "this run", "the other run"
    names = own.name, other.name
    if names[0] == names[1]:
        return f"{own.path.resolve().parent.name}/{names[0]}", f"{other.path.resolve().parent.name}/{names[1]}"
    return names


def labels(entries: Sequence[Any]) -> str:
    """ "epoch 0, epoch 5, epoch 10 and 4 more"."""
    said = [str(entry.label) for entry in entries]
    more = f" and {len(said) - 6} more" if len(said) > 6 else ""
    return ", ".join(said[:6]) + more


class Epochs:
    """What is known of every epoch."""

    def __init__(self, probe: Instability, problem: Problem) -> None:
        self.probe, self.problem = probe, problem
        self.count = len(probe.epochs)
        other = probe.towards.path if probe.towards is not None else ""
        self.names = run_names(problem.run, problem.run_at(other))
        self.values: dict[str, Array] = {}
        self.errors: dict[str, Array] = {}
        self.losses = np.full((2, self.count), np.nan)
        self.distances = np.full(self.count, np.nan)
        self.examples: dict[str, int] = {}
        self.last: PathResult | EndpointResult | None = None
        self.notes: list[str] = []
        self.equal: list[int] = []

    def _set(self, name: str, k: int, value: float, error: float) -> None:
        for into, found in ((self.values, value), (self.errors, error)):
            into.setdefault(name, np.full(self.count, np.nan))[k] = found

    def put(self, k: int, path: PathResult) -> None:
        """The path between the two checkpoints at one epoch."""
        for name, found in pair_barriers.barriers_of(path).items():
            self._set(name, k, *found)
        for row, t in enumerate((0.0, 1.0)):
            self.losses[row, k] = pair_barriers.own_of(path, t)[f"{self.probe.split}_loss"][0]
        self.distances[k] = path.end_distance
        self.examples, self.last = pair_barriers.examples_in(path), path
        self.notes += [f"{self.probe.unit} {self.probe.epochs[k]:g}: {note}" for note in path.notes]

    def same(self, k: int, end: EndpointResult) -> None:
        """Both runs have the same weights there: nothing stands between them."""
        for name, quantity in end.quantities.items():
            split, metric = pair_barriers.metric_of(name)
            for definition in DEFINITIONS if metric else ():
                self._set(f"{split}_{metric}_{definition}", k, 0.0, 0.0)
            self.examples[f"{split}_{metric}"] = quantity.examples
        self.losses[:, k] = float(end.quantities[f"{self.probe.split}_loss"].values[0])
        self.distances[k] = 0.0
        self.equal.append(k)
        self.last = self.last or end

    def result(self, *, complete: bool) -> InstabilityResult:
        """The answer so far: snapshots that later epochs do not touch."""
        probe = self.probe
        assert self.last is not None
        found = pair_barriers.quantities(self.values, self.errors, self.examples, self.problem.loss_unit, ("checkpoint",))
        loss, error = (f"{probe.split}_{metric}_{probe.definition}" for metric in ("loss", "error"))
        nothing = freeze([])
        return InstabilityResult(
            names=self.names,
            definition=probe.definition,
            path=probe.path,
            unit=probe.unit,
            epochs=freeze(probe.epochs),
            barriers=found[loss].values,
            standard_errors=freeze(self.errors[loss]),
            error_barriers=found[error].values if error in found else nothing,
            error_standard_errors=freeze(self.errors[error]) if error in found else nothing,
            first_losses=freeze(self.losses[0]),
            second_losses=freeze(self.losses[1]),
            distances=freeze(self.distances),
            quantities=found,
            split=probe.split,
            subset=sampling.describe_subset(dataclasses.replace(probe, split="all"), self.problem),
            batchnorm=mode_of(probe.batchnorm, self.problem) if self.problem.has_batchnorm else "",
            precision=probe.precision,
            numbers=self.numbers(self.values[loss], self.errors[loss], found[loss].unit),
            notes=self.remarks(),
            complete=complete,
            provenance=Provenance(environment=dict(self.last.provenance.environment)),
        )

    def numbers(self, values: Array, errors: Array, unit: str) -> Mapping[str, Number]:
        """The barrier at each epoch that is known."""
        found, definition = {}, self.probe.definition
        for k, epoch in enumerate(self.probe.epochs):
            name = f"{self.probe.unit} {epoch:g}"
            if not np.isnan(self.distances[k]):
                label = f"{TEXTS[definition].label}, {name}"
                found[name] = number(definition, values[k], errors[k], key=name, label=label, unit=unit)
        return found

    def remarks(self) -> tuple[str, ...]:
        unit, epochs = self.probe.unit, self.probe.epochs
        said = [f"Both runs have the same weights at {unit} {epochs[k]:g}." for k in self.equal]
        return tuple(dict.fromkeys((*said, *self.notes)))
