"""An answer about curvature in a few lines of text, for a terminal."""

from __future__ import annotations

import math

from landscape_gui.commands.terminal import table
from landscape_gui.curvature_results import EigenvaluesResult, SpectrumResult
from landscape_gui.results import CurvatureResult, Number

MOST = 20
"""So many eigenvalues are listed; the files hold all."""


def describe(result: CurvatureResult) -> str:
    """What was asked, the eigenvalues with their residuals, each number with its error, and what should be known of it."""
    lines = [size_of(result), eigenvalues_table(result), numbers_table(result), context_text(result), *dict.fromkeys(result.notes)]
    return "\n".join(line for line in lines if line)


def size_of(result: CurvatureResult) -> str:
    where = f" of {result.layer}" if result.layer else ""
    return f"{result.operator}{where}, {result.size:,} dimensions; {result.products:,} products; {result.provenance.seconds:.1f} s"


def eigenvalues_table(result: CurvatureResult) -> str:
    if not isinstance(result, (EigenvaluesResult, SpectrumResult)) or not len(result.eigenvalues):
        return ""
    rows = [("", "eigenvalue", "within", "")]
    pairs = list(zip(result.eigenvalues, result.residuals, result.converged, strict=True))
    shown = pairs if len(pairs) <= MOST else [*pairs[: MOST // 2], *pairs[-MOST // 2 :]]
    for k, (value, residual, converged) in enumerate(shown):
        index = k if len(pairs) <= MOST or k < MOST // 2 else len(pairs) - len(shown) + k
        rows.append((str(index + 1), f"{value:.6g}", f"{residual:.1e}", "" if converged else "not converged"))
    return table(rows, right=(0, 1, 2))


def numbers_table(result: CurvatureResult) -> str:
    rows = [("", "value", "±", "")]
    for number in result.numbers.values():
        rows.append((number.label, value_text(number), error_text(number), number.kind if number.kind != "exact" else ""))
    return table(rows, right=(1, 2)) if len(rows) > 1 else ""


def value_text(number: Number) -> str:
    return ("-" if math.isnan(number.value) else f"{number.value:.6g}") + (f" {number.unit}" if number.unit else "")


def error_text(number: Number) -> str:
    return f"{number.error:.2g}" if math.isfinite(number.error) and number.kind != "exact" else ""


def context_text(result: CurvatureResult) -> str:
    labelled = (("data", result.subset), ("BatchNorm", result.batchnorm), ("precision", result.precision))
    return "; ".join(f"{label}: {value}" for label, value in labelled if value)
