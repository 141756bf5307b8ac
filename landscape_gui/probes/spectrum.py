"""The whole spectrum of an operator: its density, the outlying eigenvalues as lines, the trace, layers, and numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.curvature_results import EigenvaluesResult, QuadratureResult, SpectrumResult, TraceResult
from landscape_gui.probes.base import Ask, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature import (
    VECTOR_BYTES,
    Bench,
    CurvatureProbe,
    TrainedProbe,
    about,
    bench_of,
    cost_of,
    relayed,
    vectors_size,
)
from landscape_gui.probes.curvature_numbers import Training, spectrum_numbers, training_of
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.quadrature import DensityPart, TracePart, lines_taken_out
from landscape_gui.results import Array, freeze

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

FEW_LAYERS = 12
"""Up to so many layers get their largest eigenvalue without being asked for."""
LAYER_TOLERANCE = 1e-3
LAYERS = {
    "auto": f"largest eigenvalue of each layer where there are at most {FEW_LAYERS}",
    "always": "of each layer, however many there are",
    "never": "traces only",
}


@dataclass(frozen=True, kw_only=True)
class Spectrum(TrainedProbe):
    """Density of the eigenvalues by stochastic Lanczos quadrature, the outermost ones as exact lines. Gives a SpectrumResult.

    Ubaru, Chen and Saad 2017; Ghorbani, Krishnan and Xiao 2019. The eigenpairs, each probe, the trace and each layer are answers of
    their own, so that a wider question goes on from a narrower one. Cost: probes x steps products, `budget` for the trace, and
    about three an eigenpair. Memory: as many vectors as there are steps, beside those that the eigenpairs take.
    """

    name: ClassVar[str] = "spectrum"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Spectrum"
    summary: ClassVar[str] = "How many directions are how sharp: the density of eigenvalues, its outliers, its trace"

    top: int = field(10, label="Largest", help="How many of the largest eigenvalues stand as exact lines", minimum=0, maximum=1000)
    smallest: int = field(2, label="Smallest", help="How many of the most negative ones do", minimum=0, maximum=1000)
    probes: int = field(4, label="Probes", help="Random vectors that the density is a mean of", minimum=1, maximum=1000)
    steps: int = field(40, label="Steps", help="Lanczos steps of each: how finely the bulk is seen", minimum=1, maximum=2000)
    budget: int = field(
        120,
        label="Trace",
        help="Products for the trace; 0 leaves it out",
        unit="products",
        minimum=0,
        maximum=100_000,
        advanced=True,
    )
    layers: str = field("auto", label="By layer", help="What is asked of each layer's own block", choices=LAYERS, advanced=True)
    tolerance: float = field(
        1e-5,
        label="Tolerance",
        help="Residual at which an eigenpair is found, relative to the largest |eigenvalue|",
        minimum=1e-12,
        maximum=0.1,
        advanced=True,
    )

    def cost(self, problem: Problem) -> Cost:
        return cost_of(self, problem, self.products)

    def memory(self, problem: Problem) -> float:
        pairs = self.top + self.smallest
        search = self.lines.memory(problem) if self.lines else 0.0
        density = vectors_size(self, problem, self.steps + 2, more=2 * pairs)
        return max(search, density, vectors_size(self, problem, self.budget // 2, more=2 * pairs + 8))

    @property
    def products(self) -> int:
        """About so many, layers left out."""
        return (self.lines.expected if self.lines else 0) + self.probes * self.steps + self.budget

    @property
    def common(self) -> dict[str, Any]:
        """The fields of every question about curvature, for those that this one asks."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(CurvatureProbe)}

    @property
    def lines(self) -> Eigenvalues | None:
        """The question about the lines; None where none are asked for."""
        if self.top + self.smallest < 1:
            return None
        return Eigenvalues(
            **self.common, largest=self.top, smallest=self.smallest, tolerance=self.tolerance, training=self.training
        )

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        with bench_of(self, problem) as bench:
            growing = Growing(self, problem, bench)
            total = float(self.products)
            yield from self._lines(problem, ask, growing, total)
            if self.lines is not None and growing.eigen is not None:
                bench.known[self.lines] = growing.eigen
                yield from self._take_out(problem, ask, bench, growing.eigen)
            done = total - self.probes * self.steps - self.budget
            for index in range(self.probes):
                yield from self._ask(ask, self.part(index), growing, done + index * self.steps, self.steps, total)
            if self.budget:
                question = TracePart(**self.common, budget=self.budget)
                yield from self._ask(ask, question, growing, total - self.budget, self.budget, total)
        yield from self._layers(problem, ask, growing, total)
        return growing.result(complete=True)

    def _lines(self, problem: Problem, ask: Ask, growing: Growing, total: float) -> Generator[Progress, None, None]:
        question = self.lines
        if question is not None:
            yield from self._ask(ask, question, growing, 0, question.expected, total)

    def _take_out(self, problem: Problem, ask: Ask, bench: Bench, found: EigenvaluesResult) -> Generator[Progress, None, None]:
        """Have the eigenvectors at hand for all probes before they go, where they are too long to be kept."""
        if self.lines is not None and len(found.vectors) != len(found.eigenvalues) and self.lines in bench.vectors:
            yield from lines_taken_out(self.lines, found, problem, ask, bench)

    def _layers(self, problem: Problem, ask: Ask, growing: Growing, total: float) -> Generator[Progress, None, None]:
        """The largest eigenvalue of each layer's own block."""
        names = growing.trace.layers if growing.trace is not None else ()
        wanted = self.layers == "always" or (self.layers == "auto" and len(names) <= FEW_LAYERS)
        for name in names if wanted and len(names) > 1 else ():
            question = Eigenvalues(
                **{**self.common, "layer": name}, largest=1, smallest=0, tolerance=max(self.tolerance, LAYER_TOLERANCE)
            )
            yield from self._ask(ask, question, growing, total, 0, total, layer=name)

    def part(self, index: int) -> DensityPart:
        """The question about one probe."""
        return DensityPart(**self.common, probe=index, steps=self.steps, lines=self.lines)

    def _ask(
        self, ask: Ask, question: Probe, growing: Growing, before: float, share: float, total: float, layer: str = ""
    ) -> Generator[Progress, None, None]:
        """Another question's work as a share of this one's; what it knows so far goes into this one's partial answers."""

        def tell(progress: Progress) -> Progress:
            if progress.partial is not None and not layer:
                growing.take(progress.partial)
            done = before + share * min(1.0, progress.done / max(progress.total, 1e-300))
            partial = growing.result(complete=False) if progress.partial is not None and not layer else None
            note = f"layer {layer}" if layer else progress.note
            return Progress(done=min(done, total), total=total, partial=partial, note=note)

        answer = yield from relayed(ask(question), tell)
        growing.take(answer, layer=layer, whole=True)
        yield Progress(done=min(before + share, total), total=total, partial=growing.result(complete=False))

    def figure(self, result: SpectrumResult, look: Look) -> Figure:
        from landscape_gui.probes.spectrum_pictures import spectrum_figure

        return spectrum_figure(result, look)


