"""Films: what is seen at each moment of an animation, without a toolkit. NumPy only.

A film gives for a part of its time, 0 to 1, the panels that are shown then and the words in a corner. Limits, colours and the frame
stay the same from beginning to end, so that nothing moves but what is meant to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from landscape_gui.errors import LandscapeError, QuestionError
from landscape_gui.figure import Figure, Mark, Panel, Path, Surface, contour_levels
from landscape_gui.results import Array, TrajectoryResult
from landscape_gui.style import LIGHT, Theme

Kind = Literal["turntable", "trajectory", "training"]
KINDS: dict[Kind, str] = {
    "turntable": "the surface turns once and begins again without a jolt",
    "trajectory": "the path of a run grows epoch by epoch",
    "training": "the surface around each checkpoint of a run, one after another",
}
Pace = Literal["epoch", "length"]
PACES: dict[Pace, str] = {"epoch": "epochs pass evenly", "length": "the path grows evenly"}
REST = 0.12
"""Part of its time in which a finished path, or the last surface, stands still."""
STILL = 0.35
"""Part of the time between two checkpoints in which the earlier surface stands as it was computed."""
RANGES = {"seconds": (0.1, 600.0), "rate": (1.0, 120.0), "width": (64.0, 7680.0), "height": (64.0, 4320.0)}


@dataclass(frozen=True, kw_only=True)
class FilmSetup:
    """How a film is shown: seconds long, rate frames a second, width by height pixels. Raises LandscapeError for what makes no
    sense, and for an odd number of pixels, which the usual format of films does not have."""

    seconds: float = 6.0
    rate: int = 30
    width: int = 1280
    height: int = 720
    theme: Theme = LIGHT
    titles: bool = True

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise LandscapeError(f"A film with {name} {value:g} makes no sense.", remedy=f"Choose {low:g} to {high:g}.")
        if self.width % 2 or self.height % 2:
            remedy = f"Take {self.width + self.width % 2} x {self.height + self.height % 2}."
            raise LandscapeError(f"Films have an even number of pixels, not {self.width} x {self.height}.", remedy=remedy)
        if self.count > 20_000:
            raise LandscapeError(f"A film of {self.count:,} frames is too long.", remedy="Lower the seconds or the rate.")

    @property
    def count(self) -> int:
        """Frames."""
        return max(2, round(self.seconds * self.rate))


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is seen: the panels, and words in a corner."""

    panels: tuple[Panel, ...]
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Film:
    """turn: degrees that the camera goes round from beginning to end. ease: it sets off and halts gently. loops: the end is the
    beginning again. figure: what the film shows, for its caption and metadata."""

    figure: Figure
    turn: float = 0.0
    ease: bool = False
    loops: bool = False

    def part(self, number: int, count: int) -> float:
        """The part of its time at which a frame is shown, counted from 0."""
        return number / count if self.loops else number / (count - 1)

    def moment(self, part: float) -> Moment:
        return Moment(panels=tuple(self.turned(panel, part) for panel in self.figure.panels))

    def turned(self, panel: Panel, part: float) -> Panel:
        """The panel from where the camera then is."""
        going = part * part * (3 - 2 * part) if self.ease else part
        azimuth = (panel.camera.azimuth + self.turn * going + 180.0) % 360.0 - 180.0
        return replace(panel, camera=replace(panel.camera, azimuth=azimuth))


def turntable(figure: Figure, *, turn: float = 360.0, ease: bool = False) -> Film:
    """Every surface of the figure turned by `turn` degrees; a whole turn ends where it began. Raises QuestionError without one."""
    kept = [k for k, p in enumerate(figure.panels) if p.surface is not None and not p.heat_map]
    panels = tuple(replace(figure.panels[k], view="3d", span=1) for k in kept)
    bars = tuple(replace(bar, panels=tuple(kept.index(k) for k in bar.panels if k in kept)) for bar in figure.bars)
    if not panels:
        raise QuestionError("This figure has no surface to turn.", remedy="Choose a surface or a trajectory.")
    whole, all_turn = bool(turn) and turn % 360 == 0, len(panels) == len(figure.panels)
    kept_figure = replace(figure, panels=panels, bars=tuple(b for b in bars if b.panels), columns=min(figure.columns, len(panels)))
    if not all_turn:  # what stands beside the rows and columns is of another grid
        kept_figure = replace(kept_figure, heads=(), sides=())
    return Film(figure=kept_figure, turn=turn, ease=ease, loops=whole)


@dataclass(frozen=True, kw_only=True)
class Growth(Film):
    """A path that grows as its epochs pass. order: (k,) the epoch or step of each checkpoint; names: what they are called; losses:
    (k,) their true loss, empty or NaN where nobody knows it. pace: whether epochs pass evenly, or the path grows evenly."""

    order: Array
    names: tuple[str, ...]
    losses: Array
    pace: Pace = "epoch"

    def moment(self, part: float) -> Moment:
        at = self.place(part)
        panels = tuple(self.turned(replace(p, marks=tuple(self.grown(m, at) for m in p.marks)), part) for p in self.figure.panels)
        k = int(at + 1e-9)
        loss = float(self.losses[k]) if k < len(self.losses) else float("nan")
        known = f"   loss {loss:.3g}" if np.isfinite(loss) else ""
        return Moment(panels=panels, words=f"{self.names[k]}{known}")

    def place(self, part: float) -> float:
        """How far along the checkpoints the path reaches: 2.5 is half way from the third to the fourth."""
        done = min(part / (1 - REST), 1.0)
        order = np.asarray(self.order, float) if self.pace == "epoch" else self.lengths()
        now = order[0] + done * (order[-1] - order[0])
        return float(np.interp(now, order, np.arange(len(order))))

    def lengths(self) -> Array:
        """(k,) how long the path is up to each checkpoint, in the plane."""
        path = next(m for p in self.figure.panels for m in p.marks if isinstance(m, Path) and m.stops)
        steps = np.hypot(np.diff(np.asarray(path.x, float)), np.diff(np.asarray(path.y, float)))
        return np.concatenate([[0.0], np.cumsum(np.maximum(np.nan_to_num(steps), 1e-12))])

    @staticmethod
    def grown(mark: Mark, at: float) -> Mark:
        """The run's path up to there; any other mark as it is."""
        if not isinstance(mark, Path) or not mark.stops or len(mark.x) < 2:
            return mark
        k = int(at + 1e-9)
        x, y = np.asarray(mark.x, float), np.asarray(mark.y, float)
        index = np.arange(len(x))
        more = [at] if at - k > 1e-9 else []
        reached = [*range(k + 1), *more] if k or more else [0, 0]
        return replace(mark, x=np.interp(reached, index, x), y=np.interp(reached, index, y))


