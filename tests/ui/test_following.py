"""A run is trained in another process while the window watches its folder."""

import dataclasses
import io

import numpy as np
import pytest
import torch
from trained_by_steps import Apart, Training

from landscape_gui import app, watching
from landscape_gui.dynamics_results import DynamicsResult
from landscape_gui.probes import dynamics_growth
from landscape_gui.results import TrajectoryResult
from landscape_gui.run import RunEntry
from landscape_gui.ui import following
from landscape_gui.ui.documents import Shown
from landscape_gui.ui.following_words import ago, placed, words
from landscape_gui.ui.library_tree import WHAT
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings
from landscape_gui.ui.window import Window
from landscape_gui.ui.worker import Outcome, Task

LONG = 60_000


@pytest.fixture
def window(qtbot, dressed, monkeypatch):
    monkeypatch.setattr(following, "SHARE", 0.0)  # a busy machine would rest for longer than is waited here
    session = Session(app.services(), Settings())
    session.following.timer.setInterval(150)
    window = Window(session)
    window.resize(1200, 800)
    with qtbot.waitSignal(window.stage_ready, timeout=LONG):
        window.show()
    yield window
    for document in list(session.documents):
        session.close(document)
    window.close()
    window.deleteLater()
    qtbot.waitUntil(lambda: not session.following.worker.is_running, timeout=LONG)


@pytest.fixture
def training(tmp_path):
    training = Training(tmp_path / "runs" / "a")
    yield training
    training.end()


@pytest.fixture
def said(window):
    found = []
    window.session.said.connect(found.append)
    return found


def run_of(session):
    return next(iter(session.shown.result.runs.values()))


def followed(session):
    return session.following.of(session.current)


def points(session):
    """How many checkpoints are shown."""
    shown = session.shown
    if shown is None or shown.partial:
        return 0
    return len(shown.result.names) if isinstance(shown.result, TrajectoryResult) else len(run_of(session).order)


def opened(qtbot, window, training, steps=3):
    training.go(steps)
    window.open_paths([str(training.folder)])
    qtbot.waitUntil(lambda: isinstance(getattr(window.session.shown, "result", None), DynamicsResult), timeout=LONG)


def test_points_and_curves_appear_from_an_empty_folder_on(qtbot, window, tmp_path, said):
    session, training = window.session, Apart(tmp_path / "a")
    window.open_paths([str(training.folder)])
    qtbot.waitUntil(lambda: session.current is not None and session.current.state == "waiting", timeout=LONG)
    assert window.stage.empty.text().startswith("Waiting for the first checkpoint")
    training.go(2)
    qtbot.waitUntil(lambda: points(session) >= 2, timeout=LONG)
    assert window.stage.header.follow.button.isChecked()
    training.go(6)
    qtbot.waitUntil(lambda: points(session) == 9 and run_of(session).computed.all(), timeout=LONG)
    run = run_of(session)
    assert list(run.order) == list(range(9))
    assert (run.quantities["lambda_max"].values > 0).all()
    assert list(run.limit()) == [4.0] * 9  # 2/lr
    assert len(run.place) == 9
    top = window.library.tree.topLevelItem(0)
    qtbot.waitUntil(lambda: top.child(0).text(0) == "9 checkpoints", timeout=LONG)
    assert "live at step 8" in words(followed(session))
    training.end()  # its log is written out
    qtbot.waitUntil(lambda: np.isfinite(run_of(session).logged["loss"].values).sum() == 8, timeout=LONG)
    assert [m.text for m in said] == []


def test_a_trajectory_grows_in_its_plane_and_nothing_jumps(qtbot, window, training, said):
    session = window.session
    opened(qtbot, window, training, 4)
    qtbot.waitUntil(lambda: points(session) == 5, timeout=LONG)
    inquiry = session.ask(app.probes()["trajectory"](steps=(5, 5), limit=20))
    qtbot.waitUntil(lambda: inquiry.state == "done" and points(session) == 5, timeout=LONG)
    qtbot.waitUntil(lambda: bool(session.current.answers), timeout=LONG)
    before, probe = session.shown.result, session.shown.probe
    session.pick(0.0, 0.0)
    cell = session.cell
    session.set_look(scale="log")
    tree = window.library.tree
    qtbot.waitUntil(lambda: tree.topLevelItem(0).child(0).childCount() == 5, timeout=LONG)  # the checkpoints, beside answers
    item = tree.topLevelItem(0).child(0)
    item.setExpanded(True)
    tree.setCurrentItem(item.child(1))
    chosen = item.child(1)
    training.go(2)
    qtbot.waitUntil(lambda: points(session) == 7, timeout=LONG)
    after = session.shown.result
    assert after.surface is before.surface
    assert list(after.x[:5]) == list(before.x) and after.names[5:] == ("step 5", "step 6")
    words = "Plane and surface are those of 5 checkpoints, step 0 to step 4; 2 more are projected into the plane."
    assert after.notes == (words,)
    assert session.shown.probe == probe and session.look.scale == "log"
    assert (session.cell.x, session.cell.y) == (cell.x, cell.y)
    assert window.library.tree.currentItem() is chosen and chosen.data(0, WHAT).endswith("step-00000001.safetensors")
    assert item.isExpanded() and item.childCount() == 7
    assert [m.text for m in said if m.level == "error"] == []


