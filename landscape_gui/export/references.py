"""The literature of a figure as a file of its own: BibTeX of the methods that its answers use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from landscape_gui.bibliography import bibtex
from landscape_gui.export.files import check_target, write
from landscape_gui.figure import Figure
from landscape_gui.methods import methods
from landscape_gui.page_setup import PageSetup
from landscape_gui.results import Provenance


def references(figure: Figure) -> str:
    """BibTeX of the methods of all answers of a figure, each once, and of this program."""
    return references_of(figure.sources or (figure.provenance,))


def references_of(answers: Sequence[Provenance]) -> str:
    return bibtex(key for where in answers for key in methods(where))


def write_references(figure: Figure, path: str | os.PathLike[str], setup: PageSetup = PageSetup()) -> Path:
    """Writes them as .bib; returns the path. Raises LandscapeError."""
    return write(check_target(path, (".bib",)), references(figure).encode())
