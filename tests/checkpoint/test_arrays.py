"""NumPy's archives and dictionaries, and packed files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from landscape_gui.checkpoint import packed, peek, read_checkpoint
from landscape_gui.errors import CheckpointError

WEIGHTS = {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.tensor([1.5, -2.0]), "count": torch.tensor(7)}


def arrays(order: str = "C", byteorder: str = "=") -> dict[str, Any]:
    found = {}
    for name, tensor in WEIGHTS.items():
        array = np.array(tensor.numpy(), order=order)  # type: ignore[call-overload]
        found[name] = array.astype(array.dtype.newbyteorder(byteorder))
    return found


def same(path: Path, expected: dict[str, torch.Tensor] = WEIGHTS) -> Any:
    checkpoint = read_checkpoint(path)
    assert list(checkpoint.tensors) == list(expected)
    for name, tensor in expected.items():
        assert checkpoint.tensors[name].dtype == tensor.dtype and torch.equal(checkpoint.tensors[name], tensor), name
    assert [(t.name, t.shape) for t in peek(path).tensors] == [(name, tuple(tensor.shape)) for name, tensor in expected.items()]
    return checkpoint


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("byteorder", ["=", ">"])
@pytest.mark.parametrize("packed", [False, True])
def test_archives(tmp_path: Path, order: str, byteorder: str, packed: bool) -> None:
    write = np.savez_compressed if packed else np.savez
    write(tmp_path / "a.npz", epoch=np.int64(12), **arrays(order, byteorder))
    if byteorder == ">":
        write(tmp_path / "a.npz", epoch=np.array(12, ">i8"), **arrays(order, byteorder))
    checkpoint = same(tmp_path / "a.npz")
    assert checkpoint.format == "NumPy archive"
    assert checkpoint.epoch == 12


def test_every_type_that_torch_has(tmp_path: Path) -> None:
    kinds = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16")
    made = {f"w{index}": np.array([[1, 0, 1]], kind) for index, kind in enumerate(kinds)}
    np.savez(tmp_path / "a.npz", **made)
    same(tmp_path / "a.npz", {name: torch.from_numpy(array) for name, array in made.items()})


@pytest.mark.parametrize("protocol", [2, 4])
def test_pickled_arrays_of_either_byte_order(tmp_path: Path, protocol: int) -> None:
    made = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(3), "c": np.array([1 + 2j, 3 - 4j], "c8")}
    swapped = {name: array.astype(array.dtype.newbyteorder(">")) for name, array in made.items()}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(swapped, protocol))
    same(tmp_path / "a.pkl", {name: torch.from_numpy(array) for name, array in made.items()})


@pytest.mark.parametrize("outer", [None, "model", "params"])
def test_dictionaries(tmp_path: Path, outer: str | None) -> None:
    """numpy.save pickles a dictionary into an array of one object."""
    value: Any = arrays() if outer is None else {outer: arrays(), "epoch": 3}
    np.save(tmp_path / "a.npy", value, allow_pickle=True)
    checkpoint = same(tmp_path / "a.npy")
    assert checkpoint.format == "NumPy dictionary"
    assert checkpoint.epoch == (None if outer is None else 3)
    np.savez(tmp_path / "b.npz", weights=value)
    same(tmp_path / "b.npz")


def test_text_beside_weights_is_passed_over(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", names=np.array(["a", "b"]), **arrays())
    same(tmp_path / "a.npz")


def test_arrays_of_python_2(tmp_path: Path) -> None:
    """Its pickles keep bytes as text; those of this array would pass for UTF-8, in which they are fewer characters."""
    raw = "éééé".encode()
    dtype = b"cnumpy\ndtype\n(U\x02f4K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    filled = array + b"(K\x01(K\x02t" + dtype + b"I00\nU" + bytes([len(raw)]) + raw + b"tb"
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02}U\x05blobs}U\x04fc_w" + filled + b"ss.")
    found = read_checkpoint(tmp_path / "a.pkl").tensors["fc_w"]
    assert torch.equal(found, torch.from_numpy(np.frombuffer(raw, "<f4").copy()))


@pytest.mark.parametrize("names", [("x", "y"), ("x_train", "y_test"), ("train_images", "train_labels"), ("images",), ("arr", "x")])
def test_data_are_no_weights(tmp_path: Path, names: tuple[str, ...]) -> None:
    np.savez(tmp_path / "a.npz", **dict.fromkeys(names, np.ones(3)))
    if "arr" in names:
        assert set(read_checkpoint(tmp_path / "a.npz").tensors) == {"arr", "x"}
    else:
        with pytest.raises(CheckpointError, match=r"NumPy archive \(\.npz\) of data"):
            read_checkpoint(tmp_path / "a.npz")


def npy(header: str, data: bytes = bytes(64), version: bytes = b"\1\0") -> bytes:
    raw = header.encode("latin-1")
    length = len(raw).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + length + raw + data


HEADERS = {
    "code": ("__import__('os').system('x')", "malformed header"),
    "an expression": ("{'descr': '<f4', 'fortran_order': False, 'shape': (2**9,), }", "malformed header"),
    "past the end": ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999,), }", "reaches past"),
    "negative": ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "malformed header"),
    "giant": ("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 30 + ",), }", "malformed shape"),
    "many": ("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 100 + "), }", "malformed shape"),
    "structured": ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "type 'structured'"),
    "raw bytes": ("{'descr': '|V2', 'fortran_order': False, 'shape': (1,), }", r"type '\|V2'"),
    "long double": ("{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", "type '<f16'"),
    "no header": ("", "malformed header"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_lie(tmp_path: Path, name: str) -> None:
    import zipfile

    header, words = HEADERS[name]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("w.npy", npy(header))
    with pytest.raises(CheckpointError, match=words):
        read_checkpoint(tmp_path / "a.npz")


def test_the_second_version_of_the_header(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
        file.writestr("w.npy", npy(header, np.array([3, 4], "<f4").tobytes(), b"\2\0"))
    same(tmp_path / "a.npz", {"w": torch.tensor([3.0, 4.0])})


def packable() -> dict[str, bytes]:
    saved, legacy, archive = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save(WEIGHTS, saved)
    torch.save(WEIGHTS, legacy, _use_new_zipfile_serialization=False)
    np.savez_compressed(archive, **arrays())
    return {
        "torch zip": saved.getvalue(),
        "torch legacy": legacy.getvalue(),
        "NumPy archive": archive.getvalue(),
        "safetensors": save(WEIGHTS),
    }


@pytest.mark.parametrize("form", packable())
@pytest.mark.parametrize(("word", "pack"), [("gzipped", gzip.compress), ("bzipped", bz2.compress), ("xz-packed", lzma.compress)])
def test_packed(tmp_path: Path, form: str, word: str, pack: Callable[[bytes], bytes]) -> None:
    raw = packable()[form]
    (tmp_path / "a.pt").write_bytes(pack(raw[:99]) + pack(raw[99:]) + b"\0" * 512)  # as pigz, pbzip2, pixz and tapes do
    checkpoint = read_checkpoint(tmp_path / "a.pt")
    assert checkpoint.format == f"{word} {form}"
    assert all(torch.equal(checkpoint.tensors[name], tensor) for name, tensor in WEIGHTS.items())


def test_half_of_a_gzipped_file(tmp_path: Path) -> None:
    raw = gzip.compress(packable()["torch zip"])
    (tmp_path / "a.pt").write_bytes(raw[:-20])
    with pytest.raises(CheckpointError, match="breaks off"):
        read_checkpoint(tmp_path / "a.pt")
    (tmp_path / "a.pt").write_bytes(raw[:30] + b"\xff" * 40 + raw[70:])
    with pytest.raises(CheckpointError, match=r"damaged|breaks off"):
        read_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize("pack", [lambda raw: gzip.compress(raw, 1), bz2.compress, lambda raw: lzma.compress(raw, preset=0)])
def test_a_bomb(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.pt").write_bytes(pack(bytes(200 << 20)))
    with pytest.raises(CheckpointError, match="would have more than"):
        read_checkpoint(tmp_path / "a.pt")


def test_unpacking_is_bounded_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more than a piece beyond the limit is held, whatever one read unpacks to."""
    monkeypatch.setattr(packed, "SPARE_BYTES", 1 << 20)
    small = gzip.compress(bytes(64 << 20), 9)
    (tmp_path / "a.pt").write_bytes(small)
    with pytest.raises(CheckpointError, match=f"{max(1 << 20, 20 * len(small)):,}"):
        read_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize("small", [False, True])
