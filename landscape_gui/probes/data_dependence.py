"""How far the largest eigenvalue depends on the number of examples."""

from __future__ import annotations

import json
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.curvature_results import DependenceResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Ask, Cost, Progress, Run, field
from landscape_gui.probes.curvature import (
    CurvatureProbe,
    cost_of,
    describe_subset,
    examples_of,
    objective_of,
    operator_of,
)
from landscape_gui.probes.curvature_numbers import number
from landscape_gui.results import Array, Number, Provenance, freeze

if TYPE_CHECKING:
    from landscape_gui.core.objective import Objective
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

EXPECTED = 20
"""Products that a largest eigenvalue takes, about."""
NEAR = 0.1
"""A subset's largest eigenvalue is near that of all data when it differs by no more than this share."""


@dataclass(frozen=True, kw_only=True)
class Dependence(CurvatureProbe):
    """Largest eigenvalue, with its residual, and trace on random subsets that double in size up to all data. A DependenceResult.

    Subsets of one draw are nested; several draws show the scatter. On few examples the largest eigenvalue is too large, twofold and
    more, while the trace hardly moves; where it still falls at the largest subset, it would fall further with more data. Cost:
    about 20 products and `budget` for each subset, or draws times as much as all data take, and once more.
    """

    name: ClassVar[str] = "dependence"
    title: ClassVar[str] = "Dependence on the data"
    summary: ClassVar[str] = "Whether the largest eigenvalue is that of the problem or of too few examples"

    operator: str = field(
        "hessian",
        label="Operator",
        help="Whose eigenvalue",
        choices={"hessian": "Hessian of the mean loss", "gauss-newton": "Gauss-Newton matrix"},
    )
    draws: int = field(3, label="Draws", help="Random subsets of each size", minimum=1, maximum=100)
    fewest: int = field(32, label="Fewest", help="Examples of the smallest subset, at least", unit="examples", minimum=1)
    budget: int = field(40, label="Trace", help="Products for each trace", unit="products", minimum=4, advanced=True)
    tolerance: float = field(
        1e-3,
        label="Tolerance",
        help="Residual at which the eigenvalue is found, relative to itself",
        minimum=1e-12,
        maximum=0.1,
        advanced=True,
    )

    def cost(self, problem: Problem) -> Cost:
        count = examples_of(self, problem)
        share = 1 + self.draws * sum(size / count for size in sizes(count, self.fewest)[:-1]) if count else math.nan
        products = (EXPECTED + self.budget) * (share if math.isfinite(share) else 1)
        return cost_of(self, problem, math.ceil(products))

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        whole = objective_of(self, problem)
        if whole.split.streams:
            raise QuestionError(
                f"The split {whole.split.name} streams, so that no part of it can be taken.",
                remedy="Give the data as tensors or a Dataset.",
            )
        partial = ask.partial if isinstance(ask.partial, DependenceResult) else None
        return (yield from Growing(self, problem, whole, partial).every_subset())

    def figure(self, result: DependenceResult, look: Look) -> Figure:
        from landscape_gui.probes.dependence_pictures import dependence_figure

        return dependence_figure(result, look)


