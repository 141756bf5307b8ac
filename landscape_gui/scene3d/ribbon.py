"""Lines of any width with round ends: drawn as quads, because drivers cap OpenGL's own line width. vispy, no Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy import gloo

from landscape_gui.results import Array

VERTEX = """
attribute vec3 a_start;
attribute vec3 a_end;
attribute vec2 a_corner;     // along 0 or 1, across -1 or 1
attribute vec4 a_color;
uniform mat4 u_matrix;
uniform vec2 u_size;         // of the framebuffer, pixels
uniform float u_width;       // pixels
uniform float u_bias;        // lifts towards the eye, clip space
varying vec2 v_place;        // pixels from the start, along and across
varying float v_length;
varying vec4 v_color;

void main() {
    vec4 a = u_matrix * vec4(a_start, 1.0);
    vec4 b = u_matrix * vec4(a_end, 1.0);
    vec2 pa = a.xy / a.w * 0.5 * u_size, pb = b.xy / b.w * 0.5 * u_size;
    vec2 d = pb - pa;
    v_length = length(d);
    d = v_length > 1e-4 ? d / v_length : vec2(1.0, 0.0);
    vec2 n = vec2(-d.y, d.x);
    float r = 0.5 * u_width + 1.0;
    vec4 p = a_corner.x < 0.5 ? a : b;
    vec2 off = (a_corner.x < 0.5 ? -d : d) * r + n * a_corner.y * r;
    p.xy += off / (0.5 * u_size) * p.w;
    p.z -= u_bias * p.w;
    v_place = vec2(a_corner.x < 0.5 ? -r : v_length + r, a_corner.y * r);
    v_color = a_color;
    gl_Position = p;
}
"""

FRAGMENT = """
uniform float u_width;
uniform float u_opacity;
varying vec2 v_place;
varying float v_length;
varying vec4 v_color;

void main() {
    float along = clamp(v_place.x, 0.0, v_length);
    float distance = length(v_place - vec2(along, 0.0));
    float alpha = clamp(0.5 * u_width - distance + 0.5, 0.0, 1.0) * min(u_width, 1.0) * v_color.a * u_opacity;
    if (alpha < 0.012) discard;
    gl_FragColor = vec4(v_color.rgb, alpha);
}
"""

CORNERS = np.array([[0, -1], [0, 1], [1, 1], [1, -1]], np.float32)


class Ribbons:
    """A batch of straight pieces of one width. `width` in logical pixels."""

    def __init__(self, *, width: float = 1.0, bias: float = 0.0) -> None:
        self.width = width
        self._bias = bias
        self._program = gloo.Program(VERTEX, FRAGMENT)
        self._indices: Any = None
        self._count = 0

    def set(self, segments: Array, colour: Array | tuple[float, ...]) -> None:
        """segments: (n, 2, 3) or (n, 2, 2); colour: (4,) or (n, 4), 0 to 1. A piece with a NaN is left out."""
        pieces = np.asarray(segments, np.float32)
        colours = np.broadcast_to(np.asarray(colour, np.float32), (len(pieces), 4))
        keep = np.isfinite(pieces).all(axis=(1, 2))
        pieces, colours = pieces[keep], colours[keep]
        if pieces.shape[-1] == 2:
            pieces = np.concatenate([pieces, np.zeros((len(pieces), 2, 1), np.float32)], axis=-1)
        if len(pieces) != self._count:
            i = np.arange(len(pieces), dtype=np.uint32)[:, None] * 4
            self._indices = gloo.IndexBuffer((i + np.array([0, 1, 2, 0, 2, 3], np.uint32)).ravel()) if len(pieces) else None
        self._count = len(pieces)
        if self._count:
            quads = lambda v: np.ascontiguousarray(np.repeat(v, 4, axis=0))  # noqa: E731
            self._program["a_start"] = gloo.VertexBuffer(quads(pieces[:, 0]))
            self._program["a_end"] = gloo.VertexBuffer(quads(pieces[:, 1]))
            self._program["a_color"] = gloo.VertexBuffer(quads(colours))
            self._program["a_corner"] = gloo.VertexBuffer(np.tile(CORNERS, (self._count, 1)))

    def draw(self, matrix: Array, size: tuple[int, int], pixel_scale: float, *, opacity: float = 1.0) -> None:
        """matrix: (4, 4) to clip space, column vectors; size: of the framebuffer; pixel_scale: its pixels per logical pixel."""
        if not self._count:
            return
        self._program["u_matrix"] = np.ascontiguousarray(matrix.T, np.float32)
        self._program["u_size"] = tuple(float(v) for v in size)
        self._program["u_width"] = self.width * pixel_scale
        self._program["u_bias"], self._program["u_opacity"] = self._bias, opacity
        self._program.draw("triangles", self._indices)


def polyline(points: Array) -> Array:
    """(n - 1, 2, d) pieces of a line through (n, d) points."""
    return np.stack([points[:-1], points[1:]], axis=1)
