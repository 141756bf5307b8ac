"""A process that opens files while everything it does beyond that is written down; and, for it, the process that asks.

An audit hook sees what Python does: imports, compiled and executed code, programs and threads started, files opened, written,
moved, sockets. While a file is being read all of that counts as an event, except opening the file itself (or another of its folder)
for reading. Memory is limited, so that a bomb ends in MemoryError, and so is the time that is waited for an answer.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import io
import json
import os
import pickle
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOM = 2 << 30
"""Bytes of address space beyond what the process has when it is ready."""
PATIENCE = 40.0
"""Seconds of real time after which a file that gives no answer counts as hanging; of CPU time `LIMIT` are allowed."""
LIMIT = 10.0
QUIET = frozenset({"builtins.id", "object.__getattr__", "object.__setattr__", "object.__delattr__", "sys._getframe"})
"""Events that reach nothing: identities, private attributes, frames."""
LISTING = frozenset({"os.listdir", "os.scandir"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
APART = "landscape_gui.store_guard"
"""Our own process for HDF5 files, which is started on purpose."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a file was answered. outcome: opened, refused, unforeseen (an error that the reader's own checks did not raise), crashed
    (the process ended) or hanging; words: the sentence; events: what was done beside reading; seconds: CPU time; peak: bytes."""

    outcome: str
    words: str = ""
    remedy: str = ""
    events: tuple[str, ...] = ()
    seconds: float = 0.0
    peak: int = 0

    @property
    def fine(self) -> bool:
        """Opened or refused in words, in time, with nothing done beside."""
        return self.outcome in ("opened", "refused") and not self.events and self.seconds < LIMIT


# -- the process that asks ------------------------------------------------------------------------------------------------


class Watched:
    """The watched process, started when it is first needed and again after it ended.

    folder: where it works and where files to be read should lie.
    """

    def __init__(self, folder: Path, *, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.starts = 0
        self._environment = environment or {}
        self._process: subprocess.Popen[str] | None = None

    def read(self, path: Path | str, reader: str = "checkpoint", patience: float = PATIENCE) -> Answer:
        """How the file is answered by one of READERS, within so many seconds of real time."""
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps({"path": os.fspath(path), "reader": reader}) + "\n")
            process.stdin.flush()
            line = self._line(process, patience)
        except BrokenPipeError:
            line = ""
        if line is None:
            self.close()
            return Answer(outcome="hanging", seconds=patience)
        if not line:
            code = process.wait()
            self.close()
            return Answer(outcome="crashed", words=f"exit status {code}")
        told = json.loads(line)
        return Answer(**{**told, "events": tuple(told["events"])})

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            code = "import sys; sys.path[:0] = sys.argv[2:]; import watched; watched.main(sys.argv[1])"
            paths = [str(Path(__file__).parent), str(Path(__file__).parent.parent), *sys.path]
            self._process = subprocess.Popen(
                [sys.executable, "-c", code, str(self.folder), *paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=self.folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", **self._environment},
            )
            self.starts += 1
            if self._line(self._process) != "ready\n":
                self.close()
                raise RuntimeError("The watched process does not start.")
        return self._process

    @staticmethod
    def _line(process: subprocess.Popen[str], patience: float = 10 * PATIENCE) -> str | None:
        """The next line; empty where the process ended; None where nothing comes for so many seconds."""
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(patience):
                return None
        return process.stdout.readline()


# -- the process that is watched ------------------------------------------------------------------------------------------


class Watch:
    """The audit hook; what happens between `start` and `stop` is kept."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._folder: str | None = None
        self._busy = self._apart = False
        sys.addaudithook(self._hear)

    def start(self, path: str) -> None:
        self.events, self._apart = [], False
        self._folder = os.path.dirname(path)

    def stop(self) -> tuple[str, ...]:
        self._folder = None
        return tuple(dict.fromkeys(self.events))

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self._folder is None or self._busy or event in QUIET:
            return
        self._busy = True
        try:
            if not self._is_reading(event, args) and len(self.events) < 100:
                self.events.append(f"{event} {args!r}"[:300])
        finally:
            self._busy = False

    def _is_reading(self, event: str, args: tuple[Any, ...]) -> bool:
        """Whether a file of the folder is opened for reading only, or the folder listed, or our own process for HDF5 started."""
        if event == "subprocess.Popen":
            self._apart = any(APART in str(part) for part in args[1])
            return self._apart
        if event == "os.kill":
            return self._apart  # given up after its time
        if event == "compile":
            return bool(args[1] == "<unknown>")  # ast.literal_eval, with which NumPy parses headers, compiles to no code
        if event == "open":
            name, mode, flags = args
            if isinstance(name, int):
                return True
            return not (flags or 0) & WRITING and not set(str(mode or "r")) & set("wax+") and self._is_inside(name)
        return event in LISTING and self._is_inside(args[0])

    def _is_inside(self, name: Any) -> bool:
        """Links count as where they lead."""
        place = os.path.realpath(os.fsdecode(name))
        return place == self._folder or place.startswith(f"{self._folder}{os.sep}")


