"""The loss as it is trained: batches from the seed alone, gradients against autograd, BatchNorm by the batch, dropout off."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import networks
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from landscape_gui.core.losses import CROSS_ENTROPY, MSE, batch_head
from landscape_gui.core.minibatches import MiniBatchLoss, generator
from landscape_gui.core.splits import Split, call
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

ROUNDING = 1e-12


def make(module: nn.Module, inputs: Any, targets: Any, head: Any = CROSS_ENTROPY, **options: Any) -> MiniBatchLoss:
    options = {"batch": 8, "dtype": torch.float64, **options}
    return MiniBatchLoss(module, Layout.from_module(module), Split("train", inputs, targets), head, **options)


def gradient(loss: MiniBatchLoss, number: int = 0) -> tuple[float, Tensor]:
    out = torch.zeros(loss.layout.size, dtype=loss.dtype)
    return loss.gradient(loss.chunk(number), out), out


def expected(module: nn.Module, inputs: Any, targets: Tensor, *, training: bool = False) -> tuple[float, Tensor]:
    """Loss and gradient by plain torch in float64; BatchNorm alone as in training."""
    double = copy.deepcopy(module).double().eval()
    for part in double.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.train(training)
    inputs = torch.utils._pytree.tree_map(lambda t: t.double() if t.is_floating_point() else t, inputs)
    output = call(double, inputs)
    loss = F.cross_entropy(output.flatten(0, -2), targets.flatten())
    leaves = [p for p in double.parameters() if p.requires_grad]
    found = torch.autograd.grad(loss, leaves, allow_unused=True)
    parts = {id(p): g for p, g in zip(leaves, found, strict=True)}
    flat = [torch.zeros_like(p) if parts.get(id(p)) is None else parts[id(p)] for p in double.parameters()]
    return loss.item(), torch.cat([g.flatten() for g in flat])  # type: ignore[union-attr]


def taken(tree: Any, chosen: Tensor) -> Any:
    return torch.utils._pytree.tree_map(lambda t: t[chosen], tree)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_loss_and_gradient_are_the_plain_networks_on_the_batch(name: str) -> None:
    module, inputs, targets = networks.make(name)
    loss = make(module, inputs, targets)
    chosen = torch.randperm(networks.EXAMPLES, generator=generator(0, 0))[8:16]
    value, found = gradient(loss, 1)
    plain, flat = expected(module, taken(inputs, chosen), targets[chosen], training=True)
    assert value == pytest.approx(plain, rel=ROUNDING)
    assert (found[: len(flat)] - flat).norm() <= ROUNDING * flat.norm() + 1e-14
    assert not found[len(flat) :].any()
    assert loss.loss(loss.chunk(1)) == pytest.approx(plain, rel=ROUNDING)


def test_weights_are_where_the_network_is() -> None:
    module, inputs, targets = networks.make("mlp")
    loss, other = make(module, inputs, targets), copy.deepcopy(module)
    moved = torch.randn(loss.layout.size, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    other.load_state_dict(loss.layout.unflatten(moved.float()))
    before = gradient(loss)[0]
    loss.weights.copy_(moved.float())
    chosen = torch.randperm(networks.EXAMPLES, generator=generator(0, 0))[:8]
    value, found = gradient(loss)
    plain, flat = expected(other, inputs[chosen], targets[chosen])
    assert value == pytest.approx(plain, rel=ROUNDING) != before
    torch.testing.assert_close(found, flat, rtol=1e-10, atol=1e-14)


def test_an_epoch_sees_every_example_once_and_the_next_one_in_another_order() -> None:
    numbers = torch.arange(24)
    loss = make(nn.Linear(1, 2), numbers[:, None].double(), numbers % 2)
    assert loss.batches == 3
    epochs = [torch.cat([loss.chunk(3 * epoch + k).inputs[:, 0].long() for k in range(3)]) for epoch in range(2)]
    assert all(torch.equal(seen.sort().values, numbers) for seen in epochs)
    assert not torch.equal(*epochs)
    assert all(torch.equal(loss.chunk(k).targets, loss.chunk(k).inputs[:, 0].long() % 2) for k in range(6))


def test_what_is_less_than_a_batch_is_left_out_of_an_epoch_and_a_batch_is_never_more_than_all() -> None:
    x, y = torch.arange(21.0)[:, None], torch.zeros(21, dtype=torch.long)
    assert make(nn.Linear(1, 2), x, y).batches == 2
    assert [make(nn.Linear(1, 2), x, y).chunk(k).examples for k in range(4)] == [8] * 4
    whole = make(nn.Linear(1, 2), x, y, batch=64)
    assert (whole.batch, whole.batches) == (21, 1)
    assert whole.environment["batch"] == 21


def test_a_batch_depends_on_seed_and_number_alone() -> None:
    module, inputs, targets = networks.make("mlp")
    forward, backward = make(module, inputs, targets), make(module, inputs, targets)
    there = [forward.chunk(k).inputs for k in range(7)]
    back = [backward.chunk(k).inputs for k in reversed(range(7))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(there, back, strict=True))
    torch.manual_seed(99)
    assert torch.equal(make(module, inputs, targets).chunk(5).inputs, there[5])
    assert not torch.equal(make(module, inputs, targets, seed=1).chunk(5).inputs, there[5])


def test_generators_of_neighbouring_seeds_and_numbers_do_not_share_a_stream() -> None:
    drawn = {(s, n): tuple(torch.rand(4, generator=generator(s, n)).tolist()) for s in (0, 1, 2**62) for n in range(50)}
    assert len(set(drawn.values())) == len(drawn)
    assert generator(3, 5).initial_seed() == generator(3, 5).initial_seed()


def test_batchnorm_goes_by_the_batch_and_its_running_statistics_have_no_say() -> None:
    module, inputs, targets = networks.make("resnet")
    a = make(module, inputs, targets)
    value, found = gradient(a)
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            if buffer.is_floating_point():
                buffer.add_(torch.rand_like(buffer)) if "var" in name else buffer.sub_(3)
    b = make(module, inputs, targets)
    assert gradient(b)[0] == value and torch.equal(gradient(b)[1], found)
    chosen = torch.randperm(networks.EXAMPLES, generator=generator(0, 0))[:8]
    assert value != pytest.approx(expected(module, inputs[chosen], targets[chosen], training=False)[0], rel=1e-3)


def test_nothing_that_is_computed_moves_a_running_statistic() -> None:
    module, inputs, targets = networks.make("resnet")
    loss = make(module, inputs, targets)
    before = loss.weights.clone()
    gradient(loss)
    loss.loss(loss.chunk(0))
    assert torch.equal(loss.weights, before)


@pytest.mark.parametrize("kind", ["dropout", "lstm"])
def test_dropout_is_off(kind: str) -> None:
    module = nn.Sequential(nn.Linear(12, 32), nn.Dropout(0.5), nn.ReLU(), nn.Linear(32, 5)) if kind == "dropout" else Rnn()
    inputs = networks.vectors()
    loss = make(module.train(), inputs, networks.classes())
    assert gradient(loss)[0] == gradient(loss)[0]
    chosen = torch.randperm(networks.EXAMPLES, generator=generator(0, 0))[:8]
    assert gradient(loss)[0] == pytest.approx(expected(module, inputs[chosen], networks.classes()[chosen])[0], rel=ROUNDING)
    assert module.training


class Rnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(3, 7, num_layers=2, dropout=0.5, batch_first=True), nn.Linear(7, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x.reshape(len(x), 4, 3))[0][:, -1])


def test_a_parameter_that_needs_no_gradient_has_none_and_the_others_keep_their_places() -> None:
    module, inputs, targets = networks.make("mlp")
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name not in ("1.weight", "3.bias"))
    loss = make(module, inputs, targets)
    value, found = gradient(loss)
    chosen = torch.randperm(networks.EXAMPLES, generator=generator(0, 0))[:8]
    plain, flat = expected(module, inputs[chosen], targets[chosen])
    assert value == pytest.approx(plain, rel=ROUNDING)
    torch.testing.assert_close(found, flat, rtol=1e-10, atol=1e-14)
    assert [found[s.start : s.stop].any().item() for s in loss.layout.segments] == [False, True, True, False, True, True]
    assert len(loss.trained) == 2


def test_a_network_without_any_is_refused() -> None:
    module, inputs, targets = networks.make("mlp")
    with pytest.raises(ProblemError, match="requires a gradient"):
        make(module.requires_grad_(False), inputs, targets)


def test_the_callers_network_stays_as_it_is() -> None:
    module, inputs, targets = networks.make("resnet")
    module.train()
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    loss = make(module, inputs, targets)
    loss.weights.zero_()
    gradient(loss)
    assert module.training and all(p.grad is None and p.requires_grad for p in module.parameters())
    assert all(torch.equal(before[key], tensor) for key, tensor in module.state_dict().items())


class Stream:
    """Batches of a loader, one after the other, that says how often it was begun."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches, self.begun = batches, 0

    def __iter__(self) -> Iterator[Any]:
        self.begun += 1
        return iter(self.batches)


