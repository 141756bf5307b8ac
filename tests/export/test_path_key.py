"""Bare lines on a plane and the legend that names them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawings import figure_of, plane_panel
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from landscape_gui.export.figures import default_size, draw
from landscape_gui.export.paper import Page, settings
from landscape_gui.export.path_key import key_rows
from landscape_gui.figure import Panel, Path, Points, View
from landscape_gui.style import SERIES, TRAJECTORY

NAMES = ("straight line", "Bezier curve with one bend", "line to the permuted model")


def panel_of(view: View, names: tuple[str, ...] = NAMES) -> Panel:
    t = np.linspace(0, 1, 41)
    lines = (
        Path(x=t - 0.5, y=0.1 * k * t * (1 - t), label=name, stops=False, dash=k > 0, colour=k) for k, name in enumerate(names)
    )
    ends = Points(x=np.array([-0.5, 0.5]), y=np.zeros(2), names=("model A", "model B"), colour=4)
    plain = plane_panel(view)
    assert plain.surface is not None
    return replace(plain, marks=(plain.surface, *lines, ends))


def drawn(panel: Panel, width: float | None = None) -> Any:
    figure = figure_of(panel)
    across, up = default_size(figure, width)
    page = Page(width=across, height=up, dpi=80)
    with settings(page):
        sheet = draw(figure, page)
        canvas: Any = FigureCanvasAgg(sheet)
        canvas.draw()
    return sheet


@pytest.mark.parametrize("width", [3.3, 7.0])
@pytest.mark.parametrize("view", ["2d", "3d"])
def test_every_bare_line_is_named_below_the_picture(view: View, width: float) -> None:
    sheet = drawn(panel_of(view), width)
    (part,) = sheet.subfigs
    (legend,) = part.legends
    assert tuple(text.get_text() for text in legend.get_texts()) == NAMES
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= sheet.bbox.x1
    others = [t for t in sheet.findobj(Text) if t.get_text().strip() and t.get_visible() and t not in legend.get_texts()]
    assert len(others) > 8
    for text in others:
        assert not box.overlaps(text.get_window_extent()), text
    assert not box.overlaps(part.axes[0].get_window_extent())


@pytest.mark.parametrize("view", ["2d", "3d"])
def test_models_are_named_where_they_lie(view: View) -> None:
    sheet = drawn(panel_of(view))
    words = {t.get_text(): t.get_window_extent() for t in sheet.findobj(Text)}
    assert words["model A"].x1 < words["model B"].x1
    assert words["model A"].x0 > 0
    assert words["model B"].x1 < sheet.bbox.x1


def test_the_legend_shows_the_colours_and_dashes_of_the_lines() -> None:
    (legend,) = drawn(panel_of("2d")).subfigs[0].legends
    shown = [(line.get_color(), line.get_linestyle() == "-") for line in legend.get_lines()]
    assert shown == [(SERIES[0], True), (SERIES[1], False), (SERIES[2], False)]


def test_trajectories_and_planes_without_lines_have_no_legend() -> None:
    panel = plane_panel("2d")
    (trajectory,) = (m for m in panel.marks if isinstance(m, Path))
    assert trajectory.ink == TRAJECTORY
    assert panel.key == ()
    assert key_rows(panel, 3.3, Page(width=3.3, height=3.0)) == 0
    assert not drawn(panel).subfigs[0].legends


def test_a_page_is_higher_by_the_legend_and_a_wide_one_has_fewer_rows() -> None:
    plain, many = plane_panel("2d"), panel_of("2d", tuple(f"path number {k} of several" for k in range(8)))
    assert default_size(figure_of(many), 3.3)[1] > default_size(figure_of(plain), 3.3)[1] + 0.4
    page = Page(width=7.0, height=3.0)
    assert key_rows(many, 7.0, page) < key_rows(many, 3.3, page)
