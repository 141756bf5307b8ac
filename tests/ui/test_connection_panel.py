"""The window on paths between two models: the panel that lists them, what its buttons ask, the handle and the strip."""

import dataclasses

import numpy as np
import pytest
from bowls import bowl
from pairs import Among, opener
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel
from test_planes import table
from ways import HEIGHTS, Paths, Trainer, Ways, path_of

from landscape_gui.connection_results import PathPlaneResult, PlacedPath
from landscape_gui.figure import Path
from landscape_gui.probes import PROBES
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.results import Provenance, freeze
from landscape_gui.ui.class_bars import ClassBars
from landscape_gui.ui.connection_panel import narrower
from landscape_gui.ui.documents import Shown
from landscape_gui.ui.path_rows import row_of, tip_of
from landscape_gui.ui.services import Services
from landscape_gui.ui.sides import CELL, NUMBERS, PATHS, QUESTION


@pytest.fixture
def trainer():
    trainer = Trainer()
    yield trainer
    trainer.open.set()


@pytest.fixture
def services(trainer):
    probes = {"connect": Paths, "barriers": Among}
    return Services(opener=opener, answerer=trainer, probes=lambda: probes, way=Ways())


@pytest.fixture
def joined(qtbot, window):
    """The window on the line between two models."""
    session = window.session
    window.connectivity.way.t = 0.5
    window.connectivity.panel.split.clear()
    documents = session.open(["a.pt", "b.pt"], asks=False)
    qtbot.waitUntil(lambda: all(d.state == "ready" for d in documents), timeout=5000)
    window.library.connecting.connect_models(documents)
    qtbot.waitUntil(lambda: session.shown is not None and not session.shown.partial, timeout=10000)
    qtbot.waitUntil(lambda: window.connectivity.way.result is not None, timeout=5000)
    qtbot.waitUntil(lambda: all(c.panel is not None for c in window.stage.grid.charts), timeout=5000)
    return window


def panel_of(window):
    return window.connectivity.panel


def whole(qtbot, window, *names):
    session = window.session
    qtbot.waitUntil(lambda: session.shown.probe.path == names and not session.shown.partial, timeout=10000)


def test_the_paths_tab_comes_forward_with_the_line_listed(joined):
    assert joined.tabs.currentIndex() == PATHS
    assert not joined.tabs.isTabVisible(CELL) and not joined.tabs.isTabVisible(NUMBERS)
    panel = panel_of(joined)
    (row,) = panel.paths.rows
    assert (row.label, row.barrier, row.second) == ("Straight line", "2.00 ± 0.20", "length 1 (1.00×)  ·  score 0.333")
    assert panel.first.text() == "a" and panel.second.text() == "↔ b"
    assert panel.distance.text() == "1 apart  ·  barriers in nat"
    assert joined.stage.view == "chart" and joined.connectivity.strip.isVisible()


def test_a_better_path_is_asked_for_beside_those_there_are(qtbot, joined, trainer):
    panel = panel_of(joined)
    QTest.mouseClick(panel.buttons["bezier"], Qt.MouseButton.LeftButton)
    whole(qtbot, joined, "line", "bezier")
    assert trainer.asked[-1].path == ("line", "bezier") and trainer.asked[-1].towards.label == "b"
    assert [r.barrier for r in panel.paths.rows] == ["2.00 ± 0.20", "0.250 ± 0.025"]
    assert set(joined.stage.grid.charts[0].head.labels) >= {"straight line", "Bezier curve, 1 bend"}, "no numbers in the legend"
    assert [r.colour for r in panel.paths.rows] == [0, 1], "the colours of the chart"
    assert not panel.buttons["bezier"].isEnabled() and panel.buttons["chain"].isEnabled()


