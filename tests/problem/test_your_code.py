"""landscape.py: nothing runs before trust, trust is for content, what runs is what was shown, and errors say file and line."""

from __future__ import annotations

import os
import py_compile
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from landscape_gui.errors import ProblemError, TrustNeeded
from landscape_gui.problem import is_trusted, open_problem, remember_trust
from landscape_gui.problem.your_code import YourCode, load_code

NET = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 3)
    def forward(self, x):
        return self.fc(x)
"""
CODE = """
import torch
from mynet import Net
def model():
    return Net()
def data():
    x = torch.randn(40, 4)
    return {"train": (x[:30], x[:30, :3].argmax(1)), "test": (x[30:], x[30:, :3].argmax(1))}
"""


def yes(_: str) -> bool:
    return True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    place = tmp_path / "work"
    place.mkdir()
    (place / "mynet.py").write_text(NET, encoding="utf-8")
    (place / "landscape.py").write_text(CODE, encoding="utf-8")
    torch.save(nn.ModuleDict({"fc": nn.Linear(4, 3)}).state_dict(), place / "net.pt")
    return place


def write(folder: Path, code: str) -> YourCode:
    path = folder / "landscape.py"
    path.write_text(code, encoding="utf-8")
    return load_code(path, yes)


def test_it_opens_with_its_data_and_leaves_no_names_behind(folder: Path) -> None:
    path = list(sys.path)
    problem = open_problem(folder / "net.pt", trusted=yes)
    assert problem.splits == {"train": 30, "test": 10}
    assert set(problem.at_checkpoint()) == {"train_loss", "train_accuracy", "test_loss", "test_accuracy"}
    assert "mynet" not in sys.modules
    assert sys.path == path


def test_nothing_runs_before_trust_and_the_question_shows_all_of_it(folder: Path) -> None:
    marker = folder / "ran"
    (folder / "mynet.py").write_text(f"open({str(marker)!r}, 'w')\n{NET}", encoding="utf-8")
    with pytest.raises(TrustNeeded) as raised:
        open_problem(folder / "net.pt")
    assert not marker.exists()
    assert "class Net" in raised.value.source
    assert "def model" in raised.value.source
    open_problem(folder / "net.pt", trusted=lambda digest: digest == raised.value.digest)
    assert marker.exists()


@pytest.mark.parametrize("changed", ["landscape.py", "mynet.py"])
def test_trust_is_remembered_for_this_content_alone(folder: Path, changed: str) -> None:
    with pytest.raises(TrustNeeded) as raised:
        open_problem(folder)
    remember_trust(raised.value.digest, raised.value.path)
    assert is_trusted(raised.value.digest)
    open_problem(folder)
    with (folder / changed).open("a", encoding="utf-8") as file:
        file.write("\n# one more line\n")
    with pytest.raises(TrustNeeded):
        open_problem(folder)


def test_a_broken_trust_file_trusts_nothing(folder: Path) -> None:
    remember_trust("abc")
    (Path(os.environ["LANDSCAPE_GUI_CONFIG"]) / "trusted.json").write_text("[", encoding="utf-8")
    assert not is_trusted("abc")


def test_imports_inside_functions_and_of_packages_are_found(folder: Path) -> None:
    package = folder / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "nets.py").write_text("from .base import Base\nNet = Base\n", encoding="utf-8")
    (package / "base.py").write_text(NET.replace("Net", "Base"), encoding="utf-8")
    code = write(folder, "def model():\n    from pkg.nets import Net\n    return Net()\n")
    assert {"pkg", "pkg.nets", "pkg.base"} <= set(code.source.files)
    assert isinstance(code.make_model(), nn.Module)
    assert isinstance(code.make_model(), nn.Module), "and a second time"


def test_cached_bytecode_that_nobody_saw_does_not_run(folder: Path) -> None:
    """An unchecked .pyc wins over its source in an ordinary import."""
    evil = folder / "evil.py"
    evil.write_text("raise RuntimeError('bytecode ran')\n", encoding="utf-8")
    cache = folder / "__pycache__" / f"mynet.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(str(evil), str(cache), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert isinstance(load_code(folder / "landscape.py", yes).make_model(), nn.Module)


def test_two_folders_with_modules_of_one_name_do_not_mix(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mynet.py").write_text(NET.replace("Linear(4, 3)", "Linear(4, 3, bias=False)"), encoding="utf-8")
    (other / "landscape.py").write_text(CODE, encoding="utf-8")
    first, second = load_code(folder / "landscape.py", yes), load_code(other / "landscape.py", yes)
    assert len(list(first.make_model().parameters())) == 2
    assert len(list(second.make_model().parameters())) == 1
    assert len(list(first.make_model().parameters())) == 2


def test_an_imported_module_of_the_same_name_is_given_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = type(sys)("mynet")
    monkeypatch.setitem(sys.modules, "mynet", mine)
    load_code(folder / "landscape.py", yes).make_model()
    assert sys.modules["mynet"] is mine


def test_random_draws_repeat_and_global_generators_stay(folder: Path) -> None:
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # type: ignore[union-attr]
    a, b = open_problem(folder, trusted=yes), open_problem(folder, trusted=yes)
    assert a.fingerprint == b.fingerprint
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # type: ignore[arg-type]
    assert random.getstate() == states[2]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def model(:\n", ["landscape.py, line 1", "syntax"]),
        ("import nothing_of_this_name\n", ["landscape.py, line 1", "ModuleNotFoundError"]),
        ("x = 1\n", ["defines no model()"]),
        ("def model():\n    return 3\n", ["returned a int"]),
        ("def model():\n    y = 1\n    return undefined\n", ["landscape.py, line 3, in model", "NameError"]),
        ("def model():\n    raise SystemExit('no')\n", ["landscape.py, line 2", "SystemExit: no"]),
        (CODE.replace('return {"train"', "return None\n    {'train'"), ["data() gave nothing"]),
        (CODE.replace("x[:30, :3].argmax(1)", "x[:29, :3].argmax(1)"), ["'train'", "30 inputs and 29 targets"]),
        (CODE.replace("(x[:30], x[:30, :3].argmax(1))", "x"), ["'train'", "no targets"]),
        (CODE.replace("(x[:30], x[:30, :3].argmax(1))", "'a text'"), ["'train'", "without tensors"]),
        (CODE.replace("return Net()", "return torch.nn.Linear(5, 3)"), ["'weight'"]),
        (CODE + "\nloss = 'cross entropy'\n", ["cross entropy"]),
        (CODE + "\ndef loss(output, target):\n    raise ValueError(1)\n", ["landscape.py, line 11, in loss", "ValueError: 1"]),
        (CODE + "\nmetrics = {'loss': max}\n", ["'loss'"]),
        (CODE + "\nmetrics = {'half': lambda o, t: o.nope}\n", ["landscape.py, line 10", "nope"]),
        (CODE + "\ndef loss(output, target):\n    return 3.0\n", ["float, not a tensor"]),
        (CODE + "\nmetrics = {'one': 1}\n", ["metrics"]),
        (CODE.replace("torch.randn(40, 4)", "torch.randn(40, 6)"), ["raises RuntimeError", "shape"]),
        (
            CODE + "\ndef batch_loss(model, batch):\n    x, y = batch\n    return x.nope\n",
            ["landscape.py, line 12", "AttributeError"],
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(folder: Path, code: str, words: list[str]) -> None:
    (folder / "landscape.py").write_text(code, encoding="utf-8")
    with pytest.raises(ProblemError) as raised:
        open_problem(folder / "net.pt", trusted=yes)
    assert all(word in str(raised.value) for word in words), str(raised.value)


def test_errors_in_imported_files_name_that_file(folder: Path) -> None:
    (folder / "mynet.py").write_text(NET.replace("super().__init__()", "1 / 0"), encoding="utf-8")
    with pytest.raises(ProblemError, match=r"mynet.py, line 5, in __init__: ZeroDivisionError"):
        open_problem(folder, trusted=yes)


def test_the_fingerprint_changes_with_what_computes_and_not_with_the_device_or_threads(folder: Path) -> None:
    first = open_problem(folder, trusted=yes).fingerprint
    assert open_problem(folder, trusted=yes, device="cpu", threads=2).fingerprint == first
    (folder / "mynet.py").write_text(NET.replace("self.fc(x)", "self.fc(x).tanh()"), encoding="utf-8")
    second = open_problem(folder, trusted=yes).fingerprint
    assert second != first
    (folder / "landscape.py").write_text(CODE.replace("randn", "rand"), encoding="utf-8")
    assert open_problem(folder, trusted=yes).fingerprint not in (first, second)


def test_a_network_in_python_files_of_another_name(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere.py"
    elsewhere.write_text(NET + CODE.replace("from mynet import Net", ""), encoding="utf-8")
    (folder / "landscape.py").unlink()
    assert open_problem(folder / "net.pt", code=str(elsewhere), trusted=yes).splits == {"train": 30, "test": 10}
    with pytest.raises(ProblemError, match="There is no"):
        open_problem(folder / "net.pt", code=str(folder / "missing.py"), trusted=yes)


@pytest.mark.parametrize(("levels", "found"), [(0, True), (1, True), (2, True), (3, False)])
def test_code_is_found_up_to_two_folders_above_what_is_opened(folder: Path, levels: int, found: bool) -> None:
    place = folder.joinpath(*("runs", "seed-1", "more")[:levels])
    place.mkdir(parents=True, exist_ok=True)
    (folder / "net.pt").rename(place / "net.pt")
    for opened in (place, place / "net.pt"):
        with pytest.raises(TrustNeeded if found else ProblemError) as raised:
            open_problem(opened)
        assert not found or raised.value.path == str((folder / "landscape.py").resolve())  # type: ignore[attr-defined]
    if found:
        assert open_problem(place, trusted=yes).splits == {"train": 30, "test": 10}


def test_the_nearest_code_counts(folder: Path) -> None:
    place = folder / "runs"
    place.mkdir()
    (folder / "net.pt").rename(place / "net.pt")
    (place / "landscape.py").write_text(CODE.replace("from mynet import Net", NET), encoding="utf-8")
    with pytest.raises(TrustNeeded) as raised:
        open_problem(place / "net.pt")
    assert raised.value.path == str((place / "landscape.py").resolve())


def test_a_missing_data_file_is_named_with_the_folder_where_it_was_looked_for(folder: Path) -> None:
    code = 'import torch\nfrom mynet import Net\ndef model():\n    return Net()\ndef data():\n    return torch.load("train.pt")\n'
    (folder / "landscape.py").write_text(code, encoding="utf-8")
    with pytest.raises(ProblemError) as raised:
        open_problem(folder, trusted=yes)
    assert f"landscape.py, line 6, in data: there is no train.pt in {Path.cwd()}" in raised.value.message
    assert "Path(__file__).parent / 'train.pt', or start" in raised.value.remedy
    (folder / "train.pt").touch()
    with pytest.raises(ProblemError) as raised:
        open_problem(folder, trusted=yes)
    assert f"({folder.resolve() / 'train.pt'} exists)" in raised.value.remedy
