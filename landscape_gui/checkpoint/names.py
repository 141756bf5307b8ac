"""Prefixes that wrappers leave on the names of weights (DataParallel, torch.compile, averaging, sharding)."""

from __future__ import annotations

from collections.abc import Sequence

_ANYWHERE = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
_IN_FRONT = ("module.", "_forward_module.", *_ANYWHERE)
COUNTER = "n_averaged"  # of torch.optim.swa_utils.AveragedModel; belongs to the wrapper


def strip(names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Names without the wrappers' prefixes, in order, and the prefixes that went.

    `module.` and `_forward_module.` go where every name starts with them (several times if need be); `_orig_mod.` and the
    sharding wrappers' prefixes, which no one calls a layer, go wherever they stand. Nothing is stripped when two names would
    become one.
    """
    clean = list(names)
    gone: list[str] = []
    for prefix in _ANYWHERE:
        shorter = [_without(name, prefix) for name in clean]
        if shorter != clean:
            clean = shorter
            gone.append(prefix)
    while clean:
        common = next((prefix for prefix in _IN_FRONT if _all_start(clean, prefix)), None)
        if common is None:
            break
        clean = [name.removeprefix(common) for name in clean]
        if common not in gone:
            gone.append(common)
    if len(set(clean)) < len(clean) or not all(clean):
        return list(names), ()
    return clean, tuple(gone)


def _without(name: str, prefix: str) -> str:
    name = name.removeprefix(prefix)
    return name.replace("." + prefix, ".")


def _all_start(names: Sequence[str], prefix: str) -> bool:
    return all(name.startswith(prefix) or name == COUNTER for name in names) and any(name != COUNTER for name in names)
