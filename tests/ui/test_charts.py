"""Charts of a spectrum: needles that can be read and clicked, bars with their names, heat maps, and how charts share the room."""

import dataclasses

import numpy as np
import pytest
from combs import EPOCHS, LINES, NAMES, TRACES, bars_panel, density_panel, figure_of, heat_panel
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPicture, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabWidget, QToolTip, QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.figure import Axis, Line, Panel, Points
from landscape_gui.ui.canvas_chart import CanvasChart
from landscape_gui.ui.chart_grid import AHEAD, ChartGrid, layout_of
from landscape_gui.ui.chart_head import ROW


def held(qtbot, widget, width=640, height=420):
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(widget)
    holder.resize(width, height)
    holder.show()
    qtbot.addWidget(holder)
    qtbot.waitExposed(holder)
    widget.set_theme(style.LIGHT)
    widget.holder = holder
    return widget


@pytest.fixture
def chart(qtbot, dressed):
    return held(qtbot, CanvasChart())


@pytest.fixture
def grid(qtbot, dressed):
    return held(qtbot, ChartGrid(), 900, 600)


def draw(chart, panel):
    """Shown and painted: an axis takes the room that its words need when it is painted."""
    chart.show_panel(panel)
    for _ in range(3):
        chart.grab()
        QApplication.processEvents()


def place(chart, x, y) -> QPoint:
    return chart.mapFromScene(chart.plot.vb.mapViewToScene(QPointF(x, y)))


def test_the_label_of_an_axis_says_at_hover_what_it_stands_for(qtbot, chart):
    draw(chart, dataclasses.replace(density_panel(), x=Axis(label="t", help="position on the path")))

    def said(side: str) -> str:
        axis = chart.plot.getAxis(side)
        spot = chart.mapFromScene(axis.mapRectToScene(axis.rect()).center())
        QToolTip.hideText()
        qtbot.waitUntil(lambda: not QToolTip.isVisible())
        ask = QHelpEvent(QEvent.Type.ToolTip, spot, chart.viewport().mapToGlobal(spot))
        QApplication.sendEvent(chart.viewport(), ask)
        return QToolTip.text() if QToolTip.isVisible() else ""

    assert said("bottom") == "position on the path"
    assert said("left") == ""
    draw(chart, density_panel())
    assert said("bottom") == ""


def test_needles_stand_where_their_values_are_and_reach_the_foot_of_a_logarithmic_axis(chart):
    draw(chart, density_panel())
    items = chart.needles[0][0]
    np.testing.assert_array_equal(items.x, LINES)
    np.testing.assert_allclose(items.top, -3.0)  # the logarithm of 1e-3
    _, y = items.stems.getData()
    assert set(y[0::2]) == {-6.0}
    (left, right), (low, high) = chart.plot.vb.viewRange()
    assert (left, right, low, high) == pytest.approx((-3, 14, -6, 1))


def hover(qtbot, chart, at, reached):
    """Come to rest at a place as a hand does, in more than one movement: pyqtgraph leaves out those less than 10 ms apart."""

    def moved():
        QTest.mouseMove(chart.viewport(), at + QPoint(0, 1))
        QTest.mouseMove(chart.viewport(), at)
        return reached()

    qtbot.waitUntil(moved, timeout=5000)


def test_a_needle_under_the_cursor_is_read_out_with_its_residual(qtbot, chart):
    draw(chart, density_panel())
    told = []
    chart.read.connect(told.append)
    hover(qtbot, chart, place(chart, 7.0, -4.5), lambda: bool(told) and "λ2" in told[-1])
    assert "7 ± 2.0e-04 (residual)" in told[-1]
    sizes = chart.needles[0][0].heads.data["size"]
    assert sizes[1] > sizes[0]
    hover(qtbot, chart, place(chart, 9.5, -1.0), lambda: "eigenvalue 9.5" in told[-1])
    assert told[-1].endswith("bulk 1e\N{MINUS SIGN}9")


