"""A nudged elastic band: its force has no part along it, pivots keep their places, more come where the loss stands out."""

from __future__ import annotations

import itertools
from typing import Any

import networks
import numpy as np
import pytest
import torch
from test_curve_training import Nowhere, barrier, blobs, trained, two_ends
from torch import Tensor, nn

from landscape_gui.core import band
from landscape_gui.core.band import BETWEEN, FIRST, ROUNDS, BandTraining, outstanding
from landscape_gui.core.curve_training import FORGETTING, Descent
from landscape_gui.core.curves import Curve
from landscape_gui.core.losses import CROSS_ENTROPY, batch_head
from landscape_gui.core.minibatches import MiniBatchLoss
from landscape_gui.core.splits import Split
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError


def make(module: nn.Module | None = None, *, name: str = "mlp", dtype: torch.dtype = torch.float32, **options: Any) -> BandTraining:
    made, inputs, targets = networks.make(name)
    module = module or made
    layout = Layout.from_module(module)
    loss = MiniBatchLoss(module, layout, Split("train", inputs, targets), CROSS_ENTROPY, batch=8, dtype=dtype)
    return BandTraining(loss, torch.stack(two_ends(layout, dtype=dtype)), **{"descent": Descent("adam", 0.02), **options})


def run(training: BandTraining, steps: int) -> list[float]:
    """Go on until so many steps are done in all."""
    losses = []
    while training.step < steps:
        value = training.advance()
        if value is not None:
            losses.append(value)
    return losses


