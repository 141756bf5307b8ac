"""Choosing data: a file or folder, how it is read, and what is seen of it before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from landscape_gui.data_choice import DataChoice, Preview
from landscape_gui.errors import LandscapeError
from landscape_gui.ui.data_fields import DataFields
from landscape_gui.ui.data_preview import PreviewPage
from landscape_gui.ui.documents import Document, message_of
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

FILTER = (
    "Data (*.npz *.npy *.pt *.safetensors *.zip *.gz *.tgz *.tar *.csv *.tsv *.txt *.bin *.parquet *.arrow *ubyte *_batch*);;"
    "All files (*)"
)
ACCEPTED = (
    "Arrays (.npz, .npy, .pt, .safetensors), MNIST's idx files, CIFAR's batches or their archive, a folder or zip of images by "
    "class, a table (.csv), a text or token ids, Parquet or Arrow. They can be dropped here."
)
DELAY = 350
"""Milliseconds after the last change until the data are looked at again."""


class DataPicker(QDialog):
    """`preview` is what was chosen, once accepted."""

    def __init__(self, session: Session, document: Document, reason: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.document = session, document
        self.preview: Preview | None = None
        self.round = 0
        self.looked_at = ""
        self.setObjectName("data_picker")
        self.setWindowTitle("Data")
        self.setAcceptDrops(True)
        room = parent.size() if parent is not None else self.size()
        self.resize(max(720, min(1000, room.width() - 80)), max(500, min(700, room.height() - 60)))
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(plain(f"Data for {document.name}" if not reason else "Which data is its loss computed on?", "title"))
        if reason:
            column.addWidget(plain(reason, "muted"))
        column.addLayout(self._path_line())
        self.fields = DataFields()
        self.fields.changed.connect(self._later)
        column.addWidget(self.fields)
        self.pages = QStackedWidget()
        self.words = plain(ACCEPTED, "muted")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setContentsMargins(60, 0, 60, 0)
        self.page = PreviewPage()
        self.page.normalisation_chosen.connect(self.fields.choose_normalisation)
        self.pages.addWidget(self.words)
        self.pages.addWidget(self.page)
        column.addWidget(self.pages, 1)
        self.wrong = plain("", "warning")
        self.wrong.hide()
        column.addWidget(self.wrong)
        column.addWidget(self._buttons())
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(DELAY)
        self.timer.timeout.connect(self.look)

    def _path_line(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(8)
        self.path = QLineEdit()
        self.path.setObjectName("data_path")
        self.path.setAccessibleName("File or folder of data")
        self.path.setPlaceholderText("A file or folder of data, or drop one here")
        self.path.editingFinished.connect(self._typed)
        self.file_button = QPushButton(icon("file"), " File …")
        self.folder_button = QPushButton(icon("folder-open"), " Folder …")
        for button, slot in ((self.file_button, self.ask_file), (self.folder_button, self.ask_folder)):
            button.setAutoDefault(False)
            button.clicked.connect(slot)
        line.addWidget(self.path, 1)
        line.addWidget(self.file_button)
        line.addWidget(self.folder_button)
        return line

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox()
        self.cancel = buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        self.use = buttons.addButton("Use these data", QDialogButtonBox.ButtonRole.AcceptRole)
        self.use.setObjectName("primary")
        self.use.setEnabled(False)
        self.cancel.setAutoDefault(False)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        return buttons

    # naming

    @property
    def choice(self) -> DataChoice:
        """What stands in the fields."""
        return self.fields.choice(str(Path(self.path.text().strip()).expanduser().absolute()))

    def choose(self, path: str) -> None:
        """Look at a file or folder, read as it was last time."""
        self.path.setText(path)
        known = self.session.services.known_data
        self._ask_memory(known, path, lambda found: self.take(found or DataChoice(path=path)))

    def suggest(self) -> None:
        """Begin with the data of a checkpoint in the same folder, where one was opened."""
        self._ask_memory(
            self.session.services.data_beside, self.document.path, lambda found: self.take(found) if found else self._wait()
        )

    def take(self, choice: DataChoice) -> None:
        """Look at data as a choice says."""
        self.path.setText(choice.path)
        self.fields.show_choice(choice)
        self.look()

    def _ask_memory(
        self, ask: Callable[[str], DataChoice | None] | None, path: str, then: Callable[[DataChoice | None], None]
    ) -> None:
        self._begin("Reading …")
        if ask is None:
            then(None)
            return
        number = self.round

        def done(outcome: Outcome) -> None:
            if isValid(self) and number == self.round:
                then(outcome.value if outcome.error is None else None)

        self.session.helper.submit(Task(lambda: ask(path), done, name="remembered data"))

    def _wait(self) -> None:
        self.words.setText(ACCEPTED)

    def ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open data", self._folder(), FILTER)
        if path:
            self.choose(path)

    def ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a folder of data", self._folder())
        if path:
            self.choose(path)

    def _folder(self) -> str:
        return self.path.text().strip() or self.session.settings.text("data_folder") or self.session.settings.text("folder")

    def _typed(self) -> None:
        text = self.path.text().strip()
        if text and self.looked_at != self.choice.path:
            self.choose(text)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if paths:
            self.choose(paths[0])

    # looking

    def _later(self) -> None:
        if self.path.text().strip():
            self.use.setEnabled(False)
            self.timer.start()

    def _begin(self, words: str) -> None:
        """What is under way from now on; answers to what was asked before are dropped, and the problem that was looked at is let
        go, as there may not be room for two."""
        self.round += 1
        self.timer.stop()
        self.use.setEnabled(False)
        self.wrong.hide()
        self.words.setText(words)
        self.preview = None
        self.page.let_go()
        self.page.set_busy(True)

    def look(self) -> None:
        """Read the data in the helper's thread and show them."""
        services, choice, document = self.session.services, self.choice, self.document
        self.looked_at = choice.path
        self._begin("Reading …")
        number, trusted = self.round, frozenset(self.session.settings.texts("trusted"))
        assert services.preview is not None
        preview = services.preview

        def done(outcome: Outcome) -> None:
            if isValid(self) and number == self.round:
                self._looked(outcome)

        self.session.helper.submit(Task(lambda: preview(document.path, choice, trusted), done, name=f"look at {choice.path}"))

    def _looked(self, outcome: Outcome) -> None:
        self.page.set_busy(False)
        if outcome.error is not None:
            said = outcome.error
            message = message_of(said, where=self.choice.path)
            remedy = message.remedy if isinstance(said, LandscapeError) else ""
            self.wrong.setText(f"{message.text} {remedy}".strip())
            self.wrong.show()
            self.looked_at = ""
            self.words.setText(ACCEPTED)
            self.pages.setCurrentWidget(self.words)
            return
        seen: Preview = outcome.value
        self.preview = seen
        self.session.settings.set("data_folder", str(Path(seen.choice.path).parent))
        with QSignalBlocker(self.fields):
            self.fields.show_preview(seen)
        self.page.show_preview(seen)
        self.pages.setCurrentWidget(self.page)
        self.use.setEnabled(True)
        self.use.setDefault(True)

    def done(self, result: int) -> None:
        """What is still under way is not waited for."""
        self.round += 1
        self.timer.stop()
        super().done(result)
