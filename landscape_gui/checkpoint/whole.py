"""Folders whose files make one checkpoint: shards with an index, Hugging Face folders, distributed checkpoints.

Standard library only: a folder is told from a training run by what lies in it, before anything is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint.json_text import parse_object
from landscape_gui.checkpoint.limits import CONFIG_BYTES, INDEX_BYTES, INDEXES, LISTED, SHARDS, TENSORS, Broken, shown
from landscape_gui.checkpoint.others import other_folder, pieces_of
from landscape_gui.checkpoint.source import open_plain, plain_name, read_at

INDEX, SINGLE, DISTRIBUTED = "sharded", "Hugging Face folder", "distributed checkpoint"
METADATA = ".metadata"
CONFIGS = ("config.json", "adapter_config.json", "open_clip_config.json")
_SPEAKING = frozenset(
    {"model_type", "architectures", "architecture", "_class_name", "_diffusers_version", "peft_type", "auto_map", "pretrained_cfg"}
)
_STEMS = ("model", "pytorch_model", "diffusion_pytorch_model", "adapter_model", "open_clip_pytorch_model", "open_clip_model")
SINGLES = (*(f"{stem}.safetensors" for stem in _STEMS), *(f"{stem}.bin" for stem in _STEMS))
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.(safetensors|bin)")


@dataclass(frozen=True)
class Whole:
    """kind: INDEX, SINGLE or DISTRIBUTED; main: the file of the folder that says the rest, or that holds the weights.

    shard: the name of the one shard that was opened in place of the folder or its index.
    """

    kind: str
    main: Path
    shard: str = ""

    @property
    def standing(self) -> Path:
        """The path that stands for it: the file that holds all weights; else the folder, or the index if that has another."""
        folder = self.main.parent
        other = find_whole(folder) if self.kind == INDEX else None
        return self.main if self.kind == SINGLE or (other is not None and other.main != self.main) else folder


def find_whole(place: Path) -> Whole | None:
    """What the folder, index, shard or .metadata is part of; None for any other file or folder. Never raises for what is there."""
    try:
        return _in_folder(place) if place.is_dir() else _of_file(place)
    except (OSError, ValueError, Broken):
        return None


def is_part(file: Path) -> bool:
    """Whether a file may, by its name, be one of several that make a checkpoint."""
    return file.suffix in (".json", ".distcp") or file.name == METADATA or _SHARD.fullmatch(file.name) is not None


def in_pieces(folder: Path) -> bool:
    """Whether the folder's files are one network cut to pieces over devices, and not one after another in training."""
    try:
        return bool(pieces_of(_listed(folder)))
    except OSError:
        return False


def what_else(folder: Path) -> tuple[str, str] | None:
    """What a folder that is no checkpoint is, completing "it is ...", and what to do; None where nothing is known of it."""
    try:
        return other_folder(_listed(folder))
    except OSError:
        return None


def _in_folder(folder: Path) -> Whole | None:
    names = _listed(folder)
    if METADATA in names and any(name.endswith(".distcp") for name in names):
        return Whole(DISTRIBUTED, folder / METADATA)
    speaks = any(name in names and _speaks(folder / name) for name in CONFIGS)
    single = next((name for name in SINGLES if name in names), "")
    indexes = sorted((name for name in names if name.endswith(".index.json")), key=lambda name: ("safetensors" not in name, name))
    if indexes and not (speaks and single.endswith(".safetensors")):
        found = next((name for name in indexes[:INDEXES] if weight_map(folder / name)), None)
        if found is not None:
            return Whole(INDEX, folder / found)
    return Whole(SINGLE, folder / single) if speaks and single else None


def _of_file(file: Path) -> Whole | None:
    if not is_part(file):
        return None
    shard = _SHARD.fullmatch(file.name)
    if shard is not None:
        index = file.parent / f"{shard[1]}.{shard[4]}.index.json"
        listed = index.is_file() and file.name in weight_map(index).values()
        return Whole(INDEX, index, file.name) if listed else None
    if file.name == METADATA or file.suffix == ".distcp":
        return Whole(DISTRIBUTED, file.parent / METADATA) if (file.parent / METADATA).is_file() else None
    if file.suffix == ".json" and file.is_file() and weight_map(file):
        return Whole(INDEX, file)
    return None


def _listed(folder: Path) -> set[str]:
    names: set[str] = set()
    with os.scandir(folder) as listing:
        for item in listing:
            names.add(item.name)
            if len(names) >= LISTED:
                break
    return names


def _speaks(config: Path) -> bool:
    return bool(_SPEAKING & read_object(config, CONFIG_BYTES).keys()) or config.name != CONFIGS[0]


def read_object(path: Path, most: int) -> Mapping[str, Any]:
    """The JSON object in a file; empty where it is none, is larger than `most` bytes, or cannot be read."""
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            return parse_object(read_at(file, 0, size), f"the file {shown(path.name)}") if size <= most else {}
    except (OSError, ValueError, Broken):
        return {}


def weight_map(index: Path) -> Mapping[str, Any]:
    """Name of a tensor -> name of its shard, as the index has it and unchecked; empty where it is no index."""
    found = read_object(index, INDEX_BYTES).get("weight_map")
    return found if isinstance(found, dict) else {}


def shards_of(table: Mapping[str, Any]) -> dict[str, list[str]]:
    """Shard -> its tensors, every name checked to be that of a file beside the index; raises Broken."""
    if len(table) > TENSORS:
        raise Broken(f"its index lists {len(table):,} tensors, more than any checkpoint has")
    shards: dict[str, list[str]] = {}
    for name, shard in table.items():
        shards.setdefault(plain_name(shard), []).append(name)
    if len(shards) > SHARDS:
        raise Broken(f"its index lists {len(shards):,} shards; {SHARDS} is the most that is read")
    return shards


def config_of(folder: Path) -> dict[str, str]:
    """What a Hugging Face folder's config.json says of the model, in a few words by name."""
    said: dict[str, str] = {}
    for name in CONFIGS:
        found = read_object(folder / name, CONFIG_BYTES)
        for key in ("model_type", "architecture", "_class_name", "peft_type", "dtype", "torch_dtype"):
            if isinstance(found.get(key), str):
                said[f"config.{key}"] = found[key][:200]
        architectures = found.get("architectures")
        if isinstance(architectures, list):
            said["config.architectures"] = ", ".join(str(item) for item in architectures[:4])[:200]
        quantised = found.get("quantization_config")
        if isinstance(quantised, dict):
            said["config.quantization"] = str(quantised.get("quant_method", "yes"))[:200]
    return said
