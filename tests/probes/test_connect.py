"""Several paths between two models in one answer: nothing twice, live, the modes of BatchNorm, its picture, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pair_problems import NORMED, PLAIN, opened, reference, trained

from landscape_gui import Connect, Look, jobs
from landscape_gui.connection_results import ConnectionResult
from landscape_gui.errors import ProblemError, QuestionError
from landscape_gui.figure import Band, Figure, Line, Points, Rule
from landscape_gui.jobs import answer
from landscape_gui.probes import path_run
from landscape_gui.probes.base import Progress
from landscape_gui.probes.path import PathQuestion
from landscape_gui.problem import Problem
from landscape_gui.store import Store, read_result, write_result


def connect(problem: Problem, other: Problem, **fields: Any) -> ConnectionResult:
    store = fields.pop("store", None)
    found = answer(Connect(**{"towards": reference(problem, other), "points": 7, "steps": 30, **fields}), problem, store=store)
    assert isinstance(found, ConnectionResult)
    return found


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Problem, Problem]:
    found = opened(tmp_path, PLAIN, a=trained(PLAIN, 0), b=trained(PLAIN, 1))
    return found["a"], found["b"]


@pytest.fixture
def normed(tmp_path: Path) -> tuple[Problem, Problem]:
    found = opened(tmp_path, NORMED, a=trained(NORMED, 0), b=trained(NORMED, 1))
    return found["a"], found["b"]


def test_every_path_is_the_answer_to_a_question_of_its_own(pair: tuple[Problem, Problem]) -> None:
    found = connect(*pair, path=("line", "bezier", "chain", "band", "aligned", "repaired"))
    assert list(found.paths) == ["line", "bezier", "chain", "band", "aligned", "repaired"] and found.complete
    assert found.names == ("a", "b") and found.classes == 4
    line = answer(PathQuestion(towards=reference(*pair), points=7), pair[0])
    assert found.paths["line"].numbers == line.numbers
    n = pair[0].layout.parameters
    distance = float((pair[0].state[:n].double() - pair[1].state[:n].double()).norm())
    assert found.end_distance == pytest.approx(distance, rel=1e-12)
    assert found.paths["aligned"].end_distance < found.end_distance
    for name, path in found.paths.items():
        assert path.complete and path.computed.all(), name
        assert path.training or name == "line"
        assert found.numbers[f"{name}_above_line"].value == path.numbers["above_line"].value
        assert found.numbers[f"{name}_above_line"].label == f"{path.label}: barrier above the line"
    ends = {tuple(path.quantities["train_loss"].values[[0, -1]]) for path in found.paths.values()}
    assert len(ends) == 1


def test_nothing_is_computed_twice(pair: tuple[Problem, Problem], tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    connect(*pair, path=("line", "bezier"), store=store)
    keys = {e.key: e.created for e in store.entries()}
    connect(*pair, path=("bezier", "line", "chain"), store=store)
    new = [e for e in store.entries() if e.key not in keys]
    assert sorted(e.probe for e in new) == ["connect", "curve", "curve-training", "path"]
    turned = connect(pair[1], pair[0], path=("line", "bezier"), store=store)
    assert sum(e.probe == "curve" for e in store.entries()) == 2
    assert turned.numbers == connect(*pair, path=("line", "bezier"), store=store).numbers


def test_another_split_measures_nothing_again(pair: tuple[Problem, Problem], tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    train = connect(*pair, store=store)
    test = connect(*pair, split="test", store=store)
    assert sorted(e.probe for e in store.entries()) == ["connect", "connect", "endpoint", "endpoint", "path"]
    assert (train.split, test.split) == ("train", "test")
    assert test.numbers["line_above_line"].value == train.paths["line"].numbers["test_loss_above_line"].value


def test_it_is_seen_while_it_comes(pair: tuple[Problem, Problem], monkeypatch: pytest.MonkeyPatch) -> None:
    """The line first, then the curve as it is trained, with its loss falling."""
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)
    monkeypatch.setattr(path_run, "TELL_EVERY", 0.0)
    monkeypatch.setattr("landscape_gui.probes.path_run.Pace.told", lambda self: None)
    seen: list[Progress] = []
    question = Connect(towards=reference(*pair), path=("line", "bezier"), points=17, steps=80, lr=0.03)
    found = answer(question, pair[0], on_progress=seen.append)
    partials = [p.partial for p in seen if isinstance(p.partial, ConnectionResult)]
    assert list(partials[0].paths) == ["line"] and not partials[0].complete
    training = [p.paths["bezier"] for p in partials if "bezier" in p.paths and len(p.paths["bezier"].t) == 9]
    assert len(training) > 10 and not any(p.complete for p in training)
    worst = [p.numbers["maximum"].value for p in training]
    assert worst[-1] < 0.7 * worst[0]
    assert "still being found" in " ".join(training[0].notes)
    assert isinstance(found, ConnectionResult) and found.complete and "still being" not in " ".join(found.paths["bezier"].notes)
    done = [p.done / p.total for p in seen]
    assert done[-1] == 1 and max(done) == 1


def test_the_modes_of_batchnorm_stand_side_by_side(normed: tuple[Problem, Problem]) -> None:
    found = connect(*normed, compare_batchnorm=True)
    assert {name: path.batchnorm for name, path in found.paths.items()} == {
        "line": "recalculated",
        "line, interpolated": "interpolated",
        "line, frozen": "frozen",
    }
    heights = [path.numbers["above_line"].value for path in found.paths.values()]
    assert len(set(heights)) == 3
    assert found.paths["line, frozen"].label == "straight line, BatchNorm frozen"
    assert "line_frozen_above_line" in found.numbers
    own = [end.at_checkpoint()["train_loss"] for end in normed]
    np.testing.assert_allclose(found.paths["line, interpolated"].quantities["train_loss"].values[[0, -1]], own, rtol=1e-6)


def test_without_batchnorm_there_is_nothing_to_compare(pair: tuple[Problem, Problem]) -> None:
    assert list(connect(*pair, compare_batchnorm=True, batchnorm="recalculated").paths) == ["line"]
    assert connect(*pair).batchnorm == ""


def test_fields_of_training_reach_the_curve(pair: tuple[Problem, Problem]) -> None:
    found = connect(*pair, path=("chain",), bends=3, steps=12, optimiser="sgd", lr=0.01, batch=32, weight_decay=1e-4, seed=5)
    path = found.paths["chain"]
    assert path.controls == 5 and path.label == "chain, 3 bends"
    assert path.training == ("12 SGD steps at learning rate 0.01, weight decay 0.0001, batches of 32 from all 100 train, seed 5")


def test_it_is_written_and_read_as_it_is(pair: tuple[Problem, Problem], tmp_path: Path) -> None:
    found = connect(*pair, path=("line", "bezier"))
    write_result(tmp_path / "c.h5", found)
    again = read_result(tmp_path / "c.h5")
    assert isinstance(again, ConnectionResult)
    assert again.numbers == found.numbers and again.names == found.names and list(again.paths) == list(found.paths)
    assert again.paths["bezier"].arc.tolist() == found.paths["bezier"].arc.tolist()
    assert json.dumps(again.provenance.question) == json.dumps(found.provenance.question)


# ------------------------------------------------------------------------------------------------------------------ the picture


def test_the_chart_shows_all_paths_their_ends_and_barriers(pair: tuple[Problem, Problem]) -> None:
    found = connect(*pair, path=("line", "bezier"), beyond=0.2)
    figure = Connect().figure(found, Look())
    assert isinstance(figure, Figure) and len(figure.panels) == 2
    loss, accuracy = figure.panels
    assert (loss.title, accuracy.title) == ("Training loss", "Training accuracy")
    assert figure.title == "Between a and b"
    assert [(m.at, m.label) for m in loss.marks if isinstance(m, Rule)] == [(0.0, "a"), (1.0, "b")]
    assert loss.x.limits == (-0.2, 1.2)
    lines = {m.label.split(",")[0]: m for m in loss.marks if isinstance(m, Line) and m.label}
    assert list(lines) == ["straight interpolation of the ends", "straight line", "Bezier curve"]
    path = found.paths["line"]
    assert lines["straight line"].y.tolist() == path.quantities["train_loss"].values.tolist()
    ends = path.quantities["train_loss"].values[(path.t == 0) | (path.t == 1)]
    assert lines["straight interpolation of the ends"].y[[0, -1]].tolist() == ends.tolist()
    bands = [m for m in loss.marks if isinstance(m, Band)]
    error = path.quantities["train_loss"].standard_error
    assert error is not None
    np.testing.assert_allclose(bands[0].high - bands[0].low, 2 * 1.96 * error)
    peak = next(m for m in loss.marks if isinstance(m, Points))
    inside = (path.t >= 0) & (path.t <= 1)
    rises = path.quantities["train_loss"].values - (1 - path.t) * ends[0] - path.t * ends[1]
    assert peak.x[0] == path.t[inside][np.argmax(rises[inside])]
    assert "barrier" in lines["straight line"].label and "±" in lines["straight line"].label


def test_another_quantity_can_be_shown(pair: tuple[Problem, Problem]) -> None:
    found = connect(*pair)
    figure = Connect().figure(found, Look(quantity="test_loss"))
    assert [p.y.label for p in figure.panels] == ["test loss", "test accuracy"]
    assert figure.extra["quantity"] == "test_loss"
    alone = Connect().figure(found, Look(quantity="test_accuracy"))
    assert [p.y.label for p in alone.panels] == ["test accuracy"]


def test_the_caption_says_what_must_be_known(normed: tuple[Problem, Problem]) -> None:
    found = connect(*normed, path=("line", "bezier"), limit=50)
    figure = Connect().figure(found, Look())
    for words in (
        "above the straight interpolation of the ends",
        "above the mean of the ends",
        "above the larger end",
        "30 Adam steps at learning rate 0.005, batches of 64 from all 100 train, seed 0",
        "over 50 of the 100 training examples",
        "recalculated at each point from the training data",
        "7 of 7, t from 0 to 1",
        "paired",
        "Computed in float32 with sums in float64",
    ):
        assert words in figure.caption, words
    known = dict(figure.facts)
    assert known["From"] == "a (t = 0) to b (t = 1)"
    assert "connectivity score" in known["Straight line"] and "length" in known["Straight line"]


def test_a_partial_answer_draws_and_nothing_is_said_of_barriers_that_are_not_known(pair: tuple[Problem, Problem]) -> None:
    found = connect(*pair)
    path = found.paths["line"]
    computed = np.zeros(len(path.t), bool)
    early = dataclasses.replace(path, computed=computed, numbers={})
    figure = Connect().figure(dataclasses.replace(found, paths={"line": early}, numbers={}), Look())
    assert "barrier" not in next(m.label for m in figure.panels[0].marks if isinstance(m, Line))
    empty = Connect().figure(dataclasses.replace(found, paths={}), Look())
    assert empty.panels[0].marks


# --------------------------------------------------------------------------------------------------------------------- refused


def test_other_data_and_another_loss_in_the_other_models_card_are_said(pair: tuple[Problem, Problem]) -> None:
    a, b = pair
    card = {"data": {"file": "mnist.npz"}, "loss": "mse"}
    (b.checkpoint.path.parent / "landscape.json").write_text(json.dumps(card), encoding="utf-8")
    found = connect(a, b)
    assert any(note.startswith("The card of b/net.pt names another loss (mse)") for note in found.notes)
    (b.checkpoint.path.parent / "landscape.json").write_text("no card", encoding="utf-8")
    assert connect(a, b).notes == ()


def test_no_path_a_strange_path_and_one_model_alone_are_refused(pair: tuple[Problem, Problem]) -> None:
    with pytest.raises(QuestionError, match="No path is named"):
        Connect(path=())
    with pytest.raises(QuestionError, match="Paths is 'lines'"):
        Connect(path=("lines",))
    with pytest.raises(QuestionError, match="there is nothing between them"):
        connect(pair[0], pair[0])
    with pytest.raises(QuestionError, match="does not say which model"):
        answer(Connect(), pair[0])


def test_a_path_that_cannot_be_found_leaves_the_others(pair: tuple[Problem, Problem]) -> None:
    wild: dict[str, Any] = {"optimiser": "sgd", "lr": 1e3, "momentum": 0.99}
    found = connect(*pair, path=("line", "bezier"), **wild)
    assert list(found.paths) == ["line"] and found.complete
    assert any(note.startswith("No path bezier: ") for note in found.notes)
    with pytest.raises(ProblemError):
        connect(*pair, path=("bezier",), **wild)


def test_what_it_takes_is_known_but_for_training(pair: tuple[Problem, Problem]) -> None:
    cost = Connect(towards=reference(*pair), path=("line", "aligned"), points=9).cost(pair[0])
    assert (cost.points, cost.examples) == (18, 160) and cost.seconds > 0
    assert np.isnan(Connect(path=("line", "chain")).cost(pair[0]).seconds)
    assert Connect(path=("line", "chain"), seconds=3).cost(pair[0]).seconds > 3
    assert Connect(path=("band",)).cost(pair[0]).memory == 4 * pair[0].layout.size * 42


def test_the_models_stay_as_they_are(normed: tuple[Problem, Problem]) -> None:
    before = [(p.state.clone(), {k: v.clone() for k, v in p.module.state_dict().items()}) for p in normed]
    files = [p.checkpoint.path.read_bytes() for p in normed]
    connect(*normed, path=("line", "bezier", "aligned", "repaired"))
    for problem, (state, module), file in zip(normed, before, files, strict=True):
        assert torch.equal(problem.state, state) and problem.checkpoint.path.read_bytes() == file
        assert all(torch.equal(v, module[k]) for k, v in problem.module.state_dict().items())


def test_where_modes_end_differently_each_line_is_measured_from_its_own_ends(normed: tuple[Problem, Problem]) -> None:
    """Frozen statistics are the first model's at the other end, too: its loss there is another one."""
    found = connect(*normed, points=5, compare_batchnorm=True)
    ends = {tuple(path.quantities["train_loss"].values[[0, -1]]) for path in found.paths.values()}
    marks = Connect().figure(found, Look()).panels[0].marks
    straight = [mark for mark in marks if isinstance(mark, Line) and mark.dash]
    assert len(straight) == len(ends) > 1
    assert {(mark.y[0], mark.y[-1]) for mark in straight} == ends
    assert [bool(mark.label) for mark in straight] == [True] + [False] * (len(ends) - 1)
