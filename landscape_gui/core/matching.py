"""One model's units matched to another's, by their weights or by their activations.

Which tensors count: by weights, every parameter (what belongs to no group adds a constant); running statistics are carried along
but do not count. By activations, the outputs of the layers that make a group's units.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.vector import Layout, dot
from landscape_gui.errors import ProblemError

if TYPE_CHECKING:
    from landscape_gui.core.axis_groups import Axis, Group

ROUNDS = 100
"""Sweeps over all groups at most; a dozen is usual."""

PRICED = 2
"""Sweeps by which the columns' prices of an assignment are estimated for the next one: more cost more than they save."""

SLACK = 1e-12
"""A change counts where the objective rises by more than this share of the product of the norms: a thousand float64 roundings."""


@dataclass(frozen=True)
class MatchStep:
    """Where a matching stands: pieces of work done and expected, in words, and the objective so far."""

    done: float
    total: float
    note: str
    objective: float


@dataclass(frozen=True)
class Matching:
    """permutations: group -> (units,) int64 on the CPU: unit j of the matched model is unit permutations[group][j] of the original.

    objective: (rounds + 1,) what is maximised, at the start and after each sweep, never falling; start: which start was best:
    "identity", "sorted" or "weights"; converged: no group's change would have raised it any more; notes: what must be said.
    """

    permutations: Mapping[str, Tensor]
    objective: NDArray[np.float64]
    rounds: int
    converged: bool
    start: str = "identity"
    notes: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        return sum(len(p) for p in self.permutations.values())

    @property
    def moved(self) -> int:
        """How many units changed place."""
        return sum(int((p != torch.arange(len(p))).sum()) for p in self.permutations.values())


def match_weights(
    layout: Layout, groups: Sequence[Group], a: Tensor, b: Tensor, *, seed: int = 0, rounds: int = ROUNDS, orders: int = 1
) -> Generator[MatchStep, None, Matching]:
    """The permutation of b's units that makes its parameters most like a's: largest inner product <a, P b>, so smallest distance.

    Weight matching, algorithm 1 of Ainsworth et al. 2023 (Git Re-Basin): group after group in random order, each a linear
    assignment with all others as they are, until no group changes. It finds a local maximum; it is begun from the identity with
    `orders` orders drawn from `seed`, seed + 1, ..., and once from an assignment of each group alone in which all others' units are
    sorted by value, which no permutation of b changes: there a permuted copy is recovered at once. The best of all is kept.
    a, b: (layout.size,), only read. Products are summed in float64. Yields after each group. Raises ProblemError where a weight is
    not finite.
    """
    work = Weights(layout, groups, a, b)
    best: Matching | None = None
    starts = [("identity", seed + k) for k in range(orders)] + [("sorted", seed)]
    for start, order in starts:
        work.reset()
        if start == "sorted":
            yield from work.begin_sorted()
        found = yield from descend(work, torch.Generator().manual_seed(order), rounds, start)
        if best is None or found.objective[-1] > best.objective[-1] + work.slack:
            best = found
        if work.perfect:
            break
    assert best is not None
    return best


class Work(Protocol):
    """Something to maximise by permuting groups of units."""

    groups: list[Group]
    neighbours: dict[str, set[str]]
    """Groups whose best permutation depends on where this one's units stand."""
    permutations: dict[str, Tensor]

    @property
    def objective(self) -> float: ...

    def improve(self, group: Group) -> bool:
        """Permute one group for the better, all others as they are; False where that gains nothing."""


def descend(work: Work, order: torch.Generator, rounds: int, start: str) -> Generator[MatchStep, None, Matching]:
    """Sweeps over the groups in random order until none changes. Groups whose neighbours stand as they did are left out."""
    history, converged = [work.objective], False
    settled: set[str] = set()
    for turn in range(rounds):
        changed = False
        for index in torch.randperm(len(work.groups), generator=order).tolist():
            group = work.groups[index]
            if group.name in settled:
                continue
            settled.add(group.name)
            if work.improve(group):
                changed = True
                settled -= work.neighbours[group.name]
            yield MatchStep(len(settled), len(work.groups), f"sweep {turn + 1}", work.objective)
        history.append(work.objective)
        if not changed:
            converged = True
            break
    kept = {group.name: work.permutations[group.name].cpu() for group in work.groups}
    return Matching(kept, np.array(history), len(history) - 1, converged, start)


