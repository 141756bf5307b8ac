"""A matrix of barriers as a heat map, and the tree of the lowest barriers as a graph. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landscape_gui.connection_order import classical_scaling, clustering_order, spanning_tree
from landscape_gui.connection_results import BarriersResult, BarrierTable
from landscape_gui.figure import Axis, Figure, Line, Look, Mark, Note, Panel, Points, Scale, Surface, Texts, finite_limits
from landscape_gui.probes import facts
from landscape_gui.probes.facts import with_error
from landscape_gui.probes.pair_barriers import BATCHNORM
from landscape_gui.probes.path_captions import path_caption
from landscape_gui.probes.path_finding import PATHS
from landscape_gui.probes.pictures import choose, plain_unit
from landscape_gui.results import Array, Quantity, freeze
from landscape_gui.style import colour_table

LETTERS = 26
"""Longer names side by side than so many letters in all are numbered."""
ERRORS_UP_TO = 6
"""Models up to which a cell has room for its error."""
COLUMN_UP_TO = 12
"""Models up to which a matrix can be read in a column of a page."""
SHORT = {
    "line": "straight line",
    "bezier": "Bezier curve",
    "band": "elastic band",
    "aligned": "aligned line",
    "repaired": "aligned line, repaired",
}
"""What a kind of path is called in a title."""
DARK, PALE = "#14141C", "#FFFFFF"
LEAST = 0.2
"""Of the extent: how far two models lie apart in the graph at least; of many models less."""


@dataclass(frozen=True)
class View:
    """What is shown, models in the order of the rows: names, short marks, values and errors (k, k), edges (e, 2)."""

    shown: Quantity
    table: BarrierTable
    names: tuple[str, ...]
    marks: tuple[str, ...]
    values: Array
    errors: Array
    distances: Array
    tree: Array
    order: Array

    @property
    def numbered(self) -> bool:
        return self.names != self.marks


def barriers_figure(result: BarriersResult, look: Look) -> Figure:
    """The matrix with its values written in, ordered by clustering; beside it the models and their minimum spanning tree."""
    if not result.quantities:
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    view = view_of(result, look)
    panels = (matrix(view, result, look), *((graph(view, look),) if len(view.tree) else ()))
    every = barrier_facts(result, view)
    what = f"{view.shown.label[:1].upper()}{view.shown.label[1:]} between every two of {facts.plural(len(view.names), 'model')}"
    return Figure(
        panels=panels,
        facts=every,
        caption=path_caption(what, result, every, view.shown),
        provenance=result.provenance,
        extra={"quantity": view.shown.name},
        title=f"{what}, {SHORT.get(result.path, result.path)}" if look.title else "",
    )


def view_of(result: BarriersResult, look: Look) -> View:
    """The quantity that the look asks for, with the order and the tree that belong to it."""
    usual = f"{result.split}_{result.metric}_{result.definition}"
    shown = choose(result.quantities, look if look.quantity in result.quantities else Look(quantity=usual))
    table = next(iter(result.tables.values()))
    order = result.order
    if shown.name != usual and result.complete:
        order = clustering_order(shown.values)
    tree = result.tree if shown.name == usual else spanning_tree(shown.values, table.distances)
    place = np.argsort(order)
    names = tuple(result.names[k] for k in order)
    long = sum(map(len, names)) > LETTERS
    square = np.ix_(order, order)
    errors = np.full(shown.values.shape, np.nan) if shown.standard_error is None else shown.standard_error
    return View(
        shown=shown, table=table, names=names, marks=tuple(str(k + 1) for k in range(len(names))) if long else names,
        values=shown.values[square], errors=errors[square], distances=table.distances[square],
        tree=np.sort(place[tree], axis=1) if len(tree) else tree, order=order,
    )  # fmt: skip


def matrix(view: View, result: BarriersResult, look: Look) -> Panel:
    """The heat map, the first model in the upper left corner."""
    count = len(view.names)
    at = np.arange(count, dtype=float)
    z = np.where(np.eye(count, dtype=bool), np.nan, view.values)[::-1]
    scale: Scale = "log" if look.scale == "log" and bool((z[np.isfinite(z)] > 0).all()) else "linear"
    limits = look.limits or (from_zero(z) if scale == "linear" else finite_limits(z, scale=scale))
    unit = plain_unit(view.shown.unit)
    surface = Surface(
        x=freeze(at), y=freeze(at), z=freeze(z), limits=limits, scale=scale, colour_map=look.colour_map, contour_lines=False,
        contour_labels=False, label="barrier", unit=unit,
    )  # fmt: skip
    rows = tuple(f"{mark}  {name}" for mark, name in zip(view.marks, view.names, strict=True)) if view.numbered else view.names
    return Panel(
        marks=(surface, cells(view, z, surface)),
        view="chart",
        x=Axis(names=view.marks),
        y=Axis(names=rows[::-1]),
        z=Axis(label="barrier", unit=unit, limits=limits, scale=scale),
        title="Barriers" if look.title else "",
        inches=7.0 if count > COLUMN_UP_TO else 0.0,
    )


def from_zero(z: Array) -> tuple[float, float]:
    """Limits that hold zero and every finite value."""
    finite = z[np.isfinite(z)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    return low, high if high > low else low + 1.0


def cells(view: View, z: Array, surface: Surface) -> Texts:
    """Each pair's barrier, and its error where there is room."""
    count = len(z)
    x, y = np.meshgrid(np.arange(count, dtype=float), np.arange(count, dtype=float))
    errors = view.errors[::-1]
    known = np.isfinite(view.distances[::-1]) & (x != count - 1 - y)
    words = tuple(cell_words(z[j, i], errors[j, i], count) if known[j, i] else "" for j in range(count) for i in range(count))
    ink = tuple(ink_on(value, surface) for value in z.ravel())
    return Texts(x=freeze(x.ravel()), y=freeze(y.ravel()), texts=words, room=(1.0, 1.0), ink=ink)


