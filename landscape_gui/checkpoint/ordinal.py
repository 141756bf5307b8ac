"""Which epoch and step a checkpoint is from: as it says itself or, failing that, as its file is named. Standard library only."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from landscape_gui.checkpoint.manifest import Scalar

_EPOCH_KEYS = ("epoch", "current_epoch", "cur_epoch", "epoch_num", "last_epoch", "epochs_trained", "epochs")
_STEP_KEYS = (
    "global_step",
    "step",
    "iteration",
    "iter",
    "iterations",
    "num_iter",
    "iter_num",
    "global_steps",
    "n_iter",
    "num_updates",
    "num_steps",
    "steps",
    "it",
)
COUNTS = frozenset((*_EPOCH_KEYS, *_STEP_KEYS))
_PLACES = ("", "meta.", "state.", "info.", "trainer.", "training.", "progress.", "extra.", "metadata.")
_NUMBER = r"[ _=:.-]?(\d{1,12}(?:\.\d{1,6})?(?!\d))"
_EPOCH_NAME = re.compile(rf"(?:^|[^a-z])(?:epochs?|ep|e){_NUMBER}", re.IGNORECASE)
_STEP_NAME = re.compile(
    r"(?:^|[^a-z])(?:global[_-]?step|steps?|iterations?|iters?|it|updates?)[ _=:.-]?(\d{1,15})(?!\d)", re.IGNORECASE
)
_PLAIN_NAME = re.compile(
    r"(?:(?:ckpt|checkpoint|checkpoints|model|weights|net|network|state|snapshot|save|saved|params)[ _.-]?)?(\d{1,9})",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(\.(?:pt|pth|ckpt|bin|pkl|pickle|tar|safetensors|model|th|t7|weights))+$", re.IGNORECASE)


def epoch_of(metadata: Mapping[str, Scalar], name: str = "") -> float | None:
    """The epoch in the metadata, else in the file's name; a lone number (`012.pt`, `model_12.pth`) counts as one."""
    stored = _first(metadata, _EPOCH_KEYS)
    return stored if stored is not None else epoch_named(name)


def step_of(metadata: Mapping[str, Scalar], name: str = "") -> int | None:
    """The optimiser step in the metadata, else in the file's name."""
    stored = _first(metadata, _STEP_KEYS)
    return int(stored) if stored is not None else step_named(name)


def epoch_named(name: str) -> float | None:
    """The epoch that a file's name says: `epoch_012`, `ep12`, `e12`, `epoch=3-step=900`, `012.pt`; else None."""
    stem = _SUFFIX.sub("", name)
    found = _EPOCH_NAME.search(stem) or (None if _STEP_NAME.search(stem) else _PLAIN_NAME.fullmatch(stem))
    return float(found.group(1)) if found else None


def step_named(name: str) -> int | None:
    """The step that a file's name says: `step-1000`, `iter_500`, `it500`; else None."""
    found = _STEP_NAME.search(_SUFFIX.sub("", name))
    return int(found.group(1)) if found else None


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort names by in which 9 comes before 10."""
    pieces = re.findall(r"\d{1,18}|\D+|\d+", name.lower())
    return tuple((0, int(piece), "") if piece.isdecimal() and len(piece) <= 18 else (1, 0, piece) for piece in pieces)


def _first(metadata: Mapping[str, Scalar], keys: tuple[str, ...]) -> float | None:
    for place in _PLACES:
        for key in keys:
            value = metadata.get(place + key)
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value < 1e15:
                return float(value)
    return None
