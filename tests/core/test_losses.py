from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_gui.core.losses import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    MSE,
    accuracy_rows,
    binary_rows,
    cross_entropy_and_accuracy,
    cross_entropy_rows,
    loss_head,
    margin_cross_entropy,
    squared_error_rows,
)
from landscape_gui.errors import ProblemError


def logits(*shape: int) -> Tensor:
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def labels(count: int, *shape: int) -> Tensor:
    return torch.randint(0, count, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("classes", [2, 3, 10, 257])
def test_margins_agree_with_torch_in_float64(classes: int) -> None:
    o, y = logits(400, classes), labels(classes, 400)
    expected = F.cross_entropy(o.double(), y, reduction="none")
    torch.testing.assert_close(margin_cross_entropy(o, y).double(), expected, rtol=2e-6, atol=1e-7)
    torch.testing.assert_close(margin_cross_entropy(o.t().contiguous().t(), y).double(), expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("margin", [0.0, 1.0, 5.0, 20.0, 69.0, -1e-4, -3.0, -50.0, -1e4])
def test_margins_are_exact_where_losses_are_tiny_or_huge(margin: float) -> None:
    """log(1 + exp(-m)) from 1e-30 to 1e4, to 1e-6 of itself (float32)."""
    o, y = torch.tensor([[margin, 0.0]]), torch.tensor([0])
    expected = math.log1p(math.exp(-margin)) if margin > -700 else -margin
    assert float(margin_cross_entropy(o, y)[0]) == pytest.approx(expected, rel=1e-6)
    assert float(binary_rows(torch.tensor([margin]), torch.tensor([1.0]))[0]) == pytest.approx(expected, rel=1e-6)


def test_what_is_not_a_number_stays() -> None:
    y = torch.tensor([0, 1])
    assert margin_cross_entropy(torch.tensor([[float("nan"), 0.0], [0.0, 1.0]]), y).isnan().tolist() == [True, False]
    assert margin_cross_entropy(torch.tensor([[0.0, float("inf")], [0.0, 1.0]]), y).isfinite().tolist() == [False, True]


def test_ties_count_for_the_first_class_as_argmax_does() -> None:
    o = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.9, 1.0, 1.0], [2.0, 1.9, 1.9]])
    y = torch.tensor([0, 1, 0, 1, 0])
    assert cross_entropy_and_accuracy(o, y)[1].tolist() == [1, 0, 1, 1, 1]
    assert accuracy_rows(o, y).tolist() == [1, 0, 1, 1, 1]
    many, classes = logits(3000, 4).round(), labels(4, 3000)
    assert torch.equal(cross_entropy_and_accuracy(many, classes)[1], accuracy_rows(many, classes))


def test_ignored_rows_have_no_weight() -> None:
    o, y = logits(6, 4), labels(4, 6)
    y[2] = -100
    losses, weights = cross_entropy_rows(o, y)
    assert weights.tolist() == [1, 1, 0, 1, 1, 1]
    assert float(losses.sum() / weights.sum()) == pytest.approx(float(F.cross_entropy(o, y)), rel=1e-6)


def test_classes_may_stand_second_or_last() -> None:
    o, y = logits(5, 4, 7), labels(4, 5, 7)
    expected = F.cross_entropy(o, y, reduction="none").flatten()
    torch.testing.assert_close(cross_entropy_rows(o, y), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(cross_entropy_rows(o.movedim(1, -1), y), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ProblemError, match=r"\(5, 4, 7\).*\(5, 6\)"):
        cross_entropy_rows(o, y[:, :6])


def test_probabilities_as_targets() -> None:
    o, p = logits(6, 4), torch.softmax(logits(6, 4), 1)
    torch.testing.assert_close(cross_entropy_rows(o, p), F.cross_entropy(o, p, reduction="none"), rtol=1e-6, atol=1e-6)


def test_squared_and_binary_errors_are_torchs() -> None:
    o, t = logits(6, 4), logits(4, 6).t()
    assert float(squared_error_rows(o, t).mean()) == pytest.approx(float(F.mse_loss(o, t)), rel=1e-6)
    b = labels(2, 6, 4).float()
    assert float(binary_rows(o, b).mean()) == pytest.approx(float(F.binary_cross_entropy_with_logits(o, b)), rel=1e-5)
    with pytest.raises(ProblemError, match="shapes differ"):
        squared_error_rows(o, t[:, :1])


def own_mean(o: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(o, y) + 1


def own_rows(o: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(o, y, reduction="none")


def own_reduction(o: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    return 2 * F.cross_entropy(o, y, reduction=reduction)


@pytest.mark.parametrize(
    ("loss", "kind", "same"),
    [
        ("cross_entropy", "rows", CROSS_ENTROPY),
        (F.cross_entropy, "rows", CROSS_ENTROPY),
        (nn.CrossEntropyLoss(), "rows", CROSS_ENTROPY),
        (nn.MSELoss(), "rows", MSE),
        (F.binary_cross_entropy_with_logits, "rows", BINARY_CROSS_ENTROPY),
        (nn.CrossEntropyLoss(label_smoothing=0.1), "rows", None),
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 1.0, 1.0])), "mean", None),
        (own_mean, "mean", None),
        (own_rows, "rows", None),
        (own_reduction, "rows", None),
    ],
)
def test_a_users_loss_is_understood(loss: Any, kind: str, same: Any) -> None:
    o, y = logits(6, 4), labels(4, 6)
    head = loss_head(loss, o, y)
    assert head.kind == kind
    if same is not None:
        assert head is same
    elif kind == "rows":
        assert float(head.function(o, y).mean()) == pytest.approx(float(loss(o, y).mean()), rel=1e-6)


def test_losses_that_are_none_are_refused_by_name() -> None:
    o, y = logits(6, 4), labels(4, 6)
    with pytest.raises(ProblemError, match="no loss named"):
        loss_head("hinge", o, y)

    def broken(o: Tensor, y: Tensor) -> Tensor:
        raise ValueError("no such thing")

    with pytest.raises(ProblemError, match="broken raised ValueError: no such thing"):
        loss_head(broken, o, y)
    with pytest.raises(ProblemError, match="float"):
        loss_head(lambda o, y: 1.0, o, y)
