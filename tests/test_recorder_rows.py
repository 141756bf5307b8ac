"""Rows of the log, made later of what was handed over at the steps."""

from __future__ import annotations

import math

import pytest
import torch

from landscape_gui.recorder.optimisers import Rates
from landscape_gui.recorder.rows import Row, Rows
from landscape_gui.recorder.scalars import handed, has_row


def test_rows_are_means_since_the_row_before_and_epochs_are_means_over_their_steps() -> None:
    rows = Rows(100.0)
    assert rows.of([(1, 101.0, {"lr": 0.5}, {"loss": 4.0}), (2, 102.0, None, {"loss": 2.0, "norm": 7.0})]) == [
        {"step": 1, "lr": 0.5, "loss": 4.0, "seconds": 1.0}
    ]
    left = Row(step=3, at=103.5, rates={"lr": 0.25}, only_if_any=True)
    ended = Row(step=3, at=104.0, rates={"lr": 0.25}, epoch=1, scalars={"test_loss": 9.0}, found={"distance": 1.0})
    assert rows.of([(3, 103.0, None, {"loss": 3.0}), left, left, ended]) == [
        {"step": 3, "lr": 0.25, "loss": 2.5, "norm": 7.0, "seconds": 3.5},
        {"step": 3, "epoch": 1, "lr": 0.25, "train_loss": 3.0, "test_loss": 9.0, "distance": 1.0, "seconds": 4.0},
    ]
    assert rows.of([Row(step=4, at=105.0, rates={}, epoch=2)]) == [{"step": 4, "epoch": 2, "seconds": 5.0}]


def test_tensors_that_were_kept_become_numbers_of_their_own_precision() -> None:
    half, single = torch.tensor(1 / 3, dtype=torch.bfloat16), torch.tensor([math.nan])
    found = Rows(0.0).of([(1, 1.0, {"lr": torch.tensor(0.1)}, {"loss": half, "norm": single, "acc": 0.5})])
    assert found[0]["loss"] == half.item() and math.isnan(found[0]["norm"]) and found[0]["acc"] == 0.5
    assert found[0]["lr"] == torch.tensor(0.1).item() and list(found[0]) == ["step", "lr", "loss", "norm", "acc", "seconds"]


def test_a_loss_that_changes_after_it_was_handed_over_is_recorded_as_it_was() -> None:
    loss = torch.tensor(2.0)
    kept = handed("loss", loss)
    loss.mul_(10)
    assert kept == 2.0
    assert handed("loss", torch.tensor([1.0, 4.0], requires_grad=True)) == 2.5


@pytest.mark.parametrize("rate", [0.5, torch.tensor(0.5)])
def test_rates_are_those_of_the_moment_and_old_ones_stay(rate: float | torch.Tensor) -> None:
    weights = [torch.zeros(2, requires_grad=True), torch.zeros(3, requires_grad=True)]
    optimizer = torch.optim.SGD([{"params": weights[0], "lr": rate}, {"params": weights[1], "lr": 0.125}], lr=0.25)
    rates = Rates({"": optimizer})
    first = rates.now()
    if isinstance(rate, torch.Tensor):
        rate.fill_(0.75)  # as torch's schedules do
    else:
        optimizer.param_groups[0]["lr"] = 0.75
    assert rates.now() == {"lr": 0.75, "lr_2": 0.125} and first == {"lr": 0.5, "lr_2": 0.125}
    optimizer.load_state_dict(torch.optim.SGD([{"params": w} for w in weights], lr=2.0).state_dict())
    assert rates.now() == {"lr": 2.0, "lr_2": 2.0}
    optimizer.add_param_group({"params": torch.zeros(1, requires_grad=True), "lr": 3.0})
    assert rates.now()["lr_3"] == 3.0


def test_rows_lie_within_a_2048th_of_their_step() -> None:
    with_row = [step for step in range(1, 40_000) if has_row(step)]
    assert with_row[:4096] == list(range(1, 4097))
    assert with_row[4096:] == [*range(4098, 8193, 2), *range(8196, 16385, 4), *range(16392, 32769, 8), *range(32784, 40_000, 16)]
