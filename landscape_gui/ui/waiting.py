"""What stands in the middle of the window where nothing is shown yet."""

from __future__ import annotations

from landscape_gui.ui.session import Session


def waiting_sentence(session: Session) -> str:
    """What stands where nothing is shown yet."""
    current = session.current
    if current is None:
        return ""
    if current.state == "opening":
        return f"Opening {current.name} \N{HORIZONTAL ELLIPSIS}"
    if waited := session.following.waits_for(current):
        return f"{waited} \N{HORIZONTAL ELLIPSIS}"
    live = [i for i in session.inquiries if i.live and i.document is current]
    if live and all(i.state == "waiting" for i in live):
        return "Waiting for the question that is running \N{HORIZONTAL ELLIPSIS}"
    if live:
        return "Computing the first points \N{HORIZONTAL ELLIPSIS}"
    return "Nothing is shown yet. Choose a question on the right and press Compute."
