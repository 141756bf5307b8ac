"""Questions being answered: the store, cancelling, going on, failing; none of it changes a bit of the numbers or the network."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem

from landscape_gui import environment, jobs
from landscape_gui.errors import LandscapeError, QuestionError, StoreError
from landscape_gui.jobs import Cancelled, Job, JobEvent, answer, explain
from landscape_gui.probes import Line, Surface, Trajectory
from landscape_gui.probes.base import Progress
from landscape_gui.store import Store, key_of

QUESTIONS = [
    Surface(steps=(41, 23)),
    Surface(steps=(21, 17), draws=3, split="train"),
    Surface(steps=(23, 31), tier="exact", limit=50),
    Line(steps=501),
    Trajectory(steps=(31, 23)),
]


@pytest.fixture(autouse=True)
def _save_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every partial answer is saved and told, so that tests need no patience."""
    monkeypatch.setattr(jobs, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.0)


def arrays(result: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Every array of an answer, by where it is."""
    if isinstance(result, np.ndarray):
        yield path, result
    elif dataclasses.is_dataclass(result):
        for f in dataclasses.fields(result):
            yield from arrays(getattr(result, f.name), f"{path}.{f.name}")
    elif isinstance(result, dict):
        for name, value in result.items():
            yield from arrays(value, f"{path}[{name}]")


def assert_equal_to_the_bit(a: Any, b: Any) -> None:
    left, right = dict(arrays(a)), dict(arrays(b))
    assert left.keys() == right.keys()
    for name, array in left.items():
        assert array.tobytes() == right[name].tobytes(), name


def stop_after(count: int) -> Any:
    """`cancelled` for `answer`: False so many times, then True."""
    left = iter(range(count))
    return lambda: next(left, None) is None


def cancel_at(probe: Any, problem: Any, store: Store, count: int) -> bool:
    """Begin and cancel after `count` pieces; False where the answer was finished before."""
    try:
        answer(probe, problem, store=store, cancelled=stop_after(count))
    except Cancelled:
        return True
    return False


@pytest.mark.parametrize("probe", QUESTIONS, ids=lambda p: f"{p.name} {p.steps}")
def test_fresh_cached_and_resumed_answers_are_equal_to_the_bit(probe: Any, tmp_path: Path) -> None:
    """Identity 22, interrupted again and again, a little later each time."""
    fresh = answer(probe, TinyProblem(), store=Store(tmp_path / "fresh"))
    store = Store(tmp_path / "resumed")
    interrupted = 0
    for count in (3, 5, 8, 12, 18, 27, 40, 60, 90):
        if not cancel_at(probe, TinyProblem(), store, count):
            break
        interrupted += 1
    resumed = answer(probe, TinyProblem(), store=store)
    assert interrupted >= 2
    assert_equal_to_the_bit(fresh, resumed)
    assert_equal_to_the_bit(fresh, answer(probe, TinyProblem(), store=Store(tmp_path / "fresh")))
    assert_equal_to_the_bit(fresh, answer(probe, TinyProblem()))


def test_going_on_really_goes_on(tmp_path: Path) -> None:
    """After a cancel the finished blocks are not computed again."""
    probe, store, seen = Surface(steps=(41, 41)), Store(tmp_path), []
    partials: list[Any] = []

    def enough() -> bool:
        return len(partials) >= 5

    with pytest.raises(Cancelled) as stopped:
        answer(probe, TinyProblem(), store=store, cancelled=enough, on_progress=lambda p: partials.append(p) if p.partial else None)
    before = int(stopped.value.partial.computed.sum())
    assert before >= 5 * 100
    answer(probe, TinyProblem(), store=store, on_progress=lambda p: seen.append(p.done) if p.total > 1 else None)
    assert min(seen) >= before


def test_a_partial_answer_computed_in_another_order_is_not_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as another version may have left: what it skipped would be taken for computed."""
    from landscape_gui.probes import grid

    probe, store, partials = Surface(steps=(41, 41)), Store(tmp_path), []

    def enough() -> bool:
        return len(partials) >= 3

    with pytest.raises(Cancelled):
        answer(probe, TinyProblem(), store=store, cancelled=enough, on_progress=lambda p: partials.append(p) if p.partial else None)
    ordered = grid.order
    monkeypatch.setattr(grid, "order", lambda ny, nx: (ordered(ny, nx)[0][::-1].copy(), ordered(ny, nx)[1]))
    resumed = answer(probe, TinyProblem(), store=store)
    assert all(np.isfinite(q.values).all() for q in resumed.quantities.values())


def test_an_answer_in_the_store_needs_no_network(tmp_path: Path) -> None:
    problem, probe = TinyProblem(), Surface(steps=(5, 4))
    answer(probe, problem, store=Store(tmp_path))
    made = problem.made
    answer(probe, problem, store=Store(tmp_path))
    assert problem.made == made


def test_a_trajectory_keeps_its_surface_as_an_answer_of_its_own(tmp_path: Path) -> None:
    store, problem = Store(tmp_path), TinyProblem()
    answer(Trajectory(steps=(7, 6)), problem, store=store)
    assert sorted(e.probe for e in store.entries()) == ["surface", "trajectory"]
    made = problem.made
    answer(Surface(steps=(7, 6), directions="principal"), problem, store=store)
    assert problem.made == made


def test_another_environment_does_not_go_on_from_a_partial_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe, store = Surface(steps=(41, 41)), Store(tmp_path)
    assert cancel_at(probe, TinyProblem(), store, 12)
    monkeypatch.setattr(environment, "processor", lambda: "another")
    seen: list[Progress] = []
    answer(probe, TinyProblem(), store=store, on_progress=seen.append)
    assert min(p.done for p in seen if p.total > 1 and p.partial) == 25


def state_bytes(problem: TinyProblem) -> bytes:
    return b"".join(t.numpy().tobytes() for t in problem.module.state_dict().values()) + problem.state.numpy().tobytes()


@pytest.mark.parametrize("kind", ["mlp", "batchnorm"])
def test_weights_buffers_and_seeds_are_untouched_after_cancel_and_error(kind: str, tmp_path: Path) -> None:
    """Identity 22."""
    problem = TinyProblem(kind)
    before, seed = state_bytes(problem), torch.get_rng_state()
    training = [m.training for m in problem.module.modules()]
    for batchnorm in ("frozen", "interpolated", "recalculated"):
        probe = Surface(steps=(41, 41), batchnorm=batchnorm, directions="principal")
        assert cancel_at(probe, problem, Store(tmp_path / batchnorm), 5)
    problem.broken = fail_at_second_block
    with pytest.raises(LandscapeError):
        answer(Surface(steps=(31, 31)), problem)
    assert state_bytes(problem) == before
    assert torch.equal(torch.get_rng_state(), seed)
    assert [m.training for m in problem.module.modules()] == training


def fail_at_second_block(evaluator: Any) -> None:
    whole, calls = evaluator.evaluate, []

    def evaluate(*args: Any) -> Iterator[float]:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)")
        return whole(*args)

    evaluator.evaluate = evaluate


