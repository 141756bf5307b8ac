"""Small things of constant size on the screen: discs, stars, spheres (in the scene) and text (on the picture). vispy, no Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy import gloo

from landscape_gui.results import Array
from landscape_gui.scene3d.axes import Label
from landscape_gui.scene3d.lettering import text_mask

SHAPES = {"disc": 0.0, "star": 1.0, "sphere": 2.0}

MARK_VERTEX = """
attribute vec3 a_position;
attribute vec2 a_corner;     // -1 or 1
attribute float a_radius;    // logical pixels
attribute vec4 a_face;
attribute float a_shape;
uniform mat4 u_matrix;
uniform vec2 u_size;
uniform float u_scale;
uniform float u_bias;
varying vec2 v_place;        // pixels from the middle
varying float v_radius;
varying vec4 v_face;
varying float v_shape;

void main() {
    vec4 p = u_matrix * vec4(a_position, 1.0);
    v_radius = a_radius * u_scale;
    v_place = a_corner * (v_radius + 2.0);
    p.xy += v_place / (0.5 * u_size) * p.w;
    p.z -= u_bias * p.w;
    v_face = a_face;
    v_shape = a_shape;
    gl_Position = p;
}
"""

MARK_FRAGMENT = """
uniform vec4 u_edge;
uniform float u_opacity;
uniform float u_scale;
varying vec2 v_place;
varying float v_radius;
varying vec4 v_face;
varying float v_shape;

float star(vec2 p, float r) {                       // signed distance to a five-pointed star (after I. Quilez, MIT)
    const vec2 k1 = vec2(0.809016994375, -0.587785252292);
    const vec2 k2 = vec2(-k1.x, k1.y);
    p.x = abs(p.x);
    p -= 2.0 * max(dot(k1, p), 0.0) * k1;
    p -= 2.0 * max(dot(k2, p), 0.0) * k2;
    p.x = abs(p.x);
    p.y -= r;
    vec2 ba = 0.45 * vec2(-k1.y, k1.x) - vec2(0.0, 1.0);
    float h = clamp(dot(p, ba) / dot(ba, ba), 0.0, r);
    return length(p - ba * h) * sign(p.y * ba.x - p.x * ba.y);
}

