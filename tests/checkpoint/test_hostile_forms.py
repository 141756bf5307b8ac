"""NumPy's, exported, distributed, packed and tarred files that lie, each refused under watch; HDF5 that leads elsewhere."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forged
import h5py
import numpy as np
import pytest

FLOAT = 7


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target.getvalue()


def npy(header: str, data: bytes = bytes(16), version: bytes = b"\1\0", length: int | None = None) -> bytes:
    raw = header.encode("latin-1") + b"\n"
    size = struct.pack("<H" if version == b"\1\0" else "<L", len(raw) if length is None else length)
    return b"\x93NUMPY" + version + size + raw + data


def described(descr: str = "'<f4'", order: str = "False", shape: str = "(4,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


CODE = "__import__('os').system('touch canary')"
ARRAYS = {
    "code for a header": npy(CODE),
    "code for a type": npy(described(CODE)),
    "code for an order": npy(described(order=CODE)),
    "code for a shape": npy(described(shape=f"({CODE},)")),
    "code behind the header": npy(described() + f" or {CODE}"),
    "a lambda": npy("(lambda: 1)()"),
    "a power": npy(described(shape="(9**9**9,)")),
    "nesting": npy("(" * 9000 + ")" * 9000),
    "negative shape": npy(described(shape="(-4,)")),
    "huge shape": npy(described(shape="(99999999999999,)")),
    "huger shape": npy(described(shape="(" + "9" * 5000 + ",)")),
    "shape that overflows": npy(described(shape="(" + "65536, " * 4 + ")")),
    "many dimensions": npy(described(shape="(" + "1, " * 1000 + ")")),
    "past the end": npy(described(shape="(5,)")),
    "header past the end": npy(described(), length=60_000),
    "header of gigabytes": npy(described(), version=b"\2\0", length=0xFFFFFFF0),
    "unknown version": npy(described(), version=b"\x09\0", length=10),
    "type of an object inside": npy(described("[('a', 'O')]")),
    "unicode code points": npy(described("'<U4'", shape="(1,)")),
    "void": npy(described("'|V16'", shape="(1,)")),
    "dates": npy(described("'<M8[ns]'", shape="(2,)")),
    "no header": b"\x93NUMPY\1\0",
    "no length": b"\x93NUM",
    "an object of nothing": npy(described("'|O'", shape="()"), b""),
    "objects that call": npy(described("'|O'", shape="()"), b"cos\nsystem\n(X\x0c\0\0\0touch canarytR."),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(guard, tmp_path: Path, name: str) -> None:
    for path, content in {"w.npy": ARRAYS[name], "w.npz": zipped({"w.npy": ARRAYS[name]})}.items():
        (tmp_path / path).write_bytes(content)
        guard.refuse(tmp_path / path)
    packed = zipped({"w.npy": ARRAYS[name], "v.npy": npy(described())}, zipfile.ZIP_DEFLATED)
    (tmp_path / "w.npz").write_bytes(packed)
    guard.read(tmp_path / "w.npz")
    assert not (guard.watched.folder / "canary").exists()


def exported(entry: Any = None, *, meta: dict[str, Any] | None = None, members: dict[str, bytes] | None = None) -> bytes:
    """A .pt2 of one weight, with fields of its description changed."""
    plain = {"dtype": FLOAT, "sizes": [{"as_int": 4}], "strides": [{"as_int": 1}], "storage_offset": {"as_int": 0}, "layout": 7}
    honest = {"path_name": "weight_0", "is_param": True, "use_pickle": False, "tensor_meta": {**plain, **(meta or {})}}
    found = {
        "net/archive_format": b"pt2",
        "net/models/model.json": b"{}",
        "net/data/weights/weight_0": bytes(16),
        "net/data/weights/model_weights_config.json": json.dumps({"config": {"w": honest if entry is None else entry}}).encode(),
    }
    return zipped({**found, **(members or {})})


CONFIG = "net/data/weights/model_weights_config.json"
EXPORTED = {
    "an expression for a size": exported(meta={"sizes": [{"as_expr": {"expr_str": CODE}}]}),
    "code for a size": exported(meta={"sizes": [{"as_int": CODE}]}),
    "negative size": exported(meta={"sizes": [{"as_int": -4}]}),
    "huge size": exported(meta={"sizes": [{"as_int": 1 << 62}]}),
    "size past the end": exported(meta={"sizes": [{"as_int": 5}]}),
    "stride past the end": exported(meta={"strides": [{"as_int": 2}]}),
    "negative stride": exported(meta={"strides": [{"as_int": -1}]}),
    "offset past the end": exported(meta={"storage_offset": {"as_int": 1}}),
    "truth for a size": exported(meta={"sizes": [{"as_int": True}]}),
    "many sizes": exported(meta={"sizes": [{"as_int": 1}] * 1000, "strides": [{"as_int": 1}] * 1000}),
    "sizes without strides": exported(meta={"strides": []}),
    "a list for a type": exported(meta={"dtype": [7]}),
    "an unknown type": exported(meta={"dtype": 99}),
    "sparse": exported(meta={"layout": 1}),
    "weight elsewhere": exported({"path_name": "../../models/model.json", "tensor_meta": {}}),
    "weight at a path": exported({"path_name": "/etc/passwd", "tensor_meta": {}}),
    "no name of a file": exported({"path_name": 3, "tensor_meta": {}}),
    "no table": exported([1, 2]),
    "pickled weight that is none": exported(
        {"path_name": "weight_0", "use_pickle": True, "tensor_meta": {"dtype": 7, "sizes": [], "strides": [], "layout": 7}}
    ),
    "config that is no JSON": exported(members={CONFIG: b"{" * 100_000}),
    "config with a name twice": exported(members={CONFIG: b'{"config": {"w": 1, "w": 2}}'}),
    "config that is a list": exported(members={CONFIG: b"[]"}),
    "no weights": exported(members={CONFIG: b'{"config": {}}'}),
    "old layout, no weights": zipped({"serialized_exported_program.json": b"{}"}),
    "old layout, weights that are none": zipped(
        {"serialized_exported_program.json": b"{}", "serialized_state_dict.pt": b"PK\3\4 and no more"}
    ),
    "old layout, weights that call": zipped(
        {"serialized_exported_program.json": b"{}", "serialized_state_dict.pt": b"cos\nsystem\n(X\x0c\0\0\0touch canarytR."}
    ),
    "machine code alone": zipped({"net/archive_format": b"pt2", "net/data/aotinductor/model/x.so": b"\x7fELF"}),
}


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_programs(guard, tmp_path: Path, name: str) -> None:
    (tmp_path / "net.pt2").write_bytes(EXPORTED[name])
    guard.refuse(tmp_path / "net.pt2")
    assert not (guard.watched.folder / "canary").exists()


def test_the_forged_exported_program_is_one(guard, tmp_path: Path) -> None:
    (tmp_path / "net.pt2").write_bytes(exported())
    guard.opens(tmp_path / "net.pt2")


HONEST = forged.archive(forged.pickled(forged.table({"w": forged.tensor()})))
PACKED = {
    "a bomb": gzip.compress(bytes(200 << 20), 1),
    "a bomb of gzip": gzip.compress(gzip.compress(bytes(100 << 20), 9), 9),
    "a bomb behind honest weights": gzip.compress(HONEST + bytes(200 << 20), 1),
    "cut short": gzip.compress(HONEST)[:-9],
    "a flipped bit": bytes([*gzip.compress(HONEST)[:60], 0xFF, *gzip.compress(HONEST)[61:]]),
    "a header alone": b"\x1f\x8b",
    "an unknown method": b"\x1f\x8b\x07" + bytes(100),
    "a name without end": b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"a" * 100_000,
    "a wrong length": gzip.compress(HONEST)[:-4] + b"\xff\xff\xff\xff",
    "a bomb of bzip2": bz2.compress(bytes(200 << 20), 9),
    "a bomb of xz": lzma.compress(bytes(200 << 20), preset=0),
    "many members of bzip2": bz2.compress(b"") * 100_000,
    "many members of xz": lzma.compress(b"", preset=9) * 100_000,
    "xz that asks for memory": lzma.compress(HONEST, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]),
    "bzip2 cut short": bz2.compress(HONEST)[:-9],
    "xz cut short": lzma.compress(HONEST)[:-9],
    "bzip2 with a flipped bit": bytes([*bz2.compress(HONEST)[:60], 0xFF, *bz2.compress(HONEST)[61:]]),
    "xz with a flipped bit": bytes([*lzma.compress(HONEST)[:60], 0xFF, *lzma.compress(HONEST)[61:]]),
    "a header of bzip2 alone": b"BZh9",
    "a header of xz alone": b"\xfd7zXZ\0",
    "text": gzip.compress(b"hello"),
    "nothing": gzip.compress(b""),
    "a web page": gzip.compress(b"<!doctype html>"),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed(guard, tmp_path: Path, name: str) -> None:
    (tmp_path / "net.pt.gz").write_bytes(PACKED[name])
    guard.refuse(tmp_path / "net.pt.gz")


def tar_header(name: bytes = b"a.pt", size: bytes = b"00000000020\0", kind: bytes = b"0") -> bytes:
    head = name.ljust(100, b"\0") + b"0000644\0" * 3 + size.ljust(12, b"\0") + b"00000000000\0" + b" " * 8 + kind
    head = (head + bytes(100) + b"ustar\x0000").ljust(512, b"\0")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]


CALLS = b"cos\nsystem\n(X\x0c\0\0\0touch canarytR."
TARS = {
    "a size of minus one": tar_header(size=b"\xff" * 12),
    "a size beyond all files": tar_header(size=b"\x80" + b"\xff" * 11) + bytes(512),
    "a size in words": tar_header(size=b"many") + bytes(512),
    "many empty files": b"".join(tar_header(b"%d" % index, b"0") for index in range(20_000)),
    "many long names": b"".join(tar_header(b"x", b"0", b"L") for index in range(20_000)),
    "a name without end": tar_header(b"x", b"100000", b"L") + b"a" * (1 << 15),
    "a path in a lying record": tar_header(b"x", b"1000", b"x") + b"99999 path=/etc/passwd\n".ljust(512, b"\0") + tar_header(),
    "a link out": tar_header(b"a.pt", b"0", b"2"),
    "a device": tar_header(b"a.pt", b"0", b"3") + bytes(1024),
    "a file with holes": tar_header(b"a.pt", b"1000", b"S") + bytes(512),
    "a call": tar_header(b"a.pt", b"%o" % len(CALLS)) + CALLS.ljust(512, b"\0") + bytes(1024),
    "a tar in a tar": tar_header(b"a.pt", b"2000") + tar_header(b"b.pt") + bytes(512) + bytes(1024),
}

SAID = {
    "a size beyond all files": "ends before its files do",
    "a size of minus one": "damaged",
    "a size in words": "damaged",
    "many empty files": "more than 10,000 files",
    "many long names": "more than 10,000 files",
    "a device": "without a checkpoint",
    "a call": "without a checkpoint",
}


@pytest.mark.parametrize("name", TARS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_tars(guard, tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "net.pth.tar").write_bytes(pack(TARS[name]))
    assert SAID.get(name, "tar archive") in guard.refuse(tmp_path / "net.pth.tar")
    assert not (guard.watched.folder / "canary").exists()


def elsewhere(file: h5py.File) -> None:
    file["x"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft(file: h5py.File) -> None:
    file["x"] = h5py.SoftLink("/y")


def outside(file: h5py.File) -> None:
    file.create_dataset("x", (4,), "f8", external=[("/etc/hostname", 0, 32)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("x", layout)


def itself(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(".", "x", (4,))
    file.create_virtual_dataset("x", layout)


def bomb(file: h5py.File) -> None:
    file.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")


def filled(file: h5py.File) -> None:
    """Gigabytes that nothing in the file stands for."""
    file.create_dataset("x", (1 << 34,), "f8", fillvalue=1.0)


def words(file: h5py.File) -> None:
    file["x"] = "no numbers"


def references(file: h5py.File) -> None:
    file.create_dataset("x", data=np.array([file.ref], dtype=h5py.ref_dtype))


def of_any_length(file: h5py.File) -> None:
    data = np.empty(2, dtype=object)
    data[:] = [np.arange(3.0), np.arange(2.0)]
    file.create_dataset("x", data=data, dtype=h5py.vlen_dtype(np.float64))


def compound(file: h5py.File) -> None:
    file["x"] = np.zeros(3, [("a", "f4"), ("b", "O")][:1])


def another_filter(file: h5py.File) -> None:
    file.create_dataset("x", data=np.ones(100), compression="lzf")


def ring(file: h5py.File) -> None:
    group = file.create_group("x")
    group["x"] = group
    group["0"] = group


TRICKS = (elsewhere, soft, outside, virtual, itself, bomb, filled, words, references, of_any_length, compound, another_filter, ring)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_hdf5(guard, tmp_path: Path, trick: Callable[[h5py.File], None]) -> None:
    """As coordinates of a surface and as a tensor of a direction; parsed in the watched process itself."""
    for name, path, reader in (("xcoordinates", "s.h5", "parse surface"), ("xdirection/0", "d.h5", "parse directions")):
        with h5py.File(tmp_path / "made.h5", "w") as file:
            trick(file)
            file.move("x", name)
            file["train_loss"] = np.zeros(4)
        (tmp_path / "made.h5").rename(tmp_path / path)
        answer = guard.read(tmp_path / path, reader)
        assert answer.outcome == "refused", answer


def test_hdf5_is_tried_in_a_process_of_its_own(guard, tmp_path: Path) -> None:
    """The whole way, which starts a process of ours and nothing else; bytes that end the HDF5 library end only that."""
    with h5py.File(tmp_path / "s.h5", "w") as file:
        elsewhere(file)
        file.move("x", "xcoordinates")
    guard.refuse(tmp_path / "s.h5", "answer")
    (tmp_path / "s.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\xff" * 2000)
    guard.refuse(tmp_path / "s.h5", "answer")
    guard.refuse(tmp_path / "s.h5", "info")
