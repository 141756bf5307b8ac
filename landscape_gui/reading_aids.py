"""Rules of thumb for reading some numbers: aids beside them, never verdicts, each with its caveat. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Aid:
    """A rule of thumb for reading a number: `words` below each of the rising `limits` and beyond, and why it is no verdict."""

    limits: tuple[float, ...]
    words: tuple[str, ...]
    caveat: str

    def read(self, value: float) -> str:
        """The words for a value; "" where it is not a number."""
        if value != value:
            return ""
        return self.words[sum(value >= limit for limit in self.limits)]


AIDS: Mapping[str, Aid] = {
    "condition_number": Aid(
        (100.0, 1000.0),
        ("excellent", "good", "challenging: tune the learning rate, precondition"),
        "Only the eigenvalues that were resolved enter: more of them give a larger number. It speaks of how easily gradient "
        "descent proceeds, not of how well the network generalises.",
    ),
    "worst_case": Aid(
        (0.1, 1.0),
        ("flat", "moderate", "sharp"),
        "Flat is not the same as good: rescaling layers moves sharpness at will without changing the function (Dinh et al. 2017),"
        " and adaptive sharpness does not decide generalisation either (Andriushchenko et al. 2023).",
    ),
    "negative_eigenvalues": Aid(
        (5.5,),
        ("near a minimum", "likely a saddle"),
        "Only as many as were asked for can be found, and small negative eigenvalues are usual at the end of training.",
    ),
    "barrier": Aid(
        (0.1, 1.0),
        ("one basin", "related", "disconnected"),
        "A barrier along a straight line may vanish along a curve or after the units are permuted.",
    ),
}


def reading(name: str, value: float) -> str:
    """The reading aid for a number's value; "" where there is none."""
    return AIDS[name].read(value) if name in AIDS else ""
