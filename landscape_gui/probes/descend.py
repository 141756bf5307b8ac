"""Optimisers let loose from a place of a surface: their paths on it, their true losses, and how far they leave the plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.errors import QuestionError
from landscape_gui.probes import descent, sampling
from landscape_gui.probes.base import Ask, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature import relayed, share_of
from landscape_gui.probes.plane import PlaneProbe, check_span
from landscape_gui.probes.surface import Surface
from landscape_gui.results import Provenance, SurfaceResult
from landscape_gui.training_results import DescentResult, DescentsResult

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

MOST = 8
"""Descents on one surface: as many as there are colours that tell them apart."""
SURFACE = 0.5
"""The share of the work that the surface is told to be."""


@dataclass(frozen=True, kw_only=True)
class Descend(sampling.SampledProbe, PlaneProbe):
    """The surface, and a descent on it from `at` by each optimizer, beside those of `before`. A DescentsResult.

    Each descent is an answer of its own, and so is the surface, the same that `surface` gives: neither is computed twice. What the
    plane shows of a descent is its projection by joint least squares; in many dimensions most of it leads out of the plane, which
    is why the distance off it, the true loss and the plane's at the same place are told. Raises QuestionError. Cost: that of the
    surface, a gradient an update (two for SAM), and two evaluations for each of some sixty records.
    """

    name: ClassVar[str] = "descend"
    title: ClassVar[str] = "Descend from here"
    summary: ClassVar[str] = "Where SGD, Adam or SAM go from a place of a surface, and how soon they leave its plane"

    at: tuple[float, float] = field((0.5, 0.5), label="From", help="Where to begin: x and y in the plane", metavar="X Y")
    optimizer: tuple[str, ...] = field(("sgd",), label="Optimizer", help="One or several", choices=descent.OPTIMIZERS)
    lr: float = field(
        0.0,
        label="Learning rate",
        help="Of all of them; 0: the usual " + ", ".join(f"{rate:g} ({name})" for name, rate in descent.RATES.items()),
        minimum=0.0,
        metavar="LR",
    )
    updates: int = field(500, label="Updates", help="Steps of each optimizer", minimum=1, maximum=10_000_000)
    batch: int = field(
        64, label="Batch", help="Examples of an update; as many as there are, or 0: the full batch", unit="examples", minimum=0
    )
    seconds: float | None = field(
        None,
        label="Seconds",
        help="Stop each descent after so long; where it then stands depends on the machine, which is said",
        minimum=0.01,
        metavar="S",
        silent=True,
        advanced=True,
    )
    momentum: float = field(0.9, label="Momentum", help="Of the optimizer momentum", minimum=0.0, maximum=0.999999, advanced=True)
    rho: float = field(0.05, label="Radius", help="Of SAM, in the 2-norm", minimum=0.0, advanced=True)
    order_seed: int = field(0, label="Order", help="Seed of the order of the examples", minimum=0, maximum=2**62, advanced=True)
    records: int = field(60, label="Records", help="How often each is looked at, about", minimum=1, maximum=10_000, advanced=True)
    steps: tuple[int, int] = field(
        (31, 31), label="Steps", help="Points of the surface along x and y", minimum=2, maximum=4097, metavar="NX NY"
    )
    span: tuple[float, ...] = field(
        (), label="Span", help="How far to go: nothing (automatic), r, rx ry, or x0 x1 y0 y1", metavar="R"
    )
    draws: int = field(1, label="Draws", help="Of the surface", minimum=1, maximum=100, hidden=True)
    adaptive: bool = field(
        False, label="Adaptive", help="Compute only where the surface bends, interpolate the rest, tell its error", advanced=True
    )
    tolerance: float = field(
        0.016, label="Tolerance", help="Of the adaptive surface", minimum=1e-4, maximum=1.0, hidden=True
    )  # fmt: skip
    before: tuple[Probe, ...] = field((), label="Before", help="Descents that are there already", hidden=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span(self.span)
        descent.check_start(self, *self.at)
        if not self.optimizer and not self.before:
            raise QuestionError("No optimizer is named.", remedy=f"Choose some of {', '.join(descent.OPTIMIZERS)}.")
        if len(self.every) > MOST:
            raise QuestionError(
                f"{len(self.every)} descents are too many for one surface.",
                remedy=f"Take some away; at most {MOST} are told apart.",
            )

    @property
    def own(self) -> tuple[descent.Descent, ...]:
        """The descents that the fields describe."""
        found = []
        common = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name in dict.fromkeys(self.optimizer):
            lr = self.lr or descent.RATES[name]
            more = {"optimizer": name, "lr": lr, "x": self.at[0], "y": self.at[1], "batch": self.batch or 2**40}
            found.append(descent.descent_of({**common, **more}))
        return tuple(found)

    @property
    def every(self) -> tuple[Probe, ...]:
        """Those before and those that the fields describe, each once."""
        return tuple(dict.fromkeys((*self.before, *self.own)))

    def walked(self, result: DescentsResult) -> tuple[Probe, ...]:
        """`every`, each as far as an answer to this question knows it: what was stopped ends at its last record, what had not yet
        begun is left out."""
        found: list[Probe] = []
        for question, each in zip(self.every, result.descents.values(), strict=False):
            last = int(each.step[-1]) if len(each.step) else 0
            if each.complete:
                found.append(question)
            elif last:
                found.append(dataclasses.replace(question, updates=last))  # type: ignore[call-arg]
        return tuple(found)

    @property
    def surface(self) -> Surface:
        """The question about the surface: the same fields."""
        names = {f.name for f in dataclasses.fields(Surface)}
        return Surface(**{f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name in names})

    def cost(self, problem: Problem) -> Cost:
        costs = [self.surface.cost(problem), *(probe.cost(problem) for probe in self.own)]
        first = costs[0]
        return Cost(points=first.points, examples=first.examples, seconds=sum(cost.seconds for cost in costs))

    def run(self, problem: Problem, ask: Ask) -> Run:
        found: dict[str, DescentResult] = {}
        surface: Any = yield from relayed(ask(self.surface.completed(problem)), without_path)
        every = self.every
        for k, question in enumerate(every):
            result = yield from self._ask(ask, question, surface, found, (k / len(every), (k + 1) / len(every)))
            found[f"{k + 1}. {result.label}"] = result
        return assembled(surface, found, complete=True)

    def _ask(
        self, ask: Ask, question: Probe, surface: SurfaceResult, found: dict[str, DescentResult], part: tuple[float, float]
    ) -> Generator[Progress, None, DescentResult]:
        """One descent; its partial answers grow on the surface."""

        def tell(progress: Progress) -> Progress:
            done = SURFACE + (1 - SURFACE) * (part[0] + (part[1] - part[0]) * share_of(progress))
            growing = progress.partial
            partial = None
            if isinstance(growing, DescentResult):
                partial = assembled(surface, {**found, f"{len(found) + 1}. {growing.label}": growing}, complete=False)
            return Progress(done=done, total=1.0, partial=partial, note=progress.note)

        result: Any = yield from relayed(ask(question), tell)
        return result  # type: ignore[no-any-return]

    def figure(self, result: DescentsResult, look: Look) -> Figure:
        from landscape_gui.probes.descend_pictures import descend_figure

        return descend_figure(result, look)


def without_path(progress: Progress) -> Progress:
    """The surface as it comes in, with nothing on it yet."""
    partial = assembled(progress.partial, {}, complete=False) if isinstance(progress.partial, SurfaceResult) else None
    return Progress(done=SURFACE * share_of(progress), total=1.0, partial=partial, note=progress.note)


def assembled(surface: SurfaceResult, descents: dict[str, DescentResult], *, complete: bool) -> DescentsResult:
    notes = dict.fromkeys((*surface.notes, *(note for each in descents.values() for note in each.notes)))
    split = next((each.split for each in descents.values()), "")
    return DescentsResult(
        surface=surface,
        descents=dict(descents),
        split=split,
        subset=surface.subset,
        batchnorm=surface.batchnorm,
        precision=surface.precision,
        notes=tuple(notes),
        complete=complete,
        provenance=Provenance(environment=surface.provenance.environment),
    )


def asked_from(
    shown: Probe, surface: SurfaceResult, at: tuple[float, float], *, before: tuple[Probe, ...] = (), **fields: Any
) -> Descend:
    """A descent from a place of the plane that an answer shows, on that very surface. QuestionError where it has no plane.

    shown: the question whose answer it is; surface: the plane in it; before: descents that are there already; fields: optimizer,
    lr, updates, ...
    """
    from landscape_gui.probes.read_back import make

    told = surface.provenance
    asked: Probe = shown.surface if isinstance(shown, Descend) else shown
    if told.probe == Surface.name and asked.name != Surface.name:
        asked = make(Surface, told.question)
    if not isinstance(asked, PlaneProbe):
        raise QuestionError("This answer's plane cannot be descended on.", remedy="Ask for a surface.")
    names = {f.name for f in dataclasses.fields(Surface)}
    same = {f.name: getattr(asked, f.name) for f in dataclasses.fields(asked) if f.name in names}
    if asked.name != Surface.name:
        same.pop("split", None)
    return Descend(**{**same, **fields, "at": at, "before": before})