def test_an_error_keeps_what_was_computed_and_is_a_sentence(tmp_path: Path) -> None:
    store, probe = Store(tmp_path), Surface(steps=(31, 31))
    problem = TinyProblem(broken=fail_at_second_block)
    with pytest.raises(LandscapeError, match=r"Loss surface stopped: RuntimeError: mat1 and mat2") as error:
        answer(probe, problem, store=store)
    assert error.value.remedy
    kept = store.partial(key_of(probe, problem.fingerprint))
    assert kept is not None and kept.computed.sum() == 25


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "not enough memory"),
        (FileNotFoundError(2, "No such file or directory", "data.npz"), r"No such file or directory \(data.npz\)"),
        (ValueError("bad\nvalue"), "ValueError: bad value"),
        (KeyError(), "KeyError: no message"),
    ],
)
def test_every_error_is_a_sentence_with_a_remedy(error: Exception, words: str) -> None:
    def fail(evaluator: Any) -> None:
        raise error

    with pytest.raises(LandscapeError, match=words) as told:
        answer(Line(), TinyProblem(broken=fail))
    assert told.value.remedy


@pytest.mark.parametrize(
    "error", [RuntimeError("it broke.."), RuntimeError(""), MemoryError(), OSError("gone."), MemoryError("no.")]
)
def test_no_sentence_ends_in_two_full_stops(error: Exception) -> None:
    text = str(explain(error, Surface()))
    assert ".." not in text and " ." not in text and "()" not in text


