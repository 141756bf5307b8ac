"""What stands between every two of several models: a symmetric matrix of barriers, ordered, and the tree of the lowest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.connection_order import clustering_order, spanning_tree
from landscape_gui.connection_results import BarriersResult, BarrierTable, PathResult
from landscape_gui.connection_texts import DEFINITIONS
from landscape_gui.errors import QuestionError
from landscape_gui.probes import pair_barriers, path_finding, sampling
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Progress, Run, field
from landscape_gui.probes.curvature import part_of, relayed
from landscape_gui.probes.model_names import model_names
from landscape_gui.probes.pair import own_reference
from landscape_gui.probes.path import PathQuestion, mode_of
from landscape_gui.probes.path_numbers import number
from landscape_gui.probes.plane import called
from landscape_gui.results import Array, Number, freeze

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

MOST = 64
"""Models of which there are 2,016 pairs."""


@dataclass(frozen=True, kw_only=True)
class Barriers(sampling.SampledProbe):
    """Barriers along a path between every two of this checkpoint and `others`, by every definition, split and metric.

    Each pair is a question of its own (path), measured once whichever model is named first, and kept: another model costs its own
    pairs only. Models are ordered by average-linkage clustering of the barriers. Gives a BarriersResult. Cost: k(k-1)/2 paths.
    """

    name: ClassVar[str] = "barriers"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Barriers"
    summary: ClassVar[str] = "The barrier between every two of several models, ordered, and the tree of the lowest barriers"
    purpose: ClassVar[str] = "Connectivity"

    others: tuple[CheckpointRef, ...] = field(
        (),
        label="Models",
        help="the other models, each a checkpoint or a folder of them",
        metavar="PATH",
        hidden=True,
        positional=True,
    )
    path: str = field("line", label="Path", help="What kind of path", choices=path_finding.PATHS)
    points: int = field(25, label="Points", help="Points for t from 0 to 1, both ends included", minimum=2, maximum=100_001)
    definition: str = field("above_line", label="Barrier", help="What it is measured from", choices=dict(DEFINITIONS))
    metric: str = field("loss", label="Of", help="What rises", choices=pair_barriers.METRICS)
    split: str = field("", label="Data", help="Whose barriers order the models; the first split", metavar="NAME")
    seed: int = field(0, label="Seed", help="Of the subset of the data, and of finding paths", minimum=0, maximum=2**62)

    def completed(self, problem: Problem) -> Barriers:
        """With the split named. QuestionError where two of the models are the same, or it is only one."""
        split = self.split or next(iter(problem.splits))
        if split not in problem.splits:
            raise QuestionError(f"There is no split {split!r}.", remedy=f"Choose one of {', '.join(problem.splits)}.")
        pair_barriers.check_metric(self.metric, problem.metrics)
        check_models((own_reference(problem), *self.others))
        return dataclasses.replace(self, split=split)

    def cost(self, problem: Problem) -> Cost:
        pairs = len(self.others) * (len(self.others) + 1) // 2
        whole = dataclasses.replace(self, split="all", batchnorm=mode_of(self.batchnorm, problem))
        pace, examples = sampling.seconds_per_point(whole, problem), sampling.examples_of(whole, problem)
        return Cost(points=pairs * self.points, examples=examples, seconds=pace * pairs * self.points)

    def question(self, towards: CheckpointRef) -> PathQuestion:
        """That about one pair."""
        names = {f.name for f in dataclasses.fields(PathQuestion)} & {f.name for f in dataclasses.fields(self)}
        return PathQuestion(towards=towards, **{name: getattr(self, name) for name in names})

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        models = (own_reference(problem), *self.others)
        check_models(models)
        table = Table(self, problem, models)
        pairs, done = len(models) * (len(models) - 1) // 2, 0
        for i, model in enumerate(models[:-1]):
            first = problem if i == 0 else problem.at(model)
            for j in range(i + 1, len(models)):
                note = f"{table.names[i]} and {table.names[j]}"
                path: Any = yield from relayed(ask(self.question(models[j]), first), part_of(done, pairs, note))
                table.put(i, j, path)
                done += 1
                if done < pairs:
                    yield Progress(done=done, total=pairs, partial=table.result(complete=False), note=note)
        return table.result(complete=True)

    def figure(self, result: BarriersResult, look: Look) -> Figure:
        from landscape_gui.probes.barrier_pictures import barriers_figure

        return barriers_figure(result, look)


def check_models(models: tuple[CheckpointRef, ...]) -> None:
    """QuestionError where there are not two to sixty-four models, each with weights of its own."""
    if len(models) < 2:
        raise QuestionError("Barriers lie between two or more models.", remedy="Name further checkpoints of the same architecture.")
    if len(models) > MOST:
        pairs = len(models) * (len(models) - 1) // 2
        raise QuestionError(f"{len(models)} models are {pairs:,} pairs.", remedy=f"Choose at most {MOST} of them.")
    seen: dict[str, CheckpointRef] = {}
    for model in models:
        same = seen.setdefault(model.digest or model.path, model)
        if same is not model:
            raise QuestionError(
                f"{called(model)} holds the same weights as {called(same)}: there is nothing between them.",
                remedy="Name each model once.",
            )


class Table:
    """What is known of every pair."""

    def __init__(self, probe: Barriers, problem: Problem, models: tuple[CheckpointRef, ...]) -> None:
        self.probe, self.problem = probe, problem
        self.names = model_names(models)
        self.count = len(models)
        self.values: dict[str, Array] = {}
        self.errors: dict[str, Array] = {}
        self.distances, self.lengths = self._square(), self._square()
        self.own: dict[str, Array] = {}
        self.own_errors: dict[str, Array] = {}
        self.examples: dict[str, int] = {}
        self.last: PathResult | None = None
        self.notes: list[str] = []

    def _square(self) -> Array:
        square = np.full((self.count, self.count), np.nan)
        np.fill_diagonal(square, 0.0)
        return square

    def put(self, i: int, j: int, path: PathResult) -> None:
        """The path from model i to model j."""
        for name, found in pair_barriers.barriers_of(path).items():
            for into, value in zip((self.values, self.errors), found, strict=True):
                square = into.setdefault(name, self._square())
                square[i, j] = square[j, i] = value
        self.distances[i, j] = self.distances[j, i] = path.end_distance
        self.lengths[i, j] = self.lengths[j, i] = path.length
        for k, t in ((i, 0.0), (j, 1.0)):
            for name, found in pair_barriers.own_of(path, t).items():
                for into, value in zip((self.own, self.own_errors), found, strict=True):
                    into.setdefault(name, np.full(self.count, np.nan))[k] = value
        self.examples = pair_barriers.examples_in(path)
        self.last = path
        self.notes += [f"{self.names[i]} and {self.names[j]}: {note}" for note in path.notes]

    def result(self, *, complete: bool) -> BarriersResult:
        """The answer so far: snapshots that later pairs do not touch."""
        probe, unit = self.probe, self.problem.loss_unit
        assert self.last is not None
        shown = pair_barriers.quantities(self.values, self.errors, self.examples, unit, ("model", "model"))
        table = BarrierTable(path=probe.path, quantities=shown, distances=freeze(self.distances), lengths=freeze(self.lengths))
        split = probe.split or next(iter(self.problem.splits))
        chosen = shown[f"{split}_{probe.metric}_{probe.definition}"]
        return BarriersResult(
            names=self.names,
            definition=probe.definition,
            path=probe.path,
            metric=probe.metric,
            barriers=chosen.values,
            standard_errors=freeze(self.errors[chosen.name]),
            distances=table.distances,
            losses=freeze(self.own[f"{split}_loss"]),
            own=pair_barriers.quantities(self.own, self.own_errors, self.examples, unit, ("model",)),
            order=clustering_order(chosen.values) if complete else freeze(np.arange(self.count), int),
            tree=spanning_tree(chosen.values, self.distances),
            tables={probe.path: table},
            split=split,
            subset=self.last.subset,
            batchnorm=self.last.batchnorm,
            precision=self.last.precision,
            numbers=self.numbers(chosen.values, self.errors[chosen.name], chosen.unit),
            notes=self.remarks(),
            complete=complete,
            provenance=self.last.provenance,
        )

    def numbers(self, values: Array, errors: Array, unit: str) -> Mapping[str, Number]:
        """One for each pair that is known."""
        found = {}
        for i, j in zip(*np.triu_indices(self.count, 1), strict=True):
            if np.isfinite(self.distances[i, j]):
                name, label = f"{self.names[i]}:{self.names[j]}", f"{self.names[i]} and {self.names[j]}"
                found[name] = number(self.probe.definition, values[i, j], errors[i, j], key=name, label=label, unit=unit)
        return found

    def remarks(self) -> tuple[str, ...]:
        """What should be known besides; of a model whose loss is not finite once, not once a pair."""
        one_sided = self.problem.has_batchnorm and self.last is not None and self.last.batchnorm == "frozen"
        said = ["BatchNorm statistics are those of the model that was named first of two."] if one_sided else []
        return tuple(dict.fromkeys((*said, *self.notes)))
