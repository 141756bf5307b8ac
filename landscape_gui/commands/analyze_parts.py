"""The questions of an analysis, how much they cost, and what each becomes in the report's folder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands.compute import minutes
from landscape_gui.errors import LandscapeError
from landscape_gui.export_formats import format_of

if TYPE_CHECKING:
    from landscape_gui.export.report_page import Picture, Section
    from landscape_gui.figure import Figure, Look
    from landscape_gui.probes.base import Probe
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result

LIMITS = (0, 10_000, 5_000, 2_000, 1_000, 512, 256)
"""Sizes of the random subset that an analysis may take where nobody says, all examples first."""
DPI = 240.0
"""Pixels an inch of figures, on a screen too sharp for the eye."""
DRAWING = 2.0
"""Seconds that a figure takes in all its files."""
FEWEST_CHECKPOINTS = 3
MOMENTS = 12
"""Checkpoints of a run whose geometry is measured."""
FIGURES, TABLES, ANSWERS = "figures", "tables", "answers"


@dataclass(frozen=True)
class Part:
    """One question. name: of its files; shows: (name of the figure, its title, look's fields); table: whether its numbers stand in
    the report, and not in another part's table already."""

    name: str
    title: str
    question: Probe
    shows: tuple[tuple[str, str, Mapping[str, Any]], ...]
    table: bool = True


@dataclass(frozen=True)
class Settings:
    """How large an analysis is."""

    limit: int
    steps: int
    top: int
    seed: int
    log: bool = False


@dataclass
class Outcome:
    """What became of the parts: answers by name of the part, why others are missing, seconds."""

    answers: dict[str, Result] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def parts_of(problem: Problem, wanted: Sequence[str], settings: Settings) -> tuple[list[Part], dict[str, str]]:
    """The questions that can be asked of those wanted ("visualize", "hessian", "trajectory"), and why others cannot."""
    parts: list[Part] = []
    missing: dict[str, str] = {}
    if "visualize" in wanted:
        parts.append(surface_part(settings))
    if "hessian" in wanted:
        parts.append(hessian_part(settings))
    if "trajectory" in wanted:
        count = len(problem.run.checkpoints) if problem.run is not None else 1
        if count >= FEWEST_CHECKPOINTS:
            parts += trajectory_parts(settings)
        else:
            missing["Trajectory"] = (
                f"{problem.title} belongs to no run of {FEWEST_CHECKPOINTS} or more checkpoints. Open a folder of them, record one "
                "with landscape_gui.Recorder, or let --model NAME be trained."
            )
    return parts, missing


def surface_part(settings: Settings) -> Part:
    from landscape_gui.probes.surface import Surface

    question = Surface(steps=(settings.steps, settings.steps), limit=settings.limit, seed=settings.seed)
    shows = (("surface", "Loss surface", {"view": "3d"}), ("contours", "The same from above", {"view": "2d"}))
    return Part("surface", "Loss surface", question, shows)


def hessian_part(settings: Settings) -> Part:
    """The report's numbers; its spectrum and its sharpness are answers of their own by then."""
    from landscape_gui.probes.report import Report

    report = Report(limit=settings.limit, seed=settings.seed, top=settings.top)
    return Part("curvature", "Curvature and sharpness", report, ())


def along(part: Part, problem: Problem) -> tuple[Part, ...]:
    """The answers that a report is made of and that have figures of their own."""
    from landscape_gui.probes.report import Report

    if not isinstance(part.question, Report):
        return ()
    known = dict(part.question.parts(problem))
    return (
        Part("spectrum", "Spectrum of the Hessian", known["spectrum"], (("spectrum", "Spectrum of the Hessian", {}),), False),
        Part(
            "sharpness",
            "Sharpness over the distance",
            known["sharpness"],
            (("sharpness", "Sharpness over the distance", {}),),
            False,
        ),
    )


def trajectory_parts(settings: Settings) -> list[Part]:
    from landscape_gui.probes.dynamics import Dynamics
    from landscape_gui.probes.trajectory import Trajectory

    steps = max(11, settings.steps * 2 // 3 // 2 * 2 + 1)
    path = Trajectory(steps=(steps, steps), limit=settings.limit, seed=settings.seed)
    course = Dynamics(limit=settings.limit, seed=settings.seed, checkpoints=MOMENTS)
    return [
        Part("trajectory", "Trajectory", path, (("trajectory", "The path of training", {"view": "2d"}),)),
        Part("dynamics", "Training dynamics", course, (("dynamics", "Training dynamics", {}),)),
    ]


def seconds_of(part: Part, problem: Problem) -> float:
    """What it will take by the estimate; NaN where that cannot be told."""
    try:
        question = part.question.completed(problem)
        return float(question.cost(problem).seconds)
    except (LandscapeError, NotImplementedError, ArithmeticError):
        return math.nan


def chosen_limit(problem: Problem, wanted: Sequence[str], settings: Settings, seconds: float) -> int:
    """The largest subset with which everything is estimated at so many seconds or less, else the smallest.

    A forward pass is timed on the smallest; the rest follows, for its time goes with the examples.
    """
    examples = next(iter(problem.splits.values()))
    if not examples:
        return 0
    few = min(LIMITS[-1], examples)
    parts, _ = parts_of(problem, wanted, dataclasses.replace(settings, limit=few))
    known = [s for part in parts if math.isfinite(s := seconds_of(part, problem))]
    each = sum(known) / few
    for limit in LIMITS:
        count = min(limit or examples, examples)
        if count * each <= seconds:
            return 0 if count == examples else limit
    return LIMITS[-1] if examples > LIMITS[-1] else 0


def estimate(parts: Sequence[Part], problem: Problem, settings: Settings) -> list[str]:
    """What is about to be computed, a line each."""
    examples = next(iter(problem.splits.values()))
    data = f"{min(settings.limit or examples, examples):,} of {examples:,} examples" if settings.limit else f"{examples:,} examples"
    lines = [f"{problem.title}: {problem.layout.parameters:,} parameters, {data} of {next(iter(problem.splits))}"]
    lines.append(f"  Loss and accuracy of all examples: {about(pass_seconds(problem))}")
    lines += [f"  {part.title}: {about(seconds_of(part, problem))}" for part in parts]
    pictures = sum(len(part.shows) or 2 for part in parts)
    return [*lines, f"  Figures and report: {about(pictures * DRAWING)}"]


def subset_words(problem: Problem, settings: Settings) -> tuple[str, ...]:
    """What a reader must know where not all examples count."""
    examples = next(iter(problem.splits.values()))
    if not settings.limit or settings.limit >= examples:
        return ()
    return (
        f"Surfaces, curvature and sharpness are of {settings.limit:,} of {examples:,} examples, drawn at random with seed "
        f"{settings.seed}: on a subset the largest eigenvalue comes out too large.",
    )


def pass_seconds(problem: Problem) -> float:
    """Two forward passes over every split: what a report says of a checkpoint before any question."""
    from landscape_gui.probes.endpoint import Endpoint

    try:
        return 2 * float(Endpoint().completed(problem).cost(problem).seconds)
    except (LandscapeError, ArithmeticError):
        return math.nan


def about(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "time not known"
    return f"about {minutes(seconds)}" if seconds >= 1 else "less than a second"


# ---------------------------------------------------------------------------------------------------------------------- files


def write_part(part: Part, result: Result, folder: Path) -> Section:
    """Figures, tables and the answer of a part as files, and its section of the report."""
    from landscape_gui.curvature_results import ReportResult
    from landscape_gui.export.report_page import Section, table_of_answer

    pictures = tuple(
        picture_of(part, name, title, fields, result, folder, told=place > 0)
        for place, (name, title, fields) in enumerate(part.shows)
    )
    files = write_numbers(part, result, folder)
    table = report_table(result) if isinstance(result, ReportResult) else table_of_answer(result)
    seconds = result.provenance.seconds
    text = (type(part.question).summary + ".", f"Computed in {minutes(seconds)}." if seconds >= 1 else "")
    return Section(
        title=part.title,
        text=tuple(filter(None, text)),
        pictures=pictures,
        tables=(table,) if table is not None and part.table else (),
        notes=tuple(result.notes),
        files=files,
    )


def picture_of(
    part: Part, name: str, title: str, fields: Mapping[str, Any], result: Result, folder: Path, *, told: bool
) -> Picture:
    """Write one figure. told: the one before it has said it all."""
    from landscape_gui.export.report_page import Picture
    from landscape_gui.page_setup import PageSetup

    figure = drawn(part.question, result, fields)
    files = {}
    for suffix in (".pdf", ".png"):
        path = folder / FIGURES / f"{name}{suffix}"
        format_of(path).write(path, figure, result, PageSetup(dpi=DPI))
        files[suffix] = f"{FIGURES}/{path.name}"
    caption, png = "" if told else figure.caption, (folder / files[".png"]).read_bytes()
    return Picture(name=name, title=title, figure=figure, caption=caption, files=files, png=png)


def drawn(question: Probe, result: Result, fields: Mapping[str, Any]) -> Figure:
    """The figure on the scale that suits the values."""
    from landscape_gui.figure import Look

    look: Look = Look(**fields)
    figure = question.figure(result, look)
    scale = figure.extra.get("suggested_scale")
    return question.figure(result, dataclasses.replace(look, scale=scale)) if scale in ("log",) else figure


def write_numbers(part: Part, result: Result, folder: Path) -> dict[str, str]:
    """The answer as .h5, its numbers as tables; a kind of table that such answers have not is left out."""
    from landscape_gui.page_setup import PageSetup

    files = {}
    for place, suffixes in ((TABLES, (".md", ".tex", ".csv", ".json")), (ANSWERS, (".h5",))):
        for suffix in suffixes:
            path = folder / place / f"{part.name}{suffix}"
            try:
                format_of(path).write(path, None, result, PageSetup())
            except LandscapeError:
                if suffix not in (".md", ".tex"):
                    raise
                continue
            files[f"{part.name}{suffix}"] = f"{place}/{path.name}"
    return files


def report_table(result: Any) -> Any:
    """A report's numbers by section."""
    from landscape_gui.export.number_table import value_text
    from landscape_gui.export.report_page import Table, capital, sure
    from landscape_gui.export.report_tables import sections

    groups = []
    for section in sections([result]):
        rows = [(capital(row.label), value_text(n), sure(n)) for row in section.rows if (n := row.numbers[0]) is not None]
        groups.append((section.title, tuple(rows)))
    return Table(heads=("", "value", "how sure"), groups=tuple(groups))
