"""The numbers of a run as a list of epochs in JSON, as others' programs write and read it; `peers_json` reads it back."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.export import check_target, write

THEIRS = {"gradient_norm": "grad_norm", "learning_rate": "lr"}
"""Our name -> theirs; others stay."""


def write_epochs(path: str | os.PathLike[str], result: DynamicsResult) -> Path:
    """Writes the first run as [{"epoch": 0, "train_loss": ..., "grad_norm": ..., "lambda_max": ..., ...}, ...], an entry a
    checkpoint; returns the path. What is unknown or not finite is null. Raises LandscapeError where it cannot be written."""
    target = check_target(path, (".json",))
    run = next(iter(result.runs.values()))
    axis = result.unit if result.unit in ("epoch", "step") else "epoch"
    rows = [entry(run, k, axis) for k in range(len(run.order))]
    lines = ",\n ".join(json.dumps(row, allow_nan=False) for row in rows)
    return write(target, f"[\n {lines}\n]\n".encode())


def entry(run: RunDynamics, k: int, axis: str) -> dict[str, Any]:
    """One checkpoint's numbers."""
    values = {THEIRS.get(name, name): plain(float(q.values[k])) for name, q in run.quantities.items()}
    return {axis: whole(float(run.order[k])), **values}


def plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def whole(value: float) -> float | int:
    return int(value) if float(np.round(value)) == value else value
