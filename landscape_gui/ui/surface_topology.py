"""From a surface that is shown to the question about its topology; of one that came without its model, to the answer itself."""

from __future__ import annotations

import dataclasses
from typing import Any

from landscape_gui.results import Result, SurfaceResult
from landscape_gui.ui.documents import Answer, Document, is_whole
from landscape_gui.ui.session import Session

NAME = "topology"
WORDS = "Topology of this surface"


def can_ask(session: Session, document: Document | None, answer: Answer | None = None) -> bool:
    """Whether what is shown is a whole surface of this document, and of this one of its answers where one is named."""
    shown = session.shown
    if shown is None or shown.document is not document or shown.partial or NAME not in session.services.probes():
        return False
    if answer is not None and answer.key != shown.result.provenance.key:
        return False
    return isinstance(shown.result, SurfaceResult) and is_whole(shown.result)


def ask_topology(session: Session) -> None:
    """Ask about the shown surface; where there is no model, everything that is needed is in the surface."""
    shown = session.shown
    if shown is None or not isinstance(shown.result, SurfaceResult):
        return
    kind: Any = session.services.probes()[NAME]
    if shown.document.problem is not None:
        known = {f.name for f in dataclasses.fields(kind)} & {f.name for f in dataclasses.fields(shown.probe)}
        session.ask(kind(**{name: getattr(shown.probe, name) for name in known}), shown.document)
        return
    surface, document = shown.result, shown.document

    def keep(found: Result) -> None:
        answer = Answer(key="", probe=NAME, title=kind.title, detail=f"of {document.name}", result=found)
        document.answers.append(answer)
        session.documents_changed.emit()
        session.show_answer(document, answer)

    session.run(lambda: kind().of_answer(surface), "", then=keep)
