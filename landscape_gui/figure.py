"""Marks: what a figure shows, without a toolkit. The canvases and the exporters draw the same marks. NumPy only.

A `Panel` with view "3d" draws its `Surface` as a height field and lifts `Path`s onto it; with view "2d" the same marks are
filled contours and lines; with view "chart" the panel holds lines, bands, points, needles, bars and rules over x, and a
`Surface` among them is a heat map beneath them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from landscape_gui.results import Array, Provenance, Result
from landscape_gui.style import SERIES, TRAJECTORY

View = Literal["3d", "2d", "chart"]
Scale = Literal["linear", "log"]


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A turntable camera: degrees; distance 1 is the default framing; pan in units of the box."""

    azimuth: float = -35.0
    elevation: float = 32.0
    distance: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Look:
    """How an answer is looked at: everything about a picture that is not the numbers. Part of no key.

    quantity: name of the quantity shown (empty: the probe's first); statistic: for several draws, "first", "median", "minimum",
    "maximum" or "spread"; limits: colour and height range (None: from the data); colour_map: a name in `style.COLOUR_MAPS`;
    levels: number of contour intervals; height: relief relative to the default (1); width: standard deviation of the kernel that
    smooths a spectral density, in units of the eigenvalues (0: a hundredth of their range); barrier: what the marked barriers of
    paths are measured from, a name in `connection_texts.DEFINITIONS`.
    """

    view: View = "3d"
    quantity: str = ""
    statistic: str = "first"
    scale: Scale = "linear"
    limits: tuple[float, float] | None = None
    colour_map: str = "viridis"
    levels: int = 14
    contour_lines: bool = True
    contour_labels: bool = True
    shading: float = 1.0
    height: float = 1.0
    trajectory: bool = True
    camera: Camera = Camera()
    title: bool = True
    width: float = 0.0
    barrier: str = "above_line"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """names: where the axis counts categories, what stands at 0, 1, 2, ..., instead of numbers; help: what the label stands for,
    said where one points at it."""

    label: str = ""
    unit: str = ""
    limits: tuple[float, float] | None = None
    scale: Scale = "linear"
    names: tuple[str, ...] = ()
    help: str = ""

    @property
    def text(self) -> str:
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Values z (ny, nx) over x (nx,), y (ny,). NaN and inf are holes; `missing`: (ny, nx), True where a hole is a value that was
    computed and is not finite (hatched), False where it has not been computed yet. `filled`: (ny, nx), True where z was filled in
    between computed values for the moment; drawn paler."""

    x: Array
    y: Array
    z: Array
    limits: tuple[float, float]
    missing: Array | None = None
    filled: Array | None = None
    scale: Scale = "linear"
    colour_map: str = "viridis"
    levels: tuple[float, ...] = ()
    contour_lines: bool = True
    contour_labels: bool = True
    shading: float = 1.0
    height: float = 1.0
    label: str = ""
    unit: str = ""

    @property
    def has_scale(self) -> bool:
        """Whether any cell is finite; where none is, `limits` mean nothing and no scale is shown."""
        return bool(np.isfinite(self.z).any())


@dataclass(frozen=True, kw_only=True)
class Path:
    """A trajectory in a plane: (k,) x and y; drawn on the surface in 3-D and on the contours in 2-D, start and end marked.

    stops: without them it is a bare line in a colour of `style.SERIES`, named in a legend; dash: broken.
    """

    x: Array
    y: Array
    names: tuple[str, ...] = ()
    label: str = ""
    colour: int = 0
    stops: bool = True
    dash: bool = False

    @property
    def ink(self) -> str:
        """Its colour as "#RRGGBB"."""
        return TRAJECTORY if self.stops and self.colour == 0 else SERIES[self.colour % len(SERIES)]


@dataclass(frozen=True, kw_only=True)
class Line:
    x: Array
    y: Array
    label: str = ""
    colour: int = 0
    dash: bool = False
    width: float = 1.0
    right: bool = False
    """On the right-hand axis (`Panel.right`)."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """Shaded between low and high: a standard error, or minimum to maximum; `label` says which."""

    x: Array
    low: Array
    high: Array
    label: str = ""
    colour: int = 0
    right: bool = False


@dataclass(frozen=True, kw_only=True)
class Points:
    x: Array
    y: Array
    label: str = ""
    marker: Literal["disc", "star", "diamond", "square", "cross"] = "disc"
    size: float = 6.0
    colour: int = 0
    names: tuple[str, ...] = ()
    right: bool = False


@dataclass(frozen=True, kw_only=True)
class Needles:
    """Single values of a spectrum as upright lines from the foot of the panel: at x (k,), as high as height (k,), both in the
    panel's units (on a logarithmic axis the lines begin at its lower end), with a head on top.

    residuals: (k,) how far from x the true value may be (a bound), read out beside it; names: (k,) what each is called; vectors:
    (k,) the number of the eigenvector that each stands for, counted as `Surface(which=...)` does; empty where none is kept. A
    needle with a vector can be clicked.
    """

    x: Array
    height: Array
    residuals: Array | None = None
    names: tuple[str, ...] = ()
    vectors: tuple[int, ...] = ()
    label: str = ""
    colour: int = 1
    right: bool = False


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar for each of names (k,), values (k,), the first on top, with errors (k,) as whiskers to either side (NaN: none).

    Names stand on the left and values along x (the panel's `y` may name the categories). Several `Bars` of one panel, with the
    same names, stand in groups.
    """

    names: tuple[str, ...]
    values: Array
    errors: Array | None = None
    label: str = ""
    colour: int = 0


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A straight line across the panel at `at`, with a label at its end."""

    at: float
    orientation: Literal["horizontal", "vertical"] = "vertical"
    label: str = ""
    dash: bool = True


@dataclass(frozen=True, kw_only=True)
class Note:
    """A sentence in a corner of the panel."""

    text: str
    corner: Literal["top left", "top right", "bottom left", "bottom right"] = "top left"


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Words in the middle of (x, y), both (k,): the values in the cells of a heat map, the names in a graph.

    room: width and height in the panel's units that each of them has; all shrink alike until the longest fits, and are left out
    where nobody could read them. None: no limit. lift: ems by which they stand above the place (below: negative). ink: colours
    (k,), "" for the theme's; backed: on a patch of the background's colour.
    """

    x: Array
    y: Array
    texts: tuple[str, ...]
    room: tuple[float, float] | None = None
    lift: float = 0.0
    ink: tuple[str, ...] = ()
    backed: bool = False
    size: float = 1.0


