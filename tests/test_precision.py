"""Surfaces of every sample against a loop that loads the weights, runs the network and takes the mean, all in float64.

What float32 can promise: a difference of at most 1e-6 max(1, loss). Where a loss is small, its own digits are those of the logits:
a plain float32 loop in torch is off by 1.4e-6 of it too. Without shortcuts 44 layers are so rough that rounding moved weights to
float32 alone makes 0.9e-6; there 1.1e-6 was measured at 441 points, 1.0e-6 of a plain loop.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landscape_gui import samples
from landscape_gui.core.directions import random_plane
from landscape_gui.problem import Problem, open_problem

EXAMPLES = 128
EDGES = np.linspace(-1, 1, 5)


def finish(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def nets(problem: Problem, axes: Any, points: Any) -> Iterable[nn.Module]:
    """The network with the weights of each point, in float64."""
    net = copy.deepcopy(problem.module).double()
    for x, y in points:
        state = problem.state.double() + x * axes[0].double() + y * axes[1].double()
        net.load_state_dict({name: t.clone() for name, t in problem.layout.unflatten(state).items()}, strict=False)
        yield net.eval()


def loss(net: nn.Module, problem: Problem, split: int, limit: int) -> float:
    from landscape_gui.problem.problem import draw

    data = draw(problem._parts.splits[split], limit, 0)
    with torch.no_grad():
        return float(F.cross_entropy(net(data.inputs.double()), data.targets))


@pytest.mark.parametrize("name", samples.names())
def test_a_samples_whole_grid_is_right(name: str) -> None:
    problem = open_problem(f"samples:{name}")
    reach = float(problem.defaults.get("span", [1.0])[0])
    points = np.array([(x, y) for y in reach * EDGES for x in reach * EDGES])
    axes = random_plane(problem.layout, problem.state, seed=0)
    expected = np.array([loss(net, problem, 0, EXAMPLES) for net in nets(problem, axes, points)])
    for precision in ("float32", "float64"):
        evaluator = problem.evaluator(splits=("train",), limit=EXAMPLES, precision=precision)
        found = finish(evaluator.evaluate(problem.state, axes, points)).mean["train_loss"]
        off = np.abs(found - expected)
        # float64: coordinates and weights are the loop's own, so only the order of sums differs; measured 1e-13
        if precision == "float64":
            assert (off / expected).max() < 1e-9
        else:
            assert (off / np.maximum(1, expected)).max() < (2e-6 if name == "digits-resnet-plain" else 1e-6)


@pytest.mark.parametrize("name", ["digits-resnet", "digits-resnet-plain"])
def test_a_samples_recalculated_statistics_are_those_of_one_pass_over_all_training_data(name: str) -> None:
    problem = open_problem(f"samples:{name}")
    axes = random_plane(problem.layout, problem.state, seed=0)
    points = np.array([(0.0, 0.0), (0.3, -0.2), (-0.7, 0.7)])
    expected: dict[str, list[float]] = {"train_loss": [], "test_loss": []}
    for net in nets(problem, axes, points):
        for part in net.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.reset_running_stats()
                part.momentum = 1.0
        with torch.no_grad():
            net.train()(problem._parts.splits[0].inputs.double())
        net.eval()
        expected["train_loss"].append(loss(net, problem, 0, 0))
        expected["test_loss"].append(loss(net, problem, 1, 0))
    for precision, tolerance in (("float32", 1e-5), ("float64", 1e-6)):  # measured 5e-7 and 1e-14
        evaluator = problem.evaluator(precision=precision, batchnorm="recalculated")
        found = finish(evaluator.evaluate(problem.state, axes, points)).mean
        for quantity, values in expected.items():
            np.testing.assert_allclose(found[quantity], values, rtol=tolerance)
