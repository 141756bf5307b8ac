"""Which checkpoints of a run are kept: all early ones, and later ones at distances that grow as training does.

The rule is one of binary digits. 0, 1, 2, 3, ... 8, 10, 12, ... 16, 20, ... are the numbers with at most three significant binary
digits (20 is 10100, and has three): every number up to 8, and from there on four between one power of two and the next, so that
neighbours are never farther apart than a quarter of their place. One digit more are twice as many, among which these lie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

FINEST = 3
"""Significant binary digits of a step whose checkpoint is kept at most, where KEEP are: as many of a training of a million steps
fit into that, and more would write too often where steps are short. Twice as many kept are a digit more."""
KEEP = 80
"""Checkpoints that are kept at most, where the caller does not say: a path over a run is drawn well from fewer."""
MOST_BITS = 64
"""No training has more steps."""
EPOCHS = 2 / 3
"""The share of what may be kept that epochs' ends may take."""


class Mark(NamedTuple):
    """A checkpoint: the step that it was taken after, and the epoch that this step ended, if any."""

    step: int
    epoch: int | None = None


@lru_cache(1 << 12)
def digits(number: int) -> float:
    """Significant binary digits of a number: 0 for none, 1 for a power of two. Powers of two themselves, which would all stay, are
    ranked by their exponents: 0 for powers of 4, -1 for powers of 16 and so on; 0 and 1 always stay."""
    if number <= 1:
        return -math.inf
    zeros = trailing_zeros(number)
    found = number.bit_length() - zeros
    return found if found > 1 else 1 - trailing_zeros(zeros)


def trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


class Thinning:
    """The checkpoints that are kept of those that were taken so far, at most `keep`, and the last one beside them.

    It depends on the order of calls alone. Ends of epochs may take two thirds of `keep`, each kept with as many digits of its
    number as they allow; the rest belongs to steps, with at most FINEST digits (more where `keep` is twice KEEP or more). Digits
    only ever become fewer, so that what is taken away is never missed later.
    """

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.marks: list[Mark] = []
        self._steps: float = FINEST + max(0, (keep // KEEP).bit_length() - 1)
        self._epochs: float = math.inf

    def wants_step(self, step: int) -> bool:
        """Whether a checkpoint after this step is kept, as things stand."""
        return digits(step) <= self._steps

    def next_step(self, step: int) -> float:
        """The next step of which a checkpoint is kept, as things stand; inf where there is none. It may be kept no longer when
        training gets there, but none before it is."""
        if step < 1:
            return 1
        if self._steps >= 1:
            unit = 1 << max(step.bit_length() - int(self._steps), 0)
            return (step // unit + 1) * unit
        powers = (1 << exponent for exponent in range(step.bit_length(), MOST_BITS))
        return next((power for power in powers if digits(power) <= self._steps), math.inf)

    def wants_epoch(self, epoch: int) -> bool:
        """The same of the end of an epoch."""
        return digits(epoch) <= self._epochs

    def add(self, mark: Mark) -> list[Mark]:
        """Take a checkpoint in (in the place of one after the same step); those that go for it."""
        if mark.epoch is None and len(self.marks) < self.keep and self.wants_step(mark.step):
            return self.add_last(mark)  # all of them fit
        self.marks = [other for other in self.marks if other.step != mark.step] + [mark]
        epochs = [m.epoch for m in self.marks if m.epoch is not None]
        self._epochs = finest(epochs, int(self.keep * EPOCHS), self._epochs)
        of_epochs = {m.step for m in self.marks if m.epoch is not None and self.wants_epoch(m.epoch)}
        others = [m.step for m in self.marks if m.step not in of_epochs]
        self._steps = finest(others, self.keep - len(of_epochs), self._steps)
        gone = [m for m in self.marks if not self._stays(m)]
        if gone:
            self.marks = [m for m in self.marks if self._stays(m)]
        return gone

    def add_last(self, mark: Mark) -> list[Mark]:
        """Take in the one at the end, which stays whatever its number; nothing goes for it."""
        self.marks = [other for other in self.marks if other.step != mark.step] + [mark]
        return []

    @property
    def digits(self) -> tuple[float, float]:
        """With how many digits steps and epochs are kept by now."""
        return self._steps, self._epochs

    def go_back(self, marks: Sequence[Mark], digits: tuple[float, float]) -> None:
        """To the checkpoints and the digits of an earlier moment."""
        self.marks = list(marks)
        self._steps, self._epochs = digits

    def _stays(self, mark: Mark) -> bool:
        return self.wants_step(mark.step) or (mark.epoch is not None and self.wants_epoch(mark.epoch))


def finest(numbers: Sequence[int], most: int, before: float) -> float:
    """The most digits, no more than `before`, with which at most so many of the numbers are left."""
    fits: Callable[[float], bool] = lambda limit: sum(digits(n) <= limit for n in numbers) <= most  # noqa: E731
    if fits(before):
        return before
    ranks = sorted({digits(n) for n in numbers if -math.inf < digits(n) <= before}, reverse=True)
    return next((rank - 1 for rank in ranks if fits(rank - 1)), -math.inf)
