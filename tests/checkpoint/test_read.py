"""Real files, written by torch, NumPy and safetensors themselves: bit for bit what their own readers give."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import struct
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from landscape_gui.checkpoint import digest, read_checkpoint
from landscape_gui.checkpoint import read as reading
from landscape_gui.errors import CheckpointError


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(4, 3))


def assert_same(found: Any, expected: Any) -> None:
    """Same names in the same order, same dtypes and shapes, same bits (NaN included)."""
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        assert found[name].is_contiguous()
        bits = [t.detach().contiguous().reshape(-1).view(torch.uint8) if t.numel() else t for t in (found[name], tensor)]
        assert torch.equal(*bits), name


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_training_dictionary(tmp_path: Path, protocol: int, zipped: bool) -> None:
    model = network()
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.randn(2, 3, 3, 3)).sum().backward()
    optimiser.step()
    path = tmp_path / "any.name"
    saved = {
        "epoch": 7,
        "model": OrderedDict((f"module.{name}", tensor) for name, tensor in model.state_dict().items()),
        "optimizer": optimiser.state_dict(),
        "args": argparse.Namespace(lr=0.1, folder=Path("/data/run"), nested={"batch_size": 32}),
        "val_loss": np.float64(1.5),
        "count": np.int64(3),
        "best_acc1": torch.tensor(93.5),
        "html": "<b>\n</b>" + "x" * 500,
    }
    torch.save(saved, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    checkpoint = read_checkpoint(path)
    assert_same(checkpoint.tensors, model.state_dict())
    assert checkpoint.format == ("torch zip" if zipped else "torch legacy")
    assert checkpoint.epoch == 7
    expected = {"epoch": 7, "val_loss": 1.5, "count": 3, "args.lr": 0.1, "args.folder": "/data/run", "args.nested.batch_size": 32}
    assert {key: checkpoint.metadata[key] for key in expected} == expected
    assert checkpoint.metadata["best_acc1"] == 93.5
    assert checkpoint.metadata["html"] == "<b>\n</b>" + "x" * 192
    assert not any(key.startswith("optimizer") for key in checkpoint.metadata)
    assert any("'module.'" in note for note in checkpoint.notes)
    assert checkpoint.stored_names["0.weight"] == "module.0.weight"


DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8),
    *(torch.bool, torch.complex64, torch.complex128, torch.uint16, torch.uint32, torch.uint64),
    *(torch.float8_e4m3fn, torch.float8_e5m2),
]


def every_dtype() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    raw = torch.randint(0, 2, (96,), generator=generator, dtype=torch.uint8)  # 0 or 1: valid as truth values, too
    return {str(dtype): raw.clone().view(dtype).reshape(2, -1) for dtype in DTYPES}


def test_every_dtype_in_a_zip(tmp_path: Path) -> None:
    torch.save(every_dtype(), tmp_path / "a.pt")
    assert_same(read_checkpoint(tmp_path / "a.pt").tensors, torch.load(tmp_path / "a.pt", weights_only=True))


def test_every_dtype_in_safetensors(tmp_path: Path) -> None:
    tensors = {name: tensor for name, tensor in every_dtype().items() if tensor.dtype != torch.complex128}
    save_file(tensors, tmp_path / "a.safetensors", metadata={"epoch": "12", "best": "0.93", "note": "1e5x"})
    checkpoint = read_checkpoint(tmp_path / "a.safetensors")
    assert_same({name: checkpoint.tensors[name] for name in tensors}, tensors)
    assert checkpoint.metadata == {"epoch": 12, "best": 0.93, "note": "1e5x"}
    assert checkpoint.epoch == 12
    assert checkpoint.format == "safetensors"


@pytest.mark.parametrize("zipped", [True, False])
def test_views_of_storages(tmp_path: Path, zipped: bool) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    tied = torch.randn(3, 3)
    tensors = {
        "transposed": base.t(),
        "column": base[:, 2],
        "every second": base[::2, 1::2],
        "expanded": base[0, :1].expand(5),
        "scalar": base[1, 1],
        "empty": torch.empty(0, 3),
        "tied.a": tied,
        "tied.b": tied,
        "parameter": torch.nn.Parameter(base[1]),
        "not a number": torch.tensor([float("nan"), float("inf"), -0.0]),
    }
    torch.save(tensors, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    checkpoint = read_checkpoint(tmp_path / "a.pt")
    assert_same(checkpoint.tensors, tensors)
    checkpoint.tensors["column"].zero_()
    assert torch.equal(checkpoint.tensors["transposed"], base.t())  # a view of its own memory


def test_conjugate_and_negative_bits(tmp_path: Path) -> None:
    values = torch.tensor([1 + 2j, 3 - 4j])
    tensors = {"conjugate": values.conj(), "negative": values.clone().conj().imag}
    torch.save(tensors, tmp_path / "a.pt")
    assert_same(read_checkpoint(tmp_path / "a.pt").tensors, {name: t.resolve_conj().resolve_neg() for name, t in tensors.items()})


def test_big_endian(tmp_path: Path) -> None:
    """torch marks the byte order of the machine that saved; the same values swapped by hand must come back the same."""
    tensors = {
        "a": torch.randn(3, 2),
        "b": torch.arange(5),
        "c": torch.randn(2, dtype=torch.complex64),
        "d": torch.tensor([True, False]),
    }
    torch.save(tensors, tmp_path / "little.pt")
    widths = {"0": 4, "1": 8, "2": 4, "3": 1}
    with zipfile.ZipFile(tmp_path / "little.pt") as source, zipfile.ZipFile(tmp_path / "big.pt", "w") as target:
        for name in source.namelist():
            data = source.read(name)
            key = name.rpartition("/")[2]
            if "/data/" in name:
                data = np.frombuffer(data, f"u{widths[key]}").byteswap().tobytes()
            target.writestr(name, b"big" if key == "byteorder" else data)
    assert_same(read_checkpoint(tmp_path / "big.pt").tensors, tensors)


def test_deflated_archive(tmp_path: Path) -> None:
    model = network().state_dict()
    torch.save(model, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as source, zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert_same(read_checkpoint(tmp_path / "b.pt").tensors, model)


class Net(torch.nn.Module):
    """A class of the user's own: it is in the pickle by name only."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network()
        self.scale = torch.nn.Parameter(torch.ones(2))
        self.register_buffer("passing", torch.zeros(1), persistent=False)
        self.register_buffer("kept", torch.zeros(1))


