"""Programs of .pt2 files against the networks that they were exported from: values, derivatives, statistics, layers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from core import networks
from exporting import export, nodes, opened
from measuring import finish, objective
from torch import Tensor, nn

from landscape_gui.core.batchnorm import has_batchnorm
from landscape_gui.core.differentiation import differentiating
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.operators import Hessian
from landscape_gui.core.splits import Split, call, map_tensors, tensors_of
from landscape_gui.core.vector import Layout
from landscape_gui.problem.exported.ceiling import ceiling
from landscape_gui.problem.exported.module import Exported
from landscape_gui.problem.exported.steps import Step
from landscape_gui.problem.exported.trial import try_out

ROUNDING = 1e-12
NETWORKS = [name for name in networks.NETWORKS if name != "control flow on values"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Exported]:
    """The exported twin of a network by name; each is exported once."""
    folder = tmp_path_factory.mktemp("programs")
    files: dict[str, Path] = {}

    def find(name: str) -> Exported:
        if name not in files:
            module, inputs, _ = networks.make(name)
            arguments = inputs if isinstance(inputs, tuple) else (inputs,)
            files[name] = export(folder / f"{len(files)}.pt2", module, *arguments)
        return opened(files[name])

    return find


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_names_are_the_networks_own(name: str, program: Callable[[str], Exported]) -> None:
    """Also at other numbers of examples than it was exported with."""
    module, inputs, _ = networks.make(name)
    twin = program(name)
    assert list(twin.state_dict()) == list(module.state_dict())
    assert Layout.from_module(twin) == Layout.from_module(module)
    for count in (21, 3, 1):
        some = tuple(t[:count] for t in inputs) if isinstance(inputs, tuple) else inputs[:count]
        with torch.no_grad():
            torch.testing.assert_close(call(twin, some), call(module, some), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_and_hessian_are_the_networks_own(name: str, program: Callable[[str], Exported]) -> None:
    """In float64, where the file says float32."""
    module, inputs, targets = networks.make(name)
    own, twin = (objective(net, inputs, targets) for net in (module, program(name)))
    assert twin.loss() == pytest.approx(own.loss(), rel=ROUNDING)
    gradient = own.gradient()
    assert (twin.gradient() - gradient).norm() <= ROUNDING * gradient.norm() + 1e-14
    block = torch.randn(2, len(gradient), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = Hessian(own).apply(block)
    assert (Hessian(twin).apply(block) - expected).norm() <= 1e-10 * expected.norm()


@pytest.mark.parametrize("name", ["transformer", "resnet", "encoder layer"])
def test_gradients_of_single_examples_and_forward_derivatives(name: str, program: Callable[[str], Exported]) -> None:
    """torch.func's vmap, grad and jvp go through."""
    module, inputs, targets = networks.make(name)
    twin = program(name)

    def loss(net: nn.Module, weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        output = torch.func.functional_call(net, weights, (x[None],))
        return F.cross_entropy(output.flatten(0, -2), y.flatten())

    found = []
    for net in (module, twin):
        weights = {key: value.detach() for key, value in net.named_parameters()}
        along = {key: torch.ones_like(value) for key, value in weights.items()}
        with differentiating():
            rows = torch.func.vmap(torch.func.grad(loss, 1), (None, None, 0, 0))(net, weights, inputs, targets)
            slope = torch.func.jvp(lambda w, net=net: loss(net, w, inputs[0], targets[0]), (weights,), (along,))[1]
        found.append((torch.cat([row.flatten(1) for row in rows.values()], 1), slope))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["lenet", "resnet", "transformer", "lstm"])
def test_a_plane_is_the_networks_own(name: str, program: Callable[[str], Exported]) -> None:
    """To the bit where both take the same path, which layers made anew and operations by torch's names make possible."""
    module, inputs, targets = networks.make(name)
    paths, values = [], []
    for net in (module, program(name)):
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


