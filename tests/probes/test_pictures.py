"""Answers as figures: the marks, and everything that a reader must be told."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from tiny_problem import TinyProblem

from landscape_gui import jobs
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Band, Figure, Line, Look, Note, Path, Rule
from landscape_gui.jobs import answer
from landscape_gui.probes import PROBES, Surface, Trajectory, facts
from landscape_gui.probes import Line as LineProbe
from landscape_gui.results import Quantity, SurfaceResult, freeze


@pytest.fixture(scope="module")
def surface() -> SurfaceResult:
    result = answer(Surface(steps=(9, 7), seed=3), TinyProblem())  # type: ignore[arg-type]
    assert isinstance(result, SurfaceResult)
    return result


def with_values(result: SurfaceResult, values: Any, **more: Any) -> SurfaceResult:
    q = dataclasses.replace(result.quantities["train_loss"], values=freeze(values))
    return dataclasses.replace(result, quantities={"train_loss": q}, **more)


def test_a_surface_in_2d_and_3d_is_the_same_mark(surface: SurfaceResult) -> None:
    flat, solid = (Surface().figure(surface, Look(view=view)).panels[0] for view in ("2d", "3d"))
    assert flat.surface is solid.surface
    assert (flat.view, solid.view) == ("2d", "3d")
    assert flat.surface is not None and solid.surface is not None
    assert flat.surface.z is solid.surface.z and flat.surface.levels == solid.surface.levels
    mark = solid.surface
    assert mark is not None and mark.z is surface.quantities["train_loss"].values
    assert mark.limits == (np.min(mark.z), np.max(mark.z)) and 8 <= len(mark.levels) <= 16
    assert solid.x.label == "filter-normalised direction 1" and solid.z.text == "training loss (nat)"


def test_the_facts_say_everything_and_the_caption_too(surface: SurfaceResult) -> None:
    figure = Surface().figure(surface, Look())
    told = dict(figure.facts)
    assert told["Direction seed"] == "3" and float(told["Cosine of the axes"].replace("−", "-")) == pytest.approx(
        surface.axes.cosines[0, 1], rel=1e-3
    )
    assert "200 in what is shown" in told["Data"] and "±" in told["At the centre"] and "63 points computed" in told["Points"]
    assert told["Precision"].startswith("float32") and "1 thread" in told["Computed on"] and "%" in told["Layers of axis 1"]
    for piece in ("filter-normalised", "seed 3", "cosine", "200 train", "standard error", "float32", "All 9 × 7 grid points"):
        assert piece in figure.caption
    assert all(label and value for label, value in figure.facts) and "Holes" not in told and "BatchNorm" not in told


def test_holes_are_counted_in_words_and_marked(surface: SurfaceResult) -> None:
    values = np.array(surface.quantities["train_loss"].values)
    values[0, 0], values[1, 1], values[2, 2] = np.nan, np.nan, np.inf
    figure = Surface().figure(with_values(surface, values), Look())
    assert dict(figure.facts)["Holes"] == "3 of 63 cells are not finite (2 NaN and 1 infinite): training loss"
    mark = figure.panels[0].surface
    assert mark is not None and mark.missing is not None and mark.missing.sum() == 3 and np.isfinite(mark.limits).all()
    one = with_values(surface, np.where(np.arange(63).reshape(7, 9) == 5, np.inf, values[3, 3]))
    assert dict(Surface().figure(one, Look()).facts)["Holes"].startswith("1 of 63 cells is not finite (infinite)")


def test_nothing_but_nan_is_still_a_figure(surface: SurfaceResult) -> None:
    for scale in ("linear", "log"):
        figure = Surface().figure(with_values(surface, np.full((7, 9), np.nan)), Look(scale=scale))  # type: ignore[arg-type]
        assert figure.panels[0].surface is not None and "63 of 63" in dict(figure.facts)["Holes"]
        assert notes(figure) == ["No finite value in 63 points."]
    assert notes(Surface().figure(surface, Look())) == []


def test_a_line_towards_a_checkpoint_names_both() -> None:
    problem = TinyProblem()
    line = answer(LineProbe(steps=5, towards=problem.reference("epoch_1")), problem)  # type: ignore[arg-type]
    rules = [m for m in LineProbe().figure(line, Look()).panels[0].marks if isinstance(m, Rule)]
    assert [(r.at, r.label) for r in rules] == [(0.0, "checkpoint"), (1.0, "epoch 1")]


def test_a_line_of_nothing_but_nan_says_so() -> None:
    line = answer(LineProbe(steps=5), TinyProblem())  # type: ignore[arg-type]
    assert notes(LineProbe().figure(line, Look())) == []
    broken = {n: dataclasses.replace(q, values=freeze(np.full(5, np.nan))) for n, q in line.quantities.items()}
    assert notes(LineProbe().figure(dataclasses.replace(line, quantities=broken), Look())) == ["No finite value in 5 points."]


def notes(figure: Figure) -> list[str]:
    return [mark.text for mark in figure.panels[0].marks if isinstance(mark, Note)]


def test_a_wide_range_suggests_a_logarithmic_scale_and_towers_are_cut(surface: SurfaceResult) -> None:
    values = np.geomspace(1e-3, 1e4, 63).reshape(7, 9)
    wide = with_values(surface, values)
    linear, log = (Surface().figure(wide, Look(scale=s)) for s in ("linear", "log"))
    assert linear.extra["suggested_scale"] == "log" and Surface().figure(surface, Look()).extra["suggested_scale"] == "linear"
    mark = linear.panels[0].surface
    assert mark is not None and mark.limits[1] < 1e4 and "cut off" in dict(linear.facts)["Clipped"]
    assert log.panels[0].surface is not None and log.panels[0].surface.limits == (1e-3, 1e4) and "Clipped" not in dict(log.facts)
    chosen = Surface().figure(wide, Look(limits=(0.0, 2.0)))
    assert (
        chosen.panels[0].surface is not None and chosen.panels[0].surface.limits == (0.0, 2.0) and "Clipped" in dict(chosen.facts)
    )


def test_a_partial_answer_is_drawn_whole_and_says_so(surface: SurfaceResult) -> None:
    steps = jobs.answering(Surface(steps=(41, 31)), TinyProblem(), None)  # type: ignore[arg-type]
    partial = next(p.partial for p in steps if p.partial is not None)
    for scale in ("linear", "log"):
        figure = Surface().figure(partial, Look(scale=scale))  # type: ignore[arg-type]
        mark = figure.panels[0].surface
        assert mark is not None and np.isfinite(mark.z).all() and mark.missing is not None and not mark.missing.any()
        known = partial.quantities["train_loss"].values[partial.computed]
        assert np.array_equal(mark.z[partial.computed], known)
        assert "25 of 1,271 computed so far" in dict(figure.facts)["Points"]
        assert known.min() <= mark.z.min() * (1 + 1e-9) and mark.z.max() <= known.max() * (1 + 1e-9)


def test_a_look_chooses_quantity_and_statistic() -> None:
    result = answer(Surface(steps=(5, 4), draws=2), TinyProblem())  # type: ignore[arg-type]
    figure = Surface().figure(result, Look(quantity="test_loss", statistic="spread"))
    mark = figure.panels[0].surface
    assert mark is not None and np.array_equal(mark.z, result.quantities["test_loss_spread"].values)
    assert dict(figure.facts)["Direction seed"] == "0 to 1"
    with pytest.raises(QuestionError, match="no 'x_loss'"):
        Surface().figure(result, Look(quantity="x_loss"))


def test_the_title_says_which_of_several_draws_is_shown(surface: SurfaceResult) -> None:
    several = answer(Surface(steps=(5, 4), seed=7, draws=3), TinyProblem())  # type: ignore[arg-type]

    def title(result: SurfaceResult, look: Look) -> str:
        return Surface().figure(result, look).panels[0].title

    assert title(several, Look()) == "Training loss, draw 1 of 3 (seed 7)"
    assert title(several, Look(statistic="median")) == "Training loss, median of 3 draws"
    assert title(surface, Look()) == "Training loss"


def test_a_line_has_a_band_a_curve_and_two_axes() -> None:
    result = answer(LineProbe(steps=21), TinyProblem())  # type: ignore[arg-type]
    figure = LineProbe().figure(result, Look())
    panel = figure.panels[0]
    lines = [m for m in panel.marks if isinstance(m, Line)]
    bands = [m for m in panel.marks if isinstance(m, Band)]
    assert [line.label for line in lines] == ["training loss", "training accuracy", "test loss", "test accuracy"]
    assert [line.right for line in lines] == [False, True, False, True] and [line.colour for line in lines] == [0, 0, 1, 1]
    assert panel.right is not None and panel.right.label == "accuracy" and any(isinstance(m, Rule) for m in panel.marks)
    q = result.quantities["train_loss"]
    assert np.allclose(bands[0].high - bands[0].low, 2 * 1.96 * q.standard_error)
    assert "1.96 standard errors" in dict(figure.facts)["Bands"]


def test_a_trajectory_is_a_path_on_the_surface_or_a_chart() -> None:
    result = answer(Trajectory(steps=(5, 4)), TinyProblem())  # type: ignore[arg-type]
    solid = Trajectory().figure(result, Look())
    path = next(m for m in solid.panels[0].marks if isinstance(m, Path))
    assert np.array_equal(path.x, result.x) and path.names == result.names
    assert not any(isinstance(m, Path) for m in Trajectory().figure(result, Look(trajectory=False)).panels[0].marks)
    told = dict(solid.facts)
    assert (
        "random walk 60.8 %" in told["Explained variance"]
        and "6 checkpoints" in told["Run"]
        and "at most" in told["Distance off the plane"]
    )
    chart = Trajectory().figure(result, Look(view="chart")).panels[0]
    assert [m.label for m in chart.marks if isinstance(m, Line)] == [
        "training loss, true",
        "training loss, in the plane",
        "distance off the plane",
    ]
    assert chart.x.label == "epoch"


@pytest.mark.parametrize("name", list(PROBES))
def test_every_probe_names_itself_and_describes_its_fields(name: str) -> None:
    probe = PROBES[name]
    assert probe.name == name and probe.title and probe.summary
    for f in dataclasses.fields(probe):
        assert f.metadata["label"] and f.metadata["help"], f.name


def test_the_point_nearest_to_the_checkpoint_is_not_called_the_centre():
    shown = Quantity(name="train_loss", label="training loss", values=freeze([3.0, 2.0, 1.0]))
    assert facts.centre_facts(shown, 1, exact=True)[0] == ("At the centre", "2")
    assert facts.centre_facts(shown, 1, exact=False)[0] == ("At the grid point nearest to the checkpoint", "2")


def test_errors_that_are_not_between_examples_are_told() -> None:
    assert facts.batches_words({"batches": {"train_loss": 8}}) == "train loss: between the means of 8 batches"
    assert "none" in facts.batches_words({"batches": {"train_loss": 1}})
    assert facts.batches_words({}) == ""
