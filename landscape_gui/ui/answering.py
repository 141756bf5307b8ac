"""A question being answered, as the thread does it: what it tells the window on the way."""

from __future__ import annotations

from landscape_gui.results import Result
from landscape_gui.ui.documents import Advanced, Began, Inquiry, Stopped
from landscape_gui.ui.mailbox import Put
from landscape_gui.ui.services import Answerer


def answer_to(inquiry: Inquiry, answerer: Answerer, put: Put) -> Result | None:
    """The answer, or what is known when the question is taken back; its news are `put` on the way."""

    def stopped() -> bool:
        """Asked between pieces of work."""
        if inquiry.stop.is_set():
            put(Stopped(inquiry), slot=("stopped", inquiry.number), at_once=True)
        return inquiry.stop.is_set()

    if inquiry.stop.is_set():
        return None
    put(Began(inquiry))
    return answerer(
        inquiry.probe,
        inquiry.document.problem,
        on_progress=lambda p: put(Advanced(inquiry, p), slot=(inquiry.number, p.partial is not None)),
        cancelled=stopped,
    )
