"""The data of a training: some by name, any file or folder that opens, and how a card names them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_gui import samples
from landscape_gui.core.splits import Split
from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Data, gather
from landscape_gui.problem.datasets import load_data
from landscape_gui.recorder.files import write_whole
from landscape_gui.training.recipe import CHEBYSHEV, DATA

DEFAULT = "digits"
OF_SAMPLES = {"digits": "digits-mlp", "mnist1d": "mnist1d-small-batch"}
POINTS = 20
MOST_COPIED = 1 << 30
"""Bytes of data that are written into the run's folder where a card cannot name what was trained on."""
COPY = "data.npz"


def find_data(name: str, options: Mapping[str, Any]) -> tuple[Data, dict[str, Any]]:
    """The data and a card's entry for them, {} where the card needs a copy. options: as of `load_data`. Raises ProblemError."""
    given = [option for option, value in options.items() if value]
    if given and has_name(name):
        raise ProblemError(f"{name} has its own {given[0]}; --{given[0]} is of a path.", remedy="Leave it out.")
    if name in OF_SAMPLES:
        entry = samples.card(OF_SAMPLES[name])["data"]
        place = (samples.path(OF_SAMPLES[name]) / entry["file"]).resolve()
        return load_data(place, normalise=entry.get("normalise")), {**entry, "file": str(place)}
    if name.partition(":")[0] == CHEBYSHEV:
        return polynomial(name), {}
    place = Path(name).expanduser()
    if not place.exists():
        raise ProblemError(f"There are no data {name}.", remedy=f"Name them with --data: a path, or one of {', '.join(DATA)}.")
    found = load_data(place, **options)
    kept = {key: value for key, value in options.items() if value}
    return found, {"file": str(place.resolve()), **kept}


def has_name(name: str) -> bool:
    """Whether these are among DATA, and no path."""
    return name in OF_SAMPLES or name.partition(":")[0] == CHEBYSHEV


def source_of(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What finds the data again from any folder, JSON-able."""
    return {"name": name if has_name(name) else str(Path(name).expanduser().resolve()), **{k: v for k, v in options.items() if v}}


def polynomial(name: str) -> Data:
    """Evenly spaced points of [-1, 1] and the polynomial's values there: the toy task of Cohen et al. 2021."""
    text = name.partition(":")[2] or "4"
    if not text.isdecimal() or not 1 <= int(text) <= 50:
        raise ProblemError(f"The degree of {name} is {text!r}.", remedy="Give chebyshev:1 to chebyshev:50.")
    x = np.linspace(-1, 1, POINTS)
    y = np.cos(int(text) * np.arccos(x))
    pair = tuple(torch.from_numpy(values.astype(np.float32))[:, None] for values in (x, y))
    return gather({"train": pair}, whole_batches=False, limit=1 << 30, about={"name": f"Chebyshev polynomial of degree {text}"})


def for_loss(data: Data, loss: str) -> tuple[Data, str, bool]:
    """The data with targets for a loss ("": cross-entropy of classes, else mean squared error), the loss, and whether they were
    changed: mean squared error of classes goes to one-hot targets. Raises ProblemError: cross-entropy of numbers."""
    targets = data.splits[0].targets
    numbers = isinstance(targets, Tensor) and targets.is_floating_point()
    loss = loss or ("mse" if numbers else "cross_entropy")
    if loss == "cross_entropy" and numbers:
        raise ProblemError("Cross-entropy is of classes; these data's targets are numbers.", remedy="Train with the loss mse.")
    if loss == "cross_entropy" or numbers:
        return data, loss, False
    classes = max(int(split.targets.max()) for split in data.splits) + 1
    splits = {s.name: (s.inputs, torch.nn.functional.one_hot(s.targets, classes).float()) for s in data.splits}
    return gather(splits, whole_batches=False, limit=1 << 62, about=data.about), loss, True


def copy_data(data: Data, folder: Path) -> dict[str, Any]:
    """Write the tensors that were trained on into the run's folder; a card's entry for them."""
    arrays = {
        f"{axis}_{split.name}": array_of(tree)
        for split in data.splits
        for axis, tree in (("x", split.inputs), ("y", split.targets))
    }
    size = sum(array.nbytes for array in arrays.values())
    if size > MOST_COPIED:
        raise ProblemError(
            f"The one-hot targets need a copy of the data beside the run, {size / 1e9:.1f} GB.", remedy="Train with cross_entropy."
        )
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    try:
        write_whole(folder / COPY, buffer.getvalue())
    except OSError as error:
        raise ProblemError(f"{folder / COPY} cannot be written: {error.strerror}.") from error
    return {"file": COPY, **({"name": data.about["name"]} if "name" in data.about else {})}


def array_of(tree: Any) -> np.ndarray[Any, Any]:
    assert isinstance(tree, Tensor)
    return tree.numpy()


def split_named(data: Data, name: str) -> Split | None:
    return next((split for split in data.splits if split.name == name), None)