def test_batchnorm_is_recalculated_as_the_networks_own(program: Callable[[str], Exported]) -> None:
    module, inputs, targets = networks.make("resnet")
    twin = program("resnet")
    assert has_batchnorm(twin)
    found = []
    for net in (module, twin):
        layout = Layout.from_module(net)
        evaluator = Evaluator(net, layout, [Split("train", inputs, targets, 21)], CROSS_ENTROPY, batchnorm="recalculated")
        axis = torch.ones(layout.size) * 0.1
        found.append(finish(evaluator, layout.flatten(net.state_dict()), [axis], [(0.0,), (1.0,)]).mean["train_loss"])
    assert found[0][0] != pytest.approx(found[0][1])
    assert found[1] == pytest.approx(found[0], rel=1e-6)


@pytest.mark.parametrize("name", ["transformer", "resnet", "lstm"])
def test_programs_in_core_operators(name: str, tmp_path: Path) -> None:
    """run_decompositions leaves no layer whole: attention and LSTM become hundreds of products."""
    module, inputs, targets = networks.make(name)
    twin = opened(export(tmp_path / "a.pt2", module, inputs, decompose=True))
    with torch.no_grad():
        torch.testing.assert_close(twin(inputs[:5]), module(inputs[:5]), rtol=1e-5, atol=1e-6)
    own, other = (objective(net, inputs, targets) for net in (module, twin))
    assert (other.gradient() - own.gradient()).norm() <= 1e-10 * own.gradient().norm()


class Odd(nn.Module):
    """Writes into its input and into a part of a tensor, leaves gradients out on the way, and gives results in a nest."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.norm = nn.ReLU(inplace=True), nn.InstanceNorm1d(4, affine=True, track_running_stats=True)
        self.convolution, self.out = nn.Conv1d(4, 6, 3, padding="same", padding_mode="circular"), nn.Linear(6, 5)
        self.gate = nn.GRU(6, 6, 2, batch_first=True, dropout=0.2)
        self.drop = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        x = self.convolution(self.norm(self.inside(x)))
        with torch.no_grad():
            scale = self.out.weight.mean() + torch.tensor([1.5, 0.5]).sum()
        with torch.autocast("cpu", enabled=False):
            x = x * scale
        x[:, 0] = x[:, 0] * 2
        h = self.gate(x.transpose(1, 2))[0]
        h = torch.einsum("btc,bsc->bts", h, h).softmax(-1) @ h
        return h.sum(1), {"logits": self.drop(self.out(h[:, -1])), "more": h.cumsum(1)}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Odd, Exported, Tensor]:
    torch.manual_seed(0)
    module = Odd().eval()
    inputs = torch.randn(6, 4, 9, generator=torch.Generator().manual_seed(1))
    return module, opened(export(tmp_path_factory.mktemp("odd") / "odd.pt2", module, inputs.clone())), inputs


def test_a_nest_of_results(odd: tuple[Odd, Exported, Tensor]) -> None:
    """The one called logits is judged; all of them as the network gave them where a loss of one's own asks for that."""
    module, twin, inputs = odd
    with torch.no_grad():
        expected = module(inputs.clone())
        torch.testing.assert_close(twin(inputs.clone()), expected[1]["logits"])
        twin.whole = True
        torch.testing.assert_close(twin(inputs.clone()), expected)
        twin.whole = False


def test_what_was_computed_without_gradients_has_none(odd: tuple[Odd, Exported, Tensor]) -> None:
    module, twin, inputs = odd
    own = torch.autograd.grad(module(inputs.clone())[1]["logits"].square().sum(), module.out.weight)[0]
    other = torch.autograd.grad(twin(inputs.clone()).square().sum(), twin.get_submodule("out").weight)[0]  # type: ignore[arg-type]
    torch.testing.assert_close(other, own)


