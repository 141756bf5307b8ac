"""The checkpoint that is pointed at: one in all charts, on the path once that is shown, and the other way round."""

import numpy as np
import pytest
from bowls import bowl
from PySide6.QtCore import QPointF
from test_charts import held

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.figure import Look
from landscape_gui.probes import PROBES
from landscape_gui.probes.dynamics import Dynamics
from landscape_gui.probes.trajectory import Trajectory
from landscape_gui.results import Provenance, Quantity, TrajectoryResult, freeze
from landscape_gui.ui.chart_grid import ChartGrid
from landscape_gui.ui.documents import Answer, Document

COUNT = 5
NAMES = tuple(f"epoch {k}" for k in range(COUNT))
"""Checkpoints on a straight way through the bowl."""
PLACES = np.linspace(-0.6, 0.0, COUNT)


def quantity(name, values):
    return Quantity(name=name, label=name.replace("_", " "), values=freeze(values))


def dynamics(runs=("a",)):
    order = np.arange(COUNT, dtype=float)
    made = {
        name: RunDynamics(
            name=name, order=freeze(order), names=NAMES, place=freeze(np.stack([PLACES, PLACES + k], 1)),
            computed=freeze(np.ones(COUNT), bool),
            quantities={
                q: quantity(q, 1 + k + order)
                for q in ("train_loss", "gradient_norm", "lambda_max", "weight_norm", "directional_sharpness", "epsilon_sharpness")
            },
        )
        for k, name in enumerate(runs)
    }  # fmt: skip
    return DynamicsResult(runs=made, explained=freeze([0.9, 0.1]), provenance=Provenance(probe="dynamics"))


def trajectory():
    values = {"train_loss": quantity("train_loss", np.arange(COUNT))}
    return TrajectoryResult(
        names=NAMES, order=freeze(range(COUNT)), x=freeze(PLACES), y=freeze(np.zeros(COUNT)), off_plane=freeze(np.zeros(COUNT)),
        distance=freeze(-PLACES), quantities=values, plane_quantities=values, surface=bowl(21, 21),
        provenance=Provenance(probe="trajectory"),
    )  # fmt: skip


@pytest.fixture
def grid(qtbot, dressed):
    grid = held(qtbot, ChartGrid(), 960, 760)
    grid.show_figure(Dynamics().figure(dynamics(("a", "b")), Look(view="chart")))
    return grid


def hover(chart, across, up=0.5):
    frame = chart.frame
    chart._moved(QPointF(frame.left() + across * frame.width(), frame.bottom() - up * frame.height()))


def place_of(chart, x, y):
    """A place of the plane in the chart's scene."""
    return chart.plot.vb.mapViewToScene(QPointF(x, y))


def test_small_charts_stand_as_many_abreast_as_the_figure_says_and_fewer_where_there_is_no_room(qtbot, grid):
    assert grid.columns() == 3 and len(grid.charts) == 7
    lefts = {round(chart.frame.left()) for chart in grid.charts[:6]}
    assert len(lefts) == 1  # over one axis: what stands below one another is at one place
    assert [chart.panel.x.label for chart in grid.charts] == ["", "", "", "", "epoch", "epoch", "PC 1 (90 %)"]
    grid.holder.resize(560, 760)
    qtbot.waitUntil(lambda: grid.columns() == 2, timeout=2000)


def test_pointing_in_one_chart_marks_all_and_reads_out_that_one(qtbot, grid):
    told = []
    grid.read.connect(told.append)
    grid.pointed.connect(grid.show_moment)
    hover(grid.charts[2], 0.5)
    for chart in grid.charts[:-1]:
        assert chart.pointer.line.isVisible() and chart.pointer.line.value() == 2.0
        assert len(chart.pointer.dots.points()) == 2
    way = grid.charts[-1]
    assert not way.pointer.line.isVisible() and way.pointer.name.toPlainText() == "epoch 2"
    assert [(p.pos().x(), p.pos().y()) for p in way.pointer.dots.points()] == [(PLACES[2], PLACES[2]), (PLACES[2], PLACES[2] + 1)]
    assert told[-1] == "a, epoch 2     lambda max 3          b, epoch 2     lambda max 4"


