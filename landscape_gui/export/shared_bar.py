"""One colour bar for several panels, right of them or below them."""

from __future__ import annotations

from typing import Any

from landscape_gui.export.marks2d import add_colour_bar
from landscape_gui.export.paper import Page, tick_positions
from landscape_gui.figure import Figure, Panel, SharedBar
from landscape_gui.style import format_number

THICK = 0.09
"""Inches across a bar."""
LONG = 0.62
"""Length of a bar over the panels that it stands beside, as of a bar of one panel in 3-D."""
MOST = 2.6
"""Inches that a bar below its panels is long at most."""
GAP = 0.04
"""Inches between panels and bar."""


def panel_of(figure: Figure, bar: SharedBar) -> Panel | None:
    """The panel that the bar is drawn for: the first of its panels with a scale."""
    found = (figure.panels[k] for k in bar.panels if k < len(figure.panels))
    return next((p for p in found if p.surface is not None and p.surface.has_scale), None)


def bar_inches(figure: Figure, bar: SharedBar, page: Page) -> float:
    """Width of a bar on the right with its numbers and label, or height of one below; 0 where it has no scale."""
    panel = panel_of(figure, bar)
    if panel is None or panel.surface is None:
        return 0.0
    if bar.place == "below":
        return THICK + 2 * GAP + (1.5 * page.tick_size + 1.7 * page.font_size) / 72
    ticks = tick_positions(panel.surface.limits, panel.surface.scale)
    widest = max((page.measure(format_number(t), page.tick_size) for t in ticks), default=0.0)
    return THICK + 2 * GAP + (widest + 2.1 * page.font_size + 5) / 72


def draw_shared_bar(cell: Any, figure: Figure, bar: SharedBar, page: Page, size: tuple[float, float], middle: float = 0.5) -> Any:
    """Draws the bar into a (sub)figure of `size` inches that is its own; returns it, None where there is no scale to show.

    middle: where along the (sub)figure the middle of the bar stands, as its part.
    """
    panel = panel_of(figure, bar)
    if panel is None:
        return None
    width, height = size
    if bar.place == "right":
        box = (GAP / width, middle - LONG / 2, THICK / width, LONG)
    else:
        long = min(LONG * width, MOST) / width
        box = (middle - long / 2, 1 - (GAP + THICK) / height, long, THICK / height)
    axes = cell.add_axes(box)
    return add_colour_bar(cell, axes, panel, page, axes, below=bar.place == "below", every=surfaces_of(figure, bar))


def surfaces_of(figure: Figure, bar: SharedBar) -> tuple[Any, ...]:
    """The surfaces that the bar is for: its ends are pointed where values of any of them lie beyond."""
    return tuple(figure.panels[k].surface for k in bar.panels if k < len(figure.panels) and figure.panels[k].surface is not None)