class Growing:
    """A spectrum as far as it is known."""

    def __init__(self, probe: Spectrum, problem: Problem, bench: Bench) -> None:
        self.about = about(probe, problem, bench)
        self.probe, self.classes = probe, problem.classes or 0
        self.training: Training = training_of(problem)
        self.eigen: EigenvaluesResult | None = None
        self.parts: dict[int, QuadratureResult] = {}
        self.whole: set[int] = set()
        self.trace: TraceResult | None = None
        self.blocks: dict[str, EigenvaluesResult] = {}

    def take(self, answer: Any, layer: str = "", whole: bool = False) -> None:
        """Another question's answer, or what it knows so far."""
        if layer:
            self.blocks[layer] = answer
        elif isinstance(answer, EigenvaluesResult):
            self.eigen = answer
        elif isinstance(answer, QuadratureResult):
            self.parts[answer.probe] = answer
            self.whole |= {answer.probe} if whole else set()
        elif isinstance(answer, TraceResult):
            self.trace = answer

    def result(self, *, complete: bool) -> SpectrumResult:
        """The answer so far; eigenvectors are in the whole one only."""
        values, residuals, converged, vectors = self.outermost()
        top = max(0, len(values) - self.count_lowest(len(values)))
        found = SpectrumResult(
            **self.about,
            eigenvalues=freeze(values[:top]),
            residuals=freeze(residuals[:top]),
            converged=freeze(converged[:top], bool),
            lowest=freeze(values[top:]),
            lowest_residuals=freeze(residuals[top:]),
            lowest_converged=freeze(converged[top:], bool),
            vectors=vectors if complete and vectors.nbytes <= VECTOR_BYTES else freeze(np.zeros((0, 0)), np.float32),
            deflated=int(converged.sum()) if self.telling() or complete else 0,
            **self.quadrature(complete),
            **self.traces(),
            gradient_shares=self.eigen.gradient_shares if self.eigen is not None else freeze([]),
            classes=self.classes,
            complete=complete,
            products=self.products(),
            notes=self.notes(),
        )
        numbers = dict(self.eigen.numbers) if self.eigen is not None else {}
        return replace(found, numbers={**numbers, **spectrum_numbers(found, self.trace, training=self.training)})

    def outermost(self) -> tuple[Array, Array, Array, Array]:
        """Values, residuals, which have converged, and vectors of the outermost eigenpairs."""
        if self.eigen is None:
            return np.zeros(0), np.zeros(0), np.zeros(0, bool), freeze(np.zeros((0, 0)), np.float32)
        return self.eigen.eigenvalues, self.eigen.residuals, self.eigen.converged, self.eigen.vectors

    def count_lowest(self, known: int) -> int:
        """How many of the known pairs belong to the lower end: the largest ones come first."""
        top = min(self.probe.top, int(self.about["size"]))
        return max(0, known - top)

    def quadrature(self, complete: bool) -> dict[str, Any]:
        """Nodes, weights and residuals (probes, steps) of the probes so far: before there is one, of the vector that the search
        for eigenpairs began from, which tells a first density for nothing; it goes when a probe has come half its way."""
        from landscape_gui.core.quadrature import gauss

        started = self.telling()
        if not started and not complete and self.eigen is not None and len(self.eigen.nodes):
            nodes, weights = np.atleast_2d(self.eigen.nodes), np.atleast_2d(self.eigen.weights)
            return {"nodes": freeze(nodes), "weights": freeze(weights), "node_residuals": freeze(np.full_like(nodes, np.nan))}
        width = max((len(part.alpha) for part in started), default=0)
        alpha, beta = np.full((len(started), width), np.nan), np.full((len(started), width), np.nan)
        for row, part in enumerate(started):
            alpha[row, : len(part.alpha)], beta[row, : len(part.beta)] = part.alpha, part.beta
        nodes, weights, residuals = gauss(alpha, beta)
        return {"nodes": freeze(nodes), "weights": freeze(weights), "node_residuals": freeze(residuals)}

    def telling(self) -> list[QuadratureResult]:
        """The probes that are whole or have come half their way; while there is no other picture, any that has begun."""
        fewest = 1 if self.eigen is None or not len(self.eigen.nodes) else self.probe.steps // 2
        found = [part for _, part in sorted(self.parts.items()) if len(part.alpha)]
        return [part for part in found if part.probe in self.whole or len(part.alpha) >= fewest]

    def traces(self) -> dict[str, Any]:
        """The trace, and what is known of each layer."""
        if self.trace is None:
            return {}
        found = [self.blocks.get(name) for name in self.trace.layers]
        return {
            "trace": self.trace.trace,
            "trace_standard_error": self.trace.trace_standard_error,
            "layers": self.trace.layers,
            "layer_traces": self.trace.layer_traces,
            "layer_trace_errors": self.trace.layer_trace_errors,
            "layer_eigenvalues": freeze([b.eigenvalues[0] if b is not None else np.nan for b in found]),
            "layer_residuals": freeze([b.residuals[0] if b is not None else np.nan for b in found]),
        }

    def products(self) -> int:
        answers = [self.eigen, self.trace, *self.parts.values(), *self.blocks.values()]
        return sum(answer.products for answer in answers if answer is not None)

    def notes(self) -> tuple[str, ...]:
        answers = [self.eigen, self.trace, *self.parts.values()]
        said = [note for answer in answers if answer is not None for note in answer.notes]
        return tuple(dict.fromkeys(said))
