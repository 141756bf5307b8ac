"""The PAC-Bayes bound of a checkpoint: what it needs of the problem, and why there may be none."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.probes.sharpness_plan import SEARCH

if TYPE_CHECKING:
    from landscape_gui.core.objective import Objective
    from landscape_gui.probes.passes import Passes
    from landscape_gui.probes.sharpness import Sharpness
    from landscape_gui.problem import Problem

SEARCH_DRAWS = 15
"""Draws of the binary search for sigma, as published; the bound's own draws come after them."""
PARTS = (
    "value", "mean_error", "standard_error", "monte_carlo", "kl", "sigma", "prior", "distance", "complexity", "delta",
    "monte_carlo_delta",
)  # fmt: skip


def compute_bound(
    probe: Sharpness, problem: Problem, objective: Objective, passes: Passes
) -> Generator[float, None, dict[str, float] | str]:
    """The bound's parts by name, or a sentence that says why there is none. passes: counts what is computed."""
    from landscape_gui.core.pac_bayes import pac_bayes, search_sigma

    why = why_none(probe, problem, objective)
    if why:
        return why
    error = NoisyError(probe, problem, objective, passes)
    at_centre = error(0.0, 0)
    searched = SEARCH / (SEARCH + probe.draws)
    search = search_sigma(error, at_centre, draws=SEARCH_DRAWS, depth=probe.search)
    sigma = yield from stretch(search, 0.0, searched)
    if not sigma:
        return "No PAC-Bayes bound: even the smallest noise raises the error by more than 0.1."
    distance = distance_from_prior(probe, problem, objective)
    found = yield from stretch(
        pac_bayes(
            error, sigma, distance, objective.size, objective.examples, draws=probe.draws, first=SEARCH_DRAWS, delta=probe.delta
        ),
        searched,
        1 - searched,
    )  # fmt: skip
    return {**{name: float(getattr(found, name)) for name in PARTS}, "examples": float(found.examples), "error": at_centre}


def why_none(probe: Sharpness, problem: Problem, objective: Objective) -> str:
    """A bound is on a classifier's error, over all its weights, from the examples that it was trained on."""
    first = next(iter(problem.splits))
    if "accuracy" not in problem.metrics:
        return "No PAC-Bayes bound: it is on the error of a classifier, and this problem has no accuracy."
    if probe.layer:
        return "No PAC-Bayes bound: the prior would have to hold the other layers, which were trained on the same data."
    if probe.split != first:
        return f"No PAC-Bayes bound: it is computed on the training data, the split {first}."
    if objective.examples < 2:
        return "No PAC-Bayes bound: it needs at least two examples, and to know how many there are."
    return ""


class NoisyError:
    """(sigma, index) -> the error over all examples with the index-th Gaussian draw times sigma added to the weights."""

    def __init__(self, probe: Sharpness, problem: Problem, objective: Objective, passes: Passes) -> None:
        self.problem, self.objective, self.probe, self.passes = problem, objective, probe, passes
        self.name = f"{probe.split}_accuracy"
        self.evaluator = problem.evaluator(
            splits=(probe.split,), limit=probe.limit, seed=probe.seed, tier="exact", precision=probe.precision
        )  # fmt: skip

    def __call__(self, sigma: float, index: int) -> float:
        from landscape_gui.core.sharpness import BOUND, random_vector

        axis = self.objective.embed(random_vector(self.objective.origin, self.probe.seed, BOUND, index))
        self.passes.losses += 1
        steps: Any = self.evaluator.evaluate(self.problem.state, (axis.to(self.problem.state),), np.array([[sigma]]))
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return min(max(1 - float(stop.value.mean[self.name][0]), 0.0), 1.0)


def distance_from_prior(probe: Sharpness, problem: Problem, objective: Objective) -> float:
    """||w - w0||_2 over the parameters that require a gradient; w0 is zero where no prior is named."""
    weights = objective.extract(problem.state).double()
    if probe.prior is not None:
        weights = weights - objective.extract(problem.state_of(probe.prior)).double()
    return float(weights.norm())


def stretch(steps: Generator[float, None, Any], first: float, width: float) -> Generator[float, None, Any]:
    """The same work with its fractions between `first` and `first + width`."""
    while True:
        try:
            fraction = next(steps)
        except StopIteration as stop:
            return stop.value
        yield first + width * fraction
