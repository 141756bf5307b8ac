"""Opening a .pt2: the same answers as its state dict with a landscape.py, its data and loss, its identity, its notes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from exporting import export
from torch import Tensor, nn
from two_outputs import Two, check_own_loss

from landscape_gui import cli
from landscape_gui.errors import ProblemError, TrustNeeded
from landscape_gui.problem import open_problem

CODE = """
import torch
from torch import nn

def model():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
"""
DATA = """
def data():
    x = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return {"train": (x, x.mean((1, 2, 3)).mul(30).long().clamp(0, 2))}
"""


def network() -> nn.Module:
    torch.manual_seed(0)
    names: dict[str, object] = {}
    exec(CODE, names)
    module: nn.Module = names["model"]()  # type: ignore[operator]
    module(torch.randn(30, 1, 8, 8) + 0.5)
    return module.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """exported/net.pt2, and plain/net.pt of the same weights with a landscape.py; data.npz for both."""
    place = tmp_path_factory.mktemp("opened")
    (place / "exported").mkdir()
    (place / "plain").mkdir()
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 1, 8, 8)).astype("f4")
    np.savez(place / "data.npz", x_train=x, y_train=(np.arange(60) % 3), x_test=x[::3], y_test=(np.arange(60) % 3)[::3])
    export(place / "exported" / "net.pt2", network(), torch.zeros(4, 1, 8, 8))
    torch.save(network().state_dict(), place / "plain" / "net.pt")
    (place / "plain" / "landscape.py").write_text(CODE, encoding="utf-8")
    return place


QUESTIONS = {
    "surface": (("surface", "--steps", "5", "--span", "0.5"), ("x", "train_loss", "test_loss", "train_accuracy")),
    "recalculated": (("surface", "--steps", "3", "--batchnorm", "recalculated"), ("train_loss", "test_loss")),
    "spectrum": (("spectrum", "--top", "2", "--steps", "8", "--probes", "1"), ("eigenvalues", "trace", "layers")),
    "sharpness": (
        ("sharpness", "--points", "1", "--scaled-points", "1", "--no-bound"),
        ("gradient_norm", "lambda_max", "adaptive"),
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_answers_are_those_of_the_state_dict_with_a_landscape_py(name: str, folder: Path, tmp_path: Path) -> None:
    """Through the command line: the same directions, losses and curvature."""
    question, numbers = QUESTIONS[name]
    found = []
    for path, more in ((folder / "exported" / "net.pt2", ()), (folder / "plain" / "net.pt", ("--trust",))):
        output = tmp_path / f"{path.suffix[1:]}.json"
        assert cli.main([*question, str(path), "--data", str(folder / "data.npz"), *more, "-q", "-o", str(output)]) == 0
        found.append(json.loads(output.read_text(encoding="utf-8")))
    for key in numbers:
        if key == "layers":
            assert found[0][key] == found[1][key]
        else:
            np.testing.assert_allclose(found[0][key], found[1][key], rtol=1e-4, atol=1e-6, err_msg=key)


def test_what_it_says_of_itself(folder: Path) -> None:
    problem = open_problem(folder / "exported" / "net.pt2", data=str(folder / "data.npz"))
    assert problem.has_batchnorm and problem.classes == 3
    assert "exported program of 6 operations" in str(problem.description["model"])
    assert any("no code in it runs" in note for note in problem.notes)
    assert [name for name, _ in problem.description["layers"]] == ["0", "1", "5"]


def test_identity_is_what_it_computes(folder: Path, tmp_path: Path) -> None:
    """Not the place or number of examples that it was exported with; another slope of a ReLU counts, as its weights do."""

    def fingerprint(path: Path) -> str:
        return open_problem(path, data=str(folder / "data.npz")).fingerprint

    own = fingerprint(folder / "exported" / "net.pt2")
    assert fingerprint(export(tmp_path / "again.pt2", network(), torch.zeros(7, 1, 8, 8))) == own
    leaky = network()
    leaky[2] = nn.LeakyReLU(0.01)  # type: ignore[index]
    one = fingerprint(export(tmp_path / "one.pt2", leaky, torch.zeros(7, 1, 8, 8)))
    leaky[2] = nn.LeakyReLU(0.02)  # type: ignore[index]
    assert len({own, one, fingerprint(export(tmp_path / "two.pt2", leaky, torch.zeros(7, 1, 8, 8)))}) == 3


def test_constants_count_in_the_identity(tmp_path: Path) -> None:
    class Scaled(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.out = nn.Linear(3, 2)
            self.register_buffer("factor", torch.tensor([factor]), persistent=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(x * self.factor)

    np.savez(tmp_path / "data.npz", x_train=np.eye(6, 3, dtype="f4"), y_train=np.arange(6) % 2)
    made = [export(tmp_path / f"{i}.pt2", Scaled(1.0 + i).eval(), torch.zeros(4, 3)) for i in range(2)]
    first, second = (open_problem(path, data=str(tmp_path / "data.npz")) for path in made)
    assert first.checkpoint.digest == second.checkpoint.digest and first.fingerprint != second.fingerprint
    assert first.at_checkpoint() != second.at_checkpoint()


def test_data_and_loss_of_a_landscape_py_near_it_once_trusted(folder: Path, tmp_path: Path) -> None:
    """Where no data are named; its model(), if it has one, is not asked."""
    path = tmp_path / "net.pt2"
    path.write_bytes((folder / "exported" / "net.pt2").read_bytes())
    loss = "\ndef loss(output, target):\n    return torch.nn.functional.cross_entropy(3 * output, target, reduction='none')\n"
    broken = "\ndef model():\n    raise RuntimeError('not this one')\n"
    (tmp_path / "landscape.py").write_text("import torch\n" + broken + DATA + loss, encoding="utf-8")
    with pytest.raises(TrustNeeded):
        open_problem(path)
    problem = open_problem(path, trusted=lambda digest: True)
    names: dict[str, object] = {}
    exec("import torch\n" + DATA, names)
    x, y = names["data"]()["train"]  # type: ignore[operator]
    with torch.no_grad():
        expected = nn.functional.cross_entropy(3 * network()(x), y)
    assert problem.at_checkpoint()["train_loss"] == pytest.approx(expected.item(), rel=1e-5)
    named = open_problem(path, data=str(folder / "data.npz"))
    assert named.loss_name == "cross_entropy" and "not trusted" not in named.title


def test_a_loss_of_the_persons_own_is_given_all_that_the_program_gives(tmp_path: Path) -> None:
    torch.manual_seed(0)
    check_own_loss(export(tmp_path / "net.pt2", Two().eval(), torch.zeros(4, 3)))


def test_another_architecture_may_be_named(folder: Path) -> None:
    """Flags come before what the file says."""
    plain = folder / "plain" / "landscape.py"
    path, data = folder / "exported" / "net.pt2", str(folder / "data.npz")
    problem = open_problem(path, data=data, code=str(plain), trusted=lambda digest: True)
    assert "exported program" not in str(problem.description["model"])


def test_inputs_of_several_kinds(tmp_path: Path) -> None:
    """Positional and by name, as the data give them."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.out = nn.Linear(3, 2)

        def forward(self, ids: Tensor, mask: Tensor | None = None, *, scale: float = 1.0) -> dict[str, Tensor]:
            h = self.out(ids)
            return {"hidden": h, "logits": scale * (h if mask is None else h * mask[:, None])}

    x, mask = torch.eye(6, 3), torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    path = export(tmp_path / "net.pt2", Two().eval(), ids=x, mask=mask, scale=2.0)
    head = "import torch\nx = torch.eye(6, 3)\nmask = torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0, 1.0])\ny = torch.arange(6) % 2\n"
    with torch.no_grad():
        logits = Two()(x, mask, scale=2.0)["logits"]
    expected = nn.functional.cross_entropy(logits, torch.arange(6) % 2).item()
    for inputs in ("(x, mask)", "{'ids': x, 'mask': mask}"):
        code = f"{head}def data():\n    return {{'train': ({inputs}, y)}}\n"
        (tmp_path / "landscape.py").write_text(code, encoding="utf-8")
        problem = open_problem(path, trusted=lambda digest: True)
        assert problem.at_checkpoint()["train_loss"] == pytest.approx(expected, rel=1e-6)
        assert any("'logits'" in note for note in problem.notes)
    wrong = {"x": "'mask' as well", "{'ids': x, 'mask': mask, 'more': x}": "'more'", "(x, mask, 1.0, x)": "4 inputs"}
    for inputs, words in wrong.items():
        code = f"{head}def data():\n    return {{'train': ({inputs}, y)}}\n"
        (tmp_path / "landscape.py").write_text(code, encoding="utf-8")
        with pytest.raises(ProblemError, match=words):
            open_problem(path, trusted=lambda digest: True)


def test_without_data_it_says_what_the_file_is(folder: Path) -> None:
    with pytest.raises(ProblemError, match=r"9 tensors, \d+ numbers: an exported program with its network. Name the data"):
        open_problem(folder / "exported" / "net.pt2")


def test_another_program_is_not_taken_for_another_checkpoint(folder: Path, tmp_path: Path) -> None:
    """Activations have no weights: the tensors of both look the same."""
    problem = open_problem(folder / "exported" / "net.pt2", data=str(folder / "data.npz"))
    same, other = network(), network()
    for parameter in same.parameters():
        parameter.data *= 1.1
    other[2] = nn.GELU()  # type: ignore[index]
    path = export(tmp_path / "same.pt2", same, torch.zeros(3, 1, 8, 8))
    moved = problem.state_of(problem.reference(path))
    torch.testing.assert_close(moved[: problem.layout.parameters], 1.1 * problem.state[: problem.layout.parameters])
    assert problem.at(problem.reference(path)).fingerprint == open_problem(path, data=str(folder / "data.npz")).fingerprint
    with pytest.raises(ProblemError, match="another network"):
        problem.state_of(problem.reference(export(tmp_path / "other.pt2", other, torch.zeros(3, 1, 8, 8))))
