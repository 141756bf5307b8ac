"""What stands left and right of the canvases: library and jobs; question, facts and cell."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from landscape_gui.ui.cell_panel import CellPanel
from landscape_gui.ui.connecting import Connecting
from landscape_gui.ui.connectivity import Connectivity
from landscape_gui.ui.documents import surface_of
from landscape_gui.ui.jobs_panel import JobsPanel
from landscape_gui.ui.library import Library
from landscape_gui.ui.numbers_panel import NumbersPanel, numbers_of
from landscape_gui.ui.panel import FactsPanel
from landscape_gui.ui.question_panel import QuestionPanel
from landscape_gui.ui.session import Session

TABS = ("Question", "What this shows", "Cell", "Numbers", "Paths")
QUESTION, FACTS, CELL, NUMBERS, PATHS = range(5)


class LeftSide(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.library, self.jobs = Library(session), JobsPanel(session)
        column = column_of(self)
        column.addWidget(self.library, 1)
        column.addWidget(self.jobs)
        self.setMinimumWidth(190)


class RightSide(QWidget):
    """Panels under tabs. The cell's comes forward when one is picked, the numbers' when an answer has some, the paths' when it is
    about connected models; where there are numbers or paths, there are no cells."""

    def __init__(self, session: Session, connecting: Connecting) -> None:
        super().__init__()
        self.session = session
        self.connectivity = Connectivity(session, connecting, self)
        paths = self.connectivity.panel
        self.question, self.facts, self.cell = QuestionPanel(session), FactsPanel(), CellPanel(session)
        self.numbers = NumbersPanel()
        self.tabs = QTabBar()
        self.tabs.setObjectName("tabs")
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setUsesScrollButtons(False)
        panels = QStackedWidget()
        for name, panel in zip(TABS, (self.question, self.facts, self.cell, self.numbers, paths), strict=True):
            self.tabs.addTab(name)
            panels.addWidget(panel)
        self.tabs.currentChanged.connect(panels.setCurrentIndex)
        column = column_of(self)
        column.addWidget(self.tabs)
        column.addWidget(panels, 1)
        self.setMinimumWidth(290)
        paths.form_asked.connect(lambda: self.tabs.setCurrentIndex(QUESTION))
        self.tabs.setTabVisible(NUMBERS, False)
        self.tabs.setTabVisible(PATHS, False)
        self._told: object = None
        session.cell_picked.connect(lambda cell: self.tabs.setCurrentIndex(CELL))
        session.shown_changed.connect(self._show_numbers)
        session.current_changed.connect(self._show_numbers)

    def _show_numbers(self) -> None:
        """The numbers of what is shown, never another model's; they come forward once for each question."""
        current = self.session.current
        shown = self.session.shown_of(current) if current is not None else self.session.shown
        paths = self.connectivity.offered
        numbers = {} if paths else numbers_of(shown.result if shown is not None else None)
        self.numbers.show_numbers(numbers)
        self.tabs.setTabVisible(NUMBERS, bool(numbers))
        self.tabs.setTabVisible(PATHS, paths)
        self.tabs.setTabVisible(CELL, not numbers and (not paths or surface_of(shown.result if shown else None) is not None))
        told = (shown.document, self.connectivity.pair if paths else shown.probe) if shown is not None else None
        if (numbers or paths) and told != self._told:
            self._told = told
            self.tabs.setCurrentIndex(PATHS if paths else NUMBERS)
        elif not numbers and not paths and shown is not None:
            self._told = None


def column_of(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    return column


def dock(window: QMainWindow, title: str, name: str, content: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
    """A side that can be hidden and not torn off."""
    made = QDockWidget(title, window)
    made.setObjectName(name)
    made.setTitleBarWidget(QWidget())
    made.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
    made.setWidget(content)
    window.addDockWidget(area, made)
    return made
