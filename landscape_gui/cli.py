"""The command `landscape-gui`: opens the window, or answers a question without it. Imports nothing heavy before it is needed."""

from __future__ import annotations

import difflib
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from landscape_gui import __version__
from landscape_gui.commands.parser import USAGE_ERROR, Parser, UsageError
from landscape_gui.errors import LandscapeError

ANSWERED, NOT_ANSWERED, INTERRUPTED = 0, 1, 130

PROGRAM = "landscape-gui"

EXAMPLES = {
    "surface": """examples:
  landscape-gui surface samples:digits-mlp -o s.pdf
  landscape-gui surface net.pt --code landscape.py --trust --steps 51 --span 1 --limit 2000 -o s.pdf -o s.h5 -o s.json
  landscape-gui surface net.pt --directions towards --towards other.pt --steps 81 41 --log --view 2d -o plane.png""",
    "line": """examples:
  landscape-gui line samples:digits-mlp --steps 201 -o line.pdf -o line.csv
  landscape-gui line a.pt --directions towards --towards b.pt -o barrier.pdf""",
    "trajectory": """examples:
  landscape-gui trajectory samples:digits-mlp -o trajectory.pdf
  landscape-gui trajectory runs/7 --steps 61 --log --view 2d -o trajectory.svg""",
    "dynamics": """examples:
  landscape-gui dynamics samples:digits-mlp -o dynamics.pdf -o dynamics.csv
  landscape-gui dynamics runs/sgd --against runs/adam runs/sam --over step -o runs.pdf --save-epochs epochs.json
  landscape-gui dynamics runs/7 --checkpoints 11 --quantity lambda_max -o sharpening.pdf""",
    "topology": """examples:
  landscape-gui topology samples:digits-mlp -o topology.pdf -o topology.csv
  landscape-gui topology surface.h5 --deviations 3 -o topology.png""",
    "connect": """examples:
  landscape-gui connect samples:digits-seed-a samples:digits-seed-b -o c.pdf -o c.json
  landscape-gui connect a.pt b.pt --path line bezier aligned repaired --points 41 --split test -o c.pdf
  landscape-gui connect runs/1 runs/2 --batchnorm recalculated --compare-batchnorm -o gap.pdf""",
    "barriers": """examples:
  landscape-gui barriers runs/1 runs/2 runs/3 --path aligned -o matrix.pdf -o matrix.csv""",
    "report": """examples:
  landscape-gui report samples:digits-seed-a samples:digits-seed-b -o report.md -o report.tex
  landscape-gui report net.pt other.pt --code landscape.py --trust --limit 2000 -o report.csv -o report.json""",
    "compare": """examples:
  landscape-gui compare samples:digits-mlp samples:digits-resnet samples:digits-resnet-plain -o three.md -o three.pdf
  landscape-gui compare runs/ --limit 2000 --sort loss_gap -o runs.tex -o runs.csv
  landscape-gui compare a.pt b.pt c.pt d.pt --numbers loss_gap,lambda_max,trace --surfaces surfaces.pdf --log""",
    "sharpness": """examples:
  landscape-gui sharpness samples:digits-mlp -o s.json -o s.pdf
  landscape-gui sharpness net.pt --points 1 --limit 2000 --groups 0 --no-bound -o s.csv""",
    "info": """examples:
  landscape-gui info net.pt
  landscape-gui info samples:digits-mlp runs/*.safetensors""",
    "samples": """examples:
  landscape-gui samples
  for name in $(landscape-gui samples --names); do landscape-gui surface samples:$name -o $name.png; done""",
    "train": """examples:
  landscape-gui train runs/a --data digits --architecture mlp --epochs 20 --geometry
  landscape-gui train runs/b --data images/ --size 32 --architecture resnet --optimizer sam --schedule cosine --line first last
  landscape-gui train runs/edge --data chebyshev --hidden 100 --activation tanh --init xavier --optimizer sgd --lr 0.1 \\
      --full-batch --steps 8000 --seed 2 --geometry""",
    "animate": """examples:
  landscape-gui animate samples:digits-mlp -o turn.mp4
  landscape-gui animate samples:digits-mlp --kind trajectory --log --turn 60 -o path.mp4
  landscape-gui animate runs/7 --kind training --checkpoints 20 --steps 51 --seconds 10 -o training.gif""",
    "export": """examples:
  landscape-gui export s.h5 -o s.pdf -o s.csv
  landscape-gui export s.h5 --view 2d --quantity test_accuracy --theme dark -o accuracy.png""",
    "cite": """examples:
  landscape-gui cite figure.pdf
  landscape-gui cite answer.h5 -o caption.tex -o methods.bib
  landscape-gui cite spectrum >> references.bib""",
    "reproduce": """examples:
  landscape-gui reproduce figure.pdf
  landscape-gui reproduce figure.png --checkpoint runs/7/last.pt --recompute -o again.png
  landscape-gui reproduce surface.h5 --exact""",
    "figure": """examples:
  landscape-gui figure samples:digits-resnet-plain samples:digits-resnet --log --venue neurips -o li2018.pdf
  landscape-gui figure a.h5 b.h5 --title SGD --title Adam --difference -o both.figure.json -o both.pdf
  landscape-gui figure samples:digits-mlp --probe surface spectrum --view 3d 2d --across 3 -o three.pdf
  landscape-gui figure both.figure.json --refresh --font-size 7 -o both.pdf""",
    "analyze": """examples:
  landscape-gui analyze samples:digits-mlp --save-dir results
  landscape-gui analyze --model cnn --dataset digits --train 10 --save-dir cnn-on-digits
  landscape-gui analyze --model resnet18 --dataset cifar10 --data cifar-10-batches-py --visualize --compute-hessian""",
    "cache": """examples:
  landscape-gui cache ls
  landscape-gui cache verify""",
}

