"""The command dynamics: runs named after --against, what it writes, and its answer drawn again elsewhere."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from landscape_gui import cli
from landscape_gui.commands.dynamics_summary import describe
from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.export.peers_json import read_json
from landscape_gui.results import Quantity

PAIR = ["samples:mnist1d-small-batch", "--against", "samples:mnist1d-large-batch"]
QUICK = ["--limit", "32", "--checkpoints", "2", "--pairs", "2", "-q"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_two_runs_as_figure_numbers_and_a_list_of_epochs(folder: Path) -> None:
    wanted = ["-o", "d.pdf", "-o", "d.json", "-o", "d.csv", "-o", "d.h5", "--save-epochs", "epochs.json"]
    assert cli.main(["dynamics", *PAIR, *QUICK, *wanted]) == 0
    told = json.loads((folder / "d.json").read_text())
    small, large = told["runs"].values()
    assert small["names"] == ["epoch 0", "epoch 40"] and large["names"] == ["epoch 0", "epoch 400"]
    assert told["measured_on"]["subset"] == "32 of 4,000 train" and len(small["standard_errors"]["test_loss"]) == 2
    assert small["limit_of_stability"] == "(2 + 2b)/lr, b = 0.9" and large["logged"]["order"] == [0, 50, 100, 200, 400]
    rows = list(csv.DictReader((folder / "d.csv").read_text().splitlines()))
    assert [row["run"] for row in rows] == [told_name for told_name in told["runs"] for _ in range(2)]
    assert float(rows[3]["lambda_max"]) == large["lambda_max"][1]
    assert float(rows[3]["lambda_max_error"]) == large["standard_errors"]["lambda_max"][1]
    (read,) = read_json("epochs.json").runs.values()  # type: ignore[union-attr]
    assert read.quantities["lambda_max"].values.tolist() == small["lambda_max"]
    assert read.quantities["gradient_norm"].values.tolist() == small["gradient_norm"]


def test_one_chart_of_an_answer_without_its_model(folder: Path) -> None:
    assert cli.main(["dynamics", "samples:mnist1d-small-batch", *QUICK, "-o", "d.h5"]) == 0
    assert cli.main(["export", "d.h5", "--quantity", "lambda_max", "-o", "one.svg", "-q"]) == 0
    text = (folder / "one.svg").read_text()
    assert ">Largest Hessian eigenvalue<" in text and ">Weight norm<" not in text


def test_a_wrong_chart_and_a_wrong_run_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dynamics", "samples:mnist1d-small-batch", *QUICK, "-o", "d.h5"]) == 0
    assert cli.main(["export", "d.h5", "--quantity", "sharpnes", "-o", "one.svg", "-q"]) == 1
    assert "There is no chart 'sharpnes' here. There are loss, accuracy" in capsys.readouterr().err
    assert cli.main(["dynamics", "samples:digits-mlp", "--against", "samples:mnist1d-large-batch", *QUICK]) == 1
    assert "MLP" in capsys.readouterr().err  # another network
    assert cli.main(["dynamics", "samples:digits-mlp", "--against", "samples:digits-mlp", *QUICK]) == 1
    assert "compared with itself" in capsys.readouterr().err
    (folder / "epochs.json").write_text("[]")
    assert cli.main(["dynamics", "samples:digits-mlp", *QUICK, "--save-epochs", "epochs.json"]) == 2
    assert "there already" in capsys.readouterr().err


def test_the_table_has_errors_fits_80_columns_and_says_what_is_missing() -> None:
    values = np.array([1.2345678e-5, np.nan, -9.8765432e-5])
    cosine = Quantity(name="step_cosine", label="cosine", values=np.array([np.nan, 0.5, np.nan]))
    sharp = Quantity(
        name="directional_sharpness", label="sharpness", values=values, standard_error=np.array([1e-7, np.nan, 2.345e-6])
    )
    run = RunDynamics(
        name="a", order=np.arange(3.0), quantities={"directional_sharpness": sharp, "step_cosine": cosine}, names=("0", "1", "2")
    )
    lines = describe(DynamicsResult(runs={"a": run})).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].split() == ["directional_sharpness", "1.2346e-05", "-9.8765e-05", "2e-06", "-9.8765e-05", "1.2346e-05"]
    assert lines[-1] == "not finite, or not measured: directional_sharpness 1"  # no step ends or begins at the ends
