"""A stranger's tokeniser at work in a process of its own: its regular expressions may take any time, and hold every thread of the
process that they run in. Here they are given so many seconds, and the window never waits."""

from __future__ import annotations

import array
import contextlib
import json
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

from landscape_gui.errors import ProblemError
from landscape_gui.problem import tokeniser_child

SECONDS, SECONDS_A_MEGABYTE = 20.0, 20.0
"""Time for one question, and more for each megabyte of text: usual tokenisers need a second for one to ten megabytes."""
GIVE_IDS = "Cut the text elsewhere, and give the token ids (.npy, .bin)."


class TokeniserProcess:
    """Made with a tokenizer.json, which is read there. Raises ProblemError where it cannot be, or takes too long. The process ends
    with this object."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        if getattr(sys, "frozen", False) or not sys.executable:
            raise ProblemError(f"{path} needs a Python interpreter to be used, and there is none here.", remedy=GIVE_IDS)
        environment = {**os.environ, "PYTHONSAFEPATH": "1", "TOKENIZERS_PARALLELISM": "false", "RUST_BACKTRACE": "0"}
        self._process = subprocess.Popen(
            [sys.executable, str(tokeniser_child.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._end = weakref.finalize(self, _end, self._process)
        self._ask({"read": str(path.absolute())}, path.stat().st_size)

    @property
    def alive(self) -> bool:
        """Whether it can still be asked: what took too long ended it."""
        return self._process.poll() is None

    def rows(self, texts: list[str], length: int = 0) -> list[list[int]]:
        """The token ids of each text; cut to `length`, with the marks that a classifier expects, unless it is 0."""
        counts, numbers = self._ask({"texts": texts, "length": length}, sum(map(len, texts)))
        ids, start, found = array.array("I", numbers).tolist(), 0, []
        for count in counts:
            found.append(ids[start : start + count])
            start += count
        return found

    def text(self, ids: list[int]) -> str:
        """The text of token ids."""
        return str(self._ask({"ids": ids}, len(ids))[0])

    def _ask(self, question: dict[str, Any], size: int) -> tuple[Any, bytes]:
        seconds = SECONDS + SECONDS_A_MEGABYTE * size / 1e6
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        with self._lock:
            timer = threading.Timer(seconds, stop)
            timer.daemon = True
            timer.start()
            try:
                said, numbers = self._answer(question)
            finally:
                timer.cancel()
        if said is None or late.is_set():
            self._end()
            what = f"did not finish within {seconds:.3g} s" if late.is_set() else "ended the process that it ran in"
            raise ProblemError(f"{self.path}, a tokeniser, {what}: its rules ask for too much of this text.", remedy=GIVE_IDS)
        if "error" in said:
            error = " ".join(said["error"].split())[:300].rstrip(".")
            raise ProblemError(f"{self.path} is no tokeniser that can be used: {error}.")
        return said["said"], numbers

    def _answer(self, question: dict[str, Any]) -> tuple[dict[str, Any] | None, bytes]:
        """What the process answers; (None, ...) where it ended."""
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None and sink is not None
        try:
            tokeniser_child.send(sink, json.dumps(question).encode())
            message = tokeniser_child.receive(source)
            said = json.loads(message) if message is not None else None
            numbers = tokeniser_child.receive(source) if said is not None and "error" not in said else b""
            return (None, b"") if numbers is None else (said, numbers)
        except (OSError, ValueError):
            return None, b""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # a message that nobody reads any more
            if stream is not None:
                stream.close()
    process.wait()
