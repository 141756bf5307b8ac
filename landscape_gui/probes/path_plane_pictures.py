"""Paths on the plane of two models and a bend as marks: on its contours, on its relief, or their true values over t. NumPy only."""

from __future__ import annotations

import dataclasses

import numpy as np

from landscape_gui.connection_results import PathPlaneResult, PlacedPath
from landscape_gui.connection_texts import PLACE
from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Note, Panel, Path, Points, Rule
from landscape_gui.probes import facts
from landscape_gui.probes.facts import with_error
from landscape_gui.probes.pair_barriers import BATCHNORM
from landscape_gui.probes.path_captions import path_caption, path_sentences
from landscape_gui.probes.pictures import choose, plain_unit, positive, suggested_scale, surface_figure
from landscape_gui.results import Quantity, freeze

COLOURS = (7, 1, 3, 4, 5, 6)
"""Indices into `style.SERIES` of the straight line and the further paths; all stand out from the colour maps."""
PINS = (4, 3, 5)
"""And of the two models and the third point."""
PIN_WORDS = ("orange", "pink", "light blue")
FLAT = 1e-3
"""A path no farther off the plane, as a share of the distance of the models, lies in it."""


def path_plane_figure(result: PathPlaneResult, look: Look) -> Figure:
    """The surface with the paths on it; with view "chart" the true value along each path, and its distance off the plane."""
    if look.view == "chart":
        return chart(result, look)
    paths = tuple(
        Path(x=path.x, y=path.y, label=legend(path, result), stops=False, dash=path.name in ("line", "aligned"), colour=colour(k))
        for k, path in enumerate(result.paths.values())
    )
    figure = surface_figure(result.surface, look, (*paths, *pins(result)))
    told = {"Marked", "Explained variance", facts.NOTE}
    own = plane_facts(result, shown_name(result, look))
    every = (*(fact for fact in figure.facts if fact[0] not in told), *own)
    what = f"{surface_words(result, look)}, with paths between {result.names[0]} and {result.names[1]}"
    first = f"{what}; the plane is θ + x d₁ + y d₂, with θ the weights of {result.names[0]}."
    rest = figure.caption.partition(". ")[2]
    said = path_sentences([fact for fact in own if fact[0] != "Remarks" or fact[1] not in rest])
    caption = " ".join(part for part in (first, rest, said) if part)
    panels = tuple(relabelled(panel, result) for panel in figure.panels)
    return dataclasses.replace(figure, panels=panels, facts=every, caption=caption, provenance=result.provenance)


def relabelled(panel: Panel, result: PathPlaneResult) -> Panel:
    """With the models called as beside their discs."""
    third = result.names[2] if "permuted" in result.names[2] else "the bend"
    x, y = f"towards {result.names[1]}", f"across, towards {third}"
    return dataclasses.replace(panel, x=dataclasses.replace(panel.x, label=x), y=dataclasses.replace(panel.y, label=y))


def surface_words(result: PathPlaneResult, look: Look) -> str:
    if not result.surface.quantities:
        return "A plane through the weights"
    label = choose(result.surface.quantities, look).label
    return f"{label[:1].upper()}{label[1:]} on the plane of two models and a path's bend"


def shown_name(result: PathPlaneResult, look: Look) -> str:
    return look.quantity or next(iter(result.surface.quantities), f"{result.split}_loss")


def colour(k: int) -> int:
    return COLOURS[k % len(COLOURS)]


def marked(result: PathPlaneResult) -> list[tuple[float, float, str, int, str]]:
    """x, y, name, index of the colour and its name of the two models and the third point, where they lie inside the frame."""
    (left, right), (low, high) = ((float(v.min()), float(v.max())) for v in (result.surface.x, result.surface.y))
    every = zip(result.x, result.y, result.names, PINS, PIN_WORDS, strict=True)
    return [(float(x), float(y), name, hue, word) for x, y, name, hue, word in every if left <= x <= right and low <= y <= high]


def pins(result: PathPlaneResult) -> tuple[Points, ...]:
    """A named disc for each of them."""
    return tuple(
        Points(x=freeze([x]), y=freeze([y]), names=(name,), label=name, size=11.0, colour=hue)
        for x, y, name, hue, _ in marked(result)
    )


def legend(path: PlacedPath, result: PathPlaneResult) -> str:
    """The path's name, and how far it is off the plane where it does not lie in it."""
    share = off_share(path, result)
    if np.isnan(share):
        return f"{path.label} (distance off the plane unknown)"
    return path.label if share < FLAT else f"{path.label} (up to {100 * share:.2g} % off the plane)"


def off_share(path: PlacedPath, result: PathPlaneResult) -> float:
    """The largest distance off the plane over the distance of the models."""
    unit = float(result.surface.axes.norms[0])
    return float(np.max(path.off_plane, initial=0.0)) / unit if unit > 0 else 0.0


