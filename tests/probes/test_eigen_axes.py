"""Eigenvectors as axes: unit norm, the right curvature, one sign, and everything that other planes can do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem, make_data
from torch import Tensor, nn

from landscape_gui.curvature_results import EigenvaluesResult
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Look
from landscape_gui.jobs import answer
from landscape_gui.probes import Line, Surface
from landscape_gui.probes.cell import cell_of, state_at
from landscape_gui.probes.eigen_axes import suitable
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.plane import resolve
from landscape_gui.results import CellResult, LineResult, SurfaceResult
from landscape_gui.store import Store


def ask(probe: Any, problem: TinyProblem, store: Store | None = None) -> Any:
    return answer(probe, problem, store=store)  # type: ignore[arg-type]


def dense_hessian(problem: TinyProblem, examples: int = 200) -> Tensor:
    """By torch's own double backward in float64, not by products."""
    x, y = make_data(200, 1)
    x, y = x[:examples].double(), y[:examples]
    module, state = problem.module.double(), problem.state.double()

    def loss(flat: Tensor) -> Tensor:
        return nn.functional.cross_entropy(torch.func.functional_call(module, problem.layout.unflatten(flat), (x,)), y)

    found = torch.autograd.functional.hessian(loss, state)
    problem.module.float()
    return found


def eigen(steps: Any, span: float = 1e-2, **more: Any) -> dict[str, Any]:
    return {"directions": "eigenvectors", "steps": steps, "span": (span,), "precision": "float64", "split": "train", **more}


def test_the_second_difference_along_an_axis_is_its_eigenvalue() -> None:
    """Identity 13 on all four: grid, report, d^T H d and the dense matrix's own eigenvalues.

    The step's error is of second order (1e-4 times the fourth derivative over twelve); axes are rounded to float32; the
    eigenvalue is off by the squared residual (1e-5 of the largest) over the gap.
    """
    problem = TinyProblem()
    hessian = dense_hessian(problem)
    exact = torch.linalg.eigvalsh(hessian).numpy()
    for which, wanted in (((1, 2), (exact[-1], exact[-2])), ((1, -1), (exact[-1], exact[0]))):
        result = ask(Surface(**eigen((3, 3), which=which)), problem)
        assert isinstance(result, SurfaceResult)
        plane = resolve(Surface(**eigen((3, 3), which=which)), problem)  # type: ignore[arg-type]
        z = result.quantities["train_loss"].values
        seconds = (z[1, 0] - 2 * z[1, 1] + z[1, 2], z[0, 1] - 2 * z[1, 1] + z[2, 1])
        for k in (0, 1):
            axis = plane.axes[k].double()
            assert float(axis.norm()) == pytest.approx(1.0, abs=1e-6)
            assert result.axes.eigenvalues[k] == pytest.approx(wanted[k], abs=1e-8)
            assert abs(wanted[k] - result.axes.eigenvalues[k]) <= result.axes.residuals[k]
            assert float(axis @ hessian @ axis) == pytest.approx(wanted[k], rel=1e-5)
            assert seconds[k] / 1e-4 == pytest.approx(wanted[k], rel=2e-4, abs=2e-5)
        assert abs(float(result.axes.cosines[0, 1])) < 1e-5 and np.allclose(result.axes.norms, 1.0, atol=1e-6)


def test_the_report_says_eigenvalue_residual_and_that_nothing_is_rescaled() -> None:
    result = ask(Surface(**eigen((3, 3), which=(1, -1))), TinyProblem())
    assert result.axes.kind == "eigenvectors"
    assert result.axes.labels[0].startswith("eigenvector 1, λ = ") and result.axes.labels[1].startswith("eigenvector −1, λ = −")
    facts = dict(Surface().figure(result, Look()).facts)
    assert "within" in facts["Eigenvalue of axis 1"] and "not rescaled" in facts["Eigenvalue of axis 2"]


