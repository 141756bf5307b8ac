"""Tar archives: where the files in one lie. Headers are read here, within bounds; nothing is ever extracted."""

from __future__ import annotations

from typing import BinaryIO

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.limits import DAMAGED, HALF, TAR_MEMBERS, TAR_NAME_BYTES, Broken
from landscape_gui.checkpoint.manifest import Span
from landscape_gui.checkpoint.source import read_at

_BLOCK = 512
_PLAIN = (b"0", b"\0", b"7")
_LONG_NAME, _EXTENDED, _SPARSE = b"L", b"x", b"S"
_OLD_TORCH = frozenset({"pickle", "storages", "tensors"})


def is_tar(head: bytes) -> bool:
    """Whether the first block says that it is a tar archive (of POSIX or GNU; what wrote older ones left no mark)."""
    return head[257:262] == b"ustar"


def read_tar(file: BinaryIO, size: int) -> dict[str, Span]:
    """Name of each plain file -> where it lies. Costs one read of 512 bytes a file; Broken where it is damaged, too long, or the
    archive that torch wrote before 0.1.10."""
    members: dict[str, Span] = {}
    at = looked = 0
    said: dict[str, str] = {}
    while at + _BLOCK <= size:
        head = read_at(file, at, _BLOCK)
        if not head.strip(b"\0"):
            break
        looked += 1
        if looked > TAR_MEMBERS:
            raise Broken(f"it is a tar archive of more than {TAR_MEMBERS:,} files")
        spend(40)
        name, kind, length = _parse_header(head)
        length = int(said.get("size", length)) if kind in _PLAIN else length
        start = at + _BLOCK + (_holes(file, at + _BLOCK, size) if kind == _SPARSE and head[482] else 0)
        if start + length > size:
            raise Broken("it is a tar archive that ends before its files do", HALF)
        if kind in (_LONG_NAME, _EXTENDED):
            said |= _parse_said(read_at(file, start, min(length, TAR_NAME_BYTES)), kind)
        else:
            if kind in _PLAIN and length and "GNU.sparse" not in said:
                members[said.get("path", name)] = Span(start, length)
            said = {}
        at = start + -(-length // _BLOCK) * _BLOCK
    if members.keys() >= _OLD_TORCH:
        raise Broken(
            "it is a file of torch.save before 0.1.10 (a tar archive)",
            "If you trust where it comes from, load it with torch.load(path, weights_only=False) and save it again.",
        )
    return members


def _holes(file: BinaryIO, at: int, size: int) -> int:
    """Bytes of the further headers in which GNU lists the holes of a file."""
    for count in range(1, TAR_MEMBERS):
        spend(40)
        if at + count * _BLOCK > size:
            break
        if not read_at(file, at + (count - 1) * _BLOCK, _BLOCK)[504]:
            return count * _BLOCK
    raise Broken("it is a tar archive that ends before its files do", HALF)


def _parse_header(head: bytes) -> tuple[str, bytes, int]:
    """Name, kind and length in bytes."""
    summed = head[:148] + b" " * 8 + head[156:]
    signed = sum(summed) - 256 * sum(byte > 127 for byte in summed)  # as some old programs summed
    if _number(head[148:156]) not in (sum(summed), signed):
        raise Broken("it is a damaged tar archive", DAMAGED)
    name = _text(head[:100])
    front = _text(head[345:500]) if head[257:263] == b"ustar\0" else ""
    return f"{front}/{name}" if front else name, head[156:157], _number(head[124:136])


def _number(field: bytes) -> int:
    """An octal number, or one of GNU's in binary, the high byte first."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b"\0 ")
    if not digits.isdigit() or set(digits) & set(b"89"):
        if digits:
            raise Broken("it is a damaged tar archive", DAMAGED)
        return 0
    return int(digits, 8)


def _parse_said(raw: bytes, kind: bytes) -> dict[str, str]:
    """What stands in a header of its own about the next file: its path and size; "GNU.sparse" where it has holes."""
    if kind == _LONG_NAME:
        return {"path": _text(raw)}
    said = {"GNU.sparse": ""} if b"GNU.sparse" in raw else {}
    for line in raw.split(b"\n"):
        key, _, value = line.partition(b" ")[2].partition(b"=")
        if key == b"path":
            said["path"] = _text(value)
        elif key == b"size" and value.isdigit() and len(value) < 16:
            said["size"] = value.decode()
    return said


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")
