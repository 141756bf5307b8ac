"""train FOLDER: train a small network of a built-in family with the recorder; a run that the window opens while it grows."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import compute, opening
from landscape_gui.commands.parser import Parser, UsageError, number, split_numbers, whole_number
from landscape_gui.commands.terminal import ProgressBar
from landscape_gui.errors import ProblemError

if TYPE_CHECKING:
    from landscape_gui.run import Run, RunEntry
    from landscape_gui.training.recipe import Recipe
    from landscape_gui.training.state import State
    from landscape_gui.training.training import Progress, Trained

LINE_POINTS = 41
TEXTS = {
    "hidden": "N...|widths of the hidden layers of an mlp; of a cnn's one hidden Linear layer the first",
    "activation": "NAME|relu, tanh, gelu, sigmoid, silu, elu, ...",
    "channels": "N...|of the convolutions of a cnn, one after the other",
    "kernel": "N|side of a cnn's convolutions",
    "depth": "N|layers of a resnet, 6 n + 2",
    "width": "N|channels of a resnet's first stage",
    "momentum": "X|of momentum, nesterov and sam",
    "weight_decay": "X|",
    "rho": "X|radius of sam",
    "lr": "X|learning rate",
    "warmup": "X|share of training in which the learning rate rises from 0",
    "batch": "N|examples of a step",
    "epochs": "N|passes over the data",
    "steps": "N|steps of the optimiser, in place of --epochs",
    "seed": "N|of the first weights and the order of examples",
    "every": "N|epochs between measurements (default: 1, or so many that there are 200)",
    "probe_examples": "N|training examples that --geometry measures on",
    "keep": "N|checkpoints that are kept at most, early ones dense (default: the recorder's choice)",
}
"""Metavar and help of what a recipe holds as numbers and free texts."""
CHOSEN = {
    "family": "--architecture|family of the network",
    "shortcut": "--shortcut|of a resnet: zero-padded, by convolutions, or none",
    "initialisation": "--init|the first weights",
    "optimiser": "--optimizer|how a step is made",
    "schedule": "--schedule|of the learning rate",
    "loss": "--loss|what is descended",
}
"""Flag and help of what is one of some names."""


def add_flags(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="where the run is written; made, and not overwritten")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the training in FOLDER where it was stopped or killed, as if it had not been; its flags need not be given "
        "again, more --epochs or --steps make it longer where its learning rate is constant. Where FOLDER holds nothing, training "
        "begins",
    )
    parser.add_argument(
        "--line",
        nargs=2,
        metavar=("FIRST", "LAST"),
        help="also write the loss along the line between two checkpoints to FOLDER/line.json: epochs, or first and last",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a run that an earlier training left in FOLDER")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or cuda (default: auto; with --resume as before)")
    parser.add_argument(
        "--threads", type=opening.at_least_one, metavar="N", help="threads of the processor (default: 1; with --resume as before)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary on the terminal")
    add_data_flags(parser)
    add_recipe_flags(parser)


def add_data_flags(parser: Parser) -> None:
    from landscape_gui.training.recipe import DATA

    group = parser.add_argument_group("the data")
    names = "\n".join(f"  {name}: {words}" for name, words in DATA.items())
    help = f"a path of any kind that opens (arrays, idx, CIFAR, images by class, CSV, ...), or (default: digits)\n{names}"
    group.add_argument("--data", metavar="NAME|PATH", help=help)
    group.add_argument("--normalise", metavar="NAME", help="of a path: mnist, cifar10, cifar100, imagenet, half, standard, none")
    group.add_argument("--size", type=opening.at_least_one, metavar="N", help="crop images to N by N pixels, resized before")
    group.add_argument("--target", default="", metavar="COLUMN", help="the target's column in a table")


def add_recipe_flags(parser: Parser) -> None:
    from landscape_gui.training import recipe as recipes

    tables: dict[str, Any] = {
        "family": dict.fromkeys(recipes.FAMILIES, ""),
        "initialisation": recipes.INITIALISATIONS,
        "optimiser": recipes.OPTIMISERS,
        "schedule": recipes.SCHEDULES,
        "loss": recipes.LOSSES,
        "shortcut": dict.fromkeys(recipes.CHOICES["shortcut"], ""),
    }
    group = parser.add_argument_group("the training")
    for f in dataclasses.fields(recipes.Recipe):
        if f.name in CHOSEN:
            lines = "\n".join(f"  {name}: {words}" if words else f"  {name}" for name, words in tables[f.name].items())
            default = f" (default: {f.default})" if f.default else " (default: of the targets' kind)"
            flag, words = CHOSEN[f.name].split("|")
            group.add_argument(flag, dest=f"recipe_{f.name}", choices=[*tables[f.name]], metavar="NAME", default=argparse.SUPPRESS,
                               help=f"{words}{default}\n{lines}".replace("%", "%%"))  # fmt: skip
        elif f.name in TEXTS:
            add_number(parser, group, f)
    group.add_argument("--full-batch", action="store_true", help="every step on all examples")
    help = "also measure gradient norm, lambda_max, directional sharpness, LGDI and stability ratio"
    group.add_argument("--geometry", dest="recipe_geometry", action="store_true", default=argparse.SUPPRESS, help=help)


def add_number(parser: Parser, group: argparse._ArgumentGroup, f: dataclasses.Field[Any]) -> None:
    flag, (metavar, words) = "--" + f.name.replace("_", "-"), TEXTS[f.name].split("|")
    shown = " ".join(map(str, f.default)) if isinstance(f.default, tuple) else f.default
    said = words or f.name.replace("_", " ")
    help = said if "(default" in said or not f.default else f"{said} (default: {shown})"
    if isinstance(f.default, tuple):
        parser.numeric.add(flag)
    kinds: dict[type, Callable[[str], Any]] = {tuple: widths, int: whole_number, float: number, str: str}
    group.add_argument(
        flag,
        dest=f"recipe_{f.name}",
        type=kinds[type(f.default)],
        metavar=metavar,
        default=argparse.SUPPRESS,
        help=help.replace("%", "%%"),
    )


def widths(text: str) -> tuple[int, ...]:
    """ "64 32", "64,32", and "0" for none."""
    found = tuple(whole_number(part) for part in split_numbers(text))
    return () if found == (0,) else found


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui.problem.settings import choose_device, prepare_torch
    from landscape_gui.training.data import find_data
    from landscape_gui.training.folder import take_away

    check_flags(namespace)
    folder = Path(namespace.folder)
    state = state_of(folder) if namespace.resume else None
    recipe, source = recipe_of(namespace, state), source_of(namespace, state)
    device = namespace.device or (state.device if state is not None else "auto")
    choose_device(device)
    prepare_torch(namespace.threads or (state.threads if state is not None else 1))
    data, entry = find_data(source["name"], {name: value for name, value in source.items() if name != "name"})
    if namespace.overwrite or (namespace.resume and state is None):
        take_away(folder)
    began = going_on(state, recipe, folder, data.splits[0].examples, device) if namespace.resume else ""
    with compute.Interruption() as interruption, shown_bar(began, quiet=namespace.quiet) as show:
        from landscape_gui.training.training import train

        trained = train(
            recipe, data, folder, entry=entry, device=device, source=source, resume=state is not None,
            interrupted=interruption.requested, progress=show,
        )  # fmt: skip
    if trained.end == "done" and namespace.line:
        write_line(folder, namespace.line, device)
    if not namespace.quiet:
        print(said(trained))
    return ended(trained, folder)


def check_flags(namespace: argparse.Namespace) -> None:
    """UsageError where two contradict each other."""
    given = given_of(namespace)
    if namespace.full_batch and "batch" in given:
        raise UsageError("--full-batch and --batch contradict each other. Leave one out.")
    if given.get("batch") == 0:
        raise UsageError("--batch 0 has no examples. Give 1 or more, or --full-batch.")
    if "steps" in given and "epochs" in given:
        raise UsageError("--steps and --epochs contradict each other. Leave one out.")
    if namespace.resume and namespace.overwrite:
        raise UsageError("--resume goes on with the run that --overwrite replaces. Leave one out.")
    for text in namespace.line or ():
        if text not in ("first", "last") and not text.isdecimal():
            raise UsageError(f"--line takes epochs, first and last, not {text!r}.")


def given_of(namespace: argparse.Namespace) -> dict[str, Any]:
    """What the flags say of the recipe."""
    return {name.removeprefix("recipe_"): value for name, value in vars(namespace).items() if name.startswith("recipe_")}


def state_of(folder: Path) -> State | None:
    """Where the training in a folder is; None where it has not begun. Raises ProblemError."""
    from landscape_gui.training.folder import is_blank
    from landscape_gui.training.state import STATE, read_state

    state = None if is_blank(folder) else read_state(folder)
    if state is None and not is_blank(folder):
        raise ProblemError(
            f"{folder} holds a run, but no {STATE} that says how it goes on: it was not trained by this command, or the file was "
            "taken away.",
            remedy="Train from the start, into another folder.",
        )
    return state


def recipe_of(namespace: argparse.Namespace, state: State | None) -> Recipe:
    """The recipe that the flags give, else the state's. QuestionError for a value out of range."""
    from landscape_gui.training.recipe import Recipe

    given = given_of(namespace) | ({"batch": 0} if namespace.full_batch else {})
    if "epochs" in given:
        given["steps"] = 0
    return Recipe(**given) if state is None else dataclasses.replace(state.recipe, **given)


