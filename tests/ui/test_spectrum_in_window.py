"""A spectrum in the window: its views, numbers, kernel width, and what a click on a needle asks."""

from dataclasses import dataclass, replace

import pytest
from bowls import Bowl
from combs import Comb, answer, comb
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from landscape_gui.probes.base import field
from landscape_gui.ui.eigenvector_menu import EigenvectorMenu, partner
from landscape_gui.ui.numbers_panel import NumbersPanel
from landscape_gui.ui.services import Services
from landscape_gui.ui.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Plane(Bowl):
    """A surface that knows of eigenvectors."""

    directions: str = field("filter", label="Directions", help="Which", choices={"filter": "random", "eigenvectors": "of H"})
    which: tuple[int, int] = field((1, 2), label="Eigenvectors", help="Which two")
    split: str = field("all", label="Data", help="Which split")
    limit: int = field(0, label="Examples", help="How many", minimum=0, maximum=1000)


@pytest.fixture
def asked(qtbot, window, services):
    """The window on a spectrum that is whole."""
    probes = {"surface": Plane, "spectrum": Comb}
    known = services.answerer

    def answerer(probe, problem, **more):
        return answer(probe, problem, **more) if isinstance(probe, Comb) else known(probe, problem, **more)

    window.session.services = Services(opener=services.opener, answerer=answerer, probes=lambda: probes)
    window.open_paths(["bowl.pt"])
    qtbot.waitUntil(lambda: window.session.shown is not None and not window.session.shown.partial, timeout=10000)
    window.session.ask(Comb())
    qtbot.waitUntil(lambda: window.session.shown.probe == Comb() and not window.session.shown.partial, timeout=10000)
    qtbot.waitUntil(lambda: all(c.panel is not None for c in window.stage.grid.charts), timeout=5000)
    return window


def test_a_spectrum_is_seen_as_charts_alone_and_a_surface_after_it_as_before(qtbot, asked):
    assert asked.stage.view == "chart"
    assert [len(c.needles) for c in asked.stage.grid.charts] == [1, 1, 0]
    assert not asked.actions_by_name["view_3d"].isEnabled()
    bar = asked.stage.view_bar
    assert bar.kernel.isVisible() and not bar.quantity.isVisible() and not bar.log.isVisible() and not bar.contours.isVisible()
    asked.session.ask(Plane(seed=3))
    qtbot.waitUntil(lambda: asked.session.shown.probe == Plane(seed=3), timeout=10000)
    assert asked.stage.view == "both"
    assert not bar.kernel.isVisible() and bar.quantity.isVisible() and bar.contours.isVisible()


def test_charts_of_a_running_question_wait_for_what_draws_them(qtbot, asked):
    window = asked
    stage = Stage(window.session, window.actions_by_name["log"], window.actions_by_name["contours"])
    qtbot.addWidget(stage)
    stage.show()
    window.session.shown = replace(window.session.shown, partial=True)
    window.session.shown_changed.emit()
    assert stage.grid is None and stage.view == "both", "nothing is imported in the window's thread"
    stage.complete()
    qtbot.waitUntil(lambda: stage.view == "chart" and all(c.panel is not None for c in stage.grid.charts), timeout=5000)
    assert len(stage.grid.charts) == 3


def test_the_kernel_width_redraws_without_asking(qtbot, asked):
    kernel = asked.stage.view_bar.kernel
    inquiries = len(asked.session.inquiries)
    assert float(kernel.field.text()) == 0.2 and not kernel.usual.isEnabled()
    _, before = asked.stage.grid.charts[0].curves[0][0].getData()
    kernel.slider.setValue(kernel.step_of(1.0))
    assert asked.session.look.width == pytest.approx(1.0, rel=0.03)  # a step of the slider is 2.3 %
    _, after = asked.stage.grid.charts[0].curves[0][0].getData()
    assert after[140] > before[140] + 1  # far from zero the wider kernel is higher
    kernel.field.setText("0.5")
    kernel.field.editingFinished.emit()
    assert asked.session.look.width == 0.5
    kernel.usual.click()
    assert asked.session.look.width == 0.0 and float(kernel.field.text()) == 0.2
    assert len(asked.session.inquiries) == inquiries


def test_a_width_belongs_to_its_answer(qtbot, asked):
    asked.session.set_look(width=0.7)
    asked.session.ask(replace(Comb(), limit=7))
    qtbot.waitUntil(lambda: asked.session.shown.probe.limit == 7, timeout=10000)
    assert asked.session.look.width == 0.0


@pytest.mark.parametrize(("number", "pair"), [(0, (1, 2)), (2, (3, -1)), (3, (-1, 3))])
def test_a_needle_asks_for_the_surface_along_its_eigenvector_on_the_same_data(qtbot, asked, number, pair):
    menu = EigenvectorMenu(asked.session, asked)
    mark = asked.stage.figure.panels[0].marks[2]
    menu.fill(asked.session.shown.probe, mark, number)
    texts = [a.text() for a in menu.actions()]
    assert "± 2.0e-04" in texts[0] and texts[1].startswith("Surface along")
    menu.actions()[1].trigger()
    probe = asked.session.inquiries[-1].probe
    assert (probe.name, probe.directions, probe.which) == ("surface", "eigenvectors", pair)
    assert (probe.split, probe.limit) == ("train", 50)
    assert len(menu.actions()) == 2, "no line where there is no such question"


