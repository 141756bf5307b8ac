"""What lies between two models: the straight line, trained paths and aligned ones, measured side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from landscape_gui.connection_results import ConnectionResult, PathResult
from landscape_gui.errors import ProblemError, QuestionError
from landscape_gui.probes import path_finding, path_numbers, sampling
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Progress, Run, field
from landscape_gui.probes.curvature import relayed
from landscape_gui.probes.pair import check_pair, names_of
from landscape_gui.probes.path import PathQuestion, barrier_split, mode_of
from landscape_gui.probes.path_measuring import distance, everything
from landscape_gui.probes.path_training import OPTIMISERS
from landscape_gui.results import Number

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

TRAINING = 4.0
"""How much longer a path that must be found is told to take than one that is measured alone."""
SHOWN = ("above_line", "above_mean", "above_larger", "connectivity_score", "maximum", "mean", "arc_mean", "length")
"""The numbers of each path that an answer comes down to, of the chosen split's loss; the fall of its accuracy comes besides."""


@dataclass(frozen=True, kw_only=True)
class Connect(sampling.SampledProbe):
    """Paths between the problem's own checkpoint (t = 0) and `towards` (t = 1), each a question of its own. A ConnectionResult.

    All splits are measured; `split` says whose barrier the numbers are. Asked the other way round the chart mirrors: a line's
    barrier stays to the bit. Cost: a forward pass a point and path, and for trained paths about that of so many steps of training.
    Raises QuestionError where both are one, ProblemError where they are of different architectures.
    """

    name: ClassVar[str] = "connect"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Connect"
    summary: ClassVar[str] = "Loss and accuracy along paths between two models, with their barriers"
    purpose: ClassVar[str] = "Connectivity"

    towards: CheckpointRef | None = field(None, label="Towards", help="The other model", metavar="OTHER", positional=True)
    path: tuple[str, ...] = field(("line",), label="Paths", help="Which paths, one or several", choices=path_finding.PATHS)
    points: int = field(25, label="Points", help="Points for t from 0 to 1, both ends included", minimum=2, maximum=100_001)
    beyond: float = field(0.0, label="Beyond", help="How far the paths go on beyond both ends, in t", minimum=0.0, maximum=100.0)
    split: str = field("", label="Data", help="Whose barrier the numbers are; the first split where none is named", metavar="NAME")
    seed: int = field(0, label="Seed", help="Seed of training and of the subset of the data", minimum=0, maximum=2**62)
    compare_batchnorm: bool = field(
        False, label="Compare BatchNorm", help="Also the straight line in the other BatchNorm modes, to see the gap", advanced=True
    )
    bends: int = field(1, label="Bends", help="Control points of a curve or chain between its ends", minimum=1, maximum=100)
    pivots: int = field(7, label="Pivots", help="Points of an elastic band between its ends, at most", minimum=1, maximum=100)
    steps: int = field(
        0, label="Training steps", help="Of each trained path; 0 chooses by the network", minimum=0, maximum=10_000_000
    )
    seconds: float = field(
        0.0, label="Training seconds", help="Train each path for so long instead", unit="s", minimum=0.0, maximum=1e6, advanced=True
    )
    optimiser: str = field("adam", label="Optimiser", help="How the bends move", choices=OPTIMISERS, advanced=True)
    lr: float = field(
        0.0, label="Learning rate", help="Of the bends; 0 chooses by the optimiser", minimum=0.0, maximum=1e3, advanced=True
    )
    momentum: float = field(0.9, label="Momentum", help="Heavy ball's, or Adam's first", minimum=0.0, maximum=0.999, advanced=True)
    weight_decay: float = field(
        0.0, label="Weight decay", help="Of the weights along a trained path", minimum=0.0, maximum=10.0, advanced=True
    )
    batch: int = field(
        0, label="Batch", help="Examples a training step; 0: 64, or all where there are fewer", minimum=0, advanced=True
    )
    method: str = field(
        "weights",
        label="Matching",
        help="How units are matched for an aligned line",
        choices={"weights": "by their weights (Git Re-Basin)", "activations": "by what they answer to the data"},
        advanced=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.path:
            raise QuestionError("No path is named.", remedy=f"Choose some of {', '.join(path_finding.PATHS)}.")

    def completed(self, problem: Problem) -> Connect:
        """The question with what it left open filled in, so that it counts in the key."""
        check_pair(problem, self.towards)
        return dataclasses.replace(
            self,
            split=barrier_split(self.split, problem),
            batchnorm=mode_of(self.batchnorm, problem),
            path=tuple(dict.fromkeys(self.path)),
            compare_batchnorm=self.compare_batchnorm and problem.has_batchnorm,
        )

    def cost(self, problem: Problem) -> Cost:
        """Of measuring; what training takes is known beforehand only where it is given in seconds."""
        mode = mode_of(self.batchnorm, problem)
        whole = everything(dataclasses.replace(self, batchnorm=mode))
        trained = [path for path in set(self.path) if path in path_finding.TRAINED]
        lines = 2 if self.compare_batchnorm and problem.has_batchnorm else 0
        points = self.points * (len(set(self.path)) + lines)
        training = len(trained) * (self.seconds or float("nan")) if trained else 0.0
        return Cost(
            points=points,
            examples=sampling.examples_of(whole, problem),
            seconds=sampling.seconds_per_point(whole, problem) * points + training,
            memory=self.memory(problem),
        )

    def memory(self, problem: Problem) -> float:
        """Bytes that the vectors of the largest path take at most."""
        inner = {"bezier": self.bends, "chain": self.bends, "band": self.pivots}
        vectors = [5 * inner[path] + 7 if path in inner else 5 for path in self.path]
        return 4.0 * problem.layout.size * max(vectors)

    def questions(self, problem: Problem) -> Iterator[tuple[str, PathQuestion]]:
        """One question a path, by the path's name."""
        towards = check_pair(problem, self.towards)
        same = {name: getattr(self, name) for name in ("limit", "precision", "tier", "seed", "points", "beyond")}
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("split", "path", "limit")}
        mode = mode_of(self.batchnorm, problem)
        for path in dict.fromkeys(self.path):
            of = path_finding.question_of(path, problem, towards, given)
            yield path, PathQuestion(**same, towards=towards, path=path, of=of, batchnorm=mode)
        if self.compare_batchnorm and problem.has_batchnorm:
            for other in ("recalculated", "interpolated", "frozen"):
                if other != mode or "line" not in self.path:
                    yield f"line, {other}", PathQuestion(**same, towards=towards, batchnorm=other)

    def run(self, problem: Problem, ask: Ask) -> Run:
        towards = check_pair(problem, self.towards)
        yield Progress(done=0, total=1, note="preparing")
        known = about_pair(problem, towards)
        asked = dict(self.questions(problem))
        weights = {name: 1.0 if question.of is None else 1.0 + TRAINING for name, question in asked.items()}
        total, done = sum(weights.values()), 0.0
        paths: dict[str, PathResult] = {}
        for name, question in asked.items():
            tell = partial(self.told, about=known, paths=dict(paths), name=name, done=done, weight=weights[name], total=total)
            try:
                found = yield from relayed(ask(question), tell)
            except (ProblemError, QuestionError) as error:
                if question.of is None or len(asked) == 1:
                    raise
                known = known.but(f"No path {name}: {error}")
            else:
                assert isinstance(found, PathResult)
                paths[name] = self.named(found, name)
            done += weights[name]
            if paths and name != list(asked)[-1]:
                yield Progress(done=done, total=total, partial=self.result(known, paths, complete=False))
        if not paths:
            raise QuestionError(" ".join(known.notes), remedy="Ask for the straight line.")
        return self.result(known, paths, complete=True)

    def told(
        self,
        progress: Progress,
        *,
        about: About,
        paths: dict[str, PathResult],
        name: str,
        done: float,
        weight: float,
        total: float,
    ) -> Progress:
        """A path's progress as part of the whole, its partial answer beside the paths that are known."""
        so_far = progress.partial
        if isinstance(so_far, PathResult):
            so_far = self.result(about, {**paths, name: self.named(so_far, name)}, complete=False)
        share = progress.done / (progress.total or 1.0)
        return Progress(done=done + weight * share, total=total, partial=so_far, note=progress.note)

    def named(self, path: PathResult, name: str) -> PathResult:
        """A path under its name here, with the numbers of the chosen split."""
        found = path_numbers.with_split(path, self.split or path.split)
        if name == found.name and not (self.compare_batchnorm and name == "line" and found.batchnorm):
            return found
        return dataclasses.replace(found, name=name, label=f"{found.label}, BatchNorm {found.batchnorm}")

    def result(self, about: About, paths: dict[str, PathResult], *, complete: bool) -> ConnectionResult:
        first = next(iter(paths.values()))
        return ConnectionResult(
            names=about.names,
            paths=dict(paths),
            end_distance=about.distance,
            classes=about.classes,
            complete=complete,
            split=first.split,
            subset=first.subset,
            batchnorm=first.batchnorm,
            precision=self.precision,
            numbers=numbers_of(paths),
            notes=about.notes,
            provenance=first.provenance,
        )

    def figure(self, result: ConnectionResult, look: Look) -> Figure:
        from landscape_gui.probes.path_pictures import connection_figure

        return connection_figure(result, look)


def numbers_of(paths: dict[str, PathResult]) -> dict[str, Number]:
    """The numbers of every path, `<path>_<number>`, called by the path where there are several."""
    found: dict[str, Number] = {}
    for name, path in paths.items():
        fall = f"{path.split}_accuracy_above_line"
        for key in (*SHOWN, *([fall] if fall in path.numbers else [])):
            if key in path.numbers:
                number, own = path.numbers[key], f"{name.replace(', ', '_')}_{key}"
                label = f"{path.label}: {number.label}" if len(paths) > 1 else number.label
                found[own] = dataclasses.replace(number, name=own, label=label)
    return found


@dataclass(frozen=True)
class About:
    """What is said of two models whatever path lies between them."""

    names: tuple[str, str]
    distance: float
    classes: int
    notes: tuple[str, ...]

    def but(self, note: str) -> About:
        return dataclasses.replace(self, notes=(*self.notes, note))


def about_pair(problem: Problem, towards: CheckpointRef) -> About:
    n = problem.layout.parameters
    apart = distance(problem.state[:n], problem.state_of(towards)[:n])
    return About(names_of(problem, towards), apart, problem.classes or 0, tuple(problem.differences(towards)))
