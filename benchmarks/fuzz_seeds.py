"""Honest files of every form, small, made anew each time from a seed: what the fuzzer damages."""

from __future__ import annotations

import argparse
import bz2
import collections
import datetime
import enum
import gzip
import importlib
import io
import json
import lzma
import pickle
import shutil
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor, nn

ARRAYS = {"conv.weight": (2, 1, 3, 3), "conv.bias": (2,), "head.weight": (3, 2), "head.bias": (3,)}


@dataclass(frozen=True)
class Seed:
    """data: the bytes that are damaged; reader: one of watched.READERS; file: what they are called; beside: other files of the
    folder; target: what is opened, the file itself or "." for its folder."""

    name: str
    data: bytes
    reader: str
    file: str = "seed.pt"
    beside: dict[str, bytes] = field(default_factory=dict)
    target: str = ""


class Mode(enum.Enum):
    FAST = 1


def lay(seed: Seed, data: bytes, place: Path) -> Path:
    """Writes the (damaged) bytes and what belongs beside them into the folder; what is to be opened."""
    place.mkdir(parents=True, exist_ok=True)
    for name, content in {**seed.beside, seed.file: data}.items():
        path = place / name
        if "/" in name:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place / (seed.target or seed.file)


def clear(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)


def make() -> list[Seed]:
    """All seeds; those of forms that this torch cannot write are left out."""
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return [*zips(), *legacies(), *pickles(), *tensors_only(), *numpy_files(), *hdf5(), *folders(), *data_files(), *programs()]


# -- what is saved --------------------------------------------------------------------------------------------------------


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))


def state() -> dict[str, Tensor]:
    return dict(network().state_dict())


def arrays() -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) for name, shape in ARRAYS.items()}


def training() -> dict[str, Any]:
    """What training loops keep beside weights."""
    model = network()
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 1, 3, 3)).sum().backward()
    optimiser.step()
    return {
        "epoch": 3,
        "model": model.state_dict(),
        "optimizer": optimiser.state_dict(),
        "args": argparse.Namespace(lr=0.1, out=Path("/tmp/runs"), mode=Mode.FAST),
        "best": torch.tensor(0.5),
        "loss": np.float64(0.25),
        "history": collections.defaultdict(list, {"loss": [1.0, 0.5]}),
        "when": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "rng": np.random.RandomState(0).get_state(),
        "torch_rng": torch.get_rng_state()[:32].clone(),
        "big": 1 << 200,
        "set": {1, "two"},
        "bytes": b"\0\1",
        "nested": (1, [2, {"three": 4j}], None, True),
    }


def wrapped() -> dict[str, Any]:
    """Prefixes of DataParallel, compile, sharding and averages, and two state dictionaries."""
    plain = state()
    return {
        "state_dict": {f"module._orig_mod.{name}": tensor for name, tensor in plain.items()},
        "ema": {"module.n_averaged": torch.tensor(4), **{f"module.{name}": tensor for name, tensor in plain.items()}},
        "hyper_parameters": {"lr": 0.1, "layers": [1, 2]},
        "pytorch-lightning_version": "2.4.0",
        "global_step": 12,
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_path": "/x"}},
    }


def views() -> dict[str, Tensor]:
    base = torch.arange(24.0)
    first, second = (torch.complex(torch.ones(3), torch.ones(3)) for _ in range(2))
    return {
        "a": base.view(4, 6),
        "b": base.view(4, 6).t(),
        "c": base[3::5],
        "d": torch.zeros(1).expand(4, 4),
        "e": first.conj(),
        "f": second.conj().imag,
        "g": torch.zeros(0, 3),
        "h": torch.tensor(1),
    }


def narrow() -> dict[str, Tensor]:
    kinds = (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.int8, torch.bool, torch.int64)
    return {str(kind)[6:]: torch.ones(2, 3).to(kind) for kind in kinds}


def saved(value: Any, **how: Any) -> bytes:
    target = io.BytesIO()
    torch.save(value, target, **how)
    return target.getvalue()


# -- torch.save -----------------------------------------------------------------------------------------------------------


