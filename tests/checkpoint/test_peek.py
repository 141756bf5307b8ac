"""Headers, without the data and without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from landscape_gui.checkpoint import TensorInfo, peek, read_checkpoint
from landscape_gui.errors import CheckpointError

MODEL = {"a.weight": torch.randn(3, 2), "a.bias": torch.ones(3, dtype=torch.bfloat16), "count": torch.tensor(4)}
EXPECTED = (TensorInfo("a.weight", "float32", (3, 2)), TensorInfo("a.bias", "bfloat16", (3,)), TensorInfo("count", "int64", ()))


def test_what_a_file_holds(tmp_path: Path) -> None:
    torch.save({"model": MODEL, "epoch": 5}, tmp_path / "a.pt")
    torch.save({"model": MODEL, "epoch": 5}, tmp_path / "b.pt", _use_new_zipfile_serialization=False)
    save_file(MODEL, tmp_path / "c.safetensors", metadata={"epoch": "5"})
    for name in ("a.pt", "b.pt", "c.safetensors"):
        manifest = peek(tmp_path / name)
        assert set(manifest.tensors) == set(EXPECTED)
        assert manifest.epoch == 5
        assert manifest.parameters == 10
        checkpoint = read_checkpoint(tmp_path / name)
        assert [tensor.name for tensor in manifest.tensors] == list(checkpoint.tensors)
        assert (manifest.format, manifest.notes, manifest.groups) == (checkpoint.format, checkpoint.notes, checkpoint.groups)


def test_a_rewritten_file_is_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"w": torch.ones(2, 2)}, path)
    os.utime(path, ns=(1, 1))
    assert peek(path).tensors[0].shape == (2, 2)
    torch.save({"w": torch.ones(2, 3)}, path)
    assert peek(path).tensors[0].shape == (2, 3)


def test_a_missing_group(tmp_path: Path) -> None:
    torch.save({"model": MODEL}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="no group 'ema'"):
        peek(tmp_path / "a.pt", group="ema")


def test_torch_is_not_imported(tmp_path: Path) -> None:
    """The window lists a folder before torch is there."""
    torch.save({"model": MODEL}, tmp_path / "epoch_1.pt")
    torch.save({"model": MODEL}, tmp_path / "epoch_2.pt")
    code = (
        "import sys; from landscape_gui.checkpoint import peek; from landscape_gui.run import find_run; "
        f"assert len(find_run({str(tmp_path)!r}).checkpoints) == 2; "
        "assert not {'torch', 'PySide6', 'vispy', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=60)


def test_unknown_names_of_the_package() -> None:
    import landscape_gui.checkpoint as package

    with pytest.raises(AttributeError, match="nothing"):
        _ = package.nothing
