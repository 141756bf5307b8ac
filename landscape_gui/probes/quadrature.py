"""Parts of a spectrum that are kept as answers of their own: one random vector's Lanczos run, and the trace."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.curvature_results import EigenvaluesResult, QuadratureResult, TraceResult
from landscape_gui.probes.base import Ask, Cost, Progress, Run, field
from landscape_gui.probes.curvature import (
    Bench,
    CurvatureProbe,
    Pace,
    about,
    bench_of,
    cost_of,
    relayed,
    same_surroundings,
)
from landscape_gui.probes.eigenvalues import Eigenvalues, Running
from landscape_gui.results import freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.quadrature import Quadrature
    from landscape_gui.problem import Problem

LOOK_BEYOND = 200
"""A stored answer with up to so many steps more is cut to those asked for."""


@dataclass(frozen=True, kw_only=True)
class DensityPart(CurvatureProbe):
    """One probe of a density: `steps` Lanczos steps from the random vector number `probe`, with the eigenvectors that `lines` asks
    for taken out. A QuadratureResult. A stored answer with fewer steps is gone on from, one with more is cut: equal to the bit."""

    name: ClassVar[str] = "density-part"
    version: ClassVar[int] = 2
    title: ClassVar[str] = "Part of a spectrum"
    summary: ClassVar[str] = "The spectral measure of one random vector"

    probe: int = field(0, label="Probe", help="Number of the random vector", hidden=True)
    steps: int = field(40, label="Steps", help="Lanczos steps", minimum=1, hidden=True)
    lines: Eigenvalues | None = field(None, label="Lines", help="Eigenvectors that are taken out", hidden=True)

    def cost(self, problem: Problem) -> Cost:
        return cost_of(self, problem, self.steps)

    def run(self, problem: Problem, ask: Ask) -> Run:
        with bench_of(self, problem) as bench:
            vectors = yield from self._ask(problem, ask, bench)
            if vectors is not None and len(vectors) >= bench.operator.size:
                return self.empty(problem, bench)
            return (yield from self.lanczos(problem, ask, bench, vectors))

    def _ask(self, problem: Problem, ask: Ask, bench: Bench) -> Any:
        """The eigenvectors that are taken out, (k, n), or None."""
        if self.lines is None:
            return None
        answer = bench.known.get(self.lines) or (
            yield from relayed(ask(self.lines), lambda p: Progress(done=0, total=1, note=p.note))
        )
        assert isinstance(answer, EigenvaluesResult)
        return (yield from lines_taken_out(self.lines, answer, problem, ask, bench))

    def lanczos(self, problem: Problem, ask: Ask, bench: Bench, vectors: Tensor | None) -> Run:
        from landscape_gui.core.quadrature import lanczos_quadrature

        known = about(self, problem, bench)
        steps = lanczos_quadrature(
            bench.operator,
            probes=1,
            steps=self.steps,
            seed=self.seed,
            first=self.probe,
            deflate=vectors,
            start=self.earlier(ask, bench, 0 if vectors is None else len(vectors)),
        )
        pace, ahead = Pace(), self.steps
        try:
            while True:
                try:
                    step = next(steps)
                except StopIteration as stop:
                    return self.result(stop.value, known, bench.room)
                ahead = step.most - step.products
                partial = self.result(step.so_far(), known) if pace.due() else None
                yield Progress(done=max(0, self.steps - ahead), total=self.steps, partial=partial)
        finally:
            steps.close()

    def earlier(self, ask: Ask, bench: Bench, deflated: int) -> Quadrature | None:
        """The stored answer to the same question with fewer or more steps, as something to go on from."""
        found = nearest(ask, self)
        if found is None or not same_surroundings(found, bench):
            return None
        return taken_up(found, bench, self.seed, deflated, self.steps)

    def result(self, found: Quadrature, known: dict[str, Any], room: int = 0) -> QuadratureResult:
        ended = np.isfinite(found.alpha[0])
        alpha, beta = found.alpha[0][ended], found.beta[0][ended]
        rows, kind = chain_rows(found, room), np.float64 if self.precision == "float64" else np.float32
        return QuadratureResult(
            **known,
            probe=self.probe,
            alpha=freeze(alpha),
            beta=freeze(beta),
            basis=freeze(np.zeros((0, 0)) if rows is None else rows.cpu().numpy(), kind),
            scale=found.chains[0].scale if found.chains else 1.0,
            products=len(alpha),
            notes=(found.note,) if found.note else (),
        )

    def empty(self, problem: Problem, bench: Bench) -> QuadratureResult:
        nothing = freeze(np.zeros(0))
        known = about(self, problem, bench)
        return QuadratureResult(**known, probe=self.probe, alpha=nothing, beta=nothing, basis=freeze(np.zeros((0, 0))))


def lines_taken_out(question: Eigenvalues, answer: EigenvaluesResult, problem: Problem, ask: Ask, bench: Bench) -> Any:
    """The converged eigenvectors as orthonormal rows of the operator's dtype, made once for all that share this bench; None: none.

    Those that are too long to be kept with their answer are still there while the question runs; later they are computed again.
    """
    if not answer.converged.any():
        return None
    if question not in bench.lines:
        if len(answer.vectors) == len(answer.eigenvalues):
            vectors = torch_of(answer.vectors)
        else:
            if question not in bench.vectors:
                note = "computing the eigenvectors again, which are too long to be kept"
                yield from relayed(Running(question, problem, bench).lanczos(ask), lambda p: Progress(done=0, total=1, note=note))
            vectors = bench.vectors[question]
        rows = vectors[np.flatnonzero(answer.converged)]
        bench.lines[question] = orthonormal(rows.to(device=bench.operator.device, dtype=bench.operator.dtype))
    bench.vectors.pop(question, None)
    return bench.lines[question]


def torch_of(array: Any) -> Tensor:
    import torch

    return torch.from_numpy(np.array(array))


def orthonormal(rows: Tensor) -> Tensor:
    """Rows (k, n) that are orthonormal but for rounding, made so to float64 where they are float64: by the Cholesky factor of
    their inner products, some columns at a time, so that no second copy of them in double precision is made."""
    import torch

    pieces = [rows[:, start : start + (1 << 18)] for start in range(0, rows.shape[1], 1 << 18)]
    gram = sum((wide @ wide.T for wide in (piece.double() for piece in pieces)), rows.new_zeros((), dtype=torch.float64))
    factor = torch.linalg.cholesky(gram)
    found = torch.empty_like(rows)
    for start, piece in zip(range(0, rows.shape[1], 1 << 18), pieces, strict=True):
        found[:, start : start + (1 << 18)] = torch.linalg.solve_triangular(factor, piece.double(), upper=False)
    return found


def nearest(ask: Ask, part: DensityPart) -> QuadratureResult | None:
    """The stored answer with the most steps up to those asked for, else the one with the fewest beyond; None: none is stored."""
    known: Callable[[Any], Any] | None = getattr(ask, "known", None)
    if known is None:
        return None
    fewer, more = range(part.steps - 1, 0, -1), range(part.steps + 1, part.steps + LOOK_BEYOND)
    for steps in (*fewer, *more):
        found = known(dataclasses.replace(part, steps=steps))
        if isinstance(found, QuadratureResult):
            return found
    return None


def taken_up(found: QuadratureResult, bench: Bench, seed: int, deflated: int, steps: int) -> Quadrature | None:
    """A stored answer as core.quadrature takes it: with its Lanczos vectors, or without where it already has enough steps."""
    import torch

    from landscape_gui.core.krylov import Basis
    from landscape_gui.core.quadrature import Chain, Quadrature, gauss

    alpha, beta = np.atleast_2d(found.alpha), np.atleast_2d(found.beta)
    count = alpha.shape[1]
    chains: tuple[Chain, ...] = ()
    if count < steps:
        if len(found.basis) not in (count, count + 1):
            return None
        rows = torch.from_numpy(np.array(found.basis)).to(device=bench.operator.device, dtype=bench.operator.dtype)
        basis = Basis(bench.operator.size, bench.operator.dtype, torch.device(bench.operator.device))
        for row in rows[:count]:
            basis.append(row)
        chains = (Chain(basis, rows[count] if len(rows) > count else None, list(found.alpha), list(found.beta), found.scale),)
    return Quadrature(*gauss(alpha, beta), alpha, beta, bench.operator.size, deflated, seed, found.probe, 0, "", chains)


def chain_rows(found: Quadrature, room: int) -> Tensor | None:
    """A chain's Lanczos vectors and the one that would follow, (m + 1, n); None where they would take more bytes than `room`."""
    import torch

    if not room or not found.chains or not len(found.chains[0].basis):
        return None
    chain = found.chains[0]
    rows = [*chain.basis.rows(), *([] if chain.following is None else [chain.following[None]])]
    if sum(part.numel() * part.element_size() for part in rows) > room:
        return None
    return torch.cat(rows)


