"""The Hessian's extreme eigenvalues on a plane through weight space, and how convex each place is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from landscape_gui.errors import ProblemError
from landscape_gui.probes import curvature, grid, sampling
from landscape_gui.probes.base import Ask, Cost, Probe, Progress, Run, field
from landscape_gui.probes.plane import Plane, PlaneProbe, check_span, lay, wanted_span
from landscape_gui.results import Array, Provenance, Quantity, SurfaceResult, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.lanczos import Eigenpairs
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

LABELS = {
    "lambda_max": "largest Hessian eigenvalue",
    "lambda_min": "smallest Hessian eigenvalue",
    "lambda_ratio": "|smallest| over |largest| Hessian eigenvalue",
}
EXPECTED = 18
"""Products that a cell takes, about."""
MOST_PRODUCTS = 200
CHECK = 3
"""Products after a cell's pairs have converged that look, from a random vector, for a larger or smaller eigenvalue."""
MEMORY = 256 << 20
"""Bytes that the vectors of coarser cells may take; where they would take more, every cell starts from a random vector."""


@dataclass(frozen=True, kw_only=True)
class CurvatureMap(PlaneProbe):
    """Largest and smallest eigenvalue of the Hessian at theta0 + x d1 + y d2, and |smallest/largest|, on a grid, coarse first.

    Li et al. (2018, figures 5 and 6) map the ratio to see whether the convex look of a surface is real: near 0 the place is nearly
    convex in every direction, near 1 as much curvature is downwards as upwards. BatchNorm statistics stay the checkpoint's. The
    answer is a SurfaceResult with the quantities lambda_max, lambda_min, lambda_ratio and the loss; their `standard_error` is a
    bound: an eigenvalue lies within it. Cost: about 18 products a cell, each of one to three gradients.
    """

    name: ClassVar[str] = "curvature-map"
    title: ClassVar[str] = "Curvature map"
    purpose: ClassVar[str] = "Curvature and sharpness"
    summary: ClassVar[str] = "How sharply the loss bends up and down at each place of a plane, and whether its valleys are convex"

    steps: tuple[int, int] = field((11, 11), label="Steps", help="Points along x and y", minimum=2, maximum=513, metavar="NX NY")
    span: tuple[float, ...] = field(
        (),
        label="Span",
        help="How far to go, in units of the directions: nothing (automatic), r, rx ry, or x0 x1 y0 y1",
        metavar="R",
    )
    split: str = field("", label="Data", help="The split whose mean loss is meant; empty: the first one", metavar="NAME")
    limit: int = field(0, label="Subset", help="A random subset of so many examples; 0 takes all", minimum=0)
    tolerance: float = field(
        1e-3,
        label="Tolerance",
        help="A cell is done when both residuals are below this share of its largest eigenvalue",
        minimum=1e-7,
        maximum=0.5,
        advanced=True,
    )
    precision: str = field(
        "float32",
        label="Precision",
        help="Arithmetic of the network",
        choices={"float32": "as networks are trained", "float64": "double; about twice the time"},
        advanced=True,
    )
    batchnorm: str = field("frozen", label="BatchNorm", help="Its statistics stay the checkpoint's", hidden=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span(self.span)

    @property
    def data(self) -> curvature.CurvatureProbe:
        """On which data, as every question about curvature says it."""
        return curvature.CurvatureProbe(split=self.split, limit=self.limit, seed=self.seed, precision=self.precision)

    def completed(self, problem: Problem) -> Probe:
        named = dataclasses.replace(self, split=curvature.split_of(self.data, problem))
        return PlaneProbe.completed(named, problem)

    def cost(self, problem: Problem) -> Cost:
        return curvature.cost_of(self.data, problem, EXPECTED * self.steps[0] * self.steps[1])

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        plane = yield from lay(self, problem, ask)
        partial = ask.partial if isinstance(ask.partial, SurfaceResult) else None
        return (yield from Running(self, problem, plane, partial).every_cell())

    def figure(self, result: SurfaceResult, look: Look) -> Figure:
        from landscape_gui.probes.landmarks import landmarks
        from landscape_gui.probes.pictures import surface_figure

        return surface_figure(result, look, landmarks(result))


class Running:
    """A map being computed: coarse first, each finer cell from the eigenvectors of the nearest coarser one.

    A cell's bits depend on its place, its data and the chain of coarser cells before it alone, so that they are the same wherever
    work was taken up: what a resumed cell needs of a coarser one is computed again.
    """

    def __init__(self, probe: CurvatureMap, problem: Problem, plane: Plane, partial: SurfaceResult | None) -> None:
        self.probe, self.problem, self.plane = probe, problem, plane
        self.objective = curvature.objective_of(probe.data, problem)
        self.axes = [self.objective.extract(axis).double() for axis in plane.axes]
        self.nx, self.ny = probe.steps
        span = wanted_span(probe.span, plane.span)
        self.x, self.y = grid.positions(span[0], span[1], self.nx), grid.positions(span[2], span[3], self.ny)
        self.order, _ = grid.order(self.ny, self.nx)
        self.parents = parents(self.ny, self.nx)
        needed = len(set(self.parents[self.parents >= 0].tolist())) * self.objective.size * self.objective.origin.element_size()
        self.warm = needed <= MEMORY
        self.starts: dict[int, Tensor] = {}
        cells = self.nx * self.ny
        self.loss_name = f"{self.objective.split.name}_loss"
        names = (*LABELS, self.loss_name)
        self.values = {name: np.full(cells, np.nan) for name in names}
        self.bounds = {name: np.full(cells, np.nan) for name in LABELS}
        self.finished = self.products = self.late = 0
        self.trouble: ProblemError | None = None
        """Why the last cell without curvature has none."""
        self.centre = dict(problem.at_checkpoint())
        self._take_up(partial)

    def _take_up(self, partial: SurfaceResult | None) -> None:
        """Go on from a partial answer of the same surroundings."""
        if partial is None or set(partial.quantities) != set(self.values):
            return
        before = partial.provenance.environment
        same = json.loads(json.dumps(self.objective.environment, default=str))
        if any(before.get(name) != value for name, value in same.items()):
            return
        for name, values in self.values.items():
            quantity = partial.quantities[name]
            values[:] = quantity.values.ravel()
            if quantity.standard_error is not None and name in self.bounds:
                self.bounds[name][:] = quantity.standard_error.ravel()
        self.finished, self.products, self.late = (int(before[name]) for name in ("cells", "products", "late"))

    def every_cell(self) -> Run:
        total = len(self.order)
        for cell in self.order[self.finished :]:
            yield from self._measure(int(cell))
            self.finished += 1
            if self.finished < total:
                yield Progress(done=self.finished, total=total, partial=self.result())
        if self.trouble is not None and not np.isfinite(self.values["lambda_max"]).any():
            raise self.trouble
        return self.result()

    def _measure(self, cell: int) -> Generator[Progress, None, None]:
        """One cell's loss and eigenvalues; NaN where the loss or its curvature is not finite there."""
        at = self._place(cell)
        self.values[self.loss_name][cell] = self.objective.loss(at)
        try:
            found = yield from self._pairs(cell)
        except ProblemError as trouble:
            self.trouble = trouble
            return
        self.products += found.products
        self.late += not found.converged.all()
        high, low = float(found.values[0]), float(found.values[-1])
        error, other = float(found.residuals[0]), float(found.residuals[-1])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(np.float64(low) / np.float64(high))
            bound = (other + ratio * error) / np.abs(np.float64(high))
        for name, value, width in zip(LABELS, (high, low, ratio), (error, other, bound), strict=True):
            self.values[name][cell], self.bounds[name][cell] = value, width

    def _pairs(self, cell: int) -> Generator[Progress, None, Eigenpairs]:
        from landscape_gui.core.lanczos import eigenpairs
        from landscape_gui.core.operators import Hessian

        start = yield from self._start(int(self.parents[cell]))
        search = eigenpairs(
            Hessian(self.objective, at=self._place(cell)),
            largest=1,
            smallest=1,
            tolerance=self.probe.tolerance,
            most_products=MOST_PRODUCTS,
            check=CHECK,
            seed=self.probe.seed,
            start=start,
        )
        while True:
            try:
                step = next(search)
            except StopIteration as stop:
                found: Eigenpairs = stop.value
                break
            part = step.products / (step.products + EXPECTED)
            yield Progress(done=self.finished + part, total=len(self.order))
        if self.warm and found.vectors is not None:
            self.starts[cell] = found.vectors.sum(dim=0, keepdim=True)
        return found

    def _start(self, parent: int) -> Generator[Progress, None, Tensor | None]:
        """Where a cell's search begins: the sum of its parent's eigenvectors, computed again where it is not known."""
        if parent < 0 or not self.warm:
            return None
        if parent not in self.starts:
            try:
                yield from self._pairs(parent)
            except ProblemError:
                return None
        return self.starts[parent]

    def _place(self, cell: int) -> Tensor:
        """The parameters at a cell, (n,), computed in float64."""
        x, y = float(self.x[cell % self.nx]), float(self.y[cell // self.nx])
        return (self.objective.origin.double() + x * self.axes[0] + y * self.axes[1]).to(self.objective.dtype)

    def result(self) -> SurfaceResult:
        """The answer so far: a snapshot that later work does not touch."""
        computed = np.zeros(self.nx * self.ny, dtype=bool)
        computed[self.order[: self.finished]] = True
        environment = {
            **self.objective.environment,
            "cells": self.finished,
            "products": self.products,
            "late": self.late,
            "from_neighbours": self.warm,
        }
        return SurfaceResult(
            x=freeze(self.x),
            y=freeze(self.y),
            quantities={name: self._quantity(name) for name in self.values},
            computed=freeze(computed.reshape(self.ny, self.nx), bool),
            axes=self.plane.report,
            centre=self.centre,
            batchnorm="frozen" if self.problem.has_batchnorm else "",
            subset=curvature.describe_subset(self.probe.data, self.problem),
            precision=self.probe.precision,
            notes=self._notes(),
            provenance=Provenance(environment=environment),
        )

    def _quantity(self, name: str) -> Quantity:
        curvature = name in LABELS
        shape = (self.ny, self.nx)
        return Quantity(
            name=name,
            label=LABELS[name] if curvature else f"{sampling.label_of(name)}",
            values=freeze(self.values[name].reshape(shape)),
            standard_error=freeze(self.bounds[name].reshape(shape)) if curvature else None,
            unit="" if curvature else self.problem.loss_unit,
            axes=("y", "x"),
            examples=self.objective.examples,
        )

    def _notes(self) -> tuple[str, ...]:
        notes = ["The error of an eigenvalue is its residual: some eigenvalue of the Hessian lies within it."]
        if self.late:
            cells = "1 cell" if self.late == 1 else f"{self.late:,} cells"
            notes.append(f"{cells} had not converged after {MOST_PRODUCTS} products; the residuals say how far off they may be.")
        return tuple(notes)


def parents(ny: int, nx: int) -> Array:
    """For each cell (flat index) the nearest one of the next coarser level, the first of several; -1 on the first level."""
    found = np.full(ny * nx, -1)
    levels, (order, ends) = grid.lattices(ny, nx), grid.order(ny, nx)
    for (rows, columns), start, stop in zip(levels, ends, ends[1:], strict=False):
        cells = order[start:stop]
        found[cells] = nearest(rows, cells // nx) * nx + nearest(columns, cells % nx)
    return found


def nearest(stations: Array, indices: Array) -> Array:
    """The station nearest to each index, the lower one of two; stations ascend."""
    above = np.searchsorted(stations, indices).clip(max=len(stations) - 1)
    below = (above - 1).clip(min=0)
    found: Array = np.where(indices - stations[below] <= stations[above] - indices, stations[below], stations[above])
    return found
