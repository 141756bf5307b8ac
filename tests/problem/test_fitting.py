"""Tensors into modules: prefixes, ties, casts, counters; and the sentence where they do not fit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from landscape_gui.errors import ProblemError
from landscape_gui.problem import fitting


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(6, 4), nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight


def test_a_shared_prefix_is_taken_off_or_put_before() -> None:
    plain, wrapped = nn.Linear(3, 2), nn.ModuleDict({"net": nn.Linear(3, 2)})
    state = {f"backbone.{k}": v for k, v in plain.state_dict().items()}
    target = nn.Linear(3, 2)
    notes = fitting.load(target, state, "it")
    assert torch.equal(target.weight, plain.weight)
    assert "backbone" in notes[0]
    notes = fitting.load(wrapped, plain.state_dict(), "it")
    assert torch.equal(wrapped["net"].weight, plain.weight)
    assert "net" in notes[0]


@pytest.mark.parametrize("kept", ["embed.weight", "head.weight"])
def test_one_of_two_tied_tensors_is_enough(kept: str) -> None:
    module = Tied()
    weight = torch.randn(6, 4)
    fitting.load(module, {kept: weight}, "it")
    assert torch.equal(module.embed.weight, weight)
    assert torch.equal(module.head.weight, weight)


def test_a_networks_own_wrappers_are_put_back() -> None:
    """Names are stripped of `module.` in the middle when a file is read; the network may still be built with DataParallel."""
    network = nn.ModuleDict({"features": nn.DataParallel(nn.Linear(2, 3)), "head": nn.Linear(3, 1)})
    state = {name.replace(".module.", "."): tensor for name, tensor in network.state_dict().items()}
    fitted, notes = fitting.fit(network, state, "it")
    assert set(fitted) == set(network.state_dict())
    assert "'module.'" in notes[0]


def test_half_precision_is_cast_and_said() -> None:
    module = nn.Linear(3, 2)
    state = {"weight": torch.randn(2, 3).half(), "bias": torch.randn(2).bfloat16()}
    notes = fitting.load(module, state, "it")
    assert module.weight.dtype == torch.float32
    assert torch.equal(module.weight, state["weight"].float())
    assert "bfloat16 and float16" in notes[0]


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16])
def test_small_floats_are_cast_and_said(dtype: torch.dtype) -> None:
    network = nn.Linear(2, 1)
    state = {"weight": torch.tensor([[0.5, -1.5]]).to(dtype), "bias": torch.tensor([2.0]).to(dtype)}
    fitted, notes = fitting.fit(network, state, "it")
    assert torch.equal(fitted["weight"], torch.tensor([[0.5, -1.5]]))
    assert notes == (f"Stored as {str(dtype).removeprefix('torch.')}, computed in float32.",)


def test_counters_may_be_missing_and_are_not_cast() -> None:
    module = nn.BatchNorm1d(3)
    state = module.state_dict()
    state["num_batches_tracked"] = torch.tensor(7)
    fitting.load(module, state, "it")
    assert module.num_batches_tracked.item() == 7
    assert module.num_batches_tracked.dtype == torch.int64
    del state["num_batches_tracked"]
    fitting.load(module, state, "it")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"weight": torch.zeros(3, 3), "bias": torch.zeros(2)}, ["'weight'", "(3, 3)", "(2, 3) was expected"]),
        ({"weight": torch.zeros(2, 3)}, ["'bias'", "(2,)", "missing"]),
        ({"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "scale": torch.zeros(1)}, ["'scale'", "not expected"]),
    ],
)
def test_what_does_not_fit_is_named(state: dict[str, torch.Tensor], words: list[str]) -> None:
    with pytest.raises(ProblemError) as raised:
        fitting.load(nn.Linear(3, 2), state, "the net")
    assert all(word in str(raised.value) for word in [*words, "the net"])
