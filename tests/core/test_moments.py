from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest
import torch
from networks import make
from torch import Tensor

from landscape_gui.core.directions import random_plane
from landscape_gui.core.evaluate import Evaluator, Values
from landscape_gui.core.losses import ACCURACY, CROSS_ENTROPY, batch_head
from landscape_gui.core.moments import ExampleMoments, Moments
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout


def finish(steps: Generator[float, None, Values]) -> Values:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def filled(kind: type[Moments], rows: Tensor, weights: Tensor | None = None) -> Moments:
    """Two chunks of examples (points, examples, rows each) added up as an evaluator does."""
    total = kind(rows.shape[0], torch.device("cpu"))
    cut = rows.shape[1] // 3
    for part in (slice(0, cut), slice(cut, None)):
        chunk = kind(rows.shape[0], torch.device("cpu"))
        mine = rows[:, part]
        own = None if weights is None else weights[part].reshape(-1)
        chunk.count(own, mine.shape[1], mine.shape[2])
        repeated = None if own is None else own.repeat(rows.shape[0])
        chunk.add(torch.arange(rows.shape[0]), mine.reshape(rows.shape[0], -1), repeated, mine.shape[1])
        total.merge(chunk)
    return total


def test_keeping_examples_changes_no_sum() -> None:
    rows = torch.randn(3, 30, 4, generator=torch.Generator().manual_seed(0))
    plain, keeping = filled(Moments, rows), filled(ExampleMoments, rows)
    assert isinstance(keeping, ExampleMoments)
    assert keeping.mean().tolist() == plain.mean().tolist()
    assert keeping.standard_error().tolist() == plain.standard_error().tolist()  # type: ignore[union-attr]
    sums, weights = keeping.examples()
    np.testing.assert_array_equal(sums, rows.sum(2, dtype=torch.float64).numpy())
    assert weights.tolist() == [4.0] * 30


def test_examples_that_weigh_unequally_keep_their_weights() -> None:
    rows = torch.randn(2, 12, 3, generator=torch.Generator().manual_seed(1))
    counts = (torch.rand(12, 3, generator=torch.Generator().manual_seed(2)) > 0.4).float()
    keeping = filled(ExampleMoments, rows * counts, counts)
    assert isinstance(keeping, ExampleMoments)
    sums, weights = keeping.examples()
    assert weights.tolist() == counts.sum(1).tolist()
    np.testing.assert_allclose(sums.sum(1) / weights.sum(), keeping.mean(), rtol=1e-14)


@pytest.mark.parametrize("batchnorm", ["frozen", "recalculated"])
def test_an_evaluator_gives_what_each_example_adds(batchnorm: str) -> None:
    module, inputs, targets = make("resnet")
    layout = Layout.from_module(module)
    origin = layout.flatten(module.state_dict())
    axes = random_plane(layout, origin, seed=3)
    points = np.array([(0.0, 0.0), (0.4, -0.2), (1.0, 0.3)])
    splits = [Split("train", inputs[:11], targets[:11]), Split("test", inputs[11:], targets[11:])]
    evaluator = Evaluator(module, layout, splits, CROSS_ENTROPY, {"accuracy": ACCURACY}, batch=4, batchnorm=batchnorm)  # type: ignore[arg-type]
    plain = finish(evaluator.evaluate(origin, axes, points))
    found = finish(evaluator.evaluate(origin, axes, points, keep=True))
    assert not plain.rows
    assert found.mean["train_loss"].tolist() == plain.mean["train_loss"].tolist()
    for name, (rows, weights) in found.rows.items():
        assert rows.shape == (3, 11 if name.startswith("train") else len(inputs) - 11)
        np.testing.assert_allclose(rows.sum(1) / weights.sum(), found.mean[name], rtol=1e-14)
        error = rows.std(1, ddof=1) / np.sqrt(rows.shape[1])
        np.testing.assert_allclose(error, found.standard_error[name], rtol=1e-9, atol=1e-12)
    assert set(found.rows["test_accuracy"][0].ravel()) <= {0.0, 1.0}


def test_a_point_that_was_given_up_has_no_examples() -> None:
    module, inputs, targets = make("mlp")
    layout = Layout.from_module(module)
    origin = layout.flatten(module.state_dict())
    axis = torch.full_like(origin, 3e38)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batch=5, tier="exact")
    rows, weights = finish(evaluator.evaluate(origin, [axis], [(0.0,), (1.0,)], keep=True)).rows["train_loss"]
    assert rows.shape == (2, len(inputs)) and len(weights) == len(inputs)
    assert np.isfinite(rows[0]).all() and np.isnan(rows[1]).all()


def test_a_loss_of_means_alone_gives_its_batches() -> None:
    module, inputs, targets = make("mlp")
    layout = Layout.from_module(module)
    origin = layout.flatten(module.state_dict())
    head = batch_head(lambda model, batch: torch.nn.functional.cross_entropy(model(batch[0]), batch[1]))
    evaluator = Evaluator(module, layout, [Split("train", (inputs, targets), None, len(targets))], head, batch=5)
    found = finish(evaluator.evaluate(origin, (), (), keep=True))
    rows, weights = found.rows["train_loss"]
    assert rows.shape[1] == len(weights) == -(-len(targets) // 5)
    np.testing.assert_allclose(rows.sum() / weights.sum(), found.mean["train_loss"][0], rtol=1e-12)
