"""The commands that compute: one a probe, its flags made from the probe's fields."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import flags, opening, outputs, summary
from landscape_gui.commands.parser import Parser
from landscape_gui.commands.terminal import ProgressBar
from landscape_gui.errors import QuestionError

if TYPE_CHECKING:
    from landscape_gui.probes.base import Probe, Progress
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result

INTERRUPTED = 130


def add_flags(parser: Parser, probe: type[Probe]) -> None:
    opening.add_path(parser)
    outputs.add_output_flags(parser)
    flags.add_probe_flags(parser, probe)
    add_peer_flags(parser)
    opening.add_opening_flags(parser)
    outputs.add_look_flags(parser)


def add_peer_flags(parser: Parser) -> None:
    group = parser.add_argument_group("files of other programs (the layout of tomgoldstein/loss-landscape)")
    known = set(parser.numeric) | {option for action in parser._actions for option in action.option_strings}
    if "--directions-from" not in known:
        group.add_argument("--directions-from", metavar="FILE", help="take the axes from FILE")
    group.add_argument("--save-directions", metavar="FILE", help="write the axes to FILE")


def run(namespace: argparse.Namespace, probe: type[Probe]) -> int:
    outputs.check_outputs(namespace.output)
    problem = opening.open_named(namespace.path, namespace)
    question = flags.make_probe(probe, namespace, problem)
    with Interruption() as interruption:
        result = ask(question, problem, interruption, quiet=namespace.quiet)
    if result is None:
        print("landscape-gui: interrupted. What was computed is kept; the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    figure = question.figure(result, outputs.look_of(namespace)) if outputs.needs_figure(namespace.output) else None
    outputs.write_outputs(namespace, result, figure)
    if namespace.save_directions:
        save_directions(namespace.save_directions, question, problem)
    if not namespace.quiet and (sys.stdout.isatty() or not (namespace.output or namespace.save_directions)):
        print(summary.describe(result))
    return 0


def ask(question: Probe, problem: Problem, interruption: Interruption, *, quiet: bool) -> Result | None:
    """The answer, from the store where it is known; None where Ctrl+C came first."""
    from landscape_gui.jobs import Cancelled, answer
    from landscape_gui.store import Store

    bar = ProgressBar(question.title)
    bar.shown = bar.shown and not quiet
    notes: list[str] = []

    def show(progress: Progress) -> None:
        bar.update(progress.done / progress.total if progress.total else 0.0, progress.note)
        notes[:] = [progress.note] if progress.note else []

    try:
        result = answer(question, problem, store=Store(), on_progress=show, cancelled=interruption.requested)
    except (Cancelled, KeyboardInterrupt):
        return None
    finally:
        bar.close()
    for note in notes:  # what is still to be said when all is done: the answer could not be kept, say
        print(f"landscape-gui: {note}", file=sys.stderr)
    return result


class Interruption:
    """Ctrl+C as a request that the running question looks at; a second one stops at once."""

    def __init__(self) -> None:
        self._requested = False
        self._before: Any = None

    def requested(self) -> bool:
        return self._requested

    def __enter__(self) -> Interruption:
        with contextlib.suppress(ValueError):  # not in the main thread: then Ctrl+C is someone else's
            self._before = signal.signal(signal.SIGINT, self._catch)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True


def save_directions(path: str, question: Probe, problem: Problem) -> None:
    raise QuestionError("--save-directions is not available yet.")


def probes() -> Iterator[tuple[str, type[Probe]]]:
    from landscape_gui.probes import PROBES

    yield from PROBES.items()
