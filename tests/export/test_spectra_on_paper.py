"""Needles, bars and heat maps on paper: nothing cut off, the text there, the same bytes twice."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawings import figure_of
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from landscape_gui.export import render
from landscape_gui.export.figures import default_size, draw, grid
from landscape_gui.export.paper import Page, settings
from landscape_gui.export.spectra import shortened
from landscape_gui.figure import Axis, Band, Bars, Figure, Line, Needles, Panel, Rule, Surface
from landscape_gui.page_setup import PageSetup
from landscape_gui.scene3d.lettering import text_width
from landscape_gui.style import DARK

LONG = "features.denseblock3.denselayer11.norm1.parametrizations.weight.original0"
NAMES = ("conv1", "layer1.0.conv1", LONG, "fc")


def density() -> Panel:
    x = np.linspace(-2, 14, 300)
    y = np.exp(-(x**2)) + 1e-12
    lines = np.array([12.0, 7.0, -1.0])
    return Panel(
        marks=(
            Band(x=x, low=np.zeros_like(y), high=2 * y, label="95 % over probes"),
            Line(x=x, y=y, label="bulk"),
            Needles(x=lines, height=np.full(3, 1e-4), residuals=np.full(3, 1e-5), label="eigenvalue"),
            Rule(at=13.9, label="stability limit"),
        ),
        x=Axis(label="eigenvalue", limits=(-2.0, 14.0)),
        y=Axis(label="density", scale="log"),
        title="Density of eigenvalues",
    )


def bars(names: tuple[str, ...] = NAMES, groups: int = 2) -> Panel:
    values = np.linspace(1, 20, len(names))
    marks = tuple(Bars(names=names, values=values / (g + 1), errors=values / 9, label=f"kind {g}", colour=g) for g in range(groups))
    return Panel(marks=marks, x=Axis(label="trace"), title="By layer")


def heat() -> Panel:
    x, y = np.array([0.0, 1.0, 2.0, 5.0, 30.0]), np.linspace(-1, 9, 21)
    z = 10.0 ** (-np.abs(y)[:, None] + 0 * x)
    z[0, 0] = np.nan
    surface = Surface(x=x, y=y, z=z, limits=(1e-6, 1.0), scale="log", label="density", contour_lines=False)
    return Panel(
        marks=(surface, Line(x=x, y=np.sqrt(x), label="largest eigenvalue", colour=1)),
        view="2d", x=Axis(label="epoch"), y=Axis(label="eigenvalue"), title="Over the run",
    )  # fmt: skip


def named() -> Panel:
    panel = heat()
    surface = panel.surface
    assert surface is not None
    place = np.arange(5.0)
    marks = (replace(surface, x=place), Line(x=place, y=place))
    return replace(panel, marks=marks, x=Axis(label="checkpoint", names=("epoch 0", "epoch 1", "epoch 2", "epoch 5", "epoch 30")))


PANELS = {"density": density(), "bars": bars(), "heat": heat(), "named": named()}


def drawn(figure: Figure, width: float | None = None) -> Any:
    wide, high = default_size(figure, width)
    page = Page(width=wide, height=high, dpi=60)
    with settings(page):
        sheet = draw(figure, page)
        FigureCanvasAgg(sheet).draw()
    return sheet


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
@pytest.mark.parametrize("kind", PANELS)
def test_the_same_bytes_twice(kind: str, suffix: str) -> None:
    figure = figure_of(PANELS[kind])
    assert render(figure, suffix, PageSetup(dpi=60)) == render(figure, suffix, PageSetup(dpi=60))


@pytest.mark.parametrize("kind", [*PANELS, "all"])
@pytest.mark.parametrize("width", [None, 2.4])
def test_nothing_is_cut_off(kind: str, width: float | None) -> None:
    figure = figure_of(*(PANELS.values() if kind == "all" else [PANELS[kind]]))
    sheet = drawn(figure, None if kind == "all" else width)
    texts = [t for t in sheet.findobj(Text) if t.get_visible() and t.get_text().strip()]
    assert len(texts) > 6
    for text in texts:
        box: Any = text.get_window_extent()
        assert box.x0 >= -0.5 and box.y0 >= -0.5, text  # half a pixel
        assert box.x1 <= sheet.bbox.x1 + 0.5 and box.y1 <= sheet.bbox.y1 + 0.5, text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("density", {"eigenvalue", "density", "bulk", "stability limit", "95 % over probes", "Density of eigenvalues"}),
        ("bars", {"conv1", "layer1.0.conv1", "fc", "trace", "kind 0", "kind 1"}),
        ("heat", {"epoch", "eigenvalue", "density", "largest eigenvalue"}),
        ("named", {"epoch 0", "epoch 30", "checkpoint"}),
    ],
)
def test_the_text_is_text(kind: str, words: set[str]) -> None:
    found = re.findall(r"<text[^>]*>([^<]*)</text>", render(figure_of(PANELS[kind]), ".svg", PageSetup(dpi=60)).decode())
    assert words <= set(found)


def test_needles_stand_on_the_foot_of_a_logarithmic_axis_and_the_density_is_not_followed_for_ever() -> None:
    axes = drawn(figure_of(density())).subfigs[0].axes[0]
    low, high = axes.get_ylim()
    assert 1e-10 < low < 1e-4 and high > 1
    stems = axes.collections[1].get_segments()
    assert [s[0][1] for s in stems] == [low] * 3 and [s[1][1] for s in stems] == [1e-4] * 3


def test_many_bars_have_a_high_page_on_which_no_two_names_overlap() -> None:
    names = tuple(f"layer{k // 4}.{k % 4}.conv1.weight" for k in range(48))
    sheet = drawn(figure_of(bars(names)))
    axes = sheet.subfigs[0].axes[0]
    labels = [t for t in axes.get_yticklabels() if t.get_text()]
    assert [t.get_text() for t in labels] == list(names)
    boxes = [t.get_window_extent() for t in labels]
    assert all(b.y1 <= a.y0 + 1 for a, b in itertools.pairwise(boxes)), "from the top, one below another"


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    page = Page(width=3.3, height=3.0)
    short = shortened(LONG, page, 90.0)
    assert text_width(short, 7.0) <= 90 < text_width(LONG, 7.0)
    head, tail = short.split("\N{HORIZONTAL ELLIPSIS}")
    assert LONG.startswith(head) and LONG.endswith(tail) and head and len(tail) > 5
    assert shortened("fc", page, 90.0) == "fc"


def test_four_panels_stand_two_by_two_and_a_high_one_makes_its_row_high() -> None:
    names = tuple(f"layer {k}" for k in range(40))
    figure = figure_of(density(), density(), density(), bars(names))
    assert grid(figure) == (2, 2)
    sheet = drawn(figure)
    first, last = (sheet.subfigs[k].bbox for k in (0, 3))
    assert last.height > 1.5 * first.height
    assert first.y0 == pytest.approx(last.y1)


def test_heat_maps_have_a_colour_bar_and_the_theme_of_the_page() -> None:
    axes = drawn(figure_of(heat())).subfigs[0].axes[0]
    (bar,) = axes.child_axes
    assert bar.get_ylabel() == "density"
    assert axes.get_xlim() == (-0.5, 42.5)
    light, dark = (
        render(figure_of(density()), ".svg", PageSetup(theme=theme)).decode() for theme in (replace(DARK, dark=False), DARK)
    )
    assert DARK.background.lower() in dark and light.count("<text") == dark.count("<text")


def test_a_title_over_all_panels_takes_room_of_its_own() -> None:
    plain = figure_of(density(), bars())
    words = "Spectrum of the Gauss-Newton matrix, layers fc1, on 500 of 4,000 train examples, kernel width 0.0131, to be wrapped"
    titled = replace(plain, title=words)
    more = default_size(titled, 3.3)[1] - default_size(plain, 3.3)[1]
    assert more > 0.3  # three lines of eight points
    sheet = drawn(titled)
    head, body = sheet.subfigs
    assert head.texts[0].get_text().replace("\n", " ") == words
    box = head.texts[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= sheet.bbox.x1 and box.y0 >= body.bbox.y1 - 1
    for number, page in (("panel", plain), ("title", titled)):
        assert ("kernel width" in render(page, ".svg").decode().split("<text", 1)[1]) == (number == "title")


def test_dark_curves_are_lighter_on_a_dark_page() -> None:
    for theme, colour in ((DARK, "#b0b0b0"), (replace(DARK, dark=False), "#4d4d4d")):
        panel = Panel(marks=(Line(x=np.arange(3.0), y=np.arange(3.0), label="trace", colour=7),))
        assert colour in render(figure_of(panel), ".svg", PageSetup(theme=theme)).decode()
