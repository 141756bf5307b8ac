"""Answers about the steps of training themselves: gradient noise, mean steps, descents on a surface. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from landscape_gui.results import Array, ConnectedResult, CurvatureResult, Quantity, SurfaceResult, labelled


@dataclass(frozen=True, kw_only=True)
class NoiseScaleResult(CurvatureResult):
    """The gradient's noise, of all parameters in `numbers` and layer by layer, (l,), each with its standard error.

    layers: names; traces: tr Sigma, the summed variance of one example's gradient; squares: ||G||^2 without noise, which may come
    out below 0. batch, batches: what it was measured with; trained_batch: that of the checkpoint's training (0: not known).
    """

    layers: tuple[str, ...] = ()
    traces: Array = labelled("trace of the examples' gradient covariance", "layer")
    trace_errors: Array = labelled("its standard error", "layer")
    squares: Array = labelled("squared norm of the mean gradient, without noise", "layer")
    square_errors: Array = labelled("its standard error", "layer")
    batch: int = 1
    batches: int = 0
    trained_batch: int = 0


@dataclass(frozen=True, kw_only=True)
class MeanStepResult(CurvatureResult):
    """An epoch of gradient descent, averaged over orders of its batches, against flows on modified losses at the same time.

    rates: (k,) learning rates, ascending; steps: batches in an epoch; orders: averaged over; moved: (k,) norm of the mean
    displacement; spread: (k,) standard error of the mean end point over orders, in units of `moved`; residuals: by flow ("plain",
    "modified", "half"), (k,) distance of the mean end from the flow's, in units of `moved`, NaN until computed. curvature: the
    largest eigenvalue that the rates were chosen by.
    """

    rates: Array = labelled("learning rate", "rate")
    moved: Array = labelled("norm of the mean displacement", "rate")
    spread: Array = labelled("standard error of the mean end point, relative to the displacement", "rate")
    residuals: Mapping[str, Array] = field(default_factory=dict)
    steps: int = 0
    batch: int = 0
    orders: int = 0
    curvature: float = float("nan")
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class DescentResult(ConnectedResult):
    """One descent from a place of a plane: what an optimiser did from there, as the plane sees it and as it is.

    name: "sgd", "momentum", "adam" or "sam"; step: (k,) updates made at each record, 0 the start; x, y: (k,) coordinates by joint
    least squares; off_plane: (k,) 2-norm of what the plane does not hold; distance: (k,) 2-norm from the start; quantities: true
    values, (k,), by name; plane_quantities: the plane's value at the projected place, (k,). updates: asked for; batch: examples of
    an update (all where as many as there are); stopped: why it ended before, "" where it did not.
    """

    name: str
    label: str = ""
    step: Array = labelled("updates made", "record")
    x: Array = labelled("coordinate along the first axis", "record", unit="direction")
    y: Array = labelled("coordinate along the second axis", "record", unit="direction")
    off_plane: Array = labelled("2-norm of what the plane does not hold", "record")
    distance: Array = labelled("2-norm from the start", "record")
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    plane_quantities: Mapping[str, Quantity] = field(default_factory=dict)
    lr: float = float("nan")
    momentum: float = 0.0
    rho: float = 0.0
    batch: int = 0
    seed: int = 0
    updates: int = 0
    seconds: float = 0.0
    stopped: str = ""
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class DescentsResult(ConnectedResult):
    """A surface and the descents on it, in the order asked for, by a name of each."""

    surface: SurfaceResult
    descents: Mapping[str, DescentResult]
    complete: bool = True
