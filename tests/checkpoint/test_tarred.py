"""Where the files in a tar lie: as Python's own module for tars has it, whatever else the archive holds."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
import torch

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.tarred import read_tar

BLOCK = 512


def weights() -> bytes:
    target = io.BytesIO()
    torch.save({"w": torch.arange(6.0)}, target)
    return target.getvalue()


def archive(kind: int) -> bytes:
    """Folders, links, an empty file, names of all lengths, and times that POSIX's form keeps in a header of their own."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=kind) as file:
        for name, type_, content in (
            ("net", tarfile.DIRTYPE, b""),
            ("net/empty.txt", tarfile.REGTYPE, b""),
            ("net/link", tarfile.SYMTYPE, b""),
            (f"net/{'long' * 20}/{'name' * 15}/weights.pt", tarfile.REGTYPE, weights()),
            ("net/again.pt", tarfile.LNKTYPE, b""),
            ("net/é.txt", tarfile.REGTYPE, b"x" * 513),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.mtime, entry.linkname = type_, len(content), 1.5, "elsewhere"
            file.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def summed(head: bytearray, *, signed: bool = False) -> bytes:
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % (sum(head) - (256 * sum(byte > 127 for byte in head) if signed else 0))
    return bytes(head)


def places(content: bytes) -> dict[str, tuple[int, int]]:
    return {name: (span.start, span.size) for name, span in read_tar(io.BytesIO(content), len(content)).items()}


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_files_lie_where_python_finds_them(kind: int) -> None:
    content = archive(kind)
    with tarfile.open(fileobj=io.BytesIO(content)) as file:
        theirs = {item.name: (item.offset_data, item.size) for item in file if item.isreg() and item.size}
    assert places(content) == theirs and len(theirs) == 2


def test_a_file_with_holes_is_passed_over(tmp_path: Path) -> None:
    """GNU's header of it goes on in further blocks, where it has more than four pieces."""
    sparse = bytearray(archive(tarfile.GNU_FORMAT)[:BLOCK])
    sparse[124:136], sparse[156:157], sparse[482] = b"00000001000\0", b"S", 1
    more, last = bytes([*bytes(504), 1, *bytes(7)]), bytes(BLOCK)
    content = summed(sparse) + more + last + b"x" * BLOCK + archive(tarfile.GNU_FORMAT)
    assert {name: size for name, (_, size) in places(content).items()} == {
        name: size for name, (_, size) in places(archive(tarfile.GNU_FORMAT)).items()
    }
    (tmp_path / "net.tar").write_bytes(content)
    assert torch.equal(read_checkpoint(tmp_path / "net.tar").tensors["w"], torch.arange(6.0))
    endless = summed(sparse) + more * 3
    with pytest.raises(Broken, match="ends before"):
        places(endless)


def test_sums_of_signed_bytes_are_sums() -> None:
    content = bytearray(archive(tarfile.USTAR_FORMAT))
    content[0:2] = "é".encode()
    with pytest.raises(Broken, match="damaged"):
        places(bytes(content))
    for signed in (False, True):
        assert places(summed(content[:BLOCK], signed=signed) + content[BLOCK:]) == places(archive(tarfile.USTAR_FORMAT))
