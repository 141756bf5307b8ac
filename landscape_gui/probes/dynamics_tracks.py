"""The runs that a question about dynamics is about: their checkpoints in order, how they were trained, and what they logged."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.dynamics_names import NAMES, label_of
from landscape_gui.probes import sampling
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.probes.curvature_numbers import GRADIENT_DESCENT, Training, positive, training_from
from landscape_gui.results import Array, Quantity, freeze

if TYPE_CHECKING:
    from landscape_gui.probes.dynamics import Dynamics
    from landscape_gui.problem import Problem

KNOWN = (
    "learning_rate", "gradient_norm", "lambda_max", "directional_sharpness", "epsilon_sharpness", "lgdi", "stability_ratio",
    "weight_norm", "distance_from_start",
)  # fmt: skip
"""What is taken of a log beside losses and accuracies; the rest (seconds, memory, ...) is no part of dynamics."""


KEYS = (("step", "step"), ("global_step", "step"), ("epoch", "epoch"))
"""By what a row of a log is found, and what of a checkpoint must be the same."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """One run. entries: of its checkpoints that are asked about, as the run lists them (None: not listed); rows: its whole log;
    card: `training` of the card beside it; own: whether it is the run of the problem's own checkpoint; left_out: which files of the
    folder are no part of it and why, in sentences."""

    name: str
    references: tuple[CheckpointRef, ...]
    entries: tuple[Any, ...]
    rows: tuple[Mapping[str, Any], ...]
    card: Mapping[str, Any]
    own: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What each checkpoint is called."""
        pairs = zip(self.entries, self.references, strict=True)
        return tuple(str(entry.label) if entry is not None else reference.label or reference.path for entry, reference in pairs)

    def training(self, k: int, metadata: Mapping[str, Any] | None = None) -> Training:
        """How checkpoint k was trained: by the log's row for it, else as its file says, else the card."""
        return training_from(self.card, self.row(k), metadata or {})

    def row(self, k: int) -> Mapping[str, Any]:
        """The log's row for checkpoint k; empty where there is none."""
        entry = self.entries[k]
        for key, value in KEYS:
            found = self._rows_by[key].get(getattr(entry, value, None))
            if found is not None:
                return found
        return {}

    @cached_property
    def _rows_by(self) -> dict[str, dict[Any, Mapping[str, Any]]]:
        """The first row of each step and epoch."""
        return {key: {row[key]: row for row in reversed(self.rows) if key in row} for key, _ in KEYS}

    @property
    def optimiser(self) -> str:
        """ "sgd" for gradient descent in any form, else its name in lower case; "" where nothing says."""
        name = self.optimiser_name.lower()
        return "sgd" if name in GRADIENT_DESCENT else name

    @property
    def optimiser_name(self) -> str:
        """As the card spells it."""
        return str(self.card.get("optimizer", self.card.get("optimiser", "")))

    @property
    def rho(self) -> float:
        """The radius of sharpness-aware minimisation; NaN where it is none."""
        return positive(self.card.get("rho")) if "sam" in self.optimiser else math.nan


def tracks_of(probe: Dynamics, problem: Problem) -> list[Track]:
    """This problem's run and the others, with names that differ."""
    told = problem.description.get("training")
    own = problem.run
    found = [track("", own, probe.run_checkpoints, told if isinstance(told, Mapping) else {}, own=True)]
    start = 0
    for reference, count in zip(probe.against, probe.counts, strict=True):
        references = probe.other_checkpoints[start : start + count]
        start += count
        found.append(track("", problem.run_at(reference.path), references, problem.training_at(reference)))
    runs = [own, *(problem.run_at(reference.path) for reference in probe.against)]
    names = run_names(runs, problem.title)
    return [dataclasses.replace(each, name=name) for each, name in zip(found, names, strict=True)]


def track(name: str, run: Any, references: tuple[CheckpointRef, ...], card: Mapping[str, Any], *, own: bool = False) -> Track:
    entries = {str(entry.path): entry for entry in (run.checkpoints if run is not None else ())}
    return Track(
        name=name,
        references=references,
        entries=tuple(entries.get(str(reference.path)) for reference in references),
        rows=tuple(getattr(run, "metrics", ())),
        card=card,
        own=own,
        left_out=tuple(getattr(run, "notes", ())),
    )


def run_names(runs: Sequence[Any], title: str) -> tuple[str, ...]:
    """Folders' names, with those above them where two are the same."""
    plain = [str(getattr(run, "name", "") or title) for run in runs]
    if len(set(plain)) == len(plain):
        return tuple(plain)
    longer = [
        f"{run.path.resolve().parent.name}/{name}" if run is not None else name for run, name in zip(runs, plain, strict=True)
    ]
    return tuple(f"{name} ({k + 1})" if longer.count(name) > 1 else name for k, name in enumerate(longer))


