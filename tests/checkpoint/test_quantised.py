"""Quantised weights: named and refused, in every form in which they come."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from landscape_gui.checkpoint import peek, read_checkpoint
from landscape_gui.errors import CheckpointError

SMALL, WORDS = torch.ones(2, 2, dtype=torch.int8), torch.ones(2, 2, dtype=torch.int32)
BESIDE: dict[str, dict[str, torch.Tensor]] = {
    "GPTQ": {"q.qweight": WORDS, "q.qzeros": WORDS, "q.scales": torch.ones(2).half(), "q.g_idx": WORDS},
    "8 bits by bitsandbytes": {"q.weight": SMALL, "q.SCB": torch.ones(2)},
    "4 bits by bitsandbytes": {"q.weight": SMALL, "q.weight.absmax": torch.ones(2), "q.weight.quant_map": torch.ones(16)},
    "compressed-tensors": {"q.weight_packed": WORDS, "q.weight_scale": torch.ones(2)},
    "float8_e4m3fn with scales": {"q.weight": torch.ones(2, 2).to(torch.float8_e4m3fn), "q.weight_scale_inv": torch.ones(1)},
    "int8 with scales": {"q.weight": SMALL, "q.weight_scale": torch.ones(2)},
    "HQQ": {"q.W_q": SMALL, "q.scale": torch.ones(2)},
}


@pytest.mark.parametrize("how", BESIDE)
def test_by_what_lies_beside(tmp_path: Path, how: str) -> None:
    tensors = {"norm.weight": torch.ones(2), **{name: tensor.clone() for name, tensor in BESIDE[how].items()}}
    save_file(tensors, tmp_path / "a.safetensors")
    torch.save({"model": tensors}, tmp_path / "a.pt")
    for name in ("a.safetensors", "a.pt"):
        for read in (peek, read_checkpoint):
            with pytest.raises(CheckpointError, match=rf"the tensor 'q\..*' is quantised \(.*{how}") as caught:
                read(tmp_path / name)
            assert "before it was quantised" in caught.value.remedy


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "bfloat16", "float16", "int8", "uint8"])
def test_small_numbers_without_scales_are_read(tmp_path: Path, dtype: str) -> None:
    tensor = torch.tensor([[0.5, -2.0]]).to(getattr(torch, dtype))
    torch.save({"w": tensor, "b": torch.ones(2)}, tmp_path / "a.pt")
    found = read_checkpoint(tmp_path / "a.pt").tensors["w"]
    assert found.dtype == tensor.dtype and torch.equal(found.view(torch.uint8), tensor.view(torch.uint8))


def quantised() -> Any:
    network = torch.nn.Sequential(torch.nn.Conv1d(2, 2, 1), torch.nn.Linear(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao moves to torchao
        return torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear}, dtype=torch.qint8)


@pytest.mark.parametrize("whole", [False, True])
def test_by_torch_ao(tmp_path: Path, whole: bool) -> None:
    """Half of the network is quantised: the other half must not pass for all of it."""
    network = quantised()
    torch.save(network if whole else network.state_dict(), tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"'1.* is quantised"):
        read_checkpoint(tmp_path / "a.pt")