def test_of_needles_side_by_side_the_nearer_head_is_meant(chart):
    panel = density_panel()
    close = dataclasses.replace(panel.marks[2], x=np.array([7.0, 7.05, 3.0, -1.0]))
    draw(chart, dataclasses.replace(panel, marks=(close,)))
    scene = chart.plot.vb.mapViewToScene(QPointF(7.06, -3.0))
    assert chart.needle_at(scene)[1] == 1
    assert chart.needle_at(chart.plot.vb.mapViewToScene(QPointF(5.0, -3.0))) is None


def test_a_click_on_a_needle_names_it_and_one_beside_it_does_not(qtbot, chart):
    draw(chart, density_panel())
    picked = []
    chart.needle_picked.connect(lambda mark, number: picked.append(mark.vectors[number]))
    QTest.mouseClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=place(chart, -1.0, -5.0))
    qtbot.waitUntil(lambda: picked == [-1], timeout=3000)
    QTest.qWait(500)  # longer than a double click
    QTest.mouseClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=place(chart, 5.0, -5.0))
    QTest.qWait(50)
    assert picked == [-1]


def test_bars_have_all_their_names_the_first_on_top_and_whiskers_of_their_errors(chart):
    draw(chart, bars_panel(2))
    axis = chart.plot.getAxis("left")
    low, high = chart.plot.vb.viewRange()[1]
    ((_, ticks),) = axis.tickValues(low, high, chart.frame.height())
    assert ticks == [0, -1, -2, -3]
    words = axis.tickStrings(ticks, 1.0, 1.0)
    assert words[:2] == list(NAMES[:2]) and words[3] == "fc"
    assert words[2].startswith("layer1") and words[2].endswith("wild") and len(words[2]) < len(NAMES[2])
    bars, lines = chart.items[0][0], chart.items[1][0]
    np.testing.assert_array_equal(bars.opts["x1"], TRACES)
    assert (np.diff(bars.opts["y"]) < 0).all() and (chart.items[3][0].opts["y"] < bars.opts["y"]).all()
    room = bars.opts["y"][0] - chart.items[3][0].opts["y"][0]
    assert 0.8 * room < bars.opts["height"] < room, "bars of a group stand side by side, close to one another"
    x, _ = lines.getData()
    np.testing.assert_array_equal(x[:4], [2.5, 3.5, 7, 9])
    assert axis.width() > 100


def test_a_bar_under_the_cursor_is_read_out(qtbot, chart):
    draw(chart, bars_panel())
    told = []
    chart.read.connect(told.append)
    QTest.mouseMove(chart.viewport(), place(chart, 4.0, -3.0))
    qtbot.waitUntil(lambda: bool(told) and told[-1].startswith("fc"), timeout=3000)
    assert "kind 0 20 ± 2" in told[-1]


def test_each_column_of_a_heat_map_is_as_wide_as_half_way_to_its_neighbours(chart):
    draw(chart, heat_panel())
    image = chart.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    table = np.round(style.colour_table("viridis") * 255).astype(int)
    for x, index in ((0.4, 0), (2.9, 2), (3.1, 3), (5.9, 3), (6.1, 4), (9.5, 4)):
        p = place(chart, x, 2.7) * chart.devicePixelRatioF()
        colour = image.pixelColor(p).toTuple()[:3]
        wanted = table[min(255, round(255 * index / 4))]
        assert np.abs(np.array(colour) - wanted).max() < 8, (x, colour, wanted)  # a step of the table is up to 4, blended by one
    assert len(chart.curves) == 1
    assert EPOCHS[-1] < chart.plot.vb.viewRange()[0][1] == pytest.approx(10)


def zoom_in(chart, at, steps=3):
    """Turn the wheel over a place, as a hand does."""
    turn_wheel(chart, at, [120] * steps)


