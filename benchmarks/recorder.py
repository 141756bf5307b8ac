"""What a recorder costs training: the same steps with it and without, in turn, without probes.

`ratio_to_training` compares the processor's time of training's own thread, `ratio_of_walls` what a clock says: they agree where a
core is free for the thread that writes, whose time is told beside them, and a busy machine blurs the clock's. The time inside the
recorder's calls alone, from its making to its end, is taken in a round of its own, since asking for it costs as much as a call. The
disk is the temporary folder's.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from landscape_gui.recorder import Recorder
from torch import Tensor, nn

from timing import cpu_seconds

GOAL = 1.02
EXAMPLES = 16384
ROUNDS = 5
TURN = 25
"""Steps of either training at a time."""


@dataclass(frozen=True)
class Training:
    """A network, its optimiser and how many steps of a batch are timed."""

    build: Callable[[], nn.Module]
    optimiser: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    batch: int
    steps: int


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn() -> nn.Module:
    def block(before: int, after: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 5, padding=2), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]

    return nn.Sequential(*block(1, 8), *block(8, 16), nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


TRAININGS = {
    "recorder.mlp": Training(mlp, lambda p: torch.optim.Adam(p, lr=1e-3), 128, 2000),
    "recorder.cnn": Training(cnn, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9), 64, 500),
}
NAMES = tuple(TRAININGS)


def measure(rounds: int, *, only: tuple[str, ...] = NAMES) -> list[dict[str, Any]]:
    """A figure for each training: median over rounds of the time with a recorder over the time without, in the same round."""
    return [one(name, TRAININGS[name], rounds) for name in only]


def one(name: str, training: Training, rounds: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(EXAMPLES, 1, 28, 28, generator=generator), torch.randint(0, 10, (EXAMPLES,), generator=generator)
    deque(steps_of(training, x, y, None), maxlen=0)  # what a process does once
    found: list[Round] = []
    for number in range(min(rounds, ROUNDS)):
        with tempfile.TemporaryDirectory() as folder:
            found.append(side_by_side(training, x, y, Path(folder) / "run", number))
            written = list((Path(folder) / "run").glob("*.safetensors"))
            files, size = len(written), written[0].stat().st_size
    calls: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        start = time.thread_time()
        deque(steps_of(training, x, y, Path(folder) / "run", calls), maxlen=0)
        spent = time.thread_time() - start
    return {
        "name": name,
        "ratio_to_training": round(statistics.median(each.recorded / each.plain for each in found), 4),
        "goal": GOAL,
        "ratio_of_walls": round(statistics.median(each.wall for each in found), 4),
        "share_in_calls": round(sum(calls) / (spent - sum(calls)), 4),
        "microseconds_per_call": round(1e6 * statistics.median(calls), 1),
        "share_beside": round(statistics.median(each.writing / each.plain for each in found), 4),
        "milliseconds_per_step": round(1e3 * statistics.median(each.plain for each in found) / training.steps, 3),
        "steps": training.steps,
        "checkpoints": files,
        "bytes_each": size,
    }


@dataclass(frozen=True)
class Round:
    """Seconds of training's thread without a recorder, and with one from its making to its end; of the thread that writes; and the
    clock's ratio of the two."""

    plain: float
    recorded: float
    writing: float
    wall: float


def side_by_side(training: Training, x: Tensor, y: Tensor, folder: Path, number: int) -> Round:
    """All steps without a recorder and with one, in turns of a few steps, so that a busy machine falls on both alike. number: of
    the round; in every other one the other network is made first, which decides where it lies in memory."""
    runs = [steps_of(training, x, y, None), steps_of(training, x, y, folder)]
    spent, walls, whole = [0.0, 0.0], [0.0, 0.0], cpu_seconds()
    for turn in range(training.steps // TURN + 1):
        for which in (0, 1) if (turn + number) % 2 else (1, 0):
            start, at = time.thread_time(), time.perf_counter()
            next(runs[which], None)
            spent[which] += time.thread_time() - start
            walls[which] += time.perf_counter() - at
    return Round(spent[0], spent[1], cpu_seconds() - whole - sum(spent), walls[1] / walls[0])


def steps_of(training: Training, x: Tensor, y: Tensor, folder: Path | None, calls: list[float] | None = None) -> Iterator[None]:
    """Training that stops for a moment every few steps. calls: gets the seconds of each of the recorder's calls."""
    torch.manual_seed(0)
    model = training.build()
    optimiser = training.optimiser(model.parameters())
    timed = nullcontext() if calls is None else spent_in(calls)
    with timed:
        recorder = Recorder(folder, model, optimiser) if folder is not None else None
    epoch = len(x) // training.batch
    for step in range(1, training.steps + 1):
        first = step % epoch * training.batch
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x[first : first + training.batch]), y[first : first + training.batch])
        loss.backward()
        optimiser.step()
        if recorder is not None and calls is None:
            recorder.step(loss=loss)
        elif recorder is not None:
            with timed:
                recorder.step(loss=loss)
        if recorder is not None and step % epoch == 0:
            with timed:
                recorder.epoch()
        if step % TURN == 0:
            yield
    if recorder is not None:
        with timed:
            recorder.close()


class spent_in:
    """Adds the seconds of this thread that its block takes to a list."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        self.start = time.thread_time()

    def __exit__(self, *_: object) -> None:
        self.seconds.append(time.thread_time() - self.start)


def report(result: dict[str, Any]) -> None:
    print(
        f"{result['name']:22s} {result['ratio_to_training']:.4f} of the time without (goal {result['goal']:.2f}), "
        f"{result['ratio_of_walls']:.4f} by the clock, {result['share_in_calls']:.4f} of it in its calls "
        f"({result['microseconds_per_call']:.0f} us each), and {result['share_beside']:.4f} in the thread that writes; "
        f"{result['steps']:,} steps of {result['milliseconds_per_step']:.2f} ms, "
        f"{result['checkpoints']} checkpoints of {result['bytes_each'] / 1e3:.0f} kB",
        flush=True,
    )
