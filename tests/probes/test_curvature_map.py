"""Maps of extreme eigenvalues: right at every cell, whatever a cell started from, and the same after an interruption."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem, make_data
from torch import Tensor, nn

from landscape_gui import jobs
from landscape_gui.errors import ProblemError
from landscape_gui.export.peers import write_surface
from landscape_gui.export.tables import as_json
from landscape_gui.figure import Look
from landscape_gui.jobs import Cancelled, answer
from landscape_gui.probes import Surface, curvature_map, grid
from landscape_gui.probes.cell import cell_of
from landscape_gui.probes.curvature_map import CurvatureMap, nearest, parents
from landscape_gui.probes.plane import resolve
from landscape_gui.results import SurfaceResult
from landscape_gui.store import Store, key_of


def ask(probe: Any, problem: TinyProblem, **more: Any) -> Any:
    return answer(probe, problem, **more)  # type: ignore[arg-type]


def spectrum_at(problem: TinyProblem, state: Tensor) -> Any:
    """All eigenvalues, ascending, of the dense Hessian by torch's own double backward in float64."""
    x, y = make_data(200, 1)
    module = problem.module.double()

    def loss(flat: Tensor) -> Tensor:
        return nn.functional.cross_entropy(torch.func.functional_call(module, problem.layout.unflatten(flat), (x.double(),)), y)

    found = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, state, vectorize=True)).numpy()
    module.float()
    return found


def test_every_cell_holds_the_extreme_eigenvalues_of_the_dense_hessian() -> None:
    """Rows are y. Each value lies within its own bound of the truth; in float64, so that the bound is the search's alone."""
    problem, probe = TinyProblem(), CurvatureMap(steps=(3, 6), span=(0.8, 0.5), precision="float64")
    result, plane = ask(probe, problem), resolve(probe, problem)  # type: ignore[arg-type]
    assert isinstance(result, SurfaceResult) and result.computed.all() and result.computed.shape == (6, 3)
    assert (parents(6, 3) >= 0).sum() == 3
    loss = ask(Surface(steps=(3, 6), span=(0.8, 0.5), split="train", precision="float64"), problem)
    for j, y in enumerate(result.y):
        for i, x in enumerate(result.x):
            state = plane.origin.double() + float(x) * plane.axes[0].double() + float(y) * plane.axes[1].double()
            exact = spectrum_at(problem, state)
            truth = {"lambda_max": exact[-1], "lambda_min": exact[0], "lambda_ratio": abs(exact[0] / exact[-1])}
            for name, value in truth.items():
                found = result.quantities[name]
                assert abs(found.values[j, i] - value) <= found.standard_error[j, i] + 1e-12 < 2e-3
    assert np.allclose(result.quantities["train_loss"].values, loss.quantities["train_loss"].values, rtol=1e-12)


def test_a_start_from_the_neighbour_finds_the_same_with_fewer_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal within both bounds, at every cell; 6 of the 8 x 2 cells have a neighbour to start from."""
    problem, probe = TinyProblem(), CurvatureMap(steps=(8, 2))
    warm = ask(probe, problem)
    monkeypatch.setattr(curvature_map, "MEMORY", 0)
    cold = ask(probe, problem)
    assert not cold.provenance.environment["from_neighbours"]
    assert warm.provenance.environment["products"] < cold.provenance.environment["products"]
    for name in ("lambda_max", "lambda_min"):
        a, b = warm.quantities[name], cold.quantities[name]
        assert (np.abs(a.values - b.values) <= a.standard_error + b.standard_error).all()


def test_an_interrupted_map_goes_on_to_the_same_bits(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled in the second level, whose cells start from the first one's vectors: those are computed again."""
    problem, probe = TinyProblem(), CurvatureMap(steps=(6, 3))
    whole = ask(probe, problem)
    told: list[int] = []
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)

    def stop() -> bool:
        return bool(told) and told[-1] >= 16

    with pytest.raises(Cancelled):
        ask(probe, problem, store=Store(tmp_path), cancelled=stop, on_progress=lambda p: told.append(int(p.done)))
    key = key_of(probe.completed(problem), problem.fingerprint)  # type: ignore[arg-type]
    partial = Store(tmp_path).partial(key)
    assert isinstance(partial, SurfaceResult) and 15 < partial.computed.sum() < 18
    resumed = ask(probe, problem, store=Store(tmp_path))
    for name, quantity in whole.quantities.items():
        assert np.array_equal(resumed.quantities[name].values, quantity.values)


