"""--code FILE.py:FUNCTION and MODULE:FUNCTION, and hubconf.py: found without importing, asked for, and named when it is not so."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from landscape_gui.data_choice import DataNeeded
from landscape_gui.errors import ChoiceNeeded, ProblemError, TrustNeeded
from landscape_gui.problem import Problem, open_problem, remember_trust
from landscape_gui.problem.code_name import find_named

NETS = """
import torch
from parts.layers import make_layer

class Net(torch.nn.Module):
    def __init__(self, width=5, act="tanh"):
        super().__init__()
        self.a, self.b = make_layer(4, width), make_layer(width, 3)
        self.act = getattr(torch, "tanh" if act == "tanh" else "relu")
    def forward(self, x):
        return self.b(self.act(self.a(x)))

def make(width=5):
    return Net(width)

def wide(width):
    return Net(width)

def number():
    return 3

ready = Net()
"""
LAYERS = """
import torch
def make_layer(a, b):
    return torch.nn.Linear(a, b)
"""
HUBCONF = """
dependencies = ["torch"]
from nets import make as _make
from nets import Net

def small(pretrained=True, **keywords):
    assert not pretrained, "would fetch"
    return _make(**keywords)

def _hidden():
    pass
"""


def yes(_: str) -> bool:
    return True


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nets.py, which imports a folder without an __init__.py, weights of width 5, and data."""
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    place = tmp_path / "project"
    (place / "parts").mkdir(parents=True)
    (place / "nets.py").write_text(NETS, encoding="utf-8")
    (place / "parts" / "layers.py").write_text(LAYERS, encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    torch.manual_seed(0)
    torch.save(nn.ModuleDict({"a": nn.Linear(4, 5), "b": nn.Linear(5, 3)}).state_dict(), place / "net.pt")
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    np.savez(place / "data.npz", x=x, y=x[:, :3].argmax(1))
    return place


def opened(project: Path, code: str, checkpoint: str = "net.pt") -> Problem:
    return open_problem(project / checkpoint, code=code, data=str(project / "data.npz"), trusted=yes)


@pytest.mark.parametrize("code", ["nets.py:make", "nets:make", "nets.py:Net", "nets:Net", "nets:ready", "nets:make(width=5)"])
def test_a_function_a_class_and_a_module_make_the_network(project: Path, code: str) -> None:
    """By file and by module, found in the checkpoint's folder; the loss is that of the same weights in a network of our own."""
    weights = torch.load(project / "net.pt", weights_only=True)
    data = np.load(project / "data.npz")
    hidden = torch.tanh(torch.from_numpy(data["x"]) @ weights["a.weight"].T + weights["a.bias"])
    expected = nn.functional.cross_entropy(hidden @ weights["b.weight"].T + weights["b.bias"], torch.from_numpy(data["y"]))
    loss = next(value for name, value in opened(project, code).at_checkpoint().items() if name.endswith("_loss"))
    assert loss == pytest.approx(expected.item(), rel=1e-6)


def test_arguments_make_another_network_with_another_fingerprint(project: Path) -> None:
    tanh, relu = opened(project, "nets:Net"), opened(project, "nets:Net(act='relu')")
    assert tanh.fingerprint != relu.fingerprint
    assert tanh.at_checkpoint() != relu.at_checkpoint()
    assert opened(project, "nets:Net(act='relu')").fingerprint == relu.fingerprint


def test_it_is_found_from_the_current_folder_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    torch.save(torch.load("net.pt", weights_only=True), project.parent / "elsewhere" / "far.pt")
    for code in ("nets:make", "nets.py:make", str(project / "nets.py") + ":make"):
        assert open_problem(project.parent / "elsewhere" / "far.pt", code=code, data="data.npz", trusted=yes).splits


def test_a_file_in_a_package_is_imported_with_it(project: Path) -> None:
    package = project / "pkg" / "inner"
    package.mkdir(parents=True)
    (project / "pkg" / "__init__.py").write_text("", encoding="utf-8")
    (package / "__init__.py").write_text("from .net import build", encoding="utf-8")
    (package / "net.py").write_text(
        "from ..base import Net\nfrom pkg import base\ndef build():\n    return Net()\n", encoding="utf-8"
    )
    (project / "pkg" / "base.py").write_text(NETS, encoding="utf-8")
    for code in ("pkg/inner/net.py:build", "pkg.inner.net:build", "pkg.inner:build"):
        assert opened(project, code).splits


def test_a_folder_without_init_that_a_file_lies_in_counts_where_its_imports_are(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    (project / "models").mkdir()
    (project / "models" / "more.py").write_text("from nets import Net\nimport parts.layers\ndef build():\n    return Net()\n")
    for code in ("models/more.py:build", "models.more:build"):
        assert opened(project, code).splits


def test_a_name_of_the_standard_library_is_run_by_itself(project: Path) -> None:
    (project / "types.py").write_text(LAYERS + "def make():\n    import nets\n    return nets.make()\n", encoding="utf-8")
    assert opened(project, "types.py:make").splits


def test_nothing_runs_before_trust_which_holds_for_every_function_of_the_content(project: Path) -> None:
    marker = project / "ran"
    (project / "parts" / "layers.py").write_text(f"open({str(marker)!r}, 'w')\n{LAYERS}", encoding="utf-8")
    with pytest.raises(TrustNeeded) as raised:
        open_problem(project / "net.pt", code="nets:make")
    assert not marker.exists()
    assert "class Net" in raised.value.source and "def make_layer" in raised.value.source
    assert raised.value.abilities == (
        "writes, moves or deletes files (layers.py, line 1: open)",
        "runs code that is not shown here (nets.py, line 9: getattr of a name made while it runs)",
    )
    remember_trust(raised.value.digest)
    for code in ("nets:make", "nets:Net"):
        assert open_problem(project / "net.pt", code=code, data=str(project / "data.npz")).splits
    layers = (project / "parts" / "layers.py").read_text(encoding="utf-8")
    (project / "parts" / "layers.py").write_text(layers.replace("(a, b)", "(b, a)"), encoding="utf-8")
    with pytest.raises(TrustNeeded):
        open_problem(project / "net.pt", code="nets:make")


def test_data_and_loss_of_the_same_file_count(project: Path) -> None:
    more = "def data():\n    x = torch.randn(30, 4)\n    return {'own': (x, x[:, :3])}\n"
    more += "def loss(output, target):\n    return (output - target).abs().mean()\n"
    (project / "nets.py").write_text(NETS + more, encoding="utf-8")
    problem = open_problem(project / "net.pt", code="nets:make", trusted=yes)
    assert problem.splits == {"own": 30}
    assert problem.at_checkpoint()["own_loss"] > 0


def test_what_was_not_meant_for_this_program_does_not_count(project: Path) -> None:
    """Of somebody's training script: data() with a parameter, a loss that is a number, metrics that are a list."""
    more = "def data(path):\n    return path\nloss = 3.0\nmetrics = ['accuracy']\n"
    (project / "nets.py").write_text(NETS + more, encoding="utf-8")
    assert opened(project, "nets:make").description["loss"] == "cross_entropy"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("nots:make", ["There is no nots in", "MODULE:FUNCTION"]),
        ("nots.py:make", ["There is no nots.py in"]),
        ("nots.py", ["There is no nots.py"]),
        ("nets:nothing", ["nets.py defines no nothing()"]),
        ("nets:number", ["number() returned a int"]),
        ("nets:wide", ["wide() needs width", 'nets.py:wide(width=...)"']),
        ("nets:wide(6)", ["(6) are no arguments", "by name"]),
        ("nets:wide(width=print())", ["are no arguments"]),
        ("nets:wide(width=6)", ["does not fit wide() of", "(5, 4)", "(6, 4)"]),
        ("nets:Net(depth=2)", ["TypeError", "depth"]),
    ],
)
def test_what_is_wrong_is_said(project: Path, code: str, words: list[str]) -> None:
    with pytest.raises(ProblemError) as raised:
        opened(project, code)
    assert all(word in str(raised.value) for word in words), str(raised.value)


