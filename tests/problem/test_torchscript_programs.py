"""Programs of TorchScript archives against the networks that were saved: values, derivatives, statistics, layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from core import networks
from measuring import finish, objective
from scripting import loaded, opened, scripted, traced
from torch import Tensor, nn

from landscape_gui.core.batchnorm import has_batchnorm
from landscape_gui.core.differentiation import differentiating
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.operators import Hessian
from landscape_gui.core.splits import Split, call
from landscape_gui.core.vector import Layout

UNSCRIPTED = {"transformer", "parametrised", "hooked"}
"""Which torch.jit.script itself refuses."""
UNTRACED = {"encoder layer", "control flow on values"}
"""Of which a trace is another program (a fused kernel; one way of several)."""
FORMS = [
    *((name, "traced") for name in networks.NETWORKS if name not in UNTRACED),
    *((name, "scripted") for name in networks.NETWORKS if name not in UNSCRIPTED),
]
Twin = Callable[[str, str], nn.Module]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    """The program of a network by name and form; each is saved once."""
    folder = tmp_path_factory.mktemp("programs")
    files: dict[tuple[str, str], Path] = {}

    def find(name: str, form: str) -> nn.Module:
        module, inputs, _ = networks.make(name)
        if (name, form) not in files:
            arguments = inputs if isinstance(inputs, tuple) else (inputs,)
            path = folder / f"{len(files)}.pt"
            some = [t[:4] for t in arguments]
            files[name, form] = traced(path, module, *some) if form == "traced" else scripted(path, module)
        return opened(files[name, form], inputs).module

    return find


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_outputs_and_names_are_the_networks_own(name: str, form: str, twin: Twin) -> None:
    """Also at other numbers of examples than it was traced with."""
    module, inputs, _ = networks.make(name)
    own = twin(name, form)
    assert [n for n, _ in own.named_parameters()] == [n for n, _ in module.named_parameters()]
    assert set(module.state_dict()) <= set(own.state_dict())
    for count in (21, 3, 1):
        some = tuple(t[:count] for t in inputs) if isinstance(inputs, tuple) else inputs[:count]
        with torch.no_grad():
            torch.testing.assert_close(call(own, some), call(module, some), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_gradient_and_hessian_are_the_networks_own(name: str, form: str, twin: Twin) -> None:
    """In float64, where the file says float32."""
    module, inputs, targets = networks.make(name)
    own, other = (objective(net, inputs, targets) for net in (module, twin(name, form)))
    assert other.loss() == pytest.approx(own.loss(), rel=1e-12)
    gradient = own.gradient()
    assert (other.gradient() - gradient).norm() <= 1e-12 * gradient.norm() + 1e-14
    block = torch.randn(2, len(gradient), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = Hessian(own).apply(block)
    assert (Hessian(other).apply(block) - expected).norm() <= 1e-10 * expected.norm()


@pytest.mark.parametrize(("name", "form"), [("transformer", "traced"), ("resnet", "scripted"), ("encoder layer", "scripted")])
def test_gradients_of_single_examples_and_forward_derivatives(name: str, form: str, twin: Twin) -> None:
    """torch.func's vmap, grad and jvp go through, which refuse torch's own script modules."""
    module, inputs, targets = networks.make(name)

    def loss(net: nn.Module, weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        output = torch.func.functional_call(net, weights, (x[None],))
        return F.cross_entropy(output.flatten(0, -2), y.flatten())

    found = []
    for net in (module, twin(name, form)):
        weights = {key: value.detach() for key, value in net.named_parameters()}
        along = {key: torch.ones_like(value) for key, value in weights.items()}
        with differentiating():
            rows = torch.func.vmap(torch.func.grad(loss, 1), (None, None, 0, 0))(net, weights, inputs, targets)
            slope = torch.func.jvp(lambda w, net=net: loss(net, w, inputs[0], targets[0]), (weights,), (along,))[1]
        found.append((torch.cat([row.flatten(1) for row in rows.values()], 1), slope))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "form"), [("lenet", "traced"), ("lenet", "scripted"), ("resnet", "traced"), ("resnet", "scripted"), ("lstm", "traced")]
)
def test_a_plane_is_the_networks_own(name: str, form: str, twin: Twin) -> None:
    """By the same path, which layers made anew make possible."""
    module, inputs, targets = networks.make(name)
    paths, values = [], []
    for net in (module, twin(name, form)):
        layout = Layout.from_module(net)
        origin = layout.flatten(net.state_dict())
        axis = torch.randn(layout.size, generator=torch.Generator().manual_seed(5)) * 0.05
        axis[layout.parameters :] = 0
        evaluator = Evaluator(net, layout, [Split("train", inputs, targets, 21)], CROSS_ENTROPY)
        values.append(finish(evaluator, origin, [axis], [(-1.0,), (0.0,), (1.0,)]).mean["train_loss"])
        paths.append(evaluator.environment["path"])
    assert abs(values[1] - values[0]).max() <= 1e-6
    if name != "lstm":
        assert paths[1] == paths[0] != "plain"


@pytest.mark.parametrize("form", ["traced", "scripted"])
def test_batchnorm_is_recalculated_as_the_networks_own(form: str, twin: Twin) -> None:
    module, inputs, targets = networks.make("resnet")
    other = twin("resnet", form)
    assert has_batchnorm(other)
    found = []
    for net in (module, other):
        layout = Layout.from_module(net)
        evaluator = Evaluator(net, layout, [Split("train", inputs, targets, 21)], CROSS_ENTROPY, batchnorm="recalculated")
        axis = torch.ones(layout.size) * 0.1
        found.append(finish(evaluator, layout.flatten(net.state_dict()), [axis], [(0.0,), (1.0,)]).mean["train_loss"])
    assert found[0][0] != pytest.approx(found[0][1])
    assert found[1] == pytest.approx(found[0], rel=1e-6)


class Odd(nn.Module):
    """Ways that depend on sizes and inputs, lists, dictionaries, tuples, None, gradients left out, and results in a nest."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.drop, self.out = nn.Dropout(0.4), nn.Linear(4, 3)
        self.sizes, self.table = [1, 2, 3], {"half": 0.5}
        self.register_buffer("shift", torch.tensor([0.1, 0.2, 0.3, 0.4]))

    def pair(self, x: Tensor, twice: bool) -> tuple[Tensor, Tensor | None]:
        return (x * 2, None) if twice else (x, x.relu())

    def forward(self, x: Tensor, mask: Tensor | None = None, steps: int = 2) -> dict[str, Tensor]:
        kept: list[Tensor] = []
        for layer in self.layers:
            x = torch.tanh(layer(x)) + self.shift
            kept.append(x)
        i = 0
        while i < steps:
            x, other = self.pair(x, i % 2 == 0)
            if other is not None:
                x = x + other * self.table["half"]
            i += 1
        with torch.no_grad():
            scale = self.out.weight.abs().mean() + float(len(self.sizes))
        if mask is not None:
            x = x * mask[:, None]
        x = torch.cat([x[:, :2], torch.zeros([x.size(0), 2], dtype=torch.float32, device=x.device)], dim=1)
        y = x.clone()
        y[:, 3] = kept[-1][:, 0] * scale
        if self.training:
            y = y * 0.0
        return {"hidden": kept[0], "logits": self.out(self.drop(y))}


