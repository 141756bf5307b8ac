"""Compare in the window: rows of models, order and columns, correlations from the thread, files, and surfaces in one scale."""

from dataclasses import dataclass, replace

import pytest
from bowls import Bowl, bowl, make_problem
from models_compared import FIVE, report
from PySide6.QtGui import QGuiApplication
from test_report_panel import Known

from landscape_gui.model_comparison import compared
from landscape_gui.probes.base import Progress
from landscape_gui.store import key_of
from landscape_gui.ui.comparison import Comparison
from landscape_gui.ui.documents import Document
from landscape_gui.ui.models_panel import ModelsPanel


@dataclass(frozen=True, kw_only=True)
class Sized(Known):
    limit: int = 0


def told(panel):
    return [panel.table.item(row, 0).text() for row in range(panel.table.rowCount())]


def heads(panel):
    return [panel.table.horizontalHeaderItem(k).text() for k in range(panel.table.columnCount())]


@pytest.fixture
def panel(qtbot, dressed):
    panel = ModelsPanel()
    qtbot.addWidget(panel)
    panel.show_reports([FIVE[2], report("none", None, 9.0), FIVE[0]])
    return panel


def test_rows_are_models_and_a_click_on_a_heading_sorts_and_explains(panel):
    assert told(panel) == ["C", "none", "A"]
    column = next(k for k, head in enumerate(heads(panel)) if head.startswith("loss gap"))
    panel.table.horizontalHeader().sectionClicked.emit(column)
    assert told(panel) == ["A", "C", "none"] and heads(panel)[column].endswith("▲")
    assert panel.words.text().startswith("Generalisation gap of the loss.")
    panel.table.horizontalHeader().sectionClicked.emit(column)
    assert told(panel) == ["C", "A", "none"]
    panel.table.horizontalHeader().sectionClicked.emit(column)
    assert told(panel) == ["C", "none", "A"], "as they were selected"


def test_columns_come_and_go(panel):
    action = next(a for a in panel.menu.actions() if a.text() == "parameters")
    action.trigger()
    assert not any(head.startswith("parameters") for head in heads(panel))
    action.trigger()
    assert any(head.startswith("parameters") for head in heads(panel))


def test_what_is_shown_is_copied(panel):
    panel.markdown.click()
    assert "| C | 0.0100 ± 0.0010 |" in QGuiApplication.clipboard().text()


def test_before_there_are_correlations_a_sentence_stands_in_their_place(panel):
    assert panel.unrelated.isVisibleTo(panel) and not panel.related.isVisibleTo(panel)
    assert "Click a heading" in panel.unrelated.text()
    panel.take(compared(FIVE))
    assert panel.related.isVisibleTo(panel) and panel.about.isVisibleTo(panel) and not panel.unrelated.isVisibleTo(panel)
    panel.show_reports([])
    assert panel.unrelated.isVisibleTo(panel) and not panel.related.isVisibleTo(panel)


def known(problem):
    return next(r for r in FIVE if r.title == problem.title)


@pytest.fixture
def dialog(window, qtbot):
    session, asked = window.session, []

    def answer(probe, problem, *, on_progress, cancelled):
        asked.append((problem.title, getattr(probe, "limit", None)))
        on_progress(Progress(done=1, total=1))
        return known(problem) if probe.name == "report" else None

    session.services = replace(session.services, probes=lambda: {"report": Sized, "surface": Bowl}, answerer=answer)
    for name in "ABCDE":
        problem = make_problem(name)
        problem.title = problem.fingerprint = name
        session.documents.append(Document(path=f"/{name}", state="ready", problem=problem, asks=False))
    session.documents_changed.emit()
    dialog = Comparison(session, list(session.documents), window)
    dialog.asked = asked
    dialog.show()
    qtbot.waitUntil(lambda: dialog.models.related.rowCount() > 0, timeout=10000)
    yield dialog
    dialog.close()


def test_correlations_come_from_the_thread_with_interval_and_number(dialog):
    texts = [dialog.models.related.item(0, k).text() for k in range(4)]
    assert texts[0] == "λmax" or texts[0] == "parameters"
    row = next(k for k in range(dialog.models.related.rowCount()) if dialog.models.related.item(k, 0).text() == "λmax")
    assert dialog.models.related.item(row, 1).text() == "5" and dialog.models.related.item(row, 2).text() == "1.00"
    assert dialog.models.related.item(row, 3).text().startswith("[0.")
    assert "order, not cause" in dialog.models.about.text()
    assert len(dialog.gap.charts.figure.panels) >= 2


def test_another_gap_turns_the_sign(dialog, qtbot):
    dialog.gap.gap.setCurrentIndex(1)
    dialog.gap.gap.activated.emit(1)
    qtbot.waitUntil(
        lambda: dialog.models.comparison.gap == "accuracy_gap" and bool(dialog.models.comparison.related), timeout=10000
    )
    tau = next(one.tau for one in dialog.models.comparison.related if one.name == "lambda_max")
    assert tau == -1.0


def test_another_number_of_examples_asks_again(dialog, qtbot):
    dialog.limit.setCurrentIndex(dialog.limit.findData(256))
    dialog.limit.activated.emit(dialog.limit.currentIndex())
    qtbot.waitUntil(lambda: [limit for _, limit in dialog.asked].count(256) == 5, timeout=10000)


def test_the_comparison_is_written_with_its_correlations(dialog, qtbot, tmp_path):
    dialog.export_models(str(tmp_path / "c.md"))
    qtbot.waitUntil(lambda: (tmp_path / "c.md").exists(), timeout=10000)
    assert "| λmax | 5 | 1.00 |" in (tmp_path / "c.md").read_text()


def test_surfaces_are_one_question_about_every_model(dialog, qtbot):
    with qtbot.waitSignal(dialog.surfaces_asked) as asked:
        dialog.models.surfaces.click()
    assert isinstance(asked.args[0], Bowl)


def test_a_figure_of_one_question_fills_as_answers_come(window, qtbot):
    """Each cell knows beforehand under which key its answer will be, whatever else was asked about the model."""
    session = window.session

    def answer(probe, problem, *, on_progress, cancelled):
        found = bowl(9, 9)
        return replace(found, provenance=replace(found.provenance, key=key_of(probe, problem.fingerprint)))

    session.services = replace(session.services, answerer=answer)
    for name in ("one", "two"):
        problem = make_problem(name)
        problem.fingerprint = name
        session.documents.append(Document(path=f"/{name}", state="ready", problem=problem, asks=False))
    window.figures.composing.compose_asked(Bowl(), list(session.documents))
    made = session.current.composed
    assert [made.answer(cell) for cell in made.composition.cells] == [None, None], "not lost: being computed"
    qtbot.waitUntil(lambda: all(made.answer(cell) is not None for cell in made.composition.cells), timeout=10000)
    assert [made.answer(cell).provenance.key for cell in made.composition.cells] == [c.key for c in made.composition.cells]
