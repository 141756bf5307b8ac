"""What stands in a composition for an answer that is not there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Lost:
    """sentence: what is missing, and what brings it back."""

    sentence: str
