"""export ANSWER.h5 -o ...: figures and numbers from an answer computed elsewhere, without its model or its data."""

from __future__ import annotations

import argparse
import sys

from landscape_gui.commands import outputs, summary
from landscape_gui.commands.page_flags import setup_of
from landscape_gui.commands.parser import Parser


def add_flags(parser: Parser) -> None:
    parser.add_argument(
        "path", metavar="ANSWER.h5", help="an answer written with -o ANSWER.h5, or a surface file of tomgoldstein/loss-landscape"
    )
    outputs.add_output_flags(parser)
    outputs.add_look_flags(parser)


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui.export.peers import read_answer
    from landscape_gui.probes import kind_of

    outputs.check_outputs(namespace.output, overwrite=namespace.overwrite)
    setup_of(namespace)
    result = read_answer(namespace.path)
    figure = kind_of(result)().figure(result, outputs.look_of(namespace)) if outputs.needs_figure(namespace.output) else None
    outputs.write_outputs(namespace, result, figure)
    if not namespace.quiet and (sys.stdout.isatty() or not namespace.output):
        print(summary.describe(result))
    return 0
