"""Line profiles through a cell: a row and a column of the grid, point by point as they were computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_gui.figure import Axis, Band, Figure, Line, Panel, Rule
from landscape_gui.results import Array, Quantity, SurfaceResult
from landscape_gui.ui.documents import Cell

ALPHA, BETA = "\N{GREEK SMALL LETTER ALPHA}", "\N{GREEK SMALL LETTER BETA}"


def profile(surface: SurfaceResult, cell: Cell | None, *, scale: str, quantity: str = "") -> Figure:
    """Two panels: along x at the cell's y, and along y at the cell's x (through the centre where no cell is picked).

    The metric of the chosen quantity ("loss" of "train_loss"), for every split that has it, with its standard error.
    """
    row = cell.row if cell is not None else int(np.abs(surface.y).argmin())
    column = cell.column if cell is not None else int(np.abs(surface.x).argmin())
    first = quantity or next(iter(surface.quantities), "")
    metric = first.rsplit("_", 1)[-1]
    chosen = [q for name, q in surface.quantities.items() if name.rsplit("_", 1)[-1] == metric and q.values.ndim == 2]
    x, y = float(surface.x[column]), float(surface.y[row])
    across, down = (row, slice(None)), (slice(None), column)
    panels = (
        along(surface, surface.x, chosen, across, x, ALPHA, f"Along {ALPHA}, at {BETA} = {short(y)}", scale),
        along(surface, surface.y, chosen, down, y, BETA, f"Along {BETA}, at {ALPHA} = {short(x)}", scale),
    )
    return Figure(panels=panels, provenance=surface.provenance)


def short(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def along(
    surface: SurfaceResult, positions: Array, chosen: list[Quantity], place: Any, at: float, axis: str, title: str, scale: str
) -> Panel:
    """One panel: the same metric of each split over the positions that have been computed."""
    known = np.asarray(surface.computed[place]) | surface.adaptive
    x = positions[known]
    marks: list[Line | Band | Rule] = []
    for number, q in enumerate(chosen):
        values = q.values[place][known]
        if q.standard_error is not None:
            error = q.standard_error[place][known]
            marks.append(Band(x=x, low=values - error, high=values + error, colour=number, label="standard error"))
        marks.append(Line(x=x, y=values, label=q.label or q.name, colour=number))
    marks.append(Rule(at=at))
    first = chosen[0] if chosen else None
    positive = all(bool((q.values[np.isfinite(q.values)] > 0).all()) for q in chosen)
    unit = first.unit if first is not None and first.unit != "1" else ""
    label = (first.name.rsplit("_", 1)[-1] if first is not None else "").capitalize()
    y = Axis(label=label, unit=unit, scale="log" if scale == "log" and positive and chosen else "linear")
    return Panel(marks=tuple(marks), view="chart", x=Axis(label=axis), y=y, title=title)
