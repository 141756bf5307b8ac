"""The plane of two models and a bend: what lies on it is what the paths themselves measure."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem

from landscape_gui.connection_results import PathPlaneResult
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Line, Look, Path, Points
from landscape_gui.jobs import answer
from landscape_gui.probes.base import Progress
from landscape_gui.probes.connect import Connect
from landscape_gui.probes.path import PathQuestion
from landscape_gui.probes.path_plane import PathPlane
from landscape_gui.store import Store


def asked(problem: TinyProblem, *path: str, **fields: Any) -> PathPlane:
    given = {"steps": (13, 9), "points": 7, "training_steps": 12, **fields}
    return PathPlane(towards=problem.reference("epoch_1"), path=path or ("bezier",), **given)


def answered(problem: TinyProblem, *path: str, **fields: Any) -> PathPlaneResult:
    found = answer(asked(problem, *path, **fields), problem)  # type: ignore[arg-type]
    assert isinstance(found, PathPlaneResult)
    return found


@pytest.fixture(scope="module")
def bezier() -> PathPlaneResult:
    return answered(TinyProblem(), "bezier", "chain")


def test_the_straight_line_is_the_row_y_0_of_the_surface(bezier: PathPlaneResult) -> None:
    line, surface = bezier.paths["line"], bezier.surface
    row = int(np.argmin(np.abs(surface.y)))
    assert surface.y[row] == pytest.approx(0, abs=1e-12)
    assert line.x == pytest.approx(line.t, abs=1e-6)
    assert line.y == pytest.approx(np.zeros(7), abs=1e-6)
    met = 0
    for k, t in enumerate(line.t):
        column = int(np.argmin(np.abs(surface.x - t)))
        if abs(surface.x[column] - t) < 1e-9:
            met += 1
            for name in ("train_loss", "test_loss"):
                on_surface = surface.quantities[name].values[row, column]
                assert line.quantities[name].values[k] == pytest.approx(on_surface, rel=2e-4, abs=1e-6)
    assert met >= 2


def test_a_path_in_the_plane_is_measured_as_the_surface_is_there(bezier: PathPlaneResult) -> None:
    curve = bezier.paths["bezier"]
    unit = float(bezier.surface.axes.norms[0])
    assert curve.off_plane.max() < 1e-4 * unit
    assert [curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]] == pytest.approx([0, 0, 1, 0], abs=1e-5)
    problem = TinyProblem()
    there = answered(problem, "bezier", steps=(2, 2), span=(float(curve.x[3]), 1.0, float(curve.y[3]), 1.0))
    corner = there.surface.quantities["train_loss"].values[0, 0]
    assert corner == pytest.approx(float(curve.quantities["train_loss"].values[3]), rel=1e-3)


def test_names_and_places_of_the_anchors(bezier: PathPlaneResult) -> None:
    assert bezier.names == ("epoch 5", "epoch 1", "control point")
    assert bezier.x[:2].tolist() == [0, 1]
    assert bezier.y[:2].tolist() == [0, 0]
    curve = bezier.paths["bezier"]
    assert curve.y[3] == pytest.approx(bezier.y[2] / 2, rel=1e-4)  # a quadratic curve comes half as far as its control point
    assert list(bezier.paths) == ["line", "bezier", "chain"]


def test_the_paths_are_those_of_a_connection(tmp_path: FilePath) -> None:
    problem, store = TinyProblem(), Store(tmp_path)
    connection = Connect(towards=problem.reference("epoch_1"), path=("line", "bezier"), points=7, steps=12)
    measured: Any = answer(connection, problem, store=store)  # type: ignore[arg-type]
    made: list[object] = []
    problem.broken = made.append
    found: Any = answer(asked(problem), problem, store=store)  # type: ignore[arg-type]
    assert len(made) == 1  # the surface's
    assert np.array_equal(
        found.paths["bezier"].quantities["train_loss"].values, measured.paths["bezier"].quantities["train_loss"].values
    )
    questions = tuple(question for _, question in connection.questions(problem))  # type: ignore[arg-type]
    given: Any = answer(asked(problem, of=questions), problem, store=store)  # type: ignore[arg-type]
    assert np.array_equal(given.surface.quantities["train_loss"].values, found.surface.quantities["train_loss"].values)


def test_the_surface_comes_in_with_the_paths_on_it() -> None:
    problem, partials = TinyProblem(), []

    def see(progress: Progress) -> None:
        if progress.partial is not None:
            partials.append(progress.partial)

    answer(asked(problem, steps=(60, 60)), problem, on_progress=see)  # type: ignore[arg-type]
    assert partials
    first = partials[0]
    assert isinstance(first, PathPlaneResult)
    assert not first.surface.computed.all()
    assert len(first.paths) == 2


def shuffled() -> TinyProblem:
    """With the units of epoch 1 in another order."""
    problem = TinyProblem()
    order = torch.randperm(16, generator=torch.Generator().manual_seed(3))
    tensors = {name: t.clone() for name, t in problem.layout.unflatten(problem.states[1]).items()}
    tensors["0.weight"], tensors["0.bias"] = tensors["0.weight"][order], tensors["0.bias"][order]
    tensors["2.weight"] = tensors["2.weight"][:, order]
    problem.states[1] = problem.layout.flatten(tensors)
    return problem


def test_a_permuted_model_spans_the_plane_of_an_aligned_line() -> None:
    found = answered(shuffled(), "aligned")
    assert found.names[2].endswith(", permuted")
    aligned = found.paths["aligned"]
    assert aligned.off_plane.max() < 1e-4 * float(found.surface.axes.norms[0])
    ends = {(round(float(aligned.x[k]), 4), round(float(aligned.y[k]), 4)) for k in (0, -1)}
    assert (round(float(found.x[2]), 4), round(float(found.y[2]), 4)) in ends


def test_a_straight_line_alone_spans_no_plane() -> None:
    problem = TinyProblem()
    line = PathQuestion(towards=problem.reference("epoch_1"), points=3)
    with pytest.raises(QuestionError, match="spans no plane"):
        answered(problem, of=(line,))
    with pytest.raises(QuestionError, match="No unit changed its place"):
        answered(problem, "aligned")
    with pytest.raises(QuestionError, match="No path"):
        PathPlane(path=())
    with pytest.raises(QuestionError):
        answer(PathPlane(), problem)  # type: ignore[arg-type]


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_lines_and_models_are_marked_and_named(bezier: PathPlaneResult, view: Any) -> None:
    figure = asked(TinyProblem()).figure(bezier, Look(view=view))
    (panel,) = figure.panels
    lines = [m for m in panel.marks if isinstance(m, Path)]
    assert [m.label.partition(",")[0] for m in lines] == ["straight line", "Bezier curve", "chain"]
    assert "% off the plane" in lines[2].label
    assert "off the plane" not in lines[1].label
    assert panel.key == tuple(lines)
    assert len({m.ink for m in lines}) == 3
    named = [m.names[0] for m in panel.marks if isinstance(m, Points)]
    assert named[:2] == ["epoch 5", "epoch 1"]
    assert panel.x.label == "towards epoch 1"


def test_what_must_be_known_is_said(bezier: PathPlaneResult) -> None:
    figure = asked(TinyProblem()).figure(bezier, Look(view="2d"))
    told = dict(figure.facts)
    assert told["Bezier curve, 1 bend"].startswith("training loss at most")
    assert told["Bezier curve, 1 bend"].endswith("in the plane")
    assert "% of the models' distance off the plane" in told["Chain, 1 bend"]
    assert "orange disc at (0, 0): epoch 5; pink disc at (1, 0): epoch 1" in told["Marked"]
    for words in ("paths between epoch 5 and epoch 1", "right angles", "Bezier curve", "all 200 train"):
        assert words in figure.caption


def test_the_chart_shows_true_values_and_distances(bezier: PathPlaneResult) -> None:
    figure = asked(TinyProblem()).figure(bezier, Look(view="chart", quantity="test_loss"))
    loss, off = figure.panels
    lines = {m.label: m for m in loss.marks if isinstance(m, Line)}
    assert np.array_equal(lines["straight line"].y, bezier.paths["line"].quantities["test_loss"].values)
    assert np.array_equal([m.y for m in off.marks if isinstance(m, Line)][2], bezier.paths["chain"].off_plane)


def test_the_straight_line_may_be_named_and_changes_nothing_but_spans_no_plane_alone() -> None:
    problem: Any = TinyProblem()
    named = asked(problem, "line", "bezier", "line").completed(problem)
    assert named == asked(problem, "bezier").completed(problem)
    with pytest.raises(QuestionError, match="A straight line spans no plane"):
        answer(asked(problem, "line"), problem)
