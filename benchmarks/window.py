"""How light the window is: the event loop's gaps while surfaces and spectra are computed, memory and cancelling, and what a frame
costs.

    python benchmarks/window.py

opens the window on the display in use, with folders of its own, and prints one JSON entry a line. `measure` runs it in a process of
its own, so that what the benchmarks before it have in memory does not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

GOALS = {
    "window.gap_p99": 100,
    "window.spectrum_gap_p99": 100,
    "window.spectrum_slower": 1.2,
    "window.memory": 20,
    "window.cancel": 100,
    "scene.frame_201": 60,
    "scene.frame_513": 120,
}
RECOMPUTED, WARM = 20, 2
"""Surfaces that are measured, after so many that are not."""
STEPS, EXAMPLES = (41, 41), 200
SPECTRA = 3
"""Spectra that are measured, in the window and without it by turns."""
CANCELS, FRAMES = 10, 40
TICK = 5
"""Milliseconds of the timer whose ticks are timed."""
PATIENCE = 600.0
"""Seconds that the whole may take."""


def measure() -> Iterator[dict[str, Any]]:
    """The entries; none, and a sentence, where there is no display."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        print("window.*, scene.*: not measured, there is no display here. Set DISPLAY, or run under xvfb-run.", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="landscape-gui-window-") as folder:
        own = {"LANDSCAPE_GUI_CACHE": f"{folder}/cache", "LANDSCAPE_GUI_CONFIG": f"{folder}/config"}
        environment = {"LP_NUM_THREADS": "1", **os.environ, **own}
        command = [sys.executable, str(Path(__file__).resolve())]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            yield json.loads(line)
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        print(f"window.*, scene.*: not all measured, the window ended with status {done.returncode}: {reason}", flush=True)