def test_data_that_stream_come_in_their_own_batches_and_begin_again() -> None:
    module, inputs, targets = networks.make("mlp")
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=6)
    loss = make(module, loader, None)
    assert (loss.batch, loss.batches) == (0, 0)
    parts = list(zip(inputs.split(6), targets.split(6), strict=True))
    for number in (0, 1, 2, 3, 4, 7, 5, 0):
        x, y = parts[number % 4]
        chunk = loss.chunk(number)
        assert torch.equal(chunk.inputs, x.double()) and torch.equal(chunk.targets, y) and chunk.examples == len(x)
    value, found = gradient(loss, 1)
    plain, flat = expected(module, *parts[1])
    assert value == pytest.approx(plain, rel=ROUNDING)
    torch.testing.assert_close(found[: len(flat)], flat, rtol=1e-10, atol=1e-14)


def test_a_stream_is_read_on_where_it_stood() -> None:
    stream = Stream([(torch.full((2, 12), float(k)), torch.zeros(2, dtype=torch.long)) for k in range(3)])
    loss = make(networks.mlp(), stream, None)
    assert [float(loss.chunk(k).inputs[0, 0]) for k in range(6)] == [0, 1, 2, 0, 1, 2]
    assert stream.begun == 2


def test_empty_data_are_refused() -> None:
    with pytest.raises(ProblemError, match="train is empty"):
        make(networks.mlp(), Stream([]), None).chunk(0)
    with pytest.raises(ProblemError, match="train is empty"):
        make(networks.mlp(), torch.zeros(0, 12), torch.zeros(0, dtype=torch.long))


