"""What a TorchScript program runs in: the values of a call, and what all calls of one pass share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from landscape_gui.problem.scripted.library import refuse
from landscape_gui.problem.scripted.operators import adapted

TURNS = 1_000_000
"""Turns of all loops in one pass."""

Watch = Callable[[str, Callable[..., Any], Sequence[Any], Mapping[str, Any]], None]


@dataclass(frozen=True)
class Operation:
    """An operator that was called inside a module, with what it got and gave."""

    name: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    result: Any


@dataclass
class Call:
    """One call of a module's forward method while a pass is recorded."""

    module: Any
    arguments: tuple[Any, ...]
    operations: list[Operation] = field(default_factory=list)
    inner: int = 0
    result: Any = None


class Pass:
    """One pass through the program. dtype, device: the network's; constant: gives a constant of the program by its number; watch:
    called before each operator; record: whether calls of modules are kept."""

    def __init__(self, dtype: torch.dtype, device: torch.device, constant: Callable[[int], Any]) -> None:
        self.dtype, self.device, self.constant = dtype, device, constant
        self.watch: Watch | None = None
        self.calls: list[Call] | None = None
        self.open: list[Call] = []
        self.until = float("inf")
        self._turns = 0

    def apply(self, name: str, function: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """What an operator gives."""
        adapted(name, arguments, keywords, self.dtype, self.device)
        if self.watch is not None:
            self.watch(name, function, arguments, keywords)
        given = function(*arguments, **keywords)
        if self.open:
            self.open[-1].operations.append(Operation(name, tuple(arguments), dict(keywords), given))
        return given

    def turn(self) -> None:
        """One more turn of a loop. Raises ProblemError: there were too many."""
        self._turns += 1
        if self._turns > TURNS or time.perf_counter() > self.until:
            raise refuse(f"loops without end (more than {TURNS:,} turns, or too long)", "Do not trust where it comes from.")


class Frame:
    """The values of one call by name."""

    __slots__ = ("shared", "values")

    def __init__(self, values: dict[str, Any], shared: Pass) -> None:
        self.values, self.shared = values, shared


class _Current(threading.local):
    passed: Pass | None = None
    method: str = "forward"


current = _Current()
"""The pass under way in this thread, and which method the module that is called next is to run."""
