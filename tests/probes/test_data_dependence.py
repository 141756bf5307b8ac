"""The largest eigenvalue over the number of examples: right on each subset, and a sentence that fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem, make_data

from landscape_gui.export.curvature_tables import rows
from landscape_gui.figure import Look
from landscape_gui.jobs import Cancelled, answer
from landscape_gui.probes.data_dependence import Dependence, sizes, statement
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.store import Store


def ask(probe: Any, problem: TinyProblem, **more: Any) -> Any:
    return answer(probe, problem, **more)  # type: ignore[arg-type]


def test_on_all_data_it_is_the_largest_eigenvalue_and_on_few_it_is_larger(tmp_path: Any) -> None:
    """Within its residual on all 200; a largest eigenvalue of a mean of matrices is at most the mean of theirs, so it falls."""
    problem, probe = TinyProblem(), Dependence(fewest=25, budget=8, draws=2)
    result = ask(probe, problem)
    exact = ask(Eigenvalues(largest=1, smallest=0), problem).eigenvalues[0]
    assert result.sizes.tolist() == [25, 50, 100, 200] and result.computed.all()
    assert (np.abs(result.lambda_max[:, -1] - exact) <= result.lambda_max_residuals[:, -1] + 1e-6).all()
    assert result.lambda_max[:, 0].mean() > 1.1 * exact and result.lambda_max[0, 0] != result.lambda_max[1, 0]
    told: list[float] = []
    with pytest.raises(Cancelled):
        ask(probe, problem, store=Store(tmp_path), on_progress=lambda p: told.append(p.done), cancelled=lambda: told[-1:] > [80.0])
    resumed = ask(probe, problem, store=Store(tmp_path))
    assert np.array_equal(resumed.lambda_max, result.lambda_max) and np.array_equal(resumed.traces, result.traces)
    figure = probe.figure(result, Look(view="chart"))
    assert figure.panels[0].x.scale == "log" and "times that on all 200" in figure.caption
    assert len(list(rows(result))) == 9 and probe.cost(problem).points > 0  # type: ignore[arg-type]


def test_each_subset_is_nested_in_the_next_and_has_the_eigenvalue_of_its_own_hessian() -> None:
    """The Hessian of each subset's mean loss written out in float64 by torch's own double backward, the draws drawn again here."""
    problem = TinyProblem()
    result = ask(Dependence(fewest=60, budget=60, draws=2, seed=5, precision="float64"), problem)
    x, y = make_data(200, 1)
    module, state = problem.module.double(), problem.state.double()
    try:
        for draw in range(2):
            seed = int(np.random.SeedSequence((5, draw)).generate_state(1)[0])
            drawn = torch.randperm(200, generator=torch.Generator().manual_seed(seed))
            for k, size in enumerate((100, 200)):
                chosen = drawn[:size]

                def loss(flat: torch.Tensor, chosen: torch.Tensor = chosen) -> torch.Tensor:
                    outputs = torch.func.functional_call(module, problem.layout.unflatten(flat), (x[chosen].double(),))
                    return torch.nn.functional.cross_entropy(outputs, y[chosen])

                true = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, state)).numpy()
                assert abs(result.lambda_max[draw, k] - true[-1]) <= result.lambda_max_residuals[draw, k] + 1e-12
                assert result.lambda_max_residuals[draw, k] <= 1.001e-3 * true[-1]
                assert abs(result.traces[draw, k] - true.sum()) <= 4 * result.trace_standard_errors[draw, k]
    finally:
        problem.module.float()
    half = result.numbers["lambda_max_half"]
    assert half.value == result.lambda_max[:, 0].mean() and half.kind == "standard error"
    assert half.error == pytest.approx(abs(np.diff(result.lambda_max[:, 0])[0]) / 2)  # of two draws: half their difference


def test_the_statement_says_from_how_many_examples_on_it_has_settled() -> None:
    assert sizes(200, 32) == [50, 100, 200] and sizes(5, 32) == [5]
    settled = statement([50, 100, 200], np.array([[2.0, 1.05, 1.0]]))
    assert "2.00 times" in settled and "From 100 examples on" in settled
    assert "has not settled" in statement([50, 100, 200], np.array([[2.0, 1.3, 1.0]]))
    assert "every subset" in statement([50, 100, 200], np.array([[1.01, 1.0, 1.0]]))
    assert "can be said" in statement([5], np.array([[1.0]]))
