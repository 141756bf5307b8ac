"""Connecting models: which go together, opening the first where it is not open yet, and putting the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from landscape_gui.errors import LandscapeError
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.ui.documents import Document, Message, message_of
from landscape_gui.ui.library_tree import Model
from landscape_gui.ui.session import Session
from landscape_gui.ui.worker import Outcome, Task

HOW = "Drag one model onto another in the library, or select two (Ctrl+click) and choose Connect."


QUESTIONS = {
    "connect": "connects two models",
    "barriers": "compares several models",
    "instability": "compares two runs",
    "dynamics": "shows how several runs were trained",
}
"""What each kind of question does, in words."""


@dataclass(eq=False)
class Wish:
    """Models that are to be connected once all of those that are being opened are there."""

    first: Document
    others: tuple[Model, ...]
    kind: str
    """Which question is put: one of `QUESTIONS`."""

    def waits(self, opened: Sequence[Document]) -> bool:
        """Whether one of those that are open is not ready yet; one that was closed meanwhile never will be."""
        return any(isinstance(m, Document) and m.state == "opening" and m in opened for m in (self.first, *self.others))


class Connecting(QObject):
    """Two models are asked about the path between them, more about the barriers between every two. Whatever does not go is said."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.wishes: list[Wish] = []
        session.documents_changed.connect(self._look)

    def words(self, models: Sequence[Model], target: Model | None) -> tuple[str, bool]:
        """What letting models go on a target would do, and whether it can be done as far as is known by now."""
        names = [name_of(m) for m in models]
        if target is None:
            return f"Let {names[0] if len(names) == 1 else 'them'} go on another model, to connect them.", False
        others = [m for m in models if not same(m, target)]
        if not others:
            return f"{name_of(target)} cannot be connected with itself: choose another model.", False
        for model in (*others, target):
            problem = unfit(model) or misfit(others[0], model)
            if problem:
                return problem, False
        if len(others) > 1:
            return f"Barriers between {len(others) + 1} models: {', '.join(map(name_of, others))} and {name_of(target)}", True
        return f"Connect {name_of(others[0])} with {name_of(target)}", True

    def drop(self, models: Sequence[Model], target: Model | None) -> None:
        """Models were let go on another."""
        if target is None:
            self._say("Nothing was connected: no model is there.", HOW)
        else:
            self.connect_models([*models, target])

    def connect_models(self, models: Sequence[Model], kind: str = "") -> None:
        """Ask about the path from the first to the second, or the barriers between all; kind: one of QUESTIONS, "" by number."""
        chosen: list[Model] = []
        for model in models:
            if not any(same(model, known) for known in chosen):
                chosen.append(model)
        if len(chosen) < 2:
            alone = f"{name_of(chosen[0])} cannot be connected with itself." if len(models) > 1 else "Two models are needed."
            self._say(alone, HOW)
            return
        wrong = next((w for m in chosen if (w := unfit(m) or misfit(chosen[0], m))), "")
        if wrong:
            self._say(wrong, "Choose two checkpoints of one architecture.")
            return
        first = chosen[0]
        document = first if isinstance(first, Document) else self.session.open([first], asks=False)[0]
        document.asks = False  # the connection is what is wanted now
        self.wishes.append(Wish(document, tuple(chosen[1:]), kind or ("connect" if len(chosen) == 2 else "barriers")))
        self._look()

    def connect_selected(self, models: Sequence[Model]) -> None:
        """Those that are selected; where that is one or none, those that are open if they are two."""
        opened = self._opened()
        self.connect_models(models if len(models) > 1 or len(opened) != 2 else opened)

    def table_of(self, models: Sequence[Model]) -> None:
        """Barriers between every two of those that are selected; where that is one or none, of all that are open."""
        self.connect_models(models if len(models) > 1 else self._opened(), "barriers")

    def runs_of(self, models: Sequence[Model]) -> None:
        """The barrier between the runs of two models, epoch by epoch; of the two that are open where none are selected."""
        chosen = list(models) if len(models) > 1 else self._opened()
        if len(chosen) != 2:
            self._say("Two runs are needed.", "Select a model of each of them (Ctrl+click).")
            return
        self.connect_models(chosen, "instability")

    def dynamics_of(self, models: Sequence[Model]) -> None:
        """How the runs of the selected models were trained, on one axis; of those that are open where none are selected."""
        chosen = list(models) if len(models) > 1 else self._opened()
        kind = self.session.services.probes().get("dynamics")
        if len(chosen) != 1 or kind is None:
            self.connect_models(chosen, "dynamics")
        elif isinstance(chosen[0], Document):
            self.session.select(chosen[0])
            self.session.ask(kind(), chosen[0], first=True)

    def _opened(self) -> list[Document]:
        return [d for d in self.session.documents if not unfit(d)]

    def _look(self) -> None:
        for wish in [w for w in self.wishes if not w.waits(self.session.documents)]:
            if wish in self.wishes:
                self.wishes.remove(wish)
                self._begin(wish)

    def _begin(self, wish: Wish) -> None:
        """Read the others against the first one's architecture, in the helper's thread, then ask."""
        wrong = next((w for m in (wish.first, *wish.others) if (w := unfit(m))), "")
        if wrong or wish.first not in self.session.documents:
            self._say(wrong or f"{wish.first.name} was closed.", HOW)
            return
        problem, paths = wish.first.problem, [path_of(m) for m in wish.others]

        def done(outcome: Outcome) -> None:
            if outcome.error is not None:
                self.session.said.emit(message_of(outcome.error, where="connect"))
            else:
                self._ask(wish, outcome.value)

        self.session.helper.submit(Task(lambda: [problem.reference(p) for p in paths], done, name="connect"))

    def _ask(self, wish: Wish, references: list[CheckpointRef]) -> None:
        kinds, first = self.session.services.probes(), wish.first
        digest = getattr(first.problem.checkpoint, "digest", "")
        twin = next((m for m, r in zip(wish.others, references, strict=True) if r.digest and r.digest == digest), None)
        if twin is not None and wish.kind == "connect":
            self._say(f"{first.name} and {name_of(twin)} hold the same weights: there is nothing between them.", "Choose another.")
            return
        kind = kinds.get(wish.kind)
        if kind is None:
            self._say(f"There is no question here that {QUESTIONS[wish.kind]}.")
            return
        several = {"barriers": "others", "dynamics": "against"}.get(wish.kind)
        fields: dict[str, Any] = {several: tuple(references)} if several else {"towards": references[0]}
        try:
            probe = kind(**fields)
        except LandscapeError as error:
            self.session.said.emit(message_of(error))
            return
        told = elsewhere(first, wish.others)
        if told:
            self.session.said.emit(Message(level="info", text=told))
        self.session.select(first)
        self.session.ask(probe, first, first=True)

    def _say(self, text: str, remedy: str = "") -> None:
        self.session.said.emit(Message(level="warning", text=text, remedy=remedy))