def test_a_path_being_trained_is_seen_live_and_one_more_takes_its_place(qtbot, joined, trainer):
    panel, session = panel_of(joined), joined.session
    trainer.open.clear()
    panel.more("bezier")
    assert panel.paths.rows[1].second == "waiting …", "at once"
    qtbot.waitUntil(lambda: panel.paths.rows[1].second.startswith("20 steps"), timeout=5000)
    assert panel.paths.rows[1].pending
    first = session.inquiries[-1]
    panel.more("chain")
    qtbot.waitUntil(lambda: first.state == "cancelled" and first not in session.inquiries, timeout=5000)
    assert session.followed.probe.path == ("line", "bezier", "chain")
    assert first not in session.inquiries, "what was given up for it stands in no list"
    trainer.open.set()
    whole(qtbot, joined, "line", "bezier", "chain")
    assert not any(r.pending for r in panel.paths.rows)


def test_a_path_that_was_cancelled_is_gone_on_with(qtbot, joined, trainer):
    panel, session = panel_of(joined), joined.session
    trainer.open.clear()
    panel.more("bezier")
    qtbot.waitUntil(lambda: panel.paths.rows[-1].second.startswith("20 steps"), timeout=5000)
    assert not panel.buttons["bezier"].isEnabled()
    session.cancel()
    qtbot.waitUntil(lambda: not panel.running, timeout=5000)
    assert panel.paths.rows[1].second == "stopped; its button goes on from there"
    assert panel.buttons["bezier"].isEnabled() and not panel.offers("line") and panel.offers("chain")
    trainer.open.set()
    panel.buttons["bezier"].click()
    whole(qtbot, joined, "line", "bezier")
    assert not panel.paths.rows[1].pending and not panel.buttons["bezier"].isEnabled()


def test_paths_asked_for_in_quick_succession_are_all_asked_for(qtbot, joined, trainer):
    panel = panel_of(joined)
    for name in ("bezier", "aligned"):
        panel.more(name)  # nothing is known of the first when the second is asked for
    assert [r.name for r in panel.paths.rows] == ["line", "bezier", "aligned"]
    whole(qtbot, joined, "line", "bezier", "aligned")
    assert [r.pending for r in panel.paths.rows] == [False] * 3


def test_another_definition_or_split_changes_the_list_and_asks_nothing(qtbot, joined, trainer):
    panel, asked = panel_of(joined), len(trainer.asked)
    for definition, barrier in (("above_mean", "2.00 ± 0.20"), ("above_larger", "2.00 ± 0.20")):
        panel.definition.setCurrentIndex(panel.definition.findData(definition))
        panel.definition.activated.emit(panel.definition.currentIndex())
        assert panel.paths.rows[0].barrier == barrier
        assert joined.session.settings.text("barrier") == definition
        assert joined.session.look.barrier == definition, "the chart marks what the list tells"
    panel.split.setCurrentIndex(panel.split.findData("test"))
    panel.split.activated.emit(1)
    assert panel.paths.rows[0].barrier == "4.00 ± 0.40"
    assert joined.session.look.quantity == "test_loss", "the chart shows the same split"
    assert joined.stage.figure.extra["quantity"] == "test_loss"
    assert len(trainer.asked) == asked


