"""The outermost eigenvalues of an operator, with their eigenvectors and how far each may be wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.curvature_results import EigenvaluesResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Ask, Cost, Progress, Run, field
from landscape_gui.probes.curvature import (
    Bench,
    CurvatureProbe,
    Pace,
    TrainedProbe,
    about,
    bench_of,
    cost_of,
    kept_vectors,
    too_long,
    vectors_size,
)
from landscape_gui.probes.curvature_numbers import eigen_numbers, training_of
from landscape_gui.probes.search_kept import Keeper
from landscape_gui.results import Array, Number, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.krylov import Step
    from landscape_gui.core.lanczos import Eigenpairs, PowerIteration
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

METHODS = {
    "lanczos": "both ends at once, tens of products; repeated eigenvalues are found too",
    "power": "power iteration: the eigenvalue of largest magnitude alone, with its convergence",
}


@dataclass(frozen=True, kw_only=True)
class Eigenvalues(TrainedProbe):
    """The `largest` and the `smallest` eigenvalues with residuals: some eigenvalue lies within each. An EigenvaluesResult.

    Cost: about two products for each of the largest, and some tens for the smallest ones, which lie near the bulk; it stops by the
    residuals, not by a number of steps. Memory: one vector a product, at most 2 GB of them at a time. The Lanczos run is kept
    where it takes up to 256 MB, so that a wider question goes on from a narrower one, and one that was killed from where it was.
    """

    name: ClassVar[str] = "eigenvalues"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Eigenvalues"
    summary: ClassVar[str] = "The largest and the most negative eigenvalues of the curvature, each with a bound on its error"

    largest: int = field(10, label="Largest", help="How many of the algebraically largest", minimum=0, maximum=1000)
    smallest: int = field(2, label="Smallest", help="How many of the most negative ones", minimum=0, maximum=1000)
    method: str = field("lanczos", label="Method", help="How they are found", choices=METHODS, advanced=True)
    tolerance: float = field(
        1e-5,
        label="Tolerance",
        help="Residual at which a pair is found, relative to the largest |eigenvalue|",
        minimum=1e-12,
        maximum=0.1,
        advanced=True,
    )
    most: int = field(1000, label="Most products", help="What the search may cost", minimum=1, maximum=1_000_000, advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method == "lanczos" and self.largest + self.smallest < 1:
            raise QuestionError("No eigenvalue is asked for.", remedy="Ask for one or more of the largest or of the smallest.")
        if self.method == "power":
            object.__setattr__(self, "largest", 1)
            object.__setattr__(self, "smallest", 0)

    @property
    def expected(self) -> int:
        """About so many products, as measured on the samples."""
        if self.method == "power":
            return min(self.most, 60)
        return min(self.most, 16 + 2 * self.largest + (36 + 16 * self.smallest if self.smallest else 0))

    def memory(self, problem: Problem) -> float:
        return vectors_size(self, problem, 1 if self.method == "power" else self.most, more=2 * (self.largest + self.smallest) + 2)

    def cost(self, problem: Problem) -> Cost:
        return cost_of(self, problem, self.expected)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        with bench_of(self, problem) as bench:
            running = Running(self, problem, bench)
            if self.method == "power":
                return (yield from running.power())
            return (yield from running.lanczos(ask))

    def figure(self, result: EigenvaluesResult, look: Look) -> Figure:
        from landscape_gui.probes.eigen_pictures import eigenvalues_figure

        return eigenvalues_figure(result, look)


@dataclass(frozen=True, kw_only=True)
class Search(CurvatureProbe):
    """The Lanczos run from the seed's random vector, whatever eigenpairs were looked for with it. A SearchResult, kept by the
    searches themselves; it is asked for by none."""

    name: ClassVar[str] = "search"
    version: ClassVar[int] = 2
    title: ClassVar[str] = "Search for eigenvalues"
    summary: ClassVar[str] = "The Lanczos vectors that a search for eigenvalues has come to"

    def run(self, problem: Problem, ask: Ask) -> Run:
        raise QuestionError("A search is kept by the question about eigenvalues that makes it.", remedy="Ask for eigenvalues.")
        yield


class Running:
    """Eigenvalues being computed."""

    def __init__(self, probe: Eigenvalues, problem: Problem, bench: Bench) -> None:
        self.probe, self.problem, self.bench = probe, problem, bench
        self.about = about(probe, problem, bench)
        self.training = training_of(problem)
        self.history: list[float] = []
        self.residuals: list[float] = []
        self.products = self.negative = 0
        self.measure: tuple[Array, Array] = (np.zeros(0), np.zeros(0))

    def lanczos(self, ask: Ask) -> Run:
        from landscape_gui.core.lanczos import eigenpairs

        probe = self.probe
        common = {f.name: getattr(probe, f.name) for f in dataclasses.fields(CurvatureProbe)}
        keeper = Keeper(Search(**common), ask, self.bench, self.about)
        chain = keeper.earlier()
        steps = eigenpairs(
            self.bench.operator,
            largest=probe.largest,
            smallest=probe.smallest,
            tolerance=probe.tolerance,
            most_products=probe.most,
            seed=probe.seed,
            chain=chain,
        )
        found: Eigenpairs = yield from self.relay(steps, keeper)
        keeper.keep(found.chain)
        del chain, steps
        found = dataclasses.replace(found, chain=None)  # the basis goes before the eigenvectors are copied
        if found.vectors is not None and too_long(found.vectors):
            self.bench.vectors[probe] = found.vectors
        return self.finished(found.values, found.residuals, found.converged, found.vectors, (found.note,))

    def power(self) -> Run:
        from landscape_gui.core.lanczos import power_iteration

        probe = self.probe
        steps = power_iteration(self.bench.operator, seed=probe.seed, tolerance=probe.tolerance, most=probe.most)
        found: PowerIteration = yield from self.relay(steps)
        note = "" if found.converged else f"Power iteration had not converged after {found.products} products."
        answer = self.finished([found.value], [found.residual], [found.converged], found.vector[None], (note,))
        return dataclasses.replace(answer, ratio=found.ratio)

    def relay(self, steps: Generator[Step, None, Any], keeper: Keeper | None = None) -> Generator[Progress, None, Any]:
        """Products as progress, some with what is known so far; a search that is given up is kept."""
        step, pace = None, Pace()
        try:
            while True:
                try:
                    step = next(steps)
                except StopIteration as stop:
                    return stop.value
                self.products, self.negative = step.products, step.negative
                if len(step.nodes):
                    self.measure = step.nodes, step.weights
                self.history.append(float(step.values[0]))
                self.residuals.append(float(np.max(step.residuals)))
                if keeper is not None:
                    keeper.see(step)
                total = max(self.probe.expected, step.products + 4)
                partial = self.partial(step) if pace.due() else None
                yield Progress(done=step.products, total=min(total, max(step.most, step.products)), partial=partial)
        except GeneratorExit:
            if keeper is not None and step is not None:
                keeper.keep(step.chain())
            raise
        finally:
            steps.close()

    def partial(self, step: Step) -> EigenvaluesResult:
        """What is known after a product: Ritz values, each with its bound, their numbers, and the first vector's measure."""
        answer = self.result(step.values, step.residuals, np.zeros(len(step.values), bool), None, (step.note,))
        return dataclasses.replace(answer, complete=False, numbers=self.numbers(answer))

    def finished(
        self, values: Any, residuals: Any, converged: Any, vectors: Tensor | None, notes: tuple[str, ...]
    ) -> EigenvaluesResult:
        """The answer, with the gradient's share along each eigenvector and the numbers."""
        answer = self.result(values, residuals, converged, vectors, notes)
        import torch

        norm, shares = float("nan"), np.zeros(0)
        if self.bench.operator.size == self.bench.objective.size:
            gradient = self.bench.gradient.double()
            norm = float(gradient.norm())
            if vectors is not None and norm > 0:  # row by row: all of them in double precision take twice their memory
                shares = np.array([float(torch.dot(v.double(), gradient)) / norm for v in vectors]) ** 2
        answer = dataclasses.replace(answer, gradient_shares=freeze(shares))
        return dataclasses.replace(answer, numbers=self.numbers(answer, norm))

    def numbers(self, answer: EigenvaluesResult, gradient_norm: float = float("nan")) -> dict[str, Number]:
        return eigen_numbers(
            answer,
            classes=self.problem.classes or 0,
            training=self.training,
            gradient_norm=gradient_norm,
            smallest=self.probe.smallest,
        )

    def result(
        self, values: Any, residuals: Any, converged: Any, vectors: Tensor | None, notes: tuple[str, ...]
    ) -> EigenvaluesResult:
        return EigenvaluesResult(
            **self.about,
            eigenvalues=freeze(values),
            residuals=freeze(residuals),
            converged=freeze(converged, bool),
            vectors=kept_vectors(vectors),
            method=self.probe.method,
            tolerance=self.probe.tolerance,
            history=freeze(self.history),
            history_residuals=freeze(self.residuals),
            products=self.products,
            negative=self.negative,
            nodes=freeze(self.measure[0]),
            weights=freeze(self.measure[1]),
            notes=tuple(note for note in notes if note),
        )