Mark = Surface | Path | Line | Band | Points | Needles | Bars | Rule | Texts | Note


@dataclass(frozen=True, kw_only=True)
class Moments:
    """The checkpoints of runs that a panel shows, so that one that is pointed at in a panel is found in all of them.

    order: (k,) where each stands along its run, in the units that all panels have in common; run: (k,) which run it is of, from 0;
    names: what each is called; words: what is read out of this panel there. x, y: (k,) where each lies in the panel, None where the
    panel is over `order` itself.
    """

    order: Array
    run: Array
    names: tuple[str, ...]
    words: tuple[str, ...] = ()
    x: Array | None = None
    y: Array | None = None

    def nearest(self, order: float) -> tuple[int, ...]:
        """The checkpoint next to a place along the runs, of each run that goes so far; of the first where none does."""
        distance, found = np.abs(self.order - order), []
        for r in np.unique(self.run):
            own = self.order[self.run == r]
            if own.min() <= order <= own.max():
                found.append(int(np.argmin(np.where(self.run == r, distance, np.inf))))
        return tuple(found) or (int(np.argmin(distance)),)


@dataclass(frozen=True, kw_only=True)
class Panel:
    marks: tuple[Mark, ...]
    view: View = "chart"
    x: Axis = Axis()
    y: Axis = Axis()
    z: Axis = Axis()
    right: Axis | None = None
    title: str = ""
    camera: Camera = Camera()
    equal: bool = False
    """A unit along x is as long as one along y."""
    inches: float = 0.0
    """The width that a page should give it; 0: a column."""
    span: int = 1
    """Columns of the figure's grid that it takes."""
    bar: bool = True
    """Its surface has a colour bar of its own; False where `Figure.bars` has one for it."""
    moments: Moments | None = None
    """The checkpoints that can be pointed at."""

    @property
    def surface(self) -> Surface | None:
        return next((m for m in self.marks if isinstance(m, Surface)), None)

    @property
    def key(self) -> tuple[Path, ...]:
        """The lines on a plane that a legend must name."""
        return tuple(m for m in self.marks if isinstance(m, Path) and not m.stops and m.label) if self.surface is not None else ()

    @property
    def heat_map(self) -> bool:
        """Whether the panel's surface is a heat map under lines, over axes of different kinds, rather than a plane."""
        if self.surface is None or self.view == "3d":
            return False
        return self.view == "chart" or bool(self.x.names or self.y.names) or any(isinstance(m, Line) for m in self.marks)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the bars, from the top."""
        return next((m.names for m in self.marks if isinstance(m, Bars)), ())


@dataclass(frozen=True, kw_only=True)
class SharedBar:
    """One colour bar for panels (their numbers, from 0) whose colours mean the same; right of them or below them."""

    panels: tuple[int, ...]
    place: Literal["right", "below"] = "right"


@dataclass(frozen=True, kw_only=True)
class Source:
    """An answer that a figure shows, and how it is looked at there: enough to draw it the same again."""

    result: Result
    look: Look


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One or more panels, under a title where they have one in common, with what they show: `facts` are label and value pairs for
    the panel "What this shows" and for the metadata of an exported file, `caption` the same in sentences.
    `drawn_from`: the answers themselves, which a question's `figure` fills in.

    columns: of the grid that the panels fill row by row (0: as suits the page); heads, sides: what stands above each column and
    left of each row; bars: colour bars that several panels have in common. sources: where the numbers of each answer come from,
    of a figure that is composed of several (`provenance` is then the first's); empty: `provenance` alone.

    extra: what the window is told besides: "suggested_scale"; "quantity"; "width", the kernel's width that was used, where
    `Look.width` counts, and "widths", the smallest and largest that make sense.
    """

    panels: tuple[Panel, ...]
    facts: tuple[tuple[str, str], ...] = ()
    caption: str = ""
    provenance: Provenance = field(default_factory=Provenance)
    extra: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    columns: int = 0
    heads: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    bars: tuple[SharedBar, ...] = ()
    sources: tuple[Provenance, ...] = ()
    drawn_from: tuple[Source, ...] = ()

    @property
    def is_of_many(self) -> bool:
        """Whether its panels are small ones in a grid."""
        return self.columns > 2 and len(self.panels) > 3


