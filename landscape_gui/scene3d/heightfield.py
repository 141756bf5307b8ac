"""A height field: a fixed grid of triangles whose heights and slopes are updated by rows; light and contour lines per fragment.

vispy, no Qt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy import gloo

from landscape_gui.results import Array
from landscape_gui.scene3d.ribbon import polyline

MAXIMUM_LEVELS = 48
LARGE = 90_000
"""Points from which a picture that is being turned is drawn with a quarter of the triangles."""
FINEST = 1.25
"""Pixels: cells narrower than this are joined two by two; a finer mesh than the screen costs time and shows nothing more."""
STRIP = 16
"""Cells are drawn in strips of columns, so that a vertex is still in the cache when the next row needs it."""

VERTEX = """
attribute vec2 a_place;      // scene x, y
attribute vec4 a_height;     // height (0 to 1), slopes d/dx and d/dy of it in scene units, 1 where computed
uniform mat4 u_matrix;
uniform float u_top;
varying vec3 v_field;        // slopes of the drawn surface, height
#ifdef UNSURE
varying float v_sure;
#endif

void main() {
    float h = clamp(a_height.x, -0.6, 4.0);
    v_field = vec3(a_height.yz * u_top, h);
#ifdef UNSURE
    v_sure = a_height.w;
#endif
    gl_Position = u_matrix * vec4(a_place, h * u_top, 1.0);
}
"""

FRAGMENT = """
uniform sampler2D u_table;
uniform vec3 u_eye;          // unit vectors towards the eye, the light, and half way between them
uniform vec3 u_key;
uniform vec3 u_half;
uniform vec3 u_soft;         // light from above and from the right, summed
uniform vec3 u_paper;
uniform float u_shade;
uniform float u_first;       // height of the first contour line
uniform float u_step;        // between lines
uniform float u_last;
uniform float u_pixels;      // width of a line
uniform vec2 u_line;         // strength of dark and of light lines
varying vec3 v_field;
#ifdef UNSURE
varying float v_sure;
#endif
#ifdef UNEVEN
uniform float u_levels[COUNT];
#endif

float contour(float height) {
#ifdef UNEVEN
    float width = fwidth(height);
    float distance = 1e9;
    for (int i = 0; i < COUNT; i++) distance = min(distance, abs(height - u_levels[i]));
    float fade = 1.0;
#else
    float place = (height - u_first) / u_step;
    float width = fwidth(place);
    float distance = abs(place - clamp(floor(place + 0.5), 0.0, (u_last - u_first) / u_step));
    float fade = 1.0 - smoothstep(0.25, 0.6, width);
#endif
    return fade * clamp(u_pixels * 0.5 + 0.5 - distance / max(width, 1e-6), 0.0, 1.0);
}

