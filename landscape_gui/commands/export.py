"""export ANSWER -o ...: figures and numbers from an answer computed elsewhere, without its model or its data."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from landscape_gui.commands import outputs, summary
from landscape_gui.commands.page_flags import setup_of
from landscape_gui.commands.parser import Parser
from landscape_gui.errors import QuestionError

if TYPE_CHECKING:
    from landscape_gui.results import Result


def add_flags(parser: Parser) -> None:
    parser.add_argument(
        "path",
        metavar="ANSWER",
        help="an answer written with -o ANSWER.h5, or another program's: a surface of tomgoldstein/loss-landscape (.h5), a plane "
        "or curve of dnn-mode-connectivity or a landscape of Landscaper (.npz), metrics of each epoch or a line (.json)",
    )
    parser.add_argument(
        "--projection", metavar="FILE", help="the path of a run on that surface, as tomgoldstein/loss-landscape projects it (.h5)"
    )
    parser.add_argument(
        "--save-surface", metavar="FILE", help="write the losses and accuracies in the HDF5 layout of tomgoldstein/loss-landscape"
    )
    parser.add_argument("--save-projection", metavar="FILE", help="write the path of a run in that program's layout")
    outputs.add_output_flags(parser)
    outputs.add_look_flags(parser)


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui.export.peers_opening import read_answer
    from landscape_gui.probes import kind_of

    outputs.check_outputs(namespace.output, overwrite=namespace.overwrite)
    saved = [name for name in (namespace.save_surface, namespace.save_projection) if name]
    outputs.check_places(saved, overwrite=namespace.overwrite)
    setup_of(namespace)
    result = read_answer(namespace.path, projection=namespace.projection)
    figure = kind_of(result)().figure(result, outputs.look_of(namespace)) if outputs.needs_figure(namespace.output) else None
    outputs.write_outputs(namespace, result, figure)
    save_for_others(namespace, result)
    if not namespace.quiet and (sys.stdout.isatty() or not (namespace.output or saved)):
        print(summary.describe(result))
    return 0


def save_for_others(namespace: argparse.Namespace, result: Result) -> None:
    """The answer in the layout of tomgoldstein/loss-landscape, as far as it is asked for. QuestionError where it holds no such."""
    from landscape_gui.commands.compute import save_surface
    from landscape_gui.results import TrajectoryResult

    if namespace.save_surface:
        save_surface(namespace.save_surface, str(result.provenance.problem.get("directions_file", "")), result)
    if namespace.save_projection:
        from landscape_gui.export.peers_projection import write_projection

        if not isinstance(result, TrajectoryResult):
            raise QuestionError("This answer holds no path of a run.", remedy="Leave --save-projection out.")
        write_projection(namespace.save_projection, result)
