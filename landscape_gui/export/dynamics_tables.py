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
        **({"measured_on": measured_on(result)} if result.subset else {}),
        "numbers": {name: dataclasses.asdict(number) for name, number in result.numbers.items()},
        "complete": result.complete,
        "notes": list(result.notes),
        "provenance": dataclasses.asdict(result.provenance),
    }


def measured_on(result: DynamicsResult) -> dict[str, Any]:
    """On what geometry was measured, and how."""
    names = ("split", "examples", "subset", "batchnorm", "precision", "radius", "explained")
    return {name: getattr(result, name) for name in names}


def run_content(run: RunDynamics) -> dict[str, Any]:
    """Values by quantity; of checkpoints also their names, standard errors (of lambda_max: the residual), places in the plane, and
    what the run logged."""
    logged = {"order": run.logged_order, **{name: q.values for name, q in run.logged.items()}}
    more = {
        "names": list(run.names),
        "computed": [bool(v) for v in run.computed],
        "standard_errors": {name: q.standard_error for name, q in run.quantities.items() if q.standard_error is not None},
        "place": run.place,
        "limit_of_stability": run.limit_words,
        "logged": logged if run.logged else {},
    }
    return {
        "order": run.order,
        **{name: q.values for name, q in run.quantities.items()},
        "units": {name: q.unit for name, q in run.quantities.items()},
        "labels": {name: q.label for name, q in run.quantities.items()},
        "optimiser": run.optimiser,
        "momentum": run.momentum,
        "nesterov": run.nesterov,
        **(more if run.names else {}),
    }


def rows(result: DynamicsBase) -> Iterator[Row]:
    """The first names the columns: run, epoch, then each quantity, then the standard errors that there are (`<name>_error`); nan
    where a run has it not."""
    assert isinstance(result, DynamicsResult)
    runs = result.runs.values()
    names = list(dict.fromkeys(name for run in runs for name in run.quantities))
    erring = [n for n in names if any(n in r.quantities and r.quantities[n].standard_error is not None for r in runs)]
    yield ["run", result.unit, *names, *(f"{name}_error" for name in erring)]
    for run in runs:
        unknown = np.full(len(run.order), np.nan)
        columns = [run.quantities[name].values if name in run.quantities else unknown for name in names]
        errors = [run.quantities[name].standard_error if name in run.quantities else None for name in erring]
        columns += [unknown if error is None else error for error in errors]
        for k, place in enumerate(run.order):
            yield [run.name, float(place), *(float(values[k]) for values in columns)]
