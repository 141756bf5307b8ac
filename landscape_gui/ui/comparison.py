"""Compare: reports of what was selected in the library, asked one after another and shown side by side while they come in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import LandscapeError
from landscape_gui.model_comparison import ModelComparison, compared, named
from landscape_gui.style import LIGHT, Theme
from landscape_gui.ui.documents import Document, Inquiry, Message, message_of
from landscape_gui.ui.gap_panel import GapPanel
from landscape_gui.ui.models_panel import ModelsPanel
from landscape_gui.ui.panel import plain
from landscape_gui.ui.report_panel import ReportPanel
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

TABLES = "Markdown (*.md);;LaTeX (*.tex);;CSV (*.csv);;JSON (*.json)"
FILTER = f"{TABLES};;Page for a browser (*.html);;Figure as PDF (*.pdf);;Figure as SVG (*.svg);;Figure as PNG (*.png)"
LIMITS = (0, 2_000, 512, 256)
"""Examples that curvature is of; 0: all."""
STEPS = (31, 31)
"""Points of the surfaces that stand side by side."""


class Comparison(QDialog):
    """Stays open beside the window, which goes on working; closing it leaves the answers in the store. `surfaces_asked`: this
    question about all of them is to become one figure."""

    surfaces_asked = Signal(object)

    def __init__(
        self, session: Session, documents: Sequence[Document], parent: QWidget | None = None, *, theme: Theme = LIGHT
    ) -> None:
        super().__init__(parent)
        self.session, self.documents = session, list(documents)
        self.inquiries: dict[int, Inquiry] = {}
        self._correlated: Any = None
        self.setObjectName("comparison")
        self.setWindowTitle("Compare")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(1080, 780)
        self.state = plain("", "muted")
        self.limit = self._limits()
        self.models, self.gap, self.panel = ModelsPanel(), GapPanel(), ReportPanel()
        self.gap.set_theme(theme)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for widget, title in ((self.models, "Models"), (self.gap, "Against the gap"), (self.panel, "All numbers")):
            self.tabs.addTab(widget, title)
        self.tabs.setCurrentIndex(0 if len(self.documents) > 1 else 2)
        line = QHBoxLayout()
        line.addWidget(self.state, 1)
        line.addWidget(plain("Curvature of", "muted"))
        line.addWidget(self.limit)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.addLayout(line)
        column.addWidget(self.tabs, 1)
        self._connect()
        self.refresh()

    def _limits(self) -> QComboBox:
        """The same number of examples for all, as the samples' cards have it where they say."""
        box = QComboBox()
        box.setAccessibleName("Examples that curvature is of")
        for count in LIMITS:
            box.addItem(f"{count:,} examples" if count else "all examples", count)
        problems = [d.problem for d in self.documents if d.problem is not None]
        said = [int(limit) for p in problems if (limit := getattr(p, "defaults", {}).get("limit"))]
        if said:
            box.setCurrentIndex(LIMITS.index(min(LIMITS[1:], key=lambda known: abs(known - min(said)))))
        box.activated.connect(lambda _: self.ask_again())
        box.setToolTip("A random part of the data takes less time; losses, accuracies and gaps are always of all of them")
        return box

    def _connect(self) -> None:
        self.panel.export_asked.connect(self.ask_export)
        self.models.export_asked.connect(self.ask_export_of_models)
        self.models.surfaces_asked.connect(self.ask_surfaces)
        self.models.changed.connect(self._correlate)
        self.gap.changed.connect(self._correlate)
        self.session.documents_changed.connect(self.refresh)
        self.session.inquiries_changed.connect(self.refresh)
        self.session.progressed.connect(self.progressed)

    # what is asked

    def refresh(self) -> None:
        """Ask about what is ready by now, and show what is known."""
        for document in self.documents:
            if document.state == "ready" and document.problem is not None and document.number not in self.inquiries:
                self._ask(document)
        self._show()

    def _ask(self, document: Document) -> None:
        kind = self.session.services.probes().get("report")
        if kind is None:
            return
        fields: dict[str, Any] = {"limit": self.limit.currentData()} if "limit" in kind.__dataclass_fields__ else {}
        question = kind(**fields)
        followed = self.session.followed  # the window goes on showing what it shows
        self.inquiries[document.number] = Inquiry(probe=question, document=document)  # asking tells of a change before it returns
        asked = self.session.ask(question, document)
        self.session.followed = followed
        if asked is not None:
            self.inquiries[document.number] = asked

    def ask_again(self) -> None:
        """The same about another number of examples; what is being computed for the number of before stops."""
        before, self.inquiries = self.inquiries, {}
        for inquiry in before.values():
            if inquiry.live and inquiry in self.session.inquiries:
                self.session.cancel(inquiry)
        self.refresh()

    def ask_surfaces(self) -> None:
        """The same surface of every model: as many points, as far to every side, on as many examples."""
        kind = self.session.services.probes().get("surface")
        if kind is None:
            return
        wanted = {"steps": STEPS, "limit": self.limit.currentData()}
        self.surfaces_asked.emit(kind(**{name: value for name, value in wanted.items() if name in kind.__dataclass_fields__}))

    def progressed(self, inquiry: Inquiry) -> None:
        if inquiry in self.inquiries.values():
            self._show()

    # what is shown

    def _show(self) -> None:
        found = [self.inquiries[d.number].result for d in self.documents if d.number in self.inquiries]
        reports = [result for result in found if isinstance(result, ReportResult)]
        if [id(r) for r in reports] != [id(r) for r in self.panel.reports]:
            self.panel.show_reports(reports)
            self.models.show_reports(named(reports))
        self.state.setText(self.sentence())

    def sentence(self) -> str:
        """How many reports there are, and what is being computed."""
        states = [self.inquiries[d.number].state if d.number in self.inquiries else d.state for d in self.documents]
        done, failed = states.count("done"), states.count("failed") + states.count("cancelled")
        if done + failed == len(states):
            return f"{done} of {len(states)} reports." + (" The others failed or were cancelled." if failed else "")
        running = next((i for i in self.inquiries.values() if i.state == "running"), None)
        doing = f" {running.document.name}: {100 * running.share:.0f} %, {running.note}." if running is not None else ""
        return f"{done} of {len(states)} reports.{doing}"

    def _correlate(self) -> None:
        """Correlations of what is whole, in the helper's thread: intervals of a new number of models take a second."""
        reports = tuple(r for r in self.models.reports if r.complete)
        shown = self.models.comparison
        if shown is None or len(reports) < 2:
            self.gap.wait("Two whole reports are needed at least, and four for an interval.")
            return
        asked = (reports, shown.columns, self.models.sorted_by, self.models.direction, self._gap_asked())
        if self._correlated is not None and same(asked, self._correlated):
            return
        self._correlated = asked
        self.gap.wait("Correlating …")
        work = partial(compared, reports, columns=asked[1], gap=asked[4], sort=asked[2], descending=asked[3] < 0)
        self.session.helper.submit(Task(work, lambda outcome: self._told(asked, outcome), name="correlate"))

    def _gap_asked(self) -> str:
        """That of the loss is the usual one; where a person chose, theirs."""
        return str(self.gap.gap.currentData()) if self.gap.gap.isEnabled() else ""

    def _told(self, asked: Any, outcome: Outcome) -> None:
        if asked is not self._correlated:
            return
        if outcome.error is not None:
            self.gap.wait(message_of(outcome.error).text)
            return
        comparison: ModelComparison = outcome.value
        self.gap.show_comparison(comparison)
        if len(comparison.reports) == len(self.models.reports):
            self.models.take(comparison)

    def hideEvent(self, event: QHideEvent) -> None:
        """Closed: what is still being correlated comes too late."""
        if not event.spontaneous():
            self._correlated = None
        super().hideEvent(event)

    # taking away

    def ask_export(self) -> None:
        self._ask_path("Export the reports", "report.md", TABLES, self.export)

    def ask_export_of_models(self) -> None:
        self._ask_path("Export the comparison", "comparison.md", FILTER, self.export_models)

    def _ask_path(self, title: str, suggested: str, kinds: str, then: Any) -> None:
        folder = Path(self.session.settings.text("export_folder", str(Path.home())))
        path, chosen = QFileDialog.getSaveFileName(self, title, str(folder / suggested), kinds)
        if path:
            suffix = chosen.partition("*")[2].partition(")")[0]
            then(path if Path(path).suffix else path + suffix)

    def export(self, path: str) -> None:
        """Write what is shown; what went wrong is said in the window."""
        from landscape_gui.export.report_tables import write_report

        try:
            write_report(path, self.panel.arranged())
        except LandscapeError as error:
            self.session.said.emit(message_of(error))
            return
        self.session.settings.set("export_folder", str(Path(path).parent))
        self.session.said.emit(Message(level="info", text=f"The report is in {path}.", reveal=path))

    def export_models(self, path: str) -> None:
        """Write the comparison, with its correlations, as a table, a page or its figure; in a thread."""
        shown, gap = self.models.comparison, self._gap_asked()
        if shown is None:
            return
        self.session.settings.set("export_folder", str(Path(path).parent))
        work = partial(written, path, shown, gap)
        self.session.run(work, f"The comparison is in {path}.", path)


def same(asked: Any, other: Any) -> bool:
    """Whether the same reports, not only equal ones, are to be correlated in the same way."""
    return [id(r) for r in asked[0]] == [id(r) for r in other[0]] and asked[1:] == other[1:]


def written(path: str, shown: ModelComparison, gap: str) -> None:
    from landscape_gui.export import export
    from landscape_gui.export.comparison_tables import WRITERS, write_comparison

    whole = shown if shown.related else compared(shown.reports, columns=shown.columns, gap=gap)
    if Path(path).suffix.lower() in WRITERS:
        write_comparison(path, whole)
    else:
        from landscape_gui.comparison_figure import comparison_figure

        export(comparison_figure(whole), path)
