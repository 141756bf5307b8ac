"""Recalculated running statistics, against plain torch loops of the definition in `core.batchnorm.recalculate`."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import EXAMPLES, images, make, resnet
from test_evaluate import METRICS, POINTS, finish, plane, weights
from torch import Tensor, nn

from landscape_gui.core import batchnorm
from landscape_gui.core.batchnorm import has_batchnorm, recalculate
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import CROSS_ENTROPY, batch_head
from landscape_gui.core.splits import Split, bounds
from landscape_gui.core.vector import Layout

RTOL = {"float32": 1e-5, "float64": 1e-6}
"""What is promised of any network at each point, and of float64. Measured here: 4e-7 and 1e-15."""


def loaded(module: nn.Module, layout: Layout, vector: Tensor) -> nn.Module:
    net = copy.deepcopy(module).to(vector.dtype)
    net.load_state_dict(layout.unflatten(vector), strict=False)
    return net


def one_pass(net: nn.Module, inputs: Tensor) -> nn.Module:
    """torch's own statistics after one pass in training mode over everything."""
    for part in net.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.reset_running_stats()
            part.momentum = 1.0
    with torch.no_grad():
        net.train()(inputs)
    return net.eval()


def pooled(net: nn.Module, batches: list[Tensor]) -> nn.Module:
    """Every batch in training mode; each layer's mean and unbiased variance over the rows of all its batches together."""
    rows: dict[str, list[Tensor]] = {}
    handles = [
        part.register_forward_pre_hook(lambda _m, x, n=name: rows.setdefault(n, []).append(x[0].movedim(1, -1).flatten(0, -2)))
        for name, part in net.named_modules()
        if isinstance(part, nn.modules.batchnorm._BatchNorm)
    ]
    with torch.no_grad():
        for batch in batches:
            net.train()(batch)
    for handle in handles:
        handle.remove()
    for name, seen in rows.items():
        norm: Any = net.get_submodule(name)
        norm.running_mean.copy_(torch.cat(seen).mean(0))
        norm.running_var.copy_(torch.cat(seen).var(0))
    return net.eval()


