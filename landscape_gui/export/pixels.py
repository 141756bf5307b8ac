"""Rasters inside a vector page: as many pixels as the page gives them, each on one of its own, so that nothing is blurred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from contourpy import contour_generator
from matplotlib.artist import Artist
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, TransformedPath

from landscape_gui.results import Array

EDGE = 64.0
"""Opacity out of 255 at which a picture that is cut out ends."""
Make = Callable[[int, int], Array]
"""Gives (height, width, 4) uint8 for a width and a height in pixels, the first row on top."""


class PixelImage(Artist):
    """A picture that fills its axes and is made once it is known how many pixels they have."""

    def __init__(self, axes: Any, make: Make, zorder: float) -> None:
        super().__init__()
        self.make = make
        self.set_zorder(zorder)
        self.set_in_layout(False)
        self.pixels: Array | None = None
        self.edge: Path | None = None
        self.place = (0.0, 0.0, 1.0, 1.0)
        axes.add_artist(self)

    def settle(self) -> None:
        """Moves the axes onto whole pixels of the page and makes the picture for them, without its empty rim."""
        left, low, right, high = snapped(self.axes)
        width, height = right - left, high - low
        pixels = self.make(width, height)
        seen = pixels[..., 3] > 0
        rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
        if len(rows):
            top, bottom, first, last = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
            self.pixels = np.ascontiguousarray(pixels[top:bottom, first:last])
            self.place = (first / width, 1 - bottom / height, (last - first) / width, (bottom - top) / height)

    def on_paper(self, colour: tuple[float, float, float]) -> None:
        """Lays the picture on a background and cuts it out along its edge, for formats that know nothing transparent."""
        if self.pixels is not None:
            alpha = self.pixels[..., 3:] / 255
            self.edge = outline(self.pixels[..., 3]) if (alpha == 0).any() else None
            mixed = alpha * self.pixels[..., :3] + (1 - alpha) * 255 * np.array(colour)
            self.pixels = np.concatenate([np.rint(mixed), np.full_like(alpha, 255)], axis=-1).astype(np.uint8)

    def draw(self, renderer: Any) -> None:
        if self.pixels is None:
            return
        box: Any = self.axes.bbox if self.axes is not None else None
        x, y = box.x0 + self.place[0] * box.width, box.y0 + self.place[1] * box.height
        context = renderer.new_gc()
        if renderer.option_scale_image():
            sides = Affine2D().scale(self.place[2] * box.width, self.place[3] * box.height)
            if self.edge is not None:
                context.set_clip_path(TransformedPath(self.edge, sides + Affine2D().translate(x, y)))
            renderer.draw_image(context, x, y, self.pixels[::-1], sides)
        else:
            renderer.draw_image(context, round(x), round(y), self.pixels[::-1])
        context.restore()


def outline(alpha: Array) -> Path:
    """The edge of what is seen of a picture, holes turning the other way, in a square of side 1 whose corner is its lower left."""
    height, width = alpha.shape
    seen = np.pad(alpha[::-1].astype(float), 1)
    x, y = (np.arange(-1, n + 1) + 0.5 for n in (width, height))
    found: Any = contour_generator(x / width, y / height, seen, fill_type="OuterOffset").filled(EDGE, 256.0)
    polygons, starts = found
    rings = [ring for polygon, at in zip(polygons, starts, strict=True) for ring in np.split(polygon, at[1:-1].astype(int))]
    return Path.make_compound_path(*(Path(ring, closed=True) for ring in rings))


def snapped(axes: Any) -> tuple[int, int, int, int]:
    """Axes whose edges lie between pixels of the page: left, low, right, high, counted from the lower left corner."""
    axes.apply_aspect()
    left, low, right, high = (round(float(v)) for v in axes.bbox.extents)
    right, high = max(right, left + 1), max(high, low + 1)
    frame = axes.figure.bbox
    corner = (left - frame.x0) / frame.width, (low - frame.y0) / frame.height
    axes.set_aspect("auto")
    axes.set_box_aspect(None)
    axes.set_position((*corner, (right - left) / frame.width, (high - low) / frame.height))
    return left, low, right, high
