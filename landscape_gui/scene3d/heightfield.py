"""A height field: a fixed grid of triangles whose heights and slopes are updated by rows; light and contour lines per fragment.

vispy, no Qt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy import gloo

from landscape_gui.results import Array
from landscape_gui.scene3d.ribbon import polyline

HOLE = np.float32(-1e30)
MAXIMUM_LEVELS = 48

VERTEX = """
attribute vec2 a_place;      // scene x, y
attribute vec4 a_height;     // height (0 to 1), slopes d/dx and d/dy in scene units, 1 where computed; below -1e29: a hole
uniform mat4 u_matrix;
uniform float u_top;
varying vec3 v_normal;
varying float v_height;
varying float v_solid;
varying float v_sure;

void main() {
    float h = a_height.x;
    v_solid = h < -1e29 ? 0.0 : 1.0;
    h = clamp(h, -0.6, 4.0);
    v_height = h;
    v_normal = vec3(-a_height.y * u_top, -a_height.z * u_top, 1.0);
    v_sure = a_height.w;
    gl_Position = u_matrix * vec4(a_place, h * u_top, 1.0);
}
"""

FRAGMENT = """
uniform sampler2D u_table;
uniform vec3 u_key;          // unit vectors towards the lights and the eye
uniform vec3 u_fill;
uniform vec3 u_eye;
uniform vec3 u_paper;
uniform float u_shade;
uniform float u_first;       // height of the first contour line
uniform float u_step;        // between lines; 0: none
uniform float u_last;
uniform float u_pixels;      // width of a line
uniform vec2 u_line;         // strength of dark and of light lines
varying vec3 v_normal;
varying float v_height;
varying float v_solid;
varying float v_sure;

LEVELS_DECLARED

float contour() {
LEVELS_BODY
}

