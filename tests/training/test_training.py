"""The training itself: a network that is handed over, the device, weights that are no numbers any more."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from trained_digits import digits, train_digits

from landscape_gui import open_problem
from landscape_gui.errors import LandscapeError
from landscape_gui.problem.named_data import known, load_named
from landscape_gui.problem.named_models import named_model
from landscape_gui.recorder.log import rows_in
from landscape_gui.run import find_run
from landscape_gui.training.data import polynomial
from landscape_gui.training.networks import make_network
from landscape_gui.training.recipe import Recipe
from landscape_gui.training.state import STATE, read_state
from landscape_gui.training.training import Network, Progress, train


def test_a_network_that_is_handed_over_opens_with_the_numbers_that_it_logged(tmp_path: Path) -> None:
    data, seen = load_named("digits"), list[Progress]()
    made = named_model("mlp-16", example=data.example or (), classes=10, seed=0)
    entry = {"file": str(data.about["path"]), "normalise": known("digits").normalise}
    recipe = Recipe(epochs=2, weight_decay=5e-4, schedule="cosine")
    done = train(
        recipe,
        data,
        tmp_path / "run",
        entry=entry,
        network=Network(made.module, made.architecture),
        title="Mine",
        progress=seen.append,
    )
    assert done.end == "done" and done.step == 2 * 23 == seen[-1].done == seen[-1].total
    assert [state.done for state in seen] == sorted(state.done for state in seen)
    problem = open_problem(tmp_path / "run", device="cpu")
    assert problem.run is not None and len(problem.run.checkpoints) >= 3 and problem.description["title"] == "Mine"
    row, found = problem.run.logged(problem.run.last), problem.at_checkpoint()
    assert row["train_loss"] == pytest.approx(found["train_loss"], rel=1e-6) and found["test_accuracy"] > 0.5
    assert row["test_accuracy"] == pytest.approx(found["test_accuracy"])


def test_its_loss_and_largest_eigenvalue_against_a_dense_hessian_in_float64(tmp_path: Path) -> None:
    """The last checkpoint, by torch alone: no part of the program but the reading of its numbers."""
    data = polynomial("chebyshev:4")
    recipe = Recipe(hidden=(5,), activation="tanh", lr=0.05, optimiser="sgd", batch=0, epochs=20, geometry=True)
    row = train(recipe, data, tmp_path / "a").rows[-1]
    from safetensors.torch import load_file

    tensors = load_file(max((tmp_path / "a").glob("*.safetensors"), key=lambda place: place.name[-16:]))
    x = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
    y = 8 * x**4 - 8 * x**2 + 1
    shapes = [(name, tensor.shape) for name, tensor in sorted(tensors.items())]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts, at = {}, 0
        for name, shape in shapes:
            parts[name] = flat[at : at + shape.numel()].reshape(shape)
            at += shape.numel()
        (b1, w1), (b2, w2) = ([parts[name] for name, _ in shapes[k : k + 2]] for k in (0, 2))
        return (torch.tanh(x @ w1.T + b1) @ w2.T + b2 - y).square().mean()

    flat = torch.cat([tensors[name].double().reshape(-1) for name, _ in shapes])
    hessian = torch.autograd.functional.hessian(loss, flat)
    gradient = torch.autograd.functional.jacobian(loss, flat)
    assert row["train_loss"] == pytest.approx(float(loss(flat)), rel=1e-5)  # float32's outputs
    assert row["grad_norm"] == pytest.approx(float(gradient.norm()), rel=1e-4)
    assert row["lambda_max"] == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=1e-3)  # the recorder's tolerance
    assert row["stability_ratio"] == 0.05 * row["lambda_max"]


def test_weights_that_are_no_numbers_end_it_and_lose_nothing(tmp_path: Path) -> None:
    done = train_digits(Recipe(hidden=(8,), lr=1e6, epochs=30, optimiser="sgd", loss="mse"), tmp_path / "a")
    assert done.end == "diverged" and done.epoch < 30 and done.step <= 50
    rows = json.loads((tmp_path / "a" / "epochs.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert rows[-1]["epoch"] == done.epoch and rows[-1]["train_loss"] is None and rows[0]["train_loss"] > 0
    assert math.isnan(list(rows_in(tmp_path / "a" / "metrics.jsonl"))[-1]["train_loss"])
    run = find_run(tmp_path / "a")
    assert run is not None and not run.notes and run.last.step == done.step
    assert open_problem(run.checkpoints[0].path).at_checkpoint()["train_loss"] == pytest.approx(rows[0]["train_loss"], rel=1e-5)
    again = train_digits(Recipe(hidden=(8,), lr=1e6, epochs=30, optimiser="sgd", loss="mse"), tmp_path / "a", resume=True)
    assert (again.end, again.step) == ("diverged", done.step)


def test_an_infinite_loss_of_finite_weights_goes_on(tmp_path: Path) -> None:
    """A loss beyond float32 is no end: steps may come back from there."""
    data, entry = digits()
    module, architecture = make_network(Recipe(hidden=()), data)
    with torch.no_grad():
        for p in module.parameters():
            p.mul_(1e30)
    recipe = Recipe(hidden=(), loss="mse", lr=1e-30, optimiser="sgd", epochs=1, batch=0)

    class Still(nn.Module):
        """Its output is too large to be squared, and nothing flows back."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = self.inner(x)
            return output.detach() + 0 * sum(p.sum() * 1e-30 for p in module.parameters())

    done = train(recipe, data, tmp_path / "a", entry=entry, network=Network(Still(), architecture))
    assert done.end == "done" and done.rows[-1]["train_loss"] == math.inf
    assert "1e999" in (tmp_path / "a" / "epochs.json").read_text()


