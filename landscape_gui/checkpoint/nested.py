"""A zip archive that holds a checkpoint as a file of its own, beside settings (as Stable-Baselines3 saves a policy)."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO, cast

from landscape_gui.checkpoint.contents import find_groups
from landscape_gui.checkpoint.limits import PLAIN_PICKLE_BYTES, Broken, shown
from landscape_gui.checkpoint.manifest import Archive
from landscape_gui.checkpoint.source import Window
from landscape_gui.checkpoint.zipped import Zip

SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".pkl")
_MOST = 20

Opener = Callable[[BinaryIO, int], Archive]


def open_inside(archive: Zip, opener: Opener) -> Archive | None:
    """The one member with weights in it, of the first twenty; None where there is none, or several."""
    names = sorted(name for name, member in archive.members.items() if name.endswith(SUFFIXES) and member.size)
    found = [inner for name in names[:_MOST] if (inner := _open(archive, name, opener)) is not None]
    return found[0] if len(found) == 1 else None


def _open(archive: Zip, name: str, opener: Opener) -> Archive | None:
    """The member as a checkpoint, its places seen from outside; None where it is none."""
    try:
        place = archive.spans({name: name})[name]
        content = archive.content(name, PLAIN_PICKLE_BYTES) if place.packed else None
        file = Window(archive.file, place.start, place.size) if content is None else io.BytesIO(content)
        inner = opener(cast(BinaryIO, file), place.size)
        if not any(not group.only_scalars for group in find_groups(inner.root)):
            return None
    except Broken:
        return None
    spans = {}
    for key, span in inner.spans.items():
        outside = replace(span, start=place.start + span.start) if content is None else replace(span, data=content)
        spans[key] = span if span.data is not None else outside
    notes = (f"Read from {shown(name)} inside the archive.", *inner.notes)
    return replace(inner, format=f"{inner.format} inside a zip", spans=spans, notes=notes)
