"""Answers whose surfaces are known in closed form, for figures of several of them."""

from __future__ import annotations

import numpy as np
import xxhash

from landscape_gui.results import AxesReport, Provenance, Quantity, SurfaceResult, freeze


def paraboloid(
    a: float = 1.0, b: float = 1.0, c: float = 0.1, *, nx: int = 9, ny: int = 7, reach: float = 1.0, seed: int = 0,
    fingerprint: str = "f00d", directions: str = "filter", title: str = "",
) -> SurfaceResult:  # fmt: skip
    """a x^2 + b y^2 + c on [-reach, reach]^2."""
    x, y = np.linspace(-reach, reach, nx), np.linspace(-reach, reach, ny)
    loss = a * x**2 + b * y[:, None] ** 2 + c
    accuracy = Quantity(name="train_accuracy", label="training accuracy", values=freeze(1 / (1 + loss)), unit="1")
    quantity = Quantity(name="train_loss", label="training loss", values=freeze(loss), unit="nat", examples=9)
    axes = AxesReport(kind="filter", labels=("one", "two"), norms=freeze([1, 2]), cosines=freeze([[1, 0.1], [0.1, 1]]))
    asked = {"directions": directions, "seed": seed, "steps": [nx, ny]}
    key = xxhash.xxh3_128_hexdigest(repr((a, b, c, nx, ny, reach, seed, fingerprint)).encode())
    return SurfaceResult(
        x=freeze(x), y=freeze(y), quantities={"train_loss": quantity, "train_accuracy": accuracy},
        computed=freeze(np.ones(loss.shape), bool), axes=axes, seeds=(seed,),
        provenance=Provenance(probe="surface", key=key, fingerprint=fingerprint, question=asked, problem={"title": title}),
    )  # fmt: skip
