"""Files packed with gzip, bzip2 or xz: unpacked in memory, piece by piece and within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.limits import (
    GZIP_BYTES,
    HALF,
    PACKED_RATIO,
    SLOWLY_PACKED_BYTES,
    SPARE_BYTES,
    XZ_MEMORY,
    Broken,
)

_PIECE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Packing:
    """One way to pack a file: its name, how the form is then called, its first bytes, who unpacks it, the most bytes unpacked."""

    name: str
    form: str
    magic: bytes
    tool: str
    most: int
    machine: Callable[[], Any]


def _gunzip() -> Any:
    return zlib.decompressobj(31)


def _bunzip2() -> Any:
    import bz2

    return bz2.BZ2Decompressor()


def _unxz() -> Any:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)


PACKINGS: dict[str, Packing] = {
    packing.name: packing
    for packing in (
        Packing(name="gzip", form="gzipped", magic=b"\x1f\x8b", tool="gunzip", most=GZIP_BYTES, machine=_gunzip),
        Packing(name="bzip2", form="bzipped", magic=b"BZh", tool="bunzip2", most=SLOWLY_PACKED_BYTES, machine=_bunzip2),
        Packing(name="xz", form="xz-packed", magic=b"\xfd7zXZ\0", tool="unxz", most=SLOWLY_PACKED_BYTES, machine=_unxz),
    )
}


def unpack(file: BinaryIO, size: int, packing: Packing) -> bytes:
    """What was packed; Broken where it would grow out of bounds or breaks off. Costs about 4 s a gigabyte for gzip, 4 s for
    SLOWLY_PACKED_BYTES of bzip2 or xz."""
    most = min(packing.most, max(SPARE_BYTES, PACKED_RATIO * size))
    by_hand = f"Unpack it with {packing.tool} and open what comes out."
    if size > most + SPARE_BYTES:
        raise Broken(f"it is packed with {packing.name} and has {size:,} bytes, too many to unpack here", by_hand)
    pieces: list[bytes] = []
    total = 0
    file.seek(0)
    machine = _machine(packing, by_hand)
    raw = file.read(_PIECE)
    while True:
        piece, waiting = _step(machine, raw)
        pieces.append(piece)
        total += len(piece)
        if total > most:
            raise Broken(f"unpacked it would have more than {most:,} bytes", by_hand)
        if machine.eof:
            spend(1000)  # what is left is copied for each member
            rest = (machine.unused_data or file.read(_PIECE)).lstrip(b"\0")
            if not rest.startswith(packing.magic):
                return b"".join(pieces)
            machine, raw = _machine(packing, by_hand), rest
            continue
        raw = waiting if waiting is not None else file.read(_PIECE)
        if waiting is None and not raw:
            raise Broken("its compressed data breaks off", HALF)


def _machine(packing: Packing, by_hand: str) -> Any:
    try:
        return packing.machine()
    except ImportError:  # such a Python is built where the library's headers are missing
        raise Broken(f"it is packed with {packing.name}, which this Python was built without", by_hand) from None


def _step(machine: Any, raw: bytes) -> tuple[bytes, bytes | None]:
    """At most a piece of what comes out, and what is to be put in next: None where more of the file is needed."""
    try:
        piece = machine.decompress(raw, _PIECE)
    except (zlib.error, OSError, EOFError):
        raise Broken("its compressed data is damaged", HALF) from None
    except MemoryError:
        raise
    except Exception as error:
        if type(error).__name__ != "LZMAError":
            raise
        if "emory" in str(error):
            raise Broken(f"unpacking it would need more than {XZ_MEMORY >> 20} MB of memory", "Unpack it with unxz.") from None
        raise Broken("its compressed data is damaged", HALF) from None
    if hasattr(machine, "needs_input"):
        return piece, None if machine.needs_input else b""
    return piece, machine.unconsumed_tail or None
