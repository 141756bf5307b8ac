"""Compare: reports of what was selected in the library, asked one after another and shown side by side while they come in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QVBoxLayout, QWidget

from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import LandscapeError
from landscape_gui.ui.documents import Document, Inquiry, Message, message_of
from landscape_gui.ui.panel import plain
from landscape_gui.ui.report_panel import ReportPanel
from landscape_gui.ui.session import Session

FILTER = "Markdown (*.md);;LaTeX (*.tex);;CSV (*.csv);;JSON (*.json)"


class Comparison(QDialog):
    """Stays open beside the window, which goes on working; closing it leaves the answers in the store."""

    def __init__(self, session: Session, documents: Sequence[Document], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.documents = session, list(documents)
        self.inquiries: dict[int, Inquiry] = {}
        self.setObjectName("comparison")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Compare")
        self.resize(900, 760)
        self.state = plain("", "muted")
        self.panel = ReportPanel()
        self.panel.export_asked.connect(self.ask_export)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.addWidget(self.state)
        column.addWidget(self.panel, 1)
        session.documents_changed.connect(self.refresh)
        session.inquiries_changed.connect(self.refresh)
        session.progressed.connect(self.progressed)
        self.refresh()

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
        followed = self.session.followed  # the window goes on showing what it shows
        self.inquiries[document.number] = Inquiry(probe=kind(), document=document)  # asking tells of a change before it returns
        asked = self.session.ask(kind(), document)
        self.session.followed = followed
        if asked is not None:
            self.inquiries[document.number] = asked

    def progressed(self, inquiry: Inquiry) -> None:
        if inquiry in self.inquiries.values():
            self._show()

    def _show(self) -> None:
        found = [self.inquiries[d.number].result for d in self.documents if d.number in self.inquiries]
        reports = [result for result in found if isinstance(result, ReportResult)]
        if [id(r) for r in reports] != [id(r) for r in self.panel.reports]:
            self.panel.show_reports(reports)
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

    # taking away

    def ask_export(self) -> None:
        folder = Path(self.session.settings.text("export_folder", str(Path.home())))
        path, chosen = QFileDialog.getSaveFileName(self, "Export the report", str(folder / "report.md"), FILTER)
        if path:
            suffix = chosen.partition("*")[2].partition(")")[0]
            self.export(path if Path(path).suffix else path + suffix)

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
