"""Reports side by side as a LaTeX table that compiles and stands by itself in a paper."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Sequence

from landscape_gui.curvature_results import ReportResult
from landscape_gui.export.report_tables import MEANING, differing, remarks, sections, shared, titles
from landscape_gui.export.rounding import rounded
from landscape_gui.number_references import REFERENCES
from landscape_gui.results import Number

LONGEST = 16
"""Letters that a column's heading may have; where one has more, columns are called A, B, ... and the caption says who they are."""
WORK = ("products", "gradients", "losses", "device")
"""What a paper's table does not say."""
NAMES = 0.34
"""The share of the line that the numbers' names take; longer ones are broken."""


def as_latex(reports: Sequence[ReportResult]) -> str:
    """A booktabs table with what it rests on below it, a line wide for up to three columns; its references follow as comments."""
    heads = headings(reports)
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering\scriptsize\setlength{\tabcolsep}{3pt}\renewcommand{\arraystretch}{0.8}",
        rf"  \caption{{\footnotesize {latex(caption(reports))}}}",
        r"  \label{tab:curvature}",
        rf"  \begin{{tabular}}{{@{{}}p{{{NAMES}\linewidth}}{'r' * len(reports)}l@{{}}}}",
        r"    \toprule",
        _row(["", *map(latex, heads), "error"]),
    ]
    for section in sections(reports):
        lines += [r"    \midrule", rf"    \multicolumn{{{len(reports) + 2}}}{{@{{}}l}}{{\emph{{{latex(section.title)}}}}} \\"]
        for row in section.rows:
            cells = [cell(n) if n is not None else "" for n in row.numbers]
            lines.append(_row([latex(row.head), *cells, latex(row.kind)]))
    lines += [r"    \bottomrule", r"  \end{tabular}", "", r"  \medskip", r"  \begin{minipage}{\linewidth}\tiny"]
    lines.append(f"    {latex(' '.join(basis(reports)))}")
    lines += [r"  \end{minipage}", r"\end{table}"]
    for section in sections(reports):
        lines += [f"% {row.label}: {'; '.join(REFERENCES[key] for key in row.source)}" for row in section.rows if row.source]
    return "\n".join(lines) + "\n"


def cell(number: Number) -> str:
    """Value and error in math mode; an error below the value's last digit is left out, which the note below the table says."""
    found = rounded(number.value, number.error)
    return (found if found.error_exponent is None else dataclasses.replace(found, error="", error_exponent=None)).latex


def headings(reports: Sequence[ReportResult]) -> list[str]:
    """The models' titles, or letters where one of them is too long."""
    named = titles(reports)
    if all(len(title) <= LONGEST for title in named) or len(named) > 26:
        return named
    return [chr(ord("A") + k) for k in range(len(named))]


def caption(reports: Sequence[ReportResult]) -> str:
    named, heads = titles(reports), headings(reports)
    if heads == named:
        return "Curvature of the loss."
    return f"Curvature of the loss. {'; '.join(f'{head}: {title}' for head, title in zip(heads, named, strict=True))}."


def basis(reports: Sequence[ReportResult]) -> list[str]:
    """What the numbers rest on: in common, of each column, and what the marks mean."""
    found = [f"All columns: {shared(reports)}."] if shared(reports) else []
    apart = differing(reports)
    for k, head in enumerate(headings(reports)):
        told = "; ".join(f"{name} {values[k]}" for name, values in apart.items() if values[k] and name not in WORK)
        found += [f"{head}: {told}."] if told else []
    return [*found, f"{MEANING} Where a bound is not shown, it is below the last digit.", *remarks(reports, headings(reports))]


def _row(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


SYMBOLS = {
    "lambda_max": r"$\lambda_{\max}$",
    "|lambda_min|": r"$|\lambda_{\min}|$",
    "sigma^2": r"$\sigma^2$",
    "λmax": r"$\lambda_{\max}$",
    "|λmin|": r"$|\lambda_{\min}|$",
    "σ²": r"$\sigma^2$",
    "sqrt(sharpness/N)": r"$\sqrt{\mathrm{sharpness}/N}$",
}
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "±": r"$\pm$", "×": r"$\times$", "–": "--", "−": "$-$", "σ": r"$\sigma$", "λ": r"$\lambda$", "ε": r"$\varepsilon$",
    "α": r"$\alpha$", "δ": r"$\delta$", "²": "$^2$", "√": r"$\surd$", "∞": r"$\infty$", "≤": r"$\le$", "≥": r"$\ge$",
    "·": r"$\cdot$", "…": r"\dots{}", "’": "'",
}  # fmt: skip


def latex(text: str) -> str:
    """Text as LaTeX prints it, the numbers' own symbols in math mode."""
    parts = re.split(f"({'|'.join(map(re.escape, SYMBOLS))})", " ".join(text.split()))
    return "".join(SYMBOLS.get(part) or "".join(LATEX.get(mark) or symbol(mark) for mark in part) for part in parts)


SMALL = {"MINUS": "-", "PLUS SIGN": "+", **{f"LATIN SMALL LETTER {letter.upper()}": letter for letter in "ijknt"}}
"""What stands raised or lowered besides digits."""
UPRIGHT = ("ALPHA", "BETA", "EPSILON", "ZETA", "ETA", "IOTA", "KAPPA", "MU", "NU", "OMICRON", "RHO", "TAU", "CHI")
"""Capitals that look Latin and have no name in LaTeX."""


def symbol(mark: str) -> str:
    """A Greek letter, a small raised or lowered one, or quotation marks, as LaTeX writes them; any other mark as it is."""
    if mark.isascii():
        return mark
    name = unicodedata.name(mark, "")
    for start, sign in (("SUBSCRIPT ", "_"), ("SUPERSCRIPT ", "^")):
        small = SMALL.get(name.removeprefix(start), str(unicodedata.digit(mark, "")))
        if name.startswith(start) and small:
            return f"${sign}{{{small}}}$"
    found = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)", name.replace("LAMDA", "LAMBDA"))
    if found and (found[1] == "SMALL" or found[2] not in UPRIGHT):
        return rf"$\{found[2].lower() if found[1] == 'SMALL' else found[2].capitalize()}$"
    return {"“": "``", "”": "''", "‘": "`", "—": "---", "‐": "-", "‖": r"$\|$", "∇": r"$\nabla$", "→": r"$\to$"}.get(mark, mark)
