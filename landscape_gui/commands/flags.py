"""Flags of a command from the described fields of its probe, and a probe from the flags that were given."""

from __future__ import annotations

import argparse
import dataclasses
import re
import typing
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from landscape_gui.commands.parser import Parser, number, split_numbers, whole_number
from landscape_gui.probes.base import CheckpointRef, FileRef, Probe
from landscape_gui.probes.plane import PlaneProbe, check_agreement

if TYPE_CHECKING:
    from landscape_gui.problem import Problem

PREFIX = "field_"


def flag_of(f: dataclasses.Field[Any]) -> str:
    return "--" + (f.metadata["flag"] or f.name.replace("_", "-")).removeprefix("--")


def shown_fields(probe: type[Probe]) -> Iterator[dataclasses.Field[Any]]:
    return (f for f in dataclasses.fields(probe) if f.metadata and (f.metadata["positional"] or not f.metadata["hidden"]))


def add_probe_flags(parser: Parser, probe: type[Probe]) -> None:
    """One flag a field, in the fields' order. A flag that is not given leaves the probe's own default."""
    hints = typing.get_type_hints(probe)
    usual, seldom = parser.add_argument_group("the question"), parser.add_argument_group("the question, seldom needed")
    for f in shown_fields(probe):
        add_field(parser, seldom if f.metadata["advanced"] else usual, f, hints[f.name])


def add_field(parser: Parser, group: argparse._ArgumentGroup, f: dataclasses.Field[Any], hint: Any) -> None:
    flag, kind = flag_of(f), plain_type(hint)
    if f.metadata["positional"]:
        several = typing.get_origin(kind) is tuple
        parser.add_argument(PREFIX + f.name, nargs="+" if several else None, metavar=f.metadata["metavar"], help=help_text(f))
        return
    common: dict[str, Any] = {"dest": PREFIX + f.name, "default": argparse.SUPPRESS, "help": help_text(f)}
    if kind is bool:
        action = "store_false" if f.default else "store_true"
        group.add_argument(flag.replace("--", "--no-", 1) if f.default else flag, action=action, **common)
        return
    if typing.get_origin(kind) is tuple and typing.get_args(kind)[0] is str and f.metadata["choices"]:
        parser.named[flag] = tuple(f.metadata["choices"])
        group.add_argument(flag, type=names_of(parser.named[flag]), metavar=f.metadata["metavar"] or "NAME...", **common)
        return
    if typing.get_origin(kind) is tuple and typing.get_args(kind)[0] is CheckpointRef:
        group.add_argument(flag, nargs="+", action="extend", metavar=f.metadata["metavar"] or "CHECKPOINT", **common)
        return
    if typing.get_origin(kind) is tuple:
        parser.numeric.add(flag)
        group.add_argument(flag, type=tuple_of(kind, flag), metavar=f.metadata["metavar"] or "N", **common)
        return
    if f.metadata["choices"] and kind is str:
        common["choices"] = tuple(f.metadata["choices"])
    convert: Callable[[str], Any] = {int: whole_number, float: number}.get(kind, str)
    group.add_argument(flag, type=convert, metavar=f.metadata["metavar"] or metavar_of(kind, f), **common)


def plain_type(hint: Any) -> Any:
    """int for `int | None`; str for a Literal of strings."""
    if typing.get_origin(hint) is typing.Literal:
        return type(typing.get_args(hint)[0])
    options = [t for t in typing.get_args(hint) if t is not type(None)]
    return options[0] if type(None) in typing.get_args(hint) and len(options) == 1 else hint


def metavar_of(kind: Any, f: dataclasses.Field[Any]) -> str:
    if f.metadata["choices"] and kind is str:
        return "NAME"
    return {int: "N", float: "X", CheckpointRef: "CHECKPOINT", FileRef: "FILE"}.get(kind, "TEXT")


def tuple_of(kind: Any, flag: str) -> Callable[[str], tuple[Any, ...]]:
    """Fixed length: takes all its numbers (of counts, also one for all). Any length (tuple[float, ...]): takes what is given."""
    items = typing.get_args(kind)
    scalar: Callable[[str], Any] = {int: whole_number, float: number}.get(items[0], str)
    length = None if items[-1] is Ellipsis else len(items)

    def convert(text: str) -> tuple[Any, ...]:
        values = tuple(scalar(part) for part in split_numbers(text))
        if length is not None and len(values) == 1 and items[0] is int:
            return values * length
        if length is not None and len(values) != length:
            wanted = f"one number or {length}" if items[0] is int else f"{length} numbers"
            raise argparse.ArgumentTypeError(f"takes {wanted}, not {len(values)}")
        return values

    return convert


def names_of(choices: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Takes one or several of these names."""

    def convert(text: str) -> tuple[str, ...]:
        names = tuple(part for part in re.split(r"[,;\s]+", text) if part)
        wrong = next((name for name in names if name not in choices), None)
        if wrong is not None or not names:
            raise argparse.ArgumentTypeError(f"cannot be {wrong or text!r}; choose one or several of {', '.join(choices)}")
        return names

    return convert


def help_text(f: dataclasses.Field[Any]) -> str:
    """What the field is, its unit and its default; then each of its choices in words, on a line of its own."""
    meta = f.metadata
    default = default_text(f.default)
    aside = [f"unit: {meta['unit']}"] if meta["unit"] else []
    aside += [f"default: {default}"] if default else []
    text = str(meta["help"] or meta["label"]).rstrip(".") + (f" ({'; '.join(aside)})" if aside else "")
    lines = [text, *(f"  {value}: {words}" for value, words in (meta["choices"] or {}).items())]
    return "\n".join(lines).replace("%", "%%")


def default_text(default: Any) -> str:
    if default is None or isinstance(default, bool) or default == () or default == "":
        return ""
    return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)


def make_probe(probe: type[Probe], namespace: argparse.Namespace, problem: Problem) -> Probe:
    """The question that the flags ask about `problem`. QuestionError where a value is out of range or two contradict each other."""
    hints = typing.get_type_hints(probe)
    given = {name.removeprefix(PREFIX): value for name, value in vars(namespace).items() if name.startswith(PREFIX)}
    values = {name: refer(plain_type(hints[name]), value, problem) for name, value in given.items()}
    question = probe(**values)
    if isinstance(question, PlaneProbe):
        check_agreement(values.get("directions", question.directions), values)
    return question


def refer(kind: Any, value: Any, problem: Problem) -> Any:
    if kind is CheckpointRef:
        return problem.reference(value)
    if kind is FileRef:
        return file_reference(value)
    if typing.get_origin(kind) is tuple and typing.get_args(kind)[0] is CheckpointRef:
        return tuple(problem.reference(path) for path in value)
    return value


def file_reference(path: str) -> FileRef:
    """A file named in a question, with the xxh3-128 of its bytes."""
    import xxhash

    from landscape_gui.errors import QuestionError

    try:
        with open(path, "rb") as file:
            return FileRef(path, xxhash.xxh3_128(file.read()).hexdigest())
    except OSError as error:
        raise QuestionError(f"{path} cannot be read: {error.strerror}.", remedy="Check its name.") from error
