"""Reports side by side in the window: what is shown, sorted, explained, copied, exported, and how Compare asks for them."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from bowls import make_problem
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from landscape_gui.curvature_results import ReportResult
from landscape_gui.export.report_tables import as_markdown
from landscape_gui.number_texts import TEXTS
from landscape_gui.probes.base import Cost, Probe, Progress
from landscape_gui.probes.report_pictures import report_figure
from landscape_gui.reading_aids import AIDS
from landscape_gui.results import Number, Provenance
from landscape_gui.ui.comparison import Comparison
from landscape_gui.ui.documents import Document
from landscape_gui.ui.report_panel import LABELS, ReportPanel


def made(title: str, lambda_max: float, worst: float | None = 0.5) -> ReportResult:
    def number(name: str, value: float, error: float, kind: str) -> Number:
        return Number(name=name, label=TEXTS[name].label, value=value, error=error, kind=kind, help=TEXTS[name].help)

    numbers = {"lambda_max": number("lambda_max", lambda_max, 0.012, "bound")}
    if worst is not None:
        numbers["worst_case"] = number("worst_case", worst, float("nan"), "lower bound")
    return ReportResult(title=title, numbers=numbers, split="train", examples=10, provenance=Provenance(probe="report"))


@dataclass(frozen=True, kw_only=True)
class Known(Probe):
    """A report whose answer is known from the problem's title."""

    name: ClassVar[str] = "report"
    title: ClassVar[str] = "Report"
    summary: ClassVar[str] = "Known"

    def cost(self, problem):
        return Cost(points=1, examples=1)

    def figure(self, result, look):
        return report_figure(result, look)


@pytest.fixture
def panel(qtbot, dressed):
    panel = ReportPanel()
    qtbot.addWidget(panel)
    panel.resize(800, 500)
    panel.show()
    panel.show_reports([made("B", 2.5), made("A", 1.25), made("C", 12.5, worst=None)])
    return panel


def column(panel, number):
    """Texts of a column by the label of their row."""
    return {panel.table.item(k, 0).text().rstrip(" ▲▼"): panel.table.item(k, number).text() for k in range(panel.table.rowCount())}


def heads(panel):
    return [panel.table.horizontalHeaderItem(k).text() for k in range(1, panel.table.columnCount() - 1)]


def line_of(panel, label):
    return next(k for k in range(panel.table.rowCount()) if panel.table.item(k, 0).text().startswith(label))


def test_each_checkpoint_is_a_column_and_each_number_a_row(panel):
    assert heads(panel) == ["B", "A", "C"]
    assert column(panel, 1)["largest eigenvalue"] == "2.500 ± 0.012"
    assert column(panel, 3)["worst case in a ball"] == ""
    assert column(panel, 4)["largest eigenvalue"] == "bound"
    assert "moderate" in column(panel, 1)["worst case in a ball"]


def test_a_negative_number_has_a_minus(panel):
    panel.show_reports([made("A", -2.5)])
    assert column(panel, 1)["largest eigenvalue"] == "−2.500 ± 0.012"


def test_a_click_on_a_number_sorts_the_checkpoints_by_it(panel, qtbot):
    place = line_of(panel, "largest eigenvalue")

    def click():
        rect = panel.table.visualItemRect(panel.table.item(place, 0))
        qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())

    click()
    assert heads(panel) == ["A", "B", "C"] and panel.table.item(place, 0).text().endswith("▲")
    assert column(panel, 1)["largest eigenvalue"] == "1.250 ± 0.012"
    click()
    assert heads(panel) == ["C", "B", "A"]
    click()
    assert heads(panel) == ["B", "A", "C"]


def test_a_click_on_a_checkpoint_sorts_them_by_name(panel, qtbot):
    header = panel.table.horizontalHeader()

    def click():
        spot = QPoint(header.sectionViewportPosition(1) + 20, header.height() // 2)
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=spot)

    click()
    assert heads(panel) == ["A ▲", "B ▲", "C ▲"] and column(panel, 1)["largest eigenvalue"] == "1.250 ± 0.012"
    click()
    assert [text[0] for text in heads(panel)] == ["C", "B", "A"]
    click()
    assert heads(panel) == ["B", "A", "C"]


