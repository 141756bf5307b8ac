"""Answers about curvature: eigenvalues, spectra, traces, sharpness and reports. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from landscape_gui.results import Array, CurvatureResult, freeze, labelled, optional


@dataclass(frozen=True, kw_only=True)
class EigenvaluesResult(CurvatureResult):
    """Eigenvalues with how far each may be wrong, and their eigenvectors.

    eigenvalues: (k,) algebraically largest first, the most negative ones at the end; residuals: (k,) 2-norm of A v - value v: some
    eigenvalue lies within it; converged: (k,) whether that is below the tolerance. vectors: (k, n) orthonormal rows, float32, in
    the operator's own coordinates; of shape (0, 0) where they would take more than 256 MB. gradient_shares: (k,) squared cosine of
    each eigenvector with the gradient (empty: not known). complete: the search is over. negative: how many eigenvalues the search
    knows to be below zero, asked for or not. nodes, weights: (m,) the spectral measure of the random vector that it began from.
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
    negative: int = 0
    nodes: Array = optional("quadrature node of the first random vector", "step")
    weights: Array = optional("weight of the node", "step")


@dataclass(frozen=True, kw_only=True)
class SearchResult(CurvatureResult):
    """The Lanczos run of a search for eigenpairs, kept so that another search goes on from it.

    matrix: (m, m) the operator's projection on the basis; basis: (m, n) its orthonormal Lanczos vectors; remainder: (n,) what the
    last product left over, empty where nothing is; trail: (m, 4) of each step what its vector shared with the remainder before, the
    norm of the one that it left, the largest norm of a column by then and the asymmetry of the products.
    """

    matrix: Array = labelled("projected operator", "step", "step")
    basis: Array = labelled("Lanczos vectors", "step", "parameter")
    remainder: Array = labelled("what the last product left over", "parameter")
    trail: Array = labelled("share of the remainder before, norm of that left, scale, noise", "step", "quantity")


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
    than 64 MB. deflated: how many of these stand as lines of weight 1/size beside the nodes: those that converged, or none yet.
    nodes, weights, node_residuals: (probes, steps) of the rest: each row's weights add up to 1 and stand for the size - deflated
    dimensions that the lines leave; a probe that ended early repeats its last node at weight zero. trace with its standard error;
    layers with layer_traces, their standard errors, layer_eigenvalues (the largest of each
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
    part is answered; losses, gradients: forward passes over all examples, and forward and backward ones, beside `products`.
    """

    title: str = ""
    losses: float = 0.0
    gradients: float = 0.0
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
    computed yet are NaN; finished: how many units of work are done; complete: all are. losses, gradients, products: what was
    computed for it, in passes over all examples: forward, forward and backward, and products with the Hessian; a group of m of N
    examples counts m/N.
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
    worst_case_converged: Array = labelled("whether the ascent ended by itself (1) or by its budget of steps (0)", "radius")
    random_rises: Array = labelled("rise of the loss at random points of the sphere", "radius", "direction")
    sigmas: Array = labelled("deviation of Gaussian noise in each weight", "radius")
    gaussian_rises: Array = labelled("mean rise of the loss over a pair of opposite Gaussian draws", "radius", "pair")
    curvature_samples: Array = labelled("z . H z for the same draws", "pair")
    deflated_samples: Array = labelled("the same without the leading eigenvectors", "pair")
    deflated_trace: float = 0.0
    adaptive_radii: Array = labelled("radius of the ball of d/|w|", "adaptive radius")
    adaptive: Array = labelled("largest rise of the loss found in it (a lower bound)", "adaptive radius")
    adaptive_converged: Array = labelled("whether the ascent ended by itself (1) or by its budget of steps (0)", "adaptive radius")
    epsilons: Array = labelled("epsilon of the box |d| <= epsilon (|w| + 1)", "epsilon")
    box: Array = labelled("largest rise of the loss found in it (a lower bound)", "epsilon")
    box_converged: Array = labelled("whether the ascent ended by itself (1) or by its budget of steps (0)", "epsilon")
    group_sizes: Array = labelled("examples in a group, m", "size")
    group_rises: Array = labelled("largest rise of a group's own loss found in the ball", "size", "group")
    group_converged: Array = labelled("whether its ascent ended by itself (1) or by its budget of steps (0)", "size", "group")
    bound: Mapping[str, float] = field(default_factory=dict)
    prior: str = ""
    classes: int = 0
    losses: float = 0.0
    gradients: float = 0.0
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