class Weights:
    """Two models' parameters, the second's permuted as `permutations` say, and the inner product of both."""

    def __init__(self, layout: Layout, groups: Sequence[Group], a: Tensor, b: Tensor) -> None:
        check_finite(layout, a, "first")
        check_finite(layout, b, "second")
        self.groups = list(groups)
        device = a.device if a.device.type == "cuda" else torch.device("cpu")
        self.a, self.b = (layout.unflatten(x.detach().to(device)) for x in (a, b))
        counted = {s.name for s in layout.segments if not s.buffer}
        self.axes: dict[str, list[tuple[Group, Axis]]] = {}
        for group in groups:
            for axis in group.axes:
                if axis.tensor in counted:
                    self.axes.setdefault(axis.tensor, []).append((group, axis))
        self.neighbours: dict[str, set[str]] = {g.name: set() for g in groups}
        for paired in self.axes.values():
            for i, (group, _) in enumerate(paired):
                self.neighbours[group.name] |= {other.name for j, (other, _) in enumerate(paired) if j != i}
        moving = slice(0, layout.parameters)
        whole = [dot(x[moving], y[moving]) for x, y in ((a, a), (b, b), (a, b))]
        self.slack = SLACK * math.sqrt(whole[0] * whole[1])
        self._most = (whole[0] + whole[1]) / 2
        self._device = device
        self._start = {name: self._product(name, self.b[name]) for name in self.axes}
        self._constant = whole[2] - sum(self._start.values())
        self._kept_gains: dict[str, Tensor] = {}
        self._prices: dict[str, NDArray[np.float64]] = {}
        self.permutations: dict[str, Tensor] = {}
        self.reset()

    def reset(self) -> None:
        """Every unit at its own place."""
        self.permutations = {g.name: torch.arange(g.units, device=self._device) for g in self.groups}
        self._products = dict(self._start)

    def begin_with(self, permutations: Mapping[str, Tensor]) -> None:
        """Units of the groups named where `permutations` put them."""
        self.permutations |= {name: p.to(self._device) for name, p in permutations.items()}
        self._products = {name: self._product(name, self._placed(name)) for name in self.axes}

    @property
    def objective(self) -> float:
        return self._constant + sum(self._products.values())

    @property
    def perfect(self) -> bool:
        """Both models are one and the same: no matching can be better."""
        return self.objective >= self._most - self.slack

    def _product(self, name: str, moved: Tensor) -> float:
        return dot(self.a[name].reshape(-1), moved.reshape(-1))

    def _placed(self, name: str, but: Axis | None = None) -> Tensor:
        """A tensor of the second model with its axes permuted, `but` one left as it was."""
        tensor = self.b[name]
        for group, axis in self.axes[name]:
            if axis is not but:
                tensor = axis.permuted(tensor, self.permutations[group.name])
        return tensor

    def _terms(self, group: Group) -> Iterator[Axis]:
        return (axis for axis in group.axes if axis.tensor in self.axes)

    def gains(self, group: Group) -> Tensor:
        """(units, units): what the objective gains where the first model's unit i meets the second's unit j."""
        total = self._constant_gains(group).clone()
        for axis in self._terms(group):
            if self._alone(axis):
                continue
            ours, theirs = self.a[axis.tensor], self._placed(axis.tensor, axis)
            total += products(axis, group.units, ours, theirs)
        return total

    def _constant_gains(self, group: Group) -> Tensor:
        """What the tensors that no other group permutes add to the gains; computed once."""
        if group.name not in self._kept_gains:
            total = torch.zeros(group.units, group.units, dtype=torch.float64, device=self._device)
            for axis in filter(self._alone, self._terms(group)):
                total += products(axis, group.units, self.a[axis.tensor], self.b[axis.tensor])
            self._kept_gains[group.name] = total
        return self._kept_gains[group.name]

    def _alone(self, axis: Axis) -> bool:
        return len(self.axes[axis.tensor]) == 1

    def improve(self, group: Group) -> bool:
        """Assign one group's units anew with all others as they are; False, and all as it was, where that gains nothing.

        A tensor that carries the group twice makes the gains a linearisation, so what is gained is measured, not taken from them.
        """
        before, old = self._products, self.permutations[group.name]
        prices = self._prices.setdefault(group.name, np.zeros(group.units))
        self.permutations[group.name] = assign(self.gains(group), prices).to(self._device)
        touched = {axis.tensor for axis in self._terms(group)}
        self._products = before | {name: self._product(name, self._placed(name)) for name in touched}
        if sum(self._products[n] - before[n] for n in sorted(touched)) > self.slack:
            return True
        self._products, self.permutations[group.name] = before, old
        return False

    def begin_sorted(self) -> Iterator[MatchStep]:
        """Assign each group by its weights with the units of all other groups sorted, whatever their order is."""
        found = {}
        for done, group in enumerate(self.groups):
            total = self._constant_gains(group).clone()
            for axis in self._terms(group):
                if not self._alone(axis):
                    ours, theirs = (self._sorted(x[axis.tensor], axis) for x in (self.a, self.b))
                    total += products(axis, group.units, ours, theirs)
            found[group.name] = assign(total).to(self._device)
            yield MatchStep(done, len(self.groups), "first assignment", self.objective)
        self.begin_with(found)

    def _sorted(self, tensor: Tensor, but: Axis) -> Tensor:
        for group, axis in self.axes[but.tensor]:
            if axis is not but:
                tensor = axis.ordered(tensor, group.units)
        return tensor