def test_names_take_what_the_numbers_leave_and_titles_of_sections_cannot_be_chosen(panel):
    panel.resize(1400, 500)
    widths = [panel.table.columnWidth(k) for k in range(panel.table.columnCount())]
    assert abs(sum(widths) - panel.table.viewport().width()) <= 1 and widths[0] > LABELS
    panel.resize(500, 500)
    assert panel.table.columnWidth(0) == LABELS
    place = panel.rows.index(None)
    assert not panel.table.item(place, 1).flags() & Qt.ItemFlag.ItemIsSelectable


def test_a_checkpoint_without_the_number_stands_last_either_way(panel):
    panel.sort_by("worst_case")
    assert heads(panel)[-1] == "C"
    panel.sort_by("worst_case")
    assert heads(panel)[-1] == "C"


def test_choosing_a_number_explains_it_with_the_caveat_of_its_reading_aid(panel):
    panel.table.setCurrentCell(line_of(panel, "worst case"), 1)
    assert TEXTS["worst_case"].help in panel.words.text()
    assert AIDS["worst_case"].caveat in panel.words.text() and "no verdict" in panel.words.text()
    panel.table.setCurrentCell(line_of(panel, "largest eigenvalue"), 1)
    assert TEXTS["lambda_max"].help in panel.words.text() and "no verdict" not in panel.words.text()


def test_help_is_shown_as_it_is_and_never_as_markup(panel):
    tip = panel.table.item(line_of(panel, "largest eigenvalue"), 0).toolTip()
    assert tip.startswith("<p>") and "&#x27;" not in TEXTS["lambda_max"].help
    odd = replace(made("D", 1.0).numbers["lambda_max"], help="a < b & c")
    panel.show_reports([replace(made("D", 1.0), numbers={"lambda_max": odd})])
    assert "a &lt; b &amp; c" in panel.table.item(1, 0).toolTip()


def test_copies_go_in_the_order_of_the_columns(panel, qtbot):
    panel.sort_by("lambda_max")
    qtbot.mouseClick(panel.markdown, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == as_markdown(panel.arranged(), explained=False)
    assert "|  | A | B | C |" in QGuiApplication.clipboard().text()
    qtbot.mouseClick(panel.latex, Qt.MouseButton.LeftButton)
    assert r"\toprule" in QGuiApplication.clipboard().text()


# ------------------------------------------------------------------------------------------------------------------- compare


def compare_with(window, answerer):
    """Two open problems, and a window whose reports come from `answerer`."""
    session = window.session
    session.services = replace(session.services, probes=lambda: {"report": Known}, answerer=answerer)
    for name in ("one", "two"):
        problem = make_problem(name)
        problem.title = problem.fingerprint = name
        session.documents.append(Document(path=f"/{name}", state="ready", problem=problem, asks=False))
    session.current = session.documents[0]
    session.documents_changed.emit()
    session.current_changed.emit()
    return session


def known(probe, problem, *, on_progress, cancelled):
    on_progress(Progress(done=0.5, total=1, note="half"))
    return made(problem.title, {"one": 1.0, "two": 2.0}[problem.title])


def test_compare_asks_about_everything_selected_and_shows_it_side_by_side(window, qtbot, tmp_path):
    session = compare_with(window, known)
    for place in range(2):
        window.library.tree.topLevelItem(place).setSelected(True)
    assert [d.name for d in window.library.to_compare()] == ["one", "two"]
    window.actions_by_name["compare"].trigger()
    dialog = window.findChild(Comparison)
    qtbot.waitUntil(lambda: dialog.sentence() == "2 of 2 reports.", timeout=5000)
    assert heads(dialog.panel) == ["one", "two"]
    assert session.followed is None, "the window must go on showing what it shows"
    dialog.export(str(tmp_path / "r.csv"))
    assert "lambda_max" in (tmp_path / "r.csv").read_text()
    dialog.export(str(tmp_path / "missing" / "r.csv"))
    assert window.messages.rows[-1].message.level == "error"
    dialog.close()


def test_without_a_selection_the_current_checkpoint_is_reported(window, qtbot):
    compare_with(window, known)
    window.library.tree.clearSelection()
    assert [d.name for d in window.library.to_compare()] == ["one"]


def test_a_report_that_fails_is_said(window, qtbot):
    def fails(probe, problem, *, on_progress, cancelled):
        if problem.title == "two":
            raise ZeroDivisionError("no")
        return made(problem.title, 1.0)

    session = compare_with(window, fails)
    dialog = Comparison(session, session.documents, window)
    qtbot.waitUntil(lambda: "1 of 2 reports. The others failed" in dialog.sentence(), timeout=5000)
    assert heads(dialog.panel) == ["one"]
    dialog.close()
