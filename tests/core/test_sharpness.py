"""Sharpness against closed forms: quadratics with known maximisers, Dinh's rescaling, Keskar's own optimiser."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

from landscape_gui.core import sharpness
from landscape_gui.core.ascent import Ball, Box, krylov, starts_within, trust_region_point, widened, worst_case
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.objective import Objective
from landscape_gui.core.operators import Hessian
from landscape_gui.core.splits import Split
from landscape_gui.core.student import student_quantile
from landscape_gui.core.vector import Layout


def finish(steps: Generator[float, None, Any]) -> Any:
    while True:
        try:
            fraction = next(steps)
            assert 0 <= fraction <= 1
        except StopIteration as stop:
            return stop.value


class Quadratic:
    """0.7 + <g, d> + <d, A d>/2 around `origin`, in float64."""

    def __init__(self, matrix: Tensor, slope: Tensor | None = None) -> None:
        self.matrix = matrix
        self.size = len(matrix)
        self.slope = torch.zeros(self.size, dtype=torch.float64) if slope is None else slope
        self.origin = torch.linspace(-1, 1, self.size, dtype=torch.float64)

    def loss(self, at: Tensor | None = None) -> float:
        d = torch.zeros_like(self.origin) if at is None else at - self.origin
        return 0.7 + float(self.slope @ d + d @ self.matrix @ d / 2)

    def gradient(self, at: Tensor | None = None) -> Tensor:
        d = torch.zeros_like(self.origin) if at is None else at - self.origin
        return self.slope + self.matrix @ d

    def loss_and_gradient(self, at: Tensor | None = None) -> tuple[float, Tensor]:
        return self.loss(at), self.gradient(at)

    def apply(self, block: Tensor) -> Tensor:
        return block @ self.matrix


def symmetric(values: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(len(values), len(values), generator=generator, dtype=torch.float64))[0]
    return basis @ torch.diag(values) @ basis.T


def exact_maximum(problem: Quadratic, radius: float) -> float:
    """max <g, d> + <d, A d>/2 on the sphere by the secular equation over the whole spectrum, with the hard case left out."""
    values, vectors = torch.linalg.eigh(problem.matrix)
    slope = vectors.T @ problem.slope
    top = float(values[-1])
    low, high = top, top + float(slope.norm()) / radius
    for _ in range(300):
        middle = (low + high) / 2
        low, high = (middle, high) if float((slope / (middle - values)).norm()) > radius else (low, middle)
    d = slope / (high - values)
    return float(slope @ d + (values * d * d).sum() / 2)


# ------------------------------------------------------------------------------------------------------- worst case on quadratics


@pytest.mark.parametrize("seed", range(5))
def test_from_a_minimum_the_worst_case_is_half_the_radius_squared_times_lambda_max(seed: int) -> None:
    problem = Quadratic(symmetric(torch.linspace(0, 3, 40, dtype=torch.float64), seed))
    leading = torch.linalg.eigh(problem.matrix)[1][:, -1]
    found = finish(worst_case(problem, Ball(0.3), starts_within(Ball(0.3), None, leading)))
    assert found.rise == pytest.approx(0.3**2 * 3 / 2, rel=1e-12)  # identity 13
    assert found.rise == pytest.approx(problem.loss(problem.origin + found.displacement) - problem.loss(), rel=1e-12)


@pytest.mark.parametrize("radius", [0.01, 0.3, 10.0])
@pytest.mark.parametrize("steps", [6, 12])  # of the Krylov space: as the question takes, and as by default
@pytest.mark.parametrize("seed", range(6))
def test_away_from_a_minimum_it_is_at_least_0_9999_of_the_exact_value(seed: int, radius: float, steps: int) -> None:
    """Indefinite curvature with the largest magnitude below zero, where plain Frank-Wolfe steps would swing to and fro."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(80, generator=generator, dtype=torch.float64) ** 3
    problem = Quadratic(symmetric(values - 1, seed), torch.randn(80, generator=generator, dtype=torch.float64))
    space = finish(krylov(lambda v: problem.apply(v[None])[0], problem.gradient(), steps))
    eigenvalues, eigenvectors = torch.linalg.eigh(problem.matrix)
    starts = starts_within(Ball(radius), space, eigenvectors[:, -1], float(eigenvalues[-1]))
    found = finish(worst_case(problem, Ball(radius), starts))
    exact = exact_maximum(problem, radius)
    assert found.converged
    assert 0.9999 * exact <= found.rise <= exact * (1 + 1e-12)
    assert float(found.displacement.norm()) <= radius * (1 + 1e-12)