@dataclass(frozen=True, kw_only=True)
class TracePart(CurvatureProbe):
    """The trace, the Frobenius norm and every layer's trace from `budget` products. A TraceResult."""

    name: ClassVar[str] = "trace"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Trace"
    summary: ClassVar[str] = "The trace, whole and by layer"

    budget: int = field(120, label="Budget", help="Products", minimum=4, hidden=True)

    def cost(self, problem: Problem) -> Cost:
        return cost_of(self, problem, self.budget)

    def run(self, problem: Problem, ask: Ask) -> Run:
        from landscape_gui.core.trace import trace

        with bench_of(self, problem) as bench:
            known = about(self, problem, bench)
            own = bench.operator.size == bench.objective.size and self.operator != "ntk"
            layers = bench.objective.layers() if own else ()
            steps = trace(bench.operator, budget=self.budget, seed=self.seed, layers=layers)
            try:
                while True:
                    try:
                        step = next(steps)
                    except StopIteration as stop:
                        found = stop.value
                        break
                    yield Progress(done=step.products, total=max(step.most, 1))
            finally:
                steps.close()
        return TraceResult(
            **known,
            trace=found.value,
            trace_standard_error=found.standard_error,
            low=found.low,
            high=found.high,
            frobenius=found.frobenius,
            frobenius_standard_error=found.frobenius_standard_error,
            layers=found.layers,
            layer_traces=freeze(found.layer_values),
            layer_trace_errors=freeze(found.layer_standard_errors),
            products=found.products,
            notes=(found.note,) if found.note else (),
        )