def turn_wheel(chart, at, turns):
    for turn in turns:
        spot, there = QPointF(at), QPointF(chart.viewport().mapToGlobal(at))
        keys, buttons = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton
        wheel = QWheelEvent(spot, there, QPoint(), QPoint(0, turn), buttons, keys, Qt.ScrollPhase.NoScrollPhase, False)
        QApplication.sendEvent(chart.viewport(), wheel)


def double_click(chart, at):
    QTest.mouseDClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseRelease(chart.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_a_zoom_by_hand_stays_while_the_same_answer_grows_and_a_double_click_ends_it(qtbot, chart):
    draw(chart, density_panel())
    whole = chart.plot.vb.viewRange()
    zoom_in(chart, place(chart, 1.0, -2.0))
    draw(chart, density_panel(0.3))
    (left, right), (low, high) = zoomed = chart.plot.vb.viewRange()
    assert -3 < left < 1 < right < 14 and -6 < low < -2 < high < 1
    draw(chart, density_panel(0.5))
    assert chart.plot.vb.viewRange() == zoomed
    double_click(chart, place(chart, 1.0, -2.0))
    qtbot.waitUntil(lambda: chart.plot.vb.viewRange()[0] == pytest.approx(whole[0]), timeout=3000)
    assert chart.plot.vb.viewRange()[1] == pytest.approx(whole[1])
    draw(chart, dataclasses.replace(density_panel(0.5), x=Axis(label="eigenvalue", limits=(-4.0, 20.0))))
    assert chart.plot.vb.viewRange()[0] == pytest.approx([-4, 20]), "not zoomed any more, so it follows"
    zoom_in(chart, place(chart, 1.0, -2.0))
    draw(chart, bars_panel())
    assert chart.plot.vb.viewRange()[0][1] > 20


def test_a_double_click_on_a_needle_asks_nothing_more_than_one_click(qtbot, chart):
    draw(chart, density_panel())
    picked = []
    chart.needle_picked.connect(lambda mark, number: picked.append(number))
    at = place(chart, 7.0, -4.5)
    QTest.mouseClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=at)
    double_click(chart, at)
    qtbot.waitUntil(lambda: bool(picked), timeout=3000)
    assert picked == [1]


def test_the_legend_and_the_title_keep_clear_of_the_plot(qtbot, chart):
    for width in (300, 420, 900):
        chart.holder.resize(width, 420)
        draw(chart, density_panel())
        qtbot.wait(30)
        frame = chart.frame
        legend = chart.head.legend
        assert [label.text for _, label in legend.items] == ["95 %", "bulk", "eigenvalue"]
        for _, label in legend.items:
            box = label.mapRectToScene(label.boundingRect())
            assert box.bottom() <= frame.top() + 1 and box.right() <= chart.width() + 1, (width, box, frame)
        title = chart.head.words.mapRectToScene(chart.head.words.boundingRect())
        assert title.bottom() <= frame.top() + 1


def test_the_wheel_scrolls_many_charts_and_rests_at_either_end(qtbot, grid):
    grid.show_figure(figure_of(*[density_panel()] * 8))
    bar = grid.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 60, timeout=3000)
    chart = grid.charts[0]
    turn_wheel(chart, QPoint(200, 100), [-120])
    assert 0 < bar.value() <= QApplication.wheelScrollLines() * bar.singleStep()
    turn_wheel(chart, QPoint(200, 100), [-120] * 30)
    assert bar.value() == bar.maximum()
    turn_wheel(chart, QPoint(200, 100), [120] * 30)
    assert bar.value() == 0


@pytest.mark.parametrize(("count", "columns", "wanted"), [
    (1, 1, [(0, 0, 1)]), (3, 2, [(0, 0, 2), (1, 0, 1), (1, 1, 1)]), (4, 2, [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)]),
    (3, 1, [(0, 0, 1), (1, 0, 1), (2, 0, 1)]),
])  # fmt: skip
def test_where_charts_stand(count, columns, wanted):
    assert layout_of(count, columns) == wanted


