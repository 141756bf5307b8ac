"""What a session holds: opened files, questions under way, what is shown, what is said. Plain data; only the session changes it."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from landscape_gui.composition.file import SUFFIX
from landscape_gui.connection_results import PathPlaneResult
from landscape_gui.errors import LandscapeError
from landscape_gui.probes.base import Probe, Progress
from landscape_gui.results import Quantity, Result, SurfaceResult, TrajectoryResult
from landscape_gui.topology_results import TopologyResult
from landscape_gui.training_results import DescentsResult

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A sentence for the bar at the top: what and where, then what to do; `details` are for copying."""

    level: Literal["info", "warning", "error"]
    text: str
    remedy: str = ""
    details: str = ""
    reveal: str = ""
    """A file that can be shown in its folder."""


def message_of(error: BaseException, *, where: str = "") -> Message:
    """The sentence for an error. A foreseen one speaks for itself; another is named, and its traceback kept for copying."""
    import traceback

    details = "".join(traceback.format_exception(error))
    if isinstance(error, LandscapeError):
        return Message(level="error", text=error.message, remedy=error.remedy, details=details)
    words = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {words[0]}" if words else type(error).__name__
    return Message(
        level="error",
        text=f"{where + ': ' if where else ''}{text.rstrip('.')}.",
        remedy="This was not foreseen. The details can be copied for a report.",
        details=details,
    )


@dataclass(eq=False)
class Answer:
    """An answer that is known: one of the store's, or one read from a file (`result` is then there)."""

    key: str
    probe: str
    title: str
    created: str = ""
    detail: str = ""
    result: Result | None = None


@dataclass(eq=False)
class Document:
    """Something opened: a checkpoint or run with its problem, or an answer's file without one."""

    path: str
    state: Literal["opening", "waiting", "ready", "failed"] = "opening"
    """waiting: for the first checkpoint of a run that only begins."""
    problem: Any = None
    facts: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    answers: list[Answer] = field(default_factory=list)
    number: int = field(default_factory=lambda: next(_numbers))
    asks: bool = True
    """The default question is asked when it is ready."""
    before: Document | None = None
    """What was named before it in the same breath: that asks in its stead where it does not open."""
    alone: bool = False
    """It belongs to no run, whatever its problem was made from."""
    composed: Any = None
    """A figure of several answers (`composed.Composed`), in place of a problem."""

    @property
    def name(self) -> str:
        if self.problem is not None:
            return Path(self.path).stem if self.alone else str(self.problem.title)
        if self.path.startswith("samples:"):
            return self.path.removeprefix("samples:")
        return Path(self.path).name.removesuffix(SUFFIX) or self.path

    @property
    def is_answer(self) -> bool:
        return self.problem is None and bool(self.answers)

    @property
    def is_model(self) -> bool:
        """Whether there are, or will be, weights."""
        return not self.is_answer and self.composed is None and self.state != "failed"

    @property
    def fingerprint(self) -> str:
        return str(self.problem.fingerprint) if self.problem is not None else ""

    @property
    def summary(self) -> str:
        """One line: epoch, loss, accuracy, parameters; whichever are known."""
        if self.state == "opening":
            return "opening …"
        if self.state == "waiting":
            return "waiting for the first checkpoint"
        if self.composed is not None:
            count = len(self.composed.composition.cells)
            return f"figure · {count} panel{'s' if count != 1 else ''}{' · not saved' if self.composed.changed else ''}"
        if self.problem is None:
            return without_model(self.answers[0]) if self.answers else "could not be opened"
        parts = []
        epoch = getattr(self.problem.checkpoint, "epoch", None)
        if epoch is not None and f"epoch {epoch:g}" not in self.name:
            parts.append(f"epoch {epoch:g}")
        parts += headline(self.facts)
        count = parameters(self.problem)
        if count:
            parts.append(f"{short_count(count)} parameters")
        return " · ".join(parts)


def without_model(answer: Answer) -> str:
    """Of an answer in a file: that its model is not there; of another program's, what it is and whose."""
    told = answer.result.provenance.problem.get("read_from") if answer.result is not None else None
    if not isinstance(told, Mapping):
        return "an answer, without its model"
    kind = READ.get(answer.probe, answer.probe.replace("-", " "))
    return f"{kind} · {told.get('format', '')}"


READ = {"connect": "curve", "path-plane": "plane with a curve", "dynamics": "training dynamics"}
"""What an answer that was read from another program's file is called, where not as its kind."""


def parameters(problem: Any) -> int:
    """How many scalars are parameters; 0 where the problem does not say."""
    layout = getattr(problem, "layout", None)
    return int(getattr(layout, "parameters", 0) or 0)


def headline(facts: Mapping[str, float]) -> list[str]:
    """Loss of the first split and accuracy of the last: what one looks for first."""
    losses = [k for k in facts if k.endswith("_loss")]
    accuracies = [k for k in facts if k.endswith("_accuracy")]
    parts = [f"loss {facts[losses[0]]:.3g}"] if losses else []
    if accuracies:
        split = accuracies[-1].removesuffix("_accuracy")
        parts.append(f"{split} accuracy {facts[accuracies[-1]] * 100:.1f} %")
    return parts