def test_a_loss_that_runs_the_network_itself_streams_whole_batches() -> None:
    inputs, targets = networks.vectors(), networks.classes()
    head = batch_head(lambda module, batch: F.cross_entropy(module(batch[0]), batch[1]))
    module = networks.make("mlp")[0]
    loss = make(module, DataLoader(TensorDataset(inputs, targets), batch_size=7), None, head)
    plain, flat = expected(module, inputs[7:14], targets[7:14])
    value, found = gradient(loss, 1)
    assert value == pytest.approx(plain, rel=ROUNDING)
    torch.testing.assert_close(found, flat, rtol=1e-10, atol=1e-14)


def test_squares_are_meant_over_all_outputs() -> None:
    module, inputs, targets = networks.mlp(), networks.vectors(), torch.randn(networks.EXAMPLES, 5)
    loss = make(module, inputs, targets, MSE, batch=64)
    assert loss.loss(loss.chunk(0)) == pytest.approx(
        float(F.mse_loss(module.double()(inputs.double()), targets.double())), rel=ROUNDING
    )


def test_data_made_in_inference_mode_can_be_trained_on() -> None:
    with torch.inference_mode():
        inputs, targets = networks.vectors() + 0, networks.classes() + 0
    for data in ((inputs, targets), (Stream([(inputs, targets)]), None)):
        loss = make(networks.make("mlp")[0], *data, dtype=torch.float32)
        with torch.inference_mode():
            value, found = gradient(loss)
        assert value > 0 and found.any()
