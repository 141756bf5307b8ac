"""samples: the checkpoints that come with the program."""

from __future__ import annotations

import argparse
import textwrap

from landscape_gui.commands.parser import Parser


def add_flags(parser: Parser) -> None:
    parser.add_argument("--names", action="store_true", help="names alone, one a line; each opens as samples:NAME")


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui import samples

    names = samples.names()
    if namespace.names:
        for name in names:
            print(name)
        return 0
    for name in names:
        card = samples.card(name)
        print(f"{name}: {card.get('title', '')}")
        if card.get("summary"):
            print(textwrap.fill(str(card["summary"]), 96, initial_indent="    ", subsequent_indent="    "))
    if names:
        print(f"\nOpen one: landscape-gui samples:{names[0]}")
    return 0
