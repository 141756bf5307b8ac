"""animate PATH -o film.mp4: a turntable, the growing path of a run, or the surface over training."""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import compute, flags, opening, outputs
from landscape_gui.commands.parser import Parser, UsageError, number, whole_number
from landscape_gui.commands.terminal import ProgressBar
from landscape_gui.errors import LandscapeError

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.film import Film, FilmSetup
    from landscape_gui.probes.base import Probe
    from landscape_gui.results import Result

ANSWERS = (".h5", ".hdf5", ".npz", ".json")
"""Files that hold an answer and no weights."""
INTERRUPTED = 130
TURNS = {"turntable": 360.0, "trajectory": 0.0, "training": 0.0}


def add_flags(parser: Parser) -> None:
    from landscape_gui.export.film_encoders import SUFFIXES
    from landscape_gui.film import KINDS, PACES
    from landscape_gui.probes.surface import Surface

    opening.add_path(parser)
    path = next(action for action in parser._positionals._group_actions if action.dest == "path")
    path.help = f"{path.help}; or an answer ({', '.join(ANSWERS)}), ours or another program's, or a figure's file"
    kinds = "\n".join(f"  {suffix}: {meaning}" for suffix, meaning in SUFFIXES.items())
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help=f"write FILE; its suffix decides what\n{kinds}")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it is there already")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    group = parser.add_argument_group("the film")
    words = "\n".join(f"  {name}: {meaning}" for name, meaning in KINDS.items())
    group.add_argument(
        "--kind", choices=tuple(KINDS), metavar="NAME", default="turntable", help=f"what moves (default: turntable)\n{words}"
    )
    group.add_argument("--seconds", type=number, default=6.0, metavar="S", help="how long it is (default: 6)")
    group.add_argument("--rate", type=whole_number, default=30, metavar="N", help="frames a second (default: 30)")
    group.add_argument(
        "--pixels",
        type=pixels,
        default=(1280, 720),
        metavar="1280x720",
        help="size of the picture: pixels across and down, even numbers",
    )
    group.add_argument(
        "--turn", type=number, metavar="DEGREES", help="how far the camera goes round (default: turntable 360, else 0)"
    )
    group.add_argument("--ease", action="store_true", help="the camera sets off and halts gently")
    paces = "; ".join(f"{name}: {meaning}" for name, meaning in PACES.items())
    group.add_argument(
        "--pace",
        choices=tuple(PACES),
        default="epoch",
        metavar="|".join(PACES),
        help=f"of a growing path; {paces} (default: epoch)",
    )
    group.add_argument(
        "--checkpoints", type=whole_number, default=12, metavar="N", help="of the run, for --kind training (default: 12)"
    )
    group.add_argument(
        "--no-morph", action="store_true", help="--kind training: from one surface to the next without steps between"
    )
    group.add_argument(
        "--theme",
        choices=("light", "dark"),
        default="light",
        metavar="light|dark",
        help="colours around the surface (default: light)",
    )
    group.add_argument("--no-title", action="store_true", help="no title")
    flags.add_probe_flags(parser, Surface)
    opening.add_opening_flags(parser)
    outputs.add_look_flags(parser, page=False)


def pixels(text: str) -> tuple[int, int]:
    """ "1280x720" """
    found = re.fullmatch(r"\s*(\d{1,5})\s*[x×,]\s*(\d{1,5})\s*", text)
    if not found:
        raise argparse.ArgumentTypeError(f"takes a width and a height, as 1280x720, not {text!r}")
    return int(found[1]), int(found[2])


def run(namespace: argparse.Namespace) -> int:
    setup = setup_of(namespace)
    check_output(namespace)
    with compute.Interruption() as interruption:
        film = film_of(namespace, interruption)
        written = film is not None and write(film, namespace, setup, interruption)
    if not written:
        print("landscape-gui: interrupted. No film was written; surfaces that were computed are kept.", file=sys.stderr)
        return INTERRUPTED
    return 0


def setup_of(namespace: argparse.Namespace) -> FilmSetup:
    from landscape_gui.film import FilmSetup
    from landscape_gui.style import DARK, LIGHT

    width, height = namespace.pixels
    theme = DARK if namespace.theme == "dark" else LIGHT
    try:
        return FilmSetup(
            seconds=namespace.seconds, rate=namespace.rate, width=width, height=height, theme=theme, titles=not namespace.no_title
        )
    except LandscapeError as error:
        raise UsageError(str(error)) from error


def check_output(namespace: argparse.Namespace) -> None:
    """Said before anything is computed."""
    from landscape_gui.export.film_encoders import SUFFIXES, encoder_of

    suffix = Path(namespace.output).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{namespace.output}: the suffix decides what is written; it can be {', '.join(SUFFIXES)}.")
    outputs.check_folders([namespace.output])
    if not namespace.overwrite:
        outputs.check_absent([namespace.output])
    encoder_of(suffix)


def look_of(namespace: argparse.Namespace) -> Look:
    look = outputs.look_of(namespace)
    return look if namespace.view == "2d" and namespace.kind != "turntable" else replace(look, view="3d")


