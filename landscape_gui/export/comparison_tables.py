"""Models side by side, a row each: Markdown, CSV, JSON and HTML, with the correlations of measures and gap below."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from landscape_gui.comparison_figure import interval_words, p_words, signed
from landscape_gui.export.files import check_target, write
from landscape_gui.export.number_table import escaped, value_words
from landscape_gui.export.report_tables import KINDS, MEANING, shared, sources
from landscape_gui.model_comparison import GAPS, ModelComparison, Related, kind
from landscape_gui.number_references import REFERENCES
from landscape_gui.number_texts import EIGENVALUES, SHARPNESS, SPECTRUM, TEXTS
from landscape_gui.results import Number

VERSION = 1
OF_WEIGHTS = ("parameters", "gradient_norm", "weight_norm", "distance_from_start")
BLOCKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Loss and accuracy", ("split_loss", "accuracy", "loss", *GAPS)),
    ("Weights", OF_WEIGHTS),
    ("Spectrum", (*EIGENVALUES, *SPECTRUM)),
    ("Sharpness", tuple(SHARPNESS)),
)
WIDEST = 6
"""Columns of a block at most; more go on in another one of the same name."""
RELATED_HEADS = ("measure", "n", "τ", "95 % interval", "p", "p, all measures", "ρ", "95 % interval", "τ, values redrawn")


@dataclass(frozen=True)
class Block:
    """Columns that stand side by side in one table of all models."""

    title: str
    columns: tuple[str, ...]


def blocks(comparison: ModelComparison) -> tuple[Block, ...]:
    """The columns by what they are of, a few in each, so that a page holds them."""
    left = list(comparison.columns)
    found = []
    for title, kinds in BLOCKS:
        own = [name for name in left if kind(name) in kinds]
        left = [name for name in left if name not in own]
        found += [(title, own)]
    found.append(("Other", left))
    return tuple(Block(title, tuple(own[k : k + WIDEST])) for title, own in found for k in range(0, len(own), WIDEST))


def head_text(comparison: ModelComparison, name: str) -> str:
    unit = comparison.unit(name)
    return f"{comparison.head(name)} ({unit})" if unit else comparison.head(name)


def cell_text(number: Number | None) -> str:
    return "" if number is None else value_words(number.value, number.error)


def row_texts(comparison: ModelComparison, block: Block) -> list[tuple[str, ...]]:
    """Title and values of every model."""
    return [
        (title, *(cell_text(comparison.number(row, name)) for name in block.columns)) for row, title in enumerate(comparison.titles)
    ]


def related_texts(one: Related) -> tuple[str, ...]:
    """A row of the correlations, in the order of RELATED_HEADS."""
    if one.why:
        return (one.head, str(one.models), "–", one.why, *[""] * (len(RELATED_HEADS) - 4))
    missing = "none" if not one.interval.known else ""
    return (
        one.head, str(one.models), signed(one.tau), interval_words(one.interval) or missing, p_words(one.p),
        p_words(one.p_together), signed(one.rho), interval_words(one.rho_interval) or missing, interval_words(one.noise),
    )  # fmt: skip


def legend(comparison: ModelComparison) -> Iterator[tuple[str, str, str]]:
    """Of every column: what it is called, its label in full and what its error is, as far as it is not plain."""
    for name in comparison.columns:
        numbers = [n for r in comparison.reports if (n := r.numbers.get(name)) is not None]
        kinds = dict.fromkeys(KINDS.get(n.kind, n.kind) for n in numbers if math.isfinite(n.value))
        yield comparison.head(name), in_one([n.label for n in numbers]), ", ".join(kinds)


def in_one(labels: Sequence[str]) -> str:
    """ "noise, deviation 0.1; 0.2" for what differs between models in the end alone."""
    distinct = list(dict.fromkeys(labels))
    if len(distinct) < 2:
        return "".join(distinct)
    words = [label.split(" ") for label in distinct]
    alike = next((k for k, column in enumerate(zip(*words, strict=False)) if len(set(column)) > 1), min(map(len, words)) - 1)
    return "; ".join([distinct[0], *(" ".join(rest[alike:]) for rest in words[1:])])


def gap_words(comparison: ModelComparison) -> str:
    return f"Rank correlation with the {GAPS[comparison.gap]}" if comparison.gap else "Rank correlation"


# ------------------------------------------------------------------------------------------------------------------- Markdown


def as_markdown(comparison: ModelComparison, *, explained: bool = True) -> str:
    """Tables, correlations, what must be known, what the columns are and references. explained: False leaves out the last two."""
    lines = ["# Comparison of models", ""] if explained else []
    for words in comparison.warnings:
        lines += [f"> {escaped(words)}", ""]
    for block in blocks(comparison):
        heads = [block.title, *(head_text(comparison, name) for name in block.columns)]
        lines += [*markdown_table(heads, row_texts(comparison, block)), ""]
    basis = shared(comparison.reports)
    lines += [f"All rows: {escaped(basis)}." if basis else "", MEANING.replace(", as the column says", ""), ""]
    if comparison.related:
        lines += [f"## {gap_words(comparison)}", ""] if explained else [f"{gap_words(comparison)}:", ""]
        lines += [*markdown_table(RELATED_HEADS, [related_texts(one) for one in comparison.related]), ""]
    lines += [f"- {escaped(words)}" for words in comparison.cautions]
    if explained:
        lines += markdown_definitions(comparison)
    return "\n".join(lines).strip() + "\n"


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(escaped, heads))} |"
    yield f"| {' | '.join('---' if k == 0 else '---:' for k in range(len(heads)))} |"
    yield from (f"| {' | '.join(map(escaped, row))} |" for row in rows)


def markdown_definitions(comparison: ModelComparison) -> Iterator[str]:
    yield from ("", "## What the columns are", "")
    for name, (head, label, error) in zip(comparison.columns, legend(comparison), strict=True):
        text = TEXTS.get(kind(name))
        told = text.help if text is not None else ""
        yield f"- **{escaped(head)}**: {escaped(label)}{f' ({error})' if error else ''}. {escaped(told)}".rstrip()
    yield from ("", "## References", "")
    yield from (f"{n}. {text}" for n, text in enumerate(references(comparison), 1))


def references(comparison: ModelComparison) -> list[str]:
    """Of the numbers that stand in the table."""
    kinds = {kind(name) for name in comparison.columns}
    used = {key for name in kinds if name in TEXTS for key in TEXTS[name].references}
    return [REFERENCES[key] for key in sources(comparison.reports) if key in used]


# ----------------------------------------------------------------------------------------------------------------- CSV, JSON


def as_csv(comparison: ModelComparison) -> str:
    """A model a line, a value and an error column a number, exact to the last digit; units and kinds of errors are in the JSON."""
    buffer = io.StringIO()
    rows = csv.writer(buffer, lineterminator="\n")
    rows.writerow(["model", *(f"{name}{part}" for name in comparison.columns for part in ("", " error"))])
    for row, title in enumerate(comparison.titles):
        numbers = [comparison.number(row, name) for name in comparison.columns]
        rows.writerow([title, *(cell for n in numbers for cell in (("", "") if n is None else (exact(n.value), exact(n.error))))])
    return buffer.getvalue()


def exact(value: float) -> str:
    """The shortest text that reads back as the same number; nothing for what is not known."""
    return "" if math.isnan(value) else repr(float(value)).removesuffix(".0")


def as_json(comparison: ModelComparison) -> dict[str, Any]:
    """`models`: a title, its numbers by name and where they come from; `correlations`: by measure; what is not finite is null."""
    models = [
        {
            "title": title,
            "numbers": {name: asdict(n) for name in comparison.columns if (n := comparison.number(row, name)) is not None},
            "provenance": asdict(comparison.reports[row].provenance),
        }
        for row, title in enumerate(comparison.titles)
    ]
    found = {
        "format": "landscape_gui",
        "format_version": VERSION,
        "kind": "comparison",
        "models": models,
        "gap": comparison.gap,
        "correlations": {one.name: asdict(one) for one in comparison.related},
        "warnings": comparison.warnings,
        "cautions": comparison.cautions,
    }
    return dict(plain(found))


def plain(value: Any) -> Any:
    """As JSON holds it."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _latex(comparison: ModelComparison) -> str:
    from landscape_gui.export.comparison_latex import as_latex

    return as_latex(comparison)


def _html(comparison: ModelComparison) -> str:
    from landscape_gui.export.comparison_page import as_page
    from landscape_gui.export.report_html import as_html

    return as_html(as_page(comparison))


WRITERS: Mapping[str, Callable[[ModelComparison], str]] = {
    ".md": as_markdown,
    ".tex": _latex,
    ".csv": as_csv,
    ".json": lambda comparison: json.dumps(as_json(comparison), ensure_ascii=False, allow_nan=False, indent=1) + "\n",
    ".html": _html,
}


def write_comparison(path: str | os.PathLike[str], comparison: ModelComparison) -> Path:
    """Writes a comparison as .md, .tex, .csv, .json or .html, by the suffix, the whole file or nothing; returns the path.

    Raises LandscapeError for another suffix, and for a file that cannot be written.
    """
    target = check_target(path, tuple(WRITERS))
    return write(target, WRITERS[target.suffix.lower()](comparison).encode())
