"""A file that holds a run's path in a plane, and no surface, is laid onto a surface that is open or was dropped with it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from landscape_gui.errors import LandscapeError, SurfaceNeeded
from landscape_gui.ui.documents import Answer, Document, Message, message_of, surface_of
from landscape_gui.ui.worker import Outcome, Task

if TYPE_CHECKING:
    from landscape_gui.ui.session import Session


def lay(session: Session, document: Document, error: SurfaceNeeded) -> None:
    """Once all that is being opened is open: read the surface again with this run on it. `error` is said where there is none."""
    session.helper.submit(Task(lambda: None, lambda _: lay_now(session, document, error), name="wait"))


def lay_now(session: Session, document: Document, error: LandscapeError) -> None:
    if document not in session.documents:
        return
    beneath, read = surface_for(session, document), session.services.read
    if beneath is None or read is None:
        give_up(session, document, error)
        return
    path, run = beneath.path, document.path

    def done(outcome: Outcome) -> None:
        if outcome.error is not None or beneath not in session.documents:
            give_up(session, document, outcome.error or error)
            return
        answer = Answer(key="", probe=outcome.value.provenance.probe, title=Path(path).name, result=outcome.value)
        beneath.answers = [answer]
        session.current = beneath
        session.close(document)
        session.current_changed.emit()
        session.show_answer(beneath, answer)
        session.said.emit(Message(level="info", text=f"The run of {document.name} was laid onto {beneath.name}."))

    session.helper.submit(Task(lambda: read(path, run), done, name=f"lay {run}"))


def give_up(session: Session, document: Document, error: BaseException) -> None:
    document.state = "failed"
    session.said.emit(message_of(error, where=document.path))
    session.close(document)


def surface_for(session: Session, document: Document) -> Document | None:
    """The surface that a run belongs to: the one whose name begins most alike, of those the current one, else the newest."""
    known = [d for d in session.documents if d is not document and takes_runs(d)]

    def likeness(candidate: Document) -> tuple[int, bool, int]:
        names = zip(Path(candidate.path).name, Path(document.path).name, strict=False)
        common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], names))
        return common, candidate is session.current, candidate.number

    return max(known, key=likeness, default=None)


def takes_runs(document: Document) -> bool:
    """Whether it is a surface read from the other program's own file."""
    if not document.is_answer or surface_of(document.answers[0].result) is None or document.answers[0].result is None:
        return False
    told = document.answers[0].result.provenance.problem.get("read_from", {})
    return str(told.get("format", "")).startswith("tomgoldstein") and told.get("file") == Path(document.path).name
