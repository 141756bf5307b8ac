"""Products with curvature matrices: closed forms, symmetry, central differences, and the matrix written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import networks
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import utils

from landscape_gui.core.losses import CROSS_ENTROPY, MSE, LossHead, batch_head
from landscape_gui.core.objective import Objective
from landscape_gui.core.operators import (
    Deflated,
    Dense,
    GaussNewton,
    Hessian,
    NeuralTangent,
    Operator,
    Residual,
    Restricted,
    Scaled,
    Sum,
)
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

ROUNDING = 1e-12
"""Relative to the largest entry: some thousand roundings of float64."""

N, D, C = 20, 5, 3


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make(module: nn.Module, inputs: Any, targets: Any, head: LossHead = CROSS_ENTROPY, **options: Any) -> Objective:
    options = {"precision": "float64", "batch": 8, **options}
    return Objective(module, Layout.from_module(module), Split("train", inputs, targets), head, **options)


def matrix(operator: Operator) -> Tensor:
    return operator.apply(torch.eye(operator.size, dtype=torch.float64))


def assert_equal(found: Tensor, expected: Tensor, tolerance: float = ROUNDING) -> None:
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * expected.abs().max() + 1e-15


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(D, C, bias=False)


def tanh_network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(D, 4), nn.Tanh(), nn.Linear(4, 4), nn.GELU(), nn.Linear(4, C))


def classes() -> Tensor:
    return torch.arange(N) % C


def test_linear_regression() -> None:
    """Identities 1, 5 and 6."""
    x = normal(N, D)
    objective = make(linear(), x, normal(N, C, seed=1), MSE)
    expected = 2 / (N * C) * torch.kron(torch.eye(C, dtype=torch.float64), x.T @ x)
    assert_equal(matrix(Hessian(objective)), expected)
    assert_equal(matrix(GaussNewton(objective)), expected)
    assert matrix(Residual(objective)).abs().max() <= ROUNDING
    kernel = matrix(NeuralTangent(objective))
    assert_equal(kernel, kernel.T)
    assert_equal(torch.linalg.eigvalsh(kernel)[-D * C :], torch.linalg.eigvalsh(expected))


def test_softmax_regression() -> None:
    """Identity 2: the closed form, and d eigenvalues that are zero."""
    x, module = normal(N, D), linear()
    p = torch.softmax(x @ module.weight.detach().double().T, 1)
    outer = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    expected = torch.einsum("nab,ni,nj->aibj", outer, x, x).reshape(C * D, C * D) / N
    objective = make(module, x, classes())
    assert_equal(matrix(Hessian(objective)), expected)
    assert_equal(matrix(GaussNewton(objective)), expected)
    values = torch.linalg.eigvalsh(matrix(Hessian(objective)))
    assert int((values.abs() <= ROUNDING * values[-1]).sum()) == D


def test_gauss_newton_is_fisher() -> None:
    """Identity 4: the mean over examples and the model's own labels of the log-likelihood's gradient, squared."""
    module, x = tanh_network().double(), normal(N, D)
    expected = torch.zeros(1)
    for i in range(N):
        logs = F.log_softmax(module(x[i : i + 1]), 1)[0]
        for label in range(C):
            score = torch.cat([g.flatten() for g in torch.autograd.grad(logs[label], list(module.parameters()), retain_graph=True)])
            expected = expected + logs[label].exp().detach() * torch.outer(score, score) / N
    assert_equal(matrix(GaussNewton(make(module, x, classes()))), expected)


def test_gauss_newton_of_deep_linear_networks() -> None:
    """Identity 5: diagonal blocks agree with the Hessian's, blocks across layers do not; with zero residuals all do."""
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Linear(D, 4, bias=False), nn.Linear(4, C, bias=False)).double(), normal(N, D)
    objective = make(module, x, normal(N, C, seed=1), MSE)
    full, gauss = matrix(Hessian(objective)), matrix(GaussNewton(objective))
    for _, start, stop in objective.layers():
        assert_equal(full[start:stop, start:stop], gauss[start:stop, start:stop])
    assert (full - gauss).abs().max() > 0.01 * gauss.abs().max()
    exact = make(module, x, module(x).detach(), MSE)
    assert_equal(matrix(Hessian(exact)), matrix(GaussNewton(exact)))


def test_tangent_kernel_has_gauss_newtons_eigenvalues() -> None:
    """Identity 6, for a network that is not linear."""
    objective = make(tanh_network(), normal(N, D), normal(N, C, seed=1), MSE)
    kernel, gauss = (torch.linalg.eigvalsh(matrix(kind(objective))) for kind in (NeuralTangent, GaussNewton))
    least = min(len(kernel), len(gauss))
    assert_equal(kernel[-least:], gauss[-least:])
    assert kernel[0] >= -ROUNDING * kernel[-1]