def test_it_says_on_which_device(tmp_path: Path) -> None:
    train_digits(Recipe(hidden=(4,), steps=1), tmp_path / "a", device="auto" if not torch.cuda.is_available() else "cpu")
    assert json.loads((tmp_path / "a" / "landscape.json").read_text())["training"]["device"] == "cpu"
    state = read_state(tmp_path / "a")
    assert state is not None and state.threads == torch.get_num_threads()


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("cuda", "finds no CUDA device"),
        ("mps", "no float64"),
        ("gpu", "no device called 'gpu'"),
        ("meta", "no device called 'meta'"),
    ],
)
def test_a_device_that_is_not_there_is_told_before_anything_is_written(tmp_path: Path, device: str, words: str) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("There is one here.")
    with pytest.raises(LandscapeError, match=words) as caught:
        train_digits(Recipe(steps=1), tmp_path / "a", device=device)
    assert "cpu" in caught.value.remedy and not (tmp_path / "a").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_it_is_the_same_training_and_goes_on_to_the_bit(tmp_path: Path) -> None:
    recipe, asked = Recipe(family="resnet", width=4, epochs=2, batch=200), list[int]()
    train_digits(recipe, tmp_path / "whole", device="cuda")
    stop: Any = lambda: len(asked) > 11 or bool(asked.append(0))  # type: ignore[func-returns-value]  # noqa: E731
    train_digits(recipe, tmp_path / "pieces", device="cuda", interrupted=stop)
    train_digits(recipe, tmp_path / "pieces", device="cuda", resume=True)
    assert (tmp_path / "whole" / "epochs.json").read_text() == (tmp_path / "pieces" / "epochs.json").read_text()
    assert json.loads((tmp_path / "whole" / "landscape.json").read_text())["training"]["device"].startswith("cuda")
    first = train_digits(replace(recipe, epochs=1), tmp_path / "cpu").rows[0]
    gpu = json.loads((tmp_path / "whole" / "epochs.json").read_text())[0]
    assert gpu["train_loss"] == pytest.approx(first["train_loss"], rel=1e-3)  # TF32 convolutions
    assert (tmp_path / "whole" / STATE).exists()
