"""Pictures of curvature: each says what it is of, and shows what was asked for where it can be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_problem import TinyProblem

from landscape_gui.chart_limits import limits
from landscape_gui.figure import Line, Look, Rule
from landscape_gui.jobs import answer
from landscape_gui.probes import sharpness_pictures
from landscape_gui.probes.data_dependence import Dependence
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.headings import heading
from landscape_gui.probes.run_spectra import Spectra

CHART = Look(view="chart")


def ask(probe: Any) -> Any:
    return answer(probe, TinyProblem())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def run() -> Any:
    return ask(Spectra(top=2, smallest=1, probes=1, steps=5, budget=4))


def labels(panel: Any) -> list[str]:
    return [m.label for m in panel.marks if isinstance(m, Line) and m.label]


def test_a_heading_names_the_matrix_the_examples_and_the_kernel(run: Any) -> None:
    assert heading("Spectrum", run, Look(), width=0.0393) == (
        "Spectrum of the Hessian on all 200 train examples, kernel width 0.0393"
    )
    block = replace(run, operator="gauss-newton", layer="fc1", subset="50 of 200 train")
    assert (
        heading("Eigenvalues", block, Look()) == "Eigenvalues of the Gauss-Newton matrix, layers fc1, on 50 of 200 train examples"
    )
    assert heading("Sharpness", run, Look(), matrix=False) == "Sharpness on all 200 train examples"
    assert heading("Spectrum", run, Look(title=False)) == ""


def test_a_run_shows_its_density_as_a_heat_map_and_its_ends_as_curves(run: Any) -> None:
    figure = Spectra().figure(run, CHART)
    density, ends = figure.panels
    assert density.heat_map and not ends.heat_map
    assert "largest eigenvalue" in labels(density) and {"largest eigenvalue", "trace"} <= set(labels(ends))
    assert "kernel width" in figure.title
    assert [p.heat_map for p in Spectra().figure(run, Look(view="2d")).panels] == [True]
    one = replace(run, computed=np.arange(len(run.computed)) == 0)
    assert [p.heat_map for p in Spectra().figure(one, CHART).panels] == [False]


def test_a_stability_limit_far_above_does_not_flatten_the_curves(run: Any) -> None:
    top = float(np.nanmax(run.lambda_max))
    near, far = (
        Spectra().figure(replace(run, limits=np.full_like(run.lambda_max, k * top), limit_words="2/lr"), CHART).panels[1]
        for k in (1.5, 500.0)
    )
    assert near.y.scale == "linear" and "smallest eigenvalue" in labels(near)
    assert far.y.scale == "log" and "−smallest eigenvalue" in labels(far)
    drawn = next(m for m in far.marks if isinstance(m, Line) and m.label == "−smallest eigenvalue")
    below = run.lambda_min < 0
    assert np.array_equal(drawn.y[below], -run.lambda_min[below]) and np.isnan(drawn.y[~below]).all()


def test_power_iteration_shows_its_way_and_no_ranks_of_one() -> None:
    result = ask(Eigenvalues(method="power", tolerance=1e-3))
    (panel,) = Eigenvalues(method="power").figure(result, CHART).panels
    assert panel.title == "Power iteration" and labels(panel) == [
        "residual", "error of the leading eigenvalue", "|λ₂/λ₁|^k", "|λ₂/λ₁|^(2k)",
    ]  # fmt: skip


def test_the_eigenvalue_on_all_examples_is_named_outside_the_data() -> None:
    figure = Dependence().figure(ask(Dependence(fewest=50, budget=4, draws=1)), CHART)
    (panel,) = figure.panels
    assert not any(isinstance(m, Rule) for m in panel.marks)
    assert "largest eigenvalue on all examples" in labels(panel)
    assert figure.title == "Largest eigenvalue and trace of the Hessian on subsets of 200 train examples"


def test_no_point_of_a_sharpness_curve_lies_on_the_edge() -> None:
    x = np.array([0.005, 0.05, 0.5])
    low, high = sharpness_pictures.around(x, np.array([np.nan, 0.0])) or (0.0, 0.0)
    assert low < 0.9 * x[0] and high > 1.1 * x[-1]
    assert sharpness_pictures.around(np.zeros(0)) is None
    marks = sharpness_pictures.curve(x, np.ones(3), "worst case", 0)
    from landscape_gui.figure import Axis, Panel

    assert limits(Panel(marks=tuple(marks), x=Axis(scale="log", limits=(low, high))), "x") == (low, high)
