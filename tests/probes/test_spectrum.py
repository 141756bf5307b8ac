"""Spectra: against the Hessian written out; nothing computed twice; the same numbers however they came about."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dense_hessian import hessian
from tiny_problem import TinyProblem

from landscape_gui import jobs
from landscape_gui.curvature_results import SpectrumResult
from landscape_gui.export.tables import write_csv, write_json
from landscape_gui.figure import Bars, Line, Look, Needles
from landscape_gui.jobs import answer
from landscape_gui.probes import curvature
from landscape_gui.probes.spectral_density import density_of, usual_width
from landscape_gui.probes.spectrum import Spectrum
from landscape_gui.store import Store, read_result, write_result

SMALL = Spectrum(top=3, smallest=2, probes=3, steps=6, budget=20, layers="never", precision="float64")


def ask(probe: Spectrum, problem: Any, store: Store | None = None) -> SpectrumResult:
    result = answer(probe, problem, store=store)
    assert isinstance(result, SpectrumResult)
    return result


@pytest.fixture
def operators(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every operator that is made, to count its products."""
    made: list[Any] = []
    make = curvature.operator_of

    def recorded(name: str, objective: Any) -> Any:
        made.append(make(name, objective))
        return made[-1]

    monkeypatch.setattr(curvature, "operator_of", recorded)
    return made


def products(operators: list[Any]) -> int:
    return sum(operator.products for operator in operators)


@pytest.fixture(scope="module")
def problem() -> TinyProblem:
    return TinyProblem()


@pytest.fixture(scope="module")
def truth(problem: TinyProblem) -> Any:
    return np.linalg.eigvalsh(hessian(problem).numpy())[::-1]


@pytest.fixture(scope="module")
def whole(problem: TinyProblem) -> SpectrumResult:
    return ask(Spectrum(top=3, smallest=2, probes=8, steps=12, budget=40, precision="float64"), problem)


def test_numbers_lie_within_their_errors_of_the_hessians(whole: SpectrumResult, truth: Any) -> None:
    numbers = whole.numbers
    np.testing.assert_allclose(whole.eigenvalues, truth[:3], atol=1e-5 * truth[0])
    np.testing.assert_allclose(whole.lowest, truth[-2:], atol=1e-5 * truth[0])
    assert numbers["frobenius"].value == pytest.approx(np.linalg.norm(truth), abs=4 * numbers["frobenius"].error + 1e-9)
    assert whole.trace == pytest.approx(truth.sum(), abs=4 * whole.trace_standard_error + 1e-9)
    alpha = 1e-3 * np.abs(truth).max()
    positive = np.maximum(truth, 0)
    dimension = numbers["effective_dimension"]
    # Student's t with 7 degrees of freedom exceeds 5 once in a thousand seeds; this one is fixed.
    assert dimension.value == pytest.approx((positive / (positive + alpha)).sum(), abs=5 * dimension.error)
    negative = numbers["negative_eigenvalues"]
    assert negative.kind == "lower bound" and 2 < negative.value <= (truth < 0).sum()  # more than the two that were asked for


def test_layers_are_blocks_whose_traces_add_up(whole: SpectrumResult, problem: TinyProblem) -> None:
    dense = hessian(problem).numpy()
    assert whole.layers == tuple(name for name, _ in problem.layout.layers())
    assert whole.layer_traces.sum() == pytest.approx(whole.trace, rel=1e-12)
    for k, (_, segments) in enumerate(problem.layout.layers()):
        block = dense[segments[0].start : segments[-1].stop, segments[0].start : segments[-1].stop]
        assert np.trace(block) == pytest.approx(whole.layer_traces[k], abs=5 * whole.layer_trace_errors[k] + 1e-9)
        assert np.linalg.eigvalsh(block)[-1] == pytest.approx(whole.layer_eigenvalues[k], abs=whole.layer_residuals[k] + 1e-9)
    bars = [m for panel in Spectrum().figure(whole, Look()).panels for m in panel.marks if isinstance(m, Bars)]
    assert [b.label for b in bars] == ["trace", "largest eigenvalue"]


@pytest.mark.parametrize("wider", [{"probes": 5}, {"steps": 10}, {"steps": 4}])
def test_a_wider_question_goes_on_from_a_narrower_one_to_the_bit(
    problem: TinyProblem, tmp_path: Path, operators: list[Any], wider: dict[str, int]
) -> None:
    store = Store(tmp_path)
    before = ask(SMALL, problem, store)
    spent = products(operators)
    assert spent == before.products  # the eigenvectors, too, are computed once for all probes
    asked = dataclasses.replace(SMALL, **wider)
    resumed = ask(asked, problem, store)
    new = asked.probes * asked.steps - SMALL.probes * SMALL.steps
    assert products(operators) - spent == max(new, 0)
    fresh = ask(asked, problem)
    for name in ("eigenvalues", "residuals", "lowest", "nodes", "weights", "node_residuals", "vectors", "trace", "products"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(fresh, name))
    assert before.nodes.shape == (3, 6)
    assert resumed.nodes.shape == (asked.probes, asked.steps)


def test_cancelled_between_products_it_loses_at_most_the_probe_under_way(
    problem: TinyProblem, tmp_path: Path, operators: list[Any]
) -> None:
    store, fresh = Store(tmp_path), ask(SMALL, problem)
    first = products(operators)
    operators.clear()
    steps = jobs.answering(SMALL, problem, store)  # type: ignore[arg-type]
    under_way = 0
    begun = SMALL.lines.expected + SMALL.steps  # type: ignore[union-attr]
    while under_way < 3:
        under_way += next(steps).done > begun
    steps.close()
    spent = products(operators)
    resumed = ask(SMALL, problem, store)
    assert spent < first <= products(operators) <= first + SMALL.steps
    np.testing.assert_array_equal(resumed.nodes, fresh.nodes)


