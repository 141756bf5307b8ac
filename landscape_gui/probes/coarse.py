"""Which checkpoints of a run are looked at, and in which order: the whole run roughly before any part of it closely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape_gui.probes import grid
from landscape_gui.probes.base import CheckpointRef


def spread(references: Sequence[CheckpointRef], most: int) -> tuple[CheckpointRef, ...]:
    """At most so many (0: all) of the checkpoints, both ends among them."""
    if not most or most >= len(references):
        return tuple(references)
    if most == 1:
        return (references[-1],)
    places = np.round(np.linspace(0, len(references) - 1, most)).astype(int)
    return tuple(references[place] for place in places)


def coarse_first(count: int) -> list[int]:
    """Every place once: both ends and the middle, then between."""
    seen: dict[int, None] = {}
    for level in range(grid.levels(count, 2)):
        seen.update(dict.fromkeys(int(place) for place in grid.stations(count, level, 2)))
    return list(seen)
