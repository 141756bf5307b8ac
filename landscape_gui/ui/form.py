"""The form of a question, made from the probe's described fields: label, unit, range, choices, help."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from landscape_gui.errors import LandscapeError
from landscape_gui.probes.base import CheckpointRef, FileRef, Probe
from landscape_gui.ui.editors import (
    ChoiceEditor,
    Editor,
    FileEditor,
    NamesEditor,
    NumbersEditor,
    OptionalEditor,
    PairEditor,
    SplitEditor,
    SwitchEditor,
    TextEditor,
    WholeEditor,
)
from landscape_gui.ui.icons import icon
from landscape_gui.ui.questions import kinds, refilled, relevant
from landscape_gui.ui.several_editors import ChecksEditor, FilesEditor

LABELS, WIDEST_LABEL = 92, 124
"""Pixels that the column of labels is wide, at least and at most; a longer label takes two lines."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Context:
    """What the form offers besides the fields' own choices: the data's splits, the run's checkpoints (path -> name), the names of
    the network's layers."""

    splits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    layers: tuple[str, ...] = ()
    checkpoints: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Form(QWidget):
    """Fields of one kind of probe. `probe()` is the question that stands there; it raises QuestionError where it is none."""

    changed = Signal()

    def __init__(self, kind: type[Probe], context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind, self.context = kind, context
        self.editors: dict[str, Editor] = {}
        self.rows: dict[str, tuple[QWidget, ...]] = {}
        self.hidden: dict[str, Any] = {}
        self.relevant, self.left = relevant(kind), refilled(kind)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.plain, self.folded = grid(), grid()
        column.addLayout(self.plain)
        self.fold = QPushButton("More")
        self.fold.setObjectName("fold")
        self.fold.setCheckable(True)
        self.fold.setAccessibleName("More fields")
        column.addWidget(self.fold)
        self.more = QWidget()
        self.more.setLayout(self.folded)
        self.more.setVisible(False)
        column.addWidget(self.more)
        self._fill()
        self._align()
        self.fold.setVisible(self.folded.rowCount() > 1 or self.folded.count() > 0)
        self.fold.toggled.connect(self._unfold)
        self._unfold(False)
        self._changed()

    def _fill(self) -> None:
        hints = kinds(self.kind)
        for f in dataclasses.fields(self.kind):
            meta = f.metadata
            if not meta or (meta.get("hidden") and not meta.get("positional")):
                continue  # what is positional is named by the person, on the command line by itself
            editor = self._editor(f, hints[f.name])
            if editor is None:
                continue
            default = f.default if f.default is not dataclasses.MISSING else None
            editor.set_value(default)
            editor.setToolTip(meta["help"])
            self._add(f.name, editor, self.folded if meta["advanced"] else self.plain, meta)
            editor.changed.connect(self._changed)

    def _align(self) -> None:
        """What is folded away stands under what is not."""
        widths = [row[0].sizeHint().width() for row in self.rows.values() if len(row) > 1]
        for layout in (self.plain, self.folded):
            layout.setColumnMinimumWidth(0, min(max([LABELS, *widths]), WIDEST_LABEL))

    def _add(self, name: str, editor: Editor, layout: QGridLayout, meta: Mapping[str, Any]) -> None:
        row = layout.rowCount()
        label = QLabel(meta["label"])
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setToolTip(meta["help"])
        first = editor.findChildren(QWidget)
        for child in first:
            child.setToolTip(meta["help"])
            if not child.accessibleName():
                child.setAccessibleName(meta["label"])
        editor.setObjectName(f"field_{name}")
        if isinstance(editor, SwitchEditor):
            layout.addWidget(editor, row, 0, 1, 2)
            self.rows[name] = (editor,)
        else:
            if first:
                label.setBuddy(first[0])
            layout.addWidget(label, row, 0)
            layout.addWidget(editor, row, 1)
            self.rows[name] = (label, editor)
        self.editors[name] = editor

    def _editor(self, f: dataclasses.Field[Any], hint: Any) -> Editor | None:
        meta, text = f.metadata, str(hint)
        label = meta["label"]
        if f.name == "split":
            if f.default != "all":
                return SplitEditor(label, split_choices(self.context.splits, whole=False))
            return ChoiceEditor(label, split_choices(self.context.splits))
        if f.name == "layer":
            return NamesEditor(label, self.context.layers, "all")
        if meta["choices"]:
            return (ChecksEditor if "tuple[" in text else ChoiceEditor)(label, meta["choices"])
        if hint is bool:
            return SwitchEditor(label)
        if hint is int:
            return WholeEditor(label, meta["minimum"], meta["maximum"], meta["unit"], zero=zero_words(f))
        if hint is float:
            return NumbersEditor(label, "", single=True)
        if text == "float | None":
            return OptionalEditor(label)
        if "CheckpointRef" in text and "tuple" in text:
            return FilesEditor(label)
        if "CheckpointRef" in text:
            return FileEditor(label, CheckpointRef, self.context.checkpoints)
        if "FileRef" in text and "tuple" not in text:
            return FileEditor(label, FileRef)
        if "tuple[int, int]" in text:
            return PairEditor(label, meta["minimum"], meta["maximum"])
        if "tuple[float" in text:
            return NumbersEditor(label)
        return TextEditor(label, empty_words(f)) if hint is str else None

    def _unfold(self, on: bool) -> None:
        self.more.setVisible(on)
        self.fold.setIcon(icon("caret-down" if on else "caret-right"))
        self.fold.setText("Fewer" if on else "More")

    def _changed(self) -> None:
        if "directions" in self.editors:
            chosen = self.editors["directions"].value()
            for name, directions in self.relevant.items():
                for widget in self.rows.get(name, ()):
                    widget.setVisible(chosen in directions)
        self.changed.emit()

    def probe(self) -> Probe:
        """The question that stands in the form."""
        values = {name: editor.value() for name, editor in self.editors.items()}
        if "directions" in values:
            for name, directions in self.relevant.items():
                if name in values and values["directions"] not in directions:
                    values.pop(name)
        return self.kind(**self.hidden, **values)

    def set_probe(self, probe: Probe) -> None:
        """Let a question stand in the form."""
        for f in dataclasses.fields(probe):
            value = getattr(probe, f.name)
            if f.name in self.editors:
                editor = self.editors[f.name]
                editor.blockSignals(True)
                editor.set_value(value)
                editor.blockSignals(False)
            elif f.metadata.get("hidden") and f.name not in self.left:
                self.hidden[f.name] = value
        self._changed()

    def trouble(self) -> str:
        """Why this is no question yet; "" where it is one."""
        try:
            self.probe()
        except LandscapeError as error:
            return str(error)
        return ""


def zero_words(f: dataclasses.Field[Any]) -> str:
    """What stands in a field of whole numbers for 0 where that means all or none."""
    help_ = f.metadata["help"]
    return "" if f.metadata["minimum"] != 0 else "all" if "0 takes all" in help_ else "none" if "0 leaves it out" in help_ else ""


def empty_words(f: dataclasses.Field[Any]) -> str:
    """What stands in an empty field of words: what its help says that emptiness means."""
    return str(f.metadata["help"]).partition("empty: ")[2]


def grid() -> QGridLayout:
    layout = QGridLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(10)
    layout.setVerticalSpacing(7)
    layout.setColumnStretch(1, 1)
    layout.setColumnMinimumWidth(0, LABELS)
    return layout


def split_choices(splits: Mapping[str, int], *, whole: bool = True) -> dict[str, str]:
    """The data's splits with their sizes, and all of them together where a question can be about the whole."""
    named = {name: f"{count:,} examples" if count else name for name, count in splits.items()}
    if not whole:
        return named or {"": "the data"}
    return {"all": "every split, in one pass" if len(named) > 1 else "all", **named}