void main() {
    float height = v_field.z;
#ifdef CUT
    if (height < -1e-4 || height > 1.0001) discard;
#endif
    vec3 n = normalize(vec3(-v_field.xy, 1.0));
    n *= sign(dot(n, u_eye));
    vec3 base = texture2D(u_table, vec2(height * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
    float gloss = max(dot(n, u_half), 0.0);
    gloss *= gloss; gloss *= gloss; gloss *= gloss; gloss *= gloss; gloss *= gloss;
    vec3 lit = base * (0.47 + dot(n, u_soft) + 0.5 * max(dot(n, u_key), 0.0)) + vec3(0.12 * gloss);
    vec3 c = mix(base, lit, u_shade);
#ifdef LINES
    float light = clamp((0.34 - dot(base, vec3(0.30, 0.59, 0.11))) * 5.5, 0.0, 1.0);
    c = mix(c, mix(vec3(0.05), vec3(0.95), light), contour(height) * mix(u_line.x, u_line.y, light));
#endif
#ifdef UNSURE
    vec3 grey = vec3(dot(c, vec3(0.30, 0.59, 0.11)));
    c = mix(c, mix(grey, u_paper, 0.25), 0.42 * (1.0 - v_sure));
#endif
    gl_FragColor = vec4(c, 1.0);
}
"""


def triangles(nx: int, ny: int, solid: Array | None = None, stride: int = 1) -> Array:
    """(n, 3) uint32 vertices of the grid's triangles, every cell split along its (0, 0)-(1, 1) diagonal.

    solid: (ny, nx) bool; a triangle with a corner that is not solid is left out. stride: 2 joins every second point only.
    """
    i = np.arange(nx * ny, dtype=np.uint32).reshape(ny, nx)
    if stride > 1:
        rows, columns = (np.unique(np.append(np.arange(0, n, stride), n - 1)) for n in (ny, nx))
        i = i[np.ix_(rows, columns)]
    a, b, c, d = i[:-1, :-1], i[:-1, 1:], i[1:, :-1], i[1:, 1:]
    cells = np.stack([a, b, d, a, d, c], axis=-1)
    found = np.concatenate([cells[:, k : k + STRIP].reshape(-1, 3) for k in range(0, cells.shape[1], STRIP)])
    return found if solid is None else found[solid.ravel()[found].all(axis=1)]


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
        self._programs: dict[frozenset[str], Any] = {}
        self._x, self._y = np.zeros(0), np.zeros(0)
        self._heights: Array = np.zeros((0, 0), np.float32)
        self._vertices: Array = np.zeros((0, 0, 4), np.float32)
        self._solid: Array = np.zeros((0, 0), bool)
        self._flags: dict[str, bool] = {}
        self._values: dict[str, Any] = {}
        self._indices: dict[int, Any] | None = None
        self.rows_uploaded = 0

    def set_grid(self, x: Array, y: Array) -> None:
        """x: (nx,), y: (ny,) in scene units."""
        if np.array_equal(x, self._x) and np.array_equal(y, self._y):
            return
        self._x, self._y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        place = np.stack(np.broadcast_arrays(self._x[None, :], self._y[:, None]), axis=-1).reshape(-1, 2).astype(np.float32)
        self._heights = np.full((len(y), len(x)), np.nan, np.float32)
        self._vertices = np.zeros((len(y), len(x), 4), np.float32)
        self._solid = np.zeros((len(y), len(x)), bool)
        self._indices = None
        self._values["a_place"] = gloo.VertexBuffer(place)
        self._values["a_height"] = gloo.VertexBuffer(self._vertices.reshape(-1, 4).copy())

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
        self._values["a_height"].set_subdata(rows, offset=first * new.shape[1], copy=True)
        self.rows_uploaded = last - first
        self._set_solid(np.isfinite(new))
        with np.errstate(invalid="ignore"):
            self._flags["CUT"] = bool(((new < -1e-4) | (new > 1.0001)).any())
        self._flags["UNSURE"] = bool((now < 1).any())

    def _set_solid(self, solid: Array) -> None:
        if self._indices is None or not np.array_equal(solid, self._solid):
            self._solid, self._indices = solid, {}

    def _triangles(self, stride: int) -> Any:
        assert self._indices is not None
        if stride not in self._indices:
            solid = None if self._solid.all() else self._solid
            found = triangles(len(self._x), len(self._y), solid, stride)
            self._indices[stride] = gloo.IndexBuffer(found) if len(found) else None
        return self._indices[stride]

    def set_colours(self, table: Array) -> None:
        """table: (256, 3) in [0, 1]."""
        if self._values.get("table") is table:
            return
        self._values["table"] = table
        pixels = np.asarray(table, np.float32).reshape(1, -1, 3)
        self._values["u_table"] = gloo.Texture2D(pixels, interpolation="linear", wrapping="clamp_to_edge")

    def set_levels(self, heights: Array) -> None:
        """Contour lines at these heights; empty: none. Evenly spaced ones are found without a loop over them."""
        levels = np.sort(np.asarray(heights, np.float64))[:MAXIMUM_LEVELS]
        steps = np.diff(levels)
        even = len(levels) < 2 or bool(np.allclose(steps, steps.mean(), rtol=1e-3))
        self._flags["LINES"], self._flags["UNEVEN"] = len(levels) > 0, not even
        padded = np.full(MAXIMUM_LEVELS, -9.0)
        padded[: len(levels)] = levels
        self._values["u_levels"] = padded
        self._values["u_first"] = float(levels[0]) if len(levels) else 0.0
        self._values["u_last"] = float(levels[-1]) if len(levels) else 0.0
        self._values["u_step"] = float(steps.mean()) if len(steps) else 1.0

    def set_style(self, *, top: float, shade: float, paper: tuple[float, float, float], line: tuple[float, float]) -> None:
        """top: height of the box; shade: 0 flat colours, 1 fully lit; line: strength of dark and of light contour lines."""
        self._values.update(u_top=top, u_shade=shade, u_paper=paper, u_line=line)

    def draw(self, matrix: Array, eye: Array, right: Array, pixel_scale: float, *, width: float, draft: bool = False) -> None:
        """Lights travel with the viewer: the key light up and to the left, a soft one from the right.

        width: of the box, in logical pixels; draft: a large grid with a quarter of its triangles.
        """
        if self._indices is None:
            return
        fine = width * pixel_scale / (max(self._heights.shape) - 1) < FINEST
        indices = self._triangles(2 if fine or (draft and self._heights.size > LARGE) else 1)
        if indices is None:
            return
        key = _unit(eye + 0.78 * np.array([0, 0, 1.0]) - 0.9 * right)
        side = _unit(eye + 0.8 * right + np.array([0, 0, 0.2]))
        self._values.update(
            u_matrix=np.ascontiguousarray(matrix.T, np.float32), u_eye=_unit(eye), u_key=key, u_half=_unit(key + _unit(eye)),
            u_soft=0.09 * np.array([0, 0, 1.0]) + 0.1 * side, u_pixels=1.15 * pixel_scale,
        )  # fmt: skip
        self._program().draw("triangles", indices)

    def _program(self) -> Any:
        """The shader for what is drawn: what is not needed (cutting, levels, doubt) costs nothing."""
        flags = frozenset(name for name, on in self._flags.items() if on)
        if flags not in self._programs:
            defines = "".join(f"#define {name}\n" for name in sorted(flags)) + f"#define COUNT {MAXIMUM_LEVELS}\n"
            self._programs[flags] = gloo.Program(defines + VERTEX, defines + FRAGMENT)
        program = self._programs[flags]
        names = {name for _, _, name in program.variables}
        for name, value in self._values.items():
            if name in names:
                program[name] = value
        if "UNEVEN" in flags:
            for k, level in enumerate(self._values["u_levels"]):
                program[f"u_levels[{k}]"] = float(level)
        return program


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _vertices(heights: Array, sure: Array, x: Array, y: Array, first: int, last: int) -> Array:
    """Rows first to last of (height, slope x, slope y, sure)."""
    low, high = max(first - 1, 0), min(last + 1, len(heights))
    block = heights[low:high].astype(np.float64)
    with np.errstate(invalid="ignore"):
        along_x = _slopes(block, x)
        along_y = _slopes(block.T, y[low:high]).T if high - low > 1 else np.zeros_like(block)
    out = np.empty((*block.shape, 4), np.float32)
    out[..., 0] = np.nan_to_num(block)
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
