"""An answer about connected models in a few lines of text, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from landscape_gui.commands.terminal import table
from landscape_gui.connection_results import ConnectionResult, PathResult
from landscape_gui.connection_texts import DEFINITIONS
from landscape_gui.results import ConnectedResult, Number

HEADS = {"above_line": "above line", "above_mean": "above mean", "above_larger": "above larger"}


def describe(result: ConnectedResult) -> str:
    """What lies between the models, each number with its error, and what should be known of it."""
    paths = paths_of(result)
    lines = [size_of(result), paths_table(paths) if paths else numbers_table(result.numbers)]
    if paths:
        lines.append("barriers: " + "; ".join(f"{HEADS[name]}: {words}" for name, words in DEFINITIONS.items()))
    lines += [context_text(result), *dict.fromkeys((*(n for p in paths.values() for n in p.notes), *result.notes))]
    return "\n".join(line for line in lines if line)


def paths_of(result: ConnectedResult) -> Mapping[str, PathResult]:
    if isinstance(result, ConnectionResult):
        return result.paths
    return {result.name: result} if isinstance(result, PathResult) else {}


def size_of(result: ConnectedResult) -> str:
    seconds = f"{result.provenance.seconds:.1f} s"
    if isinstance(result, ConnectionResult):
        return f"{' and '.join(result.names)}, {result.end_distance:.4g} apart; barriers of the {result.split} loss; {seconds}"
    return seconds


def paths_table(paths: Mapping[str, PathResult]) -> str:
    """A row a path: its barriers, largest loss, score and length."""
    rows = [("path", *HEADS.values(), "maximum", "score", "length", "points")]
    for name, path in paths.items():
        numbers = (number_text(path.numbers.get(n)) for n in (*HEADS, "maximum", "connectivity_score"))
        rows.append((name, *numbers, f"{path.length:.4g}", str(int(path.computed.sum()))))
    return table(rows, right=range(1, len(rows[0])))


def numbers_table(numbers: Mapping[str, Number]) -> str:
    rows = [("", "value")] + [(number.label, number_text(number)) for number in numbers.values()]
    return table(rows, right=(1,)) if len(rows) > 1 else ""


def number_text(number: Number | None) -> str:
    """The value and its error, as many digits as the error leaves."""
    from landscape_gui.export.rounding import rounded

    if number is None or math.isnan(number.value):
        return "-"
    return rounded(number.value, number.error).plain


def context_text(result: ConnectedResult) -> str:
    labelled = (("data", result.subset), ("BatchNorm", result.batchnorm), ("precision", result.precision))
    return "; ".join(f"{label}: {value}" for label, value in labelled if value)
