"""Opening a TorchScript archive: asked about first, then the same answers as its network by module:function; refusals in words."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scripting import loaded, rewritten, scripted, tampered, traced, yes
from torch import Tensor, nn
from two_outputs import Two, check_own_loss

from landscape_gui import cli
from landscape_gui.errors import ProblemError, TrustNeeded
from landscape_gui.problem import open_problem, remember_trust

NETS = """
import torch
from torch import nn

def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 12), nn.Tanh(), nn.Linear(12, 3))

def cnn():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))


def network(name: str = "cnn") -> nn.Module:
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(NETS, names)
    module: nn.Module = names[name]()
    module(torch.randn(30, 1, 8, 8) + 0.5)
    return module.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both networks traced, scripted and as state dicts with nets.py in a folder of its own; data.npz for all."""
    place = tmp_path_factory.mktemp("scripts")
    (place / "plain").mkdir()
    (place / "plain" / "nets.py").write_text(NETS, encoding="utf-8")
    for name in ("mlp", "cnn"):
        traced(place / f"{name}-traced.pt", network(name), torch.zeros(4, 1, 8, 8))
        scripted(place / f"{name}-scripted.pt", network(name))
        torch.save(network(name).state_dict(), place / "plain" / f"{name}.pt")
    x = np.random.default_rng(0).normal(size=(60, 1, 8, 8)).astype("f4")
    y = np.arange(60) % 3
    np.savez(place / "data.npz", x_train=x, y_train=y, x_test=x[::3], y_test=y[::3])
    return place


def open_at(path: Path, folder: Path, trusted: Callable[[str], bool] | None = yes) -> Any:
    return open_problem(path, data=str(folder / "data.npz"), trusted=trusted)


QUESTIONS = {
    "surface": (("surface", "--steps", "5", "--span", "0.5"), ("x", "train_loss", "test_loss", "train_accuracy")),
    "recalculated": (("surface", "--steps", "3", "--batchnorm", "recalculated"), ("train_loss", "test_loss")),
    "spectrum": (("spectrum", "--top", "2", "--steps", "8", "--probes", "1"), ("eigenvalues", "trace", "layers")),
    "sharpness": (("sharpness", "--points", "1", "--scaled-points", "1", "--no-bound"), ("gradient_norm", "lambda_max")),
}
ASKED = [
    *(("surface", file) for file in ("mlp-traced", "cnn-traced", "cnn-scripted")),
    ("recalculated", "cnn-scripted"),
    ("spectrum", "mlp-traced"),
    ("spectrum", "cnn-scripted"),
    ("sharpness", "cnn-traced"),
]


@pytest.mark.parametrize(("question", "file"), ASKED)
def test_answers_are_those_of_the_network_by_module_and_function(question: str, file: str, folder: Path, tmp_path: Path) -> None:
    """Through the command line: the same directions, losses and curvature."""
    asked, numbers = QUESTIONS[question]
    name, found = file.partition("-")[0], []
    for path, more in ((folder / f"{file}.pt", ()), (folder / "plain" / f"{name}.pt", ("--code", f"nets.py:{name}"))):
        output = tmp_path / f"{path.parent.name}.json"
        flags = ["--data", str(folder / "data.npz"), *more, "--trust", "-q", "-o", str(output)]
        assert cli.main([*asked, str(path), *flags]) == 0
        found.append(json.loads(output.read_text(encoding="utf-8")))
    for key in numbers:
        if key == "layers":
            assert found[0][key] == found[1][key]
        else:
            np.testing.assert_allclose(found[0][key], found[1][key], rtol=1e-4, atol=1e-6, err_msg=key)


def test_forward_is_torch_jits_own_and_the_gradient_autograds(folder: Path) -> None:
    x, y = torch.randn(7, 1, 8, 8), torch.arange(7) % 3
    for file in ("mlp-traced", "mlp-scripted", "cnn-traced", "cnn-scripted"):
        problem, module = open_at(folder / f"{file}.pt", folder), network(file.partition("-")[0])
        with torch.no_grad():
            torch.testing.assert_close(problem.module(x), loaded(folder / f"{file}.pt")(x), rtol=0, atol=1e-6)
        for net in (module, problem.module):
            nn.functional.cross_entropy(net(x), y).backward()
        for (name, own), (other, twin) in zip(module.named_parameters(), problem.module.named_parameters(), strict=True):
            assert name == other
            torch.testing.assert_close(twin.grad, own.grad, rtol=1e-5, atol=1e-7)


def test_what_it_says_of_itself(folder: Path) -> None:
    problem = open_at(folder / "cnn-traced.pt", folder)
    assert problem.has_batchnorm and problem.classes == 3 and problem.loss_name == "cross_entropy"
    assert "TorchScript program 'Sequential'" in str(problem.description["model"])
    assert [name for name, _ in problem.description["layers"]] == ["0", "1", "5"]


def test_without_data_it_says_what_the_file_is(folder: Path) -> None:
    with pytest.raises(ProblemError, match=r"9 tensors, \d+ numbers: a TorchScript program with its network. Name the data"):
        open_problem(folder / "cnn-traced.pt", trusted=yes)


def test_trust_is_asked_once_for_a_content_and_again_for_another(folder: Path, tmp_path: Path) -> None:
    path = folder / "cnn-scripted.pt"
    with pytest.raises(TrustNeeded) as raised:
        open_at(path, folder, None)
    asked = raised.value
    assert "holds a TorchScript program" in asked.message and "--trust" in asked.remedy and asked.abilities == ()
    assert "class Sequential(Module):" in asked.source and "torch.batch_norm(" in asked.source
    remember_trust(asked.digest, asked.path)
    open_at(path, folder, None)
    moved = network()
    for parameter in moved.parameters():
        parameter.data *= 1.1
    file = "code/__torch__/torch/nn/functional.py"
    other = rewritten(path, tmp_path / "changed.pt", "_verify_batch_size", "_verify_batch_sizes", file)
    with pytest.raises(TrustNeeded) as again:
        open_at(other, folder, None)
    assert again.value.digest != asked.digest

    def weights(name: str, content: bytes) -> bytes:
        return b"".join((np.frombuffer(content, "f4") * np.float32(1.5),)) if name == "data/0" else content

    open_at(tampered(path, tmp_path / "trained on.pt", weights), folder, None)


def test_every_part_that_decides_what_is_computed_is_asked_about(folder: Path, tmp_path: Path) -> None:
    digests = []

    def note(digest: str) -> bool:
        digests.append(digest)
        return False

    path = folder / "cnn-traced.pt"
    for target in ("", "code/__torch__/torch/nn/modules/container.py", "constants.pkl", "data.pkl"):
        seen = []

        def change(name: str, content: bytes, target: str = target, seen: list[str] = seen) -> bytes:
            if not target or re.sub(r"/___torch_mangle_\d+", "", name) != target:
                return content
            seen.append(name)
            return content + b"\n"  # after a pickle's end, or a text's

        with pytest.raises(TrustNeeded):
            open_at(tampered(path, tmp_path / "a.pt", change), folder, note)
        assert bool(seen) == bool(target)
    assert len(set(digests)) == len(digests) == 4


def test_nothing_is_computed_before_trust(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither torch.jit nor any operation of the program; a refusal stays one."""
    ran: list[str] = []
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: ran.append("torch.jit.load"))
    monkeypatch.setattr("landscape_gui.problem.scripted.module.Program.run", lambda *_, **__: ran.append("run"))
    monkeypatch.setattr("landscape_gui.problem.scripted.module.Builder.build", lambda *_, **__: ran.append("build"))
    for _ in range(2):
        with pytest.raises(TrustNeeded):
            open_at(folder / "cnn-scripted.pt", folder, lambda digest: False)
    assert ran == []


