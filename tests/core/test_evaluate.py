from __future__ import annotations

import copy
import itertools
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import EXAMPLES, NETWORKS, images, make, mlp, resnet
from torch import Tensor, nn

from landscape_gui.core.directions import difference, random_direction, random_plane
from landscape_gui.core.evaluate import Evaluator, Values
from landscape_gui.core.losses import ACCURACY, CROSS_ENTROPY, LossHead, batch_head, cross_entropy_rows, loss_head
from landscape_gui.core.splits import Split, bounds, call, cut
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

POINTS = np.array([(x, y) for y in (-0.7, 0.0, 0.4) for x in (-1.0, 0.0, 0.3)])
METRICS = {"accuracy": ACCURACY}


def finish(steps: Generator[float, None, Values]) -> Values:
    while True:
        try:
            assert 0 <= next(steps) <= 1
        except StopIteration as stop:
            return stop.value


def plane(module: nn.Module, *, biases: bool = False) -> tuple[Layout, Tensor, Tensor, Tensor]:
    layout = Layout.from_module(module)
    origin = layout.flatten(module.state_dict())
    return layout, origin, *random_plane(layout, origin, seed=3, include_biases=biases)


def loop(module: nn.Module, vectors: list[Tensor], inputs: Any, targets: Tensor, batch: int) -> list[float]:
    """The plain loop: functional_call over the batches, a float64 sum of each row's loss."""
    layout, losses = Layout.from_module(module), []
    for vector in vectors:
        tensors = {name: part.clone() for name, part in layout.unflatten(vector).items()}  # allocated as tensors are: aligned
        total = 0.0
        for start, stop in bounds(EXAMPLES, batch):
            x, y = cut(inputs, start, stop, EXAMPLES), targets[start:stop]
            arguments = x if isinstance(x, tuple) else (x,)
            with torch.no_grad():
                output = torch.func.functional_call(module, tensors, arguments)
                rows = cross_entropy_rows(output, y)
            total += float(rows.reshape(len(y), -1).sum(1, dtype=torch.float64).sum())
        losses.append(total / targets.numel())
    return losses


def weights(origin: Tensor, d1: Tensor, d2: Tensor) -> list[Tensor]:
    return [torch.add(torch.add(origin, d2, alpha=y), d1, alpha=x) for x, y in POINTS.tolist()]


@pytest.mark.parametrize("name", NETWORKS)
def test_exact_tier_is_bit_equal_to_a_loop_over_functional_call(name: str) -> None:
    module, inputs, targets = make(name)
    layout, origin, d1, d2 = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, tier="exact", batch=8)
    found = finish(evaluator.evaluate(origin, [d1, d2], POINTS)).mean["train_loss"]
    expected = loop(module, weights(origin, d1, d2), inputs, targets, 8)
    assert found.tolist() == expected


@pytest.mark.parametrize("name", NETWORKS)
def test_fast_tier_agrees_with_float64(name: str) -> None:
    module, inputs, targets = make(name)
    layout, origin, d1, d2 = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, METRICS, batch=8)
    found = finish(evaluator.evaluate(origin, [d1, d2], POINTS))
    wide = copy.deepcopy(module).double()
    to64 = [t.double() for t in (origin, d1, d2)]
    inputs64 = tuple(t.double() for t in inputs) if isinstance(inputs, tuple) else inputs
    inputs64 = inputs64.double() if isinstance(inputs64, Tensor) and inputs64.is_floating_point() else inputs64
    expected = loop(wide, weights(*to64), inputs64, targets, EXAMPLES)
    # 2e-6: float32 forward passes of a few layers; the promise for any network is 1e-5
    np.testing.assert_allclose(found.mean["train_loss"], expected, rtol=2e-6)
    assert evaluator.environment["path"] != "plain"
    assert evaluator.environment["difference"] < 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_fast_tier_is_the_same_to_the_bit_each_time_and_the_module_stays(name: str) -> None:
    module, inputs, targets = make(name)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    layout, origin, d1, d2 = plane(module)
    found = []
    for _ in range(2):
        evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, METRICS, batch=8)
        found += [finish(evaluator.evaluate(origin, [d1, d2], POINTS)) for _ in range(2)]
    for other in found[1:]:
        assert other.mean["train_loss"].tolist() == found[0].mean["train_loss"].tolist()
        assert other.standard_error["train_loss"].tolist() == found[0].standard_error["train_loss"].tolist()
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_what_the_fast_paths_do() -> None:
    expected = {"mlp": ("flat", ["1"]), "lenet": ("flat", ["conv1"]), "resnet": ("folded", []), "shared weights": ("flat", [])}
    for name, (path, affine) in expected.items():
        module, inputs, targets = make(name)
        layout, origin, d1, d2 = plane(module)
        evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY)
        finish(evaluator.evaluate(origin, [d1, d2], POINTS))
        environment = evaluator.environment
        assert (environment["path"], environment["affine"]) == (path, affine), name