def test_it_is_told_as_it_grows(problem: TinyProblem) -> None:
    stages = []

    def see(progress: Any) -> None:
        if progress.partial is not None:
            r = progress.partial
            assert not r.complete
            assert not len(r.vectors)
            assert "lambda_max" in r.numbers and r.numbers["lambda_max"].error == r.residuals[0]
            assert len(r.eigenvalues) < 2 or {"lambda_min", "negative_eigenvalues"} <= set(r.numbers)
            assert Spectrum().figure(r, Look()).panels
            found = density_of(r)
            assert found is not None and np.trapezoid(found.y, found.x) == pytest.approx(1, abs=1e-6)
            stages.append((len(r.eigenvalues), len(r.nodes), r.deflated))

    result = ask_with(SMALL, problem, see)
    assert result.complete
    assert stages[0] == (1, 1, 0)  # the first product has a picture and numbers with their bounds
    assert stages[-1] == (3, 3, 5)


def ask_with(probe: Spectrum, problem: Any, see: Any) -> SpectrumResult:
    steps = jobs.answering(probe, problem, None)
    while True:
        try:
            see(next(steps))
        except StopIteration as stop:
            result: SpectrumResult = stop.value
            return result


def test_the_density_integrates_to_one_in_json_and_the_rows_to_one_in_csv(whole: SpectrumResult, tmp_path: Path) -> None:
    told = json.loads(write_json(tmp_path / "s.json", whole).read_text(), parse_constant=pytest.fail)
    x, y = np.array(told["density_x"]), np.array(told["density_y"])
    assert np.trapezoid(y, x) == pytest.approx(1, abs=1e-6)  # what the density promises of its own grid
    assert told["eigenvalues"] == sorted(whole.eigenvalues.tolist(), reverse=True)
    assert told["residuals"] == whole.residuals.tolist()
    assert told["trace"] == whole.trace
    assert told["trace_standard_error"] == whole.trace_standard_error
    assert told["numbers"]["lambda_max"]["error"] == whole.residuals[0]
    assert x[0] < whole.lowest[-1] - 5 * told["kernel_width"] < x[-1]
    rows = list(csv.DictReader(write_csv(tmp_path / "s.csv", whole).read_text().splitlines()))
    probes = sum(float(r["weight"]) for r in rows if r["kind"] == "node") / len(whole.nodes)
    assert probes + sum(float(r["weight"]) for r in rows if r["kind"] == "line") == pytest.approx(1, abs=1e-12)


def test_another_width_redraws_from_what_is_kept(whole: SpectrumResult, tmp_path: Path) -> None:
    write_result(tmp_path / "s.h5", whole)
    kept = read_result(tmp_path / "s.h5")
    assert isinstance(kept, SpectrumResult)
    usual, narrow = Spectrum().figure(kept, Look()), Spectrum().figure(kept, Look(width=usual_width(kept) / 5))
    assert usual.extra["width"] == pytest.approx(5 * narrow.extra["width"])
    tops = [max(m.y.max() for m in f.panels[0].marks if isinstance(m, Line)) for f in (usual, narrow)]
    assert tops[1] > 1.5 * tops[0]
    needles = next(m for m in narrow.panels[0].marks if isinstance(m, Needles))
    np.testing.assert_array_equal(needles.x, np.concatenate([whole.eigenvalues, whole.lowest]))
    assert needles.vectors == (1, 2, 3, -2, -1)
    assert dict(usual.facts)["Kernel width"].endswith("(a hundredth of the range)")
    assert {"Operator", "Data", "Seed", "Precision", "Products", "Time", "Lines", "Band"} <= set(dict(usual.facts))


def test_all_eigenvalues_as_lines_leave_no_bulk(problem: TinyProblem, truth: Any) -> None:
    result = ask(dataclasses.replace(SMALL, top=1000, smallest=0), problem)
    assert result.deflated == result.size == len(truth)
    assert not result.nodes.size
    found = density_of(result)
    assert found is not None
    assert np.trapezoid(found.y, found.x) == pytest.approx(1, abs=1e-6)
    assert result.numbers["negative_mass"].value == pytest.approx((truth < -1e-3 * truth[0]).mean())
    assert Spectrum().figure(result, Look()).panels


def test_more_steps_than_parameters_and_no_lines_at_all(problem: TinyProblem, truth: Any) -> None:
    result = ask(dataclasses.replace(SMALL, top=0, smallest=0, steps=500, probes=2, budget=0), problem)
    assert result.deflated == 0
    assert not len(result.eigenvalues)
    assert result.nodes.shape[1] <= len(truth)
    # A Krylov space that has closed holds the extreme eigenvalues to rounding.
    assert result.nodes.max() == pytest.approx(truth[0], rel=1e-9)
    assert np.isnan(result.trace)


def test_a_network_that_is_flat_has_its_spectrum_at_zero() -> None:
    problem = TinyProblem()
    problem.states[-1].zero_()
    result = ask(dataclasses.replace(SMALL, layer=problem.layout.layers()[0][0]), problem)
    # With all weights zero the first layer does not reach the loss: its Hessian is zero.
    assert np.abs(result.eigenvalues).max() == 0
    found = density_of(result)
    assert found is not None
    assert np.trapezoid(found.y, found.x) == pytest.approx(1, abs=1e-6)
    assert Spectrum().figure(result, Look()).panels
