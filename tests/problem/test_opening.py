"""Opening: card, family or code; the values at the checkpoint against an independent loop; fingerprints; wrong things told."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from measuring import finish
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.errors import CheckpointError, ProblemError
from landscape_gui.problem import Problem, describe, open_problem, prepare_torch
from landscape_gui.problem.families import mlp, resnet


def make(
    folder: Path, module: nn.Module, x: Tensor, y: Tensor, card: dict[str, Any] | None = None, *, name: str = "net.pt"
) -> Path:
    torch.save(module.state_dict(), folder / name)
    np.savez(folder / "data.npz", x_train=x.numpy(), y_train=y.numpy(), x_test=x[::2].numpy(), y_test=y[::2].numpy())
    content = {"data": {"file": "data.npz"}, **(card or {})}
    (folder / "landscape.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / name


def small(folder: Path, card: dict[str, Any] | None = None) -> Path:
    torch.manual_seed(0)
    x = torch.randn(60, 6)
    return make(folder, mlp.create([6, 8, 3]), x, x[:, :3].argmax(1), card)


def loop(module: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Mean cross-entropy and accuracy in float64, seven examples at a time."""
    module = module.double().eval()
    total, right = 0.0, 0
    with torch.no_grad():
        for a, b in zip(x.double().split(7), y.split(7), strict=True):
            output = module(a)
            total += functional.cross_entropy(output, b, reduction="sum").item()
            right += int((output.argmax(1) == b).sum())
    return total / len(y), right / len(y)


@pytest.mark.parametrize("name", ["digits-mlp", "digits-resnet", "digits-seed-a", "mnist1d-small-batch"])
def test_values_agree_with_an_independent_loop_in_float64(name: str, sample_folder: Path) -> None:
    problem = open_problem(f"samples:{name}")
    found = problem.at_checkpoint()
    card = json.loads((sample_folder / name / "landscape.json").read_text(encoding="utf-8"))
    stored = np.load(sample_folder / name / card["data"]["file"])
    normalise = card["data"].get("normalise", {"mean": [0], "std": [1]})
    module = {
        "digits-mlp": lambda: mlp.create([64, 64, 32, 10], "tanh"),
        "digits-resnet": lambda: resnet.create(44, 4, channels=1, shortcut="A"),
        "digits-seed-a": digits_cnn,
        "mnist1d-small-batch": signal_cnn,
    }[name]()
    state = load_file(problem.checkpoint.path)
    module.load_state_dict(state)
    exact = finish(problem.evaluator(precision="float64"), problem.state, [torch.zeros_like(problem.state)], [[0.0]])
    for split in problem.splits:
        x = (torch.from_numpy(stored[f"x_{split}"]) - normalise["mean"][0]) / normalise["std"][0]
        loss, accuracy = loop(module, x, torch.from_numpy(stored[f"y_{split}"]))
        # The issue asks for 1e-6 at every point.
        assert found[f"{split}_loss"] == pytest.approx(loss, rel=1e-6)
        assert found[f"{split}_accuracy"] == accuracy
        # Float64 differs by the order of sums alone.
        assert exact.mean[f"{split}_loss"][0] == pytest.approx(loss, rel=1e-12)