def test_a_krylov_space_is_widened_by_an_eigenvector_without_a_product() -> None:
    problem = Quadratic(symmetric(torch.linspace(-2, 3, 30, dtype=torch.float64), 3), torch.ones(30, dtype=torch.float64))
    space = finish(krylov(lambda v: problem.apply(v[None])[0], problem.gradient(), 5))
    values, vectors = torch.linalg.eigh(problem.matrix)
    wide = widened(space, vectors[:, -1], float(values[-1]))
    torch.testing.assert_close(wide.basis @ wide.basis.T, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(torch.from_numpy(wide.projected), wide.basis @ problem.matrix @ wide.basis.T, rtol=0, atol=1e-12)
    assert widened(wide, vectors[:, -1], float(values[-1])) is wide


def test_where_the_loss_curves_down_everywhere_the_models_maximum_lies_inside() -> None:
    slope = torch.zeros(5, dtype=torch.float64)
    slope[1] = 0.1
    problem = Quadratic(-2 * torch.eye(5, dtype=torch.float64), slope)
    space = finish(krylov(lambda v: problem.apply(v[None])[0], problem.gradient()))
    torch.testing.assert_close(trust_region_point(space, 1.0), slope / 2, rtol=1e-12, atol=0)
    found = finish(worst_case(problem, Ball(1.0), starts_within(Ball(1.0), space, None)))
    assert found.rise == pytest.approx(0.1**2 / (2 * 2), rel=1e-9)


def test_the_start_that_is_lowest_at_first_wins_where_its_first_step_is_the_highest() -> None:
    """As on a residual network, where the side of the leading eigenvector that began lower ended a seventh above the others."""

    class Cliff(Quadratic):
        """A hill on the negative side of the second axis, behind a dip."""

        def hill(self, d: Tensor) -> Tensor:
            return 40 * torch.relu(-d[1] - 0.5) ** 2

        def loss(self, at: Tensor | None = None) -> float:
            d = torch.zeros_like(self.origin) if at is None else at - self.origin
            return super().loss(at) + float(self.hill(d))

        def gradient(self, at: Tensor | None = None) -> Tensor:
            d = torch.zeros_like(self.origin) if at is None else at - self.origin
            found = super().gradient(at)
            found[1] += -80 * torch.relu(-d[1] - 0.5)
            return found

    slope = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    cliff = Cliff(torch.diag(torch.tensor([3.0, 1.0, 0.1], dtype=torch.float64)), slope)
    low = torch.tensor([0.8, -0.6, 0.0], dtype=torch.float64)
    starts = {"high": torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64), "low": low}
    found = finish(worst_case(cliff, Ball(1.0), starts))
    assert found.start == "low" and found.rise > 9 and found.converged
    assert finish(worst_case(cliff, Ball(1.0), {"high": starts["high"]})).rise < 2.1


def test_ascents_say_when_their_steps_ran_out_and_starts_that_agree_count_once() -> None:
    problem = Quadratic(symmetric(torch.linspace(0, 3, 40, dtype=torch.float64), 1), torch.ones(40, dtype=torch.float64))
    short, whole = (finish(worst_case(problem, Ball(0.3), steps=k, tolerance=1e-12)) for k in (2, 400))
    assert not short.converged and short.steps == 2 and whole.converged and short.rise < whole.rise
    start = torch.linspace(1, 2, 40, dtype=torch.float64)
    twice = finish(worst_case(problem, Ball(0.3), {"one": start / start.norm() * 0.3, "the same": start / start.norm() * 0.29}))
    assert set(twice.starts) == {"centre", "one"}
    alone = finish(worst_case(problem, Ball(0.3), {"one": start / start.norm() * 0.3}, from_centre=False))
    assert set(alone.starts) == {"one"} and alone.evaluations < twice.evaluations


