"""Stochastic Lanczos quadrature: weights, moments, continuing to the bit, and how near the density is to the truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from spectra import KINDS, Diagonal, RowByRow, eigenvalues, finish

from landscape_gui.core.krylov import gaussian
from landscape_gui.core.lanczos import eigenpairs
from landscape_gui.core.quadrature import Quadrature, lanczos_quadrature
from landscape_gui.density import density, measure, resolve_weights, wasserstein
from landscape_gui.errors import ProblemError, QuestionError


def matrix(n: int = 120) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    a = torch.randn(n, n, generator=generator, dtype=torch.float64)
    return (a + a.T) / (8 * n) ** 0.5  # a norm of about 1, so that powers neither grow nor vanish


def same(a: Quadrature, b: Quadrature) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in ("nodes", "weights", "residuals", "alpha")
    )


def test_weights_sum_to_one_and_reproduce_moments_up_to_2m_minus_1() -> None:
    """Identity 11: v^T A^k v for k up to 2m - 1, and not 2m."""
    operator = RowByRow(matrix())
    found = finish(lanczos_quadrature(operator, probes=2, steps=6, seed=4))
    assert found.weights.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-14)
    for probe in range(2):
        v = gaussian(operator, seed=4, index=probe)
        v, w = v / v.norm(), v / v.norm()
        off = []
        for power in range(13):
            off.append(abs(float(v @ w) - float(found.weights[probe] @ found.nodes[probe] ** power)))
            w = operator.matrix @ w
        assert max(off[:12]) < 1e-14
        assert off[12] > 1e-6


@pytest.mark.parametrize("deflated", [0, 3])
def test_more_probes_and_steps_continue_equal_to_the_bit(deflated: int) -> None:
    operator = RowByRow(matrix())
    deflate = finish(eigenpairs(operator, largest=deflated)).vectors if deflated else None
    whole = finish(lanczos_quadrature(operator, probes=5, steps=12, seed=1, deflate=deflate))
    part = finish(lanczos_quadrature(operator, probes=3, steps=7, seed=1, deflate=deflate))
    more = finish(lanczos_quadrature(operator, probes=5, steps=12, seed=1, deflate=deflate, start=part))
    assert same(more, whole)
    assert more.products == 60 - 21
    late = finish(lanczos_quadrature(operator, probes=2, steps=12, seed=1, deflate=deflate, first=3))
    assert np.array_equal(late.nodes, whole.nodes[3:])


def test_what_was_stored_without_its_bases_is_used_as_far_as_it_goes() -> None:
    operator = RowByRow(matrix())
    part = dataclasses.replace(finish(lanczos_quadrature(operator, probes=2, steps=7)), chains=())
    more = finish(lanczos_quadrature(operator, probes=4, steps=7, start=part))
    assert more.products == 14
    assert same(more, finish(lanczos_quadrature(operator, probes=4, steps=7)))
    longer = finish(lanczos_quadrature(operator, probes=2, steps=9, start=part))
    assert longer.products == 18 and same(longer, finish(lanczos_quadrature(operator, probes=2, steps=9)))
    with pytest.raises(QuestionError, match="another question"):
        finish(lanczos_quadrature(operator, probes=2, steps=7, seed=9, start=part))


def test_deflated_eigenvectors_are_gone_from_the_probes() -> None:
    values = torch.cat([torch.tensor([8.0, 6.0]), torch.linspace(-1, 1, 300)]).double()
    pairs = finish(eigenpairs(Diagonal(values), largest=2))
    found = finish(lanczos_quadrature(Diagonal(values), probes=2, steps=40, deflate=pairs.vectors))
    assert found.nodes.max() <= 1 + 1e-9 and found.deflated == 2


def test_closed_spaces_and_few_parameters() -> None:
    identity = finish(lanczos_quadrature(Diagonal(torch.ones(40).double()), probes=3, steps=10))
    assert identity.nodes == pytest.approx(np.ones((3, 1))) and identity.weights == pytest.approx(np.ones((3, 1)))
    zero = finish(lanczos_quadrature(Diagonal(torch.zeros(40)), probes=1, steps=10))
    assert zero.nodes == pytest.approx(np.zeros((1, 1)))
    few = finish(lanczos_quadrature(Diagonal(torch.tensor([1.0, 2.0, 4.0]).double()), probes=2, steps=40))
    assert few.nodes == pytest.approx(np.array([[1, 2, 4], [1, 2, 4]]), abs=1e-12)
    single = finish(lanczos_quadrature(Diagonal(torch.tensor([5.0])), probes=1, steps=40))
    assert single.nodes == pytest.approx(np.array([[5.0]]))
    with pytest.raises(QuestionError, match="at least one probe"):
        finish(lanczos_quadrature(Diagonal(torch.ones(3)), probes=0, steps=4))
    with pytest.raises(ProblemError, match="not finite"):
        finish(lanczos_quadrature(Diagonal(torch.tensor([1.0, float("inf")])), probes=1, steps=2))


def test_progress_has_a_picture_to_show_and_little_memory_a_note() -> None:
    run = lanczos_quadrature(RowByRow(matrix()), probes=2, steps=8)
    first = next(run)
    assert first.most == 16 and first.so_far().nodes.shape == (2, 1)
    short = finish(lanczos_quadrature(RowByRow(matrix()), probes=2, steps=30, memory=120 * 8 * 12))
    assert short.steps == 10 and "10 of 30 Lanczos steps" in short.note
    lockstep = finish(lanczos_quadrature(RowByRow(matrix()), probes=3, steps=8, memory=120 * 8 * 12))
    assert same(lockstep, finish(lanczos_quadrature(RowByRow(matrix()), probes=3, steps=8)))


@pytest.mark.parametrize(("kind", "stage"), KINDS)
def test_the_density_is_near_the_truth(kind: str, stage: str) -> None:
    """Wasserstein distance over the range: at most 4e-4 at 1,000 products, 8e-4 at 200."""
    true = eigenvalues(kind, stage)
    operator, n = Diagonal(torch.tensor(true)), len(true)
    for budget, most, (top, bottom), probes in ((200, 8e-4, (0, 0), 2), (1_000, 4e-4, (60, 20), 6)):
        lines, deflate, spent = np.zeros(0), None, 0
        if top:
            pairs = finish(eigenpairs(operator, largest=top, smallest=bottom, tolerance=1e-4, check=1))
            assert pairs.vectors is not None
            lines, deflate, spent = pairs.values[pairs.converged], pairs.vectors[torch.tensor(pairs.converged)], pairs.products
        found = finish(lanczos_quadrature(operator, probes=probes, steps=(budget - spent) // probes, deflate=deflate))
        assert spent + found.products <= budget
        weights = resolve_weights(found.nodes, found.weights, found.residuals, lines, n=n)
        places, masses = measure(found.nodes, weights, lines, n=n)
        assert wasserstein(places, masses, true, np.full(n, 1 / n)) <= most * np.ptp(true)


@pytest.mark.parametrize(("kind", "stage"), KINDS)
def test_bands_cover_the_true_smoothed_density(kind: str, stage: str) -> None:
    """At least 90 % of the support's places, on average over repetitions, from explicitly deflated probes."""
    true = eigenvalues(kind, stage)
    operator, n = Diagonal(torch.tensor(true)), len(true)
    pairs = finish(eigenpairs(operator, largest=10, smallest=2, tolerance=1e-4))
    width, shares = 0.01 * np.ptp(true), []
    for repetition in range(12):
        found = finish(lanczos_quadrature(operator, probes=4, steps=60, seed=repetition, deflate=pairs.vectors))
        seen = density(found.nodes, found.weights, pairs.values, n=n, width=width)
        truth = np.exp(-0.5 * ((seen.x[:, None] - true) / width) ** 2).sum(axis=1) / (n * width * np.sqrt(2 * np.pi))
        support = truth > 1e-3 * truth.max()
        # A place where only exact lines stand has a band of no width: there the two agree to the residuals.
        slack = 1e-6 * truth.max()
        shares.append(float(((seen.low - slack <= truth) & (truth <= seen.high + slack))[support].mean()))
    assert np.mean(shares) >= 0.9
