"""Pages of venues as sketches: columns as wide as they are, figures where they stand, lines that cross nothing."""

from dataclasses import replace

import pytest

from landscape_gui.figure import Figure, Panel, Surface
from landscape_gui.style import COLOUR_MAPS
from landscape_gui.ui.paper_sheet import grey_lines, paper_of
from landscape_gui.ui.recolouring import is_safe, map_of, recoloured
from landscape_gui.venues import VENUES


@pytest.mark.parametrize("venue", [*VENUES, ""])
def test_text_stands_on_the_paper_and_columns_have_the_venues_width(venue):
    paper = paper_of(venue)
    assert paper.left > 0 and paper.left + paper.text[0] < paper.width
    assert paper.top > 0 and paper.top + paper.text[1] < paper.height
    if venue:
        widths = VENUES[venue].widths
        assert paper.column == pytest.approx(widths[0])
        assert len(widths) * paper.column + (len(widths) - 1) * paper.gap == pytest.approx(widths[-1])
        assert paper.gap >= 0.1 or len(widths) == 1


@pytest.mark.parametrize("venue", [v for v in VENUES if not v.startswith("slide")])
def test_no_line_crosses_the_figure_or_leaves_its_column(venue):
    paper = paper_of(venue)
    for width in VENUES[venue].widths:
        figure = paper.figure(width, 2.0)
        lines = list(grey_lines(paper, figure, VENUES[venue].caption_size))
        assert sum(of_caption for _, of_caption in lines) >= 2 and len(lines) > 30
        for box, _ in lines:
            apart = box.top >= figure.top + figure.height or box.left >= figure.left + figure.width - 1e-6
            assert apart and box.top + box.height <= paper.top + paper.text[1] + 1e-6
            assert paper.left - 1e-6 <= box.left and box.left + box.width <= paper.left + paper.text[0] + 1e-6


def test_the_sketch_is_the_same_every_time():
    paper = paper_of("icml")
    assert list(grey_lines(paper, paper.figure(3.25, 2), 9)) == list(grey_lines(paper, paper.figure(3.25, 2), 9))


# colours


def surface(name):
    return Surface(x=None, y=None, z=None, limits=(0, 1), colour_map=name)


def test_surfaces_of_the_first_map_change_and_a_difference_keeps_its_own():
    figure = Figure(panels=tuple(Panel(marks=(surface(name),), view="2d") for name in ("viridis", "viridis", "coolwarm")))
    changed = recoloured(figure, "magma")
    assert [panel.marks[0].colour_map for panel in changed.panels] == ["magma", "magma", "coolwarm"]
    assert recoloured(figure, "") is figure and recoloured(figure, "viridis") is figure
    assert map_of(replace(figure, panels=())) == map_of(None) == ""


def test_maps_that_are_one_to_one_in_grey_are_safe():
    assert {name for name in COLOUR_MAPS if not is_safe(name)} == {"turbo", "coolwarm"}
