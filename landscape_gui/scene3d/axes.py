"""Where the box, its ticks and its labels lie in a view: the same layout is drawn by OpenGL, by Pillow and on paper. NumPy only.

Labels never touch one another and never leave the view: ticks are thinned, titles are pushed outwards, and a label that still
finds no place is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from landscape_gui.figure import Camera, Panel
from landscape_gui.results import Array
from landscape_gui.scene3d.camera import Margins, Projection, move, project
from landscape_gui.scene3d.frame import Frame
from landscape_gui.style import format_number, log_ticks, nice_ticks

Measure = Callable[[str, float], float]
"""Width in pixels of a text at a font size in pixels."""

LINE = 0.95
"""Height that a line of text takes up, over its font size."""


@dataclass(frozen=True, kw_only=True)
class Lettering:
    """Font sizes and lengths in logical pixels, and what measures a text."""

    measure: Measure
    tick: float = 12.0
    title: float = 13.0
    tick_length: float = 5.0
    gap: float = 4.0
    margin: float = 8.0
    z_title: bool = True


@dataclass(frozen=True, kw_only=True)
class Label:
    """Text centred at (x, y) pixels, turned by `angle` degrees counter-clockwise; size: font size in pixels."""

    text: str
    x: float
    y: float
    size: float
    width: float
    angle: float = 0.0
    title: bool = False

    @cached_property
    def corners(self) -> Array:
        """(4, 2) corners of what the text covers."""
        a = np.radians(self.angle)
        along, across = np.array([np.cos(a), -np.sin(a)]) * self.width / 2, np.array([np.sin(a), np.cos(a)]) * self.size * LINE / 2
        middle = np.array([self.x, self.y])
        return np.array([middle - along - across, middle + along - across, middle + along + across, middle - along + across])


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Line segments (n, 2, 2) and labels in pixels: `grid` on the back walls and floor, `edges` of the box, `ticks`."""

    grid: Array
    edges: Array
    ticks: Array
    labels: tuple[Label, ...]

    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of everything."""
        points = np.concatenate([self.edges.reshape(-1, 2), self.ticks.reshape(-1, 2), *(label.corners for label in self.labels)])
        return (*points.min(axis=0), *points.max(axis=0))


@dataclass(frozen=True, kw_only=True)
class _Edge:
    """One axis: scene positions of its two ends and the outward direction of its ticks."""

    start: Array
    end: Array
    outward: Array
    low: float
    high: float
    log: bool
    title: str


NO_TICKS: tuple[Array, Array, list[Label]] = (np.zeros(0), np.zeros((0, 2, 2)), [])
"""Of a height where no cell is finite."""


def margins(frame: Frame, panel: Panel, style: Lettering) -> Margins:
    """Room that labels need around the box at any azimuth."""
    low, high = frame.z
    ticks = log_ticks(low, high) if frame.scale == "log" else nice_ticks(low, high, 5)
    widest = max([style.measure(format_number(t), style.tick) for t in ticks], default=0.0)
    step = style.margin + style.tick_length + 2 * style.gap
    title = style.title * LINE + style.gap
    left = step + widest + (title if _z_title(panel, frame, style) else 0.0)
    below = step + style.tick * LINE + (1.15 * title if panel.x.text or panel.y.text else 0.0)
    ends = max([style.measure(format_number(t), style.tick) for t in (*frame.x, *frame.y)], default=0.0)
    return left, style.margin + style.tick / 2, step + ends * 0.6 + style.gap, below


def layout(frame: Frame, panel: Panel, projection: Projection, style: Lettering, *, bounded: bool = True) -> Layout:
    """Everything around the surface for one view; the walls shown are those behind the surface. About a millisecond.

    bounded: leave out labels that do not fit into the view.
    """
    sx, sy = (-1 if projection.eye[0] <= 1e-9 else 1), (-1 if projection.eye[1] <= 1e-9 else 1)
    tall = frame.top
    edges = _edges_of(frame, panel, projection, sx, sy, style)
    pixels = lambda p: projection.points(np.array(p, float))[:, :2].reshape(-1, 2, 2)  # noqa: E731
    labels: list[Label] = []
    marks: list[Array] = []
    chosen: list[Array] = []
    for edge in edges:
        bare = edge is edges[0] and panel.surface is not None and not panel.surface.has_scale
        at, lines, texts = NO_TICKS if bare else _tick_labels(edge, projection, style, labels)
        chosen.append(at)
        marks.append(lines)
        labels += texts
        labels += _title(edge, projection, style, lines, texts, labels)
    z, x, y = chosen
    bx, by = -sx * 0.5, -sy * 0.5
    return Layout(
        grid=pixels(_grid(x, y, z, bx, by, tall)),
        edges=pixels(_outline(sx, sy, tall)),
        ticks=np.concatenate(marks) if marks else np.zeros((0, 2, 2)),
        labels=tuple(label for label in labels if not bounded or _fits(label, projection.size)),
    )


def tight(frame: Frame, panel: Panel, camera: Camera, size: tuple[float, float], style: Lettering) -> tuple[Projection, Layout]:
    """A view in which box and labels fill the page inside the margin: for paper, where nothing turns."""
    projection = project(camera, size, frame.top, margins(frame, panel, style), turntable=False)
    found = layout(frame, panel, projection, style, bounded=False)
    for _ in range(12):
        left, top, right, bottom = found.extent()
        room = size[0] - 2 * style.margin, size[1] - 2 * style.margin
        grow = min((room[0] - (right - left)) / size[0], (room[1] - (bottom - top)) / size[1])
        magnify = float(np.clip(1 + grow, 0.5, 1.6)) if camera.distance == 1.0 else 1.0
        by = (size[0] / 2 - (left + right) / 2, size[1] / 2 - (top + bottom) / 2)
        if abs(magnify - 1) < 2e-3 and max(map(abs, by)) < 0.3:
            break
        projection = move(projection, camera, frame.top, magnify=magnify, by=by if camera.pan == (0.0, 0.0) else (0.0, 0.0))
        found = layout(frame, panel, projection, style, bounded=False)
    return _complete(frame, panel, camera, projection, style)


def _complete(frame: Frame, panel: Panel, camera: Camera, projection: Projection, style: Lettering) -> tuple[Projection, Layout]:
    """The view drawn a little smaller until no label falls off the page: breaking a title in two lines or not may never settle."""
    for _ in range(10):
        found, whole = layout(frame, panel, projection, style), layout(frame, panel, projection, style, bounded=False)
        if len(found.labels) == len(whole.labels) or camera.distance != 1.0 or camera.pan != (0.0, 0.0):
            break
        left, top, right, bottom = whole.extent()
        by = (projection.size[0] / 2 - (left + right) / 2, projection.size[1] / 2 - (top + bottom) / 2)
        projection = move(projection, camera, frame.top, magnify=0.97, by=by)
    return projection, found


def _z_title(panel: Panel, frame: Frame, style: Lettering) -> str:
    if not style.z_title:
        return ""
    text = panel.z.text or (panel.surface.label if panel.surface else "")
    return f"{text}, log scale" if text and frame.scale == "log" else text


def _edges_of(frame: Frame, panel: Panel, projection: Projection, sx: int, sy: int, style: Lettering) -> tuple[_Edge, _Edge, _Edge]:
    """The z axis on the silhouette at the left, x and y along the floor's front edges."""
    log, h, tall = frame.scale == "log", 0.5, frame.top
    zx, zy = min(((-sx * h, sy * h), (sx * h, -sy * h)), key=lambda c: float(np.dot(c, projection.right[:2])))
    out = np.array([np.sign(zx), 0, 0]) if zx == sx * h else np.array([0, np.sign(zy), 0.0])
    z = _Edge(
        start=np.array([zx, zy, 0]), end=np.array([zx, zy, tall]), outward=out,
        low=frame.z[0], high=frame.z[1], log=log, title=_z_title(panel, frame, style),
    )  # fmt: skip
    x = _Edge(
        start=np.array([-h, sy * h, 0]), end=np.array([h, sy * h, 0]), outward=np.array([0, sy, 0.0]),
        low=frame.x[0], high=frame.x[1], log=False, title=panel.x.text,
    )  # fmt: skip
    y = _Edge(
        start=np.array([sx * h, -h, 0]), end=np.array([sx * h, h, 0]), outward=np.array([sx, 0, 0.0]),
        low=frame.y[0], high=frame.y[1], log=False, title=panel.y.text,
    )  # fmt: skip
    return z, x, y