void main() {
    float line = 1.2 * u_scale;
    float d = v_shape > 0.5 && v_shape < 1.5 ? star(v_place, v_radius) : length(v_place) - v_radius;
    float alpha = clamp(0.5 - d, 0.0, 1.0);
    if (alpha < 0.012) discard;
    vec3 c = v_face.rgb;
    if (v_shape > 1.5) {
        vec2 q = v_place / v_radius;
        vec3 n = vec3(q, sqrt(max(0.0, 1.0 - dot(q, q))));
        float lit = max(dot(n, normalize(vec3(-0.5, 0.6, 0.7))), 0.0);
        c = c * (0.45 + 0.6 * lit) + vec3(0.55) * pow(lit, 24.0);
    }
    float edge = clamp(d + line + 0.5, 0.0, 1.0) * u_edge.a;
    gl_FragColor = vec4(mix(c, u_edge.rgb, edge), alpha * v_face.a * u_opacity);
}
"""

TEXT_VERTEX = """
attribute vec2 a_position;   // pixels of the framebuffer, y down
attribute vec2 a_place;      // texture
uniform vec2 u_size;
varying vec2 v_place;
void main() {
    v_place = a_place;
    gl_Position = vec4(2.0 * a_position.x / u_size.x - 1.0, 1.0 - 2.0 * a_position.y / u_size.y, 0.0, 1.0);
}
"""

TEXT_FRAGMENT = """
uniform sampler2D u_mask;
uniform vec3 u_ink;
varying vec2 v_place;
void main() {
    float alpha = texture2D(u_mask, v_place).r;
    if (alpha < 0.004) discard;
    gl_FragColor = vec4(u_ink, alpha);
}
"""

SQUARE = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]], np.float32)


def _quads(count: int) -> Any:
    i = np.arange(count, dtype=np.uint32)[:, None] * 4
    return gloo.IndexBuffer((i + np.array([0, 1, 2, 0, 2, 3], np.uint32)).ravel())


class Marks:
    """Markers of constant size on the screen at places in the scene."""

    def __init__(self, *, edge: tuple[float, float, float, float] = (0.1, 0.1, 0.1, 1.0), bias: float = 6e-4) -> None:
        self._program = gloo.Program(MARK_VERTEX, MARK_FRAGMENT)
        self._program["u_edge"], self._program["u_bias"] = edge, bias
        self._indices: Any = None
        self._count = 0

    def set(self, positions: Array, radii: Array, faces: Array, shapes: list[str], *, edge: Array | None = None) -> None:
        """positions: (n, 3); radii: (n,) logical pixels; faces: (n, 4). One whose position is NaN is left out."""
        keep = np.isfinite(positions).all(axis=1) & (np.asarray(radii) > 0)
        self._count = int(keep.sum())
        if not self._count:
            return
        four = lambda v: np.ascontiguousarray(np.repeat(np.asarray(v, np.float32)[keep], 4, axis=0))  # noqa: E731
        p = self._program
        p["a_position"], p["a_radius"] = gloo.VertexBuffer(four(positions)), gloo.VertexBuffer(four(radii))
        p["a_face"] = gloo.VertexBuffer(four(faces))
        p["a_shape"] = gloo.VertexBuffer(four([SHAPES[s] for s in shapes]))
        p["a_corner"] = gloo.VertexBuffer(np.tile(SQUARE, (self._count, 1)))
        if edge is not None:
            p["u_edge"] = tuple(float(v) for v in edge)
        self._indices = _quads(self._count)

    def draw(self, matrix: Array, size: tuple[int, int], pixel_scale: float, *, opacity: float = 1.0) -> None:
        """As `Ribbons.draw`."""
        if not self._count:
            return
        p = self._program
        p["u_matrix"], p["u_size"] = np.ascontiguousarray(matrix.T, np.float32), tuple(float(v) for v in size)
        p["u_scale"], p["u_opacity"] = float(pixel_scale), opacity
        p.draw("triangles", self._indices)


class Texts:
    """Labels of a layout, from one texture that is made anew only when a new text appears."""

    def __init__(self) -> None:
        self._program = gloo.Program(TEXT_VERTEX, TEXT_FRAGMENT)
        self._places: dict[tuple[str, float], tuple[int, int, int]] = {}
        self._shape = (1, 1)

    def _pack(self, wanted: list[tuple[str, float]]) -> None:
        masks = [text_mask(*key) for key in wanted]
        width, height = max(m.shape[1] for m in masks), sum(m.shape[0] for m in masks)
        sheet, y = np.zeros((height, width), np.uint8), 0
        self._places = {}
        for key, mask in zip(wanted, masks, strict=True):
            sheet[y : y + mask.shape[0], : mask.shape[1]] = mask
            self._places[key] = (y, *mask.shape)
            y += mask.shape[0]
        self._shape = sheet.shape
        self._program["u_mask"] = gloo.Texture2D(
            sheet[..., None], interpolation="linear", wrapping="clamp_to_edge", internalformat="r8"
        )

    def draw(self, labels: tuple[Label, ...], size: tuple[int, int], pixel_scale: float, ink: tuple[float, float, float]) -> None:
        """Labels centred and turned as laid out; upright ones on whole pixels."""
        if not labels:
            return
        keys = [(label.text, _resolution(label, pixel_scale)) for label in labels]
        if any(key not in self._places for key in keys):
            self._pack(sorted(set(keys)))
        corners, places = zip(*(self._quad(label, key, pixel_scale) for label, key in zip(labels, keys, strict=True)), strict=True)
        p = self._program
        p["a_position"] = gloo.VertexBuffer(np.concatenate(corners).astype(np.float32))
        p["a_place"] = gloo.VertexBuffer(np.concatenate(places).astype(np.float32))
        p["u_size"], p["u_ink"] = tuple(float(v) for v in size), ink
        p.draw("triangles", _quads(len(labels)))

    def _quad(self, label: Label, key: tuple[str, float], pixel_scale: float) -> tuple[Array, Array]:
        y, h, w = self._places[key]
        shrink = label.size * pixel_scale / key[1]
        half = np.array([w, h]) / 2 * shrink
        middle = np.array([label.x, label.y]) * pixel_scale
        if label.angle == 0:
            middle = np.round(middle - half) + half
        a = np.radians(label.angle)
        turned = (SQUARE * half) @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        place = np.array([[0, y], [0, y + h], [w, y + h], [w, y]]) / (self._shape[1], self._shape[0])
        return middle + turned, place


def _resolution(label: Label, pixel_scale: float) -> float:
    """Turned text is drawn from a mask of twice its size."""
    return round(label.size * pixel_scale * (1 if label.angle == 0 else 2), 2)
