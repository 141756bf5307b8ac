"""A tiny problem's Hessian written out in float64, by another route than the products that are tested."""

from __future__ import annotations

import torch
from tiny_problem import TinyProblem, make_data
from torch import Tensor


def hessian(problem: TinyProblem) -> Tensor:
    """(n, n) of the mean training loss at the checkpoint, by forward over reverse mode on the whole batch."""
    x, y = make_data(problem.train, 1)
    module = problem.module.double()
    try:
        layout = problem.layout

        def loss(flat: Tensor) -> Tensor:
            tensors = {s.name: flat[s.start : s.stop].view(s.shape) for s in layout.segments if not s.buffer}
            return torch.nn.functional.cross_entropy(torch.func.functional_call(module, tensors, (x.double(),)), y)

        found: Tensor = torch.func.hessian(loss)(problem.state[: layout.parameters].double())
    finally:
        problem.module.float()
    return (found + found.T) / 2


def gradient(problem: TinyProblem) -> Tensor:
    """(n,) of the same loss, by reverse mode on the whole batch."""
    x, y = make_data(problem.train, 1)
    flat = problem.state[: problem.layout.parameters].double().requires_grad_()
    tensors = {s.name: flat[s.start : s.stop].view(s.shape) for s in problem.layout.segments if not s.buffer}
    module = problem.module.double()
    loss = torch.nn.functional.cross_entropy(torch.func.functional_call(module, tensors, (x.double(),)), y)
    (found,) = torch.autograd.grad(loss, flat)
    problem.module.float()
    return found