def same(a: Model, b: Model) -> bool:
    """Whether two rows stand for one file."""
    return a is b or path_of(a) == path_of(b)


def path_of(model: Model) -> str:
    """The file of a model's weights; what was opened where that is not known yet."""
    if isinstance(model, str):
        return model
    place = getattr(getattr(model.problem, "checkpoint", None), "path", None)
    return str(place) if place is not None else model.path


def name_of(model: Model) -> str:
    if isinstance(model, Document):
        return model.name
    place = Path(model)
    return f"{place.parent.name}/{place.stem}"


def unfit(model: Model) -> str:
    """Why a row cannot be connected with any other; "" where it can, or where that is not known yet."""
    if isinstance(model, str) or model.state == "opening":
        return ""
    if model.composed is not None:
        return f"{model.name} is a figure."
    if model.is_answer:
        return f"{model.name} is an answer without its model."
    return "" if model.problem is not None else f"{model.name} could not be opened."


def misfit(a: Model, b: Model) -> str:
    """Why two open models do not go together: the first tensor that differs, or what computes with them; "" where they do, or where
    that is not known yet."""
    layouts = [getattr(m.problem, "layout", None) for m in (a, b) if isinstance(m, Document)]
    if len(layouts) < 2 or any(getattr(layout, "segments", None) is None for layout in layouts):
        return ""
    first, second = ({s.name: tuple(s.shape) for s in layout.segments} for layout in layouts)  # type: ignore[union-attr]
    names = f"{name_of(a)} and {name_of(b)} are different architectures"
    for name in [*first, *(n for n in second if n not in first)]:
        one, other = first.get(name), second.get(name)
        if one != other:
            shapes = [f"of shape {list(shape)}" if shape is not None else "missing" for shape in (one, other)]
            return f"{names}: {name} is {shapes[0]} in the first and {shapes[1]} in the second."
    nets = [told_of(m, "model") for m in (a, b)]
    return f"{names} with tensors of the same names: {nets[0]}; {nets[1]}." if all(nets) and nets[0] != nets[1] else ""


def told_of(model: Model, what: str) -> str:
    """What a model's problem says of its network or data; "" where it says nothing."""
    told: Any = (getattr(model.problem, "description", None) or {}).get(what, "") if isinstance(model, Document) else ""
    return str(told.get("digest", "")) if isinstance(told, dict) else str(told)


def elsewhere(first: Document, others: Sequence[Model]) -> str:
    """A sentence where a model was opened with other data than the first one, on whose data all are measured."""
    own = told_of(first, "data")
    other = next((m for m in others if own and told_of(m, "data") not in ("", own)), None)
    return (
        f"{name_of(other)} was opened with other data: all are measured on the data of {first.name}." if other is not None else ""
    )
