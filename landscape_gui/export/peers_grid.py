"""Coordinates of a stranger's grid, checked and put in ascending order with the values that belong to them. NumPy only."""

from __future__ import annotations

import numpy as np

from landscape_gui.errors import LandscapeError
from landscape_gui.results import Array

MOST = 1 << 24
"""Cells of a grid."""


def order_of(coordinates: Array, what: str) -> Array:
    """The indices that bring coordinates (n,) into ascending order. what: their name in the file. LandscapeError where they are
    fewer than two, not finite, or two of them are the same."""
    values = np.asarray(coordinates, np.float64)
    if values.ndim != 1 or values.size < 2:
        raise LandscapeError(f"{what} has the shape {values.shape}; two or more numbers in a row are needed.", remedy=AGAIN)
    if not np.isfinite(values).all():
        raise LandscapeError(f"{what} holds a value that is not finite.", remedy=AGAIN)
    if values.size > MOST:
        raise LandscapeError(f"{what} has {values.size:,} places; {MOST:,} are the most that are read.", remedy=AGAIN)
    order = np.argsort(values, kind="stable")
    if (np.diff(values[order]) <= 0).any():
        raise LandscapeError(f"{what} holds the same place twice.", remedy=AGAIN)
    return order


def checked_shape(values: Array, shape: tuple[int, ...], what: str) -> Array:
    """Values as float64; LandscapeError where they have another shape."""
    if np.shape(values) != shape:
        raise LandscapeError(f"{what} has the shape {np.shape(values)}, but the coordinates make it {shape}.", remedy=AGAIN)
    return np.asarray(values, np.float64)


AGAIN = "Write it again with the program that it comes from."
