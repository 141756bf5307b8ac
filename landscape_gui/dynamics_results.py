"""Answers about how training went: what was measured at each epoch or step of one run or of several. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from landscape_gui.results import Array, DynamicsBase, Quantity, labelled, optional

UNITS = {"epoch": "epoch", "step": "step", "share": "share of training", "checkpoint": "checkpoint"}
"""What `DynamicsResult.unit` says the runs are drawn over."""


@dataclass(frozen=True, kw_only=True)
class RunDynamics:
    """One run. order: (k,) ascending epochs or steps; quantities: by name, (k,) each, NaN where not measured there.

    Names are `<split>_loss`, `<split>_accuracy`, `gradient_norm`, `lambda_max`, `directional_sharpness`, `epsilon_sharpness`,
    `lgdi`, `stability_ratio`, `stability_limit`, `distance_from_start`, `step_cosine`, `weight_norm`, `learning_rate`, and whatever
    else was logged. A standard error is that of the mean; that of lambda_max is its residual, which bounds the error. optimiser:
    "sgd", "adam", ..., "" where unknown; momentum: of heavy ball, or of Nesterov's method where `nesterov` (NaN: unknown); they
    decide how large lambda_max may be, `limit_words` says how.

    names: (k,) what each checkpoint is called, empty where the numbers come from no checkpoints; place: (k, 2) where each lies in
    the plane of the runs' two leading principal components; computed: (k,) which of them are measured by now. logged: what the run
    wrote down itself, over `logged_order`.
    """

    name: str
    order: Array = labelled("epoch or step", "record")
    quantities: Mapping[str, Quantity]
    optimiser: str = ""
    momentum: float = float("nan")
    nesterov: bool = False
    names: tuple[str, ...] = ()
    place: Array = optional("place in the plane of the principal components", "record", "component")
    computed: Array = optional("whether the checkpoint is measured", "record")
    logged: Mapping[str, Quantity] = field(default_factory=dict)
    logged_order: Array = optional("epoch or step of what was logged", "row")
    limit_words: str = ""

    def limit(self) -> Array | None:
        """(k,) the largest curvature at which training's steps are stable on a quadratic: as computed, else for gradient descent
        2/lr, with momentum b (2 + 2b)/lr, with Nesterov's (2 + 2b)/(lr (1 + 2b)); None where the learning rate or the method is
        unknown, or is Adam or its like, whose limit is on another matrix."""
        known = self.quantities.get("stability_limit")
        if known is not None:
            return known.values
        rate = self.quantities.get("learning_rate")
        if rate is None or self.optimiser != "sgd" or np.isnan(self.momentum):
            return None
        factor = (2 + 2 * self.momentum) / (1 + 2 * self.momentum * self.nesterov)
        with np.errstate(divide="ignore"):
            found: Array = factor / rate.values
        return found


@dataclass(frozen=True, kw_only=True)
class DynamicsResult(DynamicsBase):
    """Quantities over the epochs or steps (`unit`, one of UNITS) of one run or several, by the runs' names.

    explained: (2,) the share of the variance of the runs' checkpoints along the axes of `RunDynamics.place`; split, examples,
    subset, batchnorm, precision: on what geometry was measured; radius: of directional and epsilon-sharpness.
    """

    runs: Mapping[str, RunDynamics]
    unit: str = "epoch"
    complete: bool = True
    explained: Array = optional("share of the variance along each axis of the plane", "component")
    split: str = ""
    examples: int = 0
    subset: str = ""
    batchnorm: str = ""
    precision: str = ""
    radius: float = float("nan")

    @property
    def names(self) -> tuple[str, ...]:
        """Every quantity that some run has, in the order in which they are met."""
        return tuple(dict.fromkeys(name for run in self.runs.values() for name in (*run.quantities, *run.logged)))


@dataclass(frozen=True, kw_only=True)
class MomentResult(DynamicsBase):
    """One checkpoint of a run: quantities by name, arrays of shape (), with their standard errors (of lambda_max its residual).

    products: with the Hessian; gradients, losses: forward and backward, and forward passes, in units of all examples; examples: of
    `split`, as `subset` says in words.
    """

    quantities: Mapping[str, Quantity]
    products: int = 0
    gradients: float = 0.0
    losses: float = 0.0
    split: str = ""
    examples: int = 0
    subset: str = ""
    batchnorm: str = ""
    precision: str = ""