def test_batchnorm_is_switched_and_the_gap_shown(qtbot, joined, trainer):
    panel = panel_of(joined)
    assert not panel.modes.isVisible(), "this network has none"
    panel.shown.document.problem.has_batchnorm = True
    panel.refresh()
    assert panel.modes.isVisible() and panel.batchnorm.currentData() == "recalculated"
    panel.batchnorm.setCurrentIndex(panel.batchnorm.findData("frozen"))
    panel.batchnorm.activated.emit(panel.batchnorm.currentIndex())
    qtbot.waitUntil(lambda: trainer.asked[-1].batchnorm == "frozen", timeout=5000)
    qtbot.waitUntil(lambda: panel.shown.probe.batchnorm == "frozen", timeout=5000)
    QTest.mouseClick(panel.gap, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.gap.height() // 2))
    qtbot.waitUntil(lambda: len(panel.paths.rows) == 2, timeout=5000)
    assert trainer.asked[-1].compare_batchnorm and panel.gap.isChecked()
    assert panel.paths.rows[1].name == "line, frozen"


def test_the_budget_is_changed_in_the_questions_form(joined):
    panel_of(joined).tune.click()
    assert joined.tabs.currentIndex() == QUESTION
    form = joined.question.form
    assert form.kind is Paths and form.editors["path"].value() == ("line",)
    form.editors["path"].boxes["chain"].setChecked(True)
    assert form.probe().path == ("line", "chain")


def test_another_answer_puts_the_paths_away_and_this_one_brings_them_back(qtbot, joined):
    joined.session.select(joined.session.documents[1])
    assert not joined.tabs.isTabVisible(PATHS) and not joined.connectivity.strip.isVisible()
    joined.session.select(joined.session.documents[0])
    qtbot.waitUntil(lambda: joined.tabs.isTabVisible(PATHS), timeout=5000)
    assert joined.connectivity.strip.isVisible()


# the handle


def grip_of(window, number=0):
    return window.connectivity.handle.grips[window.stage.grid.charts[number]]


def test_the_handle_is_dragged_along_the_chart(qtbot, joined):
    chart, way = joined.stage.grid.charts[0], joined.connectivity.way
    vb = chart.plot.vb
    low, high = vb.viewRange()[1]

    def place(t):
        return chart.mapFromScene(vb.mapViewToScene(QPointF(t, low + 0.3 * (high - low))))

    QTest.mousePress(chart.viewport(), Qt.MouseButton.LeftButton, pos=place(0.5))
    for t in (0.55, 0.6, 0.7, 0.8):
        qtbot.wait(15)
        QTest.mouseMove(chart.viewport(), place(t))
    QTest.mouseRelease(chart.viewport(), Qt.MouseButton.LeftButton, pos=place(0.8))
    assert way.t == pytest.approx(0.8, abs=0.02)
    assert [grip_of(joined, k).line.value() for k in (0, 1)] == [way.t, way.t], "both charts have it"
    qtbot.waitUntil(lambda: way.result.t == way.t, timeout=5000)
    assert float(grip_of(joined).disc.getData()[1][0]) == pytest.approx(1 + way.t, rel=1e-12), "as just measured"


def test_the_disc_stands_on_the_path_that_one_is_on(qtbot, joined):
    panel_of(joined).more("bezier")
    whole(qtbot, joined, "line", "bezier")
    panel_of(joined).paths.setCurrentRow(1)
    way, handle = joined.connectivity.way, joined.connectivity.handle
    assert way.path == "bezier" and handle.colour == 1
    way.result = None
    handle.refresh()
    assert float(grip_of(joined).disc.getData()[1][0]) == pytest.approx(0.1 + HEIGHTS["bezier"], rel=1e-12)
    joined.session.set_look(scale="log")
    handle.refresh()
    assert float(grip_of(joined).disc.getData()[1][0]) == pytest.approx(np.log10(0.35), rel=1e-12)


def test_keys_and_clicks_move_the_handle(qtbot, joined):
    chart, way = joined.stage.grid.charts[0], joined.connectivity.way
    chart.setFocus()
    for key, modifier, t in (
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 0.51),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier, 0.61),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, 0.60),
    ):
        QTest.keyClick(chart, key, modifier)
        assert way.t == pytest.approx(t, abs=1e-12)
    place = chart.mapFromScene(chart.plot.vb.mapViewToScene(QPointF(0.2, chart.plot.vb.viewRect().center().y())))
    QTest.mouseClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert way.t == pytest.approx(0.2, abs=0.01)
    joined.connectivity.strip.slider.setValue(700)
    assert way.t == 0.7


def test_other_charts_have_no_handle(qtbot, joined):
    joined.session.select(joined.session.documents[1])
    joined.connectivity.lie_on(joined.stage.figure)
    assert not any(grip.line.isVisible() for grip in joined.connectivity.handle.grips.values())


# the strip


def test_the_strip_tells_of_the_model_there(qtbot, joined):
    way, strip = joined.connectivity.way, joined.connectivity.strip
    way.move(0.25)
    qtbot.waitUntil(lambda: way.result.t == 0.25, timeout=5000)
    assert strip.place.text() == "t = 0.250" and strip.slider.value() == 250
    assert {cell.text() for cell in strip.cells.values()} >= {"1.25 ± 0.10", "50.00 %"}
    assert "Loss (nat)" in {label.text() for label in strip.table.findChildren(QLabel)}
    assert strip.flips.text() == "Of 4 test predictions\n0 differ from a\n2 differ from b"
    assert strip.bars_title.text() == "Test accuracy by class"
    way.move(0.75)
    qtbot.waitUntil(lambda: way.result.t == 0.75, timeout=5000)
    assert strip.flips.text() == "Of 4 test predictions\n2 differ from a\n0 differ from b"
    assert strip.bars.words(0) == "Class 0: 50.0 % of 2 test examples\na: 100.0 %\nb: 50.0 %"


