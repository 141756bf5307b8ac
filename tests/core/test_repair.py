"""REPAIR: statistics against an independent run in float64, ends to the bit, BatchNorm as recalculated, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pytest
import torch
from networks import make
from test_matching import pair, two_layers
from torch import Tensor, nn
from wired import FREE, Wired, conv_bn, head, images, sequences

from landscape_gui.core import batchnorm
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import CROSS_ENTROPY, batch_head
from landscape_gui.core.passes import Passes
from landscape_gui.core.repair import Moments, Repair
from landscape_gui.core.splits import Split, length_of
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError


def drain(steps: Generator[float, None, Any]) -> Any:
    """A generator's answer; what it yields is a fraction that never falls."""
    last = 0.0
    while True:
        try:
            fraction = next(steps)
        except StopIteration as stop:
            return stop.value
        assert last <= fraction <= 1
        last = fraction


def passes_of(module: nn.Module, layout: Layout, inputs: Any) -> Passes:
    return Passes(module, layout, Split("train", inputs, None, length_of(inputs)), CROSS_ENTROPY)


Found = dict[str, tuple[Tensor, Tensor]]


def statistics(module: nn.Module, layout: Layout, state: Tensor, names: list[str], inputs: Tensor) -> Found:
    """Mean and deviation of each unit of layers, by hooks of the test's own, in float64."""
    kept: Found = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, out: Tensor) -> None:
            rows = out.movedim(1, -1).flatten(0, -2) if out.dim() == 4 else out.flatten(0, -2)
            kept[name] = rows.mean(0), rows.std(0, correction=0)

        return hook

    handles = [module.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    with torch.no_grad():
        tensors = {name: t.double() for name, t in layout.unflatten(state).items()}
        torch.func.functional_call(module.double(), tensors, (inputs.double() if inputs.is_floating_point() else inputs,))
    module.float()
    for handle in handles:
        handle.remove()
    return kept


def weight_normed() -> nn.Module:
    linear = nn.utils.parametrizations.weight_norm(nn.Linear(12, 8))
    return Wired(lambda s, x: s.out(torch.relu(s.a(x)).mean(1)), a=linear, out=nn.Linear(8, 5))


def upsampling() -> nn.Module:
    """Transposed, grouped convolutions."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 6, 2, 2, groups=2), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=2), nn.ReLU(),
        head(6),
    )  # fmt: skip


REPAIRED: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor], list[str]]] = {
    "chain": (two_layers, lambda: torch.randn(50, 7, generator=torch.Generator().manual_seed(4)), ["0", "2"]),
    "u-net": (*FREE["u-net"][:2], ["a", "b", "c", "up"]),
    "transposed and grouped": (upsampling, images, ["0", "2", "4"]),
    "vision transformer": (*FREE["vision transformer"][:2], [
        "patches", "encoder.layers.0.linear1", "encoder.layers.0.linear2", "encoder.layers.1.linear1", "encoder.layers.1.linear2",
    ]),
    "tied embedding": (*FREE["tied embedding"][:2], ["qkv", "mix", "wide", "narrow"]),
    "weight norm": (weight_normed, sequences, ["a"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REPAIRED)
@pytest.mark.parametrize("t", [0.5, 0.2])
def test_every_layer_gets_the_statistics_between_those_of_the_ends(name: str, t: float) -> None:
    network, inputs, layers = REPAIRED[name]
    module, layout, groups, a, b = pair(network, inputs())
    repair = Repair(passes_of(module, layout, inputs()), a, b, groups=groups)
    assert list(repair.layers) == layers and not repair.notes
    repaired = drain(repair.at(a.lerp(b, t), t))
    first, second, here = (statistics(module, layout, state, layers, inputs()) for state in (a, b, repaired))
    for layer in layers:
        for x, y, z in zip(first[layer], second[layer], here[layer], strict=True):
            torch.testing.assert_close(z, x.lerp(y, t), rtol=2e-4, atol=2e-5)


def test_units_that_agree_only_partly_lose_variance_and_get_it_back() -> None:
    """Identity 19: the mean of two units of correlation r and equal variance has (1 + r)/2 of it."""
    inputs = torch.randn(4000, 7, generator=torch.Generator().manual_seed(4))
    module, layout, groups, a, b = pair(two_layers, inputs)
    own = {"a": layout.unflatten(a), "b": layout.unflatten(b)}
    for tensors in own.values():
        tensors["0.weight"].div_(tensors["0.weight"].norm(dim=1, keepdim=True))
    middle = a.lerp(b, 0.5)
    with torch.no_grad():
        x, y = (inputs.double() @ tensors["0.weight"].double().T for tensors in own.values())
    r = torch.stack([torch.corrcoef(torch.stack(both))[0, 1] for both in zip(x.T, y.T, strict=True)])
    before = statistics(module, layout, middle, ["0"], inputs)["0"][1].square()
    torch.testing.assert_close(before, (1 + r) / 2, rtol=0.1, atol=0)
    repaired = drain(Repair(passes_of(module, layout, inputs), a, b, groups=groups).at(middle, 0.5))
    after = statistics(module, layout, repaired, ["0"], inputs)["0"][1].square()
    torch.testing.assert_close(after, torch.ones(5, dtype=torch.float64), rtol=0.1, atol=0)


@pytest.mark.parametrize("name", REPAIRED)
def test_ends_are_left_as_they_are_to_the_bit(name: str) -> None:
    network, inputs, _ = REPAIRED[name]
    module, layout, groups, a, b = pair(network, inputs())
    repair = Repair(passes_of(module, layout, inputs()), a, b, groups=groups)
    for t, end in ((0.0, a), (1.0, b)):
        before = end.clone()
        assert torch.equal(drain(repair.at(end, t)), end) and torch.equal(end, before)


def test_repairing_twice_is_the_same_as_once() -> None:
    network, inputs, _ = REPAIRED["u-net"]
    module, layout, groups, a, b = pair(network, inputs())
    repair = Repair(passes_of(module, layout, inputs()), a, b, groups=groups)
    once = drain(repair.at(a.lerp(b, 0.5), 0.5))
    twice = drain(repair.at(once, 0.5))
    torch.testing.assert_close(twice, once, rtol=1e-4, atol=1e-5)
    assert float((once - a.lerp(b, 0.5)).norm()) > 0.1


@pytest.mark.parametrize("cut", [False, True])
def test_a_network_of_batchnorms_is_recalculated_and_nothing_else(cut: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same statistics and the same loss as the evaluator that recalculates, whole or in batches; weights stay to the bit."""
    if cut:
        monkeypatch.setattr(batchnorm, "SCALARS", 6000)
    module, inputs, targets = make("resnet")
    _, layout, groups, a, b = pair(lambda: make("resnet")[0], inputs)
    passes = passes_of(module, layout, inputs)
    assert (passes.partition > 1) == cut
    repair = Repair(passes, a, b, groups=groups)
    assert not repair.layers and not repair.notes
    state = drain(repair.at(a.lerp(b, 0.4), 0.4))
    assert torch.equal(state[: layout.parameters], a.lerp(b, 0.4)[: layout.parameters])
    split = Split("train", inputs, targets, length_of(inputs))
    losses = [
        drain(Evaluator(module, layout, [split], CROSS_ENTROPY, batchnorm=mode, batch=21).evaluate(at, (), ())).mean["train_loss"]
        for mode, at in (("recalculated", a.lerp(b, 0.4)), ("frozen", state))
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)
    assert torch.equal(drain(repair.at(state, 0.4)), state)


def test_layers_without_a_batchnorm_behind_them_are_repaired_among_those_with_one() -> None:
    """The targets are those of the ends with statistics recalculated, as their neighbours on the path have them."""
    module, layout, groups, a, b = pair(FREE["dense connections"][0], images())
    repair = Repair(passes_of(module, layout, images()), a, b, groups=groups)
    assert list(repair.layers) == ["first.2", "second.2", "last.2"]
    ends = [drain(repair.at(end, t)) for t, end in ((0.0, a), (1.0, b))]
    here = drain(repair.at(a.lerp(b, 0.5), 0.5))
    first, second, found = (statistics(module, layout, state, list(repair.layers), images()) for state in (*ends, here))
    for layer in repair.layers:
        for x, y, z in zip(first[layer], second[layer], found[layer], strict=True):
            torch.testing.assert_close(z, x.lerp(y, 0.5), rtol=5e-3, atol=5e-3)  # unbiased variance of 21 images in evaluation


def test_without_a_bias_deviations_are_repaired_and_that_is_said() -> None:
    network = lambda: nn.Sequential(nn.Linear(7, 6, bias=False), nn.Tanh(), nn.Linear(6, 3, bias=False))  # noqa: E731
    inputs = torch.randn(50, 7, generator=torch.Generator().manual_seed(4)) + 1
    module, layout, groups, a, b = pair(network, inputs)
    repair = Repair(passes_of(module, layout, inputs), a, b, groups=groups)
    assert repair.notes == ("Without a bias, so that deviations are repaired and means are not: 0.",)
    first, second, here = (
        statistics(module, layout, state, ["0"], inputs)["0"] for state in (a, b, drain(repair.at(a.lerp(b, 0.5), 0.5)))
    )
    torch.testing.assert_close(here[1], first[1].lerp(second[1], 0.5), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(here[0], first[0].lerp(second[0], 0.5), rtol=1e-2)


class Doubling(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).square()


def hooked() -> nn.Module:
    first = nn.Linear(12, 8)
    first.register_forward_hook(lambda _m, _i, out: 2 * out)
    return Wired(lambda s, x: s.out(torch.relu(s.b(torch.relu(s.a(x)))).mean(1)), a=first, b=nn.Linear(8, 6), out=nn.Linear(6, 5))


def twice() -> nn.Module:
    return Wired(
        lambda s, x: s.out(torch.relu(s.b(torch.relu(s.a(x) + s.a(x * x)))).mean(1)),
        a=nn.Linear(12, 8), b=nn.Linear(8, 6), out=nn.Linear(6, 5),
    )  # fmt: skip


def sharing() -> nn.Module:
    """Two layers with one weight and a bias each, of 8 units that neither reads."""
    first, second = nn.Linear(12, 8), nn.Linear(12, 8)
    second.weight = first.weight
    return Wired(
        lambda s, x: s.out(torch.relu(s.b(torch.relu(s.a(x)) + torch.relu(s.c(x * x)))).mean(1)),
        a=first, c=second, b=nn.Linear(8, 6), out=nn.Linear(6, 5),
    )  # fmt: skip


def of_its_own() -> nn.Module:
    return Wired(lambda s, x: s.out(torch.relu(s.b(s.a(x))).mean(1)), a=Doubling(12, 8), b=nn.Linear(8, 6), out=nn.Linear(6, 5))


@pytest.mark.parametrize(
    ("network", "note"),
    [
        (hooked, "Not repaired, as it does more than its kind: a."),
        (of_its_own, "Not repaired, as it does more than its kind: a."),
        (twice, "Not repaired, as it is called 2 times in a pass: a."),
        (sharing, "Not repaired, as it shares its weight with another layer: a, c."),
    ],
)
def test_layers_that_cannot_take_up_a_correction_are_left_alone(network: Callable[[], nn.Module], note: str) -> None:
    module, layout, groups, a, b = pair(network, sequences())
    repair = Repair(passes_of(module, layout, sequences()), a, b, groups=groups)
    assert list(repair.layers) == ["b"] and repair.notes == (note,)
    middle = a.lerp(b, 0.5)
    before, after = (layout.unflatten(x) for x in (middle, drain(repair.at(middle, 0.5))))
    assert torch.equal(after["a.weight"], before["a.weight"]) and not torch.equal(after["b.weight"], before["b.weight"])


def test_a_unit_that_never_changes_is_shifted_and_stays_finite() -> None:
    inputs = torch.randn(50, 7, generator=torch.Generator().manual_seed(4))
    module, layout, groups, a, b = pair(two_layers, inputs)
    for state, value in ((a, 3.0), (b, 5.0)):
        layout.unflatten(state)["0.weight"][1] = 0
        layout.unflatten(state)["0.bias"][1] = value
    middle = a.lerp(b, 0.5)
    layout.unflatten(middle)["0.bias"][1] = -7.0
    after = layout.unflatten(drain(Repair(passes_of(module, layout, inputs), a, b, groups=groups).at(middle, 0.5)))
    assert all(bool(tensor.isfinite().all()) for tensor in after.values())
    assert float(after["0.bias"][1]) == pytest.approx(4.0) and bool((after["0.weight"][1] == 0).all())


@pytest.mark.parametrize("name", ["lstm", "bag of embeddings"])
def test_networks_without_such_layers_are_refused_or_repaired_where_they_can_be(name: str) -> None:
    network, inputs, _ = FREE[name]
    module, layout, groups, a, b = pair(network, inputs())
    if name == "lstm":
        with pytest.raises(ProblemError, match="No layer of this network can be repaired"):
            Repair(passes_of(module, layout, inputs()), a, b, groups=groups)
    else:
        assert list(Repair(passes_of(module, layout, inputs()), a, b).layers) == ["1"]


def test_it_can_be_left_and_leaves_nothing_behind() -> None:
    network, inputs, _ = REPAIRED["u-net"]
    module, layout, groups, a, b = pair(network, inputs())
    passes = passes_of(module, layout, inputs())
    repair = Repair(passes, a, b, groups=groups)
    whole = drain(repair.at(a.lerp(b, 0.5), 0.5))
    steps = repair.at(a.lerp(b, 0.5), 0.5)
    next(steps)
    steps.close()
    assert not any(part._forward_hooks for part in passes.module.modules())
    assert torch.equal(drain(repair.at(a.lerp(b, 0.5), 0.5)), whole)


def test_several_batches_come_near_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is normalised by its own statistics; with some hundred examples in each that is a per cent."""
    inputs = torch.randn(3000, 7, generator=torch.Generator().manual_seed(4))
    module, layout, groups, a, b = pair(two_layers, inputs)
    states = []
    for scalars in (batchnorm.SCALARS, 7 * 700):
        monkeypatch.setattr(batchnorm, "SCALARS", scalars)
        passes = passes_of(module, layout, inputs)
        assert (passes.partition == 1) == (scalars != 4900)
        states.append(drain(Repair(passes, a, b, groups=groups).at(a.lerp(b, 0.5), 0.5)))
    torch.testing.assert_close(states[1], states[0], rtol=2e-2, atol=5e-3)


def test_moments_are_pooled_over_unequal_batches() -> None:
    out = torch.randn(40, 5, 3, generator=torch.Generator().manual_seed(0)).cumsum(0)
    moments = Moments()
    for rows in (slice(0, 13), slice(13, 14), slice(14, 40)):
        mean, deviation = moments.see(out[rows], 1)
        torch.testing.assert_close(mean, out[rows].double().mean((0, 2)))
        torch.testing.assert_close(deviation, out[rows].double().movedim(1, 0).flatten(1).std(1, correction=0))
    whole = out.double().movedim(1, 0).flatten(1)
    torch.testing.assert_close(moments.pooled(), (whole.mean(1), whole.std(1, correction=0)))


def test_a_loss_that_runs_the_network_itself_is_looked_through() -> None:
    inputs = torch.randn(40, 7, generator=torch.Generator().manual_seed(4))
    targets = torch.randint(0, 3, (40,), generator=torch.Generator().manual_seed(5))
    module, layout, _, a, b = pair(two_layers, inputs)
    head_ = batch_head(lambda net, batch: nn.functional.cross_entropy(net(batch[0]), batch[1]))
    passes = Passes(module, layout, Split("train", (inputs, targets), None, 40), head_)
    assert torch.equal(passes.sample(4), inputs[:4])
    states = [drain(Repair(each, a, b).at(a.lerp(b, 0.5), 0.5)) for each in (passes, passes_of(module, layout, inputs))]
    assert torch.equal(*states)


def test_a_stream_of_batches_is_repaired_from_its_own() -> None:
    inputs = torch.randn(40, 7, generator=torch.Generator().manual_seed(4))
    module, layout, groups, a, b = pair(two_layers, inputs)
    stream = Split("train", [(inputs, torch.zeros(40, dtype=torch.long))], None, 40)

    class Loader:
        def __iter__(self) -> Any:
            return iter(stream.inputs)

    passes = Passes(module, layout, Split("train", Loader(), None, 40), CROSS_ENTROPY)
    states = [
        drain(Repair(each, a, b, groups=groups).at(a.lerp(b, 0.5), 0.5)) for each in (passes, passes_of(module, layout, inputs))
    ]
    assert torch.equal(*states) and passes.partition == -1


def test_norms_are_left_to_themselves_next_to_convolutions() -> None:
    module, layout, groups, a, b = pair(lambda: nn.Sequential(conv_bn(3, 6), nn.Conv2d(6, 4, 3), nn.ReLU(), head(4)), images())
    assert list(Repair(passes_of(module, layout, images()), a, b, groups=groups).layers) == ["1"]
