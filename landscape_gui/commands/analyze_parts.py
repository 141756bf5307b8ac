"""The questions of an analysis, and what each becomes in the report's folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands.analyze_size import about, report_of
from landscape_gui.commands.compute import minutes
from landscape_gui.errors import LandscapeError
from landscape_gui.export_formats import format_of

if TYPE_CHECKING:
    from landscape_gui.commands.analyze_course import Course
    from landscape_gui.commands.analyze_size import Costs, Remaining, Size
    from landscape_gui.export.report_page import Picture, Section, Table
    from landscape_gui.figure import Figure, Look
    from landscape_gui.probes.base import Probe
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result

DPI = 240.0
"""Pixels an inch of figures, on a screen too sharp for the eye."""
DRAWING = 1.0
"""Seconds that a figure takes in all its files."""
FIGURES, TABLES, ANSWERS = "figures", "tables", "answers"
COURSE = "optimization_trajectory.json"
"""What `LossLandscapeAnalyzer.analyze_optimization_trajectory` gives, as a file."""


@dataclass(frozen=True)
class Part:
    """One question. name: of its files; shows: (name of the figure, its title, look's fields); table: whether its numbers stand in
    the report, and not in another part's table already; of: the problem where it is not the one that is analysed; words: what a
    reader must know of it first; own: whether a run is the network's own."""

    name: str
    title: str
    question: Probe
    shows: tuple[tuple[str, str, Mapping[str, Any]], ...]
    table: bool = True
    of: Problem | None = None
    words: str = ""
    own: bool = True


@dataclass
class Outcome:
    """What became of the parts: answers by name of the part, why others are missing."""

    answers: dict[str, Result] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def parts_of(wanted: Sequence[str], size: Size, course: Course | None) -> list[Part]:
    """The questions of those wanted ("visualize", "hessian", "trajectory"); the last one needs a course to follow."""
    parts: list[Part] = []
    if "visualize" in wanted:
        parts.append(surface_part(size))
    if "hessian" in wanted:
        parts.append(Part("curvature", "Curvature and sharpness", report_of(size), ()))
    if "trajectory" in wanted and course is not None:
        parts += trajectory_parts(size, course)
    return parts


def surface_part(size: Size) -> Part:
    from landscape_gui.probes.surface import Surface

    question = Surface(steps=(size.steps, size.steps), limit=size.limit, seed=size.seed)
    shows = (("surface", "Loss surface", {"view": "3d"}), ("contours", "The same from above", {"view": "2d"}))
    return Part("surface", "Loss surface", question, shows)


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


def trajectory_parts(size: Size, course: Course) -> list[Part]:
    from landscape_gui.probes.dynamics import Dynamics
    from landscape_gui.probes.trajectory import Trajectory

    how = size.how
    path = Trajectory(steps=(size.path, size.path), limit=size.limit, seed=size.seed)
    dynamics = Dynamics(
        checkpoints=0 if not course.own else how.moments, most=max(how.products, 4), pairs=how.pairs,
        over="epoch" if course.own else "step",
        limit=size.limit, seed=size.seed,
    )  # fmt: skip
    names = ("Trajectory", "Training dynamics") if course.own else ("Trajectory of a copy", "Optimisation of a copy")
    pictures = ("The path of training", "Training dynamics") if course.own else ("The path of the copy", "Optimisation of the copy")
    shows: tuple[Mapping[str, Any], ...] = ({"view": "2d"}, {})
    return [
        Part(name, title, question, ((name, picture, look),), of=course.problem, words=course.words, own=course.own)
        for name, title, question, picture, look in zip(
            ("trajectory", "dynamics"), names, (path, dynamics), pictures, shows, strict=True
        )
    ]


def seconds_of(part: Part, costs: Costs, size: Size) -> float:
    """What it will take, 0 where it is known already; NaN where that cannot be told."""
    from landscape_gui.store import Store, key_of

    problem = part.of or costs.problem
    try:
        known = Store().path(key_of(part.question.completed(problem), problem.fingerprint)).exists()
    except LandscapeError:
        known = False
    return 0.0 if known else costs.seconds(part.name, size)


def estimate(parts: Sequence[Part], left: Remaining, costs: Costs, size: Size) -> list[str]:
    """What is about to be computed, a line each."""
    problem, known = costs.problem, costs.examples
    data = f"{min(size.limit or known, known):,} of {known:,} examples" if size.limit else f"{known:,} examples"
    lines = [f"{problem.title}: {problem.layout.parameters:,} parameters, {data} of {next(iter(problem.splits))}"]
    lines += [f"  {part.title}: {about(seconds)}" for part, seconds in zip(parts, left.estimates, strict=True)]
    return [*lines, f"  Figures and report: {about(drawing(parts))}"]


def drawing(parts: Sequence[Part]) -> float:
    """Seconds that the figures take."""
    return DRAWING * sum(len(part.shows) or 2 for part in parts)


def subset_words(costs: Costs, size: Size) -> tuple[str, ...]:
    """What a reader must know where not all examples count."""
    if not size.limit or size.limit >= costs.examples:
        return ()
    return (
        f"Surfaces, curvature and sharpness are of {size.limit:,} of {costs.examples:,} examples, drawn at random with seed "
        f"{size.seed}: on a subset the largest eigenvalue comes out too large.",
    )


# ---------------------------------------------------------------------------------------------------------------------- files


def write_part(part: Part, result: Result, folder: Path) -> Section:
    """Figures, tables and the answer of a part as files, and its section of the report."""
    from landscape_gui.export.report_page import Section

    pictures = tuple(
        picture_of(part, name, title, fields, result, folder, told=place > 0)
        for place, (name, title, fields) in enumerate(part.shows)
    )
    files = write_numbers(part, result, folder)
    table = table_of_part(result)
    seconds = result.provenance.seconds
    text = (part.words, type(part.question).summary + ".", f"Computed in {minutes(seconds)}." if seconds >= 1 else "")
    return Section(
        title=part.title,
        text=tuple(filter(None, text)),
        pictures=pictures,
        tables=(table,) if table is not None and part.table else (),
        notes=tuple(result.notes),
        meanings=meanings_of(result) if part.table else (),
        files=files,
    )


def meanings_of(result: Result) -> tuple[tuple[str, str], ...]:
    """What the numbers of a report are: convention, estimate, reading and source, as their texts say."""
    from landscape_gui.curvature_results import ReportResult
    from landscape_gui.export.report_page import capital

    if not isinstance(result, ReportResult):
        return ()
    return tuple((capital(n.label), n.help) for n in result.numbers.values() if n.help)


def table_of_part(result: Result) -> Table | None:
    """The numbers that stand in the report."""
    from landscape_gui.commands.analyze_table import course_table, report_table
    from landscape_gui.curvature_results import ReportResult
    from landscape_gui.dynamics_results import DynamicsResult
    from landscape_gui.export.report_page import table_of_answer

    if isinstance(result, ReportResult):
        return report_table(result)
    return course_table(result) if isinstance(result, DynamicsResult) else table_of_answer(result)


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
    return files | write_course(part, result, folder)


def write_course(part: Part, result: Result, folder: Path) -> dict[str, str]:
    """Of a course its numbers under the names of the scripting side, too."""
    from landscape_gui.commands.analyze_table import course_json
    from landscape_gui.dynamics_results import DynamicsResult
    from landscape_gui.export import write

    if not isinstance(result, DynamicsResult):
        return {}
    write(folder / TABLES / COURSE, course_json(result, own=part.own))
    return {COURSE: f"{TABLES}/{COURSE}"}
