"""Words in the cells of a heat map and names in a graph: on paper they fit their room, or are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawings import figure_of
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from landscape_gui.export.figures import default_size, draw
from landscape_gui.export.paper import Page, settings
from landscape_gui.export.texts import SMALLEST
from landscape_gui.figure import Axis, Figure, Line, Panel, Points, Surface, Texts


def matrix(count: int, room: tuple[float, float] | None = (1.0, 1.0)) -> Panel:
    at = np.arange(count, dtype=float)
    z = np.add.outer(at, at)
    x, y = np.meshgrid(at, at)
    words = tuple(f"cell {k}\n±0.02" for k in range(count * count))
    surface = Surface(x=at, y=at, z=z, limits=(0.0, float(z.max())), label="barrier", contour_lines=False)
    ink = tuple("#FFFFFF" if v < z.max() / 2 else "" for v in z.ravel())
    names = tuple(f"model {k}" for k in range(count))
    marks = (surface, Texts(x=x.ravel(), y=y.ravel(), texts=words, room=room, ink=ink))
    return Panel(marks=marks, x=Axis(label="model", names=names), y=Axis(names=names))


def drawn(figure: Figure, width: float | None = None) -> tuple[Any, Any]:
    """The sheet after everything was drawn, and what draws on it."""
    inches = default_size(figure, width)
    page = Page(width=inches[0], height=inches[1], dpi=200)
    with settings(page):
        sheet = draw(figure, page)
        canvas = FigureCanvasAgg(sheet)
        canvas.draw()
    return sheet, canvas.get_renderer()


def cells_of(sheet: Any) -> list[Any]:
    return [t for t in sheet.findobj(Text) if t.get_text().startswith("cell")]


@pytest.mark.parametrize("count", [2, 6])
def test_words_stay_in_their_cells(count: int) -> None:
    sheet, renderer = drawn(figure_of(matrix(count)))
    axes = next(a for a in sheet.axes if a.get_label() != "<colorbar>")
    corners = axes.transData.transform([(0.0, 0.0), (1.0, 1.0)])
    wide, tall = np.abs(corners[1] - corners[0])
    cells = cells_of(sheet)
    assert len(cells) == count * count
    for text in cells:
        box = text.get_window_extent(renderer)
        assert box.width <= wide
        assert box.height <= tall
    assert cells[0].get_fontsize() > SMALLEST


def test_words_that_nobody_could_read_are_left_out() -> None:
    sheet, _ = drawn(figure_of(matrix(40)))
    assert all(text.fitted() == 0.0 for text in cells_of(sheet))


def test_ink_is_the_one_asked_for_or_the_theme_s() -> None:
    sheet, _ = drawn(figure_of(matrix(3)))
    assert cells_of(sheet)[0].get_color() == "#FFFFFF"
    assert cells_of(sheet)[-1].get_color() == "#212429"


def graph() -> Panel:
    x, y = np.array([0.0, 4.0, 4.0]), np.array([0.0, 0.0, 1.0])
    return Panel(
        marks=(
            Line(x=x, y=y),
            Points(x=x, y=y),
            Texts(x=x, y=y, texts=("first", "second", "third"), lift=1.1),
            Texts(x=np.array([2.0]), y=np.array([0.0]), texts=("0.5",), backed=True),
        ),
        x=Axis(label="x", limits=(-1.0, 5.0)),
        y=Axis(label="y", limits=(-1.0, 2.0)),
        equal=True,
    )


def test_a_unit_is_as_long_along_x_as_along_y() -> None:
    sheet, _ = drawn(figure_of(graph()))
    (axes,) = sheet.axes
    ends = axes.transData.transform([(0.0, 0.0), (1.0, 1.0)])
    assert abs(ends[1] - ends[0])[0] == pytest.approx(abs(ends[1] - ends[0])[1], rel=1e-6)
    assert axes.get_xlim() == (-1.0, 5.0)
    assert axes.get_ylim() == (-1.0, 2.0)


def test_a_name_stands_above_its_place() -> None:
    sheet, renderer = drawn(figure_of(graph()))
    (axes,) = sheet.axes
    name = next(t for t in sheet.findobj(Text) if t.get_text() == "second")
    box = name.get_window_extent(renderer)
    place = axes.transData.transform((4.0, 0.0))
    assert box.y0 > place[1]
    assert (box.x0 + box.x1) / 2 == pytest.approx(place[0], abs=2.0)  # pixels: hinting


def test_a_panel_that_asks_for_a_page_has_it_to_itself() -> None:
    wide = replace(matrix(10), inches=7.0)
    assert default_size(figure_of(wide, graph()))[0] == 7.0
    assert default_size(figure_of(wide, graph()))[1] > 2 * default_size(figure_of(matrix(3), graph()))[1]
    sheet, _ = drawn(figure_of(wide, graph()))
    first, second = (a for a in sheet.axes if a.get_label() != "<colorbar>")
    assert first.get_window_extent().y0 > second.get_window_extent().y1
