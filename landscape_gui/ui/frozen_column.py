"""The first column of a table stays in sight while the others are scrolled: which row a number is of can always be read."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QTableWidget


class FrozenColumn(QTableView):
    """Lies over a table's first column, once that is scrolled away: the same rows, selection, heading and clicks."""

    def __init__(self, table: QTableWidget) -> None:
        super().__init__(table)
        self.table = table
        self.setObjectName("frozen_column")
        self.setAccessibleName("Names of the rows")
        self.setModel(table.model())
        self.setSelectionModel(table.selectionModel())
        self._look_like(table)
        head, other = table.horizontalHeader(), self.horizontalHeader()
        other.sectionClicked.connect(head.sectionClicked)
        self.clicked.connect(lambda index: table.cellClicked.emit(index.row(), index.column()))
        table.verticalScrollBar().valueChanged.connect(self.verticalScrollBar().setValue)
        self.verticalScrollBar().valueChanged.connect(table.verticalScrollBar().setValue)
        table.horizontalScrollBar().valueChanged.connect(lambda _: self.place())
        table.horizontalScrollBar().rangeChanged.connect(lambda *_: self.place())
        head.sectionResized.connect(lambda *_: self.place())
        head.geometriesChanged.connect(self.place)
        table.viewport().installEventFilter(self)
        self.place()

    def _look_like(self, table: QTableWidget) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("#frozen_column { border: none; border-right: 1px solid palette(mid); }")
        self.setVerticalScrollMode(table.verticalScrollMode())
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(table.selectionBehavior())
        self.setSelectionMode(table.selectionMode())
        self.setShowGrid(table.showGrid())
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(table.verticalHeader().defaultSectionSize())
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionsClickable(True)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self.place()
        return super().eventFilter(watched, event)

    def place(self) -> None:
        """Over the first column, as far as that is out of sight."""
        scrolled = self.table.horizontalScrollBar().value() > 0 and self.table.columnCount() > 1
        self.setVisible(scrolled)
        if not scrolled:
            return
        for column in range(1, self.table.columnCount()):
            self.setColumnHidden(column, True)
        width, head = self.table.columnWidth(0), self.table.horizontalHeader().height()
        self.setColumnWidth(0, width)
        self.horizontalHeader().setFixedHeight(head)
        edge = self.table.frameWidth()
        self.setGeometry(edge, edge, width + 1, head + self.table.viewport().height())
        self.verticalScrollBar().setValue(self.table.verticalScrollBar().value())
        self.raise_()