void main() {
    if (v_solid < 0.999 || v_height < -1e-4 || v_height > 1.0001) discard;
    vec3 n = normalize(v_normal);
    if (dot(n, u_eye) < 0.0) n = -n;
    vec3 base = texture2D(u_table, vec2(clamp(v_height, 0.0, 1.0) * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
    float sky = 0.5 + 0.5 * n.z;
    float key = max(dot(n, u_key), 0.0);
    vec3 lit = base * (0.36 + 0.17 * sky + 0.52 * key + 0.14 * max(dot(n, u_fill), 0.0));
    lit += vec3(0.13) * pow(max(dot(n, normalize(u_key + u_eye)), 0.0), 36.0);
    vec3 c = mix(base, lit, u_shade);
    if (u_step > 0.0) {
        float brightness = dot(base, vec3(0.30, 0.59, 0.11));
        float light = 1.0 - smoothstep(0.16, 0.34, brightness);
        float m = contour();
        c = mix(c, mix(vec3(0.04, 0.04, 0.07), vec3(0.95), light), m * mix(u_line.x, u_line.y, light));
    }
    float unsure = 1.0 - v_sure;
    float grey = dot(c, vec3(0.30, 0.59, 0.11));
    c = mix(c, mix(vec3(grey), u_paper, 0.25), 0.42 * unsure);
    gl_FragColor = vec4(c, 1.0);
}
"""

MASK = """
    float f = distance / max(w, 1e-6);
    float m = 1.0 - smoothstep(u_pixels * 0.5 - 0.5, u_pixels * 0.5 + 0.5, f);
"""

EVEN = (
    "",
    """
    float place = (v_height - u_first) / u_step;
    float w = fwidth(place);
    float nearest = clamp(floor(place + 0.5), 0.0, (u_last - u_first) / u_step);
    float distance = abs(place - nearest);
"""
    + MASK
    + "    return m * (1.0 - smoothstep(0.25, 0.6, w));\n",
)
UNEVEN = (
    f"uniform float u_levels[{MAXIMUM_LEVELS}];",
    f"""
    float w = fwidth(v_height);
    float distance = 1e9;
    for (int i = 0; i < {MAXIMUM_LEVELS}; i++) distance = min(distance, abs(v_height - u_levels[i]));
"""
    + MASK
    + "    return m;\n",
)


def triangles(nx: int, ny: int) -> Array:
    """(n, 3) uint32 vertices of the grid's triangles, every cell split along its (0, 0)-(1, 1) diagonal."""
    i = np.arange(nx * ny, dtype=np.uint32).reshape(ny, nx)
    a, b, c, d = i[:-1, :-1], i[:-1, 1:], i[1:, :-1], i[1:, 1:]
    return np.stack([a, b, d, a, d, c], axis=-1).reshape(-1, 3)


def border(x: Array, y: Array, heights: Array, top: float) -> Array:
    """(n, 2, 3) pieces of the surface's rim in the scene; NaN where it is cut or has a hole."""
    h = np.where((heights >= -1e-4) & (heights <= 1.0001), heights, np.nan) * top
    rims = [
        np.stack([x, np.full(len(x), y[0]), h[0]], axis=1),
        np.stack([x, np.full(len(x), y[-1]), h[-1]], axis=1),
        np.stack([np.full(len(y), x[0]), y, h[:, 0]], axis=1),
        np.stack([np.full(len(y), x[-1]), y, h[:, -1]], axis=1),
    ]
    return np.concatenate([polyline(rim) for rim in rims])


class HeightField:
    """The surface. `set_grid` once for a shape, then `set_heights`, which uploads only the rows that changed."""

    def __init__(self) -> None:
        self._even = True
        self._program = gloo.Program(VERTEX, _fragment(EVEN))
        self._x, self._y = np.zeros(0), np.zeros(0)
        self._heights: Array = np.zeros((0, 0), np.float32)
        self._vertices: Array = np.zeros((0, 0, 4), np.float32)
        self._uniforms: dict[str, Any] = {}
        self._buffers: dict[str, Any] = {}
        self._indices: Any = None
        self.rows_uploaded = 0

    def set_grid(self, x: Array, y: Array) -> None:
        """x: (nx,), y: (ny,) in scene units."""
        if np.array_equal(x, self._x) and np.array_equal(y, self._y):
            return
        if (len(x), len(y)) != (len(self._x), len(self._y)):
            self._indices = gloo.IndexBuffer(triangles(len(x), len(y)))
        self._x, self._y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        place = np.stack(np.broadcast_arrays(self._x[None, :], self._y[:, None]), axis=-1).reshape(-1, 2).astype(np.float32)
        self._heights = np.full((len(y), len(x)), np.nan, np.float32)
        self._vertices = np.zeros((len(y), len(x), 4), np.float32)
        self._vertices[..., 0] = HOLE
        self._set_buffer("a_place", gloo.VertexBuffer(place))
        self._set_buffer("a_height", gloo.VertexBuffer(self._vertices.reshape(-1, 4).copy()))

    def set_heights(self, heights: Array, sure: Array) -> None:
        """heights: (ny, nx), NaN is a hole; sure: (ny, nx) bool, False where a value was filled in for drawing."""
        new, now = np.asarray(heights, np.float32), np.asarray(sure, np.float32)
        same = (new == self._heights) | (np.isnan(new) & np.isnan(self._heights))
        changed = np.nonzero(~(same & (now == self._vertices[..., 3])).all(axis=1))[0]
        self.rows_uploaded = 0
        if not len(changed):
            return
        self._heights = new
        first, last = max(int(changed[0]) - 1, 0), min(int(changed[-1]) + 2, len(new))
        self._vertices[first:last] = _vertices(new, now, self._x, self._y, first, last)
        rows = np.ascontiguousarray(self._vertices[first:last].reshape(-1, 4))
        self._buffers["a_height"].set_subdata(rows, offset=first * new.shape[1], copy=True)
        self.rows_uploaded = last - first

    def set_colours(self, table: Array) -> None:
        """table: (256, 3) in [0, 1]."""
        texture = gloo.Texture2D(np.asarray(table, np.float32).reshape(1, -1, 3), interpolation="linear", wrapping="clamp_to_edge")
        self._set("u_table", texture)

    def set_levels(self, heights: Array) -> None:
        """Contour lines at these heights; empty: none."""
        levels = np.sort(np.asarray(heights, np.float64))[:MAXIMUM_LEVELS]
        steps = np.diff(levels)
        even = len(levels) < 2 or bool(np.allclose(steps, steps.mean(), rtol=1e-3))
        if even != self._even:
            self._even = even
            self._rebuild()
        if not even:
            padded = np.full(MAXIMUM_LEVELS, -9.0)
            padded[: len(levels)] = levels
            for k, level in enumerate(padded):
                self._set(f"u_levels[{k}]", float(level))
        self._set("u_first", float(levels[0]) if len(levels) else 0.0)
        self._set("u_last", float(levels[-1]) if len(levels) else 0.0)
        self._set("u_step", 0.0 if not len(levels) else float(steps.mean()) if len(steps) else 1.0)

    def set_style(self, *, top: float, shade: float, paper: tuple[float, float, float], line: tuple[float, float]) -> None:
        """top: height of the box; shade: 0 flat colours, 1 fully lit; line: strength of dark and of light contour lines."""
        for name, value in (("u_top", top), ("u_shade", shade), ("u_paper", paper), ("u_line", line)):
            self._set(name, value)

    def draw(self, matrix: Array, eye: Array, right: Array, pixel_scale: float) -> None:
        """Lights travel with the viewer: the key light up and to the left, a soft one from the right."""
        if not len(self._x):
            return
        self._set("u_matrix", np.ascontiguousarray(matrix.T, np.float32))
        self._set("u_eye", _unit(eye))
        self._set("u_key", _unit(eye + 0.78 * np.array([0, 0, 1.0]) - 0.9 * right))
        self._set("u_fill", _unit(eye + 0.8 * right + np.array([0, 0, 0.2])))
        self._set("u_pixels", 1.15 * pixel_scale)
        self._program.draw("triangles", self._indices)

    def _set(self, name: str, value: Any) -> None:
        self._uniforms[name] = value
        self._program[name] = value

    def _set_buffer(self, name: str, buffer: Any) -> None:
        self._buffers[name] = buffer
        self._program[name] = buffer

    def _rebuild(self) -> None:
        """Evenly spaced lines are found without a loop; others need another shader."""
        self._program = gloo.Program(VERTEX, _fragment(EVEN if self._even else UNEVEN))
        for name, value in (*self._buffers.items(), *self._uniforms.items()):
            if self._even and name.startswith("u_levels"):
                continue
            self._program[name] = value


def _fragment(levels: tuple[str, str]) -> str:
    return FRAGMENT.replace("LEVELS_DECLARED", levels[0]).replace("LEVELS_BODY", levels[1])


def _unit(vector: Array) -> tuple[float, ...]:
    return tuple(float(v) for v in vector / np.linalg.norm(vector))


def _vertices(heights: Array, sure: Array, x: Array, y: Array, first: int, last: int) -> Array:
    """Rows first to last of (height, slope x, slope y, sure)."""
    low, high = max(first - 1, 0), min(last + 1, len(heights))
    block = heights[low:high].astype(np.float64)
    with np.errstate(invalid="ignore"):
        along_x = _slopes(block, x)
        along_y = _slopes(block.T, y[low:high]).T if high - low > 1 else np.zeros_like(block)
    out = np.empty((*block.shape, 4), np.float32)
    out[..., 0] = np.where(np.isfinite(block), block, HOLE)
    out[..., 1], out[..., 2] = along_x, along_y
    out[..., 3] = sure[low:high]
    return out[first - low : last - low]


def _slopes(values: Array, at: Array) -> Array:
    """Central differences along the last axis, one-sided at the ends and beside holes."""
    forward = np.full(values.shape, np.nan)
    forward[:, :-1] = np.diff(values, axis=1) / np.diff(at)
    backward = np.full(values.shape, np.nan)
    backward[:, 1:] = forward[:, :-1]
    both = 0.5 * (forward + backward)
    return np.asarray(np.nan_to_num(np.where(np.isfinite(both), both, np.where(np.isfinite(forward), forward, backward))))
