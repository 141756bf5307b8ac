"""The caption of a figure as a file of its own."""

from __future__ import annotations

import os
from pathlib import Path

from landscape_gui.errors import LandscapeError
from landscape_gui.export.files import check_target, write
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup


def write_caption(figure: Figure, path: str | os.PathLike[str], setup: PageSetup = PageSetup()) -> Path:
    """Writes what a figure shows, in sentences, as .txt; returns the path. Raises LandscapeError where there is nothing to say."""
    target = check_target(path, (".txt",))
    if not figure.caption:
        raise LandscapeError("This figure has no caption.", remedy="Export the figure itself.")
    return write(target, figure.caption.encode() + b"\n")
