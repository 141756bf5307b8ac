"""Built-in families must give up their graph, or they are run the slow way."""

from __future__ import annotations

import pytest
import torch

from landscape_gui import samples
from landscape_gui.core.tracing import trace
from landscape_gui.problem import open_problem


@pytest.mark.parametrize("name", samples.names())
def test_a_samples_network_is_traced_and_computes_the_same(name: str) -> None:
    problem = open_problem(f"samples:{name}")
    traced = trace(problem.module)
    assert traced is not None
    split = problem._parts.splits[0]
    with torch.no_grad():
        assert torch.equal(traced(split.inputs[:4]), problem.module(split.inputs[:4]))
