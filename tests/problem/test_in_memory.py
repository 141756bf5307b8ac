"""A Problem of a network, loaders and a criterion in memory: every form that training code has them in comes to the same loss."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, SubsetRandomSampler, TensorDataset, WeightedRandomSampler

from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.jobs import answer
from landscape_gui.probes.surface import Surface
from landscape_gui.problem.in_memory import InMemoryProblem, computing, in_memory
from landscape_gui.problem.loaders import read_loaders

X = torch.randn(37, 4, generator=torch.Generator().manual_seed(0))
Y = torch.randint(0, 3, (37,), generator=torch.Generator().manual_seed(1))
Z = torch.randn(37, 3, generator=torch.Generator().manual_seed(2))
WEIGHT = torch.tensor([0.2, 1.0, 3.0])


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(OrderedDict(first=nn.Linear(4, 5), act=nn.Tanh(), last=nn.Linear(5, 3)))


def opened(criterion: Any, targets: Tensor = Y, **options: Any) -> InMemoryProblem:
    with computing(1):
        return in_memory(network(), read_loaders({"train": [(X[:1], targets[:1]), (X[1:], targets[1:])]}), criterion, **options)


def loss_of(problem: InMemoryProblem) -> float:
    return problem.at_checkpoint()["train_loss"]


def plain(function: Callable[[Tensor], Tensor]) -> float:
    with torch.no_grad():
        return float(function(network().double()(X.double())))


PARTIAL = Y.clone()
PARTIAL[::5] = -100


@pytest.mark.parametrize(
    ("criterion", "targets", "expected", "classes"),
    [
        (nn.CrossEntropyLoss(), Y, lambda o: F.cross_entropy(o, Y), 3),
        ("cross_entropy", Y, lambda o: F.cross_entropy(o, Y), 3),
        (F.cross_entropy, Y, lambda o: F.cross_entropy(o, Y), 3),
        (nn.CrossEntropyLoss(reduction="sum"), Y, lambda o: F.cross_entropy(o, Y), 3),
        (nn.CrossEntropyLoss(reduction="none"), Y, lambda o: F.cross_entropy(o, Y), 3),
        (functools.partial(F.cross_entropy, reduction="sum"), Y, lambda o: F.cross_entropy(o, Y), 3),
        (lambda o, t: F.cross_entropy(o, t, reduction="sum"), Y, lambda o: F.cross_entropy(o, Y), 3),
        (lambda o, t: F.cross_entropy(o, t, reduction="none"), Y, lambda o: F.cross_entropy(o, Y), 3),
        (lambda o, t: F.cross_entropy(o, t), Y, lambda o: F.cross_entropy(o, Y), 3),
        (nn.CrossEntropyLoss(weight=WEIGHT), Y, lambda o: F.cross_entropy(o, Y, weight=WEIGHT.double()), 3),
        (nn.CrossEntropyLoss(label_smoothing=0.2), Y, lambda o: F.cross_entropy(o, Y, label_smoothing=0.2), 3),
        (nn.CrossEntropyLoss(), PARTIAL, lambda o: F.cross_entropy(o, PARTIAL), 3),
        (nn.CrossEntropyLoss(ignore_index=2), Y, lambda o: F.cross_entropy(o, Y, ignore_index=2), 3),
        (
            nn.CrossEntropyLoss(weight=WEIGHT, reduction="sum"),
            Y,
            lambda o: F.cross_entropy(o, Y, WEIGHT.double(), reduction="sum") / 37,
            3,
        ),
        (nn.MultiMarginLoss(), Y, lambda o: F.multi_margin_loss(o, Y), 3),
        (nn.MSELoss(), Z, lambda o: F.mse_loss(o, Z.double()), None),
        (nn.MSELoss(reduction="none"), Z, lambda o: F.mse_loss(o, Z.double()), None),
        (nn.MSELoss(reduction="sum"), Z, lambda o: F.mse_loss(o, Z.double(), reduction="sum") / 37, None),
        (nn.SmoothL1Loss(), Z, lambda o: F.smooth_l1_loss(o, Z.double()), None),
        (nn.BCEWithLogitsLoss(), (Z > 0).float(), lambda o: F.binary_cross_entropy_with_logits(o, (Z > 0).double()), 2),
        (
            nn.BCEWithLogitsLoss(pos_weight=WEIGHT),
            (Z > 0).float(),
            lambda o: F.binary_cross_entropy_with_logits(o, (Z > 0).double(), pos_weight=WEIGHT.double()),
            None,
        ),
    ],
)
def test_every_reduction_comes_to_the_mean_over_examples(
    criterion: Any, targets: Tensor, expected: Callable[[Tensor], Tensor], classes: int | None
) -> None:
    """Batches of 1 and 36: a mean of their means would be far off. The gradient is that of the same loss."""
    problem = opened(criterion, targets)
    assert loss_of(problem) == pytest.approx(plain(expected), rel=1e-6)
    assert problem.classes == classes
    net = network().double()
    expected(net(X.double())).backward()
    slope = torch.cat([p.grad.reshape(-1) for p in net.parameters()])  # type: ignore[union-attr]
    torch.testing.assert_close(problem.objective(precision="float64").gradient(), slope, rtol=1e-5, atol=1e-7)


def test_how_a_criterion_was_understood_is_said() -> None:
    assert opened(nn.CrossEntropyLoss()).notes == ()
    assert "is a sum" in opened(nn.MSELoss(reduction="sum"), Z).notes[0]
    assert "sum over the batch" in opened(lambda o, t: ((o - t) ** 2).sum(), Z).notes[0]
    (note,) = opened(lambda o, t: ((o - t) ** 2).sum().sqrt(), Z).notes
    assert "cannot be told (doubling a batch changes it 1.414-fold)" in note
    weight = WEIGHT.clone()
    criterion = nn.CrossEntropyLoss(weight=weight)
    problem = opened(criterion)
    weight.zero_()  # the script may go on with its criterion
    assert loss_of(problem) > 0 and criterion.reduction == "mean"


class Rows(Dataset[tuple[Tensor, Tensor]]):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return X[i], Y[i]


class Stream(IterableDataset[tuple[Tensor, Tensor]]):
    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(zip(X, Y, strict=True))


def once() -> Iterator[tuple[Tensor, Tensor]]:
    yield X[:20], Y[:20]
    yield X[20:], Y[20:]


@pytest.mark.parametrize(
    "loader",
    [
        (X, Y),
        (X.numpy(), Y.numpy()),
        [(X[:1], Y[:1]), (X[1:30], Y[1:30]), (X[30:], Y[30:])],
        [[X.numpy()[:9], Y.numpy()[:9]], [X.numpy()[9:], Y.numpy()[9:]]],
        Rows(),
        Stream(),
        DataLoader(TensorDataset(X, Y), batch_size=8),
        DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True, drop_last=True),
        DataLoader(Rows(), batch_size=5, sampler=SubsetRandomSampler(list(range(37)))),
        DataLoader(Stream(), batch_size=5),
    ],
    ids=lambda loader: type(loader).__name__,
)
def test_every_kind_of_loader_holds_the_same_examples_in_the_same_order(loader: Any) -> None:
    data = read_loaders({"train": loader})
    assert torch.equal(data.splits[0].inputs, X) and torch.equal(data.splits[0].targets, Y)
    assert data.notes == () and data.digest == read_loaders({"train": (X, Y)}).digest
    assert torch.equal(read_loaders({"train": once()}).splits[0].inputs, X)


def test_mappings_give_inputs_by_name_and_labels() -> None:
    batches = [{"x": X[:30], "labels": Y[:30]}, {"x": X[30:], "labels": Y[30:]}]
    split = read_loaders({"train": batches}).splits[0]
    assert torch.equal(split.inputs["x"], X) and torch.equal(split.targets, Y)


def test_what_a_loader_yields_is_copied() -> None:
    buffer = X.clone()
    data = read_loaders({"train": [(buffer, Y)]})
    buffer.zero_()
    assert torch.equal(data.splits[0].inputs, X)


def test_a_subset_is_drawn_from_its_seed_and_said() -> None:
    for source in (DataLoader(Rows(), batch_size=4, shuffle=True), (X, Y)):
        data, again = (read_loaders({"train": source}, most=10, seed=5) for _ in range(2))
        split = data.splits[0]
        assert split.examples == 10 and data.digest == again.digest and "10 of 37 examples" in data.notes[0]
        places = [int((row == X).all(1).nonzero()) for row in split.inputs]
        assert places == sorted(places) and places != list(range(10))
        assert read_loaders({"train": source}, most=10, seed=6).digest != data.digest
    first = read_loaders({"train": once()}, most=10).splits[0]
    assert torch.equal(first.inputs, X[:10])


def test_samplers_of_ones_own_draw_once_and_generators_stay() -> None:
    part = SubsetRandomSampler([30, 3, 8], generator=torch.Generator().manual_seed(1))
    assert torch.equal(read_loaders({"train": DataLoader(Rows(), sampler=part)}).splits[0].inputs, X[[3, 8, 30]])
    generator = torch.Generator().manual_seed(9)
    weighted = WeightedRandomSampler([1.0] * 36 + [1000.0], 50, generator=generator)
    loader, before = DataLoader(Rows(), batch_size=7, sampler=weighted), generator.get_state()
    data = read_loaders({"train": loader})
    assert torch.equal(generator.get_state(), before)
    assert "WeightedRandomSampler" in data.notes[0] and data.splits[0].examples == 50
    assert (data.splits[0].targets == Y[36]).float().mean() > 0.5


def test_batches_of_unequal_length_stream_and_give_the_mean_over_rows() -> None:
    """Sequences of 3 and 5 tokens: cross-entropy over all tokens."""
    net = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 7))
    batches = [(torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, 4]])), (torch.arange(5)[None], torch.arange(1, 6)[None])]

    def criterion(output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output.transpose(1, 2), target, reduction="none")

    with computing(1):
        data = read_loaders({"train": batches})
        problem = in_memory(net, data, criterion)
    assert data.splits[0].streams and "not all of one shape" in data.notes[0]
    with torch.no_grad():
        rows = torch.cat([criterion(net(x), y).flatten() for x, y in batches])
    assert loss_of(problem) == pytest.approx(float(rows.mean()), rel=1e-6)


def test_data_beyond_the_limit_stream_from_their_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_DATA_LIMIT", "300")
    loader = DataLoader(Rows(), batch_size=8, shuffle=True)
    with computing(1):
        problem = in_memory(network(), read_loaders({"train": loader}), nn.CrossEntropyLoss())
    assert loss_of(problem) == pytest.approx(plain(lambda o: F.cross_entropy(o, Y)), rel=1e-6)
    with pytest.raises(LandscapeError, match="max_examples"):
        read_loaders({"train": once()})


class Answering(nn.Module):
    """As a network of transformers: takes a mapping, answers with an object, with a loss where it is given labels."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network()

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        logits = self.net(x)
        return SimpleNamespace(logits=logits, loss=None if labels is None else F.cross_entropy(logits, labels))