def test_a_step_that_lowers_the_loss_is_halved() -> None:
    """The first step lands where the curvature of -10 has eaten up the slope; a shorter one gains."""
    problem = Quadratic(torch.diag(torch.tensor([-10.0, 1.0], dtype=torch.float64)), torch.tensor([1.0, 0.5], dtype=torch.float64))
    found = finish(worst_case(problem, Ball(1.0), steps=100, tolerance=1e-9))
    assert 0 < found.rise <= exact_maximum(problem, 1.0)  # the full step alone would lose 2.8


def test_a_flat_place_has_no_worst_case_and_a_diverging_one_an_infinite_one() -> None:
    flat = Quadratic(torch.zeros(4, 4, dtype=torch.float64))
    assert finish(krylov(lambda v: flat.apply(v[None])[0], flat.gradient())) is None
    assert finish(worst_case(flat, Ball(1.0))).rise == 0

    class Wall(Quadratic):
        def loss(self, at: Tensor | None = None) -> float:
            return math.inf if at is not None and float((at - self.origin).norm()) > 0.5 else super().loss(at)

    wall = Wall(torch.eye(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64))
    assert finish(worst_case(wall, Ball(1.0))).rise == math.inf


# ------------------------------------------------------------------------------------------------------------------- averages


def test_the_gaussian_average_is_sigma_squared_half_the_trace_and_its_interval_covers_it() -> None:
    problem = Quadratic(symmetric(torch.linspace(-0.5, 3, 30, dtype=torch.float64), 3), torch.ones(30, dtype=torch.float64))
    truth = 0.2**2 * float(problem.matrix.trace()) / 2  # identity 13
    covered = 0
    for seed in range(400):
        found = finish(sharpness.gaussian_average(problem, 0.2, pairs=8, seed=seed))
        covered += abs(found.value - truth) <= student_quantile(7) * found.standard_error
    # 95 % of 400, give or take four binomial standard deviations (1.1 %) and half a per cent for the sums of squares being skewed
    assert 0.90 <= covered / 400 <= 0.99


def test_antithetic_pairs_cancel_the_slope() -> None:
    """With a slope a thousand times the curvature, unpaired draws would be off by hundreds of standard errors of the pairs."""
    matrix = symmetric(torch.linspace(0, 1, 20, dtype=torch.float64), 0)
    steep = Quadratic(matrix, 1e3 * torch.ones(20, dtype=torch.float64))
    level = Quadratic(matrix)
    found, expected = (finish(sharpness.gaussian_average(p, 0.1, pairs=5, seed=4)) for p in (steep, level))
    np.testing.assert_allclose(found.samples, expected.samples, rtol=1e-9)  # float64 rounding of losses near 1e3


def test_the_best_random_direction_misses_the_worst_case_by_what_the_dimension_says() -> None:
    """One sharp direction of n: a random unit vector has 1/n of its square there, so that ten of them miss about n/4-fold."""
    values = torch.zeros(2_000, dtype=torch.float64)
    values[0] = 5.0
    problem = Quadratic(torch.diag(values))
    found = finish(sharpness.random_rises(problem, 0.1, directions=10, seed=1))
    exact = 0.1**2 * 5 / 2
    assert 100 < exact / found.maximum < 2_000
    assert found.value == pytest.approx(exact / 2_000, abs=4 * found.standard_error)


