"""A spectrum's density from quadrature nodes, at any width, without computing again; how many eigenvalues lie where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_gui.core.student import student_quantile

Array = NDArray[np.float64]

DEFAULT_WIDTH = 0.01
"""The kernel's width where none is given, as a fraction of the spectrum's range."""

PADDING = 8.0
"""Widths beyond a node or line that the grid reaches: what is cut off there is below 1e-14, even drawn out over a million
widths."""

RESOLUTION = 4.0
"""Grid points per width: the trapezoidal rule then integrates Gaussians to 1e-9 and beyond."""

MOST_POINTS = 4_000
"""Points of an even grid; beyond, only the neighbourhoods of nodes and lines are resolved."""


@dataclass(frozen=True)
class Density:
    """x (k,): the grid, ascending, past the kernel at both ends; y (k,): density, whose trapezoidal integral is 1, lines included;
    low, high (k,): 95 % band over probes for the density at this width (NaN with one probe); count (k,): eigenvalues up to x, from
    0 to n; width: the Gaussian kernel's standard deviation, in units of x."""

    x: Array
    y: Array
    low: Array
    high: Array
    count: Array
    width: float


def density(
    nodes: Array,
    weights: Array,
    lines: Sequence[float] | Array = (),
    *,
    n: int,
    width: float | None = None,
    grid: Array | None = None,
) -> Density:
    """The density of n eigenvalues, seen through a Gaussian kernel.

    nodes, weights (p, m): quadratures of p probes, each of whose weights sum to 1 and stand for the n - len(lines) eigenvalues that
    are not known; lines: the known eigenvalues, of weight 1/n each; width: the kernel's standard deviation (None: a hundredth of
    the range); grid: the places (None: chosen so that the integral is 1 to 1e-6). With no probe (0, m) there are lines only. Mean
    and Student interval are over probes. Weights of zero and nodes or weights that are NaN count for nothing. Cost: p m k
    exponentials, milliseconds.
    """
    nodes, weights = _present(nodes, weights)
    known = np.asarray(lines, dtype=np.float64)
    width = width or default_width(nodes, weights, known)
    x = make_grid(nodes, weights, known, width) if grid is None else np.asarray(grid, dtype=np.float64)
    bulk = (n - len(known)) / n
    sharp = _smooth(known, np.full(len(known), 1 / n), x, width)
    each = np.array([sharp + bulk * _smooth(a, b, x, width) for a, b in zip(nodes, weights, strict=True)]).reshape(-1, len(x))
    y = each.mean(axis=0) if len(each) else sharp
    reach = np.full_like(y, np.nan)
    if len(each) > 1:
        reach = student_quantile(len(each) - 1) * each.std(axis=0, ddof=1) / np.sqrt(len(each))
    elif not len(each) or bulk == 0:
        reach = np.zeros_like(y)
    steps = np.diff(x) * (y[1:] + y[:-1]) / 2
    count = n * np.concatenate([[0.0], np.cumsum(steps)])
    return Density(x, y, np.maximum(y - reach, 0.0), y + reach, count, width)


def default_width(nodes: Array, weights: Array, lines: Array) -> float:
    """A hundredth of the range of nodes that carry weight and lines; a hundredth of their size where the range is zero."""
    places = np.concatenate([nodes[weights > 0], lines])
    if not len(places):
        return DEFAULT_WIDTH
    spread, size = float(np.ptp(places)), float(np.abs(places).max())
    return DEFAULT_WIDTH * (spread if spread > 1e-9 * size else size or 1.0)


def make_grid(nodes: Array, weights: Array, lines: Array, width: float) -> Array:
    """Places dense enough for the kernel wherever there is mass, and past it at both ends."""
    places = np.unique(np.concatenate([nodes[weights > 0], lines]))
    if not len(places):
        places = np.zeros(1)
    low, high = places[0] - PADDING * width, places[-1] + PADDING * width
    points = int(np.ceil((high - low) / width * RESOLUTION)) + 1
    if points <= MOST_POINTS:
        return np.linspace(low, high, max(points, 400))
    cell = width / RESOLUTION
    reach = int(PADDING * RESOLUTION)
    near = np.round(places / cell)[:, None] + np.arange(-reach - 1, reach + 2)[None]
    return np.asarray(np.unique(near) * cell)


def _present(nodes: Array, weights: Array) -> tuple[Array, Array]:
    """Nodes and weights with zeros where a probe ended early."""
    there = np.isfinite(nodes) & np.isfinite(weights)
    return np.where(there, nodes, 0.0), np.where(there, weights, 0.0)


