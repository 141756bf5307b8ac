"""Projection and framing."""

import numpy as np
import pytest

from landscape_gui.figure import Camera
from landscape_gui.scene3d.camera import corners, project, shift, turn, zoom

SIZE = (800.0, 600.0)
MARGINS = (60.0, 10.0, 30.0, 50.0)


@pytest.mark.parametrize("azimuth", range(-180, 180, 30))
@pytest.mark.parametrize("elevation", [0, 20, 60, 90])
def test_the_box_stays_inside_its_margins_and_keeps_its_size_while_turning(azimuth: float, elevation: float) -> None:
    view = project(Camera(azimuth=azimuth, elevation=elevation), SIZE, 0.62, MARGINS)
    at = view.points(corners(0.62))
    assert at[:, 0].min() >= MARGINS[0] - 1e-6
    assert at[:, 0].max() <= SIZE[0] - MARGINS[2] + 1e-6
    assert at[:, 1].min() >= MARGINS[1] - 1e-6
    assert at[:, 1].max() <= SIZE[1] - MARGINS[3] + 1e-6
    assert np.abs(at[:, 2]).max() < 1  # between the near and the far plane
    assert view.scale == project(Camera(azimuth=0, elevation=elevation), SIZE, 0.62, MARGINS).scale


def test_a_ray_goes_through_the_point_that_is_seen() -> None:
    view = project(Camera(azimuth=37, elevation=25, distance=0.7, pan=(0.1, -0.2)), SIZE, 0.62, MARGINS)
    for point in np.random.default_rng(0).uniform(-0.5, 0.5, (20, 3)):
        px, py, _ = view.points(point)[0]
        start, direction = view.ray(px, py)
        off = (point - start) - direction * ((point - start) @ direction)
        assert np.linalg.norm(off) < 1e-9  # float64


def test_x_runs_to_the_right_in_front_and_y_away_from_the_viewer() -> None:
    view = project(Camera(azimuth=0, elevation=30), SIZE, 0.62, MARGINS)
    left, right, near, far, high = view.points(np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, -0.5, 0], [0, 0.5, 0], [0, -0.5, 0.62]]))
    assert left[0] < right[0]
    assert near[1] > far[1]
    assert near[2] < far[2]
    assert high[1] < near[1]


def test_turning_stops_above_and_at_the_floor_and_zoom_has_ends() -> None:
    assert turn(Camera(), 0, 500).elevation == 90
    assert turn(Camera(), 0, -500).elevation == 0
    assert turn(Camera(azimuth=170), 20, 0).azimuth == -170
    assert zoom(Camera(), 1e9).distance > 0
    assert shift(Camera(), 0.5, -0.25).pan == (0.5, -0.25)
