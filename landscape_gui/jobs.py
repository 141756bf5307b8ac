"""A question being answered: out of the store if it was answered before, else computed, with progress and partial answers."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from filelock import Timeout

from landscape_gui.environment import environment
from landscape_gui.errors import LandscapeError, StoreError
from landscape_gui.probes.base import CheckpointRef, FileRef, Probe, Progress, Run, question
from landscape_gui.results import Provenance, Result
from landscape_gui.store import Store, key_of

if TYPE_CHECKING:
    from landscape_gui.problem import Problem

State = Literal["waiting", "running", "done", "cancelled", "failed"]

SAVE_EVERY = 1.0
"""Seconds of work that a kill loses at most, where no single step takes longer: a partial answer is saved before the next step, if
that takes as long as the last one, would go beyond."""
TELL_EVERY = 1 / 30
"""Seconds between two reports of progress."""
LOOK_EVERY = 0.05
"""Seconds between two looks at a lock that another process holds."""


class Cancelled(LandscapeError):
    """The question was taken back; `partial` is what was known by then, and a later answer goes on from there."""

    def __init__(self, partial: Result | None = None) -> None:
        super().__init__("Cancelled.", remedy="What was computed is kept; asking again goes on from there.")
        self.partial = partial


@dataclass(frozen=True, kw_only=True)
class JobEvent:
    """What a job has to say: never changed afterwards. result: partial while `state` is "running", the answer when "done".

    seconds_left is NaN while nothing can be said about it.
    """

    job: Job
    state: State
    done: float = 0.0
    total: float = 1.0
    seconds_left: float = float("nan")
    result: Result | None = None
    note: str = ""
    error: LandscapeError | None = None


def answer(
    probe: Probe,
    problem: Problem,
    *,
    store: Store | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Result:
    """The answer to a question; the one in the store where there is one, else computed and kept there.

    store: None keeps nothing. on_progress: called at most 30 times a second, in this thread. cancelled: asked between pieces of at
    most about 50 ms of work. Raises Cancelled, or another LandscapeError that says in a sentence what went wrong.
    """
    steps = answering(probe, problem, store)
    tell = Throttle(on_progress)
    try:
        while True:
            if cancelled is not None and cancelled():
                raise Cancelled(tell.partial)
            tell(next(steps))
    except StopIteration as stop:
        tell.flush()
        result: Result = stop.value
        return result
    except LandscapeError:
        raise
    except Exception as error:
        raise explain(error, probe) from error
    finally:
        steps.close()


class Throttle:
    """Passes progress on at most 30 times a second; a partial answer that was held back goes with the next report."""

    def __init__(self, listener: Callable[[Progress], None] | None) -> None:
        self.listener = listener
        self.partial: Result | None = None
        self._held: Progress | None = None
        self._new = False
        self._last = float("-inf")

    def __call__(self, progress: Progress) -> None:
        if progress.partial is not None:
            self.partial, self._new = progress.partial, True
        self._held = dataclasses.replace(progress, partial=self.partial if self._new else None)
        if time.monotonic() - self._last >= TELL_EVERY:
            self.flush()

    def flush(self) -> None:
        if self._held is not None and self.listener is not None:
            self.listener(self._held)
            self._last = time.monotonic()
            self._new = False
        self._held = None


def answering(probe: Probe, problem: Problem, store: Store | None, *, part: bool = False) -> Run:
    """`answer` as a generator that yields between pieces of work; closing it keeps what there is. part: for another question."""
    probe = probe.completed(problem)
    key = key_of(probe, problem.fingerprint)
    if store is None:
        return (yield from Computation(probe, problem, key, None).steps())
    found = store.get(key)
    if found is not None:
        if not part:
            list_again(store, key, found)
        return found
    with contextlib.ExitStack() as held:
        found = yield from take_lock(store, key, held)
        if found is not None:
            return found
        return (yield from Computation(probe, problem, key, store, part=part).steps())


def list_again(store: Store, key: str, found: Result) -> None:
    """What was computed for another question and is now asked for itself belongs in lists."""
    from landscape_gui.store import entry_of

    entry = entry_of(store.path(key))
    if entry is not None and entry.part:
        with contextlib.suppress(StoreError):
            store.put(key, found)


def take_lock(store: Store, key: str, held: contextlib.ExitStack) -> Generator[Progress, None, Result | None]:
    """Wait until nobody else computes this answer, showing what the other one has so far; the answer if it then exists."""
    try:
        lock = store.lock(key)
    except StoreError as error:
        yield Progress(done=0, total=1, note=str(error))
        return None
    seen = 0
    while True:
        try:
            held.enter_context(lock.acquire(timeout=0))
            return store.get(key)
        except Timeout:
            seen, progress = follow(store, key, seen)
            yield progress
            time.sleep(LOOK_EVERY)
        except (OSError, NotImplementedError):  # a file system without locks: the worst is that something is computed twice
            return None


def follow(store: Store, key: str, seen: int) -> tuple[int, Progress]:
    """How far another process has come with this answer; its partial answer when it is a new one."""
    from landscape_gui.store import entry_of

    note, path = "Another window is computing this.", store.partial_path(key)
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return seen, Progress(done=0, total=1, note=note)
    if changed == seen or (entry := entry_of(path)) is None:
        return seen, Progress(done=0, total=1, note=note)
    return changed, Progress(done=entry.done, total=entry.total, partial=store.partial(key), note=note)


class Computation:
    """One question being computed by this process, which holds its lock."""

    def __init__(self, probe: Probe, problem: Problem, key: str, store: Store | None, *, part: bool = False) -> None:
        self.probe, self.problem, self.key, self.store, self.part = probe, problem, key, store, part
        self.environment = environment()
        self.partial = self._kept()
        self._before = self.partial.provenance.seconds if self.partial is not None else 0.0
        self._started = time.monotonic()
        self._unsaved: Progress | None = None
        self._saved_at = self._stepped_at = self._started
        self._trouble = ""

    def __call__(self, probe: Probe, /, problem: Problem | None = None) -> Run:
        """What a probe calls as `ask`: another question's answer, through the store under its own key."""
        return answering(probe, problem or self.problem, self.store, part=True)

    def known(self, probe: Probe, /) -> Result | None:
        """Another question's answer if it is in the store; nothing is computed."""
        return self.store.get(key_of(probe.completed(self.problem), self.problem.fingerprint)) if self.store else None

    def keep(self, probe: Probe, result: Result, /) -> bool:
        """Keep what is known of another question under its own key; whether that succeeded."""
        probe = probe.completed(self.problem)
        key = key_of(probe, self.problem.fingerprint)
        try:
            if self.store is not None:
                self.store.put(key, Computation(probe, self.problem, key, None)._signed(result), part=True)
        except StoreError:
            return False
        return self.store is not None

    def _kept(self) -> Result | None:
        """The partial answer to go on from, if it was computed in the same surroundings."""
        found = self.store.partial(self.key) if self.store is not None else None
        if found is None or any(found.provenance.environment.get(k) != v for k, v in self.environment.items()):
            return None
        return found

    def steps(self) -> Run:
        run = self.probe.run(self.problem, self)
        total = 1.0
        try:
            while True:
                try:
                    progress = next(run)
                except StopIteration as stop:
                    result = self._signed(stop.value)
                    break
                total = progress.total
                yield self._noted(progress)
        except BaseException:
            run.close()
            self._save()
            raise
        yield Progress(done=total, total=total, note=self._keep(result))  # the last word: what was noted on the way no longer holds
        return result

    def _noted(self, progress: Progress) -> Progress:
        now, step = time.monotonic(), 0.0
        if progress.partial is not None:
            progress = dataclasses.replace(progress, partial=self._signed(progress.partial))
            self._unsaved = progress
            step, self._stepped_at = now - self._stepped_at, now
        if self._unsaved is not None and now + step - self._saved_at >= SAVE_EVERY:
            self._save()
        return dataclasses.replace(progress, note=self._trouble) if self._trouble and not progress.note else progress

    def _save(self) -> None:
        """Keep the newest partial answer; where that fails, say so once and go on: the answer itself is not in danger."""
        progress, self._unsaved = self._unsaved, None
        if progress is None or progress.partial is None or self.store is None:
            return
        try:
            self.store.put_partial(self.key, progress.partial, done=progress.done, total=progress.total)
            self._trouble = ""
        except StoreError as error:
            self._trouble = str(error)
        self._saved_at = self._stepped_at

    def _keep(self, result: Result) -> str:
        try:
            if self.store is not None:
                self.store.put(self.key, result, part=self.part)
        except StoreError as error:
            return f"The answer is shown but not kept. {error}"
        return ""

    def _signed(self, result: Result) -> Result:
        """The answer with where it comes from."""
        own = result.provenance
        signed = Provenance(
            probe=self.probe.name,
            version=self.probe.version,
            key=self.key,
            fingerprint=self.problem.fingerprint,
            question=stated(self.probe),
            problem=dict(self.problem.description),
            environment={
                "device": str(self.problem.device),
                "threads": self.problem.threads,
                **own.environment,
                **self.environment,
            },
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=self._before + time.monotonic() - self._started,
        )
        return dataclasses.replace(result, provenance=signed)


