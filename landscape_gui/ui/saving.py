"""Where a file goes: the last folder, a name from what is shown, and a question before anything is replaced."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from landscape_gui.export_formats import Format
from landscape_gui.ui.documents import Message
from landscape_gui.ui.exporting import Order, over_words, size_words
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings

FOLDER = "export_folder"


def ask_path(parent: QWidget, settings: Settings, kind: Format, name: str) -> str:
    """A file's path, or nothing. The dialog's own question before replacing is left to `may_replace`, which says what is there."""
    start = str(Path(settings.text(FOLDER)) / f"{name}{kind.suffix}")
    only = f"{kind.name} (*{kind.suffix})"
    path, _ = QFileDialog.getSaveFileName(
        parent, "Export", start, f"{only};;All files (*)", only, options=QFileDialog.Option.DontConfirmOverwrite
    )
    if path:
        settings.set(FOLDER, str(Path(path).parent))
    return path


def may_replace(parent: QWidget, path: Path) -> bool:
    """Ask once, naming what is there and since when."""
    if path.is_dir():
        return True  # writing says that it is a folder
    box = QMessageBox(parent)
    box.setObjectName("replace")
    box.setWindowTitle("Replace?")
    box.setIcon(QMessageBox.Icon.Question)
    box.setText(f"Replace {over_words(path)}?")
    box.setInformativeText(f"It is in {path.parent.absolute()}.")
    replace = box.addButton("&Replace", QMessageBox.ButtonRole.DestructiveRole)
    keep = box.addButton("&Keep it", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    box.exec()
    return box.clickedButton() is replace


def tell(session: Session, order: Order, size: int) -> None:
    """Say that it is written, and keep how, for doing so again."""
    session.drawing.last = order
    text = f"Exported to {order.path} ({size_words(size)})."
    session.said.emit(Message(level="info", text=text, reveal=str(order.path)))
