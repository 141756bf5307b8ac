"""The shipped samples: trained checkpoints with their data, beside the package in a checkout or inside it when installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landscape_gui.errors import ProblemError

DEFAULT = "digits-mlp"
PREFIX = "samples:"


def folder() -> Path:
    """The folder sample_checkpoints. Raises ProblemError where the installation has none."""
    package = Path(__file__).resolve().parent
    for place in (package / "sample_checkpoints", package.parent / "sample_checkpoints"):
        if any(place.glob("*/landscape.json")):
            return place
    raise ProblemError(
        f"There are no samples beside {package}.",
        remedy="Install landscape-gui again, or run `python sample_checkpoints/train.py` in a checkout.",
    )


def pictures() -> Path:
    """The folder assets/samples with the samples' small pictures: of the installed package, or of the checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "assets"
    return (inside if inside.is_dir() else package.parent / "assets") / "samples"


def names() -> tuple[str, ...]:
    """What the samples are called, the default one first. Each opens by itself; of a run, that is its last checkpoint."""
    found = sorted(card.parent.name for card in folder().glob("*/landscape.json"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


def path(name: str) -> Path:
    """The folder of a sample, called `digits-mlp` or `samples:digits-mlp`. Raises ProblemError naming those that there are."""
    bare = name.removeprefix(PREFIX)
    if bare not in names():
        raise ProblemError(f"There is no sample called {bare!r}.", remedy=f"The samples are {', '.join(names())}.")
    return folder() / bare


def card(name: str) -> Mapping[str, Any]:
    """The sample's landscape.json: title, summary, architecture, data, training, metrics, defaults, licence."""
    content: Mapping[str, Any] = json.loads((path(name) / "landscape.json").read_text(encoding="utf-8"))
    return content
