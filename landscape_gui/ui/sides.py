"""What stands left and right of the canvases: library and jobs; question, facts and cell."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from landscape_gui.ui.cell_panel import CellPanel
from landscape_gui.ui.jobs_panel import JobsPanel
from landscape_gui.ui.library import Library
from landscape_gui.ui.panel import FactsPanel
from landscape_gui.ui.question_panel import QuestionPanel
from landscape_gui.ui.session import Session

TABS = ("Question", "What this shows", "Cell")


class LeftSide(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.library, self.jobs = Library(session), JobsPanel(session)
        column = column_of(self)
        column.addWidget(self.library, 1)
        column.addWidget(self.jobs)
        self.setMinimumWidth(190)


class RightSide(QWidget):
    """Three panels under tabs; the cell's comes forward when one is picked."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.question, self.facts, self.cell = QuestionPanel(session), FactsPanel(), CellPanel(session)
        self.tabs = QTabBar()
        self.tabs.setObjectName("tabs")
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setUsesScrollButtons(False)
        panels = QStackedWidget()
        for name, panel in zip(TABS, (self.question, self.facts, self.cell), strict=True):
            self.tabs.addTab(name)
            panels.addWidget(panel)
        self.tabs.currentChanged.connect(panels.setCurrentIndex)
        column = column_of(self)
        column.addWidget(self.tabs)
        column.addWidget(panels, 1)
        self.setMinimumWidth(250)
        session.cell_changed.connect(lambda cell: self.tabs.setCurrentIndex(2) if cell is not None else None)


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
