"""topology PATH: the topology of a surface around a checkpoint, or of one that is in a file already, without its model."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import TYPE_CHECKING

from landscape_gui.commands import compute, flags, outputs, summary
from landscape_gui.commands.parser import Parser, UsageError

if TYPE_CHECKING:
    from landscape_gui.probes.topology import Topology

ANSWERS = (".h5", ".hdf5", ".npz")
"""Files that hold a surface and no weights."""
OWN = ("quantity", "extrema", "deviations", "connectivity")
"""What can be asked of a surface that is there already."""


def topology_probe() -> type[Topology]:
    from landscape_gui.probes.topology import Topology

    return Topology


def add_flags(parser: Parser) -> None:
    compute.add_flags(parser, topology_probe())
    parser.set_defaults(view="2d")
    path = next(action for action in parser._positionals._group_actions if action.dest == "path")
    path.help = f"{path.help}; or a file with a surface ({', '.join(ANSWERS)}), ours or another program's: no model is needed then"


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui.export.peers_kinds import is_answer

    if not is_answer(namespace.path):
        return compute.run(namespace, topology_probe())
    outputs.check_outputs(namespace.output, overwrite=namespace.overwrite)
    question = question_of(namespace)
    from landscape_gui.export.peers_opening import read_answer

    result = question.of_answer(read_answer(namespace.path))
    figure = question.figure(result, outputs.look_of(namespace)) if outputs.needs_figure(namespace.output) else None
    outputs.write_outputs(namespace, result, figure)
    if not namespace.quiet and (sys.stdout.isatty() or not namespace.output):
        print(summary.describe(result))
    return 0


def question_of(namespace: argparse.Namespace) -> Topology:
    """What is asked of a surface in a file. UsageError for a flag that would need the model."""
    given = {name.removeprefix(flags.PREFIX): value for name, value in vars(namespace).items() if name.startswith(flags.PREFIX)}
    known = {f.name: f for f in dataclasses.fields(topology_probe())}
    foreign = [flags.flag_of(known[name]) for name in given if name not in OWN]
    if foreign:
        raise UsageError(f"{namespace.path} holds a surface that is computed already: {foreign[0]} says nothing. Leave it out.")
    return topology_probe()(**given)
