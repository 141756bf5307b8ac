"""The middle of the window: what is open, how it is looked at, and the canvases, with the cursor linked between them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Camera, Figure
from landscape_gui.ui.brief_labels import brief
from landscape_gui.ui.canvas3d import Canvas3D
from landscape_gui.ui.cell_menu import CellMenu
from landscape_gui.ui.colour_bar import ColourBar
from landscape_gui.ui.documents import Cell, Document, message_of, surface_of, views_of
from landscape_gui.ui.header import Header
from landscape_gui.ui.pace import Pace
from landscape_gui.ui.panel import plain
from landscape_gui.ui.profile import profile
from landscape_gui.ui.session import Session
from landscape_gui.ui.shown_title import title_of
from landscape_gui.ui.view_bar import ViewBar
from landscape_gui.ui.waiting import waiting_sentence

if TYPE_CHECKING:
    from landscape_gui.ui.canvas2d import Canvas2D
    from landscape_gui.ui.chart_grid import ChartGrid

VIEWS = ("3d", "2d", "both", "chart")
BREATH = 20
"""Milliseconds between making the canvases and drawing on them for the first time."""
GIVE_WAY = 120
"""Milliseconds that a picture waits while a question is being cancelled."""
APART, SHARE = 0.15, 4.0
"""Redraws during a job are so many seconds apart at least, and so many times as long as the last one took."""
CHARTS_APART, CHARTS_SHARE = 0.25, 8.0
"""The same for charts, their painting included."""


class Stage(QWidget):
    """`figure_shown`: the figure on the screen changed (None: nothing is shown).

    The canvas in three dimensions is there from the beginning; those in two, which need pyqtgraph, come with `complete`, so that a
    first picture does not wait for them.
    """

    figure_shown = Signal(object)
    view_changed = Signal(str)
    needle_picked = Signal(object, int)
    """Needles, and the number of the one that was clicked."""
    cell_chosen = Signal(object, int, int)
    """A panel with a heat map, and the column and row of the cell that was clicked."""

    def __init__(self, session: Session, log: QAction, contours: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.session = session
        self.view = "both"
        self.figure: Figure | None = None
        self.canvas3d = Canvas3D()
        self.canvas2d: Canvas2D | None = None
        self.grid: ChartGrid | None = None
        self.theme = style.LIGHT
        self.bar = ColourBar()
        self.header, self.menu = Header(session), CellMenu(session, self)
        self.view_bar = ViewBar(session, log, contours)
        self._lay_out()
        self._redraw, self._flat = QTimer(self), QTimer(self)
        for timer, slot in ((self._redraw, self._draw_another), (self._flat, self._draw_flat)):
            timer.setSingleShot(True)
            timer.timeout.connect(slot)
        self._pace = Pace()
        self._charts_only = False
        self._profiled: Cell | None = None  # the cell through which line profiles are drawn
        self._missed = self._another = False  # missed: more became known while nobody could see it
        self._connect()
        self.redraw()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.view_bar)
        self.title = plain("", "heading")
        self.title.setAccessibleName("What is shown")
        self.title.setContentsMargins(14, 8, 14, 2)
        column.addWidget(self.title)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setObjectName("canvases")
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(7)
        self.split.addWidget(self.canvas3d)
        self.place = QWidget()
        self.split.addWidget(self.place)
        self.split.setSizes([560, 440])
        planes = QWidget()
        side = QHBoxLayout(planes)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(0)
        side.addWidget(self.split, 1)
        side.addWidget(self.bar)
        self.chart_place = QWidget()
        self.empty = plain("", "muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stack = QStackedWidget()
        for page in (self.empty, planes, self.chart_place):
            self.stack.addWidget(page)
        column.addWidget(self.stack, 1)

    def _connect(self) -> None:
        session = self.session
        session.shown_changed.connect(self._shown_changed)
        session.look_changed.connect(self.redraw)
        session.current_changed.connect(self._current_changed)
        session.inquiries_changed.connect(self._current_changed)
        session.inquiries_changed.connect(self._give_way)
        session.following.changed.connect(self._followed)
        session.cursor_changed.connect(self._cursor_changed)
        session.cell_changed.connect(self._cell_changed)
        self.canvas3d.cursor_moved.connect(session.point)
        self.canvas3d.picked.connect(session.pick)
        self.canvas3d.menu_asked.connect(self.menu.offer)
        self.view_bar.preset_asked.connect(self.set_preset)
        if self.canvas3d.scene is not None:
            from landscape_gui.scene3d import PRESETS

            self.view_bar.offer_presets(list(PRESETS))

    def complete(self) -> None:
        """Make the canvases for contours and charts, once."""
        if self.canvas2d is not None:
            return
        from landscape_gui.ui.canvas2d import Canvas2D
        from landscape_gui.ui.chart_grid import ChartGrid
        from landscape_gui.ui.moments import MomentLink

        canvas, self.grid = Canvas2D(), ChartGrid()
        self.canvas2d = canvas
        canvas.setVisible(self.view in ("2d", "both"))
        sizes = self.split.sizes()
        self.split.replaceWidget(1, canvas)
        self.place.deleteLater()
        self.split.setSizes(sizes)
        self.stack.addWidget(self.grid)
        self.stack.removeWidget(self.chart_place)
        self.chart_place.deleteLater()
        self.grid.read.connect(self.session.reading_changed)
        self.grid.needle_picked.connect(self.needle_picked)
        self.grid.cell_picked.connect(self.cell_chosen)
        canvas.cursor_moved.connect(self.session.point)
        canvas.picked.connect(self.session.pick)
        canvas.menu_asked.connect(self.menu.offer)
        canvas.plot.vb.sigResized.connect(self._align_bar)
        self.moments = MomentLink(self)
        self.set_theme(self.theme)
        if self._missed:
            QTimer.singleShot(BREATH, self, self._shown_changed)
        else:
            self.redraw()

    # what is drawn

    def _shown_changed(self) -> None:
        shown = self.session.shown
        if shown is None:
            self.redraw()
            return
        views = views_of(shown.result)
        if shown.partial and views == ("chart",) and self.canvas2d is None:
            self._missed = True  # what draws charts is still being imported
            return
        unfit = self.view not in views or (self.view == "chart" and self._charts_only and len(views) > 1)
        turned = unfit and self._turn(views[0])
        self._charts_only = len(views) == 1
        wait = self._wait() if shown.partial and not turned else 0.0
        if shown.partial and not self.isVisible():
            self._missed = True
        elif wait <= 0:
            self._draw_another()
        elif not self._redraw.isActive():
            self._redraw.start(round(1000 * wait))
        if turned:
            self._align_bar()
            self.view_changed.emit(self.view)

    def _wait(self) -> float:
        """Seconds that the picture of a running question is still left alone."""
        if self.view == "chart" and self.grid is not None:
            self._pace.took += self.grid.spent()
            return self._pace.left(CHARTS_APART, CHARTS_SHARE)
        return self._pace.left(APART, SHARE)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._missed:
            self._draw_another()

    def _draw_another(self) -> None:
        """Another answer, or more of it: charts one after another, so that nobody waits for all of them."""
        self._another = True
        self.redraw()
        self._another = False

    def redraw(self) -> None:
        """Draw what the session shows, in the view chosen."""
        self._redraw.stop()
        self._missed = False
        with self._pace.drawing():
            try:
                self._draw()
            except LandscapeError as error:
                self.session.said.emit(message_of(error))

    def _draw(self) -> None:
        session = self.session
        if session.shown is None:
            self._draw_nothing()
            return
        chart = self.view == "chart"
        if chart:
            self.figure = self._chart_figure()
            self._draw_charts(self.figure)
            surface = None
        else:
            main = "2d" if self.view == "2d" else "3d"
            self.figure = session.figure(view=main)
            assert self.figure is not None
            if self.view != "2d":
                self.canvas3d.show_panel(self.figure.panels[0])
            if main == "3d" and session.shown.partial:
                self._flat.start(0)
            else:
                self._draw_flat()
            surface = self.figure.panels[0].surface
        self.stack.setCurrentIndex(2 if chart else 1)
        self.bar.show_surface(surface)
        self.title.setVisible(True)
        self.title.setText(title_of(self.figure, session.shown))
        self.view_bar.show()
        self.view_bar.refresh(self.figure, surface, three=self.view in ("3d", "both"))
        self.figure_shown.emit(self.figure)

    def _draw_flat(self) -> None:
        """The contours; while a question is answered in a turn of the event loop of their own."""
        self._flat.stop()
        if self.view not in ("2d", "both") or self.canvas2d is None:
            return
        with self._pace.drawing(more=True):
            figure = self.session.figure(view="2d")
            if figure is not None:
                self.canvas2d.show_panel(figure.panels[0])

    def _give_way(self) -> None:
        """While a question is being cancelled, let the news of it come before the next picture."""
        asked = self.session.followed
        if asked is not None and asked.state == "cancelling":
            for timer in (self._flat, self._redraw):
                if timer.isActive():
                    timer.start(GIVE_WAY)
            self.canvas3d.give_way(GIVE_WAY)

    def _draw_nothing(self) -> None:
        self._flat.stop()
        self.figure = None
        self.empty.setText(waiting_sentence(self.session))
        self.stack.setCurrentIndex(0)
        self.title.hide()
        self.view_bar.hide()
        self.figure_shown.emit(None)

    def _chart_figure(self) -> Figure:
        session = self.session
        assert session.shown is not None
        figure = session.figure(view="chart")
        assert figure is not None
        if figure.panels and figure.panels[0].view == "chart":
            return figure
        surface = surface_of(session.shown.result)
        assert surface is not None
        self._profiled = session.cell
        lines = profile(surface, session.cell, scale=session.look.scale, quantity=session.look.quantity)
        return dataclasses.replace(figure, panels=lines.panels)

    def _draw_charts(self, figure: Figure) -> None:
        if self.grid is not None:
            assert self.session.shown is not None
            self.grid.show_figure(brief(figure, self.session.shown.result), in_turns=self._another)

    def _current_changed(self) -> None:
        if self.session.shown is None:
            self.redraw()
        elif self.session.current is not None and self.session.shown.document is not self.session.current:
            self._draw_nothing()

    def _followed(self, document: Document) -> None:
        """What is waited for has changed."""
        if document is self.session.current and self.session.shown is None:
            self.empty.setText(waiting_sentence(self.session))

    def _align_bar(self) -> None:
        """The colour bar as high as the contours beside it."""
        if self.canvas2d is None or not self.canvas2d.isVisibleTo(self):
            self.bar.set_extent(None)
            return
        frame = self.canvas2d.plot.vb.sceneBoundingRect()
        self.bar.set_extent((frame.top(), frame.bottom()))

    # views and camera

    def set_view(self, view: str) -> None:
        """3d, 2d, both or chart."""
        if self._turn(view):
            self.redraw()
            self._align_bar()
            self.view_changed.emit(view)

    def _turn(self, view: str) -> bool:
        """Another view, still to be drawn; whether it is another."""
        if view not in VIEWS or view == self.view:
            return False
        self.view = view
        self.complete()
        assert self.canvas2d is not None
        self.canvas3d.setVisible(view in ("3d", "both"))
        self.canvas2d.setVisible(view in ("2d", "both"))
        return True

    def set_preset(self, name: str) -> None:
        if self.canvas3d.scene is not None:
            self.canvas3d.scene.look(name)

    def reset_view(self) -> None:
        """Camera and zoom as at the beginning."""
        self.canvas3d.camera = Camera()
        if self.canvas2d is not None:
            self.canvas2d.reset_view()
        if self.grid is not None:
            self.grid.reset_view()

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        for widget in (self.canvas3d, self.canvas2d, self.grid, self.bar):
            if widget is not None:
                widget.set_theme(theme)

    # linked cursor

    def _cursor_changed(self, told: tuple[tuple[float, float], Cell] | None) -> None:
        place, cell = told if told is not None else (None, None)
        if self.canvas2d is not None:
            self.canvas2d.set_cursor(place)
        self.canvas3d.set_cursor(place)
        value = None
        if cell is not None and cell.values:
            name = self.session.look.quantity if self.session.look.quantity in cell.values else next(iter(cell.values))
            value = cell.values[name][1]
        self.bar.set_value(value)

    def _cell_changed(self, cell: Cell | None) -> None:
        if self.canvas2d is not None:
            self.canvas2d.mark_cell((cell.x, cell.y) if cell is not None else None)
        if self.view == "chart" and cell is not self._profiled:
            self.redraw()

    def splitter_state(self) -> QByteArray:
        return self.split.saveState()
