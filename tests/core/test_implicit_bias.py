"""The modified loss and the mean step of SGD against closed forms, enumeration and an independent loop."""

from __future__ import annotations

import itertools
import math
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape_gui.core import implicit_bias
from landscape_gui.core.batch_gradients import BatchGradients
from landscape_gui.core.implicit_bias import ModifiedLoss
from landscape_gui.core.losses import CROSS_ENTROPY, LossHead
from landscape_gui.core.mean_step import FLOWS, EpochSteps, fitted_slope
from landscape_gui.core.objective import Objective
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

HALF_SQUARES = LossHead(name="half_squares", kind="rows", function=lambda y, t: 0.5 * (y - t).square().sum(1))


def finish(steps: Generator[float, None, Any]) -> Any:
    while True:
        try:
            fraction = next(steps)
            assert 0 <= fraction <= 1
        except StopIteration as stop:
            return stop.value


def network(examples: int = 24) -> tuple[nn.Module, Tensor, Tensor, Objective]:
    """A small tanh net on random data, in float64."""
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    x = torch.randn(examples, 4, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (examples,), generator=generator)
    split = Split("train", x, y, examples)
    return module, x, y, Objective(module, Layout.from_module(module), split, CROSS_ENTROPY, precision="float64")


def regression(examples: int = 12) -> tuple[Tensor, Tensor, Objective]:
    """Linear regression without a bias, half the squares: the gradient of example j is (w x_j - t_j) x_j."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(examples, 3, generator=generator, dtype=torch.float64)
    t = torch.randn(examples, 1, generator=generator, dtype=torch.float64)
    torch.manual_seed(2)
    module = nn.Linear(3, 1, bias=False).double()
    objective = Objective(module, Layout.from_module(module), Split("train", x, t, examples), HALF_SQUARES, precision="float64")
    return x, t, objective


def gradient(module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """An independent one: torch's own loss and derivative."""
    found = torch.autograd.grad(nn.functional.cross_entropy(module(x), y), list(module.parameters()))
    return torch.cat([part.reshape(-1) for part in found])


def test_the_modified_loss_is_that_of_a_plain_loop_over_the_same_batches() -> None:
    module, x, y, objective = network()
    found = ModifiedLoss(objective, batch=5, seed=4).at()
    batches = [(chunk.inputs, chunk.targets) for chunk in BatchGradients(objective, batch=5, seed=4).chosen()]
    assert len(batches) == 4 and len({float(inputs[0, 0]) for inputs, _ in batches}) == 4
    whole = gradient(module, x, y)
    apart = [float((gradient(module, inputs, targets) - whole).square().sum()) for inputs, targets in batches]
    assert found.loss == pytest.approx(float(nn.functional.cross_entropy(module(x), y).detach()), rel=1e-12)
    assert found.square == pytest.approx(float(whole.square().sum()), rel=1e-12)
    assert found.scatter == pytest.approx(np.mean(apart), rel=1e-12)
    assert found.scatter_error == pytest.approx(np.std(apart, ddof=1) / math.sqrt(4), rel=1e-12)
    assert found.modified(0.2) == pytest.approx(found.loss + 0.05 * (found.square + found.scatter), rel=1e-15)


def test_full_batches_have_no_scatter_and_the_same_gradient() -> None:
    _, _, _, objective = network()
    full, batched = ModifiedLoss(objective).at(), ModifiedLoss(objective, batch=24).at()
    assert full.scatter == 0.0 and batched.scatter == pytest.approx(0.0, abs=1e-28)
    assert full.square == pytest.approx(batched.square, rel=1e-12) and full.loss == pytest.approx(batched.loss, rel=1e-12)


def test_gradients_that_do_not_fit_into_memory_lose_the_error_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, _, objective = network()
    kept = ModifiedLoss(objective, batch=5).at()
    monkeypatch.setattr(implicit_bias, "KEPT", 1000)
    streamed = ModifiedLoss(objective, batch=5).at()
    assert streamed.scatter == pytest.approx(kept.scatter, rel=1e-12) and math.isnan(streamed.scatter_error)


def test_the_scatter_over_all_partitions_is_the_closed_form() -> None:
    """Linear regression: mean over all partitions into batches of B = (N - B)/(B (N - 1)) of the examples' covariance's trace."""
    x, t, objective = regression(6)
    w = objective.origin.view(1, 3)
    each = (x @ w.T - t) * x
    trace = float((each - each.mean(0)).square().sum(1).mean())
    means = [float((each[list(chosen)].mean(0) - each.mean(0)).square().sum()) for chosen in itertools.combinations(range(6), 2)]
    closed = (6 - 2) / (2 * 5) * trace
    assert np.mean(means) == pytest.approx(closed, rel=1e-12)
    seeds = [ModifiedLoss(objective, batch=2, seed=s).at().scatter for s in range(400)]
    error = float(np.std(seeds, ddof=1)) / math.sqrt(len(seeds))
    assert abs(np.mean(seeds) - closed) < 4 * error and error < 0.05 * closed
    assert ModifiedLoss(objective, batch=1).at().scatter == pytest.approx(trace, rel=1e-12)