def _grid(x: Array, y: Array, z: Array, bx: float, by: float, tall: float) -> list[tuple[float, float, float]]:
    """Segments on the floor and the two back walls, at the ticks (places 0 to 1 along each axis)."""
    lines: list[tuple[float, float, float]] = []
    for p in x - 0.5:
        lines += [(p, -0.5, 0), (p, 0.5, 0), (p, by, 0), (p, by, tall)]
    for p in y - 0.5:
        lines += [(-0.5, p, 0), (0.5, p, 0), (bx, p, 0), (bx, p, tall)]
    for p in z * tall:
        lines += [(bx, -0.5, p), (bx, 0.5, p), (-0.5, by, p), (0.5, by, p)]
    return lines or [(bx, by, 0), (bx, by, 0)]


def _outline(sx: int, sy: int, tall: float) -> list[tuple[float, float, float]]:
    """The floor's four edges and the outlines of the two back walls."""
    bx, by, fx, fy = -sx * 0.5, -sy * 0.5, sx * 0.5, sy * 0.5
    corners = [(fx, fy, 0), (bx, fy, 0), (bx, by, 0), (fx, by, 0), (bx, fy, tall), (bx, by, tall), (fx, by, tall)]
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (1, 4), (2, 5), (3, 6), (4, 5), (5, 6)]
    return [corners[k] for pair in pairs for k in pair]


