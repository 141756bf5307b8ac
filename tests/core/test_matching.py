"""Weight matching: copies are recovered, small nets against every permutation there is, and what it promises on the way."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from networks import make
from torch import Tensor, nn
from wired import FREE, padded_resnet

from landscape_gui.core.axis_groups import AxisGroups, find_groups, permute
from landscape_gui.core.matching import Weights, finish, match_weights
from landscape_gui.core.splits import map_tensors
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError


def trained(network: Callable[[], nn.Module], inputs: Tensor, seed: int) -> nn.Module:
    """A network whose running statistics and norms are not the initial ones."""
    torch.manual_seed(seed)
    module = network()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d) and part.affine:
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.2, 0.2)
    with torch.no_grad():
        module.train()(inputs)
    return module.eval()


def pair(network: Callable[[], nn.Module], inputs: Tensor) -> tuple[nn.Module, Layout, AxisGroups, Tensor, Tensor]:
    """Two networks of one kind, from different seeds."""
    first, second = trained(network, inputs, 0), trained(network, inputs, 1)
    layout = Layout.from_module(first)
    groups = find_groups(first, layout, map_tensors(inputs, lambda t: t[:3]))
    return first, layout, groups, layout.flatten(first.state_dict()), layout.flatten(second.state_dict())


def shuffled(layout: Layout, state: Tensor, groups: AxisGroups, seed: int = 5) -> tuple[Tensor, dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    permutations = {group.name: torch.randperm(group.units, generator=generator) for group in groups.groups}
    return permute(layout, state, groups, permutations), permutations


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))


@pytest.mark.parametrize("name", ["resnet", "transformer", "lenet", "mlp", "batchnorm of vectors", "encoder layer"])
def test_a_permuted_copy_is_recovered_exactly(name: str) -> None:
    """Identity 10: parameters and running statistics to the bit, and the permutation is the inverse."""
    module, inputs, _ = make(name)
    layout = Layout.from_module(module)
    state = layout.flatten(module.state_dict())
    groups = find_groups(module, layout, map_tensors(inputs, lambda t: t[:3]))
    moved, permutations = shuffled(layout, state, groups)
    found = finish(match_weights(layout, groups.groups, state, moved))
    assert torch.equal(permute(layout, moved, groups, found.permutations), state)
    assert all(torch.equal(found.permutations[name], p.argsort()) for name, p in permutations.items())
    assert found.converged and found.units == sum(group.units for group in groups.groups)


@pytest.mark.parametrize("name", FREE)
def test_copies_of_wired_networks_are_recovered(name: str) -> None:
    network, inputs, _ = FREE[name]
    module = trained(network, inputs(), 0)
    layout = Layout.from_module(module)
    state = layout.flatten(module.state_dict())
    groups = find_groups(module, layout, inputs()[:3])
    moved, _ = shuffled(layout, state, groups)
    found = finish(match_weights(layout, groups.groups, state, moved))
    assert torch.equal(permute(layout, moved, groups, found.permutations), state)


def test_a_noisy_copy_of_a_residual_net_is_recovered() -> None:
    """A tenth of each weight's size in noise: the same permutation, from the start with all other units sorted."""
    _, layout, groups, state, _ = pair(padded_resnet, FREE["padded shortcuts"][1]())
    moved, permutations = shuffled(layout, state, groups)
    noise = torch.randn(layout.size, generator=torch.Generator().manual_seed(3))
    noise[layout.parameters :] = 0
    found = finish(match_weights(layout, groups.groups, state, moved + 0.05 * noise * moved.abs()))
    assert all(torch.equal(found.permutations[name], p.argsort()) for name, p in permutations.items())


def test_one_hidden_layer_is_matched_as_well_as_any_permutation_does() -> None:
    """One group is one linear assignment, so that what is found is the best of all 120 permutations, by distance."""
    make_net = lambda: nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 3))  # noqa: E731
    _, layout, groups, a, b = pair(make_net, torch.randn(9, 7))
    (group,) = groups.groups
    distances = [
        float((a - permute(layout, b, groups, {group.name: torch.tensor(order)})).double().norm())
        for order in itertools.permutations(range(5))
    ]
    found = finish(match_weights(layout, groups.groups, a, b))
    best = float((a - permute(layout, b, groups, found.permutations)).double().norm())
    assert best == pytest.approx(min(distances), rel=1e-7) and best < sorted(distances)[1]


def test_two_hidden_layers_reach_a_place_that_no_single_group_improves() -> None:
    """Against every permutation of either layer with the other as it is."""
    _, layout, groups, a, b = pair(two_layers, torch.randn(9, 7))
    found = finish(match_weights(layout, groups.groups, a, b))

    def product(**other: Tensor) -> float:
        moved = permute(layout, b, groups, {**found.permutations, **other})
        return float(a.double() @ moved.double())

    here = product()
    assert here == pytest.approx(found.objective[-1], rel=1e-12)
    for group in groups.groups:
        every = [product(**{group.name: torch.tensor(o)}) for o in itertools.permutations(range(group.units))]
        assert max(every) <= here + 1e-9


