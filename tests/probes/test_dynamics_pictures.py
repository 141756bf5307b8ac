"""Training dynamics as charts: one axis, legends that do not repeat, limits, what is wanted, and what can be pointed at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Band, Figure, Line, Look, Moments, Points
from landscape_gui.probes import dynamics_pictures
from landscape_gui.probes.dynamics import Dynamics
from landscape_gui.results import Quantity, freeze

COUNT = 9


def quantity(name: str, values: Any, error: float | None = None, unit: str = "") -> Quantity:
    values = freeze(values)
    return Quantity(
        name=name, label=name.replace("_", " "), values=values, unit=unit,
        standard_error=None if error is None else freeze(np.full(len(values), error)),
    )  # fmt: skip


def run_of(name: str = "a", *, rate: float = 0.1, optimiser: str = "sgd", end: float = 8.0, known: int = COUNT) -> RunDynamics:
    """A run whose curvature climbs from 2 to 18; the first `known` of its checkpoints are measured."""
    order = np.linspace(0, end, COUNT)
    there = np.arange(COUNT) < known
    losses = np.where(there, 2.0 / (1 + order), np.nan)
    curvature = np.where(there, 2 + 16 * order / end, np.nan)
    quantities = {
        "train_loss": quantity("train_loss", losses, 0.01, "nat"),
        "test_loss": quantity("test_loss", losses + 0.1, 0.02, "nat"),
        "lambda_max": quantity("lambda_max", curvature, 0.001),
        "weight_norm": quantity("weight_norm", 1 + order),
    }
    if optimiser == "sgd":
        quantities["stability_ratio"] = quantity("stability_ratio", rate * curvature)
        quantities["stability_limit"] = quantity("stability_limit", np.full(COUNT, 2 / rate))
        quantities["learning_rate"] = quantity("learning_rate", np.full(COUNT, rate))
    return RunDynamics(
        name=name, order=freeze(order), quantities=quantities, optimiser=optimiser, momentum=0.0,
        limit_words="2/lr" if optimiser == "sgd" else "",
        names=tuple(f"epoch {k:g}" for k in order), place=freeze(np.stack([order, order**2], 1)), computed=freeze(there, bool),
        logged={"train_loss": quantity("train_loss", [2.0, 0.4])}, logged_order=freeze([0, 4]),
    )  # fmt: skip


def drawn(*runs: RunDynamics, **look: Any) -> Figure:
    result = DynamicsResult(runs={run.name: run for run in runs}, explained=freeze([0.9, 0.08]), radius=0.05)
    return Dynamics().figure(result, Look(view="chart", **look))


def lines(figure: Figure, title: str, *, dash: bool | None = None) -> list[Line]:
    panel = next(panel for panel in figure.panels if panel.title == title)
    return [m for m in panel.marks if isinstance(m, Line) and (dash is None or m.dash == dash)]


def test_charts_stand_over_one_axis_and_the_way_beside_them() -> None:
    figure = drawn(run_of())
    titles = [panel.title for panel in figure.panels]
    assert titles == ["Loss", "Largest Hessian eigenvalue", "Stability ratio", "Weight norm", "Trajectory"] and figure.columns == 3
    assert {panel.x.limits for panel in figure.panels[:-1]} == {(-0.16, 8.16)}
    assert figure.panels[-1].equal and figure.panels[-1].x.label == "PC 1 (90 %)"
    labels = [m.label for m in figure.panels[0].marks if isinstance(m, Line | Points) and m.label]
    assert labels == ["train", "test", "as logged"]


def test_the_limit_is_drawn_for_gradient_descent_alone() -> None:
    for title, height in (("Largest Hessian eigenvalue", 20.0), ("Stability ratio", 2.0)):
        (limit,) = lines(drawn(run_of()), title, dash=True)
        assert set(limit.y.tolist()) == {height}
    assert lines(drawn(run_of(optimiser="adam")), "Largest Hessian eigenvalue", dash=True) == []
    both = drawn(run_of(), run_of("b", optimiser="adam"))
    assert [m.colour for m in lines(both, "Largest Hessian eigenvalue", dash=True)] == [0]


def test_a_limit_far_above_the_curve_makes_its_axis_logarithmic() -> None:
    panels = {title: panel for figure in (drawn(run_of(rate=0.001)),) for panel in figure.panels for title in (panel.title,)}
    assert panels["Largest Hessian eigenvalue"].y.scale == panels["Stability ratio"].y.scale == "log"
    assert panels["Loss"].y.scale == "linear" and drawn(run_of(), scale="log").panels[0].y.scale == "log"


def test_the_scale_does_not_change_with_what_is_measured_by_now_where_the_run_logged_it() -> None:
    part = run_of(known=1)  # 2 at first, and 18 at last; the limit is 20
    logged = {"lambda_max": quantity("lambda_max", [2.0, 18.0])}
    scales = [drawn(RunDynamics(**{**vars(run), "logged": found})).panels[1].y.scale for run, found in ((part, {}), (part, logged))]
    assert scales == ["log", "linear"]


def test_a_run_that_diverges_leaves_the_others_to_be_seen() -> None:
    """On a linear axis up to 1e30 nothing else is."""
    wild = run_of("wild")
    values = np.array(wild.quantities["weight_norm"].values)
    values[3], values[4:] = 1e30, np.nan
    wild = RunDynamics(**{**vars(wild), "quantities": {**wild.quantities, "weight_norm": quantity("weight_norm", values)}})
    scales = {panel.title: panel.y.scale for panel in drawn(run_of(), wild).panels}
    assert scales["Weight norm"] == "log" and scales["Loss"] == "linear"


def test_several_runs_keep_their_colours_and_are_named_once() -> None:
    figure = drawn(run_of(), run_of("b", end=16))
    for title in ("Loss", "Largest Hessian eigenvalue", "Weight norm", "Trajectory"):
        assert {m.colour for m in lines(figure, title)} == {0, 1}
    named = [m.label for panel in figure.panels for m in panel.marks if isinstance(m, Line) and m.label in ("a", "b")]
    assert named == ["a", "b"] and figure.panels[0].x.limits == (-0.32, 16.32)


def test_bands_are_the_standard_error_and_the_residual() -> None:
    figure = drawn(run_of())
    loss, curvature = (next(m for m in panel.marks if isinstance(m, Band)) for panel in figure.panels[:2])
    assert (loss.high - loss.low) / 2 == pytest.approx([1.96 * 0.01] * COUNT)
    assert (curvature.high - curvature.low) / 2 == pytest.approx([0.001] * COUNT)


def test_a_line_joins_neighbours_alone_and_ends_where_measuring_does() -> None:
    """A bold line over checkpoints that nobody has measured would say more than is known."""
    run = run_of()
    values = np.array(run.quantities["lambda_max"].values)
    values[[1, 2, 5, 8]] = np.nan
    computed = np.ones(COUNT, bool)
    computed[[1, 2, 8]] = False  # still to come; 5 is measured, and no number
    quantities = {**run.quantities, "lambda_max": quantity("lambda_max", values)}
    part = RunDynamics(**{**vars(run), "quantities": quantities, "computed": freeze(computed, bool)})
    figure = drawn(part)
    line = lines(figure, "Largest Hessian eigenvalue", dash=False)[0]
    assert line.x.tolist() == list(range(8)) and np.flatnonzero(np.isnan(line.y)).tolist() == [1, 2, 5]
    dots = next(m for m in figure.panels[1].marks if isinstance(m, Points))
    assert dots.x[np.isfinite(dots.y)].tolist() == [0, 3, 4, 6, 7]


def test_single_checkpoints_in_a_long_run_are_seen_until_all_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamics_pictures, "DOTTED", 3)

    def dots(run: RunDynamics) -> int:
        return sum(isinstance(m, Points) and m.marker != "cross" for m in drawn(run).panels[1].marks)

    part = run_of()
    values = np.array(part.quantities["lambda_max"].values)
    values[1::2] = np.nan
    part = RunDynamics(**{**vars(part), "quantities": {**part.quantities, "lambda_max": quantity("lambda_max", values)}})
    assert (dots(part), dots(run_of())) == (1, 0)


def test_the_title_lists_runs_and_their_checkpoints() -> None:
    titles = [drawn(*(run_of(name) for name in names)).caption.split(".")[0] for names in ("a", "ab", "abc")]
    assert titles == [
        "Training dynamics of a, 9 checkpoints",
        "Training dynamics of a and b, 9 and 9 checkpoints",
        "Training dynamics of a, b and c, 9, 9 and 9 checkpoints",
    ]


def test_charts_are_chosen_by_name_or_by_quantity_and_a_wrong_name_is_told_the_right_ones() -> None:
    assert [p.title for p in drawn(run_of(), quantity="lambda_max").panels] == ["Largest Hessian eigenvalue"]
    assert [p.title for p in drawn(run_of(), quantity="test_loss, weight_norm").panels] == ["Loss", "Weight norm"]
    assert [p.title for p in drawn(run_of(), quantity="learning_rate").panels] == ["Learning rate"]
    with pytest.raises(QuestionError, match="sharpnes") as error:
        drawn(run_of(), quantity="sharpnes")
    assert "lambda_max, stability_ratio, weight_norm" in str(error.value)


def test_a_changing_rate_has_a_chart_where_no_limit_shows_it() -> None:
    rates = {"learning_rate": quantity("learning_rate", np.linspace(0.1, 0.01, COUNT))}
    for optimiser, shown in (("sgd", False), ("adam", True)):
        run = run_of(optimiser=optimiser)
        run = RunDynamics(**{**vars(run), "quantities": {**run.quantities, **rates}})
        assert ("Learning rate" in [p.title for p in drawn(run).panels]) == shown


def test_every_chart_knows_the_checkpoints_and_what_is_read_out_there() -> None:
    figure = drawn(run_of(), run_of("b", end=16))
    known = [panel.moments for panel in figure.panels]
    assert all(m is not None and m.names == known[0].names and len(m.names) == 2 * COUNT for m in known)  # type: ignore[union-attr]
    first, way = known[0], known[-1]
    assert first is not None and way is not None and way.x is not None and first.x is None
    assert first.nearest(4.2) == (4, COUNT + 2) and first.nearest(12.1) == (COUNT + 6,)  # the first run has ended by then
    assert first.words[4].startswith("a, epoch 4     train loss 0.4 ± 0.01") and way.x[4] == 4


def test_beyond_every_run_the_nearest_checkpoint_is_meant() -> None:
    assert Moments(order=freeze([0, 1, 5]), run=freeze([0, 0, 1]), names=("a", "b", "c")).nearest(9.0) == (2,)


def test_caption_and_facts_say_what_the_marks_are() -> None:
    figure = drawn(run_of(known=4))
    told = dict(figure.facts)
    assert told["Run"] == "9 checkpoints, 0 to 8; over epoch; gradient descent; 4 measured so far"
    assert told["Limit of stability"].startswith("2/lr: of full-batch steps")
    for words in ("within which an eigenvalue lies", "computed here", "mini-batches stay below"):
        assert words in figure.caption


def test_the_facts_tell_the_least_loss_and_the_greatest_of_the_others() -> None:
    told = dict(drawn(run_of()).facts)
    loss, curvature = (told[name] for name in ("Train loss", "Lambda max"))
    assert loss == "2 nat at first, 0.2222 nat at last, least 0.2222 nat at epoch 8"
    assert curvature.startswith("2 at first, 18 at last, greatest 18 at epoch 8")
