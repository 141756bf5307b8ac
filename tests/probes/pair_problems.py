"""Two checkpoints of one small network, opened as a person's own code is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.problem import Problem, open_problem

PRODUCT = """
import torch
from torch import nn

def model():
    return nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))

def data():
    x = torch.linspace(-1, 2, 40)[:, None]
    return {"train": (x[:25], x[:25]), "test": (x[25:], x[25:])}

loss = nn.functional.mse_loss
"""
"""y = w2 w1 x is to be x: the loss is m (w1 w2 - 1)^2, m the mean of x^2, with a barrier between (1, 1) and (-1, -1)."""

LINEAR = PRODUCT.replace(
    "nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))", "nn.Sequential(nn.Linear(1, 1, bias=False))"
)
"""Convex: the loss is m (w - 1)^2."""

MLP = """
import torch
from torch import nn

def model():
    return {net}

def data():
    x = torch.randn(160, 6, generator=torch.Generator().manual_seed(1))
    w = torch.randn(6, 4, generator=torch.Generator().manual_seed(7))
    y = (x @ w).argmax(1)
    return {{"train": (x[:100], y[:100]), "test": (x[100:], y[100:])}}

loss = nn.functional.cross_entropy
"""
PLAIN = MLP.format(net="nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))")
NORMED = MLP.format(net="nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 4))")


def module_of(code: str) -> nn.Module:
    space: dict[str, Any] = {}
    exec(code, space)
    module = space["model"]()
    assert isinstance(module, nn.Module)
    return module


def data_of(code: str, split: str = "train") -> tuple[Tensor, Tensor]:
    space: dict[str, Any] = {}
    exec(code, space)
    found: tuple[Tensor, Tensor] = space["data"]()[split]
    return found


def trained(code: str, seed: int, steps: int = 60) -> dict[str, Tensor]:
    """The network of the code after some steps of gradient descent from a start of its own."""
    torch.manual_seed(seed)
    module = module_of(code).train()
    x, y = data_of(code)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.03)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimiser.step()
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def scaled(values: list[float]) -> dict[str, Tensor]:
    """The states of PRODUCT and LINEAR."""
    return {f"{k}.weight": torch.tensor([[value]]) for k, value in enumerate(values)}


def opened(folder: Path, code: str, **states: dict[str, Tensor]) -> dict[str, Problem]:
    """A problem for each state, in a folder of its name."""
    (folder / "landscape.py").write_text(code, encoding="utf-8")
    problems = {}
    for name, state in states.items():
        place = folder / name
        place.mkdir()
        torch.save(state, place / "net.pt")
        problems[name] = open_problem(place / "net.pt", trusted=lambda _: True)
    return problems


def reference(problem: Problem, other: Problem) -> Any:
    """Another problem's checkpoint, named to this one."""
    return problem.reference(other.checkpoint.path)
