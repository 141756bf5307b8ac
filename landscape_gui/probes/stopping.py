"""A piece of work done to its end, or until somebody says stop."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

T = TypeVar("T")


def until(stop: Callable[[], bool], steps: Generator[Any, None, T]) -> T | None:
    """What the work returns; None where it was stopped before, at one of the places where it tells its progress."""
    try:
        while not stop():
            try:
                next(steps)
            except StopIteration as end:
                value: T = end.value
                return value
        return None
    finally:
        steps.close()
