"""The library's tree: rows of models are dragged onto one another; what that will do is said before they are let go."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QMimeData, QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetrics,
    QPainter,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QTreeWidget, QTreeWidgetItem, QWidget

from landscape_gui.ui import theme
from landscape_gui.ui.documents import Document

WHAT = Qt.ItemDataRole.UserRole
ROWS = "application/x-landscape-gui-rows"
"""The kind of what is dragged; it never leaves the program."""
Model = Document | str
"""Something that can be connected: what is open, or the path of a run's checkpoint."""
Index = QModelIndex | QPersistentModelIndex


class LibraryTree(QTreeWidget):
    """`models_dropped`: the models that were dragged, and the one that they were let go on (None: on none). `said`: what letting go
    would do, "" once nothing is dragged here any more. Files from elsewhere are left to the window."""

    models_dropped = Signal(list, object)
    said = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.LinkAction)
        self.setDropIndicatorShown(False)
        self.words: Callable[[list[Model], Model | None], tuple[str, bool]] = lambda models, target: ("", True)
        """What letting models go on a target would do, and whether it can be done."""
        self.name: Callable[[Model], str] = str
        self.dragged: list[Model] = []
        self.target: Model | None = None
        self.fits = True
        self.hint = QLabel(self)
        self.hint.setObjectName("hint")
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.hint.setWordWrap(True)
        self.hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hint.hide()
        self.said.connect(self._show_hint)

    def _show_hint(self, words: str) -> None:
        """What letting go would do, over the foot of the rows, where the eyes are while something is dragged."""
        self.hint.setVisible(bool(words))
        if not words:
            return
        self.hint.setText(words)
        self.hint.setProperty("fits", self.fits)
        self.hint.style().polish(self.hint)
        frame = self.viewport().geometry().adjusted(8, 8, -8, -8)
        high = self.hint.heightForWidth(frame.width())
        self.hint.setGeometry(frame.left(), frame.bottom() - high, frame.width(), high)
        self.hint.raise_()

    # what is dragged

    def startDrag(self, actions: Qt.DropAction) -> None:
        models = self.selected_models()
        if not models:
            return
        drag = QDrag(self)
        drag.setMimeData(self.carry(models))
        drag.setPixmap(label_of(models, self.name, self))
        drag.setHotSpot(QPoint(-12, -6))
        drag.exec(Qt.DropAction.LinkAction)
        self._over(None)
        self.dragged = []
        self.said.emit("")

    def selected_models(self) -> list[Model]:
        """The models whose rows, or whose answers' rows, are selected, in their order, each once."""
        found: list[Model] = []
        for item in self.selectedItems():
            model = model_of(item) if item.data(0, WHAT) is not None else None
            if model is not None and model not in found:
                found.append(model)
        return found

    def carry(self, models: list[Model]) -> QMimeData:
        """What a drag of these models carries."""
        self.dragged = list(models)
        data = QMimeData()
        data.setData(ROWS, QByteArray(str(len(models)).encode()))
        return data

    # what it is dragged over

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._is_ours(event):
            event.setDropAction(Qt.DropAction.LinkAction)
            event.accept()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if not self._is_ours(event):
            event.ignore()
            return
        super().dragMoveEvent(event)  # scrolls at the edges
        self._over(self.model_at(event.position().toPoint()))
        event.setDropAction(Qt.DropAction.LinkAction)
        event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self._over(None)
        self.said.emit("")

    def dropEvent(self, event: QDropEvent) -> None:
        if not self._is_ours(event):
            event.ignore()
            return
        models, target = self.dragged, self.model_at(event.position().toPoint())
        event.setDropAction(Qt.DropAction.LinkAction)
        event.accept()
        self.stopAutoScroll()
        self.setState(QAbstractItemView.State.NoState)
        self._over(None)
        self.dragged = []
        self.said.emit("")
        self.models_dropped.emit(models, target)

    def _is_ours(self, event: QDropEvent) -> bool:
        return event.mimeData().hasFormat(ROWS) and bool(self.dragged)

    def model_at(self, place: QPoint) -> Model | None:
        """The model whose row, or whose answer's row, is at a place of the viewport."""
        item = self.itemAt(place)
        return model_of(item) if item is not None else None

    def _over(self, target: Model | None) -> None:
        self.target = target
        if self.dragged:
            words, self.fits = self.words(self.dragged, target)
            self.said.emit(words)
        self.viewport().update()

    def is_target(self, index: Index) -> bool:
        """Whether what is dragged would be let go on this row."""
        what = index.data(WHAT)
        return self.target is not None and (what is self.target or (isinstance(what, str) and what == self.target))

    def frame(self, painter: QPainter, rect: QRect) -> None:
        """The frame around the row that something would be let go on; dashed where that cannot be done."""
        colours = theme.current()
        colour = QColor(colours.accent if self.fits else colours.error)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(colour, 2)
        if not self.fits:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        colour.setAlpha(36)
        painter.setBrush(colour)
        painter.drawRoundedRect(rect.adjusted(1, 1, -2, -2), 4, 4)
        painter.restore()


def model_of(item: QTreeWidgetItem) -> Model | None:
    """The model that a row stands for or belongs to: its own, else that of the row above it in the tree."""
    above: QTreeWidgetItem | None = item
    while above is not None:
        what = above.data(0, WHAT)
        if isinstance(what, Document | str):
            return what
        above = above.parent()
    return None


def label_of(models: list[Model], name: Callable[[Model], str], widget: QWidget) -> QPixmap:
    """What is seen beside the cursor while models are dragged."""
    colours, font = theme.current(), QApplication.font()
    room = QFontMetrics(font)
    text = name(models[0]) if len(models) == 1 else f"{len(models)} models"
    text = room.elidedText(text, Qt.TextElideMode.ElideMiddle, 260)
    ratio = widget.devicePixelRatioF()
    width, height = room.horizontalAdvance(text) + 20, room.height() + 10
    picture = QPixmap(round(width * ratio), round(height * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    painter.setPen(QColor(colours.accent))
    painter.setBrush(QColor(colours.raised))
    painter.drawRoundedRect(QRect(0, 0, width - 1, height - 1), 5, 5)
    painter.setPen(QColor(colours.ink))
    painter.drawText(QRect(0, 0, width, height), Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return picture
