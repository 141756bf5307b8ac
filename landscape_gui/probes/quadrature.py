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
    about,
    bench_of,
    cost_of,
    kept_vectors,
    relayed,
    same_surroundings,
)
from landscape_gui.probes.eigenvalues import Eigenvalues
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
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Part of a spectrum"
    summary: ClassVar[str] = "The spectral measure of one random vector"

    probe: int = field(0, label="Probe", help="Number of the random vector", hidden=True)
    steps: int = field(40, label="Steps", help="Lanczos steps", minimum=1, hidden=True)
    lines: Eigenvalues | None = field(None, label="Lines", help="Eigenvectors that are taken out", hidden=True)

    def cost(self, problem: Problem) -> Cost:
        return cost_of(self, problem, self.steps)

    def run(self, problem: Problem, ask: Ask) -> Run:
        with bench_of(self, problem) as bench:
            vectors = yield from self._ask(ask, bench)
            if vectors is not None and len(vectors) >= bench.operator.size:
                return self.empty(problem, bench)
            return (yield from self.lanczos(problem, ask, bench, vectors))

    def _ask(self, ask: Ask, bench: Bench) -> Any:
        """The eigenvectors that are taken out, (k, n), or None."""
        if self.lines is None:
            return None
        answer = bench.known.get(self.lines) or (
            yield from relayed(ask(self.lines), lambda p: Progress(done=0, total=1, note=p.note))
        )
        assert isinstance(answer, EigenvaluesResult)
        return deflated_vectors(answer, bench)

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
        try:
            while True:
                try:
                    step = next(steps)
                except StopIteration as stop:
                    return self.result(stop.value, known, bench.room)
                part = step.so_far()
                done = int(np.isfinite(part.alpha).sum())
                yield Progress(done=done, total=self.steps, partial=self.result(part, known))
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
        rows = chain_rows(found, room)
        return QuadratureResult(
            **known,
            probe=self.probe,
            alpha=freeze(alpha),
            beta=freeze(beta),
            basis=kept_vectors(rows, np.float64 if self.precision == "float64" else np.float32),
            scale=found.chains[0].scale if found.chains else 1.0,
            products=len(alpha),
            notes=(found.note,) if found.note else (),
        )

    def empty(self, problem: Problem, bench: Bench) -> QuadratureResult:
        nothing = freeze(np.zeros(0))
        known = about(self, problem, bench)
        return QuadratureResult(**known, probe=self.probe, alpha=nothing, beta=nothing, basis=freeze(np.zeros((0, 0))))


def deflated_vectors(answer: EigenvaluesResult, bench: Bench) -> Tensor | None:
    """The converged eigenvectors as rows of the operator's dtype; None where there are none or they are too long to be kept."""
    import torch

    if len(answer.vectors) != len(answer.eigenvalues) or not answer.converged.any():
        return None
    rows = torch.from_numpy(np.array(answer.vectors[answer.converged], dtype=np.float64))
    orthonormal = torch.linalg.qr(rows.T).Q.T
    found: Tensor = orthonormal.to(device=bench.operator.device, dtype=bench.operator.dtype)
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
