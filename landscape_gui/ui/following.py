"""Runs that are still being trained: their folders are looked at again and again, and what is shown of them grows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from landscape_gui import watching
from landscape_gui.errors import LandscapeError
from landscape_gui.probes.base import Probe
from landscape_gui.results import TrajectoryResult
from landscape_gui.run import Run
from landscape_gui.samples import PREFIX
from landscape_gui.ui.documents import Document, Shown, message_of
from landscape_gui.ui.followed import Followed
from landscape_gui.ui.following_words import entries, is_older, newest
from landscape_gui.ui.opening import list_answers, start_opening
from landscape_gui.ui.worker import Outcome, Task, Worker
from landscape_gui.watching import Seen, Watch

if TYPE_CHECKING:
    from landscape_gui.ui.session import Session

EVERY = 1500
"""Milliseconds between two looks into a folder."""
SHARE, MOST = 3.0, 60.0
"""So many times as long as it took last, and at most so many seconds, nothing is measured for a run that is followed: training has
the machine. The same of reading what has come."""
LAID_AGAIN, REST = 1.5, 4.0
"""A surface is computed again by itself where the run has left its plane, there are so many times the checkpoints, and so many
times as long as it took has passed."""
FILLED_IN = ("run_checkpoints", "other_checkpoints", "counts", "records")
"""Of questions about a run: what `completed` fills in of the run as it is."""


class Following(QObject):
    """Looks into the folders of the open runs in a thread of its own. What it measures stands behind every question of a person."""

    changed = Signal(object)
    """A Document whose run was looked at."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.worker = Worker(session.mailbox, "following")
        self.runs: dict[int, Followed] = {}
        self.timer = QTimer(self)
        self.timer.setInterval(EVERY)
        self.timer.timeout.connect(self.look)
        session.documents_changed.connect(self._meet)
        session.inquiries_changed.connect(self._give_way)
        session.shown_changed.connect(self._shown)

    # ------------------------------------------------------------------------------------------------ which are followed

    def of(self, document: Document | None) -> Followed | None:
        """What is known of the folder of an open run; None for anything else."""
        return self.runs.get(document.number) if document is not None else None

    def _meet(self) -> None:
        """Other documents are open, or one has become a run."""
        here = {document.number: document for document in self.session.documents}
        for number in [number for number in self.runs if number not in here]:
            self.runs.pop(number).stop.set()
        for number, document in here.items():
            folder = folder_of(document)
            known = self.runs.get(number)
            if folder is None or (known is not None and known.watch.folder == folder):
                continue
            self.runs[number] = Followed(document, Watch(folder), on=known.on if known is not None else None)
            self._look(self.runs[number])
        self._turn()

    def follow(self, document: Document, on: bool) -> None:
        """Follow a run, or leave it as it is."""
        followed = self.of(document)
        if followed is None:
            return
        followed.on, followed.news = on, True
        if on:
            followed.stop.clear()
            self._look(followed)
        else:
            followed.stop.set()
        self._turn()
        self.changed.emit(document)

    def takes(self, document: Document) -> bool:
        """Whether what is shown first of a document is left to this: its dynamics where the run is being trained."""
        self._meet()
        followed = self.of(document)
        if followed is None or followed.on is False or "dynamics" not in self.session.services.probes():
            return False
        if self.session.services.grow is None or "probe" in (getattr(document.problem, "defaults", None) or {}):
            return False
        followed.first = True
        if followed.on:
            self._grow(followed)
        self.changed.emit(document)
        return True

    def waits_for(self, document: Document) -> str:
        """What a run that begins has to bring before anything is shown of it; "" where nothing is waited for."""
        if document.state == "waiting":
            return "Waiting for the first checkpoint"
        followed = self.of(document)
        if followed is None or not followed.first or not followed.on:
            return ""
        return "Waiting for the second checkpoint" if count(followed) < 2 else "Measuring the first checkpoints"

    def _turn(self) -> None:
        """The timer runs while there is something to look at."""
        wanted = any(followed.on is not False for followed in self.runs.values())
        if wanted != self.timer.isActive():
            self.timer.start() if wanted else self.timer.stop()

    # ------------------------------------------------------------------------------------------------------------ looking

    def look(self) -> None:
        """One look into each folder that is followed."""
        for followed in list(self.runs.values()):
            if followed.on is not False:
                self._look(followed)

    def _look(self, followed: Followed) -> None:
        if followed.looking or self.session.closed:
            return
        followed.looking = True
        self.worker.submit(Task(followed.watch.look, lambda outcome: self._looked(followed, outcome), name="look into a run"))

    def _looked(self, followed: Followed, outcome: Outcome) -> None:
        followed.looking = False
        document = followed.document
        if self.of(document) is not followed:
            return
        if outcome.error is not None:
            followed.trouble = message_of(outcome.error).text
            return
        seen = outcome.value
        followed.seen, followed.trouble = seen, seen.trouble
        followed.lost += len(seen.gone)
        followed.news |= seen.changed
        followed.fresh |= seen.changed
        if document.state == "waiting":
            followed.on = True
            if seen.run is not None:
                start_opening(self.session, document)
        elif document.problem is not None:
            self._take(followed, seen)
            if not seen.live:
                self._finish(followed)
        self.changed.emit(document)

    def _take(self, followed: Followed, seen: Seen) -> None:
        """The run as it is by now."""
        document = followed.document
        if followed.on is None:
            followed.on = seen.live
            self._turn()
            if not followed.on:
                if followed.first and document is self.session.current and self.session.shown_of(document) is None:
                    self.session.ask_default()
                return
        if seen.run is not None and seen.run != document.problem.run and hasattr(document.problem, "with_run"):
            document.problem = document.problem.with_run(seen.run)
            followed.news = followed.fresh = True
            self.session.documents_changed.emit()
        self._grow(followed)

    # ------------------------------------------------------------------------------------------------------------ growing

    def _shown(self) -> None:
        """Something is shown that may grow."""
        followed = self.of(self.session.current)
        if followed is not None and followed.on and followed.grown is not self._result(followed):
            followed.growth, followed.news = None, True

    def _result(self, followed: Followed) -> Any:
        shown = self.session.shown
        return shown.result if shown is not None and shown.document is followed.document and not shown.partial else None

    def _give_way(self) -> None:
        """A person's question comes first."""
        if any(inquiry.live for inquiry in self.session.inquiries):
            for followed in self.runs.values():
                if followed.growing:
                    followed.stop.set()

    def _grow(self, followed: Followed) -> None:
        """Let what is shown grow by a little, where there is something new and nobody asks for anything else."""
        session, document = self.session, followed.document
        grow, growth_of = session.services.grow, session.services.growth_of
        if not followed.on or followed.growing or not followed.news or document is not session.current or grow is None:
            return
        if any(inquiry.live for inquiry in session.inquiries) or growth_of is None:
            return
        shown, run = session.shown_of(document), document.problem.run
        if len(getattr(run, "checkpoints", ())) < 2 or (shown is None and not followed.first) or (shown and shown.partial):
            return
        if followed.growth is None or followed.grown is not self._result(followed):
            followed.grown = self._result(followed)
            followed.growth = growth_of(shown.probe if shown else None, followed.grown)
        if followed.growth is None or (not followed.fresh and is_whole_of(followed.grown, entries(followed))):
            followed.news = False
            return
        measures = not (followed.fresh and hasattr(followed.growth, "measures"))
        if time.monotonic() >= (followed.rests if measures else followed.pauses):
            self._submit(followed, measures)

    def _submit(self, followed: Followed, measures: bool) -> None:
        """One step, in the thread that answers questions."""
        grow = self.session.services.grow
        assert grow is not None
        followed.growing, followed.news, followed.fresh = True, False, False
        followed.stop.clear()
        followed.growth.measures = measures
        growth, problem, stop, began = followed.growth, followed.document.problem, followed.stop.is_set, time.monotonic()

        def done(outcome: Outcome) -> None:
            rest = time.monotonic() + min(SHARE * (time.monotonic() - began), MOST)
            if measures:
                followed.rests = rest
            else:
                followed.pauses = rest
            self._grew(followed, outcome)
            if not measures and self.of(followed.document) is followed:
                self._grow(followed)

        self.session.thinker.submit(Task(lambda: grow(growth, problem, stop), done, name="what is new of a run"))

    def _grew(self, followed: Followed, outcome: Outcome) -> None:
        followed.growing = False
        if self.of(followed.document) is not followed:
            return
        if outcome.error is not None or outcome.value is None:
            followed.news = True  # a file that was just taken away, or a question came between
            followed.trouble = ""
            if outcome.error is not None:
                self._failed(followed, outcome.error)
            return
        probe, result = outcome.value
        followed.news = followed.fresh or is_behind(result, count(followed))
        shown = self.session.shown_of(followed.document)
        if followed.document is not self.session.current or (shown is not None and shown.result is not followed.grown):
            return  # something else is shown by now
        asked = self.session.followed
        if asked is not None and asked.live:
            followed.news = True  # whoever asks is to see the answer; what is known by now is not lost
            return
        if result is not followed.grown:
            followed.grown, followed.first, followed.stale = result, False, True
            kept = shown.probe if shown is not None else probe
            self.session.show_again(Shown(probe=kept, result=result, document=followed.document))
        self._lay_again(followed)
        self.changed.emit(followed.document)

    def _failed(self, followed: Followed, error: BaseException) -> None:
        """What was foreseen is tried again; a plane whose checkpoints were taken away is laid by those that are there."""
        if not isinstance(error, LandscapeError):
            followed.on = False
            self.session.said.emit(message_of(error, where=f"Following {followed.document.name}"))
            return
        followed.trouble = error.message
        laid = getattr(followed.growth, "laid", None)
        if not isinstance(laid, TrajectoryResult) or followed.growth.plane is not None:
            return
        there = {entry.label for entry in getattr(followed.document.problem.run, "checkpoints", ())}
        known = not there.issuperset(laid.names)  # what was just taken away stands in the run until the next look
        if known and time.monotonic() >= followed.lies:
            followed.lies = time.monotonic() + max(REST * laid.provenance.seconds, watching.LIVE)
            self.ask_again(followed)

    def _lay_again(self, followed: Followed) -> None:
        """Compute the surface anew where the run has left it for good."""
        if not getattr(followed.growth, "left", False) or time.monotonic() < followed.lies:
            return
        laid: Any = followed.growth.laid
        if count(followed) >= LAID_AGAIN * len(laid.names):
            followed.lies = time.monotonic() + REST * laid.provenance.seconds
            self.ask_again(followed)

    def _finish(self, followed: Followed) -> None:
        """The run has ended: what was shown of it is asked as a whole, and kept. Where nothing else was asked, as of the newest
        checkpoint: where the folder is opened another time it is found there."""
        if not (followed.stale and followed.on and self._result(followed) is followed.grown):
            return
        if is_older(followed) and not followed.document.answers and Path(followed.document.path).is_dir():
            self.to_newest(followed.document, whole=True)
        else:
            self.ask_again(followed)

    def to_newest(self, document: Document, *, whole: bool = False) -> None:
        """Take a run's newest checkpoint as the one that questions are about; what is shown is asked about it, but for dynamics,
        which grow on unless they are asked for as a whole."""
        followed = self.of(document)
        if followed is None or not is_older(followed) or followed.moving:
            return
        problem, entry = document.problem, newest(followed)
        followed.moving = True

        def move() -> tuple[Any, Any, Any]:
            found = problem.at(problem.reference(entry.path))
            return found, dict(found.at_checkpoint()), tuple(found.warnings())

        self.session.helper.submit(Task(move, lambda outcome: self._moved(followed, outcome, whole), name="newest checkpoint"))

    def _moved(self, followed: Followed, outcome: Outcome, whole: bool) -> None:
        session, document = self.session, followed.document
        followed.moving = False
        if self.of(document) is not followed:
            return
        if outcome.error is not None:
            session.said.emit(message_of(outcome.error, where=document.name))
            return
        run = document.problem.run
        problem, document.facts, document.warnings = outcome.value
        document.problem = problem.with_run(run)
        followed.growth, followed.news, followed.stale = None, True, False
        followed.stop.set()
        session.documents_changed.emit()
        list_answers(session, document)
        shown = session.shown_of(document)
        if shown is not None and (whole or shown.probe.name != "dynamics"):
            session.ask(as_it_is(shown.probe), document)
        if document is session.current:
            session.current_changed.emit()
        self.changed.emit(document)

    def ask_again(self, followed: Followed) -> None:
        """The question that is shown, about the run as it is by now."""
        shown = self.session.shown_of(followed.document)
        if shown is not None:
            followed.stale = False
            self.session.ask(as_it_is(shown.probe), followed.document)


