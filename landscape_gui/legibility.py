"""Whether a figure can be read as it will be printed: in grey, by colour-blind readers, small. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from landscape_gui.colour_vision import VISION, closest, lightness, rgb, turning_points
from landscape_gui.figure import Band, Bars, Figure, Line, Needles, Panel, Path, Points, Surface
from landscape_gui.page_setup import PageSetup
from landscape_gui.style import COLOUR_MAPS, series_colour

SMALLEST = 5.0
"""Points below which printers and journals (Nature, Science) accept no letters."""
FINEST = 300.0
"""Pixels an inch that journals ask of pictures in colour."""
THINNEST = 0.25
"""Points below which printed lines break."""
APART = 10.0
"""Distance in L*a*b* below which two small marks cannot be told apart with certainty; 2.3 is just visible side by side."""
GREYS = 12.0
"""The same of their lightness, L*."""
PLAIN = "viridis, cividis, magma or inferno"


def concerns(figure: Figure, setup: PageSetup) -> tuple[str, ...]:
    """What a reader of the printed figure may not see, a sentence each; empty where all is well. Milliseconds.

    In grey: colour maps whose lightness is not one-to-one, curves of one panel that differ in nothing but colours of one grey. To
    colour-blind readers: the same with colours that look alike to them (Machado et al. 2009). In print: letters under 5 points,
    lines under a quarter of a point, rasters under 300 dots per inch. `export.proof` adds what only a drawn page tells: texts that
    overlap or are cut off.
    """
    return tuple(dict.fromkeys([*_in_print(figure, setup), *_maps(figure), *_series(figure, setup)]))


def _in_print(figure: Figure, setup: PageSetup) -> Iterator[str]:
    if setup.tick_size < SMALLEST:
        yield (
            f"The numbers on axes have {setup.tick_size:.3g} points as printed, and under {SMALLEST:g} few can read them: "
            f"choose a font size of {SMALLEST / 0.875:.2g} or more."
        )
    if 0.35 * setup.line_width < THINNEST:
        yield f"The thinnest lines have {0.35 * setup.line_width:.2g} points and may break in print: choose wider lines."
    if setup.dpi < FINEST and any(panel.surface is not None for panel in figure.panels):
        yield f"The surface is a picture of {setup.dpi:g} dots per inch; print wants {FINEST:g} or more."


def _maps(figure: Figure) -> Iterator[str]:
    """Colour maps in grey: one grey must be one value."""
    for surface in (m for panel in figure.panels for m in panel.marks if isinstance(m, Surface) and m.has_scale):
        turns = turning_points(surface.colour_map)
        if turns:
            why = "its two halves cannot be told apart" if len(turns) == 1 else "different values have one grey"
            yield f"In grey print the colour map {surface.colour_map} is ambiguous, {why}: choose {PLAIN}."
        if surface.colour_map == "turbo":
            yield f"Colour-blind readers cannot order the colour map turbo ({COLOUR_MAPS['turbo']}): choose {PLAIN}."


def _series(figure: Figure, setup: PageSetup) -> Iterator[str]:
    """Curves and points that only their colour tells apart."""
    for panel in figure.panels:
        for looks in _alike(panel, setup).values():
            colours = list(looks)
            for first, second in _same_grey(colours):
                yield (
                    f"In grey print {looks[first]} and {looks[second]} look alike{_where(panel)}: "
                    "show fewer of them, or dash one or mark it otherwise."
                )
            for vision in VISION:
                distance, (first, second) = closest(colours, vision)
                if distance < APART:
                    yield f"Readers with {vision} cannot tell {looks[first]} from {looks[second]}{_where(panel)}."


def _same_grey(colours: list[str]) -> Iterator[tuple[str, str]]:
    """The two colours nearest in lightness, where they are too near."""
    light = sorted((float(lightness(rgb(colour))), colour) for colour in colours)
    gaps = [(b[0] - a[0], (a[1], b[1])) for a, b in pairwise(light)]
    if gaps and min(gaps)[0] < GREYS:
        yield min(gaps)[1]


def _alike(panel: Panel, setup: PageSetup) -> dict[tuple[object, ...], dict[str, str]]:
    """For every form of mark, its colours and what is named by them: those of one form are told apart by colour alone."""
    found: dict[tuple[object, ...], dict[str, str]] = {}
    for mark in panel.marks:
        form: tuple[object, ...]
        if isinstance(mark, Line):
            form = ("line", mark.dash, mark.width)
        elif isinstance(mark, Path) and not mark.stops:
            form = ("path", mark.dash)
        elif isinstance(mark, Points):
            form = ("points", mark.marker)
        elif isinstance(mark, Band | Bars | Needles):
            form = (type(mark).__name__,)
        else:
            continue
        if mark.label and not (isinstance(mark, Points) and mark.names):
            colour = mark.ink if isinstance(mark, Path) else series_colour(mark.colour, setup.theme)
            found.setdefault(form, {}).setdefault(colour, f"“{mark.label}”")
    return found


def _where(panel: Panel) -> str:
    return f" in “{panel.title}”" if panel.title else ""
