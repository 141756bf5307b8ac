"""A record inside a file of any kind, and out again: one run of letters that every format keeps and nothing has to parse.

What is written is `LGUI-FIGURE-1.` then the xxh3-128 of what follows, its length, and the JSON of the record, deflated, in base64
of the alphabet for names of files. It is looked for in the bytes of the file, so that no reader of PDF, SVG or PNG runs on a
stranger's file: nothing is unpacked but the record itself and, in a PDF or PNG that another program wrote again, its texts, both
within bounds. Spaces, line ends, "%", "#", "+" and backslashes within it are passed over, and so are the zeros of UTF-16.
"""

from __future__ import annotations

import base64
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import xxhash

from landscape_gui.errors import LandscapeError
from landscape_gui.export.record import Record, read_record, text_of

MARK = "LGUI-FIGURE-1"
KINDS = (
    ".pdf", ".svg", ".png", ".tiff", ".tif", ".eps", ".mp4", ".gif", ".webp", ".vtp", ".obj", ".glb", ".py", ".tex", ".html",
)  # fmt: skip
"""Suffixes of files that may hold a record."""
FILE, PACKED, UNPACKED, STREAM, STREAMS = 1 << 30, 8 << 20, 64 << 20, 16 << 20, 128 << 20
"""Bytes at most: of a file, of a record in it, of the record unpacked, of a PDF's stream unpacked, of all of them."""
FOUND = re.compile(rb"LGUI-FIGURE-1\.([0-9a-f]{32})\.([0-9]{1,8})\.")
NOISE = re.compile(rb"[\s%+#\\\x00]+")
PACKED_TEXTS = {
    b"%PDF": re.compile(rb"stream\r?\n"),
    b"\x89PNG": re.compile(rb"(?:zTXt[^\x00]{1,79}\x00\x00|iTXt[^\x00]{1,79}\x00\x01\x00[^\x00]{0,79}\x00[^\x00]{0,79}\x00)"),
}
"""Where packed text begins in the files of these first bytes."""
LOST = (
    "Programs that crop or convert a figure, and a paper that includes it, mostly drop what it says of itself: take the file as it "
    "was exported."
)


def seal(record: Mapping[str, Any]) -> str:
    """A record as one word, ASCII letters, digits, "-", "_" and "." alone."""
    packed = base64.urlsafe_b64encode(zlib.compress(text_of(record).encode(), 9)).decode()
    return f"{MARK}.{xxhash.xxh3_128_hexdigest(packed.encode())}.{len(packed)}.{packed}"


def comment_lines(sealed: str, start: str = "%%+ ", width: int = 200) -> str:
    """The word broken into lines that each begin with `start`, as a comment of PostScript; its first line tells what follows."""
    pieces = [sealed[at : at + width] for at in range(0, len(sealed), width)]
    return "".join(f"{start}{piece}\n" for piece in pieces)


def without_double_hyphens(sealed: str) -> str:
    """The word as a comment of XML may hold it: no two hyphens beside one another, and none at the end."""
    head, dot, packed = sealed.rpartition(".")
    return head + dot + packed.replace("-", "-+")


def gif_comment(sealed: str) -> bytes:
    """The word as a comment of GIF, in blocks of 92 bytes: the byte that says so is a backslash, which is passed over."""
    room = ord("\\")
    data = sealed.encode().ljust(-(-len(sealed) // room) * room)
    blocks = (data[at : at + room] for at in range(0, len(data), room))
    return b"!\xfe" + b"".join(bytes([room]) + block for block in blocks) + b"\0"


def read_figure(path: str | os.PathLike[str]) -> Record:
    """What a figure says of itself. LandscapeError: no such file, none inside, damaged, or not of this program."""
    data = bytes_of(Path(path))
    name = Path(path).name
    found = next(iter(records(data)), None)
    if found is None:
        what = "is no figure" if Path(path).suffix.lower() not in KINDS else "holds no record of landscape_gui"
        raise LandscapeError(f"{name} {what}.", remedy=LOST)
    if isinstance(found, LandscapeError):
        raise LandscapeError(f"{name}: {found.message}", remedy=found.remedy)
    return read_record(found)


def holds_record(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a figure that says what it shows, whole or damaged; False for what cannot be read."""
    try:
        return Path(path).suffix.lower() in KINDS and next(iter(records(bytes_of(Path(path)))), None) is not None
    except LandscapeError:
        return False


def bytes_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise LandscapeError(f"There is no figure {path}.", remedy="Check its name.")
        if path.stat().st_size > FILE:
            raise LandscapeError(f"{path.name} has more than {FILE >> 30} GB.", remedy="Take the figure as it was exported.")
        return path.read_bytes()
    except OSError as error:
        raise LandscapeError(f"{path} cannot be read: {error.strerror or error}.", remedy="Check its permissions.") from error


def records(data: bytes) -> Iterator[Any]:
    """What is sealed in the bytes of a file, and a LandscapeError for what is there and damaged; whole ones first."""
    found: list[Any] = []
    for text in texts(data):
        found += [unsealed(text, mark) for mark in FOUND.finditer(text)]
        whole = [item for item in found if not isinstance(item, LandscapeError)]
        if whole:
            return iter(whole)
    return iter(found)


def texts(data: bytes) -> Iterator[bytes]:
    """The bytes as they are; without the zeros of UTF-16; and what a PDF's streams unpack to."""
    yield data
    if b"L\0G\0U\0I\0" in data:
        yield data.replace(b"\0", b"")
    packed = PACKED_TEXTS.get(data[:4])
    if packed is not None:
        yield from unpacked_texts(data, packed)


def unpacked_texts(data: bytes, starts: re.Pattern[bytes]) -> Iterator[bytes]:
    """What is deflated behind each start, as far as there is room."""
    room = STREAMS
    for start in starts.finditer(data):
        try:
            unpacked = zlib.decompressobj().decompress(data[start.end() : start.end() + STREAM], min(STREAM, room))
        except zlib.error:
            continue
        room -= len(unpacked)
        yield unpacked
        if b"L\0G\0U\0I\0" in unpacked:
            yield unpacked.replace(b"\0", b"")
        if room <= 0:
            return


def unsealed(text: bytes, mark: re.Match[bytes]) -> Any:
    """The JSON behind a mark; a LandscapeError where it is cut off, changed, or more than it may be."""
    length = int(mark[2])
    packed = NOISE.sub(b"", text[mark.end() : mark.end() + 2 * min(length, PACKED)])[:length]
    if length > PACKED or xxhash.xxh3_128_hexdigest(packed) != mark[1].decode():
        return LandscapeError("what it says of itself is damaged.", remedy=LOST)
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(base64.urlsafe_b64decode(packed), UNPACKED)
        if not unpacker.eof:
            return LandscapeError("what it says of itself is larger than it may be.", remedy=LOST)
        return json.loads(plain)
    except (ValueError, zlib.error, RecursionError):
        return LandscapeError("what it says of itself cannot be read.", remedy=LOST)
