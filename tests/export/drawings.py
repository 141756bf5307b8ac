"""Figures and answers to export."""

from __future__ import annotations

import numpy as np

from landscape_gui.figure import (
    Axis,
    Band,
    Figure,
    Line,
    Note,
    Panel,
    Path,
    Points,
    Rule,
    Surface,
    View,
    contour_levels,
    finite_limits,
)
from landscape_gui.results import AxesReport, LineResult, Provenance, Quantity, SurfaceResult, freeze


def plane_panel(view: View = "2d", *, holes: bool = False, scale: str = "linear") -> Panel:
    x, y = np.linspace(-1, 1, 21), np.linspace(-1.5, 1, 26)
    z = 0.1 + x**2 + 0.6 * y[:, None] ** 2 + 0.2 * np.sin(4 * x + 2 * y[:, None]) + 0.2
    missing = np.zeros(z.shape, bool)
    if holes:
        missing[3:9, 4:9] = True
    z = np.where(missing, np.nan, z)
    limits = finite_limits(z, scale=scale)  # type: ignore[arg-type]
    surface = Surface(
        x=x, y=y, z=z, limits=limits, missing=missing, scale=scale,  # type: ignore[arg-type]
        levels=contour_levels(limits, 10, scale=scale), label="train loss", unit="nat",  # type: ignore[arg-type]
    )  # fmt: skip
    t = np.linspace(0, 1, 7)
    return Panel(
        marks=(surface, Path(x=-0.8 * (1 - t), y=0.8 - t)), view=view, title="Train loss",
        x=Axis(label="filter-normalised direction 1"),
        y=Axis(label="filter-normalised direction 2"), z=Axis(label="train loss", unit="nat"),
    )  # fmt: skip


def chart_panel() -> Panel:
    x = np.linspace(-1, 1, 41)
    return Panel(
        marks=(
            Band(x=x, low=x**2, high=x**2 + 0.2, label="two standard errors"),
            Line(x=x, y=x**2 + 0.1, label="train loss"),
            Line(x=x, y=90 - 30 * x**2, label="test accuracy", right=True, dash=True, colour=1),
            Points(x=x[::10], y=x[::10] ** 2, label="checked", marker="star", colour=2),
            Rule(at=0.0, label="checkpoint"), Rule(at=0.9, orientation="horizontal", label="chance"), Note(text="a note"),
        ),
        x=Axis(label="distance"), y=Axis(label="loss", unit="nat"), right=Axis(label="accuracy", unit="%"), title="Along a line",
    )  # fmt: skip


def figure_of(*panels: Panel) -> Figure:
    return Figure(
        panels=panels, caption="Loss on a plane, α and −1.", facts=(("Seed", "0"), ("Subset", "all")),
        provenance=Provenance(probe="surface", fingerprint="f00d", question={"seed": 0}, created="now", seconds=1.5),
    )  # fmt: skip


def surface_result(nx: int = 4, ny: int = 3) -> SurfaceResult:
    x, y = np.linspace(-1, 1, nx), np.linspace(-2, 1, ny)
    loss = np.arange(nx * ny, dtype=float).reshape(ny, nx) / 3
    loss[0, 1], loss[1, 2], loss[2, 0] = np.nan, np.inf, np.nan
    computed = np.ones((ny, nx), bool)
    computed[2, 0] = False
    accuracy = Quantity(name="train_accuracy", label="train accuracy", values=freeze(np.full((ny, nx), 0.25)), unit="1")
    quantity = Quantity(
        name="train_loss",
        label="train loss",
        values=freeze(loss),
        standard_error=freeze(np.full((ny, nx), 0.01)),
        unit="nat",
        examples=9,
    )
    axes = AxesReport(kind="filter", labels=("one", "two"), norms=freeze([1, 2]), cosines=freeze([[1, 0.1], [0.1, 1]]))
    return SurfaceResult(
        x=freeze(x), y=freeze(y), quantities={"train_loss": quantity, "train_accuracy": accuracy}, computed=freeze(computed, bool),
        axes=axes, notes=("a note",), provenance=Provenance(probe="surface", question={"seed": 0}, seconds=float("nan")),
    )  # fmt: skip


def line_result(nx: int = 5) -> LineResult:
    axes = AxesReport(kind="filter", labels=("one",), norms=freeze([1]), cosines=freeze([[1]]))
    values = freeze(np.linspace(0.1, 0.7, nx))
    return LineResult(
        x=freeze(np.linspace(-1, 1, nx)), quantities={"train_loss": Quantity(name="train_loss", label="train loss", values=values)},
        computed=freeze(np.ones(nx, bool), bool), axes=axes,
    )  # fmt: skip
