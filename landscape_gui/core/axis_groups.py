"""Which axes of which tensors must be permuted together for a network to stay the same function, derived by itself.

The network is run on symbols (`axis_tracing`), which gives the groups; every group is then checked by numbers: permuted and
original network, with perturbed weights, on random input. A group that fails is held with the reason; nothing is guessed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape_gui.core import axis_calls, axis_rules, axis_tracing
from landscape_gui.core.axis_checking import Check
from landscape_gui.core.axis_tracing import Dims, ValueRead
from landscape_gui.core.splits import place
from landscape_gui.core.symbolic_axes import Atom, Concat, Node, Product, resolve
from landscape_gui.core.vector import Layout, owner
from landscape_gui.core.weights import private_copy
from landscape_gui.errors import LandscapeError, ProblemError


@dataclass(frozen=True)
class Axis:
    """Where a group's units lie along one dimension of one tensor.

    tensor: a parameter's or buffer's name (in `Group.outputs`: a module's name). Along `dim`, unit u has outer * inner places:
    (o * units + u) * inner + i for each o < outer, i < inner; or, where they lie otherwise, `places`, the same in the order
    (outer, units, inner), flat. Use `index`, `matrix` and `permuted`, which know both.
    """

    tensor: str
    dim: int
    outer: int
    inner: int
    places: tuple[int, ...] = ()

    def index(self, units: int) -> Tensor:
        """(outer, units, inner) positions along the dimension."""
        if self.places:
            return torch.tensor(self.places).view(self.outer, units, self.inner)
        return torch.arange(self.outer * units * self.inner).view(self.outer, units, self.inner)

    def across(self, dim: int) -> Axis:
        """The same places along another dimension."""
        return dataclasses.replace(self, dim=dim)

    def blocks(self, tensor: Tensor, units: int) -> Tensor:
        """(outer, units, inner, everything else): a view where it can be one."""
        first = tensor.movedim(self.dim, 0)
        if self.places:
            first = first.index_select(0, self.index(units).reshape(-1).to(tensor.device))
        return first.reshape(self.outer, units, self.inner, -1)

    def matrix(self, tensor: Tensor, units: int) -> Tensor:
        """(units, k): everything that belongs to each unit along this dimension, one row a unit."""
        return self.blocks(tensor, units).movedim(1, 0).reshape(units, -1)

    def ordered(self, tensor: Tensor, units: int) -> Tensor:
        """A new tensor with the units' values in ascending order, each of the others' places by itself: the same whatever the
        units' order was."""
        sorted_ = ascending(self.blocks(tensor, units))
        index = self.index(units).reshape(-1).to(tensor.device)
        first = tensor.movedim(self.dim, 0).clone()
        first[index] = sorted_.reshape(len(index), *first.shape[1:])
        return first.movedim(0, self.dim)

    def permuted(self, tensor: Tensor, permutation: Tensor) -> Tensor:
        """A new tensor whose unit j is unit permutation[j] of the old."""
        if self.outer == self.inner == 1 and not self.places:
            return tensor.index_select(self.dim, permutation.to(tensor.device))
        index = self.index(len(permutation))
        order = torch.arange(tensor.shape[self.dim])
        order[index] = index[:, permutation.cpu()]
        return tensor.index_select(self.dim, order.to(tensor.device))


def ascending(blocks: Tensor) -> Tensor:
    """Sorted along dimension 1. On the CPU by NumPy, which takes a quarter of torch's time."""
    if blocks.device.type != "cpu" or blocks.dtype not in (torch.float32, torch.float64):
        return blocks.sort(1).values
    return torch.from_numpy(np.sort(blocks.detach().movedim(1, -1).contiguous().numpy(), -1)).movedim(-1, 1)


@dataclass(frozen=True)
class Group:
    """Units whose order is free: permuting them along all `axes` at once leaves the network's function as it is.

    producers: names of the modules with parameters whose outputs carry the units, in the order in which they run; outputs: where
    the units lie in these outputs, one Axis each (`tensor` is the module's name).
    """

    name: str
    units: int
    axes: tuple[Axis, ...]
    producers: tuple[str, ...] = ()
    outputs: tuple[Axis, ...] = ()


@dataclass(frozen=True)
class Held:
    """Units that cannot be permuted: why, in which tensors, how many."""

    reason: str
    tensors: tuple[str, ...]
    units: int


@dataclass(frozen=True)
class AxisGroups:
    """groups: what can be permuted, each independently of the others and in any order (they commute); held: what cannot, beyond the
    network's own inputs and outputs; difference: largest difference of the outputs of the original and of a randomly permuted
    network, all groups at once, over the outputs' largest magnitude."""

    groups: tuple[Group, ...]
    held: tuple[Held, ...]
    difference: float


def find_groups(module: nn.Module, layout: Layout, sample_inputs: Any, *, seed: int = 0, tolerance: float = 1e-5) -> AxisGroups:
    """The axes of a network's tensors that may be permuted together.

    sample_inputs: a few examples, as `splits.call` takes them. Costs a few forward passes on these. The module is only read.
    Raises ProblemError: the network looks at values of its inputs, cannot run on them, or has nothing that can be permuted.
    """
    tensors, outputs = _trace(module, layout, sample_inputs)
    found = _collect(layout, tensors, outputs)
    groups, held, quiet = _groups(found)
    check = Check(module, layout, sample_inputs, seed=seed)
    kept = groups if check.difference(_moves(groups, check.generator)) <= tolerance else _passing(check, groups, held, tolerance)
    if not kept:
        raise _nothing(held + quiet)
    return AxisGroups(tuple(kept), tuple(held), check.in_own_precision(_moves(kept, check.generator)))


def _passing(check: Check, groups: Sequence[Group], held: list[Held], tolerance: float) -> list[Group]:
    """Those groups that pass the check one by one and then all at once; the others are added to what is held."""
    kept: list[Group] = []
    for group in groups:
        difference = check.difference(_moves([group], check.generator))
        if difference <= tolerance:
            kept.append(group)
        else:
            held.append(_failed(group, difference))
    together = check.difference(_moves(kept, check.generator))
    if together <= tolerance:
        return kept
    held += [_failed(group, together) for group in kept]
    return []


def permute(layout: Layout, state: Tensor, groups: AxisGroups, permutations: Mapping[str, Tensor]) -> Tensor:
    """A new state (size,) whose unit j of each group named is unit permutations[name][j] of the old; other groups stay.

    permutations: group -> (units,) integers. Costs one copy of the tensors per axis. Raises ProblemError for a name that is no
    group's, or for what is no permutation of its units.
    """
    known = {group.name: group for group in groups.groups}
    for name, permutation in permutations.items():
        if name not in known:
            raise ProblemError(f"There is no group of units called {name!r}.", remedy=f"There are {', '.join(known)}.")
        units = known[name].units
        if sorted(permutation.tolist()) != list(range(units)):
            raise ProblemError(f"What was given for {name} is no permutation of its {units} units.")
    return move(layout, state, [(known[name], permutation) for name, permutation in permutations.items()])


def move(layout: Layout, state: Tensor, moves: Sequence[tuple[Group, Tensor]]) -> Tensor:
    """As `permute`, for pairs (group, permutation) that are known to fit."""
    result = state.clone()
    tensors = layout.unflatten(result)
    for group, permutation in moves:
        for axis in group.axes:
            tensors[axis.tensor].copy_(axis.permuted(tensors[axis.tensor], permutation))
    return result


def _moves(groups: Sequence[Group], generator: torch.Generator) -> list[tuple[Group, Tensor]]:
    return [(group, _shuffle(group.units, generator)) for group in groups]


def _shuffle(units: int, generator: torch.Generator) -> Tensor:
    """A random cycle: every unit moves."""
    order = torch.randperm(units, generator=generator)
    permutation = torch.empty_like(order)
    permutation[order] = order.roll(1)
    return permutation


def _trace(module: nn.Module, layout: Layout, inputs: Any) -> tuple[dict[str, Dims], dict[str, Dims]]:
    """In float64, in which no operation takes a fused way that shows no single steps; in float32 where the network insists."""
    try:
        try:
            return _traced(module, layout, inputs, torch.float64)
        except (RuntimeError, TypeError):
            return _traced(module, layout, inputs, torch.float32)
    except ValueRead as error:
        raise ProblemError(
            f"Which axes of {type(module).__name__} may be permuted cannot be derived: it looks at values that depend on its "
            "inputs, so that other examples may go another way.",
            remedy="Write the choice with torch.where, or take it out of the forward pass.",
        ) from error
    except LandscapeError:
        raise
    except Exception as error:
        raise ProblemError(
            f"{type(module).__name__} could not be run on a few examples. {type(error).__name__}: {error}.",
            remedy="Check that the data fit the network.",
        ) from error


def _traced(module: nn.Module, layout: Layout, inputs: Any, dtype: torch.dtype) -> tuple[dict[str, Dims], dict[str, Dims]]:
    copy = private_copy(module).to("cpu", dtype)
    for parameter in copy.parameters():
        if parameter.is_floating_point():
            parameter.requires_grad_(True)  # or attention takes a fused way, too
    own: dict[str, Tensor] = dict(copy.named_parameters()) | dict(copy.named_buffers())
    tensors = {segment.name: own[segment.name] for segment in layout.segments}
    with torch.enable_grad():
        return axis_tracing.run(copy, tensors, place(inputs, torch.device("cpu"), dtype), axis_rules.apply)


@dataclass
class _Found:
    """Where one atom occurs: in tensors, and in modules' outputs."""

    axes: list[Axis] = dataclasses.field(default_factory=list)
    outputs: list[Axis] = dataclasses.field(default_factory=list)


def _collect(layout: Layout, tensors: Mapping[str, Dims], outputs: Mapping[str, Dims]) -> dict[Atom, _Found]:
    found: dict[Atom, _Found] = {}
    for segment in layout.segments:
        for dim, node in enumerate(tensors[segment.name]):
            for atom, axis in _axes(segment.name, dim, node):
                found.setdefault(atom, _Found()).axes.append(axis)
    for name, dims in outputs.items():
        for dim, node in enumerate(dims):
            for atom, axis in _axes(name, dim, node):
                if atom in found:
                    found[atom].outputs.append(axis)
    return found


def _axes(tensor: str, dim: int, node: Node) -> list[tuple[Atom, Axis]]:
    """The atoms along one dimension, each with where it lies."""
    size = resolve(node).size
    occurrences: dict[Atom, list[Tensor]] = {}
    _visit(node, torch.arange(size).view(1, size, 1), occurrences)
    axes = []
    for atom, places in occurrences.items():
        inner = places[0].shape[2]
        if any(p.shape[2] != inner for p in places):
            places = [p.permute(0, 2, 1).reshape(-1, atom.size, 1) for p in places]
            inner = 1
        index = torch.cat(places)
        plain = torch.equal(index.reshape(-1), torch.arange(size))
        axes.append((atom, Axis(tensor, dim, index.shape[0], inner, () if plain else tuple(index.reshape(-1).tolist()))))
    return axes


def _visit(node: Node, places: Tensor, occurrences: dict[Atom, list[Tensor]]) -> None:
    """places: (outer, size of the node, inner) positions along the dimension."""
    node = resolve(node)
    if isinstance(node, Atom):
        occurrences.setdefault(node, []).append(places)
    elif isinstance(node, Concat):
        start = 0
        for part in node.parts:
            _visit(part, places[:, start : start + part.size], occurrences)
            start += part.size
    else:
        _visit_product(node, places, occurrences)


def _visit_product(node: Product, places: Tensor, occurrences: dict[Atom, list[Tensor]]) -> None:
    sizes = [part.size for part in node.parts]
    grid = places.view(places.shape[0], *sizes, places.shape[2])
    for k, part in enumerate(node.parts):
        before, after = range(k + 1), range(k + 2, grid.dim())
        moved = grid.permute(*before, k + 1, *after)
        outer = int(torch.tensor([grid.shape[i] for i in before]).prod())
        _visit(part, moved.reshape(outer, part.size, -1), occurrences)


QUIET = (axis_calls.POSITION, axis_calls.PICKED, axis_tracing.CONSTANT, axis_tracing.UNUSED)
ENDS = (axis_tracing.INPUT, axis_tracing.OUTPUT)


def _groups(found: Mapping[Atom, _Found]) -> tuple[list[Group], list[Held], list[Held]]:
    """What is free; what is held; and held units of some module that are told of only where nothing is free."""
    groups: list[Group] = []
    held: list[Held] = []
    quiet: list[Held] = []
    for atom, where in found.items():
        tensors = tuple(dict.fromkeys(axis.tensor for axis in where.axes))
        producers = tuple(dict.fromkeys(axis.tensor for axis in where.outputs))
        if not atom.reason:
            name = _name(producers[0] if producers else owner(tensors[0]), {group.name for group in groups})
            groups.append(Group(name, atom.size, tuple(where.axes), producers, tuple(where.outputs)))
        elif atom.reason in QUIET or (atom.reason in ENDS and len({owner(t) for t in tensors}) == 1):
            quiet += [Held(atom.reason, tensors, atom.size)] if where.outputs and atom.reason in QUIET else []
        else:
            held.append(Held(atom.reason, tensors, atom.size))
    return groups, held, quiet


def _name(wish: str, taken: set[str]) -> str:
    names = [wish, *(f"{wish} ({k})" for k in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _failed(group: Group, difference: float) -> Held:
    reason = f"permuting it changed the outputs by {difference:.1e} of their largest value in the check"
    return Held(reason, tuple(dict.fromkeys(axis.tensor for axis in group.axes)), group.units)


def _nothing(held: Sequence[Held]) -> ProblemError:
    if not held:
        return ProblemError("Nothing in this network can be permuted: it has no units between its inputs and its outputs.")
    reasons = dict.fromkeys(f"{h.tensors[0]} ({h.units} units): {h.reason}" for h in held)
    return ProblemError(f"Nothing in this network can be permuted. Held are {'; '.join(list(reasons)[:4])}.")
