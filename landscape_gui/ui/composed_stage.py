"""The middle of the window for a figure of several answers: panels on a grid whose cameras turn together, and one colour bar."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.arrangement import letter, places
from landscape_gui.composition import SHARING, Cell, Composition
from landscape_gui.figure import Camera, Figure
from landscape_gui.ui.colour_bar import ColourBar
from landscape_gui.ui.composed_panel import ComposedPanel
from landscape_gui.ui.composing import Composing
from landscape_gui.ui.editors import spin
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import Elided, plain

LOWEST = 260
"""Pixels that a row of panels is high at least."""
NARROWEST = 240
"""Pixels that a panel is wide at least: fewer then stand side by side on the screen; on paper all do."""
BRIEF = 840
"""Pixels below which the buttons above the panels show their signs alone."""
ROOMY = 1000
"""Pixels from which on the number of columns has its word beside it; below, the figure's name has its room."""
TOGGLES = (
    ("camera", "Linked", "link", "Turn one surface, and all turn"),
    ("limits", "One range", "arrows-out-line-vertical", "One range of heights and colours for all surfaces"),
    ("bar", "One bar", "palette", "One colour bar for all surfaces"),
)


class ComposedStage(QWidget):
    """`figure_shown`: the figure on the screen."""

    figure_shown = Signal(object)
    save_asked = Signal()
    export_asked = Signal()

    def __init__(self, composing: Composing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.composing = composing
        self.theme = style.LIGHT
        self.figure: Figure | None = None
        self._abreast = 0
        self._told = QTimer(self)
        self._told.setSingleShot(True)
        self._told.setInterval(0)  # after everyone else has heard that another document is the current one
        self._told.timeout.connect(self._tell)
        self.panels: list[ComposedPanel] = []
        """Kept and used again: a canvas that is thrown away leaves memory behind."""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar_above())
        body = QHBoxLayout()
        body.setSpacing(0)
        self.page = QWidget()
        self.grid = QGridLayout(self.page)
        self.grid.setContentsMargins(6, 2, 6, 6)
        self.grid.setSpacing(6)
        self.area = QScrollArea()
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setWidget(self.page)
        self.bar = ColourBar()
        body.addWidget(self.area, 1)
        body.addWidget(self.bar)
        column.addLayout(body, 1)
        composing.changed.connect(self.redraw)
        composing.session.current_changed.connect(self.redraw)

    def _bar_above(self) -> QWidget:
        strip = QWidget()
        strip.setObjectName("strip")
        strip.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        line = QHBoxLayout(strip)
        line.setContentsMargins(14, 6, 10, 6)
        line.setSpacing(4)
        self.name = Elided("", "title")
        line.addWidget(self.name, 1)
        self.toggles: dict[str, QToolButton] = {}
        for name, text, sign, tip in TOGGLES:
            self.toggles[name] = toggle(text, sign, tip)
            self.toggles[name].toggled.connect(partial(self._share, name))
            line.addWidget(self.toggles[name])
        self.log = toggle("Log", "", "Heights and colours on a logarithmic scale")
        self.log.toggled.connect(self._set_log)
        self.difference = toggle("Difference", "minus", "A panel more: the second surface less the first")
        self.difference.toggled.connect(self._set_difference)
        self.columns = spin(1, 12)
        self.columns.setAccessibleName("Panels side by side")
        self.columns.setToolTip("Panels side by side")
        self.columns.setMinimumWidth(58)
        self.columns.valueChanged.connect(self._set_columns)
        self.refresh = refresh = toggle("Refresh", "arrow-clockwise", "Refresh: compute what is missing and what has changed")
        refresh.setCheckable(False)
        refresh.clicked.connect(self.composing.refresh)
        export = QPushButton("Export …")
        export.setObjectName("primary")
        export.clicked.connect(self.export_asked)
        save = QPushButton("Save …")
        save.setToolTip("Save the figure's file (Ctrl+S), to open, change and export it again")
        save.clicked.connect(self.save_asked)
        self.beside = plain("Columns", "muted", wrap=False)
        for button in (save, export):
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        for widget in (self.log, self.difference, self.beside, self.columns, refresh, save, export):
            line.addWidget(widget)
        return strip

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        brief = self.width() < BRIEF
        self.beside.setVisible(self.width() >= ROOMY)
        for button in (*self.toggles.values(), self.difference, self.refresh):
            look = Qt.ToolButtonStyle.ToolButtonIconOnly if brief else Qt.ToolButtonStyle.ToolButtonTextBesideIcon
            button.setToolButtonStyle(look)
        if self.figure is not None and self._abreast != self._columns_here(self.figure):
            self._place(self.figure)

    def _columns_here(self, figure: Figure) -> int:
        """Columns that the screen has room for, of those that the figure has."""
        return max(1, min(figure.columns, self.area.viewport().width() // NARROWEST))

    # drawing

    @property
    def composition(self) -> Composition | None:
        made = self.composing.composed
        return made.composition if made is not None else None

    def redraw(self) -> None:
        """Draw the current figure; nothing where another document is the current one."""
        made = self.composing.composed
        if made is None or self.composing.document is None:
            return
        self.name.setText(self.composing.document.name)
        self.figure = made.figure()
        self._place(self.figure)
        shared = next((bar for bar in self.figure.bars if len(bar.panels) > 1), None)
        surface = self.figure.panels[shared.panels[0]].surface if shared is not None else None
        self.bar.show_surface(surface)
        self.bar.setVisible(surface is not None)
        self._show_state(made.composition)
        self._told.start()

    def _tell(self) -> None:
        if self.composing.document is not None:
            self.figure_shown.emit(self.figure)

    def _place(self, figure: Figure) -> None:
        """The panels on their grid, those that are left over hidden."""
        own = {k for bar in figure.bars if len(bar.panels) == 1 for k in bar.panels}
        self._abreast = self._columns_here(figure)
        found = places(figure.panels, self._abreast)
        rows = max((p.row for p in found), default=0) + 1
        while len(self.panels) < len(figure.panels):
            self._make_panel()
        for number, widget in enumerate(self.panels):
            used = number < len(figure.panels)
            self.grid.removeWidget(widget)
            if not used:
                widget.hide()
            else:
                place, panel = found[number], figure.panels[number]
                self.grid.addWidget(widget, place.row, place.column, 1, place.span)
                shown = replace(panel, bar=True) if number in own else panel
                widget.show_panel(shown, f"({letter(number)})" if len(figure.panels) > 1 else "")
                widget.show()
        for row in range(self.grid.rowCount()):
            self.grid.setRowStretch(row, int(row < rows))
            self.grid.setRowMinimumHeight(row, LOWEST if row < rows and rows > 1 else 0)
        for column in range(self.grid.columnCount()):
            self.grid.setColumnStretch(column, int(column < self._abreast))

    def _make_panel(self) -> None:
        panel = ComposedPanel(len(self.panels), self.page)
        panel.set_theme(self.theme)
        number = panel.number
        panel.dropped.connect(lambda other: self._edit(lambda c: c.moved(other, number)))
        panel.removed.connect(lambda: self._edit(lambda c: c.removed(number)))
        panel.renamed.connect(lambda title: self._edit(lambda c: c.changed(number, title=title)))
        panel.flipped.connect(lambda: self._flip(number))
        panel.turned.connect(partial(self._turned, panel))
        self.panels.append(panel)

    def _show_state(self, composition: Composition) -> None:
        cells = composition.cells
        states = {name: name in composition.share for name, *_ in TOGGLES}
        for name, on in states.items():
            set_quietly(self.toggles[name], on)
        self.toggles["bar"].setEnabled(states["limits"])
        set_quietly(self.log, any(c.look.scale == "log" for c in cells))
        set_quietly(self.difference, any(c.difference for c in cells))
        self.difference.setEnabled(len([c for c in cells if c.difference is None]) > 1)
        self.columns.blockSignals(True)
        self.columns.setMaximum(max(1, len(cells)))
        self.columns.setValue(self.figure.columns if self.figure is not None else 1)
        self.columns.blockSignals(False)

    # changing

    def _edit(self, change: Any) -> None:
        if self.composition is not None:
            self.composing.change(change(self.composition))

    def _share(self, name: Any, on: bool) -> None:
        def change(composition: Composition) -> Composition:
            wanted = (set(composition.share) | {name}) if on else set(composition.share) - {name}
            found = replace(composition, share=tuple(n for n in SHARING if n in wanted))
            if name != "camera" or not found.cells:
                return found
            if on:  # all as the first one
                return replace(found, camera=found.cells[0].look.camera)
            return found.looked(camera=composition.camera)  # each from where they stood together

        self._edit(change)

    def _set_log(self, on: bool) -> None:
        self._edit(lambda c: c.looked(scale="log" if on else "linear"))

    def _set_columns(self, count: int) -> None:
        self._edit(lambda c: replace(c, columns=count))

    def _set_difference(self, on: bool) -> None:
        def change(c: Composition) -> Composition:
            if not on:
                last = max(k for k, cell in enumerate(c.cells) if cell.difference is not None)
                return c.removed(last)
            plain_cells = [k for k, cell in enumerate(c.cells) if cell.difference is None][:2]
            look = replace(c.cells[plain_cells[1]].look, view="2d")
            return c.added(Cell(difference=(plain_cells[1], plain_cells[0]), look=look))

        self._edit(change)

    def _flip(self, number: int) -> None:
        def change(c: Composition) -> Composition:
            look = c.cells[number].look
            shown = self.panels[number].panel
            flat = shown is not None and shown.view == "3d"
            return c.changed(number, look=replace(look, view="2d" if flat else "3d"))

        self._edit(change)

    # cameras

    def _turned(self, panel: ComposedPanel, camera: Camera) -> None:
        """One surface was turned: the others with it where they are linked."""
        composition = self.composition
        if composition is None:
            return
        if "camera" in composition.share:
            for other in self.panels:
                if other is not panel and other.turns and other.isVisibleTo(self):
                    other.canvas3d.camera = camera
            self.composing.change(replace(composition, camera=camera), draw=False)
        elif panel.number < len(composition.cells):
            look = replace(composition.cells[panel.number].look, camera=camera)
            self.composing.change(composition.changed(panel.number, look=look), draw=False)

    def whole_figure(self) -> Figure | None:
        """The figure with the cameras as they stand, for paper."""
        made = self.composing.composed
        return made.figure() if made is not None and made.composition.cells else None

    def reset_view(self) -> None:
        self._edit(lambda c: replace(c, camera=Camera()).looked(camera=Camera()))

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.bar.set_theme(theme)
        for panel in self.panels:
            panel.set_theme(theme)


def toggle(text: str, sign: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(text or tip)
    button.setCheckable(True)
    button.setIconSize(QSize(16, 16))
    if sign:
        button.setIcon(icon(sign))
    style_ = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if text and sign else Qt.ToolButtonStyle.ToolButtonTextOnly
    button.setToolButtonStyle(style_ if text else Qt.ToolButtonStyle.ToolButtonIconOnly)
    return button


def set_quietly(button: QToolButton, on: bool) -> None:
    button.blockSignals(True)
    button.setChecked(on)
    button.blockSignals(False)
