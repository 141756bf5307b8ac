"""The question about one model on the way: what the path measures there, classes counted by hand, and a file that opens."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_gui import open_problem
from landscape_gui.cli import main
from landscape_gui.connection_results import PathResult, WaypointResult
from landscape_gui.errors import QuestionError
from landscape_gui.figure import Bars, Look
from landscape_gui.jobs import answer
from landscape_gui.probes.on_the_way import OnTheWay
from landscape_gui.probes.path import PathQuestion
from landscape_gui.problem import Problem
from landscape_gui.samples import folder
from landscape_gui.store import Store, read_result, write_result

OTHER = folder() / "digits-seed-b" / "epoch-025.safetensors"


@pytest.fixture(scope="module")
def problem() -> Problem:
    return open_problem("samples:digits-seed-a")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


def looked(problem: Problem, store: Store, **fields: object) -> WaypointResult:
    found = answer(OnTheWay(towards=problem.reference(OTHER), **fields), problem, store=store)  # type: ignore[arg-type]
    assert isinstance(found, WaypointResult)
    return found


def test_classes_are_those_of_the_network_half_way_counted_by_hand(problem: Problem, store: Store) -> None:
    found = looked(problem, store)
    network = copy.deepcopy(problem.module)
    state = (problem.state + problem.state_of(problem.reference(OTHER))) / 2
    network.load_state_dict(problem.layout.unflatten(state))
    split = problem._parts.splits[-1]
    with torch.no_grad():
        named = network(split.inputs).argmax(1)
    assert np.array_equal(found.predicted, named.numpy())
    for number in range(10):
        chosen = split.targets == number
        assert found.per_class[number] == pytest.approx(float((named[chosen] == number).double().mean()), abs=1e-12)
        assert found.class_examples[number] == int(chosen.sum())
    assert len(found.flips_from_first) == int((named != problem.module(split.inputs).argmax(1)).sum()) > 100


@pytest.mark.parametrize("path", ["line", "aligned", "bezier"])
def test_its_loss_is_that_of_the_path_at_the_same_place(problem: Problem, store: Store, path: str) -> None:
    fields = {"path": path, "steps": 60} if path == "bezier" else {"path": path}
    found = looked(problem, store, t=0.25, **fields)
    asked = OnTheWay(towards=problem.reference(OTHER), **fields).completed(problem)  # type: ignore[arg-type]
    whole = answer(PathQuestion(towards=asked.towards, path=path, points=5, of=asked.of), problem, store=store)
    assert isinstance(whole, PathResult)
    for name, quantity in whole.quantities.items():
        assert float(found.quantities[name].values) == pytest.approx(float(quantity.values[1]), rel=1e-5, abs=1e-7)


def test_bars_stand_for_each_class_and_model_and_the_answer_is_kept(problem: Problem, store: Store, tmp_path: Path) -> None:
    found = looked(problem, store, t=0.4)
    figure = OnTheWay().figure(found, Look())
    bars = [mark for mark in figure.panels[0].marks if isinstance(mark, Bars)]
    assert [bar.label for bar in bars] == ["digits-seed-a", "t = 0.4", "digits-seed-b"]
    assert np.array_equal(bars[1].values, found.per_class)
    expected = np.sqrt(found.per_class * (1 - found.per_class) / found.class_examples)
    assert bars[1].errors == pytest.approx(expected)
    facts = dict(figure.facts)
    assert facts["Predictions that flip"].startswith(f"of {len(found.predicted)}, {len(found.flips_from_first)} from digits-seed-a")
    again = read_result(write_result(tmp_path / "w.h5", found) or tmp_path / "w.h5")
    assert isinstance(again, WaypointResult) and np.array_equal(again.predicted, found.predicted) and again.names == found.names


def test_the_command_writes_numbers_and_a_model_that_opens(
    problem: Problem, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "cache"))
    model, numbers = tmp_path / "merged.safetensors", tmp_path / "w.json"
    asked = ["waypoint", "samples:digits-seed-a", str(OTHER), "--t", "0.25", "-o", str(numbers), "--save-model", str(model)]
    assert main(asked) == 0
    said = json.loads(numbers.read_text())
    merged = open_problem(model, data=str(folder() / "data" / "digits.npz"), normalise=problem.description["data"]["normalisation"])
    assert merged.at_checkpoint()["test_loss"] == pytest.approx(said["quantities"]["test_loss"]["values"], rel=1e-6)
    assert main(["waypoint", "samples:digits-seed-a", str(OTHER), "--t", "0.25"]) == 0
    shown = capsys.readouterr().out
    assert "t = 0.25 from digits-seed-a to digits-seed-b" in shown and "predictions that flip, of 360:" in shown


def test_one_model_alone_and_an_unknown_split_are_refused(problem: Problem) -> None:
    with pytest.raises(QuestionError, match="which model"):
        answer(OnTheWay(), problem)
    with pytest.raises(QuestionError, match="no split 'other'"):
        answer(OnTheWay(towards=problem.reference(OTHER), split="other"), problem)
