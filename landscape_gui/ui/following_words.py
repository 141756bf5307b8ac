"""How it stands with a run that is followed, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape_gui.ui.followed import Followed


def ago(seconds: float) -> str:
    """ "just now", "12 s ago", "5 min ago", "3 h ago", "2 days ago"."""
    if seconds < 3:
        return "just now"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit != "days" and seconds >= size):
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def words(followed: Followed) -> str:
    """In short: live or not, when something was last written, what is waited for."""
    seen = followed.seen
    if followed.document.state == "waiting":
        return "waiting for the first checkpoint"
    last = newest(followed)
    parts = [f"live at {last.label}" if seen.live and last is not None else "", f"written {ago(seen.age)}"]
    if len(entries(followed)) < 2:
        parts.append("waiting for the second checkpoint")
    if followed.lost:
        parts.append(f"{followed.lost} taken away")
    return " · ".join(filter(None, parts))


def standing(followed: Followed) -> str:
    """In sentences: how far the run has come, what is wrong with its folder, and which checkpoint questions are about."""
    last, seen = newest(followed), followed.seen
    said = []
    if followed.on and followed.document.state != "waiting" and last is not None:
        run = f"Following: now at {placed(last)}"
        lost = f"; {followed.lost} {checkpoints(followed.lost)} taken away" if followed.lost else ""
        said.append(f"{run}, written {ago(seen.age)}{lost}.")
    if followed.on and len(entries(followed)) == 1:
        said.append("There is one checkpoint: curves and path begin with the second.")
    if followed.on and followed.trouble:
        said.append(followed.trouble)
    if last is not None and is_older(followed):
        said.append(f"Surfaces are centred on {centre(followed)}.")
    return " ".join(said)


def details(followed: Followed) -> str:
    """What is still being written, and what is meant by checkpoints that were taken away."""
    waiting = followed.seen.waiting
    more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
    lost = "Taken away: not in the folder any more. A recorder keeps fewer of the early checkpoints as its run grows."
    parts = [f"Still being written: {', '.join(waiting[:3])}{more}." if waiting else "", lost if followed.lost else ""]
    return "\n".join(filter(None, parts))


def centre(followed: Followed) -> str:
    """What the checkpoint that surfaces are centred on is called, whether it is there by now or not."""
    checkpoint = followed.document.problem.checkpoint
    place = str(checkpoint.path)
    entry = next((entry for entry in entries(followed) if str(entry.path) == place), None)
    if entry is not None:
        return placed(entry)
    epoch, step = getattr(checkpoint, "epoch", None), getattr(checkpoint, "step", None)
    name = f"epoch {epoch:g}" if epoch is not None else f"step {step}" if step is not None else str(followed.document.name)
    return f"{name}, since taken away"


def placed(entry: Any) -> str:
    """ "epoch 3, step 24": by both where both are known, for other checkpoints may be called by their step alone."""
    step = "" if entry.step is None or entry.epoch is None else f", step {entry.step}"
    return f"{entry.label}{step}"


def is_older(followed: Followed) -> bool:
    """Whether the checkpoint that surfaces are centred on is not the run's newest one."""
    last, problem = newest(followed), followed.document.problem
    return last is not None and problem is not None and str(getattr(problem.checkpoint, "path", last.path)) != str(last.path)


def entries(followed: Followed) -> tuple[Any, ...]:
    return tuple(getattr(getattr(followed.document.problem, "run", None), "checkpoints", ()))


def newest(followed: Followed) -> Any:
    found = entries(followed)
    return found[-1] if found else None


def checkpoints(count: int) -> str:
    return "checkpoint" if count == 1 else "checkpoints"
