"""A nudged elastic band between two models, with pivots inserted where the loss is highest (AutoNEB; Draxler et al. 2018)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.curve_training import FORGETTING, Descent, refuse_divergence
from landscape_gui.core.curves import Curve, combine, on_the_chord
from landscape_gui.core.minibatches import MiniBatchLoss, generator
from landscape_gui.core.splits import Chunk
from landscape_gui.core.vector import dot, norm

Array = NDArray[Any]

FIRST = 3
"""Pivots that a band begins with."""
ROUNDS = 30
"""Times that every pivot is moved before more are inserted."""
BETWEEN = 4
"""Places between two pivots at which the loss is looked at before that."""
RISE = 0.2
"""A gap gets a pivot where the loss in it rises above the line between its pivots by more than this share of the whole path's."""
JUDGED = 512
"""Examples on which it is looked at, all at once."""
SMOOTHING = 0.8
"""How much of a pivot's running mean of the loss stays from one round to the next."""


class BandTraining:
    """Pivots between two models that go down the loss across the band's direction, and are kept at their places along it.

    A step moves one pivot along minus the gradient's part perpendicular to the band (towards its higher neighbour: Henkelman and
    Jonsson 2000); after each round all are put back along the polygon to where their places say (springs of infinite strength).
    After every 30 rounds, while there are fewer than `most` pivots, one is inserted wherever the loss between two pivots stands out
    above the line between them, at the highest place seen. Nothing depends on how long it will go on.

    ends: (2, size). loss, descent, weight_decay, seed: as of CurveTraining; pivots given out are averages over the rounds since
    the last insertion. A step costs forward and backward on a mini-batch; Adam's memory is five vectors a pivot.
    """

    def __init__(
        self,
        loss: MiniBatchLoss,
        ends: Tensor,
        *,
        most: int = 7,
        descent: Descent | None = None,
        weight_decay: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.loss, self.most, self.seed, self.weight_decay = loss, most, seed, weight_decay
        self.descent = descent or Descent()
        ends = ends.detach().to(device=loss.device, dtype=loss.dtype)
        self.iterate = on_the_chord(ends[0], ends[1], min(FIRST, most))
        self.average = self.iterate.clone()
        self.places: Array = np.linspace(0, 1, len(self.iterate))
        self.heights: Array = np.full(len(self.iterate), np.nan)
        """(m,) running means of the loss at the pivots; NaN before there is one."""
        self.step = self.turn = self.round = self.looked = 0
        self._memory = self.descent.begin(self.iterate[1:-1])
        self._moves: Array = np.zeros(self.bends, np.int64)  # of each pivot, as its optimiser counts
        self._gradient = torch.zeros(loss.layout.size, dtype=loss.dtype, device=loss.device)
        self._seen: list[float] = []
        self._chunk: Chunk | None = None

    @property
    def curve(self) -> Curve:
        """The band as it is now, copied: averaged pivots, each at its share of the polygon's length."""
        return self._polygon(self.average.clone())

    @property
    def bends(self) -> int:
        """Pivots, ends left out."""
        return len(self.iterate) - 2

    def advance(self) -> float | None:
        """Move one pivot and give the loss at it before; or look at one place for an insertion and give None.

        ProblemError where the loss is not finite: the pivots are then as before.
        """
        if self.bends < self.most and self.round - self.looked >= ROUNDS:
            self._look()
            return None
        value = self._move(self.turn + 1)
        self.step += 1
        self.turn += 1
        if self.turn == self.bends:
            self.turn = 0
            self.round += 1
            self._redistribute()
            self.average[1:-1].lerp_(self.iterate[1:-1], min(1.0, (FORGETTING + 1) / (self.round + FORGETTING)))
        return value

    def _move(self, pivot: int) -> float:
        self.loss.weights.copy_(self.iterate[pivot])
        value = self.loss.gradient(self.loss.chunk(self.step), self._gradient)
        refuse_divergence("band", self.step + 1, value, self._gradient)
        before = self.heights[pivot]
        self.heights[pivot] = value if np.isnan(before) else SMOOTHING * before + (1 - SMOOTHING) * value
        for start, stop in self.loss.trained if self.weight_decay else ():
            self._gradient[start:stop].add_(self.iterate[pivot, start:stop], alpha=self.weight_decay)
        self.across(self._gradient, pivot)
        memory = {name: part[pivot - 1] for name, part in self._memory.items()}
        self._moves[pivot - 1] += 1
        self.descent.move(self.iterate[pivot], self._gradient, memory, int(self._moves[pivot - 1]))
        return value

    def across(self, gradient: Tensor, pivot: int) -> None:
        """Take the part along the band at a pivot out of a gradient (size,), in place, where something is trained."""
        left, right = self.heights[pivot - 1], self.heights[pivot + 1]
        a, b = (pivot - 1, pivot) if right < left else (pivot, pivot + 1)
        parts = [(gradient[i:j], self.iterate[b, i:j] - self.iterate[a, i:j]) for i, j in self.loss.trained]
        squared = sum(dot(along, along) for _, along in parts)
        if squared > 0:
            share = sum(dot(part, along) for part, along in parts) / squared
            for part, along in parts:
                part.sub_(along, alpha=share)

    def _polygon(self, points: Tensor) -> Curve:
        """The chain through points (m, size), each at its share of the length; by the parameters alone."""
        moving = self.loss.layout.parameters
        sides = [norm(b[:moving] - a[:moving]) for a, b in itertools.pairwise(points)]
        shares = np.concatenate([[0.0], np.cumsum(sides)]) / max(sum(sides), 1e-300)
        shares[-1] = 1.0
        apart = bool((np.diff(shares) > 0).all())
        return Curve("chain", points, tuple(map(float, shares)) if apart else ())

    def _redistribute(self) -> None:
        """Put the pivots back along the polygon to where their places say."""
        weights = self._polygon(self.iterate).weights(self.places[1:-1])
        self.iterate[1:-1] = torch.stack([combine(self.iterate, row) for row in weights])

    def losses(self, t: Array) -> Iterator[float]:
        """The loss at places t (k,) of the band given out, one by one, on up to 512 examples with their batch statistics."""
        curve = self._polygon(self.average)
        for row in curve.weights(t):
            combine(self.average, row, out=self.loss.weights)
            yield self.loss.loss(self._subset())

    def _subset(self) -> Chunk:
        if self._chunk is None and self.loss.split.streams:
            self._chunk = self.loss.chunk(0)
        elif self._chunk is None:
            order = torch.randperm(self.loss.split.examples, generator=generator(self.seed + 2, 0))[:JUDGED]
            self._chunk = self.loss.of(order.to(self.loss.device))
        assert self._chunk is not None
        return self._chunk

    def _look(self) -> None:
        """Look at the next place; once all are seen, insert pivots."""
        knots = self._polygon(self.average).knots
        t = np.append(np.linspace(knots[:-1], knots[1:], BETWEEN + 1, endpoint=False, axis=1).ravel(), 1.0)
        self._seen.append(next(self.losses(t[[len(self._seen)]])))
        if len(self._seen) == len(t):
            losses, self._seen = np.array(self._seen), []
            self.looked = self.round
            chosen = outstanding(t, losses, BETWEEN + 1, self.most - self.bends)
            self.heights = np.interp(knots, t, losses)
            if len(chosen):
                self._insert(np.sort(np.concatenate([knots, chosen])))
                self.heights = np.interp(self.places, t, losses)

    def _insert(self, places: Array) -> None:
        """Begin a new cycle from the averaged pivots with those at `places`; the old ones keep what the optimiser remembers."""
        curve = self._polygon(self.average)
        rows = {float(t): row for row, t in enumerate(curve.knots[1:-1])}
        kept = [rows.get(float(t), -1) for t in places[1:-1]]
        for name, part in self._memory.items():
            self._memory[name] = torch.stack([part[row] if row >= 0 else torch.zeros_like(part[0]) for row in kept])
        self._moves = np.array([self._moves[row] if row >= 0 else 0 for row in kept])
        self.iterate = torch.stack([combine(self.average, row) for row in curve.weights(places)])
        self.average, self.places = self.iterate.clone(), places
        self.round = self.looked = 0

    def state(self) -> dict[str, Tensor]:
        """All that `restore` needs beside the averaged points; copies."""
        return {
            "iterate": self.iterate[1:-1].clone(),
            "knots": torch.from_numpy(self.places.copy()),
            "heights": torch.from_numpy(self.heights.copy()),
            "counters": torch.tensor([self.turn, self.round, self.looked]),
            "moves": torch.from_numpy(self._moves.copy()),
            **{name: value.clone() for name, value in self._memory.items()},
        }

    def restore(self, step: int, points: Tensor, state: Mapping[str, Tensor]) -> None:
        """Go on from where another training of the same kind was after so many steps; points: its average (m, size)."""
        self.average = points.to(self.average)
        self.iterate = self.average.clone()
        self.iterate[1:-1] = state["iterate"].to(self.average)
        self.places, self.heights = state["knots"].numpy().copy(), state["heights"].numpy().copy()
        self.turn, self.round, self.looked = map(int, state["counters"])
        self._moves = state["moves"].numpy().copy()
        self._memory = {name: state[name].to(self.average) for name in self._memory}
        self.step, self._seen = step, []


def outstanding(t: Array, losses: Array, stride: int, most: int) -> Array:
    """Where in its gap the loss stands out above the line between two pivots by more than a fifth of its range over the whole path:
    one t a gap at most, the most outstanding gaps first. Pivots are every `stride`-th of t (k,)."""
    found = []
    scale = float(np.ptp(losses))
    for start in range(0, len(t) - 1, stride):
        inside, values = t[start : start + stride + 1], losses[start : start + stride + 1]
        above = values - np.interp(inside, inside[[0, -1]], values[[0, -1]])
        highest = int(above[1:-1].argmax()) + 1
        if above[highest] > RISE * scale:
            found.append((float(above[highest]), float(inside[highest])))
    return np.array([place for _, place in sorted(found, reverse=True)[:most]])
