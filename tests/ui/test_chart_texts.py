"""Words in a chart of the window: in the cells of a heat map as large as fits, beside the points of a graph."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFont, QTransform
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.figure import Axis, Line, Panel, Points, Surface, Texts
from landscape_gui.ui.canvas_chart import CanvasChart
from landscape_gui.ui.chart_reading import reading
from landscape_gui.ui.chart_texts import SMALLEST, fitted

WORDS = ("0.00", "0.51\n±0.02", "0.51\n±0.02", "0.00")


def cells(count: int, ink: str = "#FF0000") -> Panel:
    at = np.arange(count, dtype=float)
    x, y = np.meshgrid(at, at)
    texts = tuple(WORDS[k % 4] for k in range(count * count))
    surface = Surface(x=at, y=at, z=np.zeros((count, count)), limits=(0.0, 1.0), colour_map="grey", label="barrier")
    names = tuple(f"model {k}" for k in range(count))
    marks = (surface, Texts(x=x.ravel(), y=y.ravel(), texts=texts, room=(1.0, 1.0), ink=(ink,) * len(texts)))
    return Panel(marks=marks, x=Axis(label="to", names=names), y=Axis(label="from", names=names))


def graph(equal: bool = True) -> Panel:
    x, y = np.array([0.0, 4.0]), np.array([0.0, 1.0])
    ends = {"x": Axis(label="x", limits=(-1.0, 5.0)), "y": Axis(label="y", limits=(-1.0, 2.0))}
    name = Texts(x=x, y=y, texts=("first", "second"), lift=1.2, ink=("#FF0000",) * 2)
    return Panel(marks=(Line(x=x, y=y), Points(x=x, y=y), name), **ends, equal=equal)


@pytest.fixture
def chart(qtbot, dressed):
    chart, holder = CanvasChart(), QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(chart)
    holder.resize(640, 480)
    holder.show()
    qtbot.addWidget(holder)
    qtbot.waitExposed(holder)
    chart.set_theme(style.LIGHT)
    chart.holder = holder
    return chart


def drawn(chart, panel):
    chart.show_panel(panel)
    for _ in range(3):
        image = chart.grab().toImage()
        QApplication.processEvents()
    return image


def red(image) -> np.ndarray:
    """(rows, columns) where a pixel is the ink of the words."""
    found = np.zeros((image.height(), image.width()), bool)
    for row in range(image.height()):
        for column in range(image.width()):
            colour = QColor(image.pixel(column, row))
            found[row, column] = colour.red() > 150 and colour.red() - colour.green() > 60 and colour.red() - colour.blue() > 60
    return found


def at(chart, x: float, y: float) -> tuple[float, float]:
    place = chart.mapFromScene(chart.plot.vb.mapViewToScene(QPointF(x, y)))
    return place.x(), place.y()


def test_every_cell_has_its_words_and_keeps_them_within(chart):
    ink = red(drawn(chart, cells(2)))
    edge_x, edge_y = at(chart, 0.5, 0.5)
    assert not ink[:, round(edge_x) - 1 : round(edge_x) + 2].any()
    assert not ink[round(edge_y) - 1 : round(edge_y) + 2].any()
    for rows in (slice(None, round(edge_y)), slice(round(edge_y), None)):
        for columns in (slice(None, round(edge_x)), slice(round(edge_x), None)):
            assert ink[rows, columns].sum() > 20


def test_words_that_nobody_could_read_are_left_out(chart):
    assert not red(drawn(chart, cells(70))).any()


def test_the_longest_of_the_words_fits_its_room(qapp):
    mark = cells(2).marks[1]
    small = fitted(mark, QTransform.fromScale(30.0, -30.0), QFont())
    assert small is not None
    assert SMALLEST <= small.pixelSize() < fitted(mark, QTransform.fromScale(300.0, -300.0), QFont()).pixelSize()
    assert fitted(mark, QTransform.fromScale(5.0, -300.0), QFont()) is None


def test_a_name_stands_above_its_place(chart):
    ink = red(drawn(chart, graph()))
    x, y = at(chart, 4.0, 1.0)
    rows, columns = np.nonzero(ink[:, round(x) - 40 : round(x) + 40])
    assert len(rows) > 20
    assert rows.max() < y
    assert abs((columns.min() + columns.max()) / 2 - 40) < 4


def test_a_unit_is_as_long_along_x_as_along_y(chart):
    drawn(chart, graph())
    wide, tall = chart.plot.vb.viewPixelSize()
    assert wide == pytest.approx(tall, rel=1e-3)
    (low_x, high_x), (low_y, high_y) = chart.plot.vb.viewRange()
    assert low_x <= -1.0 + 1e-6 and high_x >= 5.0 - 1e-6 and low_y <= -1.0 + 1e-6 and high_y >= 2.0 - 1e-6
    drawn(chart, graph(equal=False))
    assert chart.plot.vb.viewRange()[0] == pytest.approx([-1.0, 5.0])


def test_the_cursor_reads_what_stands_in_the_cell():
    panel = cells(2)
    assert reading(panel, 1.1, 0.2) == "to model 1     from model 0     barrier 0.51 ±0.02"
