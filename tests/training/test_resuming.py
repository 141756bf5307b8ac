"""A training that is stopped or killed and gone on with leaves what one leaves that ran through: the same files, to the bit."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from trained_digits import assert_same, digits, kept, logged, train_digits

from landscape_gui import open_problem
from landscape_gui.errors import LandscapeError
from landscape_gui.recorder import recorder, scalars
from landscape_gui.recorder.files import marks_in
from landscape_gui.run import find_run
from landscape_gui.training.data import polynomial
from landscape_gui.training.folder import take_away
from landscape_gui.training.recipe import Recipe
from landscape_gui.training.state import KIND, STATE, read_state
from landscape_gui.training.training import Network, Trained, train

SMALL = Recipe(hidden=(8,), epochs=3, batch=200, lr=0.1)
"""24 steps: eight an epoch, the last of 37 examples."""


def after(count: int) -> Callable[[], bool]:
    """Interrupted once it was asked so often."""
    asked: list[int] = []
    return lambda: len(asked) >= count or bool(asked.append(0))  # type: ignore[func-returns-value]


def stopped_and_gone_on_with(recipe: Recipe, folder: Path, patience: int) -> int:
    """Train to the end in pieces of so many questions whether to stop; the number of pieces."""
    for piece in range(1, 60):
        if train_digits(recipe, folder, resume=piece > 1, interrupted=after(patience)).end == "done":
            return piece
    raise AssertionError("It never ended.")


@pytest.mark.parametrize(
    ("recipe", "patience"),
    [
        (replace(SMALL, geometry=True, probe_examples=60), 16),
        (replace(SMALL, optimiser="adam", schedule="cosine", warmup=0.2, lr=0.01, every=2), 13),
        (replace(SMALL, family="cnn", channels=(4,), optimiser="sgd", loss="mse", keep=6), 11),
        (Recipe(family="resnet", width=2, optimiser="sam", batch=500, epochs=3), 9),
        (replace(SMALL, optimiser="adamw", steps=21, schedule="step"), 12),
        (replace(SMALL, batch=0, epochs=7, optimiser="nesterov"), 9),
    ],
)
def test_stopped_again_and_again_it_ends_with_the_same_files(tmp_path: Path, recipe: Recipe, patience: int) -> None:
    train_digits(recipe, tmp_path / "whole")
    assert stopped_and_gone_on_with(recipe, tmp_path / "pieces", patience) > 2
    assert_same(tmp_path / "whole", tmp_path / "pieces")
    assert not [place for place in (tmp_path / "pieces").iterdir() if place.is_dir() or place.name.startswith(".")]


def test_a_row_that_stands_for_several_steps_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of step 4,096 on, here as of the eighth: losses before the stop count in the mean of the row that comes after it."""
    monkeypatch.setattr(scalars, "ROW_DIGITS", 3)
    for module in (scalars, recorder):
        monkeypatch.setattr(module, "EACH", 8, raising=False)
    train_digits(SMALL, tmp_path / "whole")
    assert len(logged(tmp_path / "whole")) < 20, "of 24 steps and 4 measurements"
    assert train_digits(SMALL, tmp_path / "pieces", interrupted=after(31)).step == 19  # which has no row and no checkpoint
    train_digits(SMALL, tmp_path / "pieces", resume=True)
    assert_same(tmp_path / "whole", tmp_path / "pieces")


def train_on(folder: Path, recipe: Recipe, resume: bool) -> None:
    """Slowly, with its state written before every step."""
    train_digits(recipe, folder, resume=resume, keep_seconds=0.0, interrupted=lambda: bool(time.sleep(0.003)))  # type: ignore[func-returns-value]


@pytest.mark.skipif(os.name != "posix", reason="kills are POSIX's")
def test_killed_in_an_epoch_and_between_two_it_ends_with_the_same_files(tmp_path: Path) -> None:
    recipe, folder = replace(SMALL, geometry=True, probe_examples=40, epochs=5), tmp_path / "killed"
    train_digits(recipe, tmp_path / "whole")
    wanted: tuple[Callable[[Any], bool], ...] = (
        lambda state: state.epoch == 1 and state.place > 2,
        lambda state: state.epoch == 3 and state.place == 0,
        lambda state: state.done > 30,
    )
    for number, reached in enumerate(wanted):
        process = multiprocessing.get_context("fork").Process(target=train_on, args=(folder, recipe, number > 0), daemon=True)
        process.start()
        while not ((folder / STATE).exists() and reached(read_state(folder))):
            assert process.is_alive()
            time.sleep(0.0005)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        run = find_run(folder)
        assert run is not None and not run.notes
    assert train_digits(recipe, folder, resume=True).begun > 30
    assert_same(tmp_path / "whole", folder)
    assert not list(folder.glob(".*"))


