"""A turntable camera and what it projects to. NumPy only.

Scene coordinates: the box [-1/2, 1/2] x [-1/2, 1/2] x [0, top]. Pixels: logical, the origin at the top left, y down. Azimuth 0
looks along +y with x to the right; positive azimuth turns the eye to the right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from landscape_gui.figure import Camera
from landscape_gui.results import Array

EYE_DISTANCE = 3.3
"""From the middle of the box, in its widths: a field of view of about 25 degrees, calm enough to compare heights."""

PRESETS: dict[str, Camera] = {
    "default": Camera(),
    "front": Camera(azimuth=0.0, elevation=12.0),
    "right": Camera(azimuth=90.0, elevation=12.0),
    "back": Camera(azimuth=180.0, elevation=12.0),
    "left": Camera(azimuth=-90.0, elevation=12.0),
    "top": Camera(azimuth=0.0, elevation=90.0),
    "isometric": Camera(azimuth=-45.0, elevation=35.26),
}
"""Named views, in the order of a menu."""

Margins = tuple[float, float, float, float]
"""Left, top, right, bottom in logical pixels."""


def turn(camera: Camera, azimuth: float, elevation: float) -> Camera:
    """The camera turned by so many degrees; it stays between the floor and straight above."""
    turned = (camera.azimuth + azimuth + 180.0) % 360.0 - 180.0
    return replace(camera, azimuth=turned, elevation=float(np.clip(camera.elevation + elevation, 0.0, 90.0)))


def zoom(camera: Camera, factor: float) -> Camera:
    """`factor` above 1 brings the box nearer."""
    return replace(camera, distance=float(np.clip(camera.distance / factor, 0.12, 6.0)))


def shift(camera: Camera, right: float, up: float) -> Camera:
    """The picture moved by so many box widths."""
    x, y = camera.pan
    return replace(camera, pan=(float(np.clip(x + right, -3, 3)), float(np.clip(y + up, -3, 3))))


@dataclass(frozen=True, kw_only=True)
class Projection:
    """From the scene to the pixels of one view: `matrix` (4, 4) takes column vectors (x, y, z, 1) to (px w, py w, depth w, w).

    scale: pixels per box width at the middle of the box; eye, right, up: unit vectors in the scene, `eye` from the middle of the
    box towards the viewer; size: width and height of the view.
    """

    matrix: Array
    size: tuple[float, float]
    scale: float
    eye: Array
    right: Array
    up: Array
    centre: Array

    def points(self, positions: Array) -> Array:
        """(n, 3) pixels x, y and depth in [-1, 1] of (n, 3) positions."""
        q = np.asarray(positions, np.float64).reshape(-1, 3) @ self.matrix[:, :3].T + self.matrix[:, 3]
        return q[:, :3] / q[:, 3:]

    def ray(self, px: float, py: float) -> tuple[Array, Array]:
        """Start and unit direction, in the scene, of what is seen at a pixel."""
        inverse = np.linalg.inv(self.matrix)
        near, far = (inverse @ np.array([px, py, depth, 1.0]) for depth in (-1.0, 1.0))
        start, end = near[:3] / near[3], far[:3] / far[3]
        return start, (end - start) / np.linalg.norm(end - start)

    def clip(self) -> Array:
        """(4, 4) matrix to OpenGL's clip space."""
        width, height = self.size
        flip = np.array([[2 / width, 0, 0, -1], [0, -2 / height, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1.0]])
        return flip @ self.matrix


def corners(top: float) -> Array:
    """(8, 3) corners of the box."""
    return np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, top)])


def _axes(azimuth: float, elevation: float) -> tuple[Array, Array, Array]:
    az, el = np.radians(azimuth), np.radians(elevation)
    eye = np.array([np.sin(az) * np.cos(el), -np.cos(az) * np.cos(el), np.sin(el)])
    right = np.array([np.cos(az), np.sin(az), 0.0])
    return eye, right, np.cross(eye, right)


@lru_cache(maxsize=256)
def _extent(azimuths: tuple[float, ...], elevation: float, top: float) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of the box over several azimuths, in units of the focal length."""
    points = corners(top) - (0, 0, top / 2)
    found = []
    for azimuth in azimuths:
        eye, right, up = _axes(azimuth, elevation)
        depth = EYE_DISTANCE - points @ eye
        found.append(np.stack([points @ right / depth, points @ up / depth]))
    both = np.concatenate(found, axis=1)
    return float(both[0].min()), float(both[0].max()), float(both[1].min()), float(both[1].max())


def project(camera: Camera, size: tuple[float, float], top: float, margins: Margins, *, turntable: bool = True) -> Projection:
    """The box framed inside the margins; with `turntable` the frame holds it at every azimuth, so that turning never zooms.

    Cost: microseconds. Azimuth and elevation in degrees; `camera.distance` and `camera.pan` apply after framing.
    """
    azimuths = tuple(range(0, 360, 15)) if turntable else (camera.azimuth,)
    left, right_end, low, high = _extent(azimuths, camera.elevation, top)
    width, height = size
    room = max(width - margins[0] - margins[2], 20.0), max(height - margins[1] - margins[3], 20.0)
    focal = min(room[0] / (right_end - left), room[1] / (high - low))
    middle = np.array([margins[0] + room[0] / 2, margins[1] + room[1] / 2])
    middle = middle + focal / camera.distance * np.array([-(left + right_end) / 2, (low + high) / 2])
    return _projection(camera, size, top, focal / camera.distance, middle)


def _projection(camera: Camera, size: tuple[float, float], top: float, focal: float, middle: Array) -> Projection:
    eye, right, up = _axes(camera.azimuth, camera.elevation)
    scale = focal / EYE_DISTANCE
    cx, cy = middle[0] + camera.pan[0] * scale, middle[1] - camera.pan[1] * scale
    centre = np.array([0, 0, top / 2])
    reach = 1.3
    near, far = EYE_DISTANCE - reach, EYE_DISTANCE + reach
    depth = np.append(-eye, EYE_DISTANCE + eye @ centre)
    rows_x = np.append(right, -right @ centre)
    rows_y = np.append(up, -up @ centre)
    fold = (far + near) / (far - near), -2 * far * near / (far - near)
    matrix = np.stack([focal * rows_x + cx * depth, -focal * rows_y + cy * depth, fold[0] * depth + [0, 0, 0, fold[1]], depth])
    return Projection(matrix=matrix, size=size, scale=scale, eye=eye, right=right, up=up, centre=centre)


def move(projection: Projection, camera: Camera, top: float, *, magnify: float, by: tuple[float, float]) -> Projection:
    """The same view magnified about the picture's middle, then moved by pixels: for framing around labels."""
    focal = projection.scale * EYE_DISTANCE * magnify
    middle = projection.points(projection.centre)[0, :2] - camera_pan(camera, projection.scale)
    half = np.array(projection.size) / 2
    return _projection(camera, projection.size, top, focal, half + (middle - half) * magnify + by)


def camera_pan(camera: Camera, scale: float) -> Array:
    """The camera's pan in pixels (x right, y down)."""
    return np.array([camera.pan[0] * scale, -camera.pan[1] * scale])
