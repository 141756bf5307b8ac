"""What kind of file it is, told by its first bytes and never by its suffix."""

from __future__ import annotations

import codecs
import struct

from landscape_gui.checkpoint.limits import HALF, Broken
from landscape_gui.checkpoint.others import SAVE, other_file
from landscape_gui.checkpoint.packed import PACKINGS
from landscape_gui.checkpoint.tarred import is_tar

HEAD = 512  # bytes that `sniff` wants to see

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


def sniff(head: bytes, size: int) -> str:
    """ "zip", "tar", "gzip", "bzip2", "xz", "npy", "safetensors" or "pickle" for a file that starts with `head`; else Broken
    says what it is."""
    if size == 0:
        raise Broken("it is empty (0 bytes)", "Save or copy it again.")
    if head[4:9] == b"\0\0\0\0{":  # its length may begin like the first bytes of anything else
        return "safetensors"
    _refuse_known(head)
    if head[:4] == b"PK\x03\x04":
        return "zip"
    for packing in PACKINGS.values():
        if head.startswith(packing.magic):
            return packing.name
    if is_tar(head):
        return "tar"
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
    raise Broken("it is neither a file of torch.save nor a safetensors file", SAVE)


def _refuse_known(head: bytes) -> None:
    other = other_file(head)
    if other is not None:
        raise Broken(f"it is {other[0]}", other[1])
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and _is_text(head):
        raise Broken("it is a JSON text", "Choose the checkpoint beside it.")


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # a character cut at the end is no error
    except UnicodeDecodeError:
        return False
    return all(character >= " " or character in "\t\r\n\f\x1b" for character in text)
