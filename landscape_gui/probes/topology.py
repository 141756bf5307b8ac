"""How the minima of a surface are connected: their persistence, the merge tree, and what of both is more than noise."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.errors import QuestionError
from landscape_gui.probes import sampling
from landscape_gui.probes.base import Ask, Cost, Progress, Run, field
from landscape_gui.probes.curvature import relayed
from landscape_gui.probes.plane import PlaneProbe, check_span
from landscape_gui.results import SurfaceResult

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result
    from landscape_gui.topology_results import TopologyResult

CONNECTIVITY = {
    "bilinear": "the surface as it is drawn, bilinear between points",
    "edges": "neighbours along the grid's lines, as Landscaper and cubical complexes have it",
    "corners": "neighbours across corners too",
}
EXTREMA = {"minima": "minima, and the saddles between them", "maxima": "maxima, and the saddles between them"}


@dataclass(frozen=True, kw_only=True)
class Topology(sampling.SampledProbe, PlaneProbe):
    """The persistence diagram and the merge tree of a surface, with every saddle's and minimum's place.

    Sublevel sets of a quantity of a Surface are followed from below; where two components meet, the one with the higher minimum
    ends (the elder rule). The answer is a TopologyResult. Cost: that of the surface, which is kept as an answer of its own, and
    for the rest O(n log n) in its n points: well under a second for 201 x 201. Edelsbrunner, Letscher and Zomorodian 2002.
    """

    name: ClassVar[str] = "topology"
    title: ClassVar[str] = "Topology"
    summary: ClassVar[str] = "Which minima a surface has, how high the saddles between them are, and which are more than noise"

    quantity: str = field(
        "", label="Quantity", help="Whose minima: train_loss, test_loss, ...; empty: the first loss", metavar="NAME", flag="follow"
    )
    extrema: str = field("minima", label="Extrema", help="What is followed", choices=EXTREMA)
    deviations: float = field(
        1.96,
        label="Noise",
        help="How many standard errors of a value count as noise; what is not deeper than twice that is grey",
        unit="standard errors",
        minimum=0.0,
        maximum=100.0,
    )
    steps: tuple[int, int] = field((51, 51), label="Steps", help="Points along x and y", minimum=2, maximum=4097, metavar="NX NY")
    span: tuple[float, ...] = field(
        (),
        label="Span",
        help="How far to go, in units of the directions: nothing (automatic), r, rx ry, or x0 x1 y0 y1",
        metavar="R",
    )
    adaptive: bool = field(
        False,
        label="Adaptive",
        help="Compute only where the surface bends, interpolate the rest; its error counts as noise, so shallow minima are lost",
    )
    tolerance: float = field(
        0.016,
        label="Tolerance",
        help="Of the adaptive surface: how far a point may lie from its prediction, in ln loss",
        minimum=1e-4,
        maximum=1.0,
        advanced=True,
    )
    connectivity: str = field(
        "bilinear", label="Between points", help="What is connected where nothing was computed", choices=CONNECTIVITY, advanced=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span(self.span)

    def cost(self, problem: Problem) -> Cost:
        points = self.steps[0] * self.steps[1]
        pace = sampling.seconds_per_point(self, problem)
        return Cost(points=points, examples=sampling.examples_of(self, problem), seconds=pace * points)

    @property
    def of(self) -> Any:
        """The question about the surface: the same fields."""
        from landscape_gui.probes.surface import Surface

        known = {f.name for f in dataclasses.fields(Surface)}
        return Surface(**{f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name in known})

    def run(self, problem: Problem, ask: Ask) -> Run:
        surface: Any = yield from relayed(ask(self.of), lambda p: Progress(done=p.done, total=p.total, note=p.note))
        return self.answer(surface)

    def answer(self, surface: SurfaceResult) -> TopologyResult:
        """The topology of a surface that is there already: no model is needed. QuestionError where it cannot be followed."""
        from landscape_gui.probes.topology_analysis import analysed

        return analysed(
            surface,
            quantity=self.quantity,
            extrema=self.extrema,
            connectivity=self.connectivity,
            deviations=self.deviations,
        )

    def of_answer(self, known: Result) -> TopologyResult:
        """The topology of the surface in an answer that was read from a file, as far as the file says where it comes from.
        QuestionError where it holds none."""
        surface = getattr(known, "surface", known)
        if not isinstance(surface, SurfaceResult):
            raise QuestionError("This file holds no surface.", remedy="Name one that was written by surface, or compute one.")
        found = self.answer(surface)
        own = {
            "quantity": found.quantity,
            "extrema": self.extrema,
            "deviations": self.deviations,
            "connectivity": self.connectivity,
        }
        asked = {**surface.provenance.question, **own}
        origin = dataclasses.replace(surface.provenance, probe=self.name, version=self.version, key="", question=asked, seconds=0.0)
        return dataclasses.replace(found, provenance=origin)

    def figure(self, result: TopologyResult, look: Look) -> Figure:
        from landscape_gui.probes.topology_pictures import topology_figure

        return topology_figure(result, look)