def test_a_full_disk_still_gives_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write fails as on a full disk; the answer comes all the same, and one sentence says that it was not kept."""

    def no_room(*args: Any, **kwargs: Any) -> None:
        raise StoreError("It cannot be written: No space left on device.")

    monkeypatch.setattr("landscape_gui.store.replace", no_room)
    seen: list[Progress] = []
    result = answer(Surface(steps=(31, 31)), TinyProblem(), store=Store(tmp_path), on_progress=seen.append)
    assert result.computed.all()
    assert any("not kept" in p.note and "No space left" in p.note for p in seen)
    assert not list(tmp_path.glob("*.h5"))


def test_a_store_that_cannot_be_made_still_gives_the_answer(tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("")
    seen: list[Progress] = []
    result = answer(Line(steps=5), TinyProblem(), store=Store(tmp_path / "in_the_way"), on_progress=seen.append)
    assert result.computed.all() and any("not kept" in p.note for p in seen)


# --------------------------------------------------------------------------------------------------------------------------- Job


def test_a_job_tells_partial_answers_and_then_the_answer(tmp_path: Path) -> None:
    events: list[JobEvent] = []
    job = Job(Surface(steps=(31, 31)), TinyProblem(), Store(tmp_path), events.append)
    assert job.state == "waiting"
    assert job.run() is job.result
    assert [e.state for e in events[:-1]] == ["running"] * (len(events) - 1) and events[-1].state == "done"
    partial = [e.result for e in events if e.result is not None]
    counts = [int(r.computed.sum()) for r in partial]
    assert counts == sorted(counts) and counts[0] == 25 and counts[-1] == 961
    first = next(iter(partial[0].quantities.values())).values
    assert np.isfinite(first[partial[0].computed]).all() and np.isnan(first[~partial[0].computed]).all()
    assert partial[0].provenance.key == job.result.provenance.key != ""
    assert events[-1].seconds_left == 0.0 and any(e.seconds_left > 0 for e in events[:-1])


def test_a_cancelled_job_keeps_its_partial_answer(tmp_path: Path) -> None:
    def on_event(event: JobEvent) -> None:
        if event.result is not None:
            event.job.cancel()

    job = Job(Surface(steps=(41, 41)), TinyProblem(), Store(tmp_path), on_event)
    assert job.run() is None
    assert job.state == "cancelled" and job.error is None and job.result is not None and not job.result.computed.all()
    assert Store(tmp_path).entries(partial=True)[0].finished is False


def test_a_job_cancelled_before_it_runs_does_nothing() -> None:
    problem = TinyProblem()
    job = Job(Surface(), problem)
    job.cancel()
    job.run()
    assert job.state == "cancelled" and problem.made == 0


def test_a_failed_job_has_a_sentence() -> None:
    job = Job(Surface(split="validation"), TinyProblem())
    job.run()
    assert job.state == "failed" and isinstance(job.error, QuestionError)
    assert "train, test" in job.error.remedy


def test_progress_is_told_at_most_thirty_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock of our own: 1,000 reports in a second reach the listener at most 31 times, and no partial answer is lost."""
    monkeypatch.setattr(jobs, "TELL_EVERY", 1 / 30)
    now = [0.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now[0])
    heard: list[Progress] = []
    throttle = jobs.Throttle(heard.append)
    for k in range(1000):
        now[0] = k / 1000
        throttle(Progress(done=k, total=1000, partial="only once" if k == 501 else None))  # type: ignore[arg-type]
    throttle.flush()
    assert 25 <= len(heard) <= 32
    assert [p.partial for p in heard if p.partial] == ["only once"]
    assert heard[-1].done == 999


