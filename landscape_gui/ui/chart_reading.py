"""What stands under the cursor of a chart, in words."""

from __future__ import annotations

import numpy as np

from landscape_gui.figure import Axis, Bars, Line, Needles, Panel, Texts
from landscape_gui.probes.facts import number

LINES = 4
"""So many lines are read out at most."""


def reading(panel: Panel, x: float, y: float) -> str:
    """The place, and what each line is there; the bar or the cell under it where there are such."""
    if panel.categories:
        return bar_words(panel, y)
    if panel.heat_map:
        return cell_words(panel, x, y)
    parts = [f"{panel.x.label or 'x'} {number(x)}"]
    for mark in (m for m in panel.marks if isinstance(m, Line)):
        value = at(mark, x)
        if len(parts) <= LINES and np.isfinite(value):
            parts.append(f"{mark.label or panel.y.label} {number(value)}".strip())
    return "     ".join(parts)


def at(mark: Line, x: float) -> float:
    """A line's value at x, straight between its points; NaN beyond its ends."""
    known = np.isfinite(mark.x) & np.isfinite(mark.y)
    if not known.any():
        return float("nan")
    order = np.argsort(mark.x[known], kind="stable")
    return float(np.interp(x, mark.x[known][order], mark.y[known][order], left=np.nan, right=np.nan))


def bar_words(panel: Panel, y: float) -> str:
    """fc1: trace 12.3 ± 0.4."""
    place = round(-y)
    if not 0 <= place < len(panel.categories):
        return ""
    parts = [panel.categories[place]]
    for mark in (m for m in panel.marks if isinstance(m, Bars)):
        error = float(mark.errors[place]) if mark.errors is not None else float("nan")
        more = f" ± {number(error)}" if np.isfinite(error) else ""
        unit = f" {panel.x.unit}" if panel.x.unit else ""
        parts.append(f"{mark.label or panel.x.label} {number(float(mark.values[place]))}{more}{unit}")
    return "     ".join(parts)


def cell_words(panel: Panel, x: float, y: float) -> str:
    surface = panel.surface
    assert surface is not None
    column, row = cell_at(panel, x, y)
    places = [
        f"{axis.label or (name if not axis.names else '')} {named(panel, axis, k) or number(float(values[k]))}".strip()
        for axis, name, values, k in ((panel.x, "x", surface.x, column), (panel.y, "y", surface.y, row))
    ]
    if panel.x.names and panel.y.names and not panel.x.label:
        places.reverse()  # the row first, as in a table
    written = next((m for m in panel.marks if isinstance(m, Texts) and m.room is not None), None)
    value = "" if written is None else written_at(written, x, y)
    return "     ".join([*places, f"{surface.label} {value or number(float(surface.z[row, column]))}".strip()])


def named(panel: Panel, axis: Axis, k: int) -> str:
    """What stands at a place of an axis of names; a number that stands for a name in the rows is spelt out. "" where none does."""
    if k >= len(axis.names):
        return ""
    short = axis.names[k]
    whole = next((name for name in panel.y.names if name.startswith(f"{short}  ")), short)
    return whole.partition("  ")[2] or whole


def cell_at(panel: Panel, x: float, y: float) -> tuple[int, int]:
    """Column and row of the cell of a heat map that is next to a place."""
    surface = panel.surface
    assert surface is not None
    return int(np.abs(surface.x - x).argmin()), int(np.abs(surface.y - y).argmin())


def written_at(mark: Texts, x: float, y: float) -> str:
    """What stands in the cell at a place, in one line; "" where there is none."""
    assert mark.room is not None
    inside = (np.abs(mark.x - x) <= mark.room[0] / 2) & (np.abs(mark.y - y) <= mark.room[1] / 2)
    return mark.texts[int(np.argmax(inside))].replace("\n", " ") if inside.any() else ""


def needle_words(mark: Needles, k: int) -> str:
    """Eigenvalue 1   12.34 ± 0.0002   click: the landscape along its eigenvector."""
    name = mark.names[k] if k < len(mark.names) else mark.label or f"number {k + 1}"
    error = float(mark.residuals[k]) if mark.residuals is not None else float("nan")
    value = f"{float(mark.x[k]):.6g}".replace("-", "\N{MINUS SIGN}")
    parts = [name, f"{value} ± {error:.1e} (residual)" if np.isfinite(error) else value]
    if mark.vectors:
        parts.append("click: the landscape along its eigenvector")
    return "   ".join(parts)
