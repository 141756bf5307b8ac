"""A PAC-Bayes bound on the error of the network with Gaussian noise in its weights, computed as published.

Dziugaite and Roy 2017, Computing nonvacuous generalization bounds for deep (stochastic) neural networks with many more
parameters than training data, UAI, with the posterior N(w, sigma^2 I) around the weights as they are instead of an optimised one;
sigma is found by the binary search of Jiang et al. 2020, Fantastic generalization measures and where to find them, ICLR.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR_LARGEST, PRIOR_STEPS = 0.1, 100
"""The prior's variance is one of PRIOR_LARGEST exp(-j/PRIOR_STEPS), j = 1, 2, ...: c and b of Dziugaite and Roy."""

SMALLEST, LARGEST = 1e-6, 1.0
"""Where sigma is sought."""

FEWEST, CLEAR = 4, 4.0
"""Draws, and standard errors below what is allowed, at which a step of the search for sigma is decided."""

Error = Callable[[float, int], float]
"""(sigma, index of the draw) -> error in [0, 1] of the network with that noise, over all examples."""


@dataclass(frozen=True)
class Bound:
    """A bound on the expected error of the noisy network, holding with probability 1 - delta - monte_carlo_delta.

    value: the bound; mean_error: of the draws, with its standard_error; monte_carlo: upper bound on the noisy network's training
    error, from the draws; kl: KL(Q||P) in nats; sigma: the noise's deviation per weight; prior: the prior's; distance: ||w - w0||;
    complexity: what stands beside the training error inside the inverse of kl; examples: m; draws: per-draw errors (k,).
    """

    value: float
    mean_error: float
    standard_error: float
    monte_carlo: float
    kl: float
    sigma: float
    prior: float
    distance: float
    complexity: float
    examples: int
    delta: float
    monte_carlo_delta: float
    draws: NDArray[np.float64]

    @property
    def confidence(self) -> float:
        return 1 - self.delta - self.monte_carlo_delta


def bernoulli_divergence(q: float, p: float) -> float:
    """kl(q||p) in nats between two coins, 0 <= q, p <= 1."""
    if p in (0.0, 1.0):
        return 0.0 if q == p else math.inf
    rest = 1 - q
    return (q * math.log(q / p) if q else 0.0) + (rest * math.log(rest / (1 - p)) if rest else 0.0)


def inverse_divergence(q: float, bound: float) -> float:
    """The largest p with kl(q||p) <= bound, by bisection, rounded up: at least q and at most 1."""
    if not bound < math.inf:
        return 1.0
    low, high = min(max(q, 0.0), 1.0), 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if bernoulli_divergence(q, middle) <= bound else (low, middle)
    return high


def divergence(sigma: float, prior: float, distance: float, size: int) -> float:
    """KL(N(w, sigma^2 I) || N(w0, prior^2 I)) in nats for ||w - w0|| = distance in `size` dimensions."""
    ratio = (sigma / prior) ** 2
    return 0.5 * (size * (ratio - 1 - math.log(ratio)) + (distance / prior) ** 2)


def prior_index(sigma: float, distance: float, size: int) -> int:
    """The j whose prior variance is nearest to the one with the least divergence, sigma^2 + distance^2/size."""
    best = sigma**2 + distance**2 / size
    return max(1, round(PRIOR_STEPS * math.log(PRIOR_LARGEST / best)))


def prior_deviation(index: int) -> float:
    return math.sqrt(PRIOR_LARGEST * math.exp(-index / PRIOR_STEPS))


def complexity(kl: float, index: int, examples: int, delta: float) -> float:
    """(KL + ln(m pi^2 j^2/(6 delta)))/(m - 1): Langford and Seeger's bound with delta shared out among the priors."""
    if examples < 2:
        return math.inf
    return (kl + math.log(examples * math.pi**2 * index**2 / (6 * delta))) / (examples - 1)


def search_sigma(
    error: Error, at_centre: float, *, rise: float = 0.1, draws: int = 15, depth: int = 20
) -> Generator[float, None, float]:
    """The largest sigma at which the mean error rises by no more than `rise`, by binary search in its logarithm.

    As Jiang et al. 2020 do, with 15 draws a step. The same draws serve every step, so that the mean is nearly monotone; a step ends
    early where its mean can no longer come below what is allowed, or lies CLEAR standard errors below it. depth: halvings of the
    range of ln sigma, 13.8; what is returned is less than the threshold by at most a factor exp(13.8/2^depth). Yields the fraction
    of the work after each evaluation; 0.0 where even the smallest sigma is too large.
    """
    low, high = math.log(SMALLEST), math.log(LARGEST)
    known = False
    for step in range(depth):
        middle = (low + high) / 2
        found: list[float] = []
        while len(found) < draws and not decided(found, at_centre + rise, draws):
            found.append(error(math.exp(middle), len(found)))
            yield (step + len(found) / draws) / depth
        within = sum(found) <= len(found) * (at_centre + rise)
        known = known or within
        low, high = (middle, high) if within else (low, middle)
    return math.exp(low) if known else 0.0


def decided(found: list[float], allowed: float, draws: int) -> bool:
    """Whether the mean of `draws` errors is above what is allowed whatever follows, or clearly below it."""
    if sum(found) > draws * allowed:
        return True
    if len(found) < FEWEST:
        return False
    return float(np.mean(found)) + CLEAR * float(np.std(found, ddof=1)) / math.sqrt(len(found)) < allowed


def pac_bayes(
    error: Error,
    sigma: float,
    distance: float,
    size: int,
    examples: int,
    *,
    draws: int = 100,
    first: int = 0,
    delta: float = 0.025,
    monte_carlo_delta: float = 0.01,
) -> Generator[float, None, Bound]:
    """The bound at a given sigma from `draws` independent draws of the noise, numbered from `first`.

    kl^-1(kl^-1(mean error | ln(2/delta')/draws) | (KL + ln(m pi^2 j^2/(6 delta)))/(m - 1)): Dziugaite and Roy 2017, section 3,
    whose delta = 0.025 and delta' = 0.01 are the defaults. distance: ||w - w0||, w0 chosen without the training data (the
    initialisation, or zero). It assumes that the m examples are independent draws from one distribution, that they are those the
    network was trained on, and that nothing else of the network (BatchNorm statistics, say) was fitted to them. sigma may depend on
    the data: only the prior is shared out, over its j. Cost: one evaluation of the error a draw.
    """
    errors = np.empty(draws)
    for index in range(draws):
        errors[index] = error(sigma, first + index)
        yield (index + 1) / draws
    mean = float(errors.mean())
    index = prior_index(sigma, distance, size)
    prior = prior_deviation(index)
    kl = divergence(sigma, prior, distance, size)
    sampled = inverse_divergence(mean, math.log(2 / monte_carlo_delta) / draws)
    within = complexity(kl, index, examples, delta)
    return Bound(
        value=inverse_divergence(sampled, within),
        mean_error=mean,
        standard_error=float(errors.std(ddof=1)) / math.sqrt(draws) if draws > 1 else math.nan,
        monte_carlo=sampled,
        kl=kl,
        sigma=sigma,
        prior=prior,
        distance=distance,
        complexity=within,
        examples=examples,
        delta=delta,
        monte_carlo_delta=monte_carlo_delta,
        draws=errors,
    )


def is_vacuous(bound: float, classes: int | None) -> bool:
    """Whether guessing does as well: a bound of 1 - 1/C or more says nothing about a classifier of C balanced classes."""
    return not bound < (1 - 1 / classes if classes and classes > 1 else 1.0)
