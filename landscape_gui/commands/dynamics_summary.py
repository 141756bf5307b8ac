"""Training dynamics in a few lines of text, for a terminal."""

from __future__ import annotations

import numpy as np

from landscape_gui.commands.terminal import plain, table
from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.results import DynamicsBase, Quantity

INNER = ("step_cosine",)
"""What neither end of a run can have."""


def describe(result: DynamicsBase) -> str:
    """Of each run: how many epochs, and each quantity's first, last, least and greatest value, the last with its error."""
    assert isinstance(result, DynamicsResult)
    return "\n".join([*(run_text(run, result.unit) for run in result.runs.values()), *result.notes])


def run_text(run: RunDynamics, unit: str) -> str:
    rows: list[tuple[str, ...]] = [("", "first", "last", "±", "least", "greatest")]
    rows += [(plain(name), *course(quantity)) for name, quantity in run.quantities.items()]
    noun = f"checkpoints over {unit}" if run.names else f"{unit}s"
    holes = ", ".join(f"{plain(name)} {count:,}" for name, q in run.quantities.items() if (count := missing(name, q)))
    said = f"\nnot finite, or not measured: {holes}" if holes else ""
    return f"{plain(run.name)}: {len(run.order):,} {noun}\n{table(rows, right=range(1, 6))}{said}"


def course(quantity: Quantity) -> tuple[str, ...]:
    """First and last value, the last one's error, least and greatest, short enough for 80 columns."""
    there = np.flatnonzero(np.isfinite(quantity.values))
    if not there.size:
        return ("-", "-", "", "-", "-")
    values, errors = quantity.values[there], quantity.standard_error
    error = float(errors[there[-1]]) if errors is not None else np.nan
    first, last, least, greatest = (f"{float(v):.5g}" for v in (values[0], values[-1], values.min(), values.max()))
    return first, last, f"{error:.1g}" if np.isfinite(error) else "", least, greatest


def missing(name: str, quantity: Quantity) -> int:
    """At how many checkpoints it has no finite value and could have one."""
    values = quantity.values[1:-1] if name in INNER else quantity.values
    return int((~np.isfinite(values)).sum())
