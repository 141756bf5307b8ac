"""Figures on paper: the panels of one figure side by side, at the size they are printed."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from matplotlib.figure import Figure as Sheet

from landscape_gui.arrangement import places, usual_columns
from landscape_gui.errors import LandscapeError
from landscape_gui.export.charts import draw_chart, legend_rows
from landscape_gui.export.marks2d import draw_plane
from landscape_gui.export.marks3d import draw_relief
from landscape_gui.export.paper import Page, tick_positions, wrap
from landscape_gui.export.path_key import ROW, key_rows
from landscape_gui.export.settling import settle
from landscape_gui.export.sheet_grid import LaidGrid, SheetGrid, sheet_grid
from landscape_gui.export.spectra import bars_inches
from landscape_gui.figure import Figure, Panel
from landscape_gui.page_setup import PageSetup
from landscape_gui.style import format_number

COLUMN = 3.3
"""Width of one panel in inches: a column of a two-column paper."""
PAGE = 7.0
ACROSS = 3
"""Panels side by side before a new row begins."""
NARROW = 2.0
"""Inches below which no panel can be read: fewer then stand side by side."""
ASPECTS = {"3d": 0.8, "2d": 0.84, "chart": 0.72}
"""Height over width."""
ACROSS_BAR = 1.08
"""A plane with its colour bar and the gap between them, over the plane."""
AROUND = 22.0
"""Points beside a plane and its bar: the ticks of both, the gaps to numbers and labels, the edges of the panel."""
MOST = 1.15
"""Height of a panel over its width at most."""
LINES = {"bars": 5.4, "title": 1.75, "label": 1.6, "tick": 1.9}
"""Heights in lines of text: title and axis around bars, a title, the label of an axis, its numbers."""


def page_of(figure: Figure, setup: PageSetup) -> Page:
    """The page with a size that suits the figure where none is asked for. Raises LandscapeError where it has too many pixels."""
    width, height = default_size(figure, setup.width, setup)
    whole = round(height * setup.dpi) / setup.dpi
    page = sized(setup, width, setup.height or whole)
    if page.width * page.dpi * page.height * page.dpi > 2e8:
        raise LandscapeError("This picture has more than 200 million pixels.", remedy="Lower the size or the resolution.")
    return page


def sized(setup: PageSetup, width: float, height: float) -> Page:
    """The page of a setup, `width` by `height` inches."""
    return Page(**{f.name: getattr(setup, f.name) for f in fields(PageSetup)} | {"width": width, "height": height})


def default_size(figure: Figure, width: float | None = None, setup: PageSetup = PageSetup()) -> tuple[float, float]:
    """Width and height in inches: 3.3 for one panel, at most 7 for several side by side."""
    columns = grid(figure)[0]
    asked = max(panel.inches for panel in figure.panels) if figure.panels else 0.0
    wide = width or min(max(COLUMN, asked) * columns, max(PAGE if columns > 1 else COLUMN, asked))
    page, shown = sized(setup, wide, wide), titled(figure, setup)
    return wide, sheet_of(shown, page).height + title_height(shown, page)


def titled(figure: Figure, setup: PageSetup) -> Figure:
    """The figure with or without its titles, as the page has them."""
    if setup.titles:
        return figure
    return replace(figure, title="", panels=tuple(replace(panel, title="") for panel in figure.panels))


def title_height(figure: Figure, page: Page) -> float:
    """Inches that the title above all panels takes."""
    return (title_of(figure, page).count("\n") * 1.35 + LINES["title"]) * page.font_size / 72 if figure.title else 0.0


def title_of(figure: Figure, page: Page) -> str:
    """The title in as many lines as the width asks for."""
    return wrap(figure.title, page.font_size, 0.93 * 72 * page.width, page.measure)


def sheet_of(figure: Figure, page: Page) -> SheetGrid:
    """Columns, rows and bars below the figure's title, as high as the highest panel of each row asks for."""
    return sheet_grid(figure, page, grid(figure, page.width)[0], lambda panel, width: panel_height(panel, width, page))


def panel_height(panel: Panel, width: float, page: Page) -> float:
    """Inches for a panel of a width: by its kind, its legend's rows, and as many bars as it has."""
    legend = ROW * page.tick_size / 72 * (legend_rows(panel, width, page) + key_rows(panel, width, page))
    usual = plane_inches(panel, width, page) or ASPECTS[kind(panel)] * width
    return max(usual, LINES["bars"] * page.font_size / 72 + bars_inches(panel, page.tick_size)) + legend


