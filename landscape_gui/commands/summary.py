"""An answer in a few lines of text, for a terminal."""

from __future__ import annotations

import numpy as np

from landscape_gui.commands import connection_summary, curvature_summary, dynamics_summary
from landscape_gui.commands.terminal import table
from landscape_gui.results import (
    AxesReport,
    CellResult,
    ConnectedResult,
    CurvatureResult,
    DynamicsBase,
    LineResult,
    Quantity,
    Result,
    SurfaceResult,
    TrajectoryResult,
)


def describe(result: Result) -> str:
    """What was asked, each quantity's value at the centre, least and greatest, the axes, and what should be known of it."""
    if isinstance(result, DynamicsBase):
        return dynamics_summary.describe(result)
    if isinstance(result, CurvatureResult):
        return curvature_summary.describe(result)
    if isinstance(result, ConnectedResult):
        return connection_summary.describe(result)
    surface = result.surface if isinstance(result, TrajectoryResult) else result
    lines = [size_of(result), cell_table(surface) if isinstance(surface, CellResult) else quantities_table(surface)]
    if isinstance(result, TrajectoryResult):
        lines.append(checkpoints_table(result))
    lines += [axes_text(surface.axes), context_text(surface), *dict.fromkeys((*surface.notes, *result.notes))]
    return "\n".join(line for line in lines if line)


def size_of(result: SurfaceResult | LineResult | TrajectoryResult | CellResult) -> str:
    seconds = f"{result.provenance.seconds:.1f} s"
    if isinstance(result, TrajectoryResult):
        return f"{len(result.names)} checkpoints in a plane; {size_of(result.surface)}"
    if isinstance(result, LineResult):
        return f"{len(result.x)} points from {result.x[0]:g} to {result.x[-1]:g}; {seconds}"
    if isinstance(result, CellResult):
        return f"the place x {result.x:g}, y {result.y:g}; {seconds}"
    count = int(result.computed.sum())
    size = f"{len(result.x)} x {len(result.y)} points, {count:,} computed"
    return f"{size}; x {result.x[0]:g} to {result.x[-1]:g}, y {result.y[0]:g} to {result.y[-1]:g}; {seconds}"


def cell_table(result: CellResult) -> str:
    rows = [("", "here", "at the checkpoint", "examples")]
    for name, quantity in result.quantities.items():
        centre = number_text(result.centre.get(name, float("nan")))
        rows.append((name, number_text(float(quantity.values)), centre, f"{quantity.examples:,}"))
    return table(rows, right=(1, 2, 3))


def quantities_table(result: SurfaceResult | LineResult) -> str:
    rows = [("", "centre", "least", "greatest", "not finite")]
    for name, quantity in result.quantities.items():
        rows.append((name, number_text(result.centre.get(name, float("nan"))), *extremes(quantity, result.computed)))
    return table(rows, right=(1, 2, 3, 4))


def extremes(quantity: Quantity, computed: np.ndarray) -> tuple[str, str, str]:
    values = quantity.values[computed] if quantity.values.shape == computed.shape else quantity.values.ravel()
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "-", "-", str(values.size)
    return number_text(float(finite.min())), number_text(float(finite.max())), str(values.size - finite.size)


def number_text(value: float) -> str:
    return "-" if value != value else f"{value:.6g}"


def axes_text(axes: AxesReport) -> str:
    parts = [f"axes: {'; '.join(axes.labels)}"]
    known = bool(np.isfinite(axes.norms).all())
    parts.append("norms " + ", ".join(f"{norm:.4g}" for norm in np.ravel(axes.norms)) if known else "norms unknown")
    if len(axes.labels) > 1 and known:
        parts.append(f"cosine {float(axes.cosines[0, 1]):.4f}")
    if axes.explained.size:
        parts.append("explained variance " + ", ".join(f"{share:.1%}" for share in axes.explained[:2]))
    if axes.random_walk.size:
        parts.append("a random walk's " + ", ".join(f"{share:.1%}" for share in axes.random_walk[:2]))
    return "; ".join(parts)


def context_text(result: SurfaceResult | LineResult | CellResult) -> str:
    labelled = (("data", result.subset), ("BatchNorm", result.batchnorm), ("precision", result.precision))
    return "; ".join(f"{label}: {value}" for label, value in labelled if value)


def checkpoints_table(result: TrajectoryResult) -> str:
    names = list(result.quantities)[:2]
    rows = [
        (
            "checkpoint",
            "x",
            "y",
            "off the plane",
            *names,
            *(f"{name} in the plane" for name in names if name in result.plane_quantities),
        )
    ]
    for i, label in enumerate(result.names):
        place = (result.x[i], result.y[i], result.off_plane[i])
        true = tuple(result.quantities[name].values[i] for name in names)
        plane = tuple(result.plane_quantities[name].values[i] for name in names if name in result.plane_quantities)
        rows.append((label, *(f"{float(value):.4g}" for value in (*place, *true, *plane))))
    return table(rows, right=range(1, len(rows[0])))