def test_pointing_at_the_path_marks_the_epoch_in_the_charts(qtbot, grid):
    grid.pointed.connect(grid.show_moment)
    way = grid.charts[-1]
    way._moved(place_of(way, PLACES[3] + 0.02, PLACES[3]))
    assert grid.moment == 3 and all(chart.pointer.line.value() == 3.0 for chart in grid.charts[:-1])


def test_charts_of_other_things_are_pointed_at_nowhere(qtbot, grid):
    from combs import bars_panel, figure_of

    grid.show_moment(2.0)
    grid.show_figure(figure_of(bars_panel()))
    assert not grid.charts[0].pointer.line.isVisible() and not grid.charts[0].pointer.dots.isVisible()


def shown(window, result, document):
    answer = Answer(key=result.provenance.probe, probe=result.provenance.probe, title="", result=result)
    window.session.show_answer(document, answer)


@pytest.fixture
def document(window):
    import dataclasses

    window.session.services = dataclasses.replace(window.session.services, probes=lambda: PROBES)
    document = Document(path="run", state="ready")
    window.session.documents.append(document)
    window.session.documents_changed.emit()
    return document


def test_an_epoch_of_the_charts_is_found_on_the_trajectory_and_back(qtbot, window, document):
    stage, link = window.stage, window.stage.moments
    shown(window, dynamics(), document)
    qtbot.waitUntil(lambda: len(stage.grid.charts) == 7 and all(c.panel is not None for c in stage.grid.charts), timeout=5000)
    hover(stage.grid.charts[0], 0.25)
    assert link.name == "epoch 1" and not link.mark.ring.isVisible()
    shown(window, trajectory(), document)
    assert link.mark.ring.isVisible() and link.mark.name.toPlainText() == "epoch 1"
    assert [p.pos().x() for p in link.mark.ring.points()] == [PLACES[1]]
    window.session.point((PLACES[4] + 0.01, 0.0))  # the mouse goes over the path
    assert link.name == "epoch 4" and [p.pos().x() for p in link.mark.ring.points()] == [PLACES[4]]
    window.session.point((-0.3, 0.9))  # and away from it: the last one stays
    assert link.name == "epoch 4"
    shown(window, dynamics(), document)
    qtbot.waitUntil(lambda: stage.grid.charts[0].pointer.line.isVisible(), timeout=5000)
    assert stage.grid.charts[0].pointer.line.value() == 4.0


def test_another_documents_run_is_not_marked(qtbot, window, document):
    link = window.stage.moments
    shown(window, trajectory(), document)
    window.session.point((PLACES[2], 0.0))
    assert link.mark.ring.isVisible()
    other = Document(path="other", state="ready")
    window.session.documents.append(other)
    shown(window, trajectory(), other)
    assert not link.mark.ring.isVisible()


def test_the_chart_that_is_wanted_is_chosen_above_them(qtbot, window, document):
    shown(window, dynamics(), document)
    box = window.stage.view_bar.quantity
    texts = [box.itemText(k) for k in range(box.count())]
    assert texts[:2] == ["All charts", "Loss"] and texts[-1] == "Trajectory"
    box.setCurrentIndex(texts.index("Weight norm"))
    box.activated.emit(box.currentIndex())
    assert [chart.panel.y.label for chart in window.stage.grid.charts] == ["|θ|"]


def test_both_kinds_say_what_stands_at_an_epoch(qtbot, window, document):
    """The trajectory's own chart can be pointed at as well."""
    figure = Trajectory().figure(trajectory(), Look(view="chart"))
    (panel,) = figure.panels
    assert panel.moments.words[3].startswith("epoch 3     train loss 3 true     train loss 3 in the plane")
