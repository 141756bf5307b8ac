"""A question out of what an answer, or a figure, says that was asked. Standard library only."""

from __future__ import annotations

import importlib
import pkgutil
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import CheckpointRef, FileRef, Probe


def kinds(probe: type[Probe]) -> dict[str, Any]:
    """The fields' types by name."""
    return typing.get_type_hints(probe)


def coerce(kind: Any, value: Any) -> Any:
    """A JSON-able value as the field's type wants it: tuples for lists, references for dictionaries."""
    if isinstance(value, list):
        return tuple(coerce(kind, item) if isinstance(item, dict) else item for item in value)
    if isinstance(value, dict) and "probe" in value:
        return held(value)
    if isinstance(value, dict):
        target = CheckpointRef if "CheckpointRef" in str(kind) else FileRef
        return target(**{"path": "", **value})
    return value


def held(value: Mapping[str, Any]) -> Probe:
    """A question that another one holds, from its name, version and fields."""
    import landscape_gui.probes as room

    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(f"{room.__name__}.{module.name}")
    known = {kind.name: kind for kind in every_kind(Probe)}
    name = str(value["probe"])
    if name not in known:
        raise QuestionError(f"This version knows no question {name[:60]!r}.", remedy="Install the version that asked it.")
    return make(known[name], value)


def every_kind(base: type[Probe]) -> Iterator[type[Probe]]:
    for kind in base.__subclasses__():
        if isinstance(vars(kind).get("name"), str):
            yield kind
        yield from every_kind(kind)


def make(probe: type[Probe], values: Mapping[str, Any]) -> Probe:
    """The question with these fields; names that the probe does not have are left out."""
    known, hints = {f.name for f in fields(probe)}, kinds(probe)
    return probe(**{name: coerce(hints.get(name), value) for name, value in values.items() if name in known})


def question_of(probes: Mapping[str, type[Probe]], name: str, values: Mapping[str, Any]) -> Probe:
    """The question of this name with these fields. QuestionError where this version has no such, or does not take them."""
    if name not in probes:
        raise QuestionError(f"This version knows no question {name[:60]!r}.", remedy="Install the version that made the figure.")
    try:
        return make(probes[name], values)
    except (TypeError, ValueError, AttributeError) as error:
        raise QuestionError(
            f"The question cannot be read back: {str(error)[:200]}.", remedy="Install the version that made the figure."
        ) from error
