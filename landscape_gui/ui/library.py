"""The library: what is open, and beneath each thing the answers that are known for it. Names are painted as plain text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QDesktopServices, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from landscape_gui.ui import theme
from landscape_gui.ui.answer_rows import answer_items, document_above, fill_answers, folded_groups
from landscape_gui.ui.connecting import Connecting, name_of
from landscape_gui.ui.documents import Answer, Document
from landscape_gui.ui.icons import icon
from landscape_gui.ui.library_runs import GROUP, LIVE, SECOND, SIGN, GrowingRows, draw_live, fill_run, row
from landscape_gui.ui.library_tree import WHAT, Index, LibraryTree, Model
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session
from landscape_gui.ui.surface_topology import WORDS as TOPOLOGY
from landscape_gui.ui.surface_topology import ask_topology, can_ask

SIGNS = {
    "surface": "waves",
    "trajectory": "path",
    "topology": "tree-structure",
    "descend": "path",
    "implicit": "waves",
    "path-plane": "waves",
    "connect": "flow-arrow",
    "barriers": "grid-four",
}
"""The icons of answers; of all others a line in a chart."""


class Rows(QStyledItemDelegate):
    """A name with a quieter line beneath it, and an icon."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        name, second, sign = option.text, index.data(SECOND) or "", index.data(SIGN) or ""
        option.text = ""
        view = option.widget
        view.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, view)
        if isinstance(view, LibraryTree) and view.is_target(index):
            view.frame(painter, option.rect)
        colours = theme.current()
        rect = option.rect.adjusted(4, 0, -8, 0)
        painter.save()
        if sign:
            box = QRect(rect.left(), rect.top() + (7 if second else (rect.height() - 15) // 2), 15, 15)
            icon(sign, colours.muted).paint(painter, box)
            rect.setLeft(rect.left() + 22)
        font = QFont(option.font)
        font.setBold(bool(index.data(WHAT) is not None and isinstance(index.data(WHAT), Document) and self._current(index)))
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(QColor(colours.ink))
        line = QRect(
            rect.left(), rect.top() + (5 if second else (rect.height() - metrics.height()) // 2), rect.width(), metrics.height()
        )
        told = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, rect.width() - (14 if index.data(LIVE) else 0))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, told)
        if index.data(LIVE):
            draw_live(painter, line.left() + metrics.horizontalAdvance(told) + 10, line.center().y())
        if second:
            small = smaller(option.font)
            painter.setFont(small)
            painter.setPen(QColor(colours.muted))
            room = QFontMetrics(small)
            below = QRect(rect.left(), line.bottom() + 2, rect.width(), room.height())
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, room.elidedText(second, Qt.TextElideMode.ElideRight, rect.width()))
        painter.restore()

    def _current(self, index: Index) -> bool:
        library = self.parent()
        return isinstance(library, Library) and index.data(WHAT) is library.session.current

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        metrics = QFontMetrics(option.font)
        if index.data(SECOND):
            return QSize(120, metrics.height() + QFontMetrics(smaller(option.font)).height() + 13)
        return QSize(120, metrics.height() + 9)


