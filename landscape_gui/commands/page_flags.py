"""The flags that say how a figure is printed: venue, size, font, lines, background."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from landscape_gui.commands.parser import UsageError, number, whole_number
from landscape_gui.errors import LandscapeError

if TYPE_CHECKING:
    from landscape_gui.page_setup import PageSetup

GIVEN = ("width", "height", "dpi", "font", "font_size", "line_width")


def add_page_flags(parser: argparse.ArgumentParser) -> None:
    from landscape_gui.page_setup import FONTS
    from landscape_gui.venues import VENUES

    group = parser.add_argument_group("the page")
    venues = ", ".join(f"{name} ({'/'.join(f'{w * 25.4:.0f}' for w in v.widths)} mm)" for name, v in VENUES.items())
    group.add_argument(
        "--venue", type=str.lower, choices=tuple(VENUES), metavar="NAME", help=f"as wide as its column, in its font: {venues}"
    )
    group.add_argument("--columns", type=whole_number, metavar="N", help="of the venue's page that the figure spans (default: 1)")
    group.add_argument(
        "--width", type=length, dest="page_width", metavar="84mm", help="of the figure, in in, cm, mm or pt; exactly"
    )
    group.add_argument("--height", type=length, dest="page_height", metavar="60mm", help="of the figure (default: as it needs)")
    group.add_argument(
        "--font", choices=tuple(FONTS), metavar="|".join(FONTS), help="; ".join(f"{k}: {v}" for k, v in FONTS.items())
    )
    group.add_argument("--font-size", type=number, metavar="PT", help="points as printed (default: the venue's, or 8)")
    group.add_argument("--line-width", type=number, metavar="PT", help="of curves, the others in proportion (default: 1)")
    group.add_argument(
        "--dpi", type=number, metavar="N", help="pixels an inch, for .png and .tiff and what is pixels in .pdf, .svg, .eps (300)"
    )
    group.add_argument("--letters", action="store_true", help="(a), (b), ... on the panels")
    group.add_argument("--no-title", action="store_true", help="no titles")
    group.add_argument(
        "--theme",
        choices=("light", "dark"),
        default="light",
        metavar="light|dark",
        help="colours around the figure (default: light)",
    )
    group.add_argument("--transparent", action="store_true", help="no background")


def length(text: str) -> float:
    """A length on the command line, in inches."""
    from landscape_gui.page_setup import inches

    try:
        return inches(text)
    except LandscapeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def setup_of(namespace: argparse.Namespace) -> PageSetup:
    """The page that the flags describe; UsageError for one that cannot be."""
    from landscape_gui.page_setup import PageSetup
    from landscape_gui.style import DARK, LIGHT
    from landscape_gui.venues import setup_for

    sizes = {"width": namespace.page_width, "height": namespace.page_height}
    given: dict[str, Any] = {name: sizes.get(name, getattr(namespace, name, None)) for name in GIVEN}
    given = {name: value for name, value in given.items() if value is not None}
    given |= {"transparent": namespace.transparent, "letters": namespace.letters, "titles": not namespace.no_title}
    given["theme"] = DARK if namespace.theme == "dark" else LIGHT
    if namespace.columns is not None and namespace.venue is None:
        raise UsageError("--columns counts the columns of a venue's page. Name it with --venue.")
    try:
        return (
            setup_for(namespace.venue, 1 if namespace.columns is None else namespace.columns, **given)
            if namespace.venue
            else PageSetup(**given)
        )
    except LandscapeError as error:
        raise UsageError(str(error)) from error
