"""Answers: frozen dataclasses of labelled arrays with units, standard errors and provenance. NumPy only.

Every class here is written to and read from HDF5 by `landscape_gui.store` field by field, so a new kind of answer is one
more dataclass. Arrays are never changed after an answer has been made (`freeze` marks them read-only).
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
class EigenvaluesResult(CurvatureResult):
    """Eigenvalues with how far each may be wrong, and their eigenvectors.

    eigenvalues: (k,) algebraically largest first, the most negative ones at the end; residuals: (k,) 2-norm of A v - value v: some
    eigenvalue lies within it; converged: (k,) whether that is below the tolerance. vectors: (k, n) orthonormal rows, float32, in
    the operator's own coordinates; of shape (0, 0) where they would take more than 64 MB. gradient_shares: (k,) squared cosine of
    each eigenvector with the gradient (empty: not known). complete: the search is over.
    history, history_residuals: (products,) the leading value after each product; ratio: |lambda_2/lambda_1| as far as it is known.
    """

    eigenvalues: Array = labelled("eigenvalue", "eigenpair")
    residuals: Array = labelled("residual: some eigenvalue lies within it", "eigenpair")
    converged: Array = labelled("whether the residual is below the tolerance", "eigenpair")
    vectors: Array = labelled("orthonormal eigenvectors", "eigenpair", "parameter")
    gradient_shares: Array = optional("squared cosine with the gradient", "eigenpair")
    method: str = "lanczos"
    tolerance: float = 0.0
    complete: bool = True
    history: Array = optional("leading eigenvalue after each product", "product")
    history_residuals: Array = optional("its residual after each product", "product")
    ratio: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class QuadratureResult(CurvatureResult):
    """One random vector's Lanczos run: a part of a density of eigenvalues, kept so that more steps go on from it.

    alpha: (m,) and beta: (m,) diagonal and off-diagonal of the tridiagonal matrix, beta[-1] being the norm of what is left;
    basis: (m + 1, n) its Lanczos vectors, or of shape (0, 0) where they would take more than 64 MB.
    """

    probe: int = 0
    alpha: Array = labelled("diagonal of the tridiagonal matrix", "step")
    beta: Array = labelled("beside the diagonal; the last is what is left", "step")
    basis: Array = labelled("Lanczos vectors", "step", "parameter")
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class TraceResult(CurvatureResult):
    """The trace, the Frobenius norm and every layer's trace, with standard errors, from the same products.

    low, high: 95 % Student interval of the trace; layers: names of the owning modules; layer_traces add up to the trace.
    """

    trace: float
    trace_standard_error: float
    low: float = float("nan")
    high: float = float("nan")
    frobenius: float = float("nan")
    frobenius_standard_error: float = float("nan")
    layers: tuple[str, ...] = ()
    layer_traces: Array = optional("trace of the layer's block", "layer")
    layer_trace_errors: Array = optional("standard error of the trace", "layer")


@dataclass(frozen=True, kw_only=True)
class SpectrumResult(CurvatureResult):
    """A density of eigenvalues by stochastic Lanczos quadrature, the outlying eigenvalues as exact lines, and what it comes to.

    eigenvalues, residuals, converged: (k,) the algebraically largest, largest first; lowest, lowest_residuals, lowest_converged:
    (s,) the same at the other end, the smallest last; vectors: (k + s, n) float32 rows of both, (0, 0) where they would take more
    than 64 MB. deflated: how many of these stand as lines of weight 1/size beside the nodes: those that converged, or none where
    their vectors are too long to keep. nodes, weights, node_residuals: (probes, steps) of the rest: each row's weights add up to 1
    and stand for the size - deflated dimensions that the lines leave; a probe that ended early repeats its last node at weight
    zero. trace with its standard error; layers with layer_traces, their standard errors, layer_eigenvalues (the largest of each
    layer's own block, NaN where not asked for) and layer_residuals; the layers' traces add up to the trace. `landscape_gui.density`
    makes the density of this, at any width. classes: of the classifier, 0 where it is none. complete: nothing is missing.
    """

    eigenvalues: Array = labelled("eigenvalue, largest first", "eigenpair")
    residuals: Array = labelled("residual: some eigenvalue lies within it", "eigenpair")
    converged: Array = labelled("whether the residual is below the tolerance", "eigenpair")
    lowest: Array = optional("smallest eigenvalues, the smallest last", "eigenpair")
    lowest_residuals: Array = optional("residual", "eigenpair")
    lowest_converged: Array = optional("whether it is below the tolerance", "eigenpair")
    vectors: Array = labelled("orthonormal eigenvectors", "eigenpair", "parameter")
    deflated: int = 0
    nodes: Array = labelled("quadrature node", "probe", "step")
    weights: Array = labelled("weight of the node", "probe", "step")
    node_residuals: Array = labelled("residual of the node", "probe", "step")
    trace: float = float("nan")
    trace_standard_error: float = float("nan")
    layers: tuple[str, ...] = ()
    layer_traces: Array = optional("trace of the layer's block", "layer")
    layer_trace_errors: Array = optional("standard error of the trace", "layer")
    layer_eigenvalues: Array = optional("largest eigenvalue of the block", "layer")
    layer_residuals: Array = optional("residual of that eigenvalue", "layer")
    gradient_shares: Array = optional("squared cosine with the gradient", "eigenpair")
    classes: int = 0
    complete: bool = True

    @property
    def lines(self) -> Array:
        """The eigenvalues that stand as lines beside the nodes, (deflated,)."""
        if not self.deflated:
            return freeze([])
        every = np.concatenate([self.eigenvalues, self.lowest])
        kept: Array = every[np.concatenate([self.converged, self.lowest_converged]).astype(bool)]
        return kept


@dataclass(frozen=True, kw_only=True)
class ReportResult(CurvatureResult):
    """The numbers of one checkpoint, to stand beside those of others: one column of a table.

    title: what the column is called; seed: of the subset and of every random vector; eigenvalues with residuals: (k,) all that
    were resolved, algebraically largest first; radii with rises: (r,) the worst case in a ball over its radius; complete: every
    part is answered.
    """

    title: str = ""
    seed: int = 0
    eigenvalues: Array = optional("resolved eigenvalue", "eigenpair")
    residuals: Array = optional("residual of the eigenvalue", "eigenpair")
    radii: Array = optional("radius of the ball", "radius")
    rises: Array = optional("largest rise of the loss in the ball", "radius")
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class SharpnessResult(CurvatureResult):
    """How far the loss rises within a distance of a checkpoint, by several measures, each over the distance.

    loss: at the checkpoint. radii: (r,) of the 2-norm ball, with worst_case (r,), the largest rise found (a lower bound);
    random_rises (r, directions) at random points of the sphere; sigmas (r,) = radii/sqrt(size) and gaussian_rises (r, pairs), the
    mean rise of each pair of opposite Gaussian draws of that deviation. curvature_samples: (pairs,) <z, H z> of the same draws, and
    deflated_samples (pairs,) what the leading eigenvectors leave of them; deflated_trace is those eigenvalues' sum, so that it and
    the mean of deflated_samples make the trace. adaptive: (a,) worst case over ||d/|w||| <= adaptive_radii (a,); box: (e,) over
    |d_i| <= epsilons (e,) times (|w_i| + 1). group_sizes: (k,) m of m-sharpness, group_rises (k, groups) each group's own worst
    case at `radius`, NaN where a size has fewer groups. radius, epsilon, adaptive_radius: those that `numbers` are of.
    bound: the PAC-Bayes bound and its parts by name, empty where there is none; prior: what its prior stands around. Values not
    computed yet are NaN; finished: how many units of work are done; complete: all are.
    """

    loss: float = float("nan")
    gradient_norm: float = float("nan")
    lambda_max: float = float("nan")
    lambda_max_residual: float = float("nan")
    radius: float = 0.0
    adaptive_radius: float = 0.0
    epsilon: float = 0.0
    radii: Array = labelled("radius of the ball in the 2-norm", "radius")
    worst_case: Array = labelled("largest rise of the loss found in the ball (a lower bound)", "radius")
    random_rises: Array = labelled("rise of the loss at random points of the sphere", "radius", "direction")
    sigmas: Array = labelled("deviation of Gaussian noise in each weight", "radius")
    gaussian_rises: Array = labelled("mean rise of the loss over a pair of opposite Gaussian draws", "radius", "pair")
    curvature_samples: Array = labelled("z . H z for the same draws", "pair")
    deflated_samples: Array = labelled("the same without the leading eigenvectors", "pair")
    deflated_trace: float = 0.0
    adaptive_radii: Array = labelled("radius of the ball of d/|w|", "adaptive radius")
    adaptive: Array = labelled("largest rise of the loss found in it (a lower bound)", "adaptive radius")
    epsilons: Array = labelled("epsilon of the box |d| <= epsilon (|w| + 1)", "epsilon")
    box: Array = labelled("largest rise of the loss found in it (a lower bound)", "epsilon")
    group_sizes: Array = labelled("examples in a group, m", "size")
    group_rises: Array = labelled("largest rise of a group's own loss found in the ball", "size", "group")
    bound: Mapping[str, float] = field(default_factory=dict)
    prior: str = ""
    classes: int = 0
    finished: int = 0
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class SpectraResult(CurvatureResult):
    """The spectrum at each checkpoint of a run.

    names: what each checkpoint is called; limits: NaN where the learning rate is not known; `limit_words` says by which formula.
    lines: eigenvalues of weight 1/size, NaN past the last; nodes, weights: of the rest, as of a SpectrumResult.
    """

    names: tuple[str, ...] = ()
    order: Array = labelled("epoch or step", "checkpoint")
    computed: Array = labelled("where there is an answer", "checkpoint")
    lambda_max: Array = labelled("largest eigenvalue", "checkpoint")
    lambda_max_residuals: Array = labelled("residual: some eigenvalue lies within it", "checkpoint")
    lambda_min: Array = labelled("smallest eigenvalue", "checkpoint")
    lambda_min_residuals: Array = labelled("residual: some eigenvalue lies within it", "checkpoint")
    traces: Array = labelled("trace", "checkpoint")
    trace_standard_errors: Array = labelled("standard error of the trace", "checkpoint")
    limits: Array = labelled("curvature beyond which training is unstable", "checkpoint")
    limit_words: str = ""
    lines: Array = labelled("eigenvalue that is a line of its own", "checkpoint", "eigenpair")
    nodes: Array = labelled("quadrature node", "checkpoint", "probe", "step")
    weights: Array = labelled("weight of the node", "checkpoint", "probe", "step")


@dataclass(frozen=True, kw_only=True)
class DependenceResult(CurvatureResult):
    """The largest eigenvalue and the trace on subsets of the data that double in size.

    sizes: ascending, the last one all examples, which are the same for every draw; subsets of one draw are nested.
    """

    sizes: Array = labelled("examples", "size")
    lambda_max: Array = labelled("largest eigenvalue", "draw", "size")
    lambda_max_residuals: Array = labelled("residual: some eigenvalue lies within it", "draw", "size")
    traces: Array = labelled("trace", "draw", "size")
    trace_standard_errors: Array = labelled("standard error of the trace", "draw", "size")
    computed: Array = labelled("where there is an answer", "draw", "size")


Result = SurfaceResult | LineResult | TrajectoryResult | CellResult | CurvatureResult
