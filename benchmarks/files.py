"""How long it takes to list what a file holds, and to read it beside reading its bytes; with a hundred megabytes and a gigabyte.

Both by the clock, as a person waits: a list of tensors before the file was ever looked at, and a gigabyte beyond the time of
reading the same bytes into memory. Files are made once and kept in the cache folder; run it with --only files.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from landscape_gui.checkpoint import peek, read_checkpoint
from landscape_gui.checkpoint.peek import _peek
from safetensors.torch import save_file
from torch import Tensor, nn

NAME = "files"
LIST_GOAL, READ_GOAL = 0.3, 1.0
"""Seconds for the list of tensors of 100 MB, and for a gigabyte beyond reading its bytes."""
SMALL, LARGE = 100 << 20, 1 << 30
LAYERS, WIDTH = 192, 64
ROUNDS = 3


def weights(size: int) -> dict[str, Tensor]:
    """So many bytes of random numbers as the tensors of a deep network."""
    torch.manual_seed(0)
    rows = size // (4 * LAYERS * WIDTH)
    return {f"blocks.{index}.weight": torch.randn(rows, WIDTH) for index in range(LAYERS)}


def training(tensors: dict[str, Tensor], path: Path) -> None:
    torch.save({"epoch": 3, "model": tensors, "args": {"lr": 0.1}}, path)


def legacy(tensors: dict[str, Tensor], path: Path) -> None:
    torch.save(tensors, path, _use_new_zipfile_serialization=False)


def shards(tensors: dict[str, Tensor], path: Path) -> None:
    path.mkdir()
    table: dict[str, str] = {}
    for index in range(4):
        part = dict(list(tensors.items())[index::4])
        save_file(part, path / f"model-{index + 1:05d}-of-00004.safetensors")
        table |= dict.fromkeys(part, f"model-{index + 1:05d}-of-00004.safetensors")
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}), encoding="utf-8")


def distributed(tensors: dict[str, Tensor], path: Path) -> None:
    dcp.save({"model": tensors}, checkpoint_id=path, no_dist=True)


class _Sum(nn.Module):
    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.blocks = nn.ParameterList(list(tensors.values()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.blocks[0].sum()


def exported(tensors: dict[str, Tensor], path: Path) -> None:
    torch.export.save(torch.export.export(_Sum(tensors), (torch.ones(1),)), str(path))


FORMS: dict[str, Callable[[dict[str, Tensor], Path], None]] = {
    "torch_zip": training,
    "torch_legacy": legacy,
    "safetensors": lambda tensors, path: save_file(tensors, path),
    "shards": shards,
    "distributed": distributed,
    "exported": exported,
}


def measure(cache: Path) -> Iterator[dict[str, Any]]:
    """Two entries a form: listing 100 MB, and reading a gigabyte."""
    warnings.filterwarnings("ignore")
    for form, save in FORMS.items():
        small, large = (_made(cache / NAME / f"{form}.{size >> 20}.pt2", size, save) for size in (SMALL, LARGE))
        yield _entry(f"files.list.{form}", _seconds(partial(_list_anew, small)), LIST_GOAL)
        raw, ours = _seconds(partial(_read_bytes, large)), _seconds(partial(read_checkpoint, large))
        yield _entry(f"files.read.{form}", ours - raw, READ_GOAL, reading=round(raw, 3), total=round(ours, 3))


def report(result: dict[str, Any]) -> None:
    beyond = f" beyond reading: {result['total']:.2f} against {result['reading']:.2f} s" if "reading" in result else ""
    print(f"{result['name']:28s} {result['value']:.3f} s{beyond} (goal {result['goal']})", flush=True)


def _made(path: Path, size: int, save: Callable[[dict[str, Tensor], Path], None]) -> Path:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save(weights(size), path)
    return path


def _list_anew(path: Path) -> None:
    _peek.cache_clear()
    peek(path)


def _read_bytes(path: Path) -> None:
    """Every byte into memory of its own, one file after another."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with file.open("rb", buffering=0) as source:
            held = torch.empty(file.stat().st_size, dtype=torch.uint8)
            view, done = memoryview(held.numpy()), 0
            while done < len(view):
                done += source.readinto(view[done : done + (1 << 30)])


def _seconds(work: Callable[[], object]) -> float:
    """The shortest of a few times."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _entry(name: str, value: float, goal: float, **more: Any) -> dict[str, Any]:
    empty = {"ratio_to_forward": None, "ratio_to_best_peer": None}
    return {"name": name, **empty, "goal": goal, "value": round(value, 3), "unit": "s", **more}
