"""Data sets by name: where the files lie, how they are normalised, and whether the files are what the name says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from landscape_gui import samples
from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.datasets import load_data


@dataclass(frozen=True, kw_only=True)
class NamedData:
    """shape: of one example, as the original files have it; shipped: the file's name where it comes with the program; files: what
    the original ones are called; normalise: as of `load_data`."""

    title: str
    shape: tuple[int, ...]
    classes: int
    normalise: Any = None
    shipped: str = ""
    files: str = ""


IDX = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, or their .gz"
DATA_SETS: Mapping[str, NamedData] = {
    "digits": NamedData(
        title="Optical recognition of handwritten digits", shape=(1, 8, 8), classes=10, shipped="digits.npz",
        normalise={"mean": [0.3053], "std": [0.3761]},
    ),
    "mnist1d": NamedData(title="MNIST-1D", shape=(1, 40), classes=10, shipped="mnist1d.npz"),
    "mnist": NamedData(title="MNIST", shape=(1, 28, 28), classes=10, normalise="mnist", files=IDX),
    "fashion-mnist": NamedData(
        title="Fashion-MNIST", shape=(1, 28, 28), classes=10, normalise={"mean": [0.2860], "std": [0.3530]}, files=IDX
    ),
    "cifar10": NamedData(
        title="CIFAR-10", shape=(3, 32, 32), classes=10, normalise="cifar10",
        files="the folder cifar-10-batches-py or cifar-10-batches-bin, or a folder or zip of images by class",
    ),
    "cifar100": NamedData(
        title="CIFAR-100", shape=(3, 32, 32), classes=100, normalise="cifar100", files="the folder cifar-100-python or -binary"
    ),
}  # fmt: skip


def known(name: str) -> NamedData:
    """The data set called `name`. ProblemError names those that there are."""
    found = DATA_SETS.get(name.lower().replace("_", "-").replace("fashionmnist", "fashion-mnist").replace("cifar-10", "cifar10"))
    if found is None:
        raise ProblemError(f"There is no data set called {name!r}.", remedy=f"Choose one of {', '.join(DATA_SETS)}.")
    return found


def place_of(name: str, path: str | None) -> Path:
    """Where its files lie: the path given, or the shipped file. ProblemError: none is given and it is not shipped."""
    named = known(name)
    if path is not None:
        return Path(path).expanduser()
    if named.shipped:
        return samples.folder() / "data" / named.shipped
    raise ProblemError(
        f"{named.title} does not come with the program, and nothing is downloaded.",
        remedy=f"Name your copy of it with --data PATH: {named.files}.",
    )


def load_named(name: str, path: str | None = None, *, normalise: Any = None) -> Data:
    """The data, normalised as usual for them unless `normalise` says otherwise.

    ProblemError: they are not there, or are no such data: another shape, or more classes.
    """
    named, place = known(name), place_of(name, path)
    data = load_data(place, normalise=named.normalise if normalise is None else normalise)
    shape, split = data.example, data.splits[0]
    shapes = {named.shape, named.shape[1:] if named.shape[0] == 1 else named.shape}
    if shape is None or shape not in shapes:
        raise ProblemError(f"{place} is not {named.title}: its examples have shape {shape}; {named.shape} was expected.")
    classes = int(split.targets.max()) + 1 if isinstance(split.targets, torch.Tensor) and split.targets.numel() else 0
    if classes > named.classes:
        raise ProblemError(f"{place} is not {named.title}: it has {classes} classes; {named.classes} were expected.")
    return data
