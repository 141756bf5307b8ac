"""Models side by side as LaTeX tables that compile: rows are models, a block of columns each, and the correlations."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from landscape_gui.export.comparison_tables import (
    RELATED_HEADS,
    Block,
    blocks,
    cell_text,
    gap_words,
    head_text,
    legend,
    references,
    related_texts,
)
from landscape_gui.export.report_latex import cell, headings, latex
from landscape_gui.export.report_tables import MEANING, shared
from landscape_gui.model_comparison import ModelComparison

SYMBOLS = {r"$\lambda$ max": r"$\lambda_{\max}$", r"$\lambda$ min": r"$\lambda_{\min}$"}
"""What `latex` makes of two headings, and how they are written."""
PRINTED = (0, 1, 2, 3, 4, 5, 6, 8)
"""Of the correlations' columns; the interval of Spearman's rho would be too much for a page."""
NARROW, NARROWER = 15, 10
"""Letters of a line of a column's heading; of the correlations'."""
LINE = 345.0
"""Points of a line of the narrowest usual page: article at 10 points."""
LETTER, APART = 4.25, 8.0
"""Points of a digit in footnotesize, and between columns."""


def as_latex(comparison: ModelComparison) -> str:
    """booktabs tables, the blocks of columns one below the other in one float, the correlations in a second one."""
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"  \caption{{{latex(caption(comparison))}}}",
        r"  \label{tab:comparison}",
    ]
    for number, block in enumerate(part for whole in blocks(comparison) for part in fitting(comparison, whole)):
        lines += [*([r"", r"  \medskip"] if number else []), *block_lines(comparison, block)]
    lines += ["", r"  \medskip", *small([*basis(comparison), *comparison.warnings]), r"\end{table}"]
    if comparison.related:
        lines += ["", *related_lines(comparison)]
    lines += [f"% {text}" for text in references(comparison)]
    return "\n".join(lines) + "\n"


def caption(comparison: ModelComparison) -> str:
    """Which letter is which model, where names are too long for a row."""
    heads = headings(comparison.reports)
    if heads == list(comparison.titles):
        return "Models compared."
    return f"Models compared: {'; '.join(f'{head}: {title}' for head, title in zip(heads, comparison.titles, strict=True))}."


def fitting(comparison: ModelComparison, block: Block) -> list[Block]:
    """The block in as many as a page is wide for."""
    names = headings(comparison.reports)
    first = LETTER * max(len(text) for text in (block.title, *names)) + APART
    found: list[list[str]] = [[]]
    used = first
    for name in block.columns:
        wide = LETTER * max(map(len, [*textwrap.wrap(head_text(comparison, name), NARROW), *cells_of(comparison, name)])) + APART
        if found[-1] and used + wide > LINE:
            found.append([])
            used = first
        found[-1].append(name)
        used += wide
    return [Block(block.title, tuple(columns)) for columns in found]


def cells_of(comparison: ModelComparison, name: str) -> list[str]:
    return [cell_text(comparison.number(row, name)) for row in range(len(comparison.reports))]


def block_lines(comparison: ModelComparison, block: Block) -> list[str]:
    heads = [stacked(head_text(comparison, name)) for name in block.columns]
    lines = [
        rf"  \begin{{tabular}}{{@{{}}l{'r' * len(heads)}@{{}}}}",
        r"    \toprule",
        line([rf"\emph{{{latex(block.title)}}}", *heads]),
    ]
    lines.append(r"    \midrule")
    for row, title in enumerate(headings(comparison.reports)):
        numbers = [comparison.number(row, name) for name in block.columns]
        lines.append(line([latex(title), *("" if n is None else cell(n) for n in numbers)]))
    return [*lines, r"    \bottomrule", r"  \end{tabular}"]


def stacked(text: str, letters: int = NARROW) -> str:
    """A heading in short lines, which stand on the line of the others' last ones."""
    lines = [math_words(part) for part in textwrap.wrap(text, letters)]
    inner = r" \\ ".join(lines)
    return rf"\begin{{tabular}}[b]{{@{{}}r@{{}}}}{inner}\end{{tabular}}" if len(lines) > 1 else inner


def related_lines(comparison: ModelComparison) -> list[str]:
    return [
        r"\begin{table}",
        r"  \centering\scriptsize\setlength{\tabcolsep}{2.8pt}",
        rf"  \caption{{{latex(gap_words(comparison))}.}}",
        r"  \label{tab:comparison-correlation}",
        rf"  \begin{{tabular}}{{@{{}}l{'r' * (len(PRINTED) - 1)}@{{}}}}",
        r"    \toprule",
        line([stacked(RELATED_HEADS[k], NARROWER) for k in PRINTED]),
        r"    \midrule",
        *(line([math_words(related_texts(one)[k]) for k in PRINTED]) for one in comparison.related),
        r"    \bottomrule",
        r"  \end{tabular}",
        "",
        r"  \medskip",
        *small(comparison.cautions),
        r"\end{table}",
    ]


def basis(comparison: ModelComparison) -> list[str]:
    """What the columns are in full, and what the numbers rest on."""
    told = [f"{head}: {label}{f' ({error})' if error else ''}" for head, label, error in legend(comparison) if label != head]
    common = shared(comparison.reports)
    return [f"{'; '.join(told)}.", *([f"All rows: {common}."] if common else []), MEANING.replace(", as the column says", "")]


def small(sentences: Sequence[str]) -> list[str]:
    return [r"  \begin{minipage}{\linewidth}\scriptsize", f"    {math_words(' '.join(sentences))}", r"  \end{minipage}"]


def math_words(text: str) -> str:
    """Text with the table's symbols in math mode."""
    found = latex(text)
    for mark, formula in SYMBOLS.items():
        found = found.replace(mark, formula)
    return found


def line(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"