@pytest.mark.parametrize("zipped", [True, False])
def test_pickled_module(tmp_path: Path, zipped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Net()
    torch.save({"net": model, "epoch": 1}, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    expected = model.state_dict()
    monkeypatch.delattr(f"{__name__}.Net")  # whoever tried to import it would fail
    checkpoint = read_checkpoint(tmp_path / "a.pt")
    assert_same({name: checkpoint.tensors[name] for name in expected}, expected)
    assert set(checkpoint.tensors) == set(expected)
    assert any("Net" in note and "not imported" in note for note in checkpoint.notes)


def test_torchscript(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces that scripting is on its way out
        torch.jit.script(network()).save(str(tmp_path / "a.pt"))
    checkpoint = read_checkpoint(tmp_path / "a.pt")
    expected = network().state_dict()
    assert {name: checkpoint.tensors[name] for name in expected}.keys() == expected.keys()
    assert all(torch.equal(checkpoint.tensors[name], expected[name]) for name in expected)
    assert checkpoint.format == "TorchScript"


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles(tmp_path: Path, protocol: int) -> None:
    model = network().state_dict()
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"model": model, "epoch": 4}, protocol=protocol))
    assert_same(read_checkpoint(path).tensors, model)
    arrays = {name: np.array(tensor.numpy(), order="F") for name, tensor in model.items()}
    path.write_bytes(pickle.dumps({"model": arrays, "epoch": np.int64(4)}, protocol=protocol))
    checkpoint = read_checkpoint(path)
    assert_same(checkpoint.tensors, model)
    assert checkpoint.epoch == 4


