"""compare PATH...: models side by side, a row each, measures against the generalisation gap, and surfaces in one scale."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import compute, flags, opening, outputs
from landscape_gui.commands.page_flags import add_page_flags, setup_of
from landscape_gui.commands.parser import Parser, UsageError
from landscape_gui.commands.report import report_probe
from landscape_gui.commands.terminal import table
from landscape_gui.errors import LandscapeError, TrustNeeded
from landscape_gui.model_comparison import ALL, COLUMNS, GAPS

if TYPE_CHECKING:
    from landscape_gui.curvature_results import ReportResult
    from landscape_gui.model_comparison import ModelComparison
    from landscape_gui.problem import Problem

TABLES = {
    ".md": "Markdown: tables, correlations, what each column is, references",
    ".tex": "LaTeX: booktabs tables",
    ".csv": "a model a line, exact to the last digit",
    ".json": "numbers with errors, correlations and where all comes from",
    ".html": "one page for a browser, with the figure",
}
FIGURE = "figure: every measure against the gap, and the correlations"
GAP_WORDS = {name.removesuffix("_gap"): name for name in GAPS}
FEWEST = 2
STEPS = 31


def add_flags(parser: Parser) -> None:
    parser.add_argument(
        "path",
        nargs="+",
        metavar="PATH...",
        help="checkpoints, runs (the last checkpoint counts), folders of runs, samples:NAME; a row of the table each",
    )
    kinds = "\n".join([*(f"  {suffix}: {meaning}" for suffix, meaning in TABLES.items()), f"  .pdf .svg .png .tiff .eps: {FIGURE}"])
    help = f"write FILE, several times if wanted; its suffix decides what\n{kinds}"
    parser.add_argument("-o", "--output", action="append", default=[], metavar="FILE", help=help)
    parser.add_argument("--overwrite", action="store_true", help="replace files that are to be written and are there already")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no table on the terminal")
    group = parser.add_argument_group("the comparison")
    group.add_argument(
        "--numbers",
        type=names,
        default=COLUMNS,
        metavar="NAME,NAME",
        help=f"columns, as a report names them, or all (default: {', '.join(COLUMNS)})",
    )
    words = "what measures are held against: the loss on unseen data minus that on training data, or the accuracies the other way"
    group.add_argument("--gap", choices=tuple(GAP_WORDS), metavar="|".join(GAP_WORDS), help=f"{words} (default: loss)")
    group.add_argument("--sort", default="", metavar="NAME", help="rows by this number, or title (default: as they are named)")
    group.add_argument("--descending", action="store_true", help="with --sort: the largest first")
    help = "what a row is called, once a model in their order (default: the model's title)"
    group.add_argument("--title", action="append", default=[], dest="row_title", metavar="TEXT", help=help)
    surfaces = "a figure of all surfaces with one scale, span and camera; .figure.json opens in the window"
    group.add_argument("--surfaces", action="append", default=[], metavar="FILE", help=surfaces)
    group.add_argument(
        "--surface-steps", type=opening.at_least_one, default=STEPS, metavar="N", help=f"points along each side (default: {STEPS})"
    )
    group.add_argument("--log", action="store_true", help="surfaces on a logarithmic scale")
    flags.add_probe_flags(parser, report_probe())
    opening.add_opening_flags(parser)
    add_page_flags(parser)


def names(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.replace(",", " ").split() if part)


def run(namespace: argparse.Namespace) -> int:
    """What goes wrong with one model is said, and the others go on; the status then is 1."""
    check(namespace)
    named = opened(namespace)
    problems = {path: problem for path, problem in named.items() if problem is not None}
    with compute.Interruption() as interruption:
        reports = reported(namespace, problems, interruption)
        if reports is None:
            return interrupted()
        if len(reports) < FEWEST:
            raise LandscapeError("Fewer than two models could be reported on.", remedy="See above what is wrong with the others.")
        comparison = compared_of(namespace, titled(namespace.row_title, list(named), reports))
        write_outputs(namespace, comparison)
        if not namespace.quiet and (sys.stdout.isatty() or not (namespace.output or namespace.surfaces)):
            print(as_text(comparison))
        drawn = surfaces(namespace, problems, reports, interruption)
    if drawn is None:
        return interrupted()
    return 0 if len(reports) == len(named) and drawn else 1


def interrupted() -> int:
    print("landscape-gui: interrupted. What was computed is kept; the same command goes on from there.", file=sys.stderr)
    return compute.INTERRUPTED


def check(namespace: argparse.Namespace) -> None:
    """Said before anything is computed."""
    from landscape_gui.composition.file import SUFFIX
    from landscape_gui.export import SUFFIXES

    for name, known in [(n, (*TABLES, *SUFFIXES)) for n in namespace.output] + [
        (n, (SUFFIX, *SUFFIXES)) for n in namespace.surfaces
    ]:
        if not name.lower().endswith(known):
            raise UsageError(f"{name}: the suffix decides what is written; it can be {', '.join(known)}.")
    outputs.check_places([*namespace.output, *namespace.surfaces], overwrite=namespace.overwrite)
    setup_of(namespace)
    numbers = names_known()
    for name in (*namespace.numbers, *([namespace.sort] if namespace.sort not in ("", "title") else [])):
        if name.partition(":")[0] not in numbers:
            raise UsageError(f"{name} is no number of a report. Choose of {', '.join(numbers)}.")


def names_known() -> list[str]:
    from landscape_gui.number_texts import TEXTS

    return [*TEXTS, ALL]


def opened(namespace: argparse.Namespace) -> dict[str, Problem | None]:
    """The problems by what they were named as; the same checkpoint once, and None for what does not open, which is said."""
    found: dict[str, Problem | None] = {}
    for path, error in (one for named in namespace.path for one in named_in(named)):
        try:
            if error is not None:
                raise error
            problem = opening.open_named(path, namespace)
        except TrustNeeded:
            raise
        except LandscapeError as wrong:
            left_out(path, wrong)
            found[path] = None
            continue
        twin = next((name for name, one in found.items() if one is not None and one.fingerprint == problem.fingerprint), None)
        if twin is not None:
            print(f"landscape-gui: {path} is the same model as {twin} and counts once.", file=sys.stderr)
            continue
        found[path] = problem
    if len(namespace.row_title) > len(found):
        raise UsageError(f"There are {len(namespace.row_title)} titles and {len(found)} models. Give one --title a model.")
    if len(found) < FEWEST:
        raise UsageError("One model cannot be compared. Name another one, or ask for its report: landscape-gui report PATH")
    if sum(one is not None for one in found.values()) < FEWEST:
        raise LandscapeError("Fewer than two models could be opened.", remedy="See above what is wrong with the others.")
    return found


def left_out(path: str, error: LandscapeError, what: str = "is left out") -> None:
    print(f"landscape-gui: {path} {what}: {error}", file=sys.stderr)


def named_in(path: str) -> list[tuple[str, LandscapeError | None]]:
    """What `models_in` finds, or the path with why there is nothing."""
    try:
        return [(found, None) for found in models_in(path)]
    except LandscapeError as error:
        return [(path, error)]


def models_in(path: str) -> list[str]:
    """The path; of a folder without checkpoints of its own the runs in it, by name."""
    from landscape_gui.problem.locate import find_checkpoint, resolve

    try:
        find_checkpoint(path)
    except LandscapeError:
        folder = resolve(path)
        if not folder.is_dir():
            raise
        found = [str(inner) for inner in sorted(folder.iterdir()) if inner.is_dir() and holds_model(inner)]
        if not found:
            raise
        return found
    return [path]


def holds_model(folder: Path) -> bool:
    from landscape_gui.problem.locate import find_checkpoint

    try:
        find_checkpoint(folder)
    except LandscapeError:
        return False
    return True


def reported(
    namespace: argparse.Namespace, problems: dict[str, Problem], interruption: compute.Interruption
) -> dict[str, ReportResult] | None:
    """A report for every problem that has one; None where Ctrl+C came first. What fails is said, and the others go on."""
    found: dict[str, Any] = {}
    for path, problem in problems.items():
        question = flags.make_probe(report_probe(), namespace, problem)
        try:
            result = compute.ask(question, problem, interruption, quiet=namespace.quiet)
        except TrustNeeded:
            raise
        except LandscapeError as error:
            left_out(path, error)
            continue
        if result is None:
            return None
        found[path] = result
    return found


def titled(titles: Sequence[str], paths: Sequence[str], reports: dict[str, ReportResult]) -> list[ReportResult]:
    """The reports under the names that were given for their paths, as far as these go."""
    from landscape_gui.model_comparison import named

    given = dict(zip(paths, titles, strict=False))
    short = named(list(reports.values()))
    return [replace(report, title=given.get(path, report.title)) for path, report in zip(reports, short, strict=True)]


def compared_of(namespace: argparse.Namespace, reports: Sequence[ReportResult]) -> ModelComparison:
    from landscape_gui.model_comparison import compared

    gap = GAP_WORDS.get(namespace.gap or "", "")
    return compared(reports, columns=namespace.numbers, gap=gap, sort=namespace.sort, descending=namespace.descending)


def surfaces(
    namespace: argparse.Namespace,
    problems: dict[str, Problem],
    reports: dict[str, ReportResult],
    interruption: compute.Interruption,
) -> bool | None:
    """The figure of the surfaces of all models in the table; whether all of them are in it, None where Ctrl+C came first."""
    if not namespace.surfaces:
        return True
    from landscape_gui.composition import Composition, composed, write_composition
    from landscape_gui.composition.answers import cell_for
    from landscape_gui.composition.file import OPENING, SUFFIX
    from landscape_gui.export import export
    from landscape_gui.figure import Look
    from landscape_gui.probes.surface import Surface

    limit, seed = (getattr(namespace, flags.PREFIX + name, 0) for name in ("limit", "seed"))
    asked = Surface(steps=(namespace.surface_steps, namespace.surface_steps), limit=limit, seed=seed)
    given = {name: getattr(namespace, name, None) for name in OPENING}
    cells, results = [], []
    for path, problem in ((path, problems[path]) for path in reports):
        try:
            result = compute.ask(asked, problem, interruption, quiet=namespace.quiet)
        except LandscapeError as error:
            left_out(path, error, "has no surface in the figure")
            continue
        if result is None:
            return None
        look = Look(scale="log" if namespace.log else "linear")
        cells.append(cell_for(asked, problem, path, given, look=look))
        results.append(result)
    if not cells:
        return False
    composition = Composition(cells=tuple(cells))
    for name in namespace.surfaces:
        if name.lower().endswith(SUFFIX):
            write_composition(name, composition)
        else:
            export(composed(composition, results), name, setup_of(namespace))
    return len(cells) == len(reports)


def write_outputs(namespace: argparse.Namespace, comparison: ModelComparison) -> None:
    from landscape_gui.comparison_figure import comparison_figure
    from landscape_gui.export import export
    from landscape_gui.export.comparison_tables import write_comparison

    for name in namespace.output:
        if os.path.splitext(name)[1].lower() in TABLES:
            write_comparison(name, comparison)
        else:
            export(comparison_figure(comparison), name, setup_of(namespace))


def as_text(comparison: ModelComparison) -> str:
    """For a terminal: tables, correlations, and what must be known of them."""
    from landscape_gui.export.comparison_tables import RELATED_HEADS, blocks, gap_words, head_text, related_texts, row_texts
    from landscape_gui.export.report_tables import shared

    parts = []
    for block in blocks(comparison):
        heads = (block.title.upper(), *(head_text(comparison, name) for name in block.columns))
        parts.append(table([heads, *row_texts(comparison, block)], right=range(1, len(heads))))
    if comparison.related:
        rows = [RELATED_HEADS, *(related_texts(one) for one in comparison.related)]
        parts.append(f"{gap_words(comparison).upper()}\n{table(rows, right=range(1, len(RELATED_HEADS)))}")
    parts.append("\n".join(filter(None, [shared(comparison.reports), *comparison.cautions, *comparison.warnings])))
    return "\n\n".join(parts)
