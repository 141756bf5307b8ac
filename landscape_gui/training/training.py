"""The training itself: epochs of mini-batches, what is measured after them, recorded as it goes; gone on with where it stopped."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from landscape_gui.core.batchnorm import moving_norms
from landscape_gui.core.losses import HEADS, LossHead
from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.problem import draw
from landscape_gui.problem.settings import choose_device, own_randomness
from landscape_gui.recorder import Recorder, Summary
from landscape_gui.recorder.going_on import Kept, go_back, restore, write_after
from landscape_gui.training.data import copy_data, for_loss
from landscape_gui.training.epochs import METRICS, write_epochs
from landscape_gui.training.examples import Examples
from landscape_gui.training.folder import alone
from landscape_gui.training.judging import Interrupted, judge
from landscape_gui.training.networks import make_network
from landscape_gui.training.optimisers import SAM, make_optimiser
from landscape_gui.training.recipe import Recipe
from landscape_gui.training.state import STATE, State, check, check_length, copied, load_optimiser, numbers_of, read_state

PROBES = ("grad_norm", "lambda_max", "directional_sharpness")
WRITTEN_SECONDS = 2.0
"""Between two writings of `epochs.json`, which is written whole."""
SHOWN_SECONDS = 0.1
KEPT_SECONDS = 10.0
"""Of training that a kill may lose."""
KEPT_SHARE = 50
"""The state is written at most so seldom that it takes a fiftieth of the time."""
LOOKED_AT = 50
"""Steps between two looks whether the loss is a number."""
TESTS = ("test", "val", "valid", "validation")

End = Literal["done", "interrupted", "diverged"]


@dataclass(frozen=True)
class Progress:
    """done of all steps; epoch, and the numbers measured last."""

    done: int
    total: int
    epoch: int
    values: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """rows: a mapping for each epoch that was measured, "epoch" and METRICS, NaN where not; end: how it ended; step, epochs: where;
    begun: the step from which it went on, or 0."""

    folder: Path
    rows: tuple[dict[str, float], ...]
    summary: Summary
    end: End
    step: int
    epoch: int
    begun: int = 0

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before the last step."""
        return self.end == "interrupted"


@dataclass(frozen=True)
class Network:
    """A network that is trained as it is handed over. architecture: on a card, where it is known."""

    module: nn.Module
    architecture: Mapping[str, Any] = field(default_factory=dict)


def train(
    recipe: Recipe,
    data: Data,
    folder: str | os.PathLike[str],
    *,
    entry: Mapping[str, Any] | None = None,
    network: Network | None = None,
    title: str = "",
    device: str = "cpu",
    source: Mapping[str, Any] | None = None,
    resume: bool = False,
    keep_seconds: float = KEPT_SECONDS,
    interrupted: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] = lambda state: None,
) -> Trained:
    """Train a network on data into a folder: its checkpoints, log and card as of Recorder, `epochs.json` and `training.state`.

    The same recipe, data, device and number of threads give the same bits, however often training was stopped, or killed, and gone
    on with by `resume`. The folder has no run yet, or with `resume` the one that goes on: its recipe may differ in how long it is
    where its learning rate is constant. Global random generators stay as they are.

    entry: the data on a card, None or {} for a copy of them in the folder. network: in place of the recipe's family. title: on the
    card. device: as of `choose_device`. source: kept in the state. keep_seconds: of training that a kill may lose at most, longer
    where the state takes long to write. interrupted: asked at every step; what was trained until then is kept. progress: called ten
    times a second at most, and after every measurement. Training ends where the weights are no numbers any more.

    Raises ProblemError, RecorderError.
    """
    place, chosen = Path(folder), choose_device(device)
    fitting, loss, changed = for_loss(data, recipe.loss)
    made = network or Network(*make_network(recipe, data))
    module = made.module.to(chosen).train()
    state = state_to_go_on_from(place) if resume else None
    if state is not None:
        check(state, place, recipe=recipe, digest=data.digest, network=made.architecture, module=module)
        check_length(state, place, recipe, data.splits[0].examples)
    with alone(place), own_randomness(recipe.seed), same_kernels(chosen):
        about: dict[str, Any] = {"loss": loss, "digest": data.digest, "network": dict(made.architecture)}
        about |= {"source": dict(source or {}), "device": device, "threads": torch.get_num_threads()}
        running = Running(recipe, fitting, module, chosen, about, classes=changed or loss == "cross_entropy")
        running.keep_seconds = keep_seconds
        if state is not None:
            running.go_back(state)
            go_back(place, state.recorder)
        with running.recorder(place, state) as recorder:
            named = None if state is not None else entry if entry and not changed else copy_data(fitting, place)
            recorder.describe(
                title=title, architecture=made.architecture, data=named, loss=loss, **settings(recipe, running, device)
            )
            end = running.go(recorder, interrupted, progress)
            write_epochs(place, running.rows)
            if running.measured_at == running.done:
                recorder.describe(metrics={k: v for k, v in running.judged.items() if math.isfinite(v)})
    summary = recorder.summary()
    assert summary is not None
    begun = 0 if state is None else state.done
    return Trained(place, tuple(running.rows), summary, end, running.done, running.epoch, begun)


