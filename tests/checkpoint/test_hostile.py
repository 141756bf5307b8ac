"""Files that mean harm or were damaged: one CheckpointError with a sentence each, nothing run, nothing written, no other end.

Hangs and memory are bounded by counted steps and by sizes checked beforehand, so these tests need no clock: without the bounds they
would not end, or end in MemoryError.
"""

from __future__ import annotations

import argparse
import collections
import io
import pickle
import random
import struct
import zipfile
import zlib
from pathlib import Path

import forged
import numpy as np
import pytest
import torch
from safetensors.torch import save

from landscape_gui.checkpoint import peek, read_checkpoint
from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.zipped import inflate
from landscape_gui.errors import CheckpointError


def refuse(tmp_path: Path, raw: bytes, pattern: str | None = None) -> str:
    """Both ways in refuse the file, with a sentence that names it; the sentence."""
    path = tmp_path / "hostile.pt"
    path.write_bytes(raw)
    with pytest.raises(CheckpointError, match=pattern) as caught:
        read_checkpoint(path)
    assert isinstance(caught.value.__cause__, Broken), "the reader's own checks must refuse it, not the net below them"
    assert str(path) in caught.value.message
    assert caught.value.message.endswith(".")
    return caught.value.message


def test_a_correct_forgery_opens(tmp_path: Path) -> None:
    """The tools of this file make what the reader reads; otherwise the refusals below would show nothing."""
    path = tmp_path / "fine.pt"
    path.write_bytes(forged.archive(forged.pickled(forged.table({"w": forged.tensor()}))))
    assert torch.equal(read_checkpoint(path).tensors["w"], torch.zeros(4))
    path.write_bytes(forged.safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)))
    assert torch.equal(read_checkpoint(path).tensors["w"], torch.zeros(2))


CALLS = [
    b"cos\nsystem\n(X%ctR",
    b"cposix\nsystem\n(X%ctR",
    b"(X%ios\nsystem\n",
    b"(cos\nsystem\nX%co",
    b"c__builtin__\neval\n(X%ctR",
    b"cbuiltins\nexec\n(X%ctR",
    b"cbuiltins\ngetattr\n(cos\nsystem\nX%ctR(X%ctR",
    b"csubprocess\nPopen\n(X%ctR",
    b"ctorch\nload\n(X%ctR",
    b"cos\nsystem\n(X%ct\x81",
    b"cos\nsystem\n)R}X%csb",
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("container", ["zip", "legacy", "pickle"])
def test_nothing_runs(tmp_path: Path, call: bytes, container: str) -> None:
    """A call hidden beside honest weights: the weights are read, the call is not made."""
    mark = tmp_path / "it ran"
    command = f"__import__('pathlib').Path({str(mark)!r}).touch()" if call[:2] in (b"c_", b"cb") else f"touch '{mark}'"
    hidden = call.replace(b"X%c", forged.text(command)).replace(b"X%i", forged.text(command) + b"i")
    body = forged.pickled(forged.table({"w": forged.tensor(), "x": hidden}))
    path = tmp_path / "hostile.pt"
    if container == "zip":
        path.write_bytes(forged.archive(body))
    elif container == "legacy":
        head = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {}))
        path.write_bytes(head + body + pickle.dumps(["0"], 2) + struct.pack("<q", 4) + bytes(16))
    else:
        path.write_bytes(body)
    try:
        assert torch.equal(read_checkpoint(path).tensors["w"], torch.zeros(4))
    except CheckpointError:
        assert container == "pickle" or call.endswith(b"b")  # no data in a plain pickle; a malformed call
    assert not mark.exists()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["hostile.pt"]


def nested_tuples(levels: int) -> bytes:
    """2 ** levels references to one tuple in a few bytes a level."""
    return b")" + b"2\x86" * levels


