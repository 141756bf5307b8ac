"""The right of the export dialog: which kind of file, which view, which colours, which page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from landscape_gui.export_formats import Format
from landscape_gui.style import COLOUR_MAPS
from landscape_gui.ui.exporting import VIEWS, Subject
from landscape_gui.ui.format_box import FormatBox
from landscape_gui.ui.page_choice import FREE, PageChoice, remembered
from landscape_gui.ui.page_fields import COLUMN, PageFields, chooser
from landscape_gui.ui.panel import plain
from landscape_gui.ui.recolouring import is_safe
from landscape_gui.ui.settings import Settings
from landscape_gui.venues import VENUES

FIRST = "neurips"
"""The venue of somebody who has not chosen one."""
WIDTH = 356
"""Pixels of the fields."""


class ExportForm(QScrollArea):
    """`changed`: something else stands here; `view_chosen`: another view of what is shown."""

    changed = Signal()
    view_chosen = Signal()

    def __init__(self, settings: Settings, subject: Subject, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.settings, self.subject, self.coloured = settings, subject, False
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedWidth(WIDTH)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.format = FormatBox()
        self.view = chooser("export_view", "View", [(VIEWS[name], name) for name in subject.views])
        self.colours = chooser("export_colours", "Colour map", [("As on the screen", "")])
        for name, words in COLOUR_MAPS.items():
            self.colours.addItem(f"{name}{'' if is_safe(name) else '  (not safe in grey)'}", name)
            self.colours.setItemData(self.colours.count() - 1, words[:1].upper() + words[1:], Qt.ItemDataRole.ToolTipRole)
        self.colours.view().setMinimumWidth(self.colours.view().sizeHintForColumn(0) + 28)
        self.page = PageFields()
        self.help = plain("", "muted")
        self._lay_out()
        self._restore()
        self.format.currentIndexChanged.connect(self._format_chosen)
        self.view.currentIndexChanged.connect(self.view_chosen)
        self.colours.currentIndexChanged.connect(self.changed)
        self.page.changed.connect(self.changed)
        self.page.venue_chosen.connect(self.show_venue)

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(12)
        grid = QGridLayout()
        grid.setVerticalSpacing(7)
        grid.setHorizontalSpacing(10)
        grid.setColumnMinimumWidth(0, COLUMN)
        grid.setColumnStretch(1, 1)
        self.labels = {}
        for number, text, field in ((0, "&Format", self.format), (2, "Vie&w", self.view), (3, "&Colours", self.colours)):
            label = self.labels[text] = plain(text, wrap=False)
            label.setBuddy(field)
            grid.addWidget(label, number, 0)
            grid.addWidget(field, number, 1)
        grid.addWidget(self.help, 1, 1)
        column.addLayout(grid)
        self.rule = QFrame()
        self.rule.setObjectName("rule")
        column.addWidget(self.rule)
        column.addWidget(self.page)
        column.addStretch(1)
        self.setWidget(inside)

    # what stands there

    @property
    def kind(self) -> Format | None:
        return self.format.kind

    @property
    def shown_view(self) -> str:
        """A mesh is of the surface alone, whichever view of a figure is chosen."""
        mesh = self.kind is not None and self.kind.group == "mesh"
        return "3d" if mesh and "3d" in self.subject.views else str(self.view.currentData())

    @property
    def colour_map(self) -> str:
        """Empty: as on the screen."""
        return str(self.colours.currentData())

    def offer(self, formats: Sequence[Format], *, coloured: bool) -> None:
        """What can be written now, and whether there is a colour map to choose."""
        self.format.offer(formats)
        self.coloured = coloured
        self._arrange()

    def _format_chosen(self) -> None:
        self._arrange()
        self.changed.emit()

    def _arrange(self) -> None:
        """Fields that this kind of file heeds."""
        kind = self.kind
        figure = kind is not None and kind.takes == "figure" and kind.group not in ("text", "animation")
        drawn = kind is not None and kind.group in ("figure", "script")
        for widget in (self.labels["Vie&w"], self.view):
            widget.setVisible(figure and kind is not None and kind.group != "mesh" and self.view.count() > 1)
        for widget in (self.labels["&Colours"], self.colours):
            widget.setVisible(figure and self.coloured)
        self.page.setVisible(drawn)
        self.rule.setVisible(drawn)
        self.help.setText(f"{kind.words[:1].upper()}{kind.words[1:]}." if kind is not None else "")

    # remembering

    def show_venue(self, venue: str) -> None:
        """The page as it was last used for a venue; letters are the figure's."""
        self.page.show_choice(self._lettered(self._remembered(venue), self.page.choice().letters))
        self.changed.emit()

    def _remembered(self, venue: str) -> PageChoice:
        return remembered(self.settings.text(page_key(venue)), venue)

    def _lettered(self, choice: PageChoice, letters: bool) -> PageChoice:
        """A figure of several panels has its letters, whatever was last written had."""
        return replace(choice, letters=letters) if self.subject.keep_page is not None else choice

    def _restore(self) -> None:
        """The page of the figure's own file, else the last one."""
        venue = self.settings.text("export/venue", FIRST)
        last = self._lettered(self._remembered(venue if venue in VENUES else FREE), self.subject.letters)
        self.page.show_choice(self.subject.page or last)

    def prefer(self) -> None:
        """The kind of file that was written last, where it is offered."""
        self.format.choose(self.settings.text("export/suffix", ".pdf"))

    def remember(self) -> None:
        choice: PageChoice = self.page.choice()
        self.settings.set("export/venue", choice.venue)
        kept = self._lettered(choice, self._remembered(choice.venue).letters)
        self.settings.set(page_key(choice.venue), kept.kept())
        if self.subject.keep_page is not None:
            self.subject.keep_page(choice)
        self.settings.set("export/suffix", self.format.key)


def page_key(venue: str) -> str:
    return f"export/page_{venue or 'any'}"
