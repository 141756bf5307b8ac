"""A person's LightningModule as network, loss and data: training_step gives the loss, the datamodule or the module the batches."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Data, gather
from landscape_gui.problem.settings import data_limit
from landscape_gui.problem.your_code import YourCode, guarded

SILENT = ("log", "log_dict", "print", "log_grad_norm")
LOADERS = {"train": "train_dataloader", "val": "val_dataloader"}


class Settings(dict[str, Any]):
    """Hyper-parameters by key and by attribute."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error


@dataclass
class LightningCode(YourCode):
    """function: the class's name; arguments: its hyper-parameters; data_class: module and name of the datamodule, or None;
    own_loaders: whether the module itself has dataloaders; data_arguments: the datamodule's hyper-parameters."""

    data_class: tuple[str, str] | None = None
    own_loaders: bool = False
    data_arguments: Mapping[str, Any] = field(default_factory=dict)
    made: nn.Module | None = None

    def make_model(self) -> nn.Module:
        """The module, with what it logs and its metrics silenced. Raises ProblemError where it optimises by hand."""
        self.made = super().make_model()
        if getattr(self.made, "automatic_optimization", True) is False:
            raise ProblemError(
                f"{self.path}: {self.function} optimises by hand, so that its training_step gives no loss.",
                remedy="Write a landscape.py with model(), data() and loss beside the checkpoint.",
            )
        for name in SILENT:
            if hasattr(self.made, name):
                setattr(self.made, name, _nothing)
        silence_metrics(self.made)
        return self.made

    @property
    def loss(self) -> Any:
        return None

    @property
    def metrics(self) -> dict[str, Callable[..., Any]]:
        return {}

    @property
    def batch_loss(self) -> Callable[..., Any]:
        return guarded(self.source, training_loss, "training_step")

    @property
    def has_data(self) -> bool:
        return self.data_class is not None or self.own_loaders

    def read_data(self) -> Data:
        """The batches of train_dataloader and val_dataloader, after setup("fit"); prepare_data, which may fetch, is not called."""
        with self._running("train_dataloader"):
            source = self._datamodule() if self.data_class is not None else self.made
            _call(getattr(source, "setup", None), "fit")
            splits = {name: _single(_call(getattr(source, method, None))) for name, method in LOADERS.items()}
            about = {"path": str(self.path), "kind": "Lightning"}
            kept = {name: loader for name, loader in splits.items() if loader is not None}
            return gather(kept, whole_batches=True, limit=data_limit(), about=about)

    def _datamodule(self) -> Any:
        assert self.data_class is not None
        module, name = self.data_class
        return getattr(importlib.import_module(module) if module else self.module, name)(**self.data_arguments)


def training_loss(module: Any, batch: Any) -> Any:
    """What training_step returns, or the entry "loss" of it."""
    takes = inspect.signature(module.training_step).parameters
    extra = [0 for name in ("batch_idx", "batch_index", "batch_nb", "idx", "_", "dataloader_idx") if name in takes]
    count = len([p for p in takes.values() if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]) - 1
    value = module.training_step(batch, *[0] * max(count, min(len(extra), 1)))
    return value["loss"] if isinstance(value, Mapping) else value


class SilentMetric(nn.Module):
    """Stands in for a metric: it takes anything, counts nothing, and is 0."""

    def forward(self, *arguments: Any, **keywords: Any) -> Tensor:
        return torch.zeros(())

    update = compute = reset = forward


def silence_metrics(module: nn.Module) -> None:
    """Put a SilentMetric for each of torchmetrics' that keeps nothing in the state dictionary: they count in place."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if any(kind.__module__.partition(".")[0] == "torchmetrics" for kind in type(child).__mro__) and not child.state_dict():
                setattr(parent, name, SilentMetric())


def _nothing(*arguments: Any, **keywords: Any) -> None:
    return None


def _call(function: Any, *arguments: Any) -> Any:
    """The call, or None where a base class says that there is no such loader."""
    if function is None:
        return None
    try:
        return function(*arguments)
    except Exception as error:
        if type(error).__name__ == "MisconfigurationException":
            return None
        raise


def _single(loader: Any) -> Any:
    return loader[0] if isinstance(loader, list | tuple) and len(loader) == 1 else loader or None
