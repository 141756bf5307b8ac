"""Eigenpairs at the ends of spectra that are known, with bounds that hold."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from spectra import KINDS, Diagonal, dense_hessian, eigenvalues, finish

from landscape_gui.core.krylov import KrylovSpace, gaussian
from landscape_gui.core.lanczos import eigenpairs, memory_needed, power_iteration
from landscape_gui.core.operators import Dense
from landscape_gui.errors import ProblemError, QuestionError


def spread(*values: float, rest: int = 500) -> torch.Tensor:
    return torch.cat([torch.tensor(values), torch.linspace(-0.5, 0.5, rest)]).double()


TRUTH_ROUNDING = 1e-13
"""LAPACK's own error in the dense eigenvalues of a matrix of norm 1 and this size; bounds of converged pairs get down to 2e-15."""


@pytest.mark.parametrize(("kind", "stage"), KINDS)
def test_top_ten_of_a_hessian_to_1e5_of_the_largest_with_bounds_that_hold_on_every_seed(kind: str, stage: str) -> None:
    """The dense matrix once; on more seeds a diagonal of its eigenvalues, which is the same to vectors of no preferred
    direction."""
    true = eigenvalues(kind, stage)
    diagonal = Diagonal(torch.tensor(true))
    for seed, operator in enumerate([Dense(dense_hessian(kind, stage)), *[diagonal] * 9]):
        found = finish(eigenpairs(operator, largest=10, seed=seed))
        off = np.abs(found.values - true[:10])
        assert found.converged.all()
        assert found.residuals.max() <= 1e-5 * true[0]
        assert off.max() <= 1e-5 * true[0]
        assert (off <= found.residuals + TRUTH_ROUNDING * true[0]).all()


def test_bounds_hold_in_float32_too() -> None:
    """The bound counts the rounding of products: without it, float32 breaks it at once."""
    matrix = dense_hessian("tanh", "late")
    true = eigenvalues("tanh", "late")
    for seed in range(3):
        found = finish(eigenpairs(Dense(matrix.float()), largest=5, seed=seed, tolerance=1e-7))
        assert (np.abs(found.values - true[:5]) <= found.residuals).all()
        assert found.residuals.max() <= 1e-5 * true[0]


