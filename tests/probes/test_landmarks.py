"""The checkpoints that span a plane are marked where they lie, and named."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_problem import TinyProblem

from landscape_gui.export import render
from landscape_gui.figure import Figure, Look, Points
from landscape_gui.jobs import answer
from landscape_gui.page_setup import PageSetup
from landscape_gui.probes.surface import Surface
from landscape_gui.probes.trajectory import Trajectory
from landscape_gui.results import SurfaceResult
from landscape_gui.scene3d.model import model_of


@pytest.fixture(scope="module")
def plane() -> SurfaceResult:
    problem = TinyProblem()
    ends = {"towards": problem.reference("epoch_1"), "third": problem.reference("epoch_2")}
    return answer(Surface(steps=(7, 6), **ends), problem)  # type: ignore[arg-type, return-value]


def marked(figure: Figure) -> list[tuple[str, float, float]]:
    return [(m.names[0], float(m.x[0]), float(m.y[0])) for m in figure.panels[0].marks if isinstance(m, Points)]


def test_three_checkpoints_are_marked_named_and_explained(plane: SurfaceResult) -> None:
    figure = Surface().figure(plane, Look(view="2d"))
    assert marked(figure) == [("this checkpoint", 0, 0), ("epoch 1", 1, 0), ("epoch 2", 0, 1)]
    told = dict(figure.facts)["Marked"]
    assert "pink disc at (1, 0): epoch 1" in told and "light blue disc at (0, 1): epoch 2" in told


def test_they_stand_on_the_surface_and_on_the_paper(plane: SurfaceResult) -> None:
    model = model_of(Surface().figure(plane, Look(view="3d")).panels[0])
    pins = np.concatenate([trace.stops for trace in model.traces if trace.pins])
    np.testing.assert_allclose(pins, model.lift(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])))
    assert np.isfinite(pins).all()
    drawn = render(Surface().figure(plane, Look(view="2d")), ".svg", PageSetup(dpi=50)).decode()
    assert ">this checkpoint</text>" in drawn and ">epoch 2</text>" in drawn


def test_what_lies_outside_the_frame_is_not_marked_and_random_directions_mark_nothing() -> None:
    problem = TinyProblem()
    near = answer(Surface(steps=(3, 3), span=(0.5,), towards=problem.reference("epoch_1")), problem)  # type: ignore[arg-type]
    assert [name for name, _, _ in marked(Surface().figure(near, Look()))] == ["this checkpoint"]  # type: ignore[arg-type]
    random = answer(Surface(steps=(3, 3)), problem)  # type: ignore[arg-type]
    figure = Surface().figure(random, Look())  # type: ignore[arg-type]
    assert marked(figure) == [] and "Marked" not in dict(figure.facts)


def test_the_ends_of_a_path_are_explained() -> None:
    path = answer(Trajectory(steps=(4, 3)), TinyProblem())  # type: ignore[arg-type]
    told = dict(Trajectory().figure(path, Look()).facts)["Path"]  # type: ignore[arg-type]
    assert f"start, {path.names[0]};" in told and told.endswith(f"end, {path.names[-1]}")  # type: ignore[union-attr]
