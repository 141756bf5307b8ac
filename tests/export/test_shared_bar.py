"""A colour bar for several panels on paper: where it stands, and what it leaves of the page for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawings import chart_panel, figure_of, plane_panel

from landscape_gui.export import render
from landscape_gui.export.figures import draw, page_of, sheet_of
from landscape_gui.export.paper import Page, settings
from landscape_gui.export.shared_bar import bar_inches, panel_of
from landscape_gui.figure import Figure, Panel, SharedBar
from landscape_gui.page_setup import PageSetup

SETUP = PageSetup(width=5.5, dpi=60, letters=True)


@pytest.fixture(autouse=True)
def _painter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_RENDERER", "painter")


def pair(place: str, *more: Panel, columns: int = 2, view: str = "3d") -> Figure:
    panel = replace(plane_panel(view), bar=False)  # type: ignore[arg-type]
    bar = SharedBar(panels=(0, 1), place=place)  # type: ignore[arg-type]
    return replace(figure_of(panel, panel, *more), columns=columns, bars=(bar,))


def drawn(figure: Figure, setup: PageSetup = SETUP) -> tuple[Page, list[tuple[str, tuple[float, float, float, float]]]]:
    """The page, and the axes with their labels and boxes in inches."""
    page = page_of(figure, setup)
    with settings(page):
        sheet = draw(figure, page, rasters=False)
        boxes = [
            (a.get_ylabel() or a.get_xlabel(), tuple(np.array(a.bbox.extents) / sheet.dpi)) for a in sheet.findobj(match=is_axes)
        ]
    return page, boxes  # type: ignore[return-value]


def is_axes(artist: object) -> bool:
    return hasattr(artist, "get_ylabel")


def test_one_bar_stands_right_of_both_panels() -> None:
    page, boxes = drawn(pair("right"))
    bars = [box for label, box in boxes if label == "train loss (nat)"]
    panels = [box for label, box in boxes if label == ""]
    assert len(bars) == 1 and len(panels) == 2
    assert bars[0][0] > max(box[2] for box in panels) - 1e-6 and bars[0][2] < page.width


def test_one_bar_stands_below_both_panels_in_their_middle() -> None:
    page, boxes = drawn(pair("below"))
    bar = next(box for label, box in boxes if label == "train loss (nat)")
    panels = [box for label, box in boxes if label == ""]
    assert bar[3] < min(box[1] for box in panels) + 1e-6 and bar[1] > 0
    assert (bar[0] + bar[2]) / 2 == pytest.approx(page.width / 2, abs=1.5 / page.dpi)  # axes stand on whole pixels
    assert bar[2] - bar[0] > 3 * (bar[3] - bar[1])


@pytest.mark.parametrize("place", ["right", "below"])
def test_panels_that_share_a_bar_are_equally_large(place: str) -> None:
    _, boxes = drawn(pair(place))
    sizes = [(box[2] - box[0], box[3] - box[1]) for label, box in boxes if label == ""]
    assert sizes[0] == pytest.approx(sizes[1], abs=1.01 / SETUP.dpi)


def test_widths_and_heights_add_up_to_the_page() -> None:
    for place in ("right", "below"):
        figure = pair(place, chart_panel())
        page = page_of(figure, SETUP)
        with settings(page):
            grid = sheet_of(figure, page)
            inches = bar_inches(figure, figure.bars[0], page)
        assert grid.side + sum(grid.widths) + grid.right == pytest.approx(5.5)
        assert grid.height == pytest.approx(page.height, abs=1 / page.dpi)  # a page is a whole number of pixels high
        assert (grid.right if place == "right" else grid.below[0]) == pytest.approx(inches)


def test_headings_take_their_room_and_are_printed() -> None:
    figure = replace(pair("right"), heads=("SGD", "Adam"), sides=("seed 0",))
    bare = pair("right")
    with settings(page_of(bare, SETUP)):
        before = sheet_of(bare, page_of(bare, SETUP))
    with settings(page_of(figure, SETUP)):
        after = sheet_of(figure, page_of(figure, SETUP))
    assert after.head > 0 and after.widths[0] < before.widths[0]
    page = render(figure, ".svg", SETUP).decode()
    assert all(f">{words}<" in page for words in ("SGD", "Adam", "seed 0"))


def test_a_wide_panel_spans_its_columns() -> None:
    figure = replace(figure_of(plane_panel("2d"), plane_panel("2d"), replace(chart_panel(), span=2)), columns=2)
    with settings(page_of(figure, SETUP)):
        sizes = sheet_of(figure, page_of(figure, SETUP)).sizes
    assert [width for width, _ in sizes] == pytest.approx([2.75, 2.75, 5.5])


def test_a_bar_without_a_scale_is_none() -> None:
    empty = replace(plane_panel("3d"), bar=False)
    mark = empty.marks[0]
    lost = replace(empty, marks=(replace(mark, z=np.full(mark.z.shape, np.nan)),))  # type: ignore[union-attr, type-var]
    figure = replace(figure_of(lost, lost), columns=2, bars=(SharedBar(panels=(0, 1)),))
    assert panel_of(figure, figure.bars[0]) is None
    assert bar_inches(figure, figure.bars[0], page_of(figure, SETUP)) == 0.0
    _, boxes = drawn(figure)
    assert [label for label, _ in boxes] == ["", ""]


@pytest.mark.parametrize("suffix", [".pdf", ".svg", ".png"])
def test_two_exports_are_equal_to_the_byte(suffix: str) -> None:
    figure = pair("below", replace(plane_panel("2d"), bar=False))
    figure = replace(figure, columns=3, bars=(*figure.bars, SharedBar(panels=(2,), place="below")), heads=("A",))
    assert render(figure, suffix, SETUP) == render(figure, suffix, SETUP)


def test_the_ends_are_pointed_where_any_surface_reaches_beyond() -> None:
    figure = pair("right")
    mark = figure.panels[1].marks[0]
    cut = replace(figure.panels[1], marks=(replace(mark, z=np.asarray(mark.z) * 9),))  # type: ignore[union-attr, type-var]
    whole = replace(figure, panels=(figure.panels[0], cut))
    plain, pointed = (render(f, ".svg", replace(SETUP, letters=False)) for f in (figure, whole))
    assert plain.count(b"<path") < pointed.count(b"<path")
