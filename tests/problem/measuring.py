"""What a program read from a file is measured with beside the network that it was made from."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from landscape_gui.core.evaluate import Evaluator, Values
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.objective import Objective
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout


def objective(module: nn.Module, inputs: Any, targets: Tensor) -> Objective:
    split = Split("train", inputs, targets, len(targets))
    return Objective(module, Layout.from_module(module), split, CROSS_ENTROPY, precision="float64", batch=8)


def finish(evaluator: Evaluator, *arguments: Any) -> Values:
    steps = evaluator.evaluate(*arguments)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