BOMBS = {
    "exponential tuples": nested_tuples(3000),
    "exponential tuple as a key": b"}" + nested_tuples(3000) + b"Ns",
    "exponential tuple in a set": b"\x8f(" + nested_tuples(3000) + b"\x90",
    "exponential dictionaries": b"}q\x00" + b"}(X\x01\x00\x00\x00aq\x01h\x00X\x01\x00\x00\x00bh\x00uq\x00" * 300,
    "list inside itself": b"]q\x00h\x00a",
    "dictionary inside itself": b"}q\x00X\x01\x00\x00\x00ah\x00s",
    "object inside itself": b"cm\nC\n)\x81q\x00h\x00b",
    "deep lists": b"]" * 200_000 + b"a" * 199_999,
    "deep tuples": b")" + b"\x85" * 200_000,
    "deep calls": b"cm\nf\n" + b")R" * 100_000,
    "marks": b"(" * 200_000 + b"t" * 200_000,
    "colliding integers": b"}(" + b"".join(forged.whole(k * ((1 << 61) - 1)) + b"N" for k in range(1, 60_000)) + b"u",
    "long integer": b"\x8b" + struct.pack("<i", 1 << 20) + b"\x01" * (1 << 20),
    "long decimal": b"L" + b"9" * 1_000_000 + b"L\n",
    "memo": b"N" + b"".join(b"r" + struct.pack("<I", 4_000_000_000 - i) for i in range(200_000)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_pickle_bombs(tmp_path: Path, name: str) -> None:
    refuse(tmp_path, forged.archive(forged.pickled(BOMBS[name])))
    refuse(tmp_path, forged.pickled(BOMBS[name]))


def test_endless_steps(tmp_path: Path) -> None:
    refuse(tmp_path, forged.archive(forged.pickled(b"N0" * 2_000_000 + b"N")), "steps")


def test_modules_that_hold_one_another_twice(tmp_path: Path) -> None:
    """60 levels of a module with two equal children: 2 ** 60 weights to list."""
    level = b"cm\nC\n)\x81}(" + forged.text("_parameters") + b"}" + forged.text("_modules")
    body = (
        b"cm\nC\n)\x81}("
        + forged.text("_parameters")
        + forged.table({"w": forged.tensor()})
        + forged.text("_modules")
        + b"}ubr"
        + bytes(4)
    )
    for _ in range(55):
        body += level + b"}(" + forged.text("a") + b"j" + bytes(4) + forged.text("b") + b"j" + bytes(4) + b"uubr" + bytes(4)
    refuse(tmp_path, forged.archive(forged.pickled(body)), "more than")


TENSORS = {
    "past the storage": forged.tensor((5,)),
    "offset past the storage": forged.tensor((4,), offset=1),
    "negative size": forged.tensor((-1,)),
    "negative stride": forged.tensor((2,), (-1,)),
    "negative offset": forged.tensor((2,), offset=-1),
    "huge size without stride": forged.tensor((1 << 45,), (0,)),
    "many huge sizes": forged.tensor((1 << 40, 1 << 40), (0, 0)),
    "overflowing size": forged.tensor((1 << 63,)),
    "sizes and strides differ": forged.tensor((2, 2), (1,)),
    "too many dimensions": forged.tensor((1,) * 100, (1,) * 100),
    "storage larger than its record": forged.tensor((1,), source=forged.storage(count=1 << 40)),
    "negative storage": forged.tensor((1,), source=forged.storage(count=-4)),
    "no such record": forged.tensor(source=forged.storage(key="7")),
    "record outside of data": forged.tensor(source=forged.storage(key="../data.pkl")),
    "unknown storage": forged.tensor(source=forged.storage(kind="SecretStorage")),
    "no storage": forged.tensor(source=b"N"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_that_lie(tmp_path: Path, name: str) -> None:
    refuse(tmp_path, forged.archive(forged.pickled(forged.table({"w": TENSORS[name]}))))


def test_many_names_for_one_storage(tmp_path: Path) -> None:
    """A small file that would be terabytes once every name has its own copy."""
    count = 1 << 20
    one = forged.tensor((1 << 10, 1 << 10), (1, 1 << 10), source=forged.storage(count=count))
    body = forged.table({f"w{i}": one for i in range(200)})
    refuse(tmp_path, forged.archive(forged.pickled(body), {"data/0": bytes(4 * count)}), "would take")


def good() -> bytes:
    return forged.pickled(forged.table({"w": forged.tensor()}))


def patched(raw: bytes, member: str, **changes: int) -> bytes:
    """The archive with fields of a member's entry in the central directory changed."""
    places = {"packed": 20, "size": 24, "offset": 42, "method": 10, "flags": 8}
    data = bytearray(raw)
    entry = data.rfind(member.encode()) - 46
    for field, value in changes.items():
        width = "<H" if field in ("method", "flags") else "<L"
        struct.pack_into(width, data, entry + places[field], value)
    return bytes(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 1 << 30},
        {"size": 1 << 30, "packed": 1 << 30},
        {"offset": 1 << 30},
        {"offset": 5},
        {"offset": 0},
        {"method": 99},
        {"flags": 1},
    ],
)
def test_directories_that_lie(tmp_path: Path, changes: dict[str, int]) -> None:
    refuse(tmp_path, patched(forged.archive(good()), "archive/data/0", **changes))


def test_overlapping_records(tmp_path: Path) -> None:
    """Two records that claim the same bytes (as in zip bombs of the overlapping kind)."""
    raw = forged.archive(good(), {"data/0": bytes(16), "data/1": bytes(16)})
    place = raw.find(b"archive/data/0") - 30
    renamed = patched(raw, "archive/data/1", offset=place)
    refuse(tmp_path, renamed, "in two ways")
    longer = forged.archive(good(), {"data/0": bytes(16), "data/1": bytes(16), "data/2": bytes(16)})
    refuse(tmp_path, patched(longer, "archive/data/0", size=60, packed=60), "overlap")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "records",
    [
        {"../../evil": b"x", "data/0": bytes(16)},
        {"data/0": bytes(16), "../data/0": bytes(16)},
    ],
)
def test_paths_out_of_the_archive(tmp_path: Path, records: dict[str, bytes]) -> None:
    refuse(tmp_path, forged.archive(good(), records), "points outside")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["hostile.pt"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_members(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as file:
        for data in (bytes(16), bytes([1] * 16)):
            file.writestr("archive/data/0", data)
        file.writestr("archive/data.pkl", good())
    refuse(tmp_path, path.read_bytes(), "two files named")


def test_zip_bombs(tmp_path: Path) -> None:
    """Zeros packed a thousand to one, honestly declared, or declared too small or too large."""
    raw = forged.archive(good(), {"data/0": bytes(50 << 20)}, zipfile.ZIP_DEFLATED)
    refuse(tmp_path, raw, "would grow")
    refuse(tmp_path, patched(raw, "archive/data/0", size=1 << 20), "another size")
    bomb = forged.archive(b"\x80\x02" + b"N0" * (60 << 20), None, zipfile.ZIP_DEFLATED)
    refuse(tmp_path, bomb, "would grow|bytes")


HEADERS = {
    "length past the end": struct.pack("<Q", 1 << 20) + b"{}",
    "giant length": struct.pack("<Q", 1 << 39) + b"{}",
    "no JSON": forged.safetensors(b"{nonsense"),
    "a list": forged.safetensors(b" [1, 2]"),
    "deep JSON": forged.safetensors(b'{"a":' * 100_000),
    "a name twice": forged.safetensors(b'{"a": 1, "a": 2}'),
    "no tensor": forged.safetensors({"a": 3}),
    "offsets backwards": forged.safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, bytes(4)),
    "negative offset": forged.safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}, bytes(4)),
    "past the end": forged.safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(4)),
    "wrong size": forged.safetensors({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, bytes(8)),
    "negative shape": forged.safetensors({"a": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}}, bytes(8)),
    "fractional shape": forged.safetensors({"a": {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}}, bytes(8)),
    "truth as shape": forged.safetensors({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, bytes(4)),
    "huge shape": forged.safetensors({"a": {"dtype": "F32", "shape": [0, 1 << 60], "data_offsets": [0, 0]}}),
    "unknown dtype": forged.safetensors({"a": {"dtype": "F3", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "overlap": forged.safetensors(
        {name: {"dtype": "F32", "shape": [2], "data_offsets": [at, at + 8]} for name, at in (("a", 0), ("b", 4))}, bytes(12)
    ),
    "giant number": forged.safetensors(
        b'{"a": {"dtype": "F32", "shape": [' + b"9" * 100_000 + b'], "data_offsets": [0, 4]}}', bytes(4)
    ),
    "nothing in it": forged.safetensors({}),
}


@pytest.mark.parametrize("name", HEADERS)
def test_safetensors_that_lie(tmp_path: Path, name: str) -> None:
    refuse(tmp_path, HEADERS[name])


def test_a_pickle_inside_a_pickle_is_read_once(tmp_path: Path) -> None:
    """Many objects that share one storage's bytes must not be parsed many times; bytes that are no storage are refused."""
    storage = b"ctorch.storage\n_load_from_bytes\n(B" + struct.pack("<I", 6) + b"\x80\x02N0N.tR"
    refuse(tmp_path, forged.pickled(forged.table({"w": forged.tensor(source=storage)})))


def seeds() -> list[bytes]:
    """One honest file of each kind."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    state = model.state_dict()
    saved = {"model": state, "epoch": 3, "args": argparse.Namespace(lr=0.1), "loss": np.float64(0.5)}
    files = [save(state), pickle.dumps(saved), pickle.dumps({name: tensor.numpy() for name, tensor in state.items()})]
    for zipped in (True, False):
        for value in (saved, model):
            target = io.BytesIO()
            torch.save(value, target, _use_new_zipfile_serialization=zipped)
            files.append(target.getvalue())
    return files


def mutate(raw: bytes, rng: random.Random) -> bytes:
    """The file cut, with bytes flipped, put in, taken out, or copied elsewhere; half of it in the structure at the front."""
    data = bytearray(raw)
    end = len(data) if rng.random() < 0.5 else min(len(data), 2500)
    at = rng.randrange(end)
    kind = rng.randrange(5)
    if kind == 0:
        return bytes(data[:at])
    if kind == 1:
        for _ in range(rng.choice((1, 1, 3, 20))):
            data[rng.randrange(end)] = rng.randrange(256)
    elif kind == 2:
        data[at:at] = rng.randbytes(rng.randrange(1, 40))
    elif kind == 3:
        del data[at : at + rng.randrange(1, 40)]
    else:
        source = rng.randrange(len(data))
        piece = data[source : source + rng.randrange(1, 40)]
        data[at : at + len(piece)] = piece
    return bytes(data)


@pytest.mark.parametrize("seed", range(8))
def test_damage_at_random(tmp_path: Path, seed: int) -> None:
    """100 damaged files a seed: each opens (the damage hit a number or nothing) or is refused by the reader's own checks."""
    rng = random.Random(seed)
    originals = seeds()
    outcomes: collections.Counter[str] = collections.Counter()
    for index in range(100):
        path = tmp_path / f"{index % 5}.pt"  # few names, so that an old answer of `peek` for the same name would be noticed
        path.write_bytes(mutate(rng.choice(originals), rng))
        outcomes[outcome(path)] += 1
    assert set(outcomes) <= {"opened", "refused"}, outcomes
    assert outcomes["refused"] > 50  # cut and shifted files cannot open


def outcome(path: Path) -> str:
    """ "opened", "refused" by the reader's own checks, or what else happened."""
    try:
        read_checkpoint(path)
        peek(path)
    except CheckpointError as error:
        return "refused" if isinstance(error.__cause__, Broken) else f"not foreseen: {error}"
    return "opened"


@pytest.mark.parametrize("kind", range(7))
def test_cut_anywhere(tmp_path: Path, kind: int) -> None:
    """Every kind of file, cut at 40 places: never read as if it were whole."""
    raw = seeds()[kind]
    path = tmp_path / "half.pt"
    for part in range(40):
        path.write_bytes(raw[: len(raw) * part // 40])
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


def test_inflating_is_bounded() -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = machine.compress(bytes(1 << 20)) + machine.flush()
    assert inflate(raw, 1 << 20) == bytes(1 << 20)
    for wrong in (0, 100, (1 << 20) - 1, (1 << 20) + 1):
        with pytest.raises(Broken):
            inflate(raw, wrong)
