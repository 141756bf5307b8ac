import dataclasses

import numpy as np
import pytest
from bowls import Bowl, bowl
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.figure import Camera, Look
from landscape_gui.ui.canvas2d import Canvas2D
from landscape_gui.ui.canvas_chart import CanvasChart
from landscape_gui.ui.colour_bar import ColourBar
from landscape_gui.ui.drawn3d import DrawnSurface
from landscape_gui.ui.profile import profile


def pixels(widget) -> np.ndarray:
    """What is on the widget, (h, w, 3)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return flat[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def colours(widget) -> int:
    return len(np.unique(pixels(widget).reshape(-1, 3), axis=0))


def panel(view="2d", scale="linear", nx=21, ny=11):
    return Bowl().figure(bowl(nx, ny), Look(view=view, scale=scale)).panels[0]


@pytest.fixture
def canvas(qtbot, dressed):
    canvas = held(qtbot, Canvas2D())
    canvas.set_theme(style.LIGHT)
    qtbot.waitExposed(canvas.holder)
    canvas.show_panel(panel())
    qtbot.wait(50)
    return canvas


def held(qtbot, canvas):
    """A canvas inside a widget, as in the window: pyqtgraph's own `close` must not be called on it."""
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(canvas)
    holder.resize(500, 420)
    holder.show()
    qtbot.addWidget(holder)
    canvas.holder = holder
    return canvas


def at(canvas, x, y) -> QPoint:
    scene = canvas.plot.vb.mapViewToScene(QPointF(x, y))
    return canvas.mapFromScene(scene)


def test_before_the_first_picture_and_without_one_nothing_is_drawn(qtbot, dressed):
    canvas = held(qtbot, Canvas2D())
    canvas.set_theme(style.LIGHT)

    def tones() -> int:
        picture = canvas.grab().toImage()
        return len({picture.pixel(x, y) for x in range(picture.width()) for y in range(picture.height())})

    assert tones() == 1
    canvas.show_panel(panel())
    assert tones() > 20
    canvas.clear_panel()
    assert tones() == 1


def test_the_cursor_reads_data_coordinates_and_rows_are_y(qtbot, canvas):
    places = []
    canvas.cursor_moved.connect(places.append)
    place = at(canvas, 0.5, -0.8)
    QTest.mouseMove(canvas.viewport(), place)
    qtbot.waitUntil(lambda: bool(places) and places[-1] is not None, timeout=3000)
    assert places[-1] == pytest.approx((0.5, -0.8), abs=0.01)  # a pixel is 1/180 of the plane


def test_a_click_picks_and_outside_is_nowhere(qtbot, canvas):
    picked = []
    canvas.picked.connect(lambda x, y: picked.append((x, y)))
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=at(canvas, -0.5, 0.6))
    qtbot.waitUntil(lambda: len(picked) == 1, timeout=3000)
    assert picked[0] == pytest.approx((-0.5, 0.6), abs=0.01)
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    qtbot.wait(30)
    assert len(picked) == 1


def test_the_plane_is_square_and_the_image_is_not_transposed(canvas):
    frame = canvas.plot.vb.sceneBoundingRect()
    assert frame.width() == pytest.approx(frame.height(), abs=2)  # whole pixels
    shot = pixels(canvas).astype(int)
    ratio = canvas.devicePixelRatioF()

    def colour(x, y):
        p = at(canvas, x, y)
        return shot[round(p.y() * ratio), round(p.x() * ratio)]

    # the bowl is three times as steep along y: (0, 0.93) is bright, (0.93, 0) is not
    assert colour(0.03, 0.93).sum() > colour(0.93, 0.03).sum() + 60


def test_contour_lines_and_labels_follow_the_look(canvas):
    assert not canvas.lines.paths[0].isEmpty() or not canvas.lines.paths[1].isEmpty()
    assert canvas.lines.labels
    plain = panel()
    marks = tuple(dataclasses.replace(m, contour_lines=False) for m in plain.marks)
    canvas.show_panel(dataclasses.replace(plain, marks=marks))
    assert canvas.lines.paths[0].isEmpty() and canvas.lines.paths[1].isEmpty() and not canvas.lines.labels


