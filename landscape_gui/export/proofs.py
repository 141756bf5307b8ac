"""A look at the laid-out page before it is printed: what overlaps, and what is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from matplotlib.text import Text

from landscape_gui.export.figures import draw, page_of
from landscape_gui.export.paper import Page, settings
from landscape_gui.export.texts import FittedText
from landscape_gui.figure import Figure
from landscape_gui.legibility import SMALLEST, concerns
from landscape_gui.page_setup import PageSetup

TOUCH = 0.5
"""Points by which texts may reach into one another: boxes are higher than their letters."""


def proof(figure: Figure, setup: PageSetup) -> tuple[str, ...]:
    """What is wrong with the figure as it will be printed, a sentence each; empty where all is well. The page is laid out without
    its rasters, a few tenths of a second; in a thread, like `render`. Raises what `render` raises."""
    page = page_of(figure, setup)
    with settings(page):
        sheet = draw(figure, page, rasters=False)
        sheet.draw_without_rendering()  # legends put their texts in place
        found = [*concerns(figure, setup), *_of_page(sheet, page)]
    return tuple(dict.fromkeys(found))


def _of_page(sheet: Any, page: Page) -> Iterator[str]:
    texts = [t for t in sheet.findobj(Text) if t.get_visible() and t.get_text().strip() and not isinstance(t, FittedText)]
    boxes = [(t, t.get_window_extent()) for t in texts if t.figure is not None and not _outside(t)]
    edge = TOUCH * page.dpi / 72
    cut = [t for t, box in boxes if min(box.x0, box.y0) < -edge or box.x1 > sheet.bbox.x1 + edge or box.y1 > sheet.bbox.y1 + edge]
    if cut:
        yield f"{_named(cut)} is cut off at the edge: make the figure larger, or its letters smaller."
    over = next(((a, b) for (a, p), (b, q) in combinations(boxes, 2) if _overlap(p, q, edge) and not a.get_rotation() % 90), None)
    if over is not None and not over[1].get_rotation() % 90:
        yield f"{_named(over[:1])} and {_named(over[1:])} overlap: make the figure larger, or its letters smaller."
    sizes = {t: t.fitted() if isinstance(t, FittedText) else t.get_fontsize() for t in sheet.findobj(Text) if t.get_text().strip()}
    small = [t for t, size in sizes.items() if 0 < size < min(SMALLEST, page.tick_size) - 1e-6]
    if small:
        size = min(sizes[t] for t in small)
        yield f"{_named(small)} has {size:.2g} points as printed, and under {SMALLEST:g} few can read it: make the figure larger."


def _outside(text: Any) -> bool:
    """Whether a tick's label belongs to a place beyond its axes: it is not drawn."""
    axes = text.axes
    if axes is None:
        return False
    for axis in (axes.xaxis, axes.yaxis):
        if any(text in (tick.label1, tick.label2) for tick in axis.get_major_ticks() + axis.get_minor_ticks()):
            return text not in axis.get_ticklabels()
    return False


def _overlap(a: Any, b: Any, edge: float) -> bool:
    return bool(min(a.x1, b.x1) - max(a.x0, b.x0) > edge and min(a.y1, b.y1) - max(a.y0, b.y0) > edge)


def _named(texts: Any) -> str:
    words = " ".join(texts[0].get_text().split())
    return f"“{words}”" if len(texts) == 1 else f"“{words}” (and {len(texts) - 1} more)"