def folder_of(document: Document) -> Path | None:
    """The folder of a run that can grow: the one that was opened, or the one that a checkpoint was opened in; none for samples."""
    if document.path.startswith(PREFIX) or document.alone:
        return None
    if document.state == "waiting":
        return Path(document.path)
    run = getattr(document.problem, "run", None)
    if not isinstance(run, Run):
        return None
    return Path(document.path) if Path(document.path).is_dir() else run.path


def is_whole_of(result: Any, checkpoints: Sequence[Any]) -> bool:
    """Whether an answer about dynamics knows all of these checkpoints of its first run, and everything else that it is about."""
    first = next(iter(getattr(result, "runs", {}).values()), None)
    named = tuple(entry.label for entry in checkpoints)
    return first is not None and bool(getattr(result, "complete", False)) and first.names == named


def is_behind(result: Any, checkpoints: int) -> bool:
    """Whether there are checkpoints that an answer has not measured."""
    return len(result.names) < checkpoints if isinstance(result, TrajectoryResult) else not getattr(result, "complete", True)


def count(followed: Followed) -> int:
    return len(getattr(getattr(followed.document.problem, "run", None), "checkpoints", ()))


def as_it_is(probe: Probe) -> Probe:
    """The question without what it was filled in with of the run as it was."""
    plain: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(probe) if f.name in FILLED_IN}
    return dataclasses.replace(probe, **plain)
