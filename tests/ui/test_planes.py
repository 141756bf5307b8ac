"""From connected models to the next question: planes, pairs of a table, files by their digests; and bare paths on a plane."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from pairs import Among, net
from test_canvases import held
from ways import Paths, connection

from landscape_gui import style
from landscape_gui.connection_results import BarriersResult, BarrierTable
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Axis, Line, Look, Panel, Path, Surface
from landscape_gui.probes import PROBES
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.results import Quantity, freeze
from landscape_gui.ui.brief_labels import brief
from landscape_gui.ui.canvas2d import Canvas2D
from landscape_gui.ui.chart_reading import reading
from landscape_gui.ui.documents import Document, Shown
from landscape_gui.ui.places import with_places
from landscape_gui.ui.planes import pair_at, plane_question

B = CheckpointRef("b.pt", "b" * 32, "b")


def shown_of(probe, result=None):
    return Shown(probe=probe, result=result, document=Document(path="a.pt", state="ready", problem=net("a.pt")))


# the plane


@pytest.fixture
def kinds():
    from landscape_gui.probes.path_plane import PathPlane

    return {"path-plane": PathPlane}


def test_the_plane_is_laid_through_the_path_that_one_is_on_with_the_others_in_it(kinds):
    shown = shown_of(Paths(towards=B, path=("line", "bezier", "chain")))
    plane = plane_question(kinds, shown, "chain")
    assert plane.path == ("chain", "bezier") and plane.towards == B and plane.of == ()


def test_a_line_alone_spans_no_plane_so_that_a_curve_is_found(kinds):
    assert plane_question(kinds, shown_of(Paths(towards=B)), "line").path == ("bezier",)


def test_the_paths_of_a_connection_are_asked_for_as_it_asked_for_them(kinds):
    connect = PROBES["connect"](towards=B, path=("line", "chain", "repaired"), bends=3, lr=0.01, points=9, compare_batchnorm=True)
    problem = SimpleNamespace(
        checkpoint=SimpleNamespace(
            path=SimpleNamespace(resolve=lambda: "a", parent=SimpleNamespace(name="run"), name="a.pt"), digest=""
        ),
        run=None,
        splits={"train": 10},
        has_batchnorm=True,
        title="a",
        layout=SimpleNamespace(segments=()),
    )
    plane = plane_question(kinds, Shown(probe=connect, result=None, document=Document(path="a.pt", problem=problem)), "repaired")
    assert plane.path == ("chain",), "repaired statistics are no place in a plane"
    line, chain = plane.of
    assert line.of is None and (chain.of.bends, chain.of.lr, chain.points) == (3, 0.01, 9)
    questions = dict(connect.completed(problem).questions(problem))
    assert chain == questions["chain"].completed(problem), "found in the store under the same key"


def test_a_program_without_planes_says_so():
    with pytest.raises(QuestionError, match="no question here"):
        plane_question({}, shown_of(Paths(towards=B)), "line")


# paths on the screen


def test_a_chart_on_the_screen_names_paths_alone_and_has_room_at_its_ends():
    result = connection("", "line", "bezier")
    figure = Paths().figure(result, Look(view="chart"))
    seen = brief(figure, result)
    labels = {m.label for panel in seen.panels for m in panel.marks if isinstance(m, Line)} - {""}
    assert labels == {"straight interpolation of the ends", "straight line", "Bezier curve, 1 bend"}
    assert figure.panels[0].x.limits == (0, 1) and seen.panels[0].x.limits == (-0.015, 1.015)
    assert [len(p.marks) for p in seen.panels] == [len(p.marks) for p in figure.panels]
    assert brief(figure, table()) is figure


def test_a_name_that_begins_with_another_stays_whole():
    result = connection("", "aligned", "chain")
    longer = dataclasses.replace(result.paths["chain"], label="aligned, repaired")
    result = dataclasses.replace(result, paths={"aligned": result.paths["aligned"], "repaired": longer})
    seen = brief(Paths().figure(result, Look(view="chart")), result)
    assert {"aligned", "aligned, repaired"} <= {m.label for m in seen.panels[0].marks if isinstance(m, Line)}


# a table


def table(order=(0, 1, 2)):
    values = freeze([[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    quantities = {"train_loss_above_line": Quantity(name="train_loss_above_line", label="barrier", values=values)}
    return BarriersResult(
        names=("a", "b", "c"),
        barriers=values,
        standard_errors=freeze(np.zeros((3, 3))),
        distances=values,
        losses=freeze(np.zeros(3)),
        order=freeze(order, int),
        tree=freeze([[0, 1], [0, 2]], int),
        tables={"line": BarrierTable(path="line", quantities=quantities, distances=values, lengths=values)},
        split="train",
    )


@pytest.mark.parametrize(
    ("order", "cell", "pair"),
    [
        ((0, 1, 2), (1, 2), ("a", "b")),  # the uppermost row is the first model
        ((0, 1, 2), (0, 0), ("c", "a")),
        ((2, 0, 1), (0, 0), ("b", "c")),
        ((0, 1, 2), (1, 1), None),  # the diagonal
    ],
)
def test_a_cell_of_a_table_is_a_pair_of_models(order, cell, pair):
    others = (CheckpointRef("b.pt", "b" * 32), CheckpointRef("c.pt", "c" * 32))
    shown = shown_of(Among(others=others), table(order))
    found = pair_at(shown, Look(), *cell)
    names = {"a": shown.document, "b": "b.pt", "c": "c.pt"}
    assert found == (None if pair is None else [names[name] for name in pair])


def test_a_table_whose_files_are_not_known_has_no_pairs():
    others = (CheckpointRef("b.pt", "b" * 32), CheckpointRef("", "c" * 32))
    assert pair_at(shown_of(Among(others=others), table()), Look(), 1, 2) is None
    assert pair_at(shown_of(Paths(towards=B), connection("", "line")), Look(), 0, 0) is None


# places of files


def test_a_checkpoint_named_by_its_digest_is_found_among_what_is_open():
    b = Document(path="b.pt", state="ready", problem=net("b.pt"))
    digest = b.problem.checkpoint.digest
    probe = with_places(Paths(towards=CheckpointRef("", digest)), [Document(path="x", state="opening"), b])
    assert (probe.towards.path, probe.towards.digest) == ("b.pt", digest)
    kept = CheckpointRef("elsewhere.pt", digest)
    assert with_places(Paths(towards=kept), [b]).towards is kept
    unknown = CheckpointRef("", "0" * 32)
    assert with_places(Among(others=(unknown, CheckpointRef("", digest))), [b]).others[0] is unknown
    assert with_places(Among(others=(unknown, CheckpointRef("", digest))), [b]).others[1].path == "b.pt"


# bare paths


def plane(*paths):
    x, y = np.linspace(0, 1, 5), np.linspace(0, 1, 4)
    surface = Surface(x=x, y=y, z=x[None] + y[:, None], limits=(0.0, 2.0))
    return Panel(marks=(surface, *paths), view="2d", x=Axis(label="x", limits=(0, 1)), y=Axis(label="y", limits=(0, 1)))


def bare(label, colour, dash=False):
    return Path(x=np.array([0.0, 0.5, 1.0]), y=np.array([0.0, 0.9, 0.0]), label=label, colour=colour, dash=dash, stops=False)


@pytest.fixture
def canvas(qtbot, dressed):
    return held(qtbot, Canvas2D())


def test_bare_paths_are_lines_in_their_colours_named_beneath_the_frame(qtbot, canvas):
    canvas.show_panel(plane(bare("straight <b>line</b>", 7, dash=True), bare("curve", 1)))
    qtbot.wait(200)
    visible = [line for _, line in canvas.bare.lines if line.isVisible()]
    assert [line.opts["pen"].color().name().upper() for line in visible] == [style.SERIES[7], style.SERIES[1]]
    assert canvas.ends.data.size == 0, "no run's start and end"
    assert canvas.key.isVisible() and "&lt;b&gt;" in canvas.key.text()
    assert canvas.key.geometry().top() >= canvas.plot.getAxis("bottom").sceneBoundingRect().bottom() - 1
    assert canvas.key.geometry().bottom() <= canvas.height()


def test_items_of_bare_paths_are_used_again(qtbot, canvas):
    canvas.show_panel(plane(bare("a", 0), bare("b", 1)))
    count = len(canvas.plot.items)
    canvas.show_panel(plane(bare("c", 2)))
    assert len(canvas.plot.items) == count
    assert [line.isVisible() for _, line in canvas.bare.lines] == [True, False]
    canvas.show_panel(plane())
    assert not canvas.key.isVisible()


def test_models_that_a_table_numbers_are_read_out_by_name():
    names = ("a-model-with-a-long-name", "another-with-a-longer-one", "c")
    panel = PROBES["barriers"]().figure(dataclasses.replace(table(), names=names), Look(view="chart")).panels[0]
    assert panel.x.names == ("1", "2", "3")
    assert reading(panel, 1.0, 2.0).startswith("a-model-with-a-long-name     another-with-a-longer-one     barrier 1")
