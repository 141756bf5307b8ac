"""Data chosen in the window: the dialog offered, and what becomes of a checkpoint when other data are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from landscape_gui.data_choice import DataChoice, Preview
from landscape_gui.ui.documents import Document, message_of
from landscape_gui.ui.opening import opened
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

if TYPE_CHECKING:
    from landscape_gui.errors import LandscapeError
    from landscape_gui.ui.data_picker import DataPicker


def offer(session: Session, document: Document, parent: QWidget, error: LandscapeError | None = None) -> DataPicker | None:
    """Let a person choose data for a document; `error` is why they are asked, None where they asked for it themselves."""
    if session.services.preview is None:
        if error is not None:
            session.said.emit(message_of(error, where=document.path))
            session.close(document)
        return None
    from landscape_gui.ui.data_picker import DataPicker

    picker = DataPicker(session, document, error.message if error is not None else "", parent)
    picker.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    picker.accepted.connect(lambda: adopt(session, document, picker.preview) if picker.preview is not None else None)
    picker.rejected.connect(lambda: refused(session, document, error))
    picker.open()
    known = path_of(document)
    if known:
        picker.choose(known)
    elif error is not None:
        picker.suggest()
    return picker


def path_of(document: Document) -> str:
    """Where the data are that a document was opened with; "" where they come from code or are not known."""
    about: Any = getattr(document.problem, "description", None) or {}
    return str(about.get("data", {}).get("path", ""))


def refused(session: Session, document: Document, error: LandscapeError | None) -> None:
    """No data were chosen: a document that has none is closed, and why is said."""
    let_go(session, None, document)
    if error is not None and document in session.documents and document.state == "opening":
        session.said.emit(message_of(error, where=document.path))
        session.close(document)


def adopt(session: Session, document: Document, preview: Preview) -> None:
    """The document's loss is from now on that on these data: what runs is stopped, and its question is asked anew."""
    for inquiry in [i for i in session.inquiries if i.document is document and i.live]:
        session.cancel(inquiry)
    problem = preview.problem

    def load() -> tuple[Any, Any, Any]:
        return problem, dict(problem.at_checkpoint()), tuple(problem.warnings())

    def done(outcome: Outcome) -> None:
        if document not in session.documents:
            return
        if outcome.error is not None:
            session.said.emit(message_of(outcome.error, where=document.path))
            if document.problem is None:
                session.close(document)
            return
        document.answers, document.asks = [], True
        opened(session, document, outcome.value)

    session.helper.submit(Task(load, done, name=f"data of {document.path}"))
    let_go(session, preview.choice, document)
    session.documents_changed.emit()


def let_go(session: Session, choice: DataChoice | None, document: Document) -> None:
    """Remember a choice, and drop what was kept in memory for trying others."""
    keep = session.services.keep_data
    if keep is None:
        return

    def done(outcome: Outcome) -> None:
        if outcome.error is not None:
            session.said.emit(message_of(outcome.error, where="data"))

    session.helper.submit(Task(lambda: keep(document.path, choice), done, name="remember data"))