def test_the_objective_is_the_inner_product_never_falls_and_gives_the_distance() -> None:
    """|a - P b|^2 = |a|^2 + |b|^2 - 2 <a, P b>, over parameters alone."""
    _, layout, groups, a, b = pair(lambda: make("resnet")[0], make("resnet")[1])
    b[: layout.parameters] += 0.1 * torch.randn(layout.parameters, generator=torch.Generator().manual_seed(2))
    found = finish(match_weights(layout, groups.groups, a, b))
    only = slice(0, layout.parameters)
    moved = permute(layout, b, groups, found.permutations)
    assert np.all(np.diff(found.objective) >= 0) and len(found.objective) == found.rounds + 1
    squares = sum(float(x[only].double().square().sum()) for x in (a, b))
    distance = float((a[only].double() - moved[only].double()).norm())
    assert distance == pytest.approx(math.sqrt(squares - 2 * found.objective[-1]), rel=1e-9)


def test_running_statistics_are_carried_along_but_do_not_count() -> None:
    _, layout, groups, a, b = pair(lambda: make("resnet")[0], make("resnet")[1])
    other = b.clone()
    other[layout.parameters :] = torch.rand(layout.size - layout.parameters) * 100
    first, second = (finish(match_weights(layout, groups.groups, a, x)) for x in (b, other))
    assert all(torch.equal(p, second.permutations[name]) for name, p in first.permutations.items())


def test_the_same_seed_gives_the_same_and_more_orders_are_no_worse() -> None:
    _, layout, groups, a, b = pair(two_layers, torch.randn(9, 7))
    once, again = (finish(match_weights(layout, groups.groups, a, b, seed=4)) for _ in range(2))
    assert np.array_equal(once.objective, again.objective)
    assert finish(match_weights(layout, groups.groups, a, b, seed=4, orders=6)).objective[-1] >= once.objective[-1]


def test_the_two_models_are_only_read_and_a_matching_can_be_left() -> None:
    _, layout, groups, a, b = pair(two_layers, torch.randn(9, 7))
    before = a.clone(), b.clone()
    steps = match_weights(layout, groups.groups, a, b)
    seen = next(steps)
    assert 0 <= seen.done <= seen.total and seen.note == "sweep 1"
    steps.close()
    finish(match_weights(layout, groups.groups, a, b))
    assert torch.equal(a, before[0]) and torch.equal(b, before[1])


def test_a_matching_that_gains_nothing_leaves_every_unit_where_it_is() -> None:
    _, layout, groups, a, _ = pair(two_layers, torch.randn(9, 7))
    found = finish(match_weights(layout, groups.groups, a, 2 * a))
    assert found.moved == 0 and found.start == "identity"
    assert finish(match_weights(layout, groups.groups, a, a)).rounds == 1


def test_stopping_early_says_so() -> None:
    _, layout, groups, a, b = pair(two_layers, torch.randn(9, 7))
    assert not finish(match_weights(layout, groups.groups, a, b, rounds=1)).converged


@pytest.mark.parametrize("which", ["first", "second"])
def test_weights_that_are_not_finite_are_named(which: str) -> None:
    _, layout, groups, a, b = pair(two_layers, torch.randn(9, 7))
    bad = (a if which == "first" else b).clone()
    bad[next(s.start for s in layout.segments if s.name == "2.bias")] = math.nan
    with pytest.raises(ProblemError, match=rf"2\.bias of the {which} model"):
        finish(match_weights(layout, groups.groups, *((bad, b) if which == "first" else (a, bad))))


def test_products_too_large_for_float32_are_taken_in_float64() -> None:
    _, layout, groups, a, _ = pair(two_layers, torch.randn(9, 7))
    moved, _ = shuffled(layout, a, groups)
    found = finish(match_weights(layout, groups.groups, 1e25 * a, 1e25 * moved))
    assert torch.equal(permute(layout, moved, groups, found.permutations), a)


def test_a_tensor_that_carries_a_group_twice_is_improved_by_what_is_measured() -> None:
    """A recurrent weight (units, units): gains are a linearisation there, and a step that loses is taken back."""
    network, inputs, _ = FREE["lstm"]
    _, layout, groups, a, b = pair(network, inputs())
    work = Weights(layout, groups.groups, a, b)
    (group,) = groups.groups
    values = [work.objective]
    while work.improve(group):
        values.append(work.objective)
    assert len(values) > 1 and all(x < y for x, y in itertools.pairwise(values))
    moved = permute(layout, b, groups, work.permutations)
    assert values[-1] == pytest.approx(float(a.double() @ moved.double()), rel=1e-12)
