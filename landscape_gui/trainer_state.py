"""What the Trainer of transformers keeps beside a checkpoint: how far training is, and what was logged on the way. Standard library
only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "trainer_state.json"
LARGEST = 64 << 20
"""Bytes that are read: a million steps, each logged, are about a hundred."""
_MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class TrainerState:
    """step: of the optimiser, so far; steps: when training ends; rows: what was logged, one row a step, values as they stand."""

    step: int | None
    steps: int | None
    rows: tuple[Mapping[str, Any], ...]


def read_trainer_state(folder: Path) -> TrainerState | None:
    """The state in a folder; None where there is none or it cannot be read, which is no reason not to open the weights."""
    place = folder / NAME
    try:
        if not place.is_file() or place.stat().st_size > LARGEST:
            return None
        content = json.loads(place.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    return TrainerState(_count(content.get("global_step")), _count(content.get("max_steps")), _rows(content.get("log_history")))


def _rows(history: Any) -> tuple[Mapping[str, Any], ...]:
    """Training and evaluation are logged apart at the same step: one row of both."""
    merged: dict[Any, dict[str, Any]] = {}
    for index, row in enumerate(history[:_MOST_ROWS] if isinstance(history, list) else []):
        if isinstance(row, dict):
            step = _count(row.get("step"))
            merged.setdefault(("row", index) if step is None else step, {}).update(row)
    return tuple(merged.values())


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None
