"""RecorderCallback for Lightning: `Trainer(callbacks=[RecorderCallback("runs/a")])`."""

from __future__ import annotations

import importlib
import os
from typing import Any

from torch import Tensor

from landscape_gui.errors import RecorderError
from landscape_gui.recorder.recorder import Recorder

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def callback_class() -> Any:
    """Lightning's Callback, of whichever of its packages is there. RecorderError where none can be imported."""
    reasons = []
    for name in PACKAGES:
        try:
            return importlib.import_module(name).Callback
        except Exception as error:  # a broken torchvision takes Lightning with it, by whatever it raises
            reasons.append(f"{name}: {type(error).__name__}: {error}")
    raise RecorderError(
        f"Lightning cannot be imported ({'; '.join(reasons)}).", remedy="Install it: pip install lightning; or use Recorder itself."
    )


class RecorderCallback(callback_class()):  # type: ignore[misc]
    """Records a fit: a step at each of the optimiser's, with the loss and what was logged at it; an epoch at the end of each, with
    everything that was logged by then (validation is over when Lightning ends an epoch).

    folder, options: as of Recorder. Only the first process writes. A fit that goes on from a checkpoint goes on with the folder.
    """

    def __init__(self, folder: str | os.PathLike[str], **options: Any) -> None:
        super().__init__()
        self.folder, self.options = folder, options
        self.recorder: Recorder | None = None
        self._steps = 0

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin the run, or go on with it."""
        if not trainer.is_global_zero:
            return
        self._steps = int(trainer.global_step)
        resumed = {"resume": True, "at_step": self._steps} if self._steps and "resume" not in self.options else {}
        self.recorder = Recorder(self.folder, pl_module, list(trainer.optimizers), **{**resumed, **self.options})
        batch = getattr(getattr(trainer, "train_dataloader", None), "batch_size", None)
        if isinstance(batch, int):
            self.recorder.describe(batch_size=batch)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """A step, where the optimiser has made one: batches that only gather gradients are none."""
        if self.recorder is None or trainer.global_step == self._steps:
            return
        self._steps = int(trainer.global_step)
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        self.recorder.step(**({"loss": loss} if isinstance(loss, Tensor) else {}))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """An epoch, with what was logged."""
        if self.recorder is not None:
            self.recorder.epoch(**{name: value for name, value in trainer.callback_metrics.items() if is_number(value)})

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """The last checkpoint."""
        if self.recorder is not None:
            self.recorder.close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """What was recorded until then stays, whole."""
        if self.recorder is not None:
            self.recorder.__exit__(type(exception), exception, None)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, Tensor) and value.numel() == 1)
