"""Products written out for stacks of linear layers, against the same network differentiated by torch.func, and by the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_gui.core.curvature import GaussNewton, Hessian, NeuralTangent, OutputGraph, StackedGradient
from landscape_gui.core.losses import CROSS_ENTROPY, MSE, LossHead
from landscape_gui.core.objective import Objective
from landscape_gui.core.splits import Split
from landscape_gui.core.stack import ELEMENTWISE, Stack, stages_of
from landscape_gui.core.vector import Layout

N, D, C = 21, 5, 3
ROUNDING = 1e-11
"""Relative to the largest entry: some ten thousand roundings of float64."""


class Around(nn.Module):
    """The same network, but no stack."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Any:
        return self.inner(x) * 1


def stack(function: nn.Module | None = None, *, bias: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    function = nn.Tanh() if function is None else function
    first = nn.Sequential(nn.Linear(D, 4, bias=bias), function)
    return (
        nn.Sequential(nn.Flatten(), first, nn.Linear(4, 4), function, nn.Dropout(0.5), nn.Identity(), nn.Linear(4, C))
        .double()
        .eval()
    )


def data(head: LossHead) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(N, D, generator=generator, dtype=torch.float64)
    return x, torch.arange(N) % C if head is CROSS_ENTROPY else torch.randn(N, C, generator=generator, dtype=torch.float64)


def objective(module: nn.Module, head: LossHead, parameters: Sequence[str] = (), batch: int = 8) -> Objective:
    """In chunks of 8, 8 and 5."""
    split = Split("train", *data(head))
    return Objective(module, Layout.from_module(module), split, head, precision="float64", batch=batch, parameters=parameters)


def matrix(operator: Any) -> Tensor:
    return operator.apply(torch.eye(operator.size, dtype=torch.float64))  # type: ignore[no-any-return]


def true_hessian(module: nn.Module, head: LossHead) -> Tensor:
    x, y = data(head)
    shapes = {name: p.shape for name, p in module.named_parameters()}
    flat = torch.cat([p.detach().reshape(-1) for p in module.parameters()])
    loss = F.cross_entropy if head is CROSS_ENTROPY else F.mse_loss

    def value(vector: Tensor) -> Tensor:
        parts = torch.split(vector, [shape.numel() for shape in shapes.values()])
        named = {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        return loss(torch.func.functional_call(module, named, (x,)), y)

    found: Tensor = torch.func.hessian(value)(flat)
    return found


def assert_equal(found: Tensor, expected: Tensor) -> None:
    assert (found - expected).abs().max() <= ROUNDING * expected.abs().max()


@pytest.mark.parametrize("head", [CROSS_ENTROPY, MSE], ids=lambda head: head.name)
@pytest.mark.parametrize(
    "function", [nn.ReLU(), nn.ReLU(inplace=True), nn.ELU(inplace=True), *(kind() for kind in ELEMENTWISE)], ids=str
)
def test_the_hessian_of_every_function_is_the_true_one(function: nn.Module, head: LossHead) -> None:
    module = stack(function)
    hessian = Hessian(objective(module, head))
    assert all(isinstance(graph, StackedGradient) for graph in hessian.graphs)
    assert_equal(matrix(hessian), true_hessian(module, head))


@pytest.mark.parametrize("parameters", [(), ("1.0",), ("2.bias",), ("2.weight", "6"), ("6.bias",), ("1.0.weight",)], ids=str)
@pytest.mark.parametrize("kind", [Hessian, GaussNewton, NeuralTangent])
def test_the_matrix_of_chosen_layers_is_what_the_graph_gives(kind: Any, parameters: tuple[str, ...]) -> None:
    module = stack()
    found = kind(objective(module, CROSS_ENTROPY, parameters))
    around = kind(objective(Around(module), CROSS_ENTROPY, [f"inner.{name}" for name in parameters]))
    graphs = next(iter(found.graphs)), next(iter(around.graphs))
    if kind is NeuralTangent:
        assert isinstance(graphs[0], Stack) and isinstance(graphs[1], OutputGraph)
    assert_equal(matrix(found), matrix(around))


def test_one_layer_used_twice_and_layers_without_bias() -> None:
    torch.manual_seed(2)
    twice = nn.Linear(4, 4)
    module = nn.Sequential(nn.Linear(D, 4, bias=False), nn.Tanh(), twice, nn.Tanh(), twice, nn.Linear(4, C, bias=False)).double()
    hessian = Hessian(objective(module, CROSS_ENTROPY))
    assert isinstance(next(iter(hessian.graphs)), StackedGradient)
    assert_equal(matrix(hessian), true_hessian(module, CROSS_ENTROPY))


def test_the_hessian_where_the_loss_is_tiny() -> None:
    """1 - p at the target is 1e-26 there, and right in float32, too, as long as it is never formed as 1 - p."""
    torch.manual_seed(4)
    layer = nn.Linear(D, C, bias=False).double()
    module = nn.Sequential(layer)
    x, _ = data(CROSS_ENTROPY)
    with torch.no_grad():
        y = module(x).argmax(1)
        layer.weight *= 60 / float(module(x).sort(1).values.diff(dim=1)[:, -1].min())
    exact, rough = (
        matrix_in(Objective(module, Layout.from_module(module), Split("train", x, y), CROSS_ENTROPY, precision=precision))
        for precision in ("float64", "float32")
    )
    assert 0 < exact.abs().max() < 1e-20
    assert (rough.double() - exact).abs().max() <= 1e-4 * exact.abs().max()  # exp() of a float32 margin of 60


def matrix_in(objective: Objective) -> Tensor:
    return Hessian(objective).apply(torch.eye(objective.size, dtype=objective.dtype))


def test_graphs_say_what_they_hold() -> None:
    """So that those of large data are not all kept: inputs 5 + 4 + 4 and cotangents 4 + 4 + 3 of the layers, slopes and curvature
    4 each of both functions, the output and two matrices of probabilities 3 each; and 8 that are let go once these are found."""
    kept = Hessian(objective(stack(), CROSS_ENTROPY, batch=1 << 20))
    assert kept.graphs.per_example == 8 * (49 + 8)
    tight = Hessian(objective(stack(), CROSS_ENTROPY, batch=1 << 20), memory=5 * kept.graphs.per_example)
    assert_equal(matrix(tight), matrix(kept))
    assert (kept.graphs.kept, tight.graphs.kept) == (1, 1)
    assert tight.graphs.batch == 5


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Linear(D, C), nn.LayerNorm(C)),
        nn.Sequential(nn.Linear(D, C), nn.Softmax(1)),
        nn.Sequential(nn.Linear(D, C), nn.PReLU()),
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(D, C))),
        Around(nn.Linear(D, C)),
        nn.Sequential(nn.Flatten(0), nn.Linear(D, C)),
    ],
    ids=["norm", "softmax", "own parameter", "parametrised", "own forward", "other flattening"],
)
def test_other_networks_are_no_stacks(module: nn.Module) -> None:
    assert stages_of(module.eval()) is None


def test_hooks_and_dropout_at_work_are_no_stacks() -> None:
    module = stack()
    assert stages_of(module) is not None
    assert stages_of(module.train()) is None
    module.eval()[2].register_forward_hook(lambda part, inputs, output: 2 * output)
    assert stages_of(module) is None