def signed(result: Result, probe: Probe, problem: Problem) -> Result:
    """An answer that came about otherwise, with where it comes from: that of a completed question about a problem."""
    return Computation(probe, problem, key_of(probe, problem.fingerprint), None)._signed(result)


def stated(probe: Probe) -> dict[str, Any]:
    """The question as it is written into the answer: as in the key, and with the paths where other files were found."""

    def located(value: Any, plain: Any) -> Any:
        if isinstance(value, (CheckpointRef, FileRef)):
            return dataclasses.asdict(value)
        if isinstance(value, Probe):
            return {"probe": value.name, "version": value.version, **stated(value)}
        if isinstance(value, tuple):
            return [located(v, p) for v, p in zip(value, plain, strict=True)]
        return plain

    return {name: located(getattr(probe, name), plain) for name, plain in question(probe).items()}


def explain(error: BaseException, probe: Probe) -> LandscapeError:
    """Any error as a sentence of what went wrong while this question was answered, and what to do."""
    if isinstance(error, LandscapeError):
        return error
    text = " ".join(str(error).split())[:500].rstrip(". ")
    what = f"{type(probe).title} stopped"
    if isinstance(error, MemoryError) or "out of memory" in text.lower():
        return LandscapeError(
            f"{what}: there is not enough memory{f' ({text})' if text else ''}.",
            remedy="Take a subset of the data (limit) or fewer points.",
        )
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        reason = (error.strerror or text or "an error").rstrip(".")
        return LandscapeError(f"{what}: {reason}{where}.", remedy="Look at the file or folder that is named.")
    return LandscapeError(
        f"{what}: {type(error).__name__}: {text or 'no message'}.",
        remedy="If the message comes from the network, its architecture or its data do not fit; what was computed is kept.",
    )


