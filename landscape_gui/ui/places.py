"""Where the files are that a question names by their digests."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from landscape_gui.probes.base import CheckpointRef, Probe
from landscape_gui.ui.documents import Document


def with_places(probe: Probe, documents: Iterable[Document]) -> Probe:
    """A question read back from an answer, its other checkpoints found among the files that are open: an answer names them by
    digest alone. What is not open stays as it is."""
    places: dict[str, str] = {}
    for document in documents:
        digest = str(getattr(getattr(document.problem, "checkpoint", None), "digest", "") or "")
        if digest:
            places[digest] = str(getattr(document.problem.checkpoint, "path", document.path))
    changed: dict[str, Any] = {}
    for f in dataclasses.fields(probe):
        value = getattr(probe, f.name)
        if isinstance(value, CheckpointRef):
            changed[f.name] = found(value, places)
        elif isinstance(value, tuple) and any(isinstance(v, CheckpointRef) for v in value):
            changed[f.name] = tuple(found(v, places) if isinstance(v, CheckpointRef) else v for v in value)
    return dataclasses.replace(probe, **changed) if changed else probe


def found(reference: CheckpointRef, places: Mapping[str, str]) -> CheckpointRef:
    """A reference with the path of the file that holds its digest, where that is known."""
    if reference.path or reference.digest not in places:
        return reference
    place = Path(places[reference.digest])
    return dataclasses.replace(reference, path=str(place), label=reference.label or f"{place.parent.name}/{place.name}")
