"""Built-in families of networks: which one do a checkpoint's tensors fill?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from landscape_gui.errors import ProblemError
from landscape_gui.problem.families import cnn, mlp, resnet
from landscape_gui.problem.families.architecture import ACTIVATIONS, Architecture, Misfit, Shapes

__all__ = ["ACTIVATIONS", "FAMILIES", "Architecture", "Matches", "check_fit", "from_card", "match", "misfit"]

FAMILIES = {"resnet": resnet, "cnn": cnn, "mlp": mlp}


@dataclass(frozen=True)
class Matches:
    """candidates: architectures that the tensors fill, the usual first; misfits: family -> why it does not fit."""

    candidates: tuple[Architecture, ...] = ()
    misfits: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Why nothing fits, for people."""
        return " ".join(f"{name.upper() if name != 'resnet' else 'ResNet'}: {why}." for name, why in self.misfits.items())


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


def check_fit(module: nn.Module, shapes: Shapes, what: str) -> None:
    """Raise ProblemError naming the first tensor that is missing, too many, or of another shape than `module` expects."""
    sentence = misfit(module, shapes)
    if sentence:
        raise ProblemError(f"The checkpoint does not fit {what}: {sentence}.")


def misfit(module: nn.Module, shapes: Shapes) -> str:
    """What does not fit, in words; empty where everything does. Counters (`num_batches_tracked`) may be missing."""
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    for name, shape in expected.items():
        if name not in shapes:
            if not name.endswith("num_batches_tracked"):
                return f"tensor {name!r} of shape {shape} is missing" + _count(set(expected) - set(shapes), "missing")
        elif tuple(shapes[name]) != shape:
            return f"tensor {name!r} has shape {tuple(shapes[name])}; {shape} was expected"
    extra = [name for name in shapes if name not in expected]
    return f"tensor {extra[0]!r} of shape {tuple(shapes[extra[0]])} was not expected" + _count(extra, "too many") if extra else ""


def _count(names: Any, word: str) -> str:
    return f" (and {len(names) - 1} more {word})" if len(names) > 1 else ""


def _check(name: str, architecture: Architecture, shapes: Shapes, misfits: dict[str, str]) -> bool:
    sentence = misfit(architecture.build(), shapes)
    if sentence:
        misfits[name] = sentence
    return not sentence