def short_count(count: int) -> str:
    """12,810 as "12.8 k"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)


@dataclass(eq=False)
class Inquiry:
    """A question put to a document, from waiting to done."""

    probe: Probe
    document: Document
    state: Literal["waiting", "running", "cancelling", "done", "cancelled", "failed"] = "waiting"
    done: float = 0.0
    total: float = 0.0
    note: str = ""
    started: float = 0.0
    seconds: float = 0.0
    error: BaseException | None = None
    result: Result | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    put_off: bool = False
    """It stops for another question and is put again behind it."""
    number: int = field(default_factory=lambda: next(_numbers))
    about: str = ""
    """What the document was called when it was asked."""

    def __post_init__(self) -> None:
        self.about = self.about or self.document.name

    @property
    def title(self) -> str:
        return f"{self.probe.title} · {self.about}"

    @property
    def live(self) -> bool:
        return self.state in ("waiting", "running", "cancelling")

    @property
    def share(self) -> float:
        """Part of the work done, 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0

    def left(self) -> float:
        """Seconds left, from the pace so far; NaN while that says nothing yet."""
        elapsed = time.monotonic() - self.started
        if self.state != "running" or self.share < 0.01 or elapsed < 0.3:
            return math.nan
        return elapsed * (1 - self.share) / self.share


@dataclass(frozen=True)
class Began:
    """News from the thread: it has begun with a question."""

    inquiry: Inquiry


@dataclass(frozen=True)
class Stopped:
    """News from the thread: it has seen that a question was cancelled; keeping what is known may still take a moment."""

    inquiry: Inquiry


@dataclass(frozen=True)
class Advanced:
    """News from the thread: a question went on."""

    inquiry: Inquiry
    progress: Progress


def duration(seconds: float) -> str:
    """14 s, 2 min 5 s, 1 h 10 min; "" for NaN."""
    if not math.isfinite(seconds):
        return ""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the canvases show: an answer, or what is known of it so far."""

    probe: Probe
    result: Result
    document: Document
    partial: bool = False


def latest(shown: Shown, asked: Sequence[Inquiry]) -> Shown:
    """An answer with what the newest of these questions, all the same, knows of it by now."""
    newest = next((i for i in asked if i.result is not None), None)
    if newest is None or newest.result is None or not shown.partial:
        return shown
    return replace(shown, result=newest.result, partial=newest.state != "done")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One place of the grid: indices, coordinates, and every quantity's value there with its standard error (NaN: unknown)."""

    column: int
    row: int
    x: float
    y: float
    values: Mapping[str, tuple[Quantity, float, float]]
    computed: bool = True

    def text(self, name: str) -> str:
        """A quantity's value here, in words where it has not been computed yet."""
        return show_value(*self.values[name]) if self.computed else "not computed yet"


def surface_of(result: Result | None) -> SurfaceResult | None:
    """The plane that a result holds, if any."""
    if isinstance(result, TrajectoryResult | PathPlaneResult | TopologyResult | DescentsResult):
        return result.surface
    return result if isinstance(result, SurfaceResult) else None


def lie_on_one_plane(a: Shown, b: Shown) -> bool:
    """Whether two answers about one document lie on the very same surface."""
    one, other = surface_of(a.result), surface_of(b.result)
    if one is None or other is None or a.document is not b.document:
        return False
    return bool(one.provenance.key) and one.provenance.key == other.provenance.key


def read_cell(result: Result, x: float, y: float) -> Cell | None:
    """The grid's cell next to (x, y)."""
    surface = surface_of(result)
    if surface is None or not len(surface.x) or not len(surface.y):
        return None
    column, row = int(np.abs(surface.x - x).argmin()), int(np.abs(surface.y - y).argmin())
    values = {}
    for name, q in surface.quantities.items():
        if q.values.shape != surface.computed.shape:
            continue
        error = float(q.standard_error[row, column]) if q.standard_error is not None else math.nan
        values[name] = (q, float(q.values[row, column]), error)
    known = bool(surface.computed[row, column]) or surface.adaptive
    return Cell(column=column, row=row, x=float(surface.x[column]), y=float(surface.y[row]), values=values, computed=known)


def show_value(quantity: Quantity, value: float, error: float = math.nan) -> str:
    """A value as a person reads it: accuracy in per cent, a loss with four digits, the standard error beside it."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite"
    if quantity.name.split("_")[-1] == "accuracy" or "accuracy" in quantity.name:
        return f"{value * 100:.2f} %" + (f" ± {error * 100:.2f}" if math.isfinite(error) else "")
    unit = f" {quantity.unit}" if quantity.unit and quantity.unit != "1" else ""
    return f"{value:.4g}" + (f" ± {error:.2g}" if math.isfinite(error) else "") + unit


def views_of(result: Result) -> tuple[str, ...]:
    """The views in which an answer can be looked at, its natural one first."""
    return ("both", "3d", "2d", "chart") if surface_of(result) is not None else ("chart",)


def is_whole(result: Result | None) -> bool:
    """Whether nothing of an answer is missing."""
    if result is None:
        return False
    part: Any = result if isinstance(result, DescentsResult) else surface_of(result) or result
    if not hasattr(part, "computed"):
        return bool(getattr(part, "complete", True))
    return bool(getattr(part, "adaptive", False) or part.computed.all())
