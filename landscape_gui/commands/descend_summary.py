"""Descents on a surface in a few lines of text, for a terminal."""

from __future__ import annotations

from landscape_gui.commands.terminal import table
from landscape_gui.training_results import DescentsResult


def descents_table(result: DescentsResult) -> str:
    """A row a descent: how far it got, where it stands, its first quantity there, and the plane's beneath."""
    name = next((n for each in result.descents.values() for n in each.quantities), "")
    rows = [("descent", "updates", "x", "y", "off the plane", f"{name} before", name, "in the plane")]
    for each in result.descents.values():
        true, flat = each.quantities.get(name), each.plane_quantities.get(name)
        values = (true.values[0], true.values[-1], flat.values[-1]) if true is not None and flat is not None else ()
        place = (each.x[-1], each.y[-1], each.off_plane[-1])
        rows.append((each.label, f"{int(each.step[-1]):,}", *(f"{float(v):.4g}" for v in (*place, *values))))  # type: ignore[arg-type]
    return table(rows, right=range(1, 8))