def test_charts_stand_two_abreast_where_there_is_room_and_scroll_where_there_is_none(qtbot, grid):
    grid.show_figure(figure_of(density_panel(), density_panel(), bars_panel(), heat_panel()))
    qtbot.wait(50)
    assert len(grid.charts) == 4 and all(c.isVisible() for c in grid.charts)
    boxes = [cell.geometry() for cell in grid.cells[:4]]
    assert boxes[0].y() == boxes[1].y() < boxes[2].y() == boxes[3].y()
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert grid.verticalScrollBar().maximum() == 0
    grid.holder.resize(500, 600)
    qtbot.wait(50)
    boxes = [cell.geometry() for cell in grid.cells[:4]]
    assert [b.x() for b in boxes] == [0] * 4 and min(b.height() for b in boxes) >= 220
    assert grid.verticalScrollBar().maximum() > 300
    assert grid.horizontalScrollBar().maximum() == 0
    grid.show_figure(figure_of(density_panel()))
    qtbot.wait(50)
    assert [c.isVisible() for c in (cell.chart for cell in grid.cells)] == [True, False, False, False]
    assert grid.verticalScrollBar().maximum() == 0


def test_charts_that_were_drawn_behind_another_tab_are_as_high_as_they_need_when_they_are_seen(qtbot, dressed):
    tabs, grid = QTabWidget(), ChartGrid()
    grid.set_theme(style.LIGHT)
    grid.resize(400, 300)
    grid.show_figure(figure_of(*[density_panel()] * 13))
    assert grid.columns() == 1
    tabs.addTab(QWidget(), "first")
    tabs.addTab(grid, "charts")
    qtbot.addWidget(tabs)
    tabs.resize(1040, 560)
    tabs.show()
    tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: grid.columns() == 2)
    QApplication.processEvents()
    assert grid.cells[12].geometry().bottom() < grid.widget().height() == grid.grid.minimumSize().height()


@pytest.mark.parametrize("marker", ["square", "diamond", "star", "cross"])
def test_every_marker_is_as_easily_seen_as_a_disc(chart, marker):
    """Coloured pixels on the screen, of which a thin shape has few at the same size."""

    def seen(kind: str) -> int:
        points = Points(x=np.array([0.5]), y=np.array([0.5]), marker=kind, colour=0, size=6.5)
        draw(chart, Panel(marks=(points,), view="chart", x=Axis(limits=(0, 1)), y=Axis(limits=(0, 1))))
        image = chart.grab().toImage()
        wanted = QColor(style.SERIES[0])
        middle = place(chart, 0.5, 0.5)
        around = [image.pixelColor(middle.x() + dx, middle.y() + dy) for dx in range(-12, 13) for dy in range(-12, 13)]
        return sum(
            abs(c.red() - wanted.red()) + abs(c.green() - wanted.green()) + abs(c.blue() - wanted.blue()) < 60 for c in around
        )

    assert 0.5 < seen(marker) / seen("disc") < 2.5


def test_frames_over_one_axis_begin_at_one_place_and_others_as_their_numbers_ask(qtbot, grid):
    over = dataclasses.replace(density_panel(), x=Axis(label="t"))
    wordy = dataclasses.replace(over, y=Axis(label="", names=("a name of some length", "another one")))
    grid.show_figure(figure_of(over, wordy))
    axes = [chart.plot.getAxis("left") for chart in grid.charts]

    def painted() -> bool:
        grid.grab()
        return axes[0].needed < axes[1].needed == axes[0].width() == axes[1].width()

    qtbot.waitUntil(painted)
    assert grid.charts[0].frame.left() == pytest.approx(grid.charts[1].frame.left(), abs=0.5)  # they are laid out to the pixel
    grid.show_figure(figure_of(over, dataclasses.replace(wordy, x=Axis(label="something else"))))
    qtbot.waitUntil(lambda: grid.grab() is not None and axes[0].width() == axes[0].needed < axes[1].width())


