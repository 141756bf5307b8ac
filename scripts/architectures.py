"""Make assets/architectures.json again: a fingerprint of the tensors' names and shapes of every timm and torchvision model.

Needs both libraries (`pip install "landscape-gui[vision]"`) and no weights: the models are made on the meta device. Takes some
ten minutes.
"""

from __future__ import annotations

import inspect
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from landscape_gui.problem.architecture_table import NAME, fingerprint
from landscape_gui.problem.fitting import shapes_of

PLACE = Path(__file__).resolve().parent.parent / "assets" / NAME
OTHER_CLASSES = 7


def make(library: str, name: str, **options: Any) -> nn.Module:
    """The model on the meta device; in memory where its initialisation needs numbers."""
    try:
        with torch.device("meta"):
            return made(library, name, **options)
    except NotImplementedError:
        return made(library, name, **options)


def made(library: str, name: str, **options: Any) -> nn.Module:
    if library == "timm":
        return timm.create_model(name, pretrained=False, **options)
    takes = inspect.signature(torchvision.models.get_model_builder(name)).parameters
    none = dict.fromkeys(key for key in ("weights", "weights_backbone") if key in takes)
    return torchvision.models.get_model(name, **none, **options)


def head_of(library: str, name: str, module: nn.Module) -> tuple[str, ...]:
    """The tensors whose first size is the number of classes; empty where other sizes depend on it too."""
    shapes = shapes_of(module.state_dict())
    try:
        other = shapes_of(make(library, name, num_classes=OTHER_CLASSES).state_dict())
    except Exception:
        return ()
    changed = [key for key in shapes if shapes[key] != other.get(key)]
    good = set(shapes) == set(other) and all(other[key] == (OTHER_CLASSES, *shapes[key][1:]) for key in changed)
    return tuple(changed) if good else ()


def rows(heads: dict[tuple[str, ...], int]) -> Iterator[tuple[str, str, list[Any]]]:
    names = [("timm", name) for name in timm.list_models()] + [("torchvision", name) for name in torchvision.models.list_models()]
    for number, (library, name) in enumerate(names):
        try:
            module = make(library, name)
        except Exception as error:
            print(f"{library}:{name} cannot be made: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        shapes, head = shapes_of(module.state_dict()), head_of(library, name, module)
        row: list[Any] = [fingerprint(shapes)]
        if head:
            row += [fingerprint(shapes, head), heads.setdefault(head, len(heads))]
        yield library, name, row
        print(f"{number + 1} of {len(names)} {library}:{name} {head}", flush=True)


def main() -> None:
    warnings.filterwarnings("ignore")
    heads: dict[tuple[str, ...], int] = {}
    models: dict[str, dict[str, list[Any]]] = {}
    for library, name, row in rows(heads):
        models.setdefault(library, {})[name] = row
    content = {
        "made_with": {"timm": timm.__version__, "torchvision": torchvision.__version__.partition("+")[0]},
        "heads": [list(head) for head in heads],
        "models": models,
    }
    text = json.dumps(content, separators=(",", ":"))
    PLACE.write_text(text.replace('],"', '],\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
