"""What kind of file it is, told by its first bytes and never by its suffix."""

from __future__ import annotations

import codecs
import struct

from landscape_gui.checkpoint.limits import HALF, Broken

HEAD = 512  # bytes that `sniff` wants to see

_SAVE = "Save the weights with torch.save(model.state_dict(), path) or safetensors.torch.save_file, and open that file."
_LEGACY = (
    b"\x80",
    b"ccopy_reg\n_reconstructor",
    b"L119547037146038801333356L",
    b"ccollections\nOrderedDict",
    b"(dp",
    b"(lp",
    b"}q",
    b"]q",
)
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "only a Git LFS pointer, not the file itself", "Run `git lfs pull` in its repository."),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras saves such weights)", _SAVE),
    (b"GGUF", "a GGUF file for llama.cpp", "Open the checkpoint that it was converted from."),
    (b"BZh", "compressed with bzip2", "Unpack it with bunzip2 first."),
    (b"\xfd7zXZ", "compressed with xz", "Unpack it with unxz first."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it with unzstd first."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it and open the checkpoint inside."),
    (b"Rar!", "a RAR archive", "Unpack it and open the checkpoint inside."),
    (b"PK\x05\x06", "an empty zip archive", "Download or copy it again."),
    (b"%PDF", "a PDF document", "Choose the checkpoint."),
    (b"\x89PNG", "a picture", "Choose the checkpoint."),
    (b"\xff\xd8\xff", "a picture", "Choose the checkpoint."),
    (b"\x7fELF", "a program", "Choose the checkpoint."),
    (b"MZ", "a program", "Choose the checkpoint."),
    (b"#!", "a script", "Choose the checkpoint."),
)
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")


def sniff(head: bytes, size: int) -> str:
    """ "zip", "gzip", "npy", "safetensors" or "pickle" for a file that starts with `head`; else Broken says what it is."""
    if size == 0:
        raise Broken("it is empty (0 bytes)", "Save or copy it again.")
    _refuse_known(head)
    if head[:4] == b"PK\x03\x04":
        return "zip"
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:6] == b"\x93NUMPY":
        return "npy"
    if len(head) >= 9 and head[8:9] in (b"{", b" ") and struct.unpack("<Q", head[:8])[0] < 1 << 40:
        return "safetensors"
    if head.startswith(_LEGACY):
        return "pickle"
    if not head.strip(b"\0"):
        raise Broken("it holds nothing but zeros", HALF)
    if _is_text(head):
        raise Broken("it is a text file", "Choose the checkpoint (.pt, .pth, .ckpt, .bin or .safetensors).")
    raise Broken("it is neither a file of torch.save nor a safetensors file", _SAVE)


def _refuse_known(head: bytes) -> None:
    for start, what, remedy in _REFUSED:
        if head.startswith(start):
            raise Broken(f"it is {what}", remedy)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_MARKUP):
        raise Broken("it is a web page, not a checkpoint", "The download failed or asked for a login: download the file itself.")
    if text.startswith(b"{") and _is_text(head):
        raise Broken("it is a JSON text", "Choose the checkpoint beside it.")
    if head[257:262] == b"ustar":
        raise Broken(
            "it is a tar archive", "Unpack it and open the checkpoint inside; torch before 0.2 saved such files: save it again."
        )


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # a character cut at the end is no error
    except UnicodeDecodeError:
        return False
    return all(character >= " " or character in "\t\r\n\f\x1b" for character in text)
