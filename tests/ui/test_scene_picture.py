"""The surface drawn beside the window: its pixels, the mouse on it, and when it is drawn."""

import dataclasses

import numpy as np
import pytest
from bowls import Bowl, bowl
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.figure import Camera, Look
from landscape_gui.scene3d.raster import render
from landscape_gui.ui.canvas3d import Canvas3D
from landscape_gui.ui.scene_picture import ScenePicture

FROM_ABOVE = Camera(elevation=85.0)
"""Every point of the surface is seen."""


def pixels(widget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return flat[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(int)


def panel(nx=21, ny=11, **look):
    return Bowl().figure(bowl(nx, ny), Look(view="3d", **look)).panels[0]


def make(qtbot, offscreen):
    canvas = Canvas3D(offscreen=offscreen)
    if canvas.scene is None:
        pytest.skip("no OpenGL here")
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(canvas)
    holder.resize(460, 420)
    canvas.holder = holder
    qtbot.addWidget(holder)
    canvas.show_panel(panel())
    with qtbot.waitExposed(holder):
        holder.show()
    qtbot.waitUntil(lambda: canvas.scene._renderer is not None, timeout=5000)
    return canvas


@pytest.fixture(params=[True, False], ids=["offscreen", "in the window"])
def canvas(request, qtbot, dressed):
    made = make(qtbot, request.param)
    yield made
    made.scene.canvas.close()


@pytest.fixture
def offscreen(qtbot, dressed):
    made = make(qtbot, True)
    yield made
    made.scene.canvas.close()


def spot(canvas, x, y) -> QPoint:
    at = canvas.scene.where(x, y)
    return QPoint(round(at[0]), round(at[1]))


def move(widget, at, button=Qt.MouseButton.NoButton):
    """Without moving the screen's own pointer, which would come and go by itself."""
    where, keys = QPointF(at), Qt.KeyboardModifier.NoModifier
    kind = QMouseEvent.Type.MouseMove
    QApplication.sendEvent(widget, QMouseEvent(kind, where, widget.mapToGlobal(where), Qt.MouseButton.NoButton, button, keys))


def settled(qtbot, canvas):
    qtbot.waitUntil(lambda: not canvas.view._stale, timeout=5000)


def test_offscreen_and_in_the_window_are_the_same_picture(qtbot, dressed):
    shown = [make(qtbot, way) for way in (True, False)]
    assert isinstance(shown[0].view, ScenePicture) and not shown[0].scene.canvas.native.isVisible()
    for canvas in shown:
        assert canvas.view.objectName() == "scene" and "drag turns" in canvas.view.accessibleName()
    settled(qtbot, shown[0])
    inside, outside = (pixels(c.view) for c in shown)
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) > 300
    np.testing.assert_array_equal(inside, outside)
    for canvas in shown:
        canvas.scene.canvas.close()


def test_the_mouse_hovers_and_leaves(qtbot, canvas):
    places = []
    canvas.cursor_moved.connect(places.append)
    canvas.camera = FROM_ABOVE
    move(canvas.view, spot(canvas, 0.2, -0.4))
    qtbot.waitUntil(lambda: bool(places) and places[-1] is not None, timeout=3000)
    assert places[-1] == pytest.approx((0.2, -0.4), abs=0.03)  # whole pixels: about 1/150 of the plane

    def left():  # vispy lets moves within 10 ms of one another go by
        move(canvas.view, QPoint(3, 3))
        return places[-1] is None

    qtbot.waitUntil(left, timeout=3000)


def test_a_click_picks_and_a_drag_turns_and_does_not(qtbot, canvas):
    picked, cameras = [], []
    canvas.picked.connect(lambda x, y: picked.append((x, y)))
    canvas.camera_moved.connect(cameras.append)
    canvas.camera = FROM_ABOVE
    place = spot(canvas, -0.3, -0.2)
    QTest.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: len(picked) == 1, timeout=3000)
    assert picked[0] == pytest.approx((-0.3, -0.2), abs=0.03)  # as above
    QTest.mousePress(canvas.view, Qt.MouseButton.LeftButton, pos=place)
    move(canvas.view, place + QPoint(40, 0), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(canvas.view, Qt.MouseButton.LeftButton, pos=place + QPoint(40, 0))
    qtbot.waitUntil(lambda: bool(cameras), timeout=3000)
    assert cameras[-1].azimuth == pytest.approx(Camera().azimuth - 18)  # 0.45 degrees a pixel
    assert len(picked) == 1


def test_the_wheel_zooms_and_a_double_click_resets(qtbot, canvas):
    at = QPointF(200, 200)
    wheel = QWheelEvent(
        at, canvas.view.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas.view, wheel)
    assert canvas.camera.distance < 1
    QTest.mouseDClick(canvas.view, Qt.MouseButton.LeftButton, pos=at.toPoint())
    assert canvas.camera == Camera()


def test_many_changes_in_one_turn_are_drawn_once_and_nothing_is_drawn_while_nothing_changes(qtbot, offscreen):
    settled(qtbot, offscreen)
    frames = []
    offscreen.scene.canvas.events.draw.connect(lambda event: frames.append(offscreen.camera.azimuth))
    for azimuth in range(20):
        offscreen.camera = Camera(azimuth=azimuth)
    settled(qtbot, offscreen)
    assert frames == [19]
    offscreen.view.repaint()
    offscreen.holder.repaint()
    assert frames == [19]


def test_nothing_is_drawn_while_it_is_hidden_and_what_changed_is_drawn_when_it_comes_back(qtbot, offscreen):
    settled(qtbot, offscreen)
    before = pixels(offscreen.view)
    frames = []
    offscreen.scene.canvas.events.draw.connect(frames.append)
    offscreen.hide()
    offscreen.show_panel(panel(colour_map="magma"))
    qtbot.wait(20)
    assert not frames
    offscreen.show()
    settled(qtbot, offscreen)
    assert len(frames) == 1 and (pixels(offscreen.view) != before).any()


def test_another_size_is_drawn_at_that_size(qtbot, offscreen):
    offscreen.holder.resize(600, 300)
    settled(qtbot, offscreen)
    assert offscreen.view.image.deviceIndependentSize().toSize() == offscreen.view.size()
    assert offscreen.scene.canvas.size == (600, 300)
    shot = pixels(offscreen.view)
    assert (shot[-1, -1] == shot[0, 0]).all()  # the corners are paper: nothing is cut off or left undrawn
    at = spot(offscreen, 0.0, 0.0)
    assert (shot[at.y(), at.x()] != shot[0, 0]).any()


def test_the_theme_reaches_the_picture(qtbot, offscreen):
    offscreen.set_theme(style.DARK)
    settled(qtbot, offscreen)
    assert tuple(pixels(offscreen.view)[0, 0]) == tuple(int(style.DARK.background[k : k + 2], 16) for k in (1, 3, 5))


def test_its_context_is_lent_to_exports_and_the_picture_stays(qtbot, offscreen):
    settled(qtbot, offscreen)
    before = pixels(offscreen.view)
    lent = render(panel(), 300, 220, way="canvas").astype(int)
    painted = render(panel(), 300, 220, way="painter").astype(int)
    assert np.abs(lent - painted).mean() < 12  # of 255: the same picture by other means
    offscreen.camera = dataclasses.replace(Camera(), azimuth=10.0)
    offscreen.camera = Camera()
    settled(qtbot, offscreen)
    np.testing.assert_array_equal(pixels(offscreen.view), before)
