"""The objective: its loss, gradient and vector agree with the plain network's, and the caller's network is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networks
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from landscape_gui.core.losses import CROSS_ENTROPY, MSE, LossHead, batch_head
from landscape_gui.core.objective import Objective
from landscape_gui.core.splits import Split, call
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

ROUNDING = 1e-12
"""Some thousand roundings of float64."""


def make(module: nn.Module, inputs: Any, targets: Any, head: LossHead = CROSS_ENTROPY, **options: Any) -> Objective:
    options = {"precision": "float64", "batch": 8, **options}
    return Objective(module, Layout.from_module(module), Split("train", inputs, targets), head, **options)


def small() -> tuple[nn.Module, Tensor, Tensor]:
    return networks.make("shared weights")


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_loss_and_gradient_are_the_plain_networks(name: str) -> None:
    module, inputs, targets = networks.make(name)
    objective = make(module, inputs, targets)
    double = module.double()
    inputs = torch.utils._pytree.tree_map(lambda t: t.double() if t.is_floating_point() else t, inputs)
    output = call(double, inputs)
    loss = F.cross_entropy(output.flatten(0, -2), targets.flatten())
    gradient = torch.autograd.grad(loss, list(double.parameters()), allow_unused=True)
    pairs = zip(gradient, double.parameters(), strict=True)
    flat = torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])
    assert objective.loss() == pytest.approx(loss.item(), rel=ROUNDING)
    assert (objective.gradient() - flat).norm() <= ROUNDING * flat.norm() + 1e-14


@pytest.mark.parametrize("name", ["resnet", "parametrised", "lstm"])
def test_the_callers_network_stays_as_it_is(name: str) -> None:
    module, inputs, targets = networks.make(name)
    module.train()
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    kinds = [type(part) for part in module.modules()]
    objective = make(module, inputs, targets)
    objective.gradient(objective.origin + 0.1)
    assert module.training and [type(part) for part in module.modules()] == kinds
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert all(torch.equal(before[key], tensor) for key, tensor in module.state_dict().items())


def test_it_comes_back_to_the_checkpoint() -> None:
    objective = make(*small())
    before, gradient = objective.loss(), objective.gradient()
    moved = objective.loss(objective.origin + 0.1)
    assert moved != before
    assert objective.loss() == before and torch.equal(objective.gradient(), gradient)


def test_losses_have_the_loss_as_their_mean() -> None:
    objective = make(*small())
    assert objective.losses().shape == (networks.EXAMPLES,)
    assert float(objective.losses().mean()) == pytest.approx(objective.loss(), rel=ROUNDING)


def test_targets_that_do_not_count_are_left_out() -> None:
    module, inputs, targets = small()
    targets[:5] = -100
    whole, rest = make(module, inputs, targets), make(module, inputs[5:], targets[5:])
    assert whole.loss() == pytest.approx(rest.loss(), rel=ROUNDING)
    assert (whole.gradient() - rest.gradient()).norm() <= ROUNDING * rest.gradient().norm()
    assert float(whole.losses().mean()) == pytest.approx(rest.loss(), rel=ROUNDING)


def test_unequal_chunks_are_weighted_by_size() -> None:
    module, inputs, targets = small()
    whole, cut = make(module, inputs, targets, batch=100), make(module, inputs, targets, batch=4)
    mean = LossHead("mean", F.cross_entropy, kind="mean")
    told = make(module, inputs, targets, mean, batch=4)
    own = batch_head(lambda network, batch: F.cross_entropy(network(batch[0]), batch[1]))
    run = make(module, (inputs, targets), None, own, batch=4)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=6)
    streamed = make(module, loader, None)
    for other in (cut, told, run, streamed):
        assert other.loss() == pytest.approx(whole.loss(), rel=ROUNDING)
        assert (other.gradient() - whole.gradient()).norm() <= ROUNDING * whole.gradient().norm()


def test_only_what_requires_a_gradient_moves() -> None:
    module, inputs, targets = networks.make("lenet")
    module.conv1.requires_grad_(False)
    objective, layout = make(module, inputs, targets), Layout.from_module(module)
    assert objective.segments[0].name == "conv2.weight"
    state = layout.flatten(module.state_dict(), dtype=torch.float64)
    whole = objective.embed(objective.extract(state))
    assert torch.equal(objective.extract(state), objective.origin)
    frozen = sum(p.numel() for p in module.conv1.parameters())
    assert not whole[:frozen].any() and torch.equal(whole[frozen:], state[frozen:].float())


def test_a_layer_alone() -> None:
    module, inputs, targets = networks.make("lenet")
    whole, layer = make(module, inputs, targets), make(module, inputs, targets, parameters=["conv2"])
    name, start, stop = whole.layers()[1]
    assert name == "conv2" and layer.size == stop - start
    assert (layer.gradient() - whole.gradient()[start:stop]).norm() <= ROUNDING * whole.gradient().norm()
    assert whole.layers()[0][1] == 0 and whole.layers()[-1][2] == whole.size


def test_a_parametrised_layer_goes_by_its_own_name() -> None:
    objective = make(*networks.make("parametrised"), parameters=["0"])
    assert {segment.name.split(".")[0] for segment in objective.segments} == {"0"}
    assert [name for name, _, _ in objective.layers()] == ["0"]


def test_a_subset_is_the_objective_of_those_examples() -> None:
    module, inputs, targets = networks.make("resnet")
    objective = make(module, inputs, targets)
    for part, chosen in (
        (objective.subset(3, 9), slice(3, 9)),
        (objective.subset([2, 5]), [2, 5]),
        (objective.subset(1), slice(1, None)),
    ):
        own = make(module, inputs[chosen], targets[chosen])
        assert part.examples == own.examples and part.loss() == pytest.approx(own.loss(), rel=ROUNDING)


def test_the_state_given_is_taken() -> None:
    module, inputs, targets = networks.make("resnet")
    layout = Layout.from_module(module)
    state = layout.flatten(module.state_dict()) * 1.1
    other = networks.make("resnet")[0]
    other.load_state_dict({**module.state_dict(), **layout.unflatten(state)})
    assert make(module, inputs, targets, state=state).loss() == pytest.approx(make(other, inputs, targets).loss(), rel=ROUNDING)


def test_float32_in_the_quick_form_is_close_to_float64() -> None:
    module, inputs, targets = networks.make("resnet")
    quick, exact = make(module, inputs, targets, precision="float32"), make(module, inputs, targets)
    assert quick.environment["form"]["norms"] == 6
    error = (quick.gradient().double() - exact.gradient()).norm() / exact.gradient().norm()
    assert error < 1e-5  # some hundred roundings of float32


def test_a_network_that_reads_what_a_quick_layer_has_not_stays_as_it_is() -> None:
    class Curious(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(12, 5)

        def forward(self, x: Tensor) -> Tensor:
            assert isinstance(self.layer, nn.Linear)
            return self.layer(x)

    objective = make(Curious(), networks.vectors(), networks.classes())
    assert objective.form == {"path": "plain"}


def test_a_tiny_float32_loss_keeps_its_gradient() -> None:
    module = nn.Linear(2, 2, bias=False)
    module.weight.data = torch.tensor([[20.0, 0.0], [0.0, 20.0]])
    inputs, targets = torch.eye(2), torch.tensor([0, 1])
    quick, exact = make(module, inputs, targets, precision="float32"), make(module, inputs, targets)
    assert (quick.gradient().double() - exact.gradient()).norm() <= 1e-5 * exact.gradient().norm()


def test_one_example_is_enough() -> None:
    module, inputs, targets = small()
    objective = make(module, inputs[:1], targets[:1])
    assert objective.losses().shape == (1,) and float(objective.losses()) == pytest.approx(objective.loss())


class Endless:
    def __iter__(self) -> Iterator[Any]:
        _, inputs, targets = small()
        yield inputs, targets


def test_sentences() -> None:
    module, inputs, targets = small()
    with pytest.raises(ProblemError, match="streams"):
        make(module, Endless(), None).subset(0, 2)
    with pytest.raises(ProblemError, match=r"'nowhere'.*first, out"):
        make(module, inputs, targets, parameters=["nowhere"])
    with pytest.raises(ProblemError, match="mean over a batch"):
        make(module, inputs, targets, LossHead("own", F.cross_entropy, kind="mean")).losses()
    with pytest.raises(ProblemError, match="No examples"):
        make(module, inputs, targets).subset(5, 5)
    with pytest.raises(ProblemError, match=r"shape \(3,\)"):
        make(module, inputs, targets).loss(torch.zeros(3))
    with pytest.raises(ProblemError, match="No parameter of this network requires a gradient"):
        make(module.requires_grad_(False), inputs, targets)


def test_a_loss_that_is_not_finite_is_said() -> None:
    module, inputs, _ = small()
    module.out.bias.data[0] = torch.inf
    with pytest.raises(ProblemError, match="train loss at the checkpoint is"):
        make(module, inputs, torch.zeros(networks.EXAMPLES, 5), MSE).check()