def record_digest(probe: Dynamics, problem: Problem) -> str:
    """A digest of what runs and checkpoints are called and of what logs and cards say: a run that was renamed, a log that has grown
    and a card that was mended are another question."""
    said = [
        [each.name, each.names, each.left_out, [dict(row) for row in each.rows], dict(each.card)]
        for each in tracks_of(probe, problem)
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]


# ------------------------------------------------------------------------------------------------------------- what x counts


class Scale:
    """What the runs are drawn over: one unit for all of them, and each place of a run in it."""

    def __init__(self, tracks: Sequence[Track], over: str, examples: int) -> None:
        self.tracks, self.examples = tracks, examples
        self.notes: list[str] = []
        self.unit = self._unit(over)
        self.share = over == "share"

    def _unit(self, over: str) -> str:
        kinds = ("step", "epoch") if over == "step" else ("epoch", "step")
        for kind in kinds:
            if all(not np.isnan(self._all(track, kind)).any() for track in self.tracks):
                self._say(kind)
                return kind
        self.notes.append("The runs' checkpoints say neither epochs nor steps that all of them have: they are counted.")
        return "checkpoint"

    def _say(self, kind: str) -> None:
        for track in self.tracks:
            if kind == "step" and any(getattr(entry, "step", None) is None for entry in track.entries):
                size = f"batches of {int(positive(track.card.get('batch_size'))):,} from {self.examples:,} examples"
                self.notes.append(f"Steps of {track.name} are counted from its epochs, {size}.")

    def steps_an_epoch(self, track: Track) -> float:
        size = positive(track.card.get("batch_size"))
        return math.ceil(self.examples / size) if size == size and self.examples else math.nan

    def at(self, track: Track, told: Any, kind: str) -> float:
        """An entry's or row's epoch or step; a step may come from its epoch. NaN where it says none."""

        def get(name: str) -> Any:
            return told.get(name) if isinstance(told, Mapping) else getattr(told, name, None)

        value = next((get(name) for name in (kind, f"global_{kind}") if get(name) is not None), None)
        if value is None and kind == "step" and get("epoch") is not None:
            return float(get("epoch")) * self.steps_an_epoch(track)
        try:
            return math.nan if value is None else float(value)
        except (TypeError, ValueError):
            return math.nan

    def _all(self, track: Track, kind: str) -> Array:
        return np.array([self.at(track, entry, kind) for entry in track.entries])

    def order(self, track: Track) -> Array:
        """(k,) the places of a run's checkpoints."""
        count = len(track.references)
        places = np.arange(count, dtype=float) if self.unit == "checkpoint" else self._all(track, self.unit)
        return self._shared(places, places)

    def _shared(self, values: Array, places: Array) -> Array:
        extent = places[-1] - places[0]
        return (values - places[0]) / extent if self.share and extent > 0 else values

    def logged(self, track: Track) -> tuple[Array, dict[str, Quantity]]:
        """What the run wrote down itself, in the order of training, as far as its rows have a place here."""
        if self.unit == "checkpoint":
            return freeze([]), {}
        places = np.array([self.at(track, row, self.unit) for row in track.rows])
        kept = [int(k) for k in np.argsort(places, kind="stable") if not math.isnan(places[k])]
        rows = [track.rows[k] for k in kept]
        if not rows:
            return freeze([]), {}
        order = self._shared(places[kept], self._all(track, self.unit))
        names = dict.fromkeys(key for row in rows for key in row)
        found = {q.name: q for name in names if (q := column(name, rows)) is not None}
        return freeze(order), found


def column(theirs: str, rows: Sequence[Mapping[str, Any]]) -> Quantity | None:
    """One column of a log by our name, NaN where a row lacks it; None for what is no part of dynamics. Accuracies above 1 are per
    cent."""
    name = NAMES.get(theirs, theirs)
    kind = name.rpartition("_")[2]
    if kind not in ("loss", "accuracy") and name not in KNOWN:
        return None
    values = np.array([number(row.get(theirs)) for row in rows])
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    if kind == "accuracy" and known.max() > 1.0:
        values = values / 100.0
    label = sampling.label_of(name) if "_" in name and kind in ("loss", "accuracy") else label_of(name)
    return Quantity(name=name, label=label, values=freeze(values), unit="1" if kind == "accuracy" else "", axes=("row",))


def number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
