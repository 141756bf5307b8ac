"""The canvas: what is under a pixel, turning by hand, what is uploaded."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pictures import panel

from landscape_gui.figure import Camera
from landscape_gui.scene3d.camera import PRESETS


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("azimuth", [-120, -35, 10, 80])
def test_picking_finds_the_point_that_is_seen(scene: Any, scale: str, azimuth: float) -> None:
    shown = panel(scale=scale, camera=Camera(azimuth=azimuth, elevation=55))
    scene.show(shown)
    surface = shown.surface
    assert surface is not None
    met = 0
    for x, y in np.random.default_rng(1).uniform((-0.9, -1.8), (0.9, 1.3), (15, 2)):
        found = scene.pick(scene.where(x, y))
        assert found is not None
        i, j = np.abs(surface.x - found[0]).argmin(), np.abs(surface.y - found[1]).argmin()
        assert found[2] == surface.z[j, i]
        met += np.hypot(found[0] - x, found[1] - y) < 1e-2  # else something nearer hides it
    assert met >= 10


def test_beside_the_surface_nothing_is_picked(scene: Any) -> None:
    scene.show(panel())
    assert scene.pick((2.0, 2.0)) is None
    assert scene.where(5.0, 5.0) is None


def test_drag_turns_wheel_zooms_shift_moves_double_click_resets(scene: Any) -> None:
    scene.show(panel())
    seen: list[Camera] = []
    scene.on_camera.append(seen.append)
    events = scene.canvas.events

    def drag(button: int, modifiers: tuple[Any, ...] = ()) -> None:
        events.mouse_press(pos=(400, 300), button=button, modifiers=modifiers)
        events.mouse_move(pos=(440, 280), button=button, modifiers=modifiers)
        events.mouse_release(pos=(440, 280), button=button, modifiers=modifiers)

    start = scene.camera
    drag(1)
    assert scene.camera.azimuth < start.azimuth
    assert scene.camera.elevation < start.elevation
    assert scene.camera.pan == (0.0, 0.0)
    turned = scene.camera
    from vispy.util import keys

    for button, modifiers in ((1, (keys.SHIFT,)), (3, ())):
        before = scene.camera.pan
        drag(button, modifiers)
        assert scene.camera.azimuth == turned.azimuth
        assert scene.camera.pan[0] > before[0]
        assert scene.camera.pan[1] > before[1]
    events.mouse_wheel(pos=(400, 300), delta=(0, 1.0), modifiers=())
    assert scene.camera.distance < 1
    events.mouse_double_click(pos=(400, 300), button=1, modifiers=())
    assert scene.camera == start
    assert seen[-1] == start
    scene.look("top")
    assert scene.camera == PRESETS["top"]


def test_a_click_picks_and_a_drag_does_not(scene: Any) -> None:
    scene.show(panel())
    got: list[tuple[float, float, float]] = []
    scene.on_pick.append(lambda *found: got.append(found))
    x, y = scene.where(0.1, -0.3)
    events = scene.canvas.events
    events.mouse_press(pos=(x, y), button=1, modifiers=())
    events.mouse_release(pos=(x, y), button=1, modifiers=())
    assert len(got) == 1
    assert got[0][:2] == pytest.approx((0.1, -0.3), abs=0.02)
    events.mouse_press(pos=(x, y), button=1, modifiers=())
    events.mouse_move(pos=(x + 50, y), button=1, modifiers=())
    events.mouse_release(pos=(x + 50, y), button=1, modifiers=())
    assert len(got) == 1


def test_a_turned_camera_survives_new_rows_and_follows_another_panel(scene: Any) -> None:
    shown = panel()
    scene.show(shown)
    scene.camera = Camera(azimuth=100)
    scene.show(panel())
    assert scene.camera.azimuth == 100
    scene.show(replace(shown, camera=Camera(azimuth=5)))
    assert scene.camera.azimuth == 5


def test_only_changed_rows_are_uploaded_and_the_window_shows_the_surface(scene: Any, qtbot: Any) -> None:
    native = scene.canvas.native
    shown = panel()
    scene.show(shown)
    with qtbot.waitExposed(native):
        native.show()
    qtbot.waitUntil(lambda: scene._renderer is not None, timeout=5000)
    assert scene._renderer.rows_uploaded == 31
    surface = shown.surface
    assert surface is not None
    z = np.array(surface.z)
    z[12] *= 1.01
    scene.show(replace(shown, marks=(replace(surface, z=z),)))
    qtbot.waitUntil(lambda: not scene._stale, timeout=5000)
    assert scene._renderer.rows_uploaded == 3  # the row, and its neighbours' slopes
    picture = native.grabFramebuffer().convertToFormat(native.grabFramebuffer().format())
    colours = {picture.pixel(i, j) for i in range(0, picture.width(), 5) for j in range(0, picture.height(), 5)}
    assert len(colours) > 100

    from landscape_gui.scene3d.raster import render

    here = render(shown, 300, 220, way="canvas").astype(int)
    painted = render(shown, 300, 220, way="painter").astype(int)
    assert np.abs(here - painted).mean() < 12  # of 255: the same picture by other means


def test_the_axes_are_laid_out_again_only_when_they_are_seen_differently(scene: Any) -> None:
    shown = panel()
    surface = shown.surface
    assert surface is not None
    scene.show(shown)
    first = scene._current()[1]
    scene.show(replace(shown, marks=(replace(surface, z=surface.z * 1.0),)))
    scene.set_cursor(0.0, 0.0)
    assert scene._current()[1] is first
    low, high = surface.limits
    scene.show(replace(shown, marks=(replace(surface, limits=(low, 3 * high)),)))
    assert scene._current()[1] is not first
    second = scene._current()[1]
    scene.camera = Camera(azimuth=70)
    assert scene._current()[1] is not second
