"""The files that a recorder writes piece by piece are those that safetensors writes."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load, save
from torch import Tensor

from landscape_gui.recorder.files import write_whole
from landscape_gui.recorder.safetensors_head import LENGTH, Head

KINDS = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
    torch.complex64,
]


def tensors(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    found = {f"of.{kind}": torch.randn(3, 5, generator=generator).mul(3).abs().to(kind) for kind in KINDS}
    return {**found, "scalar": torch.tensor(7), "none": torch.empty(0, 3), 'a "quoted" näme': torch.ones(2, 2).t()}


def test_a_file_of_every_type_is_what_safetensors_writes() -> None:
    given, metadata = tensors(), {"format": "pt", "step": "12"}
    content = b"".join(Head().file_of(given, metadata))
    length = int.from_bytes(content[:LENGTH], "little")
    wanted = save({name: tensor.contiguous() for name, tensor in given.items()}, metadata=metadata)
    head = wanted[LENGTH : LENGTH + int.from_bytes(wanted[:LENGTH], "little")]
    assert json.loads(content[LENGTH : LENGTH + length]) == json.loads(head)
    assert content[LENGTH + length :] == wanted[LENGTH + len(head) :]
    assert (LENGTH + length) % LENGTH == 0


def test_a_head_is_used_again_with_other_numbers_and_made_anew_for_other_shapes(tmp_path: Path) -> None:
    head = Head()
    for step, given in enumerate((tensors(0), tensors(1), {"other": torch.arange(4.0)}, {}, tensors(2))):
        write_whole(tmp_path / f"{step}.safetensors", *head.file_of(given, {"step": str(step)}))
        found = load((tmp_path / f"{step}.safetensors").read_bytes())
        assert {name: tensor.dtype for name, tensor in found.items()} == {name: tensor.dtype for name, tensor in given.items()}
        for name, tensor in given.items():
            assert torch.equal(found[name].view(torch.uint8) if tensor.dim() else found[name], bits(tensor))
        with safe_open(tmp_path / f"{step}.safetensors", "pt") as file:
            assert file.metadata() == {"step": str(step)}


def bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.uint8) if tensor.dim() else tensor


def test_the_tensors_own_memory_is_written() -> None:
    given = {"w": torch.zeros(4)}
    pieces = Head().file_of(given, {})
    given["w"].fill_(1.0)
    assert torch.equal(load(b"".join(pieces))["w"], torch.ones(4))
