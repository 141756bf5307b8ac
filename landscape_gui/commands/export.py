"""export ANSWER.h5 -o ...: figures and numbers from an answer computed elsewhere, without its model or its data."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from landscape_gui.commands import outputs, summary
from landscape_gui.commands.parser import Parser
from landscape_gui.errors import StoreError

if TYPE_CHECKING:
    from landscape_gui.probes.base import Probe
    from landscape_gui.results import Result


def add_flags(parser: Parser) -> None:
    parser.add_argument(
        "path", metavar="ANSWER.h5", help="an answer written with -o ANSWER.h5, or a surface file of tomgoldstein/loss-landscape"
    )
    outputs.add_output_flags(parser)
    outputs.add_look_flags(parser)


def run(namespace: argparse.Namespace) -> int:
    outputs.check_outputs(namespace.output)
    result = read(namespace.path)
    figure = probe_of(result).figure(result, outputs.look_of(namespace)) if outputs.needs_figure(namespace.output) else None
    outputs.write_outputs(namespace, result, figure)
    if not namespace.quiet and (sys.stdout.isatty() or not namespace.output):
        print(summary.describe(result))
    return 0


def read(path: str) -> Result:
    """An answer of ours, or else a surface of the reference's. StoreError where it is neither."""
    from landscape_gui.store import read_result

    try:
        return read_result(path)
    except StoreError as error:
        try:
            from landscape_gui.export.peers import read_surface

            return read_surface(path)
        except Exception:
            raise error from None


def probe_of(result: Result) -> Probe:
    """The kind of question that the answer is to: it knows how to draw it."""
    from landscape_gui.probes import PROBES
    from landscape_gui.results import LineResult, TrajectoryResult

    usual = {LineResult: "line", TrajectoryResult: "trajectory"}.get(type(result), "surface")
    return PROBES.get(result.provenance.probe, PROBES[usual])()
