"""What is seen of data before anything is computed: nine examples, splits and classes, and how the network fares on a few."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from landscape_gui.data_choice import NONE, Preview
from landscape_gui.ui.balance_bars import BalanceBars
from landscape_gui.ui.data_fields import NAMES
from landscape_gui.ui.example_tiles import ExampleTiles
from landscape_gui.ui.panel import breakable, plain

MOST_NATS = 50.0
"""Losses from which a perplexity says nothing any more."""


class PreviewPage(QWidget):
    normalisation_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 4, 0, 0)
        line.setSpacing(22)
        self.tiles = ExampleTiles()
        line.addWidget(self.tiles, 3)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(6)
        self.what, self.fares, self.doubt = plain(""), plain(""), plain("", "warning")
        self.better = QPushButton("")
        self.better.setObjectName("link")
        self.better.setAutoDefault(False)
        self.better.setCursor(Qt.CursorShape.PointingHandCursor)
        self.better.clicked.connect(self._take_better)
        self.classes_title, self.classes, self.balance = plain("Classes", "section"), plain("", "muted"), BalanceBars()
        self.notes_title, self.notes = plain("How they are read", "section"), plain("", "muted")
        for title, parts in (
            (plain("Data", "section"), (self.what,)),
            (plain("What the network says of them", "section"), (self.fares, self.doubt, self.better)),
            (self.classes_title, (self.classes, self.balance)),
            (self.notes_title, (self.notes,)),
        ):
            column.addWidget(title)
            for part in parts:
                column.addWidget(part)
            column.addSpacing(8)
        column.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(side)
        line.addWidget(self.area, 2)
        self.seen: Preview | None = None

    def show_preview(self, seen: Preview) -> None:
        self.seen = seen
        self.tiles.show_examples(seen.examples)
        self.what.setText(what_they_are(seen))
        self.fares.setText(how_it_fares(seen))
        doubt, better = doubt_of(seen), seen.better
        self.doubt.setText(doubt)
        self.doubt.setVisible(bool(doubt))
        self.better.setVisible(better is not None)
        if better is not None:
            self.better.setText(
                f"Take {NAMES.get(better.name, better.name)} normalisation: {in_figures(better.loss, better.accuracy)}"
            )
        for widget in (self.classes_title, self.classes, self.balance):
            widget.setVisible(bool(seen.counts))
        self.balance.show_counts(seen.counts, seen.classes)
        self.classes.setText(f"{self.balance.sentence}, in {next(iter(seen.splits), 'data')}." if seen.counts else "")
        notes = "\n".join(breakable(note) for note in seen.notes)
        self.notes.setText(notes)
        self.notes_title.setVisible(bool(notes))

    def set_busy(self, busy: bool) -> None:
        """The numbers are of what was chosen before, while another choice is looked at."""
        self.setEnabled(not busy)
        if busy:
            self.fares.setText("Reading …")

    def let_go(self) -> None:
        """Keep what is shown, without the problem."""
        if self.seen is not None:
            self.seen = replace(self.seen, problem=None)

    def _take_better(self) -> None:
        better = self.seen.better if self.seen is not None else None
        if better is not None:
            self.normalisation_chosen.emit(better.name)


def what_they_are(seen: Preview) -> str:
    """ "train 60,000, test 10,000 examples of 1 × 28 × 28"."""
    splits = ", ".join(f"{name} {count:,}" if len(seen.splits) > 1 else f"{count:,}" for name, count in seen.splits.items())
    shape = " × ".join(f"{side:,}" for side in seen.shape)
    if seen.kind == "texts":
        return f"{splits} blocks of {shape} tokens"
    return f"{splits} examples" + (f" of {shape}" if shape else "") + (" values" if len(seen.shape) == 1 else "")


def how_it_fares(seen: Preview) -> str:
    now = seen.now
    if now is None or now.loss != now.loss:
        return "Loss and accuracy are computed when these data are used."
    many = f"the tokens of {seen.few:,} blocks" if seen.kind == "texts" else f"{seen.few:,} examples"
    perplexity = f", perplexity {math.exp(now.loss):.4g}" if seen.kind == "texts" and now.loss < MOST_NATS else ""
    return f"Of {many}: {in_figures(now.loss, now.accuracy)}{perplexity}."


def in_figures(loss: float, accuracy: float) -> str:
    right = f"{100 * accuracy:.1f} % right, " if accuracy == accuracy else ""
    return f"{right}loss {loss:.4g}"


def doubt_of(seen: Preview) -> str:
    """A sentence where the network does no better than always naming the commonest class."""
    now = seen.now
    if now is None or now.accuracy != now.accuracy or len(seen.counts) < 2:
        return ""
    chance = max(seen.counts) / max(sum(seen.counts), 1)
    slack = 3 * (chance * (1 - chance) / max(seen.few, 1)) ** 0.5
    if now.accuracy > chance + slack:
        return ""
    other = "" if seen.normalise != NONE else " Were inputs normalised in training?"
    return f"That is chance: other data, classes in another order, or not trained yet?{other}"
