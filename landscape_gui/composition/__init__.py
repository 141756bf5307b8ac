"""Several answers in one figure: a `Composition` says what stands where and what the panels share; `composed` draws it."""

from landscape_gui.composition.composition import SHARING, Cell, Composition
from landscape_gui.composition.file import SUFFIX, is_composition, read_composition, write_composition
from landscape_gui.composition.lost import Lost
from landscape_gui.composition.picture import composed

__all__ = [
    "SHARING",
    "SUFFIX",
    "Cell",
    "Composition",
    "Lost",
    "composed",
    "is_composition",
    "read_composition",
    "write_composition",
]