def test_ways_lists_and_a_nest_of_results(tmp_path: Path) -> None:
    """Computed as torch computes them, with an input that may be left out and with it; saved in training mode."""
    torch.manual_seed(0)
    module = Odd().train()
    x, mask = torch.randn(6, 4), torch.arange(6.0)
    path = scripted(tmp_path / "odd.pt", module)
    module.eval()
    torch_own = loaded(path).eval()
    one, two = opened(path, x), opened(path, (x, mask))
    assert any("saved in training mode" in note for note in one.notes)
    with torch.no_grad():
        torch.testing.assert_close(one.module(x), torch_own(x)["logits"], rtol=0, atol=1e-6)
        torch.testing.assert_close(two.module(x, mask), module(x, mask)["logits"], rtol=0, atol=1e-6)
        one.module.whole = True
        torch.testing.assert_close(one.module(x), module(x), rtol=0, atol=1e-6)
    one.module.whole = False
    own = torch.autograd.grad(module(x)["logits"].square().sum(), module.out.weight)[0]
    other = torch.autograd.grad(one.module(x).square().sum(), one.module.get_parameter("out.weight"))[0]
    torch.testing.assert_close(other, own)


def test_tied_and_frozen_parameters_stay_so(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 3)).eval()
    module[2].weight = module[0].weight
    module[3].weight.requires_grad_(False)
    x = torch.randn(5, 4)
    twin = opened(traced(tmp_path / "a.pt", module, x), x).module
    assert twin.get_parameter("2.weight") is twin.get_parameter("0.weight")
    assert {name for name, p in twin.named_parameters() if not p.requires_grad} == {"3.weight"}
    torch.testing.assert_close(twin(x), module(x))


def test_a_frozen_program_has_its_constants_as_weights(tmp_path: Path) -> None:
    """Their numbers are the network's, BatchNorm folded in; said."""
    module, inputs, targets = networks.make("resnet")
    path = scripted(tmp_path / "a.pt", module, frozen=True)
    network = opened(path, inputs)
    assert any("frozen" in note for note in network.notes)
    assert [name for name, _ in network.module.named_parameters()][:2] == ["c0", "c1"]
    with torch.no_grad():
        torch.testing.assert_close(network.module(inputs), module(inputs), rtol=1e-5, atol=1e-5)
    own, other = objective(module, inputs, targets), objective(network.module, inputs, targets)
    assert other.loss() == pytest.approx(own.loss(), rel=1e-5)
    assert torch.isfinite(other.gradient()).all() and other.gradient().norm() > 0


def test_numbers_of_a_trace_keep_their_digits(tmp_path: Path) -> None:
    """0.1 in a trace is a float64 constant: it is not rounded to the network's type."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(x * 0.1) / 0.3

    torch.manual_seed(0)
    module, x = Scaled().eval(), torch.randn(4, 3)
    twin = opened(traced(tmp_path / "a.pt", module, x), x).module.double()
    torch.testing.assert_close(twin(x.double()), module.double()(x.double()), rtol=1e-14, atol=1e-15)