def test_the_hessian_is_the_dense_one() -> None:
    """Identity 3, against differences of the gradient that share no second derivative with it (they err by eps^2)."""
    objective = make(tanh_network(), normal(N, D), classes())
    dense, step = matrix(Hessian(objective)), 1e-5
    rows = [
        (objective.gradient(objective.origin + step * e) - objective.gradient(objective.origin - step * e)) / (2 * step)
        for e in torch.eye(objective.size, dtype=torch.float64)
    ]
    assert_equal(dense, torch.stack(rows), 1e-8)
    assert_equal(dense, dense.T)


def old_weight_norm() -> nn.Module:
    return nn.Sequential(utils.weight_norm(nn.Linear(12, 8)), nn.Tanh(), nn.Linear(8, 5))


def unused() -> nn.Module:
    module = networks.make("shared weights")[0]
    module.idle = nn.Linear(3, 3)
    return module


MORE: dict[str, Callable[[], nn.Module]] = {"old weight norm": old_weight_norm, "unused parameters": unused}


@pytest.mark.parametrize("name", [*networks.NETWORKS, *MORE])
@pytest.mark.filterwarnings("ignore")
def test_products_are_symmetric_in_any_network(name: str) -> None:
    module, inputs, targets = networks.make(name if name in networks.NETWORKS else "shared weights")
    objective = make(MORE[name]().eval() if name in MORE else module, inputs, targets)
    left, right = normal(2, objective.size, seed=5)
    for operator in (Hessian(objective), GaussNewton(objective)):
        first, second = operator.apply(torch.stack([left, right]))
        assert torch.isfinite(first).all()
        scale = float(first.norm() * right.norm())
        assert float(first @ right) == pytest.approx(float(second @ left), abs=ROUNDING * scale)
        assert operator.products == 2
    assert float(first @ left) >= 0  # Gauss-Newton


SMOOTH = ["transformer", "shared weights", "lstm", "two inputs", "old weight norm"]


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.filterwarnings("ignore")
def test_central_differences_converge_as_the_square_of_the_step(name: str) -> None:
    """Identity 3; networks without kinks."""
    module, inputs, targets = networks.make(name if name in networks.NETWORKS else "shared weights")
    objective = make(MORE[name]().eval() if name in MORE else module, inputs, targets)
    vector = F.normalize(normal(objective.size), dim=0)
    exact = Hessian(objective).apply(vector[None])[0]
    errors = []
    for step in (0.04, 0.01):
        ends = [objective.gradient(objective.origin + side * step * vector) for side in (1, -1)]
        errors.append(float(((ends[0] - ends[1]) / (2 * step) - exact).norm() / exact.norm()))
    assert math.log(errors[0] / errors[1]) / math.log(4) == pytest.approx(2, abs=0.1)


def test_mse_and_every_kind_of_head() -> None:
    module, x, y = tanh_network(), normal(N, D), normal(N, C, seed=1)
    expected = matrix(Hessian(make(module, x, y, MSE, batch=100)))
    own = batch_head(lambda network, batch: F.mse_loss(network(batch[0]), batch[1]))
    assert_equal(matrix(Hessian(make(module, x, y, LossHead("mse_loss", F.mse_loss, kind="mean"), batch=6))), expected)
    assert_equal(matrix(Hessian(make(module, (x, y), None, own, batch=6))), expected)
    batches = [(x[:9], y[:9]), (x[9:], y[9:])]
    stream = Objective(module, Layout.from_module(module), Split("train", Batches(batches)), MSE, precision="float64")
    assert_equal(matrix(Hessian(stream)), expected)
    assert_equal(matrix(Hessian(stream, memory=0)), expected)


class Batches:
    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Any:
        return iter(self.batches)


def test_the_mean_over_batches_weighted_by_size_is_the_whole() -> None:
    """Identity 20."""
    objective = make(tanh_network(), normal(N, D), classes())
    whole = matrix(Hessian(objective))
    weighted = sum(matrix(Hessian(objective.subset(a, b))) * (b - a) / N for a, b in ((0, 13), (13, N)))
    assert_equal(weighted, whole)
    plain = sum(matrix(Hessian(objective.subset(a, b))) / 2 for a, b in ((0, 13), (13, N)))
    assert (plain - whole).abs().max() > 0.01 * whole.abs().max()


def test_layers_traces_sum_to_the_trace() -> None:
    """Identity 20."""
    objective = make(tanh_network(), normal(N, D), classes())
    full = Hessian(objective)
    blocks = [matrix(Restricted(full, start, stop)) for _, start, stop in objective.layers()]
    assert sum(float(block.trace()) for block in blocks) == pytest.approx(float(matrix(full).trace()), rel=ROUNDING)
    own = matrix(Hessian(make(tanh_network(), normal(N, D), classes(), parameters=["2"])))
    assert_equal(own, blocks[1])


