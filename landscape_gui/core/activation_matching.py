"""One model's units matched to another's by what they do: the correlations of their outputs over data.

Which outputs count: those of the layers that make a group's units, as they come out of the layer, before any function without
weights; where a BatchNorm takes them as they are, its outputs instead.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from landscape_gui.core.matching import ROUNDS, SLACK, Matching, MatchStep, Weights, assign, check_finite, descend, match_weights
from landscape_gui.core.passes import Passes
from landscape_gui.core.repairable import normalised_layers

if TYPE_CHECKING:
    from landscape_gui.core.axis_groups import Axis, Group


@dataclass(frozen=True)
class Output:
    """One dimension of a module's output, and the groups whose units lie along it."""

    module: str
    dim: int
    groups: tuple[tuple[Group, Axis], ...]


def match_activations(
    first: Passes, second: Passes, groups: Sequence[Group], a: Tensor, b: Tensor, *, seed: int = 0, rounds: int = ROUNDS
) -> Generator[MatchStep, None, Matching]:
    """The permutation of b's units whose outputs correlate most with a's: the largest sum of correlations over all outputs.

    Li et al. 2016 and Ainsworth et al. 2023, section 3.1. A group that stands alone along each output is one linear assignment, so
    its optimum is exact; groups that share one (heads and their dimensions) are assigned in turn, from the identity and from what
    their weights give, and the better is kept. Groups that no layer's output shows alone are matched by their weights, with all
    others as they are found; a note says which. first, second: passes over the
    same data, each with a network of its own; a, b: (layout.size,), only read; statistics as they stand in them. Correlations of a
    unit that never changes count as 0. Sums over data are in float64. Costs one pass of both networks; (channels, channels)
    float64 for each output. Yields after each chunk of data and each group.
    """
    check_finite(first.layout, a, "first")
    check_finite(first.layout, b, "second")
    outputs = visible_outputs(first, groups)
    covariances = {output: Covariance() for output in outputs}
    first.install(a)
    second.install(b)
    for fraction in _passes(first, second, covariances):
        yield MatchStep(0.9 * fraction, 1.0, "comparing activations", 0.0)
    work = Correlations(groups, {output: found.correlations() for output, found in covariances.items()})
    matching = yield from descend(work, torch.Generator().manual_seed(seed), rounds, "identity")
    if any(work.neighbours.values()):
        by_weights = yield from match_weights(first.layout, groups, a, b, seed=seed, rounds=rounds)
        work.permutations |= {group.name: by_weights.permutations[group.name] for group in work.groups}
        other = yield from descend(work, torch.Generator().manual_seed(seed), rounds, "weights")
        matching = max(matching, other, key=lambda found: float(found.objective[-1]))
    unseen = [group for group in groups if group.name not in {g.name for output in outputs for g, _ in output.groups}]
    if not unseen:
        return matching
    rest = Weights(first.layout, groups, a, b)
    rest.begin_with(matching.permutations)
    rest.groups = unseen
    others = yield from descend(rest, torch.Generator().manual_seed(seed), rounds, "identity")
    note = f"Matched by weights, as no layer's output shows these units alone: {', '.join(group.name for group in unseen)}."
    return dataclasses.replace(
        matching,
        permutations=dict(matching.permutations) | dict(others.permutations),
        converged=matching.converged and others.converged,
        notes=(note,),
    )


def visible_outputs(passes: Passes, groups: Sequence[Group]) -> list[Output]:
    """The dimensions of modules' outputs that show units: those along which alone the output carries any, as the order along one
    dimension decides what is compared along another."""
    skipped = normalised_layers(passes.module, passes.sample())
    found: dict[str, dict[int, list[tuple[Group, Axis]]]] = {}
    for group in groups:
        for axis in group.outputs:
            found.setdefault(axis.tensor, {}).setdefault(axis.dim, []).append((group, axis))
    return [
        Output(module, dim, tuple(pairs))
        for module, dims in found.items()
        if len(dims) == 1 and module not in skipped
        for dim, pairs in dims.items()
    ]


