"""Which axes may be permuted: networks of many kinds, against numbers and against what their authors would say."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from networks import NETWORKS, Branching, make
from torch import Tensor, nn
from wired import FREE, REFUSED, Wired, sequences

from landscape_gui.core.axis_groups import Axis, AxisGroups, find_groups, permute
from landscape_gui.core.splits import call, map_tensors
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

SIZES: dict[str, list[int]] = {
    "mlp": [32, 16], "lenet": [4, 6], "lenet, overlapping pool": [4, 6], "pools as modules": [4], "resnet": [16, 16, 16, 16],
    "transformer": [16, 2, 8, 32], "embedding bag of words": [4], "parametrised": [8], "hooked": [8], "lstm": [7],
    "transposed convolution and group norm": [3], "features kept": [8], "batchnorm of vectors": [8], "conv 1d": [6],
    "encoder layer": [2, 6, 16],
}  # fmt: skip
"""Units of each group; of an encoder layer whose stream is the input itself, only what is inside."""


def few(inputs: Any) -> Any:
    return map_tensors(inputs, lambda t: t[:3])


def found(module: nn.Module, inputs: Any) -> tuple[AxisGroups, Layout]:
    layout = Layout.from_module(module)
    return find_groups(module, layout, few(inputs)), layout


def outputs(module: nn.Module, layout: Layout, state: Tensor, inputs: Any) -> Tensor:
    """By torch's own functional call, in float64."""
    tensors = {name: t.double() for name, t in layout.unflatten(state).items()}
    double = map_tensors(inputs, lambda t: t.double() if t.is_floating_point() else t)
    with torch.no_grad():
        args, kwargs = (double, {}) if isinstance(double, tuple) else ((double,), {})
        result: Tensor = torch.func.functional_call(module.double(), tensors, args, kwargs)
    module.float()
    return result


def random_permutations(groups: AxisGroups, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {group.name: torch.randperm(group.units, generator=generator) for group in groups.groups}


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_groups_or_a_sentence(name: str) -> None:
    module, inputs, _ = make(name)
    if name not in SIZES:
        with pytest.raises(ProblemError) as raised:
            found(module, inputs)
        assert raised.value.message.startswith(("Nothing in this network can be permuted", "Which axes of Branching"))
        return
    groups, _ = found(module, inputs)
    assert [group.units for group in groups.groups] == SIZES[name]
    assert groups.difference <= 1e-5


@pytest.mark.parametrize("name", FREE)
def test_permuted_networks_are_the_same_functions(name: str) -> None:
    """On all the data, not the examples that the groups were found on, by another way to run the network, in float64."""
    network, inputs, sizes = FREE[name]
    torch.manual_seed(0)
    module = network().eval()
    groups, layout = found(module, inputs())
    assert [group.units for group in groups.groups] == sizes
    if name == "insists on float32":
        return
    state = layout.flatten(module.state_dict())
    moved = permute(layout, state, groups, random_permutations(groups))
    assert not torch.equal(moved, state)
    before, after = (outputs(module, layout, s, inputs()) for s in (state, moved))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-12 * float(before.abs().max()))


@pytest.mark.parametrize("name", REFUSED)
def test_networks_without_free_units_are_refused_with_the_reason(name: str) -> None:
    network, inputs, said = REFUSED[name]
    with pytest.raises(ProblemError) as raised:
        found(network().eval(), inputs())
    assert said in raised.value.message


def test_each_group_is_free_of_the_others() -> None:
    """Any subset of the groups of a residual net may be permuted, in any order."""
    module, inputs, _ = make("resnet")
    groups, layout = found(module, inputs)
    state = layout.flatten(module.state_dict())
    reference = outputs(module, layout, state, inputs)
    permutations = random_permutations(groups)
    names = list(permutations)
    for size in (1, 2, 3):
        for chosen in itertools.combinations(names, size):
            moved = permute(layout, state, groups, {name: permutations[name] for name in chosen})
            torch.testing.assert_close(outputs(module, layout, moved, inputs), reference, rtol=1e-12, atol=1e-12)
    forth = permute(layout, state, groups, permutations)
    back = permute(layout, forth, groups, {name: p.argsort() for name, p in reversed(permutations.items())})
    assert torch.equal(back, state)