def test_batchnorm_that_moves_is_not_folded() -> None:
    module, inputs, targets = make("resnet")
    layout, origin, d1, d2 = plane(module, biases=True)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batch=8)
    found = finish(evaluator.evaluate(origin, [d1, d2], POINTS)).mean["train_loss"]
    assert evaluator.environment["path"] == "channels last"
    # rtol: channels-last convolutions sum in another order
    np.testing.assert_allclose(found, loop(module, weights(origin, d1, d2), inputs, targets, 8), rtol=2e-6)


def test_points_do_not_depend_on_their_company_beyond_rounding() -> None:
    module, inputs, targets = make("lenet")
    layout, origin, d1, d2 = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, METRICS)
    together = finish(evaluator.evaluate(origin, [d1, d2], POINTS)).mean["train_loss"]
    alone = [finish(evaluator.evaluate(origin, [d1, d2], [p])).mean["train_loss"][0] for p in POINTS]
    np.testing.assert_allclose(alone, together, rtol=1e-7)  # sums over other row lengths: float32 rounding of one row


def test_splits_metrics_and_standard_errors_come_from_one_pass() -> None:
    module, inputs, targets = make("mlp")
    layout, origin, d1, d2 = plane(module)
    splits = [Split("train", inputs[:13], targets[:13]), Split("test", inputs[13:], targets[13:])]
    for tier in ("fast", "exact"):
        evaluator = Evaluator(module, layout, splits, CROSS_ENTROPY, METRICS, tier=tier, batch=5)
        found = finish(evaluator.evaluate(origin, [d1, d2], POINTS))
        for split, part in zip(splits, (slice(0, 13), slice(13, None)), strict=True):
            for k, vector in enumerate(weights(origin, d1, d2)):
                output = torch.func.functional_call(module, layout.unflatten(vector), (inputs[part],))
                rows = F.cross_entropy(output, targets[part], reduction="none").double()
                right = (output.argmax(1) == targets[part]).double()
                for name, values in (("loss", rows), ("accuracy", right)):
                    key, n = f"{split.name}_{name}", len(values)
                    assert found.mean[key][k] == pytest.approx(float(values.mean()), rel=1e-6)
                    assert found.standard_error[key][k] == pytest.approx(float(values.std() / n**0.5), rel=1e-5, abs=1e-9)
                    assert found.examples[key] == n
        assert not found.from_batches


def test_a_row_of_the_plane_is_the_line() -> None:
    """Identity 21: y = 0 of a surface is the line along x, and the ends of a path are the checkpoints' own losses."""
    module, inputs, targets = make("resnet")
    layout, origin, d1, d2 = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, tier="exact")
    x = np.linspace(-1, 1, 5)
    surface = finish(evaluator.evaluate(origin, [d1, d2], [(a, 0.0) for a in x])).mean["train_loss"]
    line = finish(evaluator.evaluate(origin, [d1], x[:, None])).mean["train_loss"]
    assert surface.tolist() == line.tolist()
    other = resnet().eval()
    end = layout.flatten(other.state_dict())
    path = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batchnorm="interpolated")
    found = finish(path.evaluate(origin, [difference(layout, origin, end)], [[0.0], [1.0]])).mean["train_loss"]
    with torch.no_grad():
        own = [float(F.cross_entropy(net(inputs).double(), targets)) for net in (module, other)]
    np.testing.assert_allclose(found, own, rtol=1e-6)  # end = origin + (end - origin) to float32 rounding


def test_a_point_without_axes_is_the_checkpoint() -> None:
    module, inputs, targets = make("lenet")
    layout, origin, _, _ = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY)
    with torch.no_grad():
        own = float(F.cross_entropy(module(inputs).double(), targets))
    for coordinates, points in (((), 1), ([], 1), (np.zeros((1, 0)), 1), (np.zeros((3, 0)), 3), (np.zeros((0, 0)), 0)):
        found = finish(evaluator.evaluate(origin, (), coordinates)).mean["train_loss"]
        assert found == pytest.approx([own] * points, rel=1e-6)  # float32 rounding of the sums


