"""Questions, problems and answers for the window without torch: a bowl whose values are known."""

import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from landscape_gui.errors import CheckpointError, TrustNeeded
from landscape_gui.probes.base import Cost, Probe, Progress, field
from landscape_gui.probes.pictures import surface_figure
from landscape_gui.results import AxesReport, Provenance, Quantity, SurfaceResult, freeze


def bowl(nx: int, ny: int, rows: int | None = None, *, probe: "Bowl | None" = None) -> SurfaceResult:
    """x^2 + 3 y^2 + 0.1 on [-1, 1]^2, its first `rows` rows computed."""
    x, y = np.linspace(-1, 1, nx), np.linspace(-1, 1, ny)
    z = x[None] ** 2 + 3 * y[:, None] ** 2 + 0.1
    computed = np.arange(ny)[:, None] < (ny if rows is None else rows)
    computed = np.broadcast_to(computed, z.shape)
    loss = np.where(computed, z, np.nan)
    quantities = {
        "train_loss": Quantity(
            name="train_loss",
            label="training loss",
            values=freeze(loss),
            standard_error=freeze(loss / 10),
            unit="nat",
            axes=("y", "x"),
            examples=100,
        ),
        "train_accuracy": Quantity(
            name="train_accuracy", label="training accuracy", values=freeze(1 / (1 + loss)), unit="1", axes=("y", "x"), examples=100
        ),
    }
    axes = AxesReport(kind="filter", labels=("direction 1", "direction 2"), norms=freeze([1.0, 1.0]), cosines=freeze(np.eye(2)))
    question = {"steps": [nx, ny], "seed": probe.seed} if probe is not None else {}
    return SurfaceResult(
        x=freeze(x),
        y=freeze(y),
        quantities=quantities,
        computed=freeze(computed, bool),
        axes=axes,
        seeds=(0,),
        provenance=Provenance(probe="surface", key=f"{nx}x{ny}", question=question),
    )


@dataclass(frozen=True, kw_only=True)
class Bowl(Probe):
    """A question whose answer is known; `steps` rows, one after another, as fast as `gate` lets them."""

    name: ClassVar[str] = "surface"
    title: ClassVar[str] = "Loss surface"
    summary: ClassVar[str] = "A bowl"

    steps: tuple[int, int] = field((21, 11), label="Steps", help="Points along x and y", minimum=2, maximum=400)
    span: tuple[float, ...] = field((), label="Span", help="How far")
    seed: int = field(0, label="Seed", help="Of nothing", minimum=0, maximum=2**63 - 1)
    fails: bool = field(False, label="Fails", help="Raises in the middle", advanced=True)

    def cost(self, problem):
        return Cost(points=self.steps[0] * self.steps[1], examples=100, seconds=14.0)

    def figure(self, result, look):
        return surface_figure(result, look)


class Gate:
    """Lets the answerer work row by row: open for all, or counted."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.rows = 0
        self.asked: list[Probe] = []

    def answer(self, probe, problem, *, on_progress, cancelled):
        self.asked.append(probe)
        nx, ny = probe.steps
        for row in range(ny):
            while not self.open.is_set() and not cancelled():
                time.sleep(0.002)
            if cancelled():
                return bowl(nx, ny, row, probe=probe)
            if probe.fails and row == 3:
                raise ZeroDivisionError("in the middle")
            self.rows = row + 1
            on_progress(Progress(done=row + 1, total=ny, partial=bowl(nx, ny, row + 1, probe=probe)))
            if not self.open.is_set():
                time.sleep(0.002)
        return bowl(nx, ny, probe=probe)


def make_problem(path: str):
    layout = SimpleNamespace(parameters=28938, layers=lambda: (("fc1", ()), ("fc2", ())))
    return SimpleNamespace(
        title=f"net of {path}",
        fingerprint="f" * 32,
        checkpoint=SimpleNamespace(epoch=30.0),
        run=None,
        layout=layout,
        splits={"train": 100, "test": 40},
        defaults={"steps": [21, 11]},
        description={},
        at_checkpoint=lambda: {"train_loss": 0.1, "test_accuracy": 0.102},
        warnings=lambda: ("Accuracy 10.2 %: chance. Wrong architecture or normalisation?",),
    )


def opener(path, *, trusted, code=None):
    if "broken" in path:
        raise CheckpointError(f"{path} is no checkpoint.", remedy="Open a .pt or .safetensors file.")
    if "code" in path and not trusted("d" * 64):
        raise TrustNeeded("landscape.py", "def model():\n    return Net()\n", "d" * 64)
    return make_problem(path)


def shown_whole(session) -> bool:
    return session.shown is not None and not session.shown.partial
