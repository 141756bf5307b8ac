"""Which data a checkpoint is looked at with: the choice, what is seen of it before anything is computed, the error that asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from landscape_gui.errors import ProblemError

NONE = "none"


class DataNeeded(ProblemError):
    """A checkpoint whose network may be known but whose data are not: choose some, and open it with them."""


@dataclass(frozen=True, kw_only=True)
class DataChoice:
    """Data and how they are read: path of a file or folder; normalise: a name, "none" included ("": the checkpoint's own, else
    none); size: side that images have (0: their own); resize: what their shorter side is scaled to before the size is cropped, or
    "stretch" ("": as the network has it, else the size); target: a table's column; block: tokens in an example (0: as usual)."""

    path: str
    normalise: str = ""
    size: int = 0
    resize: str = ""
    target: str = ""
    block: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """As keyword arguments of `open_problem`."""
        return {
            "data": self.path,
            "normalise": self.normalise or None,
            "size": self.size or None,
            "resize": self.resize or None,
            "target": self.target,
            "block": self.block,
        }

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, content: Any) -> DataChoice | None:
        """The choice that `as_json` gave; None for anything else."""
        kinds = {f.name: int if f.name in ("size", "block") else str for f in fields(cls)}
        if not isinstance(content, dict) or not content.get("path"):
            return None
        if any(name not in kinds or type(value) is not kinds[name] for name, value in content.items()):
            return None
        return cls(**content)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example as it is shown: a picture (height, width, 3) uint8, or values (n,) to draw as a line, or a text; its label, what
    the network says, how sure it is (0 to 1, NaN where it is no classifier), and whether that is right (None: cannot be told).
    whole: the label is of the text as it stands, not what comes next."""

    picture: np.ndarray[Any, Any] | None = None
    values: np.ndarray[Any, Any] | None = None
    text: str = ""
    label: str = ""
    prediction: str = ""
    share: float = float("nan")
    right: bool | None = None
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A normalisation tried on a few examples: mean loss, and accuracy (NaN where there is none). name: "" for the one that came
    with the checkpoint."""

    name: str
    loss: float
    accuracy: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What is seen before anything is computed. problem: opened with the choice; kind: "images", "texts" or "numbers"; shape: of
    one input; counts: examples of each class in the first split; classes: their names; tried: normalisations on `few` examples;
    columns: those that a target can be chosen from; resize: the resize length of images ("" where they are as they were)."""

    problem: Any
    choice: DataChoice
    kind: str
    shape: tuple[int, ...]
    splits: Mapping[str, int]
    examples: tuple[Example, ...] = ()
    counts: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    tried: tuple[Tried, ...] = ()
    few: int = 0
    columns: tuple[str, ...] = ()
    target: str = ""
    block: int = 0
    resize: str = ""
    loss_name: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def now(self) -> Tried | None:
        """The normalisation that the choice has, as tried."""
        return next((tried for tried in self.tried if tried.name == self.normalise), None)

    @property
    def normalise(self) -> str:
        """The normalisation that the choice means: "" where the checkpoint brought one of its own and none was chosen."""
        return self.choice.normalise or ("" if any(tried.name == "" for tried in self.tried) else NONE)

    @property
    def better(self) -> Tried | None:
        """Another normalisation under which the network is clearly better: a tenth less loss, and no less right."""
        now = self.now
        others = [t for t in self.tried if t is not now and t.loss == t.loss]
        best = min(others, key=lambda t: t.loss, default=None)
        if now is None or best is None or best.loss >= 0.9 * now.loss or (best.accuracy < now.accuracy):
            return None
        return best
