"""Words of `landscape-gui info`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
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


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def weights() -> dict[str, torch.Tensor]:
    return {"module.fc.weight": torch.zeros(3, 4), "module.fc.bias": torch.zeros(3).half()}


@pytest.mark.parametrize("header", [[], ["--header"]])
def test_json_lists_form_tensors_and_notes(tmp_path: Path, capsys: pytest.CaptureFixture[str], header: list[str]) -> None:
    torch.save({"state_dict": weights(), "epoch": 3, "best": float("nan"), "note": "<b>x</b>\n"}, tmp_path / "<net>.bin")
    assert main(["info", "--json", *header, str(tmp_path / "<net>.bin")]) == 0
    (found,) = told(capsys)
    assert found["form"] == "torch zip"
    assert found["tensors"] == [
        {"name": "fc.weight", "dtype": "float32", "shape": [3, 4]},
        {"name": "fc.bias", "dtype": "float16", "shape": [3]},
    ]
    assert found["notes"] == ["Weights taken from 'state_dict' of the file.", "Stripped 'module.' from the names."]
    assert (found["epoch"], found["metadata"]["note"]) == (3, "<b>x</b>\n")
    assert found["metadata"]["best"] == "nan"
    assert ("not_opened" in found) == (not header)


def test_json_of_folders_and_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    save_file(weights(), hub / "model.safetensors")
    (tmp_path / "page.pt").write_text("<html>", encoding="utf-8")
    torch.save(weights(), tmp_path / "net.pt")
    for name in ("hub", "page.pt", "net.pt"):
        assert main(["info", "--json", "--header", str(tmp_path / name)]) == (1 if name == "page.pt" else 0)
    captured = capsys.readouterr()
    assert [json.loads(line)["form"] for line in captured.out.splitlines()] == ["Hugging Face folder, safetensors", "torch zip"]
    assert "it is a web page" in captured.err and "page.pt" in captured.err
    assert main(["info", "--json", *(str(tmp_path / name) for name in ("hub", "page.pt", "net.pt"))]) == 1
    assert len(told(capsys)) == 2


def test_tensors_that_cannot_be_read_are_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The header is whole; the packed data behind it is not."""
    path = tmp_path / "a\nb.npz"
    np.savez_compressed(path, w=np.random.default_rng(0).normal(size=(400, 100)))
    raw = bytearray(path.read_bytes())
    raw[100_000:100_050] = bytes(50)
    path.write_bytes(bytes(raw))
    assert main(["info", "--json", "--header", str(path)]) == 0
    capsys.readouterr()
    assert main(["info", "--json", str(path)]) == 1
    assert "cannot be opened" in capsys.readouterr().err


def test_a_folder_without_a_checkpoint_is_a_failure(untrusted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (untrusted / "net.pt").unlink()
    assert main(["info", str(untrusted)]) == 1
    assert "holds no checkpoint" in capsys.readouterr().err


def test_json_of_an_answer_is_what_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer, numbers = str(tmp_path / "line.h5"), tmp_path / "line.json"
    assert main(["line", "samples:digits-mlp", "--steps", "3", "--limit", "50", "-o", answer, "-o", str(numbers)]) == 0
    capsys.readouterr()
    assert main(["info", "--json", answer]) == 0
    (found,) = told(capsys)
    assert found == {"path": answer, "form": "answer", **json.loads(numbers.read_text(encoding="utf-8"))}
    assert found["kind"] == "line" and len(found["x"]) == 3


def test_json_of_another_programs_hdf5_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(tmp_path / "net.weights.h5", "w") as file:
        file["dense/kernel"] = np.ones((2, 3))
    assert main(["info", "--json", str(tmp_path / "net.weights.h5")]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "net.weights.h5" in captured.err and "no answer" in captured.err