def test_second_differences_of_a_quadratic_are_its_curvature() -> None:
    """Identity 13, the grid's part: linear regression, where d^T H d = 2 |X d|^2 / (N C)."""
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    y = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    module = nn.Linear(6, 3, bias=False)
    layout = Layout.from_module(module)
    origin = layout.flatten(module.state_dict(), dtype=torch.float64)
    d = random_direction(layout, origin, seed=0)
    evaluator = Evaluator(module, layout, [Split("train", x, y)], loss_head("mse", None, None), precision="float64")
    step = 0.5
    low, mid, high = finish(evaluator.evaluate(origin, [d], [[-step], [0.0], [step]])).mean["train_loss"]
    curvature = 2 * float((x.double() @ d.view(3, 6).double().t()).square().sum()) / (50 * 3)
    assert (low - 2 * mid + high) / step**2 == pytest.approx(curvature, rel=1e-10)


def test_tiny_losses_are_right() -> None:
    """A loss of 1e-30 to 1e-4, where float32 log_softmax gives 0."""
    module = nn.Linear(1, 3, bias=False)
    layout = Layout.from_module(module)
    origin, axis = torch.zeros(3), torch.tensor([1.0, 0.0, 0.0])
    evaluator = Evaluator(
        module, layout, [Split("train", torch.ones(4, 1), torch.zeros(4, dtype=torch.long))], CROSS_ENTROPY, METRICS
    )
    margins = np.array([69.7, 40.0, 10.0, 0.0])
    found = finish(evaluator.evaluate(origin, [axis], margins[:, None]))
    np.testing.assert_allclose(found.mean["train_loss"], np.log1p(2 * np.exp(-margins)), rtol=1e-4)
    assert found.mean["train_loss"][0] == pytest.approx(1.06e-30, rel=0.01)


@pytest.mark.parametrize("tier", ["fast", "exact"])
def test_nan_and_infinity_are_kept_and_told_apart(tier: Any) -> None:
    module = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    layout = Layout.from_module(module)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.eye(2))
    origin = layout.flatten(module.state_dict())
    axis = torch.zeros(8)
    axis[0] = axis[4] = 1e20
    x, y = torch.ones(6, 2), torch.tensor([1, 1, 1, 1, 1, 1])
    split = Split("train", x, y)
    evaluator = Evaluator(module, layout, [split], LossHead("gap", lambda o, t: o[:, 0] - o[:, 1]), METRICS, tier=tier, batch=2)
    found = finish(evaluator.evaluate(origin, [axis], [[0.0], [1.0], [float("nan")], [1e300]]))
    loss = found.mean["train_loss"]
    assert np.isfinite(loss[0])
    assert loss[1] == np.inf
    assert found.overflow.tolist()[:3] == [False, True, False]
    assert np.isnan(loss[2])
    assert np.isnan(found.mean["train_accuracy"][2])


def test_a_cancelled_evaluation_leaves_no_trace() -> None:
    module, inputs, targets = make("resnet")
    before = {k: v.clone() for k, v in module.state_dict().items()}
    layout, origin, d1, d2 = plane(module)
    pool = F.max_pool2d
    for batchnorm in ("frozen", "interpolated", "recalculated"):
        evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batchnorm=batchnorm, batch=4)
        steps = evaluator.evaluate(origin, [d1, d2], np.repeat(POINTS, 40, axis=0))
        next(steps)
        assert not torch.is_inference_mode_enabled()
        assert F.max_pool2d is pool
        steps.close()
        again = finish(evaluator.evaluate(origin, [d1, d2], POINTS))
        fresh = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batchnorm=batchnorm, batch=4)
        assert again.mean["train_loss"].tolist() == finish(fresh.evaluate(origin, [d1, d2], POINTS)).mean["train_loss"].tolist()
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_a_forward_that_raises_leaves_torch_as_it_was() -> None:
    class Breaks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(12, 5)

        def forward(self, x: Tensor) -> Tensor:
            if float(self.a.weight[0, 0]) > 5:
                raise RuntimeError("too large")
            return self.a(x)

    torch.manual_seed(0)
    module = Breaks()
    layout, origin, *_ = plane(module)
    axis = torch.zeros_like(origin)
    axis[0] = 1.0
    _, inputs, targets = make("mlp")
    pool = F.max_pool2d
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY)
    with pytest.raises(RuntimeError, match="too large"):
        finish(evaluator.evaluate(origin, [axis], [[0.0], [9.0], [1.0]]))
    assert not torch.is_inference_mode_enabled()
    assert F.max_pool2d is pool


