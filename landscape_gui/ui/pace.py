"""How far apart the pictures of a running question lie: the longer, the longer it takes to draw one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """took: seconds that the last picture took; ended: when, by the monotonic clock."""

    def __init__(self) -> None:
        self.took = self.ended = 0.0

    @contextmanager
    def drawing(self, *, more: bool = False) -> Iterator[None]:
        """Measures what is inside. more: it belongs to the picture before."""
        begun = time.monotonic()
        yield
        self.ended = time.monotonic()
        self.took = self.ended - begun + (self.took if more else 0.0)

    def left(self, apart: float, share: float) -> float:
        """Seconds until the next one: so many after the last at least, and so many times as long as it took."""
        return self.ended + max(apart, share * self.took) - time.monotonic()
