"""A random subset as all that a problem knows of its data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_gui import open_problem, samples
from landscape_gui.errors import ProblemError
from landscape_gui.problem.drawn_data import drawn
from landscape_gui.problem.named_data import load_named


def test_the_same_examples_of_each_split_and_what_was_drawn_is_said() -> None:
    data = load_named("digits")
    few = drawn(data, 50)
    assert [split.examples for split in few.splits] == [50, 50] and few.digest == drawn(data, 50).digest != data.digest
    rows = {tuple(row.flatten().tolist()) for row in data.splits[0].inputs}
    assert all(tuple(row.flatten().tolist()) in rows for row in few.splits[0].inputs)
    assert "50 of 1,437 train, 50 of 360 test" in few.notes[-1] and few.about["drawn_from"] == {"train": 1437, "test": 360}
    some = drawn(data, 400)
    assert [split.examples for split in some.splits] == [400, 360] and "test" not in some.notes[-1].split("seed")[1]
    assert drawn(data, 0) is data and drawn(data, 10_000) is data


@pytest.mark.parametrize("examples", [-1, 2.5, "many", True])
def test_what_is_no_number_of_examples_is_refused(examples: object) -> None:
    with pytest.raises(ProblemError, match="whole number"):
        drawn(load_named("digits"), examples)  # type: ignore[arg-type]


def test_a_problem_on_a_subset_is_another_one_and_can_be_opened_again() -> None:
    whole, few = (open_problem("samples:digits-mlp", device="cpu", examples=n) for n in (0, 64))
    assert few.splits == {"train": 64, "test": 64} and few.fingerprint != whole.fingerprint
    chosen = torch.randperm(1437, generator=torch.Generator().manual_seed(0))[:64].sort().values
    rows = whole.objective().losses()[chosen]
    assert few.at_checkpoint()["train_loss"] == pytest.approx(float(np.mean(rows.numpy())), rel=1e-6)  # float32 passes
    again = open_problem("samples:digits-mlp", device="cpu", **few.description["asked"])
    assert again.fingerprint == few.fingerprint
    assert "examples" not in whole.description.get("asked", {})


def test_a_card_may_say_so_and_a_person_otherwise(tmp_path: Path) -> None:
    sample = samples.folder() / "digits-mlp"
    shutil.copy(sorted(sample.glob("*.safetensors"))[-1], tmp_path / "net.safetensors")
    architecture = json.loads((sample / "landscape.json").read_text())["architecture"]
    data = {"file": str(samples.folder() / "data" / "digits.npz"), "examples": 40}
    (tmp_path / "landscape.json").write_text(json.dumps({"architecture": architecture, "data": data, "loss": "cross_entropy"}))
    assert open_problem(tmp_path / "net.safetensors", device="cpu").splits["train"] == 40
    assert open_problem(tmp_path / "net.safetensors", device="cpu", examples=30).splits["train"] == 30
