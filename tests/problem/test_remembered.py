"""What data a checkpoint goes with, and how they are normalised, kept from one day to the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_gui.cli import main
from landscape_gui.data_choice import DataChoice, DataNeeded
from landscape_gui.errors import ProblemError
from landscape_gui.problem import open_problem
from landscape_gui.problem.families import mlp
from landscape_gui.problem.remembered import FILE, MOST, choice_beside, choice_for_checkpoint, choice_for_data, remember


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))


def make(folder: Path) -> tuple[Path, Path]:
    torch.manual_seed(0)
    torch.save(mlp.create([6, 8, 3]).state_dict(), folder / "net.pt")
    x = np.random.default_rng(0).normal(5, 3, (60, 6)).astype(np.float32)
    np.savez(folder / "d.npz", x=x, y=x[:, :3].argmax(1))
    return folder / "net.pt", folder / "d.npz"


def test_a_choice_comes_back_by_data_by_checkpoint_and_by_its_neighbour(tmp_path: Path) -> None:
    net, data = make(tmp_path)
    assert choice_for_checkpoint(net) is None and choice_for_data(data) is None
    choice = DataChoice(path=str(data), normalise="standard", size=32, resize="36", target="y:number", block=7)
    remember(choice, net)
    assert choice_for_data(data) == choice == choice_for_checkpoint(net)
    assert choice_for_checkpoint(tmp_path / "other.pt") is None
    assert choice_beside(tmp_path / "other.pt") == choice
    assert choice_beside(tmp_path / "else" / "net.pt") is None
    data.unlink()
    assert choice_for_checkpoint(net) is None


def test_the_oldest_are_forgotten_and_a_spoilt_file_keeps_nothing(tmp_path: Path) -> None:
    for i in range(MOST + 1):
        remember(DataChoice(path=f"/d/{i}", normalise="half"))
        if i == 1:
            remember(DataChoice(path="/d/0", normalise="mnist"))
    assert choice_for_data("/d/1") is None
    assert choice_for_data("/d/0") == DataChoice(path="/d/0", normalise="mnist")
    for text in ("{", '{"data": [1]}', '{"data": {"/d/0": {"path": "/d/0", "size": "big"}}}'):
        (tmp_path / "config" / FILE).write_text(text)
        assert choice_for_data("/d/0") is None


def test_a_checkpoint_without_data_asks_for_some(tmp_path: Path) -> None:
    net, data = make(tmp_path)
    with pytest.raises(DataNeeded, match="no data to compute a loss on"):
        open_problem(net)
    assert open_problem(net, data=str(data)).splits == {"data": 60}


def test_the_command_line_normalises_as_last_time_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, data = make(tmp_path)

    def loss(*flags: str) -> str:
        assert main(["info", str(net), "--data", str(data), *flags]) == 0
        out = capsys.readouterr()
        said.append(out.err)
        return next(line for line in out.out.splitlines() if line.startswith("data_loss"))

    said: list[str] = []
    raw = loss()
    standard = loss("--normalise", "standard")
    assert raw != standard
    assert "as last time" not in "".join(said)
    assert loss() == standard
    assert "normalised as standard, as last time" in said[-1]
    assert loss("--normalise", "none") == raw == loss()
    assert loss("--normalise", "standard") == standard
    main(["info", str(net), "--data", str(data), "--normalise", "mnst"])
    assert "'mnst'" in "".join(capsys.readouterr())
    assert loss() == standard  # what was never opened is not remembered


def test_flags_reach_the_reader(tmp_path: Path) -> None:
    net, _ = make(tmp_path)
    rows = "\n".join(f"{i % 3}," + ",".join(str(i * j % 7) for j in range(6)) for i in range(30))
    (tmp_path / "d.csv").write_text(f"kind,a,b,c,d,e,f\n{rows}\n")
    problem = open_problem(net, data=str(tmp_path / "d.csv"), target="kind")
    assert problem.classes == 3
    with pytest.raises(ProblemError, match="no column 'sort'"):
        open_problem(net, data=str(tmp_path / "d.csv"), target="sort")
    (tmp_path / "landscape.json").write_text('{"data": {"file": "d.csv", "target": "kind"}}')
    assert open_problem(net).fingerprint == problem.fingerprint