def entry(name: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    empty = {"ratio_to_forward": None, "ratio_to_best_peer": None}
    return {"name": name, **empty, "goal": GOALS[name], "value": round(value, 2), "unit": unit, **more}


def main() -> int:
    from landscape_gui import app

    program = app.make_application()
    window = open_window(app)
    for found in (*recompute(app, window), *spectra(app, window), cancel(app, window)):
        print(json.dumps(found), flush=True)
    window.close()
    for points in (201, 513):
        print(json.dumps(turn(points)), flush=True)
    program.processEvents()
    return 0


def until(signal: Any, reached: Callable[[], Any], seconds: float = 120.0) -> None:
    """Runs the event loop until `reached`, which is looked at whenever the signal comes."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop, end = QEventLoop(), QTimer()

    def look(*_: object) -> None:
        if reached():
            loop.quit()

    end.setSingleShot(True)
    end.timeout.connect(loop.quit)
    end.start(round(1000 * seconds))
    signal.connect(look)
    if not reached():
        loop.exec()
    signal.disconnect(look)
    if not reached():
        raise TimeoutError(f"the window did not get there within {seconds:.0f} s")


def open_window(app: Any) -> Any:
    """The window of the program at 1500 x 900, on a sample."""
    from landscape_gui.ui.session import Session
    from landscape_gui.ui.window import Window

    session = Session(app.services())
    window = Window(session, [])
    window.resize(1500, 900)
    window.show()
    ready: list[bool] = []
    window.stage_ready.connect(lambda: ready.append(True))
    until(window.stage_ready, lambda: ready)
    session.open(["samples:digits-mlp"], asks=False)
    until(session.current_changed, lambda: session.current is not None and session.current.state == "ready")
    return window


class Gaps:
    """Times between ticks of the event loop while it runs, in seconds."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.found: list[float] = []
        self._last: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.found.extend(now - before for before in self._last)
        self._last[:] = [now]

    def during(self, session: Any, probe: Any) -> Any:
        """Ask and wait for the answer; the inquiry."""
        self._last.clear()
        self._timer.start(TICK)
        inquiry = session.ask(probe)
        until(session.inquiries_changed, lambda asked=inquiry: not asked.live)
        self._timer.stop()
        if inquiry.state != "done":
            raise RuntimeError(f"{probe.title} ended as {inquiry.state}: {inquiry.error}")
        return inquiry

    def entry(self, name: str, **more: Any) -> dict[str, Any]:
        gaps = sorted(self.found)
        longest = round(1e3 * gaps[-1], 1)
        return entry(name, 1e3 * gaps[int(0.99 * len(gaps))], "ms", longest=longest, ticks=len(gaps), **more)


def recompute(app: Any, window: Any) -> Iterator[dict[str, Any]]:
    """Gaps between ticks while surfaces are computed one after another, and how much memory that leaves taken."""
    surface, gaps, before = app.probes()["surface"], Gaps(), 0.0
    for number in range(WARM + RECOMPUTED):
        if number == WARM:
            gaps.found.clear()
            before = resident()
        gaps.during(window.session, surface(steps=STEPS, seed=1000 + number, limit=EXAMPLES))
    yield gaps.entry("window.gap_p99")
    yield entry("window.memory", resident() - before, "MB", recomputed=RECOMPUTED)


def spectra(app: Any, window: Any) -> Iterator[dict[str, Any]]:
    """Gaps between ticks while a spectrum grows, and how much longer it takes than without a window: both from the first one on,
    which is what a person sees."""
    from landscape_gui.jobs import answer

    session, spectrum, gaps = window.session, app.probes()["spectrum"], Gaps()
    problem = session.current.problem
    answer(spectrum(seed=3000), problem)
    within, without = [], []
    for number in range(SPECTRA):
        within.append(gaps.during(session, spectrum(seed=3001 + number)).seconds)
        start = time.perf_counter()
        answer(spectrum(seed=3001 + number), problem)
        without.append(time.perf_counter() - start)
    yield gaps.entry("window.spectrum_gap_p99", asked=SPECTRA)
    told = {"seconds": [round(t, 2) for t in within], "alone": [round(t, 2) for t in without]}
    yield entry("window.spectrum_slower", sum(within) / sum(without), "times", **told)


def resident() -> float:
    """Megabytes of this process in memory; where there is no /proc the most that they have been."""
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def cancel(app: Any, window: Any) -> dict[str, Any]:
    """The longest time from cancelling to the row that says so."""
    session, surface = window.session, app.probes()["surface"]
    times: list[float] = []
    for number in range(CANCELS):
        inquiry = session.ask(surface(steps=(201, 201), seed=2000 + number, limit=EXAMPLES))
        until(session.progressed, lambda asked=inquiry: asked.state == "running" and asked.result is not None)
        row, start = window.jobs.rows[inquiry.number], time.perf_counter()
        session.cancel(inquiry)
        until(
            session.inquiries_changed,
            lambda asked=inquiry, said=row: asked.state == "cancelled" and "cancelled" in said.state.text(),
        )
        times.append(1e3 * (time.perf_counter() - start))
    return entry("window.cancel", max(times), "ms", times=[round(t, 1) for t in times])


def turn(points: int) -> dict[str, Any]:
    """Median CPU time of a frame, drivers' threads included, while a surface of points x points is turned by hand."""
    from landscape_gui.ui.canvas3d import Canvas3D
    from PySide6.QtCore import QCoreApplication

    canvas = Canvas3D()
    if canvas.scene is None:
        raise RuntimeError("no OpenGL here")
    frames: list[object] = []
    events = canvas.scene.canvas.events
    events.draw.connect(lambda event: frames.append(event))
    canvas.resize(720, 640)
    canvas.show_panel(bumps(points))
    canvas.show()
    times: list[float] = []
    events.mouse_press(pos=(300, 300), button=1, modifiers=())
    for step in range(FRAMES + 3):
        QCoreApplication.processEvents()
        frames.clear()
        start = time.process_time()
        events.mouse_move(pos=(310 + 6 * step, 300), button=1, modifiers=())
        while not frames:
            QCoreApplication.processEvents()
        times.append(1e3 * (time.process_time() - start))
    canvas.close()
    drawn = sorted(times[3:])
    return entry(f"scene.frame_{points}", drawn[len(drawn) // 2], "ms", longest=round(drawn[-1], 1), size=[720, 640])


def bumps(points: int) -> Any:
    """A surface that is rough everywhere, with contour lines and labels."""
    import numpy as np
    from landscape_gui.figure import Axis, Panel, Surface, contour_levels

    x = np.linspace(-1, 1, points)
    z = 1.5 + x**2 + x[:, None] ** 2 + 0.3 * np.sin(9 * x) * np.cos(7 * x[:, None])
    limits = float(z.min()), float(z.max())
    mark = Surface(x=x, y=x, z=z, limits=limits, levels=contour_levels(limits, 14, scale="linear"), label="loss")
    axes = [Axis(label=f"direction {k}", limits=(-1.0, 1.0)) for k in (1, 2)]
    return Panel(marks=(mark,), view="3d", x=axes[0], y=axes[1], z=Axis(label="loss", limits=limits))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    sys.exit(main())
