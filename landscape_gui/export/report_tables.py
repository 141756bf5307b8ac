"""Reports of one or several checkpoints side by side: Markdown, LaTeX, CSV and JSON. Columns are models, rows are numbers."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import LandscapeError
from landscape_gui.export import check_target, write
from landscape_gui.export.rounding import rounded
from landscape_gui.number_references import REFERENCES
from landscape_gui.number_texts import EIGENVALUES, FACTS, SHARPNESS, SPECTRUM, TEXTS
from landscape_gui.reading_aids import AIDS, reading
from landscape_gui.results import Number

VERSION = 1
MEANING = "± is one standard error (s.e.) or a bound, as the column says; at least, at most: the true value lies on that side."
SECTIONS = (("Model and data", FACTS), ("Spectrum", {**EIGENVALUES, **SPECTRUM}), ("Sharpness", SHARPNESS))
KINDS = {"standard error": "s.e.", "lower bound": "at least", "upper bound": "at most"}


@dataclass(frozen=True)
class Row:
    """One number of every model: None where a model does not have it. source: keys of its references; details: what each model's
    label says besides, where they differ ("deviation 0.0006")."""

    name: str
    label: str
    unit: str
    kind: str
    source: tuple[str, ...]
    numbers: tuple[Number | None, ...]
    details: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """Label and unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True)
class Section:
    title: str
    rows: tuple[Row, ...]


def sections(reports: Sequence[ReportResult]) -> tuple[Section, ...]:
    """The numbers of all reports as rows, in the order of number_texts; a number that it does not know stands last."""
    names = list(dict.fromkeys(name for report in reports for name in report.numbers))
    known = [(title, [n for known in texts for n in names if base(n) == known]) for title, texts in SECTIONS]
    placed = {name for _, group in known for name in group}
    known.append(("Other", [n for n in names if n not in placed]))
    return tuple(Section(title, tuple(row_of(name, reports) for name in group)) for title, group in known if group)


def base(name: str) -> str:
    """The number's kind: `layer_trace` of `layer_trace:conv1`."""
    return name.partition(":")[0]


def row_of(name: str, reports: Sequence[ReportResult]) -> Row:
    numbers = tuple(report.numbers.get(name) for report in reports)
    first = next(n for n in numbers if n is not None)
    text = TEXTS.get(base(name))
    source = text.references if text is not None else ()
    label = first.label
    details: tuple[str, ...] = ()
    if text is not None and len({n.label for n in numbers if n is not None}) > 1:
        label, details = text.label, tuple(n.label.removeprefix(text.label).strip(" ,:") if n else "" for n in numbers)
    kinds = dict.fromkeys(KINDS.get(n.kind, n.kind) for n in numbers if n is not None and math.isfinite(n.value))
    return Row(name, label, first.unit, ", ".join(kinds), source, numbers, details)


def titles(reports: Sequence[ReportResult]) -> list[str]:
    """What each column is called; equal names are counted."""
    found = [report.title or "checkpoint" for report in reports]
    return [f"{t} ({found[:k].count(t) + 1})" if found.count(t) > 1 else t for k, t in enumerate(found)]


def context(reports: Sequence[ReportResult]) -> list[tuple[str, tuple[str, ...]]]:
    """What the numbers rest on, one value a report: split, N, subset, seed, precision, operator, BatchNorm, device."""
    stated: list[tuple[str, Callable[[ReportResult], Any]]] = [
        ("split", lambda r: r.split),
        ("N", lambda r: r.examples),
        ("data", lambda r: r.subset if r.provenance.question.get("limit") else ""),
        ("seed", lambda r: r.seed),
        ("precision", lambda r: r.precision),
        ("BatchNorm", lambda r: r.batchnorm),
        ("eigenpairs", lambda r: r.provenance.question.get("top", "")),
        ("probes", lambda r: r.provenance.question.get("probes", "")),
        ("Lanczos steps", lambda r: r.provenance.question.get("steps", "")),
        ("products", lambda r: r.products),
        ("gradients", lambda r: round(r.gradients)),
        ("losses", lambda r: round(r.losses)),
        ("device", lambda r: r.provenance.environment.get("device", "")),
        ("checkpoint", checkpoint_of),
    ]
    found = [(name, tuple(_text(value(report)) for report in reports)) for name, value in stated]
    return [(name, values) for name, values in found if any(values)]