def test_a_long_legend_takes_its_rows_from_no_chart(grid):
    marks = density_panel().marks
    line = next(mark for mark in marks if isinstance(mark, Line))
    named = tuple(dataclasses.replace(line, label=f"a path of a longer name, number {k}") for k in range(8))
    grid.show_figure(figure_of(density_panel(), dataclasses.replace(density_panel(), marks=named)))
    assert grid.grid.rowMinimumHeight(1) >= grid.grid.rowMinimumHeight(0) + 2 * ROW  # four rows beside the usual one or two


def test_a_heat_map_has_its_colour_bar_and_others_have_none(qtbot, grid):
    grid.show_figure(figure_of(heat_panel(), bars_panel()))
    qtbot.wait(30)
    assert [cell.bar.isVisible() for cell in grid.cells[:2]] == [True, False]
    assert grid.cells[0].bar.surface.label == "density"


@pytest.fixture
def bare_grid(qtbot, dressed):
    """Its charts are made when they are asked for and never before, however long the window takes to be seen."""
    grid = ChartGrid()
    grid._ahead.stop()
    return held(qtbot, grid, 900, 600)


def test_in_turns_a_chart_is_made_or_drawn_at_once_and_the_rest_soon(qtbot, bare_grid):
    grid = bare_grid
    figure = figure_of(density_panel(), bars_panel(), heat_panel())
    grid.show_figure(figure, in_turns=True)
    grid.show_moment(3.0)  # what is pointed at waits for its charts
    assert [(cell.is_made, cell.is_drawn) for cell in grid.cells[:2]] == [(True, False), (False, False)]
    qtbot.waitUntil(lambda: all(cell.is_drawn for cell in grid.cells[:3]), timeout=3000)
    assert [cell.chart.pointer.order for cell in grid.cells[:3]] == [3.0] * 3
    grid.show_figure(figure_of(density_panel(0.3), bars_panel(), heat_panel()), in_turns=True)
    assert grid.charts[0].panel is grid.figure.panels[0] and grid.charts[2].panel is figure.panels[2]


def test_charts_that_move_are_seen_again_one_after_another(qtbot, grid):
    grid.show_figure(figure_of(density_panel(), bars_panel(), heat_panel()))
    before = [cell.geometry() for cell in grid.cells[:3]]
    grid.show_figure(figure_of(density_panel(), bars_panel(), heat_panel(), density_panel()), in_turns=True)
    assert [cell.isVisible() for cell in grid.cells[:4]] == [True, False, False, False]
    qtbot.waitUntil(lambda: all(cell.isVisible() for cell in grid.cells[:4]), timeout=3000)
    assert [cell.geometry() for cell in grid.cells[:3]] != before


def test_charts_are_made_before_they_are_asked_for_and_heard_as_the_others(qtbot, grid):
    qtbot.waitUntil(lambda: [cell.is_made for cell in grid.cells] == [True] * AHEAD, timeout=5000)
    qtbot.waitUntil(lambda: not grid._ahead.isActive(), timeout=3000)
    assert not any(cell.isVisible() for cell in grid.cells)
    told = []
    grid.read.connect(told.append)
    grid.cells[AHEAD - 1].chart.read.emit("here")
    assert told == ["here"]


def test_marks_of_the_same_kinds_are_filled_anew_and_items_stay(chart):
    draw(chart, density_panel())
    items, legend = [item for item, _ in (*chart.items, *chart.curves)], list(chart.head.legend.items)
    draw(chart, density_panel(0.5, 1e-2))
    assert [item for item, _ in (*chart.items, *chart.curves)] == items and chart.head.legend.items == legend
    np.testing.assert_allclose(chart.needles[0][0].top, -2.0)
    np.testing.assert_allclose(chart.needles[0][0].heads.getData()[1], -2.0)
    _, y = chart.curves[0][0].getData()
    np.testing.assert_allclose(y, np.log10(density_panel(0.5).marks[1].y))
    edge, half = chart.items[0][0].getData()[1], len(y)
    np.testing.assert_allclose(edge[:half], y - np.log10(2))
    np.testing.assert_allclose(edge[half:], (y + np.log10(2))[::-1])
    chart.set_theme(style.DARK)
    assert not set(items) & {item for item, _ in (*chart.items, *chart.curves)}, "another theme, other pens"


