"""RecorderCallback for the Trainer of transformers: `Trainer(..., callbacks=[RecorderCallback("runs/a")])`."""

from __future__ import annotations

import importlib
import os
from typing import Any

from landscape_gui.errors import RecorderError
from landscape_gui.recorder.recorder import Recorder

RATES = ("learning_rate",)
"""What the optimiser itself says."""
ASIDE = ("epoch", "step", "total_flos")


def callback_class() -> Any:
    """transformers' TrainerCallback. RecorderError where it cannot be imported."""
    try:
        return importlib.import_module("transformers").TrainerCallback
    except Exception as error:  # a broken torchvision takes parts of it along, by whatever it raises
        raise RecorderError(
            f"transformers cannot be imported ({type(error).__name__}: {error}).",
            remedy="Install it: pip install transformers; or use Recorder itself.",
        ) from error


class RecorderCallback(callback_class()):  # type: ignore[misc]
    """Records a training: a step at each of the optimiser's, with what the Trainer logs at it (its `loss` is a mean over
    `logging_steps`); an epoch at the end of each, with the evaluation where there is one (`eval_loss`, ...).

    folder, options: as of Recorder. Only the first process writes. A training that goes on from a checkpoint goes on with the
    folder. What belongs to a step comes after it: it is recorded when the next one begins.
    """

    def __init__(self, folder: str | os.PathLike[str], **options: Any) -> None:
        self.folder, self.options = folder, options
        self.recorder: Recorder | None = None
        self._step: dict[str, float] | None = None
        self._epoch: dict[str, float] | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Begin the run, or go on with it."""
        if not state.is_world_process_zero:
            return
        step = int(state.global_step)
        resumed = {"resume": True, "at_step": step} if step and "resume" not in self.options else {}
        self.recorder = Recorder(self.folder, given["model"], given.get("optimizer"), **{**resumed, **self.options})
        self.recorder.describe(batch_size=args.train_batch_size * args.gradient_accumulation_steps, seed=args.seed)

    def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        self._record()

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """A step of the optimiser."""
        self._step = {}

    def on_epoch_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        self._epoch = {}

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **given: Any) -> None:
        """What is said of a step, but for evaluations, which come by themselves."""
        if self._step is not None:
            self._step |= {k: v for k, v in numbers(logs).items() if not k.startswith(("eval_", "train_"))}

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, Any] | None = None, **given: Any) -> None:
        """What was evaluated after an epoch, or after a step."""
        found = {k: v for k, v in numbers(metrics).items() if not k.endswith(("_runtime", "_per_second"))}
        if self._epoch is not None:
            self._epoch |= found
        elif self._step is not None:
            self._step |= found

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """The last checkpoint."""
        self._record()
        if self.recorder is not None:
            self.recorder.close()

    def _record(self) -> None:
        step, self._step = self._step, None
        epoch, self._epoch = self._epoch, None
        if self.recorder is None:
            return
        if step is not None:
            self.recorder.step(**step)
        if epoch is not None:
            self.recorder.epoch(**epoch)


def numbers(logs: dict[str, Any] | None) -> dict[str, float]:
    """The numbers among what was logged, without those that the recorder knows by itself."""
    return {
        name: float(value)
        for name, value in (logs or {}).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and name not in (*RATES, *ASIDE)
    }