def test_a_batch_larger_than_the_data_is_refused_with_its_size() -> None:
    _, _, _, objective = network()
    with pytest.raises(ProblemError, match="25 examples is larger than the 24"):
        ModifiedLoss(objective, batch=25)


def test_flows_on_a_quadratic_end_where_the_matrix_exponential_says() -> None:
    """Identity 15 in closed form: on a quadratic the modified loss is one again, with the matrix A + 2 c lr A^2."""
    x, t, objective = regression()
    matrix, rhs = x.T @ x / 12, (x.T @ t / 12).reshape(-1)
    least = torch.linalg.solve(matrix, rhs)
    epochs = EpochSteps(BatchGradients(objective, batch=12))
    for penalty in FLOWS.values():
        modified = matrix + 2 * penalty * 0.1 * matrix @ matrix
        end = least + torch.linalg.matrix_exp(-0.1 * modified) @ (objective.origin - least)
        found = finish(epochs.flow(0.1, penalty, float(torch.linalg.eigvalsh(matrix)[-1])))
        assert torch.allclose(objective.origin + found, end, atol=1e-7, rtol=0)  # two steps of (lr lambda/2)^5/120


def test_gradient_descent_on_a_quadratic_has_slopes_two_and_one() -> None:
    """Identity 15: relative to the way, lr/4 leaves a second-order residual, no penalty and lr/2 a first-order one."""
    _, _, objective = regression()
    epochs = EpochSteps(BatchGradients(objective, batch=12))
    slopes = slopes_of(epochs, [0.02 / 2**k for k in range(4)], 1)
    assert slopes["modified"] == pytest.approx(2, abs=0.02)
    assert slopes["plain"] == pytest.approx(1, abs=0.02) and slopes["half"] == pytest.approx(1, abs=0.02)


def slopes_of(epochs: EpochSteps, rates: list[float], pairs: int) -> dict[str, float]:
    residuals: dict[str, list[float]] = {name: [] for name in FLOWS}
    for lr in rates:
        ends = finish(epochs.mean(lr, pairs))
        for name, penalty in FLOWS.items():
            residuals[name].append(float((ends.mean - finish(epochs.flow(lr, penalty, 5.0))).norm() / ends.mean.norm()))
    return {name: fitted_slope(np.array(rates), np.array(values))[0] for name, values in residuals.items()}


def test_the_mean_epoch_of_a_small_net_follows_the_modified_loss() -> None:
    _, _, _, objective = network()
    epochs = EpochSteps(BatchGradients(objective, batch=4, seed=2), seed=6)
    slopes = slopes_of(epochs, [0.02 / 2**k for k in range(4)], 3)
    assert slopes["modified"] == pytest.approx(2, abs=0.05)
    assert slopes["plain"] == pytest.approx(1, abs=0.05) and slopes["half"] == pytest.approx(1, abs=0.05)


def test_an_order_and_its_reverse_are_the_mean_over_all_orders_to_second_order() -> None:
    """Of four batches: all 24 orders against one pair, whose difference is of third order in lr."""
    _, _, _, objective = network(16)
    epochs = EpochSteps(BatchGradients(objective, batch=4))
    distances = []
    for lr in (0.04, 0.02, 0.01):
        every = torch.stack([epochs.epoch(lr, list(order)) for order in itertools.permutations(range(4))]).mean(0)
        pair = (epochs.epoch(lr, [0, 1, 2, 3]) + epochs.epoch(lr, [3, 2, 1, 0])) / 2
        distances.append(float((every - pair).norm()))
    assert fitted_slope(np.array([0.04, 0.02, 0.01]), np.array(distances))[0] == pytest.approx(3, abs=0.1)


def test_a_fitted_slope_comes_with_the_error_of_its_fit() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0])
    assert fitted_slope(x, 3 * x**2.0) == pytest.approx((2.0, 0.0), abs=1e-12)
    noisy = 3 * x**2.0 * np.exp([0.1, -0.1, -0.1, 0.1])
    slope, error = fitted_slope(x, noisy)
    assert slope == pytest.approx(2.0) and error == pytest.approx(0.2 / math.sqrt(2) / (math.log(2) * math.sqrt(5)))
    assert fitted_slope(x[:3], noisy[:3])[1] == pytest.approx(0.2 / math.sqrt(6) / (math.log(2) * math.sqrt(2)))  # one is left over
    assert all(map(math.isnan, fitted_slope(x[:1], x[:1]))) and math.isnan(fitted_slope(x[:2], x[:2])[1])