def test_the_sign_does_not_depend_on_where_the_search_began() -> None:
    """Another start gives either sign of an eigenvector; the axis is the same up to the search's tolerance."""
    problem = TinyProblem()
    axes = [resolve(Surface(**eigen((3, 3), seed=seed)), problem).axes[0] for seed in range(4)]  # type: ignore[arg-type]
    for axis in axes[1:]:
        assert float(axes[0] @ axis) == pytest.approx(1.0, abs=1e-4)
    large = axes[0].abs() >= 0.999 * axes[0].abs().max()
    assert axes[0][int(large.nonzero()[0])] > 0


def test_the_automatic_span_ends_where_the_quadratic_form_has_risen_by_one() -> None:
    problem = TinyProblem()
    result = ask(Surface(directions="eigenvectors", steps=(3, 3)), problem)
    for positions, value in zip((result.x, result.y), result.axes.eigenvalues, strict=True):
        assert positions[-1] == -positions[0] and positions[-1] ** 2 * value / 2 == pytest.approx(1.0, rel=5e-3)
    assert suitable(0.0, 7.0) == 7.0 and suitable(1e-9, 7.0) == 7.0 and suitable(-0.5, 7.0) == 2.0 and suitable(0.0, 0.0) == 1.0


def test_the_eigenvectors_are_kept_as_an_answer_of_their_own(tmp_path: Any) -> None:
    """Asked once, they serve the surface, the line and the cell."""
    problem, store = TinyProblem(), Store(tmp_path)
    ask(Surface(**eigen((3, 3))), problem, store)
    kept = store.get(next(e.key for e in store.entries() if e.probe == "eigenvalues"))
    assert isinstance(kept, EigenvaluesResult) and len(kept.eigenvalues) == 2
    made = Eigenvalues.run
    try:
        Eigenvalues.run = None  # type: ignore[assignment, method-assign]
        line = ask(Line(**eigen(5)), problem, store)
    finally:
        Eigenvalues.run = made  # type: ignore[method-assign]
    assert isinstance(line, LineResult) and line.axes.labels[0].startswith("eigenvector 1") and len(line.axes.eigenvalues) == 1


def test_a_line_is_the_surfaces_row() -> None:
    """Identity 21, in float64: to rounding."""
    problem = TinyProblem()
    whole, line = ask(Surface(**eigen((9, 3), 0.7)), problem), ask(Line(**eigen(9, 0.7)), problem)
    second = ask(Line(**eigen(3, 0.7), along="y"), problem)
    loss = whole.quantities["train_loss"].values
    assert np.allclose(line.quantities["train_loss"].values, loss[1], rtol=1e-12)
    assert np.allclose(second.quantities["train_loss"].values, loss[:, 4], rtol=1e-12)


def test_a_picked_cell_lies_on_the_plane_of_the_surfaces_own_data() -> None:
    """The cell is measured on all data, but its axes are those of the subset that the surface was asked about."""
    problem = TinyProblem()
    probe = Surface(**{**eigen((3, 3), 0.6), "limit": 60})
    cell = cell_of(probe, 0.6, -0.6)
    found = ask(cell, problem)
    assert isinstance(found, CellResult) and cell.limit == 0 and found.subset.startswith("all")
    there, here = resolve(probe, problem), resolve(cell, problem)  # type: ignore[arg-type]
    assert all(torch.equal(a, b) for a, b in zip(there.axes, here.axes, strict=True))
    elsewhere = resolve(Surface(**eigen((3, 3))), problem)  # type: ignore[arg-type]
    assert abs(float(elsewhere.axes[0] @ here.axes[0])) < 0.9999
    state = state_at(probe, problem, 0.6, -0.6)  # type: ignore[arg-type]
    assert torch.allclose(state, problem.state + 0.6 * here.axes[0] - 0.6 * here.axes[1], atol=1e-6)


def test_what_cannot_be_is_said() -> None:
    problem = TinyProblem()
    with pytest.raises(QuestionError, match="no eigenvector 0"):
        Surface(directions="eigenvectors", which=(0, 1))
    with pytest.raises(QuestionError, match="Several draws"):
        Surface(directions="eigenvectors", draws=2)
    with pytest.raises(QuestionError, match=r"parameters take|no eigenvector"):
        ask(Surface(**eigen((3, 3), which=(181, 1))), problem)
    assert Surface(which=(1, -1)).directions == "eigenvectors" and Surface().directions == "filter"