def test_networks_that_answer_with_an_object_are_asked_for_logits_or_loss() -> None:
    batches = [{"x": X[:30], "labels": Y[:30]}, {"x": X[30:], "labels": Y[30:]}]
    expected = plain(lambda o: F.cross_entropy(o, Y))
    with computing(1):
        outer = in_memory(Answering(), read_loaders({"train": batches}), nn.CrossEntropyLoss())
        own = in_memory(Answering(), read_loaders({"train": batches}, whole=True), None)
    assert loss_of(outer) == pytest.approx(expected, rel=1e-6) and outer.metrics == ("accuracy",)
    assert loss_of(own) == pytest.approx(expected, rel=1e-6) and own.metrics == ()


class Telling(nn.Module):
    """Answers with more than a tensor."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.linear = kind, nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Any:
        found = self.linear(x)
        return (found, x) if self.kind == "tuple" else {"scores": found} if self.kind == "mapping" else {"logits": found}


def test_a_criterion_takes_the_part_that_it_wants_and_how_to_write_it_is_said() -> None:
    data = read_loaders({"train": (X, Y)})
    for kind, name in (("tuple", 0), ("mapping", "scores")):
        network = Telling(kind)
        plain = in_memory(network.linear, data, nn.CrossEntropyLoss()).at_checkpoint()["train_loss"]
        for reduction in ("mean", "sum"):

            def part(output: Any, target: Tensor, name: Any = name, reduction: str = reduction) -> Tensor:
                return F.cross_entropy(output[name], target, reduction=reduction)

            made = in_memory(network, data, part)
            assert made.at_checkpoint()["train_loss"] == pytest.approx(plain, rel=1e-6)  # float32 sums of chunks
            assert not any("cannot be told" in note for note in made.notes)
        with pytest.raises(ProblemError, match=rf"outputs\[{name!r}\]"):
            in_memory(network, data, nn.CrossEntropyLoss())


def test_logits_are_taken_out_on_a_plane_too() -> None:
    """A graph of a network leaves out what hooks of the whole do."""
    with computing(1):
        problem = in_memory(Telling("logits"), read_loaders({"train": (X, Y)}), nn.CrossEntropyLoss())
        fast, exact = (answer(Surface(steps=(3, 3), tier=tier), problem) for tier in ("fast", "exact"))
    losses = [found.quantities["train_loss"].values for found in (fast, exact)]  # type: ignore[attr-defined]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)  # the fast path is equal to rounding in float32


def test_wrapped_networks_are_taken_out_and_other_precisions_said() -> None:
    inner = network()
    half = network().double()
    with computing(1):
        data = read_loaders({"train": (X, Y)})
        bare, wrapped, cast = (in_memory(m, data, F.cross_entropy) for m in (inner, nn.DataParallel(inner), half))
    assert bare.checkpoint.digest == wrapped.checkpoint.digest and loss_of(bare) == loss_of(wrapped) == loss_of(cast)
    assert cast.notes == ("Weights in float64 were taken as float32.",) and half.first.weight.dtype == torch.float64
    assert bare.fingerprint != wrapped.fingerprint, "what a network in memory computes cannot be told from its weights"


def test_other_weights_are_remembered_by_their_content() -> None:
    problem, other = opened(nn.CrossEntropyLoss()), network()
    nn.init.zeros_(other.last.weight)
    reference = problem.remember(other, "other")
    there = problem.at(reference)
    nn.init.ones_(other.last.weight)  # what the script does next changes nothing
    assert torch.equal(problem.state_of(reference), there.state) and loss_of(there) != loss_of(problem)  # type: ignore[arg-type]
    back = there.at(problem.remember(network(), "self"))
    assert back.fingerprint == problem.fingerprint
    with pytest.raises(LandscapeError, match=r"last\.weight"):
        problem.remember(nn.Sequential(OrderedDict(first=nn.Linear(4, 5), act=nn.Tanh(), last=nn.Linear(5, 2))), "wrong")
    problem.forget(reference)
    with pytest.raises(LandscapeError):
        problem.state_of(reference)


def test_torch_is_set_as_before_after_computing() -> None:
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(True)
    seen = torch.get_rng_state()

    def stop() -> None:
        assert torch.get_num_threads() == 2 and not torch.backends.mha.get_fastpath_enabled()
        raise KeyError(str(torch.rand(3)))

    with pytest.raises(KeyError), computing(2):
        stop()
    assert torch.get_num_threads() == 1 and torch.backends.mha.get_fastpath_enabled()
    assert torch.equal(torch.get_rng_state(), seen) and np.isfinite(np.random.rand())


def test_a_network_that_cannot_be_copied_is_said() -> None:
    net = network()
    net.cache = net.first.weight * 2  # type: ignore[assignment]
    with pytest.raises(LandscapeError, match="cannot be copied"), computing(1):
        in_memory(net, read_loaders({"train": (X, Y)}), F.cross_entropy)
