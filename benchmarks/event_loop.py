"""What holds the window: turns of the event loop that take long, by CPU time of the main thread, and what was done in them.

    python benchmarks/event_loop.py [--stacks] [surface look descend dialogs spectra data connect]

opens the window on the display in use, walks through it as a person does, and prints one JSON entry for each stretch of the way:
how many turns took more than 50 ms, and the longest ones, CPU and wall time in milliseconds. Wall time counts only on a machine
that does nothing else. With --stacks it tells where they went, by samples of the stack that take a fifth of the time themselves.
"""

from __future__ import annotations

import collections
import functools
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QDialog, QWidget

LONG = 0.05
"""Seconds of CPU, or of waiting, from which on a turn is told."""
TICK = 2
"""Milliseconds of the timer whose ticks end a turn."""
SHARE = 0.07
"""Of a turn's CPU time, from which on a function is told."""
LOOK = 0.004
"""Seconds between two looks at the main thread's stack."""
STACKS = "--stacks"
WAY = ("surface", "look", "descend", "dialogs", "spectra", "data", "connect")
PACKAGE = str(Path(__file__).resolve().parent.parent / "landscape_gui")


Stack = tuple[str, ...]


@dataclass
class Turn:
    """stacks: microseconds of CPU by stack."""

    cpu: float
    wall: float
    stacks: collections.Counter[Stack]

    def entry(self) -> dict[str, Any]:
        return {"cpu": round(1e3 * self.cpu, 1), "wall": round(1e3 * self.wall, 1), "in": tree(self.stacks, SHARE * 1e6 * self.cpu)}


class Turns:
    """Turns of the event loop, each ended by a tick of a timer."""

    def __init__(self) -> None:
        self.found: list[Turn] = []
        self.stacks: collections.Counter[Stack] = collections.Counter()
        self._last = (time.perf_counter(), time.thread_time())
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK)

    def _tick(self) -> None:
        wall, cpu = self._last
        self._last = now = (time.perf_counter(), time.thread_time())
        if max(now[0] - wall, now[1] - cpu) > LONG:
            self.found.append(Turn(now[1] - cpu, now[0] - wall, self.stacks.copy()))
        self.stacks.clear()


class Sampler:
    """Where the main thread is, weighed by the CPU time since it was last looked at. A signal's handler and not a thread: a thread
    that holds a frame may be the last to let go of what Qt's the frame holds, which ends the process."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.last = turns, time.thread_time()
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)

    def _look(self, number: int, frame: Any) -> None:
        now = time.thread_time()
        self.turns.stacks[where(frame)] += round(1e6 * (now - self.last))
        self.last = now

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


def where(frame: Any) -> Stack:
    """The package's functions from the outermost to the innermost, and what the last one called outside of it."""
    own: list[str] = []
    leaf = ""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(PACKAGE):
            own.append(f"{code.co_filename[len(PACKAGE) + 1 : -3]}.{code.co_name}")
        elif not own and not leaf:
            leaf = f"({code.co_name})"
        frame = frame.f_back
    return (*reversed(own), leaf)


def tree(stacks: Mapping[Stack, int], least: float) -> list[str]:
    """Lines of an indented tree of where the time went, without what is less than `least`."""
    lines: list[str] = []

    def add(rows: list[tuple[Stack, int]], depth: int) -> None:
        heads: dict[str, list[tuple[Stack, int]]] = {}
        for stack, weight in rows:
            if stack:
                heads.setdefault(stack[0], []).append((stack[1:], weight))
        for head, below in sorted(heads.items(), key=lambda item: -sum(w for _, w in item[1])):
            weight = sum(w for _, w in below)
            if weight >= least and head:
                lines.append(f"{'  ' * depth}{weight / 1e3:.0f} {head}")
                add(below, depth + 1)

    add(list(stacks.items()), 0)
    return lines


def until(reached: Callable[[], Any], seconds: float = 180.0) -> None:
    """Runs the event loop until `reached`, which is looked at now and then, in a timer of its own."""
    loop, timer, end = QEventLoop(), QTimer(), time.monotonic() + seconds
    timer.timeout.connect(lambda: loop.quit() if reached() or time.monotonic() > end else None)
    timer.start(20)
    loop.exec()
    timer.stop()
    if not reached():
        raise TimeoutError(f"not reached within {seconds:.0f} s")


def rest(seconds: float = 0.5) -> None:
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() > end)


def do(step: Callable[[], object]) -> None:
    """A step of the person's as one delivery."""
    done: list[int] = []

    def run() -> None:
        done.append(1)
        step()

    QTimer.singleShot(0, run)
    until(lambda: bool(done))


