"""How fine a surface is where nobody says: as fine as some minutes allow, decided before it is asked.

The size stands in the question, so an answer's key depends on it and never on how long anything took.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from landscape_gui.probes.surface import PATIENCE, SIZES, Surface
from landscape_gui.store import Store, key_of

if TYPE_CHECKING:
    from landscape_gui.problem import Problem


def affordable(question: Surface, problem: Problem, store: Store) -> Surface:
    """The same question at the largest of `SIZES` that is estimated at `PATIENCE` seconds or less, else at the smallest.

    One that the store holds, whole or begun, is taken before anything is estimated, the largest first: a size once chosen stays,
    however busy the machine is the next time. An adaptive surface stays as it is: it is asked for to save points. Measures what a
    point takes (some forward passes, once a problem); as it is, where that cannot be measured.
    """
    if question.adaptive:
        return question
    sized = [dataclasses.replace(question, steps=(size, size)) for size in SIZES]
    for each in sized:
        key = key_of(each.completed(problem), problem.fingerprint)
        if store.path(key).exists() or store.partial_path(key).exists():
            return each
    seconds = [each.cost(problem).seconds for each in sized]
    if not math.isfinite(seconds[0]):
        return question
    return next((each for each, cost in zip(sized, seconds, strict=True) if cost <= PATIENCE), sized[-1])
