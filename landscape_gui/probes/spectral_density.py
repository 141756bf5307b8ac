"""The density of a spectrum's answer, at any width, without computing again. NumPy only."""

from __future__ import annotations

import dataclasses

import numpy as np

from landscape_gui.curvature_results import SpectrumResult
from landscape_gui.density import Density, default_width, density
from landscape_gui.results import Array


def density_of(result: SpectrumResult, width: float = 0.0, *, grid: Array | None = None) -> Density | None:
    """The density, lines included, with its integral 1; width: the kernel's standard deviation (0: a hundredth of the range).

    None where nothing is known of the bulk yet.
    """
    lines = result.lines
    if not result.size or not (len(result.nodes) or len(lines) == result.size):
        return None
    return density(result.nodes, result.weights, lines, n=result.size, width=width or usual_width(result), grid=grid)


def bulk_of(result: SpectrumResult, width: float = 0.0, *, grid: Array | None = None) -> Density | None:
    """As `density_of` without the lines: its integral is the share of the bulk. None where there is no bulk."""
    if not len(result.nodes) or result.size <= len(result.lines):
        return None
    share = 1 - len(result.lines) / result.size
    found = density(result.nodes, result.weights, (), n=result.size, width=width or usual_width(result), grid=grid)
    return dataclasses.replace(found, y=share * found.y, low=share * found.low, high=share * found.high, count=share * found.count)


def usual_width(result: SpectrumResult) -> float:
    """A hundredth of the range of nodes and lines."""
    return default_width(result.nodes, result.weights, result.lines)


def bulk_range(result: SpectrumResult, share: float = 0.995) -> tuple[float, float]:
    """Where this share of the bulk's weight lies; (0, 0) where there is none."""
    places, weights = result.nodes.ravel(), result.weights.ravel()
    if not len(places) or not weights.sum() > 0:
        return 0.0, 0.0
    order = np.argsort(places)
    sums = np.cumsum(weights[order]) / weights.sum()
    low, high = np.searchsorted(sums, [(1 - share) / 2, (1 + share) / 2])
    return float(places[order][low]), float(places[order][min(high, len(places) - 1)])
