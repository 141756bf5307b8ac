"""What can be done with the cell that a session has picked: measure it on all data, save its weights, ask around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landscape_gui.errors import QuestionError
from landscape_gui.ui.documents import Inquiry, message_of
from landscape_gui.ui.questions import recentred
from landscape_gui.ui.worker import Outcome, Task

if TYPE_CHECKING:
    from landscape_gui.ui.session import Session


def measure(session: Session) -> None:
    """Loss and metrics of the picked cell on all data; `cell_measured` tells them."""
    shown, cell, service = session.shown, session.cell, session.services.measure
    if shown is None or cell is None or service is None or shown.document.problem is None:
        return
    problem = shown.document.problem

    def done(outcome: Outcome) -> None:
        if outcome.error is not None:
            session.said.emit(message_of(outcome.error, where="cell"))
        session.cell_measured.emit(cell, outcome.value)

    session.helper.submit(Task(lambda: service(shown.probe, problem, cell.x, cell.y), done, name="measure"))


def save(session: Session, path: str) -> None:
    """The picked cell's weights as a checkpoint."""
    shown, cell, service = session.shown, session.cell, session.services.save
    if shown is None or cell is None or service is None or shown.document.problem is None:
        return
    problem = shown.document.problem
    session.run(lambda: service(shown.probe, problem, cell.x, cell.y, path), f"Weights saved in {path}.", path)


def recentre(session: Session) -> Inquiry | None:
    """Ask the same question around the picked cell."""
    shown, cell = session.shown, session.cell
    if shown is None or cell is None:
        return None
    try:
        probe = recentred(shown.probe, shown.result, cell.x, cell.y)
    except QuestionError as error:
        session.said.emit(message_of(error))
        return None
    return session.ask(probe, shown.document)
