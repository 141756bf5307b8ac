"""The topology of a surface as marks: minima and saddles on its contours, the persistence diagram, the merge tree. NumPy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Note, Panel, Path, Points, Rule, Scale, Texts
from landscape_gui.probes.pictures import choose, plain_unit, positive, suggested_scale, surface_figure
from landscape_gui.probes.topology_words import caption_of, facts_of, number_words, singular
from landscape_gui.probes.tree_layout import laid_out
from landscape_gui.results import Array, freeze
from landscape_gui.topology_results import TopologyResult

STRONG, SADDLE, WEAK = 1, 4, 7
"""Indices into `style.SERIES`: of what is above the noise floor, of saddles, and of what is below."""
MOST_WEAK = 20
"""So many branches below the noise floor are drawn in the tree, and so many minima below it on the surface."""
MOST_STRONG = 200
UNNAMED, EDGE = ("",), 0.02
"""Names of an axis that has no numbers, and where it begins: behind the place of the first name, so that no tick is seen."""
NAMED = 12
"""Minima have numbers where there are no more than so many."""
NEAR = 0.045
"""What lies closer in the diagram, as a part of its range, has one number."""
CROWDED, LIFT = 0.2, 1.15
"""How near, as a part of the axes, the star has to be for a number to stand on the other side; ems between point and number."""
AIR, FOOT = 0.14, 0.19
"""Room above the highest saddle, as a part of the range, for what never ends, and below the deepest minimum."""


@dataclass(frozen=True)
class View:
    """What the panels have in common: the axis of values, its ends, the value at which what never ends is drawn, and the names."""

    axis: Axis
    low: float
    high: float
    top: float
    names: Mapping[int, str]

    @property
    def log(self) -> bool:
        return self.axis.scale == "log"

    def place(self, values: Array) -> Array:
        """Values as parts of the axis."""
        low, high = self._plain(self.low), self._plain(self.high)
        found: Array = (self._plain(values) - low) / (high - low)
        return found

    def _plain(self, values: Array | float) -> Array:
        return np.log(np.maximum(values, 1e-300)) if self.log else np.asarray(values)


def topology_figure(result: TopologyResult, look: Look) -> Figure:
    """The surface with its minima and saddles, the persistence diagram and the merge tree; with view "chart" the last two alone."""
    own = dataclasses.replace(look, quantity=result.quantity, statistic="first")
    shown = choose(result.surface.quantities, own)
    surface = surface_figure(result.surface, own, on_surface(result, all_of_them=look.view == "2d"))
    view = view_of(result, look)
    panels: tuple[Panel, ...] = (diagram(result, view, look), tree(result, view, look))
    if look.view != "chart":
        panels = (*surface.panels[:1], *panels)
    every = (*facts_of(result), *(fact for fact in surface.facts if fact[0] != "Marked"))
    return Figure(
        panels=panels,
        facts=every,
        caption=f"{caption_of(result, look)} {surface.caption}",
        provenance=result.provenance,
        extra={**surface.extra, "suggested_scale": suggested_scale(shown), "quantity": shown.name},
    )


def strong_of(result: TopologyResult) -> Array:
    """The branches above the noise floor that are drawn, the most persistent first."""
    return np.flatnonzero(result.real)[:MOST_STRONG]


def names_of(result: TopologyResult) -> dict[int, str]:
    """Branch -> number, of the minima above the noise floor, the most persistent first; none where there are one or many."""
    strong = np.flatnonzero(result.real)
    return {int(k): str(n + 1) for n, k in enumerate(strong)} if 1 < len(strong) <= NAMED else {}


# ------------------------------------------------------------------------------------------------------------- on the surface


def on_surface(result: TopologyResult, *, all_of_them: bool) -> tuple[Mark, ...]:
    """Discs for minima (squares where they lie on the edge), diamonds for saddles, and a line from each minimum to its saddle;
    all_of_them: also what is below the noise floor, small and grey."""
    strong, weak = strong_of(result), np.flatnonzero(~result.real.astype(bool))[: MOST_WEAK if all_of_them else 0]
    names = names_of(result)
    joined = strong[np.isfinite(result.deaths[strong])]
    marks: list[Mark] = [descent(result, int(k)) for k in joined]
    if len(weak):
        place = freeze(result.x[weak]), freeze(result.y[weak])
        marks.append(Points(x=place[0], y=place[1], size=5.0, colour=WEAK, label="below the noise floor"))
    if len(joined):
        place = freeze(result.saddle_x[joined]), freeze(result.saddle_y[joined])
        marks.append(Points(x=place[0], y=place[1], marker="diamond", size=9.0, colour=SADDLE, label="saddle"))
    edge = result.on_edge[strong].astype(bool)
    return (*marks, *(m for m in (minima(result, strong[edge], names), minima(result, strong[~edge], names)) if len(m.x)))


def descent(result: TopologyResult, k: int) -> Path:
    """A straight line between a minimum and the saddle where it ends."""
    x, y = [result.x[k], result.saddle_x[k]], [result.y[k], result.saddle_y[k]]
    return Path(x=freeze(x), y=freeze(y), stops=False, dash=True, colour=STRONG)


def minima(result: TopologyResult, at: Array, names: Mapping[int, str]) -> Points:
    """Those at these branches, with their numbers; they are either all on the edge of the picture or none is."""
    return Points(
        x=freeze(result.x[at]),
        y=freeze(result.y[at]),
        marker="square" if result.on_edge[at].any() else "disc",
        size=10.0,
        colour=STRONG,
        names=tuple(names[int(k)] for k in at) if names else (),
        label=result.extrema,
    )


# ---------------------------------------------------------------------------------------------------------------- the diagram


def view_of(result: TopologyResult, look: Look) -> View:
    """From the deepest minimum to above the highest saddle that is more than noise."""
    shown = result.surface.quantities[result.quantity]
    scale: Scale = "log" if look.scale == "log" and positive(shown.values) and (result.births > 0).all() else "linear"
    sign = -1.0 if result.extrema == "maxima" else 1.0
    ended = np.isfinite(result.deaths)
    strong = ended & result.real.astype(bool)
    foot = sign * float(result.births[0])
    floor = sign * float(result.band_tops[0])
    seen = sign * result.deaths[strong if strong.any() else ended]
    edge = max([*seen.tolist(), *(sign * result.births[strong]).tolist(), foot + 1.6 * (floor - foot)])
    if edge <= foot:
        edge = foot + (abs(foot) * 0.1 or 1.0)
    axis = Axis(label=shown.label, unit=plain_unit(shown.unit), scale=scale)
    if scale == "log":
        ratio = np.log(edge / foot) if sign > 0 else np.log(-foot / -edge)
        ends = [v * np.exp(sign * part * ratio) for v, part in ((sign * foot, -FOOT), (sign * edge, AIR), (sign * edge, 1.8 * AIR))]
    else:
        reach = edge - foot
        ends = [sign * v for v in (foot - FOOT * reach, edge + AIR * reach, edge + 1.8 * AIR * reach)]
    return View(axis, float(min(ends[0], ends[2])), float(max(ends[0], ends[2])), float(ends[1]), names_of(result))


def diagram(result: TopologyResult, view: View, look: Look) -> Panel:
    """Death over birth: far from the diagonal is deep, in the grey band is noise, at the top what never ends."""
    real, ended = result.real.astype(bool), np.isfinite(result.deaths)
    ends = freeze([view.low, view.high])
    marks: list[Mark] = [band(result, view), Line(x=ends, y=ends, colour=WEAK, width=0.8)]
    inside = (result.deaths >= view.low) & (result.deaths <= view.high)
    for chosen, size, colour, label in (
        (ended & ~real & inside, 5.0, WEAK, f"{int((ended & ~real).sum()):,} below it"),
        (ended & real, 8.0, STRONG, number_words(int((ended & real).sum()), result.extrema, "above it")),
    ):
        if chosen.any():
            at = freeze(result.births[chosen]), freeze(result.deaths[chosen])
            marks.append(Points(x=at[0], y=at[1], size=size, colour=colour, label=label))
    never = np.flatnonzero(~ended)
    top = freeze(np.full(len(never), view.top))
    word = "the deepest" if result.extrema == "minima" else "the highest"
    ends_not = f"{view.names[0]}: {word}, which never ends" if view.names and len(never) == 1 else f"{word}, which never ends"
    marks += [
        Rule(at=view.top, orientation="horizontal"),
        Points(x=freeze(result.births[never]), y=top, marker="star", size=9.0, colour=STRONG, label=ends_not),
        *numbers(result, view),
    ]
    if not (ended & real).any():
        marks.append(
            Note(text=f"a single {singular(result.extrema)}", corner="bottom right" if result.extrema == "minima" else "top left")
        )
    words = (f"birth: the {singular(result.extrema)}", "death: its saddle")
    axes = [dataclasses.replace(view.axis, label=label, limits=(view.low, view.high)) for label in words]
    return Panel(marks=tuple(marks), x=axes[0], y=axes[1], title="Persistence" if look.title else "", equal=False)


def band(result: TopologyResult, view: View) -> Band:
    """From the diagonal to the noise floor."""
    births = np.linspace(view.low, view.high, 257) if not view.log else np.geomspace(view.low, view.high, 257)
    order = np.argsort(result.band_births)
    tops = np.interp(births, result.band_births[order], result.band_tops[order])
    outside = np.clip(births, result.band_births.min(), result.band_births.max())
    tops = np.clip(tops + births - outside, view.low, view.high)
    low, high = (births, tops) if result.extrema == "minima" else (tops, births)
    return Band(x=freeze(births), low=freeze(low), high=freeze(high), colour=WEAK, label="noise floor")


def numbers(result: TopologyResult, view: View) -> tuple[Texts, ...]:
    """The numbers of the minima beside their points; what lies at one place has them all. That of what never ends is in the key."""
    named = [k for k in view.names if np.isfinite(result.deaths[k])]
    if not named:
        return ()
    births, deaths = result.births[named], result.deaths[named]
    places = np.stack([view.place(births), view.place(deaths)], axis=1)
    groups: list[list[int]] = []
    for k in range(len(named)):
        near = next((g for g in groups if np.abs(places[g[0]] - places[k]).max() < NEAR), None)
        if near is None:
            groups.append([k])
        else:
            near.append(k)
    out = 1 if result.extrema == "minima" else -1  # away from the diagonal, or towards it where what never ends is near
    star = np.array([view.place(result.births[:1])[0], view.place(np.array([view.top]))[0]])
    crowded = [bool((np.abs(places[g[0]] - star) < CROWDED).all()) for g in groups]
    found = []
    for side in sorted(set(crowded)):
        chosen = [g for g, near in zip(groups, crowded, strict=True) if near == side]
        words = tuple(listed([int(view.names[named[k]]) for k in g]) for g in chosen)
        at = [g[0] for g in chosen]
        place = freeze(births[at]), freeze(deaths[at])
        found.append(Texts(x=place[0], y=place[1], texts=words, lift=-LIFT * out if side else LIFT * out, backed=not side))
    return tuple(found)


def listed(numbers: list[int]) -> str:
    """ "2–9", "1, 4"."""
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}–{numbers[-1]}"
    return ", ".join(map(str, numbers))


# ------------------------------------------------------------------------------------------------------------------- the tree


def tree(result: TopologyResult, view: View, look: Look) -> Panel:
    """Every minimum as a leaf at its own value, with brackets at the saddles; what is below the noise floor is grey."""
    at = in_tree(result, view)
    births, deaths, real = result.births[at], result.deaths[at], result.real[at].astype(bool)
    numbers = {int(k): n for n, k in enumerate(at)}
    parents = np.array([numbers.get(int(parent), -1) for parent in result.parents[at]])
    laid = laid_out(births, deaths, parents, real, view.high)
    marks: list[Mark] = []
    for chosen, colour, width in ((~real, WEAK, 0.5), (real, STRONG, 1.3)):
        if chosen.any():
            line = np.concatenate([np.concatenate([laid.branches[k], [[np.nan, np.nan]]]) for k in np.flatnonzero(chosen)])
            marks.append(Line(x=freeze(line[:, 0]), y=freeze(line[:, 1]), colour=colour, width=width))
    below = int((~result.real.astype(bool)).sum())
    words = f"{int((~real).sum()):,} of {below:,} below the noise floor" if (~real).sum() < below else "below the noise floor"
    saddles = real & np.isfinite(deaths)
    for chosen, x, y, marker, size, colour, label in (
        (~real, laid.places, births, "disc", 4.0, WEAK, words),
        (saddles, laid.joints, deaths, "diamond", 7.0, SADDLE, "saddle"),
        (real, laid.places, births, "disc", 8.0, STRONG, singular(result.extrema)),
    ):
        if chosen.any():
            marks.append(Points(x=freeze(x[chosen]), y=freeze(y[chosen]), marker=marker, size=size, colour=colour, label=label))  # type: ignore[arg-type]
    if view.names:
        lift = -LIFT if result.extrema == "minima" else LIFT
        marks.append(Texts(x=freeze(laid.places[real]), y=freeze(births[real]), texts=tuple(view.names.values()), lift=lift))
    return Panel(
        marks=tuple(marks),
        x=Axis(label=result.extrema, limits=(EDGE, laid.width), names=UNNAMED),
        y=dataclasses.replace(view.axis, limits=(view.low, view.high)),
        title="Merge tree" if look.title else "",
    )


def in_tree(result: TopologyResult, view: View) -> Array:
    """The branches that are drawn: those above the noise floor, and of those below it the most persistent that end inside the frame
    in one that is drawn."""
    chosen = strong_of(result).tolist()
    found, weak = set(chosen), 0
    for k in np.flatnonzero(~result.real.astype(bool)).tolist():
        if weak == MOST_WEAK:
            break
        if int(result.parents[k]) in found and view.low < result.deaths[k] < view.high:
            found.add(k)
            chosen.append(k)
            weak += 1
    return np.array(chosen, np.int64)
