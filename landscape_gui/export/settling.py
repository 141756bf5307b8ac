"""The last steps of drawing a page: texts in its font, places settled, letters on the panels, rasters made for its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from landscape_gui.export.paper import Page
from landscape_gui.export.pixels import PixelImage

PASSES = 8
"""Layouts at most; five settle a row of planes."""
LONGEST = 1.04
"""Length of the label of an upright axis over the axis, beyond which it has two lines."""
CORNER = 0.03
"""Inches between a panel's letter and the edges of its panel."""


def settle(sheet: Any, cells: Sequence[Any], page: Page, *, rasters: bool = True) -> None:
    """Lays the sheet out for good. rasters: False leaves the pictures of surfaces out, where only places are asked for."""
    for text in sheet.findobj(Text):
        text.set_text(page.worded(text.get_text()))
        if hasattr(text, "set_fontfeatures"):
            text.set_fontfeatures(["-liga"])  # so that whoever edits the file finds "fi" as two letters
    lay_out(sheet)
    if page.letters:
        for number, cell in enumerate(cells):
            add_letter(cell, number, page)
    if rasters:
        for image in sheet.findobj(PixelImage):
            image.settle()


def lay_out(sheet: Any) -> None:
    """Repeats matplotlib's layout until nothing moves and nothing sticks out: where axes keep their aspect, one pass leaves labels
    outside their panel, and a pass may move nothing before the next one does."""
    before = np.zeros(0)
    for _ in range(PASSES):
        sheet.draw_without_rendering()
        if not len(before):
            fold_labels(sheet)
        places = np.array([axes.bbox.extents for axes in sheet.findobj(Axes)]).ravel()
        if len(places) == len(before) and np.abs(places - before).max(initial=0.0) < 0.5 and not _sticks_out(sheet):
            break
        before = places
    sheet.set_layout_engine("none")


def _sticks_out(sheet: Any) -> bool:
    """Whether axes with their labels leave the sheet."""
    width, height = sheet.bbox.width, sheet.bbox.height
    for axes in sheet.axes:
        box = axes.get_tightbbox()
        if box is not None and (min(box.x0, box.y0) < -0.25 or box.x1 > width + 0.25 or box.y1 > height + 0.25):
            return True
    return False


def fold_labels(sheet: Any) -> None:
    """Breaks the label of an upright axis in two where it is longer than its axis, or where it would reach into its neighbours."""
    for axes in sheet.findobj(Axes):
        label = axes.yaxis.label
        words = label.get_text()
        if label.get_window_extent().height > LONGEST * axes.bbox.height and " " in words and "\n" not in words:
            at = min((k for k, c in enumerate(words) if c == " "), key=lambda k: abs(k - len(words) / 2))
            label.set_text(f"{words[:at]}\n{words[at + 1 :]}")


def add_letter(cell: Any, number: int, page: Page) -> None:
    """(a), (b), ... in bold in a panel's upper left corner."""
    text = f"({letter(number)})"
    style: dict[str, Any] = {"fontweight": "bold"}
    if page.font == "mathtext":
        style = {"fontfamily": "cmb10"}
    elif page.font == "tex":
        text, style = rf"\textbf{{{text}}}", {}
    dpi = cell.figure.dpi
    x, y = CORNER * dpi / cell.bbox.width, 1 - CORNER * dpi / cell.bbox.height
    cell.text(x, y, text, ha="left", va="top", fontsize=page.font_size, **style)


def letter(number: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    return ("" if number < 26 else letter(number // 26 - 1)) + chr(ord("a") + number % 26)
