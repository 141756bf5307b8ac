"""Tracing a network leaves those alone that other threads run at the same time."""

from __future__ import annotations

import threading

import torch
from torch import nn

from landscape_gui.core.tracing import trace


class Waits(nn.Module):
    """Traced; in the middle of it, another thread gets time to run its own network."""

    def __init__(self, traced: threading.Event, other_ran: threading.Event) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.traced, self.other_ran = traced, other_ran

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.traced.set()
        assert self.other_ran.wait(30)
        return self.layer(x)


def test_a_network_that_runs_while_another_is_traced_runs_as_it_is() -> None:
    traced, other_ran = threading.Event(), threading.Event()
    network, x = nn.Sequential(nn.Linear(4, 5), nn.Tanh()), torch.ones(2, 4)
    expected, seen, call = network(x), [], nn.Module.__call__

    def run() -> None:
        assert traced.wait(30)
        try:
            seen.append(network(x))
        finally:
            other_ran.set()

    thread = threading.Thread(target=run)
    thread.start()
    graph = trace(Waits(traced, other_ran))
    thread.join()
    assert graph is not None
    assert torch.equal(seen[0], expected)
    assert nn.Module.__call__ is call
