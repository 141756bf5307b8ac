"""Pickles that call something real, in each way that pickle has, in each container: read under watch, nothing is called.

That the calls are live is shown as well: loaded by pickle itself, they run, and the watch sees it.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import forged
import pytest

CANARY = "canary"
COMMAND = f"touch {CANARY}"
PYTHON = f"open('{CANARY}', 'w')"
# module, name, argument
TARGETS = (
    *(("os", "system", COMMAND), ("posix", "system", COMMAND), ("subprocess", "getoutput", COMMAND), ("os", "popen", COMMAND)),
    *(("builtins", "eval", PYTHON), ("builtins", "exec", PYTHON), ("__builtin__", "eval", PYTHON)),
    *(("timeit", "timeit", PYTHON), ("cProfile", "run", PYTHON), ("code", "InteractiveInterpreter", PYTHON)),
    *(("builtins", "__import__", "antigravity"), ("importlib", "import_module", "this"), ("runpy", "run_path", CANARY)),
    *(("os", "remove", CANARY), ("os", "mkdir", CANARY), ("shutil", "rmtree", CANARY), ("builtins", "open", CANARY)),
    *(("torch", "load", CANARY), ("torch.jit", "load", CANARY), ("torch.hub", "load", CANARY), ("numpy", "load", CANARY)),
    *(("urllib.request", "urlopen", "http://127.0.0.1:9/"), ("webbrowser", "open", "http://127.0.0.1:9/")),
    *(("torch._utils", "_rebuild_tensor_v2.__globals__", ""), ("torch.storage", "_load_from_bytes.__init__", "")),
    *(
        ("pip", "main", "download"),
        ("ctypes", "CDLL", "libc.so.6"),
        ("marshal", "loads", "x"),
        ("pickle", "loads", "cos\nsystem\n"),
    ),
)


def reduce(module: str, name: str, argument: str) -> bytes:
    return f"c{module}\n{name}\n(".encode() + forged.text(argument) + b"tR"


WAYS: dict[str, Callable[[str, str, str], bytes]] = {
    "REDUCE": reduce,
    "INST": lambda module, name, argument: b"(" + forged.text(argument) + f"i{module}\n{name}\n".encode(),
    "OBJ": lambda module, name, argument: b"(" + f"c{module}\n{name}\n".encode() + forged.text(argument) + b"o",
    "NEWOBJ": lambda module, name, argument: f"c{module}\n{name}\n(".encode() + forged.text(argument) + b"t\x81",
    "NEWOBJ_EX": lambda module, name, argument: f"c{module}\n{name}\n(".encode() + forged.text(argument) + b"t}\x92",
    "STACK_GLOBAL": lambda module, name, argument: (
        forged.text(module) + forged.text(name) + b"\x93(" + forged.text(argument) + b"tR"
    ),
    "BUILD": lambda module, name, argument: (
        b"cargparse\nNamespace\n)\x81}" + forged.text("__setstate__") + f"c{module}\n{name}\n".encode() + b"sb"
        + forged.text(argument) + b"b"
    ),
    "APPEND": lambda module, name, argument: (
        b"ccollections\nUserList\n)\x81}" + forged.text("append") + f"c{module}\n{name}\n".encode() + b"sb"
        + forged.text(argument) + b"a"
    ),
    "SETITEM": lambda module, name, argument: (
        b"ccollections\nUserDict\n)\x81}" + forged.text("__setitem__") + f"c{module}\n{name}\n".encode() + b"sb"
        + forged.text(argument) + b"Ns"
    ),
    "chain": lambda module, name, argument: b"cbuiltins\ngetattr\n(" + f"c{module}\n{name}\n".encode() + forged.text("__call__")
    + b"tR(" + forged.text(argument) + b"tR",
    "map": lambda module, name, argument: b"cbuiltins\nlist\n(cbuiltins\nmap\n(" + f"c{module}\n{name}\n".encode() + b"("
    + forged.text(argument) + b"ltRtR",
    "partial": lambda module, name, argument: b"cfunctools\npartial\n(" + f"c{module}\n{name}\n".encode() + forged.text(argument)
    + b"tR)R",
    "copyreg": lambda module, name, argument: b"ccopyreg\n__newobj__\n(" + f"c{module}\n{name}\n".encode() + forged.text(argument)
    + b"tR",
    "persistent": lambda module, name, argument: b"(" + forged.text("module") + f"c{module}\n{name}\n".encode()
    + forged.text(argument) + forged.text(argument) + b"tQ",
    "storage type": lambda module, name, argument: b"(" + forged.text("storage") + reduce(module, name, argument) + forged.text("0")
    + forged.text("cpu") + forged.whole(4) + b"tQ",
    "dictionary key": lambda module, name, argument: b"}" + reduce(module, name, argument) + b"Ns",
    "set member": lambda module, name, argument: b"\x8f(" + reduce(module, name, argument) + b"\x90",
    "hook of a tensor": lambda module, name, argument: b"ctorch._utils\n_rebuild_tensor_v2\n(" + forged.storage() + forged.whole(0)
    + forged.sizes((4,)) + forged.sizes((1,)) + b"\x89" + reduce(module, name, argument) + b"tR",
    "type of a tensor": lambda module, name, argument: b"ctorch._tensor\n_rebuild_from_type_v2\n("
    + f"c{module}\n{name}\n".encode() + b"ctorch\nTensor\n" + forged.sizes((1,)) + b"NtR",
}  # fmt: skip


def in_zip(body: bytes) -> dict[str, bytes]:
    return {"net.pt": forged.archive(body)}


def legacy(body: bytes) -> dict[str, bytes]:
    head = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {}))
    return {"net.pth": head + body + pickle.dumps(["0"], 2) + struct.pack("<q", 4) + bytes(16)}


def script(body: bytes) -> dict[str, bytes]:
    """As TorchScript, whose constants are a pickle too."""
    return {"net.pt": forged.archive(body, {"data/0": bytes(16), "constants.pkl": body, "code/net.py": PYTHON.encode()})}


def array(body: bytes) -> bytes:
    """A .npy of one object."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + body


