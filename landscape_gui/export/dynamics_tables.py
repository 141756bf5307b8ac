"""Training dynamics as JSON and CSV: one row an epoch and run, one column a quantity."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.results import DynamicsBase

Row = list[str | float]


def content(result: DynamicsBase) -> dict[str, Any]:
    """What JSON says: of each run its epochs or steps and every quantity by its name."""
    assert isinstance(result, DynamicsResult)
    return {
        "kind": "dynamics",
        "unit": result.unit,
        "runs": {name: run_content(run) for name, run in result.runs.items()},
        "numbers": {name: dataclasses.asdict(number) for name, number in result.numbers.items()},
        "complete": result.complete,
        "notes": list(result.notes),
        "provenance": dataclasses.asdict(result.provenance),
    }


def run_content(run: RunDynamics) -> dict[str, Any]:
    return {
        "order": run.order,
        **{name: q.values for name, q in run.quantities.items()},
        "units": {name: q.unit for name, q in run.quantities.items()},
        "labels": {name: q.label for name, q in run.quantities.items()},
        "optimiser": run.optimiser,
        "momentum": run.momentum,
        "nesterov": run.nesterov,
    }


def rows(result: DynamicsBase) -> Iterator[Row]:
    """The first names the columns: run, epoch, then each quantity; nan where a run has it not."""
    assert isinstance(result, DynamicsResult)
    yield ["run", result.unit, *result.names]
    for run in result.runs.values():
        unknown = np.full(len(run.order), np.nan)
        columns = [run.quantities[name].values if name in run.quantities else unknown for name in result.names]
        for k, place in enumerate(run.order):
            yield [run.name, float(place), *(float(values[k]) for values in columns)]
