"""Small files that would take minutes or gigabytes if each part were bounded, but not all of them together.

Read under watch: an answer within 10 s of CPU time and 2 GiB. Without their bounds these take from half a minute to hours.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import zipfile
from pathlib import Path

import forged
import pytest
from forged import tensor, text
from test_hostile_calls import array

MANY = 50_000


def put(index: int) -> bytes:
    return b"r" + struct.pack("<I", index)


def get(index: int) -> bytes:
    return b"j" + struct.pack("<I", index)


def nothings(count: int) -> bytes:
    """A dictionary of that many names for nothing."""
    return b"}(" + b"".join(text(str(i)) + b"N" for i in range(count)) + b"u"


def define(index: int, value: bytes) -> bytes:
    """Remember a value without leaving it on the stack."""
    return value + put(index) + b"0"


MODULE = define(2, b"cm\nC\n")


def modules(state: bytes, count: int = 40_000) -> bytes:
    """A module with that many children, all in the state that is remembered as 5."""
    children = b"}(" + b"".join(text(str(i)) + get(2) + b")\x81" + get(5) + b"b" for i in range(count)) + b"u"
    head = define(6, b"}") + MODULE + define(5, state)
    return head + b"cm\nC\n)\x81}(" + text("_parameters") + get(6) + text("_modules") + children + b"ub"


def shared_state() -> bytes:
    """Objects that are dictionaries, all with one large table beside another as attributes."""
    one = get(2) + b")\x81" + text("k") + b"Ns" + get(1) + get(4) + b"\x86b"
    return define(1, nothings(MANY)) + MODULE + define(4, b"}" + text("k") + b"Ns") + b"](" + one * MANY + b"e"


def shared_parameters() -> bytes:
    state = b"}(" + text("_parameters") + get(3) + text("_modules") + get(6) + b"u"
    return define(3, nothings(MANY)) + modules(state)


def shared_names_of_buffers() -> bytes:
    names = b"](" + text("b") * MANY + b"e"
    state = b"}(" + text("_parameters") + get(6) + text("_modules") + get(6) + text("_non_persistent_buffers_set") + get(1) + b"u"
    return define(1, names) + modules(state)


def module_of_itself() -> bytes:
    """A module 50,000 times its own child, 60 levels deep."""
    made = b"cm\nC\n)\x81" + put(2) + b"}(" + text("_parameters") + get(6) + text("_modules") + get(3) + b"ub0"
    children = get(3) + b"(" + b"".join(text(str(i)) + get(2) for i in range(MANY)) + b"u0"
    return define(6, b"}") + define(3, b"}") + made + children + get(2)


def settings() -> bytes:
    """Settings in which 3,000 objects share 200,000 attributes that say nothing."""
    objects = b"}(" + b"".join(text(str(i)) + get(2) + b")\x81" + get(1) + b"b" for i in range(3000)) + b"u"
    table = b"}(" + text("w") + tensor() + text("config") + objects + b"u"
    return define(1, nothings(4 * MANY)) + MODULE + table


def groups() -> bytes:
    return define(1, tensor()) + b"](" + (b"}" + text("w") + get(1) + b"s") * 30_000 + b"e"


def prefixes() -> bytes:
    """20,000 names that begin with `module.` 130 times."""
    return define(1, tensor()) + b"}(" + b"".join(text("module." * 130 + str(i)) + get(1) for i in range(20_000)) + b"u"


def dimensions() -> bytes:
    """A NumPy array with 200,000 dimensions, whose sizes are multiplied."""
    kind = b"cnumpy\ndtype\n(" + text("f4") + b"tR"
    shape = b"(" + b"\x8a\x06\xff\xff\xff\xff\xff\x7f" * 200_000 + b"t"
    state = b"(K\x01" + shape + kind + b"\x89C\x04abcdtb"
    return b"cnumpy.core.multiarray\n_reconstruct\n)R" + state


PICKLES = {
    "shared state": shared_state,
    "shared parameters": shared_parameters,
    "shared names of buffers": shared_names_of_buffers,
    "module of itself": module_of_itself,
    "settings": settings,
    "groups": groups,
    "prefixes": prefixes,
    "dimensions": dimensions,
}


@pytest.mark.parametrize("name", PICKLES)
def test_pickles(guard, tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.pt"
    body = forged.pickled(PICKLES[name]())
    path.write_bytes(body if name == "dimensions" else forged.archive(body))
    guard.read(path)


def steps(value: bytes, count: int = 900_000) -> bytes:
    """A pickle of the value that takes that many instructions and about a thousand bytes when it is packed."""
    return forged.pickled(b"N0" * (count // 2) + value)


def packed(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target.getvalue()


def test_shards(guard, tmp_path: Path) -> None:
    """500 shards, each a link to one file that takes half a second."""
    weights = forged.table({str(i): tensor() for i in range(500)})
    (tmp_path / "one").write_bytes(packed({"a/data.pkl": steps(weights), "a/data/0": bytes(16)}))
    names = {str(i): f"pytorch_model-{i:05d}-of-00500.bin" for i in range(500)}
    for name in names.values():
        os.symlink("one", tmp_path / name)
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": names}))
    assert "many parts" in guard.refuse(index)
    assert "many parts" in guard.refuse(tmp_path)


def test_indexes(guard, tmp_path: Path) -> None:
    """A folder with 2,000 large indexes that list nothing."""
    (tmp_path / "one").write_bytes(b'{"metadata": [' + b"1," * 2_000_000 + b"1]}")
    for i in range(2000):
        os.symlink("one", tmp_path / f"{i}.index.json")
    guard.refuse(tmp_path)


def test_checkpoints_in_an_archive(guard, tmp_path: Path) -> None:
    """Twenty in one, each with 100,000 dictionaries of single numbers, which are no network."""
    number = define(1, tensor((), ()))
    body = number + b"](" + b"".join(b"}" + text(str(i)) + get(1) + b"s" for i in range(2 * MANY)) + b"e"
    inner = forged.archive(forged.pickled(body))
    path = tmp_path / "net.zip"
    path.write_bytes(packed({f"{i}.pt": inner for i in range(20)}))
    guard.refuse(path)


def test_members_of_gzip(guard, tmp_path: Path) -> None:
    path = tmp_path / "net.pt.gz"
    path.write_bytes(gzip.compress(b"", mtime=0) * 100_000)
    assert "many parts" in guard.refuse(path)


def test_arrays_of_objects(guard, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    objects = b"cnumpy.core.multiarray\n_reconstruct\n)R(K\x01)cnumpy\ndtype\n)R\x89](NNetb"
    content = array(steps(objects))
    path.write_bytes(packed({f"{i}.npy": content for i in range(60)}))
    assert "many parts" in guard.refuse(path)


def test_long_headers_of_arrays(guard, tmp_path: Path) -> None:
    """900 arrays, each with a header of 64 KiB of blanks."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (), }".ljust(65_000) + b"\n"
    content = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(4)
    path = tmp_path / "net.npz"
    path.write_bytes(packed({f"{i}.npy": content for i in range(900)}))
    guard.refuse(path)