def arrays(body: bytes) -> dict[str, bytes]:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("w.npy", array(body))
    return {"net.npz": target.getvalue()}


def exported(body: bytes) -> dict[str, bytes]:
    """A .pt2 whose example inputs and pickled weights call."""
    meta = {"dtype": 7, "sizes": [{"as_int": 4}], "strides": [{"as_int": 1}], "storage_offset": {"as_int": 0}, "layout": 7}
    entry = {"path_name": "weight_0", "is_param": True, "use_pickle": True, "tensor_meta": meta}
    members = {
        "archive_format": b"pt2",
        "models/model.json": json.dumps({"graph_module": {"graph": {"nodes": [{"target": PYTHON}]}}}).encode(),
        "data/weights/weight_0": forged.archive(body),
        "data/weights/model_weights_config.json": json.dumps({"config": {"w": entry}}).encode(),
        "data/sample_inputs/model.pt": forged.archive(body),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, content in members.items():
            file.writestr(f"net/{name}", content)
    return {"net.pt2": target.getvalue()}


def distributed(body: bytes) -> dict[str, bytes]:
    return {".metadata": body, "__0_0.distcp": forged.archive(body)}


CONTAINERS: dict[str, Callable[[bytes], dict[str, bytes]]] = {
    "zip": in_zip,
    "legacy": legacy,
    "plain": lambda body: {"net.pkl": body},
    "TorchScript": script,
    "gzip": lambda body: {"net.pt.gz": gzip.compress(forged.archive(body), mtime=0)},
    "npy": lambda body: {"net.npy": array(body)},
    "npz": arrays,
    "exported": exported,
    "distributed": distributed,
    "sharded": lambda body: {
        "pytorch_model-00001-of-00001.bin": forged.archive(body),
        "pytorch_model.bin.index.json": json.dumps({"weight_map": {"w": "pytorch_model-00001-of-00001.bin"}}).encode(),
    },
}  # fmt: skip


def bodies(*, all_pairs: bool) -> list[bytes]:
    """Targets in ways of calling, beside an honest tensor; alone in each protocol's first bytes; and what names code by number.

    all_pairs: every target in every way; else every way with one target and every target in one way.
    """
    pairs = [
        (way, target) for way, target in itertools.product(WAYS, TARGETS) if all_pairs or way == "REDUCE" or target is TARGETS[0]
    ]
    found = [forged.pickled(forged.table({"w": forged.tensor(), "x": WAYS[way](*target)})) for way, target in pairs]
    found += [b"\x80" + bytes([protocol]) + reduce(*TARGETS[0]) + b"." for protocol in range(6)]
    numbers = (b"\x82\x01", b"\x83\x01\0", b"\x84\1\0\0\0", b"\x97\x98")
    found += [forged.pickled(code + forged.table({"w": forged.tensor()})) for code in numbers]
    return found


def lay(place: Path, files: dict[str, bytes]) -> Path:
    """The files in the folder; what to open: the only one, or the folder."""
    for name, content in files.items():
        (place / name).write_bytes(content)
    return place / next(iter(files)) if len(files) == 1 else place


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_call_is_made(guard, tmp_path: Path, container: str) -> None:
    """50 pickles a container, 500 in the first: opened (what calls is left alone) or refused; no event, no file made or gone."""
    place = tmp_path / "files"
    place.mkdir()
    outcomes = []
    for body in bodies(all_pairs=container == "zip"):
        path = lay(place, CONTAINERS[container](body))
        outcomes.append(guard.read(path).outcome)
        assert not (place / CANARY).exists() and not (guard.watched.folder / CANARY).exists()
    assert len(outcomes) > (500 if container == "zip" else 50)
    if container in ("zip", "legacy", "TorchScript", "gzip"):
        assert outcomes.count("opened") > len(outcomes) // 2, "honest weights beside a call are read"
    assert set(place.iterdir()) == {place / name for name in CONTAINERS[container](b"")}


@pytest.mark.parametrize("way", ["REDUCE", "INST", "OBJ", "STACK_GLOBAL", "BUILD", "chain", "map", "partial"])
def test_the_calls_are_live_and_the_watch_sees_them(watched, tmp_path: Path, way: str) -> None:
    """The same bytes loaded by pickle run: otherwise the tests above would show nothing."""
    path = tmp_path / "net.pkl"
    path.write_bytes(forged.pickled(WAYS[way](*TARGETS[0])))
    answer = watched.read(path, "unguarded")
    assert any(event.startswith("os.system") for event in answer.events), answer
    assert any(event.startswith("import") or "find_class" in event for event in answer.events)
    canary = watched.folder / CANARY
    assert canary.exists()
    canary.unlink()


def test_torch_itself_would_run_them_here(watched, tmp_path: Path) -> None:
    """The environment's switch that makes torch.load careless is set in the watched process, so the readers run beside it."""
    path = lay(tmp_path, legacy(forged.pickled(forged.table({"x": reduce(*TARGETS[0])}))))
    answer = watched.read(path, "torch")
    assert any(event.startswith("os.system") for event in answer.events), answer
    (watched.folder / CANARY).unlink()


def test_numpy_itself_would_run_them(watched, tmp_path: Path) -> None:
    path = tmp_path / "net.npy"
    path.write_bytes(array(forged.pickled(reduce(*TARGETS[0]))))
    answer = watched.read(path, "numpy")
    assert any(event.startswith("os.system") for event in answer.events), answer
    (watched.folder / CANARY).unlink()