def check_finite(layout: Layout, state: Tensor, which: str) -> None:
    """ProblemError naming the parameter that is not finite."""
    if bool(state[: layout.parameters].isfinite().all()):
        return
    bad = next(s.name for s in layout.segments if not bool(state[s.start : s.stop].isfinite().all()))
    raise ProblemError(
        f"{bad} of the {which} model holds weights that are not finite, so its units cannot be matched.",
        remedy="Choose another checkpoint.",
    )


def products(axis: Axis, units: int, ours: Tensor, theirs: Tensor) -> Tensor:
    """(units, units) inner products of one model's units with another's, in the tensors' own precision: they only choose an
    assignment, and what that gains is measured in float64."""
    first, second = axis.matrix(ours, units), axis.matrix(theirs, units)
    found = first @ second.T
    return found if bool(found.sum().isfinite()) else first.double() @ second.double().T


def assign(gains: Tensor, prices: NDArray[np.float64] | None = None) -> Tensor:
    """For each row a column of its own so that the sum of the gains is largest, (units,) int64.

    prices: (units,) of the columns as an assignment with like gains left them, zeros at first; changed to those of this one. What a
    row or a column costs in all its entries decides nothing: with that taken off, it is found in half the time.
    """
    from scipy.optimize import linear_sum_assignment

    costs = -gains.double().cpu().numpy()
    rest = costs if prices is None else costs - prices
    rest = rest - rest.min(1, keepdims=True)
    rest -= rest.min(0)
    rows, columns = linear_sum_assignment(rest)
    if prices is not None:
        more = costs - costs[rows, columns][:, None]
        for _ in range(PRICED):
            np.minimum(prices, (more + prices[columns][:, None]).min(0), out=prices)
    return torch.from_numpy(np.asarray(columns, dtype=np.int64))


def finish(steps: Generator[Any, None, Matching]) -> Matching:
    """The matching, without a look at the progress."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found: Matching = stop.value
            return found
