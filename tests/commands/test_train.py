"""`landscape-gui train`: runs that open, equal bits for equal seeds, and the JSON that other programs read."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from landscape_gui import cli, open_problem
from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.core.dynamics import lgdi
from landscape_gui.export.peers_json import read_json
from landscape_gui.run import find_run

KEYS = [
    "epoch",
    "train_loss",
    "test_loss",
    "test_accuracy",
    "grad_norm",
    "lambda_max",
    "directional_sharpness",
    "lgdi",
    "stability_ratio",
]


def train(folder: Path, *flags: str) -> None:
    assert cli.main(["train", str(folder), "--quiet", *flags]) == 0


def epochs(folder: Path) -> list[dict[str, float]]:
    found: list[dict[str, float]] = json.loads((folder / "epochs.json").read_text())
    return found


def test_the_run_opens_and_its_numbers_are_those_of_its_checkpoints(tmp_path: Path) -> None:
    train(tmp_path / "a", "--epochs", "3", "--geometry", "--hidden", "16", "--line", "1", "last")
    rows = epochs(tmp_path / "a")
    assert [list(row) for row in rows] == [KEYS] * 4 and [row["epoch"] for row in rows] == [0, 1, 2, 3]
    run = find_run(tmp_path / "a")
    assert run is not None and not run.notes
    for entry in run.checkpoints:
        if entry.epoch is not None:
            row = rows[int(entry.epoch)]
            problem = open_problem(entry.path)
            found = problem.at_checkpoint()
            assert found["train_loss"] == pytest.approx(row["train_loss"], rel=1e-6)
            assert found["test_loss"] == pytest.approx(row["test_loss"], rel=1e-6)
            assert found["test_accuracy"] == row["test_accuracy"]
            assert float(problem.objective().gradient().norm()) == pytest.approx(row["grad_norm"], rel=1e-4)
            assert row["stability_ratio"] == pytest.approx(0.05 * row["lambda_max"])
            assert row["lgdi"] == lgdi(0.05, row["lambda_max"], row["grad_norm"], row["directional_sharpness"])
    problem = open_problem(tmp_path / "a")
    assert problem.warnings() == () and problem.description["training"]["optimizer"] == "SGD"
    assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]


def test_what_it_writes_opens_as_dynamics_and_as_a_line(tmp_path: Path) -> None:
    train(tmp_path / "a", "--epochs", "2", "--hidden", "16", "--line", "first", "2")
    dynamics = read_json(tmp_path / "a" / "epochs.json")
    assert list(dynamics.runs.values())[0].quantities.keys() == {"train_loss", "test_loss", "test_accuracy"}  # type: ignore[union-attr]  # noqa: RUF015
    line = json.loads((tmp_path / "a" / "line.json").read_text())
    rows = epochs(tmp_path / "a")
    assert (line[0]["alpha"], line[-1]["alpha"]) == (0, 1)
    assert line[0]["loss"] == pytest.approx(rows[0]["train_loss"], rel=1e-5)
    assert line[-1]["loss"] == pytest.approx(rows[-1]["train_loss"], rel=1e-5)
    assert read_json(tmp_path / "a" / "line.json").x.shape == (41,)  # type: ignore[union-attr]


def test_the_same_seed_gives_the_same_bits_and_another_one_others(tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        torch.manual_seed(hash(name) % 1000)  # the global generator decides nothing
        train(tmp_path / name, "--epochs", "1", "--hidden", "8", "--seed", seed, *(["--geometry"] if name == "b" else []))
    last = [find_run(tmp_path / name).last.path for name in "abc"]  # type: ignore[union-attr]
    found = [read_checkpoint(place).digest for place in last]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "nesterov", "adam", "adamw", "sam"])
def test_every_optimiser_against_torch_by_hand(tmp_path: Path, optimiser: str) -> None:
    """Full-batch steps on the polynomial; SAM written out as in Foret et al. 2021, algorithm 1."""
    flags = ["--data", "chebyshev:3", "--hidden", "10", "--activation", "tanh", "--lr", "0.01", "--weight-decay", "0.001"]
    train(tmp_path / "a", *flags, "--optimizer", optimiser, "--full-batch", "--steps", "6")
    run = find_run(tmp_path / "a")
    assert run is not None
    net = torch.nn.Sequential(torch.nn.Linear(1, 10), torch.nn.Tanh(), torch.nn.Linear(10, 1))
    first = read_checkpoint(run.checkpoints[0].path).tensors
    net.load_state_dict({new: first[old] for new, old in zip(sorted(net.state_dict()), sorted(first), strict=True)})
    x = torch.linspace(-1, 1, 20)[:, None]
    y = 4 * x**3 - 3 * x
    parameters, options = list(net.parameters()), {"lr": 0.01, "weight_decay": 0.001}
    made: torch.optim.Optimizer
    if optimiser in ("adam", "adamw"):
        made = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[optimiser](parameters, **options)
    else:
        momentum = 0.0 if optimiser == "sgd" else 0.9
        made = torch.optim.SGD(parameters, momentum=momentum, nesterov=optimiser == "nesterov", **options)  # type: ignore[arg-type]
    for _ in range(6):
        gradient = torch.autograd.grad(F.mse_loss(net(x), y), parameters)
        if optimiser == "sam":
            norm = torch.sqrt(sum(g.square().sum() for g in gradient))  # type: ignore[arg-type]
            moved = {n: p + 0.05 * g / norm for (n, p), g in zip(net.named_parameters(), gradient, strict=True)}
            gradient = torch.autograd.grad(F.mse_loss(torch.func.functional_call(net, moved, x), y), parameters)
        for p, g in zip(parameters, gradient, strict=True):
            p.grad = g
        made.step()
    last = read_checkpoint(run.last.path).tensors
    assert run.last.step == 6
    for name, expected in zip(sorted(last), sorted(net.state_dict()), strict=True):
        assert torch.allclose(
            last[name], net.state_dict()[expected], atol=2e-6
        )  # float32's rounding of weights of about 1, over six steps


@pytest.mark.parametrize(
    ("data", "flags"),
    [
        ("digits", ["--architecture", "cnn", "--channels", "4", "6", "--hidden", "8"]),
        ("mnist1d", ["--architecture", "cnn", "--kernel", "5"]),
        ("digits", ["--architecture", "resnet", "--width", "4", "--shortcut", "B", "--init", "he", "--optimizer", "sam"]),
        ("digits", ["--loss", "mse", "--hidden", "12", "--activation", "gelu", "--init", "xavier", "--schedule", "cosine"]),
        ("digits", ["--hidden", "0", "--optimizer", "adam", "--warmup", "0.5", "--schedule", "linear"]),
    ],
)
def test_every_family_opens_again(tmp_path: Path, data: str, flags: list[str]) -> None:
    train(tmp_path / "a", "--data", data, "--steps", "6", "--batch", "500", *flags)
    problem = open_problem(tmp_path / "a")
    assert problem.at_checkpoint()["train_loss"] == pytest.approx(epochs(tmp_path / "a")[-1]["train_loss"], rel=1e-5)
    assert problem.warnings() == () or "chance" in problem.warnings()[0]


def test_data_of_ones_own_and_a_test_split_called_otherwise(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 3)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x[:40], y_train=x[:40, :2] ** 2, x_val=x[40:], y_val=x[40:, :2] ** 2)
    train(tmp_path / "a", "--data", str(tmp_path / "d.npz"), "--normalise", "standard", "--epochs", "4", "--batch", "7")
    found = open_problem(tmp_path / "a").at_checkpoint()
    last = epochs(tmp_path / "a")[-1]
    assert found["train_loss"] == pytest.approx(last["train_loss"], rel=1e-5)
    assert found["val_loss"] == pytest.approx(last["test_loss"], rel=1e-5)
    assert last["test_accuracy"] is None


def test_a_run_is_replaced_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path / "a", "--steps", "2")
    assert cli.main(["train", str(tmp_path / "a"), "--steps", "3"]) == 1
    said = capsys.readouterr().err
    assert "already holds a recorded run" in said and "--resume" in said
    (tmp_path / "a" / "notes.txt").write_text("mine")
    train(tmp_path / "a", "--steps", "3", "--overwrite")
    run = find_run(tmp_path / "a")
    assert run is not None and run.last.step == 3
    assert (tmp_path / "a" / "notes.txt").read_text() == "mine"
    other = tmp_path / "other"
    other.mkdir()
    torch.save({}, other / "step-00000001.safetensors")
    assert cli.main(["train", str(other), "--steps", "3", "--overwrite"]) == 1
    assert (other / "step-00000001.safetensors").exists()


def test_measurements_of_a_long_training_are_some_two_hundred(tmp_path: Path) -> None:
    train(tmp_path / "a", "--data", "chebyshev", "--hidden", "5", "--full-batch", "--epochs", "410", "--lr", "0.01")
    rows = epochs(tmp_path / "a")
    assert [row["epoch"] for row in rows[:3]] == [0, 3, 6] and rows[-1]["epoch"] == 410 and len(rows) == 138


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--data", "nowhere.npz"], 1, "nowhere.npz. Name them with --data"),
        (["--data", "chebyshev:x"], 1, "degree of chebyshev:x"),
        (["--data", "chebyshev", "--loss", "cross_entropy"], 1, "Cross-entropy is of classes"),
        (["--data", "mnist1d", "--architecture", "resnet"], 1, "A resnet takes images"),
        (["--architecture", "resnet", "--depth", "9"], 1, "must be 6 n + 2"),
        (["--activation", "sine"], 1, "The activation is 'sine'"),
        (["--lr", "0"], 1, "The learning rate is 0.0"),
        (["--optimizer", "lion"], 2, "--optimizer cannot be 'lion'"),
        (["--full-batch", "--batch", "3"], 2, "contradict"),
        (["--steps", "3", "--epochs", "3"], 2, "contradict"),
        (["--line", "one", "two"], 2, "--line takes epochs"),
        (["--momentum", "1"], 1, "in [0, 1)"),
        (["--resume", "--overwrite"], 2, "Leave one out"),
        (["--device", "mps"], 1, "no float64"),
        (["--normalise", "mnist"], 1, "digits has its own normalise"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], status: int, words: str
) -> None:
    assert cli.main(["train", str(tmp_path / "a"), *flags]) == status
    assert words in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C is POSIX's SIGINT here")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "sigterm"])
def test_a_signal_keeps_what_was_trained(number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

    def interrupt() -> None:
        while not list((tmp_path / "a").glob("epoch-0003-*")):
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    watcher = threading.Thread(target=interrupt, daemon=True)
    watcher.start()
    assert cli.main(["train", str(tmp_path / "a"), "--epochs", "100000", "--every", "1"]) == 130
    watcher.join()
    said = capsys.readouterr()
    assert "interrupted. What was trained is in" in said.err and "steps" in said.out
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    run = find_run(tmp_path / "a")
    assert run is not None and not run.notes and run.last.step == run.metrics[-1]["step"]
    assert [row["epoch"] for row in epochs(tmp_path / "a")] == list(range(len(epochs(tmp_path / "a"))))
    assert open_problem(tmp_path / "a").warnings() == ()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C is POSIX's SIGINT here")
def test_resume_goes_on_where_ctrl_c_came(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder, with nothing but the run's name: recipe, data and place are in its state."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 3)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=x[:, :2] ** 2)
    flags = ["--data", str(tmp_path / "d.npz"), "--normalise", "standard", "--steps", "1000", "--batch", "7", "--optimizer", "adam"]
    train(tmp_path / "whole", *flags)

    def interrupt() -> None:
        while not list((tmp_path / "a b").glob("step-*")):
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt, daemon=True)
    watcher.start()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "a b", *flags]) == 130
    watcher.join()
    assert "Go on with: landscape-gui train 'a b' --resume" in capsys.readouterr().err
    stopped = find_run(tmp_path / "a b")
    assert stopped is not None and 0 < (stopped.last.step or 0) < 1000
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cli.main(["train", "../a b", "--resume"]) == 0
    assert f"goes on after step {stopped.last.step:,} of 1,000" in capsys.readouterr().err
    ends = [find_run(tmp_path / name).last for name in ("whole", "a b")]  # type: ignore[union-attr]
    assert ends[0].step == ends[1].step == 1000
    assert read_checkpoint(ends[0].path).digest == read_checkpoint(ends[1].path).digest
    assert (tmp_path / "whole" / "epochs.json").read_text() == (tmp_path / "a b" / "epochs.json").read_text()


def test_resume_begins_where_nothing_is_and_makes_longer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a job which may be taken off its machine at any time has one command."""
    command = ["train", str(tmp_path / "a"), "--resume", "--hidden", "8", "--full-batch"]
    assert cli.main([*command, "--epochs", "2"]) == 0
    assert "holds no training yet: it begins" in capsys.readouterr().err
    assert cli.main([*command, "--epochs", "2"]) == 0
    assert "had come to its end, 2 epochs" in capsys.readouterr().err
    assert cli.main([*command, "--epochs", "5", "--line", "first", "last"]) == 0
    assert "goes on after step 2 of 5, epoch 2 of 5" in capsys.readouterr().err
    train(tmp_path / "b", "--hidden", "8", "--full-batch", "--epochs", "5")
    assert epochs(tmp_path / "a") == epochs(tmp_path / "b") and (tmp_path / "a" / "line.json").exists()
    assert cli.main(["train", str(tmp_path / "a"), "--resume", "--lr", "0.3"]) == 1
    assert "was trained with lr 0.05, not lr 0.3" in capsys.readouterr().err
    train(tmp_path / "a", "--steps", "1", "--overwrite")
    assert epochs(tmp_path / "a")[-1]["epoch"] == 1


def test_a_run_of_another_program_is_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"w": torch.zeros(2)}, tmp_path / "step-00000001.safetensors")
    assert cli.main(["train", str(tmp_path), "--resume"]) == 1
    assert "holds a run, but no training.state" in capsys.readouterr().err


def test_a_training_that_diverges_ends_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", str(tmp_path / "a"), "--lr", "1e6", "--line", "first", "last"]) == 1
    said = capsys.readouterr()
    assert "training diverged: by step 23 (epoch 1)" in said.err and "smaller --lr" in said.err
    assert "epoch 1: train loss nan" in said.out
    assert epochs(tmp_path / "a")[-1]["train_loss"] is None
