"""Train a classifier of any make for some epochs and record it as a run, where an analysis has no checkpoint to begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.losses import margin_cross_entropy
from landscape_gui.core.splits import Split
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.settings import own_randomness
from landscape_gui.recorder import Recorder

JUDGED = 512
"""Examples that are judged at once."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """SGD with momentum and weight decay, the rate falling to zero along a cosine. seed: of the order of examples."""

    epochs: int
    lr: float = 0.05
    batch_size: int = 64
    momentum: float = 0.9
    weight_decay: float = 5e-4
    seed: int = 0


def train_recorded(
    module: nn.Module,
    data: Data,
    folder: Path,
    recipe: Recipe,
    card: Mapping[str, Any],
    *,
    device: torch.device,
    tell: Callable[[float, str], None],
    cancelled: Callable[[], bool],
) -> bool:
    """Train on the first split and record into `folder`: checkpoints, losses and accuracies. False: cancelled before the end.

    card: what the recorder cannot know (title, architecture, data, loss). tell: the share that is done, with a word. Global random
    states stay as they are. Raises RecorderError.
    """
    split, module = data.splits[0], module.to(device)
    optimizer = torch.optim.SGD(module.parameters(), recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay)
    steps = -(-split.examples // recipe.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs * steps)
    order = torch.Generator().manual_seed(recipe.seed)
    with own_randomness(recipe.seed), Recorder(folder, module, optimizer) as recorder:
        recorder.describe(**card, batch_size=recipe.batch_size, epochs=recipe.epochs, schedule="cosine", seed=recipe.seed)
        recorder.epoch(0, **judged(module, data, device))
        for epoch in range(1, recipe.epochs + 1):
            parts = torch.split(torch.randperm(split.examples, generator=order), recipe.batch_size)
            for number, part in enumerate(parts, 1):
                if cancelled():
                    return False
                loss = step(module.train(), optimizer, split, part, device)
                schedule.step()
                recorder.step(loss=loss)
                tell((epoch - 1 + number / steps) / recipe.epochs, f"epoch {epoch} of {recipe.epochs}")
            recorder.epoch(epoch, **judged(module, data, device))
    return True


def step(module: nn.Module, optimizer: torch.optim.Optimizer, split: Split, part: Tensor, device: torch.device) -> Tensor:
    """One step on these examples; the mean loss before it."""
    loss = nn.functional.cross_entropy(module(split.inputs[part].to(device)), split.targets[part].to(device))
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


@torch.no_grad()
def judged(module: nn.Module, data: Data, device: torch.device) -> dict[str, float]:
    """Loss and accuracy of every split: means over examples, summed in float64."""
    module.eval()
    found: dict[str, float] = {}
    for split in data.splits:
        loss = right = 0.0
        for start in range(0, split.examples, JUDGED):
            targets = split.targets[start : start + JUDGED].to(device)
            output = module(split.inputs[start : start + JUDGED].to(device))
            loss += float(margin_cross_entropy(output, targets).double().sum())
            right += float((output.argmax(1) == targets).sum())
        found |= {f"{split.name}_loss": loss / split.examples, f"{split.name}_accuracy": right / split.examples}
    return found
