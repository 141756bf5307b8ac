"""The numbers of any answer as a table for a paper (.tex) or an issue (.md): value and error rounded together."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landscape_gui.connection_results import ConnectionResult
from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import LandscapeError
from landscape_gui.export.files import check_target, write
from landscape_gui.export.number_table import escaped, kind_text, value_text
from landscape_gui.export.report_latex import cell, latex
from landscape_gui.export.report_tables import write_report
from landscape_gui.results import CellResult, LineResult, Number, Quantity, Result, SurfaceResult, TrajectoryResult

SUFFIXES = (".tex", ".md")
WIDE = 0.5
"""The share of a line that the numbers' names take in LaTeX."""


@dataclass(frozen=True)
class Table:
    """heads: of the columns; rows: label and unit, one number a column (None: there is none), and what their errors are."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Number | None, ...], str], ...]


def write_table(path: str | os.PathLike[str], result: Result) -> Path:
    """Writes the numbers that an answer comes down to as .tex (booktabs) or .md, by the suffix; returns the path.

    An error is shown with two digits and its value with as many decimals; its column says whether it is a standard error or a
    bound. Connected models have one column a path; a surface or line its values at the checkpoint and its extremes; a run its
    first and last checkpoint besides. What the numbers rest on stands below: the caption of the answer's figure. Raises
    LandscapeError where there is no number, and where the file cannot be written.
    """
    target = check_target(path, SUFFIXES)
    if isinstance(result, ReportResult):
        return write_report(target, [result])
    table = table_of(result)
    kind, caption = result.provenance.probe or "answer", caption_of(result)
    text = as_latex(table, caption, kind) if target.suffix.lower() == ".tex" else as_markdown(table, caption)
    return write(target, text.encode())


def caption_of(result: Result) -> str:
    """What the answer's figure says of itself."""
    from landscape_gui.figure import Look
    from landscape_gui.probes import kind_of

    return kind_of(result)().figure(result, Look()).caption


def table_of(result: Result) -> Table:
    if isinstance(result, ConnectionResult) and result.paths:
        columns: dict[str, Mapping[str, Number]] = {p.label or name: p.numbers for name, p in result.paths.items()}
    else:
        columns = {"value": numbers_of(result)}
    names = list(dict.fromkeys(name for numbers in columns.values() for name in numbers))
    if not names:
        raise LandscapeError("This answer comes down to no number.", remedy="Write it as .csv, .json or .npz.")
    return Table(tuple(columns), tuple(row_of([numbers.get(name) for numbers in columns.values()]) for name in names))


def row_of(numbers: Sequence[Number | None]) -> tuple[str, tuple[Number | None, ...], str]:
    known = [n for n in numbers if n is not None]
    kinds = dict.fromkeys(kind_text(n) for n in known if kind_text(n))
    label = known[0].label
    return label, tuple(numbers), ", ".join(kinds)


def numbers_of(result: Result) -> Mapping[str, Number]:
    """An answer's own numbers; of a grid and of a run what they show."""
    if isinstance(result, TrajectoryResult):
        return {**of_run(result), **of_grid(result.surface)}
    if isinstance(result, SurfaceResult | LineResult):
        return of_grid(result)
    if isinstance(result, CellResult):
        return {name: number(q, (), f"{q.label} at ({result.x:g}, {result.y:g})") for name, q in result.quantities.items()}
    return result.numbers


def of_grid(result: SurfaceResult | LineResult) -> dict[str, Number]:
    """Each quantity at the grid's point nearest to the checkpoint, its smallest and its largest value."""
    found: dict[str, Number] = {}
    at = tuple(int(np.abs(places).argmin()) for places in positions(result))
    exact = all((places == 0).any() for places in positions(result))
    where = "at the checkpoint" if exact else "at the point nearest to the checkpoint"
    for name, q in result.quantities.items():
        values = np.asarray(q.values, float)
        found[f"{name}:centre"] = number(q, at, f"{q.label} {where}")
        if np.isfinite(values).any():
            for word, pick in (("smallest", np.nanargmin), ("largest", np.nanargmax)):
                place = np.unravel_index(int(pick(np.where(np.isfinite(values), values, np.nan))), values.shape)
                index = tuple(int(k) for k in place)
                found[f"{name}:{word}"] = number(q, index, f"{word} {q.label}, {coordinates(result, index)}")
    return found


