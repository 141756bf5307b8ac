"""Traces and Frobenius norms: intervals that cover, errors that are small, layers that add up, answers that are exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spectra import KINDS, Diagonal, eigenvalues, finish

from landscape_gui.core.krylov import gaussian
from landscape_gui.core.operators import Dense
from landscape_gui.core.student import student_quantile
from landscape_gui.core.trace import frobenius, layer_traces, trace
from landscape_gui.errors import ProblemError, QuestionError


def matrix(n: int = 150) -> torch.Tensor:
    a = torch.randn(n, 40, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return a @ torch.diag(torch.logspace(0, -2, 40, dtype=torch.float64)) @ a.T / n + 0.05 * torch.diag(torch.arange(n) / n)


def test_student_quantiles_are_those_of_the_tables() -> None:
    table = {1: 12.7062047, 2: 4.3026527, 3: 3.1824463, 10: 2.2281389, 59: 2.0009954}
    assert {d: student_quantile(d) for d in table} == pytest.approx(table, abs=1e-6)
    assert student_quantile(5, 0.99) == pytest.approx(4.0321430, abs=1e-6)
    assert student_quantile(0) == float("inf")


def test_intervals_cover_over_400_repetitions() -> None:
    """92 to 97 % of the 95 % intervals. By a diagonal of a true Hessian's eigenvalues: a random vector without a preferred
    direction cannot tell it from the Hessian."""
    true = eigenvalues("relu", "early")
    operator = Diagonal(torch.tensor(true))
    found = [finish(trace(operator, budget=24, seed=seed)) for seed in range(400)]
    assert 0.92 <= np.mean([t.low <= true.sum() <= t.high for t in found]) <= 0.97
    spread = np.std([t.value for t in found])
    assert np.mean([t.standard_error for t in found]) == pytest.approx(spread, rel=0.1)  # 1/sqrt(800) is 3.5 %


def test_the_trace_is_within_a_per_cent_at_120_products() -> None:
    """A mean error of at most 0.8 % over four Hessians, and a Frobenius norm within its error."""
    off = []
    for kind, stage in KINDS:
        true = eigenvalues(kind, stage)
        for seed in range(5):
            found = finish(trace(Diagonal(torch.tensor(true)), budget=120, seed=seed))
            off.append(abs(found.value / true.sum() - 1))
            assert abs(found.frobenius - np.linalg.norm(true)) <= 5 * found.frobenius_standard_error
    assert np.mean(off) <= 0.008


def test_hutchinsons_variance_for_gaussian_vectors() -> None:
    """Identity 12: 2 ||A||_F^2, for the vectors that everything here is made of."""
    operator = Dense(matrix(60))
    draws = torch.stack([gaussian(operator, seed=1, index=i) for i in range(4_000)])
    samples = (draws * operator.apply(draws)).sum(1)
    norm = float(operator.matrix.norm())
    assert float(samples.mean()) == pytest.approx(float(operator.matrix.trace()), abs=5 * norm * (2 / 4_000) ** 0.5)
    assert float(samples.var()) == pytest.approx(2 * norm**2, rel=0.15)  # the variance's own error: some per cent


def test_layers_add_up_to_the_trace_within_their_errors() -> None:
    """Identity 20; a name that comes twice is one layer."""
    operator = Dense(matrix())
    layers = [("a", 0, 50), ("b", 50, 120), ("a", 120, 150)]
    diagonal = operator.matrix.diagonal()
    true = np.array([float(diagonal[:50].sum() + diagonal[120:].sum()), float(diagonal[50:120].sum())])
    found = finish(layer_traces(operator, layers, budget=60))
    assert found.layers == ("a", "b")
    assert found.layer_values.sum() == pytest.approx(found.value, rel=1e-12)
    assert (np.abs(found.layer_values - true) <= 4 * found.layer_standard_errors).all()
    assert (found.layer_standard_errors < 0.2 * true).all()


def test_as_many_products_as_parameters_are_exact() -> None:
    operator = Dense(matrix(50))
    found = finish(trace(operator, budget=50, layers=[("x", 0, 20), ("y", 20, 50)]))
    assert found.value == pytest.approx(float(operator.matrix.trace()), rel=1e-12)
    assert (found.standard_error, found.low, found.high) == (0, found.value, found.value)
    assert found.frobenius == pytest.approx(float(operator.matrix.norm()), rel=1e-12)
    assert found.layer_values[0] == pytest.approx(float(operator.matrix.diagonal()[:20].sum()), rel=1e-12)
    for values in (torch.ones(1), torch.zeros(30), torch.ones(7)):
        exact = finish(trace(Diagonal(values)))
        assert exact.value == pytest.approx(float(values.sum()), abs=1e-5) and exact.standard_error == 0


def test_an_invariant_space_does_not_end_the_basis() -> None:
    """The identity closes every Krylov space at once; the trace is exact all the same."""
    found = finish(trace(Diagonal(torch.ones(500).double()), budget=20))
    assert found.value == pytest.approx(500, rel=1e-12) and found.products == 20
    assert found.frobenius == pytest.approx(500**0.5, rel=1e-12)


def test_frobenius_alone_little_memory_and_what_cannot_be() -> None:
    operator = Dense(matrix())
    norm, error = finish(frobenius(operator, budget=60))
    assert abs(norm - float(operator.matrix.norm())) <= 4 * error + 1e-12
    short = finish(trace(operator, budget=60, memory=150 * 8 * 5))
    assert "Only 5 of 30 basis vectors" in short.note and len(short.samples) == 55
    assert abs(short.value - float(operator.matrix.trace())) <= 4 * short.standard_error
    with pytest.raises(QuestionError, match="at least 4 products"):
        finish(trace(operator, budget=2))
    with pytest.raises(ProblemError, match="not finite"):
        finish(trace(Diagonal(torch.full((40,), float("nan")))))
