"""What a recorder costs training: the same steps with it and without, in turn, without probes.

The processor's time of training's own thread is compared: what training waits for where a core is free for the thread that writes,
whose time is told beside it. So is the time inside the recorder's calls alone, from its making to its end, which a busy machine
blurs less than the difference of two trainings. The disk is the temporary folder's.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
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
ROUNDS = 3
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
    own, beside, calls, step = [], [], [], 0.0
    deque(steps_of(training, x, y, None, []), maxlen=0)  # what a process does once
    files, size = 0, 0
    for _ in range(min(rounds, ROUNDS)):
        with tempfile.TemporaryDirectory() as folder:
            spent: list[float] = []
            plain, recorded, writing = side_by_side(training, x, y, Path(folder) / "run", spent)
            written = list((Path(folder) / "run").glob("*.safetensors"))
            files, size = len(written), written[0].stat().st_size
        own.append(recorded / plain)
        beside.append(writing / plain)
        calls.append((sum(spent) / (recorded - sum(spent)), statistics.median(spent)))
        step = plain / training.steps
    return {
        "name": name,
        "ratio_to_training": round(statistics.median(own), 4),
        "goal": GOAL,
        "share_in_calls": round(statistics.median(share for share, _ in calls), 4),
        "microseconds_per_call": round(1e6 * statistics.median(call for _, call in calls), 1),
        "share_beside": round(statistics.median(beside), 4),
        "milliseconds_per_step": round(1e3 * step, 3),
        "steps": training.steps,
        "checkpoints": files,
        "bytes_each": size,
    }


def side_by_side(training: Training, x: Tensor, y: Tensor, folder: Path, calls: list[float]) -> tuple[float, float, float]:
    """Seconds of this thread for all steps without a recorder, and with one from its making to its end, in turns of a few steps, so
    that a busy machine falls on both alike; and seconds of the thread that writes. calls: gets those of the recorder's calls."""
    runs = [steps_of(training, x, y, None, []), steps_of(training, x, y, folder, calls)]
    spent, whole = [0.0, 0.0], cpu_seconds()
    for turn in range(training.steps // TURN + 1):
        for which in (0, 1) if turn % 2 else (1, 0):
            start = time.thread_time()
            next(runs[which], None)
            spent[which] += time.thread_time() - start
    return spent[0], spent[1], cpu_seconds() - whole - sum(spent)


def steps_of(training: Training, x: Tensor, y: Tensor, folder: Path | None, calls: list[float]) -> Iterator[None]:
    """Training that stops for a moment every few steps."""
    torch.manual_seed(0)
    model = training.build()
    optimiser = training.optimiser(model.parameters())
    with spent_in(calls):
        recorder = Recorder(folder, model, optimiser) if folder is not None else None
    epoch = len(x) // training.batch
    for step in range(1, training.steps + 1):
        first = step % epoch * training.batch
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x[first : first + training.batch]), y[first : first + training.batch])
        loss.backward()
        optimiser.step()
        if recorder is not None:
            with spent_in(calls):
                recorder.step(loss=loss)
            if step % epoch == 0:
                with spent_in(calls):
                    recorder.epoch()
        if step % TURN == 0:
            yield
    if recorder is not None:
        with spent_in(calls):
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
        f"{result['share_in_calls']:.4f} of it in its calls ({result['microseconds_per_call']:.0f} us each), and "
        f"{result['share_beside']:.4f} in the thread that writes; {result['steps']:,} steps of "
        f"{result['milliseconds_per_step']:.2f} ms, {result['checkpoints']} checkpoints of {result['bytes_each'] / 1e3:.0f} kB",
        flush=True,
    )
