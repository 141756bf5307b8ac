"""Aligning one model's units to another's: copies, the samples, what is refused, kept, said and left."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pair_problems import NORMED, PLAIN, opened, reference, trained
from torch import Tensor

from landscape_gui.connection_results import AlignmentResult
from landscape_gui.errors import LandscapeError, ProblemError, QuestionError
from landscape_gui.jobs import Cancelled, answer
from landscape_gui.probes.alignment import AlignmentQuestion, held_words, listed
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.problem import Problem, open_problem
from landscape_gui.store import Store

RESIDUAL = """
import torch
from torch import nn
import torch.nn.functional as F

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))

def model():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), Block(8), Block(8),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )

def data():
    x = torch.randn(80, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    y = (x[:, 0, :4, :4].mean((1, 2)) > 0).long() + 2 * (x[:, 0, 4:, 4:].std((1, 2)) > 1).long()
    return {"train": (x[:60], y[:60]), "test": (x[60:], y[60:])}

loss = nn.functional.cross_entropy
"""

BRANCHING = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 4)

    def forward(self, x):
        h = self.a(x)
        return self.b(torch.relu(h) if h.sum().item() < 1e9 else h)

def model():
    return Net()

def data():
    x = torch.randn(20, 6, generator=torch.Generator().manual_seed(1))
    return {"train": (x, torch.zeros(20, dtype=torch.long))}

loss = nn.functional.cross_entropy
"""


def aligned(problem: Problem, other: Problem, store: Store | None = None, **fields: Any) -> AlignmentResult:
    found = answer(AlignmentQuestion(towards=reference(problem, other), **fields), problem, store=store)
    assert isinstance(found, AlignmentResult)
    return found


def copied(folder: Path, code: str, seed: int = 3) -> tuple[dict[str, Problem], dict[str, Tensor]]:
    """A trained network, and a copy of it whose hidden units were permuted by hand along its wiring."""
    state = trained(code, 0)
    generator = torch.Generator().manual_seed(seed)
    copy = {name: tensor.clone() for name, tensor in state.items()}
    orders = {}
    for name, along in WIRING[code].items():
        units = state[along[0][0]].shape[0]
        orders[name] = torch.randperm(units, generator=generator)
        for tensor, dim in along:
            copy[tensor] = copy[tensor].index_select(dim, orders[name])
    return opened(folder, code, a=state, b=copy), orders


def norm_of(name: str) -> list[tuple[str, int]]:
    return [(f"{name}.{part}", 0) for part in ("weight", "bias", "running_mean", "running_var")]


WIRING: dict[str, dict[str, list[tuple[str, int]]]] = {
    PLAIN: {"0": [("0.weight", 0), ("0.bias", 0), ("2.weight", 1)]},
    NORMED: {"0": [("0.weight", 0), ("0.bias", 0), *norm_of("1"), ("3.weight", 1)]},
    RESIDUAL: {
        "0": [
            ("0.weight", 0), ("0.bias", 0), *norm_of("1"), ("3.conv1.weight", 1), ("3.conv2.weight", 0), *norm_of("3.bn2"),
            ("4.conv1.weight", 1), ("4.conv2.weight", 0), *norm_of("4.bn2"), ("7.weight", 1),
        ],
        "3.conv1": [("3.conv1.weight", 0), *norm_of("3.bn1"), ("3.conv2.weight", 1)],
        "4.conv1": [("4.conv1.weight", 0), *norm_of("4.bn1"), ("4.conv2.weight", 1)],
    },
}  # fmt: skip
"""What moves with what, as a person would write it down."""


@pytest.mark.parametrize("method", ["weights", "activations"])
@pytest.mark.parametrize("code", WIRING, ids=["plain", "normed", "residual"])
def test_a_copy_permuted_by_hand_is_recovered_exactly(code: str, method: str, tmp_path: Path) -> None:
    """Identity 10, from files to the answer: the groups are those written down by hand, and so are the permutations."""
    problems, orders = copied(tmp_path, code)
    found = aligned(problems["a"], problems["b"], method=method)
    assert np.array_equal(found.aligned, problems["a"].state.numpy())
    assert {name: p.tolist() for name, p in found.permutations.items()} == {n: o.argsort().tolist() for n, o in orders.items()}
    assert found.distance_before > 0 and found.distance_after == 0
    assert found.difference <= 1e-5 and not found.held and found.complete
    assert found.units == sum(map(len, orders.values()))


def test_the_ends_and_their_files_are_never_changed(tmp_path: Path) -> None:
    problems, _ = copied(tmp_path, RESIDUAL)
    before = {name: (p.state.clone(), p.checkpoint.path.read_bytes()) for name, p in problems.items()}
    aligned(problems["a"], problems["b"], method="activations")
    for name, (state, file) in before.items():
        assert torch.equal(problems[name].state, state) and problems[name].checkpoint.path.read_bytes() == file
        own = problems[name].module.state_dict()
        assert torch.equal(problems[name].layout.flatten(own), state)


def test_aligned_weights_are_the_same_function_and_nearer(tmp_path: Path) -> None:
    problems = opened(tmp_path, NORMED, a=trained(NORMED, 0), b=trained(NORMED, 1))
    a, b = problems["a"], problems["b"]
    found = aligned(a, b)
    moved = torch.from_numpy(np.array(found.aligned))
    parameters = a.layout.parameters
    own = [float((a.state[:parameters].double() - x[:parameters].double()).norm()) for x in (b.state, moved)]
    assert [found.distance_before, found.distance_after] == pytest.approx(own, rel=1e-12)
    assert found.distance_after < found.distance_before
    x = torch.randn(50, 6)
    outs = [torch.func.functional_call(a.module, a.layout.unflatten(state), (x,)) for state in (b.state, moved)]
    torch.testing.assert_close(*outs, rtol=1e-5, atol=1e-5)
    assert torch.equal(moved.sort().values, b.state.sort().values)
    assert np.all(np.diff(found.objective) >= 0)
    assert found.split == found.subset == ""  # weights need no data


def test_swapped_ends_are_aligned_by_the_inverse(tmp_path: Path) -> None:
    """One hidden layer has one best assignment, whichever end is permuted: the same distance, so the same line mirrored."""
    problems = opened(tmp_path, PLAIN, a=trained(PLAIN, 0), b=trained(PLAIN, 1))
    forth, back = aligned(problems["a"], problems["b"]), aligned(problems["b"], problems["a"])
    assert np.array_equal(forth.permutations["0"], np.argsort(back.permutations["0"]))
    assert forth.distance_after == pytest.approx(back.distance_after, rel=1e-12)


@pytest.mark.parametrize("method", ["weights", "activations"])
def test_on_the_two_seeds_the_aligned_barrier_is_clearly_below_the_lines(method: str) -> None:
    a, b = open_problem("samples:digits-seed-a"), open_problem("samples:digits-seed-b")
    moved = torch.from_numpy(np.array(aligned(a, b, method=method).aligned))
    middle = {}
    for name, end in (("line", b.state), ("aligned", moved)):
        steps = a.evaluator(splits=("train",)).evaluate(a.state.lerp(end, 0.5), (), ())
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                mean, error = stop.value.mean["train_loss"][0], stop.value.standard_error["train_loss"][0]
                middle[name] = (mean, error)
                break
    assert middle["line"][0] > 1 and middle["aligned"][0] + 3 * middle["aligned"][1] < 0.2 * middle["line"][0]


def test_the_answer_is_kept_and_found_again_whole(tmp_path: Path) -> None:
    problems, _ = copied(tmp_path, RESIDUAL)
    store = Store(tmp_path / "store")
    first = aligned(problems["a"], problems["b"], store)
    second = aligned(problems["a"], problems["b"], store)
    assert second.provenance.created == first.provenance.created
    assert np.array_equal(first.aligned, second.aligned) and second.aligned.dtype == np.float32
    assert first.permutations.keys() == second.permutations.keys() and second.difference == first.difference
    assert all(np.array_equal(first.permutations[name], p) and p.dtype == np.int64 for name, p in second.permutations.items())


def test_a_subset_counts_for_activations_and_is_named(tmp_path: Path) -> None:
    problems = opened(tmp_path, PLAIN, a=trained(PLAIN, 0), b=trained(PLAIN, 1))
    found = aligned(problems["a"], problems["b"], method="activations", split="test", limit=10)
    assert (found.split, found.subset) == ("test", "10 of 60 test")
    question = AlignmentQuestion(towards=reference(problems["a"], problems["b"]), method="activations", split="test", limit=10)
    assert question.cost(problems["a"]).examples == 10
    assert aligned(problems["a"], problems["b"], method="activations").subset == "all 100 train"


def test_it_can_be_left_between_pieces(tmp_path: Path) -> None:
    problems = opened(tmp_path, RESIDUAL, a=trained(RESIDUAL, 0, steps=3), b=trained(RESIDUAL, 1, steps=3))
    asked = itertools.count()
    question = AlignmentQuestion(towards=reference(problems["a"], problems["b"]))
    with pytest.raises(Cancelled):
        answer(question, problems["a"], cancelled=lambda: next(asked) == 3)
    steps = question.run(problems["a"], lambda *_: iter(()))  # type: ignore[arg-type,return-value]
    progress = [step.done / step.total for step in steps]
    assert progress == sorted(progress) and progress[-1] <= 1 and len(progress) > 4


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"towards": CheckpointRef("")}, "not named"),
        ({"split": "nowhere"}, "no split 'nowhere'"),
        ({"method": "magic"}, "Matching is 'magic'"),
    ],
)
def test_questions_without_an_answer_are_refused(fields: dict[str, Any], said: str, tmp_path: Path) -> None:
    problems = opened(tmp_path, PLAIN, a=trained(PLAIN, 0), b=trained(PLAIN, 1))
    with pytest.raises(QuestionError, match=said):
        answer(AlignmentQuestion(**{"towards": reference(problems["a"], problems["b"]), **fields}), problems["a"])


