"""Numbers of the steps of training: what each says, in three sentences, and how a checkpoint was trained. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from landscape_gui.number_texts import NumberText
from landscape_gui.probes.curvature_numbers import positive
from landscape_gui.results import Number

if TYPE_CHECKING:
    from landscape_gui.problem import Problem

TEXTS: Mapping[str, NumberText] = {
    "noise_scale": NumberText(
        "gradient noise scale",
        "How many examples a batch must have for the noise in its gradient to be as large as the gradient itself: "
        "tr Sigma / ||G||^2 with Sigma the covariance of the examples' gradients and G their mean.",
        "Both are estimated without bias from the scatter between batches of one permutation and from the mean of all, and the "
        "error is the jackknife's over batches.",
        "Batches far below it average noise away almost for nothing, batches far above it waste examples; it grows during "
        "training, and it is the scale of a Hessian that is a multiple of the identity, so read it within a factor of a few.",
        ("mccandlish2018",),
        "examples",
    ),
    "gradient_trace": NumberText(
        "trace of the gradients' covariance",
        "The summed variance of the gradient of a single example, tr Sigma: a batch of B examples has tr Sigma / B of it.",
        "It is the batch size times the sample variance between the gradients of batches, with the jackknife's standard error.",
        "Beside the squared norm of the mean gradient it says which of the two a step follows; on its own it scales with the "
        "weights, so compare it only along one run.",
        ("mccandlish2018",),
    ),
    "gradient_square": NumberText(
        "squared norm of the mean gradient, without noise",
        "The squared norm ||G||^2 of the mean gradient over the distribution that the examples are drawn from.",
        "The squared norm over the data holds a share of the noise, tr Sigma / N, which is taken off; the rest may then come "
        "out below zero.",
        "Where it lies within two standard errors of zero nothing but noise is left to step along on these data, and the noise "
        "scale is only known to be large.",
        ("mccandlish2018",),
    ),
    "scatter_share": NumberText(
        "share of noise in a step's squared gradient",
        "Which part of the squared gradient of a training batch is noise: tr Sigma / B over tr Sigma / B + ||G||^2.",
        "It follows from the two numbers above at the batch size that the checkpoint was trained with.",
        "Near 1 the implicit penalty of small steps, lr/4 times the mean squared gradient, is a penalty on the scatter between "
        "batches rather than on the slope of the loss.",
        ("smith2021",),
    ),
    "slope_modified": NumberText(
        "slope with L + (lr/4) mean ||grad L_i||^2",
        "The power of the learning rate with which the mean end of an epoch leaves the flow on the modified loss, relative to how "
        "far it moved.",
        "It is fitted by least squares to the logarithms, and its error is that of the fit.",
        "Theory says 2 for small steps; less means that the steps are too large for the expansion, or that rounding is seen.",
        ("barrett2021", "smith2021"),
    ),
    "slope_plain": NumberText(
        "slope with L alone",
        "The same power for the flow on the loss itself, which knows nothing of finite steps.",
        "It is fitted by least squares to the logarithms, and its error is that of the fit.",
        "Theory says 1: the difference to the slope above is what the modified loss explains.",
        ("barrett2021", "smith2021"),
    ),
    "slope_half": NumberText(
        "slope with lr/2 in place of lr/4",
        "The same power for a penalty twice as large, which takes the lr/2 of the vector field H grad L for that of the loss.",
        "It is fitted by least squares to the logarithms, and its error is that of the fit.",
        "Theory says 1, so that a slope of 2 with lr/4 cannot be by chance of the penalty's size.",
        ("barrett2021", "smith2021"),
    ),
}


def number(name: str, value: float, error: float = math.nan, kind: str = "standard error", *, label: str = "") -> Number:
    """A number with the label, unit and sentences that it has everywhere; without an error that is known it claims none."""
    text = TEXTS[name]
    if kind == "standard error" and math.isnan(error):
        kind = "heuristic"
    return Number(
        name=name,
        label=label or text.label,
        value=float(value),
        error=0.0 if kind == "exact" else float(error),
        kind=kind,
        unit=text.unit,
        help=text.help,
    )


def trained_batch(problem: Problem) -> int:
    """The batch that the checkpoint was trained with, as its card says; 0 where it does not."""
    card = problem.description.get("training")
    told = card if isinstance(card, Mapping) else {}
    found = next((size for name in ("batch_size", "batch") if (size := positive(told.get(name))) == size), 0.0)
    return int(found)
