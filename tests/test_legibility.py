"""What is said of a figure that cannot be read in print."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landscape_gui.colour_vision import VISION, closest, lab, lightness, linear, rgb, turning_points
from landscape_gui.figure import Figure, Line, Panel, Surface
from landscape_gui.legibility import concerns
from landscape_gui.page_setup import PageSetup
from landscape_gui.style import COLOUR_MAPS, SERIES

PRINT = PageSetup(font_size=8)


def curves(*looks: tuple[int, bool]) -> Figure:
    x = np.linspace(0, 1, 3)
    lines = tuple(Line(x=x, y=x, label=f"curve {k}", colour=colour, dash=dash) for k, (colour, dash) in enumerate(looks))
    return Figure(panels=(Panel(marks=lines),))


def plane(colour_map: str) -> Figure:
    z = np.array([[0.0, 1.0], [2.0, 3.0]])
    mark = Surface(x=np.arange(2.0), y=np.arange(2.0), z=z, limits=(0, 3), colour_map=colour_map)
    return Figure(panels=(Panel(marks=(mark,), view="2d"),))


def test_lightness_is_that_of_cie() -> None:
    """Known values: white 100, black 0, the middle sRGB grey #777777 50.03 (Lindbloom), and red 53.24."""
    for colour, value in (("#FFFFFF", 100.0), ("#000000", 0.0), ("#777777", 50.03), ("#FF0000", 53.24)):
        assert float(lightness(rgb(colour))) == pytest.approx(value, abs=0.01)
    assert lab(linear(rgb("#0000FF"))) == pytest.approx([32.30, 79.19, -107.86], abs=0.02)


@pytest.mark.parametrize("vision", VISION)
def test_greys_look_the_same_to_everybody(vision: str) -> None:
    assert VISION[vision].sum(axis=1) == pytest.approx(np.ones(3), abs=2e-6)  # six digits in the table


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_maps_for_print_are_one_to_one_in_grey(name: str) -> None:
    assert (turning_points(name) == []) == (name not in ("turbo", "coolwarm"))
    told = concerns(plane(name), PRINT)
    assert any(f"colour map {name} is ambiguous" in words for words in told) == (name in ("turbo", "coolwarm"))


def test_curves_of_one_grey_are_named_unless_something_else_tells_them_apart() -> None:
    grey = concerns(curves((0, False), (1, False)), PRINT)
    assert len(grey) == 1 and "“curve 0” and “curve 1” look alike" in grey[0]
    assert concerns(curves((0, False), (1, True)), PRINT) == ()
    assert concerns(curves((0, False), (4, False)), PRINT) == ()


def test_colours_that_colour_blind_readers_mix_up_are_named() -> None:
    assert closest(["#D55E00", "#009E73"], "deuteranopia")[0] > 10  # Okabe and Ito chose them so
    assert closest(["#FF0000", "#6B5B00"], "protanopia")[0] < closest(["#FF0000", "#6B5B00"], "")[0] / 2
    for vision in VISION:
        distance, pair = closest(list(SERIES), vision)
        assert (distance < 10) == any(vision in words for words in concerns(curves(*((k, False) for k in range(8))), PRINT)), pair


def test_what_is_too_small_for_print_is_said() -> None:
    assert concerns(plane("viridis"), PRINT) == ()
    for setup, words in (
        (PageSetup(font_size=5.5), "4.81 points"),
        (PageSetup(line_width=0.5), "may break in print"),
        (PageSetup(dpi=150), "150 dots per inch"),
    ):
        (told,) = concerns(plane("viridis"), setup)
        assert words in told
    assert concerns(curves((0, False)), replace(PRINT, dpi=100)) == (), "no raster in it"
