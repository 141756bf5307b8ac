"""A comparison of models as a page for a browser: tables, correlations and their figure."""

from __future__ import annotations

from landscape_gui.comparison_figure import comparison_figure
from landscape_gui.export.comparison_tables import (
    RELATED_HEADS,
    blocks,
    gap_words,
    head_text,
    legend,
    references,
    related_texts,
    row_texts,
)
from landscape_gui.export.report_page import Page, Picture, Section, Table
from landscape_gui.export.report_tables import MEANING, shared
from landscape_gui.model_comparison import ModelComparison


def as_page(comparison: ModelComparison) -> Page:
    """Some seconds, for its figure is drawn on light and on dark ground."""
    common = shared(comparison.reports)
    told = tuple(f"{head}: {label}{f' ({error})' if error else ''}." for head, label, error in legend(comparison) if label != head)
    numbers = Section(
        title="Models",
        tables=tables(comparison),
        notes=(*told, MEANING.replace(", as the column says", ""), *([f"All rows: {common}."] if common else [])),
    )
    return Page(
        title="Comparison of models",
        subtitle=", ".join(comparison.titles),
        warnings=comparison.warnings,
        sections=(numbers, correlations(comparison)),
        references=tuple(references(comparison)),
    )


def tables(comparison: ModelComparison) -> tuple[Table, ...]:
    """A last column without words keeps all that have numbers flush right."""
    return tuple(
        Table(
            heads=(block.title, *(head_text(comparison, name) for name in block.columns), ""),
            groups=(("", tuple((*row, "") for row in row_texts(comparison, block))),),
        )
        for block in blocks(comparison)
    )


def correlations(comparison: ModelComparison) -> Section:
    rows = tuple((*related_texts(one), "") for one in comparison.related)
    picture = Picture(name="gap", title="Measures and the gap", figure=comparison_figure(comparison))
    return Section(
        title=gap_words(comparison),
        text=comparison.cautions,
        tables=(Table(heads=(*RELATED_HEADS, ""), groups=(("", rows),)),) if rows else (),
        pictures=(picture,) if comparison.gap else (),
    )
