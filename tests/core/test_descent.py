"""Descents against torch's own optimisers, Foret's algorithm by hand, and a network that must not be touched."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from landscape_gui.core import descent
from landscape_gui.core.descent import Descent, Rule, cut_up, records
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.minibatches import MiniBatchLoss
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout


def network(*, norm: bool = False) -> tuple[nn.Module, Layout, Split]:
    torch.manual_seed(0)
    parts: list[nn.Module] = [nn.Linear(5, 8), nn.BatchNorm1d(8) if norm else nn.Identity(), nn.Tanh(), nn.Linear(8, 3)]
    module = nn.Sequential(*parts).double()
    x = torch.randn(40, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    if norm:
        module.train()
        module(3 * x + 1)
    module.eval()
    y = (x[:, :3] + x[:, 2:]).argmax(1)
    return module, Layout.from_module(module), Split("train", x, y, 40)


def loss_of(module: nn.Module, layout: Layout, split: Split, batch: int = 8) -> MiniBatchLoss:
    return MiniBatchLoss(module, layout, split, CROSS_ENTROPY, batch=batch, seed=3, dtype=torch.float64)


def start_of(module: nn.Module, layout: Layout) -> Tensor:
    state = layout.flatten(module.state_dict(), dtype=torch.float64)
    moved = torch.randn(layout.parameters, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    state[: layout.parameters] += 0.1 * moved
    return state


def by_hand(module: nn.Module, layout: Layout, split: Split, start: Tensor, optimizer: Any, steps: int, batch: int = 8) -> Tensor:
    """An ordinary loop: torch's optimiser on the module's parameters, on the same batches."""
    own = copy.deepcopy(module)
    own.load_state_dict({**own.state_dict(), **{n: v.clone() for n, v in layout.unflatten(start).items()}})
    made = optimizer(own.parameters())
    order = loss_of(module, layout, split, batch)
    for step in range(steps):
        chunk = order.chunk(step)
        made.zero_grad()
        nn.functional.cross_entropy(own(chunk.inputs), chunk.targets).backward()  # type: ignore[no-untyped-call]
        made.step()
    return layout.flatten(own.state_dict(), dtype=torch.float64)


@pytest.mark.parametrize(
    ("rule", "optimizer"),
    [
        (Rule("sgd", 0.3), lambda p: torch.optim.SGD(p, lr=0.3)),
        (Rule("momentum", 0.1, 0.8), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8)),
        (Rule("adam", 0.02), lambda p: torch.optim.Adam(p, lr=0.02)),
    ],
)
@pytest.mark.parametrize("norm", [False, True])
def test_updates_are_those_of_torchs_optimiser_on_the_same_batches(rule: Rule, optimizer: Any, norm: bool) -> None:
    """13 updates, over more than two epochs of five batches; BatchNorm frozen, as a network in evaluation mode has it."""
    module, layout, split = network(norm=norm)
    start = start_of(module, layout)
    running = Descent(loss_of(module, layout, split), start, rule)
    for _ in range(13):
        running.update()
    expected = by_hand(module, layout, split, start, optimizer, 13)
    assert torch.allclose(running.weights, expected, rtol=1e-10, atol=1e-12)
    assert torch.equal(running.weights[layout.parameters :], start[layout.parameters :]), "statistics stay"


def test_sam_is_a_step_with_the_gradient_at_the_worst_place_nearby() -> None:
    module, layout, split = network()
    start = start_of(module, layout)
    loss = loss_of(module, layout, split)
    running = Descent(loss, start, Rule("sam", 0.2, rho=0.3))
    before = running.update()
    own = copy.deepcopy(module)
    chunk = loss_of(module, layout, split).chunk(0)

    def slope(at: Tensor) -> tuple[float, Tensor]:
        own.load_state_dict(layout.unflatten(at.clone()))
        value = nn.functional.cross_entropy(own(chunk.inputs), chunk.targets)
        return float(value.detach()), torch.cat([g.reshape(-1) for g in torch.autograd.grad(value, list(own.parameters()))])

    value, first = slope(start)
    second = slope(start + 0.3 * first / first.norm())[1]
    assert before == pytest.approx(value, rel=1e-12)
    assert torch.allclose(running.weights, start - 0.2 * second, rtol=1e-10, atol=1e-12)


def test_with_the_batchs_own_statistics_it_trains_as_in_training_mode() -> None:
    module, layout, split = network(norm=True)
    start = start_of(module, layout)
    running = Descent(loss_of(module, layout, split), start, Rule("sgd", 0.3), frozen=False)
    for _ in range(3):
        running.update()
    expected = by_hand(copy.deepcopy(module).train(), layout, split, start, lambda p: torch.optim.SGD(p, lr=0.3), 3)
    assert torch.allclose(running.weights[: layout.parameters], expected[: layout.parameters], rtol=1e-10, atol=1e-12)
    frozen = Descent(loss_of(module, layout, split), start, Rule("sgd", 0.3))
    frozen.update()
    assert not torch.allclose(frozen.weights, running.weights)


def test_the_callers_network_is_not_touched() -> None:
    module, layout, split = network(norm=True)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    running = Descent(loss_of(module, layout, split), start_of(module, layout), Rule("adam", 0.1))
    running.update()
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters()) and not module.training


def test_a_full_batch_goes_through_in_pieces_with_the_same_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    module, layout, split = network()
    start = start_of(module, layout)
    whole = Descent(loss_of(module, layout, split, 40), start, Rule("sgd", 0.3))
    losses = [whole.update()]
    monkeypatch.setattr(descent, "PIECE", 12)
    pieces = Descent(loss_of(module, layout, split, 40), start, Rule("sgd", 0.3))
    assert [piece.examples for piece in cut_up(pieces.loss.chunk(0), pieces.piece)] == [10, 10, 10, 10]
    assert sum(1 for _ in pieces.updating()) == 4, "a place to stop at after each"
    pieces = Descent(loss_of(module, layout, split, 40), start, Rule("sgd", 0.3))
    losses.append(pieces.update())
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    assert torch.allclose(whole.weights, pieces.weights, rtol=1e-12, atol=1e-14)


def test_a_batch_that_is_normed_by_itself_goes_through_in_larger_pieces() -> None:
    module, layout, split = network(norm=True)
    start = start_of(module, layout)
    found = [Descent(loss_of(module, layout, split), start, Rule("sgd", 0.3), frozen=on).piece for on in (True, False)]
    assert found == [descent.PIECE, descent.NORMED]
    plain, its_layout, its_split = network()
    bare = Descent(loss_of(plain, its_layout, its_split), start_of(plain, its_layout), Rule("sgd", 0.3), frozen=False)
    assert bare.piece == descent.PIECE, "nothing goes by the batch"


@pytest.mark.parametrize("name", ["sgd", "sam"])
def test_an_update_that_is_given_up_half_way_leaves_the_weights(name: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "PIECE", 12)
    module, layout, split = network()
    start = start_of(module, layout)
    running = Descent(loss_of(module, layout, split, 40), start, Rule(name, 0.3))
    for pieces in range(1, 5 if name == "sgd" else 9):
        update = running.updating()
        for _ in range(pieces):
            next(update)
        update.close()
        assert torch.equal(running.weights, start) and running.updates == 0


def test_a_loss_that_is_not_finite_is_told() -> None:
    module, layout, split = network()
    start = start_of(module, layout)
    start[0] = math.nan
    assert math.isnan(Descent(loss_of(module, layout, split), start, Rule("sam", 0.1)).update())


def test_records_hold_both_ends_and_are_dense_at_first() -> None:
    assert records(100, 4) == (0, 1, 2, 4, 8, 16, 25, 50, 75, 100)
    assert records(3, 60) == (0, 1, 2, 3)
    assert records(1, 1) == (0, 1)