def test_the_groups_of_a_residual_net_are_those_of_its_wiring() -> None:
    """The stream of a block with an identity shortcut is one group with what wrote into it before; what is inside is its own."""
    module, inputs, _ = make("resnet")
    groups, _ = found(module, inputs)
    stream = next(group for group in groups.groups if "4.conv2" in group.producers)
    assert stream.producers == ("3.conv2", "3.short.0", "3.short.1", "4.conv2")  # a norm without parameters makes no units
    along = {(axis.tensor, axis.dim) for axis in stream.axes}
    assert {
        ("3.conv2.weight", 0),
        ("3.short.0.weight", 0),
        ("4.conv1.weight", 1),
        ("7.weight", 1),
        ("3.bn2.running_var", 0),
    } <= along
    assert ("4.conv1.weight", 0) not in along and ("7.weight", 0) not in along


def test_padded_shortcuts_leave_the_padded_channels_apart() -> None:
    network, inputs, _ = FREE["padded shortcuts"]
    groups, _ = found(network().eval(), inputs())
    stem, _, _, *pads = groups.groups
    where = {axis.tensor: axis for axis in stem.axes}
    assert where["fourth.0.weight"].places == (2, 3, 4, 5)  # the stream goes into the middle of eight channels
    assert [next(a.places for a in pad.axes if a.tensor == "fourth.0.weight") for pad in pads] == [(0, 1), (6, 7)]


def test_what_cannot_move_is_held_and_the_rest_is_not() -> None:
    module, inputs, _ = make("encoder layer")
    groups, _ = found(module, inputs)
    (held,) = groups.held
    assert held.units == 12 and "inputs" in held.reason and "0.norm2.weight" in held.tensors


def test_what_happens_outside_of_torch_is_caught_by_the_check() -> None:
    """A number that NumPy picks out of a layer's weights by its position: only outputs can tell. The other layer stays free."""

    def forward(s: Any, x: Tensor) -> Tensor:
        first = torch.relu(s.b(x)).mean(1) * float(s.b.weight.detach().numpy()[0, 0])
        return s.out(first) + s.other(torch.relu(s.c(x)).mean(1))

    module = Wired(forward, b=nn.Linear(12, 8), c=nn.Linear(12, 6), out=nn.Linear(8, 5), other=nn.Linear(6, 5)).eval()
    groups, _ = found(module, sequences())
    assert [group.name for group in groups.groups] == ["c"]
    assert [held.tensors for held in groups.held if "changed the outputs by" in held.reason] == [
        ("b.weight", "b.bias", "out.weight")
    ]


def test_parameters_that_nobody_uses_are_no_units() -> None:
    module = Wired(lambda s, x: s.out(torch.relu(s.a(x)).mean(1)), a=nn.Linear(12, 8), out=nn.Linear(8, 5), idle=nn.Linear(7, 9))
    groups, _ = found(module.eval(), sequences())
    assert [group.name for group in groups.groups] == ["a"] and not groups.held


def test_what_the_output_does_not_depend_on_asks_nothing() -> None:
    """A stack of all layers' features that nobody uses must not tie their units together."""

    def forward(s: Any, x: Tensor) -> Tensor:
        first = torch.relu(s.a(x.mean(1)))
        second = torch.relu(s.b(first))
        torch.stack([first, second])
        return s.out(second)

    module = Wired(forward, a=nn.Linear(12, 8), b=nn.Linear(8, 8), out=nn.Linear(8, 5)).eval()
    groups, _ = found(module, sequences())
    assert [(group.name, group.units) for group in groups.groups] == [("a", 8), ("b", 8)]


