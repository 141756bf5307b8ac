"""The panel "Question": which probe, its form, what it will cost, and the button that asks it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget

from landscape_gui.errors import LandscapeError
from landscape_gui.probes.base import MEMORY_TOLD, Cost, Probe
from landscape_gui.ui.documents import duration
from landscape_gui.ui.form import Context, Form
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain
from landscape_gui.ui.probe_box import ProbeBox
from landscape_gui.ui.questions import default_question
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task


class QuestionPanel(QWidget):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("question")
        self.setAccessibleName("Question")
        self.forms: dict[str, Form] = {}
        """Those that were needed so far, by the kind's name; to make them all takes a tenth of a second."""
        self.kinds: Mapping[str, type[Probe]] = {}
        self.context = Context()
        self._context: object = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(12, 12, 12, 12)
        inside.setSpacing(8)
        self.selector = ProbeBox()
        self.selector.setObjectName("probe")
        self.selector.setAccessibleName("Kind of question")
        self.summary = plain("", "muted")
        self.place = QVBoxLayout()
        inside.addWidget(self.selector)
        inside.addWidget(self.summary)
        inside.addSpacing(4)
        inside.addLayout(self.place)
        inside.addStretch(1)
        self.area.setWidget(page)
        column.addWidget(self.area, 1)
        column.addWidget(self._foot())
        self.selector.currentIndexChanged.connect(self._choose)
        self._estimate = QTimer(self)
        self._estimate.setSingleShot(True)
        self._estimate.setInterval(150)
        self._estimate.timeout.connect(self.estimate)
        session.current_changed.connect(self.refresh)
        session.shown_changed.connect(self._follow_soon)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(15)
        self._soon.timeout.connect(self._catch_up)
        self._followed: object = None
        self._costed: Probe | None = None
        self.refresh()

    def _foot(self) -> QFrame:
        foot = QFrame()
        foot.setObjectName("foot")
        below = QVBoxLayout(foot)
        below.setContentsMargins(12, 8, 12, 10)
        self.cost = plain("", "muted")
        self.cost.setAccessibleName("Cost")
        self.button = QPushButton(icon("play", "#FFFFFF"), " Compute")
        self.button.setObjectName("primary")
        self.button.setAccessibleName("Compute")
        self.button.setToolTip("Asks this question (Ctrl+R)")
        self.button.clicked.connect(self.ask)
        below.addWidget(self.cost)
        below.addWidget(self.button)
        return foot

    def refresh(self) -> None:
        """Another document: another context, and its default question in the form."""
        document = self.session.current
        problem = document.problem if document is not None else None
        self.setEnabled(problem is not None)
        self.selector.setVisible(problem is not None or bool(self.selector.count()))
        if problem is None:
            self._costed = None
            self.cost.setText(
                "Open a checkpoint to ask about it."
                if document is None or not document.is_answer
                else "This answer came without its model: no computing."
            )
            if self.selector.count():
                return
        if problem is not None and self._context is not problem:
            self._soon.start()
        self._estimate.start()

    def _follow_soon(self) -> None:
        shown = self.session.shown
        if shown is not None and shown.probe is not self._followed:
            self._soon.start()

    def _catch_up(self) -> None:
        """The form of what is open and shown by now, in a turn of its own: a form takes as long to make as a picture does."""
        self._soon.stop()
        document, shown = self.session.current, self.session.shown
        problem = document.problem if document is not None else None
        if problem is not None and self._context is not problem:
            self._context = problem
            self._costed = None
            self._rebuild(problem, asks=shown is None or shown.document is not document)
        self._follow()

    def _rebuild(self, problem: Any, *, asks: bool) -> None:
        """asks: with the default question in the form; else the form is that of what is shown."""
        probes = self.session.services.probes()
        for form in self.forms.values():
            self.place.removeWidget(form)
            form.deleteLater()
        self.forms = {}
        self.selector.blockSignals(True)
        self.selector.clear()
        self.selector.offer(probes)
        self.selector.blockSignals(False)
        self.kinds, self.context = probes, context_of(problem)
        self._followed = None
        try:
            first = default_question(probes, problem) if asks else None
        except LandscapeError:
            first = None
        if first is not None:
            self.set_probe(first)
        if asks:
            self._choose()

    def _choose(self) -> None:
        chosen = self.form
        for form in self.forms.values():
            form.setVisible(form is chosen)
        if chosen is not None:
            self.summary.setText(chosen.kind.summary)
        self._estimate.start()

    @property
    def form(self) -> Form | None:
        """The form of the chosen kind of question."""
        if self._soon.isActive():
            self._catch_up()
        return self.form_of(self.selector.currentData())

    def form_of(self, name: str) -> Form | None:
        """The form of a kind of question, made when it is first asked for."""
        if name not in self.forms and name in self.kinds:
            form = self.forms[name] = Form(self.kinds[name], self.context)
            form.setVisible(False)
            form.changed.connect(self._estimate.start)
            self.place.addWidget(form)
        return self.forms.get(name)

    def set_probe(self, probe: Probe) -> None:
        """Let a question stand in the form, to be changed and asked."""
        form = self.form_of(probe.name)
        if form is not None:
            self.selector.setCurrentIndex(self.selector.findData(probe.name))
            form.set_probe(probe)

    def _follow(self) -> None:
        """The form shows the question of what is shown, so that one field can be changed and asked again."""
        shown = self.session.shown
        if shown is not None and shown.probe is not self._followed and shown.document is self.session.current:
            self._followed = shown.probe
            self.set_probe(shown.probe)
            self._choose()

    def estimate(self) -> None:
        """The sentence of the cost, or why there is no question yet. The pace is measured in the helper's thread."""
        form, document = self.form, self.session.current
        if form is None or document is None or document.problem is None:
            self.button.setEnabled(False)
            return
        try:
            probe = form.probe()
        except LandscapeError as error:
            self._say_cost(str(error), fine=False)
            return
        self.button.setEnabled(True)
        if probe == self._costed:
            return
        self._costed = probe
        problem = document.problem

        def done(outcome: Outcome) -> None:
            if probe is not self._costed:
                return
            if isinstance(outcome.error, LandscapeError):
                self._say_cost(str(outcome.error), fine=False)
            else:
                self._say_cost(cost_text(outcome.value) if outcome.value is not None else "", fine=True)

        self.session.helper.submit(Task(lambda: probe.cost(problem), done, name="cost"))

    def _say_cost(self, text: str, *, fine: bool) -> None:
        self.cost.setText(text)
        self.cost.setVisible(bool(text))
        self.button.setEnabled(fine)
        if not fine:
            self._costed = None

    def ask(self) -> None:
        """Ask what stands in the form."""
        form = self.form
        if form is None or not self.isEnabled():
            return
        try:
            probe = form.probe()
        except LandscapeError as error:
            self.cost.setText(str(error))
            return
        self._followed = probe
        self.session.ask(probe)