def test_cells_that_are_not_finite_are_hatched(canvas):
    base = panel()
    surface = base.surface
    z = np.array(surface.z)
    z[2, 3] = np.inf
    before = pixels(canvas)
    missing = np.zeros(z.shape, bool)
    missing[2, 3] = True
    canvas.show_panel(dataclasses.replace(base, marks=(dataclasses.replace(surface, z=z, missing=missing),)))
    assert not canvas.holes.path().isEmpty()
    assert canvas.holes.path().boundingRect().center() == QPointF(surface.x[3], surface.y[2])
    changed = (pixels(canvas).astype(int) - before).any(-1)
    assert 0 < changed.mean() < 0.05  # the hole and its neighbourhood, not the picture


def test_cells_filled_in_and_those_around_them_are_paler(canvas):
    running = Bowl().figure(bowl(21, 11, 6), Look(view="2d")).panels[0]
    filled = np.zeros((11, 21), bool)
    filled[6:] = True
    canvas.show_panel(dataclasses.replace(running, marks=(dataclasses.replace(running.surface, filled=filled),)))
    assert canvas.veil.isVisible()
    assert (canvas.veil.image[:, 0, 3] > 0).tolist() == [False] * 4 + [True] * 7
    canvas.show_panel(panel())
    assert not canvas.veil.isVisible()


@pytest.mark.parametrize("stretch", [1.0, 3.0])
def test_a_resized_canvas_shows_the_whole_plane_and_no_more(qtbot, canvas, stretch):
    flat = panel()
    canvas.show_panel(dataclasses.replace(flat, marks=(dataclasses.replace(flat.surface, x=flat.surface.x * stretch),)))
    for size in ((380, 560), (300, 400), (560, 300), (380, 560)):
        canvas.holder.resize(*size)
        qtbot.wait(160)
        (left, right), (low, high) = canvas.plot.vb.viewRange()
        assert (left, right) == pytest.approx((-stretch, stretch), abs=0.06)  # the frame is whole pixels
        assert (low, high) == pytest.approx((-1, 1), abs=0.06)


def test_zoom_stays_while_the_plane_stays(canvas):
    canvas.plot.vb.setRange(xRange=(-0.2, 0.2), yRange=(-0.2, 0.2), padding=0)
    canvas.show_panel(panel(scale="log"))
    (low, high), _ = canvas.plot.vb.viewRange()
    assert high - low < 1
    canvas.reset_view()
    (low, high), _ = canvas.plot.vb.viewRange()
    assert (low, high) == pytest.approx((-1, 1), abs=0.02)  # the frame is whole pixels


def test_the_chart_draws_lines_and_logarithms(qtbot, dressed):
    chart = held(qtbot, CanvasChart())
    chart.set_theme(style.DARK)
    result = bowl(21, 11)
    figure = profile(result, None, scale="log")
    chart.show_panel(figure.panels[0])
    x, y = chart.curves[0][0].getData()
    np.testing.assert_allclose(y, np.log10(result.quantities["train_loss"].values[5]), rtol=1e-12)  # the same numbers
    np.testing.assert_array_equal(x, result.x)
    for _ in range(5):
        chart.show_panel(figure.panels[1])
    assert len(chart.curves) == 1
    assert colours(chart) > 10


def test_the_colour_bar_says_its_range_and_points_at_a_value(qtbot, dressed):
    bar = ColourBar()
    qtbot.addWidget(bar)
    bar.resize(80, 300)
    bar.show_surface(panel(scale="log").surface)
    low, high = bar.surface.limits
    assert all(0 <= share <= 1 for share, _ in bar.ticks())
    assert bar._share((low * high) ** 0.5) == pytest.approx(0.5, abs=1e-9)  # the middle of a logarithmic bar
    before = pixels(bar)
    bar.set_value((low * high) ** 0.5)
    assert (pixels(bar) != before).any()


def test_without_opengl_the_surface_is_drawn_with_a_sentence(qtbot, dressed):
    drawn = DrawnSurface("No OpenGL here.")
    qtbot.addWidget(drawn)
    drawn.resize(400, 300)
    drawn.show_panel(panel("3d"))
    assert colours(drawn) > 100
    first = pixels(drawn)
    drawn.set_camera(Camera(azimuth=40))
    assert (pixels(drawn) != first).any()