def zips() -> Iterator[Seed]:
    yield Seed("torch zip", saved(state()), "checkpoint")
    yield Seed("training", saved(training()), "checkpoint", "seed.ckpt")
    yield Seed("training, protocol 4", saved(training(), pickle_protocol=4), "checkpoint")
    yield Seed("training, protocol 5", saved(training(), pickle_protocol=5), "checkpoint")
    yield Seed("module", saved(network()), "checkpoint")
    yield Seed("traced module", saved(torch.fx.symbolic_trace(network())), "checkpoint")
    yield Seed("wrapped", saved(wrapped()), "checkpoint", "epoch=3-step=12.ckpt")
    yield Seed("views", saved(views()), "checkpoint")
    yield Seed("narrow", saved(narrow()), "checkpoint")
    yield Seed("sparse", saved({"w": torch.eye(3).to_sparse(), "v": torch.ones(2)}), "checkpoint")
    quantised = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    yield Seed("quantised", saved({"w": quantised}), "checkpoint")
    yield Seed("nested lists", saved({"layers": [state(), state()], "model": {"encoder": state()}}), "checkpoint")
    yield Seed("optimiser alone", saved({"optimizer": training()["optimizer"]}), "checkpoint")
    yield Seed("parameters", saved({"w": nn.Parameter(torch.ones(2, 2)), "size": torch.Size((2, 2))}), "checkpoint")
    yield Seed("deflated zip", rezipped(saved(training()), zipfile.ZIP_DEFLATED), "checkpoint")
    yield Seed("big endian", rezipped(saved(state()), zipfile.ZIP_STORED, byteorder=b"big"), "checkpoint")
    script = io.BytesIO()
    torch.jit.save(torch.jit.trace(network().eval(), torch.zeros(1, 1, 3, 3)), script)
    yield Seed("TorchScript", script.getvalue(), "checkpoint")
    exported = io.BytesIO()
    torch.export.save(torch.export.export(network().eval(), (torch.zeros(1, 1, 3, 3),)), exported)
    yield Seed("exported program", exported.getvalue(), "checkpoint", "seed.pt2")


def rezipped(raw: bytes, method: int, **changed: bytes) -> bytes:
    """The archive written again with this compression; members ending in a key of `changed` get its bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(target, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name.rpartition("/")[2], old.read(name)))
    return target.getvalue()


def legacies() -> Iterator[Seed]:
    old = partial(saved, _use_new_zipfile_serialization=False)
    yield Seed("legacy", old(state()), "checkpoint")
    yield Seed("legacy training", old(training()), "checkpoint", "seed.pth")
    yield Seed("legacy module", old(network()), "checkpoint")
    yield Seed("legacy views", old(views()), "checkpoint")


# -- pickles --------------------------------------------------------------------------------------------------------------


def pickles() -> Iterator[Seed]:
    for protocol in range(6):
        yield Seed(f"pickle {protocol}", pickle.dumps(state(), protocol), "checkpoint", "seed.pkl")
    yield Seed("pickled training", pickle.dumps(training(), 4), "checkpoint", "seed.pkl")
    for protocol in (0, 2, 5):
        yield Seed(f"pickled arrays {protocol}", pickle.dumps(arrays(), protocol), "checkpoint", "seed.pkl")
    yield Seed("gzipped pickle", gzip.compress(pickle.dumps(arrays(), 4), mtime=0), "checkpoint", "seed.pkl.gz")
    yield Seed("gzipped torch zip", gzip.compress(saved(state()), mtime=0), "checkpoint", "seed.pt.gz")
    yield Seed("bzipped pickle", bz2.compress(pickle.dumps(arrays(), 4)), "checkpoint", "seed.pkl.bz2")
    yield Seed("xz-packed torch zip", lzma.compress(saved(state())), "checkpoint", "seed.pt.xz")
    yield Seed("tar", tarred(tarfile.GNU_FORMAT), "checkpoint", "seed.tar")
    yield Seed("tar of POSIX", tarred(tarfile.PAX_FORMAT), "checkpoint", "seed.tar")
    yield Seed("gzipped tar", gzip.compress(tarred(tarfile.USTAR_FORMAT), mtime=0), "checkpoint", "seed.tar.gz")


def tarred(kind: int) -> bytes:
    """Weights beside settings, the file's name too long for its header."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=kind) as file:
        for name, content in (("config.json", b"{}"), (f"{'x' * 90}/{'y' * 30}/weights.th", saved(state()))):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return target.getvalue()


# -- others ---------------------------------------------------------------------------------------------------------------


def safetensors(state_dict: dict[str, Tensor]) -> bytes:
    module = importlib.import_module("safetensors.torch")
    content: bytes = module.save(state_dict, {"format": "pt", "epoch": "3"})
    return content


def tensors_only() -> Iterator[Seed]:
    yield Seed("safetensors", safetensors(state()), "checkpoint", "seed.safetensors")
    yield Seed("narrow safetensors", safetensors(narrow()), "checkpoint", "seed.safetensors")


def numpy_files() -> Iterator[Seed]:
    for name, save in (("npz", np.savez), ("npz, deflated", np.savez_compressed)):
        target = io.BytesIO()
        save(target, **arrays())
        yield Seed(name, target.getvalue(), "checkpoint", "seed.npz")
    target = io.BytesIO()
    np.save(target, np.array(arrays(), dtype=object), allow_pickle=True)
    yield Seed("npy of a dictionary", target.getvalue(), "checkpoint", "seed.npy")


