"""A line of progress for scripts and notebooks: rewritten in place with a carriage return, nothing to install."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TextIO

from landscape_gui.commands.terminal import ProgressBar
from landscape_gui.probes.base import Progress

COLUMNS = 79


class ProgressLine(ProgressBar):
    """As on the command line, and also in a notebook, whose output is no terminal but understands a carriage return.

    Used in a `with`: the line is taken away at the end, however that comes. shown: False draws nothing.
    """

    def __init__(self, label: str, *, shown: bool = True, stream: TextIO | None = None) -> None:
        super().__init__(label, stream)
        self.shown = shown and (self.shown or in_notebook(self.stream))
        self._long = 0

    def tell(self, progress: Progress) -> None:
        """What a question that is being answered says of itself."""
        self.update(progress.done / progress.total if progress.total else 0.0, progress.note)

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _draw(self, text: str) -> None:
        if self.stream.isatty():
            super()._draw(text)
            return
        text = text[:COLUMNS]
        self.stream.write("\r" + text.ljust(self._long) + ("\r" if not text else ""))
        self.stream.flush()
        self._long = len(text)


def in_notebook(stream: TextIO) -> bool:
    """Whether what is written to the stream appears below a notebook's cell."""
    return "ipykernel" in sys.modules and type(stream).__module__.startswith("ipykernel")