def sizes(count: int, fewest: int) -> list[int]:
    """All examples and their halves, down to `fewest`, ascending."""
    found = [count]
    while found[-1] // 2 >= max(1, fewest):
        found.append(found[-1] // 2)
    return found[::-1]


class Growing:
    """What has come in of the subsets. Each depends on the seed, its draw and its size alone."""

    def __init__(self, probe: Dependence, problem: Problem, whole: Objective, partial: DependenceResult | None) -> None:
        self.probe, self.problem, self.whole = probe, problem, whole
        self.sizes = sizes(whole.examples, probe.fewest)
        shape = probe.draws, len(self.sizes)
        self.found = {name: np.full(shape, np.nan) for name in ("value", "residual", "trace", "error")}
        self.computed = np.zeros(shape, dtype=bool)
        self.products = 0
        self._take_up(partial)

    def _take_up(self, partial: DependenceResult | None) -> None:
        """Go on from a partial answer of the same surroundings."""
        here = json.loads(json.dumps(self.whole.environment, default=str))
        if partial is None or any(partial.provenance.environment.get(name) != value for name, value in here.items()):
            return
        known = (partial.lambda_max, partial.lambda_max_residuals, partial.traces, partial.trace_standard_errors)
        for values, kept in zip(self.found.values(), known, strict=True):
            values[:] = kept
        self.computed[:] = partial.computed
        self.products = partial.products

    def order(self) -> list[tuple[int, int]]:
        """(draw, size) of every subset: a whole curve first, then its scatter; all examples belong to the first draw."""
        last = len(self.sizes) - 1
        first = [(0, k) for k in range(last + 1)]
        return first + [(draw, k) for draw in range(1, self.probe.draws) for k in range(last)]

    def every_subset(self) -> Run:
        left = [self.sizes[k] for _, k in self.order()]
        total, done = float(sum(left)), 0.0
        for draw, k in self.order():
            size = float(self.sizes[k])
            if not self.computed[draw, k]:
                yield from self._measure(draw, k, done, total)
            done += size
            if done < total:
                yield Progress(done=done, total=total, partial=self.result())
        return self.result()

    def _measure(self, draw: int, k: int, done: float, total: float) -> Generator[Progress, None, None]:
        from landscape_gui.core.lanczos import eigenpairs
        from landscape_gui.core.trace import trace

        operator = operator_of(self.probe.operator, self._subset(draw, self.sizes[k]))
        expected = EXPECTED + self.probe.budget

        def told(steps: Any, before: int) -> Generator[Progress, None, Any]:
            while True:
                try:
                    step = next(steps)
                except StopIteration as stop:
                    return stop.value
                part = min(1.0, (before + step.products) / expected)
                yield Progress(done=done + self.sizes[k] * part, total=total, note=f"{self.sizes[k]:,} examples")

        pairs = yield from told(
            eigenpairs(operator, largest=1, tolerance=self.probe.tolerance, seed=self.probe.seed, keep_vectors=False), 0
        )
        traced = yield from told(trace(operator, budget=self.probe.budget, seed=self.probe.seed), pairs.products)
        self.products += pairs.products + traced.products
        values = (pairs.values[0], pairs.residuals[0], traced.value, traced.standard_error)
        draws = slice(None) if k == len(self.sizes) - 1 else slice(draw, draw + 1)
        for array, value in zip(self.found.values(), values, strict=True):
            array[draws, k] = float(value)
        self.computed[draws, k] = True

    def _subset(self, draw: int, size: int) -> Objective:
        """The first examples of the draw's own order of them; its subsets are nested."""
        import torch

        if size >= self.whole.examples:
            return self.whole
        seed = int(np.random.SeedSequence((self.probe.seed, draw)).generate_state(1)[0])
        shuffled = torch.randperm(self.whole.examples, generator=torch.Generator().manual_seed(seed))
        return self.whole.subset(shuffled[:size].sort().values)

    def result(self) -> DependenceResult:
        """The answer so far: a snapshot that later work does not touch."""
        value, residual = self.found["value"], self.found["residual"]
        return DependenceResult(
            operator=self.probe.operator,
            layer=self.probe.layer,
            size=self.whole.size,
            products=self.products,
            split=self.whole.split.name,
            examples=self.whole.examples,
            subset=describe_subset(self.probe, self.problem),
            batchnorm="frozen" if self.problem.has_batchnorm else "",
            precision=self.probe.precision,
            numbers=numbers(value, residual, self.computed),
            notes=(statement(self.sizes, value),) if self.computed.all() else (),
            provenance=Provenance(environment=dict(self.whole.environment)),
            sizes=freeze(self.sizes),
            lambda_max=freeze(value),
            lambda_max_residuals=freeze(residual),
            traces=freeze(self.found["trace"]),
            trace_standard_errors=freeze(self.found["error"]),
            computed=freeze(self.computed, bool),
        )


def numbers(value: Array, residual: Array, computed: Array) -> dict[str, Number]:
    """The largest eigenvalue on all data, and on half of them with the scatter over draws where there are several."""
    found = []
    if computed[0, -1]:
        found.append(number("lambda_max", value[0, -1], residual[0, -1]))
    if value.shape[1] > 1 and computed[:, -2].all():
        draws = value[:, -2]
        label = f"largest eigenvalue on half of the data, mean of {len(draws)} draws" if len(draws) > 1 else ""
        error = float(draws.std(ddof=1)) / math.sqrt(len(draws)) if len(draws) > 1 else float(residual[0, -2])
        kind = "standard error" if len(draws) > 1 else "bound"
        found.append(number("lambda_max_half", float(draws.mean()), error, kind, label=label))
    return {entry.name: entry for entry in found}


def statement(sizes: list[int], value: Array) -> str:
    """How many examples the largest eigenvalue needs, as far as these data tell."""
    ratios = value.mean(axis=0) / value[0, -1] if value[0, -1] else np.ones(len(sizes))
    near = np.abs(ratios - 1) <= NEAR
    if len(sizes) == 1:
        return (
            f"There are only {sizes[0]:,} examples: nothing can be said about how the largest eigenvalue depends on their number."
        )
    start = len(sizes) - 1
    while start > 0 and near[start - 1]:
        start -= 1
    smallest = f"On {sizes[0]:,} examples it is {ratios[0]:.2f} times that on all {sizes[-1]:,}."
    if start == len(sizes) - 1:
        return (
            f"{smallest} Even half of the data give {ratios[-2]:.2f} times the value on all: it has not settled, and more data "
            "would change it further."
        )
    if start == 0:
        return f"{smallest} It stays within {NEAR:.0%} on every subset."
    return f"{smallest} From {sizes[start]:,} examples on it is within {NEAR:.0%}: subsets below that are too small."