def cell_words(value: float, error: float, count: int) -> str:
    """ "1.82" above "±0.03"."""
    if count > ERRORS_UP_TO or not np.isfinite(value):
        return short(value)
    found, _, known = with_error(value, error).partition(" ± ")
    return f"{found}\n±{known}" if known else found


def short(value: float) -> str:
    """Two significant digits."""
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "∞"
    digits = 2 - int(np.floor(np.log10(abs(value)))) - 1 if value else 0
    return f"{value:.{max(0, digits)}f}".replace("-", "−") if digits < 5 else facts.number(float(f"{value:.1e}"))


def ink_on(value: float, surface: Surface) -> str:
    """A colour that can be read on a value's own."""
    if not np.isfinite(value):
        return ""
    low, high = surface.limits
    if surface.scale == "log":
        value, low, high = (float(np.log(v)) for v in (value, low, high))
    share = float(np.clip((value - low) / (high - low), 0, 1)) if high > low else 0.5
    red, green, blue = colour_table(surface.colour_map)[int(255 * share)][:3]
    return PALE if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5 else DARK


def graph(view: View, look: Look) -> Panel:
    """The models where the distances between their weights put them on a plane, joined by the lowest barriers."""
    places, _ = spread(classical_scaling(view.distances).places)
    x, y = places.T
    marks: list[Mark] = [Line(x=freeze(x[edge]), y=freeze(y[edge]), colour=7, width=1.2) for edge in view.tree]
    marks.append(Points(x=freeze(x), y=freeze(y), names=view.names, size=9.0, colour=0))
    middles = places[view.tree].mean(axis=1)
    words = tuple(short(float(view.values[a, b])) for a, b in view.tree)
    marks.append(Texts(x=freeze(middles[:, 0]), y=freeze(middles[:, 1]), texts=words, backed=True, size=0.9))
    below = hangs(places, view.tree)
    for chosen, lift in ((~below, 1.2), (below, -1.2)):
        names = tuple(mark for mark, here in zip(view.marks, chosen, strict=True) if here)
        if names:
            marks.append(Texts(x=freeze(x[chosen]), y=freeze(y[chosen]), texts=names, lift=lift))
    limits = framed(places)
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="weight space, projected", limits=limits[0]),
        y=Axis(limits=limits[1]),
        title="Tree of the lowest barriers" if look.title else "",
        equal=True,
    )


def hangs(places: Array, tree: Array) -> Array:
    """(k,) whether a model's name stands below it: where more of its edges lead upwards."""
    upward = np.zeros(len(places))
    for a, b in tree:
        rise = places[b, 1] - places[a, 1]
        upward[a] += rise
        upward[b] -= rise
    return np.asarray(upward > 0)