def smaller(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(max(7.0, font.pointSizeF() * 0.88))
    return small


class Library(QWidget):
    """Selecting a row shows it. `compute_asked`: the person wants the form."""

    compute_asked = Signal()
    compare_asked = Signal(list)
    """Documents to be put side by side."""
    compose_asked = Signal()
    add_asked = Signal(object)
    """What is selected is to be added to the figure of this Document."""
    save_asked = Signal()
    """The current figure is to be written to its file."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("library")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.connecting = Connecting(session, self)
        self.tree = LibraryTree()
        self.tree.words, self.tree.name = self.connecting.words, name_of
        self.tree.setObjectName("library_tree")
        self.tree.setAccessibleName("Library")
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(14)
        self.tree.setItemDelegate(Rows(self))
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.setUniformRowHeights(False)
        self.tree.setExpandsOnDoubleClick(False)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.empty = plain("Opened checkpoints, runs and their answers are listed here.", "muted")
        self.empty.setContentsMargins(12, 12, 12, 12)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.empty)
        column.addWidget(self.tree, 1)
        self.how = plain("Drag one model onto another to see what lies between them.", "caption")
        self.how.setContentsMargins(12, 6, 12, 8)
        column.addWidget(self.how)
        self.tree.itemClicked.connect(self._chosen)
        self.tree.itemActivated.connect(self._activated)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.tree.models_dropped.connect(self.connecting.drop)
        self.tree.said.connect(session.reading_changed)
        session.documents_changed.connect(self.refresh)
        session.current_changed.connect(self.refresh)
        session.shown_changed.connect(self._mark)
        self.growing = GrowingRows(session, self)
        self._signature: object = None
        self._marked: object = None
        self.refresh()

    def refresh(self) -> None:
        """Rebuild the rows where they changed."""
        documents = self.session.documents
        signature = [(d.number, d.name, d.summary, d.state, [(a.key, a.title) for a in d.answers]) for d in documents]
        self.empty.setVisible(not documents)
        self.tree.setVisible(bool(documents))
        self.how.setVisible(self._several())
        if signature != self._signature:
            self._signature = signature
            folded = {item.data(0, WHAT).number for item in self.tops() if not item.isExpanded()}
            opened = {item.data(0, WHAT).number for item in self.tops() if any(child.isExpanded() for child in runs_of(item))}
            closed = {item.data(0, WHAT).number: folded_groups(item) for item in self.tops()}
            self.tree.clear()
            for document in documents:
                number = document.number
                self._add(document, folded=number in folded, opened=number in opened, closed=closed.get(number, ()))
        self._mark()

    def _several(self) -> bool:
        """Whether there are two models that could be connected."""
        models = [d for d in self.session.documents if d.is_model]
        runs = (getattr(getattr(d.problem, "run", None), "checkpoints", ()) for d in models)
        return len(models) > 1 or any(len(run) > 1 for run in runs)

    def tops(self) -> list[QTreeWidgetItem]:
        return [item for k in range(self.tree.topLevelItemCount()) if (item := self.tree.topLevelItem(k)) is not None]

    def _add(self, document: Document, *, folded: bool, opened: bool, closed: Collection[str]) -> None:
        run = getattr(document.problem, "run", None) if not document.alone else None
        alone = run is None and document.state != "waiting"
        sign = kind_sign(document.answers[0].probe) if document.is_answer else "cube" if alone else "folder"
        sign = "columns" if document.composed is not None else sign
        top = row(document.name, document.summary, sign, document)
        top.setToolTip(0, document.path)
        self.tree.addTopLevelItem(top)
        entries = list(getattr(run, "checkpoints", ())) if run is not None else []
        if len(entries) > 1:
            group = row("", "", "folders", None)
            top.addChild(group)
            fill_run(group, entries)
            group.setExpanded(opened)
        if not document.is_answer or len(document.answers) > 1:
            fill_answers(top, document, SIGNS, closed)
        top.setExpanded(not folded)
        self.growing.tell(document)

    def _mark(self) -> None:
        """Select the row of what is shown, where that is another than before: what a person selects meanwhile stays."""
        shown, current = self.session.shown, self.session.current
        marked = self._signature, current, shown.result.provenance.key if shown is not None and not shown.partial else ""
        if marked == self._marked:
            return
        self._marked = marked
        self.tree.viewport().update()  # the current one's name is bold
        for top in self.tops():
            if top.data(0, WHAT) is not current:
                continue
            target = top
            for child in answer_items(top):
                what = child.data(0, WHAT)
                if isinstance(what, Answer) and shown is not None and what.key == shown.result.provenance.key and what.key:
                    target = child
            if self.tree.currentItem() is not target and len(self.tree.selectedItems()) < 2:
                self.tree.setCurrentItem(target)

    def _chosen(self, item: QTreeWidgetItem) -> None:
        if len(self.tree.selectedItems()) > 1:  # several are being selected, to be compared
            return
        what = item.data(0, WHAT)
        if isinstance(what, Document):
            self.session.select(what)
        elif isinstance(what, Answer):
            of = document_above(item)
            if of is not None:
                self.session.show_answer(of, what)
        elif what is None:
            item.setExpanded(not item.isExpanded())

    def _activated(self, item: QTreeWidgetItem) -> None:
        what = item.data(0, WHAT)
        if isinstance(what, str):
            self.session.open([what])

    def _menu(self, position: QPoint) -> None:
        item = self.tree.itemAt(position)
        if item is not None:
            self.menu_of(item).popup(self.tree.viewport().mapToGlobal(position))

    def menu_of(self, item: QTreeWidgetItem) -> QMenu:
        """What can be done with a row."""
        what, menu = item.data(0, WHAT), QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if isinstance(what, Document) and what.composed is not None:
            self._entry(menu, "Save …", self.save_asked.emit, what is self.session.current)
            self._entry(menu, "Show in folder", lambda: reveal(what.path), Path(what.path).exists())
            self._entry(menu, "Close", lambda: self.session.close(what))
            return menu
        self._entry(menu, self._compose_words(), self.compose_asked.emit)
        for figure in [d for d in self.session.documents if d.composed is not None]:
            self._entry(menu, f"Add to {figure.name}", functools.partial(self.add_asked.emit, figure))
        menu.addSeparator()
        if isinstance(what, Document):
            self._entry(menu, "Compute …", lambda: self._compute(what), what.problem is not None)
            self._entry(menu, self._connect_words(), self.connect_selected, len(self.selected()) > 1)
            self._entry(menu, self._compare_words(), self.compare, bool(self.to_compare()))
            self._entry(menu, TOPOLOGY, lambda: ask_topology(self.session), can_ask(self.session, what))
            self._entry(menu, "Show in folder", lambda: reveal(what.path), Path(what.path).exists())
            menu.addSeparator()
            self._entry(menu, "Close", lambda: self.session.close(what))
        elif isinstance(what, Answer):
            self._entry(menu, "Show", lambda: self._chosen(item))
            of = document_above(item)
            self._entry(menu, TOPOLOGY, lambda: ask_topology(self.session), can_ask(self.session, of, what))
        elif isinstance(what, str):
            self._entry(menu, "Open this checkpoint", lambda: self.session.open([what]))
            self._entry(menu, self._connect_words(), self.connect_selected, len(self.selected()) > 1)
            self._entry(menu, self._compare_words(), self.compare, bool(self.to_compare()))
            self._entry(menu, "Show in folder", lambda: reveal(what), Path(what).exists())
        return menu

    def _compute(self, document: Document) -> None:
        self.session.select(document)
        self.compute_asked.emit()

    def selected(self) -> list[Model]:
        """The models whose rows are selected, those of answers without a model left out."""
        return [m for m in self.tree.selected_models() if isinstance(m, str) or m.is_model]

    def connect_selected(self) -> None:
        """Ask about the path between the two models that are selected, or the barriers between more."""
        self.connecting.connect_selected(self.selected())

    def table_of_selected(self) -> None:
        """Ask about the barriers between every two of the models that are selected, or of all that are open."""
        self.connecting.table_of(self.selected())

    def runs_of_selected(self) -> None:
        """Ask how the barrier between the runs of the two models that are selected grows with the epochs."""
        self.connecting.runs_of(self.selected())

    def dynamics_of_selected(self) -> None:
        """Ask how the runs of the models that are selected were trained."""
        self.connecting.dynamics_of(self.selected())

    def to_compose(self) -> list[tuple[Document | str, Answer | None]]:
        """What is selected and can stand in a figure: models and answers' files, answers with their models, and the paths of a
        run's checkpoints; where nothing is, all models that are open."""
        found: list[tuple[Document | str, Answer | None]] = []
        for item in self._in_order():
            what, above = item.data(0, WHAT), document_above(item)
            if isinstance(what, Answer) and above is not None:
                found.append((above, what))
            elif isinstance(what, str) or (isinstance(what, Document) and what.composed is None and what.state != "failed"):
                found.append((what, None))
        chosen = {document for document, answer in found if answer is not None}
        found = [(what, answer) for what, answer in found if answer is not None or what not in chosen]
        return found or [(d, None) for d in self.session.documents if d.composed is None]

    def _in_order(self) -> list[QTreeWidgetItem]:
        """The selected rows, from above."""
        return sorted(self.tree.selectedItems(), key=lambda item: self.tree.visualItemRect(item).top())

    def _compose_words(self) -> str:
        count = len(self.to_compose())
        return f"Compose a figure of {count}" if count > 1 else "Compose a figure"

    def _connect_words(self) -> str:
        chosen = self.selected()
        if len(chosen) == 2:
            return f"Connect {name_of(chosen[0])} with {name_of(chosen[1])}"
        return f"Barriers between {len(chosen)} models" if len(chosen) > 2 else "Connect (select two)"

    def to_compare(self) -> list[Document | str]:
        """What is selected and can be compared: what is open, and paths of a run's checkpoints; else what is current."""
        found = [item.data(0, WHAT) for item in self.tree.selectedItems()]
        chosen = [w for w in found if isinstance(w, str) or (isinstance(w, Document) and w.is_model)]
        current = self.session.current
        return chosen or ([current] if current is not None and current.problem is not None else [])

    def _compare_words(self) -> str:
        count = len(self.to_compare())
        return f"Compare {count} checkpoints" if count > 1 else "Report"

    def compare(self) -> None:
        """Open what is not open yet, and ask to put everything that is selected side by side."""
        documents: list[Document] = []
        for what in self.to_compare():
            documents += [what] if isinstance(what, Document) else self.session.open([what], asks=False)
        if documents:
            self.compare_asked.emit(documents)

    @staticmethod
    def _entry(menu: QMenu, text: str, slot: Callable[[], object], enabled: bool = True) -> None:
        action = menu.addAction(text)
        action.setEnabled(enabled)
        action.triggered.connect(lambda: slot())


def children(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    return [child for k in range(item.childCount()) if (child := item.child(k)) is not None]


def runs_of(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    """The row above a run's checkpoints, where there is one."""
    return [child for child in children(item) if child.data(0, WHAT) is None and not child.data(0, GROUP)]


def kind_sign(probe: str) -> str:
    return SIGNS.get(probe, "chart-line")


def reveal(path: str) -> None:
    """Open the folder that holds a file."""
    place = Path(path)
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(place if place.is_dir() else place.parent)))
