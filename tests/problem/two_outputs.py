"""A network that gives two tensors, and a person's own loss of the second one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from landscape_gui.problem import open_problem

LANDSCAPE = """import torch
def data():
    return {'train': (torch.ones(6, 3), torch.arange(6) % 2)}
def loss(output, target):
    return torch.nn.functional.cross_entropy(output[1], target, reduction='none')
"""


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.first(x), self.second(x)


def check_own_loss(path: Path) -> None:
    """Such a loss beside the file of such a network is given both tensors; without it the loss is the first one's."""
    path.with_name("landscape.py").write_text(LANDSCAPE, encoding="utf-8")
    problem = open_problem(path, trusted=lambda digest: True)
    second = problem.module(torch.ones(6, 3))[1]
    expected = nn.functional.cross_entropy(second, torch.arange(6) % 2)
    assert problem.at_checkpoint()["train_loss"] == pytest.approx(expected.item(), rel=1e-5)
