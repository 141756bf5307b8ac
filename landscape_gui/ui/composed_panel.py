"""One panel of a figure on the screen: its head, by which it is dragged, and the canvas that its kind needs."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QMimeData, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QDrag, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLineEdit, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.figure import Note, Panel
from landscape_gui.ui.canvas2d import Canvas2D
from landscape_gui.ui.canvas3d import Canvas3D
from landscape_gui.ui.canvas_chart import CanvasChart
from landscape_gui.ui.colour_bar import ColourBar
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain

PANEL = "application/x-landscape-gui-panel"
"""The kind of what is dragged; it never leaves the program."""


class ComposedPanel(QFrame):
    """`dropped`: another panel, by its number, was let go on this one. Canvases are made when they are needed and kept."""

    dropped = Signal(int)
    removed = Signal()
    renamed = Signal(str)
    flipped = Signal()
    """The other view is wanted: contours instead of the surface, or back."""
    turned = Signal(object)

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = number
        self.setObjectName("composed_panel")
        self.setAcceptDrops(True)
        self.setMinimumSize(200, 210)
        self.theme = style.LIGHT
        self.panel: Panel | None = None
        self._canvas3d: Canvas3D | None = None
        self._canvas2d: Canvas2D | None = None
        self._chart: CanvasChart | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(self._head())
        line = QHBoxLayout()
        line.setSpacing(0)
        self.stack = QStackedWidget()
        self.note = plain("", "muted")
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.note.setContentsMargins(18, 10, 18, 10)
        self.stack.addWidget(self.note)
        self.bar = ColourBar()
        line.addWidget(self.stack, 1)
        line.addWidget(self.bar)
        column.addLayout(line, 1)

    def _head(self) -> QWidget:
        self.head = Head(self)
        line = QHBoxLayout(self.head)
        line.setContentsMargins(8, 3, 4, 3)
        line.setSpacing(4)
        self.letter = plain("", "heading", wrap=False)
        self.letter.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = QLineEdit()
        self.title.setObjectName("panel_title")
        self.title.setAccessibleName("Title of the panel")
        self.title.setFrame(False)
        self.title.editingFinished.connect(self._renamed)
        self.view = quiet("waves", "Contours instead of the surface, or back")
        self.view.clicked.connect(self.flipped)
        self.close_button = quiet("x", "Take this panel out of the figure")
        self.close_button.clicked.connect(self.removed)
        for widget in (self.letter, self.title, self.view, self.close_button):
            line.addWidget(widget, 1 if widget is self.title else 0)
        return self.head

    def _renamed(self) -> None:
        if self.panel is not None and self.title.text().strip() != self.panel.title:
            self.renamed.emit(self.title.text().strip())

    # what is shown

    def show_panel(self, panel: Panel, letter: str) -> None:
        """Draw a panel with what suits it, its title in the head."""
        self.panel = panel
        self.letter.setText(letter)
        self.letter.setVisible(bool(letter))
        if not self.title.hasFocus() or self.title.text() != panel.title:
            self.title.setText(panel.title)
            self.title.setCursorPosition(0)
        three = panel.view == "3d" and panel.surface is not None
        self.view.setVisible(panel.surface is not None and not panel.heat_map)
        self.view.setIcon(icon("waves" if three else "cube"))
        own = panel.surface if panel.bar else None
        self.bar.setVisible(own is not None and own.has_scale)
        self.bar.show_surface(own)
        self._draw(panel)

    def _draw(self, panel: Panel) -> None:
        words = [m.text for m in panel.marks if isinstance(m, Note)]
        if words and len(words) == len(panel.marks):
            self.note.setText(" ".join(" ".join(words).split()))
            self.stack.setCurrentWidget(self.note)
        elif panel.surface is not None and panel.view == "3d":
            self.canvas3d.show_panel(panel)
            self.stack.setCurrentWidget(self.canvas3d)
        elif panel.surface is not None and panel.view == "2d" and not panel.heat_map:
            self.canvas2d.show_panel(panel)
            self.stack.setCurrentWidget(self.canvas2d)
        else:
            self.chart.show_panel(panel)
            self.stack.setCurrentWidget(self.chart)

    @property
    def canvas3d(self) -> Canvas3D:
        if self._canvas3d is None:
            self._canvas3d = Canvas3D()
            self._canvas3d.setMinimumSize(160, 150)
            self._canvas3d.set_theme(self.theme)
            self._canvas3d.camera_moved.connect(self.turned)
            self.stack.addWidget(self._canvas3d)
        return self._canvas3d

    @property
    def canvas2d(self) -> Canvas2D:
        if self._canvas2d is None:
            self._canvas2d = Canvas2D()
            self._canvas2d.setMinimumSize(160, 150)
            self._canvas2d.set_theme(self.theme)
            self._canvas2d.plot.vb.sigResized.connect(self._align)
            self.stack.addWidget(self._canvas2d)
        return self._canvas2d

    @property
    def chart(self) -> CanvasChart:
        if self._chart is None:
            self._chart = CanvasChart()
            self._chart.setMinimumSize(160, 150)
            self._chart.set_theme(self.theme)
            self.stack.addWidget(self._chart)
        return self._chart

    @property
    def turns(self) -> bool:
        """Whether a surface is shown in three dimensions."""
        return self._canvas3d is not None and self.stack.currentWidget() is self._canvas3d

    def _align(self) -> None:
        """The colour bar as high as the contours beside it."""
        frame = self._canvas2d.plot.vb.sceneBoundingRect() if self._canvas2d is not None else None
        shown = frame is not None and self.stack.currentWidget() is self._canvas2d
        self.bar.set_extent((frame.top(), frame.bottom()) if frame is not None and shown else None)

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        for widget in (self._canvas3d, self._canvas2d, self._chart, self.bar):
            if widget is not None:
                widget.set_theme(theme)

    # another panel is dragged here

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(PANEL) and number_in(event.mimeData()) != self.number:
            self._mark(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(False)
        event.acceptProposedAction()
        self.dropped.emit(number_in(event.mimeData()))

    def _mark(self, on: bool) -> None:
        self.setProperty("target", on)
        self.style().unpolish(self)
        self.style().polish(self)


class Head(QWidget):
    """The head of a panel; dragging it drags the panel."""

    def __init__(self, panel: ComposedPanel) -> None:
        super().__init__(panel)
        self.panel = panel
        self._pressed: QPoint | None = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip("Drag the panel by its letter to another place")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        if (event.position().toPoint() - self._pressed).manhattanLength() < QApplication.startDragDistance():
            return
        self._pressed = None
        drag = QDrag(self)
        drag.setMimeData(carried(self.panel.number))
        drag.setPixmap(self.panel.grab().scaled(QSize(180, 180), Qt.AspectRatioMode.KeepAspectRatio))
        drag.exec(Qt.DropAction.MoveAction)


def carried(number: int) -> QMimeData:
    """What a drag of a panel carries."""
    data = QMimeData()
    data.setData(PANEL, QByteArray(str(number).encode()))
    return data


def number_in(data: QMimeData) -> int:
    return int(bytes(data.data(PANEL).data()).decode() or "-1")


def quiet(sign: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("quiet")
    button.setIcon(icon(sign))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setCursor(Qt.CursorShape.ArrowCursor)
    return button