def test_digest_is_that_of_the_tensors(tmp_path: Path) -> None:
    model = network().state_dict()
    torch.save({"state_dict": model, "epoch": 3}, tmp_path / "a.pt")
    torch.save(OrderedDict(reversed(model.items())), tmp_path / "b.pt", _use_new_zipfile_serialization=False)
    save_file(model, tmp_path / "c.safetensors")
    digests = {read_checkpoint(tmp_path / name).digest for name in ("a.pt", "b.pt", "c.safetensors")}
    assert digests == {digest(model)}
    assert len(digest(model)) == 32
    for changed in (
        {**model, "3.bias": -model["3.bias"]},
        {**model, "3.bias": model["3.bias"].reshape(3, 1)},
        {**model, "3.bias": model["3.bias"].view(torch.int32)},
        {("3.b" if name == "3.bias" else name): tensor for name, tensor in model.items()},
    ):
        assert digest(changed) != digest(model)


def test_tensors_are_copies(tmp_path: Path) -> None:
    """Training that rewrites the file afterwards must change nothing, and cutting it must not kill the process."""
    path = tmp_path / "a.pt"
    torch.save({"w": torch.ones(100_000)}, path)
    tensors = read_checkpoint(path).tensors
    path.write_bytes(b"\0" * 100)
    assert tensors["w"].sum() == 100_000


def test_a_file_that_changes_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    torch.save({"w": torch.zeros(3)}, path)
    original = reading._load
    rewritten = []

    def rewrite_once(*args: Any) -> Any:
        found = original(*args)
        if not rewritten:
            rewritten.append(True)
            other = tmp_path / "new.pt"
            torch.save({"w": torch.ones(3)}, other)
            os.replace(other, path)
        return found

    monkeypatch.setattr(reading, "_load", rewrite_once)
    assert torch.equal(read_checkpoint(path).tensors["w"], torch.ones(3))


def test_a_file_that_keeps_changing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    torch.save({"w": torch.zeros(3)}, path)
    original = reading._load

    def grow(*args: Any) -> Any:
        found = original(*args)
        with path.open("ab") as file:
            file.write(b"\0")
        return found

    monkeypatch.setattr(reading, "_load", grow)
    with pytest.raises(CheckpointError, match="changed while it was read"):
        read_checkpoint(path)


def test_quantised_tensors_are_refused_by_name(tmp_path: Path) -> None:
    """The pickle that torch writes for a quantised tensor, built from a plain one, as torch has retired quantised dtypes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        call = b"ctorch._utils\n_rebuild_qtensor\n(NK\x00)))NNtR"
        file.writestr("archive/data.pkl", b"\x80\x02}X\x09\x00\x00\x00fc.weight" + call + b"s.")
    (tmp_path / "a.pt").write_bytes(target.getvalue())
    with pytest.raises(CheckpointError, match=r"'fc\.weight' is quantised"):
        read_checkpoint(tmp_path / "a.pt")


def test_sparse_tensors_are_refused_by_name(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2), "b": torch.eye(3).to_sparse()}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="'b' is sparse"):
        read_checkpoint(tmp_path / "a.pt")


def test_zip64(tmp_path: Path) -> None:
    """An archive whose directory uses the 64-bit fields, as beyond 4 GB, made small by forcing them."""
    model = {"w": torch.randn(4)}
    torch.save(model, tmp_path / "a.pt")
    raw = (tmp_path / "a.pt").read_bytes()
    end = raw.rfind(b"PK\5\6")
    count, length, start = struct.unpack("<8xHHLLH", raw[end : end + 22])[1:4]
    body = raw[: start + length]
    record = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(body), 1)
    tail = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "b.pt").write_bytes(body + record + locator + tail)
    assert_same(read_checkpoint(tmp_path / "b.pt").tensors, model)
