"""An argument parser whose errors are sentences, and which takes several numbers after one flag wherever the flag stands."""

from __future__ import annotations

import argparse
import difflib
import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn

USAGE_ERROR = 2

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$|[-+]?(inf|nan)$", re.IGNORECASE)


class UsageError(Exception):
    """The command line is wrong: a sentence that says what, and one that says what to write instead."""


class Parser(argparse.ArgumentParser):
    """As argparse's, but: errors are sentences with the nearest flag; no abbreviations; `numeric` flags take a list of
    numbers, and `named` ones several of the names that they know."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", HelpFormatter)
        super().__init__(*args, **kwargs)
        self.numeric: set[str] = set()
        self.named: dict[str, tuple[str, ...]] = {}

    def add_numbers(self, flag: str, *, convert: Callable[[str], Any], **kwargs: Any) -> None:
        """A flag followed by one or more numbers, apart or joined: `--steps 51 31`, `--steps 51x31`, `--span=-1,1`."""
        self.numeric.add(flag)
        self.add_argument(flag, type=convert, **kwargs)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The flags' values. UsageError where they are wrong."""
        return self.parse_args(join_numbers(join_names(arguments, self.named), self.numeric))

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{sentence(message, self._option_string_actions)} See {self.prog} --help.")


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)

    def _split_lines(self, text: str, width: int) -> list[str]:
        """Line ends in a flag's help stay."""
        return [line for part in text.splitlines() for line in self._wrapped(part, width)]

    @staticmethod
    def _wrapped(text: str, width: int) -> list[str]:
        indent = " " * (len(text) - len(text.lstrip()))
        return textwrap.wrap(text, width, initial_indent="", subsequent_indent=indent and indent + "  ") or [""]

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """`-o, --output FILE`, the value once."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def join_numbers(arguments: Iterable[str], flags: set[str]) -> list[str]:
    """The numbers that follow one of `flags` as a single argument of it: ["--steps", "5", "7", "x"] -> ["--steps=5,7", "x"]."""
    return join(arguments, {flag: lambda argument: bool(NUMBER.match(argument)) for flag in flags})


def join_names(arguments: Iterable[str], flags: Mapping[str, Collection[str]]) -> list[str]:
    """The same of names that a flag knows: ["--path", "line", "chain", "net.pt"] -> ["--path=line,chain", "net.pt"]."""
    return join(arguments, {flag: names.__contains__ for flag, names in flags.items()})


def join(arguments: Iterable[str], flags: Mapping[str, Callable[[str], bool]]) -> list[str]:
    """The arguments that follow a flag as long as they are values of it, in one argument with it."""
    joined: list[str] = []
    fits: Callable[[str], bool] | None = None
    for argument in arguments:
        if fits is not None and fits(argument):
            joined[-1] += ("," if "=" in joined[-1] else "=") + argument
            continue
        fits = flags.get(argument)
        joined.append(argument)
    return joined


def split_numbers(text: str) -> list[str]:
    return [part for part in re.split(r"[,x;\s]+", text) if part]


def whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes whole numbers, not {text!r}") from None


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes numbers, not {text!r}") from None


def sentence(message: str, known: Iterable[str]) -> str:
    """argparse's message as a sentence, with the flag or value that was probably meant."""
    if found := re.match(r"unrecognized arguments: (.*)", message):
        words = found.group(1).split()
        near = difflib.get_close_matches(words[0].split("=")[0], list(known), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{' '.join(words)} is not known here.{hint}"
    if found := re.match(r"the following arguments are required: (.*)", message):
        return f"{found.group(1)} is missing."
    if found := re.match(r"argument ([^:]*): invalid choice: '?(.*?)'? \(choose from (.*)\)", message):
        flag, value, choices = found.groups()
        return f"{flag} cannot be {value!r}; choose one of {choices.replace(chr(39), '')}."
    if found := re.match(r"argument ([^:]*): (.*)", message):
        return f"{found.group(1)} {found.group(2)}."
    return f"{message[:1].upper()}{message[1:]}."
