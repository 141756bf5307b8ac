"""Figures on paper: the panels of one figure side by side, at the size they are printed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from matplotlib.figure import Figure as Sheet
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from landscape_gui.errors import LandscapeError
from landscape_gui.export.charts import draw_chart, legend_rows
from landscape_gui.export.marks2d import draw_plane
from landscape_gui.export.marks3d import draw_relief
from landscape_gui.export.paper import Page, wrap
from landscape_gui.export.path_key import key_rows
from landscape_gui.export.spectra import bars_inches
from landscape_gui.figure import Figure, Panel
from landscape_gui.page_setup import PageSetup
from landscape_gui.scene3d.lettering import text_width

COLUMN = 3.3
"""Width of one panel in inches: a column of a two-column paper."""
PAGE = 7.0
ACROSS = 3
"""Panels side by side before a new row begins."""
NARROW = 2.0
"""Inches below which no panel can be read: fewer then stand side by side."""
ASPECTS = {"3d": 0.8, "2d": 0.84, "chart": 0.72}
"""Height over width."""
AROUND_BARS = 0.6
"""Inches for title and axis of a panel of bars."""
ACROSS_PLANE = 0.74
"""What a plane takes of its panel's width; the rest are the axis and the colour bar."""
AROUND_PLANE = 0.62
"""Inches for its title and the axis beneath."""
TITLE = 8.0
"""Points of the title above all panels, where a page is made as large as its figure."""
TICKS = 7.0
"""Points of the names of bars as they are printed."""


def page_of(figure: Figure, setup: PageSetup) -> Page:
    """The page with a size that suits the figure where none is asked for. Raises LandscapeError where it has too many pixels."""
    width, height = default_size(figure, setup.width)
    given = {f.name: getattr(setup, f.name) for f in fields(PageSetup)}
    page = Page(**given | {"width": width, "height": setup.height or height})
    if page.width * page.dpi * page.height * page.dpi > 2e8:
        raise LandscapeError("This picture has more than 200 million pixels.", remedy="Lower the size or the resolution.")
    return page


def default_size(figure: Figure, width: float | None = None) -> tuple[float, float]:
    """Width and height in inches: 3.3 for one panel, at most 7 for several side by side."""
    columns, _ = grid(figure)
    asked = max(panel.inches for panel in figure.panels) if figure.panels else 0.0
    wide = width or min(max(COLUMN, asked) * columns, max(PAGE if columns > 1 else COLUMN, asked))
    return wide, sum(row_heights(figure, wide)) + title_height(figure, wide, TITLE)


def title_height(figure: Figure, width: float, size: float) -> float:
    """Inches that the title above all panels takes at a font size in points."""
    return (title_of(figure, width, size).count("\n") * 1.35 + 1.7) * size / 72 if figure.title else 0.0


def title_of(figure: Figure, width: float, size: float) -> str:
    """The title in as many lines as the width asks for."""
    return wrap(figure.title, size, 0.93 * 72 * width)


def row_heights(figure: Figure, width: float) -> list[float]:
    """Inches of each row of panels on a page of a width: what its highest panel asks for."""
    columns, rows = grid(figure, width)
    each = width / columns
    heights = [panel_height(panel, each) for panel in figure.panels]
    return [max(heights[r * columns : (r + 1) * columns], default=each) for r in range(rows)]


def panel_height(panel: Panel, width: float) -> float:
    """Inches for a panel of a width: by its kind, its legend's rows, and as many bars as it has."""
    legend = 0.16 * (legend_rows(panel, width) + key_rows(panel, width))
    usual = min(ASPECTS[kind(panel)] * width, flat_inches(panel, width) or 1e9)
    return max(usual, AROUND_BARS + bars_inches(panel, TICKS)) + legend


def flat_inches(panel: Panel, width: float) -> float:
    """Inches that a plane in equal units needs which is wider than it is high, and its label beside it; 0 for any other panel."""
    surface = panel.surface
    if surface is None or kind(panel) != "2d":
        return 0.0
    ratio = abs(float(surface.y[-1] - surface.y[0])) / abs(float(surface.x[-1] - surface.x[0]) or 1.0)
    if not 0.4 <= ratio < 1:
        return 0.0
    return max(ACROSS_PLANE * width * ratio, (text_width(panel.y.text, TITLE) + 2 * TITLE) / 72) + AROUND_PLANE


def grid(figure: Figure, width: float = PAGE) -> tuple[int, int]:
    """Columns and rows of panels on a page of a width in inches; four stand two by two, and those that ask for more than a column
    below one another."""
    count = len(figure.panels)
    columns = 2 if count == 4 else max(1, min(count, ACROSS))
    if any(panel.inches > COLUMN for panel in figure.panels):
        columns = 1
    columns = max(1, min(columns, int(width / NARROW)))
    return columns, max(1, -(-count // columns))


def kind(panel: Panel) -> str:
    """How a panel can be drawn: a plane needs a surface of at least 2 x 2 points."""
    surface = panel.surface
    if panel.view == "chart" or surface is None or panel.heat_map:
        return "chart"
    return panel.view if min(len(surface.x), len(surface.y)) >= 2 else "chart"


def draw(figure: Figure, page: Page) -> Sheet:
    """A matplotlib figure; call it inside `paper.settings(page)`."""
    if not figure.panels:
        raise LandscapeError("This figure is empty: there is nothing to export.", remedy="Compute something first.")
    columns, rows = grid(figure, page.width)
    face = "none" if page.transparent else page.theme.background
    spacing = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
    sheet = Sheet(figsize=(page.width, page.height), dpi=page.dpi, facecolor=face, layout=spacing)
    tall = row_heights(figure, page.width)
    above = title_height(figure, page.width, page.font_size)
    cells = _body(sheet, figure, page, above).subfigures(rows, columns, squeeze=False, wspace=0.0, hspace=0.0, height_ratios=tall)
    for k, panel in enumerate(figure.panels):
        cell: Any = cells[k // columns][k % columns]
        cell.set_facecolor("none")
        _draw_panel(cell, panel, page, (page.width / columns, (page.height - above) * tall[k // columns] / sum(tall)))
    for text in sheet.findobj(Text):
        if hasattr(text, "set_fontfeatures"):
            text.set_fontfeatures(["-liga"])  # so that whoever edits the file finds "fi" as two letters
    return sheet


def _body(sheet: Sheet, figure: Figure, page: Page, above: float) -> Any:
    """What the panels stand on: the sheet, or what is left of it below the title."""
    if not above:
        return sheet
    parts: Any = sheet.subfigures(2, 1, hspace=0.0, height_ratios=[above, max(page.height - above, above)])
    head, body = parts
    for part in parts:
        part.set_facecolor("none")
    words = title_of(figure, page.width, page.font_size)
    head.text(0.5, 0.5, words, ha="center", va="center", fontsize=page.font_size, linespacing=1.25)
    return body


def _draw_panel(cell: Any, panel: Panel, page: Page, size: tuple[float, float]) -> None:
    how = kind(panel)
    if how == "3d":
        draw_relief(cell, panel, page, size)
    elif how == "2d":
        draw_plane(cell, panel, page, size[0])
    else:
        draw_chart(cell, panel, page, size[0])