def main(folder: str) -> None:
    """Answer paths on standard input, one JSON object a line, until it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: a file that hangs may not outlive who asked
    answers, sys.stdout = sys.stdout, sys.stderr
    prepare(Path(folder))
    watch = Watch()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(watch, asked["path"], READERS[asked["reader"]])), file=answers, flush=True)


def prepare(folder: Path) -> None:
    """Everything that honest and broken files import is imported now, so that each later import is an event."""
    import torch
    from landscape_gui import store_encoding

    import fuzz_seeds

    for cls in [found for room in store_encoding.ROOMS for found in vars(room).values() if dataclasses.is_dataclass(found)]:
        store_encoding.hints_of(cls)  # annotations are text that Python compiles when it is first asked for them
    torch.set_num_threads(1)
    place = folder / "honest"
    for seed in (*fuzz_seeds.make(), fuzz_seeds.Seed("broken", b"\x80\x02N.", "checkpoint")):
        path = fuzz_seeds.lay(seed, seed.data, place)
        with contextlib.suppress(Exception):
            READERS[seed.reader](str(path))
        for reader in ("info", "answer"):
            if seed.name in ("answer", "broken", "torch zip"):
                with contextlib.suppress(Exception):
                    READERS[reader](str(path))
        fuzz_seeds.clear(place)


def answer(watch: Watch, path: str, reader: Callable[[str], None]) -> dict[str, Any]:
    """What becomes of one file."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    base, start = memory("VmRSS"), time.process_time()
    words = remedy = ""
    watch.start(os.path.abspath(path))
    try:
        reader(path)
        outcome = "opened"
    except BaseException as error:
        outcome, words, remedy = judge(error)
    events = watch.stop()
    seconds, peak = time.process_time() - start, max(0, memory("VmHWM") - base)
    return {"outcome": outcome, "words": words, "remedy": remedy, "events": events, "seconds": seconds, "peak": peak}


def judge(error: BaseException) -> tuple[str, str, str]:
    """Outcome, sentence and remedy of an error."""
    from landscape_gui.checkpoint.limits import Broken
    from landscape_gui.errors import CheckpointError, LandscapeError

    if not isinstance(error, LandscapeError):
        return "unforeseen", f"{type(error).__name__}: {error}"[:500], ""
    foreseen = not isinstance(error, CheckpointError) or isinstance(error.__cause__, Broken | OSError)
    spoken = error.message.endswith(".") and error.message.isprintable() and len(error.message) < 2000
    return "refused" if foreseen and spoken else "unforeseen", error.message, error.remedy


def memory(name: str) -> int:
    """Bytes of VmRSS or VmHWM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    return 0


# -- the ways to open a file ----------------------------------------------------------------------------------------------


def read_checkpoint(path: str) -> None:
    """Header, then weights; the first may not say of the file what the second denies."""
    from landscape_gui.checkpoint import peek, read_checkpoint

    told = peek(path)
    read = read_checkpoint(path)
    names = [(tensor.name, tensor.dtype, tensor.shape) for tensor in told.tensors]
    assert names == [(name, str(x.dtype).removeprefix("torch."), tuple(x.shape)) for name, x in read.tensors.items()]
    json.dumps({name: str(value) for name, value in read.metadata.items()}).encode()


def read_info(path: str) -> None:
    """`landscape-gui info FILE --json`."""
    from landscape_gui.cli import main as command
    from landscape_gui.errors import LandscapeError

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = command(["info", path, "--json"])
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 2
    if status == 1 and "Traceback" not in err.getvalue() and err.getvalue().strip():
        said = err.getvalue().strip()
        raise LandscapeError("".join(character if character.isprintable() else " " for character in said).rstrip(".") + ".")
    assert status == 0, (status, err.getvalue()[:300])
    json.loads(out.getvalue())


def read_answer(path: str) -> None:
    """An answer of ours or another's surface, tried in a process of its own first."""
    from landscape_gui.export.peers_opening import read_answer

    read_answer(path)


def read_directions(path: str) -> None:
    from landscape_gui.export.peers import read_directions

    read_directions(path)


def parse_answer(path: str) -> None:
    """As `read_answer`, in this process, which broken bytes may end."""
    from landscape_gui.store_encoding import from_bytes

    from_bytes(Path(path).read_bytes())


def parse_surface(path: str) -> None:
    from landscape_gui.export.peers import surface_in

    surface_in(Path(path).read_bytes())


def parse_directions(path: str) -> None:
    from landscape_gui.export.peers import directions_in

    directions_in(Path(path).read_bytes())


def read_data(path: str) -> None:
    from landscape_gui.problem.datasets import load_data

    load_data(Path(path))


def read_program(path: str) -> None:
    """A .pt2 on the data beside it: its graph is checked and tried on a few examples."""
    from landscape_gui.problem import open_problem

    open_problem(path, data=os.path.join(os.path.dirname(path), "data.npz"))


def unguarded(path: str) -> None:
    """pickle itself: what the files would do, and that it is seen."""
    with open(path, "rb") as file:
        pickle.load(file)


def careless_torch(path: str) -> None:
    import torch

    torch.load(path)


def careless_numpy(path: str) -> None:
    import numpy as np

    np.load(path, allow_pickle=True)


READERS: dict[str, Callable[[str], None]] = {
    "checkpoint": read_checkpoint,
    "info": read_info,
    "answer": read_answer,
    "directions": read_directions,
    "parse answer": parse_answer,
    "parse surface": parse_surface,
    "parse directions": parse_directions,
    "data": read_data,
    "program": read_program,
    "unguarded": unguarded,
    "torch": careless_torch,
    "numpy": careless_numpy,
}