def test_mean_only_losses_have_errors_from_batches() -> None:
    module, inputs, targets = make("mlp")
    layout, origin, d1, _ = plane(module)
    head = loss_head(lambda o, t: ((o - F.one_hot(t, 5)) ** 2).mean(), module(inputs), targets)
    assert head.kind == "mean"
    found = finish(
        Evaluator(module, layout, [Split("train", inputs, targets)], head, METRICS, batch=5).evaluate(origin, [d1], [[0.3]])
    )
    output = torch.func.functional_call(module, layout.unflatten(torch.add(origin, d1, alpha=0.3)), (inputs,))
    assert found.mean["train_loss"][0] == pytest.approx(float(head.function(output, targets)), rel=1e-6)
    assert found.from_batches == {"train_loss"}
    parts = [(b - a, float(head.function(output[a:b], targets[a:b]))) for a, b in bounds(EXAMPLES, 5)]
    mean = found.mean["train_loss"][0]
    count = len(parts)
    variance = sum((n * (value - mean)) ** 2 for n, value in parts) * count / (count - 1)
    assert found.standard_error["train_loss"][0] == pytest.approx(variance**0.5 / EXAMPLES, rel=1e-5)


@pytest.mark.parametrize("examples", [21, 16, 5, 2])
def test_a_loss_of_means_is_cut_so_that_its_error_is_known(examples: int) -> None:
    """Eight chunks or more from sixteen examples on, two at least; the same mean as of one chunk."""
    module, inputs, targets = make("mlp")
    layout, origin, d1, _ = plane(module)
    head = loss_head(lambda o, t: ((o - F.one_hot(t, 5)) ** 2).mean(), module(inputs), targets)
    evaluator = Evaluator(module, layout, [Split("train", inputs[:examples], targets[:examples])], head, METRICS)
    found = finish(evaluator.evaluate(origin, [d1], [[0.3]]))
    count = evaluator.environment["partition"]["train"]
    assert count >= (8 if examples >= 16 else 2)
    assert evaluator.environment.get("batches", {}) == ({"train_loss": count} if count < examples else {})
    output = torch.func.functional_call(module, layout.unflatten(torch.add(origin, d1, alpha=0.3)), (inputs[:examples],))
    mean = float(head.function(output, targets[:examples]))
    assert found.mean["train_loss"][0] == pytest.approx(mean, rel=1e-6)
    parts = bounds(examples, -(-examples // count))
    variance = sum(((b - a) * (float(head.function(output[a:b], targets[a:b])) - mean)) ** 2 for a, b in parts)
    assert found.standard_error["train_loss"][0] == pytest.approx((variance * count / (count - 1)) ** 0.5 / examples, rel=1e-5)


def test_an_error_that_cannot_be_known_is_told() -> None:
    module, inputs, targets = make("mlp")
    layout, origin, _, _ = plane(module)
    data = torch.utils.data.TensorDataset(inputs, targets)
    means = loss_head(lambda o, t: ((o - F.one_hot(t, 5)) ** 2).mean(), module(inputs), targets)
    whole = Split("train", torch.utils.data.DataLoader(data, batch_size=EXAMPLES))
    for split, head in ((Split("train", inputs[:1], targets[:1]), CROSS_ENTROPY), (whole, means)):
        evaluator = Evaluator(module, layout, [split], head)
        assert finish(evaluator.evaluate(origin, (), ())).standard_error == {"train_loss": None}
        assert evaluator.environment["batches"] == {"train_loss": 1}
    rows = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, METRICS)
    finish(rows.evaluate(origin, (), ()))
    assert "batches" not in rows.environment


def test_streamed_batches_give_what_resident_data_give() -> None:
    module, inputs, targets = make("lenet")
    layout, origin, d1, d2 = plane(module)
    data = torch.utils.data.TensorDataset(inputs, targets)
    loader = torch.utils.data.DataLoader(data, batch_size=8)
    streamed = Evaluator(module, layout, [Split("train", loader, None, 0)], CROSS_ENTROPY, METRICS)
    found = finish(streamed.evaluate(origin, [d1, d2], POINTS))
    resident = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, METRICS)
    expected = finish(resident.evaluate(origin, [d1, d2], POINTS))
    for name in ("train_loss", "train_accuracy"):
        np.testing.assert_allclose(found.mean[name], expected.mean[name], rtol=1e-6)
        assert found.examples[name] == EXAMPLES


