"""The shipped samples: all open, reach what their cards say, are small, credit their data, and show what they are there for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_gui import samples
from landscape_gui.core.directions import random_plane
from landscape_gui.core.evaluate import Evaluator
from landscape_gui.errors import ProblemError
from landscape_gui.problem import Problem, open_problem
from landscape_gui.run import find_run

WANTED = {
    "digits-mlp",
    "digits-resnet",
    "digits-resnet-plain",
    "digits-seed-a",
    "digits-seed-b",
    "mnist1d-large-batch",
    "mnist1d-small-batch",
}


def losses(problem: Problem, evaluator: Evaluator, axes: list[torch.Tensor], coordinates: object) -> np.ndarray:
    steps = evaluator.evaluate(problem.state, axes, coordinates)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value.mean["train_loss"]  # type: ignore[no-any-return]


def test_names_and_the_default_first() -> None:
    assert set(samples.names()) >= WANTED
    assert samples.names()[0] == samples.DEFAULT == "digits-mlp"
    with pytest.raises(ProblemError, match="The samples are digits-mlp"):
        samples.path("nothing")


def test_they_are_small_enough_to_ship(sample_folder: Path) -> None:
    assert sum(p.stat().st_size for p in sample_folder.rglob("*") if p.is_file()) <= 12e6


@pytest.mark.parametrize("name", sorted(WANTED))
def test_each_opens_and_is_what_its_card_says(name: str) -> None:
    problem = open_problem(f"samples:{name}")
    card = samples.card(name)
    assert problem.warnings() == ()
    found = problem.at_checkpoint()
    # The card rounds to six decimals.
    assert all(found[key] == pytest.approx(value, abs=2e-6) for key, value in card["metrics"].items())
    if name != "digits-resnet-plain":
        assert found["test_accuracy"] > (0.96 if name.startswith("digits") else 0.85)
    assert all(card[key] for key in ("title", "summary", "training", "defaults", "licence"))
    assert card["data"]["licence"]
    run = find_run(samples.path(name))
    assert run is not None
    assert run.last.path == problem.checkpoint.path
    logged = json.loads((samples.path(name) / "metrics.json").read_text(encoding="utf-8"))
    assert [row["epoch"] for row in logged] == [entry.epoch for entry in run.checkpoints]


def test_the_mlp_run_has_thirty_checkpoints_from_the_start() -> None:
    run = find_run(samples.path("digits-mlp"))
    assert run is not None
    assert len(run.checkpoints) >= 30
    assert [entry.epoch for entry in run.checkpoints] == sorted(entry.epoch for entry in run.checkpoints)
    assert run.checkpoints[0].epoch == 0


def test_the_plain_twin_is_rougher() -> None:
    """Along lines through the minimum the twin with shortcuts rises without turning back; the plain one turns many times."""
    turns = {}
    for name in ("digits-resnet", "digits-resnet-plain"):
        problem = open_problem(f"samples:{name}")
        evaluator = problem.evaluator(splits=("train",), limit=128)
        turns[name] = 0
        for seed in range(3):
            axes = random_plane(problem.layout, problem.state, seed=seed, normalisation="filter")
            t = np.linspace(-1, 1, 25)
            line = np.log(losses(problem, evaluator, list(axes), np.stack([t, -0.6 * np.ones_like(t)], 1)))
            # 0.02 in ln loss: more than the batch's rounding, less than a wall.
            rises = np.diff(line)[np.abs(np.diff(line)) > 0.02] > 0
            turns[name] += int(np.abs(np.diff(rises.astype(int))).sum())
    assert turns["digits-resnet"] <= 3 + 1
    assert turns["digits-resnet-plain"] >= 2 * turns["digits-resnet"]


def test_there_is_a_barrier_between_the_seeds() -> None:
    problem = open_problem("samples:digits-seed-a")
    step = problem.state_of(problem.reference("samples:digits-seed-b")) - problem.state
    line = losses(problem, problem.evaluator(), [step], np.linspace(0, 1, 5)[:, None])
    assert line.max() - max(line[0], line[-1]) > 0.5


def test_large_batches_end_where_it_is_steeper_and_both_began_alike() -> None:
    rise = {}
    for name in ("mnist1d-small-batch", "mnist1d-large-batch"):
        problem = open_problem(f"samples:{name}")
        evaluator = problem.evaluator(splits=("train",))
        axes = [random_plane(problem.layout, problem.state, seed=s, normalisation="filter")[0] for s in range(3)]
        rise[name] = np.mean([losses(problem, evaluator, [d], [[-0.25], [0.25]]).mean() for d in axes])
    assert rise["mnist1d-large-batch"] > 1.3 * rise["mnist1d-small-batch"]
    first = [open_problem(f"samples:{n}/epoch-000.safetensors").checkpoint.digest for n in rise]
    assert first[0] == first[1]


def test_the_data_are_made_again_to_the_bit(tmp_path: Path, sample_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy")
    monkeypatch.setattr(sys, "path", [str(sample_folder), *sys.path])
    import generate

    generate.write_mnist1d(tmp_path / "mnist1d.npz")
    made, shipped = np.load(tmp_path / "mnist1d.npz"), np.load(sample_folder / "data" / "mnist1d.npz")
    # Another libm or SciPy may round otherwise; another recipe would differ in the first digit.
    assert all(np.allclose(made[key], shipped[key], rtol=0, atol=1e-5) for key in shipped.files)


@pytest.mark.skipif(not (Path(samples.folder()) / "train.py").exists(), reason="the script is not there")
def test_the_script_makes_a_sample_that_opens(tmp_path: Path, sample_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(sample_folder), *sys.path])
    import train

    folder = tmp_path / "sample_checkpoints"
    (folder / "samples").mkdir(parents=True)
    (folder / "data").symlink_to(sample_folder / "data")
    monkeypatch.setattr(train, "HERE", folder)
    import dataclasses

    recipe = dataclasses.replace(train.RECIPES["digits-mlp"], epochs=3, keep=(0, 1, 2, 3))
    values = train.train("digits-mlp", recipe)
    assert values["test_accuracy"] > 0.8
    problem = open_problem(folder / "digits-mlp")
    assert problem.warnings() == ()
    assert problem.run is not None
    assert len(problem.run.checkpoints) == 4
    again = train.train("digits-mlp", recipe)
    assert again == values