def checkpoint_of(report: ReportResult) -> str:
    """File name and digest."""
    found = report.provenance.problem.get("checkpoint", "")
    if not isinstance(found, Mapping):
        return str(found)
    name = str(found.get("path", "")).replace("\\", "/").rsplit("/", 1)[-1]
    return " ".join(part for part in (name, str(found.get("digest", ""))[:12]) if part)


def shared(reports: Sequence[ReportResult]) -> str:
    """What all reports have in common, in a line."""
    return "; ".join(f"{name} {values[0]}" for name, values in context(reports) if len(set(values)) == 1)


def sources(reports: Sequence[ReportResult]) -> dict[str, int]:
    """The references that the rows name, numbered in their order."""
    keys = dict.fromkeys(key for section in sections(reports) for row in section.rows for key in row.source)
    return {key: number for number, key in enumerate(keys, 1)}


# ------------------------------------------------------------------------------------------------------------------- Markdown


def as_markdown(reports: Sequence[ReportResult], *, explained: bool = True) -> str:
    """The table, what it rests on, reading aids with their caveats, what each number is, and the references.

    explained: False leaves the table and what it rests on alone, as for the clipboard.
    """
    lines = ["# Curvature report", ""] if explained else []
    lines += [*_markdown_table(reports), "", *_markdown_context(reports)]
    if explained:
        lines += [*_markdown_aids(reports), *_markdown_definitions(reports)]
    return "\n".join(lines) + "\n"


def _markdown_table(reports: Sequence[ReportResult]) -> list[str]:
    numbered = sources(reports)
    head = ["", *map(_markdown, titles(reports)), "error", "source"]
    lines = [_markdown_row(head), _markdown_row(["---", *["---:"] * len(reports), "---", "---"])]
    for section in sections(reports):
        lines.append(_markdown_row([f"**{section.title}**", *[""] * (len(reports) + 2)]))
        for row in section.rows:
            cells = [rounded(n.value, n.error).plain if n is not None else "" for n in row.numbers]
            marks = ", ".join(str(numbered[key]) for key in row.source)
            lines.append(_markdown_row([_markdown(row.head), *cells, row.kind, f"[{marks}]" if marks else ""]))
    return lines


def _markdown_context(reports: Sequence[ReportResult]) -> list[str]:
    lines = [f"All columns: {_markdown(shared(reports))}."] if shared(reports) else []
    for title, *values in zip(titles(reports), *(differing(reports).values()), strict=True):
        if values:
            told = "; ".join(f"{name} {value}" for name, value in zip(differing(reports), values, strict=True) if value)
            lines += ["", f"{_markdown(title)}: {_markdown(told)}."]
    notes = [f"- {_markdown(remark)}" for remark in remarks(reports)]
    lines += ["", MEANING]
    return [*lines, "", *notes] if notes else lines


def differing(reports: Sequence[ReportResult]) -> dict[str, tuple[str, ...]]:
    """What the models' numbers rest on where it is not the same, rows' details included."""
    found = {name: values for name, values in context(reports) if len(set(values)) > 1}
    said: dict[tuple[str, ...], list[str]] = {}
    for row in (row for section in sections(reports) for row in section.rows if any(row.details)):
        said.setdefault(row.details, []).append(row.label)
    return found | {", ".join(labels): details for details, labels in said.items()}


def remarks(reports: Sequence[ReportResult], names: Sequence[str] = ()) -> list[str]:
    """What the parts had to note, each remark once with the models that it is of (`names`: what those are called)."""
    of: dict[str, list[str]] = {}
    for title, report in zip(names or titles(reports), reports, strict=True):
        for note in report.notes:
            of.setdefault(note, []).append(title)
    return [note if len(named) == len(reports) else f"{', '.join(named)}: {note}" for note, named in of.items()]