class Job:
    """A question and its way to an answer, for a thread to `run` and any other to watch and `cancel`.

    on_event: called in the thread that runs the job, at most 30 times a second, and once at the end with the final state.
    """

    def __init__(
        self, probe: Probe, problem: Problem, store: Store | None = None, on_event: Callable[[JobEvent], None] | None = None
    ) -> None:
        self.probe, self.problem, self.store, self.on_event = probe, problem, store, on_event
        self.state: State = "waiting"
        self.result: Result | None = None
        self.error: LandscapeError | None = None
        self.done, self.total, self.note = 0.0, 1.0, ""
        self._stop = threading.Event()
        self._first: tuple[float, float] | None = None

    def cancel(self) -> None:
        """From any thread; takes effect within about 50 ms of work. What was computed is kept."""
        self._stop.set()

    def run(self) -> Result | None:
        """Answer the question; never raises: see `state`, `result` and `error`. Returns the answer, or None without one."""
        self.state = "running"
        try:
            if self._stop.is_set():
                raise Cancelled
            self.result = answer(
                self.probe, self.problem, store=self.store, on_progress=self._progress, cancelled=self._stop.is_set
            )
            self.state = "done"
            self.done = self.total
        except Cancelled:
            self.state = "cancelled"
        except LandscapeError as error:
            self.state, self.error = "failed", error
        except BaseException as error:
            self.state, self.error = "failed", explain(error, self.probe)
            if not isinstance(error, Exception):
                raise
        finally:
            self._tell(self.result)
        return self.result if self.state == "done" else None

    def _progress(self, progress: Progress) -> None:
        self.done, self.total, self.note = progress.done, progress.total, progress.note
        if progress.partial is not None:
            self.result = progress.partial
        if self._first is None:
            self._first = (time.monotonic(), progress.done)
        self._tell(progress.partial)

    def _tell(self, result: Result | None) -> None:
        if self.on_event is not None:
            left = 0.0 if self.state == "done" else self.seconds_left()
            told = {"done": self.done, "total": self.total, "seconds_left": left, "note": self.note}
            self.on_event(JobEvent(job=self, state=self.state, result=result, error=self.error, **told))  # type: ignore[arg-type]

    def seconds_left(self) -> float:
        """An estimate from this run's own pace; NaN before there is one."""
        if self._first is None or self.done <= self._first[1]:
            return float("nan")
        return (time.monotonic() - self._first[0]) * (self.total - self.done) / (self.done - self._first[1])
