"""Line profiles through a cell: a row and a column of the grid, point by point as they were computed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from landscape_gui.figure import Axis, Band, Figure, Line, Panel, Rule
from landscape_gui.results import Array, Quantity, SurfaceResult
from landscape_gui.ui.documents import Cell


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
    panels = (
        along(
            surface.x,
            [(q, (row, slice(None))) for q in chosen],
            x,
            f"along \N{GREEK SMALL LETTER ALPHA}, at \N{GREEK SMALL LETTER BETA} = {y:.3g}",
            "\N{GREEK SMALL LETTER ALPHA}",
            scale,
        ),
        along(
            surface.y,
            [(q, (slice(None), column)) for q in chosen],
            y,
            f"along \N{GREEK SMALL LETTER BETA}, at \N{GREEK SMALL LETTER ALPHA} = {x:.3g}",
            "\N{GREEK SMALL LETTER BETA}",
            scale,
        ),
    )
    return Figure(panels=panels, provenance=surface.provenance)


def along(positions: Array, parts: list[tuple[Quantity, Any]], at: float, title: str, axis: str, scale: str) -> Panel:
    """One panel: the same metric of each split over the positions."""
    marks: list[Line | Band | Rule] = []
    for number, (q, place) in enumerate(parts):
        values = q.values[place]
        if q.standard_error is not None:
            error = q.standard_error[place]
            marks.append(Band(x=positions, low=values - error, high=values + error, colour=number, label="standard error"))
        marks.append(Line(x=positions, y=values, label=q.label or q.name, colour=number))
    marks.append(Rule(at=at))
    first = parts[0][0] if parts else None
    positive = all(bool((q.values[np.isfinite(q.values)] > 0).all()) for q, _ in parts)
    unit = first.unit if first is not None and first.unit != "1" else ""
    label = (first.name.rsplit("_", 1)[-1] if first is not None else "").capitalize()
    y = Axis(label=label, unit=unit, scale="log" if scale == "log" and positive and parts else "linear")
    assert math.isfinite(at)
    return Panel(marks=tuple(marks), view="chart", x=Axis(label=axis), y=y, title=title)