def _markdown_aids(reports: Sequence[ReportResult]) -> list[str]:
    rows = [row for section in sections(reports) for row in section.rows if base(row.name) in AIDS]
    if not rows:
        return []
    lines = ["", "## Reading aids, not verdicts", "", _markdown_row(["", *map(_markdown, titles(reports)), "caveat"])]
    lines.append(_markdown_row(["---"] * (len(reports) + 2)))
    for row in rows:
        words = [reading(base(row.name), n.value) if n is not None else "" for n in row.numbers]
        lines.append(_markdown_row([_markdown(row.label), *words, AIDS[base(row.name)].caveat]))
    return lines


def _markdown_definitions(reports: Sequence[ReportResult]) -> list[str]:
    lines = ["", "## What the numbers are", ""]
    by_kind = {base(row.name): row for section in reversed(sections(reports)) for row in reversed(section.rows)}
    for kind, row in reversed(by_kind.items()):
        told = next((n.help for n in row.numbers if n is not None and n.help), "")
        label = TEXTS[kind].label if kind in TEXTS else row.label
        lines += [f"- **{_markdown(label)}.** {_markdown(told)}"] if told else []
    return [*lines, "", "## References", "", *(f"{n}. {REFERENCES[key]}" for key, n in sources(reports).items())]


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    """Text that Markdown shows as it is, in a table's cell too."""
    for mark in "\\`*_<>|[]#":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------------------------- CSV and JSON


def as_csv(reports: Sequence[ReportResult]) -> str:
    """Rows are what the numbers rest on, then the numbers; a value and an error column a model, exact to the last digit."""
    buffer = io.StringIO()
    rows = csv.writer(buffer, lineterminator="\n")
    rows.writerow(["name", "label", "unit", "error kind", *(f"{t}{part}" for t in titles(reports) for part in ("", " error"))])
    for name, values in context(reports):
        rows.writerow([name, name, "", "", *(cell for value in values for cell in (value, ""))])
    for section in sections(reports):
        for row in section.rows:
            cells = [cell for n in row.numbers for cell in ((_exact(n.value), _exact(n.error)) if n is not None else ("", ""))]
            rows.writerow([row.name, row.label, row.unit, row.kind, *cells])
    return buffer.getvalue()


def as_json(reports: Sequence[ReportResult]) -> dict[str, Any]:
    """`models`: title, what its numbers rest on, and `numbers` by name, each with error, kind, unit, label, help, references and
    reading aid; `references`: their full text. What is not finite is null."""
    return {
        "format": "landscape_gui",
        "format_version": VERSION,
        "kind": "report",
        "models": [_model(title, report) for title, report in zip(titles(reports), reports, strict=True)],
        "references": {key: REFERENCES[key] for key in sources(reports)},
    }


def _model(title: str, report: ReportResult) -> dict[str, Any]:
    numbers = {
        name: {
            **{key: value for key, value in asdict(n).items() if key != "name"},
            "references": list(TEXTS[base(name)].references) if base(name) in TEXTS else [],
            "reading_aid": reading(base(name), n.value),
            "caveat": AIDS[base(name)].caveat if base(name) in AIDS else "",
        }
        for name, n in report.numbers.items()
    }
    return {
        "title": title, "split": report.split, "examples": report.examples, "subset": report.subset, "seed": report.seed,
        "precision": report.precision, "batchnorm": report.batchnorm, "products": report.products, "numbers": _plain(numbers),
        "notes": list(report.notes), "provenance": _plain(asdict(report.provenance)),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _exact(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _as_latex(reports: Sequence[ReportResult]) -> str:
    from landscape_gui.export.report_latex import as_latex

    return as_latex(reports)


WRITERS: Mapping[str, Callable[[Sequence[ReportResult]], str]] = {
    ".md": as_markdown,
    ".tex": _as_latex,
    ".csv": as_csv,
    ".json": lambda reports: json.dumps(as_json(reports), ensure_ascii=False, allow_nan=False, indent=1) + "\n",
}


def write_report(path: str | os.PathLike[str], reports: Sequence[ReportResult]) -> Path:
    """Writes reports side by side as .md, .tex, .csv or .json, by the suffix, the whole file or nothing; returns the path.

    Raises LandscapeError for another suffix, no reports, or a file that cannot be written.
    """
    target = check_target(path, tuple(WRITERS))
    if not reports:
        raise LandscapeError("There is no report to write.", remedy="Name at least one checkpoint.")
    return write(target, WRITERS[target.suffix.lower()](reports).encode())
