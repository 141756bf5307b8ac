"""Descents on a surface as marks: their projected paths, or their true loss beside the plane's over the updates. NumPy only."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from landscape_gui.figure import Axis, Figure, Line, Look, Mark, Moments, Panel, Path, Points
from landscape_gui.probes import facts
from landscape_gui.probes.captions import capital
from landscape_gui.probes.clipping import Frame, clipped, contains, leaves
from landscape_gui.probes.landmarks import landmarks
from landscape_gui.probes.pictures import choose, plain_unit, positive, suggested_scale, surface_figure
from landscape_gui.results import Quantity, freeze
from landscape_gui.training_results import DescentResult, DescentsResult

COLOURS = (1, 5, 3, 4, 0, 2, 6, 7)
"""Indices into `style.SERIES` of the first descent, the second, ...: those that stand out from the colour maps come first."""
TRAINED = {
    "frozen": "statistics held at the start's, as on the surface with frozen ones",
    "interpolated": "statistics held where they are at the start",
    "recalculated": "each batch's own statistics in the updates; recalculated for every loss told",
}


def descend_figure(result: DescentsResult, look: Look) -> Figure:
    """The surface with the descents on it; with view "chart" the true loss and the plane's, and the distance off the plane."""
    if look.view == "chart" and any(each.quantities for each in result.descents.values()):
        return chart(result, look)
    paths: list[Mark] = []
    for k, each in enumerate(result.descents.values()):
        paths += marks_of(each, COLOURS[k % len(COLOURS)], frame_of(result), shown_name(result, look))
    figure = surface_figure(result.surface, look, (*landmarks(result.surface), *starts(result), *paths))
    every = (*figure.facts[:1], *descent_facts(result, look), *figure.facts[1:])
    caption = f"{figure.caption} {sentences(result, look)}".strip()
    return dataclasses.replace(figure, facts=every, caption=caption, provenance=result.provenance)


def frame_of(result: DescentsResult) -> Frame:
    surface = result.surface
    return float(surface.x[0]), float(surface.x[-1]), float(surface.y[0]), float(surface.y[-1])


def marks_of(each: DescentResult, colour: int, frame: Frame, name: str) -> list[Mark]:
    """Its path as far as it runs inside the frame, and a star where it stands, if that is inside; the legend tells what the plane
    does not show: the true value there, and how far off the plane it is."""
    x, y = clipped(each.x, each.y, frame)
    label = legend_of(each, name)
    marks: list[Mark] = [Path(x=freeze(x), y=freeze(y), label=label, stops=False, colour=colour)] if len(x) else []
    if len(each.x) and contains((float(each.x[-1]), float(each.y[-1])), frame):
        marks.append(Points(x=each.x[-1:], y=each.y[-1:], marker="star", size=8.0, colour=colour))
    return marks


def legend_of(each: DescentResult, name: str) -> str:
    """ "SGD, lr 0.05: true loss 0.00601, 2.7 off the plane"."""
    true = each.quantities.get(name)
    if true is None or not len(each.x):
        return each.label
    value = float(true.values[-1])
    shown = facts.with_unit(value, "1") if true.unit == "1" else facts.number(float(f"{value:.3g}"))
    return f"{each.label}: true {true.label.split()[-1]} {shown}, {facts.number(float(f'{each.off_plane[-1]:.3g}'))} off the plane"


def starts(result: DescentsResult) -> tuple[Points, ...]:
    """A disc at each place where a descent begins."""
    begun = (each for each in result.descents.values() if len(each.x))
    places = dict.fromkeys(place for each in begun if contains(place := (float(each.x[0]), float(each.y[0])), frame_of(result)))
    return tuple(Points(x=freeze([x]), y=freeze([y]), size=5.0, colour=7) for x, y in places)


def shown_name(result: DescentsResult, look: Look) -> str:
    """The quantity that is told along the descents: the one looked at, else the first that all have."""
    first = next((each for each in result.descents.values() if each.quantities), None)
    if first is None:
        return ""
    return look.quantity if look.quantity in first.quantities else next(iter(first.quantities))


