"""Sums over examples, in float64, that give means and standard errors of many points at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.floating[Any]]


@dataclass
class Moments:
    """Sums of one quantity at k points: of s_i, s_i^2 and s_i w_i over units i, and of w_i, w_i^2, which all points share.

    A unit is an example, or a batch where only its mean is known: s_i is its sum over rows and w_i how many rows count.
    """

    points: int
    device: torch.device
    total: Tensor = field(init=False)
    squares: Tensor = field(init=False)
    products: Tensor = field(init=False)
    weight: float = 0.0
    weight_squares: float = 0.0
    units: int = 0

    def __post_init__(self) -> None:
        self.total, self.squares, self.products = (
            torch.zeros(self.points, dtype=torch.float64, device=self.device) for _ in range(3)
        )

    def add(self, where: Tensor, rows: Tensor, weights: Tensor | None, units: int) -> None:
        """Values of the g points `where`: rows (g x units x rows-per-unit, flattened), weights the same (None: 1 each)."""
        groups = rows.view(where.numel(), units, -1)
        if weights is None and groups.shape[2] == 1:
            sums = groups[:, :, 0].double()
            self.products[where] += sums.sum(1)
        else:
            sums = groups.sum(2, dtype=torch.float64)
            factor = float(groups.shape[2]) if weights is None else weights.view(groups.shape).sum(2, dtype=torch.float64)
            self.products[where] += (sums * factor).sum(1)
        self.total[where] += sums.sum(1)
        self.squares[where] += sums.square().sum(1)

    def count(self, weights: Tensor | None, units: int, rows_per_unit: int) -> None:
        """Count a chunk's units, once for all points."""
        self.units += units
        if weights is None:
            self.weight += units * rows_per_unit
            self.weight_squares += units * rows_per_unit**2
            return
        each = weights.view(units, -1).sum(1, dtype=torch.float64)
        self.weight += float(each.sum())
        self.weight_squares += float(each.square().sum())

    def merge(self, other: Moments, *, recount: bool = True) -> None:
        """Add a chunk's sums; its units only where they have not been counted for other points before."""
        self.total += other.total
        self.squares += other.squares
        self.products += other.products
        if not recount:
            return
        self.weight += other.weight
        self.weight_squares += other.weight_squares
        self.units += other.units

    def mean(self) -> Array:
        """(k,) means over rows; NaN without any."""
        weight = self.weight if self.weight > 0 else float("nan")
        return (self.total / weight).cpu().numpy()

    def standard_error(self) -> Array | None:
        """(k,) standard errors of the means between units, as of a ratio of sums; None with fewer than two units."""
        if self.units < 2 or not self.weight > 0:
            return None
        mean = self.total / self.weight
        residuals = self.squares - 2 * mean * self.products + mean.square() * self.weight_squares
        variance = residuals.clamp(min=0) * (self.units / (self.units - 1))
        return (variance.sqrt() / self.weight).cpu().numpy()


class ExampleMoments(Moments):
    """Moments that also keep what every unit adds: for differences between points that are taken example by example.

    rows: for each point its units' sums s_i, one tensor a chunk; each: the units' weights w_i. Memory: 8 bytes a point and unit.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rows: list[list[Tensor]] = [[] for _ in range(self.points)]
        self.each: list[Tensor] = []

    def add(self, where: Tensor, rows: Tensor, weights: Tensor | None, units: int) -> None:
        super().add(where, rows, weights, units)
        for point, sums in zip(where.tolist(), rows.view(where.numel(), units, -1).sum(2, dtype=torch.float64), strict=True):
            self.rows[point].append(sums)

    def count(self, weights: Tensor | None, units: int, rows_per_unit: int) -> None:
        super().count(weights, units, rows_per_unit)
        ones = torch.full((units,), float(rows_per_unit), dtype=torch.float64, device=self.device)
        self.each.append(ones if weights is None else weights.view(units, -1).sum(1, dtype=torch.float64))

    def merge(self, other: Moments, *, recount: bool = True) -> None:
        super().merge(other, recount=recount)
        assert isinstance(other, ExampleMoments)
        for mine, theirs in zip(self.rows, other.rows, strict=True):
            mine.extend(theirs)
        self.each.extend(other.each if recount else [])

    def examples(self) -> tuple[Array, Array]:
        """(k, n) every unit's sum at each point, NaN where a point was given up; and (n,) the units' weights."""
        weights = torch.cat(self.each).cpu().numpy() if self.each else np.zeros(0)
        found = np.full((self.points, len(weights)), np.nan)
        for point, parts in enumerate(self.rows):
            if sum(len(part) for part in parts) == len(weights) and parts:
                found[point] = torch.cat(parts).cpu().numpy()
        return found, weights
