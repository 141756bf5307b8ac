"""Models that can be connected, for the window without torch: two fit together, a third is wider, a fourth is a copy."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from landscape_gui.errors import CheckpointError, ProblemError
from landscape_gui.figure import Axis, Figure, Line, Panel
from landscape_gui.probes.base import CheckpointRef, Cost, Probe, field
from landscape_gui.results import AxesReport, LineResult, Provenance, Quantity, freeze

WIDTHS = {"wide": 32}
"""Units of the hidden layer, by the first letters of a file's name; 16 of all others."""


@dataclass(frozen=True, kw_only=True)
class Between(Probe):
    """What lies between two models: here nothing but zeros."""

    name: ClassVar[str] = "connect"
    title: ClassVar[str] = "Connect"
    summary: ClassVar[str] = "Zeros"

    towards: CheckpointRef | None = field(None, label="Towards", help="The other model")

    def cost(self, problem):
        return Cost(points=3, examples=10, seconds=1.0)

    def figure(self, result, look):
        line = Line(x=result.x, y=result.quantities["train_loss"].values, label="zeros")
        return Figure(panels=(Panel(marks=(line,), view="chart", x=Axis(label="t")),))


@dataclass(frozen=True, kw_only=True)
class Among(Between):
    """The same for more than two."""

    name: ClassVar[str] = "barriers"
    title: ClassVar[str] = "Barriers"

    others: tuple[CheckpointRef, ...] = field((), label="Others", help="The other models", hidden=True)


def zeros(probe, problem, *, on_progress, cancelled):
    """An answer at once."""
    values = freeze(np.zeros(3))
    return LineResult(
        x=freeze([0.0, 0.5, 1.0]),
        quantities={"train_loss": Quantity(name="train_loss", label="training loss", values=values)},
        computed=freeze([True] * 3, bool),
        axes=AxesReport(kind="towards", labels=("",), norms=freeze([1.0]), cosines=freeze([[1.0]])),
        provenance=Provenance(probe=probe.name, key=f"{problem.title} {probe}"),
    )


def width_of(path):
    return next((w for start, w in WIDTHS.items() if Path(path).name.startswith(start)), 16)


def digest_of(path):
    """Of the first word of a file's name, so that "a.pt" and "a copy.pt" hold the same weights."""
    return f"{Path(path).stem.split()[0]:0<32}"


def reference_of(own, path):
    if "lost" in str(path):
        raise CheckpointError(f"{path} is not there.", remedy="Choose another.")
    if width_of(path) != width_of(own):
        raise ProblemError(f"{path}: fc1.weight is of another shape.", remedy="Choose one of the same architecture.")
    return CheckpointRef(str(path), digest_of(path), Path(path).stem)


def net(path, run=()):
    """A problem with one hidden layer, whose run holds these checkpoints."""
    width = width_of(path)
    segments = (SimpleNamespace(name="fc1.weight", shape=(width, 64)), SimpleNamespace(name="fc2.weight", shape=(10, width)))
    entries = [SimpleNamespace(path=Path(p), label=Path(p).stem) for p in run]
    return SimpleNamespace(
        title=Path(path).stem,
        fingerprint=digest_of(path),
        checkpoint=SimpleNamespace(epoch=None, digest=digest_of(path), path=Path(path)),
        run=SimpleNamespace(checkpoints=entries) if entries else None,
        layout=SimpleNamespace(parameters=80 * width, layers=lambda: (("fc1", ()), ("fc2", ())), segments=segments),
        splits={"train": 100, "test": 40},
        defaults={"probe": "connect"},
        description={},
        at_checkpoint=lambda: {"train_loss": 0.1},
        warnings=lambda: (),
        reference=lambda other: reference_of(path, other),
        at=lambda reference: net(reference.path),
    )


def opener(path, *, trusted, code=None):
    if "broken" in path:
        raise CheckpointError(f"{path} is no checkpoint.", remedy="Open a .pt file.")
    return net(path, ["run/epoch1.pt", "run/epoch2.pt"] if "run" in path else ())