def plane_inches(panel: Panel, width: float, page: Page) -> float:
    """Height that a plane in equal units needs with its title, its axes and their labels; 0 for any other panel."""
    surface = panel.surface
    if surface is None or kind(panel) != "2d":
        return 0.0
    ratio = abs(float(surface.y[-1] - surface.y[0])) / abs(float(surface.x[-1] - surface.x[0]) or 1.0)
    if not 0.4 <= ratio <= 1 / 0.4:
        return 0.0
    size, tick = page.font_size, page.tick_size
    values = tick_positions((surface.y[0], surface.y[-1]), "linear"), tick_positions(surface.limits, surface.scale)
    beside = [max((page.measure(format_number(v), tick) for v in column), default=0.0) for column in values]
    bar, across = (beside[1] + LINES["label"] * size, ACROSS_BAR) if panel.bar else (0.0, 1.0)
    side = (72 * width - beside[0] - bar - LINES["label"] * size - AROUND) / across
    above = LINES["title"] * size if panel.title or page.letters else 0.0
    label = page.measure(panel.y.text, size)
    high = max(side * ratio, min(label, side)) + above + LINES["label"] * size + LINES["tick"] * tick
    return min(high, MOST * 72 * width) / 72


def grid(figure: Figure, width: float = PAGE) -> tuple[int, int]:
    """Columns and rows of panels on a page of a width in inches, as the figure has them; where it says nothing four stand two by
    two, and those that ask for more than a column below one another."""
    columns = figure.columns
    if not columns:
        columns = usual_columns(len(figure.panels), ACROSS)
        if any(panel.inches > COLUMN for panel in figure.panels):
            columns = 1
        columns = max(1, min(columns, int(width / NARROW)))
    return columns, max((place.row for place in places(figure.panels, columns)), default=0) + 1


def kind(panel: Panel) -> str:
    """How a panel can be drawn: a plane needs a surface of at least 2 x 2 points."""
    surface = panel.surface
    if panel.view == "chart" or surface is None or panel.heat_map:
        return "chart"
    return panel.view if min(len(surface.x), len(surface.y)) >= 2 else "chart"


def draw(figure: Figure, page: Page, *, rasters: bool = True) -> Sheet:
    """A matplotlib figure, laid out for good; call it inside `paper.settings(page)`. rasters: False leaves out the pictures of
    surfaces, where only places are asked for."""
    if not figure.panels:
        raise LandscapeError("This figure is empty: there is nothing to export.", remedy="Compute something first.")
    figure = titled(figure, page)
    face = "none" if page.transparent else page.theme.background
    sheet = Sheet(figsize=(page.width, page.height), dpi=page.dpi, facecolor=face)
    above = title_height(figure, page)
    shape = sheet_of(figure, page).fitted(page.height - above)
    laid = LaidGrid(shape, _body(sheet, figure, page, above))
    cells = laid.cells()
    for cell, panel, size in zip(cells, figure.panels, shape.sizes, strict=True):
        _draw_panel(cell, panel, page, size)
        for axes in cell.axes if len(shape.widths) > 1 else ():
            axes.set_anchor("N")  # titles and letters of a row stand at one height
    laid.draw_around(figure, page)
    settle(sheet, cells, page, rasters=rasters)
    return sheet


def _body(sheet: Sheet, figure: Figure, page: Page, above: float) -> Any:
    """What the panels stand on: the sheet, or what is left of it below the title."""
    if not above:
        return sheet
    parts: Any = sheet.subfigures(2, 1, hspace=0.0, height_ratios=[above, max(page.height - above, above)])
    head, body = parts
    for part in parts:
        part.set_facecolor("none")
    head.text(0.5, 0.5, title_of(figure, page), ha="center", va="center", fontsize=page.font_size, linespacing=1.25)
    return body


def _draw_panel(cell: Any, panel: Panel, page: Page, size: tuple[float, float]) -> None:
    how = kind(panel)
    if how == "3d":
        draw_relief(cell, panel, page, size)
    elif how == "2d":
        draw_plane(cell, panel, page, size[0])
    else:
        draw_chart(cell, panel, page, size[0])