def test_what_was_not_shown_cannot_be_imported(project: Path) -> None:
    """A compiled file in a folder of the code: no source of it was read."""
    import py_compile

    (project / "hidden.py").write_text("raise SystemExit('hidden code ran')\n", encoding="utf-8")
    py_compile.compile(str(project / "hidden.py"), str(project / "parts" / "secret.pyc"))
    (project / "hidden.py").unlink()
    (project / "nets.py").write_text(NETS + "import parts.secret\n", encoding="utf-8")
    with pytest.raises(ProblemError, match=r"parts.secret' among the files that were shown"):
        opened(project, "nets:make")


@pytest.mark.parametrize(
    "hostile", ["-" * 200_000 + "1", "(" * 5000, "[" * 150 + "]" * 150, "x = " + "a." * 50_000 + "b", "\0", "x = '\ud800'"]
)
def test_code_that_cannot_be_parsed_is_told_and_not_run(project: Path, hostile: str) -> None:
    """Depths that would overflow a parser's stack, and what is no text."""
    (project / "nets.py").write_bytes(hostile.encode("utf-8", "surrogatepass") + b"\ndef make():\n    raise SystemExit\n")
    with pytest.raises((ProblemError, TrustNeeded)):
        open_problem(project / "net.pt", code="nets:make")