def spread(places: Array) -> tuple[Array, bool]:
    """Places (k, 2) moved apart where two would be drawn on top of one another, and whether any was."""
    found = np.array(places, dtype=float)
    extent = float(np.ptp(found, axis=0).max()) or 1.0
    least = min(LEAST, 0.7 / len(found) ** 0.5) * extent
    moved = False
    for _ in range(100):
        gap = found[None] - found[:, None]
        near = np.linalg.norm(gap, axis=2)
        np.fill_diagonal(near, np.inf)
        close = np.argwhere(np.triu(near < least * (1 - 1e-9)))
        if not len(close):
            break
        moved = True
        for i, j in close:
            step = found[j] - found[i]
            length = float(np.linalg.norm(step))
            angle = 2.4 * (i + j)  # the golden angle: places that coincide leave in different directions
            direction = step / length if length > 1e-9 * extent else np.array([np.cos(angle), np.sin(angle)])
            push = max(0.0, least - length) / 2 * direction
            found[i] -= push
            found[j] += push
    return found, moved


def framed(places: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of both axes around places (k, 2), with room for names, and neither much shorter than the other."""
    middle, extent = (places.max(axis=0) + places.min(axis=0)) / 2, np.ptp(places, axis=0)
    longest = float(extent.max()) or 1.0
    half = np.maximum(extent / 2 + 0.18 * longest, 0.4 * longest)
    return (middle[0] - half[0], middle[0] + half[0]), (middle[1] - half[1], middle[1] + half[1])


def barrier_facts(result: BarriersResult, view: View) -> tuple[facts.Fact, ...]:
    """Which models, along which path, what a barrier is, and what must be known to judge the picture."""
    count = len(view.names)
    known = int(np.isfinite(view.distances[np.triu_indices(count, 1)]).sum())
    pairs = count * (count - 1) // 2
    scaled = classical_scaling(view.distances)
    where = result.provenance
    question = where.question
    moved = spread(scaled.places)[1]
    examples = f" ({view.shown.examples:,} in what is shown)" if view.shown.examples else ""
    found = [
        ("Shown", view.shown.label + (f" ({view.shown.unit})" if view.shown.unit not in ("", "1") else "")),
        ("Models", "; ".join(f"{mark}: {name}" for mark, name in zip(view.marks, view.names, strict=True)) if view.numbered
         else ", ".join(view.names)),
        ("Own values", own_words(result, view)),
        ("Path", PATHS.get(result.path, result.path)),
        ("Barrier", "the largest of the places measured, ends included; ± paired standard errors over the same examples"),
        ("Points", f"{question['points']:,} a path" if "points" in question else ""),
        ("Order", "average-linkage clustering of the barriers" if result.complete else "as named, while pairs are missing"),
        ("Tree", tree_words(view)),
        ("Places in the tree", f"distances between the weights, of which the plane holds {100 * scaled.share:.0f} %"
         + (", moved apart where they would overlap" if moved else "")),
        ("Computed", "" if known == pairs else f"{known} of {facts.plural(pairs, 'pair')} so far"),
        ("Data", facts.data_words(where.problem) + result.subset + examples),
        ("Seed", str(question["seed"]) if question.get("limit") or (result.path != "line" and "seed" in question) else ""),
        ("BatchNorm", BATCHNORM.get(result.batchnorm, result.batchnorm)),
        ("Precision", facts.PRECISION_WORDS.get(result.precision, result.precision)),
        ("Remarks", " ".join(result.notes)),
        ("Computed on", facts.machine(where.environment)),
        ("Checked against the plain pass", facts.difference_words(where.environment)),
        ("Model", str(where.problem.get("model", ""))),
        *facts.checkpoint_facts(where.problem),
        ("Computed at", where.created.replace("T", " ").replace("+00:00", " UTC") if where.created else ""),
    ]  # fmt: skip
    return tuple(fact for fact in found if fact[1])


def own_words(result: BarriersResult, view: View) -> str:
    """Every model's own loss or error rate."""
    own = result.own.get(next((n for n in result.own if view.shown.name.startswith(n)), ""))
    if own is None:
        return ""
    return ", ".join(
        f"{mark} {facts.with_unit(float(own.values[k]), own.unit)}" for mark, k in zip(view.marks, view.order, strict=True)
    )


def tree_words(view: View) -> str:
    """ "a and b 0.12 ± 0.01 nat; ..."; of a large one its ends."""
    said: Sequence[str] = [edge_words(view, edge) for edge in view.tree]
    if len(said) > 8:
        said = [*said[:4], "...", *said[-2:]]
    return "; ".join(said)


def edge_words(view: View, edge: Array) -> str:
    value, error = float(view.values[edge[0], edge[1]]), float(view.errors[edge[0], edge[1]])
    return f"{view.marks[edge[0]]} and {view.marks[edge[1]]} {with_error(value, error, plain_unit(view.shown.unit))}"
