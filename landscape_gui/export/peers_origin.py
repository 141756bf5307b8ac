"""Where an answer comes from that another program computed: the file, its layout, its digest, and what it leaves open."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import xxhash

from landscape_gui.results import Provenance

PLANE = ("Data", "Loss function", "Direction seed", "Normalisation of the axes", "Norms of the axes", "Cosine of the axes")
LINE = ("Data", "Loss function", "Direction seed", "Normalisation of the axis", "Norm of the axis")
MEASURED = ("Standard errors", "BatchNorm", "Precision", "Computed on", "Model")
"""Labels of the panel "What this shows" that such a file leaves open."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A file of another program. name: of the file, without its folder; format: whose layout, in words; digest: xxh3-128 of its
    bytes in hexadecimal; size: how many; unsaid: labels of what the file does not say."""

    name: str
    format: str
    digest: str
    size: int
    unsaid: tuple[str, ...]

    def provenance(self, probe: str, **problem: Any) -> Provenance:
        """For an answer as the probe of this name gives it; `problem` says more of the file."""
        told = {"file": self.name, "format": self.format, "digest": self.digest, "bytes": self.size, "unsaid": list(self.unsaid)}
        return Provenance(probe=probe, problem={"title": self.name, **problem, "read_from": told})


def origin_of(path: str | os.PathLike[str], data: bytes, *, format: str, unsaid: tuple[str, ...]) -> Origin:
    """The origin of what was read from these bytes of the file."""
    name = os.path.basename(os.fspath(path))
    return Origin(name=name, format=format, digest=xxhash.xxh3_128_hexdigest(data), size=len(data), unsaid=unsaid)
