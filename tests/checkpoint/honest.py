"""Honest files in the forms in which researchers save weights, written by torch, NumPy and safetensors themselves.

Each function writes the weights of `network()` to a path and returns nothing; FORMS lists them by name.
"""

from __future__ import annotations

import argparse
import bz2
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import gzip
import io
import json
import lzma
import pickle
import random
import tarfile
import types
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file

State = dict[str, torch.Tensor]


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(4, 3)
    return torch.nn.Sequential(*layers).eval()


def state() -> State:
    return dict(network().state_dict())


@dataclasses.dataclass
class Options:
    lr: float = 0.1
    name: str = "cosine"
    inner: Options | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    lr: float = 0.1


class Phase(enum.Enum):
    TRAIN = "train"
    TEST = 2


class Level(enum.IntFlag):
    LOW = 1
    HIGH = 2


class Point(collections.namedtuple("Point", "x y")):
    __slots__ = ()


class Own(torch.nn.Module):
    """A class that whoever opens the file has not."""

    def __init__(self) -> None:
        super().__init__()
        for name, layer in network().named_children():
            self.add_module(name, layer)
        self.register_buffer("passing", torch.zeros(1), persistent=False)
        self.act = torch.nn.functional.relu


def trained() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    module = network()
    optimiser = torch.optim.AdamW(module.parameters())
    module(torch.ones(2, 3, 3, 3)).sum().backward()
    optimiser.step()
    module.load_state_dict(network().state_dict())
    return module, optimiser


def training(**beside: Any) -> dict[str, Any]:
    module, optimiser = trained()
    return {"epoch": 4, "model": module.state_dict(), "optimizer": optimiser.state_dict(), **beside}


def legacy(path: Path) -> None:
    torch.save(state(), path, _use_new_zipfile_serialization=False)


def torchscript(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces that scripting is on its way out
        torch.jit.trace(network(), torch.ones(1, 3, 3, 3)).save(str(path))


def exported(path: Path) -> None:
    torch.export.save(torch.export.export(network(), (torch.ones(2, 3, 3, 3),)), str(path))


def exported_before(path: Path) -> None:
    weights = io.BytesIO()
    torch.save(collections.OrderedDict(state()), weights)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("serialized_exported_program.json", "{}")
        file.writestr("serialized_state_dict.pt", weights.getvalue())


def distributed(path: Path) -> None:
    module, optimiser = trained()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it saves in one process
        dcp.save({"model": module.state_dict(), "optim": optimiser.state_dict()}, checkpoint_id=path, no_dist=True)


def hub(path: Path) -> None:
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "resnet", "architectures": ["ResNetModel"]}), encoding="utf-8")
    save_file(state(), path / "model.safetensors", metadata={"format": "pt"})


def hub_of_pickles(path: Path) -> None:
    hub(path)
    (path / "model.safetensors").unlink()
    torch.save(state(), path / "pytorch_model.bin")


def _shards(path: Path, stem: str, ending: str) -> None:
    path.mkdir()
    table: dict[str, str] = {}
    for index, names in enumerate((list(state())[::2], list(state())[1::2])):
        shard = f"{stem}-{index + 1:05d}-of-00002.{ending}"
        part = {name: state()[name] for name in names}
        save_file(part, path / shard) if ending == "safetensors" else torch.save(part, path / shard)
        table |= dict.fromkeys(names, shard)
    (path / f"{stem}.{ending}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": table}), encoding="utf-8")


def arrays() -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in state().items()}


def dictionary_of_arrays(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, arrays(), allow_pickle=True)  # type: ignore[arg-type]


def raw() -> bytes:
    content = io.BytesIO()
    torch.save(state(), content)
    return content.getvalue()


def packed(pack: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(pack(raw())) and None


def tarred(kind: int = tarfile.GNU_FORMAT, folder: str = "") -> bytes:
    """As AllenNLP and SageMaker pack a model: the weights beside settings and words."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=kind) as file:
        for name, data in (("config.json", b"{}"), ("vocabulary/tokens.txt", b"a"), ("weights.th", raw()), ("._weights.th", b"x")):
            entry = tarfile.TarInfo(f"{folder}{name}")
            entry.size, entry.mtime = len(data), 1.5
            file.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def lightning(path: Path) -> None:
    """What Lightning's trainer writes; its own classes appear as names only."""
    weights = collections.OrderedDict((f"model.{name}", tensor) for name, tensor in state().items())
    monitor = types.new_class("ModelCheckpoint", (), {}, lambda body: body.update(__module__="lightning.pytorch.callbacks"))
    value = {
        "epoch": 4,
        "global_step": 500,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": weights,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 5}}}},
        "callbacks": {f"{monitor.__name__}{{'monitor': 'val_loss'}}": {"best_model_score": torch.tensor(0.25)}},
        "optimizer_states": [trained()[1].state_dict()],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 1e-3, "depth": 20},
    }
    torch.save(value, path)


def saved(value: Callable[[], Any], **options: Any) -> Callable[[Path], None]:
    """A function that writes the value with torch.save."""
    return lambda path: torch.save(value(), path, **options)


def prefixed(prefix: str) -> Callable[[Path], None]:
    return saved(lambda: {prefix + name: tensor for name, tensor in state().items()})


def middle(prefix: str) -> Callable[[Path], None]:
    return saved(lambda: {name.replace(".", f".{prefix}", 1): tensor for name, tensor in state().items()})


def beside(value: Callable[[], Any]) -> Callable[[Path], None]:
    """A training dictionary with something else in it, by pickle protocol 4."""
    return saved(lambda: training(beside=value(), config=value()), pickle_protocol=4)


