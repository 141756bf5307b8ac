"""Questions about curvature where there is none, or hardly any: a sentence or the right answer, by every command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from landscape_gui import cli

COMMANDS = {
    "spectrum": ["--top", "1000", "--probes", "1", "--steps", "200", "--budget", "40"],
    "eigenvalues": ["--largest", "1000"],
    "sharpness": ["--points", "1", "--no-bound", "--groups", "0", "--pairs", "4"],
    "curvature-map": ["--steps", "2", "2"],
    "dependence": ["--budget", "8"],
    "report": ["--top", "3", "--points", "1", "--no-bound"],
}
CODE = """
import torch
from torch import nn

def model():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3))
    {freeze}
    return net

def data():
    x = torch.randn({examples}, 2, generator=torch.Generator().manual_seed(0))
    return {{"train": (x, (x[:, 0] > 0).long())}}

def loss(output, target):
    return {loss}
"""
USUAL = {"freeze": "", "examples": "20", "loss": "nn.functional.cross_entropy(output, target, reduction='none')"}


def checkpoint(folder: Path, weight: float = 1.0, **code: str) -> str:
    (folder / "landscape.py").write_text(CODE.format(**{**USUAL, **code}), encoding="utf-8")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3))
    torch.save({name: tensor * weight for name, tensor in net.state_dict().items()}, folder / "net.pt")
    return str(folder / "net.pt")


def run(command: str, path: str, folder: Path) -> int:
    output = folder / ("out.md" if command == "report" else "out.json")
    return cli.main([command, path, "--trust", *COMMANDS[command], "--overwrite", "-o", str(output)])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ({"weight": float("nan")}, "The train loss at the checkpoint is nan. Open an earlier checkpoint"),
        ({"freeze": "net.requires_grad_(False)"}, "No parameter of this network requires a gradient"),
        ({"loss": "output.detach().square().mean(1)"}, "The loss has no derivative with respect to the network's output"),
    ],
    ids=["not finite", "nothing to train", "cut off"],
)
def test_where_there_is_no_curvature_every_command_says_so(
    code: dict[str, object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkpoint(tmp_path, **code)  # type: ignore[arg-type]
    for command in COMMANDS:
        assert run(command, path, tmp_path) == 1, command
        assert said in capsys.readouterr().err, command


@pytest.mark.parametrize("examples", ["1", "20"])
def test_a_flat_loss_has_zeros_and_one_example_is_enough(examples: str, tmp_path: Path) -> None:
    """Of 21 parameters, with more eigenvalues and Lanczos steps asked for than there are parameters."""
    path = checkpoint(tmp_path, examples=examples, **({} if examples == "1" else {"loss": "output.mean(1) * 0 + 0.5"}))
    for command in COMMANDS:
        assert run(command, path, tmp_path) == 0, command
    assert run("spectrum", path, tmp_path) == 0
    told = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert len(told["eigenvalues"]) == 21
    if examples == "1":
        assert told["trace"] == pytest.approx(sum(told["eigenvalues"]), abs=1e-5) and max(told["eigenvalues"]) > 0.1
    else:
        assert not any(told["eigenvalues"]) and told["trace"] == 0