def test_the_bars_are_as_high_as_the_accuracy(qtbot, joined):
    bars: ClassBars = joined.connectivity.strip.bars
    full, half = bars.bar(0, 1.0), bars.bar(0, 0.5)
    assert half.height() == pytest.approx(full.height() / 2, rel=1e-12) and half.bottom() == full.bottom()
    assert bars.bar(1, 1.0).left() > full.right()
    assert bars.bar(0, float("nan")).height() == 0


def test_the_model_there_is_saved_as_asked(qtbot, joined, tmp_path, monkeypatch):
    chosen = tmp_path / "half"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen), ""))
    joined.connectivity.strip.button.click()
    qtbot.waitUntil(lambda: any(d.path.endswith("half.safetensors") for d in joined.session.documents), timeout=5000)
    assert (tmp_path / "half.safetensors").read_text() == "line at 0.5"
    assert joined.session.current is joined.session.documents[0] and joined.tabs.isTabVisible(PATHS)


def test_a_path_whose_curve_is_lost_says_so(qtbot, joined):
    panel_of(joined).more("chain")
    whole(qtbot, joined, "line", "chain")
    panel_of(joined).choose("chain")
    strip = joined.connectivity.strip
    qtbot.waitUntil(lambda: "not in the store" in strip.flips.text(), timeout=5000)
    assert not strip.button.isEnabled()


def test_light_and_dark_dress_the_handle(joined):
    joined.use_theme("dark")
    assert grip_of(joined).line.pen.color().name().upper() == joined.stage.grid.charts[0].theme.ink
    joined.use_theme("light")
    assert grip_of(joined).line.pen.color().name().upper() == joined.stage.grid.charts[0].theme.ink


# a table of barriers


def test_a_click_on_a_cell_of_a_table_connects_its_pair(qtbot, joined, trainer):
    session = joined.session
    others = (CheckpointRef("b.pt", "b" * 32, "b"), CheckpointRef("c.pt", "c" * 32, "c"))
    kind = PROBES["barriers"]
    session.services = dataclasses.replace(session.services, probes=lambda: {"connect": Paths, "barriers": kind})
    session.show_again(Shown(probe=kind(others=others), result=table(), document=session.documents[0]))
    chart = joined.stage.grid.charts[0]
    qtbot.waitUntil(lambda: chart.panel is not None and chart.panel.heat_map, timeout=5000)
    assert not joined.connectivity.strip.isVisible() and joined.tabs.currentIndex() != PATHS
    read = []
    chart.read.connect(read.append)
    place = chart.mapFromScene(chart.plot.vb.mapViewToScene(QPointF(2.1, 0.9)))
    qtbot.wait(20)
    QTest.mouseMove(chart.viewport(), place)
    qtbot.waitUntil(lambda: bool(read), timeout=3000)
    assert read[-1].startswith("b     c     barrier 3"), "the row's model, the column's and what stands between them"
    asked = len(trainer.asked)
    QTest.mouseClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: len(trainer.asked) > asked, timeout=5000)
    assert session.current.path == "b.pt" and trainer.asked[-1].towards.label == "c"


# rows


def test_a_row_says_nothing_of_a_barrier_between_the_ends_alone():
    ends = dataclasses.replace(path_of("line", complete=False), computed=np.array([True, False, False, False, True]))
    assert row_of(ends, 0, "train", "above_line", 1.0).barrier == ""


