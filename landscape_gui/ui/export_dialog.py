"""Exporting: what is shown as a figure for a paper, a mesh, numbers, a script or a caption, with a preview that is the file."""

from __future__ import annotations

import importlib
import threading
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from landscape_gui.errors import LandscapeError
from landscape_gui.export.apart import Picture, Stopped
from landscape_gui.export_formats import Format, format_of, offered
from landscape_gui.figure import Figure
from landscape_gui.ui import saving
from landscape_gui.ui.copying import CopyRow
from landscape_gui.ui.documents import message_of
from landscape_gui.ui.export_form import ExportForm
from landscape_gui.ui.export_preview import ExportPreview, bytes_words, page_words
from landscape_gui.ui.exporting import Order, Subject, suggested_name, with_suffix
from landscape_gui.ui.panel import plain
from landscape_gui.ui.recolouring import map_of, recoloured
from landscape_gui.ui.rehearsal import DRAWN, Rehearsal
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

ANIMATION = "landscape_gui.ui.animation_dialog"
EXPORT, SET_UP = "&Export \N{HORIZONTAL ELLIPSIS}", "S&et up \N{HORIZONTAL ELLIPSIS}"
SMALLEST = (760, 520)
LARGEST = (1240, 800)


class ExportDialog(QDialog):
    """Stays open while it writes, and where that fails; what it exports is what was shown when it was opened."""

    def __init__(self, session: Session, subject: Subject, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.subject = session, subject
        self.setObjectName("export")
        self.setWindowTitle("Export")
        room = parent.size() if parent is not None else self.size()
        width, height = (max(low, min(high, side - 60)) for low, high, side in zip(SMALLEST, LARGEST, room.toTuple(), strict=True))
        self.resize(width, height)
        self.preview = ExportPreview()
        self.form = ExportForm(session.settings, subject)
        self.copying = CopyRow(session, self.order)
        self.wrong = plain("", "warning")
        self.wrong.hide()
        self.rehearsal = Rehearsal(session.drawing, self)
        self.stop = threading.Event()
        self.writing: Task | None = None
        self.answer = subject.result_of()
        self._figures: dict[tuple[str, str], Figure | None] = {}
        self._facts = ["", ""]
        self._lay_out()
        self._connect()
        self._offer()
        self.form.prefer()
        session.drawing.warm_up()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(12)
        line = QHBoxLayout()
        line.setSpacing(18)
        line.addWidget(self.preview, 1)
        line.addWidget(self.form)
        column.addLayout(line, 1)
        column.addWidget(self.wrong)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.copying)
        self.progress = plain("", "muted", wrap=False)
        foot.addStretch(1)
        foot.addWidget(self.progress)
        self.close_button, self.save = QPushButton("Close"), QPushButton(EXPORT)
        self.close_button.setAutoDefault(False)
        self.save.setObjectName("primary")
        self.save.setDefault(True)
        foot.addWidget(self.close_button)
        foot.addWidget(self.save)
        column.addLayout(foot)

    def _connect(self) -> None:
        self.form.changed.connect(self.rehearse)
        self.form.view_chosen.connect(self._view_chosen)
        self.preview.resized.connect(self.rehearsal.redraw)
        self.rehearsal.began.connect(self.preview.begin)
        self.rehearsal.drawn.connect(self._drawn)
        self.rehearsal.read.connect(self.preview.show_text)
        self.rehearsal.judged.connect(self.preview.concerns.show_sentences)
        self.rehearsal.sized.connect(self._sized)
        self.rehearsal.failed.connect(self._failed)
        self.close_button.clicked.connect(self.reject)
        self.save.clicked.connect(self.ask_path)

    # what is exported

    def figure(self) -> Figure | None:
        """The figure as it is chosen now; made once, so that what is written is what the preview shows."""
        view, colours = chosen = self.form.shown_view, self.form.colour_map
        if chosen not in self._figures:
            try:
                figure = self._figures[view, ""] if (view, "") in self._figures else self.subject.figure_of(view)
            except LandscapeError as error:
                figure = None
                self._say_wrong(error)
            self._figures[view, ""] = figure
            self._figures[chosen] = recoloured(figure, colours) if figure is not None else None
        return self._figures[chosen]

    def order(self, kind: Format | None = None, path: Path = Path()) -> Order:
        """What stands in the form. Raises LandscapeError for a page that makes no sense."""
        kind = kind or self.form.kind
        if kind is None:
            raise LandscapeError("Nothing is shown that could be exported.", remedy="Compute something first.")
        setup = self.form.page.choice().setup()
        return Order(
            kind=kind, figure=self.figure(), result=self.answer, setup=setup, path=path, subject=self.subject,
            view=self.form.shown_view, colour_map=self.form.colour_map,
        )  # fmt: skip

    def _offer(self) -> None:
        figure = self.figure()
        self.form.offer(offered(figure, self.answer), coloured=bool(map_of(figure)))

    def _view_chosen(self) -> None:
        self._offer()
        self.rehearse()

    # the preview

    def rehearse(self) -> None:
        """Show what the file will be."""
        self.wrong.hide()
        self.rehearsal.end()
        self._facts = ["", ""]  # what is shown stays until more is known
        choice = self.form.page.choice()
        self.preview.view.venue, self.preview.view.dark = choice.venue, choice.dark
        try:
            order = self.order()
        except LandscapeError as error:
            self._failed(error)
            return
        if order.kind.group != "figure":
            self._tell_facts("", "")
        self.save.setText(SET_UP if order.kind.group == "animation" else EXPORT)
        self.preview.bar.setVisible(order.kind.group in DRAWN)
        self.preview.lay_on_page(order.kind.group == "figure")
        self.preview.concerns.setVisible(order.kind.group == "figure")
        self.copying.arrange(order.figure)
        if order.kind.group in DRAWN or order.kind.plain:
            width = order.setup.width or 1.0
            self.rehearsal.ask(order, lambda: self.preview.view.wanted(width))
        else:
            more = " What moves, how long and how large is set up next." if order.kind.group == "animation" else ""
            self.preview.show_words(f"{order.kind.name}: {order.kind.words}.{more}")

    def _drawn(self, picture: Picture) -> None:
        self.preview.show_picture(picture)
        order, choice = self.rehearsal.order, self.form.page.choice()
        if order is not None and order.kind.group == "figure":
            pixels, inside = order.kind.suffix in (".png", ".tiff"), bool(map_of(order.figure))
            self._tell_facts(page_words(picture, order.setup, choice.unit, pixels=pixels, inside=inside), self._facts[1])

    def _sized(self, count: float, exact: bool) -> None:
        self._tell_facts(self._facts[0], bytes_words(count, exact=exact))

    def _tell_facts(self, *facts: str) -> None:
        self._facts = list(facts)
        self.preview.show_facts("  \N{MIDDLE DOT}  ".join(filter(None, facts)))

    def _failed(self, error: BaseException) -> None:
        message = message_of(error)
        self._tell_facts("", "")
        self.preview.concerns.show_sentences(None)
        self.preview.show_words(f"{message.text} {message.remedy}".strip())

    # writing

    def ask_path(self) -> None:
        """Enter: where to, then it is written."""
        if self.writing or self.form.kind is None:
            return
        if self.form.kind.group == "animation":
            self.animate(self.form.kind.suffix)
            return
        path = saving.ask_path(self, self.session.settings, self.form.kind, self._name())
        if path:
            self.export_to(path)

    def animate(self, suffix: str) -> None:
        """Animations have a dialog of their own, which takes over: `AnimationDialog(session, subject, parent, suffix)`."""
        try:
            module = importlib.import_module(ANIMATION)
        except ModuleNotFoundError:
            self._say_wrong(LandscapeError("Animations cannot be made here.", remedy="Choose another format."))
            return
        dialog = module.AnimationDialog(self.session, self.subject, self.parentWidget(), suffix)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        self.reject()

    def _name(self) -> str:
        result, figure = self.answer, self.figure()
        probe = result.provenance.probe if result is not None else figure.provenance.probe if figure is not None else ""
        kind = self.form.kind
        view = self.form.shown_view if kind is not None and kind.takes == "figure" else ""
        return suggested_name(self.subject.name, probe, view if len(self.subject.views) > 1 else "")

    def export_to(self, path: str) -> None:
        """Write to `path`, after asking where something is there already; as the kind that its suffix names."""
        self.wrong.hide()
        try:
            assert self.form.kind is not None
            target = with_suffix(path, self.form.kind.suffix)
            kind = self.form.kind if target.suffix.lower() == self.form.kind.suffix else format_of(target)
            if kind.group == "animation":
                self.animate(kind.suffix)
                return
            order = self.order(kind, target)
            if not kind.fits(order.figure, order.result):
                raise LandscapeError(f"What is shown cannot be written as {kind.name}.", remedy="Choose another format.")
        except LandscapeError as error:
            self._say_wrong(error)
            return
        if target.exists() and not saving.may_replace(self, target):
            return
        self._write(replace(order, content=self._content(order)))

    def _content(self, order: Order) -> bytes | None:
        """The file, where the rehearsal has drawn it whole."""
        known = self.rehearsal.order
        same = known is not None and known.figure is order.figure and (known.kind, known.setup) == (order.kind, order.setup)
        return self.rehearsal.content if same else None

    def _write(self, order: Order) -> None:
        self.rehearsal.end()
        self._show_writing(order.path.name)
        drawer, stop = self.session.drawing.drawer, threading.Event()
        self.stop = stop
        self.writing = self.session.drawing.do(
            lambda: order.carry_out(drawer, stop),
            lambda o: self._written(order, o),
        )

    def _written(self, order: Order, outcome: Outcome) -> None:
        """Also where the dialog was closed meanwhile: then the window says what became of it."""
        if outcome.error is None:
            saving.tell(self.session, order, outcome.value)
        if not isValid(self):
            return
        self.writing = None
        self._show_writing("")
        if outcome.error is None:
            self.form.remember()
            self.accept()
            return
        self.rehearse()
        if not isinstance(outcome.error, Stopped):
            self._say_wrong(outcome.error)

    def _show_writing(self, name: str) -> None:
        self.save.setEnabled(not name)
        self.form.setEnabled(not name)
        self.close_button.setText("Cancel" if name else "Close")
        self.copying.setVisible(not name)
        self.progress.setText(f"Writing {name} \N{HORIZONTAL ELLIPSIS}" if name else "")

    def _say_wrong(self, error: BaseException) -> None:
        message = message_of(error)
        self.wrong.setText(f"{message.text} {message.remedy}".strip())
        self.wrong.show()

    # coming and going

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.form.format.setFocus()
        QTimer.singleShot(0, self, self._seen)

    def _seen(self) -> None:
        self.rehearse()
        self.session.drawing.draw("tex", then=self._tex_known)

    def _tex_known(self, outcome: Outcome) -> None:
        if isValid(self) and outcome.error is None:
            self.form.page.say_no_tex(outcome.value)

    def reject(self) -> None:
        """Esc: while it writes, stop that; else go."""
        if self.writing is not None:
            self.session.drawing.cancel(self.writing, self.stop)
        else:
            super().reject()

    def done(self, result: int) -> None:
        """What is still under way is not waited for."""
        self.rehearsal.end()
        super().done(result)
