"""The commands that compute: one a probe, its flags made from the probe's fields."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import flags, opening, outputs, summary
from landscape_gui.commands.page_flags import setup_of
from landscape_gui.commands.parser import Parser
from landscape_gui.commands.terminal import ProgressBar
from landscape_gui.errors import QuestionError

if TYPE_CHECKING:
    from landscape_gui.probes.base import Probe, Progress
    from landscape_gui.problem import Problem
    from landscape_gui.results import AxesReport, Result

INTERRUPTED = 130
WAYPOINT = "waypoint"
"""The question whose answer is a model."""
DYNAMICS = "dynamics"
"""That whose answer is numbers over the epochs of a run."""


def add_flags(parser: Parser, probe: type[Probe]) -> None:
    opening.add_path(parser)
    outputs.add_output_flags(parser)
    flags.add_probe_flags(parser, probe)
    add_peer_flags(parser, probe)
    opening.add_opening_flags(parser)
    outputs.add_look_flags(parser)


def add_peer_flags(parser: Parser, probe: type[Probe]) -> None:
    """For questions about a plane; others have neither axes nor a surface to write."""
    from landscape_gui.probes.plane import PlaneProbe

    parser.set_defaults(save_directions=None, save_surface=None, save_model=None, save_epochs=None)
    if probe.name == DYNAMICS:
        help = "write the run's numbers as a list of {epoch, train_loss, ...}, which other programs read"
        parser.add_argument("--save-epochs", metavar="FILE.json", help=help)
    if probe.name == WAYPOINT:
        help = "write that model to FILE, which opens like a checkpoint"
        parser.add_argument("--save-model", metavar="FILE.safetensors", help=help)
    if not issubclass(probe, PlaneProbe):
        return
    group = parser.add_argument_group("files of other programs (the layout of tomgoldstein/loss-landscape)")
    group.add_argument("--save-directions", metavar="FILE", help="write the axes to FILE")
    group.add_argument("--save-surface", metavar="FILE", help="write losses and accuracies to FILE")


def run(namespace: argparse.Namespace, probe: type[Probe]) -> int:
    outputs.check_outputs(namespace.output, overwrite=namespace.overwrite)
    setup_of(namespace)
    named = (namespace.save_directions, namespace.save_surface, namespace.save_model, namespace.save_epochs)
    saved = [name for name in named if name]
    outputs.check_places(saved, overwrite=namespace.overwrite)
    problem = opening.open_named(namespace.path, namespace)
    question = sized(flags.make_probe(probe, namespace, problem), namespace, problem)
    with Interruption() as interruption:
        result = ask(question, problem, interruption, quiet=namespace.quiet)
    if result is None:
        print("landscape-gui: interrupted. What was computed is kept; the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    figure = question.figure(result, outputs.look_of(namespace)) if outputs.needs_figure(namespace.output) else None
    outputs.write_outputs(namespace, result, figure)
    if namespace.save_directions:
        save_directions(namespace.save_directions, question, problem, result)
    if namespace.save_surface:
        save_surface(namespace.save_surface, namespace.save_directions or "", result)
    if namespace.save_model:
        save_model(namespace.save_model, question, problem)
    if namespace.save_epochs:
        save_epochs(namespace.save_epochs, result)
    if not namespace.quiet and (sys.stdout.isatty() or not (namespace.output or saved)):
        print(summary.describe(result))
    return 0


def sized(question: Probe, namespace: argparse.Namespace, problem: Problem) -> Probe:
    """A surface that was given no --steps, at the size that some minutes allow; said on stderr where that is not the usual one."""
    from landscape_gui.default_size import affordable
    from landscape_gui.probes.surface import Surface
    from landscape_gui.store import Store

    if type(question) is not Surface or f"{flags.PREFIX}steps" in namespace:
        return question
    found = affordable(question, problem, Store())
    if found.steps != question.steps and not namespace.quiet:
        (nx, ny), cost = found.steps, found.cost(problem)
        words = f"{nx} by {ny} points, about {minutes(cost.seconds)}"
        more = f"; {question.steps[0]} by {question.steps[1]} would take about {minutes(cost.finer[1])}" if cost.finer[0] else ""
        print(f"landscape-gui: {words}{more} (--steps {question.steps[0]})", file=sys.stderr)
    return found


def minutes(seconds: float) -> str:
    """ "40 s", "12 min" """
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def ask(question: Probe, problem: Problem, interruption: Interruption, *, quiet: bool) -> Result | None:
    """The answer, from the store where it is known; None where Ctrl+C came first."""
    from landscape_gui.jobs import Cancelled, answer
    from landscape_gui.store import Store

    state_memory(question, problem, quiet=quiet)
    bar = ProgressBar(question.title)
    bar.shown = bar.shown and not quiet
    notes: list[str] = []

    def show(progress: Progress) -> None:
        bar.update(progress.done / progress.total if progress.total else 0.0, progress.note)
        notes[:] = [progress.note] if progress.note and progress.done >= progress.total else []

    try:
        result = answer(question, problem, store=Store(), on_progress=show, cancelled=interruption.requested)
    except (Cancelled, KeyboardInterrupt):
        return None
    finally:
        bar.close()
    for note in notes:  # what is still to be said when all is done: the answer could not be kept, say
        print(f"landscape-gui: {note}", file=sys.stderr)
    return result


def state_memory(question: Probe, problem: Problem, *, quiet: bool) -> None:
    """Say beforehand what the vectors of a large network may take."""
    from landscape_gui.probes.base import MEMORY_TOLD

    needed = getattr(question, "memory", None)
    size = needed(problem) if needed is not None else 0.0
    if size >= MEMORY_TOLD and not quiet:
        print(f"landscape-gui: vectors may take up to {size / 1e9:.1f} GB of memory", file=sys.stderr)


class Interruption:
    """Ctrl+C, or the SIGTERM of a scheduler, as a request that the running question looks at; a second one stops at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self._requested = False
        self._before: dict[signal.Signals, Any] = {}

    def requested(self) -> bool:
        return self._requested

    def __enter__(self) -> Interruption:
        with contextlib.suppress(ValueError):  # not in the main thread: then Ctrl+C is someone else's
            for number in self.SIGNALS:
                self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, signal.SIG_DFL if before is None else before)  # None: not of Python's

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True


