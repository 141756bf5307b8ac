"""Training dynamics in a few lines of text, for a terminal."""

from __future__ import annotations

import numpy as np

from landscape_gui.commands.terminal import plain, table
from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.results import DynamicsBase


def describe(result: DynamicsBase) -> str:
    """Of each run: how many epochs, and each quantity's first, last, least and greatest value."""
    assert isinstance(result, DynamicsResult)
    return "\n".join([*(run_text(run, result.unit) for run in result.runs.values()), *result.notes])


def run_text(run: RunDynamics, unit: str) -> str:
    rows: list[tuple[str, ...]] = [("", "first", "last", "least", "greatest", "not finite")]
    for name, quantity in run.quantities.items():
        rows.append((plain(name), *course(quantity.values)))
    noun = f"checkpoints over {unit}" if run.names else f"{unit}s"
    return f"{plain(run.name)}: {len(run.order):,} {noun}\n{table(rows, right=range(1, 6))}"


def course(values: np.ndarray) -> tuple[str, ...]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ("-", "-", "-", "-", str(values.size))
    places = (finite[0], finite[-1], finite.min(), finite.max())
    return (*(f"{float(value):.6g}" for value in places), str(values.size - finite.size))
