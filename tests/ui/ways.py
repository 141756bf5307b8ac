"""Hand-made paths between two models, and models on them, whose values are known."""

import threading
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from landscape_gui.connection_results import ConnectionResult, PathResult, WaypointResult
from landscape_gui.errors import QuestionError, StoreError
from landscape_gui.figure import Figure
from landscape_gui.probes.base import CheckpointRef, Cost, Probe, field
from landscape_gui.probes.path_numbers import numbers_of
from landscape_gui.probes.path_pictures import connection_figure
from landscape_gui.results import Provenance, Quantity, freeze

CHOICES = {"line": "straight", "bezier": "a curve", "chain": "a chain", "aligned": "permuted"}
HEIGHTS = {"line": 2.0, "bezier": 0.25, "chain": 0.5, "aligned": 1.0, "line, frozen": 3.0}
"""How high each path rises above the ends at t = 1/2 in training loss; the test loss rises twice as high."""


def path_of(name, *, points=5, complete=True, split="train"):
    """h 4 t (1 - t) above ends at 0.1, its error a tenth of the rise."""
    t = np.linspace(0, 1, points)
    bump = HEIGHTS[name] * 4 * t * (1 - t)
    quantities, errors = {}, {}
    for part, times in (("train", 1.0), ("test", 2.0)):
        loss, accuracy = 0.1 + times * bump, 1 / (1 + times * bump)
        for metric, values, unit in (("loss", loss, "nat"), ("accuracy", accuracy, "1")):
            key = f"{part}_{metric}"
            quantities[key] = Quantity(
                name=key, label=f"{part} {metric}", values=freeze(values), unit=unit, axes=("t",), examples=10
            )
            errors |= {
                f"{key}_{kind}": freeze(times * bump / 10) for kind in ("above_line", "above_mean", "above_first", "above_second")
            }
    length = 1.0 if name.startswith("line") else 1.5
    path = PathResult(
        name=name,
        label={"line": "straight line", "bezier": "Bezier curve, 1 bend"}.get(name, name),
        t=freeze(t),
        computed=freeze(np.ones(points), bool),
        quantities=quantities,
        arc=freeze(length * t),
        errors=errors,
        length=length,
        end_distance=1.0,
        training="" if name == "line" else "20 steps",
        complete=complete,
        split=split,
    )
    from dataclasses import replace

    return replace(path, numbers=numbers_of(path, split))


def connection(probe, *names, complete=True, split="train"):
    return ConnectionResult(
        names=("a", "b"),
        paths={name: path_of(name, split=split, complete=complete or name != names[-1]) for name in names},
        end_distance=1.0,
        classes=2,
        complete=complete,
        split=split,
        provenance=Provenance(probe="connect", key=f"{probe}"),
    )


@dataclass(frozen=True, kw_only=True)
class Paths(Probe):
    """What lies between two models, by hand."""

    name: ClassVar[str] = "connect"
    title: ClassVar[str] = "Connect"
    summary: ClassVar[str] = "Bumps"

    towards: CheckpointRef | None = field(None, label="Towards", help="The other model")
    path: tuple[str, ...] = field(("line",), label="Paths", help="Which paths", choices=CHOICES)
    split: str = field("", label="Data", help="Whose barrier")
    batchnorm: str = field("auto", label="BatchNorm", help="Statistics", choices={"auto": "", "frozen": "", "recalculated": ""})
    compare_batchnorm: bool = field(False, label="Compare", help="The gap")

    def cost(self, problem):
        return Cost(points=5, examples=10, seconds=1.0)

    def figure(self, result, look) -> Figure:
        return connection_figure(result, look)


class Trainer:
    """Answers `Paths`: one path after another; the last is being trained until `open` is set."""

    def __init__(self):
        self.open = threading.Event()
        self.open.set()
        self.asked = []

    def __call__(self, probe, problem, *, on_progress, cancelled):
        from landscape_gui.probes.base import Progress

        self.asked.append(probe)
        names = [*probe.path, *(["line, frozen"] if probe.compare_batchnorm else [])]
        on_progress(Progress(done=1, total=2, partial=connection(probe, *names, complete=False)))
        while not self.open.wait(0.002):
            if cancelled():
                return connection(probe, *names, complete=False)
        return connection(probe, *names)


def waypoint(path, t, loss):
    """Two classes of two examples; what is predicted moves from the first end's to the second's at t = 1/2."""
    first, second = [0, 0, 1, 1], [0, 1, 1, 0]
    predicted = first if t < 0.5 else second
    share = [np.mean([p == k for p, target in zip(predicted, [0, 0, 1, 1], strict=True) if target == k]) for k in (0, 1)]
    return WaypointResult(
        t=t,
        path=path,
        split="test",
        quantities={
            "train_loss": Quantity(
                name="train_loss", label="training loss", values=freeze(loss), standard_error=freeze(0.1), unit="nat"
            ),
            "test_accuracy": Quantity(name="test_accuracy", label="test accuracy", values=freeze(0.5), unit="1"),
        },
        targets=freeze([0, 0, 1, 1], int),
        predicted=freeze(predicted, int),
        predicted_first=freeze(first, int),
        predicted_second=freeze(second, int),
        per_class=freeze(share),
        per_class_first=freeze([1.0, 1.0]),
        per_class_second=freeze([0.5, 0.5]),
        class_examples=freeze([2, 2], int),
    )


class Models:
    """The models on a path; rough: a quick look takes a part of the data, and says so by a loss of 7; slow: a look at all of them
    goes on until this is set."""

    def __init__(self, path, *, rough=False, gate=None, slow=None):
        self.path, self.rough, self.gate, self.slow, self.asked, self.begun = path, rough, gate, slow, [], []

    def quick(self):
        return Quick(self) if self.rough else self

    def __call__(self, t):
        self.asked.append(t)
        if self.gate is not None:
            self.gate.wait(5)
        return waypoint(self.path, t, 1 + t)

    def steps(self, t):
        self.begun.append(t)
        yield 0.5
        while self.slow is not None and not self.slow.is_set():
            time.sleep(0.002)
            yield 0.6
        return self(t)

    def save(self, t, path):
        with open(path, "w") as file:
            file.write(f"{self.path} at {t}")


class Quick:
    def __init__(self, models):
        self.models = models

    def __call__(self, t):
        return waypoint(self.models.path, t, 7.0)


class Ways:
    """The service: models by path, made once each; "chain" is lost."""

    def __init__(self, **how):
        self.how, self.made = how, {}

    def __call__(self, probe, problem, path):
        if path == "chain":
            raise StoreError("The curve is not in the store any more.", remedy="Ask again.")
        if path not in CHOICES:
            raise QuestionError(f"No {path}.", remedy="")
        self.made[path] = Models(path, **self.how)
        return self.made[path]
