"""The left of the export dialog: what the file will be, how it will be seen, and what is wrong with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QResizeEvent, QTextOption
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from landscape_gui.export.apart import Picture
from landscape_gui.page_setup import INCHES, PageSetup
from landscape_gui.ui import theme
from landscape_gui.ui.editors import ChoiceBox
from landscape_gui.ui.exporting import size_words
from landscape_gui.ui.icons import icon
from landscape_gui.ui.page_fields import chooser
from landscape_gui.ui.page_view import PageView, Zoom
from landscape_gui.ui.panel import empty, plain

ZOOMS: dict[Zoom, tuple[str, str]] = {
    "fit": ("Fi&t", "As large as there is room"),
    "real": ("&100 %", "As large as it will be printed, by what the screen says of its own size"),
    "page": ("On the pa&ge", "Where it stands on a page of the venue, among the text"),
}
VISIONS = {
    "": "In colour",
    "grey": "Grey print",
    "deuteranopia": "Deuteranopia: red-green blind, green receptors missing",
    "protanopia": "Protanopia: red-green blind, red receptors missing",
    "tritanopia": "Tritanopia: blue-yellow blind",
}
LONG = 300
"""Characters of a text's first line beyond which its lines are broken."""
WELL = "Letters, lines and colours can be read in print, in grey, and by colour-blind readers."


class ExportPreview(QWidget):
    """`resized`: a picture of another size is wanted."""

    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = PageView()
        self.view.resized.connect(self.resized)
        self.text = QPlainTextEdit()
        self.text.setObjectName("preview_text")
        self.text.setReadOnly(True)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setStyleSheet("QPlainTextEdit { border: none; background: transparent; }")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("Preview of the text")
        self.text.setTabChangesFocus(True)
        self.words = plain("Drawing \N{HORIZONTAL ELLIPSIS}", "muted")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setContentsMargins(40, 0, 40, 0)
        self.pages = QStackedWidget()
        for page in (self.words, self.view, self.text):
            self.pages.addWidget(page)
        frame = QFrame()
        frame.setObjectName("card")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.pages)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._bar())
        column.addWidget(frame, 1)
        self.facts = plain("", "muted")
        self.facts.setAccessibleName("Size of the file")
        column.addWidget(self.facts)
        self.concerns = Concerns()
        column.addWidget(self.concerns)

    def _bar(self) -> QWidget:
        self.bar = QWidget()
        line = QHBoxLayout(self.bar)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(2)
        self.zoom_box = QWidget()
        zooms = QHBoxLayout(self.zoom_box)
        zooms.setContentsMargins(0, 0, 0, 0)
        zooms.setSpacing(2)
        line.addWidget(self.zoom_box)
        self.zooms = QButtonGroup(self)
        self.zoom_buttons: dict[Zoom, QToolButton] = {}
        for zoom, (text, tip) in ZOOMS.items():
            button = self.zoom_buttons[zoom] = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(lambda _=False, zoom=zoom: self.set_zoom(zoom))
            self.zooms.addButton(button)
            zooms.addWidget(button)
        self.zoom_buttons["fit"].setChecked(True)
        self.busy = plain("", "muted", wrap=False)
        line.addSpacing(12)
        line.addWidget(self.busy)
        line.addStretch(1)
        label = plain("See&n", "muted", wrap=False)
        items = [(words, name) for name, words in VISIONS.items()]
        self.vision = chooser("vision", "How the preview is seen", items, ChoiceBox())
        self.vision.setMinimumContentsLength(12)
        self.vision.setToolTip(
            "The preview in grey print, or as colour-blind readers see it (Machado et al. 2009); the file stays as it is"
        )
        self.vision.view().setMinimumWidth(self.vision.view().sizeHintForColumn(0) + 28)
        self.vision.currentIndexChanged.connect(lambda: self.view.set_vision(str(self.vision.currentData())))
        label.setBuddy(self.vision)
        line.addWidget(label)
        line.addSpacing(6)
        line.addWidget(self.vision)
        return self.bar

    def set_zoom(self, zoom: Zoom) -> None:
        self.zoom_buttons[zoom].setChecked(True)
        self.view.set_zoom(zoom)
        self.resized.emit()

    def lay_on_page(self, on: bool) -> None:
        """Whether what is shown lies on a page, as large as was chosen; what does not, a mesh, is as large as there is room."""
        self.zoom_box.setVisible(on)
        chosen = next(zoom for zoom, button in self.zoom_buttons.items() if button.isChecked())
        self.view.set_zoom(chosen if on else "fit")

    # what is shown

    def begin(self) -> None:
        self.busy.setText("Drawing \N{HORIZONTAL ELLIPSIS}")

    def show_picture(self, picture: Picture) -> None:
        self.busy.setText("")
        self.bar.setEnabled(True)
        self.view.show_picture(picture)
        self.pages.setCurrentWidget(self.view)

    def show_text(self, text: str) -> None:
        self.busy.setText("")
        long = len(text.partition("\n")[0]) > LONG
        self.text.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if long else QTextOption.WrapMode.NoWrap)
        self.text.setPlainText(text)
        self.pages.setCurrentWidget(self.text)

    def show_words(self, words: str) -> None:
        """A sentence where there is nothing to be seen."""
        self.busy.setText("")
        self.words.setText(words)
        self.pages.setCurrentWidget(self.words)

    def show_facts(self, text: str) -> None:
        self.facts.setText(text)


