"""Figures on paper, numbers in tables, files of other tools."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from landscape_gui.export.files import check_target, write
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup

__all__ = ["SUFFIXES", "check_target", "export", "proof", "render", "write"]

SUFFIXES = (".pdf", ".svg", ".png", ".tiff", ".tif", ".eps")


def export(figure: Figure, path: str | os.PathLike[str], setup: PageSetup = PageSetup(), *, overwrite: bool = True) -> Path:
    """Write a figure as .pdf, .svg, .png, .tiff or .eps, by the suffix, the same bytes every time on one machine; returns the path.

    setup: the page, see `page_setup.PageSetup` and `venues.setup_for`. overwrite: replace a file that is there, as scripts that
    run again want it; False: LandscapeError instead. The caption and where the numbers come from are in the file's metadata.
    Needs no display and no OpenGL. The file is replaced as a whole or not at all. Raises LandscapeError for another suffix, a
    folder that is missing or cannot be written to, and sizes that make no sense. About 2 s for a 3-D panel.
    """
    target = check_target(path, SUFFIXES, overwrite=overwrite)
    return write(target, render(figure, target.suffix.lower(), setup))


def render(figure: Figure, suffix: str, setup: PageSetup = PageSetup()) -> bytes:
    """What `export` writes to a file of that suffix, as bytes: for a preview and for the clipboard."""
    from landscape_gui.export.figures import draw, page_of
    from landscape_gui.export.fonts import told_by_tex
    from landscape_gui.export.paper import settings
    from landscape_gui.export.writers import written

    page = replace(page_of(figure, setup), formulas=suffix.lower() != ".svg")
    with settings(page), told_by_tex():
        return written(draw(figure, page), figure, suffix.lower(), page, setup)


def proof(figure: Figure, setup: PageSetup = PageSetup()) -> tuple[str, ...]:
    """What a reader of the printed figure may not see, a sentence each: see `export.proofs` and `legibility.concerns`."""
    from landscape_gui.export.proofs import proof as of

    return of(figure, setup)