def test_residuals_are_those_of_the_vectors_returned() -> None:
    matrix = dense_hessian("relu", "early")
    found = finish(eigenpairs(Dense(matrix), largest=6, smallest=2))
    assert found.vectors is not None
    assert torch.allclose(found.vectors @ found.vectors.T, torch.eye(8, dtype=torch.float64), atol=1e-12)
    true = (found.vectors @ matrix - torch.tensor(found.values)[:, None] * found.vectors).norm(dim=1).numpy()
    assert found.residuals == pytest.approx(true, rel=1e-3, abs=1e-12)
    assert found.values[-2:] == pytest.approx(eigenvalues("relu", "early")[-2:], abs=1e-6)
    assert list(found.values) == sorted(found.values, reverse=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("seed", range(4))
def test_copies_of_repeated_eigenvalues_are_found(seed: int, dtype: torch.dtype) -> None:
    """A Krylov space from one vector holds one copy only: without the search for copies, 5 is found once."""
    found = finish(eigenpairs(Diagonal(spread(5, 5, 5, 4, 4, 3).to(dtype)), largest=6, seed=seed))
    assert found.values == pytest.approx([5, 5, 5, 4, 4, 3], abs=1e-4)


def test_a_block_start_finds_pairs_at_once() -> None:
    found = finish(eigenpairs(Diagonal(spread(5, 5, 4, 4)), largest=4, block=2, check=1))
    assert found.values == pytest.approx([5, 5, 4, 4], abs=1e-8)


def test_the_identity_and_zero_and_a_single_parameter() -> None:
    one = finish(eigenpairs(Diagonal(torch.ones(300)), largest=5, smallest=2))
    assert one.values == pytest.approx(np.ones(7), abs=1e-6)
    assert one.converged.all() and one.products <= 10
    zero = finish(eigenpairs(Diagonal(torch.zeros(300)), largest=3))
    assert (zero.values == 0).all() and zero.converged.all()
    single = finish(eigenpairs(Diagonal(torch.tensor([-3.0])), largest=10))
    assert single.values == pytest.approx([-3]) and single.complete


def test_more_pairs_than_parameters_give_the_whole_spectrum() -> None:
    found = finish(eigenpairs(Diagonal(torch.tensor([3.0, 3.0, -1.0, 0.0]).double()), largest=3, smallest=5))
    assert found.values == pytest.approx([3, 3, 0, -1], abs=1e-12)
    assert found.complete and found.converged.all()
    assert (found.largest, found.smallest) == (3, 1)


def test_softmax_regression_has_its_d_zero_eigenvalues() -> None:
    """Identity 2: d inputs, H = mean of (diag p - p p^T) (x) x x^T, whose null space is a shift of all classes alike."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 5, generator=generator, dtype=torch.float64)
    p = torch.softmax(torch.randn(60, 4, generator=generator, dtype=torch.float64), 1)
    matrix = torch.zeros(20, 20, dtype=torch.float64)
    for a, b in zip(x, p, strict=True):
        matrix += torch.kron(torch.diag(b) - torch.outer(b, b), torch.outer(a, a)) / 60
    found = finish(eigenpairs(Dense(matrix), largest=1, smallest=7))
    assert (np.abs(found.values[-5:]) <= found.residuals[-5:]).all()
    assert (found.values[1:3] > 10 * found.residuals[1:3]).all()


def test_a_product_that_is_not_finite_is_a_sentence() -> None:
    with pytest.raises(ProblemError, match="not finite"):
        finish(eigenpairs(Diagonal(torch.tensor([1.0, float("nan"), 2.0])), largest=1))
    with pytest.raises(QuestionError, match="No eigenvalue"):
        finish(eigenpairs(Diagonal(torch.ones(3)), largest=0))


def test_little_memory_shortens_the_basis_with_a_note_and_keeps_the_answer() -> None:
    operator = Diagonal(spread(9, 7, 5, 4, 3, rest=1_000))
    memory = memory_needed(operator, 16)
    notes, held = [], []
    run = eigenpairs(operator, largest=5, memory=memory)
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            found = stop.value
            break
        notes.append(step.note)
        held.append(run.gi_frame.f_locals["search"].space)
    assert "At most 16 basis vectors" in notes[0] and notes[0] in found.note
    assert len(held[0]) <= 16 < found.products
    assert found.values == pytest.approx([9, 7, 5, 4, 3], abs=1e-8)
    assert found.converged.all()


def test_what_did_not_converge_says_so() -> None:
    found = finish(eigenpairs(Diagonal(torch.linspace(0, 1, 3_000)), largest=5, most_products=20))
    assert not found.converged.all()
    assert "had not converged after 20 products" in found.note


def test_m_steps_reproduce_moments_up_to_2m_minus_1_and_no_further() -> None:
    """Identity 11."""
    values = spread(3, -2, 1.5, rest=50)
    operator = Diagonal(values)
    start = gaussian(operator, seed=0, index=0)
    space = KrylovSpace(operator)
    space.expand(space.orthogonal(start))
    for _ in range(5):
        space.expand(space.direction(0))
    unit = np.zeros(6)
    unit[0] = 1
    weights = (start**2 / start.dot(start)).numpy()

    def off(power: int) -> float:
        true = float(weights @ values.numpy() ** power)
        return abs(float(unit @ np.linalg.matrix_power(space.matrix, power) @ unit) / true - 1)

    assert max(off(k) for k in range(12)) < 1e-12
    assert off(12) > 1e-8


def test_power_iteration_converges_at_its_rates() -> None:
    """|lambda_2/lambda_1| per product for the vector's error, its square for the value's."""
    found = finish(power_iteration(Diagonal(spread(4, -3, 1)), tolerance=1e-9))
    assert found.value == pytest.approx(4, abs=1e-12) and found.converged
    assert found.ratio == pytest.approx(0.75, abs=0.01)
    assert len(found.values) == len(found.residuals) == found.products
    errors = np.abs(found.values - 4)
    middle = slice(20, 30)
    assert np.exp(np.diff(np.log(errors[middle]))).mean() == pytest.approx(found.value_rate, abs=0.02)
    assert finish(power_iteration(Diagonal(torch.zeros(5)))).value == 0
    assert finish(power_iteration(Diagonal(spread(4, 3.99)), most=7)).converged is False


def steps_of(run: Any, count: int) -> Any:
    """The last of so many steps."""
    for _ in range(count):
        step = next(run)
    return step


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_wider_search_goes_on_from_a_narrower_one_to_the_bit(seed: int, dtype: torch.dtype) -> None:
    values = torch.tensor(eigenvalues("tanh", "late")).to(dtype)
    narrow = finish(eigenpairs(Diagonal(values), largest=3, seed=seed))
    fresh = finish(eigenpairs(Diagonal(values), largest=12, smallest=2, seed=seed))
    operator = Diagonal(values)
    wider = finish(eigenpairs(operator, largest=12, smallest=2, seed=seed, chain=narrow.chain))
    assert narrow.chain is not None and operator.products == fresh.products - len(narrow.chain)
    for name in ("values", "residuals", "converged", "products", "negative"):
        assert np.array_equal(getattr(wider, name), getattr(fresh, name))
    assert wider.vectors is not None and fresh.vectors is not None and torch.equal(wider.vectors, fresh.vectors)
    # A narrower one follows it only as far as it would have come, to the same bits, for a product and the search for copies.
    operator = Diagonal(values)
    again = finish(eigenpairs(operator, largest=3, seed=seed, chain=wider.chain))
    assert operator.products <= 7 and again.products == narrow.products
    assert again.chain is wider.chain  # the longer one is still known
    for name in ("values", "residuals", "converged", "negative"):
        assert np.array_equal(getattr(again, name), getattr(narrow, name))
    assert again.vectors is not None and narrow.vectors is not None and torch.equal(again.vectors, narrow.vectors)


def test_a_search_that_was_stopped_goes_on_to_the_same_bits() -> None:
    values = torch.tensor(eigenvalues("relu", "early"))
    whole = finish(eigenpairs(Diagonal(values), largest=8, smallest=2))
    for stop in (1, 2, 17, whole.products - 2):  # the last one is amid the search for copies
        run = eigenpairs(Diagonal(values), largest=8, smallest=2)
        chain = steps_of(run, stop).chain()
        assert chain is not None and len(chain) <= stop
        kept = dataclasses.replace(chain, rows=tuple(rows.clone() for rows in chain.rows))
        run.close()
        operator = Diagonal(values)
        resumed = finish(eigenpairs(operator, largest=8, smallest=2, chain=kept))
        assert operator.products == whole.products - len(chain)
        assert np.array_equal(resumed.values, whole.values) and np.array_equal(resumed.residuals, whole.residuals)


def test_a_chain_of_another_question_is_left_out_and_one_too_long_left_early() -> None:
    values = torch.tensor(eigenvalues("relu", "early"))
    first = finish(eigenpairs(Diagonal(values), largest=2))
    for changed in ({"seed": 5}, {"block": 2}, {"memory": 10 * 8 * len(values)}, {"most_products": 5}):
        fresh = finish(eigenpairs(Diagonal(values), largest=2, **changed))
        other = finish(eigenpairs(Diagonal(values), largest=2, chain=first.chain, **changed))
        assert np.array_equal(other.values, fresh.values) and other.products == fresh.products
    single = finish(eigenpairs(Diagonal(values.float()), largest=2, chain=first.chain))
    assert single.converged.all()
    block = finish(eigenpairs(Diagonal(values), largest=2, block=2))
    assert block.chain is None
    short = finish(eigenpairs(Diagonal(values), largest=8, memory=memory_needed(Diagonal(values), 14)))
    assert short.chain is None and short.converged.all()  # a restart has overwritten it


def test_every_step_shows_the_measure_of_the_first_vector() -> None:
    """Weights that sum to 1 and reproduce v^T A^k v: a first density without a product of its own, also beside another chain."""
    values = torch.cat([torch.tensor([3.0, 3.0, -2.0]), torch.linspace(-0.5, 0.5, 200)]).double()
    operator = Diagonal(values)
    start = gaussian(operator, seed=0, index=0)
    true = (start**2 / start.dot(start)).numpy()
    for step in eigenpairs(operator, largest=2, smallest=1):
        assert step.weights.sum() == pytest.approx(1, abs=1e-12)
        for power in range(min(2 * step.products, 12)):
            assert step.weights @ step.nodes**power == pytest.approx(float(true @ values.numpy() ** power), abs=1e-10)
    short = eigenpairs(operator, largest=2, smallest=1, memory=memory_needed(operator, 12), tolerance=1e-9)
    steps = list(short)
    assert len(steps) > 14 and [len(step.nodes) for step in steps[:12]] == list(range(1, 13))
    assert not any(len(step.nodes) for step in steps[12:])  # a restart has thrown a part of that vector away


def test_no_more_negative_eigenvalues_are_told_than_there_are() -> None:
    values = torch.cat([torch.tensor([-2.0, -1.0, -0.5]), torch.linspace(0.01, 5, 400)]).double()
    told = [step.negative for step in eigenpairs(Diagonal(values), largest=6, smallest=1)]
    assert max(told) == told[-1] == 3
    assert finish(eigenpairs(Diagonal(values), largest=6, smallest=1)).negative == 3
    none = torch.cat([torch.zeros(60), torch.linspace(0.1, 5, 200)])  # Ritz values just below zero are rounding
    assert finish(eigenpairs(Diagonal(none), largest=2, smallest=3)).negative == 0


def test_millions_of_parameters_in_float32_leave_unit_vectors_and_no_second_remainder() -> None:
    """A norm summed in float32 over so many is off by a thousandth: the basis was then not of unit vectors, the bounds a hundred
    times too wide, and a remainder was left by each step and held."""
    space = KrylovSpace(Diagonal(torch.linspace(-1, 1, 6_000_000)))
    space.expand(space.orthogonal(gaussian(space.op, seed=0, index=0)))
    for _ in range(3):
        space.expand(space.direction(0))
    assert len(space.remainders) == 1
    for j in range(4):
        assert float(torch.linalg.vector_norm(space.basis.row(j), dtype=torch.float64)) == pytest.approx(1, abs=1e-6)
    assert space.noise <= 2e-5 * space.scale  # 9e-6 of sums in float32; 3e-4 with vectors that are no unit ones
