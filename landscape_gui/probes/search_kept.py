"""The Lanczos run of a search for eigenpairs, kept apart from what was looked for: a wider search, or one that was killed, goes on
from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.curvature_results import SearchResult
from landscape_gui.probes import curvature
from landscape_gui.probes.base import Ask
from landscape_gui.probes.curvature import Bench, CurvatureProbe, same_surroundings
from landscape_gui.results import freeze

if TYPE_CHECKING:
    from landscape_gui.core.krylov import KrylovChain, Step

KEEP_EVERY = 3.0
"""Seconds of products between two times that the run is kept: so much, or the product under way, a kill loses at most."""
SHARE_OF_TIME = 20.0
"""Keeping it takes at most one part in so many of the time, however large it is."""


class Keeper:
    """Takes up the run that was kept for a question, and keeps the one that grows."""

    def __init__(self, question: CurvatureProbe, ask: Ask, bench: Bench, about: dict[str, Any]) -> None:
        self.question, self.bench, self.about, self.seed = question, bench, about, question.seed
        self._known: Callable[[Any], Any] | None = getattr(ask, "known", None)
        self._keep: Callable[[Any, Any], bool] | None = getattr(ask, "keep", None)
        self._length = 0
        self._pause, self._last = KEEP_EVERY, time.monotonic()

    def earlier(self) -> KrylovChain | None:
        """What an earlier search left, computed as this one computes."""
        found = self._known(self.question) if self._known is not None else None
        if not isinstance(found, SearchResult) or not same_surroundings(found, self.bench):
            return None
        self._length = len(found.matrix)
        return taken_up(found, self.bench, self.seed)

    def see(self, step: Step) -> None:
        """After each product: keep the run if it is time."""
        if time.monotonic() - self._last >= self._pause:
            self.keep(step.chain())

    @property
    def room(self) -> float:
        """Bytes that the run may take: less where a question that asks for many has given each of them a share only."""
        return curvature.SEARCH_BYTES * min(1.0, self.bench.room / curvature.VECTOR_BYTES)

    def keep(self, chain: KrylovChain | None) -> None:
        """Keep the run, if it is longer than the one that is kept and not too large."""
        if chain is None or self._keep is None or len(chain) <= self._length or chain.bytes > self.room:
            return
        began = time.monotonic()
        if self._keep(self.question, result_of(chain, self.about)):
            self._length = len(chain)
        self._last = time.monotonic()
        self._pause = max(KEEP_EVERY, SHARE_OF_TIME * (self._last - began))


def result_of(chain: KrylovChain, about: dict[str, Any]) -> SearchResult:
    """A run as it is kept."""
    import torch

    kind = torch.empty(0, dtype=chain.rows[0].dtype).numpy().dtype
    rest = chain.remainder
    return SearchResult(
        **about,
        matrix=freeze(chain.matrix),
        basis=freeze(np.concatenate([rows.cpu().numpy() for rows in chain.rows]), kind),
        remainder=freeze([] if rest is None else rest.cpu().numpy(), kind),
        trail=freeze(chain.trail),
        products=len(chain),
    )


def taken_up(found: SearchResult, bench: Bench, seed: int) -> KrylovChain:
    """A kept run as core.lanczos takes it."""
    import torch

    from landscape_gui.core.krylov import KrylovChain

    rows = torch.from_numpy(np.array(found.basis)).to(bench.operator.device)
    rest = torch.from_numpy(np.array(found.remainder)).to(bench.operator.device) if len(found.remainder) else None
    return KrylovChain((rows,), np.array(found.matrix), rest, np.array(found.trail), seed)
