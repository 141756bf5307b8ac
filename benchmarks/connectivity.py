"""What paths between two models cost: evaluating one beside bare passes, a step of training one, and matching units.

Both ends are trained as the other figures' networks are, from two seeds. loss-landscapes is given the same line, data and number of
points; its values are checked against ours.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import statistics
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from landscape_gui.core.axis_groups import find_groups
from landscape_gui.core.curve_training import CurveTraining, Descent
from landscape_gui.core.curves import Curve, on_the_chord
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.matching import match_weights
from landscape_gui.core.minibatches import MiniBatchLoss
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from torch import Tensor, nn

from peers import Peer, install, quiet
from timing import cpu_seconds, fastest, interleave, ratio
from workloads import WORKLOADS, Workload, digits, trained

NAMES = ("path.mlp", "curve_step.resnet20", "matching.mlp512", "matching.resnet20")
PATH_GOAL, PATH_PEER_GOAL = 0.20, 5.0
STEP_GOAL = 1.2
MATCHING_GOALS = {"matching.mlp512": 1.0, "matching.resnet20": 5.0}
POINTS = 25
STEPS = 4
"""Steps of training timed a round."""
BATCH = 64
REPEATS = 3
"""Times that units are matched, afresh."""
AGREEMENT = 1e-4
"""Relative difference of a peer's losses from ours, in float32, above which they are said to be wrong."""

LOSS_LANDSCAPES = Peer("loss-landscapes", ("loss-landscapes==3.0.6",), lambda setting, steps: NotImplemented)


def measure(cache: Path, rounds: int, *, only: tuple[str, ...] = NAMES, peerless: bool = False) -> list[dict[str, Any]]:
    """The figures of these names as they go into latest.json."""
    found = [measure_path(cache, rounds, peerless)] if "path.mlp" in only else []
    found += [measure_step(cache, rounds)] if "curve_step.resnet20" in only else []
    return found + [measure_matching(name, cache) for name in MATCHING_GOALS if name in only]


@dataclasses.dataclass(frozen=True)
class Ends:
    """Two networks of one architecture, trained from two seeds on the same data."""

    first: nn.Module
    second: nn.Module
    x: Tensor
    y: Tensor

    @property
    def layout(self) -> Layout:
        return Layout.from_module(self.first)

    @property
    def states(self) -> Tensor:
        return torch.stack([self.layout.flatten(net.state_dict()) for net in (self.first, self.second)])


def ends(workload: Workload, cache: Path) -> Ends:
    """The workload's own network, and another seed's."""
    first, x, y = trained(workload, cache)

    def seeded() -> nn.Module:
        torch.manual_seed(1)
        return workload.network()

    second, _, _ = trained(dataclasses.replace(workload, name=f"{workload.name}.second", network=seeded), cache)
    return Ends(first, second, x, y)


def named(name: str) -> Workload:
    return next(workload for workload in WORKLOADS if workload.name == name)


def measure_path(cache: Path, rounds: int, peerless: bool) -> dict[str, Any]:
    """Evaluating a line of 25 points, per point, over a bare forward pass on the same tensors, and beside loss-landscapes."""
    workload = named("surface.mlp")
    pair = ends(workload, cache)
    evaluator = Evaluator(pair.first, pair.layout, [Split("train", pair.x, pair.y)], CROSS_ENTROPY)
    path, t = Curve("line", pair.states), np.arange(1, POINTS + 1) / POINTS
    work: dict[str, tuple[Callable[[], float | None], int]] = {
        f"forward {batch}": (silent(lambda batch=batch: forward(pair, batch, workload.passes)), workload.passes)
        for batch in workload.forward_batches
    }
    work["ours"] = (silent(lambda: losses_along(evaluator, path, t)), POINTS)
    skipped = "left out" if peerless else install(LOSS_LANDSCAPES, cache)
    wrong = "" if skipped else verdict(interpolated(pair), losses_along(evaluator, path, t))
    if not skipped and not wrong:
        work[LOSS_LANDSCAPES.name] = (silent(lambda: interpolated(pair)), POINTS)
    times = interleave(work, rounds)
    base = fastest(times, [name for name in work if name.startswith("forward")])
    peer = LOSS_LANDSCAPES.name
    return {
        "name": "path.mlp",
        "ratio_to_forward": round(ratio(times, "ours", base), 4),
        "goal": PATH_GOAL,
        "ratio_to_peer": round(ratio(times, "ours", peer), 4) if peer in times else None,
        "peer_goal": round(1 / PATH_PEER_GOAL, 4),
        "peer": {"name": peer, "wrong": wrong, "skipped": skipped},
        "points": POINTS,
        "environment": evaluator.environment,
    }


def losses_along(evaluator: Evaluator, path: Curve, t: np.ndarray) -> np.ndarray:
    """Our losses at places t of a path."""
    losses = np.full(len(t), np.nan)
    for stretch in path.stretches(t):
        values = finish(evaluator.evaluate(stretch.origin, stretch.axes, stretch.coordinates))
        losses[stretch.chosen] = values.mean["train_loss"]
    return losses


def interpolated(pair: Ends) -> np.ndarray:
    """loss-landscapes' losses at t = 1/25, 2/25, ..., 1: it steps before it evaluates, and moves the network it is given."""
    library, metrics = importlib.import_module("loss_landscapes"), importlib.import_module("loss_landscapes.metrics")
    with torch.no_grad(), quiet():
        metric = metrics.Loss(F.cross_entropy, pair.x, pair.y)
        return np.asarray(library.linear_interpolation(copy.deepcopy(pair.first), pair.second, metric, POINTS))


