"""What cannot be differentiated twice is said: torch leaves it out of second derivatives without a word."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from landscape_gui.core.losses import CROSS_ENTROPY, LossHead, loss_head
from landscape_gui.core.objective import Objective
from landscape_gui.core.operators import GaussNewton, Hessian
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * slope


class Square(nn.Module):
    def __init__(self, once: bool) -> None:
        super().__init__()
        self.once = once

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = Once.apply(x) if self.once else x * x  # type: ignore[no-untyped-call]
        return found


def objective(once: bool, head: LossHead = CROSS_ENTROPY) -> Objective:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), Square(once), nn.Linear(6, 3))
    x = torch.randn(40, 4)
    return Objective(net, Layout.from_module(net), Split("train", x, x[:, :3].argmax(1), 40), head, precision="float64")


@pytest.mark.parametrize("operator", [Hessian, GaussNewton])
def test_a_part_that_can_be_differentiated_only_once_is_refused(operator: Any) -> None:
    """Without the refusal its products are finite and wrong, and the Hessian is not symmetric."""
    known = operator(objective(False))
    unit = torch.eye(known.size, dtype=torch.float64)
    matrix = known.apply(unit)
    assert torch.allclose(matrix, matrix.T, rtol=0, atol=1e-14)
    with pytest.raises(ProblemError, match="differentiated only once"):
        operator(objective(True)).apply(unit)


def test_a_loss_that_is_cut_off_from_the_network_is_no_flat_one() -> None:
    def cut(output: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(output.detach(), target, reduction="none")

    with pytest.raises(ProblemError, match=r"no derivative.*detach"):
        Hessian(objective(False, loss_head(cut, torch.zeros(40, 3), torch.zeros(40).long()))).apply(
            torch.ones(1, 51, dtype=torch.float64)
        )
    with pytest.raises(ProblemError, match=r"no derivative.*detach"):
        objective(False, loss_head(cut, torch.zeros(40, 3), torch.zeros(40).long())).gradient()
