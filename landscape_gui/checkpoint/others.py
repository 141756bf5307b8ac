"""Files and folders that are no checkpoint of PyTorch: what they are, in plain words, and what to do. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Set

from landscape_gui.checkpoint.protobuf import model_in

SAVE = "Save the weights with torch.save(model.state_dict(), path) or safetensors.torch.save_file, and open that file."
_CHOOSE = "Choose the checkpoint."
_BEFORE = "Open the checkpoint that it was converted from."
_UNPACK = "Unpack it and open the checkpoint inside."
_DATA = "If it is data, name it with --data."

# Offset and bytes, what it is, what to do.
_STARTS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"version https://git-lfs", "only a Git LFS pointer, not the file itself", "Run `git lfs pull` in its repository."),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras saves such weights)", SAVE),
    (0, b"GGUF", "a GGUF file for llama.cpp", _BEFORE),
    (0, b"lmgg", "a GGML file for llama.cpp", _BEFORE),
    (0, b"tjgg", "a GGML file for llama.cpp", _BEFORE),
    (0, b"fmgg", "a GGML file for llama.cpp", _BEFORE),
    (4, b"TFL3", "a TensorFlow Lite model", _BEFORE),
    (4, b"PTMF", "a TorchScript model for mobile devices (flatbuffer)", _BEFORE),
    (4, b"ET12", "an ExecuTorch program (.pte)", _BEFORE),
    (4, b"ET13", "an ExecuTorch program (.pte)", _BEFORE),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it with unzstd first."),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4", "Unpack it with unlz4 first."),
    (0, b"lCRF", "a model of CRFsuite, which is no network", _CHOOSE),
    (0, b"\xba\x16\x4f\x2f", "a fastText model", _CHOOSE),
    (0, b"\x12\x01\0\0\0\0\0\0", "weights of MXNet", SAVE),
    (0, b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (0, b"PK\x05\x06", "an empty zip archive", "Download or copy it again."),
    (0, b"PAR1", "a Parquet table", _DATA),
    (0, b"ARROW1", "an Arrow table", _DATA),
    (0, b"MATLAB 5.0", "a MATLAB file", SAVE),
    (0, b"SQLite format 3", "an SQLite database", _CHOOSE),
    (0, b"\0\0\x08\x01", "a file of MNIST's labels (idx)", _DATA),
    (0, b"\0\0\x08\x03", "a file of MNIST's images (idx)", _DATA),
    (0, b"%PDF", "a PDF document", _CHOOSE),
    (0, b"\x89PNG", "a picture", _CHOOSE),
    (0, b"\xff\xd8\xff", "a picture", _CHOOSE),
    (0, b"GIF8", "a picture", _CHOOSE),
    (0, b"RIFF", "a sound, a picture or a film (RIFF)", _CHOOSE),
    (4, b"ftyp", "a film", _CHOOSE),
    (0, b"\x7fELF", "a program", _CHOOSE),
    (0, b"MZ", "a program", _CHOOSE),
    (0, b"#!", "a script", _CHOOSE),
    (0, b"\xff\xfe", "a text file", _CHOOSE),
    (0, b"\xfe\xff", "a text file", _CHOOSE),
)
_PIECE = re.compile(r"consolidated\.(\d\d)\.pth|(?:.*[._-])?rank[_-]?(\d+)(?:[._-].*)?\.(?:pt|pth|bin)")
_MESSAGE_PACK = re.compile(rb"[\x81-\x8f][\xa1-\xbf][a-z_]{3,}[^a-z_\x00-\x7f]|\xde\0.[\xa1-\xbf][a-z_]{3,}", re.DOTALL)
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")

# Names in a folder of which at least one must be there, what it is, what to do.
_FOLDERS: tuple[tuple[frozenset[str], str, str], ...] = (
    (
        frozenset({"data.pkl"}),
        "a file of torch.save that was unpacked",
        "Zip the folder, uncompressed, and open that.",
    ),
    (frozenset({"saved_model.pb"}), "a TensorFlow model", _BEFORE),
    (frozenset({"zero_to_fp32.py"}), "a checkpoint of DeepSpeed in pieces", "Run its zero_to_fp32.py and open what it writes."),
    (frozenset({"_METADATA", "manifest.ocdbt", "ocdbt.process_0"}), "a checkpoint of Orbax (JAX)", SAVE),
    (frozenset({"model_index.json"}), "a pipeline of diffusers", "Open the folder of one of its networks, such as unet."),
    (frozenset({"flax_model.msgpack"}), "a Flax model (JAX)", SAVE),
    (frozenset({"tf_model.h5"}), "a TensorFlow model", SAVE),
)


def other_file(head: bytes) -> tuple[str, str] | None:
    """What the file with these first bytes is, completing "it is ...", and what to do; None for what it may also be."""
    for offset, start, what, remedy in _STARTS:
        if head[offset : offset + len(start)] == start:
            return what, remedy
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_MARKUP):
        return "a web page, not a checkpoint", "The download failed or asked for a login: download the file itself."
    if model := model_in(head):
        return model, _BEFORE
    if _MESSAGE_PACK.match(head):
        return "a MessagePack file (Flax and spaCy save such weights)", SAVE
    if b"torch." in head[:80] and head[:1] == b"\x04":
        return "a Torch 7 file (Lua)", SAVE
    if b"joblib.numpy_pickle" in head:
        return "a joblib file with arrays in it", "Save them with numpy.savez and open that."
    return None


def other_zip(names: Set[str]) -> tuple[str, str] | None:
    """What the zip archive with these members is, and what to do; None where nothing is known of it."""
    again = "Save the weights with torch.save(model.state_dict(), path) and open that file."
    if any(name.endswith((".weights.h5", "keras_metadata.pb")) for name in names):
        return "a Keras file", again
    if "[Content_Types].xml" in names:
        return "an Office document", _CHOOSE
    if any(name.endswith((".data/python_version", ".data/extern_modules")) for name in names):
        return "a package of torch.package, which holds code", again
    if any(".mlpackage/" in name or name.endswith(".mlmodel") for name in names):
        return "a Core ML model", _BEFORE
    if any(name.startswith("MAR-INF/") for name in names):
        return "an archive of TorchServe", _UNPACK
    if any(name.startswith("META-INF/") for name in names):
        return "a Java archive", _CHOOSE
    if names and all(name.lower().endswith((".png", ".jpg", ".jpeg", "/")) for name in names):
        return "a zip archive of pictures", _DATA
    return None


def pieces_of(names: Set[str]) -> str:
    """One of the files that hold weights cut to pieces over devices, where a folder has several, counted from 0; else ""."""
    found = {name: int(match[1] or match[2]) for name in sorted(names) if (match := _PIECE.fullmatch(name))}
    return next(iter(found)) if {0, 1} <= set(found.values()) else ""


def other_folder(names: Set[str]) -> tuple[str, str] | None:
    """What the folder with these files in it is, and what to do; None where nothing is known of it."""
    for marks, what, remedy in _FOLDERS:
        if marks & names:
            return what, remedy
    if piece := pieces_of(names):
        return f"weights that are cut to pieces over devices ({piece} and others)", "Gather them into one file first."
    if any(name.endswith(".index") for name in names) and any(".data-0000" in name for name in names):
        return "a checkpoint of TensorFlow", SAVE
    for ending, what in ((".gguf", "a GGUF file"), (".onnx", "an ONNX model")):
        if any(name.endswith(ending) for name in names):
            return f"a folder with {what}", _BEFORE
    if "config.json" in names and any("token" in name or "vocab" in name for name in names):
        return "a Hugging Face folder without weights", "Download the whole folder, with model.safetensors."
    return None
