"""Flags that say what is opened: a checkpoint, a run or a sample, with its code, its data and the device."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from landscape_gui.commands.parser import Parser, whole_number

if TYPE_CHECKING:
    from landscape_gui.problem import Problem


def add_path(parser: Parser) -> None:
    parser.add_argument("path", metavar="PATH", help="a checkpoint, a folder of them (its last one counts), or samples:NAME")


def add_opening_flags(parser: Parser) -> None:
    group = parser.add_argument_group("what is opened")
    group.add_argument(
        "--code",
        metavar="CODE",
        help="Python file with model(), data() and loss (default: landscape.py beside PATH or up to two folders above); or "
        "FILE.py:FUNCTION or MODULE:FUNCTION, which makes the network",
    )
    group.add_argument("--trust", action="store_true", help="run that code, or the project's, from now on; read it first")
    group.add_argument(
        "--data",
        metavar="PATH",
        help="arrays (.npz, .npy, .pt, .safetensors), MNIST's idx files, CIFAR's batches, a folder or zip of images by class, CSV, "
        "text, token ids, Parquet",
    )
    group.add_argument(
        "--normalise",
        metavar="NAME",
        help="what the network was trained with: mnist, cifar10, cifar100, imagenet, half, standard, none (default: as last time)",
    )
    group.add_argument("--size", type=at_least_one, metavar="N", help="crop images to N by N pixels, resized before")
    group.add_argument(
        "--resize",
        type=resize_length,
        metavar="N",
        help="with --size: what images' shorter side is scaled to first (default: what the network is evaluated with where known, "
        "else the size); stretch scales both sides to the size",
    )
    group.add_argument(
        "--target", default="", metavar="COLUMN", help="the target's column in a table; COLUMN:class or COLUMN:number"
    )
    group.add_argument("--block", type=at_least_one, default=0, metavar="N", help="tokens in one example of a text")
    group.add_argument(
        "--architecture",
        metavar="NAME",
        help="a built-in family where its shapes fit: mlp, cnn, resnet; or timm:NAME, torchvision:NAME",
    )
    group.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu or cuda (default: auto)")
    group.add_argument("--threads", type=at_least_one, default=1, metavar="N", help="threads of the processor (default: 1)")


def at_least_one(text: str) -> int:
    count = whole_number(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"takes 1 or more, not {count}")
    return count


def resize_length(text: str) -> str:
    """A number of pixels, "stretch" or "stretch:N"."""
    word, _, length = text.partition(":")
    number = text if word != "stretch" else length
    if not (word == "stretch" and ":" not in text) and not (number.isdecimal() and number.isascii() and int(number) > 0):
        raise argparse.ArgumentTypeError(f"takes a number of pixels, or stretch, not {text!r}")
    return text


def data_options(namespace: argparse.Namespace) -> dict[str, Any]:
    """What is said of the data; how they are normalised is, where it is not said, as it was said of the same data last time."""
    options = {name: getattr(namespace, name) for name in ("data", "normalise", "size", "resize", "target", "block")}
    if namespace.data is not None and namespace.normalise is None:
        from landscape_gui.problem.remembered import choice_for_data

        known = choice_for_data(namespace.data)
        if known is not None and known.normalise not in ("", "none"):
            options["normalise"] = known.normalise
            said = f"{namespace.data} is normalised as {known.normalise}, as last time (--normalise none: not)."
            print(f"landscape-gui: {said}", file=sys.stderr)
    return options


def remember_normalisation(namespace: argparse.Namespace) -> None:
    """Keep what was said and opened; a folder of settings that cannot be written is no reason to stop."""
    if namespace.data is None or namespace.normalise is None:
        return
    from landscape_gui.data_choice import DataChoice
    from landscape_gui.problem.remembered import choice_for_data, remember

    known = choice_for_data(namespace.data) or DataChoice(path=namespace.data)
    with contextlib.suppress(OSError):
        remember(replace(known, normalise=namespace.normalise))


def chosen_before(path: str) -> Callable[[str], str]:
    """The architecture that was chosen in the window for the same tensors, which a line on stderr says."""

    def chosen(digest: str) -> str:
        from landscape_gui.problem.remembered import architecture_for

        name = architecture_for(digest)
        if name:
            print(f"landscape-gui: {path} is {name}, as was chosen (--architecture NAME: another).", file=sys.stderr)
        return name

    return chosen


def allow(digest: str) -> bool:
    """--trust: code of this content may run, now and from now on, in the window too."""
    from landscape_gui.trust import remember_trust

    with contextlib.suppress(OSError):  # settings that cannot be written are no reason to stop
        remember_trust(digest)
    return True


def open_named(path: str, namespace: argparse.Namespace) -> Problem:
    """The problem that PATH and its flags name. What was seen at opening and looks wrong is said on stderr."""
    problem = open_quietly(path, namespace)
    say_warnings(problem)
    return problem


def open_quietly(path: str, namespace: argparse.Namespace, *, examples: int = 0) -> Problem:
    """The same, whose losses nobody has looked at yet. examples: all that is known of each split, 0: everything."""
    from landscape_gui.problem import open_problem

    problem = open_problem(
        path,
        code=namespace.code,
        trusted=allow if namespace.trust else None,
        architecture=namespace.architecture,
        chosen=chosen_before(path),
        device=namespace.device,
        threads=namespace.threads,
        examples=examples,
        **data_options(namespace),
    )
    remember_normalisation(namespace)
    return problem


def say_warnings(problem: Problem) -> None:
    for warning in problem.warnings():
        print(f"landscape-gui: {warning}", file=sys.stderr)
