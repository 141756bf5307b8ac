"""How a figure is printed: everything about a sheet of paper that is not the picture. NumPy only, no toolkit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from landscape_gui.errors import LandscapeError
from landscape_gui.style import LIGHT, Theme

Font = Literal["sans", "serif", "mathtext", "tex"]
FONTS: dict[Font, str] = {
    "sans": "Open Sans, as on the screen",
    "serif": "STIX, which looks like Times",
    "mathtext": "Computer Modern, which LaTeX uses by itself",
    "tex": "set by the installed LaTeX, in its own font",
}
INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72}
"""Inches of one unit of length; a point is a seventy-second of an inch, as in PDF."""
SIZES = {"width": (0.5, 60.0), "height": (0.4, 60.0)}
"""Inches that a sheet may have."""
RANGES = {"dpi": (20.0, 2400.0), "font_size": (2.0, 72.0), "line_width": (0.1, 10.0)}
WHAT = {
    "dpi": "A resolution of {:g} dots per inch",
    "font_size": "A font size of {:g} points",
    "line_width": "A line of {:g} points",
}


@dataclass(frozen=True, kw_only=True)
class PageSetup:
    """How a figure is printed. Raises LandscapeError for what makes no sense.

    width, height: inches of the whole sheet, to the digit; None: 3.3 for one panel and 7 for several, and a height that suits.
    dpi: pixels an inch of a .png or .tiff, and of the rasters (a surface, a plane's colours) inside a .pdf, .svg or .eps, whose
    axes and letters are vectors. font: see `FONTS`; font_size: points of labels and titles as printed (numbers on axes have
    0.875 of it). line_width: points of a curve; every other line is in proportion. theme: colours around the figure. transparent:
    no background. letters: (a), (b), ... in bold on the panels. titles: whether panels and figure have theirs.
    tex_preamble: what LaTeX is told first, for the font "tex".
    """

    width: float | None = None
    height: float | None = None
    dpi: float = 300.0
    font: Font = "sans"
    font_size: float = 8.0
    line_width: float = 1.0
    theme: Theme = LIGHT
    transparent: bool = False
    letters: bool = False
    titles: bool = True
    tex_preamble: str = ""

    def __post_init__(self) -> None:
        for name, (low, high) in SIZES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise LandscapeError(
                    f"A figure with a {name} of {value:g} inches makes no sense.", remedy=f"Choose {low:g} to {high:g} inches."
                )
        for name, (low, high) in RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise LandscapeError(
                    f"{WHAT[name].format(getattr(self, name))} makes no sense.", remedy=f"Choose {low:g} to {high:g}."
                )
        if self.font not in get_args(Font):
            raise LandscapeError(f"There is no font {self.font!r}.", remedy=f"Choose one of {', '.join(FONTS)}.")

    @property
    def tick_size(self) -> float:
        """Points of the numbers on axes."""
        return 0.875 * self.font_size


def inches(text: str) -> float:
    """A length with its unit ("84mm", "3.25 in", "8.4cm", "240pt"; a bare number is inches), in inches. Raises LandscapeError."""
    words = text.strip().lower()
    unit = next((u for u in INCHES if words.endswith(u)), "")
    try:
        return float(words.removesuffix(unit)) * INCHES[unit or "in"]
    except ValueError:
        raise LandscapeError(f"{text!r} is no length.", remedy="Write it as 84mm, 8.4cm, 3.25in or 240pt.") from None
