"""Which class a network names for each example."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import ACCURACY, BINARY_ACCURACY, BINARY_CROSS_ENTROPY, CROSS_ENTROPY, IGNORED, LossHead, Metric
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.core.waypoint import CLASSES, NONE, Seen, Waypoints, finish, per_class


def seen_of(module: nn.Module, inputs: Tensor, targets: Tensor, head: LossHead = CROSS_ENTROPY, metric: Metric = ACCURACY) -> Seen:
    layout = Layout.from_module(module)
    state = layout.flatten(module.state_dict())
    evaluator = Evaluator(module, layout, [Split("test", inputs, targets)], head, {"accuracy": metric, **CLASSES}, batch=7)

    def network(t: float):  # type: ignore[no-untyped-def]
        yield 0.0
        return state

    found: Seen = finish(Waypoints(evaluator, network, split="test").steps(0.5))
    return found


def test_the_class_named_is_the_first_largest_logit() -> None:
    torch.manual_seed(0)
    module, x = nn.Linear(4, 3), torch.randn(40, 4)
    targets = torch.arange(40) % 3
    found = seen_of(module, x, targets)
    assert found.predicted.tolist() == module(x).argmax(1).tolist()
    assert found.targets.tolist() == targets.tolist()
    assert set(found.values.mean) == {"test_loss", "test_accuracy"}
    assert found.values.mean["test_accuracy"][0] == np.mean(found.predicted == found.targets)


def test_examples_that_do_not_count_have_no_class() -> None:
    torch.manual_seed(0)
    module, x = nn.Linear(4, 3), torch.randn(20, 4)
    targets = torch.arange(20) % 3
    targets[[2, 11]] = IGNORED
    found = seen_of(module, x, targets)
    assert np.flatnonzero(found.predicted == NONE).tolist() == [2, 11]
    assert np.flatnonzero(found.targets == NONE).tolist() == [2, 11]
    shares, examples = per_class(found.predicted, found.targets, 3)
    assert examples.sum() == 18
    assert np.isclose((shares * examples).sum() / 18, found.values.mean["test_accuracy"][0])


def test_an_output_that_is_not_a_number_names_no_class() -> None:
    module, x = nn.Linear(4, 3), torch.randn(6, 4)
    x[4, 0] = torch.nan
    found = seen_of(module, x, torch.arange(6) % 3)
    assert found.predicted[4] == NONE
    assert (found.predicted[:4] >= 0).all()


def test_probabilities_as_targets_and_single_logits() -> None:
    torch.manual_seed(1)
    module, x = nn.Linear(4, 3), torch.randn(15, 4)
    soft = torch.rand(15, 3).softmax(1)
    found = seen_of(module, x, soft)
    assert found.targets.tolist() == soft.argmax(1).tolist()
    assert found.predicted.tolist() == module(x).argmax(1).tolist()
    single, yes = nn.Linear(4, 1), (torch.arange(15) % 2).float()
    found = seen_of(single, x, yes, BINARY_CROSS_ENTROPY, BINARY_ACCURACY)
    assert found.predicted.tolist() == (single(x)[:, 0] > 0).long().tolist()
    assert found.targets.tolist() == yes.long().tolist()


def test_several_rows_an_example_have_no_class_of_their_own() -> None:
    module, x = nn.Linear(4, 3), torch.randn(8, 5, 4)
    found = seen_of(module, x, torch.zeros(8, 5, dtype=torch.long))
    assert len(found.predicted) == len(found.targets) == 0
    assert np.isfinite(found.values.mean["test_loss"][0])


def test_a_class_without_examples_has_no_accuracy() -> None:
    shares, examples = per_class(np.array([0, 0, 2]), np.array([0, 2, 2]), 4)
    assert examples.tolist() == [1, 0, 2, 0]
    assert shares[[0, 2]].tolist() == [1.0, 0.5]
    assert np.isnan(shares[[1, 3]]).all()
