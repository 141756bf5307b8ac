"""Answers about how training went: what was measured at each epoch or step of one run or of several. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from landscape_gui.results import Array, DynamicsBase, Quantity, labelled


@dataclass(frozen=True, kw_only=True)
class RunDynamics:
    """One run. order: (k,) ascending epochs or steps; quantities: by name, (k,) each, NaN where not measured there.

    Names are `<split>_loss`, `<split>_accuracy`, `gradient_norm`, `lambda_max`, `directional_sharpness`, `lgdi`,
    `stability_ratio`, `learning_rate`, and whatever else was logged. optimiser: "sgd", "adam", ..., "" where unknown; momentum:
    of heavy ball, or of Nesterov's method where `nesterov` (NaN: unknown); they decide how large lambda_max may be.
    """

    name: str
    order: Array = labelled("epoch or step", "record")
    quantities: Mapping[str, Quantity]
    optimiser: str = ""
    momentum: float = float("nan")
    nesterov: bool = False

    def limit(self) -> Array | None:
        """(k,) the largest curvature at which gradient descent is stable on a quadratic: 2/lr, with momentum b (2 + 2b)/lr, with
        Nesterov's (2 + 2b)/(lr (1 + 2b)); None where the learning rate or the method is unknown."""
        rate = self.quantities.get("learning_rate")
        if rate is None or self.optimiser != "sgd" or np.isnan(self.momentum):
            return None
        factor = (2 + 2 * self.momentum) / (1 + 2 * self.momentum * self.nesterov)
        with np.errstate(divide="ignore"):
            found: Array = factor / rate.values
        return found


@dataclass(frozen=True, kw_only=True)
class DynamicsResult(DynamicsBase):
    """Quantities over the epochs or steps (`unit`) of one run or several, by the runs' names."""

    runs: Mapping[str, RunDynamics]
    unit: str = "epoch"
    complete: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Every quantity that some run has, in the order in which they are met."""
        return tuple(dict.fromkeys(name for run in self.runs.values() for name in run.quantities))