class Concerns(QScrollArea):
    """Sentences, a line or more each; the last may have to be scrolled to."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("concerns")
        self.setAccessibleName("What a reader may not see")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.inside = QWidget()
        self.column = QVBoxLayout(self.inside)
        self.column.setContentsMargins(0, 0, 6, 0)
        self.column.setSpacing(4)
        self.setWidget(self.inside)
        self.sentences: tuple[str, ...] | None = None
        self.show_sentences(None)

    def show_sentences(self, sentences: tuple[str, ...] | None) -> None:
        """None: nothing is known yet, which is no praise."""
        self.sentences = sentences
        empty(self.column)
        for sentence in sentences or ():
            self.column.addWidget(Concern(sentence, well=False))
        if sentences == ():
            self.column.addWidget(Concern(WELL, well=True))
        self.column.addStretch(1)
        self._fit()

    def _fit(self) -> None:
        """As high as its sentences are, wrapped as they must be."""
        needed = self.column.totalHeightForWidth(self.viewport().width()) if self.sentences is not None else LINE
        self.setFixedHeight(max(LINE, min(needed, HIGHEST)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


LINE, HIGHEST = 20, 96
"""Pixels of a sentence, and of all that are seen at once."""


class Concern(QWidget):
    def __init__(self, sentence: str, *, well: bool) -> None:
        super().__init__()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(7)
        colours = theme.current()
        sign = QLabel()
        sign.setPixmap(icon("check-circle" if well else "warning", colours.muted if well else colours.warning).pixmap(16, 16))
        line.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        words = plain(sentence, "muted" if well else "")
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line.addWidget(words, 1)


def page_words(picture: Picture, setup: PageSetup, unit: str, *, pixels: bool, inside: bool) -> str:
    """Size of the page, and its pixels, or those `inside` it."""
    digits = {"in": 3, "cm": 3, "mm": 4, "pt": 4}[unit]
    size = " \N{MULTIPLICATION SIGN} ".join(f"{side / INCHES[unit]:.{digits}g}" for side in (picture.width, picture.height))
    across, down = (int(side * setup.dpi + 1e-6) for side in (picture.width, picture.height))
    count = f"{across:,} \N{MULTIPLICATION SIGN} {down:,} pixels"
    more = count if pixels else f"surface in pixels at {setup.dpi:g} dpi" if inside else ""
    return "  \N{MIDDLE DOT}  ".join(filter(None, (f"{size} {unit}", more)))


def bytes_words(count: float, *, exact: bool) -> str:
    return size_words(count) if exact else f"about {size_words(float(f'{count:.2g}'))}"