def test_a_model_and_itself_are_a_sentence(tmp_path: Path) -> None:
    problems = opened(tmp_path, PLAIN, a=trained(PLAIN, 0), b=trained(PLAIN, 0))
    with pytest.raises(QuestionError, match="nothing between them"):
        aligned(problems["a"], problems["b"])


def test_another_architecture_is_a_sentence(tmp_path: Path) -> None:
    problems = opened(tmp_path, PLAIN, a=trained(PLAIN, 0))
    other = tmp_path / "other.pt"
    torch.save(trained(NORMED, 0), other)
    with pytest.raises(LandscapeError):
        problems["a"].reference(other)


def test_networks_that_cannot_be_traced_are_refused_with_the_reason(tmp_path: Path) -> None:
    problems = opened(tmp_path, BRANCHING, a=trained(BRANCHING, 0, steps=1), b=trained(BRANCHING, 1, steps=1))
    with pytest.raises(ProblemError, match="looks at values that depend on its inputs"):
        aligned(problems["a"], problems["b"])


@pytest.mark.parametrize("method", ["weights", "activations"])
def test_weights_that_are_not_finite_are_refused(method: str, tmp_path: Path) -> None:
    broken = trained(PLAIN, 1)
    broken["0.weight"][0, 0] = torch.nan
    problems = opened(tmp_path, PLAIN, a=trained(PLAIN, 0), b=broken)
    with pytest.raises(ProblemError, match=r"0\.weight of the second model"):
        aligned(problems["a"], problems["b"], method=method)


def test_what_is_held_is_said_in_words(tmp_path: Path) -> None:
    code = PLAIN.replace("nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))", "Net()").replace(
        "def model", "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.a, self.b, self.out = nn.Linear(6, 6), nn.Linear(6, 9), nn.Linear(9, 4)\n\n"
        "    def forward(self, x):\n"
        "        return self.out(torch.relu(self.b(x + torch.relu(self.a(x)))))\n\n"
        "def model",
    )  # fmt: skip
    problems = opened(tmp_path, code, a=trained(code, 0), b=trained(code, 1))
    found = aligned(problems["a"], problems["b"])
    assert list(found.permutations) == ["b"]
    assert found.held == ("a.weight, a.bias and 1 more (6 units): it is an axis of the network's inputs",)


def test_lists_of_names_stay_short() -> None:
    from landscape_gui.core.axis_groups import Held

    assert listed(["x"]) == "x" and listed(["x", "y", "z"]) == "x, y and 1 more"
    assert held_words(Held("because", ("w",), 3)) == "w (3 units): because"
