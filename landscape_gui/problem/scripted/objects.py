"""The objects of a TorchScript program: modules, named tuples, definitions by name, and what is read of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from landscape_gui.checkpoint.limits import shown
from landscape_gui.errors import ProblemError
from landscape_gui.problem.scripted.library import Class, refuse
from landscape_gui.problem.scripted.running import Pass, current

_FORWARD = re.compile(r"forward(__)?\d*")
NO_GRAD = "__torch__.torch.autograd.grad_mode.no_grad"


@dataclass(frozen=True)
class Definition:
    """A function or a class of the program, by its full name."""

    name: str


class NoGrad:
    """`with torch.no_grad()` in the program."""


class Record(tuple[Any, ...]):
    """A named tuple of the program's."""

    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alias:
    """A value of a module that is one of the network's tensors: the module that has it, and its name there."""

    owner: nn.Module
    name: str


@dataclass(frozen=True)
class Missing:
    """A value in the file that is not made."""

    what: str


def made(kind: Class, arguments: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """An instance of a class of the program. Raises ProblemError: it is none of those that are run."""
    if kind.kind != "NamedTuple":
        raise refuse(f"makes an object of its class {shown(kind.plain_name)}, which is not run")
    values = {**dict(zip(kind.fields, arguments, strict=False)), **keywords}
    if set(values) != set(kind.fields):
        raise refuse(f"makes a {shown(kind.plain_name)} without all of its values")
    record = Record(values[name] for name in kind.fields)
    record.fields = kind.fields
    return record


def attribute(owner: Any, name: str) -> Any:
    """A module's tensor, module inside, mode or value; a named tuple's value."""
    if isinstance(owner, nn.Module):
        for table in (owner._parameters, owner._buffers, owner._modules):
            if name in table:
                return getattr(owner, name)
        if name == "training":
            return owner.training
        values = getattr(owner, "_script_values", {})
        if name in values:
            return resolved(values[name])
        kind: Class | None = getattr(owner, "_script_class", None)
        if kind is not None and name in kind.constants:
            return kind.constants[name]
        raise refuse(f"reads {shown(name)}, which is not in the file")
    if isinstance(owner, Record) and name in owner.fields:
        return owner[owner.fields.index(name)]
    raise refuse(f"reads {shown(name)} of a value that has none")


def resolved(value: Any) -> Any:
    """A module's value, its tensors as they are now."""
    if isinstance(value, Alias):
        return getattr(value.owner, value.name)
    if isinstance(value, Missing):
        raise refuse(f"uses {value.what}, which is not made")
    if isinstance(value, (list, tuple)):
        return type(value)(map(resolved, value))
    return {key: resolved(part) for key, part in value.items()} if isinstance(value, dict) else value


def item(values: Any, key: Any) -> Any:
    """An item of a list, a tuple, a dictionary or a text."""
    if isinstance(values, Tensor) or not isinstance(values, (list, tuple, dict, str)):
        return values[int(key)]
    try:
        return values[key]
    except (IndexError, KeyError, TypeError):
        raise refuse(f"asks for item {shown(key)} of {len(values)}") from None


def call_method(owner: nn.Module, name: str, arguments: Sequence[Any], keywords: dict[str, Any], shared: Pass) -> Any:
    """A module's method; forward as torch calls it, with hooks."""
    if _FORWARD.fullmatch(name):  # forward1: a traced module's second call; forward__0: one of several signatures
        current.method = name
        return owner(*arguments, **keywords)
    own = getattr(owner, "_script_call", None)
    if own is None:
        raise refuse(f"calls the method {shown(name)} of a layer")
    return own(name, arguments, keywords, shared)


def stop(message: Any) -> None:
    """The program's own exception."""
    words = " ".join(str(message).split())[:200]
    raise ProblemError(
        f"The network refuses its inputs: {words}.", remedy="Name the data with the shape and normalisation that it was trained on."
    )