def mouse(widget: QWidget, kind: QEvent.Type, x: float, y: float, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
    place = QPointF(x, y)
    event = QMouseEvent(kind, place, QPointF(widget.mapToGlobal(place)), button, held, Qt.KeyboardModifier.NoModifier)
    QCoreApplication.postEvent(widget, event)


def drag(widget: QWidget, steps: int = 25) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    middle = widget.rect().center()
    mouse(widget, QEvent.Type.MouseButtonPress, middle.x(), middle.y(), left, left)
    for step in range(steps):
        rest(0.03)
        mouse(widget, QEvent.Type.MouseMove, middle.x() + 4 * step, middle.y() + step, none, left)
    mouse(widget, QEvent.Type.MouseButtonRelease, middle.x() + 4 * steps, middle.y() + steps, left, none)


class Walk:
    """The way through the window."""

    def __init__(self, *, stacks: bool = False) -> None:
        self.turns = Turns()
        self.sampler = Sampler(self.turns) if stacks else None
        self.window: Any = None

    @property
    def session(self) -> Any:
        return self.window.session

    def tell(self, stretch: str) -> None:
        rest()
        found, self.turns.found = self.turns.found, []
        longest = sorted(found, key=lambda turn: -turn.cpu)
        print(json.dumps({"stretch": stretch, "long": len(found), "longest": [d.entry() for d in longest[:6]]}), flush=True)

    def idle(self) -> bool:
        return not any(i.live for i in self.session.inquiries) and all(d.state != "opening" for d in self.session.documents)

    def start(self) -> None:
        from landscape_gui import app
        from landscape_gui.ui.session import Session
        from landscape_gui.ui.window import Window

        ready: list[int] = []

        def make() -> None:
            self.window = Window(Session(app.services()), app.sample_cards())
            self.window.resize(1500, 900)
            self.window.stage_ready.connect(lambda: ready.append(1))
            self.window.show()

        do(make)
        until(lambda: bool(ready))
        self.tell("start")

    def surface(self) -> None:
        do(lambda: self.window.open_paths(["samples:digits-mlp"]))
        until(lambda: bool(self.session.inquiries) and self.idle())
        self.tell("open a sample, first surface")
        surface = type(self.session.shown.probe)
        do(lambda: self.session.ask(surface(steps=(81, 81), limit=400, seed=5)))
        until(self.idle)
        self.tell("a finer surface")

    def look(self) -> None:
        drag(self.window.stage.canvas3d.view)
        self.tell("rotate")
        for view in ("3d", "2d", "chart", "both"):
            do(functools.partial(self.window.set_view, view))
            rest(0.3)
        self.tell("views")
        for on in (True, False):
            do(functools.partial(self.session.set_look, scale="log" if on else "linear", limits=None))
            rest(0.3)
        self.tell("log and back")
        for _ in range(2):
            do(self.window.toggle_theme)
            rest(0.5)
        self.tell("theme")

    def descend(self) -> None:
        from landscape_gui.ui import descend_dialog

        do(lambda: self.session.pick(0.4, -0.3))
        rest(0.3)
        self.tell("pick a cell")
        dialogs: list[Any] = []
        do(lambda: dialogs.append(descend_dialog.offer(self.session, self.window)))
        rest(0.5)
        dialog = dialogs[0]
        for name in ("sgd", "adam", "sam"):
            dialog.boxes[name].setChecked(True)
        dialog.updates.setValue(1500)
        self.tell("descend dialog")
        do(dialog.ask)
        until(self.idle)
        self.tell("three descents at once")

    def spectra(self) -> None:
        from landscape_gui import app

        do(lambda: self.session.ask(app.probes()["spectrum"]()))
        until(self.idle)
        self.tell("spectrum")
        kind: Any = app.probes()["trajectory"]
        do(lambda: self.session.ask(kind(limit=400)))
        until(self.idle)
        self.tell("trajectory")
        do(lambda: self.session.ask(app.probes()["report"]()))
        until(self.idle)
        self.tell("report")

    def dialogs(self) -> None:
        from landscape_gui.ui import taking_away

        for number in range(2):
            do(lambda: taking_away.export(self.window))
            rest(3.0)
            self.tell(f"export dialog, time {number + 1}")
            do(lambda: [d.reject() for d in self.window.findChildren(QDialog) if d.isVisible()])
            rest(0.5)
        do(self.window.show_help)
        rest(0.5)
        do(lambda: [d.reject() for d in self.window.findChildren(QDialog) if d.isVisible()])
        self.tell("help")

    def data(self) -> None:
        do(self.window.ask_data)
        rest(1.0)
        self.tell("data dialog")
        picker = self.window.findChild(QDialog, "data_picker")
        path = str(Path(PACKAGE).parent / "sample_checkpoints" / "data" / "digits.npz")
        do(lambda: picker.choose(path))
        until(lambda: picker.use.isEnabled(), 60)
        self.tell("data looked at")
        do(picker.use.click)
        rest(1.0)
        until(self.idle)
        self.tell("data accepted")

    def connect(self) -> None:
        do(lambda: self.session.open(["samples:digits-seed-a"], asks=False))
        until(self.idle)
        do(lambda: self.session.open(["samples:digits-seed-b"], asks=False))
        until(self.idle)
        self.tell("two more models")
        connecting = self.window.library.connecting
        two = [d for d in self.session.documents if "seed" in d.path]
        do(lambda: connecting.connect_models(two))
        rest(1.0)
        until(self.idle)
        self.tell("first connection")
        handle = [0.1, 0.3, 0.5, 0.7]
        for t in handle:
            do(functools.partial(self.window.connectivity.way.move, t))
            rest(0.4)
        self.tell("on the way")
        for document in self.session.documents:
            do(functools.partial(self.session.select, document))
            rest(0.5)
        self.tell("back and forth between models")

    def end(self) -> None:
        do(self.window.close)
        self.tell("close")
        if self.sampler is not None:
            self.sampler.end()


def main() -> int:
    for name in ("CACHE", "CONFIG"):
        os.environ.setdefault(f"LANDSCAPE_GUI_{name}", tempfile.mkdtemp(prefix="landscape-gui-loop-"))
    os.environ.setdefault("LP_NUM_THREADS", "1")
    from landscape_gui import app

    app.make_application()
    chosen = [name for name in sys.argv[1:] if name != STACKS] or list(WAY)
    walk = Walk(stacks=STACKS in sys.argv)
    walk.start()
    for name in chosen:
        getattr(walk, name)()
    walk.end()
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    sys.exit(main())
