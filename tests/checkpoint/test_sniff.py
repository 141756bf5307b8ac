"""Files that are something else: named in plain words, with what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from landscape_gui.checkpoint import peek, read_checkpoint
from landscape_gui.errors import CheckpointError
from landscape_gui.problem.locate import find_checkpoint


def zipped(*names: str, content: bytes = b"x" * 100) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name in names:
            file.writestr(name, content)
    return target.getvalue()


def tar(*names: str, content: bytes = b"abc") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as file:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def saved() -> bytes:
    target = io.BytesIO()
    torch.save({"w": torch.ones(2, 2)}, target)
    return target.getvalue()


def saved_arrays() -> bytes:
    target = io.BytesIO()
    np.savez(target, x=np.ones(3))
    return target.getvalue()


FILES = {
    "0 bytes": (b"", "Save or copy"),
    "Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "git lfs pull"),
    "a web page": (b"\n<!DOCTYPE html><html><head>", "download"),
    "a web page, not": (b"<HTML lang='en'>", "download"),
    "GGUF": (b"GGUF\x03\0\0\0" + bytes(100), "converted from"),
    r"NumPy array \(.npy\)": (b"\x93NUMPY\x01\0" + bytes(100), ""),
    r"NumPy archive \(.npz\)": (saved_arrays(), "--data"),
    "gzip and, unpacked, no checkpoint: it is a text": (gzip.compress(b"x" * 1000), "Choose"),
    "gzip twice": (gzip.compress(gzip.compress(b"x" * 1000)), "gunzip"),
    "gzip and then with xz": (lzma.compress(gzip.compress(b"x" * 1000)), "unxz"),
    "bzip2 and, unpacked, no checkpoint: it is a web page": (bz2.compress(b"<html>" * 100), "download"),
    "xz and, unpacked, no checkpoint: it is empty": (lzma.compress(b""), "again"),
    r"torch.save before 0\.1\.10": (tar("sys_info", "pickle", "tensors", "storages"), "weights_only=False"),
    r"tar archive without a checkpoint \('a.txt'\)": (tar("a.txt"), "torch.save"),
    "tar archive with several checkpoints inside": (tar("a.pt", "b.pt", content=saved()), "Unpack"),
    "damaged tar archive": (bytes([*tar("a.txt")[:100], 0x31, *tar("a.txt")[101:]]), "again"),
    "tar archive that ends before": (tar("a.pt", content=saved())[:900], "again"),
    "JSON": (b'{"a": 1}\n', "Choose"),
    "text file": (b"import torch\nprint(1)\n" * 3, "Choose"),
    "zip archive of something else": (zipped("a.txt", "b.txt"), "torch.save"),
    "zip archive in which no weights were found": (zipped("a.pt", "b.pt"), "Unpack"),
    "zip archive with several checkpoints inside": (zipped("a.pt", "b.pt", content=saved()), "Unpack"),
    "exported program": (zipped("m/archive_format", "m/models/model.json"), "a network"),
    "machine code": (zipped("m/archive_format", "m/data/aotinductor/model/model.so"), "torch.export.save"),
    "Keras": (zipped("config.json", "model.weights.h5"), ""),
    "Office document": (zipped("[Content_Types].xml"), "Choose"),
    "empty zip": (zipped(), ""),
    "nothing but zeros": (bytes(1000), "again"),
    "neither a file of torch.save nor": (bytes(range(200, 256)) * 5, "state_dict"),
    "an ONNX model": (b"\x08\x07\x12\x07pytorch\x1a\x052.4.0" + bytes(50), "converted from"),
    "ONNX model": (b"\x08\x0a\x3a\xb6\x9d\x08\x0a\x12\x0a\x05audio\x12\x02v0" + bytes(50), "converted from"),
    "a TensorFlow model": (b"\x08\x01\x12\xe6\x95\x42\x0a\xc8\x24\x12\x9e\x24\x0a\x42\x0a\x05AddV2" + bytes(50), "converted from"),
    "TensorFlow model": (b"\x0a\x3b\x0a\x05input\x12\x0bPlaceholder" + bytes(50), "converted from"),
    "a Core ML model": (b"\x08\x06\x12\xda\x01\x0a\x18\x0a\x07input_2\x1a\x0d" + bytes(50), "converted from"),
    "CRFsuite": (b"lCRFl\xdd\x0f\0FOMC" + bytes(50), "Choose"),
    "fastText": (b"\xba\x16\x4f\x2f\x0c\0\0\0" + bytes(50), "Choose"),
    "weights of MXNet": (b"\x12\x01\0\0\0\0\0\0" + bytes(50), "torch.save"),
    "MessagePack": (b"\x81\xa6params\x82\xa4bias" + bytes(50), "torch.save"),
    "a TensorFlow Lite model": (b"\x1c\0\0\0TFL3" + bytes(50), "converted from"),
    "an ExecuTorch program": (b"\x20\0\0\0ET12" + bytes(50), "converted from"),
    "mobile devices": (b"\x20\0\0\0PTMF" + bytes(50), "converted from"),
    "a Torch 7 file": (b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1\x11\0\0\0torch.FloatTensor" + bytes(50), "torch.save"),
    "a joblib file": (b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x13joblib.numpy_pickle" + bytes(50), "numpy.savez"),
    "a Parquet table": (b"PAR1" + bytes(50), "--data"),
    "MNIST's images": (b"\0\0\x08\x03\0\0\x27\x10" + bytes(50), "--data"),
    "torch.package": (zipped("net/.data/python_version", "net/code.py"), "state_dict"),
    "TorchServe": (zipped("MAR-INF/MANIFEST.json", "handler.py"), "Unpack"),
    "zip archive of pictures": (zipped("cat/1.png", "dog/2.JPG"), "--data"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "Choose"),
}


@pytest.mark.parametrize("words", FILES)
def test_other_files_are_named(tmp_path: Path, words: str) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(FILES[words][0])
    for read in (read_checkpoint, peek):
        with pytest.raises(CheckpointError, match=words) as caught:
            read(path)
        assert FILES[words][1] in caught.value.remedy


FOLDERS = {
    "a TensorFlow model": ["saved_model.pb"],
    "a checkpoint of TensorFlow": ["checkpoint", "net-1.index", "net-1.data-00000-of-00001"],
    "a file of torch.save that was unpacked": ["data.pkl", "version"],
    "DeepSpeed in pieces": ["latest", "zero_to_fp32.py"],
    "Orbax": ["_METADATA", "manifest.ocdbt"],
    "Flax": ["config.json", "flax_model.msgpack"],
    "without weights": ["config.json", "tokenizer.json"],
    "a pipeline of diffusers": ["model_index.json", "config.json"],
    "cut to pieces": ["consolidated.00.pth", "consolidated.01.pth", "params.json"],
    "a GGUF file": ["net.gguf"],
}


@pytest.mark.parametrize("words", FOLDERS)
def test_other_folders_are_named(tmp_path: Path, words: str) -> None:
    for name in FOLDERS[words]:
        (tmp_path / name).write_bytes(b'{"model_type": "gpt2"}')
    for opened in (read_checkpoint, peek, find_checkpoint):
        with pytest.raises(CheckpointError, match=words) as caught:
            opened(tmp_path)
        assert caught.value.remedy


def test_hdf5_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "weights.pt", "w") as file:
        file["x"] = np.ones(3)
    with pytest.raises(CheckpointError, match="HDF5"):
        read_checkpoint(tmp_path / "weights.pt")


def test_suffixes_do_not_matter(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2, 2)}, tmp_path / "weights.safetensors")
    assert read_checkpoint(tmp_path / "weights.safetensors").format == "torch zip"


def test_half_a_download(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"w": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(CheckpointError, match="only a part of the file is here") as caught:
        read_checkpoint(path)
    assert "again" in caught.value.remedy


def test_places_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        read_checkpoint(tmp_path / "nowhere.pt")
    with pytest.raises(CheckpointError, match="a folder"):
        read_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="no file can have such a name"):
        read_checkpoint("a\0b.pt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(CheckpointError, match="not a plain file"):
        read_checkpoint(tmp_path / "pipe.pt")


@pytest.mark.parametrize("length", [0x80, 0x0280, 0x0480, 0x5A4D, 0x2123, 0xFEFF, 0x8B1F, 0x120508])
def test_a_safetensors_header_of_any_length(tmp_path: Path, length: int) -> None:
    """The length's low bytes may be those with which pickles, programs, gzip or ONNX begin."""
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(length)
    path = tmp_path / "net.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header + b"\0\0\x80\x3f")
    assert read_checkpoint(path).tensors["w"].item() == 1.0
