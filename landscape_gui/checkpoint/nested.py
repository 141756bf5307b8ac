"""An archive that holds a checkpoint as a file of its own, beside settings: a zip as Stable-Baselines3 saves a policy, a tar as
AllenNLP and SageMaker pack a model."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import BinaryIO, cast

from landscape_gui.checkpoint.contents import find_groups
from landscape_gui.checkpoint.limits import PLAIN_PICKLE_BYTES, Broken, shown
from landscape_gui.checkpoint.manifest import Archive, Span
from landscape_gui.checkpoint.source import Window
from landscape_gui.checkpoint.zipped import Zip

SUFFIXES = (".pt", ".pth", ".th", ".ckpt", ".safetensors", ".bin", ".pkl")
_MOST = 20

Opener = Callable[[BinaryIO, int], Archive]
Finder = Callable[[str], tuple[Span, bytes | None]]


def all_in_zip(archive: Zip, opener: Opener) -> dict[str, Archive]:
    """Every member with weights in it, of the first twenty that may be checkpoints, by name."""

    def find(name: str) -> tuple[Span, bytes | None]:
        place = archive.spans({name: name})[name]
        return place, archive.content(name, PLAIN_PICKLE_BYTES) if place.packed else None

    names = (name for name, member in archive.members.items() if member.size)
    return _all(names, find, archive.file, opener, "zip")


def all_in_tar(file: BinaryIO, members: Mapping[str, Span], opener: Opener) -> dict[str, Archive]:
    """As `all_in_zip`."""
    return _all(members, lambda name: (members[name], None), file, opener, "tar")


def _all(names: Iterable[str], find: Finder, file: BinaryIO, opener: Opener, kind: str) -> dict[str, Archive]:
    candidates = sorted(name for name in names if name.endswith(SUFFIXES))
    return {name: inner for name in candidates[:_MOST] if (inner := _open(name, find, file, opener, kind)) is not None}


def _open(name: str, find: Finder, file: BinaryIO, opener: Opener, kind: str) -> Archive | None:
    """The member as a checkpoint, its places seen from outside; None where it is none."""
    try:
        place, content = find(name)
        member = Window(file, place.start, place.size) if content is None else io.BytesIO(content)
        inner = opener(cast(BinaryIO, member), place.size)
        if not any(not group.only_scalars for group in find_groups(inner.root)):
            return None
    except Broken:
        return None
    spans = {}
    for key, span in inner.spans.items():
        outside = replace(span, start=place.start + span.start) if content is None else replace(span, data=content)
        spans[key] = span if span.data is not None else outside
    notes = (f"Read from {shown(name)} inside the archive.", *inner.notes)
    return replace(inner, format=f"{inner.format} inside a {kind}", spans=spans, notes=notes)
