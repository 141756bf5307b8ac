"""What every question about a trained path keeps, with curves and bands as examples: going on, from whatever it was kept by."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_jobs import assert_equal_to_the_bit, cancel_at
from tiny_problem import TinyProblem

from landscape_gui.connection_results import CurveResult
from landscape_gui.jobs import Cancelled, answer
from landscape_gui.probes.base import Progress
from landscape_gui.store import Store


def towards(problem: TinyProblem, epoch: int = 0) -> Any:
    return problem.reference(f"epoch_{epoch}")


def steps_of(progress: Progress) -> float:
    return progress.done if progress.total > 1 else -1.0


def begun_at(probe: Any, problem: Any, store: Store | None) -> tuple[CurveResult, float]:
    """The answer and how many steps were done when the first one of this time was."""
    seen: list[float] = []
    found = answer(probe, problem, store=store, on_progress=lambda p: seen.append(steps_of(p)))
    assert isinstance(found, CurveResult)
    return found, min((done for done in seen if done >= 0), default=float("inf"))


def same(a: CurveResult, b: CurveResult) -> None:
    assert_equal_to_the_bit(a, b)
    assert (a.kind, a.steps, a.split, a.subset, a.complete) == (b.kind, b.steps, b.split, b.subset, b.complete)


def interrupted_again_and_again(ask: Callable[..., Any], folder: Path) -> None:
    """Identity 22: fresh, cancelled and gone on from many times, and out of the store."""
    probe, store = ask(steps=150), Store(folder / "resumed")
    fresh = answer(probe, TinyProblem(), store=Store(folder / "fresh"))
    interrupted = sum(cancel_at(probe, TinyProblem(), store, count) for count in (3, 8, 20, 31, 45))
    resumed, begun = begun_at(probe, TinyProblem(), store)
    assert interrupted == 5 and begun > 3 + 8 + 20
    same(resumed, fresh)
    same(answer(probe, TinyProblem(), store=store), fresh)
    same(answer(probe, TinyProblem()), fresh)


def more_steps_go_on_from_fewer(ask: Callable[..., Any], folder: Path) -> None:
    store = Store(folder / "store")
    fresh = answer(ask(steps=160), TinyProblem())
    answer(ask(steps=70), TinyProblem(), store=store)
    longer, begun = begun_at(ask(steps=160), TinyProblem(), store)
    assert begun == 71
    same(longer, fresh)
    shorter, begun = begun_at(ask(steps=90), TinyProblem(), store)
    assert begun == 1  # what is kept is too long by now
    same(shorter, answer(ask(steps=90), TinyProblem()))
    longest, begun = begun_at(ask(steps=170), TinyProblem(), store)
    assert begun == 161  # and was not replaced by the shorter one
    assert [entry.probe for entry in store.entries() if not entry.part] == [ask().name] * 4
    assert longest.steps == 170


def a_cancelled_training_is_kept_for_other_budgets(ask: Callable[..., Any], folder: Path) -> None:
    store, seen = Store(folder / "store"), []
    with pytest.raises(Cancelled):
        answer(
            ask(steps=10_000),
            TinyProblem(),
            store=store,
            cancelled=lambda: len(seen) >= 60,
            on_progress=lambda p: seen.append(p.done),
        )
    longer, begun = begun_at(ask(steps=200), TinyProblem(), store)
    assert begun > 20  # of 60 reports, of which some were of places looked at
    same(longer, answer(ask(steps=200), TinyProblem()))


def what_differs_is_not_gone_on_from(ask: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(folder / "store")
    answer(ask(steps=30), TinyProblem(), store=store)
    for other in ({"lr": 0.02}, {"optimiser": "sgd"}, {"seed": 1}, {"batch": 32}, {"weight_decay": 0.1}, {"split": "test"}):
        assert begun_at(ask(steps=40, **other), TinyProblem(), store)[1] == 1, other
    assert begun_at(ask(steps=40, towards=towards(TinyProblem(), 1)), TinyProblem(), store)[1] == 1
    assert begun_at(ask(steps=41), TinyProblem(), store)[1] == 31
    from landscape_gui import environment

    monkeypatch.setattr(environment, "processor", lambda: "another")
    assert begun_at(ask(steps=43), TinyProblem(), store)[1] == 1


def a_file_that_holds_other_weights_by_now_is_not_gone_on_from(ask: Callable[..., Any], folder: Path) -> None:
    """Where no digest was told, the key knows the path alone."""
    from landscape_gui.probes.base import CheckpointRef

    class Named(TinyProblem):
        epoch = 0

        def state_of(self, reference: CheckpointRef) -> Any:
            return self.states[self.epoch]

    store, problem = Store(folder / "store"), Named()
    answer(ask(steps=30, towards=CheckpointRef("there")), problem, store=store)
    problem.epoch = 2
    found, begun = begun_at(ask(steps=40, towards=CheckpointRef("there")), problem, store)
    assert begun == 1
    assert np.array_equal(found.points[-1], problem.states[2].numpy())


def partial_answers_stream(ask: Callable[..., Any]) -> None:
    partials: list[Any] = []
    final = answer(ask(steps=200), TinyProblem(), on_progress=lambda p: partials.append(p) if p.partial else None)
    assert len(partials) >= 3
    steps = [p.partial.steps for p in partials]
    assert steps == sorted(steps) and steps[0] < 200
    problem = TinyProblem()
    for progress in partials:
        found = progress.partial
        assert not found.complete and found.steps == progress.done and progress.total == 200
        assert np.array_equal(found.points[0], problem.state.numpy()) and np.array_equal(
            found.points[-1], problem.states[0].numpy()
        )
        assert np.array_equal(found.losses, final.losses[: len(found.losses)])
        assert not found.points.flags.writeable
    assert "step" in partials[-1].note and "training loss" in partials[-1].note


def seconds_are_spent(ask: Callable[..., Any], folder: Path) -> None:
    store = Store(folder / "store")
    found, begun = begun_at(ask(seconds=0.3), TinyProblem(), store)
    assert begun >= 1 and found.complete and found.seconds >= 0.3 and found.steps >= 2
    longer, _ = begun_at(ask(seconds=0.5), TinyProblem(), store)
    assert longer.steps > found.steps and longer.seconds >= 0.5
    assert np.array_equal(longer.losses[: len(found.losses)], found.losses)


@functools.cache
def two_seeds() -> tuple[Any, Any]:
    """The sample that was trained from two seeds."""
    from landscape_gui.problem import open_problem

    problem = open_problem("samples:digits-seed-a")
    return problem, problem.reference(Path(problem.checkpoint.path).parent.parent / "digits-seed-b")


def barrier_of(problem: Any, curve: Any) -> float:
    """How far the training loss rises above the line between its ends along a path, at 31 places on all data."""
    t = np.linspace(0, 1, 31)
    losses = np.full(len(t), np.nan)
    evaluator = problem.evaluator(splits=("train",))
    for stretch in curve.stretches(t):
        steps = evaluator.evaluate(stretch.origin, stretch.axes, stretch.coordinates)
        try:
            while True:
                next(steps)
        except StopIteration as stop:
            losses[stretch.chosen] = stop.value.mean["train_loss"]
    return float((losses - ((1 - t) * losses[0] + t * losses[-1])).max())


def far_below_the_lines_barrier(probe: Any) -> None:
    """On the samples with two seeds: below a twentieth of the line's."""
    import torch

    from landscape_gui.core.curves import Curve

    problem, _ = two_seeds()
    found: Any = answer(probe, problem)
    points = torch.from_numpy(np.array(found.points))
    places = tuple(found.places) if found.kind == "chain" else ()
    line = barrier_of(problem, Curve("line", points[[0, -1]]))
    assert line > 1.5
    assert barrier_of(problem, Curve(found.kind, points, places)) < 0.05 * line