def _ticks(edge: _Edge, count: int) -> tuple[Array, Array]:
    """Tick values and their places along the edge, 0 to 1."""
    low, high = sorted((edge.low, edge.high))
    if edge.log:
        values = log_ticks(low, high)
        values = values[:: max(1, -(-len(values) // max(count + 2, 1)))]
        return values, np.log(values / edge.low) / np.log(edge.high / edge.low)
    values = nice_ticks(low, high, count)
    return values, (values - edge.low) / (edge.high - edge.low)


def _tick_labels(edge: _Edge, projection: Projection, style: Lettering, placed: list[Label]) -> tuple[Array, Array, list[Label]]:
    """Places of the ticks, their lines and labels: as many as fit without touching."""
    ends = projection.points(np.stack([edge.start, edge.end]))[:, :2]
    length = float(np.hypot(*(ends[1] - ends[0])))
    for count in (5, 4, 3, 2):
        values, places = _ticks(edge, count)
        if length < 2.2 * style.tick or len(values) == 0:
            break
        lines = _tick_lines(edge, projection, style, places)
        texts = [_beside(format_number(v), line, style) for v, line in zip(values, lines, strict=True)]
        if not any(_touch(a, b, style.gap) for a, b in pairwise(texts)):
            return places, lines, [t for t in texts if not _any_touch(t, placed, style.gap / 2)]
    return _ticks(edge, 2)[1], np.zeros((0, 2, 2)), []


def _tick_lines(edge: _Edge, projection: Projection, style: Lettering, places: Array) -> Array:
    """(n, 2, 2) marks pointing away from the box, all of one length on the screen."""
    feet = edge.start + places[:, None] * (edge.end - edge.start)
    a = projection.points(feet)[:, :2]
    b = projection.points(feet + 0.05 * edge.outward)[:, :2]
    step = b - a
    size = np.hypot(step[:, 0], step[:, 1])[:, None]
    flat = size < 0.012 * projection.scale
    step = np.where(flat, _outward(edge, projection), step / np.maximum(size, 1e-9))
    return np.stack([a, a + style.tick_length * step], axis=1)


def _outward(edge: _Edge, projection: Projection) -> Array:
    """Unit vector on the screen, perpendicular to the edge, away from the box's middle."""
    a, b = projection.points(np.stack([edge.start, edge.end]))[:, :2]
    along = (b - a) / max(float(np.hypot(*(b - a))), 1e-9)
    normal = np.array([-along[1], along[0]])
    away = (a + b) / 2 - projection.points(projection.centre)[0, :2]
    return normal if normal @ away >= 0 else -normal


def _beside(text: str, line: Array, style: Lettering) -> Label:
    """A label just beyond the end of its tick."""
    step = (line[1] - line[0]) / max(float(np.hypot(*(line[1] - line[0]))), 1e-9)
    width = style.measure(text, style.tick)
    clear = style.gap + _support(width, style.tick * LINE, step)
    x, y = line[1] + clear * step
    return Label(text=text, x=float(x), y=float(y), size=style.tick, width=width)


def _support(width: float, height: float, direction: Array) -> float:
    """How far a box's middle must be moved along a direction for the box to clear its starting point."""
    dx, dy = abs(float(direction[0])), abs(float(direction[1]))
    return min(width / 2 / dx if dx > 1e-9 else np.inf, height / 2 / dy if dy > 1e-9 else np.inf)


def _title(
    edge: _Edge, projection: Projection, style: Lettering, lines: Array, ticks: list[Label], placed: list[Label]
) -> list[Label]:
    """The axis title along its edge, beyond the tick labels, in one line or two; pushed outwards until it touches nothing."""
    ends = projection.points(np.stack([edge.start, edge.end]))[:, :2]
    length = float(np.hypot(*(ends[1] - ends[0])))
    if not edge.title or length < 4 * style.tick:
        return []
    away, middle = _outward(edge, projection), ends.mean(axis=0)
    reach = [float((corner - middle) @ away) for label in ticks for corner in label.corners]
    reach += [float((p - middle) @ away) for p in lines.reshape(-1, 2)]
    far = max(reach, default=0.0) + style.gap + style.title * LINE / 2
    along = ends[1] - ends[0]
    angle = float(np.degrees(np.arctan2(-along[1], along[0])))
    angle = angle - 180 if angle > 90.001 else angle + 180 if angle <= -89.999 else angle
    texts = _broken(edge.title, style, max(1.08 * length, 0.3 * min(projection.size)))
    down = np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    texts = texts if down @ away >= 0 else texts[::-1]
    for push in np.arange(0.0, 4.0, 0.25) * style.title:
        found = []
        for k, text in enumerate(texts):
            x, y = middle + (far + push + 1.15 * k * style.title) * away
            width = style.measure(text, style.title)
            found.append(Label(text=text, x=float(x), y=float(y), size=style.title, width=width, angle=angle, title=True))
        if not any(_any_touch(label, placed, style.gap / 2) for label in found):
            return found
    return []


def _broken(text: str, style: Lettering, room: float) -> list[str]:
    """In two lines, at the space nearest to the middle, where one is too long; what is longer still is cut short."""
    spaces = [k for k, c in enumerate(text) if c == " "]
    if style.measure(text, style.title) <= room or not spaces:
        return [_shortened(text, style, 1.3 * room)]
    at = min(spaces, key=lambda k: abs(k - len(text) / 2))
    return [_shortened(part, style, 1.3 * room) for part in (text[:at], text[at + 1 :])]


def _shortened(text: str, style: Lettering, room: float) -> str:
    if style.measure(text, style.title) <= room:
        return text
    while len(text) > 4 and style.measure(text + "…", style.title) > room:
        text = text[:-1].rstrip()
    return text + "…"


def _fits(label: Label, size: tuple[float, float]) -> bool:
    points = label.corners
    return bool((points >= 1.0).all() and (points <= np.array(size) - 1.0).all())


def _any_touch(label: Label, others: list[Label], gap: float) -> bool:
    return any(_touch(label, other, gap) for other in others)


def _touch(a: Label, b: Label, gap: float) -> bool:
    """Whether two turned boxes come nearer than `gap`: by separating axes."""
    reach = (a.width + b.width + (a.size + b.size) * LINE) / 2 + gap
    if abs(a.x - b.x) > reach or abs(a.y - b.y) > reach:
        return False
    if a.angle == b.angle == 0:
        return abs(a.x - b.x) < (a.width + b.width) / 2 + gap and abs(a.y - b.y) < (a.size + b.size) * LINE / 2 + gap
    p, q = a.corners, b.corners
    for corners in (p, q):
        for side in (corners[1] - corners[0], corners[3] - corners[0]):
            unit = side / max(float(np.hypot(*side)), 1e-9)
            s, t = p @ unit, q @ unit
            if s.max() + gap <= t.min() or t.max() + gap <= s.min():
                return False
    return True
