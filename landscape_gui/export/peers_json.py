"""Lists in JSON that other programs write: metrics of each epoch of a run, and the loss along a line."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landscape_gui.dynamics_names import NAMES, label_of
from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.errors import LandscapeError
from landscape_gui.export.peers_grid import order_of
from landscape_gui.export.peers_npz import unknown_axes
from landscape_gui.export.peers_origin import LINE, MEASURED, Origin, origin_of
from landscape_gui.results import Array, LineResult, Quantity, freeze
from landscape_gui.store_guard import read_bytes

MOST = 16 << 20
"""Bytes of a JSON text."""
ENTRIES = 1_000_000
COLUMNS = 60
"""Quantities of an entry."""
EPOCHS = ("epoch", "step", "iteration")
PLACES = ("alpha", "t", "x")
Entry = Mapping[str, Any]


def read_json(path: str | os.PathLike[str]) -> DynamicsResult | LineResult:
    """Metrics per epoch, [{"epoch": ..., ...}, ...], or a line, [{"alpha": ..., "loss": ...}, ...]. LandscapeError for any other
    JSON, and for entries that are no numbers; what an entry leaves out or gives as null is NaN, which is said."""
    try:
        data = bounded(path)
        entries = entries_in(data)
        axis = axis_of(entries)
        metrics = axis in EPOCHS
        words, unsaid = METRICS if metrics else ALONG
        origin = origin_of(path, data, format=words, unsaid=unsaid)
        return metrics_of(entries, axis, origin) if metrics else line_of(entries, axis, origin)
    except LandscapeError as error:
        raise LandscapeError(f"{path}: {error.message}", remedy=error.remedy) from error


METRICS = (
    "metrics of each epoch (JSON)",
    ("Data", "Loss function", "Optimiser", "Learning rate", "2 / learning rate", "How LGDI is defined", *MEASURED),
)
ALONG = ("a line (JSON)", (*LINE, "Split of the loss", *MEASURED))


def bounded(path: str | os.PathLike[str]) -> bytes:
    """A file's bytes; LandscapeError where they are more than `MOST`, before any is read."""
    size = os.path.getsize(path)
    if size > MOST:
        raise LandscapeError(f"it has {size:,} bytes; {MOST:,} are the most that are read of a JSON text.")
    return read_bytes(path)


def entries_in(data: bytes) -> list[Entry]:
    """The objects of a list in JSON; LandscapeError where it is none, nested too deep, or its numbers have no end."""
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LandscapeError("it is no valid JSON.", remedy="Copy it again, or write it again.") from error
    if isinstance(found, dict) and found.get("format") == "landscape_gui":
        what = f"an answer of this program ({str(found.get('kind', ''))[:40]}) written as JSON, which holds its numbers alone"
        raise LandscapeError(f"it is {what}.", remedy="Open the .h5 of the same answer.")
    if not isinstance(found, list) or not found:
        raise LandscapeError("it holds no list of epochs, and no line.", remedy=SHAPE)
    if len(found) > ENTRIES:
        raise LandscapeError(f"it has {len(found):,} entries; {ENTRIES:,} are the most that are read.")
    for k, entry in enumerate(found):
        if not isinstance(entry, dict) or not entry:
            raise LandscapeError(f"entry {k} of its list is no object with numbers.", remedy=SHAPE)
    return found


SHAPE = 'Expected are [{"epoch": 0, "train_loss": 2.3, ...}, ...] or [{"alpha": 0.0, "loss": 2.3}, ...].'


def axis_of(entries: Sequence[Entry]) -> str:
    """What the entries go along: "epoch" or the like, or "alpha" or the like beside a loss."""
    first = entries[0]
    for name in EPOCHS:
        if name in first:
            return name
    along = next((name for name in PLACES if name in first), "")
    if along and any("loss" in key for key in first):
        return along
    raise LandscapeError("its entries name neither an epoch nor an alpha with a loss.", remedy=SHAPE)


