"""As much of Lightning as a module meets that is not being trained: hyper-parameters, logging without a trainer, no loaders."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

from torch import nn


class MisconfigurationException(Exception):
    pass


class _Remembers:
    hparams: Any

    def save_hyperparameters(self) -> None:
        frame = inspect.currentframe()
        assert frame is not None and frame.f_back is not None
        names = {k: v for k, v in frame.f_back.f_locals.items() if k not in ("self", "__class__")}
        object.__setattr__(self, "hparams", SimpleNamespace(**names))

    def train_dataloader(self) -> Any:
        raise MisconfigurationException("`train_dataloader` must be implemented")

    def val_dataloader(self) -> Any:
        raise MisconfigurationException("`val_dataloader` must be implemented")

    def setup(self, stage: str) -> None:
        pass

    def prepare_data(self) -> None:
        pass


class LightningModule(_Remembers, nn.Module):
    automatic_optimization = True

    @property
    def trainer(self) -> Any:
        raise RuntimeError(f"{type(self).__qualname__} is not attached to a `Trainer`.")

    def log(self, name: str, value: Any) -> None:
        self.trainer.log(name, float(value))

    def log_dict(self, values: Any) -> None:
        self.trainer.log(values)


class LightningDataModule(_Remembers):
    pass
