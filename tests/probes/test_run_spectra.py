"""Spectra over a run: each checkpoint's own answer, coarse first, and what is not finite left blank."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dense_hessian import hessian
from tiny_problem import TinyProblem

from landscape_gui.curvature_results import SpectraResult
from landscape_gui.export.curvature_tables import content, rows
from landscape_gui.figure import Look
from landscape_gui.jobs import answer
from landscape_gui.probes import run_spectra
from landscape_gui.probes.run_spectra import Spectra, coarse_first, padded, spread
from landscape_gui.store import Store

FEW = {"top": 2, "probes": 1, "steps": 5, "budget": 4, "checkpoints": 3}


def ask(probe: Any, problem: TinyProblem, **more: Any) -> Any:
    return answer(probe, problem, **more)  # type: ignore[arg-type]


def test_each_checkpoints_spectrum_is_an_answer_of_its_own(tmp_path: Any) -> None:
    """Found again under the key of that checkpoint opened by itself, and equal to it bit by bit."""
    problem, store, probe = TinyProblem(), Store(tmp_path), Spectra(**FEW)
    result = ask(probe, problem, store=store)
    assert isinstance(result, SpectraResult) and result.computed.all() and result.order.tolist() == [0, 2, 5]
    for k, place in enumerate((0, 2, 5)):
        there = problem.at(problem.reference(f"epoch_{place}"))
        before = len(store.entries())
        own = ask(probe.spectrum, there, store=store)
        assert len(store.entries()) == before
        assert result.lambda_max[k] == own.eigenvalues[0] and result.lambda_min[k] == own.lowest[-1]
        assert result.traces[k] == own.trace and np.array_equal(result.nodes[k], own.nodes)
    assert len(set(result.lambda_max.tolist())) == 3


def test_at_each_checkpoint_the_numbers_are_those_of_the_hessian_written_out_there() -> None:
    """Eigenvalues within their residuals, lines and nodes a measure of mass one with the true mean, in float64."""
    problem = TinyProblem()
    result = ask(Spectra(top=2, smallest=1, probes=3, steps=8, budget=30, precision="float64"), problem)
    assert result.lambda_max.shape == (6,)
    for k in range(6):
        true = np.linalg.eigvalsh(hessian(problem.at(problem.reference(f"epoch_{k}"))).numpy())
        assert abs(result.lambda_max[k] - true[-1]) <= result.lambda_max_residuals[k] + 1e-12 < 1e-5 * true[-1]
        assert abs(result.lambda_min[k] - true[0]) <= result.lambda_min_residuals[k] + 1e-12 < 1e-5 * true[-1]
        assert abs(result.traces[k] - true.sum()) <= 4 * result.trace_standard_errors[k]
        lines = result.lines[k][np.isfinite(result.lines[k])]
        rest = np.delete(true, [0, -1, -2])
        nodes, weights = result.nodes[k], result.weights[k]
        assert len(lines) == 3 and np.allclose(weights.sum(axis=1), 1, atol=1e-12)
        assert rest.min() - 1e-5 <= nodes.min() and nodes.max() <= rest.max() + 1e-5
        mean, spread = rest.mean(), np.sqrt(2 / len(rest) ** 2 * (rest**2).sum() / 3)
        assert abs((weights * nodes).sum(axis=1).mean() - mean) <= 4 * spread


def test_lanczos_vectors_are_kept_as_far_as_those_of_the_run_fit(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes on from hundreds of bases; the spectra themselves are the same with and without them."""
    problem, probe, found = TinyProblem(), Spectra(**FEW), {}
    each = 6 * problem.layout.parameters * 4  # five steps and the vector that would follow, in float32
    for room in (3 * each, 3 * each - 1):
        store = Store(tmp_path / str(room))
        monkeypatch.setattr(run_spectra, "VECTOR_BYTES", room)
        found[room] = ask(probe, problem, store=store)
        kept = [store.get(e.key).basis for e in store.entries() if e.probe == "density-part"]
        assert len(kept) == 3 and all(len(basis) == (6 if room == 3 * each else 0) for basis in kept)
    assert np.array_equal(*(result.nodes for result in found.values()))


def test_a_checkpoint_that_is_not_finite_is_blank_and_said() -> None:
    problem = TinyProblem()
    problem.states[2] = problem.states[2] * float("nan")
    probe = Spectra(**FEW)
    result = ask(probe, problem)
    assert result.computed.all() and np.isnan(result.lambda_max).tolist() == [False, True, False]
    assert "epoch 2" in result.notes[0] and "nan" in result.notes[0]
    for view in ("2d", "chart", "3d"):
        assert probe.figure(result, Look(view=view)).panels[0].marks  # type: ignore[arg-type]
    assert len(list(rows(result))) == 4 and len(content(result)["lambda_max"]) == 3


def test_ends_and_middle_come_first() -> None:
    assert coarse_first(9)[:3] == [0, 4, 8] and sorted(coarse_first(41)) == list(range(41)) and coarse_first(1) == [0]
    references = tuple(TinyProblem().reference(f"epoch_{k}") for k in range(6))
    assert spread(references, 0) == references and spread(references, 2) == (references[0], references[-1])
    whole = padded([np.ones((1, 2)), np.ones((2, 1))])
    assert whole.shape == (2, 2, 2) and np.isnan(whole).sum() == 4