def test_on_a_quadratic_the_curvature_at_a_finite_radius_is_what_differentiation_sees() -> None:
    problem = Quadratic(symmetric(torch.linspace(-1, 3, 25, dtype=torch.float64), 1), torch.ones(25, dtype=torch.float64))
    rises = finish(sharpness.gaussian_average(problem, 0.3, pairs=6, seed=2))
    products, _ = finish(sharpness.curvature_samples(problem, problem.origin, pairs=6, seed=2))
    found = sharpness.finite_curvature(rises, 0.3, products)
    assert found.value == pytest.approx(1, abs=1e-12)
    assert found.standard_error < 1e-12


def test_eigenpairs_taken_out_of_the_traces_samples_leave_its_mean_and_less_scatter() -> None:
    values = torch.cat([torch.tensor([100.0, 50.0]), torch.linspace(-1, 1, 38)]).double()
    problem = Quadratic(symmetric(values, 5))
    found, vectors = torch.linalg.eigh(problem.matrix)
    pairs: dict[str, Any] = {"values": found[-2:].numpy(), "vectors": vectors[:, -2:].T}
    whole, rest = finish(sharpness.curvature_samples(problem, problem.origin, pairs=64, seed=0, **pairs))
    assert 150 + rest.value == pytest.approx(150, abs=4 * rest.standard_error)
    assert rest.standard_error < whole.standard_error / 10


# ------------------------------------------------------------------------------------------------------------ networks


def network(activation: type[nn.Module] = nn.ReLU) -> tuple[nn.Module, Split]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16, bias=False), activation(), nn.Linear(16, 4, bias=False))
    x = torch.randn(120, 6)
    y = (x @ torch.randn(6, 4) + 0.5 * torch.randn(120, 4)).argmax(1)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(100):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimiser.step()
    return net, Split("train", x, y, 120)


def objective_of(net: nn.Module, split: Split, precision: Any = "float64") -> Objective:
    net.requires_grad_(True)
    return Objective(net, Layout.from_module(net), split, CROSS_ENTROPY, precision=precision)


def worst(objective: Objective, scale: Tensor | None, radius: float) -> float:
    """Through the Krylov point and the leading eigenvector of the scaled Hessian, as the probe does."""
    from landscape_gui.core.ascent import Metric
    from landscape_gui.core.lanczos import eigenpairs

    operator = Metric(Hessian(objective), scale)
    run: Any = eigenpairs(operator, largest=1, tolerance=1e-8)
    while True:
        try:
            next(run)
        except StopIteration as stop:
            pairs = stop.value
            break
    gradient = objective.gradient() if scale is None else objective.gradient() * scale
    region = Ball(radius, scale)
    space = finish(krylov(lambda v: operator.apply(v[None])[0], gradient))
    return float(finish(worst_case(objective, region, starts_within(region, space, pairs.vectors[0]))).rise)


def test_dinhs_rescaling_moves_plain_sharpness_and_not_adaptive_sharpness() -> None:
    net, split = network()
    other = copy.deepcopy(net)
    with torch.no_grad():
        other[0].weight *= 10
        other[2].weight /= 10
    here, there = objective_of(net, split), objective_of(other, split)
    assert there.loss() == pytest.approx(here.loss(), rel=1e-7)  # weights rounded to float32 by the division
    assert worst(there, None, 0.05) > 5 * worst(here, None, 0.05)  # identity 7
    adaptive = [worst(o, sharpness.adaptive_ball(o.origin, 0.2).scale, 0.2) for o in (here, there)]
    # identity 8; the weights themselves differ by a float32 rounding, 6e-8, which the ascent multiplies
    assert adaptive[1] == pytest.approx(adaptive[0], rel=1e-5)


@pytest.mark.parametrize("epsilon", [5e-4, 1e-3, 0.05])
def test_keskars_box_is_climbed_at_least_as_high_as_by_ten_iterations_of_l_bfgs_b(epsilon: float) -> None:
    net, split = network(nn.Tanh)
    objective = objective_of(net, split)
    box = sharpness.keskar_box(objective.origin, epsilon)
    bounds = [(-h, h) for h in box.half.tolist()]
    at = objective.origin
    peer = minimize(
        lambda d: (-objective.loss(at + torch.from_numpy(d)), -objective.gradient(at + torch.from_numpy(d)).numpy()),
        np.zeros(objective.size), jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 10},
    )  # fmt: skip
    found = finish(worst_case(objective, box))
    assert found.rise >= (-peer.fun - objective.loss()) * (1 - 1e-9) > 0
    assert bool((found.displacement.abs() <= box.half * (1 + 1e-12)).all())
    assert sharpness.keskar_sharpness(found.rise, 0.25) == pytest.approx(80 * found.rise)


