"""Answers: frozen dataclasses of labelled arrays with units, standard errors and provenance. NumPy only.

Every class here, in `landscape_gui.curvature_results` and in `landscape_gui.connection_results` is written to and read from HDF5
by `landscape_gui.store` field by field, so a new kind of answer is one more dataclass. Arrays are never changed after an answer
has been made (`freeze` marks them read-only).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def freeze(values: Any, dtype: Any = np.float64) -> Array:
    """A read-only array of its own (a copy when `values` could still be written to by someone else)."""
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array


def labelled(label: str, *axes: str, unit: str = "") -> Any:
    """A field for an array, with what a reader of its file is told: what it is, its dimensions and unit."""
    return field(metadata={"label": label, "axes": axes, "unit": unit})


def optional(label: str, *axes: str) -> Any:
    """As `labelled`, and without entries where it was not asked for."""
    return field(default_factory=lambda: freeze([]), metadata={"label": label, "axes": axes, "unit": ""})


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where an answer comes from; enough to ask again and to compare.

    question: the probe's fields as JSON-able values; problem: what was probed (checkpoint, digest, architecture, data, loss);
    environment: device, threads, precision, batch partition, versions, and measured differences of fast paths.
    """

    probe: str = ""
    version: int = 0
    key: str = ""
    fingerprint: str = ""
    question: Mapping[str, Any] = field(default_factory=dict)
    problem: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One measured array: mean over examples, its standard error (None: unknown) and what it is called.

    name: `<split>_<metric>`, e.g. `train_loss`, `test_accuracy`; axes: what the dimensions are, e.g. ("y", "x").
    A value that was not computed is NaN where `SurfaceResult.computed` is False; one that was computed and is not finite is
    kept as it is. Accuracy is a fraction in [0, 1]; its unit is "1". Loss has unit "nat" for cross-entropy, else "".
    """

    name: str
    label: str
    values: Array
    standard_error: Array | None = None
    unit: str = ""
    axes: tuple[str, ...] = ()
    examples: int = 0


@dataclass(frozen=True, kw_only=True)
class AxesReport:
    """What the axes of a plane or line are: everything a reader needs to judge the picture.

    labels: one a direction ("filter-normalised random direction, seed 0"); norms: 2-norm of each direction over all parameters;
    cosines: (k, k) between them; layers/shares: each layer's share of the squared norm, (k, layers);
    explained: share of the trajectory's variance per component with `random_walk`, what a random walk gives (empty when the
    axes are not principal components); eigenvalues and their residuals (some eigenvalue of the Hessian lies within it), one a
    direction (empty when the axes are no eigenvectors).
    """

    kind: str
    labels: tuple[str, ...]
    norms: Array
    cosines: Array
    layers: tuple[str, ...] = ()
    shares: Array = field(default_factory=lambda: freeze([]))
    explained: Array = field(default_factory=lambda: freeze([]))
    random_walk: Array = field(default_factory=lambda: freeze([]))
    eigenvalues: Array = field(default_factory=lambda: freeze([]))
    residuals: Array = field(default_factory=lambda: freeze([]))


@dataclass(frozen=True, kw_only=True)
class SurfaceResult:
    """Loss and metrics on a grid of a plane through weight space: theta0 + x d1 + y d2.

    x: (nx,), y: (ny,) in units of the directions; every quantity is (ny, nx), rows are y. computed: (ny, nx), True where the
    network was evaluated; the rest is NaN while running, or interpolated when `adaptive` (then `interpolation_error` is the
    largest error in ln loss at cells held out where the interpolation was least sure; the largest anywhere may be up to twice it).
    draws: several direction seeds: quantity -> (draws, ny, nx); `quantities` then holds the first draw, and
    `<name>_median`, `<name>_minimum`, `<name>_maximum`, `<name>_spread`.
    """

    x: Array = labelled("position along the first axis", "x", unit="direction")
    y: Array = labelled("position along the second axis", "y", unit="direction")
    quantities: Mapping[str, Quantity]
    computed: Array = labelled("where the network was evaluated", "y", "x")
    axes: AxesReport
    centre: Mapping[str, float] = field(default_factory=dict)
    draws: Mapping[str, Array] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    adaptive: bool = False
    interpolation_error: float = float("nan")
    batchnorm: str = ""
    subset: str = ""
    precision: str = ""
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True, kw_only=True)
class LineResult:
    """Loss and metrics along theta0 + x d. Every quantity is (nx,)."""

    x: Array = labelled("position along the line", "x", unit="direction")
    quantities: Mapping[str, Quantity]
    computed: Array = labelled("where the network was evaluated", "x")
    axes: AxesReport
    centre: Mapping[str, float] = field(default_factory=dict)
    batchnorm: str = ""
    subset: str = ""
    precision: str = ""
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True, kw_only=True)
class TrajectoryResult:
    """A run's checkpoints in a plane, by joint least squares, with the plane's surface.

    x, y: (k,) coordinates; off_plane: (k,) 2-norm of what the plane does not hold; distance: (k,) 2-norm from the centre;
    quantities: true values at each checkpoint, (k,), by name; plane_quantities: the plane's value at the projected place, (k,).
    names: what each checkpoint is called ("epoch 3"); order: (k,) its epoch or step.
    """

    names: tuple[str, ...]
    order: Array = labelled("epoch or step", "checkpoint")
    x: Array = labelled("coordinate along the first axis", "checkpoint", unit="direction")
    y: Array = labelled("coordinate along the second axis", "checkpoint", unit="direction")
    off_plane: Array = labelled("2-norm of what the plane does not hold", "checkpoint")
    distance: Array = labelled("2-norm from the centre", "checkpoint")
    quantities: Mapping[str, Quantity]
    plane_quantities: Mapping[str, Quantity]
    surface: SurfaceResult
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """One place (x, y) of a plane, measured on all data. Every quantity is a single number, an array of shape ()."""

    x: float
    y: float
    quantities: Mapping[str, Quantity]
    axes: AxesReport
    centre: Mapping[str, float] = field(default_factory=dict)
    batchnorm: str = ""
    subset: str = ""
    precision: str = ""
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number that an answer comes down to, with how far it may be wrong.

    error: of the kind that `kind` names: one "standard error", a "bound" (the truth, or an eigenvalue, lies within it) or "exact";
    NaN where none is known. unit: "" or what it is measured in. help: what it says, in about three sentences, with its reference.
    """

    name: str
    label: str
    value: float
    error: float = float("nan")
    kind: str = "exact"
    unit: str = ""
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class CurvatureResult:
    """What every answer about curvature says of itself.

    operator: "hessian", "gauss-newton", "residual" or "ntk"; layer: the layers it is restricted to, "" for all; size: how many
    dimensions it acts on; products: how many vectors it was applied to for this answer; examples: of `split`, as `subset` says in
    words. numbers: what the answer comes down to, by name.
    """

    operator: str = "hessian"
    layer: str = ""
    size: int = 0
    products: int = 0
    split: str = ""
    examples: int = 0
    subset: str = ""
    batchnorm: str = ""
    precision: str = ""
    numbers: Mapping[str, Number] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True, kw_only=True)
class ConnectedResult:
    """What every answer about connections says of itself: between models (landscape_gui.connection_results), and between the minima
    of a surface (landscape_gui.topology_results).

    split: that the numbers are of; subset: of the data, in words; batchnorm: what happened to running statistics, "" without
    BatchNorm; numbers: what the answer comes down to, by name.
    """

    split: str = ""
    subset: str = ""
    batchnorm: str = ""
    precision: str = ""
    numbers: Mapping[str, Number] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True, kw_only=True)
class DynamicsBase:
    """What every answer about the course of training says of itself; landscape_gui.dynamics_results holds them."""

    numbers: Mapping[str, Number] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)


Result = SurfaceResult | LineResult | TrajectoryResult | CellResult | CurvatureResult | ConnectedResult | DynamicsBase
