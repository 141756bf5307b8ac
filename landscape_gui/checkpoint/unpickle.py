"""A pickle machine that builds a picture of the objects in a pickle instead of the objects.

Plain values (numbers, text, bytes, lists, tuples, dictionaries) come out as themselves. A class or function is a `Global`, that
is, its name; calling one gives an `Object` that remembers what would have been called with what. Nothing is imported, nothing
is called, and nothing is hashed or compared that a file could make expensive. All protocols (0 to 5) are read; the extension
registry and out-of-band buffers, which no checkpoint uses, are refused.

Standard library only; of the module `pickle` just the names of the instructions are used (in `opcodes`).
"""

from __future__ import annotations

from typing import Any

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.limits import HALF, PICKLE_STEPS, Broken
from landscape_gui.checkpoint.opcodes import STEPS


def unpickle(data: bytes, start: int = 0, steps: int = PICKLE_STEPS) -> tuple[Any, int]:
    """The value of the pickle at data[start:] and where it ends. Cost: about 0.3 us an instruction; raises Broken."""
    machine = Machine(data, start)
    value = machine.run(steps)
    spend(machine.used)
    return value, machine.position


class Machine:
    """One pickle being read: the stack, the outer stacks below each mark, and the memo."""

    def __init__(self, data: bytes, start: int = 0) -> None:
        self.data = data
        self.position = start
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.used = 0

    def run(self, steps: int) -> Any:
        """The pickle's value, after at most `steps` instructions."""
        data, table, end = self.data, STEPS, len(self.data)
        try:
            for used in range(steps):
                if self.position >= end:
                    raise Broken("its pickle breaks off in the middle", HALF)
                code = data[self.position]
                self.position += 1
                if code == 46:  # STOP
                    self.used = used
                    return self.stack.pop()
                step = table[code]
                if step is None:
                    raise Broken(f"its pickle has an instruction that no checkpoint has (0x{code:02x})")
                step(self)
        except IndexError:
            if self.position > end:
                raise Broken("its pickle breaks off in the middle", HALF) from None
            raise Broken("its pickle takes more from the stack than there is") from None
        raise Broken(f"its pickle takes more than {steps:,} steps, far more than weights do", "Save the weights by themselves.")

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        stop = self.position + count
        if count < 0 or stop > len(self.data):
            raise Broken("its pickle breaks off in the middle", HALF)
        piece = self.data[self.position : stop]
        self.position = stop
        return piece

    def line(self) -> bytes:
        """The bytes up to the next line end, without it."""
        stop = self.data.find(b"\n", self.position)
        if stop < 0:
            raise Broken("its pickle breaks off in the middle", HALF)
        piece = self.data[self.position : stop]
        self.position = stop + 1
        return piece

    def unsigned(self, width: int) -> int:
        """The next number of `width` bytes, the low byte first."""
        if width == 1:
            self.position += 1
            return self.data[self.position - 1]  # an IndexError past the end is caught in `run`
        return int.from_bytes(self.take(width), "little")

    def since_mark(self) -> list[Any]:
        """What was pushed since the last mark; the mark is gone after it."""
        if not self.below:
            raise Broken("its pickle misses a mark")
        items = self.stack
        self.stack = self.below.pop()
        return items