def test_m_sharpness_is_never_below_that_of_all_data_and_grows_as_groups_shrink() -> None:
    net, split = network()
    objective = objective_of(net, split)
    whole = finish(worst_case(objective, Ball(0.1)))
    found = {
        m: finish(sharpness.m_sharpness(objective, 0.1, m, batches=120, seed=3, start=whole.displacement)).value
        for m in (120, 40, 10, 1)
    }
    assert all(
        value >= whole.rise * (1 - 1e-9) for value in found.values()
    )  # the mean of maxima is no less than the maximum of means
    assert found[120] < found[40] < found[10] < found[1]


def test_rectified_networks_curve_more_at_a_small_finite_radius_than_differentiation_sees() -> None:
    found = {}
    for kind in (nn.ReLU, nn.Tanh):
        net, split = network(kind)
        objective = objective_of(net, split)
        rises = finish(sharpness.gaussian_average(objective, 0.02, pairs=40, seed=0))
        products, _ = finish(sharpness.curvature_samples(Hessian(objective), objective.origin, pairs=40, seed=0))
        found[kind] = sharpness.finite_curvature(rises, 0.02, products)
    assert found[nn.ReLU].value - 4 * found[nn.ReLU].standard_error > 1
    assert found[nn.Tanh].value == pytest.approx(1, abs=0.04)  # NUMERICS: within 4 per cent


def test_the_same_seed_gives_the_same_numbers_whatever_the_global_generator_does() -> None:
    net, split = network()
    objective = objective_of(net, split, "float32")

    def everything(seed: int) -> list[np.ndarray]:
        return [
            finish(sharpness.random_rises(objective, 0.1, directions=3, seed=seed)).samples,
            finish(sharpness.gaussian_average(objective, 0.01, pairs=3, seed=seed)).samples,
            finish(sharpness.m_sharpness(objective, 0.1, 30, seed=seed, steps=2)).samples,
        ]

    torch.manual_seed(1)
    first = everything(7)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    second = everything(7)
    assert torch.equal(before, torch.get_rng_state())
    for a, b, other in zip(first, second, everything(8), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, other)


def test_more_draws_go_on_from_fewer() -> None:
    net, split = network()
    objective = objective_of(net, split)
    few, many = (finish(sharpness.gaussian_average(objective, 0.01, pairs=k, seed=1)).samples for k in (3, 6))
    np.testing.assert_array_equal(few, many[:3])


def test_stopping_in_between_leaves_the_network_untouched() -> None:
    net, split = network()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    objective = objective_of(net, split)
    origin, loss = objective.origin.clone(), objective.loss()
    for steps in (
        worst_case(objective, Ball(0.5)),
        sharpness.gaussian_average(objective, 0.5, pairs=4),
        sharpness.random_rises(objective, 0.5),
        sharpness.m_sharpness(objective, 0.5, 20),
    ):
        for _ in range(3):
            next(steps)
        steps.close()
    assert torch.equal(objective.origin, origin)
    assert objective.loss() == loss
    assert all(torch.equal(net.state_dict()[name], tensor) for name, tensor in before.items())


def test_the_heuristic_is_plain_arithmetic() -> None:
    assert sharpness.heuristic(0.5, 200) == pytest.approx(0.05)
    assert sharpness.heuristic(-1e-9, 200) == 0.0
    assert isinstance(sharpness.keskar_box(torch.tensor([-3.0, 0.0]), 0.1), Box)
    torch.testing.assert_close(sharpness.keskar_box(torch.tensor([-3.0, 0.0]), 0.1).half, torch.tensor([0.4, 0.1]))
