"""The topology of a surface as a question: what it is of, its noise, its numbers, its pictures, and that it is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_problem import TinyProblem

from landscape_gui.errors import QuestionError
from landscape_gui.export.tables import as_json, write_csv
from landscape_gui.figure import Band, Line, Look, Panel, Points, Texts
from landscape_gui.figure import Path as Trace
from landscape_gui.jobs import answer
from landscape_gui.probes import kind_of
from landscape_gui.probes.surface import Surface
from landscape_gui.probes.topology import Topology
from landscape_gui.results import AxesReport, Quantity, SurfaceResult, freeze
from landscape_gui.store import Store, read_result, write_result
from landscape_gui.topology_results import TopologyResult

X = np.linspace(0, 6 * np.pi, 61)
EGG_BOX = np.add.outer(np.cos(X), np.cos(X))


def surface(values: Any, error: Any = None, name: str = "train_loss", **fields: Any) -> SurfaceResult:
    values = np.asarray(values, float)
    known = None if error is None else freeze(np.broadcast_to(error, values.shape))
    quantity = Quantity(name=name, label=name.replace("_", " "), values=freeze(values), standard_error=known, unit="nat")
    axes = AxesReport(kind="filter", labels=("one", "other"), norms=freeze([1, 1]), cosines=freeze(np.eye(2)))
    x, y = freeze(np.linspace(-1, 1, values.shape[1])), freeze(np.linspace(0, 3, values.shape[0]))
    given: dict[str, Any] = {"computed": freeze(np.ones(values.shape), bool), "precision": "float64", **fields}
    return SurfaceResult(quantities={name: quantity}, axes=axes, x=x, y=y, **given)


def two_wells(error: float | None = 0.01) -> SurfaceResult:
    """Depth 0 at x = -0.5, depth 0.3 at x = 0.5, a saddle of 1 between them at x = 0, and a dimple of 0.3 at the edge y = 3."""
    x, y = np.linspace(-1, 1, 41), np.linspace(0, 3, 31)
    valley = np.interp(x, [-1, -0.5, 0, 0.5, 1], [4, 0, 1, 0.3, 4])
    values = valley[None, :] + 0.2 * np.abs(y - 1)[:, None]
    values[-1, 10] = values[-2, 10] - 0.3
    return surface(values, error)


def test_it_is_that_of_the_surface_of_the_same_fields(tmp_path: Path) -> None:
    problem, store = TinyProblem(), Store(tmp_path)
    asked = Topology(steps=(9, 7), span=(0.5,), seed=3)
    found = answer(asked, problem, store=store)
    assert isinstance(found, TopologyResult)
    alone = answer(Surface(steps=(9, 7), span=(0.5,), seed=3), problem, store=store)
    assert isinstance(alone, SurfaceResult) and alone.provenance.seconds == found.surface.provenance.seconds  # not computed again
    assert np.array_equal(found.surface.quantities["train_loss"].values, alone.quantities["train_loss"].values)
    assert found.births[0] == np.nanmin(alone.quantities["train_loss"].values)
    assert kind_of(found) is Topology


def test_an_egg_box() -> None:
    found = Topology().answer(surface(EGG_BOX, 0.02))
    numbers = {name: (n.value, n.error) for name, n in found.numbers.items()}
    assert numbers["minima"] == numbers["every_minimum"] == (9.0, 0.0)
    assert numbers["largest_persistence"] == pytest.approx((2.0, 0.04)) and numbers["total_persistence"] == pytest.approx(
        (16.0, 0.32)
    )
    assert numbers["smad"] == pytest.approx((2.0, 0.04))
    assert numbers["noise_floor"][0] == pytest.approx(2 * 1.96 * 0.02, abs=1e-9)
    assert sorted(set(np.round(found.x, 6))) == pytest.approx([-2 / 3, 0, 2 / 3], abs=1e-6)
    assert sorted(set(np.round(found.y, 6))) == pytest.approx([0.5, 1.5, 2.5], abs=1e-6)


def test_what_noise_may_have_made_is_below_the_floor() -> None:
    wells = two_wells()
    assert Topology().answer(wells).real.tolist() == [True, True, True]
    assert Topology().answer(wells).persistence[1:] == pytest.approx([0.7, 0.3])
    assert Topology(deviations=14).answer(wells).real.tolist() == [True, True, True]  # 2 * 14 * 0.01 is below 0.3
    assert Topology(deviations=16).answer(wells).real.tolist() == [True, True, False]
    assert Topology(deviations=36).answer(wells).real.tolist() == [True, False, False]


def test_minima_on_the_edge_are_told_apart() -> None:
    found = Topology().answer(two_wells())
    assert found.on_edge.tolist() == [False, False, True]
    assert (found.x[2], found.y[2]) == pytest.approx((-0.5, 3.0))
    assert found.numbers["minima_on_edge"].value == 1
    assert (found.saddle_x[1], found.saddle_y[1]) == pytest.approx((0.0, 1.0))


def test_unknown_errors_leave_rounding_alone_and_say_so() -> None:
    found = Topology().answer(two_wells(None))
    assert np.isnan(found.errors).all() and found.real.all()
    assert any("Standard errors are not known" in note for note in found.notes)
    assert 0 <= found.numbers["noise_floor"].value < 1e-10


def test_an_interpolated_surface_counts_its_error_as_noise() -> None:
    wells = two_wells(0.0)
    some = freeze(np.indices(wells.computed.shape).sum(axis=0) % 2 == 0, bool)
    interpolated = dataclasses.replace(wells, computed=some, adaptive=True, interpolation_error=0.2)
    found = Topology().answer(interpolated)
    assert not found.real[1] and found.real[0]  # e^0.4 - 1 of the saddle at 1, twice, is more than 0.7
    assert any("interpolated" in note for note in found.notes)
    with pytest.raises(QuestionError, match="how far its train accuracy may be off is not known"):
        Topology().answer(
            dataclasses.replace(surface(EGG_BOX, name="train_accuracy"), computed=freeze(EGG_BOX > 0, bool), adaptive=True)
        )


def test_cells_not_computed_are_no_part_of_it() -> None:
    wells = two_wells()
    wall = freeze(np.broadcast_to(np.abs(wells.x) > 1e-9, wells.computed.shape), bool)
    found = Topology().answer(dataclasses.replace(wells, computed=wall))
    assert np.isinf(found.deaths).sum() == 2


def test_a_quantity_that_is_not_there_is_named() -> None:
    with pytest.raises(QuestionError, match="no 'val_loss'"):
        Topology(quantity="val_loss").answer(two_wells())


@pytest.mark.parametrize("extrema", ["minima", "maxima"])
def test_it_is_kept_as_it_is(tmp_path: Path, extrema: str) -> None:
    found = Topology(extrema=extrema).answer(two_wells())
    write_result(tmp_path / "t.h5", found)
    back = read_result(tmp_path / "t.h5")
    assert isinstance(back, TopologyResult)
    for f in dataclasses.fields(found):
        one, other = getattr(found, f.name), getattr(back, f.name)
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f") if isinstance(one, np.ndarray) else True, f.name
    assert back.numbers == found.numbers and back.quantity == "train_loss"


def test_its_tables(tmp_path: Path) -> None:
    found = Topology().answer(two_wells())
    rows = write_csv(tmp_path / "t.csv", found).read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("minimum,x,y,birth,death,persistence,standard_error,real") and len(rows) == 4
    told = as_json(found)
    assert told["births"] == found.births.tolist() and told["deaths"][0] is None
    assert told["surface"]["train_loss"] == found.surface.quantities["train_loss"].values.tolist()


# ------------------------------------------------------------------------------------------------------------------- pictures


def marks(panel: Panel, kind: type) -> list[Any]:
    return [mark for mark in panel.marks if isinstance(mark, kind)]


@pytest.mark.parametrize(
    ("view", "kinds"), [("2d", ["2d", "chart", "chart"]), ("3d", ["3d", "chart", "chart"]), ("chart", ["chart"] * 2)]
)
def test_surface_diagram_and_tree(view: Any, kinds: list[str]) -> None:
    found = Topology().answer(surface(EGG_BOX, 0.02))
    figure = Topology().figure(found, Look(view=view))
    assert [panel.view for panel in figure.panels] == kinds
    diagram, tree = figure.panels[-2:]
    (band,) = marks(diagram, Band)
    assert band.high - band.low == pytest.approx(np.minimum(2 * 1.96 * 0.02, band.high.max() - band.low), abs=1e-9)
    ended = next(p for p in marks(diagram, Points) if p.marker == "disc")
    assert len(ended.x) == 8 and ended.y - ended.x == pytest.approx(np.full(8, 2.0))
    assert marks(diagram, Texts)[0].texts == ("2–9",)
    assert sorted(marks(tree, Texts)[0].texts) == [str(k) for k in range(1, 10)]
    assert len(next(p for p in marks(tree, Points) if p.marker == "diamond").x) == 8


def test_the_surface_shows_each_minimum_with_its_saddle() -> None:
    panel = Topology().figure(Topology().answer(two_wells()), Look(view="2d")).panels[0]
    points = {p.marker: p for p in marks(panel, Points)}
    assert points["disc"].names == ("1", "2") and points["square"].names == ("3",)
    assert points["diamond"].x[0] == pytest.approx(0.0)
    line = marks(panel, Trace)[0]
    assert (line.x.tolist(), line.stops) == ([0.5, pytest.approx(0.0)], False)


def test_below_the_floor_is_grey() -> None:
    figure = Topology().figure(Topology(deviations=16).answer(two_wells()), Look(view="2d"))
    for panel in figure.panels:
        assert [len(p.x) for p in marks(panel, Points) if p.colour == 7] == [1]
    assert [line.colour for line in marks(figure.panels[2], Line)] == [7, 1]


def test_a_single_minimum_has_a_picture() -> None:
    x = np.linspace(-1, 1, 21)
    figure = Topology().figure(Topology().answer(surface(np.add.outer(x**2, x**2), 0.01)), Look(view="2d"))
    assert len(figure.panels) == 3 and "1 of 1 minimum is above the noise floor" in figure.caption


def test_logarithmic_axes_where_all_is_positive() -> None:
    found = Topology().answer(surface(np.exp(EGG_BOX), 0.01))
    for panel in Topology().figure(found, Look(view="chart", scale="log")).panels:
        assert panel.y.scale == "log" and panel.y.limits is not None and 0 < panel.y.limits[0] < np.exp(-2) < 1 < panel.y.limits[1]
    below = Topology().answer(surface(EGG_BOX, 0.01))
    assert Topology().figure(below, Look(view="chart", scale="log")).panels[0].y.scale == "linear"


def test_maxima_hang_below_the_diagonal() -> None:
    found = Topology(extrema="maxima").answer(surface(EGG_BOX, 0.02))
    assert (found.births[0], found.numbers["minima"].label) == (2.0, "maxima above the noise floor")
    diagram = Topology().figure(found, Look(view="chart")).panels[0]
    (band,) = marks(diagram, Band)
    assert (band.low <= band.high).all() and (band.low < band.high).any()
    ended = next(p for p in marks(diagram, Points) if p.marker == "disc")
    assert (ended.y < ended.x).all()
    assert diagram.y.limits is not None and diagram.y.limits[0] < ended.y.min()