def plane_facts(result: PathPlaneResult, name: str) -> tuple[facts.Fact, ...]:
    """What is marked, each path's largest value and distance off the plane, and how each was found."""
    unit = float(result.surface.axes.norms[0])
    found = [
        ("Marked", pins_words(result)),
        ("Axes", f"at right angles; a unit is the distance of the two models, {facts.number(unit)}"),
    ]  # fmt: skip
    for path in result.paths.values():
        found.append((path.label[:1].upper() + path.label[1:], path_words(path, result, name)))
    if any(path.quantities and path.batchnorm for path in result.paths.values()):
        mode = next(path.batchnorm for path in result.paths.values() if path.batchnorm)
        found.append(("BatchNorm on the paths", BATCHNORM.get(mode, mode)))
    found.append(("Remarks", " ".join(result.notes)))
    return tuple(fact for fact in found if fact[1])


def pins_words(result: PathPlaneResult) -> str:
    """Which disc is what, and where."""
    return "; ".join(f"{hue} disc at ({x:.3g}, {y:.3g}): {name}" for x, y, name, _, hue in marked(result))


def path_words(path: PlacedPath, result: PathPlaneResult, name: str) -> str:
    """ "at most 0.012 ± 0.001 nat training loss, at t = 0.5; up to 3 % of the models' distance off the plane"."""
    said = []
    quantity = path.quantities.get(name)
    if quantity is not None and np.isfinite(quantity.values).any():
        worst = np.nanargmin if quantity.unit == "1" else np.nanargmax
        k = int(worst(np.where(np.isfinite(quantity.values), quantity.values, np.nan)))
        error = np.nan if quantity.standard_error is None else float(quantity.standard_error[k])
        value = with_error(float(quantity.values[k]), error, plain_unit(quantity.unit))
        said.append(f"{quantity.label} {'at least' if quantity.unit == '1' else 'at most'} {value}, at t = {path.t[k]:.3g}")
    share = off_share(path, result)
    off = f"up to {100 * share:.2g} % of the models' distance off the plane"
    said.append("in the plane" if share < FLAT else "distance off the plane unknown" if np.isnan(share) else off)
    return "; ".join(said)


def chart(result: PathPlaneResult, look: Look) -> Figure:
    """True values along the paths, and how far each is off the plane."""
    first = next((path for path in result.paths.values() if path.quantities), None)
    if first is None:
        return Figure(panels=(Panel(marks=(Note(text="No value is known along the paths."),)),), provenance=result.provenance)
    usual = f"{result.split}_loss"
    shown = choose(first.quantities, Look(quantity=look.quantity if look.quantity in first.quantities else usual))
    marks: list[Mark] = []
    for k, path in enumerate(result.paths.values()):
        if shown.name in path.quantities:
            marks += curve(path, path.quantities[shown.name], k)
    marks += [Rule(at=0.0, label=result.names[0]), Rule(at=1.0, label=result.names[1])]
    every = plane_facts(result, shown.name) + tuple(facts.common_facts(result.surface, shown))
    every = tuple(fact for fact in every if fact[1])
    scale = "log" if look.scale == "log" and positive(shown.values) else "linear"
    panel = Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="t", help=PLACE),
        y=Axis(label=shown.label, unit=plain_unit(shown.unit), scale="log" if scale == "log" else "linear"),
        title=f"{shown.label[:1].upper()}{shown.label[1:]} along the paths" if look.title else "",
    )
    panels = [panel]
    if any(off_share(path, result) >= FLAT for path in result.paths.values()):
        off = tuple(
            Line(x=path.t, y=path.off_plane, label=path.label, colour=colour(k)) for k, path in enumerate(result.paths.values())
        )
        title = "Distance off the plane" if look.title else ""
        panels.append(Panel(marks=off, x=Axis(label="t", help=PLACE), y=Axis(label="off the plane (2-norm)"), title=title))
    extra = {"suggested_scale": suggested_scale(shown), "quantity": shown.name}
    what = f"{shown.label} along paths between {result.names[0]} and {result.names[1]}"
    spoken = tuple(fact for fact in every if fact[0] not in ("Marked", "Axes"))
    return Figure(
        panels=tuple(panels),
        facts=every,
        caption=path_caption(what, result, spoken, shown),
        provenance=result.provenance,
        extra=extra,
    )


def curve(path: PlacedPath, q: Quantity, k: int) -> list[Mark]:
    """A line with its band of 1.96 standard errors."""
    marks: list[Mark] = []
    if q.standard_error is not None:
        half = 1.96 * q.standard_error
        marks.append(Band(x=path.t, low=freeze(q.values - half), high=freeze(q.values + half), colour=colour(k)))
    return [*marks, Line(x=path.t, y=q.values, label=path.label, colour=colour(k), width=1.6, dash=path.name == "line")]
