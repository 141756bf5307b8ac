"""How data are read: normalisation, size of images, a table's target, tokens in an example; shown where they apply."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from landscape_gui.data_choice import NONE, DataChoice, Preview, Tried
from landscape_gui.ui.editors import spin
from landscape_gui.ui.panel import plain
from landscape_gui.ui.resize_box import ResizeBox

NAMES = {
    "": "the checkpoint's own",
    NONE: "none",
    "mnist": "MNIST's",
    "cifar10": "CIFAR-10's",
    "cifar100": "CIFAR-100's",
    "imagenet": "ImageNet's",
    "half": "from -1 to 1",
    "standard": "these data's own",
}
ALWAYS = (NONE, "mnist", "cifar10", "cifar100", "imagenet", "half", "standard")
IMAGES, TABLES, TEXTS = (
    frozenset({".zip", ""}),
    frozenset({".csv", ".tsv", ".parquet", ".arrow"}),
    frozenset({".txt", ".bin", ".npy"}),
)


class DataFields(QWidget):
    changed = Signal()
    """A person changed one of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("data_fields")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(20)
        self.normalise = QComboBox()
        self.normalise.setObjectName("normalise")
        self.normalise.setMinimumWidth(230)
        self.normalise.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.size_box = spin(0, 4096)
        self.size_box.setSpecialValueText("as they are")
        self.size_box.setSuffix(" px")
        self.resize_box = ResizeBox()
        self.target = QComboBox()
        self.target.setEditable(True)
        self.target.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.target.setMinimumWidth(150)
        self.block = spin(0, 1 << 20)
        self.block.setSpecialValueText("as usual")
        self.block.setMinimumWidth(130)
        self.groups: dict[QWidget, QWidget] = {}
        for name, field in (
            ("Normalisation", self.normalise),
            ("Images' sides", self.size_box),
            ("Resized to", self.resize_box),
            ("Target", self.target),
            ("Tokens in an example", self.block),
        ):
            self.groups[field] = group = QWidget()
            field.setAccessibleName(name)
            pair = QHBoxLayout(group)
            pair.setContentsMargins(0, 0, 0, 0)
            pair.setSpacing(8)
            pair.addWidget(plain(name, "muted", wrap=False))
            pair.addWidget(field)
            line.addWidget(group)
        line.addStretch(1)
        self._fill(())
        self.normalise.activated.connect(lambda: self.changed.emit())
        self.target.activated.connect(lambda: self.changed.emit())
        self.resize_box.chosen.connect(lambda: self.changed.emit())
        line_edit = self.target.lineEdit()
        assert line_edit is not None
        line_edit.editingFinished.connect(self._target_typed)
        self._told = ""
        self._sized = False
        """Whether images have a size of the network's own where none stands here."""
        for box in (self.size_box, self.block):
            box.valueChanged.connect(lambda: self.changed.emit())
        self._apply(())

    def choice(self, path: str) -> DataChoice:
        """What stands here, for data at a path."""
        shown = [field for field, group in self.groups.items() if not group.isHidden()]
        return DataChoice(
            path=path,
            normalise=str(self.normalise.currentData() or ""),
            size=self.size_box.value() if self.size_box in shown else 0,
            resize=self.resize_box.value if self.resize_box in shown and (self.size_box.value() or self._sized) else "",
            target=self.target.currentText().strip() if self.target in shown else "",
            block=self.block.value() if self.block in shown else 0,
        )

    def show_choice(self, choice: DataChoice) -> None:
        """What was chosen for these data before; the fields that their name lets expect."""
        place = Path(choice.path).expanduser()
        suffix = "" if place.is_dir() else place.suffix.lower()
        fields: list[QWidget] = [self.normalise]
        fields += [self.size_box] if suffix in IMAGES or choice.size else []
        fields += [self.resize_box] if choice.size else []
        fields += [self.target] if suffix in TABLES or choice.target else []
        fields += [self.block] if suffix in TEXTS or choice.block else []
        self._put(choice)
        self._apply(fields)

    def show_preview(self, seen: Preview) -> None:
        """What was found in the data: only fields that say something of them, and each normalisation with how it fares."""
        self._fill(seen.tried)
        self._sized = bool(seen.resize) and not seen.choice.size
        self._put(replace(seen.choice, normalise=seen.normalise), "" if seen.choice.resize else seen.resize)
        fields: list[QWidget] = [self.normalise] if seen.kind != "texts" and (seen.tried or seen.choice.normalise) else []
        fields += [self.size_box] if seen.kind == "images" else []
        fields += [self.resize_box] if seen.kind == "images" and seen.resize else []
        fields += [self.target] if seen.columns else []
        fields += [self.block] if seen.kind == "texts" else []
        self.block.setSpecialValueText(f"as usual ({seen.block})" if seen.block and not seen.choice.block else "as usual")
        if seen.columns:
            self._columns(seen)
        self._apply(fields)

    def choose_normalisation(self, name: str) -> None:
        index = self.normalise.findData(name)
        if index >= 0 and index != self.normalise.currentIndex():
            self.normalise.setCurrentIndex(index)
            self.changed.emit()

    def _columns(self, seen: Preview) -> None:
        with QSignalBlocker(self.target):
            self.target.clear()
            self.target.addItems(list(seen.columns))
            self.target.setCurrentText(seen.choice.target or seen.target)
        self._told = self.target.currentText()

    def _target_typed(self) -> None:
        if self.target.currentText() != self._told:
            self._told = self.target.currentText()
            self.changed.emit()

    def _put(self, choice: DataChoice, usual: str = "") -> None:
        name = choice.normalise
        with QSignalBlocker(self.normalise), QSignalBlocker(self.size_box), QSignalBlocker(self.block), QSignalBlocker(self.target):
            if self.normalise.findData(name) < 0:
                self.normalise.addItem(NAMES.get(name, name), name)
            self.normalise.setCurrentIndex(self.normalise.findData(name))
            self.size_box.setValue(choice.size)
            self.resize_box.show_value(choice.resize, usual)
            self.block.setValue(choice.block)
            self.target.setCurrentText(choice.target)

    def _fill(self, tried: tuple[Tried, ...]) -> None:
        known = {t.name: t for t in tried}
        with QSignalBlocker(self.normalise):
            self.normalise.clear()
            if not tried:
                self.normalise.addItem(f"{NAMES['']}, else none", "")
            for name in dict.fromkeys((*(ALWAYS if not tried else ()), *known)):
                self.normalise.addItem(NAMES.get(name, name) + measured(known.get(name)), name)

    def _apply(self, fields: Collection[QWidget]) -> None:
        for field, group in self.groups.items():
            group.setVisible(field in fields)


def measured(tried: Tried | None) -> str:
    """ ": 97.3 % right", or the loss where nothing is right or wrong."""
    if tried is None or tried.loss != tried.loss:
        return ""
    return f":  {100 * tried.accuracy:.1f} % right" if tried.accuracy == tried.accuracy else f":  loss {tried.loss:.4g}"