def trajectory(figure: Figure, result: TrajectoryResult, *, turn: float = 0.0, quantity: str = "", pace: Pace = "epoch") -> Film:
    """The run of an answer growing in a figure of it, whose view is 3-D or 2-D. Raises QuestionError where there is no path."""
    drawn = any(isinstance(m, Path) and m.stops and len(m.x) > 1 for p in figure.panels for m in p.marks)
    if not drawn:
        raise QuestionError("This figure shows no path of a run.", remedy="Choose a trajectory, and show it on its surface.")
    name = quantity if quantity in result.quantities else next(iter(result.quantities), "")
    losses = result.quantities[name].values if name else np.zeros(0)
    order = np.asarray(result.order, float)
    if not (np.isfinite(order).all() and (np.diff(order) > 0).all()):
        order = np.arange(len(order), dtype=float)
    return Growth(figure=figure, turn=turn, order=order, names=result.names, losses=np.asarray(losses, float), pace=pace)


@dataclass(frozen=True, kw_only=True)
class Course(Film):
    """Surfaces one after another, in the same limits; between two of them the heights pass from one to the other, which the words
    say. order: (k,) their epochs; names: what they are called; surfaces: (k,), with the same x and y."""

    order: Array
    names: tuple[str, ...]
    surfaces: tuple[Surface, ...]
    morph: bool = True

    def moment(self, part: float) -> Moment:
        last = len(self.surfaces) - 1
        at = min(part / (1 - REST), 1.0) * last
        k = min(int(at + 1e-9), last)
        way = max(0.0, (at - k - STILL) / (1 - STILL)) if self.morph and k < last else 0.0
        shown = self.surfaces[k] if way <= 0 else between(self.surfaces[k], self.surfaces[k + 1], way * way * (3 - 2 * way))
        words = self.names[k] if way <= 0 else f"{self.names[k]} to {self.names[k + 1]}"
        panel = self.figure.panels[0]
        marks = tuple(shown if isinstance(m, Surface) else m for m in panel.marks)
        return Moment(panels=(self.turned(replace(panel, marks=marks), part),), words=words)


def between(first: Surface, second: Surface, way: float) -> Surface:
    """Heights part of the way from one to the other, in the logarithm where that is shown; a hole of either is one."""
    a, b = np.asarray(first.z, float), np.asarray(second.z, float)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        z = np.exp((1 - way) * np.log(a) + way * np.log(b)) if first.scale == "log" else (1 - way) * a + way * b
    return replace(first, z=z, missing=None)


def training(
    figures: Sequence[Figure],
    order: Sequence[float],
    names: Sequence[str],
    *,
    turn: float = 0.0,
    morph: bool = True,
    labels: Sequence[str] = (),
) -> Film:
    """One surface after another, from a figure each, all within limits that hold every one of them.

    labels: of the two directions, where the figures call them by the file they are read from. Raises QuestionError for fewer than
    two, and for surfaces on other grids.
    """
    surfaces = [s for s in (f.panels[0].surface for f in figures) if s is not None]
    if len(surfaces) < 2 or len(surfaces) != len(figures):
        raise QuestionError("A film over training needs the surfaces of at least two checkpoints.")
    first = surfaces[0]
    if any(np.shape(s.z) != np.shape(first.z) for s in surfaces):
        raise QuestionError("The surfaces have grids of different sizes.", remedy="Ask for the same --steps.")
    limits = min(s.limits[0] for s in surfaces), max(s.limits[1] for s in surfaces)
    levels = contour_levels(limits, max(len(first.levels), 8), scale=first.scale)
    same = tuple(replace(s, limits=limits, levels=levels) for s in surfaces)
    panel = figures[-1].panels[0]
    marks = tuple(same[-1] if isinstance(m, Surface) else m for m in panel.marks)
    panel = replace(panel, marks=marks, z=replace(panel.z, limits=limits))
    if len(labels) == 2:
        panel = replace(panel, x=replace(panel.x, label=labels[0]), y=replace(panel.y, label=labels[1]))
    told = f"{figures[-1].caption} Shown for {len(same)} checkpoints from {names[0]} to {names[-1]}, each in the middle of its own "
    told += (
        f"surface, along the same two directions{f' ({labels[0]}; {labels[1]})' if len(labels) == 2 else ''}, in the same limits"
    )
    told += "; between two of them the heights are interpolated." if morph else "."
    drawn, sources = (tuple(item for f in figures for item in getattr(f, name)) for name in ("drawn_from", "sources"))
    figure = replace(figures[-1], panels=(panel,), caption=told.strip(), drawn_from=drawn, sources=sources)
    return Course(figure=figure, turn=turn, order=np.asarray(order, float), names=tuple(names), surfaces=same, morph=morph)