def state_to_go_on_from(folder: Path) -> State:
    state = read_state(folder)
    if state is None:
        raise ProblemError(
            f"{folder} has no {STATE}, so that nothing says how its training was to go on.",
            remedy="Train from the start, into another folder.",
        )
    return state


def settings(recipe: Recipe, running: Running, device: str) -> dict[str, Any]:
    """What the card's `training` says beside what the recorder knows."""
    kind = torch.cuda.get_device_name(running.device) if running.device.type == "cuda" else ""
    found: dict[str, Any] = {"batch_size": running.examples.batch, "seed": recipe.seed, "schedule": recipe.schedule}
    found |= {"epochs": running.epochs, "device": f"{running.device} ({kind})" if kind else str(running.device)}
    return found | {"recipe": recipe.said()}


@contextmanager
def same_kernels(device: torch.device) -> Iterator[None]:
    """Inside, cuDNN takes algorithms that give the same bits each time."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = before or device.type == "cuda"
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


class Running:
    """One training under way. about: what its state says of it that does not change."""

    def __init__(
        self, recipe: Recipe, data: Data, module: nn.Module, device: torch.device, about: dict[str, Any], *, classes: bool
    ) -> None:
        self.recipe, self.module, self.device, self.about, self.classes = recipe, module, device, about, classes
        self.loss: str = about["loss"]
        self.head: LossHead = HEADS[self.loss]
        self.train = data.splits[0]
        self.test = next((s for name in TESTS for s in data.splits[1:] if s.name == name), None)
        self.examples = Examples(self.train, recipe.batch, recipe.seed, device)
        count = self.train.examples
        self.epochs, self.total, self.stride = recipe.length(count), recipe.total(count), recipe.stride(count)
        self.optimiser = make_optimiser(recipe, module)
        self.epoch = self.place = self.done = 0
        self.measured_at = -1
        self.rows: list[dict[str, float]] = []
        self.judged: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.seen: dict[str, float] | None = None
        self.written = self.shown = self.kept = -math.inf
        self.keep_seconds, self.keeping = KEPT_SECONDS, 0.0

    def recorder(self, folder: Path, state: State | None) -> Recorder:
        part = draw(self.train, self.recipe.probe_examples, self.recipe.seed)
        made = Recorder(
            folder,
            self.module,
            self.optimiser,
            keep=self.recipe.keep or None,
            probes=PROBES if self.recipe.geometry else (),
            data=(part.inputs, part.targets) if self.recipe.geometry else None,
            criterion=self.loss,
            probe_examples=part.examples,
            seed=self.recipe.seed,
            resume=state is not None,
        )
        if state is not None:
            restore(made, state.recorder)
        return made

    def go(self, recorder: Recorder, interrupted: Callable[[], bool], progress: Callable[[Progress], None]) -> End:
        """All that is left of training; how it ended."""
        if self.done:
            self.set_rate(self.done - 1)
            self.show(progress, now=True)
        try:
            if self.epoch == 0:
                self.measure(recorder, interrupted, progress)
                self.next_epoch(recorder)
            while True:
                broken = self.go_through_epoch(recorder, interrupted, progress)
                over = broken or self.done == self.total
                if over and not broken:
                    self.keep(recorder, wait=True)  # before it is measured as the last: where training is made longer, it is not
                if over or self.epoch % self.stride == 0:
                    self.measure(recorder, interrupted, progress)
                if over:
                    return "diverged" if broken else "done"
                self.next_epoch(recorder)
        except Interrupted:
            if self.epoch:
                self.keep(recorder, wait=True)
            return "interrupted"

    def go_through_epoch(self, recorder: Recorder, interrupted: Callable[[], bool], progress: Callable[[Progress], None]) -> bool:
        """The steps that are left of the epoch; True: it is broken off, as the weights are no numbers any more."""
        loss: Tensor | None = None
        for batch in self.examples.batches(self.place):
            if self.done == self.total:
                break
            if interrupted():
                raise Interrupted
            if self.is_due():
                self.keep(recorder)
            loss = self.step(batch)
            recorder.step(loss=loss)
            self.done, self.place = self.done + 1, self.place + 1
            self.show(progress)
            if self.done % LOOKED_AT == 0 and self.is_broken(loss):
                return True
        return loss is not None and self.is_broken(loss)

    def next_epoch(self, recorder: Recorder) -> None:
        self.epoch, self.place = self.epoch + 1, 0
        self.examples.next_epoch()
        if self.is_due():
            self.keep(recorder)

    def step(self, batch: Tensor | None) -> Tensor:
        """One step of the optimiser at the schedule's rate; the loss before it."""
        self.set_rate(self.done)
        x, y = self.examples.of(batch)
        loss = self.backward(x, y)
        if isinstance(self.optimiser, SAM):
            self.optimiser.ascend()
            with StillStatistics(self.module):
                self.backward(x, y)
        self.optimiser.step()
        return loss

    def set_rate(self, step: int) -> None:
        """The schedule's learning rate at the step after so many."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate(step / max(1, self.total))

    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        self.optimiser.zero_grad()
        output = self.module(x)
        loss = nn.functional.cross_entropy(output, y) if self.loss == "cross_entropy" else nn.functional.mse_loss(output, y)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def is_broken(self, loss: Tensor) -> bool:
        """Whether a weight is NaN or infinite, which no step mends; looked at where the loss is."""
        return not math.isfinite(float(loss)) and not all(bool(p.isfinite().all()) for p in self.module.parameters())

    def measure(self, recorder: Recorder, interrupted: Callable[[], bool], progress: Callable[[Progress], None]) -> None:
        """Judge both splits and let the recorder measure; a row for the log and one of `epochs.json`. Raises Interrupted."""
        judged: dict[str, float] = {}
        for name, split in (("train", self.train), ("test", self.test)):
            if split is not None:
                judged |= judge(
                    self.module, split, self.head, name=name, classes=self.classes, device=self.device, interrupted=interrupted
                )
        recorder.epoch(self.epoch, **judged)
        found = {} if recorder.measured is self.seen else recorder.measured  # probes that failed are switched off
        self.seen = recorder.measured
        self.judged, self.measured_at, self.last = judged, self.done, {**judged, **found}
        self.rows.append({"epoch": self.epoch, **{name: self.last.get(name, math.nan) for name in METRICS}})
        if time.monotonic() - self.written > WRITTEN_SECONDS:
            write_epochs(recorder.folder, self.rows)
            self.written = time.monotonic()
        self.show(progress, now=True)

    def show(self, progress: Callable[[Progress], None], *, now: bool = False) -> None:
        if now or time.monotonic() - self.shown > SHOWN_SECONDS:
            self.shown = time.monotonic()
            progress(Progress(self.done, self.total, self.epoch, self.last))

    def is_due(self) -> bool:
        """Whether the state is to be written again."""
        return time.monotonic() - self.kept >= (self.keep_seconds and max(self.keep_seconds, KEPT_SHARE * self.keeping))

    def keep(self, recorder: Recorder, *, wait: bool = False) -> None:
        """Write the state, in the recorder's own thread, behind what was recorded until now. wait: whatever else waits there."""
        began = time.monotonic()
        numbers, tensors = numbers_of(self.optimiser)
        tensors = {f"optimiser/{name}": tensor for name, tensor in tensors.items()}
        tensors |= {f"network/{name}": copied(tensor) for name, tensor in self.module.state_dict().items()}
        tensors |= {f"random/{name}": tensor for name, tensor in self.generators().items()}
        counts = {"epoch": self.epoch, "place": self.place, "done": self.done}
        said = {**self.about, **counts, "recipe": self.recipe, "rows": list(self.rows), "optimiser": numbers}
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())

        def content(kept: Kept) -> bytes:
            found = State(**said, recorder=kept, tensors=tensors).content()
            self.keeping = time.monotonic() - began
            return found

        if write_after(recorder, STATE, content, size, wait=wait):
            self.kept = time.monotonic()

    def generators(self) -> dict[str, Tensor]:
        found = {"torch": torch.get_rng_state(), "order": self.examples.order}
        return found | ({"cuda": torch.cuda.get_rng_state(self.device)} if self.device.type == "cuda" else {})

    def go_back(self, state: State) -> None:
        """To where the state is of."""
        self.module.load_state_dict(state.part("network"))
        load_optimiser(self.optimiser, state)
        random = state.part("random")
        torch.set_rng_state(random["torch"])
        if self.device.type == "cuda" and "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"], self.device)
        self.examples.go_back(random["order"])
        self.epoch, self.place, self.done = state.epoch, state.place, state.done
        self.rows = [dict(row) for row in state.rows]
        self.kept = time.monotonic()


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
