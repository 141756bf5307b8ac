"""What a Lightning checkpoint says of how its module was made, read without making anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint.containers import open_archive
from landscape_gui.checkpoint.peek import refusing
from landscape_gui.checkpoint.rebuilt import entries_of, scalar_of
from landscape_gui.checkpoint.source import Source

DEPTH = 6
MOST = 10_000
VERSION = "pytorch-lightning_version"


@dataclass(frozen=True)
class HyperParameters:
    """module, data: the arguments of LightningModule and datamodule by name, as far as they are plain values; name: of the one
    argument that took them all ("" or "kwargs": each has its own); unread: names whose values are objects."""

    module: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    unread: frozenset[str] = frozenset()


def read_hyper_parameters(path: Path) -> HyperParameters | None:
    """What a Lightning checkpoint holds beside its weights; None for any other file. Raises CheckpointError."""
    with refusing(path), Source(path) as source:
        entries = dict(entries_of(open_archive(source.file(), source.size()).root) or [])
    if VERSION not in entries:
        return None
    module = _Plain().mapping(entries.get("hyper_parameters"))
    name = scalar_of(entries.get("hparams_name"))
    return HyperParameters(
        {key: value for key, value in module.items() if value is not _OBJECT},
        {k: v for k, v in _Plain().mapping(entries.get("datamodule_hyper_parameters")).items() if v is not _OBJECT},
        name if isinstance(name, str) else "",
        frozenset(key for key, value in module.items() if value is _OBJECT),
    )


_OBJECT = object()


class _Plain:
    """Plain values out of what was read: numbers, texts, lists, dictionaries; so many at most."""

    def __init__(self) -> None:
        self.left = MOST

    def mapping(self, value: Any) -> dict[str, Any]:
        entries = entries_of(value) if value is not None else None
        return {key: self.plain(item, 0) for key, item in (entries or []) if key.isidentifier() and not key.startswith("_")}

    def plain(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if value is None or self.left < 0 or depth > DEPTH:
            return None if value is None else _OBJECT
        if isinstance(value, list | tuple):
            items = [self.plain(item, depth + 1) for item in value]
            return _OBJECT if any(item is _OBJECT for item in items) else type(value)(items)
        if isinstance(value, dict):
            found = {key: self.plain(item, depth + 1) for key, item in value.items() if isinstance(key, str | int)}
            return _OBJECT if any(item is _OBJECT for item in found.values()) else found
        scalar = value if isinstance(value, str | int | float | bool) else scalar_of(value)
        return _OBJECT if scalar is None else scalar