def hdf5() -> Iterator[Seed]:
    from landscape_gui.export import peers
    from landscape_gui.results import AxesReport, Provenance, Quantity, SurfaceResult, freeze
    from landscape_gui.store import pack
    from landscape_gui.store_encoding import USER_BLOCK

    axes = AxesReport(kind="filter", labels=("one", "two"), norms=freeze([1, 2]), cosines=freeze(np.eye(2)))
    loss = Quantity(name="train_loss", label="loss", values=freeze(np.ones((3, 5))), axes=("y", "x"))
    result = SurfaceResult(
        x=freeze(np.linspace(-1, 1, 5)),
        y=freeze(np.linspace(0, 1, 3)),
        quantities={"train_loss": loss},
        computed=freeze(np.ones((3, 5)), bool),
        axes=axes,
        notes=("a note",),
        provenance=Provenance(probe="surface", question={"a": [1, 2.5, None]}, problem={"title": "net"}),
    )
    without_checksum = bytes(pack(result))[USER_BLOCK:]  # as another program saves it, so that damage is not told by the checksum
    yield Seed("answer", without_checksum, "parse answer", "seed.h5")
    with tempfile.TemporaryDirectory() as folder:
        surface = peers.write_surface(Path(folder) / "s.h5", result).read_bytes()
        directions = peers.write_directions(Path(folder) / "d.h5", [list(arrays().values())] * 2).read_bytes()
    yield Seed("surface", surface, "parse surface", "seed.h5")
    yield Seed("directions", directions, "parse directions", "seed.h5")
    target = io.BytesIO()
    with h5py.File(target, "w", libver=peers.BOUNDS) as file:
        group = file.create_group("xdirection")
        group.create_dataset("0", data=np.ones((64, 8), np.float32), chunks=(8, 8), compression="gzip", shuffle=True)
    yield Seed("compressed directions", target.getvalue(), "parse directions", "seed.h5")


def folders() -> Iterator[Seed]:
    parts = list(state().items())
    shards = {f"model-0000{k + 1}-of-00002.safetensors": dict(parts[k::2]) for k in range(2)}
    raw = {name: safetensors(shard) for name, shard in shards.items()}
    index = {"metadata": {"total_size": 1}, "weight_map": {name: file for file, shard in shards.items() for name in shard}}
    listing, name = json.dumps(index).encode(), "model.safetensors.index.json"
    yield Seed("index", listing, "checkpoint", name, raw)
    yield Seed("sharded folder", listing, "checkpoint", name, raw, ".")
    first = min(raw)
    yield Seed("shard", raw[first], "checkpoint", first, {name: listing, max(raw): raw[max(raw)]}, name)
    config = json.dumps({"architectures": ["Net"], "model_type": "net", "auto_map": {"AutoModel": "code.Net"}}).encode()
    code = b"import pathlib\npathlib.Path('it ran').touch()\n"
    model = {"model.safetensors": safetensors(state()), "code.py": code}
    yield Seed("Hugging Face folder", config, "checkpoint", "config.json", model, ".")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = importlib.import_module("torch.distributed.checkpoint")
        checkpoint.save({"model": state(), "epoch": 3}, checkpoint_id=folder)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    for damaged in sorted(files):
        rest = {name: content for name, content in files.items() if name != damaged}
        yield Seed(f"distributed, {damaged}", files[damaged], "checkpoint", damaged, rest, ".")


def programs() -> Iterator[Seed]:
    """A graph that is run: damage is most often in its JSON."""
    x = torch.zeros(4, 1, 3, 3)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2, 3)).eval()
    program = io.BytesIO()
    torch.export.save(torch.export.export(network, (x,), dynamic_shapes=[{0: torch.export.Dim.AUTO}]), program)
    data = io.BytesIO()
    np.savez(data, x_train=x.numpy(), y_train=np.arange(4) % 3)
    yield Seed("program", program.getvalue(), "program", "seed.pt2", {"data.npz": data.getvalue()})


def data_files() -> Iterator[Seed]:
    target = io.BytesIO()
    np.savez(target, x_train=np.zeros((4, 2), np.float32), y_train=np.arange(4))
    yield Seed("data in npz", target.getvalue(), "data", "seed.npz")
    idx = bytes((0, 0, 8, 3)) + b"".join(n.to_bytes(4, "big") for n in (2, 4, 4)) + bytes(32)
    labels = bytes((0, 0, 8, 1)) + (2).to_bytes(4, "big") + bytes(2)
    name = "train-images-idx3-ubyte.gz"
    yield Seed("idx", gzip.compress(idx, mtime=0), "data", name, {"train-labels-idx1-ubyte.gz": gzip.compress(labels, mtime=0)})