def digits_cnn() -> nn.Module:
    """Written out, with the file's own names, independently of the family."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
            self.fc1, self.fc2 = nn.Linear(64, 32), nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = functional.max_pool2d(self.conv1(x).relu(), 2)
            x = functional.max_pool2d(self.conv2(x).relu(), 2)
            return self.fc2(self.fc1(x.flatten(1)).relu())

    return Net()


def signal_cnn() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv1d(1, 25, 5, 2, 1)
            self.conv2, self.conv3 = nn.Conv1d(25, 25, 3, 2, 1), nn.Conv1d(25, 25, 3, 2, 1)
            self.fc1 = nn.Linear(125, 10)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc1(self.conv3(self.conv2(self.conv1(x).relu()).relu()).relu().flatten(1))

    return Net()


def test_any_net_of_your_own_agrees_to_1e_5(tmp_path: Path) -> None:
    """A GELU net with LayerNorm and tied weights, which no family knows."""
    code = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.norm, self.b = torch.nn.Linear(5, 5), torch.nn.LayerNorm(5), torch.nn.Linear(5, 5)
        self.b.weight = self.a.weight
    def forward(self, x):
        return self.b(torch.nn.functional.gelu(self.norm(self.a(x))))
def model():
    return Net()
def data():
    x = torch.randn(90, 5)
    return {"all": (x, x.argmin(1))}
"""
    (tmp_path / "landscape.py").write_text(code, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(code, names)
    torch.manual_seed(1)
    module = names["Net"]()
    torch.save(module.state_dict(), tmp_path / "net.pt")
    problem = open_problem(tmp_path, trusted=lambda _: True)
    assert problem.layout.parameters == 25 + 5 + 5 + 10
    x, y = problem._parts.splits[0].inputs, problem._parts.splits[0].targets
    rng = torch.Generator().manual_seed(2)
    direction = torch.randn(problem.layout.size, generator=rng)
    values = finish(problem.evaluator(), problem.state, [direction], [[0.0], [0.3]])
    for coordinate, value in zip((0.0, 0.3), values.mean["all_loss"], strict=True):
        moved = problem.layout.unflatten(problem.state.double() + coordinate * direction.double())
        module.double().load_state_dict({**moved, "b.weight": moved["a.weight"]})
        assert value == pytest.approx(loop(module, x, y)[0], rel=1e-5)


def test_what_it_says_of_itself(tmp_path: Path) -> None:
    problem = open_problem(small(tmp_path, {"title": "T", "loss": "cross_entropy", "defaults": {"limit": 9}}))
    assert problem.splits == {"train": 60, "test": 30}
    assert problem.metrics == ("accuracy",)
    assert (problem.loss_name, problem.loss_unit, problem.classes) == ("cross_entropy", "nat", 3)
    assert problem.layout.parameters == 6 * 8 + 8 + 8 * 3 + 3
    assert not problem.has_batchnorm
    assert problem.defaults == {"limit": 9}
    assert json.loads(json.dumps(problem.description))["model"] == "MLP 6-8-3, relu"
    assert "ReLU is assumed" in " ".join(problem.notes)


def test_targets_of_floats_are_regression(tmp_path: Path) -> None:
    x = torch.randn(40, 6)
    problem = open_problem(make(tmp_path, mlp.create([6, 8, 3]), x, x[:, :3]))
    assert (problem.loss_name, problem.loss_unit, problem.metrics, problem.classes) == ("mse", "", (), None)
    assert problem.warnings() == ()


def test_the_likeliest_of_several_architectures_is_taken_and_said(tmp_path: Path) -> None:
    """A trained net without shortcuts has the same tensors as one with option A; only the loss tells."""
    torch.manual_seed(0)
    x = torch.randn(96, 1, 8, 8)
    y = (x.mean((1, 2, 3)) > 0).long()
    module = resnet.create(8, 4, channels=1, classes=2, shortcut="none")
    optimiser = torch.optim.Adam(module.parameters(), 3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        functional.cross_entropy(module.train()(x), y).backward()
        optimiser.step()
    problem = open_problem(make(tmp_path, module, x, y))
    assert "no shortcuts" in problem.description["model"]
    assert any("3 architectures fit" in note for note in problem.notes)
    assert problem.has_batchnorm
    named = open_problem(tmp_path, architecture="resnet:shortcut=A")
    assert named.description["model"].endswith("zero-padded shortcuts")
    assert named.fingerprint != problem.fingerprint


@pytest.mark.parametrize("option", ["activation=tanh", "eps=0.01"])
def test_the_fingerprint_tells_configurations_apart(tmp_path: Path, option: str) -> None:
    path = small(tmp_path)
    assert open_problem(path, architecture=f"mlp:{option}").fingerprint != open_problem(path, architecture="mlp").fingerprint


def test_the_fingerprint_is_of_content_not_of_places_and_titles(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir()
    there.mkdir()
    one, two = open_problem(small(here)), open_problem(small(there, {"title": "Another"}), threads=2)
    assert one.fingerprint == two.fingerprint
    assert open_problem(here, normalise="standard").fingerprint != one.fingerprint
    state = read_checkpoint(here / "net.pt").tensors
    torch.save({k: v + 1e-3 for k, v in state.items()}, here / "net.pt")
    assert open_problem(here).fingerprint != one.fingerprint


def test_nothing_is_said_of_a_good_net_and_chance_is_said_of_a_wrong_one(tmp_path: Path) -> None:
    good = open_problem("samples:digits-mlp")
    assert good.warnings() == ()
    path = small(tmp_path)
    with torch.no_grad():
        module = mlp.create([6, 8, 3])
        module.fc2.weight.zero_()  # type: ignore[union-attr]
        module.fc2.bias.zero_()  # type: ignore[union-attr]
    torch.save(module.state_dict(), path)
    said = open_problem(path).warnings()
    assert len(said) == 2
    assert all("chance" in sentence and "normalisation" in sentence for sentence in said)


def test_an_untrained_checkpoint_of_a_run_is_at_chance(sample_folder: Path) -> None:
    problem = open_problem(sample_folder / "digits-mlp" / "epoch-000.safetensors")
    assert any("9.6%: chance" in sentence for sentence in problem.warnings())
    assert problem.title.endswith("epoch 0")
    assert open_problem("samples:digits-mlp/epoch-000.safetensors").fingerprint == problem.fingerprint


def test_a_loss_that_is_no_number_and_a_card_that_says_otherwise_are_said(tmp_path: Path) -> None:
    path = small(tmp_path, {"metrics": {"train_loss": 1e-3}})
    assert any("The card says train loss 0.001" in sentence for sentence in open_problem(path).warnings())
    torch.save({k: v * math.nan for k, v in read_checkpoint(path).tensors.items()}, path)
    problem = open_problem(path)
    assert any("train loss at the checkpoint is nan" in sentence for sentence in problem.warnings())


def test_without_data_it_says_what_was_found_and_how_to_give_data(tmp_path: Path) -> None:
    torch.save(mlp.create([6, 8, 3]).state_dict(), tmp_path / "net.pt")
    with pytest.raises(ProblemError) as raised:
        open_problem(tmp_path / "net.pt")
    for word in ("MLP 6-8-3", "83 numbers", "--data", "landscape.json", "landscape.py"):
        assert word in str(raised.value)
    assert describe(tmp_path / "net.pt")["fits"] == ["MLP 6-8-3, relu"]
    x = torch.randn(20, 6)
    np.savez(tmp_path / "d.npz", x=x.numpy(), y=x[:, :3].argmax(1).numpy())
    assert open_problem(tmp_path / "net.pt", data=str(tmp_path / "d.npz")).splits == {"data": 20}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": {"file": "gone.npz"}}, ["gone.npz are not there"]),
        ({"architecture": {"family": "mlp", "widths": [6, 9, 3]}}, ["'fc1.weight'", "(8, 6)", "(9, 6) was expected"]),
        ({"architecture": {"family": "resnet"}}, ["resnet", "residual blocks"]),
        ({"loss": "hinge"}, ["hinge", "cross_entropy"]),
        ({"loss": "mse"}, ["mean squared error", "shapes differ"]),
    ],
)
def test_cards_that_do_not_fit_are_told(tmp_path: Path, change: dict[str, Any], words: list[str]) -> None:
    path = small(tmp_path, change)
    with pytest.raises(ProblemError) as raised:
        open_problem(path)
    assert all(word.lower() in str(raised.value).lower() for word in words), str(raised.value)


def test_files_of_no_family_say_why_for_each(tmp_path: Path) -> None:
    path = small(tmp_path)
    torch.save({"weird.scale": torch.ones(3), "fc1.weight": torch.ones(3, 6)}, path)
    with pytest.raises(ProblemError, match=r"fits no built-in.*As ResNet.*As CNN.*As MLP.*landscape.py"):
        open_problem(path)


def test_places_that_hold_nothing_are_told(tmp_path: Path) -> None:
    for path, word in ((tmp_path / "gone.pt", "There is no"), (tmp_path, "holds no checkpoint")):
        with pytest.raises(CheckpointError, match=word):
            open_problem(path)
    with pytest.raises(ProblemError, match="no sample called 'nope'"):
        open_problem("samples:nope")
    with pytest.raises(ProblemError, match="no device called"):
        open_problem("samples:digits-mlp", device="abacus")


def test_other_checkpoints_of_the_run_and_foreign_ones(tmp_path: Path) -> None:
    problem = open_problem("samples:digits-mlp")
    assert problem.run is not None
    first = problem.reference(problem.run.checkpoints[0].path)
    assert first.label == "epoch 0"
    expected = load_file(first.path)
    state = problem.layout.unflatten(problem.state_of(first))
    assert all(torch.equal(state[name], expected[name]) for name in state)
    assert problem.state_of(problem.reference("samples:digits-mlp")) is problem.state
    with pytest.raises(ProblemError, match=r"digits-seed-a.*'conv1.weight'|'fc1.weight' has shape \(32, 64\)"):
        problem.reference("samples:digits-seed-a")
    path = small(tmp_path)
    other = open_problem(path)
    reference = other.reference(path)
    torch.save({k: v + 1 for k, v in read_checkpoint(path).tensors.items()}, tmp_path / "net.pt")
    assert torch.equal(other.state_of(reference), other.state), "the problem's own weights are in memory"


def test_a_checkpoint_that_changed_since_it_was_chosen_is_told(tmp_path: Path) -> None:
    problem = open_problem(small(tmp_path))
    torch.save(mlp.create([6, 8, 3]).state_dict(), tmp_path / "other.pt")
    reference = problem.reference(tmp_path / "other.pt")
    torch.save(mlp.create([6, 8, 3]).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ProblemError, match="other weights than when it was chosen"):
        problem.state_of(reference)


def test_saved_weights_open_again_to_the_same_values(tmp_path: Path, sample_folder: Path) -> None:
    problem = open_problem("samples:digits-resnet")
    moved = problem.state.clone()
    moved[: problem.layout.parameters] *= 1.01
    path = sample_folder / "digits-resnet" / "landscape.json"
    (tmp_path / "landscape.json").write_text(
        path.read_text(encoding="utf-8").replace("../data", str(sample_folder / "data")), encoding="utf-8"
    )
    problem.save_state(moved, tmp_path / "cell.safetensors")
    again = open_problem(tmp_path / "cell.safetensors")
    assert torch.equal(again.state, moved)
    assert set(again.checkpoint.tensors) == set(problem.checkpoint.tensors), "counters included"
    assert again.checkpoint.metadata["source"] == problem.checkpoint.name
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == []
    with pytest.raises(ProblemError, match="cannot be written"):
        problem.save_state(moved, tmp_path / "no" / "folder.safetensors")


def test_the_module_is_left_as_it_was(tmp_path: Path) -> None:
    problem = open_problem("samples:digits-seed-a")
    before = {k: v.clone() for k, v in problem.module.state_dict().items()}
    steps = problem.evaluator(limit=64).evaluate(problem.state, [torch.ones_like(problem.state)], [[0.1], [0.2]])
    next(steps)
    steps.close()
    assert all(torch.equal(v, before[k]) for k, v in problem.module.state_dict().items())


def test_threads_and_kernels_are_set_and_seeds_are_not() -> None:
    threads, fast = torch.get_num_threads(), torch.backends.mha.get_fastpath_enabled()
    state = torch.get_rng_state()
    try:
        prepare_torch(2)
        assert torch.get_num_threads() == 2
        assert not torch.backends.mha.get_fastpath_enabled()
        assert not torch.backends.cuda.flash_sdp_enabled()
        assert torch.backends.cuda.math_sdp_enabled()
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(threads)
        torch.backends.mha.set_fastpath_enabled(fast)


def test_batches_of_dictionaries_and_streams_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import torch
from torch.utils.data import DataLoader, TensorDataset
def model():
    return torch.nn.Linear(4, 2)
def data():
    x = torch.randn(64, 4)
    y = (x[:, 0] > 0).long()
    loader = DataLoader([{"x": a, "y": b} for a, b in zip(x, y)], batch_size=16, shuffle=True)
    return {"train": loader, "test": {"x": x[:20], "y": y[:20]}}
def batch_loss(model, batch):
    return torch.nn.functional.cross_entropy(model(batch["x"]), batch["y"], reduction="none")
"""
    (tmp_path / "landscape.py").write_text(code, encoding="utf-8")
    torch.manual_seed(0)
    torch.save(nn.Linear(4, 2).state_dict(), tmp_path / "net.pt")
    whole = open_problem(tmp_path, trusted=lambda _: True)
    monkeypatch.setenv("LANDSCAPE_GUI_DATA_LIMIT", "500")
    streamed = open_problem(tmp_path, trusted=lambda _: True)
    assert whole.splits == streamed.splits == {"train": 64, "test": 20}
    assert whole.metrics == ()
    a, b = whole.at_checkpoint(), streamed.at_checkpoint()
    # The same examples in other batches: sums in float64 of float32 losses.
    assert a["train_loss"] == pytest.approx(b["train_loss"], rel=1e-6)
    few = finish(streamed.evaluator(limit=20), streamed.state, [torch.zeros_like(streamed.state)], [[0.0]])
    assert few.mean["train_loss"][0] == pytest.approx(a["test_loss"], rel=1e-6)
    assert few.examples["train_loss"] == 20


def test_a_problem_is_opened_from_its_card_or_code_file_too(sample_folder: Path) -> None:
    by_card: Problem = open_problem(sample_folder / "digits-mlp" / "landscape.json")
    assert by_card.fingerprint == open_problem("samples:digits-mlp").fingerprint


def test_another_default_type_of_torch_is_said_before_anything_is_read(tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(ProblemError, match="default type is float64") as caught:
            open_problem(tmp_path)
    finally:
        torch.set_default_dtype(torch.float32)
    assert "set_default_dtype(torch.float32)" in caught.value.remedy