@pytest.mark.parametrize("kind", [Hessian, GaussNewton, NeuralTangent, Residual])
def test_less_memory_changes_nothing_but_time(kind: Any) -> None:
    objective = make(*networks.make("lenet"))
    rich = kind(objective)
    block = normal(2, rich.size)
    expected = rich.apply(block)
    for memory in (0, 3 * 20_000, 10 * 20_000):
        tight = kind(objective, None, memory)
        assert_equal(tight.apply(block), expected)
        assert_equal(tight.apply(block), expected)


def test_graphs_are_kept_as_far_as_they_fit() -> None:
    objective = make(*networks.make("lenet"))
    graphs = Hessian(objective).graphs
    assert graphs.needed == graphs.per_example * networks.EXAMPLES
    for share, kept in ((1.0, 3), (0.7, 2), (0.34, 1), (0.0, 0)):
        operator = Hessian(objective, None, int(share * graphs.needed))
        operator.apply(normal(1, objective.size))
        assert operator.graphs.kept == kept


def test_another_point_than_the_checkpoint() -> None:
    objective = make(tanh_network(), normal(N, D), classes())
    there = objective.origin + 0.3 * normal(objective.size, seed=2)
    moved = tanh_network().double()
    utils.vector_to_parameters(there, moved.parameters())
    elsewhere, operator = make(moved, normal(N, D), classes()), Hessian(objective, there)
    before = matrix(operator)
    assert_equal(before, matrix(Hessian(elsewhere)))
    objective.gradient(objective.origin + 1)
    assert torch.equal(matrix(operator), before)


def test_float32_is_close_to_float64() -> None:
    module, inputs, targets = networks.make("resnet")
    quick, exact = (make(module, inputs, targets, precision=precision) for precision in ("float32", "float64"))
    vector = normal(exact.size)
    for kind in (Hessian, GaussNewton):
        left, right = kind(quick).apply(vector[None].float())[0].double(), kind(exact).apply(vector[None])[0]
        assert (left - right).norm() < 1e-4 * right.norm()  # some thousand roundings of float32


def test_the_callers_network_stays_as_it_is() -> None:
    module, inputs, targets = networks.make("resnet")
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    objective = make(module, inputs, targets)
    for kind in (Hessian, GaussNewton, NeuralTangent):
        operator = kind(objective)
        operator.apply(normal(1, operator.size))
    assert all(torch.equal(before[key], tensor) for key, tensor in module.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in module.parameters())


def test_algebra() -> None:
    a, b = (m + m.T for m in (normal(6, 6), normal(6, 6, seed=1)))
    assert_equal(matrix(Sum([Dense(a), Dense(b)], [2, -3])), 2 * a - 3 * b)
    assert_equal(matrix(Scaled(Dense(a), 0.5)), a / 2)
    index = torch.tensor([0, 4, 5])
    assert_equal(matrix(Restricted(Dense(a), index)), a[index][:, index])
    assert_equal(matrix(Restricted(Dense(a), 2, 5)), a[2:5, 2:5])
    basis = torch.linalg.qr(normal(6, 2, seed=2))[0].T
    projector = torch.eye(6, dtype=torch.float64) - basis.T @ basis
    assert_equal(matrix(Deflated(Dense(a), basis)), projector @ a @ projector)
    operator = Scaled(Dense(a), 2.0)
    operator.apply(normal(3, 6))
    assert operator.products == operator.operators[0].products == 3


def test_one_example() -> None:
    x = normal(1, D)
    objective = make(linear(), x, normal(1, C, seed=1), MSE)
    assert_equal(matrix(Hessian(objective)), 2 / C * torch.kron(torch.eye(C, dtype=torch.float64), x.T @ x))


def test_sentences() -> None:
    module, x = tanh_network(), normal(N, D)
    own = batch_head(lambda network, batch: F.cross_entropy(network(batch[0]), batch[1]))
    with pytest.raises(ProblemError, match="runs the network itself"):
        GaussNewton(make(module, (x, classes()), None, own))
    with pytest.raises(ProblemError, match="cannot be added"):
        Sum([Dense(torch.eye(2)), Dense(torch.eye(3))])
    with pytest.raises(ProblemError, match="not square"):
        Dense(torch.zeros(2, 3))
    with torch.no_grad():
        module[4].bias[0] = torch.inf
    for kind in (Hessian, GaussNewton):
        with pytest.raises(ProblemError, match=r"train loss is (nan|inf)"):
            kind(make(module, x, normal(N, C), MSE)).apply(normal(1, 51))