class Covariance:
    """Sums over data of one output's channels of two networks, in float64."""

    def __init__(self) -> None:
        self.rows = 0
        self.sums: list[Tensor] = []
        self.squares: list[Tensor] = []
        self.products: Tensor | None = None
        self._shift: list[Tensor] = []

    def see(self, ours: Tensor, theirs: Tensor, dim: int) -> None:
        """One chunk's outputs of both networks."""
        both = [out.movedim(dim, 0).flatten(1).double() for out in (ours, theirs)]
        if self.products is None:
            self._shift = [x.mean(1, keepdim=True) for x in both]
            self.sums = [torch.zeros_like(x[:, 0]) for x in both]
            self.squares = [torch.zeros_like(x[:, 0]) for x in both]
            self.products = both[0].new_zeros(len(both[0]), len(both[1]))
        both = [x - shift for x, shift in zip(both, self._shift, strict=True)]  # so that little cancels below
        self.rows += both[0].shape[1]
        self.products += both[0] @ both[1].T
        for x, total, square in zip(both, self.sums, self.squares, strict=True):
            total += x.sum(1)
            square += x.square().sum(1)

    def correlations(self) -> Tensor:
        """(channels, channels) of the first network's with the second's; 0 for a channel that never changes or is not finite."""
        assert self.products is not None
        means = [total / self.rows for total in self.sums]
        covariance = self.products / self.rows - torch.outer(*means)
        deviations = [
            (square / self.rows - mean.square()).clamp(min=0).sqrt() for square, mean in zip(self.squares, means, strict=True)
        ]
        scale = torch.outer(*deviations)
        known = (scale > 0) & covariance.isfinite() & scale.isfinite()
        return torch.where(known, covariance / torch.where(known, scale, torch.ones_like(scale)), torch.zeros_like(scale))


def _passes(first: Passes, second: Passes, covariances: Mapping[Output, Covariance]) -> Iterator[float]:
    """Both networks over all data, chunk by chunk side by side."""
    names = {output.module for output in covariances}
    with Recording(first.module, names) as ours, Recording(second.module, names) as theirs:
        for fraction in first.run(second):
            for output, covariance in covariances.items():
                covariance.see(ours.outputs[output.module], theirs.outputs[output.module], output.dim)
            ours.outputs.clear()
            theirs.outputs.clear()
            yield fraction


class Recording:
    """The first output of each of some modules in a pass, for as long as it is entered."""

    def __init__(self, module: nn.Module, names: set[str]) -> None:
        self.outputs: dict[str, Tensor] = {}
        self._module, self._names = module, names
        self._handles: list[Any] = []

    def __enter__(self) -> Recording:
        own = dict(self._module.named_modules())
        self._handles = [own[name].register_forward_hook(self._keeper(name)) for name in sorted(self._names)]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _keeper(self, name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, out: Tensor) -> None:
            if name not in self.outputs:
                self.outputs[name] = out.detach().clone()  # what follows may write into it

        return hook


class Correlations:
    """The sum of the correlations of matched units, as the permutations stand."""

    def __init__(self, groups: Sequence[Group], found: Mapping[Output, Tensor]) -> None:
        self._found = found
        named = {group.name for output in found for group, _ in output.groups}
        self.groups = [group for group in groups if group.name in named]
        self.permutations = {group.name: torch.arange(group.units) for group in self.groups}
        self.neighbours: dict[str, set[str]] = {group.name: set() for group in self.groups}
        for output in found:
            for (one, _), (other, _) in itertools.permutations(output.groups, 2):
                self.neighbours[one.name].add(other.name)
        self.slack = SLACK * sum(len(matrix) for matrix in found.values())

    @property
    def objective(self) -> float:
        return sum(self._value(output) for output in self._found)

    def improve(self, group: Group) -> bool:
        """As `Weights.improve`."""
        touched = [output for output in self._found if any(g is group for g, _ in output.groups)]
        before, old = sum(map(self._value, touched)), self.permutations[group.name]
        self.permutations[group.name] = assign(self._gains(group, touched))
        if sum(map(self._value, touched)) > before + self.slack:
            return True
        self.permutations[group.name] = old
        return False

    def _gains(self, group: Group, outputs: Sequence[Output]) -> Tensor:
        total = torch.zeros(group.units, group.units, dtype=torch.float64)
        for output in outputs:
            for at, axis in output.groups:
                if at is group:
                    matrix = self._placed(output, axis).cpu()
                    index = axis.index(group.units)
                    for places in index.permute(0, 2, 1).reshape(-1, group.units):
                        total += matrix[places][:, places]
        return total

    def _placed(self, output: Output, but: Axis | None = None) -> Tensor:
        """The correlations with the second network's channels where the permutations put them, along `but` as they were."""
        matrix = self._found[output]
        for group, axis in output.groups:
            if axis is not but:
                matrix = axis.across(1).permuted(matrix, self.permutations[group.name])
        return matrix

    def _value(self, output: Output) -> float:
        """Over the channels that belong to some group."""
        matrix = self._placed(output)
        places = {place for group, axis in output.groups for place in axis.index(group.units).reshape(-1).tolist()}
        return float(matrix.diagonal()[sorted(places)].sum())