def test_batch_losses_run_the_network_themselves() -> None:
    module, inputs, targets = make("mlp")
    layout, origin, d1, d2 = plane(module)
    head = batch_head(lambda net, batch: F.cross_entropy(net(batch["x"]), batch["y"], reduction="none"))
    evaluator = Evaluator(module, layout, [Split("train", {"x": inputs, "y": targets})], head, METRICS, batch=8)
    found = finish(evaluator.evaluate(origin, [d1, d2], POINTS))
    np.testing.assert_allclose(found.mean["train_loss"], loop(module, weights(origin, d1, d2), inputs, targets, 8), rtol=1e-6)
    assert set(found.mean) == {"train_loss"}
    assert found.standard_error["train_loss"] is not None


def test_a_wrong_fast_path_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from landscape_gui.core import fast

    def wrong(part: nn.Linear) -> Any:
        return lambda x: F.linear(x, part.weight, part.bias) * 1.0001

    monkeypatch.setattr(fast, "narrow_forward", wrong)
    module, inputs, targets = make("mlp")
    layout, origin, d1, d2 = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batch=8)
    found = finish(evaluator.evaluate(origin, [d1, d2], POINTS)).mean["train_loss"]
    assert evaluator.environment["path"] == "plain"
    np.testing.assert_allclose(found, loop(module, weights(origin, d1, d2), inputs, targets, 8), rtol=1e-7)


def test_memory_that_does_not_suffice_halves_the_batch_and_loses_nothing() -> None:
    module, inputs, targets = make("mlp")
    layout, origin, d1, d2 = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, tier="exact", batch=16)
    forward = evaluator._plain.forward

    def scarce(chunk: Any) -> Any:
        if chunk.examples > 4:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return forward(chunk)

    evaluator._plain.forward = scarce  # type: ignore[method-assign]
    found = finish(evaluator.evaluate(origin, [d1, d2], POINTS))
    assert found.examples["train_loss"] == EXAMPLES
    assert evaluator.environment["batch"] <= 4
    np.testing.assert_allclose(
        found.mean["train_loss"], loop(module, weights(origin, d1, d2), inputs, targets, EXAMPLES), rtol=1e-6
    )


def test_filter_normalised_curves_survive_rescaling_of_layers() -> None:
    """Identity 9: scaling one ReLU layer by a and the next by 1/a leaves the curve as it is."""
    module, inputs, targets = make("mlp")
    for p in (module[1].bias, module[3].bias):
        nn.init.zeros_(p)
    scaled = copy.deepcopy(module)
    with torch.no_grad():
        scaled[1].weight.mul_(8.0)
        scaled[3].weight.div_(8.0)
    curves = []
    for net in (module, scaled):
        layout = Layout.from_module(net)
        origin = layout.flatten(net.state_dict(), dtype=torch.float64)
        d = random_direction(layout, origin, seed=5)
        evaluator = Evaluator(net, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, precision="float64")
        curves.append(finish(evaluator.evaluate(origin, [d], np.linspace(-1, 1, 7)[:, None])).mean["train_loss"])
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-8)  # 1e-10 over the filter's norm is added before dividing


def test_wrong_vectors_are_refused_by_name() -> None:
    module, inputs, targets = make("mlp")
    layout, origin, d1, _ = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY)
    with pytest.raises(ProblemError, match=str(layout.size)):
        finish(evaluator.evaluate(origin, [d1[:-1]], [[0.0]]))
    with pytest.raises(ProblemError, match="no data"):
        Evaluator(module, layout, [], CROSS_ENTROPY)


def test_seconds_per_point_is_measured_without_disturbing() -> None:
    module, inputs, targets = make("mlp")
    layout, origin, d1, d2 = plane(module)
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY)
    first = finish(evaluator.evaluate(origin, [d1, d2], POINTS)).mean["train_loss"].tolist()
    assert 0 < evaluator.seconds_per_point < 60
    assert finish(evaluator.evaluate(origin, [d1, d2], POINTS)).mean["train_loss"].tolist() == first


def test_three_axes_move_together() -> None:
    module, inputs, targets = make("mlp")
    layout, origin, d1, d2 = plane(module)
    d3 = random_direction(layout, origin, seed=9)
    points = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    evaluator = Evaluator(module, layout, [Split("train", inputs, targets)], CROSS_ENTROPY, batch=8)
    found = finish(evaluator.evaluate(origin, [d1, d2, d3], points)).mean["train_loss"]
    vectors = [origin + a * d1 + b * d2 + c * d3 for a, b, c in points.tolist()]
    np.testing.assert_allclose(found, loop(module, vectors, inputs, targets, 8), rtol=2e-6)


def test_images_of_any_mode_are_called_as_the_network_wants() -> None:
    assert call(nn.Identity(), images()).shape == images().shape
    assert call(mlp(), (images()[:, 0, 0],)).shape == (EXAMPLES, 5)
