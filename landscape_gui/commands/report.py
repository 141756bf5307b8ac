"""report PATH...: every number of curvature for one checkpoint, or for several side by side, as a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from landscape_gui.commands import compute, flags, opening, outputs
from landscape_gui.commands.parser import Parser, UsageError
from landscape_gui.commands.terminal import table

if TYPE_CHECKING:
    from landscape_gui.curvature_results import ReportResult
    from landscape_gui.probes.report import Report

SUFFIXES = {
    ".md": "Markdown: the table, reading aids, what each number is, references",
    ".tex": "LaTeX: a booktabs table",
    ".csv": "numbers, one a line, exact to the last digit",
    ".json": "numbers with errors, what they rest on, texts and references",
    ".h5": "the whole answer, of a single checkpoint",
}


def add_flags(parser: Parser) -> None:
    parser.add_argument(
        "path",
        nargs="+",
        metavar="PATH...",
        help="checkpoints, folders of them (the last one counts) or samples:NAME; a column of the table each",
    )
    kinds = "\n".join(f"  {suffix}: {meaning}" for suffix, meaning in SUFFIXES.items())
    help = f"write FILE, several times if wanted; its suffix decides what\n{kinds}"
    parser.add_argument("-o", "--output", action="append", default=[], metavar="FILE", help=help)
    parser.add_argument("--overwrite", action="store_true", help="replace files that -o names and that are there already")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no table on the terminal")
    flags.add_probe_flags(parser, report_probe())
    opening.add_opening_flags(parser)


def report_probe() -> type[Report]:
    from landscape_gui.probes.report import Report

    return Report


def run(namespace: argparse.Namespace) -> int:
    check_outputs(namespace.output, namespace.path)
    if not namespace.overwrite:
        outputs.check_absent(namespace.output)
    problems = [opening.open_named(path, namespace) for path in namespace.path]
    reports: list[ReportResult] = []
    with compute.Interruption() as interruption:
        for problem in problems:
            question = flags.make_probe(report_probe(), namespace, problem)
            found = compute.ask(question, problem, interruption, quiet=namespace.quiet)
            if found is None:
                print(
                    "landscape-gui: interrupted. What was computed is kept; the same command goes on from there.", file=sys.stderr
                )
                return compute.INTERRUPTED
            reports.append(found)  # type: ignore[arg-type]
    write_outputs(namespace.output, reports)
    if not namespace.quiet and (sys.stdout.isatty() or not namespace.output):
        print(as_text(reports))
    return 0


def check_outputs(names: Sequence[str], paths: Sequence[str]) -> None:
    """Said before anything is computed."""
    for name in names:
        suffix = Path(name).suffix.lower()
        if suffix not in SUFFIXES:
            raise UsageError(f"{name}: the suffix decides what is written; it can be {', '.join(SUFFIXES)}.")
        if suffix == ".h5" and len(paths) > 1:
            raise UsageError(f"{name}: an .h5 file holds one answer. Name one PATH, or write .json, which holds them all.")
    outputs.check_folders(names)


def write_outputs(names: Sequence[str], reports: Sequence[ReportResult]) -> None:
    from landscape_gui.export.report_tables import write_report
    from landscape_gui.store import write_result

    for name in names:
        if Path(name).suffix.lower() == ".h5":
            write_result(name, reports[0])
        else:
            write_report(name, reports)


def as_text(reports: Sequence[ReportResult]) -> str:
    """The table for a terminal, what it rests on, and what should be known of it."""
    from landscape_gui.export.report_tables import sections, shared, titles
    from landscape_gui.export.rounding import rounded

    rows: list[tuple[str, ...]] = [("", *titles(reports), "error")]
    for section in sections(reports):
        rows.append((section.title.upper(), *[""] * (len(reports) + 1)))
        for row in section.rows:
            rows.append((row.head, *(rounded(n.value, n.error).plain if n is not None else "" for n in row.numbers), row.kind))
    notes = dict.fromkeys(f"{t}: {note}" for t, r in zip(titles(reports), reports, strict=True) for note in r.notes)
    lines = [table(rows, right=range(1, len(reports) + 1)), shared(reports), *notes]
    return "\n".join(line for line in lines if line)
