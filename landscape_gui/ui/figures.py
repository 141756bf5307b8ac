"""Figures of several answers in the window: made of what is selected, shown on a page of their own, saved and exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from landscape_gui.composition import SUFFIX
from landscape_gui.figure import Figure
from landscape_gui.ui.composing import Composing, Source
from landscape_gui.ui.documents import Document
from landscape_gui.ui.drafts import Drafts, is_draft, is_named
from landscape_gui.ui.sides import FACTS

if TYPE_CHECKING:
    from landscape_gui.ui.composed_stage import ComposedStage
    from landscape_gui.ui.window import Window

FILTER = f"Figures (*{SUFFIX})"


class Figures(QObject):
    """The page is made when the first figure is."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window
        self.composing = Composing(window.session, self)
        self.drafts = Drafts(self.composing, self)
        self.composing.saved.connect(self.drafts.drop)
        self.stage: ComposedStage | None = None
        self._seen: Document | None = None
        window.library.compose_asked.connect(self.compose_selected)
        window.library.add_asked.connect(self.add_selected)
        window.library.save_asked.connect(self.ask_save)
        window.session.current_changed.connect(self._current_changed)

    @property
    def shown(self) -> bool:
        """Whether the current document is a figure."""
        return self.composing.document is not None

    def page(self) -> ComposedStage:
        if self.stage is None:
            from landscape_gui.ui import taking_away
            from landscape_gui.ui.composed_stage import ComposedStage

            self.stage = ComposedStage(self.composing)
            self.stage.set_theme(self.window.colours.figure)
            self.stage.figure_shown.connect(self.window.facts.show_figure)
            self.stage.save_asked.connect(self.ask_save)
            self.stage.export_asked.connect(lambda: taking_away.export(self.window))
            self.window.pages.addWidget(self.stage)
            self.stage.redraw()
        return self.stage

    def tell(self, figure: Figure | None) -> None:
        """What the stage shows, in words; while a figure of several is the current document, what that shows."""
        self.window.facts.show_figure(self.stage.figure if self.shown and self.stage is not None else figure)

    def _current_changed(self) -> None:
        """A figure's page shows what it shows, there being no question to ask."""
        if self.composing.document is not self._seen and self.shown:
            self.window.tabs.setCurrentIndex(FACTS)
        self._seen = self.composing.document

    def compose_selected(self) -> None:
        """A figure of what is selected in the library."""
        self.composing.compose(self._selected())

    def compare(self, documents: list[Document]) -> None:
        """Reports side by side, in a window of their own, from which a figure of the models' surfaces can be made."""
        from landscape_gui.ui.comparison import Comparison

        shown = Comparison(self.window.session, documents, self.window, theme=self.window.colours.figure)
        shown.surfaces_asked.connect(lambda question: self.composing.compose_asked(question, documents))
        shown.show()

    def _selected(self) -> list[Source]:
        sources = []
        for what, answer in self.window.library.to_compose():
            documents = [what] if isinstance(what, Document) else self.window.session.open([what], asks=False)
            sources += [Source(document, answer) for document in documents]
        return sources

    def figure(self) -> Figure | None:
        """The current figure, for paper."""
        return self.page().whole_figure() if self.shown else None

    def ask_save(self) -> None:
        document, settings = self.composing.document, self.window.session.settings
        if document is None:
            return
        if is_named(document):
            self.composing.save(document.path)
            return
        suggested = "figure" if is_draft(document.path) else document.name
        name = str(Path(settings.text("export_folder")) / f"{suggested}{SUFFIX}")
        path, _ = QFileDialog.getSaveFileName(self.window, "Save the figure", name, FILTER)
        if path:
            settings.set("export_folder", str(Path(path).parent))
            self.composing.save(path if path.endswith(SUFFIX) else path.removesuffix(".json") + SUFFIX)

    def offered(self) -> list[Document]:
        """The figures that are open, to which something can be added."""
        return [d for d in self.window.session.documents if d.composed is not None]

    def add_selected(self, document: Document) -> None:
        """What is selected in the library as more panels of an open figure."""
        sources = self._selected()
        self.window.session.select(document)
        self.composing.add(sources)

    def refresh_actions(self) -> None:
        """What can be done with a figure, and what cannot."""
        actions = self.window.actions_by_name
        actions["compose"].setEnabled(bool(self.window.session.documents))
        actions["save_figure"].setEnabled(self.shown)
        if self.shown:
            for name in ("view_3d", "view_2d", "view_both", "view_chart", "log", "contours"):
                actions[name].setEnabled(False)
            for name in ("export", "animate", "copy", "copy_caption", "reset"):
                actions[name].setEnabled(True)

    def restyle(self) -> None:
        if self.stage is not None:
            self.stage.set_theme(self.window.colours.figure)
