"""The last steps of drawing a page: texts in its font, places settled, letters on the panels, rasters made for its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.text import Text

from landscape_gui.arrangement import letter
from landscape_gui.export.paper import Page
from landscape_gui.export.pixels import PixelImage
from landscape_gui.export.placing import place

CORNER = 0.03
"""Inches between a panel's letter and the edges of its panel."""


def settle(sheet: Any, cells: Sequence[Any], page: Page, *, rasters: bool = True) -> None:
    """Lays the sheet out for good. rasters: False leaves the pictures of surfaces out, where only places are asked for."""
    for text in sheet.findobj(Text):
        text.set_text(page.worded(text.get_text()))
        if hasattr(text, "set_fontfeatures"):
            text.set_fontfeatures(["-liga"])  # so that whoever edits the file finds "fi" as two letters
    for cell in cells:
        place(cell)
    for number, cell in enumerate(cells if page.letters else ()):
        add_letter(cell, number, page)
    if rasters:
        for image in sheet.findobj(PixelImage):
            image.settle()


def add_letter(cell: Any, number: int, page: Page) -> None:
    """(a), (b), ... in bold in a panel's upper left corner."""
    text = f"({letter(number)})"
    style: dict[str, Any] = {"fontweight": "bold"}
    if page.font == "mathtext" and page.formulas:
        style = {"fontfamily": "cmb10"}
    elif page.font == "tex":
        text, style = rf"\textbf{{{text}}}", {}
    dpi = cell.figure.dpi
    x, y = CORNER * dpi / cell.bbox.width, 1 - CORNER * dpi / cell.bbox.height
    cell.text(x, y, text, ha="left", va="top", fontsize=page.font_size, **style)