def test_coarse_cells_come_first_and_partial_answers_are_drawn() -> None:
    problem, probe = TinyProblem(), CurvatureMap(steps=(6, 6))
    steps = probe.run(problem, type("Alone", (), {"partial": None})())  # type: ignore[arg-type]
    partial = next(p.partial for p in steps if p.partial is not None and p.done >= 12)
    steps.close()
    assert isinstance(partial, SurfaceResult) and partial.computed.sum() == 12
    assert np.array_equal(np.flatnonzero(partial.computed), np.sort(grid.order(6, 6)[0][:12]))
    assert probe.figure(partial, Look(view="2d", quantity="lambda_ratio")).panels[0].surface is not None


def test_a_cell_that_is_not_finite_stays_so_and_the_others_are_right() -> None:
    """Overflow far out: NaN there, and computed; the centre is what a map around the centre says."""
    problem = TinyProblem("batchnorm")
    wide = ask(CurvatureMap(steps=(3, 3), span=(1e25,), directions="raw"), problem)
    lost = ~np.isfinite(wide.quantities["lambda_max"].values)
    assert wide.computed.all() and lost.any() and not lost[1, 1]
    near = ask(CurvatureMap(steps=(3, 3), span=(0.1,)), problem)
    assert wide.quantities["lambda_max"].values[1, 1] == near.quantities["lambda_max"].values[1, 1]


def test_where_no_cell_has_a_curvature_the_reason_is_said() -> None:
    problem = TinyProblem()
    problem.module.requires_grad_(False)
    with pytest.raises(ProblemError, match="requires a gradient"):
        ask(CurvatureMap(steps=(2, 2)), problem)
    problem = TinyProblem()
    problem.states[-1] = problem.state * float("nan")
    with pytest.raises(ProblemError, match="loss at the checkpoint is nan"):
        ask(CurvatureMap(steps=(2, 2)), problem)
    with pytest.raises(ProblemError, match="loss is nan"):
        ask(CurvatureMap(steps=(2, 2), span=(1e28, 1e29, 1e28, 1e29), directions="raw"), TinyProblem("batchnorm"))


def test_a_place_of_the_map_can_be_measured_and_the_map_exported(tmp_path: Any) -> None:
    problem, probe = TinyProblem("batchnorm"), CurvatureMap(steps=(3, 4), span=(0.5,))
    result = ask(probe, problem)
    cell = ask(cell_of(probe.completed(problem), result.x[2], result.y[3]), problem)  # type: ignore[arg-type]
    assert cell.batchnorm == "frozen"
    assert float(cell.quantities["train_loss"].values) == pytest.approx(result.quantities["train_loss"].values[3, 2], rel=1e-5)
    told = as_json(result)
    assert np.shape(told["lambda_ratio"]) == (4, 3) and np.shape(told["lambda_max_standard_error"]) == (4, 3)
    write_surface(tmp_path / "s.h5", result)
    with h5py.File(tmp_path / "s.h5") as file:
        assert np.array_equal(np.ravel(file["max_eig"]), result.quantities["lambda_max"].values.ravel())
        assert np.array_equal(np.ravel(file["min_eig"]), result.quantities["lambda_min"].values.ravel())
    facts = dict(probe.figure(result, Look()).facts)
    assert "residual" in facts["At the grid point nearest to the checkpoint"]
    assert probe.cost(problem).points > 0  # type: ignore[arg-type]


def test_a_parent_is_the_nearest_coarser_cell() -> None:
    assert nearest(np.array([0, 2, 5]), np.array([1, 3, 4, 5])).tolist() == [0, 2, 5, 5]
    found = parents(11, 11)
    order, ends = grid.order(11, 11)
    place = {int(cell): k for k, cell in enumerate(order)}
    assert (found[order[: ends[0]]] == -1).all()
    assert all(place[int(found[cell])] < place[int(cell)] for cell in order[ends[0] :])
