"""A run as marks: its path on the surface, or its losses over the epochs."""

from __future__ import annotations

import numpy as np

from landscape_gui.figure import Axis, Figure, Line, Look, Mark, Moments, Note, Panel, Path
from landscape_gui.probes import facts
from landscape_gui.probes.landmarks import landmarks
from landscape_gui.probes.pictures import choose, plain_unit, positive, suggested_scale, surface_figure
from landscape_gui.probes.run_captions import run_caption, run_sentences
from landscape_gui.probes.unknowns import UNKNOWN, with_unknowns
from landscape_gui.results import Quantity, TrajectoryResult, freeze


def trajectory_figure(result: TrajectoryResult, look: Look) -> Figure:
    """The path on the surface; with view "chart" the true loss, the plane's loss and the distance off the plane over the run."""
    if look.view == "chart":
        return chart(result, look)
    path = Path(x=result.x, y=result.y, names=result.names, label="training run")
    figure = surface_figure(result.surface, look, (*landmarks(result.surface), path))
    every = (*figure.facts, *path_facts(result), *run_facts(result))
    caption = f"{figure.caption} {run_sentences(result)}".strip()
    return Figure(panels=figure.panels, facts=every, caption=caption, provenance=result.provenance, extra=figure.extra)


def chart(result: TrajectoryResult, look: Look) -> Figure:
    shown = choose(result.quantities, Look(quantity=look.quantity if look.quantity in result.quantities else ""))
    below = result.plane_quantities[shown.name]
    scale = "log" if look.scale == "log" and positive(shown.values) else "linear"
    lines = (
        Line(x=result.order, y=shown.values, label=f"{shown.label}, true", colour=0, width=1.8),
        Line(x=result.order, y=below.values, label=f"{below.label}, in the plane", colour=1, dash=True, width=1.6),
        Line(x=result.order, y=result.off_plane, label="distance off the plane", colour=7, width=1.2, right=True),
    )
    known = tuple(line for line in lines if np.isfinite(line.y).any())
    marks: tuple[Mark, ...] = known or (Note(text="The file holds no loss along the run."),)
    panel = Panel(
        marks=marks,
        view="chart",
        x=Axis(label=order_word(result)),
        y=Axis(label=shown.label, unit=plain_unit(shown.unit), scale="log" if scale == "log" else "linear"),
        right=Axis(label="distance off the plane (2-norm)") if np.isfinite(result.off_plane).any() else None,
        title="The run and its plane" if look.title else "",
        moments=checkpoints(result, (shown, below)),
    )
    every = (*facts.axes_facts(result.surface.axes, facts.seeds_of(result.surface)), *run_facts(result))
    every = tuple(with_unknowns((*every, *facts.common_facts(result.surface, shown)), result.provenance.problem))
    every = tuple(f for f in every if f[1])
    caption = run_caption(result, shown, every)
    extra = {"suggested_scale": suggested_scale(shown), "quantity": shown.name}
    return Figure(panels=(panel,), facts=every, caption=caption, provenance=result.provenance, extra=extra)


def checkpoints(result: TrajectoryResult, shown: tuple[Quantity, Quantity]) -> Moments:
    """What can be pointed at, and what is read out there: the true value and the plane's, and how far off the plane."""
    words = (("true", shown[0].values, shown[0].unit), ("in the plane", shown[1].values, shown[1].unit))

    def said(k: int) -> str:
        told = [f"{shown[0].label} {facts.with_unit(float(values[k]), unit)} {name}" for name, values, unit in words]
        return "     ".join([result.names[k], *told, f"distance off the plane {facts.number(float(result.off_plane[k]))}"])

    count = len(result.names)
    return Moments(
        order=result.order, run=freeze(np.zeros(count), np.int64), names=result.names, words=tuple(said(k) for k in range(count))
    )


def order_word(result: TrajectoryResult) -> str:
    first = result.names[0] if result.names else ""
    return next((word for word in ("epoch", "step") if word in first), "checkpoint")


def path_facts(result: TrajectoryResult) -> tuple[facts.Fact, ...]:
    """What the marks of the path mean."""
    if not result.names:
        return ()
    return (("Path", f"red line; white disc: its start, {result.names[0]}; yellow star: its end, {result.names[-1]}"),)


def run_facts(result: TrajectoryResult) -> tuple[facts.Fact, ...]:
    """How well the plane holds the run."""
    name = next(iter(result.quantities), "")
    off, far = (facts.number(float(np.max(v, initial=0.0))) for v in (result.off_plane, result.distance))
    measured = bool(np.isfinite(result.off_plane).any())
    found = [
        (
            "Run",
            f"{facts.plural(len(result.names), 'checkpoint')}, {result.names[0]} to {result.names[-1]}" if result.names else "",
        ),
        (facts.NOTE, " ".join(result.notes)),
        ("Distance off the plane", f"at most {off}; the farthest checkpoint is {far} from the end" if measured else UNKNOWN),
    ]
    if name:
        true, flat = result.quantities[name].values, result.plane_quantities[name].values
        gap = np.abs(true - flat)
        if np.isfinite(gap).any():
            k = int(np.nanargmax(np.where(np.isfinite(gap), gap, np.nan)))
            unit = result.quantities[name].unit
            values = facts.with_unit(float(true[k]), unit), facts.with_unit(float(flat[k]), unit)
            words = f"{values[0]} true, {values[1]} in the plane, at {result.names[k]}"
            found.append((f"Largest difference in {result.quantities[name].label}", words))
    return tuple(f for f in found if f[1])
