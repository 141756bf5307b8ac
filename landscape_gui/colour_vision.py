"""How colours look to readers who see fewer of them, and in grey print. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from landscape_gui.results import Array
from landscape_gui.style import colour_table

VISION: Mapping[str, Array] = {
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
"""Linear RGB to linear RGB as it is seen: Machado, Oliveira and Fernandes 2009 (IEEE TVCG 15), table 1, severity 1."""
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
"""Linear sRGB to CIE XYZ, D65 (IEC 61966-2-1)."""
WHITE = XYZ.sum(axis=1)


def linear(colours: Array) -> Array:
    """sRGB in [0, 1], (..., 3), as light."""
    c = np.asarray(colours, float)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(colours: Array) -> Array:
    """CIE L*a*b* (..., 3) of linear RGB."""
    t = np.asarray(colours, float) @ XYZ.T / WHITE
    f = np.where(t > 216 / 24389, np.cbrt(np.maximum(t, 0)), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def seen(colours: Array, vision: str) -> Array:
    """L*a*b* of sRGB colours (..., 3) as a reader sees them: "protanopia", "deuteranopia", "tritanopia", or "" for all cones."""
    light = linear(colours)
    return lab(light if not vision else np.clip(light @ VISION[vision].T, 0, 1))


def lightness(colours: Array) -> Array:
    """L* (...) of sRGB colours: what is left of them in grey print, 0 to 100."""
    return np.asarray(seen(colours, "")[..., 0])


def rgb(colour: str) -> Array:
    """sRGB in [0, 1] of "#RRGGBB"."""
    return np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])


def closest(colours: list[str], vision: str) -> tuple[float, tuple[str, str]]:
    """The two colours that are hardest to tell apart, and their distance in L*a*b* (about 2 can just be told side by side)."""
    places = {colour: seen(rgb(colour), vision) for colour in colours}
    pairs = [(float(np.linalg.norm(places[a] - places[b])), (a, b)) for a, b in combinations(colours, 2)]
    return min(pairs, default=(np.inf, ("", "")))


def turning_points(name: str, tolerance: float = 1.0) -> list[float]:
    """Where along a colour map (0 to 1) the lightness turns back by more than `tolerance`: equal greys for different values."""
    light = lightness(colour_table(name))
    found: list[float] = []
    rising, extreme, at = light[-1] >= light[0], light[0], 0
    if np.abs(light[1:] - light[0]).max() > tolerance:
        rising = light[np.argmax(np.abs(light - light[0]) > tolerance)] > light[0]
    for k, value in enumerate(light):
        ahead = value - extreme if rising else extreme - value
        if ahead >= 0:
            extreme, at = value, k
        elif -ahead > tolerance:
            found.append(at / (len(light) - 1))
            rising, extreme, at = not rising, value, k
    return found
