"""Small bodies for meshes: a tube along a path, a ball at a place. NumPy only."""

from __future__ import annotations

import numpy as np

from landscape_gui.results import Array

SIDES = 10
"""Of a tube, and meridians of a ball."""
BELTS = 7
"""Of a ball, from pole to pole."""

Solid = tuple[Array, Array, Array]
"""Points (n, 3), unit normals (n, 3) and triangles (m, 3), counter-clockwise seen from outside."""


def tube(line: Array, radius: float) -> Solid | None:
    """Around the line (k, 3), open at both ends; None where it has fewer than two places."""
    apart = np.append(True, np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-9)
    line = line[apart]
    if len(line) < 2:
        return None
    first, second = frames(line)
    angle = 2 * np.pi * np.arange(SIDES) / SIDES
    normals = np.cos(angle)[None, :, None] * first[:, None] + np.sin(angle)[None, :, None] * second[:, None]
    points = line[:, None] + radius * normals
    k, s = np.meshgrid(np.arange(len(line) - 1), np.arange(SIDES), indexing="ij")
    a, b = k * SIDES + s, k * SIDES + (s + 1) % SIDES
    triangles = np.stack([np.stack([a, b, b + SIDES], -1), np.stack([a, b + SIDES, a + SIDES], -1)], -2)
    return points.reshape(-1, 3), normals.reshape(-1, 3), triangles.reshape(-1, 3)


def frames(line: Array) -> tuple[Array, Array]:
    """Two unit vectors (k, 3) across the line at every place, with first x second along it, turned as little as can be."""
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    across = np.eye(3)[int(np.abs(along[0]).argmin())]
    first = np.empty_like(along)
    for k, direction in enumerate(along):
        across = across - (across @ direction) * direction
        across = across / max(float(np.linalg.norm(across)), 1e-12)
        first[k] = across
    return first, np.cross(along, first)


def ball(middle: Array, radius: float) -> Solid:
    """Around a place (3,)."""
    polar, around = np.meshgrid(np.pi * np.arange(BELTS + 1) / BELTS, 2 * np.pi * np.arange(SIDES) / SIDES, indexing="ij")
    normals = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1).reshape(-1, 3)
    k, s = np.meshgrid(np.arange(BELTS), np.arange(SIDES), indexing="ij")
    a, b = k * SIDES + s, k * SIDES + (s + 1) % SIDES
    upper, lower = np.stack([a, b + SIDES, b], -1)[1:], np.stack([a, a + SIDES, b + SIDES], -1)[:-1]
    return middle + radius * normals, normals, np.concatenate([upper.reshape(-1, 3), lower.reshape(-1, 3)])