def test_tied_and_frozen_parameters_stay_so(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 3))
    module[2].weight = module[0].weight
    module[3].weight.requires_grad_(False)
    twin = opened(export(tmp_path / "a.pt2", module.eval(), torch.randn(5, 4)))
    assert [name for name, _ in twin.named_parameters()] == [name for name, _ in module.named_parameters()]
    assert twin.get_parameter("2.weight") is twin.get_parameter("0.weight")
    assert {name for name, p in twin.named_parameters() if not p.requires_grad} == {"3.weight"}
    module.requires_grad_(False)
    twin = opened(export(tmp_path / "b.pt2", module, torch.randn(5, 4)))
    assert all(p.requires_grad for p in twin.parameters())


def test_layers_whose_weights_have_other_uses_are_left_as_operations(tmp_path: Path) -> None:
    class Regularised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
            self.a.further = nn.Parameter(torch.ones(4))

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.a(x) * self.a.further) + self.b.weight.sum()

    torch.manual_seed(0)
    module, inputs = Regularised().eval(), torch.randn(5, 4)
    twin = opened(export(tmp_path / "a.pt2", module, inputs))
    assert type(twin.get_submodule("a")) is nn.Module and type(twin.get_submodule("b")) is nn.Linear
    torch.testing.assert_close(twin(inputs), module(inputs))


def test_a_language_model_of_transformers(tmp_path: Path) -> None:
    """Keyword inputs, constants among them, and a result that is a class of that package, which is not imported for it."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    small = {"vocab_size": 60, "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 16, "bos_token_id": 1, "eos_token_id": 2}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**small)).eval()
    ids = torch.randint(0, 60, (4, 8), generator=torch.Generator().manual_seed(0))
    twin = opened(export(tmp_path / "gpt.pt2", model, input_ids=ids, use_cache=False), traceable=False)
    assert twin.calling.names == ("input_ids", "use_cache")
    torch.testing.assert_close(twin(input_ids=ids[:3]), model(input_ids=ids[:3]).logits)
    assert twin.get_parameter("lm_head.weight") is twin.get_parameter("transformer.wte.weight")


def test_inputs_that_a_program_writes_into_are_copied_for_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 3)).eval()
    twin = opened(export(tmp_path / "a.pt2", module, torch.randn(5, 4)))
    inputs = torch.randn(6, 4)
    before = inputs.clone()
    try_out(twin, [inputs[:2]])
    twin(inputs)
    assert torch.equal(inputs, before)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_operation_gives_more_than_its_ceiling(name: str, program: Callable[[str], Exported]) -> None:
    _, inputs, _ = networks.make(name)
    twin = program(name)
    seen = 0

    def watch(step: Step, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        nonlocal seen
        copies = map_tensors(list(arguments), torch.clone)
        size = sum(t.numel() * t.element_size() for t in tensors_of(step.function(*copies, **keywords)))
        assert size <= ceiling(step, arguments, keywords), step.operator
        seen += 1

    with torch.no_grad():
        twin.run(list(inputs) if isinstance(inputs, tuple) else [inputs], watch)
    assert seen >= 3


def test_a_file_of_the_layout_before_torch_2_8(tmp_path: Path) -> None:
    """Graph, weights and constants as three files; arguments not told apart, and those of the call without names."""
    module, inputs, _ = networks.make("transformer")
    with zipfile.ZipFile(export(tmp_path / "new.pt2", module, inputs)) as new, zipfile.ZipFile(tmp_path / "old.pt2", "w") as old:
        table = json.loads(new.read("new/models/model.json"))
        for node in nodes(table):
            for argument in node["inputs"]:
                del argument["kind"]
        del table["graph_module"]["module_call_graph"][0]["signature"]["forward_arg_names"]
        old.writestr("serialized_exported_program.json", json.dumps(table))
        for name, tensors in (("state_dict", module.state_dict()), ("constants", {"range": torch.arange(6)})):
            buffer = io.BytesIO()
            torch.save(tensors, buffer)
            old.writestr(f"serialized_{name}.pt", buffer.getvalue())
        old.writestr("version", "8.0")
    twin = opened(tmp_path / "old.pt2")
    assert twin.calling.names == ("i",)
    torch.testing.assert_close(twin(inputs), module(inputs))
