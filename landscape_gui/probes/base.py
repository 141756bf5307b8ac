"""What every probe is made of: a frozen question with described fields, a generator that answers it, a picture of the answer."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from landscape_gui.errors import QuestionError

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result


@dataclass(frozen=True)
class CheckpointRef:
    """Another checkpoint that a question names. The digest is what counts in the key; the path is where it was found."""

    path: str
    digest: str = ""
    label: str = ""


@dataclass(frozen=True)
class FileRef:
    """Another file that a question names (directions, say), with the digest of its bytes."""

    path: str
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a running probe is: `done` of `total` (points times examples, say, in `unit`s of work), and what it knows so far."""

    done: float
    total: float
    partial: Result | None = None
    note: str = ""


Run = Generator[Progress, None, "Result"]


class Ask(Protocol):
    """What a running probe may ask for: another probe's answer (about `problem`: another checkpoint's), and where it stopped."""

    partial: Result | None
    """The last partial answer saved for this very question in this very environment, to go on from; else None."""

    def __call__(self, probe: Probe, /, problem: Problem | None = None) -> Run: ...


MEMORY_TOLD = 256 << 20
"""Bytes from which on the memory of a question is told before it is asked."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a question will take: so many `points` (forward passes), or products with a matrix as `unit` says, over `examples`
    examples; `seconds` is an estimate and `memory` the bytes that long vectors take at most (NaN: unknown). finer: the usual size,
    where this is a coarser one, and the seconds that it would take."""

    points: int
    examples: int
    seconds: float = float("nan")
    unit: str = "point"
    memory: float = float("nan")
    finer: tuple[str, float] = ("", float("nan"))


def field(
    default: Any,
    *,
    label: str,
    help: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Mapping[str, str] | None = None,
    flag: str = "",
    metavar: str = "",
    advanced: bool = False,
    hidden: bool = False,
    silent: bool = False,
    positional: bool = False,
) -> Any:
    """A described field of a probe. The form, the command line's flags and the docs are made from it.

    choices: value -> what it means, in words. flag: the command line's name where it is not the field's. advanced: folded away
    in the form. hidden: neither in the form nor a flag (filled in by the program: a run's checkpoints, say). silent: no part of
    the key while it is None, so that a field that came later leaves the answers of all other questions where they are. positional:
    on the command line it has no flag and stands behind the path that is opened, also where it is hidden from the form.
    """
    metadata = {
        "label": label,
        "help": help,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "flag": flag,
        "metavar": metavar,
        "advanced": advanced,
        "hidden": hidden,
        "silent": silent,
        "positional": positional,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One question. Subclasses are frozen dataclasses of described fields and override `run`, `figure` and `cost`."""

    name: ClassVar[str]
    """What the command is called."""
    title: ClassVar[str]
    """What the window calls it."""
    summary: ClassVar[str]
    """One sentence: what one learns from it."""
    purpose: ClassVar[str] = "Loss"
    """Under which heading a list of questions puts it."""
    version: ClassVar[int] = 1
    """Raised when the same fields would give other numbers: old answers are then not found any more."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Every picture says what it is drawn from and how it is looked at."""
        super().__init_subclass__(**options)
        if "figure" in cls.__dict__:
            cls.figure = sourced(cls.figure)  # type: ignore[method-assign, assignment]

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            check_field(f, getattr(self, f.name))

    def completed(self, problem: Problem) -> Probe:
        """The question with what only the problem knows filled in (a run's checkpoints, say), so that it counts in the key."""
        return self

    def run(self, problem: Problem, ask: Ask) -> Run:
        raise NotImplementedError

    def figure(self, result: Any, look: Look) -> Figure:
        raise NotImplementedError

    def cost(self, problem: Problem) -> Cost:
        raise NotImplementedError


def sourced(draw: Callable[[Any, Any, Look], Figure]) -> Callable[[Any, Any, Look], Figure]:
    """A probe's `figure` whose pictures carry their source."""

    @functools.wraps(draw)
    def figure(self: Any, result: Any, look: Look) -> Figure:
        from landscape_gui.figure import Source

        drawn = draw(self, result, look)
        return dataclasses.replace(drawn, drawn_from=(Source(result=result, look=look),))

    return figure


def check_field(f: dataclasses.Field[Any], value: Any) -> None:
    """Raise QuestionError where a value is outside its field's range or choices (each item of a tuple is checked)."""
    meta = f.metadata
    if not meta:
        return
    label, unit = meta["label"], f" {meta['unit']}" if meta["unit"] else ""
    choices = meta["choices"]
    for item in value if isinstance(value, tuple) else (value,):
        if choices is not None and item not in choices and not unsaid(f, item):
            raise QuestionError(f"{label} is {item!r}.", remedy=f"Choose one of {', '.join(choices)}.")
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            continue
        for bound, wrong, word in ((meta["minimum"], float.__lt__, "least"), (meta["maximum"], float.__gt__, "most")):
            if bound is not None and (item != item or wrong(float(item), float(bound))):
                raise QuestionError(f"{label} is {item}{unit}.", remedy=f"It must be at {word} {bound}{unit}.")


def question(probe: Probe) -> dict[str, Any]:
    """The probe's fields as JSON-able values. References count by their digest alone, so that a moved file asks the same; a field
    that is `silent` and None is left out."""
    return {f.name: _plain(value) for f in dataclasses.fields(probe) if not unsaid(f, value := getattr(probe, f.name))}


def unsaid(f: dataclasses.Field[Any], value: Any) -> bool:
    return value is None and bool(f.metadata.get("silent"))


def _plain(value: Any) -> Any:
    if isinstance(value, (CheckpointRef, FileRef)):
        return {"digest": value.digest} if value.digest else {"path": value.path}
    if isinstance(value, Probe):
        return {"probe": value.name, "version": value.version, **question(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else repr(value)
    return value