def generators() -> Any:
    return {
        "torch_rng_state": torch.get_rng_state(),
        "numpy_rng_state": np.random.get_state(),
        "python": random.getstate(),
        "generator": np.random.default_rng(0),
    }


FORMS: dict[str, Callable[[Path], None]] = {
    **{f"state dictionary, protocol {number}": saved(state, pickle_protocol=number) for number in (2, 3, 4, 5)},
    "state dictionary, legacy": legacy,
    **{f"training dictionary, protocol {number}": saved(training, pickle_protocol=number) for number in (2, 3, 4, 5)},
    "training dictionary, legacy": saved(training, _use_new_zipfile_serialization=False),
    "with a Namespace": beside(lambda: argparse.Namespace(lr=0.1, act=torch.nn.ReLU, path=Path("/data"))),
    "with NumPy scalars": beside(lambda: {"loss": np.float32(0.5), "step": np.int64(3), "ok": np.bool_(True), "s": np.str_("a")}),
    "with NumPy arrays": beside(lambda: [np.ones(3), np.ones(3, ">f4"), np.array(["a", None], object), np.zeros(2, "f4,i4")]),
    "with a path": beside(lambda: Path("/data/run")),
    "with dataclasses": beside(lambda: {"a": Options(inner=Options()), "b": Slotted()}),
    "with enums": beside(lambda: {Phase.TRAIN: Level.LOW | Level.HIGH, Phase.TEST: [Phase.TRAIN]}),
    "with a defaultdict": beside(lambda: collections.defaultdict(list, loss=[0.5])),
    "with other containers": beside(lambda: [collections.Counter("aab"), collections.deque([1], 5), Point(1, 2), {1}, frozenset()]),
    "with dates": beside(
        lambda: {"a": datetime.datetime(2024, 5, 6, 7, 8), "b": datetime.date(2024, 5, 6), "c": datetime.timedelta(1)}
    ),
    "with random states": beside(generators),
    "with odds and ends": beside(
        lambda: [decimal.Decimal("0.1"), functools.partial(torch.nn.ReLU, inplace=True), torch.float32, 1 << 300, 2j, ..., range(3)]
    ),
    "with optimisers as objects": saved(lambda: {"model": state(), "optimizer": trained()[1], "criterion": torch.nn.MSELoss()}),
    "a pickled module": saved(network),
    "a pickled module of the user's own": saved(Own),
    "a pickled module in a dictionary": saved(lambda: {"net": Own(), "acc": 0.9, "epoch": 3}),
    "a pickled module, legacy": saved(Own, _use_new_zipfile_serialization=False),
    "a traced module": saved(lambda: torch.fx.symbolic_trace(network())),
    "DataParallel": prefixed("module."),
    "DataParallel around a part": middle("module."),
    "DataParallel, pickled": saved(lambda: torch.nn.DataParallel(network())),
    "compiled": prefixed("_orig_mod."),
    "compiled in parts": middle("_orig_mod."),
    "compiled in DataParallel": prefixed("module._orig_mod."),
    "FSDP": middle("_fsdp_wrapped_module."),
    "activation checkpoints": middle("_checkpoint_wrapped_module."),
    "averaged": saved(lambda: torch.optim.swa_utils.AveragedModel(network()).state_dict()),
    "an average beside": saved(lambda: {"ema": {name: torch.zeros_like(tensor) for name, tensor in state().items()}, **training()}),
    "an average's prefix": prefixed("ema_model."),
    "Lightning": lightning,
    "safetensors": lambda path: save_file(state(), path),
    "safetensors with text": lambda path: save_file(state(), path, metadata={"format": "pt", "note": "<b>&amp;</b>"}),
    "sharded safetensors": lambda path: _shards(path, "model", "safetensors"),
    "sharded pickles": lambda path: _shards(path, "pytorch_model", "bin"),
    "Hugging Face folder": hub,
    "Hugging Face folder of pickles": hub_of_pickles,
    "exported program": exported,
    "exported program of before": exported_before,
    "TorchScript": torchscript,
    "distributed checkpoint": distributed,
    "NumPy archive": lambda path: np.savez(path.open("wb"), **arrays()),
    "NumPy archive, packed": lambda path: np.savez_compressed(path.open("wb"), **arrays()),
    "NumPy dictionary": dictionary_of_arrays,
    "pickled arrays": lambda path: path.write_bytes(pickle.dumps(arrays())) and None,
    "pickled arrays, protocol 2": lambda path: path.write_bytes(pickle.dumps({"model": arrays(), "__author__": "x"}, 2)) and None,
    "pickled tensors": lambda path: path.write_bytes(pickle.dumps(state())) and None,
    "gzipped": packed(gzip.compress),
    "bzipped": packed(bz2.compress),
    "xz-packed": packed(lzma.compress),
    "inside a tar": lambda path: path.write_bytes(tarred()) and None,
    "inside a tar of POSIX": lambda path: path.write_bytes(tarred(tarfile.PAX_FORMAT)) and None,
    "inside a tar, gzipped": lambda path: path.write_bytes(gzip.compress(tarred(tarfile.USTAR_FORMAT))) and None,
    "inside a tar, under a long name": lambda path: path.write_bytes(tarred(folder="x" * 200 + "/")) and None,
    "inside a tar of POSIX, under a long name": lambda path: path.write_bytes(tarred(tarfile.PAX_FORMAT, "é" * 150 + "/")) and None,
}
