"""The training itself: epochs of mini-batches, what is measured after them, recorded as it goes."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.batchnorm import moving_norms
from landscape_gui.core.differentiation import values_of
from landscape_gui.core.losses import ACCURACY, HEADS, LossHead
from landscape_gui.core.splits import Split
from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.problem import draw
from landscape_gui.recorder import Recorder, Summary
from landscape_gui.recorder.files import write_whole
from landscape_gui.training.data import copy_data, for_loss
from landscape_gui.training.networks import make_network
from landscape_gui.training.optimisers import SAM, make_optimiser
from landscape_gui.training.recipe import Recipe

PROBES = ("grad_norm", "lambda_max", "directional_sharpness")
METRICS = (
    "train_loss",
    "test_loss",
    "test_accuracy",
    "grad_norm",
    "lambda_max",
    "directional_sharpness",
    "lgdi",
    "stability_ratio",
)
EPOCHS = "epochs.json"
WRITTEN_SECONDS = 2.0
"""Between two writings of `epochs.json`, which is written whole."""
JUDGED = 1024
"""Examples that are judged at once."""
TESTS = ("test", "val", "valid", "validation")


@dataclass(frozen=True)
class Progress:
    """done of all steps; epoch, and the numbers measured last."""

    done: int
    total: int
    epoch: int
    values: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """rows: a mapping for each epoch that was measured, "epoch" and METRICS, NaN where not; interrupted: before the last step."""

    folder: Path
    rows: tuple[dict[str, float], ...]
    summary: Summary
    interrupted: bool


def train(
    recipe: Recipe,
    data: Data,
    folder: str | os.PathLike[str],
    *,
    entry: dict[str, Any] | None = None,
    interrupted: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] = lambda state: None,
) -> Trained:
    """Train a family on data into a folder that has no run yet: its checkpoints, log and card as of Recorder, and `epochs.json`.

    The same recipe, data and number of threads give the same bits. entry: the data on a card, None or {} for a copy of them in the
    folder. interrupted: asked at every step; what was trained until then is kept. progress: called after every measurement.
    Raises ProblemError, RecorderError.
    """
    data, loss, changed = for_loss(data, recipe.loss)
    module, architecture = make_network(recipe, data)
    running = Running(recipe, data, loss, module, classes=changed or loss == "cross_entropy")
    with running.recorder(Path(folder)) as recorder:
        named = entry if entry and not changed else copy_data(data, Path(folder))
        settings: dict[str, Any] = {"batch_size": running.batch, "seed": recipe.seed, "schedule": recipe.schedule}
        settings["recipe"] = recipe.said()
        recorder.describe(architecture=architecture, data=named, loss=loss, **settings)
        stopped = running.go(recorder, interrupted, progress)
        running.write(recorder)
        if running.measured_at == running.done:
            recorder.describe(metrics={k: v for k, v in running.judged.items() if math.isfinite(v)})
    summary = recorder.summary()
    assert summary is not None
    return Trained(Path(folder), tuple(running.rows), summary, stopped)


class Running:
    """One training under way."""

    def __init__(self, recipe: Recipe, data: Data, loss: str, module: nn.Module, *, classes: bool) -> None:
        self.recipe, self.loss, self.module = recipe, loss, module
        self.head: LossHead = HEADS[loss]
        self.train = data.splits[0]
        self.test = next((s for name in TESTS for s in data.splits[1:] if s.name == name), None)
        self.batch = min(recipe.batch, self.train.examples) or self.train.examples
        self.epochs = recipe.length(self.train.examples)
        self.total = recipe.steps or self.epochs * recipe.batches(self.train.examples)
        self.stride = recipe.stride(self.train.examples)
        self.optimiser = make_optimiser(recipe, module)
        self.order = torch.Generator().manual_seed(recipe.seed)
        self.classes = classes
        self.written = 0.0
        self.done = self.measured_at = 0
        self.rows: list[dict[str, float]] = []
        self.judged: dict[str, float] = {}

    def recorder(self, folder: Path) -> Recorder:
        part = draw(self.train, self.recipe.probe_examples, self.recipe.seed)
        return Recorder(
            folder,
            self.module,
            self.optimiser,
            keep=self.recipe.keep or None,
            probes=PROBES if self.recipe.geometry else (),
            data=(part.inputs, part.targets) if self.recipe.geometry else None,
            criterion=self.loss,
            probe_examples=part.examples,
            seed=self.recipe.seed,
        )

    def go(self, recorder: Recorder, interrupted: Callable[[], bool], progress: Callable[[Progress], None]) -> bool:
        """All epochs; whether it was interrupted before the end."""
        self.measure(recorder, 0, progress)
        for epoch in range(1, self.epochs + 1):
            for batch in self.batches():
                if interrupted():
                    return True
                loss = self.step(batch)
                recorder.step(loss=loss)
                self.done += 1
                if self.done == self.total:
                    break
            if epoch % self.stride == 0 or epoch == self.epochs:
                self.measure(recorder, epoch, progress)
        return False

    def batches(self) -> Iterator[Tensor | None]:
        """Examples of each step of an epoch, in a new order; None is all of them. One example alone makes no batch."""
        if self.batch >= self.train.examples:
            yield None
            return
        order = torch.randperm(self.train.examples, generator=self.order)
        for batch in order.split(self.batch):  # type: ignore[no-untyped-call]
            if len(batch) > 1 or self.batch == 1:
                yield batch

    def step(self, batch: Tensor | None) -> Tensor:
        """One step of the optimiser at the schedule's rate; the loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate(self.done / max(1, self.total))
        x, y = self.train.inputs, self.train.targets
        x, y = (x, y) if batch is None else (x[batch], y[batch])
        loss = self.backward(x, y)
        if isinstance(self.optimiser, SAM):
            self.optimiser.ascend()
            with StillStatistics(self.module):
                self.backward(x, y)
        self.optimiser.step()
        return loss

    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        self.optimiser.zero_grad()
        output = self.module(x)
        loss = nn.functional.cross_entropy(output, y) if self.loss == "cross_entropy" else nn.functional.mse_loss(output, y)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def measure(self, recorder: Recorder, epoch: int, progress: Callable[[Progress], None]) -> None:
        """Judge both splits and let the recorder measure; a row for the log and one of `epochs.json`."""
        self.judged = self.judge(self.train) | (self.judge(self.test) if self.test is not None else {})
        self.measured_at = self.done
        recorder.epoch(epoch, **self.judged)
        values = {**self.judged, **recorder.measured}
        self.rows.append({"epoch": epoch, **{name: values.get(name, math.nan) for name in METRICS}})
        if epoch in (0, self.epochs) or time.monotonic() - self.written > WRITTEN_SECONDS:
            self.write(recorder)
        progress(Progress(self.done, self.total, epoch, {**self.judged, **recorder.measured}))

    def write(self, recorder: Recorder) -> None:
        """`epochs.json` as it is by now."""
        write_metrics(recorder.folder / EPOCHS, self.rows)
        self.written = time.monotonic()

    @torch.no_grad()
    def judge(self, split: Split) -> dict[str, float]:
        """Loss and accuracy of a split in evaluation mode, summed in float64."""
        self.module.eval()
        sums = torch.zeros(2, dtype=torch.float64)
        for start in range(0, split.examples, JUDGED):
            x, y = split.inputs[start : start + JUDGED], split.targets[start : start + JUDGED]
            output = self.module(x)
            rows, _ = values_of(self.head.function(output, y), len(x))
            sums[0] += rows.sum(dtype=torch.float64)
            if self.classes and ACCURACY.function is not None:
                right = ACCURACY.function(output, y)
                sums[1] += (right[0] if isinstance(right, tuple) else right).sum(dtype=torch.float64)
        self.module.train()
        name = "train" if split is self.train else "test"
        found = {f"{name}_loss": float(sums[0]) / split.examples}
        return found | ({f"{name}_accuracy": float(sums[1]) / split.examples} if self.classes else {})


class StillStatistics:
    """Inside, BatchNorm's running statistics stay: SAM's second pass is at weights that are left again."""

    def __init__(self, module: nn.Module) -> None:
        self.norms: list[tuple[Any, Any]] = [(norm, getattr(norm, "momentum", None)) for norm in moving_norms(module)]

    def __enter__(self) -> None:
        for norm, _ in self.norms:
            norm.momentum = 0.0

    def __exit__(self, *exception: object) -> None:
        for norm, momentum in self.norms:
            norm.momentum = momentum


def write_metrics(path: Path, rows: list[dict[str, float]]) -> None:
    """A JSON list of the rows, whole or not at all; null where a number is not known, 1e999 where it is infinite."""
    text = ",\n ".join(json.dumps({k: None if math.isnan(v) else v for k, v in row.items()}) for row in rows)
    text = text.replace("-Infinity", "-1e999").replace("Infinity", "1e999")
    try:
        write_whole(path, f"[\n {text}\n]\n".encode())
    except OSError as error:
        raise ProblemError(f"{path} cannot be written: {error.strerror}.") from error
