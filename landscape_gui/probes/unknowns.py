"""What a file of another program does not say, told as unknown: in the panel, and in one sentence of a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Fact = tuple[str, str]
UNKNOWN = "unknown"
SOURCE = "Read from"
UNSAID = "The file does not say"
WORDS = {"Computed on": "what it was computed on", "BatchNorm": "BatchNorm"}
"""How a sentence names what is unknown, where that is not the label without its capital."""


def with_unknowns(found: Sequence[Fact], problem: Mapping[str, Any]) -> list[Fact]:
    """The facts of an answer that was read from another program's file, with where from, and with what that file leaves open.

    problem: the provenance's; its `read_from` holds `file`, `format`, `digest` and `unsaid`, the labels of what is unknown. Answers
    of our own, which have none, keep their facts as they are.
    """
    told = problem.get("read_from")
    if not isinstance(told, Mapping):
        return list(found)
    unsaid = [str(label) for label in told.get("unsaid", ())]
    own = [fact for fact in found if fact[0] not in ("Checkpoint", "Digest", SOURCE)]
    rows = [(label, words or (UNKNOWN if label in unsaid else "")) for label, words in own]
    there = {label for label, _ in own}
    return [*rows, *((label, UNKNOWN) for label in unsaid if label not in there), (SOURCE, source_words(told))]


def source_words(told: Mapping[str, Any]) -> str:
    """ "surface.h5, tomgoldstein/loss-landscape (HDF5), xxh3 1f0c2a9be4d7a610"."""
    digest = str(told.get("digest", ""))[:16]
    parts = (str(told.get("file", "")), str(told.get("format", "")), f"xxh3 {digest}" if digest else "")
    return ", ".join(part for part in parts if part)


def spoken(facts: Sequence[Fact]) -> list[Fact]:
    """The facts for sentences: those that are unknown become one."""
    unsaid = [label for label, words in facts if words == UNKNOWN]
    rest = [fact for fact in facts if fact[1] != UNKNOWN]
    words = ", ".join(WORDS.get(label, label[:1].lower() + label[1:]) for label in unsaid)
    return [*rest, (UNSAID, words)] if unsaid else rest
