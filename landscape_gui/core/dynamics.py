"""How a step of training and the curvature around it go together: limits of stability, directional sharpness, LGDI."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from landscape_gui.core.ascent import Loss
from landscape_gui.core.sharpness import SPHERE, Mean, random_vector
from landscape_gui.core.vector import norm

RADIUS = 0.05
"""Length of the random steps that directional sharpness is the mean rise over: the radius that sharpness is reported at."""


def stability_limit(
    lr: float, *, momentum: float = 0.0, nesterov: bool = False, dampening: float = 0.0, weight_decay: float = 0.0
) -> float:
    """The largest eigenvalue of the loss's Hessian at which gradient descent does not diverge on a quadratic.

    2/lr; with heavy-ball momentum b (2 + 2b)/lr (Polyak 1964); with Nesterov's, as torch and Sutskever et al. 2013 write it,
    (2 + 2b)/(lr (1 + 2b)); Cohen et al. 2021, appendix B, derives both. dampening d of torch's SGD makes the rate lr (1 - d);
    weight_decay w that goes through the gradient adds w to every eigenvalue, so that the loss's own may be less by it. Of steps
    on the full batch; infinite where lr is 0. Says nothing of Adam, whose steps are preconditioned (Cohen et al. 2022).
    """
    rate = lr * (1 - dampening)
    if rate == 0:
        return math.inf
    factor = (2 + 2 * momentum) / (1 + 2 * momentum) if nesterov else 2 + 2 * momentum
    return factor / rate - weight_decay


def sam_limit(lr: float, rho: float, gradient_norm: float) -> float:
    """The same for sharpness-aware minimisation of radius rho with plain gradient steps, where the gradient has that norm:
    ||g||/(2 rho) (sqrt(1 + 8 rho/(lr ||g||)) - 1), the lower the smaller the gradient (Long and Bartlett 2024). Where rho is 0 it
    is 2/lr."""
    if lr == 0:
        return math.inf
    root = math.sqrt(gradient_norm * (gradient_norm + 8 * rho / lr))  # the formula written so that nothing cancels
    return 4 / lr * gradient_norm / (gradient_norm + root) if gradient_norm > 0 else 2 / lr if rho == 0 else 0.0


def stability_ratio(lr: float, lambda_max: float) -> float:
    """lr lambda_max: plain gradient descent diverges on a quadratic above 2 (the edge of stability: Cohen et al. 2021)."""
    return lr * lambda_max


def directional_sharpness(
    objective: Loss,
    *,
    at: Tensor | None = None,
    radius: float = RADIUS,
    pairs: int = 5,
    seed: int = 0,
    at_centre: float | None = None,
) -> Mean:
    """The mean rise of the loss over random steps of one length, L(w + r u) - L(w), with its standard error.

    at: w (n,), None for the objective's own weights; at_centre: L(w) where it is known.

    Each unit vector u is taken with its opposite, so that the slope, which is the larger part of a rise during training and has
    mean zero, cancels: on a quadratic a pair gives r^2 <u, H u>/2 and the mean is r^2 tr H/(2n). Same mean as the Directional
    sharpness of a report, which takes single steps. samples: (pairs,). Cost: two losses a pair, and one; equal for equal seeds.
    """
    steps = directional_rises(objective, at=at, radius=radius, pairs=pairs, seed=seed, at_centre=at_centre)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found: Mean = stop.value
            return found


def directional_rises(
    objective: Loss, *, at: Tensor | None, radius: float, pairs: int, seed: int, at_centre: float | None
) -> Generator[float, None, Mean]:
    """`directional_sharpness` as a generator that yields the fraction of its work after each loss, to be stopped in between."""
    origin = objective.origin if at is None else at
    base = objective.loss(at) if at_centre is None else at_centre
    rises = np.empty(pairs)
    for i in range(pairs):
        direction = random_vector(origin, seed, SPHERE, i)
        reach = radius / norm(direction)
        up = objective.loss(torch.add(origin, direction, alpha=reach))
        yield (i + 0.5) / pairs
        rises[i] = (up - base) / 2 + (objective.loss(torch.add(origin, direction, alpha=-reach)) - base) / 2
        yield (i + 1) / pairs
    return Mean(rises)


def lgdi(lr: float, lambda_max: float, grad_norm: float, directional_sharpness: float) -> float:
    """The loss-geometry difficulty index: which share of what a step promises the curvature around it may take back.

    No published formula goes by the name, which is why it is defined here and not elsewhere: with

        gain      G = lr ||g||^2                 what the step -lr g gains to first order,
        curvature C = lr^2 lambda_max ||g||^2/2  the most that the second order takes back, where the gradient lies along the
                                                 leading eigenvector; it is G times half the stability ratio,
        roughness D = directional sharpness      the mean rise of the loss over a small random step,

    it is (C + D)/(G + C + D), all three in units of the loss, lambda_max and D taken as 0 where they are negative. 0: the slope is
    all there is; 1/2: what may be lost is what is gained, which without roughness is the edge of stability, lr lambda_max = 2; near
    1: steps no longer help, as at the end of training, where the gradient vanishes and the curvature does not. NaN where a part is
    not known, and where all three are 0. It depends on the radius of D: compare only indices of one radius.
    """
    if any(math.isnan(value) for value in (lr, lambda_max, grad_norm, directional_sharpness)):
        return math.nan
    gain = lr * grad_norm**2
    cost = lr * max(lambda_max, 0.0) / 2 * gain + max(directional_sharpness, 0.0)
    if math.isinf(gain):
        return math.nan
    if math.isinf(cost):
        return 1.0
    return cost / (gain + cost) if gain + cost > 0 else math.nan
