"""Training a path: gradients of the bends against autograd, optimisers against torch's, going on, and what never moves."""

from __future__ import annotations

from typing import Any

import networks
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_evaluate import finish
from torch import Tensor, nn

from landscape_gui.core.curve_training import FORGETTING, ROUND, CurveTraining, Descent
from landscape_gui.core.curves import Curve, on_the_chord
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.minibatches import MiniBatchLoss
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError


def two_ends(layout: Layout, *, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(5)
    a, b = (0.5 * torch.randn(layout.size, dtype=dtype, generator=random) for _ in range(2))
    return a, b


def make(
    name: str = "mlp", *, bends: int = 2, dtype: torch.dtype = torch.float64, module: nn.Module | None = None, **options: Any
) -> CurveTraining:
    made, inputs, targets = networks.make(name)
    module = module or made
    layout = Layout.from_module(module)
    seed = options.get("seed", 0)
    loss = MiniBatchLoss(module, layout, Split("train", inputs, targets), CROSS_ENTROPY, batch=8, dtype=dtype, seed=seed)
    return CurveTraining(loss, on_the_chord(*two_ends(layout, dtype=dtype), bends), **options)


def train(training: CurveTraining, steps: int) -> list[float]:
    """Go on until so many steps are done in all; the loss of each."""
    return [training.advance() for _ in range(training.step, steps)]


def loss_at(training: CurveTraining, module: nn.Module, points: Tensor, t: float, number: int) -> Tensor:
    """The mean loss at theta(t) on a batch by functional_call, with a graph from the control points."""
    weights = torch.tensor(Curve(training.curve.kind, points.detach()).weights(t)[0])
    tensors = training.loss.layout.unflatten(weights @ points)
    chunk = training.loss.chunk(number)
    return F.cross_entropy(torch.func.functional_call(module.double(), tensors, (chunk.inputs,)), chunk.targets)


@pytest.mark.parametrize("kind", ["bezier", "chain"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_the_gradient_of_the_bends_is_autograds(kind: Any, weight_decay: float) -> None:
    training, module = make(kind=kind, weight_decay=weight_decay, bends=3), networks.make("mlp")[0]
    for number, t in enumerate((0.05, 0.4, 0.77)):
        points = training.iterate.clone().requires_grad_(True)
        loss = loss_at(training, module, points, t, number)
        place = torch.tensor(training.curve.weights(t)[0]) @ points
        (expected,) = torch.autograd.grad(loss + weight_decay / 2 * place.square().sum(), points)
        value, found = training.gradient(t, number)
        assert value == pytest.approx(loss.item(), rel=1e-12)
        torch.testing.assert_close(found, expected[1:-1], rtol=1e-10, atol=1e-14)


OPTIMISERS = {
    "sgd": (Descent("sgd", 0.1, 0.9), lambda p: torch.optim.SGD([p], lr=0.1, momentum=0.9)),
    "sgd without momentum": (Descent("sgd", 0.1, 0.0), lambda p: torch.optim.SGD([p], lr=0.1)),
    "adam": (Descent("adam", 0.03, 0.9), lambda p: torch.optim.Adam([p], lr=0.03, betas=(0.9, 0.999), eps=1e-8)),
    "adam, other beta": (Descent("adam", 0.03, 0.5), lambda p: torch.optim.Adam([p], lr=0.03, betas=(0.5, 0.999), eps=1e-8)),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_descent_moves_as_torchs_optimisers_do(name: str) -> None:
    descent, make_peer = OPTIMISERS[name]
    random = torch.Generator().manual_seed(1)
    points = torch.randn(3, 20, dtype=torch.float64, generator=random)
    theirs = points.clone().requires_grad_(True)
    peer, memory = make_peer(theirs), descent.begin(points)
    for step in range(1, 30):
        gradient = torch.randn(3, 20, dtype=torch.float64, generator=random) * (1e-6 if step == 7 else 1.0)
        theirs.grad = gradient.clone()
        peer.step()
        descent.move(points, gradient, memory, step)
        torch.testing.assert_close(points, theirs.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_training_is_the_loop_that_it_says_it_is(name: str) -> None:
    """Places, batches, gradients, optimiser and average, written out with torch alone."""
    descent, make_peer = OPTIMISERS[name]
    training, module = make(descent=descent, weight_decay=0.01), networks.make("mlp")[0]
    points = training.iterate.clone().requires_grad_(True)
    ends, average = points.detach().clone(), points.detach().clone()
    peer = make_peer(points)
    for step in range(12):
        t = training.place(step)
        loss = loss_at(training, module, points, t, step)
        place = torch.tensor(training.curve.weights(t)[0]) @ points
        peer.zero_grad()
        (loss + 0.005 * place.square().sum()).backward()
        peer.step()
        points.data[[0, -1]] = ends[[0, -1]]
        share = min(1.0, (FORGETTING + 1) / (step + 1 + FORGETTING))
        average = (1 - share) * average + share * points.detach()
        assert training.advance() == pytest.approx(loss.item(), rel=1e-10)
    torch.testing.assert_close(training.iterate, points.detach(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(training.curve.points, average, rtol=1e-9, atol=1e-12)


def test_places_are_one_of_every_sixteenth_in_each_round_and_differ_between_rounds() -> None:
    training = make()
    places = np.array([training.place(k) for k in range(40 * ROUND)]).reshape(40, ROUND)
    assert ((places >= 0) & (places < 1)).all()
    assert (np.sort((places * ROUND).astype(int), axis=1) == np.arange(ROUND)).all()
    assert len({tuple(row) for row in places}) == 40
    assert abs(places.mean() - 0.5) < 0.005
    assert training.place(17) == places[1, 1]
    assert make(seed=1).place(17) != places[1, 1]


@pytest.mark.parametrize("kind", ["bezier", "chain"])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("stop", [1, 7, ROUND, 29])
def test_going_on_is_equal_to_the_bit(kind: Any, optimiser: Any, stop: int) -> None:
    """n steps, all that is kept of them, and m more are n + m at once; also after another training has used the generators."""
    options = {"kind": kind, "descent": Descent(optimiser, 0.02), "dtype": torch.float32, "weight_decay": 1e-3}
    whole = make(**options)
    losses = train(whole, 40)
    first = make(**options)
    begun = train(first, stop)
    kept, state = first.curve.points, first.state()
    train(first, stop + 5)  # what was kept is a copy
    second = make(**options)
    second.restore(stop, kept, state)
    assert begun + train(second, 40) == losses
    assert torch.equal(second.curve.points, whole.curve.points) and torch.equal(second.iterate, whole.iterate)
    assert all(torch.equal(value, whole.state()[name]) for name, value in second.state().items())


def test_the_ends_never_move_and_are_the_callers() -> None:
    layout = Layout.from_module(networks.make("mlp")[0])
    a, b = two_ends(layout, dtype=torch.float32)
    before = a.clone(), b.clone()
    training = make(dtype=torch.float32, weight_decay=0.1)
    train(training, 25)
    for points in (training.iterate, training.average, training.curve.points):
        assert torch.equal(points[0], a) and torch.equal(points[-1], b)
    assert torch.equal(a, before[0]) and torch.equal(b, before[1])
    chord = on_the_chord(a, b, 2)
    other = CurveTraining(training.loss, chord)
    train(other, 3)
    assert torch.equal(chord, on_the_chord(a, b, 2))
    assert not torch.equal(training.average[1], on_the_chord(a, b, 2)[1])


def test_a_curve_that_was_given_out_stays_as_it_was() -> None:
    training = make()
    train(training, 3)
    curve = training.curve
    held = curve.points.clone()
    train(training, 9)
    assert torch.equal(curve.points, held) and not torch.equal(training.curve.points, held)


def test_what_needs_no_gradient_stays_on_the_chord_and_so_do_statistics() -> None:
    for name, held in (("mlp", {"1.weight", "5.bias"}), ("batchnorm of vectors", {"0.weight"})):
        module = networks.make(name)[0]
        for key, parameter in module.named_parameters():
            parameter.requires_grad_(key not in held)
        training = make(name, module=module, weight_decay=0.1)
        chord = training.iterate.clone()
        train(training, 6)
        moved = {
            s.name
            for s in training.loss.layout.segments
            if not torch.equal(training.average[1, s.start : s.stop], chord[1, s.start : s.stop])
        }
        parameters = {key for key, _ in module.named_parameters()}
        assert moved == parameters - held


class Nowhere(nn.Module):
    """The loss is not finite where the first bias is large; or only its gradient is not, at exactly 0 of a square root."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.out = kind, nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "gradient":
            return self.out(x) + (0 * self.out.bias.sum()).sqrt()
        return self.out(x) * (float("inf") if self.kind == "inf" else float("nan"))


@pytest.mark.parametrize(("kind", "said"), [("nan", "became nan"), ("gradient", "gradient of the loss")])
def test_what_is_not_finite_is_said_and_moves_nothing(kind: str, said: str) -> None:
    training = make(module=Nowhere(kind))
    before = training.iterate.clone()
    with pytest.raises(ProblemError, match=f"{said}.* at step 1") as refused:
        training.advance()
    assert "learning rate" in refused.value.remedy
    assert torch.equal(training.iterate, before) and training.step == 0


def test_a_learning_rate_that_is_far_too_high_ends_in_the_sentence() -> None:
    training = make(descent=Descent("sgd", 1e30), dtype=torch.float32)
    with pytest.raises(ProblemError, match=r"Training the curve, .* at step \d"):
        train(training, 50)
    assert training.average.isfinite().all() and training.step >= 1


def barrier(module: nn.Module, layout: Layout, data: tuple[Any, Tensor], curve: Curve) -> float:
    t = np.linspace(0, 1, 21)
    losses = np.full(len(t), np.nan)
    evaluator = Evaluator(module, layout, [Split("train", *data)], CROSS_ENTROPY, tier="exact")
    for stretch in curve.stretches(t):
        losses[stretch.chosen] = finish(evaluator.evaluate(stretch.origin, stretch.axes, stretch.coordinates)).mean["train_loss"]
    return float((losses - ((1 - t) * losses[0] + t * losses[-1])).max())


def blobs() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(3)
    targets = torch.arange(240) % 4
    centres = 2 * torch.randn(4, 6, generator=random)
    return centres[targets] + torch.randn(240, 6, generator=random), targets


def trained(seed: int, data: tuple[Tensor, Tensor]) -> nn.Module:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))
    optimiser = torch.optim.Adam(net.parameters(), 0.03)
    for _ in range(150):
        optimiser.zero_grad()
        F.cross_entropy(net(data[0]), data[1]).backward()
        optimiser.step()
    return net


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, Layout, tuple[Tensor, Tensor], Tensor, float]:
    """Two networks that were trained from two seeds, with a barrier between them."""
    data = blobs()
    nets = [trained(seed, data) for seed in (0, 1)]
    layout = Layout.from_module(nets[0])
    ends = torch.stack([layout.flatten(net.state_dict()) for net in nets])
    return nets[0], layout, data, ends, barrier(nets[0], layout, data, Curve("line", ends))


@pytest.mark.parametrize(("kind", "bends", "optimiser"), [("bezier", 1, "adam"), ("bezier", 2, "sgd"), ("chain", 1, "adam")])
def test_a_trained_curve_has_no_barrier_where_the_line_has_one(pair: Any, kind: Any, bends: int, optimiser: Any) -> None:
    module, layout, data, ends, high = pair
    loss = MiniBatchLoss(module, layout, Split("train", *data), CROSS_ENTROPY)
    descent = Descent(optimiser, 0.01 if optimiser == "adam" else 0.1)
    training = CurveTraining(loss, on_the_chord(ends[0], ends[1], bends), kind=kind, descent=descent)
    losses = train(training, 480)
    assert high > 0.3
    assert barrier(module, layout, data, training.curve) < 0.05 * high
    assert np.mean(losses[-ROUND:]) < 0.3 * np.mean(losses[:ROUND])
