"""The flags of `figure`: what stands beside what, what the panels share; and those of the question that it asks."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from landscape_gui.commands import flags, opening, outputs
from landscape_gui.commands.parser import Parser, UsageError, whole_number
from landscape_gui.export_formats import suffixes

QUESTION = "surface"
VIEWS = ("3d", "2d", "chart")
GIVEN_PAGE = {
    "venue": "venue", "columns": "columns", "width": "page_width", "height": "page_height", "dpi": "dpi", "font": "font",
    "font_size": "font_size", "line_width": "line_width",
}  # fmt: skip
"""Fields of a composition's page, and the flags' names for them."""


def add_figure_flags(parser: Parser) -> None:
    from landscape_gui.composition.composition import SHARING
    from landscape_gui.composition.file import SUFFIX

    help = f"a figure file ({SUFFIX}); answers (.h5, and others' files); checkpoints, folders and samples:NAME, which are asked"
    parser.add_argument("paths", metavar="PATH...", nargs="+", help=help)
    told = {SUFFIX: "the figure itself, to open, change and export again", **suffixes(figures=True)}
    kinds = "\n".join(f"  {suffix}: {meaning}" for suffix, meaning in told.items())
    help = f"write FILE, several times if wanted; its suffix decides what\n{kinds}"
    parser.add_argument("-o", "--output", action="append", default=[], metavar="FILE", help=help)
    parser.add_argument("--overwrite", action="store_true", help="replace files that -o names and that are there already")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no caption")
    group = parser.add_argument_group("the panels")
    named(parser, group, "--probe", tuple(probe_names()), (QUESTION,), "what is asked of checkpoints: one or several questions")
    parser.add_argument("--refresh", action="store_true", help="of a figure file: compute what is missing and what has changed")
    group.add_argument("--over-epochs", type=opening.at_least_one, metavar="N", help="N checkpoints of a run, evenly spaced")
    group.add_argument(
        "--title", action="append", default=[], dest="panel_title", metavar="TEXT", help="of a panel, in their order"
    )
    group.add_argument("--difference", action="store_true", help="a panel more: the second less the first")
    group.add_argument("--across", type=whole_number, metavar="N", help="panels side by side")
    parser.named["--share"] = (*SHARING, "nothing")
    choices = "\n".join(f"  {name}: {words}" for name, words in SHARING.items())
    group.add_argument(
        "--share", type=nothing_is_none(flags.names_of((*SHARING, "nothing"))), metavar="NAME...",
        help=f"what surfaces have in common (default: all of these)\n{choices}\n  nothing: each as it would be by itself",
    )  # fmt: skip
    group.add_argument("--bar", choices=("right", "below"), metavar="right|below", help="where the colour bar in common stands")
    group.add_argument("--figure-title", metavar="TEXT", help="above all panels")
    group.add_argument("--column-title", action="append", default=[], metavar="TEXT", help="above a column, from the left")
    group.add_argument("--row-title", action="append", default=[], metavar="TEXT", help="left of a row, from above")
    group.add_argument("--no-letters", action="store_true", help="no (a), (b), ... on the panels")
    opening.add_opening_flags(parser)
    outputs.add_look_flags(parser)
    several_views(parser)


def probe_names() -> Sequence[str]:
    from landscape_gui.probes import PROBES

    return list(PROBES)


def named(
    parser: Parser, group: argparse._ArgumentGroup, flag: str, choices: tuple[str, ...], usual: tuple[str, ...] | None, help: str
) -> None:
    """A flag that takes one or several names."""
    parser.named[flag] = choices
    group.add_argument(
        flag,
        type=flags.names_of(choices),
        default=usual,
        metavar="NAME...",
        help=f"{help} ({', '.join(choices)})".replace("%", "%%"),
    )


def nothing_is_none(take: Callable[[str], tuple[str, ...]]) -> Callable[[str], tuple[str, ...]]:
    def convert(text: str) -> tuple[str, ...]:
        names = take(text)
        if "nothing" in names and len(names) > 1:
            raise argparse.ArgumentTypeError("is either nothing or names")
        return () if "nothing" in names else names

    return convert


def several_views(parser: Parser) -> None:
    """--view takes several, each a panel."""
    action = next(action for action in parser._actions if "--view" in action.option_strings)
    parser.named["--view"] = VIEWS
    action.choices, action.type, action.default = None, flags.names_of(VIEWS), ()
    action.help = "of what has a surface; several: a panel each"


def prepare(parser: Parser, arguments: Sequence[str]) -> None:
    """The flags of the first question that is asked."""
    from landscape_gui.probes import PROBES

    given = list(arguments)
    at = next((k for k, a in enumerate(given) if a == "--probe" or a.startswith("--probe=")), None)
    name = QUESTION
    if at is not None:
        name = given[at].partition("=")[2] or (given[at + 1] if at + 1 < len(given) else "")
        name = name.split(",")[0]
    if name not in PROBES:
        raise UsageError(f"--probe cannot be {name!r}; choose one or several of {', '.join(PROBES)}.")
    taken = {flag for action in parser._actions for flag in action.option_strings}
    add_free_flags(parser, name, taken)


def add_free_flags(parser: Parser, name: str, taken: set[str]) -> None:
    """The question's flags, without those that mean something else here and those that stand behind the path."""
    import typing

    from landscape_gui.probes import PROBES

    probe = PROBES[name]
    hints = typing.get_type_hints(probe)
    group = parser.add_argument_group(f"the question ({name})")
    for f in flags.shown_fields(probe):
        if f.metadata["positional"]:
            raise UsageError(f"{name} is about several checkpoints. Ask it by itself with -o answer.h5, and name that file here.")
        if flags.flag_of(f) not in taken:
            flags.add_field(parser, group, f, hints[f.name])