def test_python_in_the_place_of_the_program_is_never_run(folder: Path, tmp_path: Path) -> None:
    """Not even when it is trusted: names mean what is on the list alone."""
    canary = tmp_path / "canary"
    attacks = [
        f"open({str(canary)!r}, 'w')",
        f"__import__('pathlib').Path({str(canary)!r}).touch()",
        f"torch.save(input, {str(canary)!r})",
        f"torch.ops.load_library({str(canary)!r})",
        f"ops.aten.save({str(canary)!r})",
        f"(input).__class__.__base__.__subclasses__()[0]({str(canary)!r})",
        f"(self).__init__.__globals__['open']({str(canary)!r}, 'w')",
        f"self._script_compiler.library({str(canary)!r})",
        f"__torch__.os.system('touch {canary}')",
        f"[c for c in [open({str(canary)!r}, 'w')]]",
        f"(lambda: open({str(canary)!r}, 'w'))()",
        f"exec('open({str(canary)!r})')",
    ]
    file = "code/__torch__/torch/nn/modules/linear.py"
    for attack in attacks:
        path = rewritten(folder / "mlp-scripted.pt", tmp_path / "a.pt", "    weight = self.weight", f"    weight = {attack}", file)
        with pytest.raises(ProblemError, match="TorchScript program"):
            open_at(path, folder)
        assert not canary.exists(), attack


