"""Which architectures of timm and torchvision have tensors of these names and shapes: a table of fingerprints."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from landscape_gui import samples
from landscape_gui.errors import ProblemError

NAME = "architectures.json"
CLASSES = "classes"
"""Stands in a fingerprint for the number of classes."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An architecture whose tensors look like these: "timm:resnet50"; classes: how many its head tells apart, None where that is
    the library's own number or there is no head."""

    name: str
    classes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """whole: fingerprint -> names; headless: the same with the number of classes left out, by index in `heads`; heads: the names of
    the tensors that depend on the number of classes; head_of: name -> index in `heads`; made_with: the libraries' versions."""

    whole: Mapping[str, Sequence[str]]
    headless: Mapping[tuple[int, str], Sequence[str]]
    heads: Sequence[tuple[str, ...]]
    head_of: Mapping[str, int]
    made_with: Mapping[str, str] = field(default_factory=dict)

    def candidates(self, shapes: Shapes) -> tuple[Candidate, ...]:
        """Every architecture with exactly these tensors, whatever its number of classes, sorted by name; empty: none.

        torchvision's "quantized_" twins, which compute the same before they are quantised, are left out beside the plain ones. A
        prefix that all names share is taken off where nothing fits with it. Costs one hash of the names for each kind of head
        that is there.
        """
        found = self._fitting(shapes)
        prefix = common_prefix(shapes)
        if not found and prefix:
            found = self._fitting({name.removeprefix(prefix): shape for name, shape in shapes.items()})
        return found

    def classes(self, name: str, shapes: Shapes) -> int | None:
        """How many classes the head of the architecture called `name` has in these tensors; None: not to be told."""
        index = self.head_of.get(name)
        if index is None:
            return None
        prefix = common_prefix(shapes)
        head = next((key for key in self.heads[index] if key in shapes or prefix + key in shapes), None)
        return None if head is None else int((shapes.get(head) or shapes[prefix + head])[0])

    def _fitting(self, shapes: Shapes) -> tuple[Candidate, ...]:
        found = {name: Candidate(name=name) for name in self.whole.get(fingerprint(shapes), ())}
        for index, head in enumerate(self.heads):
            sizes = {shapes[key][:1] for key in head if key in shapes} if all(key in shapes for key in head) else set()
            if len(sizes) == 1 and len(size := sizes.pop()) == 1:
                names = self.headless.get((index, fingerprint(shapes, head)), ())
                found |= {name: Candidate(name=name, classes=size[0]) for name in names}
        return tuple(found[name] for name in sorted(found) if not _is_twin(name, found))


def _is_twin(name: str, found: Mapping[str, Candidate]) -> bool:
    return ":quantized_" in name and name.replace("quantized_", "") in found


def fingerprint(shapes: Shapes, head: Sequence[str] = ()) -> str:
    """blake2b over the sorted (name, shape), counters left out, as 16 hexadecimal digits. head: tensors whose first size is the
    number of classes, which is left out."""
    rows = [
        (name, (CLASSES, *shape[1:]) if name in head else tuple(shape))
        for name, shape in shapes.items()
        if not name.endswith("num_batches_tracked")
    ]
    return hashlib.blake2b(repr(sorted(rows, key=lambda row: row[0])).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def common_prefix(names: Mapping[str, Any]) -> str:
    """ "model." where all names begin so, else "" """
    first = {name.partition(".")[0] for name in names}
    return f"{first.pop()}." if len(first) == 1 and all("." in name for name in names) else ""


@functools.cache
def table() -> Table:
    """The table that is shipped. Raises ProblemError where the installation has lost it."""
    place = samples.pictures().parent / NAME
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProblemError(f"{place} cannot be read: {error}.", remedy="Install landscape-gui again.") from error
    whole: dict[str, list[str]] = {}
    headless: dict[tuple[int, str], list[str]] = {}
    head_of: dict[str, int] = {}
    for name, row in rows_of(content):
        whole.setdefault(row[0], []).append(name)
        if len(row) == 3:
            headless.setdefault((row[2], row[1]), []).append(name)
            head_of[name] = row[2]
    heads = [tuple(head) for head in content["heads"]]
    return Table(whole=whole, headless=headless, heads=heads, head_of=head_of, made_with=content["made_with"])


def rows_of(content: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """ "timm:resnet50" -> [fingerprint] or [fingerprint, the same without the number of classes, index in heads]."""
    for library, models in content["models"].items():
        for name, row in models.items():
            yield f"{library}:{name}", row
