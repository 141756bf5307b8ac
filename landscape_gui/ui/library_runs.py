"""Rows of the library that change while a run is being trained; what a person has selected, opened and scrolled to stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QTreeWidgetItem

from landscape_gui.ui import theme
from landscape_gui.ui.documents import Document
from landscape_gui.ui.following_words import words
from landscape_gui.ui.library_tree import WHAT

if TYPE_CHECKING:
    from landscape_gui.ui.library import Library
    from landscape_gui.ui.session import Session

SECOND = Qt.ItemDataRole.UserRole + 1
SIGN = Qt.ItemDataRole.UserRole + 2
LIVE = Qt.ItemDataRole.UserRole + 3
"""Whether the run of a row is being trained."""
GROUP = Qt.ItemDataRole.UserRole + 4
"""Of a row above several answers: the other model that they are about."""
RADIUS = 3.5


def row(name: str, second: str, sign: str, what: object) -> QTreeWidgetItem:
    item = QTreeWidgetItem([name])
    item.setData(0, SECOND, second)
    item.setData(0, SIGN, sign)
    item.setData(0, WHAT, what)
    return item


def draw_live(painter: QPainter, x: int, y: int) -> None:
    """The calm mark of a run that is being trained."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.current().accent))
    painter.drawEllipse(QPointF(x, y + 0.5), RADIUS, RADIUS)
    painter.restore()


def fill_run(group: QTreeWidgetItem, entries: Sequence[Any]) -> None:
    """Let the rows beneath be those of a run's checkpoints; rows that are there stay what they are."""
    group.setText(0, f"{len(entries)} checkpoints")
    wanted = {str(entry.path): entry for entry in entries}
    for child in below(group):
        if child.data(0, WHAT) not in wanted:
            group.removeChild(child)
    there = [child.data(0, WHAT) for child in below(group)]
    for place, (path, entry) in enumerate(wanted.items()):
        if place < len(there) and there[place] == path:
            continue
        if path in there:  # its place in the order is another by now
            child = below(group)[there.index(path)]
            group.removeChild(child)
            there.remove(path)
        else:
            child = row(str(entry.label or Path(path).name), "", "", path)
            child.setToolTip(0, f"{path}\nDouble click opens it.")
        group.insertChild(place, child)
        there.insert(place, path)


def below(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    return [child for place in range(item.childCount()) if (child := item.child(place)) is not None]


class GrowingRows(QObject):
    """Keeps the rows of runs that are followed up to date."""

    def __init__(self, session: Session, library: Library) -> None:
        super().__init__(library)
        self.session, self.library = session, library
        session.following.changed.connect(self.tell)

    def tell(self, document: Document) -> None:
        """What is known of a document's run by now, in its row and beneath it."""
        top = next((item for item in self.library.tops() if item.data(0, WHAT) is document), None)
        followed = self.session.following.of(document)
        if top is None or followed is None or not followed.on:
            if top is not None and top.data(0, LIVE):
                top.setData(0, LIVE, False)
                top.setData(0, SECOND, document.summary)
            return
        waiting = document.state == "waiting"
        second = words(followed) if waiting else f"{words(followed)} · {document.summary}"
        live = waiting or followed.seen.live
        for role, value in ((SECOND, second), (LIVE, live)):
            if top.data(0, role) != value:
                top.setData(0, role, value)
        entries = list(getattr(getattr(document.problem, "run", None), "checkpoints", ()))
        if len(entries) > 1:
            fill_run(self._group(top), entries)

    def _group(self, top: QTreeWidgetItem) -> QTreeWidgetItem:
        """The row above the checkpoints, made where the run had only one before."""
        first = top.child(0)
        if first is not None and first.data(0, WHAT) is None and not first.data(0, GROUP):
            return first
        group = row("", "", "folders", None)
        top.insertChild(0, group)
        return group
