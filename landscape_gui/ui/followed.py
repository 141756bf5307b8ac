"""A run that is followed: what the last look into its folder found, and how far what is shown of it has grown."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from landscape_gui.ui.documents import Document
from landscape_gui.watching import Seen, Watch


@dataclass(eq=False)
class Followed:
    """One run's folder. on: whether it is followed (None: as soon as it is known to be written into); seen: what the last look
    found; growth: what lets the answer grow that is shown, and `grown` that answer; lost: checkpoints that were taken away."""

    document: Document
    watch: Watch
    on: bool | None = None
    seen: Seen = field(default_factory=Seen)
    looking: bool = False
    growing: bool = False
    growth: Any = None
    grown: Any = None
    news: bool = True
    fresh: bool = True
    """There is something new that can be shown without measuring."""
    first: bool = False
    """Nothing is shown of it yet, and the dynamics are to be."""
    stale: bool = False
    """What is shown has grown by more than the store holds."""
    pauses: float = 0.0
    rests: float = 0.0
    lies: float = 0.0
    """Until when, by the monotonic clock, nothing is read, nothing measured, and no surface computed by itself."""
    moving: bool = False
    """The newest checkpoint is being opened, for questions to be about it."""
    lost: int = 0
    trouble: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