def test_markup_in_a_paths_words_is_shown_and_never_read():
    tip = tip_of(dataclasses.replace(path_of("line"), training="<b>bold</b>"), "train")
    assert "&lt;b&gt;bold" in tip


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (("line",), ("line", "bezier"), True),
        (("line", "bezier"), ("line", "bezier"), False),
        (("line", "chain"), ("line", "bezier"), False),
    ],
)
def test_a_question_is_narrower_that_asks_for_fewer_paths_and_nothing_else(before, after, found):
    assert narrower(Paths(path=before), Paths(path=after)) is found
    assert not narrower(Paths(path=before, towards=CheckpointRef("b.pt")), Paths(path=after))


# a plane


@pytest.fixture
def planar(joined, services, trainer):
    """The window on a line, where planes can be asked for: bowls with the line and a curve in them."""
    from landscape_gui.probes.path_plane import PathPlane

    session = joined.session

    def answerer(probe, problem, **more):
        return plane_of(probe) if isinstance(probe, PathPlane) else trainer(probe, problem, **more)

    session.services = dataclasses.replace(
        services, answerer=answerer, probes=lambda: {"connect": Paths, "barriers": Among, "path-plane": PathPlane}
    )
    panel_of(joined).refresh()
    return joined


def plane_of(probe):
    return PathPlaneResult(
        names=("a", "b", "control point"),
        x=freeze([0.0, 1.0, 0.5]),
        y=freeze([0.0, 0.0, 0.8]),
        surface=bowl(11, 9),
        paths={name: placed(name) for name in ("line", *probe.path)},
        split="train",
        provenance=Provenance(probe="path-plane", key=f"plane {probe}"),
    )


def placed(name):
    path = path_of(name)
    return PlacedPath(
        name=name,
        label=path.label,
        t=path.t,
        x=path.t,
        y=freeze(0.0 * path.t if name == "line" else path.t * (1 - path.t)),
        off_plane=freeze(0 * path.t),
        quantities=path.quantities,
        split="train",
    )


def test_the_plane_is_looked_at_with_the_paths_still_listed(qtbot, planar):
    session, panel = planar.session, panel_of(planar)
    panel.more("bezier")
    whole(qtbot, planar, "line", "bezier")
    panel.choose("bezier")
    assert panel.plane.isEnabled() and panel.paths.currentRow() == 1
    panel.plane.click()
    qtbot.waitUntil(lambda: isinstance(session.shown.result, PathPlaneResult) and not session.shown.partial, timeout=10000)
    assert session.shown.probe.path == ("bezier",) and session.shown.probe.towards.label == "b"
    assert planar.stage.view == "both" and not planar.connectivity.strip.isVisible()
    assert planar.tabs.isTabVisible(PATHS) and planar.tabs.isTabVisible(CELL)
    assert [line.isVisible() for _, line in planar.stage.canvas2d.bare.lines] == [True, True]
    shown = [m.colour for m in planar.stage.canvas2d.panel.marks if isinstance(m, Path)]
    assert [r.colour for r in panel.paths.rows] == shown, "the colours of the plane"
    panel.chart.click()
    assert planar.stage.view == "chart" and session.shown.probe.path == ("line", "bezier")
    assert [r.colour for r in panel.paths.rows] == [0, 1]
    assert planar.connectivity.strip.isVisible()


def test_a_path_that_was_being_trained_ends_behind_the_plane(qtbot, planar, trainer):
    session, panel = planar.session, panel_of(planar)
    trainer.open.clear()
    panel.more("bezier")
    qtbot.waitUntil(lambda: panel.paths.rows[1].second.startswith("20 steps"), timeout=5000)
    panel.plane.click()
    qtbot.waitUntil(lambda: isinstance(session.shown.result, PathPlaneResult), timeout=10000)
    assert panel.paths.rows[1].pending
    trainer.open.set()
    qtbot.waitUntil(lambda: not panel.paths.rows[1].pending, timeout=5000)
    assert isinstance(session.shown.result, PathPlaneResult), "the plane stays"
    panel.chart.click()
    assert not session.shown.partial and session.shown.result.complete


def test_an_answer_about_other_models_puts_the_list_away(qtbot, planar):
    session = planar.session
    probe = planar.session.services.probes()["path-plane"](towards=CheckpointRef("c.pt", "c" * 32, "c"))
    session.show_again(Shown(probe=probe, result=plane_of(probe), document=session.documents[0]))
    assert not planar.tabs.isTabVisible(PATHS)
