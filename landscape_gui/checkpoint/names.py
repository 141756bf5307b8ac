"""Prefixes that wrappers leave on the names of weights (DataParallel, torch.compile, averaging, sharding)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landscape_gui.checkpoint.limits import NODES

_ANYWHERE = ("_orig_mod.", "_fsdp_wrapped_module.", "_fpw_module.", "_checkpoint_wrapped_module.", "_forward_module.")
_AVERAGED = ("ema_model.", "model_ema.", "ema.", "online_model.")
_IN_FRONT = ("module.", *_ANYWHERE, *_AVERAGED)
_PARALLEL = "module"
_ROUNDS = 20  # prefixes in front of one another; more exist only to be slow
COUNTERS = ("n_averaged", "initted", "step")
"""What torch.optim.swa_utils.AveragedModel and others that average count beside the weights."""


def strip(names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Names without the wrappers' prefixes, in order, and the prefixes that went.

    `module.` and those of averages go where every name starts with them (several times if need be); `module.` also in the
    middle, where all names of a layer have it (`features.module.0.weight`); `_orig_mod.` and the sharding wrappers' prefixes,
    which no one calls a layer, go wherever they stand. Nothing is stripped when two names would become one.
    """
    clean = list(names)
    gone: list[str] = []
    for prefix in _ANYWHERE:
        shorter = [_without(name, prefix) for name in clean]
        if shorter != clean:
            clean = shorter
            gone.append(prefix)
    for _ in range(_ROUNDS):
        common = next((prefix for prefix in _IN_FRONT if _all_start(clean, prefix)), None)
        if common is None:
            break
        clean = [name.removeprefix(common) for name in clean]
        if common not in gone:
            gone.append(common)
    inner = _without_parallel(clean)
    if inner != clean and len(set(inner)) == len(inner):
        clean = inner
        gone += [] if f"{_PARALLEL}." in gone else [f"{_PARALLEL}."]
    if len(set(clean)) < len(clean) or not all(clean):
        return list(names), ()
    return clean, tuple(gone)


def averaged_apart(names: Sequence[str]) -> dict[str, list[str]]:
    """Names by the wrapper's attribute where one dictionary holds the trained and the averaged network, else empty."""
    fronts = ("online_model", "ema_model")
    found = {front: [name for name in names if name.startswith(front + ".")] for front in fronts}
    whole = all(name.partition(".")[0] in fronts or name in COUNTERS for name in names)
    return found if whole and all(found.values()) else {}


def _without(name: str, prefix: str) -> str:
    shorter = name.removeprefix(prefix).replace("." + prefix, ".")
    return shorter if shorter == name else _without(shorter, prefix)


def _all_start(names: Sequence[str], prefix: str) -> bool:
    return all(name.startswith(prefix) or name in COUNTERS for name in names) and any(name not in COUNTERS for name in names)


def _without_parallel(names: Sequence[str]) -> list[str]:
    """Names without the part `module` below every layer that has nothing else in it, as DataParallel leaves a part of a network."""
    if not any(f".{_PARALLEL}." in name for name in names) or sum(name.count(".") for name in names) > NODES:
        return list(names)
    tree: dict[str, Any] = {}
    split = [name.split(".") for name in names]
    for parts in split:
        layer = tree
        for part in parts:
            layer = layer.setdefault(part, {})
    return [_shortened(parts, tree) for parts in split]


def _shortened(parts: Sequence[str], tree: dict[str, Any]) -> str:
    layer, kept = tree, []
    for index, part in enumerate(parts):
        wrapped = part == _PARALLEL and len(layer) == 1 and 0 < index < len(parts) - 1
        kept += [] if wrapped else [part]
        layer = layer[part]
    return ".".join(kept)