def verdict(theirs: np.ndarray, ours: np.ndarray) -> str:
    """What is wrong with a peer's losses; empty where they agree with ours."""
    difference = float(np.abs(theirs / ours - 1).max())
    return "" if difference <= AGREEMENT else f"a value is {difference:.1e} off"


def forward(pair: Ends, batch: int, passes: int) -> None:
    """So many bare passes over the resident tensors, and nothing else but the sum of the loss."""
    total = torch.zeros((), dtype=torch.float64)
    with torch.inference_mode():
        for x, y in passes * list(zip(pair.x.split(batch), pair.y.split(batch), strict=True)):
            total += F.cross_entropy(pair.first(x), y, reduction="sum")
    total.item()


def measure_step(cache: Path, rounds: int) -> dict[str, Any]:
    """A step of training a Bezier curve with one bend over a plain training step of the network, on batches of 64."""
    pair = ends(named("surface.resnet20"), cache)
    loss = MiniBatchLoss(pair.first, pair.layout, Split("train", pair.x, pair.y), CROSS_ENTROPY, batch=BATCH)
    work: dict[str, tuple[Callable[[], float | None], int]] = {}
    for name, make in OPTIMISERS.items():
        descent = Descent(name, 1e-4)  # type: ignore[arg-type]
        training = CurveTraining(loss, on_the_chord(*pair.states, 1), descent=descent)
        work[f"curve, {name}"] = (repeated(silent(training.advance)), STEPS)
        work[f"plain, {name}"] = (repeated(PlainTraining(pair, make)), STEPS)
    times = interleave(work, rounds)
    ratios = {name: round(ratio(times, f"curve, {name}", f"plain, {name}"), 3) for name in OPTIMISERS}
    return {
        "name": "curve_step.resnet20",
        "ratio_to_step": max(ratios.values()),
        "goal": STEP_GOAL,
        "by_optimiser": ratios,
        "milliseconds_per_step": round(1e3 * statistics.median(times["curve, adam"]), 1),
        "environment": loss.environment,
    }


OPTIMISERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "adam": lambda parameters: torch.optim.Adam(parameters, 1e-4),
    "sgd": lambda parameters: torch.optim.SGD(parameters, 1e-4, momentum=0.9),
}


class PlainTraining:
    """Forward, backward and update of a network in training mode, batch after batch."""

    def __init__(self, pair: Ends, make: Callable[[Any], torch.optim.Optimizer]) -> None:
        self.pair, self.network = pair, copy.deepcopy(pair.first).requires_grad_(True).train()
        self.optimiser = make(self.network.parameters())
        self._step = 0

    def __call__(self) -> None:
        chosen = torch.arange(BATCH * self._step, BATCH * (self._step + 1)) % len(self.pair.x)
        self._step += 1
        self.optimiser.zero_grad()
        F.cross_entropy(self.network(self.pair.x[chosen]), self.pair.y[chosen]).backward()
        self.optimiser.step()


def measure_matching(name: str, cache: Path) -> dict[str, Any]:
    """CPU seconds of finding which axes move together, and of matching by weights; medians of three."""
    pair = ends(MLP512 if name == "matching.mlp512" else named("surface.resnet20"), cache)
    layout, states, seconds = pair.layout, pair.states, []
    for _ in range(REPEATS):
        start = cpu_seconds()
        groups = find_groups(pair.first, layout, pair.x[:4]).groups
        middle = cpu_seconds()
        found = finish(match_weights(layout, groups, *states))
        seconds.append((middle - start, cpu_seconds() - middle))
    finding, matching = (round(statistics.median(column), 3) for column in zip(*seconds, strict=True))
    return {
        "name": name,
        "seconds": matching,
        "goal": MATCHING_GOALS[name],
        "seconds_to_find_groups": finding,
        "units": found.units,
        "moved": found.moved,
        "rounds": found.rounds,
        "environment": {"threads": torch.get_num_threads(), "torch": torch.__version__},
    }


def mlp512() -> nn.Module:
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(nn.Flatten(), *layers)


MLP512 = Workload("matching.mlp512", mlp512, digits, 2_000, 0, (), 0, 4, 128, 0.0, 0.0, 0)


def silent(function: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        function()

    return run


def repeated(function: Callable[[], Any]) -> Callable[[], None]:
    """So many steps one after the other."""

    def run() -> None:
        for _ in range(STEPS):
            function()

    return run


def finish(steps: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def report(result: dict[str, Any]) -> None:
    name = f"{result['name']:22s}"
    if "ratio_to_forward" in result:
        peer, ours = result["peer"], result["ratio_to_peer"]
        faster = f"{1 / ours:.2f} times as fast as {peer['name']} (goal {1 / result['peer_goal']:.1f})" if ours else ""
        said = faster or f"{peer['name']}: {peer['wrong'] or peer['skipped']}"
        print(f"{name} {result['ratio_to_forward']:.3f} of a forward pass a point (goal {result['goal']:.2f})  {said}", flush=True)
    elif "ratio_to_step" in result:
        each = ", ".join(f"{optimiser} {value:.2f}" for optimiser, value in result["by_optimiser"].items())
        print(f"{name} {result['ratio_to_step']:.2f} plain training steps (goal {result['goal']:.1f})  {each}", flush=True)
    else:
        finding = f"{result['seconds_to_find_groups']:.2f} s to find what moves together"
        print(f"{name} {result['seconds']:.2f} s (goal {result['goal']:.0f} s)  {finding}", flush=True)