def test_arrays_of_jax(tmp_path: Path, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by a stand-in of the same name: JAX pickles a function of NumPy's, its arguments, and the array's state."""
    module = types.ModuleType("jax._src.array")
    names = {"jax": types.ModuleType("jax"), "jax._src": types.ModuleType("jax._src"), "jax._src.array": module}
    for name, made in names.items():
        monkeypatch.setitem(sys.modules, name, made)

    def _reconstruct_array(function: Any, arguments: Any, state: Any, abstract: Any) -> Any:
        raise AssertionError("never called")

    _reconstruct_array.__module__, _reconstruct_array.__qualname__ = module.__name__, "_reconstruct_array"
    monkeypatch.setattr(module, "_reconstruct_array", _reconstruct_array, raising=False)

    class Array:
        def __init__(self, array: Any) -> None:
            self.array = array

        def __reduce__(self) -> Any:
            function, arguments, state = self.array.__reduce__()
            return _reconstruct_array, (function, arguments, state, {"weak_type": False})

    class Brain:
        """A bfloat16 array, whose type is one of the package ml_dtypes."""

        def __init__(self, tensor: torch.Tensor) -> None:
            self.tensor = tensor

        def __reduce__(self) -> Any:
            function, arguments, _ = np.zeros(1).__reduce__()
            raw = self.tensor.view(torch.int16).numpy().tobytes()
            return _reconstruct_array, (function, arguments, (1, tuple(self.tensor.shape), Type(), False, raw), {})

    class Type:
        def __reduce__(self) -> Any:
            return np.dtype, (bfloat16, False, True)

    bfloat16 = type("bfloat16", (), {"__module__": "ml_dtypes"})
    monkeypatch.setitem(sys.modules, "ml_dtypes", types.SimpleNamespace(bfloat16=bfloat16))
    expected = {name: tensor.bfloat16() if small else tensor for name, tensor in WEIGHTS.items()}
    value = {"params": {name: Brain(t) if small else Array(t.numpy()) for name, t in expected.items()}, "step": 7}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(value))
    assert same(tmp_path / "a.pkl", expected).step == 7
