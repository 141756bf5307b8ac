"""Files packed with gzip: unpacked in memory, piece by piece and within bounds."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.limits import GZIP_BYTES, GZIP_RATIO, HALF, SPARE_BYTES, Broken

MAGIC = b"\x1f\x8b"
_PIECE = 1 << 20


def unpack(file: BinaryIO, size: int) -> bytes:
    """What was packed; Broken where it would grow out of bounds or breaks off. Costs about 4 s a gigabyte."""
    most = min(GZIP_BYTES, max(SPARE_BYTES, GZIP_RATIO * size))
    pieces: list[bytes] = []
    total = 0
    file.seek(0)
    machine = zlib.decompressobj(31)
    raw = file.read(_PIECE)
    while raw:
        try:
            piece = machine.decompress(raw, _PIECE)
        except zlib.error:
            raise Broken("its compressed data is damaged", HALF) from None
        pieces.append(piece)
        total += len(piece)
        if total > most:
            raise Broken(f"unpacked it would have more than {most:,} bytes", "Unpack it with gunzip and open what comes out.")
        if machine.eof:
            spend(1000)  # what is left is copied for each member
            rest = (machine.unused_data or file.read(_PIECE)).lstrip(b"\0")
            if not rest.startswith(MAGIC):
                return b"".join(pieces)
            machine, raw = zlib.decompressobj(31), rest
        else:
            raw = machine.unconsumed_tail or file.read(_PIECE)
    raise Broken("its compressed data breaks off", HALF)