def chart(result: DescentsResult, look: Look) -> Figure:
    """Two panels over the updates."""
    first = next(each for each in result.descents.values() if each.quantities)
    shown = choose(first.quantities, Look(quantity=shown_name(result, look)))
    descents = [each for each in result.descents.values() if shown.name in each.quantities]
    log = look.scale == "log" and all(positive(each.quantities[shown.name].values) for each in descents)
    losses: list[Mark] = []
    off: list[Mark] = []
    for k, each in enumerate(result.descents.values()):
        if shown.name not in each.quantities:
            continue
        colour = COLOURS[k % len(COLOURS)]
        true, flat = each.quantities[shown.name].values, each.plane_quantities[shown.name].values
        losses += [
            Line(x=each.step, y=true, label=f"{each.label}, true", colour=colour, width=1.8),
            Line(x=each.step, y=flat, label=f"{each.label}, in the plane", colour=colour, width=1.3, dash=True),
        ]
        off.append(Line(x=each.step, y=each.off_plane, label=each.label, colour=colour, width=1.8))
    axis = Axis(label="update")
    value = Axis(label=shown.label, unit=plain_unit(shown.unit), scale="log" if log else "linear", limits=look.limits)
    titles = (f"{capital(shown.label)}, true and in the plane", "Distance off the plane") if look.title else ("", "")
    panels = (
        Panel(marks=tuple(losses), x=axis, y=value, title=titles[0], moments=moments(descents, shown, off=False)),
        Panel(
            marks=tuple(off), x=axis, y=Axis(label="off the plane (2-norm)"), title=titles[1],
            moments=moments(descents, shown, off=True),
        ),
    )  # fmt: skip
    every = (*descent_facts(result, look), *(fact for fact in facts.common_facts(result.surface, shown) if fact[1]))
    what = f"{capital(shown.label)} along descents from a place of a plane, and in the plane beneath; their distance off it."
    extra = {"suggested_scale": suggested_scale(shown), "quantity": shown.name}
    caption = f"{what} {sentences(result, look)}"
    return Figure(panels=panels, facts=every, caption=caption, provenance=result.provenance, extra=extra)


def moments(descents: list[DescentResult], shown: Quantity, *, off: bool) -> Moments:
    """Every record, so that one that is pointed at in a panel is found in the other."""
    order = np.concatenate([each.step for each in descents])
    run = np.concatenate([np.full(len(each.step), k) for k, each in enumerate(descents)])
    names = tuple(f"{each.label}, update {int(step):,}" for each in descents for step in each.step)
    words = tuple(
        f"{facts.number(float(each.off_plane[i]))} off the plane"
        if off
        else f"{facts.with_unit(float(each.quantities[shown.name].values[i]), shown.unit)} true, "
        f"{facts.with_unit(float(each.plane_quantities[shown.name].values[i]), shown.unit)} in the plane"
        for each in descents
        for i in range(len(each.step))
    )
    return Moments(order=freeze(order), run=freeze(run, int), names=names, words=words)


def descent_facts(result: DescentsResult, look: Look) -> tuple[facts.Fact, ...]:
    """What each descent did, and what must be known to judge it."""
    name = shown_name(result, look)
    found = [(label, words_of(each, name, frame_of(result))) for label, each in result.descents.items() if len(each.step)]
    first = next(iter(result.descents.values()), None)
    if first is not None:
        batch = "the full batch" if first.batch >= trained_on(result) > 0 else f"batches of {first.batch:,}"
        same = all(each.batch == first.batch for each in result.descents.values())
        found.append(("Updates on", f"{batch if same else 'batches'} of the {first.split} data; no weight decay"))
        if first.batchnorm:
            found.append(("BatchNorm in the descents", TRAINED.get(first.batchnorm, first.batchnorm)))
        found.append(("Paths", "projected by joint least squares; star: where it stands; grey disc: where it begins"))
    return tuple(found)


def trained_on(result: DescentsResult) -> int:
    """Examples of the training data, where they are known."""
    told = result.provenance.problem.get("data") or result.surface.provenance.problem.get("data")
    counts = told.get("examples") if isinstance(told, dict) else None
    first = next(iter(result.descents.values()))
    found = counts.get(first.split) if isinstance(counts, dict) else 0
    return int(found or 0)


def words_of(each: DescentResult, name: str, frame: Frame) -> str:
    """ "500 updates from (0.5, −0.3): training loss 0.51 to 0.02 nat, in the plane 0.49 there; 1.9 off the plane, ..." """
    place = f"({each.x[0]:.3g}, {each.y[0]:.3g})".replace("-", "−")
    parts = [f"{int(each.step[-1]):,} updates from {place}"]
    true, flat = each.quantities.get(name), each.plane_quantities.get(name)
    if true is not None and flat is not None:
        first, last = (facts.with_unit(float(true.values[k]), true.unit) for k in (0, -1))
        way = "rose" if float(true.values[-1]) > float(true.values[0]) else "fell"
        beneath = facts.with_unit(float(flat.values[-1]), flat.unit)
        parts.append(f"{true.label} {way} from {first} to {last}, {beneath} in the plane beneath")
    share = float(each.off_plane[-1] / each.distance[-1]) if each.distance[-1] > 0 else math.nan
    of = f", {100 * share:.0f} % of the way" if math.isfinite(share) else ""
    parts.append(f"{facts.number(float(each.off_plane[-1]))} off the plane{of}")
    gone = leaves(each.x, each.y, frame)
    if gone >= 0:
        parts.append(f"outside the frame at update {int(each.step[gone]):,}")
    return "; ".join(parts) + (f". {each.stopped}" if each.stopped else "")


def sentences(result: DescentsResult, look: Look) -> str:
    """What the descents did, for a caption."""
    name = shown_name(result, look)
    found = [f"{each.label}: {words_of(each, name, frame_of(result))}." for each in result.descents.values() if len(each.step)]
    if not found:
        return ""
    return " ".join(["Lines are descents, projected onto the plane.", *(words.replace("..", ".") for words in found)])
