"""The 3-D picture without OpenGL: cells painted from back to front with Pillow. Slower, and nearly the same picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from landscape_gui.results import Array
from landscape_gui.scene3d.axes import Label, Layout
from landscape_gui.scene3d.camera import EYE_DISTANCE, Projection
from landscape_gui.scene3d.frame import height_at
from landscape_gui.scene3d.lettering import text_mask
from landscape_gui.scene3d.model import Model, Trace, rgb
from landscape_gui.style import END, Theme

FINER = 2


def paint(
    model: Model,
    projection: Projection,
    layout: Layout | None,
    pixels: tuple[int, int],
    scale: float,
    background: Array,
    theme: Theme,
) -> Array:
    """(height, width, 3) float32, 0 to 255. layout None: the bare surface. About 4 s for 201 x 201 cells."""
    finer = FINER if max(pixels) <= 4096 else 1
    size, factor = (pixels[0] * finer, pixels[1] * finer), scale * finer
    image = Image.new("RGB", size, _bytes(background))
    draw = ImageDraw.Draw(image, "RGBA")
    if layout is not None:
        for lines, alpha, width in ((layout.grid, 0.15, 0.8), (layout.edges, 0.5, 1.0), (layout.ticks, 0.65, 1.0)):
            _segments(draw, lines * factor, (*_bytes(rgb(theme.ink)), round(255 * alpha)), max(1, round(width * factor)))
    _cells(draw, model, projection, factor, rgb(theme.background))
    for trace in model.traces:
        _trace(draw, trace, model, projection, factor)
    if finer > 1:
        image = image.resize(pixels, Image.Resampling.BOX)
    if layout is not None:
        for label in layout.labels:
            _letter(image, label, scale, _bytes(rgb(theme.ink)))
    return np.asarray(image, np.float32)


def _cells(draw: Any, model: Model, projection: Projection, factor: float, paper: tuple[float, float, float]) -> None:
    """Paints every cell, the farthest first."""
    h = np.clip(model.heights, 0.0, 1.0)
    x, y = np.broadcast_arrays(model.x[None, :], model.y[:, None])
    points = np.stack([x, y, h * model.frame.top], axis=-1)
    flat = projection.points(points.reshape(-1, 3))
    at = flat[:, :2].reshape(*h.shape, 2) * factor
    colours = _colours(model, points, projection, paper)
    rows, columns = (np.arange(n - 1) for n in h.shape)
    rows = rows if (model.y[-1] - model.y[0]) * projection.eye[1] > 0 else rows[::-1]
    columns = columns if (model.x[-1] - model.x[0]) * projection.eye[0] > 0 else columns[::-1]
    inside = (model.heights >= -1e-4) & (model.heights <= 1.0001)
    whole = inside[:-1, :-1] & inside[:-1, 1:] & inside[1:, :-1] & inside[1:, 1:]
    lined = _lines(model, at)
    for j in rows:
        for i in columns:
            if whole[j, i]:
                quad = [tuple(at[j, i]), tuple(at[j, i + 1]), tuple(at[j + 1, i + 1]), tuple(at[j + 1, i])]
                colour = tuple(int(v) for v in colours[j, i])
                draw.polygon(quad, fill=colour, outline=colour)
                for piece in lined.get((int(j), int(i)), ()):
                    draw.line(piece, fill=(10, 10, 18, 130), width=max(1, round(factor)))


def _colours(model: Model, points: Array, projection: Projection, paper: tuple[float, float, float]) -> Array:
    """(ny - 1, nx - 1, 3) uint8 lit colours of the cells."""
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    n = np.cross((b - a) + (d - c), (c - a) + (d - b))
    n /= np.maximum(np.linalg.norm(n, axis=-1, keepdims=True), 1e-12)
    n *= np.sign(n @ projection.eye)[..., None]
    eye, right = projection.eye, projection.right
    key = _unit(eye + np.array([0, 0, 0.78]) - 0.9 * right)
    soft = 0.09 * np.array([0, 0, 1.0]) + 0.1 * _unit(eye + 0.8 * right + np.array([0, 0, 0.2]))
    mean = (model.heights[:-1, :-1] + model.heights[:-1, 1:] + model.heights[1:, :-1] + model.heights[1:, 1:]) / 4
    base = model.table[np.clip(np.nan_to_num(mean) * 255, 0, 255).astype(int)]
    gloss = np.clip(n @ _unit(key + eye), 0, 1) ** 32
    lit = base * (0.47 + n @ soft + 0.5 * np.clip(n @ key, 0, 1))[..., None] + 0.12 * gloss[..., None]
    colour = base + (lit - base) * model.surface.shading
    unsure = ~(model.sure[:-1, :-1] & model.sure[1:, 1:])
    grey = (colour @ np.array([0.30, 0.59, 0.11]))[..., None]
    colour = np.where(unsure[..., None], 0.58 * colour + 0.42 * (0.75 * grey + 0.25 * np.array(paper)), colour)
    return np.clip(np.nan_to_num(colour) * 255, 0, 255).astype(np.uint8)


def _lines(model: Model, at: Array) -> dict[tuple[int, int], list[list[tuple[float, float]]]]:
    """Contour lines by the cell that they cross, in pixels."""
    found: dict[tuple[int, int], list[list[tuple[float, float]]]] = {}
    h = model.heights
    for level in model.levels:
        for triangle in (((0, 0), (0, 1), (1, 1)), ((0, 0), (1, 1), (1, 0))):
            corner = [h[j : h.shape[0] - 1 + j, i : h.shape[1] - 1 + i] for j, i in triangle]
            place = [at[j : at.shape[0] - 1 + j, i : at.shape[1] - 1 + i] for j, i in triangle]
            with np.errstate(invalid="ignore"):
                above = [c > level for c in corner]
                crossed = (above[0] != above[1]) | (above[1] != above[2])
            crossed &= np.isfinite(corner[0]) & np.isfinite(corner[1]) & np.isfinite(corner[2])
            for j, i in zip(*np.nonzero(crossed), strict=True):
                ends = []
                for p, q in ((0, 1), (1, 2), (2, 0)):
                    if above[p][j, i] != above[q][j, i]:
                        w = (level - corner[p][j, i]) / (corner[q][j, i] - corner[p][j, i])
                        ends.append(tuple(place[p][j, i] + w * (place[q][j, i] - place[p][j, i])))
                if len(ends) == 2:
                    found.setdefault((int(j), int(i)), []).append(ends)
    return found


def _trace(draw: Any, trace: Trace, model: Model, projection: Projection, factor: float) -> None:
    """The path, its start and its end; pale where the surface is in front."""
    if len(trace.points):
        points = projection.points(trace.points)[:, :2] * factor
        seen = _seen(trace.points, model, projection)
        pieces, open_ = np.stack([points[:-1], points[1:]], axis=1), seen[:-1] & seen[1:]
        _segments(draw, pieces[~open_], (*_bytes(trace.colour), 56), max(1, round(2.4 * factor)))
        _segments(draw, pieces[open_], (255, 255, 255, 217), max(1, round(4.4 * factor)))
        _segments(draw, pieces[open_], (*_bytes(trace.colour), 255), max(1, round(2.4 * factor)))
    stops, clear = projection.points(trace.stops)[:, :2] * factor, _seen(trace.stops, model, projection)
    ends = ((0, 5.2, (255, 255, 255)), (-1, 6.5, _bytes(rgb(END)))) if len(stops) else ()
    for k, radius, fill in ((k, 6.0, _bytes(trace.colour)) for k in range(len(stops))) if trace.pins else ends:
        if np.isfinite(stops[k]).all():
            r, (x, y) = radius * factor, stops[k]
            alpha = 255 if clear[k] else 56
            edge = max(1, round(1.2 * factor))
            draw.ellipse([x - r, y - r, x + r, y + r], fill=(*fill, alpha), outline=(25, 25, 25, alpha), width=edge)


def _seen(points: Array, model: Model, projection: Projection) -> Array:
    """(n,) bool: nothing of the surface lies between the point and the eye."""
    towards = projection.centre + EYE_DISTANCE * projection.eye - points
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    along = np.linspace(0.02, 1.6, 160)
    ray = points[:, None, :] + along[None, :, None] * towards[:, None, :]
    h = height_at(model.x, model.y, model.heights, ray[..., 0].ravel(), ray[..., 1].ravel()).reshape(ray.shape[:2])
    with np.errstate(invalid="ignore"):
        hidden = (h <= 1.0) & (h * model.frame.top > ray[..., 2] + 2e-3)
    return np.asarray(~hidden.any(axis=1))


def _segments(draw: Any, lines: Array, colour: tuple[int, ...], width: int) -> None:
    for start, end in lines[np.isfinite(lines).all(axis=(1, 2))]:
        draw.line([tuple(start), tuple(end)], fill=colour, width=width)


def _letter(image: Image.Image, label: Label, scale: float, ink: tuple[int, ...]) -> None:
    mask = Image.fromarray(text_mask(label.text, round(label.size * scale, 2)))
    if label.angle:
        mask = mask.rotate(label.angle, resample=Image.Resampling.BICUBIC, expand=True)
    corner = round(label.x * scale - mask.width / 2), round(label.y * scale - mask.height / 2)
    image.paste(Image.new("RGB", mask.size, ink[:3]), corner, mask)


def _bytes(colour: Any) -> tuple[int, ...]:
    return tuple(round(255 * float(v)) for v in list(colour)[:3])


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))
