"""How noisy the gradient of a batch is beside its mean, and so from which batch size on larger batches no longer pay."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.batch_gradients import BatchGradients
from landscape_gui.core.objective import Objective

Array = NDArray[np.float64]
FEW = 2048
"""Examples up to which each one's own gradient is taken."""
USUAL = 32
"""Examples of a batch where there are more."""


@dataclass(frozen=True)
class Noise:
    """The gradient's noise from batches of `batch` examples, `batches` of them: of all parameters, or of one layer.

    trace: tr Sigma, the summed variance of one example's gradient; square: ||G||^2 of the mean over the data's distribution, both
    unbiased (McCandlish et al. 2018, appendix A.1, with the batch and all batches as the two sizes), so that square may come out
    below 0 where nothing is left of the mean. scale: trace/square, B_simple. Errors are the jackknife's over batches.
    """

    trace: float
    trace_error: float
    square: float
    square_error: float
    scale: float
    scale_error: float
    batch: int
    batches: int

    @property
    def resolved(self) -> bool:
        """Whether the mean gradient stands out of the noise by two standard errors."""
        return self.square > 2 * self.square_error

    @property
    def least(self) -> float:
        """What the scale is at least, two standard errors down, where the mean gradient is not resolved; 0: no error is known."""
        most = self.square + 2 * self.square_error
        if math.isnan(most):
            return 0.0
        return max(self.trace - 2 * self.trace_error, 0.0) / most if most > 0 else math.inf


def batch_for(examples: int, batch: int = 0) -> int:
    """The batch to measure with: as asked, else single examples where there are few."""
    return batch or (1 if examples <= FEW else USUAL)


def gradient_noise(
    objective: Objective, *, batch: int = 0, seed: int = 0, at: Tensor | None = None
) -> Generator[float, None, tuple[Noise, tuple[Noise, ...]]]:
    """The noise of all parameters, and that of each of `objective.layers()`; yields the fraction of the work done.

    batch: examples of the smaller size, 0 for single ones where there are at most 2,048, else 32. A remainder is left out. Cost:
    two passes over the data in pieces of a batch; memory: a vector in float64. Raises ProblemError with fewer than two batches.
    """
    from landscape_gui.errors import ProblemError

    size = batch_for(objective.examples, batch)
    batches = BatchGradients(objective, batch=size, seed=seed)
    count = batches.count
    if count < 2:
        make = "examples make" if objective.examples > 1 else "example makes"
        raise ProblemError(
            f"{objective.examples:,} {make} {count or 'no'} batch of {size:,}; the scatter between batches needs two.",
            remedy="Choose smaller batches, or more examples.",
        )
    mean = torch.zeros(objective.size, dtype=torch.float64, device=objective.device)
    for k, found in enumerate(batches.at(at)):
        if found.whole:
            mean += found.gradient
        yield 0.5 * k / count
    mean /= count
    places = [(start, stop) for _, start, stop in objective.layers()]
    apart, along = np.empty((count, len(places))), np.empty((count, len(places)))
    for k, found in enumerate(f for f in batches.at(at) if f.whole):
        rest = found.gradient.double() - mean
        apart[k] = [float(rest[a:b].square().sum()) for a, b in places]
        along[k] = [float(rest[a:b] @ mean[a:b]) for a, b in places]
        yield 0.5 + 0.5 * k / count
    square = np.array([float(mean[a:b].square().sum()) for a, b in places])
    whole = estimate(apart.sum(1), along.sum(1), float(square.sum()), size)
    return whole, tuple(estimate(apart[:, i], along[:, i], float(square[i]), size) for i in range(len(places)))


def estimate(apart: Array, along: Array, square: float, batch: int) -> Noise:
    """The estimates from apart: (m,) ||g_i - g||^2, along: (m,) <g_i - g, g> and square: ||g||^2, g the mean of m batches.

    Without batch i the mean is g - (g_i - g)/(m - 1), and the sum of squares about it m/(m - 1) ||g_i - g||^2 less.
    """
    m = len(apart)
    trace, mean = _pair(float(apart.sum()), square, m, batch)
    left = float(apart.sum()) - m / (m - 1) * apart
    squares = square - 2 / (m - 1) * along + apart / (m - 1) ** 2
    traces, means = _pair(left, squares, m - 1, batch) if m > 2 else (np.full(m, np.nan), np.full(m, np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        scales = np.asarray(traces) / np.asarray(means)
        scale = float(np.float64(trace) / np.float64(mean))
    errors = [_jackknife(np.asarray(values)) for values in (traces, means, scales)]
    return Noise(float(trace), errors[0], float(mean), errors[1], scale, errors[2], batch, m)


def _pair(apart: float | Array, square: float | Array, m: int, batch: int) -> tuple[float | Array, float | Array]:
    """tr Sigma and ||G||^2: batch times the sample variance of batches' gradients, and ||g||^2 without its share of the noise."""
    variance = apart / (m - 1)
    return batch * variance, square - variance / m


def _jackknife(values: Array) -> float:
    if not np.isfinite(values).all():
        return math.nan
    m = len(values)
    return math.sqrt((m - 1) / m * float(((values - values.mean()) ** 2).sum()))