@pytest.mark.parametrize(
    ("panel", "field"), [(density_panel(), "high"), (bars_panel(2), "values"), (heat_panel(), "z")], ids=["band", "bars", "heat"]
)
def test_what_is_filled_anew_looks_as_if_it_were_made_anew(qtbot, dressed, panel, field):
    def paint(*panels):
        chart = held(qtbot, CanvasChart())
        for each in panels:
            draw(chart, each)
        image = chart.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        return np.array(image.constBits())

    first = panel.marks[0]
    before = dataclasses.replace(
        panel, marks=(dataclasses.replace(first, **{field: getattr(first, field) * 1.5}), *panel.marks[1:])
    )
    wanted = paint(panel)
    np.testing.assert_array_equal(paint(before, panel), wanted)
    assert (paint(before) != wanted).any()


def test_a_panel_that_says_the_same_is_not_drawn_again(chart):
    draw(chart, density_panel())
    shown = chart.panel
    chart.show_panel(density_panel())
    assert chart.panel is shown
    lines = np.array([*LINES[:3], np.nan])
    for changed in (density_panel(0.3), dataclasses.replace(density_panel(), title="Another"), with_needles(lines)):
        chart.show_panel(changed)
        assert chart.panel is changed
    chart.show_panel(with_needles(lines))
    assert chart.panel is changed, "what is not a number is like itself"


def with_needles(x):
    panel = density_panel()
    return dataclasses.replace(panel, marks=(*panel.marks[:2], dataclasses.replace(panel.marks[2], x=x), panel.marks[3]))


def test_a_needle_stays_raised_while_the_answer_grows(qtbot, chart):
    draw(chart, density_panel())
    hover(qtbot, chart, place(chart, 7.0, -4.5), lambda: chart.raised is not None)
    draw(chart, density_panel(0.3))
    sizes = chart.needles[0][0].heads.data["size"]
    assert sizes[1] > sizes[0]


@pytest.mark.parametrize("width", [240, 420])
def test_the_last_number_of_an_axis_is_there_though_it_stands_out_beyond_its_end(chart, width):
    chart.holder.resize(width, 200)
    x = np.arange(41.0)
    line = Line(x=x, y=x**2)
    draw(
        chart,
        Panel(marks=(line,), x=Axis(label="epoch", limits=(-0.8, 40.8)), y=Axis(label="loss", limits=(0.0, 1600.0)), view="chart"),
    )
    picture = QPicture()
    painter = QPainter(picture)
    numbers = {}
    for side in ("bottom", "left"):
        _, _, texts = chart.plot.getAxis(side).generateDrawSpecs(painter)
        numbers[side] = [words for _, _, words in texts]
    painter.end()
    assert {"0", "20", "40"} <= set(numbers["bottom"])
    assert {"0", "1500"} <= set(numbers["left"]) or {"0", "1000"} <= set(numbers["left"])


def test_the_label_of_an_axis_stays_in_its_middle_when_its_unit_is_known(chart):
    line = Line(x=np.arange(3.0), y=np.arange(3.0))
    middles = []
    for unit in ("", "nat"):
        draw(chart, Panel(marks=(line,), x=Axis(label="epoch"), y=Axis(label="largest rise", unit=unit), view="chart"))
        axis = chart.plot.getAxis("left")
        middles.append(axis.label.mapRectToItem(axis, axis.label.boundingRect()).center().y())
    assert middles[1] == pytest.approx(middles[0], abs=1.0)  # it is placed on whole pixels