def save_directions(path: str, question: Probe, problem: Problem, result: Result) -> None:
    """The axes of the question in the reference's layout; of principal components, also the share of variance of each."""
    from landscape_gui.export.peers import write_directions
    from landscape_gui.jobs import answering
    from landscape_gui.probes.directions_file import tensors_of
    from landscape_gui.probes.plane import PlaneProbe, resolve
    from landscape_gui.store import Store

    completed = question.completed(problem)
    if not isinstance(completed, PlaneProbe):
        raise QuestionError(f"{question.title} has no directions to save.")
    plane = resolve(completed, problem, ask=lambda asked: answering(asked, problem, Store(), part=True))
    axes = tensors_of(plane, problem.layout)
    report = axes_of(result)
    if len(report.labels) == 1:  # a line: the one that it goes along
        axes = [axes[getattr(question, "along", "x") == "y"]]
    shares = {"explained_variance_ratio_": list(report.explained[:2])} if report.explained.size else None
    write_directions(path, axes, explained=shares)


def save_epochs(path: str, result: Result) -> None:
    from landscape_gui.dynamics_results import DynamicsResult
    from landscape_gui.export.epochs_json import write_epochs

    assert isinstance(result, DynamicsResult)
    write_epochs(path, result)


def save_surface(path: str, directions: str, result: Result) -> None:
    from landscape_gui.export.peers import write_surface
    from landscape_gui.results import LineResult, SurfaceResult

    surface = getattr(result, "surface", result)
    if not isinstance(surface, (SurfaceResult, LineResult)):
        raise QuestionError("This answer holds no surface to save.", remedy="Leave --save-surface out.")
    write_surface(path, surface, directions_file=os.path.basename(directions))


def save_model(path: str, question: Probe, problem: Problem) -> None:
    """The model at a place of a path, as a checkpoint; the path is in the store by now."""
    from landscape_gui.jobs import answering
    from landscape_gui.probes.on_the_way import OnTheWay
    from landscape_gui.store import Store

    completed = question.completed(problem)
    assert isinstance(completed, OnTheWay)
    steps = completed.models(problem, lambda asked, about=None: answering(asked, about or problem, Store(), part=True))
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            stop.value.save(completed.t, path)
            return


def axes_of(result: Result) -> AxesReport:
    from landscape_gui.results import ConnectedResult, CurvatureResult, DynamicsBase, TrajectoryResult

    if isinstance(result, CurvatureResult | ConnectedResult | DynamicsBase):
        raise QuestionError("This answer holds no directions to save.", remedy="Leave --save-directions out.")
    return result.surface.axes if isinstance(result, TrajectoryResult) else result.axes


def probes() -> Iterator[tuple[str, type[Probe]]]:
    from landscape_gui.probes import PROBES

    yield from PROBES.items()