def test_a_tensor_of_zeros_ties_together_what_is_written_into_it_and_nothing_else() -> None:
    def forward(s: Any, x: Tensor) -> Tensor:
        zeros = torch.zeros(x.shape[0], 2, 8, dtype=x.dtype)
        first, second = s.a(x.mean(1)) + zeros[:, 0], s.b(x.mean(1)) + zeros[:, 1]
        out = torch.zeros_like(first)
        out[:, :] = second
        return s.out(torch.relu(out)) + s.other(torch.relu(first))

    module = Wired(forward, a=nn.Linear(12, 8), b=nn.Linear(12, 8), out=nn.Linear(8, 5), other=nn.Linear(8, 5)).eval()
    groups, _ = found(module, sequences())
    assert [(group.name, len(group.axes)) for group in groups.groups] == [("a", 3), ("b", 3)]


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
def test_a_network_that_looks_at_what_it_makes_is_refused_and_one_that_looks_at_weights_or_inputs_is_not() -> None:
    module = Branching().eval()
    with pytest.raises(ProblemError, match="looks at values that depend on its inputs"):
        found(module, torch.randn(3, 12))
    net = Wired(lambda s, x: s.out(torch.relu(s.a(x)).mean(1)) * float(s.scale), a=nn.Linear(12, 8), out=nn.Linear(8, 5))
    net.scale = nn.Parameter(torch.tensor(2.0))
    groups, _ = found(net.eval(), sequences())
    assert [group.units for group in groups.groups] == [8]

    def careful(s: Any, x: Tensor) -> Tensor:
        if not x.isfinite().all() or float(s.a.weight.abs().max()) > 1e9:
            raise ValueError("not finite")
        return s.out(torch.relu(s.a(x)).mean(1))

    groups, _ = found(Wired(careful, a=nn.Linear(12, 8), out=nn.Linear(8, 5)).eval(), sequences())
    assert [group.units for group in groups.groups] == [8]


def test_inputs_that_do_not_fit_are_a_sentence() -> None:
    module, _, _ = make("mlp")
    with pytest.raises(ProblemError, match="could not be run on a few examples"):
        found(module, torch.randn(3, 7))


def test_the_network_is_only_read() -> None:
    module, inputs, _ = make("resnet")
    before = {name: t.clone() for name, t in module.state_dict().items()}
    flags = [p.requires_grad for p in module.parameters()]
    found(module.train(), inputs)
    assert module.training and [p.requires_grad for p in module.parameters()] == flags
    assert all(torch.equal(t, before[name]) for name, t in module.state_dict().items())
    assert not any(part._forward_hooks for part in module.modules())


def test_wrong_permutations_are_refused() -> None:
    module, inputs, _ = make("lenet")
    groups, layout = found(module, inputs)
    state = layout.flatten(module.state_dict())
    with pytest.raises(ProblemError, match="no group of units called 'nobody'"):
        permute(layout, state, groups, {"nobody": torch.arange(4)})
    with pytest.raises(ProblemError, match="no permutation of its 4 units"):
        permute(layout, state, groups, {"conv1": torch.tensor([0, 1, 1, 3])})


@pytest.mark.parametrize("axis", [Axis("w", 1, 2, 3), Axis("w", 1, 1, 1), Axis("w", 0, 1, 2, (1, 0, 4, 5, 9, 8))], ids=str)
def test_an_axis_gathers_permutes_and_orders_the_same_units(axis: Axis) -> None:
    """Against indexing place by place."""
    units = 3 if axis.places else 4
    shape = (10, 7) if axis.places else (5, axis.outer * units * axis.inner)
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    index, rows = axis.index(units), axis.matrix(tensor, units)
    for u in range(units):
        own = [tensor.select(axis.dim, int(place)) for place in index[:, u].flatten()]
        assert sorted(rows[u].tolist()) == sorted(torch.cat(own).tolist())
    permutation = torch.randperm(units, generator=torch.Generator().manual_seed(1))
    moved = axis.permuted(tensor, permutation)
    assert torch.equal(axis.matrix(moved, units), rows[permutation])
    assert torch.equal(axis.ordered(moved, units), axis.ordered(tensor, units))
    assert not torch.equal(axis.ordered(tensor, units), tensor)
    others = torch.tensor([i for i in range(shape[axis.dim]) if i not in index.flatten().tolist()], dtype=torch.long)
    assert torch.equal(moved.index_select(axis.dim, others), tensor.index_select(axis.dim, others))


def test_call_is_how_the_networks_are_run() -> None:
    """Inputs by position and by name are permuted alike."""
    module = Wired(lambda s, x: s.out(torch.relu(s.a(x))), a=nn.Linear(12, 8), out=nn.Linear(8, 5)).eval()
    layout = Layout.from_module(module)
    x = torch.randn(3, 12)
    by_name = find_groups(module, layout, {"x": x})
    assert by_name.groups == find_groups(module, layout, (x,)).groups
    assert torch.equal(call(module, {"x": x}), call(module, x))
