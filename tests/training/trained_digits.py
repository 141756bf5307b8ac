"""Trainings of some tenths of a second, and what two of them must have in common to the bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.problem.dataset import Data
from landscape_gui.recorder.log import rows_in
from landscape_gui.training.data import find_data
from landscape_gui.training.recipe import Recipe
from landscape_gui.training.training import Trained, train

TIMED = ("seconds", "probe_seconds", "probe_share")
"""What says how long something took, and differs from one training to the next."""


def digits() -> tuple[Data, dict[str, Any]]:
    return find_data("digits", {})


def train_digits(recipe: Recipe, folder: Path, **options: Any) -> Trained:
    data, entry = digits()
    return train(recipe, data, folder, entry=entry, **options)


def kept(folder: Path) -> dict[str, Any]:
    """Everything that a training leaves but for its state, by name: digests of tensors, rows of the log without times."""
    files = {place.name: read_checkpoint(place).digest for place in folder.glob("*.safetensors")}
    card = json.loads((folder / "landscape.json").read_text())
    return {**files, "log": logged(folder), "epochs": (folder / "epochs.json").read_text(), "card": card}


def logged(folder: Path) -> list[dict[str, Any]]:
    """Rows as text, for NaN is not NaN."""
    rows = list(rows_in(folder / "metrics.jsonl"))
    return [{name: repr(value) for name, value in row.items() if name not in TIMED} for row in rows]


def assert_same(one: Path, other: Path) -> None:
    first, second = kept(one), kept(other)
    for found in (first, second):
        found["card"].pop("title")  # the folder's name
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
