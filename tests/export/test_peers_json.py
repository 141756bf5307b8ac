"""Lists in JSON: metrics of each epoch, and a line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import others
import pytest
from drawings import surface_result

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.errors import LandscapeError
from landscape_gui.export.peers_opening import read_answer
from landscape_gui.export.tables import as_json, write_csv, write_json
from landscape_gui.figure import Line, Look
from landscape_gui.probes import kind_of
from landscape_gui.results import LineResult, Quantity, freeze
from landscape_gui.store import read_result, write_result


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_metrics_become_quantities_over_the_epochs(tmp_path: Path) -> None:
    entries = others.metrics(tmp_path / "m.json")
    found = read_answer(tmp_path / "m.json")
    assert isinstance(found, DynamicsResult)
    run = found.runs["m.json"]
    assert run.order.tolist() == list(range(12)) and found.unit == "epoch"
    names = {"gradient_norm": "grad_norm"}
    assert set(run.quantities) == {"gradient_norm" if key == "grad_norm" else key for key in entries[0]} - {"epoch"}
    for name, q in run.quantities.items():
        assert q.values.tolist() == [entry[names.get(name, name)] for entry in entries], name
    assert run.quantities["test_accuracy"].unit == "1"
    assert run.limit() is None  # no learning rate in the file


def test_each_kind_of_metric_has_a_chart_and_what_is_unknown_is_said(tmp_path: Path) -> None:
    others.metrics(tmp_path / "m.json")
    found = read_answer(tmp_path / "m.json")
    figure = kind_of(found)().figure(found, Look())
    titles = [panel.title for panel in figure.panels]
    assert titles[:4] == ["Loss", "Accuracy", "Gradient norm", "Largest Hessian eigenvalue"]
    assert len(titles) == 7
    assert [m.label for m in figure.panels[0].marks if isinstance(m, Line)] == ["train", "test"]
    ratio = figure.panels[titles.index("Stability ratio")]
    assert any(isinstance(m, Line) and set(m.y.tolist()) == {2.0} for m in ratio.marks)
    told = dict(figure.facts)
    for label in ("Data", "Loss function", "Optimiser", "Learning rate", "2 / learning rate", "Precision"):
        assert told[label] == "unknown", label
    assert "The file does not say: " in figure.caption and "learning rate" in figure.caption
    log = kind_of(found)().figure(found, Look(scale="log"))
    assert [p.y.scale for p in log.panels[:3]] == ["log", "linear", "log"]


def test_a_run_that_says_its_learning_rate_has_its_limit_drawn() -> None:
    rate = Quantity(name="learning_rate", label="learning rate", values=freeze([0.1, 0.05]))
    curvature = Quantity(name="lambda_max", label="λmax", values=freeze([10.0, 30.0]))
    quantities = {"lambda_max": curvature, "learning_rate": rate}
    runs = {
        name: RunDynamics(name=name, order=freeze([0, 1]), quantities=quantities, optimiser="sgd", momentum=b, nesterov=n)
        for name, b, n in (("plain", 0.0, False), ("heavy ball", 0.9, False), ("nesterov", 0.9, True))
    }
    limits = [run.limit() for run in runs.values()]
    expected = ([20, 40], [38, 76], [38 / 2.8, 76 / 2.8])  # 2/lr, (2 + 2b)/lr, (2 + 2b)/(lr (1 + 2b))
    for limit, values in zip(limits, expected, strict=True):
        assert limit == pytest.approx(values)
    result = DynamicsResult(runs=runs)
    figure = kind_of(result_of(result))().figure(result, Look())
    drawn = [m for m in figure.panels[0].marks if isinstance(m, Line) and m.dash]
    assert [m.label for m in drawn] == ["limit of stability", "", ""]
    assert [m.y.tolist() for m in drawn] == [pytest.approx(values) for values in expected]


def result_of(result: DynamicsResult) -> DynamicsResult:
    from dataclasses import replace

    return replace(result, provenance=replace(result.provenance, probe="dynamics"))


def test_metrics_there_and_back_and_as_tables(tmp_path: Path) -> None:
    others.metrics(tmp_path / "m.json", 3)
    found = read_answer(tmp_path / "m.json")
    write_result(tmp_path / "m.h5", found)
    again = read_result(tmp_path / "m.h5")
    assert as_json(again) == as_json(found)
    told = json.loads(write_json(tmp_path / "out.json", found).read_text())
    assert told["runs"]["m.json"]["order"] == [0, 1, 2] and told["provenance"]["problem"]["read_from"]["file"] == "m.json"
    rows = write_csv(tmp_path / "out.csv", found).read_text().splitlines()
    assert rows[0].startswith("run,epoch,train_loss,test_loss") and len(rows) == 4 and rows[1].startswith("m.json,0,2.3,")


def test_what_is_missing_is_nan_and_said_and_the_order_put_right(tmp_path: Path) -> None:
    entries = [
        {"epoch": 2, "train_loss": 0.2, "note": "warm"},
        {"epoch": 0, "train_loss": None, "test_acc": 50},
        {"epoch": 1, "train_loss": math.nan},
        {"epoch": 2, "train_loss": 0.1},
    ]
    found = read_answer(written(tmp_path / "m.json", entries))
    assert isinstance(found, DynamicsResult)
    run = next(iter(found.runs.values()))
    assert run.order.tolist() == [0, 1, 2]
    assert np.array_equal(run.quantities["train_loss"].values, [np.nan, np.nan, 0.1], equal_nan=True)
    assert run.quantities["test_accuracy"].values[0] == 0.5
    notes = " ".join(found.notes)
    assert "train_loss is missing in 1 of 4 entries" in notes and "test_acc goes above 1 and is read as per cent" in notes
    assert "1 of 4 entries name an epoch that a later one names again" in notes


def test_a_line_of_unknown_split(tmp_path: Path) -> None:
    entries = others.line(tmp_path / "l.json")
    found = read_answer(tmp_path / "l.json")
    assert isinstance(found, LineResult)
    assert found.x.tolist() == [entry["alpha"] for entry in entries]
    assert found.quantities["loss"].values.tolist() == [entry["loss"] for entry in entries]
    figure = kind_of(found)().figure(found, Look(view="chart"))
    assert figure.panels[0].x.label == "alpha"
    told = dict(figure.facts)
    assert told["Split of the loss"] == told["Norm of the axis"] == told["Precision"] == "unknown"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no list of epochs"),
        ("[[1, 2], [3]]", "holds no answer"),
        ('[{"epoch": 0, "train_loss": 1}, 7]', "entry 1 of its list is no object"),
        ('[{"epoch": 0, "train_loss": 1}, {"train_loss": 2}]', "entry 1 of its list has no number epoch"),
        ('[{"epoch": "zero", "train_loss": 1}]', "has no number epoch"),
        ('[{"epoch": 0, "train_loss": 1}, {"epoch": 1, "train_loss": [1, 2]}]', "train_loss of entry 1"),
        ('[{"epoch": 0, "train_loss": true}]', "hold no number"),
        ('[{"epoch": 0}]', "hold no number"),
        ('[{"name": "a", "value": 3}]', "neither an epoch nor an alpha"),
        ('[{"alpha": 0, "loss": 1}, {"alpha": 0, "loss": 2}]', "same place twice"),
        ('[{"alpha": 0, "loss": 1}]', "two or more numbers"),
        ('[{"alpha": NaN, "loss": 1}, {"alpha": 1, "loss": 2}]', "has no number alpha"),
        ('[{"epoch": 0, "train_loss": 1}', "no valid JSON"),
        ('[{"a":' * 100_000, "no valid JSON"),
        ('[{"epoch": ' + "9" * 10_000 + "}]", "no valid JSON"),
        ('[{"epoch": 0, ' + ", ".join(f'"n{k}": 1' for k in range(500)) + "}]", "500 names"),
        ('{"weights": 1}', "holds no answer"),
        ("\x00\x01", "holds no answer"),
    ],
)
def test_any_other_json_is_answered_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(LandscapeError, match=words) as error:
        read_answer(path)
    assert "m.json" in str(error.value)


def test_a_text_without_end_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(b'[{"epoch": 0}' + b", [" * (6 << 20) + b"]")
    with pytest.raises(LandscapeError, match="are the most that are read of a JSON text"):
        read_answer(path)


def test_names_without_end_are_not_kept(tmp_path: Path) -> None:
    entries = [{"epoch": k, f"n{k}": 1.0} for k in range(50_000)]
    with pytest.raises(LandscapeError, match="50,000 names"):
        read_answer(written(tmp_path / "m.json", entries))


def test_an_answer_of_ours_as_json_is_named(tmp_path: Path) -> None:
    write_json(tmp_path / "ours.json", surface_result(4, 3))
    with pytest.raises(LandscapeError, match=r"an answer of this program \(surface\).*Open the \.h5"):
        read_answer(tmp_path / "ours.json")
