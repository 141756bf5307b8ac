"""The gradient noise scale against the closed form of linear regression, and its errors against many draws of the data."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape_gui.core.gradient_noise import Noise, batch_for, gradient_noise
from landscape_gui.core.losses import LossHead
from landscape_gui.core.objective import Objective
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

HALF_SQUARES = LossHead(name="half_squares", kind="rows", function=lambda y, t: 0.5 * (y - t).square().sum(1))
NOISE = 0.5


def finish(steps: Generator[float, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def regression(examples: int, seed: int, size: int = 3) -> tuple[Tensor, Tensor, Objective]:
    """x standard normal, t = noise: at w the gradient (<w, x> - noise) x has mean w and covariance trace
    (size + 1) |w|^2 + size s^2, for E |<w, x> x|^2 = (size + 2) |w|^2."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(examples, size, generator=generator, dtype=torch.float64)
    t = NOISE * torch.randn(examples, 1, generator=generator, dtype=torch.float64)
    module = nn.Linear(size, 1, bias=False).double()
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[0.6, -0.3, 0.2]], dtype=torch.float64))
    return x, t, Objective(module, Layout.from_module(module), Split("train", x, t, examples), HALF_SQUARES, precision="float64")


def noise_of(objective: Objective, **more: Any) -> Noise:
    whole, _ = finish(gradient_noise(objective, **more))
    return whole  # type: ignore[no-any-return]


def test_single_examples_give_the_sample_covariance_exactly() -> None:
    x, t, objective = regression(50, 0)
    each = (x @ objective.origin.view(3, 1) - t) * x
    trace = float(torch.cov(each.T).trace())
    square = float(each.mean(0).square().sum()) - trace / 50
    found = noise_of(objective)
    assert (found.batch, found.batches) == (1, 50)
    assert found.trace == pytest.approx(trace, rel=1e-12) and found.square == pytest.approx(square, rel=1e-12)
    assert found.scale == pytest.approx(trace / square, rel=1e-12)


def test_jackknife_errors_are_those_of_leaving_out_one_after_another() -> None:
    x, t, objective = regression(20, 1)
    each = (x @ objective.origin.view(3, 1) - t) * x
    left = []
    for k in range(20):
        rest = torch.cat([each[:k], each[k + 1 :]])
        trace = float(torch.cov(rest.T).trace())
        square = float(rest.mean(0).square().sum()) - trace / 19
        left.append((trace, square, trace / square))
    errors = [math.sqrt(19 / 20 * float(((v - v.mean()) ** 2).sum())) for v in np.array(left).T]
    found = noise_of(objective)
    assert (found.trace_error, found.square_error, found.scale_error) == pytest.approx(errors, rel=1e-9)


@pytest.mark.parametrize("batch", [1, 8])
def test_estimates_are_unbiased_and_their_errors_right_on_linear_regression(batch: int) -> None:
    """Over 200 draws of the data the mean meets the closed form within 4 standard errors; 1.3: the scatter of a standard deviation
    estimated from batches, whose distribution has heavy tails."""
    square = 0.6**2 + 0.3**2 + 0.2**2
    trace = 4 * square + 3 * NOISE**2
    found = [noise_of(regression(160, seed)[2], batch=batch) for seed in range(200)]
    for name, truth in (("trace", trace), ("square", square)):
        values = np.array([getattr(noise, name) for noise in found])
        errors = np.array([getattr(noise, f"{name}_error") for noise in found])
        assert abs(values.mean() - truth) < 4 * values.std(ddof=1) / math.sqrt(200)
        assert 1 / 1.3 < math.sqrt((errors**2).mean()) / values.std(ddof=1) < 1.3


def test_layers_add_up_to_all_parameters() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x = torch.randn(40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    split = Split("train", x, x[:, :1].sin(), 40)
    whole, layers = finish(
        gradient_noise(Objective(module, Layout.from_module(module), split, HALF_SQUARES, precision="float64"), batch=4, seed=3)
    )
    assert len(layers) == 2
    assert sum(layer.trace for layer in layers) == pytest.approx(whole.trace, rel=1e-12)
    assert sum(layer.square for layer in layers) == pytest.approx(whole.square, rel=1e-12)


def test_at_the_minimum_the_scale_is_only_known_to_be_large() -> None:
    x, t, objective = regression(60, 2)
    least = torch.linalg.lstsq(x, t).solution.reshape(-1)
    found = noise_of(objective, at=least)
    assert not found.resolved and found.square < 0
    assert found.least > 60 / 4  # the mean's own noise, trace/60, bounds what is left of the square from above


def test_which_batch_and_what_is_refused() -> None:
    assert (batch_for(2048), batch_for(2049), batch_for(10, 5)) == (1, 32, 5)
    with pytest.raises(ProblemError, match="10 examples make 1 batch of 6"):
        noise_of(regression(10, 0)[2], batch=6)
