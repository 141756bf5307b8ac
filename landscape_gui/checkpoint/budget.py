"""How much work opening one checkpoint may be, over all its files and parts together.

One unit is about what an instruction of the pickle machine costs, 0.3 to 0.5 us. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from landscape_gui.checkpoint.limits import WORK, Broken

_left: ContextVar[list[int] | None] = ContextVar("left", default=None)


@contextmanager
def bounded() -> Iterator[None]:
    """Whatever is spent inside may come to WORK; one inside another shares the outer one's."""
    if _left.get() is not None:
        yield
        return
    token = _left.set([WORK])
    try:
        yield
    finally:
        _left.reset(token)


def spend(work: int) -> None:
    """Count so much work; Broken where it comes to too much. Outside of `bounded` nothing is counted."""
    left = _left.get()
    if left is None:
        return
    left[0] -= work
    if left[0] < 0:
        raise Broken("it has so many parts that reading it would take very long", "Do not trust where it comes from.")