def test_the_header_says_what_surfaces_are_centred_on_and_moves_to_the_newest(qtbot, window, training, said):
    session, header = window.session, window.stage.header
    state, move = header.follow.state, header.follow.to_newest
    opened(qtbot, window, training, 4)
    here = session.current.problem.checkpoint  # the newest that was whole when the folder was opened
    inquiry = session.ask(app.probes()["surface"](steps=(5, 5)))
    qtbot.waitUntil(lambda: inquiry.state == "done", timeout=LONG)
    before = session.shown.result.provenance.problem["checkpoint"]["digest"]
    training.go(2)
    qtbot.waitUntil(lambda: "now at step 6, written" in state.text(), timeout=LONG)
    assert state.text().endswith(f"Surfaces are centred on step {here.step}.") and state.isVisible() and move.isVisible()
    before_it = header.name.text()
    assert before_it in ("a", f"a, step {here.step}")  # it may have been the only one
    here.path.unlink()
    qtbot.waitUntil(lambda: f"step {here.step}, since taken away" in state.text(), timeout=LONG)
    assert "1 checkpoint taken away" in state.text()
    loss = next(iter(session.current.facts.values()))
    move.click()
    qtbot.waitUntil(lambda: session.current.problem.checkpoint.step == 6, timeout=LONG)
    assert header.name.text().endswith("step 6") and next(iter(session.current.facts.values())) < loss
    assert move.isHidden() and "centred" not in state.text()
    qtbot.waitUntil(lambda: [i.state for i in session.inquiries] == ["done", "done"], timeout=LONG)
    assert session.shown.probe == inquiry.probe and inquiry.title.endswith(before_it)
    assert session.shown.result.provenance.problem["checkpoint"]["digest"] != before
    assert len(session.current.problem.run.checkpoints) == 6
    assert [m.text for m in said if m.level == "error"] == []


def test_what_is_not_followed_stays_as_it_is_and_can_be_followed_again(qtbot, window, training):
    session = window.session
    opened(qtbot, window, training)
    qtbot.waitUntil(lambda: points(session) == 4, timeout=LONG)
    window.stage.header.follow.button.click()
    assert followed(session).on is False and not session.following.timer.isActive()
    training.go(3)
    assert points(session) == 4 and len(session.current.problem.run.checkpoints) == 4
    window.stage.header.follow.button.click()
    qtbot.waitUntil(lambda: points(session) == 7, timeout=LONG)
    session.close(session.current)
    assert session.following.runs == {} and not session.following.timer.isActive()


