"""What a file is, told by what is in it and never by its suffix: an answer of ours, a result of another program, or neither.

The one place that decides it. Reads a few kilobytes at most and opens no HDF5.
"""

from __future__ import annotations

import os
import stat
from typing import BinaryIO, Literal

from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.numbers import array_names
from landscape_gui.checkpoint.peers import peer_arrays
from landscape_gui.store_guard import SIGNATURE

Kind = Literal["hdf5", "plane", "curve", "landscape", "json", ""]
HEAD = 512
BLANKS = b" \t\r\n"
MARK = b"\xef\xbb\xbf"


def kind_of(path: str | os.PathLike[str]) -> Kind:
    """ "hdf5" (an answer of ours, or a file of tomgoldstein/loss-landscape), "plane", "curve" or "landscape" (archives of arrays),
    "json" (a list, or an answer of ours as JSON); "" for checkpoints, folders, and whatever cannot be read."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or not status.st_size:  # one of the kernel's has no size, and may never answer
            return ""
        with open(path, "rb") as file:
            head = file.read(HEAD)
            if is_hdf5(file, head):
                return "hdf5"
        if head.startswith(b"PK\x03\x04"):
            return peer_arrays(array_names(path))  # type: ignore[return-value]
    except (OSError, ValueError, Broken):
        return ""
    return "json" if is_list(head) or is_answer_text(head) else ""


def is_answer(path: str | os.PathLike[str]) -> bool:
    """Whether a file is read as an answer, ours or another program's, and not as a checkpoint."""
    return bool(kind_of(path))


def is_hdf5(file: BinaryIO, head: bytes) -> bool:
    """Whether HDF5's signature stands at 0, or, behind a block of the user's, at 512, 1024, 2048, ..."""
    if head.startswith(SIGNATURE):
        return True
    if head.startswith((b"PK\x03\x04", b"\x80")):
        return False
    size, start = os.fstat(file.fileno()).st_size, 512
    while start < size:
        file.seek(start)
        if file.read(len(SIGNATURE)) == SIGNATURE:
            return True
        start *= 2
    return False


def is_list(head: bytes) -> bool:
    """A list of objects in JSON begins so; pickles and other texts do not."""
    text = head.removeprefix(MARK).lstrip(BLANKS)
    rest = text[1:].lstrip(BLANKS)
    return text[:1] == b"[" and (rest[:1] in (b"{", b"]") or (not rest and len(head) == HEAD))


def is_answer_text(head: bytes) -> bool:
    """An answer that was exported as JSON says so first."""
    text = head.removeprefix(MARK).lstrip(BLANKS)
    return text[:1] == b"{" and text[1:].lstrip(BLANKS).startswith(b'"format": "landscape_gui"')
