"""Ways to damage a file: byte by byte, and knowing zip archives, pickles, JSON headers and gzip from the inside."""

from __future__ import annotations

import gzip
import io
import json
import pickletools
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Change = Callable[[bytes, random.Random], bytes]

EXTREMES = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
)
NAMES = (b"os\nsystem", b"posix\nsystem", b"builtins\neval", b"builtins\nexec", b"subprocess\nPopen", b"torch\nload", b"os\nremove")
MEMBERS = (
    "../../evil",
    "/etc/passwd",
    "archive/data.pkl",
    "archive/data/0",
    "a\0b",
    "C:\\x",
    "archive/code/x.py",
    "x" * 70000,
    "\n<b>",
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1 << 40, 1 << 64, 10**400, 1.5, "", "F32", "../../etc/passwd", "\0", "\ud800", "<b>x</b>\n", [], [-1], {}),
    *([1 << 62, 1 << 62], {"a": {}}, [[[[[]]]]]),
)
COMMAND = b"touch 'it ran'"


def damaged(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The file after one to three changes; `other` is another file, pieces of which may be put in."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = _once(data, other, rng)
    return data


def _once(data: bytes, other: bytes, rng: random.Random) -> bytes:
    if not data or rng.random() < 0.45:
        return bytewise(data, other, rng)
    change = _knowing(data)
    try:
        return change(data, rng) if change is not None else bytewise(data, other, rng)
    except (ValueError, KeyError, IndexError, struct.error, zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError):
        return bytewise(data, other, rng)  # damaged before, so that it is no longer known from the inside
    except RuntimeError:  # "encrypted", says zipfile
        return bytewise(data, other, rng)


def _knowing(data: bytes) -> Change | None:
    if data[:4] == b"PK\3\4":
        return change_zip
    if data[:2] == b"\x1f\x8b":
        return change_gzip
    if data[:1] == b"{":
        return change_json
    if data[8:9] == b"{":
        return change_safetensors
    if data[:1] in (b"\x80", b"(", b"}", b"c", b"L"):
        return change_pickle
    return None


# -- bytes ----------------------------------------------------------------------------------------------------------------


def bytewise(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Cut, flipped, put in, taken out, copied, spliced with another file, or a number set to an extreme."""
    raw = bytearray(data or b"\0")
    end = len(raw) if rng.random() < 0.5 else min(len(raw), 2500)
    at = rng.randrange(end)
    kind = rng.randrange(8)
    if kind == 0:
        return bytes(raw[:at])
    if kind == 1:
        for _ in range(rng.choice((1, 1, 3, 20))):
            raw[rng.randrange(end)] ^= 1 << rng.randrange(8)
    elif kind == 2:
        raw[at] = rng.randrange(256)
    elif kind == 3:
        raw[at:at] = rng.randbytes(rng.randrange(1, 40))
    elif kind == 4:
        del raw[at : at + rng.randrange(1, 40)]
    elif kind == 5:
        width = rng.choice((1, 2, 4, 8))
        raw[at : at + width] = (rng.choice(EXTREMES) & ((1 << 8 * width) - 1)).to_bytes(width, rng.choice(("little", "big")))
    else:
        source = raw if kind == 6 or not other else other
        start = rng.randrange(len(source))
        piece = source[start : start + rng.choice((8, 40, 400, len(source)))]
        raw[at : at + (len(piece) if rng.random() < 0.5 else 0)] = piece
    return bytes(raw)


# -- pickles --------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def instructions(data: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """The instructions of the pickles that the bytes begin with (five at most), and the rest."""
    found: list[bytes] = []
    at = 0
    for _ in range(5):
        try:
            starts = [position for _, _, position in pickletools.genops(data[at:])]
        except Exception:  # pickletools raises nearly every class on bytes that are no pickle
            break
        stop = at + starts[-1] + 1
        ends = [at + start for start in starts[1:]] + [stop]
        found += [data[at + start : end] for start, end in zip(starts, ends, strict=True)]
        at = stop
    return tuple(found), data[at:]


def change_pickle(data: bytes, rng: random.Random) -> bytes:
    """Instructions taken out, doubled, exchanged, put in, given another argument, or a call of something real put in."""
    steps, rest = instructions(data)
    if not steps:
        raise ValueError("no pickle")
    new = list(steps)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(new))
        kind = rng.randrange(7)
        if kind == 0 and len(new) > 1:
            del new[at]
        elif kind == 1:
            new[at:at] = [new[at]] * rng.choice((1, 1, 3, 200))
        elif kind == 2:
            source = rng.randrange(len(new))
            new[at], new[source] = new[source], new[at]
        elif kind == 3:
            start = rng.randrange(len(new))
            new[at:at] = new[start : start + rng.choice((1, 5, 50))]
        elif kind == 4:
            new[at] = _other_argument(new[at], rng)
        elif kind == 5:
            new[at:at] = [_call(rng)]
        else:
            new[at:at] = [bytes([rng.choice(_CODES)]) + rng.randbytes(rng.choice((0, 0, 1, 4)))]
    return b"".join(new) + rest


_CODES = [ord(opcode.code) for opcode in pickletools.opcodes]


def _other_argument(step: bytes, rng: random.Random) -> bytes:
    code = step[:1]
    if code in b"MKJ\x8ahqrjG":
        width = len(step) - 1
        return code + (rng.choice(EXTREMES) & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    if code in b"ci":
        return code + rng.choice(NAMES) + b"\n"
    if code == b"X" and rng.random() < 0.7:
        text = rng.choice((b"", b"storage", b"../x", b"\xff\xfe", b"<b>\n", b"a" * 5000, b"0", b"model", b"cpu", b"_parameters"))
        return b"X" + struct.pack("<I", len(text)) + text
    raw = bytearray(step)
    raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def _call(rng: random.Random) -> bytes:
    """A call of something real, in one of the ways that pickle has."""
    name = rng.choice(NAMES)
    text = b"X" + struct.pack("<I", len(COMMAND)) + COMMAND
    return rng.choice(
        (
            b"c" + name + b"\n(" + text + b"tR",
            b"(" + text + b"i" + name + b"\n",
            b"(c" + name + b"\n" + text + b"o",
            b"c" + name + b"\n(" + text + b"t\x81",
            b"c" + name + b"\n(" + text + b"t}\x92",
            b"c" + name + b"\n)R(" + text + b"tb",
            b"\x82\x01",
            text + b"Q",
            b"P" + COMMAND + b"\n",
        )
    )


# -- zip ------------------------------------------------------------------------------------------------------------------


def change_zip(data: bytes, rng: random.Random) -> bytes:
    """A field of the directory changed, or the archive written again with a member changed, dropped, doubled, renamed or packed."""
    if rng.random() < 0.3:
        return _change_directory(data, rng)
    with warnings.catch_warnings(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        warnings.simplefilter("ignore")
        members = [(name, archive.read(name)) for name in archive.namelist() if archive.getinfo(name).file_size < 1 << 22]
        _change_members(members, rng)
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", rng.choice((0, 0, 0, zipfile.ZIP_DEFLATED))) as new:
            for name, content in members:
                member = zipfile.ZipInfo(name.replace("\0", "?"))  # not of now: the same run is the same file
                new.writestr(member, content, compress_type=new.compression)
    return target.getvalue()


def _change_members(members: list[tuple[str, bytes]], rng: random.Random) -> None:
    inside = [k for k, (name, _) in enumerate(members) if name.endswith((".pkl", ".json", ".npy", ".pt"))]
    at = rng.choice(inside) if inside and rng.random() < 0.7 else rng.randrange(len(members))
    name, content = members[at]
    kind = rng.randrange(10)
    if kind == 0:
        del members[at]
    elif kind == 1:
        members.append((name, content))
    elif kind == 2:
        members[at] = rng.choice(MEMBERS), content
    elif kind == 3:
        members.append((rng.choice(MEMBERS), content))
    elif kind == 4:
        source = rng.randrange(len(members))
        members[at], members[source] = (name, members[source][1]), (members[source][0], content)
    else:
        members[at] = name, _once(content, members[rng.randrange(len(members))][1], rng)


def _change_directory(data: bytes, rng: random.Random) -> bytes:
    """One field of a local header, of a directory entry or of the end record."""
    marks = [(b"PK\3\4", 30), (b"PK\1\2", 46), (b"PK\5\6", 22)]
    mark, length = rng.choice(marks)
    places = []
    at = data.find(mark)
    while at >= 0 and len(places) < 200:
        places.append(at)
        at = data.find(mark, at + 1)
    place = rng.choice(places) + rng.randrange(4, length)
    width = rng.choice((1, 2, 4))
    raw = bytearray(data)
    raw[place : place + width] = (rng.choice(EXTREMES) & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    return bytes(raw)


# -- JSON, safetensors, gzip ----------------------------------------------------------------------------------------------


def change_safetensors(data: bytes, rng: random.Random) -> bytes:
    length = struct.unpack("<Q", data[:8])[0]
    header = change_json(data[8 : 8 + length], rng)
    return struct.pack("<Q", len(header) if rng.random() < 0.9 else rng.choice(EXTREMES)) + header + data[8 + length :]


def change_json(data: bytes, rng: random.Random) -> bytes:
    """A value replaced, dropped, doubled under its own name, or buried."""
    value = json.loads(data)
    parent, key = value, None
    for _ in range(rng.randrange(1, 6)):
        inner = value if key is None else parent[key]
        if not isinstance(inner, dict | list) or not inner:
            break
        parent, key = inner, rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
    if key is None:
        return json.dumps(rng.choice(VALUES)).encode()
    kind = rng.randrange(5)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[str(rng.choice(VALUES))[:100]] = parent.pop(key)
    elif kind == 2:
        text = json.dumps(value)
        return text.replace("{", '{"a": 1, "a": 2, ', 1).encode()
    else:
        parent[key] = rng.choice(VALUES)
    return json.dumps(value).encode()


def change_gzip(data: bytes, rng: random.Random) -> bytes:
    inside = gzip.decompress(data)
    return gzip.compress(_once(inside, inside, rng), 1, mtime=0) + (b"" if rng.random() < 0.9 else data)
