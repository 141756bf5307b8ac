"""Drawing in a process of its own, which stays: the window goes on meanwhile, what takes too long can be stopped, and what is slow
to import and to set up (matplotlib, OpenGL without a display) is so once.

The process is ours and speaks with nobody else: figures go in and pages come out as pickles through its standard streams.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup

LENGTH = struct.Struct("<Q")
"""In front of every message: its bytes."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A page as pixels: RGBA, rows by columns, not premultiplied; width and height are the page's, in inches."""

    pixels: bytes
    columns: int
    rows: int
    width: float
    height: float


class Stopped(LandscapeError):
    """Drawing was stopped by whoever asked for it."""


def preview(figure: Figure, suffix: str, setup: PageSetup, room: tuple[int, int], dpi: float | None = None) -> Picture:
    """What `export.render` writes under a suffix, drawn by the same code with as many pixels as `room` (columns, rows) has, or
    with `dpi` an inch. Raises what `render` raises."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import to_rgb

    from landscape_gui.export.figures import draw, page_of
    from landscape_gui.export.flattening import flatten
    from landscape_gui.export.fonts import told_by_tex
    from landscape_gui.export.paper import settings

    asked = page_of(figure, setup)
    across = dpi * asked.width if dpi else min(room[0], room[1] * asked.width / asked.height)
    page = replace(asked, dpi=min(max((round(across) + 0.01) / asked.width, 20.0), 2400.0))
    with settings(page), told_by_tex():
        sheet = draw(figure, page)
        if suffix == ".eps":
            flatten(sheet, to_rgb(page.theme.background))
        canvas: Any = FigureCanvasAgg(sheet)
        canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())
    return Picture(pixels=drawn.tobytes(), columns=drawn.shape[1], rows=drawn.shape[0], width=page.width, height=page.height)


def whole(figure: Figure, suffix: str, setup: PageSetup) -> bytes:
    from landscape_gui.export import render

    return render(figure, suffix, setup)


def judged(figure: Figure, setup: PageSetup) -> tuple[str, ...]:
    from landscape_gui.export import proof

    return proof(figure, setup)


def no_tex() -> str:
    """What LaTeX lacks here; empty where it can set a figure's letters."""
    from landscape_gui.export.fonts import missing_of_tex

    return missing_of_tex()


def film_frame(film: Any, setup: Any, number: int) -> Any:
    """One frame of a film, as `film_frames.frame` draws it."""
    from landscape_gui.export.film_frames import frame

    return frame(film, setup, number)


JOBS: dict[str, Callable[..., Any]] = {"frame": film_frame, "preview": preview, "whole": whole, "judged": judged, "tex": no_tex}


class Drawer:
    """The process, started when it is first needed and again after it was stopped or died. `ask` is for one thread at a time,
    `start`, `stop` and `close` are for any. Where no process can be started, the thread that asks draws."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped: subprocess.Popen[bytes] | None = None
        self._closed = False

    def start(self) -> subprocess.Popen[bytes] | None:
        """Begin to import, ahead of what will be asked."""
        with self._lock:
            if self._closed:
                raise Stopped("Drawing was stopped.")
            if self._process is None or self._process.poll() is not None:
                self._process = started()
            return self._process

    def ask(self, job: str, *given: Any, stopped: Callable[[], bool] = lambda: False) -> Any:
        """The value of one of `JOBS`. Raises what it raises, and Stopped where `stop` came first; `stopped` says so of one that
        may come before this begins."""
        try:
            message = pickle.dumps((job, given), protocol=5)
        except (pickle.PicklingError, TypeError, AttributeError):
            return JOBS[job](*given)
        for last in (False, True):  # it may have died since it was asked before
            process = self.start()
            if stopped():
                raise Stopped("Drawing was stopped.")
            if process is None:
                return JOBS[job](*given)
            try:
                kind, value = pickle.loads(exchange(process, message))
                break
            except (OSError, EOFError, ValueError) as why:
                if self._stopped is process or self._closed:
                    raise Stopped("Drawing was stopped.") from None
                self._end(process)
                if last:
                    remedy = "Try again, or choose a smaller figure."
                    raise LandscapeError("The process that draws ended by itself.", remedy=remedy) from why
        if kind == "value":
            return value
        raise error_of(kind, value)

    def stop(self) -> None:
        """End what is being drawn."""
        with self._lock:
            process = self._process
            self._stopped = process
        if process is not None:
            self._end(process)

    def close(self) -> None:
        """End the process for good."""
        self._closed = True
        self.stop()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if self._process is process:
                self._process = None
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)


def started() -> subprocess.Popen[bytes] | None:
    """A fresh process; None where there is no interpreter to start."""
    if getattr(sys, "frozen", False) or not sys.executable:
        return None
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    root = str(Path(__file__).resolve().parent.parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [environment.get("PYTHONPATH")])])
    command = [sys.executable, "-c", "from landscape_gui.export.apart import main; main()"]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    except OSError:
        return None


def error_of(kind: str, value: tuple[str, str]) -> Exception:
    """An error that was raised in the process."""
    if kind == "said":
        return LandscapeError(value[0], remedy=value[1])
    error = RuntimeError(value[0])
    error.add_note(value[1])
    return error


def exchange(process: subprocess.Popen[bytes], message: bytes) -> bytes:
    """The answer to a message."""
    assert process.stdin is not None and process.stdout is not None
    send(process.stdin, message)
    return receive(process.stdout)


def send(stream: IO[bytes], message: bytes) -> None:
    stream.write(LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """One message. Raises EOFError where the other side is gone."""
    (length,) = LENGTH.unpack(exactly(stream, LENGTH.size))
    return exactly(stream, length)


def exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise EOFError
    return data


def answer(message: bytes) -> bytes:
    """A job done, in the process: ("value", it), ("said", sentence and remedy) or ("raised", words and traceback)."""
    job, given = pickle.loads(message)
    try:
        reply: tuple[str, Any] = ("value", JOBS[job](*given))
    except LandscapeError as error:
        reply = ("said", (error.message, error.remedy))
    except Exception as error:
        reply = ("raised", (f"{type(error).__name__}: {error}", traceback.format_exc()))
    return pickle.dumps(reply, protocol=5)


def warm_up() -> None:
    """Import what drawing needs."""
    import landscape_gui.export.figures
    import landscape_gui.export.writers
    import landscape_gui.scene3d.renderer  # noqa: F401


def main() -> None:
    """Jobs from standard input until it ends. What anything prints goes to the errors' stream, as the output's is ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warm_up()
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            send(out, answer(receive(sys.stdin.buffer)))
