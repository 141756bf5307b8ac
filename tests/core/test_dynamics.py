"""Stability limits against the optimisers themselves on quadratics, directional sharpness and LGDI against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from landscape_gui.core.dynamics import directional_sharpness, lgdi, sam_limit, stability_limit, stability_ratio

METHODS = (
    {},
    {"momentum": 0.9},
    {"momentum": 0.5},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.5, "nesterov": True},
    {"momentum": 0.9, "dampening": 0.5},
    {"weight_decay": 0.3},
    {"momentum": 0.9, "weight_decay": 0.3},
)


def farthest(curvature: float, lr: float, steps: int = 400, **options: float) -> float:
    """|w| after so many steps of torch's SGD on curvature w^2/2 from w = 1."""
    w = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([w], lr=lr, **options)  # type: ignore[arg-type]
    for _ in range(steps):
        optimiser.zero_grad()
        (curvature * w.square() / 2).sum().backward()
        optimiser.step()
    return abs(w.item())


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_a_quadratic_diverges_just_above_the_limit_and_not_just_below(options: dict[str, float]) -> None:
    """Identity 14. 1 % to either side: plain descent, the slowest, then has the factor 0.98 or 1.02 a step."""
    limit = stability_limit(0.05, **options)  # type: ignore[arg-type]
    assert farthest(0.99 * limit, 0.05, **options) < 0.1
    assert farthest(1.01 * limit, 0.05, **options) > 10


def test_the_limits_are_those_of_the_papers() -> None:
    assert stability_limit(0.1) == pytest.approx(20)
    assert stability_limit(0.1, momentum=0.9) == pytest.approx(38)
    assert stability_limit(0.1, momentum=0.9, nesterov=True) == pytest.approx(38 / 2.8)
    assert stability_limit(0.0) == math.inf
    assert stability_ratio(0.1, stability_limit(0.1)) == pytest.approx(2)


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.5])
def test_sam_along_an_eigenvector_turns_back_on_itself_just_at_its_limit(rho: float) -> None:
    """On curvature a w^2/2 SAM's step from w is lr (a w + a rho a w/|a w|); at its limit it ends at -w, exactly as far away."""
    lr, w = 0.1, 0.3
    curvature = 3.0  # the limit depends on the gradient, and this on the limit: settle by going round
    for _ in range(200):
        curvature = sam_limit(lr, rho, curvature * w)
    if rho == 0:
        curvature = 2 / lr
    ahead = w + rho
    assert w - lr * curvature * ahead == pytest.approx(-w, rel=1e-9)
    assert sam_limit(lr, rho, 0.5) <= stability_limit(lr)


class Slope:
    """<g, d> + <d, A d>/2 around its origin, in float64."""

    def __init__(self, matrix: Tensor, slope: Tensor) -> None:
        self.matrix, self.slope, self.size, self.examples = matrix, slope, len(matrix), 1
        self.origin = torch.linspace(-1, 1, self.size, dtype=torch.float64)

    def loss(self, at: Tensor | None = None) -> float:
        d = torch.zeros_like(self.origin) if at is None else at - self.origin
        return float(self.slope @ d + d @ self.matrix @ d / 2)

    def loss_and_gradient(self, at: Tensor | None = None) -> tuple[float, Tensor]:
        raise NotImplementedError


def test_directional_sharpness_of_a_multiple_of_the_identity_is_exact_however_steep_the_slope() -> None:
    """r^2 <u, c u>/2 = r^2 c/2 for every unit vector; a slope of 1e3 leaves rounding of 1e3 r in each of two losses."""
    bowl = Slope(3.0 * torch.eye(7, dtype=torch.float64), torch.full((7,), 1e3, dtype=torch.float64))
    found = directional_sharpness(bowl, radius=0.2, pairs=6)
    assert found.samples == pytest.approx([0.06] * 6, abs=1e-10)
    away = bowl.origin + 1.0
    assert directional_sharpness(bowl, at=away, radius=0.2).value == pytest.approx(0.06, abs=1e-9)


def test_directional_sharpness_is_the_trace_over_the_parameters_within_its_error() -> None:
    matrix = torch.diag(torch.linspace(0, 5, 40, dtype=torch.float64))
    found = directional_sharpness(Slope(matrix, torch.ones(40, dtype=torch.float64)), radius=0.1, pairs=400, seed=3)
    assert abs(found.value - 0.1**2 * float(matrix.trace()) / 80) < 4 * found.standard_error
    again = directional_sharpness(Slope(matrix, torch.ones(40, dtype=torch.float64)), radius=0.1, pairs=400, seed=3)
    assert (found.samples == again.samples).all()


def test_lgdi_is_a_half_at_the_edge_of_stability_whatever_the_gradient() -> None:
    for slope in (1e-3, 1.0, 50.0):
        assert lgdi(0.1, stability_limit(0.1), slope, 0.0) == pytest.approx(0.5)


def test_lgdi_goes_from_0_to_1_and_grows_with_curvature_and_roughness_and_falls_with_the_slope() -> None:
    assert lgdi(0.1, 0.0, 1.0, 0.0) == 0 == lgdi(0.1, -4.0, 1.0, -0.2)
    assert lgdi(0.1, 7.0, 0.0, 1e-9) == 1
    values = [lgdi(0.1, curvature, 1.0, 0.01) for curvature in (0.0, 1.0, 10.0, 100.0)]
    assert values == sorted(values) and len(set(values)) == 4
    assert lgdi(0.1, 5.0, 1.0, 0.02) > lgdi(0.1, 5.0, 1.0, 0.01) > lgdi(0.1, 5.0, 2.0, 0.01)
    assert lgdi(0.1, 5.0, 1.0, 0.02) == pytest.approx((0.025 + 0.02) / (0.1 + 0.025 + 0.02))


def test_lgdi_is_nan_where_nothing_is_known_and_one_where_the_curvature_is_boundless() -> None:
    assert (
        math.isnan(lgdi(0.1, math.nan, 1.0, 0.1)) and math.isnan(lgdi(0.1, 0.0, 0.0, 0.0)) and math.isnan(lgdi(0.1, 1, math.inf, 0))
    )
    assert lgdi(0.1, math.inf, 1.0, 0.1) == 1