@pytest.mark.skipif(os.name != "posix", reason="kills are POSIX's")
def test_two_processes_do_not_train_into_one_folder(tmp_path: Path) -> None:
    """One goes on while the other is not dead yet: a job that was sent to another machine too early, a second terminal."""
    long = replace(SMALL, epochs=9999)
    process = multiprocessing.get_context("fork").Process(target=train_on, args=(tmp_path, long, False), daemon=True)
    process.start()
    while not (tmp_path / STATE).exists():
        assert process.is_alive()
        time.sleep(0.001)
    with pytest.raises(LandscapeError, match="Another process trains into") as caught:
        train_digits(long, tmp_path, resume=True)
    assert "Wait" in caught.value.remedy
    with pytest.raises(LandscapeError, match="Another process trains into"):
        take_away(tmp_path)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    done = train_digits(long, tmp_path, resume=True, interrupted=after(3))
    assert done.step > 0 and not list(tmp_path.glob(".*"))


def test_the_power_fails_while_the_state_is_written(tmp_path: Path) -> None:
    """What was being written has another name, and the state before it counts."""
    train_digits(SMALL, tmp_path / "whole")
    train_digits(SMALL, tmp_path / "a", interrupted=after(15))
    torn = tmp_path / "a" / f".{STATE}.recorder-tmp"
    torn.write_bytes((tmp_path / "a" / STATE).read_bytes()[:500])
    train_digits(SMALL, tmp_path / "a", resume=True)
    assert_same(tmp_path / "whole", tmp_path / "a")
    assert not torn.exists()


def test_a_state_is_no_checkpoint_and_runs_nothing(tmp_path: Path) -> None:
    train_digits(SMALL, tmp_path / "a")
    run = find_run(tmp_path / "a")
    assert run is not None and not run.notes and STATE not in [entry.path.name for entry in run.checkpoints]
    with pytest.raises(LandscapeError):
        open_problem(tmp_path / "a" / STATE)
    assert (tmp_path / "a" / STATE).read_bytes().startswith(KIND) and b"\x80\x02" not in KIND
    assert [place.name for place in (tmp_path / "a").iterdir() if place.suffix == ".state"] == [STATE]


def test_a_constant_rate_goes_on_beyond_the_end_as_if_it_had_been_meant(tmp_path: Path) -> None:
    for steps in (0, 11):  # ends with an epoch, and within one
        short, long = replace(SMALL, epochs=2, steps=steps), replace(SMALL, epochs=3)
        train_digits(short, tmp_path / f"a{steps}")
        before = kept(tmp_path / f"a{steps}")
        train_digits(short, tmp_path / f"a{steps}", resume=True)
        assert kept(tmp_path / f"a{steps}") == before, "gone on with at its end it stays as it is"
        assert train_digits(long, tmp_path / f"a{steps}", resume=True).begun == short.total(1437)
    train_digits(replace(SMALL, epochs=3), tmp_path / "whole")
    assert_same(tmp_path / "whole", tmp_path / "a0")
    assert_same(tmp_path / "whole", tmp_path / "a11")


def test_what_was_recorded_after_the_state_is_set_aside(tmp_path: Path) -> None:
    """A kill loses the steps since the state was written; their checkpoints are not mixed with those that come anew."""
    train_digits(SMALL, tmp_path / "whole")
    train_digits(SMALL, tmp_path / "a", interrupted=after(14))
    state = (tmp_path / "a" / STATE).read_bytes()
    train_digits(SMALL, tmp_path / "a", resume=True)
    (tmp_path / "a" / STATE).write_bytes(state)
    train_digits(SMALL, tmp_path / "a", resume=True)
    assert_same(tmp_path / "whole", tmp_path / "a")
    done = read_state_of(state, tmp_path).done
    assert min(mark.step for mark in marks_in(tmp_path / "a" / "abandoned-1")) > done
    assert logged(tmp_path / "a" / "abandoned-1") == logged(tmp_path / "whole")


def read_state_of(content: bytes, folder: Path) -> Any:
    (folder / STATE).write_bytes(content)
    return read_state(folder)


