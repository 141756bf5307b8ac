"""Composing in the window: what is selected becomes a figure; answers that are being computed come into it as they grow."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from landscape_gui.composition import Cell, Composition
from landscape_gui.composition.answers import cell_for, opening_told
from landscape_gui.data_choice import DataChoice
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Look
from landscape_gui.probes.base import Probe
from landscape_gui.results import Result
from landscape_gui.ui.composed import Composed, waits
from landscape_gui.ui.documents import Answer, Document, Inquiry, Message, message_of, surface_of
from landscape_gui.ui.page_choice import PageChoice, as_page
from landscape_gui.ui.questions import default_question, make, probe_of
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

APART = 300
"""Milliseconds between two pictures of answers that are growing."""


@dataclass(frozen=True)
class Source:
    """What a cell is made of: a document, and which of its answers (None: what is shown of it, else what is asked of it)."""

    document: Document
    answer: Answer | None = None


class Composing(QObject):
    """`changed`: the current figure is another, or more of it is known."""

    changed = Signal()
    edited = Signal()
    """A person has changed a figure, or made one."""
    saved = Signal(object)
    """The Document of a figure that was written to its file."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._asked: set[int] = set()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(APART)
        self._later.timeout.connect(self.changed)
        session.progressed.connect(self._grown)
        session.inquiries_changed.connect(self._look_around)
        session.documents_changed.connect(self._look_around)

    # the current figure

    @property
    def document(self) -> Document | None:
        current = self.session.current
        return current if current is not None and current.composed is not None else None

    @property
    def composed(self) -> Composed | None:
        return self.document.composed if self.document is not None else None

    def change(self, composition: Composition, *, draw: bool = True) -> None:
        """Another composition for the current figure. draw: its picture changes by it."""
        if self.composed is None or composition == self.composed.composition:
            return
        document, before = self.document, self.document.summary if self.document is not None else ""
        self.composed.composition = composition
        if document is not None and document.summary != before:
            self.session.documents_changed.emit()
        self.edited.emit()
        if draw:
            self.changed.emit()

    def keep_page(self, choice: PageChoice) -> None:
        """The page on which the current figure was exported, for its file."""
        if self.composed is not None:
            self.change(replace(self.composed.composition, page=as_page(choice)), draw=False)

    # composing

    def compose(self, sources: Sequence[Source]) -> Document | None:
        """A new figure of these, which becomes what is shown."""
        if not sources:
            text = "Nothing is selected that could be shown."
            self.session.said.emit(Message(level="info", text=text, remedy="Select two answers or checkpoints in the library."))
            return None
        document = self._new(Composed(composition=Composition()))
        self._fill(document, sources)
        self.session.documents_changed.emit()
        self.session.select(document)
        return document

    def _new(self, made: Composed) -> Document:
        count = sum(d.composed is not None for d in self.session.documents) + 1
        document = Document(path=f"Figure {count}", state="ready", asks=False, composed=made)
        self.session.documents.append(document)
        return document

    def compose_asked(self, question: Probe, documents: Sequence[Document]) -> Document:
        """A new figure of the answers to one question about each of these, which is put to all that are open."""
        look = replace(self.session.look, limits=None, camera=Look().camera, view="3d")
        models = [d for d in documents if d.problem is not None]
        cells = [cell_for(question, d.problem, checkpoint_path(d), opening_told(d.problem.description), look=look) for d in models]
        made = Composed(composition=Composition(cells=tuple(cells)), asked={cell.key for cell in cells})
        document, followed = self._new(made), self.session.followed
        for model in models:
            self.session.ask(question, model)
        self.session.followed = followed
        self.session.documents_changed.emit()
        self.session.select(document)
        self.edited.emit()
        return document

    def add(self, sources: Sequence[Source]) -> None:
        """More panels for the current figure."""
        if self.document is not None:
            self._fill(self.document, sources)
            self.session.documents_changed.emit()
            self.changed.emit()

    def _fill(self, document: Document, sources: Sequence[Source]) -> None:
        made = document.composed
        assert isinstance(made, Composed)
        look = replace(self.session.look, limits=None, camera=Look().camera, view="3d")
        for source in sources:
            cell, result = self._cell(source)
            made.composition = made.composition.added(replace(cell, look=look))
            if result is not None:
                made.known[cell.answer or cell.key] = result
            elif cell.key and not cell.answer:
                self._fetch(document, cell.key)
        self._look_around()
        self.edited.emit()

    def _cell(self, source: Source) -> tuple[Cell, Result | None]:
        """A cell for a source, and its answer where that is at hand."""
        document, answer = source.document, source.answer
        result = answer.result if answer is not None else shown_of(self.session, document)
        if document.problem is None and document.answers:
            result = result or document.answers[0].result
            where = result.provenance if result is not None else None
            question = dict(where.question) if where is not None else {}
            name = os.path.abspath(document.path)
            return Cell(answer=name, probe=answer_kind(document, where), question=question), result
        asked: dict[str, Any] = {"checkpoint": checkpoint_path(document)}
        if document.problem is not None:
            asked["opening"] = opening_told(document.problem.description)
        if result is not None:
            where = result.provenance
            return Cell(probe=where.probe, question=dict(where.question), key=where.key, **asked), result
        kept = answer or next((a for a in document.answers if a.probe == "surface"), None)
        return Cell(probe=kept.probe if kept else "", key=kept.key if kept else "", **asked), None

    def _fetch(self, document: Document, key: str) -> None:
        """Read an answer out of the store."""
        fetch, made = self.session.services.fetch, document.composed

        def done(outcome: Outcome) -> None:
            if outcome.error is not None:
                self.session.said.emit(message_of(outcome.error))
            elif outcome.value is not None:
                made.known[key] = outcome.value
                for number, cell in enumerate(made.composition.cells):
                    if cell.key == key and not cell.question:
                        asked = dict(outcome.value.provenance.question)
                        made.composition = made.composition.changed(number, question=asked)
            self.changed.emit()

        self.session.helper.submit(Task(lambda: fetch(key), done, name="fetch"))

    # what is being computed

    def _figures(self) -> list[Composed]:
        return [d.composed for d in self.session.documents if d.composed is not None]

    def _grown(self, inquiry: Inquiry) -> None:
        if inquiry.result is not None and self._take(inquiry) and not self._later.isActive():
            self._later.start()

    def _take(self, inquiry: Inquiry) -> bool:
        if inquiry.result is None or not inquiry.result.provenance.key:
            return False
        path, result = checkpoint_path(inquiry.document), inquiry.result
        taken = [made.take(path, result) for made in self._figures()]  # every figure, not the first alone
        return any(taken)

    def _look_around(self) -> None:
        """Ask about what waits and is open by now; take what was answered."""
        if not self._figures():
            return
        for inquiry in self.session.inquiries:
            if inquiry.state == "done" and inquiry.number not in self._asked and self._take(inquiry):
                self._asked.add(inquiry.number)
                self.changed.emit()
        for made in self._figures():
            for cell in [c for c in made.composition.cells if waits(c)]:
                self._ask(cell, made)

    def _ask(self, cell: Cell, made: Composed) -> None:
        """Put a waiting cell's question, where its checkpoint is open and it was not put yet."""
        session = self.session
        document = next((d for d in session.documents if d.problem is not None and checkpoint_path(d) == cell.checkpoint), None)
        if document is None or any(i.document is document and (i.live or i.result is not None) for i in session.inquiries):
            return
        question = self._question(cell, document, made)
        if question is None or (document.number, question) in [(i.document.number, i.probe) for i in session.inquiries]:
            return
        followed = session.followed
        session.ask(question, document)
        session.followed = followed

    def _question(self, cell: Cell, document: Document, made: Composed) -> Any:
        """The cell's own question; else that of the first of the others, so that they can be compared; else the usual one."""
        probes = self.session.services.probes()
        try:
            if cell.question:
                return make(probes[cell.probe], cell.question)
            other = next((r for r in made.known.values() if surface_of(r) is not None), None)
            if other is not None and other.provenance.probe == "surface":
                return probe_of(probes, other)
            return default_question(probes, document.problem)
        except (LandscapeError, KeyError, TypeError, ValueError) as error:
            self.session.said.emit(message_of(error))
            return None

    def refresh(self) -> None:
        """Ask again what every cell asks, about its checkpoint as it is now: known answers come at once."""
        made = self.composed
        if made is None:
            return
        cells = made.composition.cells
        again = {c.checkpoint: c.opening for c in cells if c.checkpoint}
        fresh = tuple(replace(c, key="", answer="") if c.checkpoint else c for c in cells)
        made.composition = replace(made.composition, cells=fresh)
        document = self.document
        for path, opening in again.items():
            for known in [d for d in self.session.documents if checkpoint_path(d) == path]:
                self.session.close(known)
            self._say_how(path, opening)
            self.session.open([path], asks=False)
        if document is not None:
            self.session.select(document)
        self.changed.emit()

    def _say_how(self, path: str, opening: Mapping[str, Any]) -> None:
        """Open a checkpoint as its cell says: with this code or architecture, and these data where none come with it."""
        services = self.session.services
        option = next((name for name in ("code", "architecture") if name in opening), "")
        if option and services.choose is not None:
            services.choose(path, option, str(opening[option]))
        if "data" in opening and services.keep_data is not None:
            named = {f.name: opening[f.name] for f in fields(DataChoice) if f.name in opening}
            services.keep_data(path, DataChoice(path=str(opening["data"]), **named))

    # files

    def save(self, path: str) -> None:
        """Write the current figure's file, in a thread."""
        document, made = self.document, self.composed
        if document is None or made is None:
            return
        from landscape_gui.composition import write_composition

        composition = made.composition

        def then(_: object) -> None:
            made.saved, document.path = composition, path
            self.saved.emit(document)
            self.session.settings.add_recent(path)
            self.session.documents_changed.emit()
            self.session.current_changed.emit()

        self.session.run(lambda: write_composition(path, composition), f"The figure is in {Path(path).name}.", path, then=then)


def shown_of(session: Session, document: Document) -> Result | None:
    """What is, or was last, shown of a document."""
    shown = session.shown
    if shown is not None and shown.document is document:
        return shown.result
    asked = [i for i in reversed(session.inquiries) if i.document is document and i.result is not None]
    return next((i.result for i in asked if i.result is not None and i.result.provenance.key), None)


def answer_kind(document: Document, where: Any) -> str:
    return where.probe if where is not None else document.answers[0].probe


def checkpoint_path(document: Document) -> str:
    """What a figure's file calls an opened checkpoint."""
    path = document.path
    return path if path.startswith("samples:") or not path else os.path.abspath(path)