def test_a_click_on_the_first_needle_opens_the_menu(qtbot, asked, monkeypatch):
    chart = asked.stage.grid.charts[0]
    scene = chart.plot.vb.mapViewToScene(chart.plot.vb.viewRect().center())
    items = chart.needles[0][0]
    place = chart.mapFromScene(chart.plot.vb.mapViewToScene(type(scene)(float(items.x[0]), float(items.top[0]))))
    QTest.mouseClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: asked.findChild(EigenvectorMenu).isVisible(), timeout=3000)
    asked.findChild(EigenvectorMenu).close()


def test_the_partner_of_an_eigenvector():
    assert partner((1,), 0) == 2 and partner((-1,), 0) == -2


def test_what_stands_under_the_cursor_is_at_the_foot_of_the_window(qtbot, asked):
    chart = asked.stage.grid.charts[0]
    QTest.mouseMove(chart.viewport(), QPoint(chart.width() // 2, chart.height() // 2))
    qtbot.waitUntil(lambda: asked.status.reading.text().startswith("eigenvalue"), timeout=3000)


def test_numbers_come_forward_once_and_stay_away_where_there_are_none(qtbot, asked):
    tabs = asked.tabs
    assert [tabs.tabText(k) for k in range(tabs.count()) if tabs.isTabVisible(k)] == ["Question", "What this shows", "Numbers"]
    assert tabs.tabText(tabs.currentIndex()) == "Numbers"
    tabs.setCurrentIndex(0)
    asked.session.shown_changed.emit()
    assert tabs.currentIndex() == 0
    asked.session.ask(Plane(seed=4))
    qtbot.waitUntil(lambda: asked.session.shown.probe == Plane(seed=4), timeout=10000)
    assert [tabs.tabText(k) for k in range(tabs.count()) if tabs.isTabVisible(k)] == ["Question", "What this shows", "Cell"]


@pytest.fixture
def panel(qtbot, dressed):
    panel = NumbersPanel()
    qtbot.addWidget(panel)
    panel.resize(320, 500)
    panel.show_numbers(comb().numbers)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def test_a_number_stands_with_its_error_unit_and_help(panel):
    rows = panel.table.rows
    assert [row.value.text() for row in rows.values()] == ["12.0000 ± 2.0 × 10⁻⁴", "250", "21.35 ± 0.40 nat"]
    assert [row.kind.text() for row in rows.values()] == ["bound", "", "s.e."]
    assert "The &lt;largest&gt; one." in rows["lambda_max"].toolTip()
    assert "one standard error" in panel.table.words.text()


def test_a_reading_aid_is_quiet_and_its_caveat_one_click_away(panel):
    row = panel.table.rows["condition_number"]
    aid = row.aid
    assert aid.words.text() == "good" and aid.words.isVisible() and not aid.caveat.isVisible()
    aid.why.click()
    assert aid.caveat.isVisible() and "resolved" in aid.caveat.text()
    assert panel.table.rows["trace"].aid is None
    panel.show_numbers(comb(0.5).numbers)
    assert panel.table.rows["condition_number"] is row and aid.caveat.isVisible()
    assert panel.table.rows["lambda_max"].value.text().startswith("6.0000")


def test_a_reading_aid_goes_where_the_number_is_not_known_yet(panel):
    unknown = replace(comb().numbers["condition_number"], value=float("nan"))
    panel.show_numbers({**comb().numbers, "condition_number": unknown})
    assert not panel.table.rows["condition_number"].aid.isVisible()
    panel.show_numbers(comb().numbers)
    assert panel.table.rows["condition_number"].aid.isVisible()


def test_rows_stay_and_stand_in_order_as_numbers_come_and_go(qtbot, panel):
    numbers = comb().numbers
    row = panel.table.rows["trace"]
    more = {f"more {k}": replace(numbers["trace"], name=f"more {k}", label=f"more {k}") for k in range(12)}
    panel.show_numbers({"lambda_max": numbers["lambda_max"], **more, "trace": numbers["trace"]})
    qtbot.waitUntil(lambda: len(panel.table.rows) == 14, timeout=3000)
    assert panel.table.rows["trace"] is row
    qtbot.waitUntil(lambda: row.y() > panel.table.rows["more 11"].y() > panel.table.rows["lambda_max"].y(), timeout=3000)
    panel.show_numbers(dict(reversed(numbers.items())))
    assert set(panel.table.rows) == set(numbers)
    qtbot.waitUntil(lambda: row.y() < panel.table.rows["condition_number"].y() < panel.table.rows["lambda_max"].y(), timeout=3000)
    assert row.y() < panel.table.words.y()


def test_no_number_is_cut_off_in_a_narrow_panel(qtbot, panel):
    panel.resize(250, 500)
    qtbot.wait(30)
    for row in panel.table.rows.values():
        assert row.value.width() >= row.value.sizeHint().width()
        assert row.value.mapTo(panel, QPoint(row.value.width(), 0)).x() <= panel.width()


def test_numbers_are_copied_as_markdown_and_with_every_digit_as_tsv(panel):
    panel.tsv.click()
    assert "trace\ttrace\t21.3456\t0.4\tstandard error\tnat\n" in QGuiApplication.clipboard().text()
    panel.markdown.click()
    assert "| trace | 21.35 ± 0.40 nat | s.e. |" in QGuiApplication.clipboard().text()
    assert panel.markdown.text() == " Copied"
