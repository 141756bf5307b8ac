"""The difference of two surfaces as a panel: two-sided colours around zero. NumPy only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from landscape_gui.errors import QuestionError
from landscape_gui.figure import Axis, Look, Panel, Surface, View, contour_levels
from landscape_gui.results import Array

TALL = 4.0
"""Colours reach so many times the ninth decile of what the differences amount to, or as far as they do."""


def difference_panel(later: Panel, earlier: Panel, look: Look, title: str) -> tuple[Panel, tuple[str, ...]]:
    """`later` minus `earlier` on the grid of `later`, and what must be said about it, in sentences.

    On other coordinates `earlier` is interpolated bilinearly where it reaches. Of surfaces on a logarithmic scale it is the
    difference of the decimal logarithms. QuestionError where the two do not show the same quantity or do not overlap.
    """
    a, b = later.surface, earlier.surface
    if a is None or b is None:
        raise QuestionError("A difference needs two surfaces.", remedy="Choose panels that show some.")
    if (plain(later.z.label), later.z.unit) != (plain(earlier.z.label), earlier.z.unit):
        what = f"{later.z.text or 'nothing'} and {earlier.z.text or 'nothing'}"
        raise QuestionError(f"The panels show {what}, which have no difference.", remedy="Choose one quantity for both.")
    other, said = on_grid(b, a)
    log = a.scale == "log" and b.scale == "log"
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.log10(a.z) - np.log10(other) if log else np.asarray(a.z, float) - other
    z = np.where(np.isfinite(z), z, np.nan)
    limit = reach(z)
    label = f"log\N{SUBSCRIPT ONE}\N{SUBSCRIPT ZERO} ratio of {a.label}" if log else f"difference of {a.label}"
    mark = replace(
        a, z=z, limits=(-limit, limit), scale="linear", missing=np.isnan(z), filled=None, label=label, unit="" if log else a.unit,
        colour_map="coolwarm", levels=contour_levels((-limit, limit), max(4, look.levels // 2)), contour_lines=look.contour_lines,
        contour_labels=look.contour_labels, height=look.height, shading=look.shading,
    )  # fmt: skip
    z_axis = Axis(label=label, unit=mark.unit, limits=mark.limits)
    view: View = "3d" if look.view == "3d" else "2d"
    panel = Panel(marks=(mark,), view=view, x=later.x, y=later.y, z=z_axis, title=title if look.title else "", camera=look.camera)
    beyond = float((np.abs(z) > limit).mean()) if z.size else 0.0
    clipped = (f"Colours end at \N{PLUS-MINUS SIGN}{limit:.3g}; {100 * beyond:.1f} % of the cells lie beyond.",) if beyond else ()
    return panel, (*said, *clipped)


def plain(label: str) -> str:
    """What a quantity is called, whichever split it is of being left to the caption."""
    return label.lower().strip()


def reach(z: Array) -> float:
    """How far the colours go on either side of zero."""
    size = np.abs(z[np.isfinite(z)])
    if not size.size or not size.max() > 0:
        return 1.0
    tall = TALL * float(np.quantile(size, 0.9))
    return min(float(size.max()), tall) if tall > 0 else float(size.max())


def on_grid(surface: Surface, grid: Surface) -> tuple[Array, tuple[str, ...]]:
    """A surface's values at another's coordinates; NaN where it does not reach. QuestionError where it reaches none."""
    z = np.asarray(surface.z, float)
    if np.array_equal(surface.x, grid.x) and np.array_equal(surface.y, grid.y):
        return z, ()
    x, y = (np.asarray(v, float) for v in (grid.x, grid.y))
    across = np.stack([interpolated(np.asarray(surface.x, float), row, x) for row in z])
    values = np.stack([interpolated(np.asarray(surface.y, float), column, y) for column in across.T], axis=1)
    if np.isnan(values).all():
        raise QuestionError("The surfaces do not overlap.", remedy="Compute them over the same span.")
    part = 100 * float(np.isnan(values).mean())
    where = f" where it reaches; {part:.0f} % of the cells are left out" if part else ""
    return values, (f"The grids differ: the earlier surface is interpolated bilinearly{where}.",)


def interpolated(at: Array, values: Array, wanted: Array) -> Array:
    """Piecewise linear values; NaN outside, and next to a hole."""
    order = np.argsort(at)
    at, values = at[order], values[order]
    edge = 1e-9 * max(abs(float(at[-1] - at[0])), 1e-300)
    inside = (wanted >= at[0] - edge) & (wanted <= at[-1] + edge)
    return np.where(inside, np.interp(wanted, at, values), np.nan)
