"""On the way from one model to another: where on which path one stands, and what the model there does. The latest place wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from landscape_gui.connection_results import ConnectionResult, PathResult, WaypointResult
from landscape_gui.results import Result
from landscape_gui.ui.documents import Shown, message_of
from landscape_gui.ui.opening import open_beside
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

REST = 300
"""Milliseconds that the handle must rest before all data are looked at where a quick look takes only some."""


def paths_of(result: Result | None) -> dict[str, PathResult]:
    """The paths that an answer holds, by name."""
    if isinstance(result, ConnectionResult):
        return dict(result.paths)
    return {result.name: result} if isinstance(result, PathResult) else {}


def alike(a: Shown | None, b: Shown | None) -> bool:
    """Whether both are about one question to one document, however much of it is known."""
    return a is not None and b is not None and (a.document, a.probe) == (b.document, b.probe)


@dataclass(eq=False)
class Trip:
    """The models on one path: all data, and as many as answer at once."""

    whole: Any
    quick: Any

    @property
    def thrifty(self) -> bool:
        return self.quick is not self.whole


class Way(QObject):
    """One piece of work at a time in the helper's thread; where the handle has gone on meanwhile, the next is about where it is."""

    changed = Signal()
    """Another place, path, or news of the model there."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.shown: Shown | None = None
        self.path = ""
        self._place = [0.5]
        """`t`, in a list that the thread may look into."""
        self.result: WaypointResult | None = None
        self.rough = False
        """The result is of a part of the data; all of them are looked at once the handle rests."""
        self.trouble = ""
        self._trip: Trip | None = None
        self._busy = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self._rest.timeout.connect(self._look_closely)

    # where

    @property
    def t(self) -> float:
        return self._place[0]

    @t.setter
    def t(self, t: float) -> None:
        self._place[0] = t

    @property
    def measured(self) -> PathResult | None:
        """The path that one is on."""
        return paths_of(self.shown.result).get(self.path) if self.shown is not None else None

    @property
    def ends(self) -> tuple[float, float]:
        """How far the path was measured."""
        path = self.measured
        return (float(path.t[0]), float(path.t[-1])) if path is not None and len(path.t) else (0.0, 1.0)

    def follow(self, shown: Shown | None, path: str) -> None:
        """Be on this path of an answer; None: nowhere. The place stays. A path that is still sought has no models yet."""
        another = not alike(shown, self.shown) or path != self.path
        self.shown, self.path = shown, path
        if another:
            self._trip, self.result, self.trouble = None, None, ""
        low, high = self.ends
        self.t = min(max(self.t, low), high)
        self.changed.emit()
        self._next()

    def move(self, t: float) -> None:
        """Stand at another place."""
        low, high = self.ends
        t = min(max(float(t), low), high)
        if t == self.t:
            return
        self.t = t
        self.changed.emit()
        self._next()

    @property
    def open(self) -> bool:
        """Whether there are models to look at: the path was found, and the answer came with its model."""
        path = self.measured
        alive = self.shown is not None and self.shown.document.problem is not None and self.session.services.way is not None
        return alive and path is not None and (path.complete or path.name.startswith("line"))

    # the model there

    def _next(self) -> None:
        """Look at where one is, unless that is being done or was done."""
        if self._busy or not self.open or self.trouble or self.session.closed:
            return
        if self._trip is None:
            self._submit(self._maker(), self._made)
        elif self.result is None or self.result.t != self.t:
            trip, t = self._trip, self.t
            self._submit(lambda: trip.quick(t), lambda value: self._seen(value, rough=trip.thrifty))

    def _maker(self) -> Callable[[], Trip]:
        assert self.shown is not None and self.session.services.way is not None
        way, probe, problem, path = self.session.services.way, self.shown.probe, self.shown.document.problem, self.path

        def make() -> Trip:
            whole = way(probe, problem, path)
            return Trip(whole, whole.quick())

        return make

    def _submit(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._busy = True
        asked = self.shown, self.path

        def done(outcome: Outcome) -> None:
            self._busy = False
            current = alike(self.shown, asked[0]) and self.path == asked[1]
            if current and outcome.error is not None:
                self.trouble = message_of(outcome.error).text
                self.changed.emit()
            elif current:
                then(outcome.value)
            self._next()

        self.session.helper.submit(Task(work, done, name="way"), first=True)

    def _made(self, trip: Trip) -> None:
        self._trip = trip

    def _seen(self, result: WaypointResult | None, *, rough: bool) -> None:
        if result is None:
            return
        self.result, self.rough = result, rough
        self.changed.emit()
        if rough:
            self._rest.start()

    def _look_closely(self) -> None:
        """All data, given up as soon as the handle moves on."""
        trip, t = self._trip, self.t
        if trip is None or self._busy or not self.open or self.result is None or self.result.t != t:
            return

        place, helper = self._place, self.session.helper

        def work() -> WaypointResult | None:
            steps = trip.whole.steps(t)
            while place[0] == t and not helper.closing:
                try:
                    next(steps)
                except StopIteration as stop:
                    found: WaypointResult = stop.value
                    return found
            return None

        self._submit(work, lambda value: self._seen(value, rough=False))

    # taking it along

    def save(self, path: str) -> None:
        """The model here as a checkpoint, which then stands in the library; what is shown stays."""
        trip, t, shown = self._trip, self.t, self.shown
        if trip is None or shown is None:
            return

        def opened(_: Any) -> None:
            open_beside(self.session, path, shown.document)

        self.session.run(lambda: trip.whole.save(t, path), f"The model at t = {t:.3g} is saved in {path}.", path, then=opened)
