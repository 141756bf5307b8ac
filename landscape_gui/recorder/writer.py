"""What is written while training goes on: jobs in the order in which they came, one at a time, in a thread of their own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

Job = Callable[[], None]
MOST_HELD = 256 << 20
"""Bytes of weights that may wait to be written; one checkpoint may in any case."""


class Writer:
    """Runs jobs one after the other. What fails is said by `failures` and does not stop the rest; seconds: spent so far."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._jobs: queue.SimpleQueue[tuple[Job, str, int] | None] = queue.SimpleQueue()
        self._held, self._lock = 0, threading.Lock()
        self._failures: list[str] = []
        self._thread = threading.Thread(target=self._run, name="landscape-gui recorder", daemon=True)
        self._thread.start()

    def has_room(self, size: int) -> bool:
        """Whether so many bytes may be held beside those that wait."""
        return self._held == 0 or self._held + size <= MOST_HELD

    def submit(self, job: Job, what: str, size: int = 0) -> None:
        """Run a job when its turn comes. what: what is missing where it fails; size: bytes that it holds."""
        with self._lock:
            self._held += size
        self._jobs.put((job, what, size))

    def failures(self) -> list[str]:
        """What could not be written since the last call, in sentences."""
        with self._lock:
            found, self._failures = self._failures, []
        return found

    def close(self) -> None:
        """Wait until all is written."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, what, size = item
            start = time.perf_counter()
            try:
                job()
            except Exception as error:  # whatever it is, training must go on
                reason = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
                with self._lock:
                    self._failures.append(f"{what} could not be written: {reason}.")
            finally:
                del job, item
                self.seconds += time.perf_counter() - start
                with self._lock:
                    self._held -= size