def test_pieces(guard, tmp_path: Path) -> None:
    """2,000 tensors that share one list of 20,000 pieces of nothing."""
    size = b"ctorch\nSize\n((K\x00ttR"
    chunk = b"ct\nChunkStorageMetadata\n)\x81}(" + text("offsets") + size + text("sizes") + size + b"ub"
    properties = b"ct\nTensorProperties\n)\x81(ctorch\nfloat32\ntb"
    entry = (
        b"ct\nTensorStorageMetadata\n)\x81}("
        + text("properties")
        + properties
        + text("size")
        + size
        + text("chunks")
        + get(1)
        + b"ub"
    )
    names = [f"w{i}" for i in range(2_000)]
    info = (
        b"ct\n_StorageInfo\n)\x81}("
        + text("relative_path")
        + text("0.distcp")
        + text("offset")
        + b"K\x00"
        + text("length")
        + b"K\x00ub"
    )
    places = b"".join(b"ct\nMetadataIndex\n)\x81}(" + text("fqn") + text(name) + text("offset") + b"Nub" + get(4) for name in names)
    body = define(1, b"](" + define(3, chunk)[:-1] + get(3) * 20_000 + b"e") + define(4, info) + define(5, entry)
    listed = b"}(" + b"".join(text(name) + get(5) for name in names) + b"u"
    whole = b"ct\nMetadata\n)\x81}(" + text("state_dict_metadata") + listed + text("storage_data") + b"}(" + places + b"uub"
    (tmp_path / ".metadata").write_bytes(forged.pickled(body + whole))
    (tmp_path / "0.distcp").write_bytes(b"x")
    assert "many parts" in guard.refuse(tmp_path)
