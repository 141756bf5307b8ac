"""What a person chose for the page of a figure, as the form shows it and the settings keep it. No Qt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from landscape_gui.errors import LandscapeError
from landscape_gui.page_setup import Font, PageSetup
from landscape_gui.style import DARK, LIGHT
from landscape_gui.venues import VENUES, setup_for

FREE = ""
"""The venue of a page of any size."""
Unit = Literal["in", "mm", "cm", "pt"]
SAME = ("height", "font", "font_size", "line_width", "dpi", "transparent", "letters", "titles")
"""Fields that `PageSetup` has under the same names."""


@dataclass(frozen=True, kw_only=True)
class PageChoice:
    """venue: a key of `VENUES`, or FREE; columns: of its page that the figure spans, 0 where `width` (inches) counts; height:
    inches, None as the figure needs; unit: what lengths are shown in. The rest is as in `PageSetup`."""

    venue: str = FREE
    columns: int = 0
    width: float = 3.5
    height: float | None = None
    unit: Unit = "in"
    font: Font = "sans"
    font_size: float = 8.0
    line_width: float = 1.0
    dpi: int = 300
    dark: bool = False
    transparent: bool = False
    letters: bool = False
    titles: bool = True

    @property
    def widths(self) -> tuple[float, ...]:
        """Inches that the venue knows: over one column, two, ..."""
        return VENUES[self.venue].widths if self.venue else ()

    @property
    def inches(self) -> float:
        """Width of the page."""
        return self.widths[self.columns - 1] if 1 <= self.columns <= len(self.widths) else self.width

    def setup(self) -> PageSetup:
        """The page. Raises LandscapeError for what makes no sense."""
        given: dict[str, Any] = {name: getattr(self, name) for name in SAME}
        given |= {"width": self.inches, "theme": DARK if self.dark else LIGHT}
        return setup_for(self.venue, max(self.columns, 1), **given) if self.venue else PageSetup(**given)

    def kept(self) -> str:
        """For the settings."""
        return json.dumps(asdict(self))


def of_figure(page: Mapping[str, Any], setup: PageSetup, panels: int) -> PageChoice:
    """The page that a figure file asks for: its fields, and what they come to."""
    venue = str(page.get("venue") or "").lower()
    start = usual(venue if venue in VENUES else FREE)
    whole = bool(start.venue) and "width" not in page
    return replace(
        start, columns=int(page.get("columns") or 1) if whole else 0, width=setup.width or (7.0 if panels > 1 else 3.3),
        height=setup.height, font=setup.font, font_size=setup.font_size, line_width=setup.line_width, dpi=round(setup.dpi),
        dark=setup.theme.dark, transparent=setup.transparent, letters=setup.letters, titles=setup.titles,
    )  # fmt: skip


def as_page(choice: PageChoice) -> dict[str, Any]:
    """A page as a figure file asks for it: the venue, and what is not as the venue has it."""
    plain = usual(choice.venue)
    page: dict[str, Any] = {"venue": choice.venue} if choice.venue else {}
    page |= {"columns": choice.columns} if choice.columns > 1 else {} if choice.columns else {"width": float(choice.width)}
    page |= {name: value for name in SAME if (value := getattr(choice, name)) != getattr(plain, name) and name != "letters"}
    page |= {"dpi": float(page["dpi"])} if "dpi" in page else {}
    page |= {"theme": "dark"} if choice.dark else {}
    return {**page, "letters": choice.letters}


def usual(venue: str) -> PageChoice:
    """What a venue asks for."""
    if not venue:
        return PageChoice()
    known = VENUES[venue]
    unit: Unit = "in" if "inch" in known.source else "mm"
    width, font, size = known.widths[0], known.font, known.font_size
    return PageChoice(venue=venue, columns=1, width=width, unit=unit, font=font, font_size=size)


def remembered(text: str, venue: str) -> PageChoice:
    """What `kept` wrote for a venue; what the venue asks for where that is nothing that makes sense."""
    plain = usual(venue)
    try:
        told = json.loads(text)
        choice = replace(plain, **{f.name: told[f.name] for f in fields(PageChoice) if f.name in told} | {"venue": venue})
        return choice if is_sound(choice) and choice.setup() else plain
    except (ValueError, TypeError, AttributeError, LandscapeError):
        return plain


def is_sound(choice: PageChoice) -> bool:
    """Whether every field is of its kind; `setup` then says whether it makes sense."""
    kinds = {f.name: (int, float) if type(f.default) is float or f.name == "height" else type(f.default) for f in fields(choice)}
    values = {name: value for name, value in asdict(choice).items() if not (name == "height" and value is None)}
    kept = all(isinstance(v, kinds[n]) and isinstance(v, bool) == (kinds[n] is bool) for n, v in values.items())
    return kept and choice.unit in get_args(Unit) and choice.columns in range(len(choice.widths) + 1)
