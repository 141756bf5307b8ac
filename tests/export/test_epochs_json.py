"""A run as a list of epochs, there and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.export.epochs_json import write_epochs
from landscape_gui.export.peers_json import read_json
from landscape_gui.results import Quantity, freeze

VALUES = {
    "train_loss": [2.3, 0.5, np.nan],
    "test_accuracy": [0.1, 0.8, 0.9],
    "gradient_norm": [1.0, 0.5, 0.25],
    "lambda_max": [3.0, 1e3, np.inf],
    "learning_rate": [0.1, 0.1, 0.01],
}


def result_of(unit: str = "epoch") -> DynamicsResult:
    quantities = {name: Quantity(name=name, label=name, values=freeze(values)) for name, values in VALUES.items()}
    run = RunDynamics(name="a", order=freeze([0, 1, 2.5]), quantities=quantities)
    return DynamicsResult(runs={"a": run}, unit=unit)


@pytest.mark.parametrize("unit", ["epoch", "step"])
def test_a_list_of_epochs_there_and_back(tmp_path: Path, unit: str) -> None:
    found = read_json(write_epochs(tmp_path / "e.json", result_of(unit)))
    assert isinstance(found, DynamicsResult) and found.unit == unit
    (run,) = found.runs.values()
    assert run.order.tolist() == [0, 1, 2.5] and set(run.quantities) == set(VALUES)
    for name, values in VALUES.items():
        expected = np.where(np.isfinite(values), values, np.nan)  # JSON knows no infinity
        assert np.array_equal(run.quantities[name].values, expected, equal_nan=True), name


def test_the_names_are_those_that_others_use_and_epochs_are_whole(tmp_path: Path) -> None:
    entries = json.loads(write_epochs(tmp_path / "e.json", result_of()).read_text())
    assert list(entries[0]) == ["epoch", "train_loss", "test_accuracy", "grad_norm", "lambda_max", "lr"]
    assert [repr(entry["epoch"]) for entry in entries] == ["0", "1", "2.5"] and entries[2]["train_loss"] is None
