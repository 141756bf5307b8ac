"""An architecture chosen among several is remembered by the tensors' digest, said to have been chosen, and can be changed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from landscape_gui import app
from landscape_gui.cli import main
from landscape_gui.data_choice import DataChoice, DataNeeded
from landscape_gui.errors import ChoiceNeeded
from landscape_gui.problem import architecture_table, fingerprint_origin, open_problem
from landscape_gui.problem.architecture_table import Table, fingerprint
from landscape_gui.problem.remembered import architecture_for, choice_for_checkpoint, remember, remember_architecture

TANH, RELU = "timm:tiny_net", "timm:tiny_net_relu"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Weights that two networks of the stand-in for timm take, and data that the program knows to go with them."""
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "stand_ins"))
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    weights = nn.ModuleDict({"stem": nn.Conv2d(3, 4, 1), "fc": nn.Linear(4, 1000)}).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    made = Table(whole={fingerprint(shapes): (TANH, RELU)}, headless={}, heads=[], head_of={})
    for place in (fingerprint_origin, architecture_table, sys.modules["landscape_gui.problem.vision_origin"]):
        monkeypatch.setattr(place, "table", lambda: made)
    torch.save(weights, tmp_path / "net.pt")
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).normal(size=(20, 3, 5, 5)).astype("f4"), y=np.arange(20) % 3)
    remember(DataChoice(path=str(tmp_path / "data.npz")), tmp_path / "net.pt")
    yield tmp_path
    sys.modules.pop("timm", None)


def opened(path: Path) -> str:
    """What the window opens a path as."""
    return str(app.open_problem(str(path), trusted=lambda digest: False).description["model"])


def test_a_choice_outlives_the_session_and_goes_with_the_tensors(folder: Path) -> None:
    net = folder / "net.pt"
    with pytest.raises(ChoiceNeeded):
        opened(net)
    app.choose(str(net), "architecture", RELU)
    assert opened(net).startswith(RELU)
    app.choose(str(net), "", "")  # the file is closed
    assert opened(net).startswith(RELU)
    shutil.copy(net, folder / "moved.pt")
    remember(DataChoice(path=str(folder / "data.npz")), folder / "moved.pt")
    assert opened(folder / "moved.pt").startswith(RELU)
    app.choose(str(net), "architecture", TANH)
    assert opened(net).startswith(TANH)
    app.choose(str(net), "", "")
    assert opened(folder / "moved.pt").startswith(TANH), "changed for these tensors, wherever they lie"
    assert choice_for_checkpoint(net) is not None, "the data are still known"


def test_it_is_said_and_offers_the_others(folder: Path) -> None:
    problem = open_problem(folder / "net.pt", data=str(folder / "data.npz"), chosen=lambda digest: RELU)
    assert f"Of 2 architectures that fit, {RELU} was chosen; it is remembered." in problem.notes
    assert (problem.description["fits"], problem.description["chosen"]) == ([TANH, RELU], RELU)
    named = open_problem(folder / "net.pt", data=str(folder / "data.npz"), architecture=RELU)
    assert named.fingerprint == problem.fingerprint and "fits" not in named.description


def test_what_does_not_open_is_not_remembered(folder: Path) -> None:
    app.choose(str(folder / "net.pt"), "architecture", RELU)
    np.savez(folder / "data.npz", x=np.zeros((4, 2), "f4"), y=np.zeros(4, int))
    with pytest.raises(DataNeeded):
        opened(folder / "net.pt")
    app.choose(str(folder / "net.pt"), "", "")
    assert not (folder / "config" / "data.json").read_text().count("tiny_net")


@pytest.mark.parametrize("name", ["timm:of_long_ago", "torchvision:resnet18", ""])
def test_what_fits_no_more_is_asked_again(folder: Path, name: str) -> None:
    with pytest.raises(ChoiceNeeded):
        open_problem(folder / "net.pt", data=str(folder / "data.npz"), chosen=lambda digest: name)


def test_without_its_library_it_is_asked_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ChoiceNeeded, match="fits 2 architectures"):
        open_problem(folder / "net.pt", data=str(folder / "data.npz"), chosen=lambda digest: RELU)


def test_the_command_line_takes_it_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, data = str(folder / "net.pt"), str(folder / "data.npz")
    assert main(["info", net, "--data", data]) == 0 and "fits 2 architectures" in capsys.readouterr().out
    remember_architecture(open_problem(net, data=data, architecture=RELU).checkpoint.digest, RELU, net)
    capsys.readouterr()
    assert main(["info", net, "--data", data]) == 0
    out, err = capsys.readouterr()
    assert RELU in out and f"is {RELU}, as was chosen (--architecture NAME: another)" in err
    assert main(["info", net, "--data", data, "--architecture", TANH]) == 0
    assert "as was chosen" not in capsys.readouterr().err


def test_a_spoilt_entry_is_none(folder: Path) -> None:
    for spoilt in ('{"architectures": {"d": 3}}', '{"architectures": {"d": {"name": 3}}}', '{"architectures": []}'):
        (folder / "config" / "data.json").write_text(spoilt)
        assert architecture_for("d") == ""