def test_generators_of_others_stay_and_decide_nothing(tmp_path: Path) -> None:
    """Dropout draws from torch's global generator: its state goes on with the training, and the caller's own stays."""

    def dropping(folder: Path, **options: Any) -> Trained:
        data, entry = digits()
        torch.manual_seed(0)
        module = nn.Sequential(nn.Flatten(), nn.Linear(64, 12), nn.Dropout(0.5), nn.ReLU(), nn.Linear(12, 10))
        torch.manual_seed(len(folder.name))
        state = torch.get_rng_state()
        done = train(SMALL, data, folder, entry=entry, network=Network(module), **options)
        assert torch.equal(torch.get_rng_state(), state)
        return done

    dropping(tmp_path / "whole")
    dropping(tmp_path / "pieces", interrupted=after(17))
    dropping(tmp_path / "pieces", resume=True)
    assert_same(tmp_path / "whole", tmp_path / "pieces")


def cut(folder: Path) -> None:
    content = (folder / STATE).read_bytes()
    (folder / STATE).write_bytes(content[: len(content) // 2])


def turn_a_bit(folder: Path) -> None:
    content = bytearray((folder / STATE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / STATE).write_bytes(content)


def of_another_kind(folder: Path) -> None:
    (folder / STATE).write_bytes(b"PK\x03\x04 something else")


def with_no_log(folder: Path) -> None:
    (folder / "metrics.jsonl").unlink()


def without_state(folder: Path) -> None:
    (folder / STATE).unlink()


def as_it_is(folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "harm", "words", "remedy"),
    [
        ({}, cut, "is not whole: it was cut short or changed", "copy"),
        ({}, turn_a_bit, "is not whole: it was cut short or changed", "copy"),
        ({}, of_another_kind, "is no training state that this version reads", "from the start"),
        ({}, with_no_log, "ends before step 9", "from the start"),
        ({}, without_state, "has no training.state", "from the start"),
        ({"lr": 0.2}, as_it_is, "was trained with lr 0.1, not lr 0.2", "Leave that out"),
        ({"hidden": (9,)}, as_it_is, "with hidden 8, not hidden 9", "another folder"),
        ({"geometry": True}, as_it_is, "with no geometry, not geometry", "another folder"),
        ({"batch": 0}, as_it_is, "with batch 200, not full batches", "another folder"),
        ({"epochs": 1}, as_it_is, "has come to step 9 of 24, and 1 epoch would end at step 8", "Give more"),
    ],
)
def test_what_cannot_be_gone_on_with_is_told_and_stays(
    tmp_path: Path, change: dict[str, Any], harm: Callable[[Path], None], words: str, remedy: str
) -> None:
    folder = tmp_path / "a"
    train_digits(SMALL, folder, interrupted=after(17))
    harm(folder)
    before = {place.name: place.read_bytes() for place in folder.iterdir()}
    with pytest.raises(LandscapeError) as caught:
        train_digits(replace(SMALL, **change), folder, resume=True)
    assert words in caught.value.message and remedy in caught.value.remedy
    assert {place.name: place.read_bytes() for place in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "words"), [({"schedule": "cosine"}, "a cosine schedule"), ({"warmup": 0.25}, "a warm-up over 0.25")]
)
def test_a_rate_that_depends_on_the_length_is_not_made_longer(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    recipe = replace(SMALL, epochs=1, **change)
    train_digits(recipe, tmp_path / "a")
    with pytest.raises(LandscapeError, match=rf"{words} .*over 1 epoch.* over 2 epochs .* other learning rates") as caught:
        train_digits(replace(recipe, epochs=2), tmp_path / "a", resume=True)
    assert "Train 2 epochs from the start" in caught.value.remedy


def test_other_data_and_another_network_are_told(tmp_path: Path) -> None:
    train(SMALL, polynomial("chebyshev:3"), tmp_path / "a", interrupted=after(2))
    with pytest.raises(LandscapeError, match="trained on other data"):
        train(SMALL, polynomial("chebyshev:4"), tmp_path / "a", resume=True)
    train_digits(SMALL, tmp_path / "b", interrupted=after(9), network=Network(nn.Sequential(nn.Flatten(), nn.Linear(64, 10))))
    wide = Network(nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.Linear(5, 10)))
    with pytest.raises(LandscapeError, match=r"of another network: its 1.weight is of shape \(10, 64\), here of shape \(5, 64\)"):
        train_digits(SMALL, tmp_path / "b", resume=True, network=wide)
