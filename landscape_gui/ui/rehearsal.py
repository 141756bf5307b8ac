"""What a file will be, found out ahead: its picture or first lines, what a reader may not see, how large it is."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from landscape_gui.export.apart import Picture, Stopped
from landscape_gui.figure import marks_alone
from landscape_gui.page_setup import PageSetup
from landscape_gui.ui.drawing import Drawing
from landscape_gui.ui.exporting import Order
from landscape_gui.ui.worker import Outcome

DELAY = 180
"""Milliseconds after the last change until the page is drawn again."""
REST = 500
"""Milliseconds after a picture until the file itself is drawn, to know its size."""
MOST = 6e6
"""Pixels of a file that is drawn only to know its size; a larger one is guessed from a coarser one."""
GROWTH = 1.25
"""Power of the resolution with which files grow: 1.2 to 1.3 over surfaces and contours from 150 to 600 dots per inch."""
SHOWN = 20_000
"""Characters of a text that are shown."""

DRAWN = ("figure", "mesh")
"""Groups of which a picture is shown."""

Room = tuple[tuple[int, int], float | None]


class Rehearsal(QObject):
    """`ask` says what is wanted now; what was wanted before is forgotten."""

    began = Signal()
    drawn = Signal(object)
    """A Picture."""
    read = Signal(str)
    """The first lines of a file of text."""
    judged = Signal(tuple)
    """Sentences."""
    sized = Signal(float, bool)
    """Bytes of the file, and whether that is exact."""
    failed = Signal(object)
    """An error."""

    def __init__(self, drawing: Drawing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.drawing = drawing
        self.order: Order | None = None
        self.content: bytes | None = None
        """The file of `order`, where it has been drawn whole."""
        self._room: Callable[[], Room] = lambda: ((600, 600), None)
        self._round = 0
        self._page = (1.0, 1.0)
        self._known = False
        """Whether sentences and size have been asked for."""
        self._soon, self._later = QTimer(self), QTimer(self)
        for timer, slot in ((self._soon, self._draw), (self._later, self._measure)):
            timer.setSingleShot(True)
            timer.timeout.connect(slot)

    def ask(self, order: Order, room: Callable[[], Room], *, wait: int = DELAY) -> None:
        """room: how large the picture should be, asked when it is drawn."""
        self.end()
        self.order, self._room = order, room
        self._soon.start(wait)

    def redraw(self) -> None:
        """The same at another size."""
        if self.order is not None and self.order.kind.group in DRAWN:
            self._soon.start(DELAY)

    def end(self) -> None:
        """Nothing is wanted any more."""
        self._round += 1
        self.order, self.content, self._known = None, None, False
        self._soon.stop()
        self._later.stop()
        self.drawing.withdraw("preview", "judged", "size", "text")

    def _draw(self) -> None:
        order = self.order
        if order is None:
            return
        self.began.emit()
        if order.kind.group in DRAWN:
            self.drawing.draw(
                "preview",
                order.figure and marks_alone(order.figure),
                order.kind.suffix,
                order.setup,
                *self._room(),
                then=self._now(self._drawn),
                newest="preview",
            )
        elif order.kind.plain:
            self.drawing.do(functools.partial(first_lines, order), self._now(self._read), newest="text")

    def _now(self, then: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
        """Only if nothing else is wanted meanwhile, and unless it failed."""
        mine = self._round

        def done(outcome: Outcome) -> None:
            if mine != self._round:
                return
            if outcome.error is None:
                then(outcome)
            elif not isinstance(outcome.error, Stopped):
                self.failed.emit(outcome.error)

        return done

    def _drawn(self, outcome: Outcome) -> None:
        picture: Picture = outcome.value
        assert self.order is not None
        self.drawn.emit(picture)
        if not self._known and self.order.kind.group == "figure":
            self._known = True
            figure = self.order.figure and marks_alone(self.order.figure)
            self.drawing.draw("judged", figure, self.order.setup, then=self._now(self._judged), newest="judged")
            self._later.start(REST)
            self._page = picture.width, picture.height

    def _judged(self, outcome: Outcome) -> None:
        self.judged.emit(outcome.value)

    def _read(self, outcome: Outcome) -> None:
        text, size = outcome.value
        self.read.emit(text)
        self.sized.emit(float(size), True)

    def _measure(self) -> None:
        order = self.order
        if order is None:
            return
        coarse = coarser(order, self._page)
        factor = (order.setup.dpi / coarse.dpi) ** GROWTH

        def done(outcome: Outcome) -> None:
            exact = coarse is order.setup
            self.content = outcome.value if exact else None
            self.sized.emit(len(outcome.value) * factor, exact)

        self.drawing.draw("whole", order.figure, order.kind.suffix, coarse, then=self._now(done), newest="size")


def coarser(order: Order, page: tuple[float, float]) -> PageSetup:
    """The page, with fewer pixels where it has many."""
    pixels = page[0] * page[1] * order.setup.dpi**2
    if pixels <= MOST:
        return order.setup
    return dataclasses.replace(order.setup, dpi=max(order.setup.dpi * (MOST / pixels) ** 0.5, 20.0))


def first_lines(order: Order) -> tuple[str, int]:
    """What a file of text begins with, and its bytes: it is written to a folder that goes again; in a thread."""
    with tempfile.TemporaryDirectory(prefix="landscape_gui-") as folder:
        path = Path(folder) / f"preview{order.kind.suffix}"
        order.kind.write(path, order.figure, order.result, order.setup)
        with path.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(SHOWN)
        size = path.stat().st_size
    return (f"{text}\n\N{HORIZONTAL ELLIPSIS}" if size > len(text.encode()) else text), size
