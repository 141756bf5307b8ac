"""Made-up reports of models to be compared: a gap and a largest eigenvalue each."""

from __future__ import annotations

import math
from typing import Any

from landscape_gui.curvature_results import ReportResult
from landscape_gui.number_texts import TEXTS
from landscape_gui.results import Number, Provenance


def number(name: str, value: float, error: float = math.nan, kind: str = "standard error") -> Number:
    text = TEXTS[name.partition(":")[0]]
    return Number(name=name, label=text.label, value=value, error=error, kind=kind, unit=text.unit, help=text.help)


def report(title: str, gap: float | None, sharp: float, **problem: Any) -> ReportResult:
    """A model with a training loss of 0.01, a gap and a largest eigenvalue."""
    numbers = [number("split_loss:train", 0.01, 0.001), number("lambda_max", sharp, 1e-6, "bound"), number("parameters", 100.0)]
    if gap is not None:
        numbers += [number("split_loss:test", 0.01 + gap, 0.02), number("loss_gap", gap, 0.02), number("accuracy_gap", -gap, 0.5)]
    told = {"data": {"name": "digits"}, "loss": "cross_entropy", "title": title, "checkpoint": {"path": f"{title}/last.pt"}}
    where = Provenance(problem=told | problem, question={"limit": 0})
    return ReportResult(title=title, split="train", examples=10, numbers={n.name: n for n in numbers}, provenance=where)


FIVE = [report(name, gap, sharp) for name, gap, sharp in zip("ABCDE", (0.1, 0.2, 0.3, 0.4, 0.5), (1, 2, 3, 4, 5), strict=True)]
