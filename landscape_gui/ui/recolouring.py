"""A figure in another colour map. No Qt."""

from __future__ import annotations

from dataclasses import replace

from landscape_gui.colour_vision import turning_points
from landscape_gui.figure import Figure, Surface
from landscape_gui.style import COLOUR_MAPS

CONFUSED = ("turbo",)
"""Maps that colour-blind readers cannot order."""


def map_of(figure: Figure | None) -> str:
    """The colour map of a figure's first surface; empty where it has none."""
    marks = (mark for panel in figure.panels for mark in panel.marks) if figure is not None else ()
    return next((mark.colour_map for mark in marks if isinstance(mark, Surface)), "")


def recoloured(figure: Figure, name: str) -> Figure:
    """Every surface in the first one's colour map in another; what has a map of its own (a difference) keeps it."""
    before = map_of(figure)
    if not name or name == before:
        return figure

    def changed(mark: object) -> object:
        return replace(mark, colour_map=name) if isinstance(mark, Surface) and mark.colour_map == before else mark

    panels = tuple(replace(panel, marks=tuple(changed(mark) for mark in panel.marks)) for panel in figure.panels)  # type: ignore[misc]
    drawn = tuple(
        replace(source, look=replace(source.look, colour_map=name)) if source.look.colour_map == before else source
        for source in figure.drawn_from
    )
    return replace(figure, panels=panels, drawn_from=drawn)


def is_safe(name: str) -> bool:
    """Whether one grey, and one colour as the colour-blind see it, is one value."""
    return name in COLOUR_MAPS and name not in CONFUSED and not turning_points(name)