def loss(net: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        return float(F.cross_entropy(net(inputs).double(), targets))


@pytest.mark.parametrize("name", ["resnet", "batchnorm of vectors"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_statistics_are_those_of_one_pass_over_the_whole_split_however_it_is_cut(name: str, precision: Any) -> None:
    module, inputs, targets = make(name)
    splits = [Split("train", inputs[:14], targets[:14]), Split("test", inputs[14:], targets[14:])]
    layout, *vectors = plane(module)
    vectors = [v.to(getattr(torch, precision)) for v in vectors]
    for batch in (None, 4):
        evaluator = Evaluator(
            module, layout, splits, CROSS_ENTROPY, METRICS, precision=precision, batchnorm="recalculated", batch=batch
        )
        found = finish(evaluator.evaluate(vectors[0], vectors[1:], POINTS))
        for k, vector in enumerate(weights(*(v.double() for v in vectors))):
            net = one_pass(loaded(module, layout, vector), inputs[:14].double())
            for split in splits:
                expected = loss(net, split.inputs.double(), split.targets)
                assert found.mean[f"{split.name}_loss"][k] == pytest.approx(expected, rel=RTOL[precision])
        assert evaluator.environment["statistics"] == {"train": 1}
        assert found.examples == {"train_loss": 14, "train_accuracy": 14, "test_loss": 7, "test_accuracy": 7}
        assert all(error is not None for error in found.standard_error.values())


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_statistics_of_several_batches_are_pooled_over_rows(precision: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module, inputs, targets = make("resnet")
    layout, *vectors = plane(module)
    vectors = [v.to(getattr(torch, precision)) for v in vectors]
    monkeypatch.setattr(batchnorm, "SCALARS", 8 * 16 * 8 * 8)  # eight examples' largest activations
    evaluator = Evaluator(
        module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, precision=precision, batchnorm="recalculated"
    )
    found = finish(evaluator.evaluate(vectors[0], vectors[1:], POINTS)).mean["train_loss"]
    assert evaluator.environment["statistics"] == {"train": 3}
    parts = [inputs[a:b].double() for a, b in bounds(EXAMPLES, 8)]
    for k, vector in enumerate(weights(*(v.double() for v in vectors))):
        expected = loss(pooled(loaded(module, layout, vector), parts), inputs.double(), targets)
        assert found[k] == pytest.approx(expected, rel=RTOL[precision])


def test_statistics_of_streamed_data_come_from_the_loaders_own_batches() -> None:
    module, inputs, targets = make("resnet")
    layout, origin, d1, d2 = plane(module)
    data = torch.utils.data.TensorDataset(inputs, targets)
    loader = torch.utils.data.DataLoader(data, batch_size=10)  # the last one has a single example
    evaluator = Evaluator(module, layout, [Split("train", loader)], CROSS_ENTROPY, batchnorm="recalculated")
    found = finish(evaluator.evaluate(origin, [d1, d2], POINTS)).mean["train_loss"]
    assert evaluator.environment["statistics"] == {"train": -1}
    for k, vector in enumerate(weights(origin.double(), d1.double(), d2.double())):
        parts = [inputs[a : a + 10].double() for a in (0, 10, 20)]
        expected = loss(pooled(loaded(module, layout, vector), parts), inputs.double(), targets)
        assert found[k] == pytest.approx(expected, rel=RTOL["float32"])


def test_a_batch_loss_sees_recalculated_statistics() -> None:
    module, inputs, targets = make("batchnorm of vectors")
    layout, origin, d1, d2 = plane(module)
    head = batch_head(lambda net, batch: F.cross_entropy(net(batch["x"]), batch["y"], reduction="none"))
    split = Split("train", {"x": inputs, "y": targets})
    found = finish(Evaluator(module, layout, [split], head, batchnorm="recalculated").evaluate(origin, [d1, d2], POINTS))
    for k, vector in enumerate(weights(origin, d1, d2)):
        expected = loss(one_pass(loaded(module, layout, vector), inputs), inputs, targets)
        assert found.mean["train_loss"][k] == pytest.approx(expected, rel=RTOL["float32"])


def test_statistics_may_come_from_data_that_are_not_judged() -> None:
    module, inputs, targets = make("resnet")
    layout, origin, d1, d2 = plane(module)
    train, test = Split("train", inputs[:14], targets[:14]), Split("test", inputs[14:], targets[14:])
    alone = Evaluator(module, layout, [test], CROSS_ENTROPY, batchnorm="recalculated", statistics=train)
    both = Evaluator(module, layout, [train, test], CROSS_ENTROPY, batchnorm="recalculated")
    found = [finish(e.evaluate(origin, [d1, d2], POINTS)).mean for e in (alone, both)]
    assert set(found[0]) == {"test_loss"}
    np.testing.assert_allclose(found[0]["test_loss"], found[1]["test_loss"], rtol=1e-6)  # chunks of other sizes


def test_a_point_that_is_not_a_number_does_not_spoil_the_next() -> None:
    module, inputs, targets = make("resnet")
    layout, origin, d1, _ = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batchnorm="recalculated")
    found = finish(evaluator.evaluate(origin, [d1], [[float("nan")], [0.3]])).mean["train_loss"]
    alone = finish(evaluator.evaluate(origin, [d1], [[0.3]])).mean["train_loss"]
    assert np.isnan(found[0])
    assert found[1] == alone[0]


def test_memory_that_does_not_suffice_halves_the_batches_of_statistics() -> None:
    module, inputs, targets = make("resnet")
    layout, origin, d1, d2 = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batchnorm="recalculated")
    forward = evaluator._plain.forward

    def scarce(chunk: Any) -> Any:
        if chunk.examples > 11:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return forward(chunk)

    evaluator._plain.forward = scarce  # type: ignore[method-assign]
    found = finish(evaluator.evaluate(origin, [d1, d2], POINTS))
    parts = [inputs[a:b] for a, b in bounds(EXAMPLES, EXAMPLES // 2)]
    assert evaluator.environment["statistics"] == {"train": len(parts)}
    assert found.examples["train_loss"] == EXAMPLES
    for k, vector in enumerate(weights(origin, d1, d2)):
        expected = loss(pooled(loaded(module, layout, vector), parts), inputs, targets)
        assert found.mean["train_loss"][k] == pytest.approx(expected, rel=RTOL["float32"])


def test_recalculating_twice_is_the_same_as_once_and_modes_come_back() -> None:
    """Identity 19."""
    net = resnet().eval()
    assert has_batchnorm(net)
    passes = [partial(net, images(3, 8)[a:b]) for a, b in bounds(EXAMPLES, 7)]
    found = []
    for _ in range(2):
        assert len(list(recalculate(net, passes))) == 3
        found.append({k: v.clone() for k, v in net.state_dict().items()})
    assert all(torch.equal(v, found[1][k]) for k, v in found[0].items())
    assert not any(m.training for m in net.modules())
    assert {m.momentum for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}


def test_instance_norm_takes_the_mean_over_examples() -> None:
    net = nn.Sequential(nn.InstanceNorm1d(3, track_running_stats=True)).eval()
    x = torch.randn(5, 3, 9, generator=torch.Generator().manual_seed(0))
    for _ in recalculate(net, [partial(net, x[:4]), partial(net, x[4:])]):
        pass
    torch.testing.assert_close(net[0].running_mean, x.mean((0, 2)))
    torch.testing.assert_close(net[0].running_var, x.var(2).mean(0))
