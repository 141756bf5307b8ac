"""A panel made ready for drawing: heights, lifted paths, contour heights. NumPy only; every renderer starts from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Panel, Path, Points, Surface
from landscape_gui.fill import fill_in
from landscape_gui.results import Array
from landscape_gui.scene3d.frame import Frame, frame_of, height_at
from landscape_gui.style import SERIES, colour_table

DASH, GAP = 0.022, 0.016
"""Lengths in the scene, whose box is 1 wide."""
DASHED = DASH / (DASH + GAP)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A path on the surface: `points` (n, 3) fine enough to follow it, `stops` (k, 3) its checkpoints; NaN off the surface."""

    points: Array
    stops: Array
    colour: tuple[float, float, float]
    pins: bool = False
    """Places without a path: discs of one colour."""
    names: tuple[str, ...] = ()
    """What the pins are called."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """x: (nx,), y: (ny,) scene positions of columns and rows; heights: (ny, nx), NaN is a hole; sure: False where filled in."""

    panel: Panel
    surface: Surface
    frame: Frame
    x: Array
    y: Array
    heights: Array
    sure: Array
    levels: Array
    table: Array
    traces: tuple[Trace, ...]

    def lift(self, x: Array, y: Array) -> Array:
        """(n, 3) places on the drawn surface above data x, y; at most at the ceiling; NaN off the surface and on holes."""
        h = height_at(self.surface.x, self.surface.y, self.heights, np.asarray(x, float), np.asarray(y, float))
        return self.frame.scene(np.asarray(x), np.asarray(y), np.clip(h, 0.0, 1.0))


def model_of(panel: Panel) -> Model:
    """The panel's surface and paths. A hole that has not been computed yet is filled in from its neighbours for drawing."""
    surface = panel.surface
    if surface is None:
        raise LandscapeError("This panel has no surface to draw in 3-D.", remedy="Show it as a chart.")
    if len(surface.x) < 2 or len(surface.y) < 2:
        raise LandscapeError("A surface needs at least 2 x 2 points to be drawn.", remedy="Ask for more steps.")
    frame = frame_of(surface)
    raw = frame.heights(surface.z)
    heights, sure = _complete(surface, raw)
    bare = Model(
        panel=panel, surface=surface, frame=frame, x=frame.across(surface.x), y=frame.along(surface.y), heights=heights, sure=sure,
        levels=_levels(surface, frame), table=colour_table(surface.colour_map), traces=(),
    )  # fmt: skip
    traces = tuple(_trace(bare, mark) for mark in panel.marks if isinstance(mark, Path) and len(mark.x))
    pins = tuple(_pins(bare, mark) for mark in panel.marks if isinstance(mark, Points) and len(mark.x))
    return Model(**{**bare.__dict__, "traces": (*traces, *pins)})


def _complete(surface: Surface, raw: Array) -> tuple[Array, Array]:
    """Heights with cells that are still to come filled in; without `missing` every hole is one."""
    if surface.filled is not None:
        return raw, ~_spread(np.asarray(surface.filled, bool))
    if surface.missing is None or np.isfinite(raw).all():
        return raw, np.ones(raw.shape, bool)
    computed = np.isfinite(surface.z) | np.asarray(surface.missing, bool)
    if computed.all():
        return raw, np.ones(raw.shape, bool)
    heights, filled = fill_in(surface.x, surface.y, raw, computed)
    return heights, ~_spread(filled)


def _spread(filled: Array) -> Array:
    """Lone computed points among filled-in ones, and pairs and triples of them, are drawn like their surroundings."""
    out = filled.copy()
    for _ in range(2):
        before = out.copy()
        out[1:] |= before[:-1]
        out[:-1] |= before[1:]
        before = out.copy()
        out[:, 1:] |= before[:, :-1]
        out[:, :-1] |= before[:, 1:]
    return out


def _levels(surface: Surface, frame: Frame) -> Array:
    if not surface.contour_lines:
        return np.zeros(0)
    levels = frame.heights(np.asarray(surface.levels, np.float64))
    return levels[(levels > 1e-6) & (levels < 1 - 1e-6)]


def _trace(model: Model, path: Path) -> Trace:
    """Every piece is cut into steps of about a grid cell, so that the line follows the surface."""
    x, y = np.asarray(path.x, np.float64), np.asarray(path.y, np.float64)
    cell = np.array([model.frame.x[1] - model.frame.x[0], model.frame.y[1] - model.frame.y[0]])
    cell = np.abs(cell) / (max(len(model.x), len(model.y)) - 1)
    steps = np.maximum(np.abs(np.diff(x)) / cell[0], np.abs(np.diff(y)) / cell[1])
    counts = np.clip(np.ceil(np.nan_to_num(steps)), 1, 400).astype(int)
    at = np.concatenate([k + np.arange(n) / n for k, n in enumerate(counts)] + [np.array([len(x) - 1.0])])
    index = np.arange(len(x))
    points = model.lift(np.interp(at, index, x), np.interp(at, index, y))
    if path.dash:
        points = _broken(points)
    return Trace(points=points, stops=model.lift(x, y) if path.stops else np.zeros((0, 3)), colour=rgb(path.ink))


def _broken(points: Array) -> Array:
    """The line in dashes: finer steps, with NaN in the gaps."""
    lengths = np.concatenate([[0.0], np.cumsum(np.nan_to_num(np.linalg.norm(np.diff(points, axis=0), axis=1)))])
    count = max(1, round(lengths[-1] / (DASH + GAP)))
    period = lengths[-1] / count if lengths[-1] > 0 else 1.0
    at = np.unique(
        np.concatenate([lengths, *(period * (np.arange(count) + part) for part in (0.0, 0.5 * DASHED, DASHED, 1 - 1e-6))])
    )
    fine = np.stack([np.interp(at, lengths, points[:, k]) for k in range(3)], axis=1)
    fine[(at / period) % 1 > DASHED + 1e-6] = np.nan
    return fine


def _pins(model: Model, mark: Points) -> Trace:
    stops = model.lift(np.asarray(mark.x, np.float64), np.asarray(mark.y, np.float64))
    return Trace(points=np.zeros((0, 3)), stops=stops, colour=rgb(SERIES[mark.colour % len(SERIES)]), pins=True, names=mark.names)


def rgb(text: str) -> tuple[float, float, float]:
    """ "#RRGGBB" as three numbers in [0, 1]."""
    red, green, blue = (int(text[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue
