"""A recipe's schedule and length, and the optimiser that torch does not have."""

from __future__ import annotations

import pytest
import torch

from landscape_gui.errors import QuestionError
from landscape_gui.training.optimisers import SAM
from landscape_gui.training.recipe import PIECES, SCHEDULES, Recipe


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_begin_at_the_rate_and_never_exceed_it(schedule: str) -> None:
    recipe = Recipe(schedule=schedule, lr=0.4)
    rates = [recipe.rate(k / 100) for k in range(100)]
    assert rates[0] == pytest.approx(0.4) and max(rates) <= 0.4 + 1e-12 and rates == sorted(rates, reverse=True)


def test_rates_at_known_places() -> None:
    assert Recipe(schedule="cosine", lr=0.4).rate(0.5) == pytest.approx(0.2)
    assert Recipe(schedule="linear", lr=0.4).rate(0.75) == pytest.approx(0.1)
    assert Recipe(schedule="step", lr=0.4).rate(0.8) == pytest.approx(0.04)
    warm = Recipe(schedule="cosine", lr=0.4, warmup=0.2)
    assert [warm.rate(t) for t in (0.0, 0.1, 0.2, 0.6)] == pytest.approx([0.0, 0.2, 0.4, 0.2])


def test_how_long_a_training_is() -> None:
    assert Recipe(batch=64).batches(1437) == 23 and Recipe(batch=0).batches(1437) == 1
    assert Recipe(batch=64, steps=50).length(1437) == 3
    assert Recipe(epochs=10).stride(100) == 1 and Recipe(epochs=4001).stride(100) == -(-4001 // PIECES)
    assert Recipe(epochs=4001, every=7).stride(100) == 7


@pytest.mark.parametrize(
    "wrong", [{"lr": float("nan")}, {"family": "rnn"}, {"momentum": 1.0}, {"epochs": 0}, {"hidden": (8, 0)}, {"rho": -1.0}]
)
def test_what_makes_no_recipe(wrong: dict[str, object]) -> None:
    with pytest.raises(QuestionError) as caught:
        Recipe(**wrong)  # type: ignore[arg-type]
    assert caught.value.remedy


def test_sam_on_a_quadratic_descends_along_the_gradient_at_the_worst_place() -> None:
    """w^2/2 + 3 v^2/2 from (2, 1): g = (2, 3), e = rho g/||g||, and the step goes along H (w + e)."""
    w = torch.tensor([2.0, 1.0], dtype=torch.float64, requires_grad=True)
    curvature = torch.tensor([1.0, 3.0], dtype=torch.float64)
    sam = SAM([w], rho=0.5, lr=0.1)
    for phase in range(2):
        sam.zero_grad()
        (curvature * w.square() / 2).sum().backward()
        if phase == 0:
            sam.ascend()
    sam.step()
    start = torch.tensor([2.0, 1.0], dtype=torch.float64)
    slope = curvature * start
    expected = start - 0.1 * curvature * (start + 0.5 * slope / slope.norm())
    assert torch.allclose(w.detach(), expected, rtol=0, atol=1e-15)
    assert type(sam).__name__ == "SAM" and sam.param_groups[0]["rho"] == 0.5


def test_sam_stays_where_the_gradient_vanishes() -> None:
    w = torch.zeros(3, requires_grad=True)
    sam = SAM([w], rho=0.5, lr=0.1)
    w.square().sum().backward()
    sam.ascend()
    assert torch.equal(w.detach(), torch.zeros(3))
