"""Labels never touch one another and never leave the view."""

from itertools import combinations

import numpy as np
import pytest
from pictures import panel

from landscape_gui.figure import Axis, Camera
from landscape_gui.scene3d.axes import _touch, layout, margins, tight
from landscape_gui.scene3d.camera import project
from landscape_gui.scene3d.model import model_of
from landscape_gui.scene3d.scene import lettering

SIZES = [(900.0, 700.0), (420.0, 360.0), (300.0, 600.0), (1600.0, 900.0)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_labels_neither_touch_nor_leave_the_view(size: tuple[float, float], scale: str) -> None:
    model = model_of(panel(scale=scale))
    style = lettering(size)
    shown = 0
    for elevation in (3, 32, 70, 90):
        for azimuth in range(-180, 180, 15):
            view = project(
                Camera(azimuth=azimuth, elevation=elevation), size, model.frame.top, margins(model.frame, model.panel, style)
            )
            labels = layout(model.frame, model.panel, view, style).labels
            assert not any(_touch(a, b, 0) for a, b in combinations(labels, 2))
            corners = np.concatenate([label.corners for label in labels])
            assert corners.min() >= 0
            assert (corners <= np.array(size)).all()
            shown += len(labels)
    assert shown > 4 * 24 * 10  # on average ten labels a view and more


@pytest.mark.parametrize("azimuth", [-150, -35, 0, 45, 120])
def test_on_paper_every_label_is_kept_and_the_page_is_filled(azimuth: float) -> None:
    model = model_of(panel(camera=Camera(azimuth=azimuth, elevation=30)))
    size = (475.0, 380.0)
    style = lettering(size)
    view, found = tight(model.frame, model.panel, model.panel.camera, size, style)
    assert len(found.labels) == len(layout(model.frame, model.panel, view, style, bounded=False).labels)
    left, top, right, bottom = found.extent()
    assert min(left, top, size[0] - right, size[1] - bottom) >= style.margin - 1.5  # the iteration ends within a pixel
    assert right - left > 0.85 * size[0] or bottom - top > 0.85 * size[1]


@pytest.mark.parametrize("tall", [0.6, 0.8, 1.0])
def test_no_title_falls_off_the_page_where_breaking_it_never_settles(tall: float) -> None:
    """A title in one line makes the box smaller, in a smaller box it breaks, and so on: at some widths for ever."""
    from dataclasses import replace

    shown = replace(panel(), y=Axis(label="across, towards the bend"))
    model = model_of(shown)
    for width in range(300, 420, 4):
        size = (float(width), tall * width)
        view, found = tight(model.frame, shown, shown.camera, size, lettering((475.0, 380.0)))
        whole = layout(model.frame, shown, view, lettering((475.0, 380.0)), bounded=False)
        assert [text.text for text in found.labels] == [text.text for text in whole.labels]


def test_a_long_title_breaks_into_two_lines() -> None:
    from dataclasses import replace

    shown = replace(panel(), x=Axis(label="a filter-normalised random direction with a remarkably long name, seed 12345"))
    model = model_of(shown)
    style = lettering((600.0, 450.0))
    found = tight(model.frame, shown, Camera(), (600.0, 450.0), style)[1]
    titles = [label.text for label in found.labels if label.title]
    assert sum(text.startswith("a filter") or text.rstrip("…") in shown.x.label for text in titles) >= 2


def test_back_walls_turn_with_the_eye() -> None:
    model = model_of(panel())
    style = lettering((900.0, 700.0))
    for azimuth in (-135, -45, 45, 135):
        view = project(Camera(azimuth=azimuth), (900.0, 700.0), model.frame.top, margins(model.frame, model.panel, style))
        edges = layout(model.frame, model.panel, view, style).edges
        corner = edges[5]  # the vertical edge where the two walls meet
        depth = view.points(np.array([(x, y, 0.0) for x in (-0.5, 0.5) for y in (-0.5, 0.5)]))
        farthest = depth[np.argmax(depth[:, 2]), :2]
        assert np.abs(corner[0] - farthest).max() < 1e-6
