"""Eigenvectors of the Hessian as the axes of a plane: of unit norm, never rescaled, with one fixed sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np

from landscape_gui.curvature_results import EigenvaluesResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Probe, Progress, Run
from landscape_gui.probes.facts import number
from landscape_gui.probes.plane import Plane, PlaneProbe, Span, report
from landscape_gui.results import Array

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.probes.eigenvalues import Eigenvalues
    from landscape_gui.problem import Problem

RISE = 1.0
"""By so much the quadratic form rises at the ends of the automatic span, in units of the loss."""
TIED = 1e-3
"""Components of an eigenvector that differ by no more than this share of the largest count as equally large."""


def eigenvector_plane(probe: PlaneProbe, problem: Problem, ask: Callable[[Probe], Run]) -> Generator[Progress, None, Plane]:
    """The plane of the two eigenvectors that `which` names, asked for as a question of its own.

    They keep unit norm, so that the second derivative of the loss along an axis is its eigenvalue. The automatic span ends where
    the quadratic form has risen or fallen by 1: sqrt(2/|eigenvalue|), and at the weights' own norm where that is nearer. Cost: tens
    of products. QuestionError where the network has too few parameters, or the vectors are too long to be kept.
    """
    question = eigen_question(probe, problem)
    yield Progress(done=0, total=1, note="computing the Hessian's eigenvectors")
    answer = yield from asked(ask(question))
    pairs = [pick(answer, k, problem) for k in probe.which]
    vectors = [embedded(problem, question, vector) for vector, _, _ in pairs]
    values = np.array([value for _, value, _ in pairs])
    labels = tuple(label_of(k, value) for k, value in zip(probe.which, values, strict=True))
    residuals = np.array([residual for _, _, residual in pairs])
    told = report("eigenvectors", labels, problem, vectors, eigenvalues=values, residuals=residuals)
    weights = float(problem.state[: problem.layout.parameters].double().norm())
    reach = [suitable(value, weights) for value in values]
    span: Span = (-reach[0], reach[0], -reach[1], reach[1])
    return Plane(problem.state, (vectors[0], vectors[1]), told, span)


def asked(steps: Run) -> Generator[Progress, None, EigenvaluesResult]:
    """Another question's work; its partial answers are no part of this one."""
    try:
        while True:
            try:
                progress = next(steps)
            except StopIteration as stop:
                found: EigenvaluesResult = stop.value
                return found
            yield Progress(done=0, total=1, note=progress.note or "computing the Hessian's eigenvectors")
    finally:
        steps.close()


def eigen_question(probe: PlaneProbe, problem: Problem) -> Eigenvalues:
    """The question whose answer holds the eigenvectors: of the Hessian of the mean loss over the data that `probe` is about.

    Where that is every split, the first one counts, which is the training data.
    """
    from landscape_gui.probes.eigenvalues import Eigenvalues

    split, limit = getattr(probe, "curvature_of", ()) or (getattr(probe, "split", ""), getattr(probe, "limit", 0))
    return Eigenvalues(
        largest=max(0, *probe.which),
        smallest=max(0, *(-k for k in probe.which)),
        split="" if split == "all" else str(split),
        limit=int(limit),
        seed=probe.seed,
        precision=getattr(probe, "precision", "float32"),
    )


def pick(answer: EigenvaluesResult, k: int, problem: Problem) -> tuple[Array, float, float]:
    """Vector (n,), eigenvalue and residual of the k-th largest, or of the k-th most negative where k is below zero."""
    count = len(answer.eigenvalues)
    if abs(k) > count:
        raise QuestionError(
            f"{problem.title} has no eigenvector {k}: {count} were found.", remedy="Choose one nearer to an end of the spectrum."
        )
    place = k - 1 if k > 0 else count + k
    if answer.vectors.shape[0] != count:
        size = 4 * count * answer.size / 2**20
        raise QuestionError(
            f"{count} eigenvectors of {answer.size:,} parameters take {size:,.0f} MB, more than an answer keeps.",
            remedy="Choose eigenvectors nearer to an end of the spectrum (--which 1 2).",
        )
    return answer.vectors[place], float(answer.eigenvalues[place]), float(answer.residuals[place])


def embedded(problem: Problem, question: Eigenvalues, vector: Array) -> Tensor:
    """The eigenvector (n,) as a direction (size,) of unit norm; its first large component is positive.

    Parameters that require no gradient, and buffers, do not move.
    """
    import torch

    objective = problem.objective(split=question.split, limit=1)
    found = torch.from_numpy(np.array(vector, dtype=np.float64))
    first = int((found.abs() >= (1 - TIED) * found.abs().max()).nonzero()[0])
    found *= float(torch.sign(found[first])) / float(found.norm())
    return objective.embed(found).to(problem.state)


def label_of(k: int, value: float) -> str:
    which = f"{k}" if k > 0 else f"\N{MINUS SIGN}{-k}"
    return f"eigenvector {which}, λ = {number(value)}"


def suitable(value: float, weights: float) -> float:
    """How far to go along an eigenvector: to a rise of 1 by the quadratic form, at most the weights' norm."""
    far = math.sqrt(2 * RISE / abs(value)) if value else math.inf
    return float(f"{min(far, weights or 1.0):.3g}")
