"""CPU time of functions run in turn, so that a busy machine falls on all of them alike."""

from __future__ import annotations

import resource
import statistics
from collections.abc import Callable, Mapping


def cpu_seconds() -> float:
    """CPU time of this process and of its finished children."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def interleave(work: Mapping[str, tuple[Callable[[], float | None], int]], rounds: int) -> dict[str, list[float]]:
    """Seconds per point of each piece of work (a function and how many points it does), one a round, after one to warm up.

    A function that gives a float took so many CPU seconds elsewhere; of any other, this process's are taken.
    """
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, (function, points) in work.items():
            start = cpu_seconds()
            told = function()
            if turn:
                times[name].append((told if isinstance(told, float) else cpu_seconds() - start) / points)
    return times


def ratio(times: Mapping[str, list[float]], name: str, base: str) -> float:
    """Median over rounds of one piece's time over another's in the same round."""
    return statistics.median(a / b for a, b in zip(times[name], times[base], strict=True))


def fastest(times: Mapping[str, list[float]], names: list[str]) -> str:
    """The name with the smallest median time."""
    return min(names, key=lambda name: statistics.median(times[name]))
