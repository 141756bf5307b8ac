"""The panel "Paths": every path measured between two models with its barrier, and buttons that ask for better ones."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from landscape_gui.connection_results import ConnectionResult, PathResult
from landscape_gui.connection_texts import DEFINITIONS, TEXTS
from landscape_gui.probes.base import Probe
from landscape_gui.probes.sampling import BATCHNORM, SPLIT_WORDS
from landscape_gui.ui.documents import Inquiry, Shown
from landscape_gui.ui.editors import capital
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import Elided, plain
from landscape_gui.ui.path_rows import NONE, PathList, Row, help_of, row_of, waiting_row
from landscape_gui.ui.session import Session
from landscape_gui.ui.way import Way, paths_of

BETTER: Mapping[str, tuple[str, str, str]] = {
    "bezier": ("Curve", "Bezier curve", "A Bezier curve, trained so that the loss stays low along it (Garipov et al. 2018)"),
    "chain": ("Chain", "polygonal chain", "A polygonal chain, trained likewise: straight from bend to bend"),
    "band": ("Band", "elastic band", "A nudged elastic band, with pivots inserted where the loss is highest (Draxler et al. 2018)"),
    "aligned": (
        "Aligned",
        "aligned line",
        "The straight line after the second model's units were permuted to match the first's (Ainsworth et al. 2023)",
    ),
    "repaired": ("Repaired", "repaired line", "The aligned line with the statistics of its layers repaired (Jordan et al. 2022)"),
}
"""What a button is called, what the path is called until it is known, and what it does."""
MODES = ("recalculated", "frozen", "interpolated")
GAP_WORDS = "Draws the straight line by each way of treating BatchNorm's statistics, so that the gap between them is seen"


class ConnectionPanel(QWidget):
    """Follows what is shown: the paths of a connection stay listed while a plane through them is looked at.

    form_asked: the person wants to change points or budget. plane_asked: the plane through the path that one is on.
    """

    form_asked = Signal()
    plane_asked = Signal()
    chart_asked = Signal()

    def __init__(self, session: Session, way: Way, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.way = session, way
        self.shown: Shown | None = None
        self.colours: Mapping[str, int] = {}
        """Of the paths on the plane that is looked at; empty on their chart, where they have theirs in order."""
        self.superseded: list[Inquiry] = []
        self.setObjectName("connection")
        self.setAccessibleName("Paths between two models")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 10, 0, 10)
        inside.setSpacing(8)
        self.first, self.second = (Elided("", "heading", Qt.TextElideMode.ElideMiddle) for _ in range(2))
        self.distance = plain("", "muted")
        inside.addLayout(padded(self.first, self.second, self.distance))
        inside.addLayout(padded(self._choices()))
        self.paths = PathList()
        self.paths.chosen.connect(self.choose)
        inside.addWidget(self.paths)
        inside.addLayout(padded(plain("Better paths", "section"), self._better()))
        self.modes = self._batchnorm()
        inside.addLayout(padded(self.modes))
        inside.addStretch(1)
        area.setWidget(page)
        column.addWidget(area, 1)
        column.addWidget(self._foot())
        session.inquiries_changed.connect(self.refresh)
        session.inquiries_changed.connect(self._forget_superseded)

    # making

    def _choices(self) -> QWidget:
        """Which definition of the barrier, of which split's loss."""
        box, line = QWidget(), QHBoxLayout()
        box.setLayout(line)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        self.definition, self.split = combo("Definition of the barrier"), combo("Whose loss")
        for number, (name, words) in enumerate(DEFINITIONS.items()):
            self.definition.addItem(capital(TEXTS[name].label.removeprefix("barrier ")), name)
            self.definition.setItemData(number, help_of(name), Qt.ItemDataRole.ToolTipRole)
            self.definition.setItemData(number, words, Qt.ItemDataRole.StatusTipRole)
        kept = self.definition.findData(self.session.settings.text("barrier", "above_line"))
        self.definition.setCurrentIndex(max(kept, 0))
        self.split.setToolTip("The data whose loss the barriers are of; all splits were measured")
        line.addWidget(self.definition, 1)
        line.addWidget(self.split, 1)
        self.definition.activated.connect(self._define)
        self.split.activated.connect(self.refresh)
        self.split.activated.connect(self._look_at)
        self._define()
        return box

    def _look_at(self) -> None:
        """The chart shows the split whose barriers are listed."""
        first = next(iter(self.connection.values()), None)
        chosen = self.split.currentData() or ""
        wanted = "" if first is None or chosen == first.split else f"{chosen}_loss"
        if self.shown is not None and self.session.shown is self.shown:
            self.session.set_look(quantity=wanted, limits=None)

    def _define(self) -> None:
        self.session.settings.set("barrier", self.definition.currentData())
        self.definition.setToolTip(help_of(self.definition.currentData()))
        self.refresh()
        self._mark()

    def _mark(self) -> None:
        """The chart marks the barriers that are listed."""
        self.session.set_look(barrier=self.definition.currentData())

    def _better(self) -> QWidget:
        box, grid = QWidget(), QGridLayout()
        box.setLayout(grid)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        self.buttons: dict[str, QPushButton] = {}
        for number, (name, (text, _, tip)) in enumerate(BETTER.items()):
            button = QPushButton(text)
            button.setObjectName(f"better_{name}")
            button.setToolTip(tip)
            button.clicked.connect(functools.partial(self.more, name))
            grid.addWidget(button, number // 3, number % 3)
            self.buttons[name] = button
        self.tune = QPushButton("Budget …")
        self.tune.setToolTip("Points, steps or seconds, bends, learning rate, data: the question's own form")
        self.tune.clicked.connect(self.form_asked)
        grid.addWidget(self.tune, 1, 2)
        return box

    def _batchnorm(self) -> QWidget:
        box, line = QWidget(), QHBoxLayout()
        box.setLayout(line)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        label = QLabel("BatchNorm")
        self.batchnorm, self.gap = combo("What happens to BatchNorm's statistics on the way"), QCheckBox("Show the gap")
        for number, mode in enumerate(MODES):
            self.batchnorm.addItem(capital(mode), mode)
            self.batchnorm.setItemData(number, BATCHNORM[mode], Qt.ItemDataRole.ToolTipRole)
        self.gap.setToolTip(GAP_WORDS)
        label.setBuddy(self.batchnorm)
        for widget, stretch in ((label, 0), (self.batchnorm, 1), (self.gap, 0)):
            line.addWidget(widget, stretch)
        self.batchnorm.activated.connect(lambda: self._change(batchnorm=self.batchnorm.currentData()))
        self.gap.clicked.connect(lambda on: self._change(compare_batchnorm=on))
        return box

    def _foot(self) -> QFrame:
        foot = QFrame()
        foot.setObjectName("foot")
        line = QHBoxLayout(foot)
        line.setContentsMargins(12, 8, 12, 10)
        self.chart, self.plane = QPushButton(icon("chart-line"), " Chart"), QPushButton(icon("waves"), " Plane")
        self.chart.setToolTip("The paths' losses over t")
        self.plane.setToolTip("The plane that holds both models and the bend of the chosen path, with all paths drawn in it")
        self.chart.clicked.connect(self.chart_asked)
        self.plane.clicked.connect(self.plane_asked)
        for button in (self.chart, self.plane):
            line.addWidget(button)
        return foot

    # what is shown

    @property
    def connection(self) -> Mapping[str, PathResult]:
        return paths_of(self.shown.result) if self.shown is not None else {}

    @property
    def asked(self) -> tuple[str, ...]:
        """The paths of the question, those that are not known yet too."""
        path: Any = getattr(self.newest, "path", ())
        return (path,) if isinstance(path, str) else tuple(path)

    @property
    def newest(self) -> Probe | None:
        """The question about these two models that was put last: that of what is shown, or one that nothing is known of yet."""
        shown, followed = self.shown, self.session.followed
        if shown is None or followed is None or not followed.live or followed.document is not shown.document:
            return shown.probe if shown is not None else None
        ends: list[Any] = [getattr(probe, "towards", None) for probe in (shown.probe, followed.probe)]
        return followed.probe if type(followed.probe) is type(shown.probe) and ends[0] == ends[1] else shown.probe

    @property
    def running(self) -> bool:
        """Whether the question that was put last is still being answered, or waits."""
        shown, newest = self.shown, self.newest
        return shown is not None and any(
            i.live and i.document is shown.document and i.probe == newest for i in self.session.inquiries
        )

    def offers(self, name: str) -> bool:
        """Whether a path can be asked for: it was not, or it was cancelled on the way."""
        known = self.connection.get(name)
        return name not in self.asked or (not self.running and (known is None or not known.complete))

    def show_connection(self, shown: Shown | None) -> None:
        """Another connection, or more of it. The path that one is on stays while it is there."""
        self.shown, self.colours = shown, {}
        self.refresh()
        paths = self.connection
        path = self.way.path if self.way.path in paths else next(iter(paths), "")
        self.way.follow(shown, path)
        self._look_at()

    def show_plane(self, colours: Mapping[str, int]) -> None:
        """A plane with these paths is looked at."""
        self.colours = colours
        self.refresh()

    def choose(self, name: str) -> None:
        """Be on another path."""
        if name in self.connection:
            self.way.follow(self.shown, name)
            self.refresh()

    def refresh(self) -> None:
        if self.shown is None or not hasattr(self, "paths"):
            return
        result = self.shown.result
        paths = self.connection
        names = tuple(getattr(result, "names", ())) or ("A", "B")
        self.first.setText(names[0])
        self.second.setText(f"\N{LEFT RIGHT ARROW} {names[-1]}")
        distance = float(getattr(result, "end_distance", math.nan))
        self._offer_splits(paths)
        split, definition = self.split.currentData() or "", self.definition.currentData()
        unit = next((p.quantities[f"{split}_loss"].unit for p in paths.values() if f"{split}_loss" in p.quantities), "")
        asks = self.shown.document.problem is not None
        unknown = "measuring the ends \N{HORIZONTAL ELLIPSIS}" if asks else "distance unknown"
        told = f"{distance:.4g} apart" if math.isfinite(distance) else unknown
        self.distance.setText(f"{told}  \N{MIDDLE DOT}  barriers in {unit}" if unit else told)
        colours = self.colours or {name: number for number, name in enumerate(paths)}
        how = {"split": split, "definition": definition, "distance": distance, "running": self.running}
        rows = [row_of(path, colours.get(name, NONE), **how) for name, path in paths.items()]
        self.paths.show_rows([*rows, *(self._waiting(paths) if asks else [])], self.way.path)
        self._enable()

    def _waiting(self, paths: Mapping[str, PathResult]) -> list[Row]:
        missing = [name for name in self.asked if name not in paths]
        words = [BETTER.get(name, ("", name, ""))[1] for name in missing]
        return [waiting_row(n, words[k], len(paths) + k, running=self.running) for k, n in enumerate(missing)]

    def _offer_splits(self, paths: Mapping[str, PathResult]) -> None:
        """The splits that were measured; the one that the question names first."""
        first = next(iter(paths.values()), None)
        splits = [name.removesuffix("_loss") for name in first.quantities if name.endswith("_loss")] if first is not None else []
        if [self.split.itemData(k) for k in range(self.split.count())] == splits:
            return
        chosen = self.split.currentData() or (first.split if first is not None else "")
        self.split.clear()
        for split in splits:
            self.split.addItem(f"{capital(SPLIT_WORDS.get(split, split))} loss", split)
        self.split.setCurrentIndex(max(0, self.split.findData(chosen)))

    def _enable(self) -> None:
        shown = self.shown
        problem = shown.document.problem if shown is not None else None
        alive = problem is not None and shown is not None and hasattr(shown.probe, "path")
        for name, button in self.buttons.items():
            button.setEnabled(alive and self.offers(name))
        self.tune.setEnabled(alive)
        kinds = self.session.services.probes()
        path = self.way.measured
        self.plane.setEnabled(alive and "path-plane" in kinds and path is not None)
        self.modes.setVisible(bool(getattr(problem, "has_batchnorm", False)))
        probe: Any = self.newest
        mode = getattr(probe, "batchnorm", "auto")
        self.batchnorm.setCurrentIndex(max(0, self.batchnorm.findData("recalculated" if mode == "auto" else mode)))
        self.gap.setVisible(hasattr(probe, "compare_batchnorm"))
        blocker = QSignalBlocker(self.gap)
        self.gap.setChecked(bool(getattr(probe, "compare_batchnorm", False)))
        blocker.unblock()

    # asking

    def more(self, name: str, checked: bool = False) -> None:
        """Ask for another path beside those that there are; what is being trained goes on in the new question."""
        if self.offers(name):
            self._change(path=self.asked if name in self.asked else (*self.asked, name))

    def _change(self, **fields: Any) -> None:
        """Ask the same question with other fields. A narrower one that is still running is given up for it: what it has found by
        then is gone on from."""
        shown, newest = self.shown, self.newest
        if shown is None or newest is None:
            return
        probe = dataclasses.replace(newest, **fields)
        for inquiry in list(self.session.inquiries):
            if inquiry.live and inquiry.document is shown.document and narrower(inquiry.probe, probe):
                self.superseded.append(inquiry)
                self.session.cancel(inquiry)
        self.session.ask(probe, shown.document)

    def _forget_superseded(self) -> None:
        """Questions that were given up for a wider one say nothing in the list of jobs."""
        ended = [inquiry for inquiry in self.superseded if not inquiry.live]
        self.superseded = [inquiry for inquiry in self.superseded if inquiry.live]
        for inquiry in ended:
            self.session.forget(inquiry)


def narrower(before: Probe, after: Probe) -> bool:
    """Whether a question asks for some of the paths that another asks for, and for nothing else."""
    paths = getattr(before, "path", ()), getattr(after, "path", ())
    if type(before) is not type(after) or not all(isinstance(p, tuple) for p in paths) or not set(paths[0]) < set(paths[1]):
        return False
    return dataclasses.replace(before, path=paths[1]) == after  # type: ignore[call-arg]


def is_connection(result: object) -> bool:
    return isinstance(result, ConnectionResult | PathResult)


def combo(label: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(label)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    return box


def padded(*widgets: QWidget) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(12, 0, 12, 0)
    column.setSpacing(4)
    for widget in widgets:
        column.addWidget(widget)
    return column