EXIT_STATUS = (
    "exit status: 0 answered, 1 it could not be answered, 2 the command line is wrong, 130 interrupted (what was computed is kept)"
)
OWN_EXIT_STATUS = {
    "reproduce": "exit status: 0 the same to the bit, or equal to 1e-5; 1 different (with --exact also where only equal), or not "
    "found; 2 the command line is wrong; 130 interrupted (what was computed is kept)",
    "animate": "exit status: 0 written, 1 it could not be written, 2 the command line is wrong, 130 interrupted (surfaces "
    "that were computed are kept)",
}


@dataclass(frozen=True, kw_only=True)
class Command:
    summary: str
    add_flags: Callable[[Parser], None]
    run: Callable[[Namespace], int]
    prepare: Callable[[Parser, Sequence[str]], None] | None = None
    """Adds the flags that depend on what else is said."""


def commands() -> dict[str, Command]:
    """Every command by name: one a probe, then the others."""
    from landscape_gui.commands import (
        analyze,
        animate,
        cache,
        cite,
        compare,
        compute,
        export,
        figure,
        info,
        report,
        reproduce,
        samples,
        topology,
        train,
    )

    found = {
        name: Command(
            summary=probe.summary, add_flags=partial(compute.add_flags, probe=probe), run=partial(compute.run, probe=probe)
        )
        for name, probe in compute.probes()
    }
    return found | {
        "report": Command(summary=report.report_probe().summary, add_flags=report.add_flags, run=report.run),
        "compare": Command(
            summary="Models side by side, a row each, their measures against the generalisation gap, their surfaces in one scale.",
            add_flags=compare.add_flags,
            run=compare.run,
        ),
        "topology": Command(summary=topology.topology_probe().summary, add_flags=topology.add_flags, run=topology.run),
        "info": Command(summary="What a file is: parameters, layers, loss, accuracy, run.", add_flags=info.add_flags, run=info.run),
        "analyze": Command(
            summary="Everything about one network, in a folder: figures, tables, answers and a report.",
            add_flags=analyze.add_flags,
            run=analyze.run,
        ),
        "animate": Command(
            summary="A film: a turntable, the growing path of a run, or the surface over training.",
            add_flags=animate.add_flags,
            run=animate.run,
        ),
        "export": Command(
            summary="Figures and numbers from an answer, without its model or its data.", add_flags=export.add_flags, run=export.run
        ),
        "cite": Command(summary="Caption and BibTeX of a figure, an answer or a question.", add_flags=cite.add_flags, run=cite.run),
        "reproduce": Command(
            summary="What a figure shows, found or computed again, and whether it is the same to the bit.",
            add_flags=reproduce.add_flags,
            run=reproduce.run,
        ),
        "figure": Command(
            summary="Several answers in one figure: side by side, with one camera, one scale and one colour bar.",
            add_flags=figure.add_flags,
            run=figure.run,
            prepare=figure.prepare,
        ),
        "train": Command(
            summary="Train a small network, recorded as a run that the window opens.", add_flags=train.add_flags, run=train.run
        ),
        "samples": Command(summary="The checkpoints that come with the program.", add_flags=samples.add_flags, run=samples.run),
        "cache": Command(summary="The answers that are kept: list, verify, delete.", add_flags=cache.add_flags, run=cache.run),
        "doctor": Command(
            summary="What this machine lacks, and the command that mends it.", add_flags=lambda parser: None, run=run_doctor
        ),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: the process's own) and return its exit status; errors become sentences."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = run(arguments)
        sys.stdout.flush()
        return status
    except UsageError as error:
        return fail(str(error), USAGE_ERROR)
    except LandscapeError as error:
        return fail(str(error), NOT_ANSWERED)
    except KeyboardInterrupt:
        return fail("interrupted.", INTERRUPTED)
    except BrokenPipeError:  # `landscape-gui samples | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWERED
    except MemoryError:
        return fail("there is not enough memory. Ask about fewer examples: --limit 1000", NOT_ANSWERED)


def fail(message: str, status: int) -> int:
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return status


def run(arguments: list[str]) -> int:
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help", "help"):
        print(help_text())
        return ANSWERED
    if first == "--version":
        print(f"{PROGRAM} {__version__}")
        return ANSWERED
    if first and "." not in first and "/" not in first and first in commands():
        return run_command(first, arguments[1:])
    return open_window(arguments)


def run_command(name: str, arguments: list[str]) -> int:
    command = commands()[name]
    return command.run(make_parser(name, command, arguments).parse(arguments))


def make_parser(name: str, command: Command, arguments: Sequence[str] = ()) -> Parser:
    epilog = "\n\n".join(part for part in (EXAMPLES.get(name), OWN_EXIT_STATUS.get(name, EXIT_STATUS)) if part)
    parser = Parser(prog=f"{PROGRAM} {name}", description=f"{command.summary.rstrip('.')}.", epilog=epilog)
    command.add_flags(parser)
    if command.prepare is not None:
        command.prepare(parser, arguments)
    values = " ".join(action.metavar for action in parser._positionals._group_actions if isinstance(action.metavar, str))
    parser.usage = " ".join(part for part in ("%(prog)s", values, "[FLAGS]") if part)
    return parser


def run_doctor(namespace: Namespace) -> int:
    from landscape_gui.doctor import examine, print_report

    return print_report(examine())


def open_window(arguments: list[str]) -> int:
    """Open the window on files, folders and samples:NAME; a sentence where it cannot be opened."""
    parser = Parser(prog=PROGRAM, add_help=False)
    parser.add_argument("paths", nargs="*")
    paths = parser.parse(arguments).paths
    for path in paths:
        check_path(path)
    from landscape_gui.doctor import display_problem

    problem = display_problem()
    if problem:
        return fail(f"{problem} Without one the commands work ({PROGRAM} --help); {PROGRAM} doctor says more.", NOT_ANSWERED)
    from landscape_gui.app import main as open_app

    return open_app(paths)


def check_path(path: str) -> None:
    """UsageError for what is not there, with the command or sample that was probably meant."""
    if path.startswith("samples:"):
        from landscape_gui import samples

        names = list(samples.names())
        if path.removeprefix("samples:") not in names:
            raise UsageError(f"There is no sample {path.removeprefix('samples:')!r}. There are: {', '.join(names)}.")
    elif not Path(path).exists():
        near = difflib.get_close_matches(path, list(commands()), 1)
        hint = f" Did you mean the command {near[0]}?" if near else f" See {PROGRAM} --help."
        raise UsageError(f"There is no file or folder {path!r}.{hint}")


def help_text() -> str:
    """What `landscape-gui --help` prints."""
    known = commands()
    width = max(map(len, known)) + 2
    lines = [f"  {name:{width}}{command.summary}" for name, command in known.items()]
    return f"""{PROGRAM} {__version__}: open a neural network's checkpoint and explore its loss landscape

usage:
  {PROGRAM} [PATH ...]              open the window, on checkpoints, folders of them or samples:NAME
  {PROGRAM} COMMAND PATH [FLAGS]    answer a question without the window

commands:
{chr(10).join(lines)}

first steps:
  {PROGRAM} samples:digits-mlp                     a window with a loss surface
  {PROGRAM} surface samples:digits-mlp -o s.pdf    the same as a figure
  {PROGRAM} surface --help                         every flag of a command

{EXIT_STATUS}"""


if __name__ == "__main__":
    sys.exit(main())
