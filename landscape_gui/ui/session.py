"""The session: what is open, what is running, what is shown. The only object of the window that changes; widgets listen to it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from landscape_gui.errors import LandscapeError, TrustNeeded
from landscape_gui.figure import Figure, Look
from landscape_gui.probes.base import Probe, Progress
from landscape_gui.results import Result
from landscape_gui.ui.answering import answer_to
from landscape_gui.ui.documents import (
    Advanced,
    Answer,
    Began,
    Cell,
    Document,
    Inquiry,
    Message,
    Shown,
    Stopped,
    is_whole,
    latest,
    lie_on_one_plane,
    message_of,
    read_cell,
)
from landscape_gui.ui.drawing import Drawing
from landscape_gui.ui.following import Following
from landscape_gui.ui.mailbox import Mailbox
from landscape_gui.ui.opening import list_answers, start_opening
from landscape_gui.ui.places import with_places
from landscape_gui.ui.questions import default_question, probe_of
from landscape_gui.ui.services import Services
from landscape_gui.ui.settings import Settings
from landscape_gui.ui.worker import Outcome, Task, Worker


class Session(QObject):
    """All changes go through its methods, in the window's thread; work is done by threads, one for questions, one for opening,
    reading and saving, one for drawing pages, so that a file opens while a surface is computed."""

    documents_changed = Signal()
    current_changed = Signal()
    shown_changed = Signal()
    """Another answer, or more of it."""
    look_changed = Signal()
    inquiries_changed = Signal()
    progressed = Signal(object)
    """An Inquiry went on."""
    said = Signal(object)
    """A Message."""
    trust_asked = Signal(object, object)
    """A TrustNeeded and the Document that it belongs to."""
    choice_asked = Signal(object, object)
    """A ChoiceNeeded and the Document that it belongs to."""
    data_asked = Signal(object, object)
    """A DataNeeded and the Document that it belongs to."""
    cursor_changed = Signal(object)
    """A Cell, or None, with `place`."""
    reading_changed = Signal(str)
    """What stands under the cursor of a chart, in words."""
    cell_changed = Signal(object)
    cell_picked = Signal(object)  # by a person; `cell_changed` comes also where more became known of it
    look_asked = Signal(object)
    """The Look of a figure that was opened, whose view and camera are to be taken."""
    cell_measured = Signal(object, object)

    def __init__(self, services: Services, settings: Settings | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.services = services
        self.settings = settings or Settings()
        self.documents: list[Document] = []
        self.current: Document | None = None
        self.shown: Shown | None = None
        self.look = Look()
        self.inquiries: list[Inquiry] = []
        self.followed: Inquiry | None = None
        self.cell: Cell | None = None
        self.closed = False
        self.mailbox = Mailbox(self)
        self.mailbox.received.connect(self._receive)
        self.thinker = Worker(self.mailbox, "questions")
        self.helper = Worker(self.mailbox, "files")
        self.drawing = Drawing(self.mailbox)
        self.following = Following(self)

    # opening

    def open(self, paths: Sequence[str], *, asks: bool = True) -> list[Document]:
        """Open files and folders; the last becomes the current one. Wrong ones are said, never raised."""
        opened: list[Document] = []
        for path in paths:
            known = next((d for d in self.documents if d.path == path and d.state != "failed"), None)
            document = known or Document(path=path)
            document.asks, document.before = asks and path == paths[-1], opened[-1] if asks and opened else None
            if known is None:
                self.documents.append(document)
                start_opening(self, document)
            opened.append(document)
        if opened:
            self.documents_changed.emit()
            self.select(opened[-1])
        return opened

    def trust(self, document: Document, error: TrustNeeded) -> None:
        """The person has read the code and allows it, for this content."""
        self.settings.trust([error.digest], error.path)
        start_opening(self, document, [error.digest])
        self.documents_changed.emit()

    def close(self, document: Document) -> None:
        """Close a document; its questions are cancelled, its answers stay in the store."""
        if self.services.choose is not None:
            self.services.choose(document.path, "", "")
        for inquiry in [i for i in self.inquiries if i.document is document and i.live]:
            self.cancel(inquiry)
        if document in self.documents:
            self.documents.remove(document)
        was_current, was_shown = self.current is document, self.shown is not None and self.shown.document is document
        if was_current:
            self.current = None
        if was_shown:
            self.shown, self.cell = None, None
            self.shown_changed.emit()
        if was_current:
            if self.documents:
                self.select(self.documents[-1])
            else:
                self.current_changed.emit()
        self.documents_changed.emit()

    def select(self, document: Document) -> None:
        """Make a document the current one and show what was last known of it."""
        if document is self.current and document.state == "opening":
            return
        self.current = document
        self.current_changed.emit()
        if self.shown is not None and self.shown.document is document:
            self.shown_changed.emit()
            return
        running = next((i for i in reversed(self.inquiries) if i.document is document and i.result is not None), None)
        if running is not None:
            self.followed = running
            self._show(Shown(probe=running.probe, result=running.result, document=document, partial=running.live))  # type: ignore[arg-type]
        elif document.is_answer:
            self.show_answer(document, document.answers[0])
        elif document.state == "ready" and document.asks:
            self.ask_default()

    # asking

    def ask_default(self) -> Inquiry | None:
        """Ask the default question of the current document."""
        document = self.current
        if document is None or document.problem is None or self.following.takes(document):
            return None
        try:
            probe = default_question(self.services.probes(), document.problem)
        except LandscapeError as error:
            self.said.emit(message_of(error))
            return None
        if probe is None or self.services.sized is None or "steps" in (getattr(document.problem, "defaults", None) or {}):
            return self.ask(probe) if probe is not None else None
        self._ask_sized(document, probe, self.services.sized)
        return None

    def _ask_sized(self, document: Document, probe: Probe, sized: Callable[[Any, Any], Any]) -> None:
        """Ask the default question at a size that is measured first, in the helper's thread."""
        problem = document.problem

        def done(outcome: Outcome) -> None:
            if document in self.documents and document.problem is not None and document is self.current:
                self.ask(probe if outcome.error is not None else outcome.value, document)

        self.helper.submit(Task(lambda: sized(probe, problem), done, name="size of the surface"))

    def ask(self, probe: Probe, document: Document | None = None, *, first: bool = False) -> Inquiry | None:
        """Put a question; it waits behind those that were put before. first: before those that wait, and the one that is running
        stops for it and goes on afterwards from where it was. The window follows the newest."""
        document = document or self.current
        if document is None or document.problem is None:
            self.said.emit(Message(level="info", text="There is nothing to ask yet.", remedy="Open a checkpoint first."))
            return None
        same = next((i for i in self.inquiries if i.live and i.document is document and i.probe == probe), None)
        if same is not None and same.state != "cancelling":
            self.followed = same
            return same
        inquiry = Inquiry(probe=probe, document=document)
        self.inquiries.append(inquiry)
        self.followed = inquiry
        if first and self.running is not None:
            self._put_off(self.running)
        self._submit(inquiry, first=first)
        self.inquiries_changed.emit()
        return inquiry

    def _submit(self, inquiry: Inquiry, *, first: bool = False) -> None:
        answerer, put = self.services.answerer, self.mailbox.chute.put
        task = Task(lambda: answer_to(inquiry, answerer, put), lambda outcome: self._answered(inquiry, outcome))
        self.thinker.submit(task, first=first)

    def _put_off(self, inquiry: Inquiry) -> None:
        """Let a running question wait again; what it knows stays in the store, and it goes on from there."""
        if inquiry.state == "running":
            inquiry.put_off = True
            inquiry.stop.set()

    def _receive(self, item: object) -> None:
        if self.closed:
            return
        if isinstance(item, Outcome):
            item.task.then(item)
        elif isinstance(item, Began):
            if item.inquiry.state == "waiting":
                item.inquiry.state, item.inquiry.started = "running", time.monotonic()
            self.inquiries_changed.emit()
        elif isinstance(item, Stopped):
            if item.inquiry.state == "cancelling":
                item.inquiry.state = "cancelled"
                self.inquiries_changed.emit()
        elif isinstance(item, Advanced):
            self._advance(item.inquiry, item.progress)

    def _advance(self, inquiry: Inquiry, progress: Progress) -> None:
        if not inquiry.live:
            return
        inquiry.done, inquiry.total, inquiry.note = progress.done, progress.total, progress.note
        if progress.partial is not None:
            inquiry.result = progress.partial
            if inquiry is self.followed and inquiry.document is self.current:
                self._show(Shown(probe=inquiry.probe, result=progress.partial, document=inquiry.document, partial=True))
        self.progressed.emit(inquiry)

    def _answered(self, inquiry: Inquiry, outcome: Outcome) -> None:
        if inquiry.put_off and not is_whole(outcome.value) and outcome.error is None and inquiry.state == "running":
            inquiry.put_off, inquiry.state = False, "waiting"
            inquiry.stop.clear()
            self._submit(inquiry)
            self.inquiries_changed.emit()
            return
        inquiry.put_off = False
        inquiry.seconds = time.monotonic() - inquiry.started if inquiry.started else 0.0
        if outcome.error is not None:
            inquiry.state, inquiry.error = "failed", outcome.error
            self.said.emit(message_of(outcome.error, where=inquiry.title))
        else:
            stopped = inquiry.stop.is_set() and not is_whole(outcome.value)
            inquiry.state = "cancelled" if stopped else "done"
            inquiry.result = outcome.value if outcome.value is not None else inquiry.result
        if inquiry.state == "done":
            inquiry.done = inquiry.total = inquiry.total or 1.0
            list_answers(self, inquiry.document)
        if inquiry is self.followed and inquiry.document is self.current and inquiry.result is not None:
            partial = inquiry.state != "done"
            self._show(Shown(probe=inquiry.probe, result=inquiry.result, document=inquiry.document, partial=partial))
        self.inquiries_changed.emit()

    def cancel(self, inquiry: Inquiry | None = None) -> None:
        """Stop a question (the running one when none is named); what it knows stays on the screen."""
        inquiry = inquiry or next((i for i in self.inquiries if i.state == "running"), None)
        if inquiry is None or not inquiry.live:
            return
        inquiry.stop.set()
        inquiry.state = "cancelled" if inquiry.state == "waiting" else "cancelling"
        self.inquiries_changed.emit()

    def forget(self, inquiry: Inquiry) -> None:
        """Take a finished question from the list."""
        if inquiry in self.inquiries and not inquiry.live:
            self.inquiries.remove(inquiry)
            if self.followed is inquiry:
                self.followed = None
            self.inquiries_changed.emit()

    @property
    def running(self) -> Inquiry | None:
        return next((i for i in self.inquiries if i.state in ("running", "cancelling")), None)

    # showing

    def shown_of(self, document: Document) -> Shown | None:
        """What is shown, where it is of this document."""
        return self.shown if self.shown is not None and self.shown.document is document else None

    def _show(self, shown: Shown) -> None:
        """A picked cell stays picked as long as the surface is the same, whatever lies on it."""
        before, self.shown, picked = self.shown, shown, self.cell
        if before is None or before.document is not shown.document or before.probe != shown.probe:
            self.look = dataclasses.replace(self.look, limits=None, quantity="", statistic="first", width=0.0)
            if before is None or not lie_on_one_plane(before, shown):
                self.cell = None
        self.cell = read_cell(shown.result, self.cell.x, self.cell.y) if self.cell is not None else None
        self.shown_changed.emit()
        if picked is not None:
            self.cell_changed.emit(self.cell)

    def show_again(self, shown: Shown) -> None:
        """Show what was shown before, with what has become known of it since; one that is still being answered is followed."""
        asked = [i for i in reversed(self.inquiries) if (i.document, i.probe) == (shown.document, shown.probe)]
        self.followed = next((i for i in asked if i.live), None)
        self._show(latest(shown, asked))

    def show_answer(self, document: Document, answer: Answer) -> None:
        """Show an answer of the library; it is read from the store where it is not at hand."""
        if document is not self.current:
            self.current = document
            self.current_changed.emit()
        if answer.result is not None:
            self._show_known(document, answer, answer.result)
            return
        fetch = self.services.fetch

        def done(outcome: Outcome) -> None:
            if outcome.error is not None or outcome.value is None:
                lost = LandscapeError(f"The answer “{answer.title}” is not in the store any more.", remedy="Ask again.")
                self.said.emit(message_of(outcome.error or lost))
                return
            answer.result = outcome.value
            self._show_known(document, answer, outcome.value)

        self.helper.submit(Task(lambda: fetch(answer.key), done, name="fetch"))

    def _show_known(self, document: Document, answer: Answer, result: Result) -> None:
        try:
            probe = with_places(probe_of(self.services.probes(), result), self.documents)
        except LandscapeError as error:
            self.said.emit(message_of(error))
            return
        self.followed = None
        self._show(Shown(probe=probe, result=result, document=document))

    def figure(self, **look: Any) -> Figure | None:
        """The shown answer as marks, looked at as now, with what is named changed."""
        if self.shown is None:
            return None
        return self.shown.probe.figure(self.shown.result, dataclasses.replace(self.look, **look))

    def set_look(self, **changes: Any) -> None:
        """Look differently at the same numbers."""
        look = dataclasses.replace(self.look, **changes)
        if look != self.look:
            self.look = look
            self.look_changed.emit()

    def point(self, place: tuple[float, float] | None) -> None:
        """The cursor stands at a place of the plane (None: nowhere)."""
        cell = read_cell(self.shown.result, *place) if self.shown is not None and place is not None else None
        self.cursor_changed.emit((place, cell) if cell is not None else None)

    # a cell

    def pick(self, x: float, y: float) -> None:
        """Pick the cell next to a place."""
        self.cell = read_cell(self.shown.result, x, y) if self.shown is not None else None
        self.cell_changed.emit(self.cell)
        if self.cell is not None:
            self.cell_picked.emit(self.cell)

    def drop_cell(self) -> None:
        self.cell = None
        self.cell_changed.emit(None)

    # besides

    def run(self, work: Callable[[], Any], sentence: str, reveal: str = "", then: Callable[[Any], None] | None = None) -> None:
        """Do something in the helper's thread and say when it is done."""

        def done(outcome: Outcome) -> None:
            if outcome.error is not None:
                self.said.emit(message_of(outcome.error))
                return
            if sentence:
                self.said.emit(Message(level="info", text=sentence, reveal=reveal))
            if then is not None:
                then(outcome.value)

        self.helper.submit(Task(work, done))

    def warm_up(self) -> None:
        """Import what is slow to import, in the thread that will need it."""
        if self.services.warm_up is not None:
            self.helper.submit(Task(self.services.warm_up, self._warmed, name="warm up"))

    def _warmed(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.said.emit(message_of(outcome.error))

    def shut(self, milliseconds: int = 5000) -> bool:
        """Stop everything and wait for the threads, at most so long for each; False where one still runs."""
        self.closed = True
        for inquiry in self.inquiries:
            inquiry.stop.set()
        ended = [worker.shut(milliseconds) for worker in (self.thinker, self.helper, self.drawing, self.following.worker)]
        return all(ended)
