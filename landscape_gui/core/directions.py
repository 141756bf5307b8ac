"""Axes of a surface: random ones and their normalisation, principal components of a run, coordinates in any plane.

Directions are flat vectors of a layout's size. Their buffer part is zero, unless they come from checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.vector import Layout, dot, gram, norm
from landscape_gui.errors import ProblemError, QuestionError

Normalisation = Literal["filter", "layer", "raw"]
Array = NDArray[np.floating[Any]]

FILTER_EPSILON = 1e-10
"""Added to the random filter's norm before dividing, as in Li et al. 2018."""


def grid_axis(low: float, high: float, n: int) -> Array:
    """n evenly spaced positions (n,), float64: both ends exact, exactly 0 in the middle of a symmetric axis of odd length.

    A symmetric axis is symmetric to the bit: axis[i] == -axis[n - 1 - i].
    """
    if n < 1 or not (np.isfinite(low) and np.isfinite(high)) or (n > 1 and not low < high):
        raise QuestionError(f"An axis of {n} points from {low} to {high} is none.", remedy="Give a lower end below the upper end.")
    if n == 1:
        return np.array([0.0 if low <= 0 <= high else low])
    step = np.arange(n, dtype=np.float64)
    axis = (low * (n - 1 - step) + high * step) / (n - 1)
    axis[0], axis[-1] = low, high
    return axis


def random_direction(
    layout: Layout, reference: Tensor, *, seed: int, normalisation: Normalisation = "filter", include_biases: bool = False
) -> Tensor:
    """A Gaussian direction (size,) from `seed`, scaled by the weights in `reference`; the first of `random_plane`'s two axes."""
    return random_axes(layout, reference, 1, seed=seed, normalisation=normalisation, include_biases=include_biases)[0]


def random_plane(
    layout: Layout, reference: Tensor, *, seed: int, normalisation: Normalisation = "filter", include_biases: bool = False
) -> tuple[Tensor, Tensor]:
    """Two random directions of one draw: one generator, the first axis drawn first. They are not orthogonalised."""
    d1, d2 = random_axes(layout, reference, 2, seed=seed, normalisation=normalisation, include_biases=include_biases)
    return d1, d2


def random_axes(
    layout: Layout, reference: Tensor, count: int, *, seed: int, normalisation: Normalisation, include_biases: bool
) -> list[Tensor]:
    """`count` random directions of one draw; see `normalise` for the scales.

    Every scalar parameter is drawn, also those set to zero afterwards, so that a weight's direction does not depend on
    `include_biases`. The draw is made on the CPU in float32, whatever the device.
    """
    generator = torch.Generator().manual_seed(seed)
    axes = []
    for _ in range(count):
        direction = torch.zeros(layout.size, dtype=torch.float32)
        direction[: layout.parameters] = torch.randn(layout.parameters, generator=generator)
        direction = direction.to(device=reference.device, dtype=reference.dtype)
        normalise(layout, direction, reference, normalisation=normalisation, include_biases=include_biases)
        axes.append(direction)
    return axes


def normalise(layout: Layout, direction: Tensor, reference: Tensor, *, normalisation: Normalisation, include_biases: bool) -> None:
    """Scale a direction in place to the weights in `reference`.

    filter: in a tensor of two or more dimensions each slice along dimension 0 gets the norm of the weights' slice (Li et al.
    2018); layer: each tensor gets the norm of the weights' tensor; raw: as it is. Tensors of at most one dimension (biases,
    BatchNorm scale and shift) become zero, or with `include_biases` get the norm of the weights' tensor (raw: stay).
    """
    if normalisation not in ("filter", "layer", "raw"):
        raise QuestionError(f"Directions cannot be normalised by {normalisation!r}.", remedy="Choose filter, layer or raw.")
    parts, weights = layout.unflatten(direction), layout.unflatten(reference)
    for segment in layout.segments:
        part, weight = parts[segment.name], weights[segment.name]
        if segment.buffer or (len(segment.shape) <= 1 and not include_biases):
            part.zero_()
        elif normalisation == "filter" and len(segment.shape) > 1:
            _scale_slices(part.view(part.shape[0], -1), weight.reshape(weight.shape[0], -1))
        elif normalisation != "raw":
            _scale_slices(part.view(1, -1), weight.reshape(1, -1))


def _scale_slices(part: Tensor, weight: Tensor) -> None:
    scale = weight.double().norm(dim=1) / (part.double().norm(dim=1) + FILTER_EPSILON)
    part.mul_(scale.to(part.dtype)[:, None])


def difference(layout: Layout, a: Tensor, b: Tensor) -> Tensor:
    """The direction (size,) that leads from `a` to `b`, buffers included. Exactly 0 where both are equal, infinities too."""
    for vector in (a, b):
        if vector.shape != (layout.size,):
            raise ProblemError(f"A weight vector has shape {tuple(vector.shape)}, but the network has {layout.size} scalars.")
    return torch.where(a == b, torch.zeros_like(a), b - a)


@dataclass(frozen=True)
class PrincipalComponents:
    """The plane of a run's two leading principal components through its centre.

    d1, d2: (size,) directions of unit norm over the parameters; explained: (k',) share of the variance of each component, largest
    first; random_walk: (k',) what a random walk gives, 6/(pi k)^2; coordinates: (k, 2) of the states given, off_plane: (k,) how far
    each lies from the plane. rank: how many components the run really has; with rank 1 (a straight run) d2 is an arbitrary unit
    vector orthogonal to d1, drawn from a fixed seed.
    """

    d1: Tensor
    d2: Tensor
    explained: Array
    random_walk: Array
    coordinates: Array
    off_plane: Array
    rank: int


