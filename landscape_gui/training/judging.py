"""What a network is worth at one moment of training: loss and accuracy of whole splits in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from landscape_gui.core.differentiation import values_of
from landscape_gui.core.losses import ACCURACY, LossHead
from landscape_gui.core.splits import Split

JUDGED = 512
"""Examples that are judged at once."""


class Interrupted(Exception):
    """Nobody wants to know any more."""


@torch.no_grad()
def judge(
    module: nn.Module,
    split: Split,
    head: LossHead,
    *,
    name: str,
    classes: bool,
    device: torch.device,
    interrupted: Callable[[], bool],
) -> dict[str, float]:
    """ "NAME_loss", and "NAME_accuracy" of classes: means over examples, summed in float64. Raises Interrupted."""
    sums = torch.zeros(2, dtype=torch.float64, device=device)
    module.eval()
    try:
        for start in range(0, split.examples, JUDGED):
            if interrupted():
                raise Interrupted
            x, y = (whole[start : start + JUDGED].to(device) for whole in (split.inputs, split.targets))
            output = module(x)
            rows, _ = values_of(head.function(output, y), len(x))
            sums[0] += rows.sum(dtype=torch.float64)
            if classes and ACCURACY.function is not None:
                right = ACCURACY.function(output, y)
                sums[1] += (right[0] if isinstance(right, tuple) else right).sum(dtype=torch.float64)
    finally:
        module.train()
    loss, accuracy = (sums / split.examples).tolist()
    return {f"{name}_loss": loss} | ({f"{name}_accuracy": accuracy} if classes else {})
