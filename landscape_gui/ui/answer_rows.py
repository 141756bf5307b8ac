"""The answers of a document in the library: those about the same other model stand under one row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby

from PySide6.QtWidgets import QTreeWidgetItem

from landscape_gui.ui.documents import Answer, Document
from landscape_gui.ui.library_runs import GROUP, row
from landscape_gui.ui.library_tree import WHAT

WITH = "with "
"""What the words about an answer between two models begin with: "with seed B: linear, 21 points"."""


def other_of(answer: Answer) -> str:
    """The model that an answer connects with; "" where it connects with none, or with several."""
    return answer.detail.removeprefix(WITH).partition(":")[0] if answer.detail.startswith(WITH) else ""


def gathered(answers: Collection[Answer]) -> list[tuple[str, list[Answer]]]:
    """The answers in their order, those about one other model together, where the first of them stood; one alone has no group."""
    others = [other_of(answer) for answer in answers]
    first = {other: number for number, other in reversed(list(enumerate(others))) if others.count(other) > 1 and other}
    placed = sorted(enumerate(answers), key=lambda pair: (first.get(others[pair[0]], pair[0]), pair[0]))
    named = [(others[number] if others[number] in first else "", number, answer) for number, answer in placed]
    return [(other, [answer for *_, answer in rows]) for other, rows in groupby(named, key=lambda one: one[0])]


def fill_answers(top: QTreeWidgetItem, document: Document, sign: dict[str, str], folded: Collection[str]) -> None:
    """Rows for a document's answers. folded: groups that a person has closed."""
    for other, answers in gathered(document.answers):
        above = top
        if other:
            above = row(f"With {other}", f"{len(answers)} answers", "flow-arrow", None)
            above.setData(0, GROUP, other)
            top.addChild(above)
            above.setExpanded(other not in folded)
        for answer in answers:
            above.addChild(answer_row(answer, sign, inside=bool(other)))


def answer_row(answer: Answer, sign: dict[str, str], *, inside: bool) -> QTreeWidgetItem:
    """inside: the other model stands in the row above."""
    when = answer.created.replace("T", " ")[:16]
    detail = answer.detail.partition(": ")[2] if inside else answer.detail
    child = row(answer.title, detail or when, sign.get(answer.probe, "chart-line"), answer)
    child.setToolTip(0, "\n".join(filter(None, (answer.title, answer.detail, when))))
    return child


def answer_items(top: QTreeWidgetItem) -> Iterator[QTreeWidgetItem]:
    """The rows of a document's answers, those in groups too."""
    for k in range(top.childCount()):
        child = top.child(k)
        if child is not None and isinstance(child.data(0, WHAT), Answer):
            yield child
        elif child is not None and child.data(0, GROUP):
            yield from answer_items(child)


def folded_groups(top: QTreeWidgetItem) -> set[str]:
    rows = (child for k in range(top.childCount()) if (child := top.child(k)) is not None)
    return {str(child.data(0, GROUP)) for child in rows if child.data(0, GROUP) and not child.isExpanded()}


def document_above(item: QTreeWidgetItem) -> Document | None:
    """The document whose answer a row stands for."""
    above = item.parent()
    while above is not None and not isinstance(above.data(0, WHAT), Document):
        above = above.parent()
    return above.data(0, WHAT) if above is not None else None
