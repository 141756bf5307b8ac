"""Perplexity is exp of the mean loss over all tokens, whatever the chunks; beside accuracy, at many points, with its error."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from landscape_gui.core.evaluate import Evaluator, Values
from landscape_gui.core.losses import ACCURACY, CROSS_ENTROPY, PERPLEXITY, LossHead, Metric, batch_head
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout

METRICS = {"accuracy": ACCURACY, "perplexity": PERPLEXITY}
POINTS = np.array([[0.0], [0.5], [3.0]])


class Tokens(nn.Module):
    """Logits (examples, vocabulary, places) of each place's next token."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 11)

    def forward(self, ids: Tensor) -> Tensor:
        return self.table(ids).movedim(-1, 1)


def found(metrics: dict[str, Metric], *, head: LossHead = CROSS_ENTROPY, batch: int | None = None, scale: float = 1.0) -> Values:
    torch.manual_seed(0)
    module = Tokens()
    ids = torch.randint(0, 11, (30, 8))
    layout = Layout.from_module(module)
    origin = layout.flatten(module.state_dict()) * scale
    targets = None if head.kind == "batch" else ids[:, 1:]
    inputs = ids if head.kind == "batch" else ids[:, :-1]
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], head, metrics, batch=batch)
    steps = evaluator.evaluate(origin, [torch.randn(layout.size)], POINTS)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


@pytest.mark.parametrize("batch", [None, 7])
def test_it_is_exp_of_the_mean_loss_and_no_mean_of_exps(batch: int | None) -> None:
    values = found(METRICS, batch=batch)
    torch.manual_seed(0)
    module, ids = Tokens().double(), torch.randint(0, 11, (30, 8))
    with torch.no_grad():
        rows = functional.cross_entropy(module(ids[:, :-1]), ids[:, 1:], reduction="none")
    assert values.mean["train_perplexity"][0] == pytest.approx(math.exp(rows.mean()), rel=1e-6)
    assert abs(rows.mean(1).exp().mean() - values.mean["train_perplexity"][0]) > 0.1
    assert values.examples["train_perplexity"] == 30


def test_its_error_is_the_losss_to_first_order() -> None:
    values = found(METRICS)
    loss, error = values.mean["train_loss"], values.standard_error["train_loss"]
    spread = values.standard_error["train_perplexity"]
    assert error is not None and spread is not None
    step = 1e-4
    slope = (np.exp(loss + step * error) - np.exp(loss - step * error)) / (2 * step)
    np.testing.assert_allclose(spread, slope, rtol=1e-6)


def test_the_other_numbers_are_the_same_with_it_as_without() -> None:
    with_it, without = found(METRICS), found({"accuracy": ACCURACY})
    for name, mean in without.mean.items():
        assert with_it.mean[name].tolist() == mean.tolist()


def test_what_is_too_large_is_infinite_and_not_an_error() -> None:
    values = found(METRICS, scale=1e3)
    assert values.mean["train_loss"][0] > 710 and np.isposinf(values.mean["train_perplexity"][0])


def test_a_loss_that_runs_the_network_itself_has_none() -> None:
    head = batch_head(lambda module, ids: functional.cross_entropy(module(ids[:, :-1]), ids[:, 1:]))
    assert list(found(METRICS, head=head).mean) == ["train_loss"]
