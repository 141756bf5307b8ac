"""Where papers appear: how wide their columns are, and how large their letters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from landscape_gui.errors import LandscapeError
from landscape_gui.page_setup import Font, PageSetup

MM = 1 / 25.4
"""Inches of a millimetre."""
TIMES = r"\usepackage{mathptmx}"
"""Times with its mathematics, where LaTeX sets the letters."""


@dataclass(frozen=True, kw_only=True)
class Venue:
    """A journal, a conference or a slide.

    widths: inches of a figure over one column, two, ... (one number where the page has one column); height: inches at most;
    font, font_size: what its figures are lettered in, in points; caption_size: points of its captions; source: where this is said.
    """

    title: str
    widths: tuple[float, ...]
    height: float
    font: Font = "serif"
    font_size: float = 8.0
    caption_size: float = 9.0
    source: str = ""


VENUES: dict[str, Venue] = {
    "neurips": Venue(
        title="NeurIPS", widths=(5.5,), height=9.0, caption_size=10.0,
        source="neurips_2025.sty: text of 5.5 by 9 inches, Times, 10 points",
    ),
    "icml": Venue(
        title="ICML", widths=(3.25, 6.75), height=9.0,
        source="icml2025.sty: columns of 3.25 inches 0.25 apart, 9 inches high, Times; captions of 9 points",
    ),
    "iclr": Venue(
        title="ICLR", widths=(5.5,), height=9.0, caption_size=10.0,
        source="iclr2025_conference.sty: text of 5.5 by 9 inches, Times, 10 points",
    ),
    "cvpr": Venue(
        title="CVPR, ICCV", widths=(3.25, 6.875), height=8.875,
        source="author kit: text of 6 7/8 by 8 7/8 inches, columns of 3 1/4, Times; captions of 9 points",
    ),
    "acl": Venue(
        title="ACL", widths=(77 * MM, 160 * MM), height=247 * MM, caption_size=10.0,
        source="acl.sty: A4, columns of 7.7 cm 0.6 apart, 24.7 cm high, Times; captions of 10 points",
    ),
    "aaai": Venue(
        title="AAAI", widths=(3.3125, 7.0), height=9.0, caption_size=10.0,
        source="aaai.sty: text of 7 by 9 inches, columns 3/8 inch apart, Times; captions of 10 points",
    ),
    "jmlr": Venue(
        title="JMLR", widths=(6.0,), height=8.5, font="mathtext", caption_size=10.0,
        source="jmlr2e.sty: text of 6 by 8.5 inches, Computer Modern, 11 points; captions in \\small",
    ),
    "tmlr": Venue(
        title="TMLR", widths=(6.5,), height=9.0, font="mathtext", caption_size=10.0,
        source="tmlr.sty: text of 6.5 by 9 inches, Latin Modern, 10 points",
    ),
    "ieee": Venue(
        title="IEEE", widths=(3.5, 7.16), height=8.8, caption_size=8.0,
        source="IEEE Author Center: one column 3.5 inches, two columns 7.16, at most 8.8 high; letters of 8 to 10 points",
    ),
    "nature": Venue(
        title="Nature", widths=(89 * MM, 183 * MM), height=170 * MM, font="sans", font_size=7.0, caption_size=7.0,
        source="Nature, final submission: 89 and 183 mm, at most 170 high with a caption; sans serif of 5 to 7 points",
    ),
    "science": Venue(
        title="Science", widths=(57 * MM, 121 * MM, 184 * MM), height=8.5, font="sans", font_size=7.0, caption_size=8.0,
        source="Science, revised manuscripts: 5.7, 12.1 and 18.4 cm; sans serif, none below 5 points",
    ),
    "pnas": Venue(
        title="PNAS", widths=(87 * MM, 178 * MM), height=225 * MM, font="sans", font_size=7.0, caption_size=8.0,
        source="PNAS digital art guidelines: 8.7 and 17.8 cm, at most 22.5 high; sans serif of 6 to 8 points",
    ),
    "slide": Venue(
        title="Slide, 16:9", widths=(140 * MM,), height=70 * MM, font="sans", font_size=9.0, caption_size=10.0,
        source="beamer, aspectratio=169: a page of 160 by 90 mm, text of 140; sans serif of 11 points",
    ),
    "slide43": Venue(
        title="Slide, 4:3", widths=(108 * MM,), height=74 * MM, font="sans", font_size=9.0, caption_size=10.0,
        source="beamer: a page of 128 by 96 mm, text of 108; sans serif of 11 points",
    ),
}  # fmt: skip


def setup_for(venue: str, columns: int = 1, **changes: Any) -> PageSetup:
    """The page of a venue: as wide as `columns` of its columns exactly, in its font and its size. changes: other fields of
    `PageSetup`, which win. Raises LandscapeError for a venue or a number of columns that there is not."""
    if venue.lower() not in VENUES:
        raise LandscapeError(f"There is no venue {venue!r}.", remedy=f"Choose one of {', '.join(VENUES)}, or give a width.")
    known = VENUES[venue.lower()]
    if not 1 <= columns <= len(known.widths):
        count = len(known.widths)
        remedy = f"Choose 1 to {count}." if count > 1 else "Leave the number of columns out."
        raise LandscapeError(f"A page of {known.title} has {count} column{'s' * (count > 1)}, not {columns}.", remedy=remedy)
    usual: dict[str, Any] = {"width": known.widths[columns - 1], "font": known.font, "font_size": known.font_size}
    setup = PageSetup(**usual | changes)
    times = setup.font == "tex" and known.font == "serif" and not setup.tex_preamble
    return replace(setup, tex_preamble=TIMES) if times else setup
