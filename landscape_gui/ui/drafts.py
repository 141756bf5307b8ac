"""Figures that nobody has saved yet, kept in files of their own, so that closing a window or a crash loses none."""

from __future__ import annotations

import contextlib
import datetime
import os
from pathlib import Path

import platformdirs
from PySide6.QtCore import QObject, QTimer

from landscape_gui.composition import SUFFIX, write_composition
from landscape_gui.composition.composition import Composition
from landscape_gui.ui.composing import Composing
from landscape_gui.ui.documents import Document, message_of
from landscape_gui.ui.worker import Outcome, Task

SOON = 800
"""Milliseconds after a change that it is written."""
KEPT = 20
"""Drafts; older ones go."""


class Drafts(QObject):
    """A draft stands among the recent files until its figure is saved under a name."""

    def __init__(self, composing: Composing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.composing = composing
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON)
        self._soon.timeout.connect(self.write)
        composing.edited.connect(self._soon.start)

    def write(self) -> None:
        """Write the drafts of all figures that are not saved."""
        self._soon.stop()
        for document in self.composing.session.documents:
            made = document.composed
            if made is not None and made.composition.cells and made.changed and not is_named(document):
                self._write(document, made.composition)

    def _write(self, document: Document, composition: Composition) -> None:
        session, made = self.composing.session, document.composed
        if not made.draft:
            made.draft = str(document.path if is_draft(document.path) else new_draft(document.name))
        path = made.draft

        def done(outcome: Outcome) -> None:
            if outcome.error is not None:
                session.said.emit(message_of(outcome.error, where="draft of the figure"))
            elif path not in session.settings.recent:
                session.settings.add_recent(path)

        session.helper.submit(Task(lambda: write_draft(path, composition), done, name="draft"))

    def drop(self, document: Document) -> None:
        """The figure has a name now."""
        draft, settings = document.composed.draft, self.composing.session.settings
        if draft and draft != document.path:
            with contextlib.suppress(OSError):
                Path(draft).unlink(missing_ok=True)
            settings.set("recent", [path for path in settings.recent if path != draft])
            document.composed.draft = ""


def folder_of_drafts() -> Path:
    named = os.environ.get("LANDSCAPE_GUI_CONFIG")
    return (Path(named) if named else Path(platformdirs.user_data_dir("landscape_gui", appauthor=False))) / "drafts"


def is_draft(path: str) -> bool:
    return path.endswith(SUFFIX) and Path(path).parent == folder_of_drafts()


def is_named(document: Document) -> bool:
    """Whether a person has said where the figure is kept."""
    return document.path.endswith(SUFFIX) and not is_draft(document.path)


def new_draft(name: str) -> Path:
    now = datetime.datetime.now()
    return folder_of_drafts() / f"{name.replace(' ', '-')}-{now:%Y-%m-%d-%H%M%S-%f}{SUFFIX}"


def write_draft(path: str, composition: Composition) -> None:
    """Write one, in a thread; the oldest beyond `KEPT` go."""
    folder = Path(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    write_composition(path, composition)
    for old in sorted(folder.glob(f"*{SUFFIX}"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)