def positions(result: SurfaceResult | LineResult) -> tuple[np.ndarray, ...]:
    """Of the points along each dimension of its quantities."""
    return (result.x,) if isinstance(result, LineResult) else (result.y, result.x)


def coordinates(result: SurfaceResult | LineResult, index: tuple[int, ...]) -> str:
    """ "at (0.1, −0.5)": x first."""
    values = [float(places[k]) for places, k in zip(positions(result), index, strict=True)][::-1]
    words = ", ".join(f"{v:.3g}" for v in values).replace("-", "\N{MINUS SIGN}")
    return f"at ({words})" if len(values) > 1 else f"at {words}"


def of_run(result: TrajectoryResult) -> dict[str, Number]:
    """Each quantity at the first and the last checkpoint, and how far the run lies off the plane."""
    ends = dict.fromkeys((0, len(result.names) - 1)) if result.names else {}
    found = {f"{name}:{k}": number(q, (k,), f"{q.label}, {result.names[k]}") for name, q in result.quantities.items() for k in ends}
    if np.isfinite(result.off_plane).any():
        far = float(np.nanmax(result.off_plane))
        found["off_plane"] = Number(name="off_plane", label="largest distance of a checkpoint off the plane", value=far)
    return found


def number(q: Quantity, index: tuple[int, ...], label: str) -> Number:
    """One value of a quantity; a fraction as it is."""
    known = q.standard_error
    error = float("nan") if known is None else float(np.asarray(known)[index])
    unit = "" if q.unit == "1" else q.unit
    kind = "bound" if q.name.startswith("lambda_") else "standard error"
    return Number(name=q.name, label=label, value=float(np.asarray(q.values)[index]), error=error, kind=kind, unit=unit)


def as_markdown(table: Table, caption: str = "") -> str:
    heads = ["", *map(escaped, table.heads), "error"]
    rows = [heads, ["---", *["---:"] * len(table.heads), "---"]]
    rows += [
        [escaped(label), *("" if n is None else escaped(value_text(n)) for n in cells), kinds] for label, cells, kinds in table.rows
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, *(["", escaped(caption)] if caption else [])]) + "\n"


def as_latex(table: Table, caption: str = "", kind: str = "answer") -> str:
    """A booktabs table that compiles and stands by itself; all but the caption's first sentence stands below it, in small print."""
    first, stop, rest = caption.partition(". ")
    first += stop.strip()
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering\small",
        rf"  \caption{{{latex(first or 'Numbers.')}}}",
        rf"  \label{{tab:{latex(kind)}}}".replace(r"\_", "-"),
        rf"  \begin{{tabular}}{{@{{}}p{{{WIDE}\linewidth}}{'r' * len(table.heads)}l@{{}}}}",
        r"    \toprule",
        f"    {' & '.join(['', *map(latex, table.heads), 'error'])} \\\\",
        r"    \midrule",
    ]
    for label, cells, kinds in table.rows:
        unit = next((n.unit for n in cells if n is not None and n.unit), "")
        head = latex(f"{label} ({unit})" if unit else label)
        told = ["" if n is None else cell(dataclasses.replace(n, unit="")) for n in cells]
        lines.append(f"    {' & '.join([head, *told, latex(kinds)])} \\\\")
    lines += [r"    \bottomrule", r"  \end{tabular}"]
    if rest:
        lines += ["", r"  \medskip", r"  \begin{minipage}{\linewidth}\footnotesize", f"    {latex(rest)}", r"  \end{minipage}"]
    return "\n".join([*lines, r"\end{table}", ""])