def film_of(namespace: argparse.Namespace, interruption: compute.Interruption) -> Film | None:
    """The film that the flags describe; None where Ctrl+C came first."""
    from landscape_gui import film
    from landscape_gui.probes import kind_of
    from landscape_gui.results import TrajectoryResult

    turn = TURNS[namespace.kind] if namespace.turn is None else namespace.turn
    if namespace.kind == "training":
        return over_training(namespace, interruption, turn)
    composed = composed_figure(namespace)
    if composed is not None:
        return film.turntable(composed, turn=turn, ease=namespace.ease)
    result = answer_of(namespace, interruption)
    if result is None:
        return None
    look = look_of(namespace)
    figure = kind_of(result)().figure(result, look)
    if namespace.kind == "turntable":
        return film.turntable(figure, turn=turn, ease=namespace.ease)
    if not isinstance(result, TrajectoryResult):
        raise UsageError(
            f"{namespace.path} holds no path of a run. Name an answer of `landscape-gui trajectory`, or its checkpoint."
        )
    grown = film.trajectory(figure, result, turn=turn, quantity=look.quantity, pace=namespace.pace)
    return replace(grown, ease=namespace.ease)


def composed_figure(namespace: argparse.Namespace) -> Figure | None:
    """The figure of several answers in a figure's file, all turned alike; None where PATH is no such file."""
    from landscape_gui.composition import composed, is_composition, read_composition
    from landscape_gui.composition.answers import all_found
    from landscape_gui.store import Store

    if not Path(namespace.path).is_file() or not is_composition(namespace.path):
        return None
    if namespace.kind != "turntable":
        raise UsageError("A figure of several answers can be turned: --kind turntable.")
    composition = read_composition(namespace.path)
    return composed(composition, all_found(composition, Store(), f"landscape-gui figure {namespace.path} --refresh"))


def answer_of(namespace: argparse.Namespace, interruption: compute.Interruption) -> Result | None:
    """The answer in the file, or the answer to the question that the film needs."""
    from landscape_gui.export.peers_opening import read_answer
    from landscape_gui.probes.surface import Surface
    from landscape_gui.probes.trajectory import Trajectory

    path = Path(namespace.path)
    if path.suffix.lower() in ANSWERS and path.is_file():
        return read_answer(namespace.path)
    problem = opening.open_named(namespace.path, namespace)
    kind: type[Probe] = Trajectory if namespace.kind == "trajectory" else Surface
    question = flags.make_probe(kind, known_to(kind, namespace), problem)
    return compute.ask(compute.sized(question, namespace, problem), problem, interruption, quiet=namespace.quiet)


def known_to(kind: type[Probe], namespace: argparse.Namespace) -> argparse.Namespace:
    """The flags without those of questions that this one does not know. UsageError where one of them was given."""
    names = {flags.PREFIX + f.name for f in dataclasses.fields(kind)}
    given = {name: value for name, value in vars(namespace).items() if name.startswith(flags.PREFIX) and name not in names}
    if given:
        flag = next(iter(given)).removeprefix(flags.PREFIX).replace("_", "-")
        raise UsageError(f"--{flag} says nothing of --kind {namespace.kind}. Leave it out.")
    return namespace


def over_training(namespace: argparse.Namespace, interruption: compute.Interruption, turn: float) -> Film | None:
    from landscape_gui.film import training
    from landscape_gui.jobs import Cancelled
    from landscape_gui.probes.pictures import axis_labels
    from landscape_gui.probes.surface import Surface
    from landscape_gui.store import Store
    from landscape_gui.training_course import course

    if Path(namespace.path).suffix.lower() in ANSWERS and Path(namespace.path).is_file():
        raise UsageError(
            "--kind training computes a surface for each checkpoint of a run. Name the run's folder or one of its checkpoints."
        )
    problem = opening.open_named(namespace.path, namespace)
    made: Any = flags.make_probe(Surface, namespace, problem)
    question: Any = compute.sized(made, namespace, problem)
    bar = ProgressBar("Surfaces")
    bar.shown = bar.shown and not namespace.quiet
    try:
        stages, axes = course(
            question, problem, Store(), count=namespace.checkpoints, on_progress=bar.update, cancelled=interruption.requested
        )
    except (Cancelled, KeyboardInterrupt):
        return None
    finally:
        bar.close()
    look = look_of(namespace)
    figures = [question.figure(stage.result, look) for stage in stages]
    found = training(
        figures,
        [stage.order for stage in stages],
        [stage.name for stage in stages],
        turn=turn,
        morph=not namespace.no_morph,
        labels=axis_labels(axes),
    )
    return replace(found, ease=namespace.ease)


def write(film: Film, namespace: argparse.Namespace, setup: FilmSetup, interruption: compute.Interruption) -> bool:
    """False where Ctrl+C came first."""
    from landscape_gui.export.films import FilmStopped, write_film

    bar = ProgressBar("Film")
    bar.shown = bar.shown and not namespace.quiet
    try:
        write_film(
            film, namespace.output, setup, stopped=interruption.requested,
            on_progress=lambda done, total: bar.update(done / total, f"frame {done} of {total}"),
        )  # fmt: skip
    except (FilmStopped, KeyboardInterrupt):
        return False
    finally:
        bar.close()
    return True
