"""An exported figure opened in the window: its checkpoint, its answer looked at as on paper, and whether it is the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from landscape_gui.errors import LandscapeError
from landscape_gui.reproduction.reopening import Reopened, Reopening
from landscape_gui.reproduction.sameness import Comparison, compare
from landscape_gui.ui.composed import Composed
from landscape_gui.ui.documents import Answer, Document, Message, message_of
from landscape_gui.ui.worker import Task

if TYPE_CHECKING:
    from landscape_gui.composition import Cell
    from landscape_gui.figure import Look
    from landscape_gui.ui.session import Session
    from landscape_gui.ui.window import Window

Level = Literal["info", "warning"]


def reopened(session: Session, document: Document, found: Reopened) -> None:
    """Show what a figure shows. `document` is the figure's file; it stays where it is composed, or its model is not found."""
    session.settings.add_recent(document.path)
    one = found.answers[0]
    if found.record.composition and len(found.answers) > 0:
        compose(session, document, found)
    elif found.record.comparison and any(answer.checkpoint for answer in found.answers):
        session.close(document)
        open_models(session, found)
    elif one.checkpoint:
        session.close(document)
        open_model(session, found, one)
    else:
        show_alone(session, document, found, one)


def compose(session: Session, document: Document, found: Reopened) -> None:
    """A composed figure on its page, with the answers that are at hand."""
    from landscape_gui.composition.file import composition_of

    try:
        composition = composition_of(dict(found.record.composition), Path(document.path).parent)
    except LandscapeError as error:
        session.said.emit(message_of(error, where=found.name))
        session.close(document)
        return
    composition = dataclasses.replace(composition, cells=with_checkpoints(composition.cells, found.answers))
    known = {one.recorded.provenance.key: one.result for one in found.answers if one.result is not None}
    document.composed = Composed(composition=composition, known=known)
    document.state, document.asks = "ready", False
    session.documents_changed.emit()
    if document is session.current:
        session.current_changed.emit()
    say(session, found)


def with_checkpoints(cells: Sequence[Cell], answers: Sequence[Reopening]) -> tuple[Cell, ...]:
    """The cells with where their checkpoints lie, so that they can be refreshed."""
    rest = iter(answers)

    def placed(cell: Cell, one: Reopening | None) -> Cell:
        if one is None or not one.checkpoint:
            return cell
        where = one.result.provenance if one.result is not None else one.recorded.provenance
        asked = dict(where.problem.get("asked") or {})
        return dataclasses.replace(cell, checkpoint=one.checkpoint, probe=where.probe, question=dict(where.question), opening=asked)

    return tuple(cell if cell.difference is not None else placed(cell, next(rest, None)) for cell in cells)


def show_alone(session: Session, document: Document, found: Reopened, one: Reopening) -> None:
    """The answer without its model."""
    document.state = "ready"
    document.answers = [Answer(key="", probe=one.recorded.provenance.probe, title=found.name, result=one.result)]
    session.documents_changed.emit()
    if document is session.current:
        session.show_answer(document, document.answers[0])
        session.current_changed.emit()
        take_look(session, one)
    say(session, found, one.trouble)


def open_models(session: Session, found: Reopened) -> None:
    """The models of a comparison, each with its report where that is kept: to be selected and compared."""
    session.open([one.checkpoint for one in found.answers if one.checkpoint], asks=False)
    gone = sum(not one.checkpoint for one in found.answers)
    words = f"{found.name} compares these models: select them and choose Compare (Ctrl+M) for the table."
    say(session, found, words + (f" {gone} of {len(found.answers)} were not found." if gone else ""))


def open_model(session: Session, found: Reopened, one: Reopening) -> None:
    """The checkpoint, and, as soon as it is open, the answer: the one that is kept, or asked again."""
    document = session.open([one.checkpoint], asks=False)[0]

    def done() -> None:
        if document not in session.documents:
            return
        if one.result is not None:
            answer = Answer(
                key=one.recorded.provenance.key, probe=one.recorded.provenance.probe, title=found.name, result=one.result
            )
            session.show_answer(document, answer)
            take_look(session, one)
            say(session, found)
        elif document.problem is not None:
            ask(session, document, found, one)

    session.helper.submit(Task(lambda: None, lambda _: done(), name="wait"))


def ask(session: Session, document: Document, found: Reopened, one: Reopening) -> None:
    """The question again; how its answer compares is said when it is there."""
    if one.question is None:
        session.said.emit(Message(level="warning", text=f"{found.name} cannot be computed again: {one.trouble}"))
        return
    inquiry = session.ask(one.question, document)
    if inquiry is None:
        return
    take_look(session, one)
    session.said.emit(Message(level="info", text=f"What {found.name} shows is not kept here any more; it is computed again."))

    def look() -> None:
        if inquiry.live:
            return
        session.inquiries_changed.disconnect(look)
        if inquiry.state == "done" and inquiry.result is not None:
            tell(session, found, compare(one.recorded, inquiry.result))

    session.inquiries_changed.connect(look)
    if not inquiry.live:
        look()


def take_look(session: Session, one: Reopening) -> None:
    """As it is looked at on paper: range, scale, colours, camera; view and camera are the stage's to take."""
    look = dataclasses.asdict(one.recorded.look) | {"camera": one.recorded.look.camera}
    session.set_look(**look)
    session.look_asked.emit(one.recorded.look)


def take_view(window: Window, look: Look) -> None:
    """The view and the camera of a figure, where there is a stage already."""
    if window.stage is not None:
        window.stage.set_view(look.view)
        window.stage.canvas3d.camera = look.camera


def say(session: Session, found: Reopened, trouble: str = "") -> None:
    verdicts = {one.comparison.verdict for one in found.answers if one.comparison is not None}
    level: Level = "info" if verdicts <= {"same", "equal"} and not trouble else "warning"
    text = " ".join(part for part in (found.sentence, trouble) if part)
    if text:
        session.said.emit(Message(level=level, text=text))


def tell(session: Session, found: Reopened, comparison: Comparison) -> None:
    level: Level = "info" if comparison.verdict in ("same", "equal") else "warning"
    session.said.emit(Message(level=level, text=f"{found.name}: {comparison.sentence[:1].lower()}{comparison.sentence[1:]}"))
