"""Made-up reports: two models with names that LaTeX and Markdown must escape."""

from __future__ import annotations

import math

from landscape_gui.curvature_results import ReportResult
from landscape_gui.number_texts import TEXTS
from landscape_gui.results import Number, Provenance


def number(name: str, value: float, error: float = math.nan, kind: str = "exact", unit: str = "") -> Number:
    return Number(name=name, label=TEXTS[name].label, value=value, error=error, kind=kind, unit=unit, help=TEXTS[name].help)


def report(title: str = "net_1 & 50 %", *, lambda_max: float = 12.34567, seed: int = 0, extra: bool = True) -> ReportResult:
    numbers = [
        number("parameters", 1210.0),
        number("lambda_max", lambda_max, 0.0012, "bound"),
        number("trace", 98.7654, 1.2345, "standard error"),
        number("condition_number", 512.0, 3.0, "bound"),
        number("worst_case", 0.25, kind="lower bound", unit="nat"),
    ]
    if extra:
        numbers.append(number("pac_bayes_bound", 1.4))
    return ReportResult(
        title=title,
        seed=seed,
        size=1210,
        products=120,
        split="train",
        examples=1437,
        subset="all 1,437 examples of train",
        precision="float32",
        numbers={n.name: n for n in numbers},
        notes=("1 | 2 of the eigenvalues had not converged.",),
        provenance=Provenance(question={"top": 10, "probes": 4, "steps": 40}, problem={"checkpoint": f"{title}.pt"}),
    )