@pytest.fixture
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(band, "ROUNDS", 4)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pivots are inserted soon and wherever they may."""
    monkeypatch.setattr(band, "ROUNDS", 4)
    monkeypatch.setattr(band, "RISE", -1e9)


def test_a_band_begins_as_the_line() -> None:
    training = make(dtype=torch.float64)
    assert training.bends == FIRST and make(most=2).bends == 2
    curve = training.curve
    assert curve.kind == "chain"
    np.testing.assert_allclose(curve.knots, np.linspace(0, 1, FIRST + 2), atol=1e-12)
    assert curve.length == pytest.approx(float((curve.points[-1] - curve.points[0]).norm()), rel=1e-12)


@pytest.mark.parametrize(("heights", "other"), [((1.0, 9.0, 5.0), 3), ((5.0, 9.0, 1.0), 1), ((np.nan, 9.0, 1.0), 3)])
def test_the_force_is_the_gradient_without_its_part_along_the_band(heights: tuple[float, ...], other: int) -> None:
    """Along: towards the neighbour where the loss is higher; the next one where that is not known."""
    training = make(dtype=torch.float64)
    training.iterate[1:-1] += 0.1 * torch.randn(training.iterate[1:-1].shape, generator=torch.Generator().manual_seed(0)).double()
    training.heights[1:4] = heights
    gradient = torch.randn(training.loss.layout.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    along = training.iterate[other] - training.iterate[2]
    along /= along.norm()
    force = gradient.clone()
    training.across(force, 2)
    torch.testing.assert_close(force, gradient - (gradient @ along) * along, rtol=1e-10, atol=1e-12)
    assert abs(float(force @ along)) < 1e-12


def test_a_step_is_that_of_the_optimiser_along_the_force() -> None:
    training = make(dtype=torch.float64, descent=Descent("sgd", 0.1, 0.0), weight_decay=0.2)
    start = training.iterate.clone()
    training.loss.weights.copy_(start[1])
    force = torch.zeros(training.loss.layout.size, dtype=torch.float64)
    value = training.loss.gradient(training.loss.chunk(0), force)
    force += 0.2 * start[1]
    training.across(force, 1)
    assert training.advance() == value
    torch.testing.assert_close(training.iterate[1], start[1] - 0.1 * force)
    assert torch.equal(training.iterate[2:], start[2:]) and training.heights[1] == value


def test_pivots_are_moved_in_turn_on_new_batches_and_put_back_after_each_round() -> None:
    options = {"dtype": torch.float64, "descent": Descent("sgd", 0.5)}
    training, other = make(**options), make(**options)
    start, moved = training.iterate.clone(), []
    for _ in range(FIRST - 1):
        training.advance()
        moved.append([j for j in range(len(start)) if not torch.equal(training.iterate[j], start[j])])
    assert moved == [[1], [1, 2]]
    training.advance()
    assert training.round == 1 and training.step == FIRST
    run(other, FIRST - 1)
    other._move(3)
    other._redistribute()
    assert torch.equal(training.iterate, other.iterate)


def test_pivots_given_out_are_averages_over_rounds() -> None:
    training = make(dtype=torch.float64)
    average = training.iterate.clone()
    for turn in range(1, 13):
        run(training, FIRST * turn)
        share = min(1.0, (FORGETTING + 1) / (turn + FORGETTING))
        average = (1 - share) * average + share * training.iterate
    torch.testing.assert_close(training.curve.points, average, rtol=1e-12, atol=1e-14)
    assert (average[1:-1] - training.iterate[1:-1]).norm() > 1e-3


def test_pivots_put_back_stand_on_the_old_polygon_at_their_places() -> None:
    training = make(dtype=torch.float64)
    training.iterate[1:-1] += torch.randn(training.iterate[1:-1].shape, generator=torch.Generator().manual_seed(0)).double()
    before = training.iterate.clone()
    sides = np.array([float((b - a).norm()) for a, b in itertools.pairwise(before)])
    training._redistribute()
    ends = np.concatenate([[0], np.cumsum(sides)]) / sides.sum()
    for pivot, place in zip(training.iterate[1:-1], training.places[1:-1], strict=True):
        left = int(np.searchsorted(ends, place)) - 1
        share = (place - ends[left]) / (ends[left + 1] - ends[left])
        torch.testing.assert_close(pivot, before[left] + share * (before[left + 1] - before[left]), rtol=1e-10, atol=1e-12)


def test_outstanding_is_what_rises_above_the_line_between_two_pivots() -> None:
    t = np.linspace(0, 1, 16)
    losses = np.zeros(16)
    losses[[2, 3, 7, 12]] = 0.5, 1.0, 0.1, 0.4
    np.testing.assert_allclose(outstanding(t, losses, 5, 3), t[[3, 12]])
    np.testing.assert_allclose(outstanding(t, losses, 5, 1), t[[3]])
    slope = 3 * t
    assert len(outstanding(t, slope, 5, 3)) == 0
    np.testing.assert_allclose(outstanding(t, slope + 7 * losses, 5, 3), t[[3, 12]])
    assert len(outstanding(t, -losses, 5, 3)) == 0


@pytest.mark.usefixtures("short_rounds")
def test_pivots_are_inserted_where_the_loss_is_highest_up_to_the_most() -> None:
    """A loss that is high around 0.36 of the line and nowhere else."""
    module = nn.Linear(12, 5, bias=False)
    layout = Layout.from_module(module)
    a, b = two_ends(layout)
    top, length = a + 0.36 * (b - a), float((b - a).norm())

    def hill(net: nn.Module, batch: Any) -> Tensor:
        away = (net.weight.flatten() - top).norm() / length  # type: ignore[union-attr, operator]
        return torch.exp(-((20 * away) ** 2))

    head = batch_head(hill)
    loss = MiniBatchLoss(module, layout, Split("train", networks.vectors(), None), head, batch=8, dtype=torch.float64)
    training = BandTraining(loss, torch.stack([a, b]), most=4, descent=Descent("sgd", 0.0))
    while training.bends == FIRST:
        training.advance()
    np.testing.assert_allclose(training.places, [0, 0.25, 0.35, 0.5, 0.75, 1], atol=1e-9)
    assert training.places[2] == pytest.approx(0.25 + 0.25 * 2 / (BETWEEN + 1))
    torch.testing.assert_close(training.iterate[2], a + 0.35 * (b - a))
    for _ in range(100):
        training.advance()
    assert training.bends == 4


@pytest.mark.usefixtures("short_rounds")
def test_a_band_gets_no_pivot_where_nothing_stands_out() -> None:
    training, second = bowl(), bowl()
    for _ in range(100):
        training.advance()
    assert training.bends == FIRST and training.looked > 0
    assert np.isfinite(training.heights).all()
    second.restore(training.step, training.curve.points, training.state())  # and goes on with when it looked last
    assert [training.advance() for _ in range(60)] == [second.advance() for _ in range(60)]


def bowl() -> BandTraining:
    """A band in a loss that is the squared norm of all weights."""
    module = nn.Linear(12, 5, bias=False)
    head = batch_head(lambda net, batch: net.weight.square().sum())
    layout = Layout.from_module(module)
    loss = MiniBatchLoss(module, layout, Split("train", networks.vectors(), None), head, batch=8, dtype=torch.float64)
    return BandTraining(loss, torch.stack(two_ends(layout)), descent=Descent("sgd", 1e-3))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("stop", [2, 12, 13, 31])
def test_going_on_is_equal_to_the_bit(optimiser: Any, stop: int) -> None:
    options = {"descent": Descent(optimiser, 0.02), "most": 5, "weight_decay": 1e-3}
    whole, first, second = make(**options), make(**options), make(**options)
    losses = run(whole, 60)
    begun = run(first, stop)
    kept, state = first.curve.points, first.state()
    first.advance()
    second.restore(stop, kept, state)
    assert begun + run(second, 60) == losses
    assert whole.bends > FIRST
    assert torch.equal(second.curve.points, whole.curve.points) and second.curve.places == whole.curve.places
    assert all(torch.equal(value, whole.state()[name]) for name, value in second.state().items())


@pytest.mark.usefixtures("eager")
def test_going_on_in_the_midst_of_looking_is_equal_to_the_bit() -> None:
    whole, first, second = make(most=5), make(most=5), make(most=5)
    run(whole, 40)
    run(first, 12)
    for _ in range(7):
        assert first.advance() is None
    second.restore(first.step, first.curve.points, first.state())
    run(second, 40)
    assert torch.equal(second.curve.points, whole.curve.points) and second.bends == whole.bends > FIRST


@pytest.mark.usefixtures("eager")
def test_the_ends_never_move_and_what_needs_no_gradient_stays_on_the_line() -> None:
    module = networks.make("batchnorm of vectors")[0]
    module[0].weight.requires_grad_(False)
    training = make(module, name="batchnorm of vectors", weight_decay=0.1, most=5)
    a, b = two_ends(training.loss.layout, dtype=torch.float32)
    run(training, 40)
    for points in (training.iterate, training.average, training.curve.points):
        assert torch.equal(points[0], a) and torch.equal(points[-1], b)
    for segment in training.loss.layout.segments:
        part = slice(segment.start, segment.stop)
        moved = training.average[1:-1, part]
        share = ((moved - a[part]) @ (b - a)[part]) / (b - a)[part].square().sum()
        off = (moved - a[part] - share[:, None] * (b - a)[part]).norm() / (b - a)[part].norm()
        assert (off < 1e-5) == (segment.buffer or segment.name == "0.weight"), segment.name


def test_old_pivots_go_on_as_their_optimiser_remembers_and_new_ones_begin() -> None:
    training = make(dtype=torch.float64)
    run(training, 3 * 5)
    assert training.state()["moves"].tolist() == [5, 5, 5]
    remembered = training.state()["velocity"]
    knots = training._polygon(training.average).knots
    training._insert(np.sort(np.append(knots, 0.5 * (knots[1] + knots[2]))))
    state = training.state()
    assert state["moves"].tolist() == [5, 0, 5, 5]
    assert torch.equal(state["velocity"][[0, 2, 3]], remembered) and not state["velocity"][1].any()


@pytest.mark.parametrize(("kind", "said"), [("nan", "became nan"), ("gradient", "gradient of the loss")])
def test_what_is_not_finite_is_said_and_moves_nothing(kind: str, said: str) -> None:
    training = make(Nowhere(kind))
    before = training.iterate.clone()
    with pytest.raises(ProblemError, match=f"Training the band, .*{said}.* at step 1"):
        training.advance()
    assert torch.equal(training.iterate, before) and training.step == 0


def test_data_that_stream_are_looked_at_by_their_first_batch() -> None:
    from torch.utils.data import DataLoader, TensorDataset

    module, inputs, targets = networks.make("mlp")
    layout = Layout.from_module(module)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=6)
    loss = MiniBatchLoss(module, layout, Split("train", loader), CROSS_ENTROPY, dtype=torch.float64)
    training = BandTraining(loss, torch.stack(two_ends(layout)), descent=Descent("adam", 0.01))
    run(training, FIRST * ROUNDS + 2 * FIRST)
    loss.weights.copy_(training.average[1])
    at = next(training.losses(training._polygon(training.average).knots[1:2]))
    assert at == pytest.approx(loss.loss(loss.chunk(0)), rel=1e-10)


def test_a_band_comes_to_a_path_without_a_barrier() -> None:
    data = blobs()
    nets = [trained(seed, data) for seed in (0, 1)]
    layout = Layout.from_module(nets[0])
    ends = torch.stack([layout.flatten(net.state_dict()) for net in nets])
    loss = MiniBatchLoss(nets[0], layout, Split("train", *data), CROSS_ENTROPY)
    training = BandTraining(loss, ends, descent=Descent("adam", 0.02))
    run(training, 1200)
    high = barrier(nets[0], layout, data, Curve("line", ends))
    assert high > 0.3
    assert barrier(nets[0], layout, data, training.curve) < 0.1 * high