def columns_of(entries: Sequence[Entry], axis: str) -> tuple[Array, dict[str, Array], tuple[str, ...]]:
    """The axis, every other number by its name, each (k,), and sentences about what is missing."""
    names = list(dict.fromkeys(str(key) for entry in entries for key in entry if key != axis))
    if len(names) > COLUMNS:
        raise LandscapeError(f"its entries have {len(names):,} names; {COLUMNS} are the most that are read.")
    names = [name for name in names if any(number(entry.get(name)) is not None for entry in entries)]
    if not names:
        raise LandscapeError(f"beside {axis} its entries hold no number.", remedy=SHAPE)
    places = np.array([required(entry, axis, k) for k, entry in enumerate(entries)])
    found, said = {}, []
    for name in names:
        found[name] = np.array([value_of(entry, name, k) for k, entry in enumerate(entries)])
        missing = sum(entry.get(name) is None for entry in entries)
        if missing:
            said.append(f"{name[:60]} is missing in {missing:,} of {len(entries):,} entries.")
        if per_cent(name, found[name]):
            said.append(f"{name[:60]} goes above 1 and is read as per cent.")
    return places, found, tuple(said)


def number(value: Any) -> float | None:
    """A number of JSON; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def required(entry: Entry, name: str, k: int) -> float:
    found = number(entry.get(name))
    if found is None or not math.isfinite(found):
        raise LandscapeError(f"entry {k} of its list has no number {name}.", remedy=SHAPE)
    return found


def value_of(entry: Entry, name: str, k: int) -> float:
    """NaN where there is none; LandscapeError where there is something else."""
    value = entry.get(name)
    found = math.nan if value is None else number(value)
    if found is None:
        raise LandscapeError(f"{name[:60]} of entry {k} is {str(value)[:40]!r}, and no number.", remedy=SHAPE)
    return found


def quantity(theirs: str, values: Array, axes: str) -> Quantity:
    """One column by our name. Accuracies above 1 are per cent."""
    name = NAMES.get(theirs, theirs)
    accuracy = is_accuracy(theirs)
    if per_cent(theirs, values):
        values = values / 100.0
    return Quantity(name=name, label=label_of(name), values=freeze(values), unit="1" if accuracy else "", axes=(axes,))


def is_accuracy(name: str) -> bool:
    return NAMES.get(name, name).split("_")[-1] == "accuracy"


def per_cent(name: str, values: Array) -> bool:
    """Whether an accuracy is above 1 anywhere."""
    known = values[np.isfinite(values)]
    return is_accuracy(name) and bool(known.size) and bool(known.max() > 1.0)


def quantities_of(columns: Mapping[str, Array], order: Array, axes: str) -> dict[str, Quantity]:
    made = [quantity(name, values[order], axes) for name, values in columns.items()]
    return {q.name: q for q in made}


def metrics_of(entries: Sequence[Entry], axis: str, origin: Origin) -> DynamicsResult:
    """Metrics of each epoch; entries in another order are put into that of the epochs, an epoch that stands twice counts last."""
    places, columns, said = columns_of(entries, axis)
    last = {place: k for k, place in enumerate(places.tolist())}
    order = np.array([last[place] for place in sorted(last)])
    twice = len(places) - len(order)
    notes = (*said, *((f"{twice:,} of {len(places):,} entries name an {axis} that a later one names again.",) if twice else ()))
    run = RunDynamics(name=origin.name, order=freeze(places[order]), quantities=quantities_of(columns, order, axis))
    return DynamicsResult(
        runs={run.name: run}, unit=axis, notes=notes, provenance=origin.provenance("dynamics", records=len(order))
    )


def line_of(entries: Sequence[Entry], axis: str, origin: Origin) -> LineResult:
    """A line; its losses as they are called there, of a split that is not said where they are called "loss" alone."""
    places, columns, said = columns_of(entries, axis)
    order = order_of(places, axis)
    return LineResult(
        x=freeze(places[order]),
        quantities=quantities_of(columns, order, "x"),
        computed=freeze(np.ones(len(order), bool), bool),
        axes=unknown_axes(axis),
        notes=said,
        provenance=origin.provenance("line"),
    )
