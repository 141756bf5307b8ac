"""Products with the Hessians of real networks, all the way to eigenvalues, density, trace and sharpness, in float64."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from spectra import KINDS, dense_hessian, digits, eigenvalues, finish, trained
from torch import Tensor, nn

from landscape_gui.core import sharpness
from landscape_gui.core.ascent import Ball, Metric, worst_case
from landscape_gui.core.lanczos import eigenpairs
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.objective import Objective
from landscape_gui.core.operators import Hessian
from landscape_gui.core.quadrature import lanczos_quadrature
from landscape_gui.core.splits import Split
from landscape_gui.core.trace import trace
from landscape_gui.core.vector import Layout
from landscape_gui.density import measure, resolve_weights, wasserstein

TRUTH_ROUNDING = 1e-12
"""Relative to the largest eigenvalue: two ways of differentiating, and LAPACK."""


def objective_of(net: nn.Module, x: Tensor, y: Tensor) -> Objective:
    return Objective(net, Layout.from_module(net), Split("train", x, y, len(x)), CROSS_ENTROPY, precision="float64")


@pytest.mark.parametrize(("kind", "stage"), KINDS)
def test_from_the_network_to_its_spectrum(kind: str, stage: str) -> None:
    """Top ten to 1e-5 of the largest within their bounds, the density at 200 products, the trace within its interval: by products
    with the network itself, against the matrix written out by another route."""
    true = eigenvalues(kind, stage)
    operator = Hessian(objective_of(trained(kind, stage), *digits()))
    block = torch.randn(3, operator.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    products = operator.apply(block)
    assert torch.allclose(products, block @ dense_hessian(kind, stage), rtol=0, atol=1e-12 * float(products.abs().max()))
    for seed in range(2):
        found = finish(eigenpairs(operator, largest=10, seed=seed))
        off = np.abs(found.values - true[:10])
        assert found.converged.all() and off.max() <= 1e-5 * true[0]
        assert (off <= found.residuals + TRUTH_ROUNDING * true[0]).all()
    rule = finish(lanczos_quadrature(operator, probes=2, steps=100))
    weights = resolve_weights(rule.nodes, rule.weights, rule.residuals, np.zeros(0), n=len(true))
    places, masses = measure(rule.nodes, weights, np.zeros(0), n=len(true))
    assert wasserstein(places, masses, true, np.full(len(true), 1 / len(true))) <= 8e-4 * np.ptp(true)
    total = finish(trace(operator, budget=60))
    assert abs(total.value - true.sum()) <= 4 * total.standard_error


def rescaled(a: float) -> tuple[Objective, Objective]:
    """A trained ReLU network without biases, and the same function with its first layer a times as large and its second 1/a."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16, bias=False), nn.ReLU(), nn.Linear(16, 4, bias=False))
    x = torch.randn(120, 6)
    y = (x @ torch.randn(6, 4) + 0.5 * torch.randn(120, 4)).argmax(1)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(100):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimiser.step()
    other: Any = copy.deepcopy(net)
    with torch.no_grad():
        other[0].weight *= a
        other[2].weight /= a
    return objective_of(net, x, y), objective_of(other, x, y)


def test_dinhs_rescaling_leaves_the_function_and_scales_the_hessian_from_both_sides() -> None:
    """Identity 7: H' = D^-1 H D^-1. By a power of two, which rounds nothing."""
    here, there = rescaled(8.0)
    unit = torch.eye(here.size, dtype=torch.float64)
    scale = torch.cat([torch.full((96,), 8.0), torch.full((64,), 1 / 8)]).double()
    assert there.loss() == pytest.approx(here.loss(), rel=1e-14)
    before, after = Hessian(here).apply(unit), Hessian(there).apply(unit)
    expected = before / scale / scale[:, None]
    assert torch.allclose(after, expected, rtol=0, atol=1e-13 * float(expected.abs().max()))
    largest = [float(torch.linalg.eigvalsh((m + m.T) / 2)[-1]) for m in (before, after)]
    assert largest[1] > 10 * largest[0]


def test_adaptive_sharpness_with_the_exact_weights_is_left_alone_by_it() -> None:
    """Identity 8, and that the Hessian in the scaled coordinates, which the ascent starts from, is left alone too."""
    found, scaled = [], []
    for objective in rescaled(8.0):
        region = sharpness.adaptive_ball(objective.origin, 0.2)
        assert isinstance(region, Ball) and region.scale is not None
        assert torch.equal(region.scale, objective.origin.abs())
        scaled.append(Metric(Hessian(objective), region.scale).apply(torch.eye(objective.size, dtype=torch.float64)))
        found.append(finish(worst_case(objective, region)).rise)
    assert torch.allclose(scaled[0], scaled[1], rtol=0, atol=1e-14 * float(scaled[0].abs().max()))
    assert found[1] == pytest.approx(found[0], rel=1e-13) and found[0] > 0