def test_a_checkpoint_that_is_half_written_is_no_error_and_one_that_goes_is_told(qtbot, window, tmp_path, said):
    session, folder = window.session, tmp_path / "plain"
    training = Training(folder)
    training.go(3)
    training.end()
    file = io.BytesIO()
    torch.save(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).state_dict(), file)
    whole, last = file.getvalue(), folder / "step-00000009.pt"
    last.write_bytes(whole[: len(whole) // 2])
    window.open_paths([str(folder)])
    qtbot.waitUntil(lambda: points(session) == 4, timeout=LONG)
    last.write_bytes(whole)
    qtbot.waitUntil(lambda: points(session) == 5, timeout=LONG)
    assert run_of(session).names[-1] == "step 9"
    (folder / "step-00000001.safetensors").unlink()
    qtbot.waitUntil(lambda: points(session) == 4, timeout=LONG)
    assert "1 taken away" in words(followed(session))
    assert [m.text for m in said if m.level == "error"] == []


def test_a_plane_whose_checkpoints_are_gone_is_kept_or_laid_by_those_that_are_there(qtbot, window, training, said):
    session = window.session
    opened(qtbot, window, training, 4)
    qtbot.waitUntil(lambda: points(session) == 5, timeout=LONG)
    inquiry = session.ask(app.probes()["trajectory"](steps=(3, 3), limit=20))
    qtbot.waitUntil(lambda: inquiry.state == "done" and points(session) == 5, timeout=LONG)
    training.go(2)
    (training.folder / "step-00000001.safetensors").unlink()
    qtbot.waitUntil(lambda: {"step 5", "step 6"} <= set(session.shown.result.names), timeout=LONG)
    kept = "step 1" in session.shown.result.names  # where the plane's vectors had been read before, it stays as it is
    assert session.shown.result.names == tuple(f"step {k}" for k in range(7) if kept or k != 1)
    assert len(session.current.answers) >= 1 and [m.text for m in said if m.level == "error"] == []


def test_when_training_has_ended_the_whole_is_asked_and_kept(qtbot, window, training, monkeypatch):
    session = window.session
    opened(qtbot, window, training, 2)
    training.go(3)
    qtbot.waitUntil(lambda: points(session) == 6 and run_of(session).computed.all(), timeout=LONG)
    assert session.inquiries == [] and session.current.answers == []  # what soon is out of date is not kept
    training.end()
    monkeypatch.setattr(watching, "LIVE", 0.5)
    qtbot.waitUntil(lambda: [i.state for i in session.inquiries] == ["done"], timeout=LONG)
    assert session.shown.result.complete and points(session) == 6
    qtbot.waitUntil(lambda: [a.probe for a in session.current.answers] == ["dynamics"], timeout=LONG)
    assert not followed(session).seen.live and "live" not in words(followed(session))
    assert session.current.problem.checkpoint.step == 5  # as the folder opens another time


def test_the_whole_that_is_shown_at_the_end_stays_and_is_asked_once(qtbot, window, training, monkeypatch):
    """However little can be measured at a time: otherwise what has grown by less takes its place, and it is asked again."""
    session = window.session
    opened(qtbot, window, training, 5)
    qtbot.waitUntil(lambda: points(session) == 6 and run_of(session).computed.all(), timeout=LONG)
    training.end()  # its log is written out, and read
    qtbot.waitUntil(lambda: np.isfinite(run_of(session).logged["loss"].values).sum() == 5, timeout=LONG)
    qtbot.waitUntil(lambda: not followed(session).growing and not followed(session).fresh, timeout=LONG)
    monkeypatch.setattr(watching, "LIVE", 0.5)
    monkeypatch.setattr(dynamics_growth, "SECONDS", 0.0)
    qtbot.waitUntil(lambda: [i.state for i in session.inquiries] == ["done"], timeout=LONG)
    qtbot.waitUntil(lambda: session.shown.result is session.inquiries[0].result, timeout=LONG)
    seen, looks = [], []
    session.shown_changed.connect(lambda: seen.append(session.shown))
    session.following.changed.connect(looks.append)
    qtbot.waitUntil(lambda: len(looks) >= 4, timeout=LONG)
    assert seen == [] and session.shown.result.complete and [i.state for i in session.inquiries] == ["done"]


def test_a_question_of_a_person_comes_first(qtbot, window, training):
    """What is shown otherwise is left alone."""
    session = window.session
    opened(qtbot, window, training)
    inquiry = session.ask(app.probes()["surface"](steps=(5, 5)))
    qtbot.waitUntil(lambda: inquiry.state == "done", timeout=LONG)
    training.go(3)
    qtbot.waitUntil(lambda: len(session.current.problem.run.checkpoints) == 7, timeout=LONG)
    assert isinstance(session.shown, Shown) and session.shown.probe.name == "surface"


def test_what_was_being_measured_when_a_question_came_does_not_take_its_place(qtbot, window, training):
    """The growth cannot be stopped any more and arrives while the question is running: its answer is shown all the same."""
    session = window.session
    opened(qtbot, window, training)
    qtbot.waitUntil(lambda: points(session) == 4 and run_of(session).computed.all(), timeout=LONG)
    window.stage.header.follow.button.click()
    now, shown = followed(session), session.shown
    inquiry = session.ask(app.probes()["surface"](steps=(5, 5)))
    late = dataclasses.replace(shown.result, notes=("late",))
    session.following._grew(now, Outcome(Task(lambda: None, lambda _: None), value=(shown.probe, late)))
    qtbot.waitUntil(lambda: inquiry.state == "done", timeout=LONG)
    assert session.shown.probe == inquiry.probe and now.news
    session.following._grew(now, Outcome(Task(lambda: None, lambda _: None), value=(shown.probe, late)))  # and later still
    assert session.shown.result is inquiry.result


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.5, "just now"), (12.4, "12 s ago"), (61, "1 min ago"), (3700, "1 h ago"), (90_000, "25 h ago"), (2e5, "2 days ago")],
)
def test_ago(seconds, told):
    assert ago(seconds) == told


def test_a_checkpoint_of_an_epoch_is_called_by_its_step_too(tmp_path):
    assert placed(RunEntry(tmp_path, 3.0, 24, "epoch 3")) == "epoch 3, step 24"
    assert placed(RunEntry(tmp_path, None, 7, "step 7")) == "step 7"