def marks_alone(figure: Figure) -> Figure:
    """The figure without the answers that it was drawn from, which may be large: for what only draws it, in another process say."""
    return replace(figure, drawn_from=())


def finite_limits(z: Array, *, scale: Scale = "linear") -> tuple[float, float]:
    """Smallest and largest finite value (positive ones only on a logarithmic scale); (0, 1) where there is none."""
    ok = np.isfinite(z) & (z > 0) if scale == "log" else np.isfinite(z)
    if not ok.any():
        return (1e-3, 1.0) if scale == "log" else (0.0, 1.0)
    low, high = float(z[ok].min()), float(z[ok].max())
    if low == high:
        pad = abs(low) * 0.05 or 0.5
        low, high = (low / 1.1, high * 1.1) if scale == "log" else (low - pad, high + pad)
    return low, high


def contour_levels(limits: tuple[float, float], count: int, *, scale: Scale = "linear") -> tuple[float, ...]:
    """Round values inside the limits, about `count` intervals, evenly spaced: steps of 1, 2, 2.5 or 5 times a power of ten; on a
    logarithmic scale whole fractions or multiples of a decade."""
    low, high = limits
    if count < 2 or not low < high or (scale == "log" and low <= 0):
        return ()
    if scale == "log":
        low, high = float(np.log10(low)), float(np.log10(high))
        raw = (high - low) / count
        step = 1 / max(1, round(1 / raw)) if raw < 0.75 else float(round(raw))
    else:
        raw = (high - low) / count
        magnitude = 10.0 ** np.floor(np.log10(raw))
        step = min((1, 2, 2.5, 5, 10), key=lambda m: abs(m * magnitude - raw)) * magnitude
    first, last = int(np.floor(low / step)) + 1, int(np.ceil(high / step)) - 1
    inside = step * np.arange(first, last + 1)
    edge = 1e-6 * (high - low)
    inside = inside[(inside > low + edge) & (inside < high - edge)]
    inside = np.where(np.abs(inside) < 1e-9 * step, 0.0, inside)
    return tuple(float(v) for v in (10.0**inside if scale == "log" else inside))