def principal_components(states: Tensor | Sequence[Tensor], centre: Tensor, layout: Layout | None = None) -> PrincipalComponents:
    """PCA on the rows states - centre, the zero row included, mean-centred; accumulated in float64.

    states: (k, size) with k >= 1; centre: (size,), where the plane is laid through. With `layout`, buffers do not count in the
    components but follow them linearly. Costs k^2/2 passes over the vector. Sign: the first state's coordinates are not negative.
    """
    rows = [s - centre for s in states]
    if not any(bool((r == 0).all()) for r in rows):
        rows.append(torch.zeros_like(centre))
    count = centre.numel() if layout is None else layout.parameters
    inner = gram(r[:count] for r in rows)
    k = len(rows)
    centring = torch.eye(k, dtype=torch.float64) - 1.0 / k
    values, vectors = torch.linalg.eigh(centring @ inner @ centring)
    values, vectors = values.flip(0).clamp(min=0.0), vectors.flip(1)
    total = float(values.sum())
    if not total > 0 or not np.isfinite(total):
        raise ProblemError("All checkpoints of the run have the same weights (or some are not finite): there is no plane.")
    rank = int((values > 1e-12 * values[0]).sum())
    d1 = _combine(rows, centring @ vectors[:, 0], count)
    d2 = _combine(rows, centring @ vectors[:, 1], count) if rank > 1 else _orthogonal(d1, count)
    axes = [_orient(d, rows[0], count) for d in (d1, d2)]
    coordinates, off_plane = project(states, centre, axes, count)
    explained = (values / total).numpy()[: max(k - 1, 1)]
    return PrincipalComponents(
        axes[0], axes[1], explained, random_walk_shares(len(explained)), coordinates, off_plane, min(rank, k - 1)
    )


def _combine(rows: Sequence[Tensor], weights: Tensor, count: int) -> Tensor:
    total = torch.zeros(rows[0].numel(), dtype=torch.float64, device=rows[0].device)
    for row, weight in zip(rows, weights.tolist(), strict=True):
        total.add_(row, alpha=weight)
    return (total / norm(total[:count])).to(rows[0].dtype)


def _orthogonal(d1: Tensor, count: int) -> Tensor:
    """A unit vector orthogonal to d1, drawn from the first fixed seed that gives one; zero where there is none."""
    unit = d1[:count].double() / norm(d1[:count])
    for seed in range(3):
        drawn = torch.randn(count, generator=torch.Generator().manual_seed(seed)).to(unit)
        rest = drawn - torch.dot(unit, drawn) * unit
        if norm(rest) > 1e-3 * norm(drawn):
            d2 = torch.zeros_like(d1)
            d2[:count] = (rest / norm(rest)).to(d1.dtype)
            return d2
    return torch.zeros_like(d1)


def _orient(direction: Tensor, first: Tensor, count: int) -> Tensor:
    return -direction if dot(direction[:count], first[:count]) < 0 else direction


def random_walk_shares(k: int) -> Array:
    """What share of its variance a long random walk has along its components 1 to k: 6/(pi k)^2 (Antognini 2018)."""
    return 6.0 / (np.pi * np.arange(1, k + 1)) ** 2


def project(
    points: Tensor | Sequence[Tensor], origin: Tensor, axes: Sequence[Tensor], parameters: int | None = None
) -> tuple[Array, Array]:
    """Coordinates (k, m) of k points along m axes of any angle, by joint least squares in float64, and their distance off (k,).

    parameters: count only the first so many scalars (a layout's `parameters`); default all.
    """
    count = origin.numel() if parameters is None else parameters
    inverse = torch.linalg.pinv(gram(a[:count] for a in axes), hermitian=True)
    coordinates, off_plane = [], []
    for point in points:
        rest = point[:count].double() - origin[:count].double()
        right = torch.tensor([dot(a[:count], rest) for a in axes], dtype=torch.float64)
        solution = inverse @ right
        for axis, c in zip(axes, solution.tolist(), strict=True):
            rest.sub_(axis[:count].double(), alpha=c)
        coordinates.append(solution.numpy())
        off_plane.append(norm(rest))
    return np.array(coordinates).reshape(-1, len(axes)), np.array(off_plane)


@dataclass(frozen=True)
class AxesDescription:
    """norms: (m,); cosines: (m, m); layers: names of the modules that own parameters; shares: (m, layers) of the squared norm."""

    norms: Array
    cosines: Array
    layers: tuple[str, ...]
    shares: Array


def describe_axes(layout: Layout, axes: Sequence[Tensor]) -> AxesDescription:
    """Norms, angles and layer shares of directions, over the parameters only, in float64. A zero axis has cosine 0 and shares 0."""
    inner = gram(a[: layout.parameters] for a in axes).numpy()
    norms = np.sqrt(np.diag(inner))
    lengths = np.where(norms > 0, norms, 1.0)
    cosines = inner / lengths[:, None] / lengths[None, :]
    np.fill_diagonal(cosines, np.where(norms > 0, 1.0, 0.0))
    layers = layout.layers()
    shares = np.array([[sum(dot(a[s.start : s.stop], a[s.start : s.stop]) for s in part) for _, part in layers] for a in axes])
    return AxesDescription(
        norms, np.clip(cosines, -1.0, 1.0), tuple(name for name, _ in layers), shares.reshape(len(axes), -1) / lengths[:, None] ** 2
    )
