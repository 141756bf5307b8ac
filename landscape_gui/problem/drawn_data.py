"""A random subset of data, where all of them would take too long to look at."""

from __future__ import annotations

from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Data, digest_of
from landscape_gui.problem.problem import draw

SEED = 0
"""Of the subset: the same examples each time that the data are opened."""


def drawn(data: Data, examples: int) -> Data:
    """So many examples of each split at random (of a split that streams, its first ones); all where `examples` is 0 or no fewer are
    there. What was drawn stands in `notes`. ProblemError: no number of examples."""
    if type(examples) is not int or examples < 0:
        raise ProblemError(f"A subset of {examples!r} examples was asked for.", remedy="Give a whole number, or 0 for all.")
    splits = tuple(draw(split, examples, SEED) for split in data.splits)
    pairs = [(new, old) for new, old in zip(splits, data.splits, strict=True) if new is not old]
    if not pairs:
        return data
    parts = ", ".join(f"{new.examples:,} of {old.examples:,} {old.name}" for new, old in pairs)
    note = f"Everything is of a random subset of the data, drawn with seed {SEED}: {parts} examples."
    return Data(
        splits, digest_of(splits), {**data.about, "drawn_from": {old.name: old.examples for _, old in pairs}}, (*data.notes, note)
    )