def source_of(namespace: argparse.Namespace, state: State | None) -> dict[str, Any]:
    """Which data, and how they are read: as the flags say, else as before."""
    from landscape_gui.training.data import DEFAULT, source_of

    options = {name: getattr(namespace, name) for name in ("normalise", "size", "target")}
    if namespace.data is not None or state is None or not state.source:
        return source_of(namespace.data or DEFAULT, options)
    return {**state.source, **{name: value for name, value in options.items() if value}}


def going_on(state: State | None, recipe: Recipe, folder: Path, examples: int, device: str) -> str:
    """What --resume found."""
    if state is None:
        return f"{folder} holds no training yet: it begins."
    total = recipe.total(examples)
    other = "" if device == state.device else f" It was on {state.device}, now on {device}: equal but for rounding."
    if state.done == total:
        return f"{folder} had come to its end, {recipe.lasting()}, which is measured again. More --epochs make it longer.{other}"
    return f"{folder} goes on after step {state.done:,} of {total:,}, epoch {state.epoch} of {recipe.length(examples)}.{other}"


@contextlib.contextmanager
def shown_bar(began: str, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """What shows progress; first of all it says how training began, where there is something to say."""
    bar, said = ProgressBar("Training"), [began] if began and not quiet else []
    bar.shown = bar.shown and not quiet

    def show(state: Progress) -> None:
        while said:
            print(f"landscape-gui: {said.pop()}", file=sys.stderr)
        bar.update(state.done / max(1, state.total), f"epoch {state.epoch}  {values_text(state.values)}")

    try:
        yield show
    finally:
        bar.close()


def ended(trained: Trained, folder: Path) -> int:
    """Say how it ended where that is not the end; the exit status."""
    if trained.end == "interrupted":
        go_on = f"What was trained is in {folder}. Go on with: landscape-gui train {shlex.quote(str(folder))} --resume"
        print(f"landscape-gui: interrupted{'. ' + go_on if trained.rows else ' before the first step.'}", file=sys.stderr)
        return compute.INTERRUPTED
    if trained.end == "diverged":
        print(
            f"landscape-gui: training diverged: by step {trained.step:,} (epoch {trained.epoch}) weights are not finite, and "
            f"it was stopped there. What was trained is in {folder}; try a smaller --lr.",
            file=sys.stderr,
        )
        return 1
    return 0


SHOWN = {
    "train_loss": "train loss",
    "test_loss": "test loss",
    "test_accuracy": "accuracy",
    "lambda_max": "lambda_max",
    "stability_ratio": "lr lambda_max",
}


def values_text(values: dict[str, float]) -> str:
    parts = [
        f"{label} {values[name]:.2%}" if name.endswith("accuracy") else f"{label} {values[name]:.4g}"
        for name, label in SHOWN.items()
        if name in values and (name == "train_loss" or not math.isnan(values[name]))
    ]
    return "  ".join(parts)


def said(trained: Trained) -> str:
    """The last measurement, and what recording cost."""
    last = trained.rows[-1] if trained.rows else {}
    untested = "  (these data have no test split)" if last and math.isnan(last["test_loss"]) and trained.end != "diverged" else ""
    head = [f"epoch {last['epoch']:g}: {values_text(last)}{untested}"] if last else []
    return "\n".join([*head, str(trained.summary), f"Open it with: landscape-gui {trained.folder}"])


def write_line(folder: Path, ends: list[str], device: str) -> None:
    """The loss on the training data along the line between two checkpoints of the run, as JSON; alpha is 0 at the first."""
    import torch

    from landscape_gui.jobs import answer
    from landscape_gui.probes import Line
    from landscape_gui.problem import open_problem
    from landscape_gui.recorder.files import write_whole
    from landscape_gui.run import find_run
    from landscape_gui.training.folder import LINE

    found = find_run(folder)
    if found is None:
        raise ProblemError(f"{folder} holds no run.", remedy="Train for a step at least.")
    first, last = (named(found, text) for text in ends)
    problem = open_problem(first.path, device=device, threads=torch.get_num_threads())
    question = Line(directions="towards", towards=problem.reference(last.path), span=(0.0, 1.0), steps=LINE_POINTS)
    result: Any = answer(question, problem)
    name = next(iter(problem.splits)) + "_loss"
    rows = [{"alpha": float(x), "loss": float(y)} for x, y in zip(result.x, result.quantities[name].values, strict=True)]
    write_whole(folder / LINE, (json.dumps(rows, indent=1) + "\n").encode())


def named(run: Run, text: str) -> RunEntry:
    """The checkpoint called "first", "last", or by its epoch. UsageError: there is none."""
    if text in ("first", "last"):
        return run.checkpoints[0 if text == "first" else -1]
    found = next((entry for entry in run.checkpoints if entry.epoch is not None and f"{entry.epoch:g}" == text), None)
    if found is None:
        known = ", ".join(f"{entry.epoch:g}" for entry in run.checkpoints if entry.epoch is not None)
        raise UsageError(
            f"--line: the run has no checkpoint of epoch {text}. It has those of epochs {known}; or write first, last."
        )
    return found
