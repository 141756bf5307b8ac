"""Caption and facts of a composed figure: what each panel shows, and once what all of them have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from landscape_gui.composition.composition import Composition
from landscape_gui.figure import Figure

Told = tuple[str, str, Figure | None, tuple[str, ...]]
"""Of a panel: its letter, its title, the figure of its answer, and sentences about it."""
END = re.compile(r"(?<=\.)\s+(?=[^\W\d_a-z]|\()")


def caption_of(composition: Composition, told: Sequence[Told], groups: Sequence[Sequence[Any]]) -> str:
    """ "(a) ... (b) ... In all panels: ..."; sentences that hold for every answer stand once, at the end."""
    own = [sentences(figure.caption) if figure is not None else [] for _, _, figure, _ in told]
    known = [lines for lines in own if lines]
    common = [s for s in known[0] if all(s in lines for lines in known)] if len(known) > 1 else []
    parts = [f"{composition.title.rstrip('.')}."] if composition.title else []
    for (name, title, _, said), lines in zip(told, own, strict=True):
        rest = [s for s in lines if s not in common]
        parts.append(" ".join([f"({name}) {title.rstrip('.')}." if title else f"({name})", *rest, *said]))
    parts += shared_words(composition, groups)
    if common:
        parts.append(" ".join(["In all panels:" if len(known) == len(told) else "In the others:", *common]))
    return " ".join(parts)


def sentences(caption: str) -> list[str]:
    return [s for s in END.split(caption) if s]


def shared_words(composition: Composition, groups: Sequence[Sequence[Any]]) -> list[str]:
    """ "The surfaces have one camera, one range of heights and colours and one colour bar."; nothing where they share nothing."""
    from landscape_gui.composition.composition import SHARING

    if not groups or not composition.share:
        return []
    shared = [words for name, words in SHARING.items() if name in composition.share]
    words = f"{', '.join(shared[:-1])} and {shared[-1]}" if len(shared) > 1 else shared[0]
    return [f"The surfaces {'of each group ' if len(groups) > 1 else ''}have {words}."]


def facts_of(told: Sequence[Told]) -> tuple[tuple[str, str], ...]:
    """What all answers have in common, then what is said of one panel, with its letter."""
    every = [(name, figure) for name, _, figure, _ in told if figure is not None]
    if len(every) == 1:
        return every[0][1].facts
    common = [fact for fact in every[0][1].facts if all(fact in figure.facts for _, figure in every)] if every else []
    own = [(f"({name}) {label}", value) for name, figure in every for label, value in figure.facts if (label, value) not in common]
    said = [(f"({name})", " ".join(lines)) for name, _, _, lines in told if lines]
    return (*common, *own, *said)
