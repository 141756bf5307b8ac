"""Kill -9 at random moments while a surface is computed: finished answers stay readable, the running one ends bit-equal.

10 kills here; LANDSCAPE_GUI_KILLS asks for more.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from landscape_gui.probes import Surface
from landscape_gui.results import SurfaceResult
from landscape_gui.store import Store

KILLS = int(os.environ.get("LANDSCAPE_GUI_KILLS", "10"))
FINISHED = 4

WORKER = textwrap.dedent("""
    import os, sys, time
    sys.path.insert(0, sys.argv[2])
    import torch
    torch.set_num_threads(1)
    from tiny_problem import TinyProblem
    from landscape_gui import jobs
    from landscape_gui.jobs import answer
    from landscape_gui.probes import Surface
    from landscape_gui.store import Store
    jobs.SAVE_EVERY = 0.0     # save after every block, so that most kills fall near a write
    problem, store = TinyProblem(), Store(sys.argv[1])
    print("ready", flush=True)
    for _ in range(20):       # one process is killed at many moments: each child starts from the same imports
        sys.stdin.readline()
        child = os.fork()
        if child == 0:
            try:
                print(os.getpid(), flush=True)
                for seed in range(FINISHED):
                    answer(Surface(steps=(9, 8), seed=seed), problem, store=store)
                answer(Surface(steps=(71, 67)), problem, store=store)
                print("finished", flush=True)
            finally:
                os._exit(0)
        sys.stdin.readline()  # not reaped before it has been killed, so that its id cannot be another's
        print("gone", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
""").replace("FINISHED", str(FINISHED))


class Victims:
    """Processes that compute the same answers in a folder, one after another."""

    def __init__(self, folder: Path) -> None:
        here = Path(__file__).parent
        self.command = [sys.executable, "-c", WORKER, str(folder), str(here)]
        self.folder = here.parent
        self.process: subprocess.Popen[str] | None = None
        self.used = 0
        self.began = 0.0

    def start(self) -> int:
        """The id of the next process; it has begun to compute."""
        if self.process is None or self.used == 20:
            self.close()
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=self.folder,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            self.used = 0
            assert self.line() == "ready"
        self.used += 1
        self.say("go")
        self.began = time.monotonic()
        return int(self.line())

    def reap(self) -> bool:
        """Wait for the end of the process that was started last; whether a kill ended it."""
        self.say("reap")
        while not (line := self.line()).startswith("gone"):
            assert line == "finished"
        return line == f"gone {-signal.SIGKILL}"

    def say(self, word: str) -> None:
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def line(self) -> str:
        assert self.process is not None and self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


def numbers(result: SurfaceResult) -> bytes:
    return b"".join(
        q.values.tobytes() + q.standard_error.tobytes() for q in result.quantities.values() if q.standard_error is not None
    )


def test_killed_at_random_moments_nothing_is_lost_and_the_end_is_the_same_to_the_bit(tmp_path: Path) -> None:
    undisturbed, store = Victims(tmp_path / "undisturbed"), Store(tmp_path / "killed")
    undisturbed.start()
    assert undisturbed.line() == "finished"
    whole = time.monotonic() - undisturbed.began
    undisturbed.close()
    expected = {e.key: numbers(Store(tmp_path / "undisturbed").get(e.key)) for e in Store(tmp_path / "undisturbed").entries()}  # type: ignore[arg-type]
    assert len(expected) == FINISHED + 1
    victims, moments, killed = Victims(tmp_path / "killed"), random.Random(0), 0
    while killed < KILLS:
        victim = victims.start()
        time.sleep(moments.uniform(0, whole / 3))  # short: an answer is interrupted several times before it is finished
        os.kill(victim, signal.SIGKILL)
        killed += victims.reap()
        for name, state in store.verify().items():
            assert state == "ok", name
        for entry in store.entries():
            assert numbers(store.get(entry.key)) == expected[entry.key]  # type: ignore[arg-type]
        if len(store.entries()) == FINISHED + 1:
            store.clear()
    victims.start()
    assert victims.line() == "finished"
    victims.close()
    assert {e.key: numbers(store.get(e.key)) for e in store.entries()} == expected  # type: ignore[arg-type]
    assert not (store.folder / "broken").exists()
    assert list(store.folder.glob("*.partial.h5")) == []


def test_a_default_question_is_small_enough_for_a_test() -> None:
    """The surface above must be cut into many blocks, or kills would never fall between them."""
    from landscape_gui.probes.grid import blocks, order

    assert len(list(blocks(order(67, 71)[1]))) > 20
    assert Surface(steps=(71, 67)).steps == (71, 67)
