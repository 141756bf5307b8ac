"""Words of `landscape-gui info`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_problem import TinyProblem

from landscape_gui.cli import main
from landscape_gui.commands import info


def test_sentences_are_joined_as_sentences_and_words_with_commas() -> None:
    assert info.short(["Weights taken from 'a'.", "Stripped 'b'."]) == "Weights taken from 'a'. Stripped 'b'."
    assert info.short(["a", "b"]) == "a, b"


def test_a_value_that_is_not_finite_is_no_percentage() -> None:
    problem = TinyProblem()
    assert info.value_row(problem, "train_accuracy", float("nan"))[1] == "not finite"  # type: ignore[arg-type]
    assert info.value_row(problem, "train_accuracy", 0.5)[1] == "50.00%"  # type: ignore[arg-type]


@pytest.fixture
def untrusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    folder = tmp_path / "run"
    folder.mkdir()
    torch.save({"fc.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(3)}, folder / "net.pt")
    (folder / "landscape.py").write_text("raise SystemExit('it ran')\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("opened", ["net.pt", ""])
def test_a_file_that_was_read_is_success_though_its_code_is_not_trusted(
    untrusted: Path, opened: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(untrusted / opened)]) == 0
    told = capsys.readouterr().out
    assert "2 tensors, 15 numbers" in told
    assert "loss and accuracy: not known." in told and "--trust" in told


def test_weights_that_do_not_fit_are_told_and_no_failure(untrusted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (untrusted / "landscape.py").write_text("import torch\ndef model():\n    return torch.nn.Linear(2, 2)\n", encoding="utf-8")
    assert main(["info", "--trust", str(untrusted)]) == 0
    assert "not known. The checkpoint does not fit" in capsys.readouterr().out


def test_a_folder_without_a_checkpoint_is_a_failure(untrusted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (untrusted / "net.pt").unlink()
    assert main(["info", str(untrusted)]) == 1
    assert "holds no checkpoint" in capsys.readouterr().err
