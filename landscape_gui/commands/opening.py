"""Flags that say what is opened: a checkpoint, a run or a sample, with its code, its data and the device."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from landscape_gui.commands.parser import Parser, whole_number

if TYPE_CHECKING:
    from landscape_gui.problem import Problem


def add_path(parser: Parser) -> None:
    parser.add_argument("path", metavar="PATH", help="a checkpoint, a folder of them (its last one counts), or samples:NAME")


def add_opening_flags(parser: Parser) -> None:
    group = parser.add_argument_group("what is opened")
    group.add_argument(
        "--code",
        metavar="FILE",
        help="Python file with model(), data() and loss (default: landscape.py beside PATH or up to two folders above)",
    )
    group.add_argument("--trust", action="store_true", help="run that file; read it first")
    group.add_argument("--data", metavar="PATH", help=".npz, MNIST's idx files, or a folder or zip of images by class")
    group.add_argument("--architecture", metavar="NAME", help="a built-in family where its shapes fit: mlp, cnn, resnet")
    group.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu or cuda (default: auto)")
    group.add_argument("--threads", type=thread_count, default=1, metavar="N", help="threads of the processor (default: 1)")


def thread_count(text: str) -> int:
    count = whole_number(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"takes 1 or more, not {count}")
    return count


def open_named(path: str, namespace: argparse.Namespace) -> Problem:
    """The problem that PATH and its flags name. What was seen at opening and looks wrong is said on stderr."""
    from landscape_gui.problem import open_problem

    problem = open_problem(
        path,
        code=namespace.code,
        trusted=(lambda digest: True) if namespace.trust else None,
        data=namespace.data,
        architecture=namespace.architecture,
        device=namespace.device,
        threads=namespace.threads,
    )
    for warning in problem.warnings():
        print(f"landscape-gui: {warning}", file=sys.stderr)
    return problem