def cost_text(cost: Cost) -> str:
    """2,601 points on 1,437 examples, about 14 s."""
    parts = [f"{cost.points:,} {cost.unit}{'s' if cost.points != 1 else ''}"]
    if cost.examples:
        parts[0] += f" on {cost.examples:,} examples"
    if math.isfinite(cost.seconds):
        parts.append(f"about {duration(cost.seconds)}" if cost.seconds >= 1 else "under 1 s")
    if cost.memory >= MEMORY_TOLD:
        parts.append(f"up to {cost.memory / 1e9:.1f} GB of vectors")
    if cost.finer[0]:
        parts[-1] += f"; {cost.finer[0]} would take about {duration(cost.finer[1])}"
    return ", ".join(parts)


def context_of(problem: Any) -> Context:
    """What the form offers for a problem: its splits, and the checkpoints of its run, its layers."""
    run = getattr(problem, "run", None)
    entries = getattr(run, "checkpoints", ()) if run is not None else ()
    checkpoints: Mapping[str, str] = {str(e.path): str(e.label or e.path) for e in entries}
    layers = getattr(getattr(problem, "layout", None), "layers", None)
    names = tuple(name for name, _ in layers()) if layers is not None else ()
    return Context(splits=dict(problem.splits), checkpoints=checkpoints, layers=names)
