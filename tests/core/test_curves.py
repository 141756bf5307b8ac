"""Paths by control points: identity 16, partitions of one, lengths against closed forms, and what Evaluators are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from networks import EXAMPLES, vectors
from scipy.integrate import quad
from scipy.special import comb
from test_evaluate import finish
from torch import Tensor, nn

from landscape_gui.core.curves import Curve, bernstein, combine, on_the_chord
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import CROSS_ENTROPY, MSE
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

PLACES = np.linspace(-0.3, 1.3, 33)
CURVES = [("line", 2, ()), ("bezier", 3, ()), ("bezier", 6, ()), ("chain", 4, ()), ("chain", 4, (0.0, 0.1, 0.75, 1.0))]


def points(count: int, size: int = 50, *, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(count, size, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def curves(dtype: torch.dtype = torch.float64) -> list[Any]:
    return [
        pytest.param(Curve(kind, points(count, dtype=dtype), places), id=f"{kind} {count} {places or ''}")  # type: ignore[arg-type]
        for kind, count, places in CURVES
    ]


@pytest.mark.parametrize("curve", curves(torch.float32))
def test_the_ends_are_met_to_the_bit(curve: Curve) -> None:
    assert torch.equal(curve.at(0.0), curve.points[0])
    assert torch.equal(curve.at(1.0), curve.points[-1])
    assert torch.equal(curve.at(-0.0), curve.points[0])


@pytest.mark.parametrize("curve", curves(torch.float32))
def test_the_corners_of_a_chain_are_met_to_the_bit(curve: Curve) -> None:
    if curve.kind == "chain":
        for place, point in zip(curve.knots, curve.points, strict=True):
            assert torch.equal(curve.at(place), point)


@pytest.mark.parametrize("curve", curves())
def test_weights_sum_to_one_and_slopes_to_zero_also_beyond_the_ends(curve: Curve) -> None:
    np.testing.assert_allclose(curve.weights(PLACES).sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(curve.slopes(PLACES).sum(1), 0, atol=1e-12)
    inside = curve.weights(np.linspace(0, 1, 41))
    assert (inside >= 0).all() and (inside <= 1).all()


@pytest.mark.parametrize("curve", curves())
def test_slopes_are_the_derivative_of_the_weights(curve: Curve) -> None:
    t, h = np.array([-0.21, 0.05, 0.31, 0.62, 0.93, 1.17]), 1e-6
    central = (curve.weights(t + h) - curve.weights(t - h)) / (2 * h)
    np.testing.assert_allclose(curve.slopes(t), central, atol=1e-8)


def test_bernsteins_polynomials_are_those_of_many_bends() -> None:
    """Where binomial coefficients no longer fit 64 bits."""
    t = np.array([0.0, 0.2, 0.5, 1.0])
    expected = np.stack([comb(101, j) * t**j * (1 - t) ** (101 - j) for j in range(102)], 1)
    np.testing.assert_allclose(bernstein(101, t), expected, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(bernstein(101, t).sum(1), 1, rtol=1e-12)


@pytest.mark.parametrize("kind", ["bezier", "chain"])
@pytest.mark.parametrize("bends", [1, 2, 5])
def test_bends_on_the_chord_give_the_line(kind: Any, bends: int) -> None:
    a, b = points(2)
    curve, line = Curve(kind, on_the_chord(a, b, bends)), Curve("line", torch.stack([a, b]))
    assert torch.equal(curve.points[0], a) and torch.equal(curve.points[-1], b)
    for t in PLACES:
        torch.testing.assert_close(curve.at(t), a + t * (b - a), rtol=0, atol=1e-13)
        torch.testing.assert_close(curve.at(t), line.at(t), rtol=0, atol=1e-13)
    assert curve.length == pytest.approx(float((b - a).norm()), rel=1e-12)
    np.testing.assert_allclose(curve.lengths(PLACES), PLACES * float((b - a).norm()), atol=1e-11)


def test_a_combination_takes_no_part_of_a_point_of_weight_zero() -> None:
    """An infinity there would give NaN."""
    held = torch.tensor([[1.0, 2.0], [float("inf"), float("nan")], [3.0, 5.0]])
    assert combine(held, (1.0, 0.0, 0.0)).tolist() == [1.0, 2.0]
    assert combine(held, (0.5, 0.0, 0.5)).tolist() == [2.0, 3.5]
    assert combine(held, (0.0, 0.0, 0.0)).tolist() == [0.0, 0.0]
    out = torch.full((2,), 9.0)
    assert combine(held, (0.0, 0.0, 2.0), out=out) is out and out.tolist() == [6.0, 10.0]


@pytest.mark.parametrize("bends", [1, 2, 4])
def test_the_length_of_a_bezier_curve_is_the_integral_of_its_speed(bends: int) -> None:
    curve = Curve("bezier", points(bends + 2, 7, seed=bends))
    held = curve.points.numpy()

    def speed(t: float) -> float:
        degree = bends + 1
        steps = np.diff(held, axis=0)
        return float(
            np.linalg.norm(sum(degree * comb(degree - 1, j) * t**j * (1 - t) ** (degree - 1 - j) * steps[j] for j in range(degree)))
        )

    np.testing.assert_allclose(curve.speed([0.0, 0.3, 1.2]), [speed(0.0), speed(0.3), speed(1.2)], rtol=1e-12)
    for t in (0.25, 1.0, 1.3):
        assert curve.lengths(t)[0] == pytest.approx(quad(speed, 0, t, epsabs=1e-12)[0], rel=1e-9)
    assert curve.lengths(-0.4)[0] == pytest.approx(-quad(speed, -0.4, 0)[0], rel=1e-9)
    assert curve.length == pytest.approx(quad(speed, 0, 1, epsabs=1e-12)[0], rel=1e-9)


def test_a_quarter_of_a_circle() -> None:
    """The cubic that replaces one everywhere is off by 2.7e-4 of its radius at most."""
    k = 4 * (2**0.5 - 1) / 3
    curve = Curve("bezier", torch.tensor([[1.0, 0.0], [1.0, k], [k, 1.0], [0.0, 1.0]], dtype=torch.float64))
    radii = [float(curve.at(t).norm()) for t in np.linspace(0, 1, 21)]
    assert max(abs(r - 1) for r in radii) < 2.8e-4
    assert curve.length == pytest.approx(np.pi / 2, rel=3e-4)
    assert curve.lengths(0.5)[0] == pytest.approx(curve.length / 2, rel=1e-12)


def test_a_parabola_has_the_length_of_its_closed_form() -> None:
    """(0, 0), (1, 0), (2, h): y = h x^2 / 4 up to x = 2."""
    h = 3.0
    curve = Curve("bezier", torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, h]], dtype=torch.float64))
    assert curve.length == pytest.approx((np.sqrt(1 + h**2) + np.arcsinh(h) / h), rel=1e-12)


def test_a_chain_is_as_long_as_its_sides() -> None:
    curve = Curve("chain", torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 16.0]]), (0.0, 0.2, 1.0))
    assert curve.length == 17.0
    np.testing.assert_allclose(curve.lengths([-0.2, 0.0, 0.1, 0.2, 0.6, 1.0, 1.4]), [-5, 0, 2.5, 5, 11, 17, 23], rtol=1e-12)
    np.testing.assert_allclose(curve.speed([0.1, 0.2, 0.9]), [25, 15, 15], rtol=1e-12)


@pytest.mark.parametrize("curve", curves())
def test_evaluators_are_given_every_place_once(curve: Curve) -> None:
    stretches = curve.stretches(PLACES)
    found: dict[int, Tensor] = {}
    for stretch in stretches:
        for chosen, row in zip(stretch.chosen, stretch.coordinates, strict=True):
            assert int(chosen) not in found
            found[int(chosen)] = stretch.origin + sum(c * axis for c, axis in zip(row.tolist(), stretch.axes, strict=True))
    assert sorted(found) == list(range(len(PLACES)))
    for k, t in enumerate(PLACES):
        torch.testing.assert_close(found[k], curve.at(t), rtol=0, atol=1e-12)
    assert len(stretches) == (1 if curve.kind != "chain" else len(curve.points) - 1)


@pytest.mark.parametrize("head", [CROSS_ENTROPY, MSE], ids=["softmax", "squares"])
def test_a_convex_loss_lies_below_the_line_between_its_ends(head: Any) -> None:
    """Identity 16: the barrier by the second definition is at most 0; and strictly convex losses lie strictly below."""
    torch.manual_seed(0)
    module, inputs = nn.Linear(12, 5).double(), vectors().double()
    targets = torch.arange(EXAMPLES) % 5 if head is CROSS_ENTROPY else torch.randn(EXAMPLES, 5).double()
    layout = Layout.from_module(module)
    ends = 3 * points(2, layout.size)
    t = np.linspace(0, 1, 21)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], head, precision="float64", tier="exact")
    (stretch,) = Curve("line", ends).stretches(t)
    losses = finish(evaluator.evaluate(stretch.origin, stretch.axes, stretch.coordinates)).mean["train_loss"]
    above = losses - ((1 - t) * losses[0] + t * losses[-1])
    assert above.max() <= 1e-12 * losses.max()
    assert (above[1:-1] < -1e-3).all()


@pytest.mark.parametrize(
    ("kind", "shape", "places"),
    [
        ("line", (3, 4), ()),
        ("bezier", (1, 4), ()),
        ("chain", (4,), ()),
        ("chain", (3, 4), (0.0, 1.0)),
        ("chain", (3, 4), (0.0, 0.0, 1.0)),
        ("chain", (3, 4), (0.0, 0.5, 0.9)),
        ("chain", (3, 4), (0.1, 0.5, 1.0)),
    ],
)
def test_what_is_no_path_is_refused(kind: Any, shape: tuple[int, ...], places: tuple[float, ...]) -> None:
    with pytest.raises(ProblemError):
        Curve(kind, torch.zeros(shape), places)