def _smooth(places: Array, masses: Array, x: Array, width: float) -> Array:
    kernels = np.exp(-0.5 * ((x[:, None] - places[None]) / width) ** 2)
    return np.asarray(kernels @ masses / (width * np.sqrt(2 * np.pi)))


def resolve_weights(
    nodes: Array, weights: Array, residuals: Array, lines: Sequence[float] | Array = (), *, n: int, tolerance: float = 1e-3
) -> Array:
    """The weights (p, m), those of resolved nodes replaced by what is known of them: one eigenvalue each, 1/(n - len(lines)).

    Resolved: residual below tolerance times |node|, and |node| above a fiftieth of the largest line or node. The other weights are
    scaled so that the sum stays. Halves the Wasserstein distance of the mean, at no product; but probes then agree with one another
    more than with the truth, and a repeated eigenvalue counts once: no band, interval or standard error from these weights.
    """
    nodes, weights = _present(nodes, weights)
    places = np.abs(np.concatenate([np.ravel(nodes), np.asarray(lines, dtype=np.float64)]))
    large = np.abs(nodes) > places.max(initial=0.0) / 50
    resolved = large & (residuals < tolerance * np.abs(nodes)) & (weights > 0)
    share = 1 / max(1, n - len(np.asarray(lines)))
    rest = np.where(resolved, 0.0, weights)
    left = 1 - share * resolved.sum(axis=1, keepdims=True)
    total = rest.sum(axis=1, keepdims=True)
    usable = (total > 0) & (left > 0)
    scaled = np.where(resolved, share, rest * left / np.where(usable, total, 1.0))
    return np.where(usable, scaled, weights)


@dataclass(frozen=True)
class Mass:
    """value: a share of the spectrum; standard_error: over probes; low, high: what the quadratures allow at 95 %: Student's
    interval around the Chebyshev-Markov-Stieltjes bounds of each probe, which hold whatever lies between two nodes."""

    value: float
    standard_error: float
    low: float
    high: float


def mass_below(nodes: Array, weights: Array, lines: Sequence[float] | Array = (), *, n: int, at: float) -> Mass:
    """The share of the n eigenvalues below `at`, with its error; arguments as in `density`. For negative mass: at = -epsilon."""
    known = np.asarray(lines, dtype=np.float64)
    sharp, bulk = float((known < at).sum()) / n, (n - len(known)) / n
    nodes, weights = _present(nodes, weights)
    if not len(nodes):
        return Mass(sharp, 0.0, sharp, sharp)
    shares = np.array([_cumulative(a, b, at) for a, b in zip(nodes, weights, strict=True)])
    value, low, high = (sharp + bulk * shares).mean(axis=0)
    if len(shares) < 2:
        return Mass(float(value), float("nan"), float(low), float(high))
    errors = bulk * shares.std(axis=0, ddof=1) / np.sqrt(len(shares))
    reach = student_quantile(len(shares) - 1)
    bounds = max(0.0, low - reach * errors[1]), min(1.0, high + reach * errors[2])
    return Mass(float(value), float(errors[0]), float(bounds[0]), float(bounds[1]))


def _cumulative(nodes: Array, weights: Array, at: float) -> tuple[float, float, float]:
    """The weight below a place, and its bounds: with all mass of the two neighbouring nodes on either side (Golub and Meurant
    2010)."""
    order = np.argsort(nodes[weights > 0])
    places, masses = nodes[weights > 0][order], weights[weights > 0][order]
    below = int(np.searchsorted(places, at, side="left"))
    sums = np.concatenate([[0.0], np.cumsum(masses)])
    return float(sums[below]), float(sums[max(0, below - 1)]), float(sums[min(len(masses), below + 1)])


def wasserstein(places: Array, masses: Array, others: Array, other_masses: Array) -> float:
    """The Wasserstein-1 distance of two discrete measures of equal total mass, in units of the places."""
    x = np.concatenate([np.ravel(places), np.ravel(others)])
    d = np.concatenate([np.ravel(masses), -np.ravel(other_masses)])
    order = np.argsort(x, kind="stable")
    return float(np.sum(np.abs(np.cumsum(d[order])[:-1]) * np.diff(x[order])))


def measure(nodes: Array, weights: Array, lines: Sequence[float] | Array = (), *, n: int) -> tuple[Array, Array]:
    """Places and masses (k,) of the discrete measure that the probes' mean and the lines make: masses sum to 1."""
    known = np.asarray(lines, dtype=np.float64)
    nodes, weights = _present(nodes, weights)
    probes = max(1, len(nodes))
    masses = np.concatenate([np.full(len(known), 1 / n), np.ravel(weights) * (n - len(known)) / n / probes])
    return np.concatenate([known, np.ravel(nodes)]), masses
