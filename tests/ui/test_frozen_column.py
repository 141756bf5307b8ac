"""The names of rows stay in sight while a wide table is scrolled, and are clicked as the table itself is."""

import pytest
from models_compared import FIVE
from PySide6.QtCore import Qt

from landscape_gui.ui.frozen_column import FrozenColumn
from landscape_gui.ui.models_panel import ModelsPanel


@pytest.fixture
def panel(qtbot, dressed):
    panel = ModelsPanel()
    qtbot.addWidget(panel)
    panel.resize(420, 500)
    panel.show()
    panel.show_reports(FIVE)
    return panel


def frozen(panel):
    return panel.table.findChild(FrozenColumn)


def scroll(panel, to):
    bar = panel.table.horizontalScrollBar()
    bar.setValue(to if to >= 0 else bar.maximum())


def test_names_stand_where_they_stood_once_they_would_be_out_of_sight(panel):
    names, table = frozen(panel), panel.table
    assert table.horizontalScrollBar().maximum() > 0 and not names.isVisible()
    scroll(panel, -1)
    assert names.isVisible() and names.columnWidth(0) == table.columnWidth(0)
    for row in range(5):
        index = names.model().index(row, 0)
        assert index.data() == "ABCDE"[row]
        at = names.viewport().mapTo(table, names.visualRect(index).center())
        assert at.x() < table.columnWidth(0) + 4
        here = table.viewport().mapTo(table, table.visualItemRect(table.item(row, 1)).center())
        assert at.y() == here.y(), "level with its numbers"
    assert all(names.isColumnHidden(k) for k in range(1, table.columnCount()))
    scroll(panel, 0)
    assert not names.isVisible()


def test_its_heading_sorts_and_its_rows_are_the_tables(panel, qtbot):
    scroll(panel, -1)
    names = frozen(panel)
    for _ in range(2):
        names.horizontalHeader().sectionClicked.emit(0)
    assert panel.table.item(0, 0).text() == "E" and names.model().index(0, 0).data() == "E"
    with qtbot.waitSignal(panel.table.cellClicked) as clicked:
        qtbot.mouseClick(names.viewport(), Qt.MouseButton.LeftButton, pos=names.visualRect(names.model().index(2, 0)).center())
    assert clicked.args == [2, 0]
    assert {index.row() for index in panel.table.selectionModel().selectedIndexes()} == {2}


def test_it_scrolls_with_the_rows_and_they_with_it(panel):
    panel.table.setFixedHeight(110)
    scroll(panel, -1)
    panel.table.verticalScrollBar().setValue(2)
    assert frozen(panel).verticalScrollBar().value() == 2
    frozen(panel).verticalScrollBar().setValue(1)
    assert panel.table.verticalScrollBar().value() == 1


def test_other_columns_than_before_are_hidden_in_it(panel):
    panel.show_column("parameters", False)
    panel.show_column("parameters", True)
    scroll(panel, -1)
    names = frozen(panel)
    assert not names.isColumnHidden(0) and all(names.isColumnHidden(k) for k in range(1, panel.table.columnCount()))
