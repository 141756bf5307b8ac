"""What happens between naming a file and having it open: the work in the thread, trust asked for, what the store already holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.checkpoint.whole import find_whole
from landscape_gui.data_choice import DataNeeded
from landscape_gui.errors import CheckpointError, ChoiceNeeded, ProblemError, SurfaceNeeded, TrustNeeded
from landscape_gui.reproduction.reopening import Reopened
from landscape_gui.ui.composed import Composed
from landscape_gui.ui.documents import Answer, Document, message_of
from landscape_gui.ui.laying import lay
from landscape_gui.ui.reopening import reopened
from landscape_gui.ui.worker import Outcome, Task
from landscape_gui.watching import is_awaited

if TYPE_CHECKING:
    from landscape_gui.ui.services import Services
    from landscape_gui.ui.session import Session


def start_opening(session: Session, document: Document, trust: Sequence[str] = ()) -> None:
    """Open a document in the helper's thread; code of the digests in `trust`, and of those allowed before, may run."""
    trusted = frozenset([*session.settings.texts("trusted"), *trust])
    services, path = session.services, document.path
    document.state = "opening"

    def done(outcome: Outcome) -> None:
        if document not in session.documents:
            return
        if outcome.error is not None:
            not_opened(session, document, outcome.error)
        else:
            opened(session, document, outcome.value)

    session.helper.submit(Task(lambda: load_or_wait(services, path, trusted), done, name=f"open {path}"))


class Awaited(Exception):
    """There is nothing to open yet in a folder that training begins to write into."""


def load_or_wait(services: Services, path: str, trusted: frozenset[str]) -> tuple[Any, Any, Any]:
    """As `Services.load`; raises Awaited where a run is only begun. A folder that is one checkpoint as a whole is none."""
    try:
        return services.load(path, trusted)
    except (CheckpointError, ProblemError, ChoiceNeeded, DataNeeded) as error:
        if not isinstance(error, TrustNeeded) and find_whole(Path(path)) is None and is_awaited(path):
            raise Awaited from error
        raise


def opened(session: Session, document: Document, found: tuple[Any, Any, Any]) -> None:
    """A problem, whose default question is asked; or an answer, which is shown."""
    value, document.facts, document.warnings = found
    document.state, document.before = "ready", None
    session.settings.add_recent(document.path)
    if isinstance(value, Composed):
        document.composed, document.asks = value, False
        session.documents_changed.emit()
        if document is session.current:
            session.current_changed.emit()
        return
    if isinstance(value, Reopened):
        reopened(session, document, value)
        return
    if hasattr(value, "provenance"):
        answer = Answer(key="", probe=value.provenance.probe, title=Path(document.path).name, result=value)
        document.answers = [answer]
        session.documents_changed.emit()
        if document is session.current:
            session.show_answer(document, answer)
            session.current_changed.emit()
        return
    document.problem = value
    session.documents_changed.emit()
    list_answers(session, document)
    if document is session.current:
        session.current_changed.emit()
        if document.asks:
            session.ask_default()


def not_opened(session: Session, document: Document, error: BaseException) -> None:
    if isinstance(error, Awaited):
        document.state = "waiting"
        session.documents_changed.emit()
        session.current_changed.emit()
        return
    if isinstance(error, TrustNeeded):
        session.trust_asked.emit(error, document)
        return
    if isinstance(error, ChoiceNeeded) and session.services.choose is not None:
        session.choice_asked.emit(error, document)
        return
    if isinstance(error, DataNeeded) and session.services.preview is not None:
        session.data_asked.emit(error, document)
        return
    if isinstance(error, SurfaceNeeded):
        lay(session, document, error)
        return
    document.state = "failed"
    if document.asks and (heir := heir_of(session, document)) is not None:
        heir.asks = True
    session.said.emit(message_of(error, where=document.path))
    session.close(document)


def heir_of(session: Session, document: Document) -> Document | None:
    """The nearest of what was named before a document that is still open."""
    before = document.before
    while before is not None and before not in session.documents:
        before = before.before
    return before


def open_beside(session: Session, path: str, model: Document) -> Document:
    """Open weights that were made from an open model as that one was opened: with its network and data, which their file names
    nowhere. What is shown stays."""
    document = Document(path=path, asks=False, alone=True)
    session.documents.append(document)
    problem = model.problem

    def load() -> tuple[Any, Any, Any]:
        found = problem.at(problem.reference(path))
        return found, dict(found.at_checkpoint()), tuple(found.warnings())

    def done(outcome: Outcome) -> None:
        if document not in session.documents:
            return
        if outcome.error is not None:
            not_opened(session, document, outcome.error)
            return
        document.problem, document.facts, document.warnings = outcome.value
        document.state = "ready"
        session.documents_changed.emit()
        list_answers(session, document)

    session.helper.submit(Task(load, done, name=f"open {path}"))
    session.documents_changed.emit()
    return document


def list_answers(session: Session, document: Document) -> None:
    """Look up what the store holds for a document."""
    stored, fingerprint = session.services.stored, document.fingerprint

    def done(outcome: Outcome) -> None:
        if outcome.error is not None:
            session.said.emit(message_of(outcome.error, where="store"))
            return
        kept = {a.key: a for a in document.answers}
        document.answers = [kept.get(e.key) or Answer(e.key, e.probe, e.title, e.created, e.detail) for e in outcome.value]
        session.documents_changed.emit()

    session.helper.submit(Task(lambda: list(stored(fingerprint)), done, name="list answers"))
