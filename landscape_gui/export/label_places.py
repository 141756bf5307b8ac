"""Where a contour line can carry its label: on a calm stretch, off the edges, other labels and crowded lines. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from landscape_gui.results import Array


def label_places(
    pieces: Mapping[float, Sequence[Array]],
    texts: Mapping[float, str],
    size: float,
    side: float,
    measure: Callable[[str, float], float],
    avoid: Sequence[Array] = (),
) -> list[tuple[float, float, float]]:
    """(level, x, y), at most one for every piece of line, in the units of the pieces.

    pieces: lines (n, 2) of each level on a square of `side`; texts: their labels; size: font size in the same units; measure: width
    of a text. A label wants 0.6 lines of height to the next level, and one and a half of its widths to another label.
    avoid: lines (n, 2) that no label lies on.
    """
    levels = sorted(pieces)
    clouds = {level: np.concatenate([_dense(p, 2.0) for p in pieces[level]] or [np.zeros((0, 2))]) for level in levels}
    placed: list[tuple[float, float, float]] = []
    taken: list[tuple[Array, float]] = [(place, 0.0) for line in avoid for place in _dense(line, size)]
    for k, level in sorted(enumerate(levels), key=lambda item: (item[0] % 2 == 0, item[0])):
        width = measure(texts[level], size)
        beside = [clouds[levels[i]] for i in (k - 1, k + 1) if 0 <= i < len(levels)]
        others = np.concatenate(beside) if beside else np.zeros((0, 2))
        for piece in sorted(pieces[level], key=len, reverse=True)[:2]:
            found = _best(_dense(piece, 2.0), width, size, side, others, taken)
            if found is not None:
                taken.append((found, width))
                placed.append((level, float(found[0]), float(found[1])))
    return placed


def _best(line: Array, width: float, size: float, side: float, others: Array, taken: list[tuple[Array, float]]) -> Array | None:
    """The straightest place that is free."""
    half = max(int(0.6 * width / 2.0), 2)
    if len(line) < 4 * half + 1:
        return None
    at = np.arange(half, len(line) - half, max(1, half // 2))
    middle = line[at]
    chord = np.hypot(*(line[at + half] - line[at - half]).T)
    straight = chord / (2.0 * 2 * half)
    room = np.minimum(middle, side - middle).min(axis=1)
    good = (straight > 0.9) & (room > 0.75 * width)
    if len(others):
        gap = np.sqrt(((middle[:, None, :] - others[None, ::2, :]) ** 2).sum(axis=-1)).min(axis=1)
        good &= gap > 0.75 * size
        straight = straight + 0.02 * np.minimum(gap / size, 3)
    for place, wide in taken:
        good &= np.hypot(*(middle - place).T) > 0.9 * (width + wide)
    if not good.any():
        return None
    return np.asarray(middle[np.argmax(np.where(good, straight, -1.0))])


def _dense(line: Array, step: float) -> Array:
    """The line at even steps."""
    if len(line) < 2:
        return line
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.arange(0.0, lengths[-1], step)
    return np.stack([np.interp(at, lengths, line[:, k]) for k in (0, 1)], axis=1)
