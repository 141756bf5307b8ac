"""Zip archives: the central directory is read here and checked, within bounds; nothing is ever extracted."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.limits import DAMAGED, DIRECTORY_BYTES, HALF, MEMBERS, SPARE_BYTES, Broken, shown
from landscape_gui.checkpoint.manifest import Span
from landscape_gui.checkpoint.source import read_at

_END, _LOCATOR, _END64, _CENTRAL, _LOCAL = b"PK\5\6", b"PK\6\7", b"PK\6\6", b"PK\1\2", b"PK\3\4"
_STORED, _DEFLATED = 0, 8
_RATIO = 200  # of deflated members above a megabyte; real weights reach about 1.1


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the archive, as the central directory has it."""

    name: str
    method: int
    packed: int
    size: int
    header: int


class Zip:
    """A zip archive whose directory has been read and checked; its members are read on request."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.members, self._end = _read_directory(file, size)

    def content(self, name: str, most: int) -> bytes:
        """The whole member, inflated where need be; Broken above `most` bytes."""
        member = self.members[name]
        if member.size > most:
            raise Broken(f"the file {shown(name)} in its archive has {member.size:,} bytes; {most:,} is the most that is read")
        spend(member.size // 60)
        raw = read_at(self.file, _place(self.file, member, self._end), member.packed)
        return raw if member.method == _STORED else inflate(raw, member.size)

    def head(self, name: str, most: int) -> bytes:
        """The member's first bytes, `most` of them at most."""
        member = self.members[name]
        spend(100 + most // 100)
        start = _place(self.file, member, self._end)
        if member.method == _STORED:
            return read_at(self.file, start, min(most, member.size))
        try:
            return zlib.decompressobj(-15).decompress(read_at(self.file, start, min(2 * most, member.packed)), most)
        except zlib.error:
            raise Broken("a compressed file in its archive is damaged", DAMAGED) from None

    def spans(self, names: Mapping[str, str]) -> dict[str, Span]:
        """Where members lie: key -> Span for key -> name. Broken where two overlap or together would grow out of bounds."""
        spans: dict[str, Span] = {}
        occupied: dict[str, tuple[int, int]] = {}
        for key, name in names.items():
            member = self.members[name]
            start = _place(self.file, member, self._end)
            occupied[name] = member.header, start + member.packed
            spans[key] = Span(start, member.size, member.packed if member.method == _DEFLATED else 0)
        inflated = sum(self.members[name].size for name in occupied if self.members[name].method == _DEFLATED)
        if inflated > 20 * self._end + SPARE_BYTES:
            raise Broken(f"its archive would grow to {inflated:,} bytes")
        for (_, stop), (start, _) in pairwise(sorted(occupied.values())):
            if start < stop:
                raise Broken("two records in its archive overlap", DAMAGED)
        return spans


def _read_directory(file: BinaryIO, size: int) -> tuple[dict[str, Member], int]:
    count, length, start = _find_directory(file, size)
    if count > MEMBERS or length > DIRECTORY_BYTES:
        raise Broken(f"its archive lists {count:,} files, more than any checkpoint has")
    if start + length > size or count * 46 > length:
        raise Broken("the directory of its archive lies outside the file", DAMAGED)
    spend(15 * count)
    table = read_at(file, start, length)
    members: dict[str, Member] = {}
    at = 0
    for _ in range(count):
        member, at = _parse_entry(table, at)
        if member.name in members:
            raise Broken(f"its archive has two files named {shown(member.name)}")
        _check_member(member, start)
        members[member.name] = member
    return members, start


def _find_directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Number of entries, length and start of the central directory."""
    tail_start = max(0, size - 65557)
    tail = read_at(file, tail_start, size - tail_start)
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise Broken("its archive has no end: only a part of the file is here", HALF)
    count, length, start = struct.unpack("<8xHHLLH", tail[at : at + 22])[1:4]
    if 0xFFFF in (count,) or 0xFFFFFFFF in (length, start):
        if at < 20 or tail[at - 20 : at - 16] != _LOCATOR:
            raise Broken("its archive's directory is damaged", DAMAGED)
        place: int = struct.unpack("<8xQ4x", tail[at - 20 : at])[0]
        if place + 56 > size:
            raise Broken("its archive's directory is damaged", DAMAGED)
        record = read_at(file, place, 56)
        if record[:4] != _END64:
            raise Broken("its archive's directory is damaged", DAMAGED)
        count, length, start = struct.unpack("<32xQQQ", record)
    return count, length, start


def _parse_entry(table: bytes, at: int) -> tuple[Member, int]:
    if table[at : at + 4] != _CENTRAL or at + 46 > len(table):
        raise Broken("the directory of its archive is damaged", DAMAGED)
    flags, method, packed, size, name_length, extra_length, comment, header = struct.unpack("<8xHH8xLLHHH8xL", table[at : at + 46])
    stop = at + 46 + name_length + extra_length + comment
    if stop > len(table):
        raise Broken("the directory of its archive is damaged", DAMAGED)
    name = table[at + 46 : at + 46 + name_length].decode("utf-8", "replace")
    extra = table[at + 46 + name_length : at + 46 + name_length + extra_length]
    spend(extra_length // 4)
    size, packed, header = _widen(extra, size, packed, header)
    if flags & 1:
        raise Broken(f"the file {shown(name)} in its archive is encrypted")
    return Member(name, method, packed, size, header), stop


def _widen(extra: bytes, *values: int) -> list[int]:
    """The 64-bit values of a zip64 entry in place of those that did not fit 32 bits."""
    wide = list(values)
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack("<HH", extra[at : at + 4])
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            for index, value in enumerate(wide):
                if value == 0xFFFFFFFF:
                    if len(field) < 8:
                        raise Broken("the directory of its archive is damaged", DAMAGED)
                    wide[index], field = struct.unpack("<Q", field[:8])[0], field[8:]
        at += 4 + length
    return wide


def _check_member(member: Member, directory: int) -> None:
    parts = member.name.replace("\\", "/").split("/")
    if ".." in parts or member.name.startswith(("/", "\\")):
        raise Broken(f"the file {shown(member.name)} in its archive points outside of it")
    if member.method not in (_STORED, _DEFLATED):
        raise Broken(f"the file {shown(member.name)} in its archive is compressed in an unknown way")
    if member.method == _STORED and member.packed != member.size:
        raise Broken(f"the sizes of {shown(member.name)} in its archive contradict each other", DAMAGED)
    if member.header + 30 + member.packed > directory:
        raise Broken(f"the file {shown(member.name)} reaches past the end of its archive", HALF)
    if member.method == _DEFLATED and member.size > max(1 << 20, _RATIO * member.packed):
        raise Broken(f"the file {shown(member.name)} in its archive would grow to {member.size:,} bytes")


def _place(file: BinaryIO, member: Member, directory: int) -> int:
    """Where the member's data starts, after its local header, which must name the same file."""
    spend(10)
    header = read_at(file, member.header, 30)
    name_length, extra_length = struct.unpack("<26xHH", header)
    start: int = member.header + 30 + name_length + extra_length
    if header[:4] != _LOCAL or start + member.packed > directory:
        raise Broken(f"the file {shown(member.name)} in its archive is damaged", DAMAGED)
    if read_at(file, member.header + 30, name_length).decode("utf-8", "replace") != member.name:
        raise Broken(f"its archive names the file {shown(member.name)} in two ways", DAMAGED)
    return start


def inflate(raw: bytes, size: int) -> bytes:
    """The `size` bytes that were deflated to `raw`; Broken when it is not that many."""
    machine = zlib.decompressobj(-15)
    try:
        data = machine.decompress(raw, size + 1)
    except zlib.error:
        raise Broken("a compressed file in its archive is damaged", DAMAGED) from None
    if len(data) != size:
        raise Broken("a compressed file in its archive has another size than it says", DAMAGED)
    return data
