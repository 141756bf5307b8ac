"""Built-in families of networks: which one do a checkpoint's tensors fill?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from landscape_gui.errors import ProblemError
from landscape_gui.problem.families import cnn, mlp, resnet
from landscape_gui.problem.families.architecture import ACTIVATIONS, Architecture, Misfit, Shapes
from landscape_gui.problem.fitting import check_fit, misfit

__all__ = ["ACTIVATIONS", "FAMILIES", "Architecture", "Matches", "from_card", "match"]

FAMILIES = {"resnet": resnet, "cnn": cnn, "mlp": mlp}
"""The most particular first: a ResNet's tensors could be laid out as one chain as well, which nobody means."""


@dataclass(frozen=True)
class Matches:
    """candidates: architectures that the tensors fill, the usual first; misfits: family -> why it does not fit."""

    candidates: tuple[Architecture, ...] = ()
    misfits: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Why nothing fits, for people."""
        titles = {"resnet": "ResNet", "cnn": "CNN", "mlp": "MLP"}
        return " ".join(f"As {titles[name]}: {why}." for name, why in self.misfits.items())


def match(shapes: Shapes, example: tuple[int, ...] | None = None) -> Matches:
    """All built-in networks that tensors of these shapes fill.

    shapes: name -> shape, as in the file; example: the shape of one input without the batch, which decides between strides and
    pools. Files of different networks may look the same (activations and shortcuts have no weights): the loss on data decides.
    """
    candidates: list[Architecture] = []
    misfits: dict[str, str] = {}
    for name, family in FAMILIES.items():
        try:
            found = [a for a in family.match(shapes, {}, example) if _check(name, a, shapes, misfits)]
        except Misfit as error:
            misfits[name] = str(error)
        else:
            candidates += found
        if candidates:
            break
    return Matches(tuple(candidates), misfits)


def from_card(options: Mapping[str, Any], shapes: Shapes, example: tuple[int, ...] | None = None) -> tuple[Architecture, ...]:
    """The candidates of the family that a card (or --architecture) names, with the card's options.

    Raises ProblemError: unknown family or option, or the tensor that does not fit with the shape that was expected.
    """
    name = options.get("family")
    family = FAMILIES.get(str(name).lower())
    if family is None:
        raise ProblemError(
            f"The architecture's family is {name!r}.",
            remedy=f"Built in are {', '.join(sorted(FAMILIES))}; for others write a landscape.py.",
        )
    unknown = sorted(set(options) - family.OPTIONS)
    if unknown:
        raise ProblemError(
            f"The architecture has the unknown option {unknown[0]!r}.", remedy=f"{name} knows {', '.join(sorted(family.OPTIONS))}."
        )
    try:
        candidates = family.match(shapes, options, example)
    except Misfit as error:
        raise ProblemError(f"The checkpoint is no {name} as asked for: {error}.") from error
    for candidate in candidates:
        check_fit(candidate.build(), shapes, candidate.sentence)
    return tuple(candidates)


def _check(name: str, architecture: Architecture, shapes: Shapes, misfits: dict[str, str]) -> bool:
    sentence = misfit(architecture.build(), shapes)
    if sentence:
        misfits[name] = sentence
    return not sentence
