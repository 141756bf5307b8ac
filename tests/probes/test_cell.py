"""A picked cell: the same number as in the picture, on all data, and its weights."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_problem import TinyProblem

from landscape_gui.figure import Look
from landscape_gui.jobs import answer
from landscape_gui.probes import Surface
from landscape_gui.probes.cell import Cell, cell_of, state_at
from landscape_gui.results import CellResult
from landscape_gui.store import read_result, write_result


def test_a_cell_is_the_surfaces_value_there_on_all_data(tmp_path) -> None:  # type: ignore[no-untyped-def]
    problem, probe = TinyProblem(), Surface(steps=(7, 5), seed=2)
    surface = answer(probe, problem)  # type: ignore[arg-type]
    j, i = 1, 5
    result = answer(cell_of(Surface(steps=(7, 5), seed=2, limit=20, split="test"), surface.x[i], surface.y[j]), problem)  # type: ignore[arg-type]
    assert isinstance(result, CellResult)
    for name, q in surface.quantities.items():
        assert float(result.quantities[name].values) == pytest.approx(q.values[j, i], rel=1e-6)
        assert float(result.quantities[name].standard_error) == pytest.approx(q.standard_error[j, i], rel=1e-5)
    facts = dict(Cell().figure(result, Look()).facts)
    assert "±" in facts["Training loss"] and facts["Test accuracy"].count("%") == 2
    write_result(tmp_path / "cell.h5", result)
    assert read_result(tmp_path / "cell.h5").quantities["train_loss"].values == result.quantities["train_loss"].values


def test_the_weights_of_a_cell_are_those_that_were_measured() -> None:
    problem, probe = TinyProblem(), Surface(directions="principal")
    state = state_at(probe, problem, 0.3, -0.2)  # type: ignore[arg-type]
    measured = answer(cell_of(probe, 0.3, -0.2), problem)  # type: ignore[arg-type]
    evaluator = problem.evaluator(splits=("train",), tier="exact")
    steps = evaluator.evaluate(state, (state - state,), np.zeros((1, 1)))
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        values = stop.value
    assert values.mean["train_loss"][0] == pytest.approx(float(measured.quantities["train_loss"].values), rel=1e-6)


def test_frozen_statistics_stay_and_others_move_with_the_weights() -> None:
    problem = TinyProblem("batchnorm")
    problem.states[1][problem.layout.parameters :] += 1.0
    other = problem.reference("epoch_1")
    buffers = slice(problem.layout.parameters, None)
    frozen = state_at(Surface(towards=other, batchnorm="frozen"), problem, 1.0, 0.0)  # type: ignore[arg-type]
    moved = state_at(Surface(towards=other), problem, 1.0, 0.0)  # type: ignore[arg-type]
    assert (frozen[buffers] == problem.state[buffers]).all()
    assert np.allclose(moved[buffers], problem.states[1][buffers], atol=1e-6)