DAMAGE = {
    "no Python": ("    weight = self.weight", "    weight = = self.weight", "cannot be read"),
    "deep": ("    weight = self.weight", "    weight = " + "(" * 5000 + "self.weight" + ")" * 5000, "cannot be read"),
    "statements": ("class Linear(Module):", "import os\nclass Linear(Module):", "something else than TorchScript"),
    "no such attribute": ("self.weight", "self.weights", "reads 'weights', which is not in the file"),
    "before it is given": ("    weight = self.weight", "    weight = later", "before anything gives it"),
    "no such operator": ("torch.linear(", "torch.frobnicate(", "'aten::frobnicate', which is not on the list"),
    "operators of others": ("torch.linear(", "ops.mine.linear(", "'mine::linear', which is no part of torch"),
    "chance": ("torch.linear(", "torch.bernoulli(", "draws random numbers"),
    "without end": ("    weight = self.weight", "    while True:\n      pass\n    weight = self.weight", "without end"),
    "a list without end": (
        "    weight = self.weight",
        "    n = torch.mul([0], 1000000000000)\n    weight = self.weight",
        "without end",
    ),
    "a huge number": ("    weight = self.weight", "    n = torch.pow(10, 1000000000)\n    weight = self.weight", "64 bits"),
    "a huge tensor": ("    weight = self.weight", "    n = torch.zeros([100000, 100000, 100])\n    weight = self.weight", "GiB"),
    "recursion": ("torch.linear(input, weight, bias)", "(self).forward(input, )", "fails at|more than"),
    "a state": ("    weight = self.weight", "    self.weight = input\n    weight = input", "writes into 'weight' at each call"),
    "a weight": ("    weight = self.weight", "    weight = torch.add_(self.weight, 1)", "writes into '1.weight' at each call"),
    "an exception": (
        "    weight = self.weight",
        '    ops.prim.RaiseException("not\\n<b>these</b>")\n    weight = 1',
        "refuses its inputs: not <b>",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_not_run_is_said(name: str, folder: Path, tmp_path: Path) -> None:
    """In a sentence with the file's name and what to do."""
    old, new, words = DAMAGE[name]
    path = rewritten(folder / "mlp-scripted.pt", tmp_path / "a.pt", old, new, "code/__torch__/torch/nn/modules/linear.py")
    with pytest.raises(ProblemError, match=words) as raised:
        open_at(path, folder)
    assert str(path) in raised.value.message and raised.value.remedy


def test_operators_that_are_not_run_are_shown_with_the_question(folder: Path, tmp_path: Path) -> None:
    file = "code/__torch__/torch/nn/modules/linear.py"
    path = rewritten(folder / "mlp-scripted.pt", tmp_path / "a.pt", "torch.linear(", "torch.save(", file)
    with pytest.raises(TrustNeeded) as raised:
        open_at(path, folder, None)
    assert raised.value.abilities == ("names operators that are not run here (aten::save)",)


def test_letters_that_turn_the_text_round_are_spelled_and_said(folder: Path, tmp_path: Path) -> None:
    file = "code/__torch__/torch/nn/modules/linear.py"
    new = '    note = "\u202e"\n    weight ='
    with pytest.raises(TrustNeeded) as raised:
        open_at(rewritten(folder / "mlp-scripted.pt", tmp_path / "a.pt", "    weight =", new, file), folder, None)
    assert raised.value.abilities == ("shows its text in another order than it runs",)
    assert "\u202e" not in raised.value.source and "<U+202E>" in raised.value.source


def test_a_weight_that_the_program_calls_a_buffer_is_one(folder: Path, tmp_path: Path) -> None:
    """What is no layer as torch.nn has it stays as the program has it."""
    file = "code/__torch__/torch/nn/modules/linear.py"
    path = rewritten(folder / "mlp-scripted.pt", tmp_path / "a.pt", '["weight", "bias", ]', '["bias", ]', file)
    problem = open_at(path, folder)
    assert [name for name, _ in problem.module.named_parameters()] == ["1.bias", "3.bias"]
    assert problem.at_checkpoint() == pytest.approx(open_at(folder / "mlp-scripted.pt", folder).at_checkpoint())


def test_an_archive_without_its_program(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "mlp-traced.pt") as old, zipfile.ZipFile(tmp_path / "a.pt", "w") as new:
        for name in old.namelist():
            if "/code/" not in name:
                new.writestr(name, old.read(name))
    with pytest.raises(ProblemError, match=r"without its program \(code/\)") as raised:
        open_at(tmp_path / "a.pt", folder)
    assert "torch.export" in raised.value.remedy


def test_a_trace_for_a_fixed_number_of_examples(folder: Path, tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(64, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(x.reshape(4, 64))

    class Silent(Fixed):
        def forward(self, x: Tensor) -> Tensor:
            return self.out(x.flatten(1)).mean(0, keepdim=True).expand(4, 3)

    for module in (Fixed(), Silent()):
        path = traced(tmp_path / "a.pt", module.eval(), torch.zeros(4, 1, 8, 8))
        with pytest.raises(ProblemError, match=r"fails at|number of results") as raised:
            open_at(path, folder)
        assert "x.view(x.size(0), -1)" in raised.value.remedy


def test_a_trace_in_training_mode(folder: Path, tmp_path: Path) -> None:
    for module in (network().train(), nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64, 3)).train()):
        path = traced(tmp_path / "a.pt", module, torch.zeros(4, 1, 8, 8))
        with pytest.raises(ProblemError, match=r"training mode|writes into") as raised:
            open_at(path, folder)
        assert "model.eval()" in raised.value.remedy


def test_data_and_loss_of_a_landscape_py_near_it_and_its_model_where_it_has_one(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes((folder / "cnn-traced.pt").read_bytes())
    data = "def data():\n    x = torch.ones(6, 1, 8, 8)\n    return {'train': (x, torch.arange(6) % 3)}\n"
    loss = "def loss(output, target):\n    return torch.nn.functional.cross_entropy(3 * output, target, reduction='none')\n"
    (tmp_path / "landscape.py").write_text(f"import torch\n{data}{loss}", encoding="utf-8")
    problem = open_problem(path, trusted=yes)
    with torch.no_grad():
        expected = nn.functional.cross_entropy(3 * network()(torch.ones(6, 1, 8, 8)), torch.arange(6) % 3)
    assert problem.at_checkpoint()["train_loss"] == pytest.approx(expected.item(), rel=1e-5)
    (tmp_path / "landscape.py").write_text(f"{NETS}{data}model = cnn\n", encoding="utf-8")
    assert open_problem(path, trusted=yes).description["model"] == "Sequential"


def test_a_loss_of_the_persons_own_is_given_all_that_the_program_gives(tmp_path: Path) -> None:
    torch.manual_seed(0)
    check_own_loss(traced(tmp_path / "net.pt", Two().eval(), torch.zeros(4, 3)))


def test_another_program_is_not_taken_for_another_checkpoint(folder: Path, tmp_path: Path) -> None:
    """The same network saved again is one, however torch numbered its classes; another activation is none."""
    problem = open_at(folder / "cnn-scripted.pt", folder)
    same, other = network(), network()
    for parameter in same.parameters():
        parameter.data *= 1.1
    other[2] = nn.GELU()  # type: ignore[index]
    path = scripted(tmp_path / "same.pt", same)
    moved = problem.state_of(problem.reference(path))
    torch.testing.assert_close(moved[: problem.layout.parameters], 1.1 * problem.state[: problem.layout.parameters])
    assert problem.at(problem.reference(path)).fingerprint == open_at(path, folder).fingerprint
    with pytest.raises(ProblemError, match="another network"):
        problem.state_of(problem.reference(scripted(tmp_path / "other.pt", other)))