# ------------------------------------------------------------------------------------------------------------------ two at once


def test_two_threads_with_the_same_question_compute_it_once(tmp_path: Path) -> None:
    problems = [TinyProblem(), TinyProblem()]
    found: list[Any] = []
    gate = threading.Barrier(2)

    def work(problem: TinyProblem) -> None:
        gate.wait()
        found.append(answer(Surface(steps=(31, 31)), problem, store=Store(tmp_path)))

    threads = [threading.Thread(target=work, args=(p,)) for p in problems]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(p.made for p in problems) == [0, 1]
    assert_equal_to_the_bit(*found)


WORKER = """
import sys
sys.path.insert(0, sys.argv[2])
from tiny_problem import TinyProblem
from landscape_gui.jobs import answer
from landscape_gui.probes import Surface
from landscape_gui.store import Store
problem = TinyProblem()
print("ready", flush=True)
sys.stdin.readline()
result = answer(Surface(steps=(81, 81)), problem, store=Store(sys.argv[1]))
print(problem.made, float(result.quantities["train_loss"].values.sum()).hex(), flush=True)
"""


def test_two_processes_with_the_same_question_compute_it_once(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", textwrap.dedent(WORKER), str(tmp_path), here]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(here).parent) for _ in "ab"
    ]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    lines = []
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        lines.append(process.communicate(timeout=60)[0].split())
    assert sorted(line[0] for line in lines) == ["0", "1"]
    assert lines[0][1] == lines[1][1]


def test_waiting_for_another_window_follows_it_and_can_be_cancelled(tmp_path: Path) -> None:
    store, problem, probe = Store(tmp_path), TinyProblem(), Surface(steps=(31, 31))
    key = key_of(probe, problem.fingerprint)
    with store.lock(key).acquire(timeout=0):
        assert not cancel_at(Line(steps=3), problem, store, 10_000)  # another key is free
        partials: list[Any] = []
        answer(probe, TinyProblem(), on_progress=lambda p: partials.append(p.partial) if p.partial else None)
        store.put_partial(key, partials[0], done=25, total=961)
        seen: list[Progress] = []
        start = time.monotonic()
        with pytest.raises(Cancelled) as stopped:
            answer(probe, problem, store=store, on_progress=seen.append, cancelled=lambda: time.monotonic() - start > 0.2)
        assert stopped.value.partial is not None and int(stopped.value.partial.computed.sum()) == 25
        assert any(p.done == 25 and "Another window" in p.note for p in seen)


@pytest.mark.parametrize("step", [0.03, 0.3, 0.4, 0.7, 0.95, 3.0])
def test_a_kill_loses_a_second_or_one_step_at_most(step: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of its own: whenever the process is killed, what the store holds is no older than that."""
    clock, problem, store = [0.0], TinyProblem(), Store(tmp_path)
    monkeypatch.setattr(jobs, "SAVE_EVERY", 1.0)
    monkeypatch.setattr(jobs.time, "monotonic", lambda: clock[0])
    probe = Surface(steps=(5, 5)).completed(problem)
    result = answer(probe, problem)
    computation = jobs.Computation(probe, problem, key_of(probe, problem.fingerprint), store)
    saves = [0.0]
    monkeypatch.setattr(store, "put_partial", lambda _key, _result, done, total: saves.append(done))
    for _ in range(60):
        assert clock[0] + step - saves[-1] <= max(1.0, step) + 1e-9
        clock[0] += step
        computation._noted(Progress(done=clock[0], total=1e9, partial=result))
    assert len(saves) <= 2 * clock[0] + 2  # about twice a second at most
