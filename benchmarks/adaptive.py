"""Adaptive surfaces of the samples: how many points they take, and how far they are off at points that they did not compute."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from landscape_gui import samples
from landscape_gui.jobs import answer
from landscape_gui.probes import Surface
from landscape_gui.probes.plane import resolve
from landscape_gui.probes.sampling import make_evaluator
from landscape_gui.problem import Problem, open_problem

STEPS = (201, 201)
GOAL = {"fraction": 0.05, "error": 0.015}
EXAMPLES = 256
"""A subset of the data where a point on all of them takes longer than PATIENCE, so that all samples together take minutes."""

PATIENCE = 0.008
CHECKS = 1_000
SECONDS = 20.0
"""At most so many points beside the computed ones are checked, and for at most so long; random ones, the same each time."""


def measure() -> Iterator[dict[str, Any]]:
    """One entry a sample: fraction of the points computed, largest error in ln loss at the points checked."""
    for name in samples.names():
        yield measure_sample(name)


def measure_sample(name: str) -> dict[str, Any]:
    problem = open_problem(f"samples:{name}", device="cpu")
    split = next(iter(problem.splits))
    slow = problem.evaluator(splits=(split,)).seconds_per_point > PATIENCE
    probe = Surface(steps=STEPS, adaptive=True, split=split, limit=EXAMPLES if slow else 0)
    start = time.perf_counter()
    result: Any = answer(probe, problem)
    seconds = time.perf_counter() - start
    error, checked = errors(problem, probe, result, f"{split}_loss")
    return {
        "name": f"adaptive.{name}",
        "ratio_to_forward": None,
        "ratio_to_best_peer": None,
        "goal": GOAL,
        "fraction": round(float(result.computed.mean()), 4),
        "error": round(error, 5),
        "estimated_error": round(float(result.interpolation_error), 5),
        "checked": checked,
        "examples": probe.limit or problem.splits[split],
        "seconds": round(seconds, 1),
    }


def errors(problem: Problem, probe: Surface, result: Any, quantity: str) -> tuple[float, int]:
    """The largest difference of ln loss at random points that were interpolated, and how many were looked at."""
    plane, evaluator = resolve(probe, problem), make_evaluator(probe, problem)
    rows, columns = np.nonzero(~result.computed)
    chosen = np.random.default_rng(0).permutation(len(rows))[:CHECKS]
    worst, checked, stop = 0.0, 0, time.perf_counter() + SECONDS
    for part in np.array_split(chosen, max(1, len(chosen) // 50)):
        if time.perf_counter() > stop or not len(part):
            break
        where = rows[part], columns[part]
        points = np.stack([result.x[where[1]], result.y[where[0]]], 1)
        true = finish(evaluator.evaluate(plane.origin, plane.axes, points)).mean[quantity]
        shown = result.quantities[quantity].values[where]
        usable = np.isfinite(true) & (true > 0)
        worst = max(worst, float(np.abs(np.log(shown[usable]) - np.log(true[usable])).max(initial=0.0)))
        checked += len(part)
    return worst, checked


def finish(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