def test_a_pipe_in_a_package_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "parts" / "pipe.py")
    assert opened(project, "nets:make").splits


def test_a_path_with_a_colon_is_a_path(tmp_path: Path) -> None:
    place = tmp_path / "a:b"
    place.mkdir()
    (place / "net.py").write_text("", encoding="utf-8")
    assert find_named(str(place / "net.py"), tmp_path).function == ""
    assert find_named(f"{place / 'net.py'}:make", tmp_path).file == place / "net.py"


def test_the_one_entry_point_of_a_hubconf_opens_and_is_not_asked_to_fetch(project: Path) -> None:
    (project / "hubconf.py").write_text(HUBCONF, encoding="utf-8")
    with pytest.raises(TrustNeeded) as raised:
        open_problem(project / "net.pt")
    assert raised.value.path.endswith("hubconf.py")
    problem = open_problem(project / "net.pt", data=str(project / "data.npz"), trusted=yes)
    assert problem.description["parameters"] == 43


def test_several_entry_points_are_listed_before_anything_runs(project: Path) -> None:
    more = "def large():\n    return _make(width=9)\nraise SystemExit('ran')\n"
    (project / "hubconf.py").write_text(HUBCONF + more, encoding="utf-8")
    for code in (None, "hubconf.py", str(project / "hubconf.py")):
        with pytest.raises(ChoiceNeeded) as raised:
            open_problem(project / "net.pt", code=code, trusted=yes)
        assert "has 2 entry points: small, large." in str(raised.value)
        assert "--code hubconf.py:small" in raised.value.remedy
        assert raised.value.choices == tuple(f"{project / 'hubconf.py'}:{name}" for name in ("small", "large"))
    (project / "hubconf.py").write_text(HUBCONF + more.replace("raise SystemExit('ran')\n", ""), encoding="utf-8")
    assert opened(project, "hubconf.py:small").description["parameters"] == 43
    assert opened(project, raised.value.choices[0]).description["parameters"] == 43
    with pytest.raises(ProblemError, match="does not fit large"):
        opened(project, "hubconf.py:large")


def test_a_landscape_py_counts_before_a_hubconf(project: Path) -> None:
    (project / "hubconf.py").write_text(HUBCONF, encoding="utf-8")
    (project / "landscape.py").write_text("from nets import make as model\n", encoding="utf-8")
    with pytest.raises(TrustNeeded) as raised:
        open_problem(project / "net.pt")
    assert raised.value.path.endswith("landscape.py")


def test_a_hubconf_further_up_does_not_count_unnamed(project: Path) -> None:
    (project / "hubconf.py").write_text(HUBCONF, encoding="utf-8")
    (project / "runs").mkdir()
    (project / "net.pt").rename(project / "runs" / "net.pt")
    with pytest.raises(DataNeeded):
        open_problem(project / "runs" / "net.pt")
    with pytest.raises(TrustNeeded):
        open_problem(project / "runs" / "net.pt", code="hubconf.py")


def test_entry_points_that_are_imported_count(project: Path) -> None:
    (project / "hubconf.py").write_text("from nets import make, wide\nimport torch\n", encoding="utf-8")
    with pytest.raises(ChoiceNeeded, match="2 entry points: make, wide"):
        open_problem(project / "net.pt")


def test_switches_of_the_environment_do_not_open_what_is_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that turn others' safety off; a pickle that would run stays a pickle, code stays asked for."""
    for name in ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "TRUST_REMOTE_CODE", "HF_TRUST_REMOTE_CODE", "LANDSCAPE_GUI_TRUST"):
        monkeypatch.setenv(name, "1")
    marker = project / "ran"
    (project / "parts" / "layers.py").write_text(f"open({str(marker)!r}, 'w')\n{LAYERS}", encoding="utf-8")
    with pytest.raises(TrustNeeded):
        open_problem(project / "net.pt", code="nets:make")

    class Runs:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(marker), "w")

    torch.save({"state_dict": torch.load(project / "net.pt", weights_only=True), "x": Runs()}, project / "evil.pt")
    (project / "parts" / "layers.py").write_text(LAYERS, encoding="utf-8")
    assert opened(project, "nets:make", "evil.pt").splits
    assert not marker.exists()
